"""What says how far a project is reads kept counts: no query of it looks through comparisons, assignments or judgments.

The plans are asked of the database itself. Whatever it reads of the three tables, it must find by equality on a key
that stands for few rows: a row's own id, one person's items, one comparison's, one lane's head. A project's own id
alone is no such key: with it a query reads everything the project has.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labeling.actions.nothing import NothingLeft
from labeling.actions.notices import tell_lead
from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment
from labeling.pages.people import members_of
from labeling.queries.notices import count_open
from labeling.queries.progress import median_seconds, people_progress, project_progress
from tests.labeling.plans import LARGE, take_for_large
from webapp.home import projects_of

pytestmark = pytest.mark.django_db

KEYS = {"id", "annotator_id", "assignment_id", "comparison_id", "latest_id", "lane_id"}


@pytest.fixture
def busy(project, annotator, compare):
    """A project with people who have ranked, hold something, and flagged something."""
    for number in range(12):
        compare(f"Question {number}?", overlap=3)
    for name in ("ann", "ben", "cat"):
        someone = annotator(name)
        for _ in range(5):
            work = serve_next(person=someone, project=project)
            assert not isinstance(work, NothingLeft)
            submit_judgment(person=someone, assignment_id=work.pk, key="k", ranks=[1, 2], active_seconds=9)
        serve_next(person=someone, project=project)
    tell_lead(project, "flagged", "Odd.", comparison=work.comparison)
    return project


def page(address: str, person: Any) -> Callable[[], Any]:
    client = Client()
    client.force_login(person)
    return lambda: client.get(address)


def queries(read: Callable[[], Any]) -> list[str]:
    """The SELECTs that it makes of the large tables."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        read()
    selects = [each["sql"] for each in captured.captured_queries if each["sql"].lstrip().upper().startswith("SELECT")]
    return [sql for sql in selects if any(re.search(rf"\b{table}\b", sql) for table in LARGE)]


def scans(sql: str) -> list[str]:
    """What the plan of a query reads of the large tables otherwise than by equality on a key."""
    return _scans_of_sqlite(sql) if connection.vendor == "sqlite" else _scans_of_postgres(sql)


def _scans_of_sqlite(sql: str) -> list[str]:
    aliases = _aliases(sql)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        steps = [row[-1] for row in cursor.fetchall()]
    found = []
    for step in steps:
        words = step.split()
        if words[0] in ("SCAN", "SEARCH") and aliases.get(words[1]) in LARGE:
            keys = set(re.findall(r"(\w+)=\?", step))
            if words[0] == "SCAN" or not (keys & KEYS or "rowid" in keys):
                found.append(step)
    return found


def _scans_of_postgres(sql: str) -> list[str]:
    take_for_large()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        [[[plan]]] = cursor.fetchall()
    return [str(node)[:300] for node in _nodes(plan["Plan"]) if _reads_too_much(node)]


def _nodes(node: dict[str, Any]) -> list[dict[str, Any]]:
    below = [found for child in node.get("Plans", []) for found in _nodes(child)]
    return [node | {"below": below}, *below]


def _reads_too_much(node: dict[str, Any]) -> bool:
    if node.get("Relation Name") not in LARGE:
        return False
    conditions = [node.get("Index Cond", ""), *(child.get("Index Cond", "") for child in node["below"])]
    return not any(set(re.findall(r"(\w+) = ", condition)) & KEYS for condition in conditions)


def _aliases(sql: str) -> dict[str, str]:
    named = re.findall(
        r'(?:FROM|JOIN)\s+"?(labeling_\w+)"?(?:\s+(?:AS\s+)?"?((?!WHERE|ON|INNER|LEFT|ORDER)\w+)"?)?', sql
    )
    return {alias or table: table for table, alias in named} | {table: table for table, _ in named}


READS: dict[str, Callable[[Any, Any], Callable[[], Any]]] = {
    "project_progress": lambda project, lead: lambda: project_progress(project),
    "people_progress": lambda project, lead: lambda: people_progress(project),
    "the people's table": lambda project, lead: lambda: members_of(project),
    "the median of a ranking": lambda project, lead: lambda: median_seconds(project),
    "the badge of what waits": lambda project, lead: lambda: count_open(project),
    "the list of projects": lambda project, lead: lambda: projects_of(lead),
    "the page of people": lambda project, lead: page(reverse("people", args=["tea"]), lead),
    "the page of notices": lambda project, lead: page(reverse("notices", args=["tea"]), lead),
    "the part of the overview that moves": lambda project, lead: page(reverse("project-live", args=["tea"]), lead),
    "the overview": lambda project, lead: page(reverse("project", args=["tea"]), lead),
    "the home page": lambda project, lead: page("/", lead),
    "the rank page": lambda project, lead: page(
        reverse("rank", args=["tea"]), get_user_model().objects.get(username="ann")
    ),
}


@pytest.mark.parametrize("name", READS)
def test_no_query_looks_through_a_large_table(name, busy, lead):
    read = READS[name](busy, lead)
    read()  # what is made on the first visit is there afterwards
    found = {sql: scans(sql) for sql in queries(read)}
    assert not any(found.values()), {sql: steps for sql, steps in found.items() if steps}


@pytest.mark.parametrize("name", ["project_progress", "people_progress"])
def test_progress_does_not_touch_the_large_tables_at_all(name, busy, lead):
    assert queries(READS[name](busy, lead)) == []


@pytest.mark.parametrize(
    "counting",
    [
        lambda project: project.comparisons.count(),
        lambda project: project.assignments.filter(state="judged").count(),
        lambda project: list(project.comparisons.filter(judged__gt=0)),
    ],
)
def test_the_check_itself_sees_a_count_that_scans(counting, busy):
    [sql] = queries(lambda: counting(busy))
    assert scans(sql)
