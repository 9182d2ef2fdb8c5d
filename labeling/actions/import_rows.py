"""Many rows of one table at once, without a model instance for each: those took most of an import's time."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Model

PLAIN = (int, str, type(None))


def insert_rows(model: type[Model], fields: Sequence[str], rows: Iterable[Sequence[Any]], **same: Any) -> None:
    """Insert `rows`, each with its values in the order of `fields`; one that is there already is left as it is.

    `same` names fields that are alike in all rows; fields named nowhere take the model's defaults. Only the database
    checks the values. Its answer holds no ids: neither database gives those of rows that were there.
    """
    varying = [model._meta.get_field(name) for name in fields]
    alike = [field for field in model._meta.concrete_fields if not field.primary_key and field not in varying]
    blank = model(**same)
    constants = [field.get_db_prep_save(field.pre_save(blank, add=True), connection) for field in alike]

    def values(row: Sequence[Any]) -> list[Any]:
        prepared = [
            value if type(value) in PLAIN else field.get_db_prep_save(value, connection)
            for field, value in zip(varying, row, strict=True)
        ]
        return prepared + constants

    quote = connection.ops.quote_name
    columns = [quote(field.column) for field in varying + alike]
    statement = (
        f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(columns)}) "  # noqa: S608 - names of our own tables
        f"VALUES ({', '.join(['%s'] * len(columns))}) ON CONFLICT DO NOTHING"
    )
    with connection.cursor() as cursor:
        cursor.executemany(statement, map(values, rows))
