"""What must be so when all is over, read from the site's own database in a process of its own."""

import json
from typing import Any

from tests.benchmarks.site import Site
from tests.faults.clients import Ledger

LOOK = """
import json
from django.db.models import Count, F, Q
from labeling.models import Assignment, Comparison, Judgment, Project
from tests.labeling.counted import assert_tallies_are_true
project = Project.objects.get(slug={slug!r})
assert_tallies_are_true(project)
of_project = Judgment.objects.filter(assignment__project=project)
held = Count("assignments", filter=Q(assignments__slot__isnull=False))
every = Comparison.objects.filter(project=project).annotate(held=held)
print(json.dumps(dict(
    judgments=list(of_project.values_list("assignment", "key", "pk")),
    not_exact=every.exclude(held=F("overlap"), judged=F("overlap"), live=F("overlap")).count(),
    too_many=every.filter(held__gt=F("overlap")).count(),
    surplus=Assignment.objects.filter(project=project, state="surplus").count(),
    leased=Assignment.objects.filter(project=project, state="leased").count(),
)))
"""


def look(here: Site, slug: str) -> dict[str, Any]:
    """The judgments of the project and what is not as it should be; the tallies are compared on the way."""
    return json.loads(here.manage(script=LOOK.format(slug=slug)))


def assert_nothing_was_lost(here: Site, slug: str, ledger: Ledger, all_done: bool = True) -> dict[str, Any]:
    """Every acknowledged judgment is there once and nothing else is; every overlap is exact; no lease is left."""
    found = look(here, slug)
    stored = sorted(map(tuple, found.pop("judgments")))
    assert stored == sorted(ledger.acknowledged), _difference(stored, ledger)
    assert found["too_many"] == 0, found
    if all_done:
        assert found["not_exact"] == found["leased"] == 0, found
    return {"judgments": len(stored), "surplus": found["surplus"]}


def _difference(stored: list[tuple[int, str, int]], ledger: Ledger) -> str:
    lost = sorted(set(ledger.acknowledged) - set(stored))
    unknown = sorted(set(stored) - set(ledger.acknowledged))
    return (
        f"{len(lost)} acknowledged are not there {lost[:5]}; {len(unknown)} there were not acknowledged {unknown[:5]}"
    )
