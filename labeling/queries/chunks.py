"""Reading long tables in constant memory, and asking for many rows by key."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Model, QuerySet

QUERY_KEYS = 400


def in_chunks(rows: QuerySet[Any], size: int = 500) -> Iterator[list[Model]]:
    """All rows by ascending primary key, `size` at a time, with their prefetches.

    Each chunk is its own query from where the last one ended, so nothing is kept open while the reader is slow.
    """
    rows, last = rows.order_by("pk"), 0
    while chunk := list(rows.filter(pk__gt=last)[:size]):
        yield chunk
        last = chunk[-1].pk


def parts(keys: Iterable[Any], size: int = QUERY_KEYS) -> Iterator[list[Any]]:
    """The distinct keys, `size` at a time, so that no query carries more parameters than SQLite takes."""
    rest = list(dict.fromkeys(keys))
    for start in range(0, len(rest), size):
        yield rest[start : start + size]
