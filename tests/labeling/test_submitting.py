"""Submitting: stored once, checked before, and nobody's work thrown away."""

from datetime import timedelta

import pytest
from django.utils import timezone

from labeling.actions.errors import ActionError
from labeling.actions.leases import free_expired_leases, skip
from labeling.actions.projects import update_project
from labeling.actions.serving import serve_next
from labeling.actions.submitting import amend_judgment, check_ranks, submit_judgment
from labeling.models import Assignment, Comparison, Judgment

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(annotator):
    return annotator("ann")


@pytest.fixture
def assignment(ann, project, compare):
    compare("Name a colour.", "Red.", "Blue.", "Green.", overlap=1)
    return serve_next(person=ann, project=project)


def refused(**arguments):
    with pytest.raises(ActionError) as error:
        submit_judgment(**arguments)
    return error.value.code, error.value.field


def test_a_submit_is_stored_and_ends_the_assignment(ann, assignment):
    result = submit_judgment(
        person=ann,
        assignment_id=assignment.pk,
        key="k1",
        ranks=[2, 1, None],
        comment=" Blue is calm. ",
        active_seconds=12,
    )
    judgment = Judgment.objects.get()
    assert (judgment.ranks, judgment.comment, judgment.active_seconds) == ([2, 1, None], "Blue is calm.", 12.0)
    assert not result.replayed
    assignment.refresh_from_db()
    assert (assignment.state, assignment.latest_id, assignment.slot) == ("judged", judgment.pk, 0)


def test_the_same_key_again_returns_the_first_result_whatever_it_carries(ann, assignment):
    first = submit_judgment(person=ann, assignment_id=assignment.pk, key="k1", ranks=[1, 2, 3])
    again = submit_judgment(person=ann, assignment_id=assignment.pk, key="k1", ranks=[3, 2, 1])
    assert again.replayed
    assert again.judgment.pk == first.judgment.pk
    assert Judgment.objects.get().ranks == [1, 2, 3]


def test_another_key_on_a_judged_assignment_is_told_that_it_is_stored(ann, assignment):
    submit_judgment(person=ann, assignment_id=assignment.pk, key="k1", ranks=[1, 2, 3])
    with pytest.raises(ActionError, match="stored already") as error:
        submit_judgment(person=ann, assignment_id=assignment.pk, key="k2", ranks=[1, 2, 3])
    assert error.value.code == "conflict"
    assert Judgment.objects.count() == 1


def test_somebody_elses_assignment_does_not_exist(annotator, assignment):
    ben = annotator("ben")
    assert refused(person=ben, assignment_id=assignment.pk, key="k", ranks=[1, 2, 3])[0] == "not_found"
    assert refused(person=ben, assignment_id=10**9, key="k", ranks=[1, 2, 3])[0] == "not_found"


@pytest.mark.parametrize(
    ("ranks", "field"),
    [
        ([1, 2], "ranks"),
        ([1, 2, 3, 4], "ranks"),
        ([1, None, None], "ranks"),
        ([None, None, None], "ranks"),
        ([0, 1, 2], "ranks[0]"),
        ([1, -1, 2], "ranks[1]"),
        ([1, 2, 2.5], "ranks[2]"),
        ([True, 1, 2], "ranks[0]"),
        (["1", "2", "3"], "ranks[0]"),
        ("123", "ranks"),
        (None, "ranks"),
    ],
)
def test_ranks_that_cannot_be_meant_are_refused_and_store_nothing(ann, assignment, ranks, field):
    assert refused(person=ann, assignment_id=assignment.pk, key="k", ranks=ranks) == ("invalid", field)
    assert not Judgment.objects.exists()
    assignment.refresh_from_db()
    assert assignment.state == "leased"


def test_ranks_are_kept_without_gaps():
    assert check_ranks([7, 3, 3, None], k=4) == [2, 1, 1, None]


def test_ties_are_refused_where_the_project_does_not_allow_them(ann, assignment, project):
    update_project(project=project, allow_ties=False)
    assert refused(person=ann, assignment_id=assignment.pk, key="k", ranks=[1, 1, 2]) == ("invalid", "ranks")
    submit_judgment(person=ann, assignment_id=assignment.pk, key="k", ranks=[1, None, 2])


