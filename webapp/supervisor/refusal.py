"""What is wrong with the machine, in one line that says what to do about it."""

import errno
import sqlite3

from django.conf import settings
from django.db import DatabaseError


class Refusal(Exception):
    """The supervisor cannot go on. Its text is one line and goes to the terminal without a traceback."""


def as_refusal(error: BaseException) -> Refusal | None:
    """The refusal that an exception out of a library amounts to; None if it is a defect that needs its traceback."""
    if isinstance(error, Refusal):
        return error
    words = str(error).strip().splitlines()[-1:] or [""]
    if (isinstance(error, OSError) and error.errno == errno.ENOSPC) or "disk is full" in words[0]:
        return Refusal("The disk is full. Make room, then start again; what was stored is safe.")
    if (isinstance(error, OSError) and error.errno == errno.EROFS) or "readonly database" in words[0]:
        where = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
        return Refusal(
            f"The disk of the data folder may only be read{where}. Set LUCE_VAR to a folder that takes data."
        )
    if isinstance(error, PermissionError):
        return Refusal(f"May not write {error.filename}. Make it yours, or set LUCE_VAR to a folder that is.")
    if isinstance(error, (DatabaseError, sqlite3.Error)):
        if settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
            return Refusal(_postgres(str(error)))
        return Refusal(f"The database does not answer as it should: {words[0]} (DATABASE_URL chooses the database).")
    return None


def _postgres(said: str) -> str:
    """Which PostgreSQL it is, why it cannot be used, and what to do. libpq says the reason after the last "failed:"
    of a line; what follows on further lines is advice."""
    database = settings.DATABASES["default"]
    host = database.get("HOST") or database.get("OPTIONS", {}).get("host") or "this machine"
    port, name = database.get("PORT") or 5432, database["NAME"]
    reasons = [line.rpartition("failed:")[2] for line in said.splitlines() if "failed:" in line] or [said]
    why = " ".join(reasons[-1].split()).rstrip(".")
    return (
        f'The database "{name}" of PostgreSQL at {host}, port {port}, cannot be used: {why}. '
        "See that it runs and lets us in, or change DATABASE_URL; without one Luce uses SQLite."
    )
