"""What failed decides what people are told: the database is gone, has no room, or something is wrong with Luce."""

import pytest
from django.db import IntegrityError, InterfaceError, OperationalError

from webapp.errors import failure_page, status_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OperationalError("connection to server on socket failed: No such file or directory"), 503),
        (OperationalError("terminating connection due to administrator command"), 503),
        (OperationalError("database is locked"), 503),
        (InterfaceError("connection already closed"), 503),
        (OperationalError("database or disk is full"), 507),
        (OperationalError("disk I/O error"), 507),
        (OperationalError('could not extend file "base/5/1259": No space left on device'), 507),
        (OperationalError("no such table: labeling_project"), 500),
        (IntegrityError("UNIQUE constraint failed"), 500),
        (RuntimeError("disk is full, says somebody"), 500),
        (None, 500),
    ],
)
def test_a_failure_of_the_database_is_told_from_a_defect(error, status):
    assert status_of(error) == status


@pytest.mark.parametrize("status", [500, 503, 507])
def test_each_failure_has_a_page_that_asks_nothing_of_the_database(status):
    page = failure_page("So it is.", "abc123", status)
    assert page.status_code == status
    assert "abc123" in page.content.decode()
    assert ("So it is." in page.content.decode()) == (status != 500)
