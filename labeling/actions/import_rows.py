"""Many rows of one table at once, past Django's instances and query trees: those took most of an import's time."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import JSONField, Model

from labeling.queries.chunks import parts

ROWS_A_STATEMENT = 200


def insert_rows(model: type[Model], fields: Sequence[str], rows: Iterable[Sequence[Any]], **same: Any) -> None:
    """Insert `rows`, each with its values in the order of `fields`; one that is there already is left as it is.

    Values are numbers, texts and None, of a JSONField what JSON can say. `same` names fields that are alike in all
    rows; fields named nowhere take the model's defaults. Only the database checks the values. Its answer holds no
    ids: neither database gives those of rows that were there.
    """
    varying = [model._meta.get_field(name) for name in fields]
    alike = [field for field in model._meta.concrete_fields if not field.primary_key and field not in varying]
    blank = model(**same)
    constants = [field.get_db_prep_save(field.pre_save(blank, add=True), connection) for field in alike]
    in_json = [(place, field) for place, field in enumerate(varying) if isinstance(field, JSONField)]

    def values(row: Sequence[Any]) -> list[Any]:
        made = [*row, *constants]
        for place, field in in_json:
            made[place] = field.get_db_prep_save(made[place], connection)
        return made

    columns = [_quoted(field.column) for field in varying + alike]
    into = f"INSERT INTO {_quoted(model._meta.db_table)} ({', '.join(columns)}) VALUES "  # noqa: S608 - our own tables
    row = f"({_places(columns)})"
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":  # it prepares the statement once for all rows
            cursor.executemany(f"{into}{row} ON CONFLICT DO NOTHING", map(values, rows))
            return
        for part in _some(map(values, rows), ROWS_A_STATEMENT):
            statement = f"{into}{', '.join([row] * len(part))} ON CONFLICT DO NOTHING"
            cursor.execute(statement, [value for each in part for value in each])


def find_rows(
    model: type[Model], fields: Sequence[str], key: str, keys: Iterable[int | str], **same: int | str
) -> Iterator[tuple[Any, ...]]:
    """The values of `fields` in the rows whose `key` is one of `keys` and whose fields `same` are as given.

    All of these are numbers and texts, which come as the database has them.
    """
    column = {name: _quoted(model._meta.get_field(name).column) for name in (*fields, key, *same)}
    narrowed = "".join(f"{column[name]} = %s AND " for name in same)
    for part in parts(keys):
        statement = (
            f"SELECT {', '.join(column[name] for name in fields)} "  # noqa: S608 - names of our own tables
            f"FROM {_quoted(model._meta.db_table)} WHERE {narrowed}{column[key]} IN ({_places(part)})"
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, [*same.values(), *part])
            yield from cursor.fetchall()


def count_anew(*models: type[Model]) -> None:
    """Let PostgreSQL count what is in the tables: it plans by what it counted last, and in a transaction that fills
    them nobody else does. SQLite plans without counts."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for model in models:
                cursor.execute(f"ANALYZE {_quoted(model._meta.db_table)}")


def _some(rows: Iterable[list[Any]], number: int) -> Iterator[list[list[Any]]]:
    rest = iter(rows)
    while part := list(islice(rest, number)):
        yield part


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _places(values: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(values))
