"""What two supervisors must not share: the folder of their data, and the port of their web server."""

import errno
import fcntl
import os
import shutil
import socket
import time
from pathlib import Path
from typing import IO

from webapp.supervisor.refusal import Refusal

SECONDS_FOR_LEFTOVERS = 20.0
PORT_FILE = "web_port"


def claim_folder(folder: Path, patience: float = SECONDS_FOR_LEFTOVERS) -> IO[str]:
    """Hold `folder/supervisor.lock` until the returned file is closed or the process ends, however it ends.

    The lock is the kernel's (flock), so no stale file can refuse a start. After a supervisor was killed its reaper
    holds the lock until the last child is gone: then we wait up to `patience` seconds for it.
    Raises Refusal if a supervisor that lives holds it.
    """
    file = (folder / "supervisor.lock").open("a+")
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip()
            if is_alive(owner) or time.monotonic() > end:
                file.close()
                raise Refusal(
                    f"Luce already runs here (process {owner or 'unknown'}, data in {folder}). Stop it with Ctrl-C in "
                    "its terminal first, or give this one another folder: LUCE_VAR=/path make demo PORT=8010"
                ) from None
            time.sleep(0.2)
    return file


def sign(lock: IO[str], pid: int) -> None:
    """Write who holds the lock, for the words of whoever comes second."""
    lock.seek(0)
    lock.truncate()
    lock.write(f"{pid}\n")
    lock.flush()


def is_alive(pid: str) -> bool:
    """Whether a process of this number runs."""
    if not pid.isdigit():
        return True
    try:
        os.kill(int(pid), 0)  # signal 0 asks and sends nothing
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def claim_port(port: int, host: str = "127.0.0.1") -> socket.socket:
    """A listening socket, which the web server inherits: the port stays ours while the server restarts.

    Raises Refusal if the port is taken, reserved or no port at all.
    """
    if not 0 < port < 65536:
        raise Refusal(f"{port} is no port; take one from 1024 to 65535: make demo PORT=8010")
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((host, port))
        server.listen(256)
    except OSError as error:
        server.close()
        if error.errno == errno.EADDRINUSE:
            raise Refusal(
                f"Port {port} is taken by another program. Choose another: make demo PORT={port + 10}"
            ) from None
        if error.errno == errno.EACCES:
            raise Refusal(f"Port {port} needs root. Choose one from 1024 up: make demo PORT=8010") from None
        raise
    server.set_inheritable(True)
    return server


def port_in(folder: Path, default: int = 8000) -> int:
    """The port of the site whose data lie in `folder`, as its supervisor left it there; `default` if none runs."""
    try:
        return int((folder / PORT_FILE).read_text())
    except (OSError, ValueError):
        return default


def require_room(folder: Path, needed: int) -> None:
    """Raise Refusal unless the disk of `folder` has `needed` bytes free."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Refusal(
            f"The disk of {folder} has {free / 1e9:.2f} GB free and {needed / 1e9:.1f} GB are needed. Make room, "
            "or set LUCE_VAR to a folder on another disk."
        )
