"""A site of an earlier version is brought over with everything in it."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from labeling.models import Project
from labeling.models.guards import LABELING_GUARDS, install_guards, remove_all_guards
from tests.labeling.counted import assert_tallies_are_true

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = "0002_sampling_is_checked"


@pytest.fixture
def before():
    """The models as they were, on a database as it was; brought back to the newest when the test is over."""
    call_command("migrate", "labeling", BEFORE, verbosity=0)
    remove_all_guards("default")  # those of today name what was not there then
    yield MigrationExecutor(connection).loader.project_state([("labeling", BEFORE)]).apps
    call_command("migrate", verbosity=0)


def test_queue_counts_and_leases_of_an_earlier_version_come_over(before):
    get = lambda name: before.get_model("labeling", name).objects  # noqa: E731
    person = before.get_model("accounts", "User").objects.create(username="ann")
    project = get("Project").create(slug="tea", name="Tea", overlap=1)
    moment = timezone.now()
    comparisons = []
    for number in range(4):
        prompt = get("Prompt").create(project=project, messages=[], content_hash=f"p{number}")
        comparison = get("Comparison").create(
            project=project, prompt=prompt, k=2, overlap=1, content_hash=f"c{number}", priority=2**31 - 1 - number
        )
        for position in range(2):
            text = f"text {position}"
            completion = get("Completion").create(prompt=prompt, text=text, content_hash=text)
            get("Candidate").create(comparison=comparison, completion=completion, position=position)
        comparisons.append(comparison)
    states = ["judged", "leased", "leased", "skipped"]
    for comparison, state in zip(comparisons, states, strict=True):
        slot = None if state == "skipped" else 0
        assignment = get("Assignment").create(
            comparison=comparison,
            annotator=person,
            state=state,
            slot=slot,
            shown=[0, 1],
            expires=moment + timedelta(hours=1),
        )
        get("Comparison").filter(pk=comparison.pk).update(live=int(slot is not None))
        if state == "judged":
            judgment = get("Judgment").create(
                assignment=assignment, ranks=[1, 2], key="k", active_seconds=7, created=moment
            )
            get("Assignment").filter(pk=assignment.pk).update(latest=judgment)
    install_guards([guard for guard in LABELING_GUARDS if guard.name == "guard_candidate_of_prompt"], "default")
    call_command("migrate", verbosity=0)
    now = Project.objects.get()
    assert_tallies_are_true(now)
    assert list(now.assignments.order_by("pk").values_list("state", flat=True)) == [
        *("judged", "leased", "expired", "skipped"),
    ], "one lease a person: the older stays"
    assert now.person_tallies.get().active_seconds == 7
