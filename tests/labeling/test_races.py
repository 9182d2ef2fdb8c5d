"""Many people at once: the race is first shown to happen, then that nothing lets it happen.

The shape is that of pretix's concurrency tests. Every worker is a process with its own connection, on the database
that the run uses: SQLite or PostgreSQL.
"""

import contextlib
import json
import multiprocessing
import os
import random
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import IntegrityError, connection, connections
from django.db.models import Count, Q
from django.utils import timezone

from labeling.actions.errors import ActionError
from labeling.actions.leases import free_expired_leases, release, skip
from labeling.actions.nothing import NothingLeft
from labeling.actions.projects import update_project
from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment
from labeling.models import Assignment, Comparison, Judgment, Project
from labeling.models.guards import LABELING_GUARDS, install_guards, remove_guards
from labeling.statements import changed
from tests.labeling.contended import after, contend, most_rounds
from tests.labeling.counted import assert_tallies_are_true

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 6
ROUNDS = int(os.environ.get("LUCE_RACE_ROUNDS") or 150)


def at_once(work: Callable[..., None], arguments: list[tuple[Any, ...]], seconds: float = 120) -> None:
    """Run `work` with each of the arguments, each in its own process, all released together; fail if one fails."""
    connections.close_all()  # a connection does not survive a fork
    fork = multiprocessing.get_context("fork")
    start, failures = fork.Barrier(len(arguments)), fork.SimpleQueue()
    workers = [fork.Process(target=_run, args=(start, failures, work, each)) for each in arguments]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(seconds)
    stuck = [worker for worker in workers if worker.is_alive()]
    for worker in stuck:
        worker.kill()
    assert failures.empty(), failures.get()
    assert not stuck, f"{len(stuck)} of {len(workers)} workers did not end within {seconds} s"


