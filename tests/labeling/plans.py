"""How the databases would answer a query of tables far larger than a test can make."""

from django.db import connection

LARGE = ("labeling_comparison", "labeling_assignment", "labeling_judgment")


def take_for_large() -> None:
    """For the rest of the transaction PostgreSQL plans as if these tables held a million rows a page, like those that
    are there now.

    It plans by the size of a table and by what it counted last, which in a test is next to nothing, or another test's
    rows. SQLite plans without counts, the same for ten rows and ten million.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        of = "(SELECT oid FROM pg_class WHERE relname = ANY(%s))"
        for table in LARGE:
            cursor.execute(f"ANALYZE {table}")
        cursor.execute(
            "UPDATE pg_class SET relpages = 1, reltuples = 1e6 WHERE relname = ANY(%s) "
            f"OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid IN {of})",
            [list(LARGE), list(LARGE)],
        )