@pytest.mark.parametrize("key", ["", " ", "x" * 65, None, 7, "a\x00b"])
def test_a_submit_needs_a_key(ann, assignment, key):
    assert refused(person=ann, assignment_id=assignment.pk, key=key, ranks=[1, 2, 3]) == ("invalid", "key")


@pytest.mark.parametrize("comment", ["a\x00b", "half \ud83d", 7, "x" * 20_001])
def test_a_comment_must_be_storable_text(ann, assignment, comment):
    found = refused(person=ann, assignment_id=assignment.pk, key="k", ranks=[1, 2, 3], comment=comment)
    assert found == ("invalid", "comment")


@pytest.mark.parametrize(("sent", "kept"), [(-5, 0), (10**9, 1800), (None, None), (3.5, 3.5)])
def test_active_seconds_lie_between_nothing_and_the_lease(ann, assignment, sent, kept):
    result = submit_judgment(person=ann, assignment_id=assignment.pk, key="k", ranks=[1, 2, 3], active_seconds=sent)
    assert result.judgment.active_seconds == kept


@pytest.mark.parametrize("sent", [float("nan"), float("inf"), "12", True])
def test_active_seconds_must_be_a_number(ann, assignment, sent):
    found = refused(person=ann, assignment_id=assignment.pk, key="k", ranks=[1, 2, 3], active_seconds=sent)
    assert found == ("invalid", "active_seconds")


def test_a_late_submit_is_honoured_while_a_slot_is_free(ann, assignment):
    Assignment.objects.update(expires=timezone.now() - timedelta(hours=1))
    free_expired_leases()
    submit_judgment(person=ann, assignment_id=assignment.pk, key="k", ranks=[1, 2, 3])
    assert Comparison.objects.get().live == 1
    assert Assignment.objects.get().slot == 0


def test_a_late_submit_is_kept_as_surplus_once_the_slot_is_somebody_elses(ann, annotator, assignment, project):
    Assignment.objects.update(expires=timezone.now() - timedelta(hours=1))
    bens = serve_next(person=annotator("ben"), project=project)
    late = submit_judgment(person=ann, assignment_id=assignment.pk, key="k", ranks=[1, 2, 3])
    assert late.judgment.ranks == [1, 2, 3]
    assignment.refresh_from_db()
    assert (assignment.state, assignment.slot) == ("surplus", None)
    submit_judgment(person=bens.annotator, assignment_id=bens.pk, key="k", ranks=[1, 2, 3])
    comparison = Comparison.objects.get()
    assert (comparison.live, comparison.judged, comparison.overlap) == (1, 1, 1)
    again = submit_judgment(person=ann, assignment_id=assignment.pk, key="k", ranks=[1, 2, 3])
    assert again.replayed


def test_a_submit_after_a_skip_counts_while_a_slot_is_free(ann, assignment):
    skip(person=ann, assignment=assignment)
    submit_judgment(person=ann, assignment_id=assignment.pk, key="k", ranks=[1, 2, 3])
    assert Assignment.objects.get().state == "judged"


def test_all_revisions_of_a_ranking_count_for_no_more_than_its_lease(ann, project, assignment):
    say = {"person": ann, "assignment_id": assignment.pk, "ranks": [1, 2, 3]}
    submit_judgment(key="k0", active_seconds=1000, **say)
    for number in range(1, 4):
        amend_judgment(key=f"k{number}", active_seconds=1000, **say)
    assert list(Judgment.objects.order_by("pk").values_list("active_seconds", flat=True)) == [1000, 800, 0, 0]
    assert project.lease_seconds == project.person_tallies.get().active_seconds == 1800


def test_an_amendment_is_a_new_revision_and_the_first_one_stays(ann, assignment):
    with pytest.raises(ActionError, match="no judgment to amend"):
        amend_judgment(person=ann, assignment_id=assignment.pk, key="k0", ranks=[1, 2, 3])
    submit_judgment(person=ann, assignment_id=assignment.pk, key="k1", ranks=[1, 2, 3])
    amended = amend_judgment(person=ann, assignment_id=assignment.pk, key="k2", ranks=[3, 2, 1])
    assert amend_judgment(person=ann, assignment_id=assignment.pk, key="k2", ranks=[1, 1, 1]).replayed
    assert list(Judgment.objects.order_by("revision").values_list("revision", "ranks")) == [
        (1, [1, 2, 3]),
        (2, [3, 2, 1]),
    ]
    assert Assignment.objects.get().latest_id == amended.judgment.pk
