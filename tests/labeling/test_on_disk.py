"""What was acknowledged has reached the disk; leases need not have."""

import pytest
from django.db import connection

from labeling.actions.serving import serve_next
from labeling.actions.submitting import amend_judgment, submit_judgment

pytestmark = pytest.mark.django_db(transaction=True)
NORMAL, FULL = 1, 2


def test_postgresql_waits_for_the_disk_with_every_commit(db):
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone() == ("on",)


def test_a_submit_waits_for_the_disk_and_a_lease_does_not(annotator, project, compare):
    if connection.vendor != "sqlite":
        return  # the test above speaks for PostgreSQL
    compare("How do I brew tea?")
    ann = annotator("ann")
    levels = []

    def watch(execute, sql, params, many, context):
        answer = execute(sql, params, many, context)
        if sql.startswith("INSERT"):
            level = connection.connection.execute("PRAGMA synchronous").fetchone()[0]
            levels.append((sql.split('"')[1], level))
        return answer

    with connection.execute_wrapper(watch):
        held = serve_next(person=ann, project=project)
        submit_judgment(person=ann, assignment_id=held.pk, key="k", ranks=[1, 2])
        amend_judgment(person=ann, assignment_id=held.pk, key="k2", ranks=[2, 1])
    wanted = [("labeling_assignment", NORMAL), ("labeling_judgment", FULL), ("labeling_judgment", FULL)]
    assert [each for each in levels if each[0] in dict(wanted)] == wanted
