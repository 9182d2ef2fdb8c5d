"""Rounds in which all want the same at the same moment, and what must be so after them."""

import multiprocessing
import os
import time
import traceback
from itertools import pairwise
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connections
from django.db.models import Count, F, Q
from django.utils import timezone

from labeling.actions.leases import free_expired_leases
from labeling.actions.nothing import NothingLeft
from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment
from labeling.models import Assignment, Comparison, Judgment, Project
from tests.labeling.counted import assert_tallies_are_true

SEATS = 4  # three people; the first has two tabs open
PATIENCE = 60


def contend(project: Project, people: list[Any], wanted: int) -> dict[str, Any]:
    """Play rounds with a process a seat until `wanted` of them were contended. How many, and what they left behind.

    Contended: at least two seats were asking at the same time. In each round all ask for the next comparison at one
    moment, then all submit at one moment. The first person does both from two tabs with one key. The second lets the
    lease end just before; the third frees ended leases just then.
    """
    seats = [people[0], people[0], people[1], people[2]]
    connections.close_all()  # a connection does not survive a fork
    fork = multiprocessing.get_context("fork")
    start = time.monotonic()
    barrier, failures = fork.Barrier(SEATS), fork.SimpleQueue()
    # when each seat began and ended to ask in each round; memory that the processes share
    times = fork.Array("d", most_rounds(wanted) * SEATS * 2, lock=False)
    arguments = [(project.pk, person.pk, seat, wanted, barrier, times) for seat, person in enumerate(seats)]
    workers = [fork.Process(target=_guarded, args=(failures, barrier, each)) for each in arguments]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(1200)
    for worker in workers:
        worker.kill()
    assert failures.empty(), failures.get()
    played = [number for number in range(most_rounds(wanted)) if times[number * SEATS * 2]]
    found = {"rounds": len(played), "contended": sum(_contended(times, number) for number in played)}
    return found | {"seconds": round(time.monotonic() - start, 1)} | after(project)


def most_rounds(wanted: int) -> int:
    """On a busy machine the seats often run one after the other, and such a round does not count."""
    return 4 * wanted


def _guarded(failures: Any, barrier: Any, arguments: tuple[Any, ...]) -> None:
    try:
        _play(*arguments)
    except BaseException:
        failures.put(traceback.format_exc())
        barrier.abort()
    finally:
        connections.close_all()
        failures.close()
        os._exit(0)  # nothing of the run that was forked is to end here


def _play(project_id: int, person_id: int, seat: int, wanted: int, barrier: Any, times: Any) -> None:
    project = Project.objects.get(pk=project_id)
    person = get_user_model().objects.get(pk=person_id)
    contended = 0
    for number in range(most_rounds(wanted)):
        barrier.wait(PATIENCE)
        _wait_for_the_tick()
        at = (number * SEATS + seat) * 2
        times[at] = time.monotonic()
        held = serve_next(person=person, project=project)
        times[at + 1] = time.monotonic()
        assert not isinstance(held, NothingLeft), held
        if seat == 2:
            Assignment.objects.filter(pk=held.pk).update(expires=timezone.now())
        barrier.wait(PATIENCE)
        if seat == 3:
            free_expired_leases(project=project)
        submit_judgment(person=person, assignment_id=held.pk, key=f"k{number}", ranks=[1, 2])
        contended += _contended(times, number)  # every seat counts the same: all have asked
        if contended == wanted:
            return


def _wait_for_the_tick() -> None:
    """Until the next but one hundredth of a second, awake at the end: a barrier lets its seats go one by one, and one
    who was let go first would be served before the last is awake."""
    tick = (int(time.monotonic() * 100) + 2) / 100
    time.sleep(tick - time.monotonic() - 0.002)
    while time.monotonic() < tick:
        pass


def _contended(times: Any, number: int) -> bool:
    """Whether two seats asked at the same time in this round."""
    spans = sorted((times[at], times[at + 1]) for at in range(number * SEATS * 2, (number + 1) * SEATS * 2, 2))
    return any(later[0] < earlier[1] for earlier, later in pairwise(spans))


def after(project: Project) -> dict[str, int]:
    """What is too much or missing, counted; all of it must be 0 but the judgments."""
    held = Count("assignments", filter=Q(assignments__slot__isnull=False))
    every = Comparison.objects.filter(project=project).annotate(held=held)
    assert_tallies_are_true(project)
    judgments = Judgment.objects.filter(assignment__project=project)
    return {
        "judgments": judgments.count(),
        "double": judgments.count() - judgments.values("assignment").distinct().count(),
        "too_many": every.filter(held__gt=F("overlap")).count(),
        "stuck": Assignment.objects.filter(project=project, state="leased").count(),
        "surplus": Assignment.objects.filter(project=project, state="surplus").count(),
    }