def _run(start: Any, failures: Any, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    try:
        start.wait()
        work(*arguments)
    except BaseException:
        failures.put(traceback.format_exc())
    finally:
        connections.close_all()


@pytest.fixture
def people(annotator):
    return [annotator(f"a{number}") for number in range(WORKERS)]


GUARDED_BY = {Assignment: "one_assignment_a_slot", Comparison: "comparison_live_within_overlap"}


@pytest.fixture
def nothing_guards_slots() -> Iterator[None]:
    """The database without what keeps slots different and below the overlap."""
    every = {model: model._meta.constraints for model in GUARDED_BY}
    dropped = {model: next(each for each in every[model] if each.name == name) for model, name in GUARDED_BY.items()}
    remove_guards(LABELING_GUARDS, "default")
    for model, constraint in dropped.items():
        # SQLite makes the table anew from what the model says, so the model must say it too.
        model._meta.constraints = [each for each in every[model] if each is not constraint]
        with connection.schema_editor() as schema:
            schema.remove_constraint(model, constraint)
    yield
    Assignment.objects.all().delete()
    Comparison.objects.update(live=0, judged=0)
    for model, constraint in dropped.items():
        model._meta.constraints = every[model]
        with connection.schema_editor() as schema:
            schema.add_constraint(model, constraint)
    install_guards(LABELING_GUARDS, "default")


def take_naively(comparison_ids: list[int], person_id: int) -> None:
    """Serving as it is usually written: count, and if there is room, insert."""
    for comparison_id in comparison_ids:
        comparison = Comparison.objects.get(pk=comparison_id)
        taken = comparison.assignments.filter(slot__isnull=False).count()
        if taken < comparison.overlap:
            time.sleep(0.002)  # the time a page takes to think
            with contextlib.suppress(IntegrityError):
                Assignment.objects.create(
                    project_id=comparison.project_id,
                    comparison=comparison,
                    annotator_id=person_id,
                    slot=taken,
                    state="judged",
                    shown=[0, 1],
                    expires=timezone.now(),
                )


def slots_above_overlap() -> int:
    """How many slots are held beyond what was asked for, over all comparisons."""
    held = Comparison.objects.annotate(held=Count("assignments", filter=Q(assignments__slot__isnull=False)))
    return sum(max(0, comparison.held - comparison.overlap) for comparison in held)


def test_without_the_constraints_counting_first_collects_too_much(people, compare, nothing_guards_slots):
    ids = [compare(f"What is {n} + {n}?", overlap=2).pk for n in range(20)]
    at_once(take_naively, [(ids, person.pk) for person in people])
    assert slots_above_overlap() > 0


def test_with_the_constraints_even_counting_first_cannot_collect_too_much(people, compare):
    ids = [compare(f"What is {n} + {n}?", overlap=2).pk for n in range(20)]
    at_once(take_naively, [(ids, person.pk) for person in people])
    assert slots_above_overlap() == 0


def count_without_looking(comparison_id: int, by: int, project: Project, even_closed: bool = False) -> Any:
    """What `leases.count_live` does, less its condition."""
    return changed(Comparison, f"live = live + ({by:d})", "id = %s", [comparison_id])


def rank_all(project_id: int, person_id: int) -> None:
    """Rank until there is nothing left for this person."""
    project, person = Project.objects.get(pk=project_id), get_user_model().objects.get(pk=person_id)
    while True:
        held = serve_next(person=person, project=project)
        if not isinstance(held, NothingLeft):
            submit_judgment(person=person, assignment_id=held.pk, key=f"k{held.pk}", ranks=[1, 2])
        elif held.reason != "all_leased":
            return


def test_the_queue_itself_collects_too_much_once_its_update_no_longer_asks_for_room(
    people, project, compare, nothing_guards_slots, monkeypatch
):
    monkeypatch.setattr("labeling.actions.leases.count_live", count_without_looking)
    monkeypatch.setattr("labeling.actions.serving.lock_first", list)  # on PostgreSQL it asks for room as well
    for n in range(20):
        compare(f"What is {n} + {n}?", overlap=2)
    at_once(rank_all, [(project.pk, person.pk) for person in people])
    assert slots_above_overlap() > 0


def test_the_queue_itself_never_collects_too_much_though_nothing_else_guards_slots(
    people, project, compare, nothing_guards_slots
):
    for n in range(20):
        compare(f"What is {n} + {n}?", overlap=2)
    at_once(rank_all, [(project.pk, person.pk) for person in people])
    assert slots_above_overlap() == 0
    assert Judgment.objects.count() == 2 * 20


def rank_restlessly(project_id: int, person_id: int, seed: int) -> None:
    """Rank until all is done; now and then skip, give back, or leave open until the lease ends."""
    chance = random.Random(seed)
    project = Project.objects.get(pk=project_id)
    person = get_user_model().objects.get(pk=person_id)
    while True:
        found = serve_next(person=person, project=project)
        if isinstance(found, NothingLeft):
            if found.reason == "all_done":
                return
            time.sleep(0.01)
            continue
        what = chance.random()
        if what < 0.1:
            release(person=person, assignment=found)
        elif what < 0.15:
            skip(person=person, assignment=found)
        else:
            if what < 0.3:
                Assignment.objects.filter(pk=found.pk).update(expires=timezone.now())
                free_expired_leases()
            submit_judgment(person=person, assignment_id=found.pk, key=f"k{found.pk}", ranks=[1, 2])


def test_people_who_rank_skip_and_leave_never_exceed_the_overlap_and_leave_nothing_behind(people, project, compare):
    update_project(project=project, overlap=3)
    for n in range(30):
        compare(f"What is {n} + {n}?")
    at_once(rank_restlessly, [(project.pk, person.pk, seed) for seed, person in enumerate(people)])
    counted = Comparison.objects.annotate(
        held=Count("assignments", filter=Q(assignments__slot__isnull=False)),
        filled=Count("assignments", filter=Q(assignments__state="judged")),
    )
    surplus = Assignment.objects.filter(state="surplus").count()
    skipped = Assignment.objects.filter(state="skipped").count()
    assert all(row.held == row.live == row.judged == row.filled <= row.overlap for row in counted)
    assert sum(row.judged for row in counted) >= 30 * 3 - skipped
    assert Judgment.objects.count() == Assignment.objects.filter(state="judged").count() + surplus
    assert_tallies_are_true(project)


def serve_once(project_id: int, person_id: int) -> None:
    project = Project.objects.get(pk=project_id)
    assert serve_next(person=get_user_model().objects.get(pk=person_id), project=project)


def test_two_tabs_of_one_person_are_served_the_same_comparison(people, project, compare):
    for n in range(10):
        compare(f"What is {n} + {n}?")
    at_once(serve_once, [(project.pk, people[0].pk)] * WORKERS)
    assert Assignment.objects.count() == 1


def submit_once(assignment_id: int, person_id: int, key: str) -> None:
    person = get_user_model().objects.get(pk=person_id)
    try:
        submit_judgment(person=person, assignment_id=assignment_id, key=key, ranks=[1, 2])
    except ActionError as error:
        assert error.code == "conflict", error  # noqa: PT017 - another key won


@pytest.mark.parametrize("same_key", [True, False])
def test_a_double_click_stores_one_judgment(people, project, compare, same_key):
    compare("How do I brew tea?")
    held = serve_next(person=people[0], project=project)
    keys = ["k" if same_key else f"k{number}" for number in range(WORKERS)]
    at_once(submit_once, [(held.pk, people[0].pk, key) for key in keys])
    assert Judgment.objects.count() == 1


def import_comparisons(project: Project, number: int, folder: Path) -> None:
    """So many comparisons, quickly; each wants two judgments."""
    path = folder / "many.jsonl"
    lines = ({"prompt": f"What is {n} + {n}?", "completions": [f"{2 * n}", f"{n}{n}"]} for n in range(number))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    call_command("import_prompts", project.slug, str(path), verbosity=0)


def test_in_rounds_where_all_want_the_same_at_once_nothing_doubles(people, project, tmp_path, capsys):
    import_comparisons(project, 2 * most_rounds(ROUNDS), tmp_path)
    found = contend(project, people[:3], ROUNDS)
    with capsys.disabled():
        if os.environ.get("LUCE_RACE_ROUNDS"):
            print(json.dumps({"database": connection.vendor, **found}))
    assert found["contended"] == ROUNDS
    assert found["judgments"] == 3 * found["rounds"]
    assert found["double"] == found["too_many"] == found["stuck"] == 0


def rank_by_a_clock_that_jumps(project_id: int, person_id: int, seed: int) -> None:
    """This process's clock is set anew before every step, by up to five hours either way."""
    chance, true_now = random.Random(seed), timezone.now
    ahead = timedelta()
    timezone.now = lambda: true_now() + ahead
    project, person = Project.objects.get(pk=project_id), get_user_model().objects.get(pk=person_id)
    for _ in range(40):
        ahead = timedelta(hours=chance.uniform(-5, 5))
        found = serve_next(person=person, project=project)
        if isinstance(found, NothingLeft):
            continue
        ahead = timedelta(hours=chance.uniform(-5, 5))
        free_expired_leases()
        if chance.random() < 0.8:  # else it stays open, with an end that may be hours away
            submit_judgment(person=person, assignment_id=found.pk, key=f"k{found.pk}", ranks=[1, 2])


def test_with_clocks_that_jump_nothing_doubles_and_no_lease_outlives_the_farthest_of_them(people, project, compare):
    for n in range(40):
        compare(f"What is {n} + {n}?")
    at_once(rank_by_a_clock_that_jumps, [(project.pk, person.pk, seed) for seed, person in enumerate(people)])
    free_expired_leases(now=timezone.now() + timedelta(hours=6))
    left = after(project)
    assert left["double"] == left["too_many"] == left["stuck"] == 0
    for person in people:  # what is left is served
        while not isinstance(found := serve_next(person=person, project=project), NothingLeft):
            submit_judgment(person=person, assignment_id=found.pk, key=f"k{found.pk}", ranks=[1, 2])
    assert not Comparison.objects.exclude(judged=2).exists()
