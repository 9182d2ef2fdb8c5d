"""Django's SQLite backend with some things added.

Those who want to write wait in turn.

SQLite lets one connection write at a time. Whoever finds it busy sleeps 1, 2, 5, 10 … 100 ms before looking again, so
that with eight writers most of the time is slept and some wait half a second. Here a transaction first takes its turn:
a lock of the process among its threads, then a lock on a file among processes, looked at every half millisecond by one
thread a process. A process that dies leaves both; nothing depends on the turn but time, for SQLite's own lock stays.

And who must know that a commit has reached the disk can wait for it (`wait_for_disk`) after the turn has passed on:
with `synchronous=FULL` SQLite would wait in the middle of it, while all others wait for their turn.

And a statement that was asked before is not translated to SQLite's placeholders again: a tenth of a ranking's time.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

LOOK_AGAIN = 0.0005
LONG = 3000  # longer statements hold many places, and seldom as many again
_sync = getattr(os, "fdatasync", os.fsync)


class Turn:
    """The right to write to one database file. One a process; its threads pass it on."""

    _all: dict[str, "Turn"] = {}
    _making = threading.Lock()

    def __init__(self, path: str) -> None:
        self.path = path
        self._among_threads = threading.Lock()
        self._file: int | None = None

    @classmethod
    def of(cls, database: str) -> "Turn":
        with cls._making:
            return cls._all.setdefault(database, cls(f"{database}-turn"))

    def take(self, patience: float) -> bool:
        """Whether it was taken within `patience` seconds."""
        end = time.monotonic() + patience
        if not self._among_threads.acquire(timeout=patience):
            return False
        try:
            if self._file is None:
                self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            while not _locked(self._file):
                if time.monotonic() > end:
                    self._among_threads.release()
                    return False
                time.sleep(LOOK_AGAIN)
        except OSError:  # a folder that cannot be written to, or no such locks there: SQLite's own lock must do
            self._among_threads.release()
            return False
        return True

    def give(self) -> None:
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._among_threads.release()


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _forget_turns() -> None:
    """A forked process shares its parent's files, and with them its locks: it must open its own."""
    Turn._all.clear()


os.register_at_fork(after_in_child=_forget_turns)


@lru_cache(maxsize=500)
def _translated(query: str) -> str:
    return str(base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%"))


class Cursor(base.SQLiteCursorWrapper):
    def convert_query(self, query: str, *, param_names: Any = None) -> str:
        if param_names is None and len(query) < LONG:
            return _translated(query)
        return str(super().convert_query(query, param_names=param_names))


class DatabaseWrapper(base.DatabaseWrapper):
    """Takes the turn before BEGIN and gives it back after COMMIT, ROLLBACK or close."""

    _turn: Turn | None = None
    _log: int | None = None
    _put_off = _due = False

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """SQLite makes the file readable to all, and what lies beside it like it. It holds tokens and passwords'
        hashes, so it is made here, its owner's alone."""
        if not self.is_in_memory_db():
            with suppress(OSError):  # it is there, or SQLite says what is wrong
                os.close(os.open(conn_params["database"], os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        return super().get_new_connection(conn_params)

    def create_cursor(self, name: str | None = None) -> Cursor:
        return self.connection.cursor(factory=Cursor)

    def wait_for_disk(self) -> None:
        """Until all that was committed so far is on the disk, not only with the operating system; inside of
        `disk_put_off`, at its end.

        Committed changes are in the write-ahead log until a checkpoint has brought the log and then the database to the
        disk (`synchronous=NORMAL` and above), so it is enough to sync the log. It is there while anybody is connected.
        Raises OperationalError when the disk fails.
        """
        if self.is_in_memory_db():
            return
        if self._put_off:
            self._due = True
            return
        try:
            if self._log is None:
                self._log = os.open(f"{self.settings_dict['NAME']}-wal", os.O_RDONLY | os.O_CLOEXEC)
            _sync(self._log)
        except FileNotFoundError:  # no such log on that file system: every commit has synced its journal
            return
        except OSError as error:
            raise OperationalError(f"the disk does not keep what was written: {error.strerror}") from error
        finally:
            if self.connection is None:  # closed meanwhile: by the next time it may be another log
                self._close_log()

    @contextmanager
    def disk_put_off(self) -> Iterator[None]:
        """Who must know that something reached the disk waits at the end of this instead, once. Not to be nested."""
        self._put_off, self._due = True, False
        try:
            yield
        finally:
            self._put_off = False
            if self._due:
                self.wait_for_disk()

    def _start_transaction_under_autocommit(self) -> None:
        if self._turn is None and not self.is_in_memory_db():
            turn = Turn.of(str(self.settings_dict["NAME"]))
            if turn.take(float(self.settings_dict["OPTIONS"].get("timeout", 5))):
                self._turn = turn
        try:
            super()._start_transaction_under_autocommit()
        except BaseException:
            self._give_turn()
            raise

    def _commit(self) -> Any:
        try:
            return super()._commit()
        finally:
            if not self._in_transaction():
                self._give_turn()

    def _rollback(self) -> Any:
        try:
            return super()._rollback()
        finally:
            self._give_turn()

    def _close(self) -> Any:
        self._close_log()
        try:
            return super()._close()
        finally:
            self._give_turn()

    def _close_log(self) -> None:
        log, self._log = self._log, None
        if log is not None:
            os.close(log)

    def _in_transaction(self) -> bool:
        """After a COMMIT that failed the transaction is still open; the ROLLBACK that follows ends it."""
        return self.connection is not None and self.connection.in_transaction

    def _give_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.give()
