"""SQL written out, for what every ranking costs.

Django builds each query anew, which took nine tenths of the time of a ranking. What is said here is plain and means the
same to SQLite and PostgreSQL; rows still come as models, with Django's own conversions. Everything else uses the ORM.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

M = TypeVar("M", bound=Model)


@cache
def table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


@dataclass(frozen=True)
class _Columns:
    """The columns of a model as Django reads them, worked out once instead of with every query."""

    names: list[str]
    sql: str
    converters: list[tuple[int, Any, list[Any]]]

    def converted(self, row: Sequence[Any], database: Any) -> list[Any]:
        values = list(row)
        for place, column, convert in self.converters:
            for each in convert:
                values[place] = each(values[place], column, database)
        return values


@cache
def _columns(model: type[Model]) -> _Columns:
    fields = model._meta.concrete_fields
    converters = []
    for place, field in enumerate(fields):
        column = field.get_col(model._meta.db_table)
        convert = connection.ops.get_db_converters(column) + column.get_db_converters(connection)
        if convert:
            converters.append((place, column, convert))
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    return _Columns([field.attname for field in fields], columns, converters)


def find(model: type[M], where: str, values: Sequence[Any], lock: bool = False) -> list[M]:
    """The rows of one table that satisfy `where`, as models; locked against other writers if `lock`."""
    columns = _columns(model)
    locking = " FOR NO KEY UPDATE" if lock and connection.features.has_select_for_no_key_update else ""
    return _models(model, f"SELECT {columns.sql} FROM {table(model)} WHERE {where}{locking}", values)  # noqa: S608


def _models(model: type[M], sql: str, values: Sequence[Any]) -> list[M]:
    """What an SQL statement answers, being all columns of the model."""
    columns = _columns(model)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        database = cursor.db  # the connection itself: the proxy finds it anew each time
        return [
            model.from_db(database.alias, columns.names, columns.converted(row, database)) for row in cursor.fetchall()
        ]


def find_one(model: type[M], where: str, values: Sequence[Any], lock: bool = False) -> M | None:
    found = find(model, where, values, lock)
    return found[0] if found else None


def change(model: type[Model], what: str, where: str, values: Sequence[Any]) -> int:
    """UPDATE; how many rows were changed."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table(model)} SET {what} WHERE {where}", values)  # noqa: S608
        return int(cursor.rowcount)


def changed(model: type[M], what: str, where: str, values: Sequence[Any]) -> M | None:
    """UPDATE of at most one row; the row as it is now, or None when there was none."""
    update = f"UPDATE {table(model)} SET {what} WHERE {where} RETURNING {_columns(model).sql}"  # noqa: S608
    found = _models(model, update, values)
    return found[0] if found else None


def add(model: type[Model], fields: dict[str, Any]) -> int:
    """INSERT; the id of the new row. `fields` by column, values as `stored` gives them."""
    with connection.cursor() as cursor:
        cursor.execute(_insert(model, tuple(fields)), [stored(value) for value in fields.values()])
        return int(cursor.fetchone()[0])


@cache
def _insert(model: type[Model], names: tuple[str, ...]) -> str:
    columns = ", ".join(connection.ops.quote_name(name) for name in names)
    places = ", ".join(["%s"] * len(names))
    return f"INSERT INTO {table(model)} ({columns}) VALUES ({places}) RETURNING id"  # noqa: S608


def rows(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


@contextmanager
def on_disk() -> Iterator[None]:
    """The transaction inside has reached the disk when this ends, not only the operating system.

    PostgreSQL does so always, SQLite here for what people said; a lease that a power cut takes away harms nobody.
    """
    yield
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        connection.wait_for_disk()  # of webapp/databases/sqlite3


def stored(value: Any) -> Any:
    """A value as the database takes it: moments by its own rules, lists as JSON."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, (list, dict)):
        return json.dumps(value)
    return value
