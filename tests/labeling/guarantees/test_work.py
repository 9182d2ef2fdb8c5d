"""What the database refuses about assignments and judgments: each constraint and trigger, broken on purpose."""

import pytest
from django.contrib.auth import get_user_model
from django.db.models import ProtectedError
from django.utils import timezone

from labeling.actions.serving import serve_next
from labeling.models import (
    Assignment,
    Candidate,
    Comparison,
    Judgment,
    PersonTally,
    Project,
    ScreeningAttempt,
)
from tests.labeling.guarantees.refusal import refuses

pytestmark = pytest.mark.django_db


def lease(comparison, person, slot, **fields):
    values = {"state": "leased", "shown": [0, 1], "expires": timezone.now(), **fields}
    return Assignment.objects.create(
        project=comparison.project, comparison=comparison, annotator=person, slot=slot, **values
    )


class TestAssignment:
    def test_only_a_comparison_with_all_its_completions_is_served(self, comparison, ann):
        bare = Comparison.objects.create(
            project=comparison.project,
            lane=comparison.lane,
            prompt=comparison.prompt,
            k=2,
            overlap=1,
            content_hash="bare",
        )
        with refuses("with all its K completions"):
            lease(bare, ann, slot=0)

    def test_a_served_comparison_keeps_its_completions(self, assignment):
        with refuses("keeps its completions"):
            Candidate.objects.all()._raw_delete("default")

    def test_an_assignment_stays_its_persons(self, assignment, annotator):
        with refuses("keeps its person"):
            Assignment.objects.update(annotator=annotator("ben"))

    def test_the_order_that_was_judged_is_kept(self, judgment):
        shown = judgment.assignment.shown[::-1]
        with refuses("the order that was judged"):
            Assignment.objects.update(shown=shown)

    def test_the_order_that_was_judged_is_kept_whatever_the_state_is_called(self, judgment):
        Assignment.objects.update(state="leased")
        with refuses("the order that was judged"):
            Assignment.objects.update(shown=judgment.assignment.shown[::-1])

    def test_the_latest_judgment_is_not_somebody_elses(self, judgment, comparison, annotator):
        other = lease(comparison, annotator("ben"), slot=1)
        with refuses("one of its own"):
            Assignment.objects.filter(pk=other.pk).update(latest=judgment)

    def test_a_person_has_one_assignment_of_a_comparison(self, assignment, ann):
        with refuses():
            lease(assignment.comparison, ann, slot=1)

    def test_a_person_holds_one_comparison_of_a_project_at_a_time(self, assignment, ann, compare):
        with refuses():
            lease(compare("How do I brew coffee?"), ann, slot=0)

    def test_a_person_holds_one_more_ahead_and_no_second(self, assignment, ann, compare):
        lease(compare("How do I brew coffee?"), ann, slot=0, ahead=True)
        with refuses():
            lease(compare("How do I brew cocoa?"), ann, slot=0, ahead=True)

    @pytest.mark.parametrize("kind", ["gold", "repeat", "practice"])
    def test_what_does_not_collect_holds_no_slot(self, comparison, ann, kind):
        with refuses():
            lease(comparison, ann, slot=0, kind=kind, attempt=int(kind != "gold"))

    @pytest.mark.parametrize(("kind", "attempt"), [("collect", 1), ("gold", 1), ("repeat", 0), ("practice", 0)])
    def test_only_repeats_and_practice_come_again(self, comparison, ann, kind, attempt):
        with refuses():
            lease(comparison, ann, slot=0 if kind == "collect" else None, kind=kind, attempt=attempt)

    def test_an_assignment_belongs_to_the_project_of_its_comparison(self, comparison, ann):
        other = Project.objects.create(slug="other", name="Other")
        with refuses("the project of its comparison"):
            Assignment.objects.create(
                project=other, comparison=comparison, annotator=ann, slot=0, shown=[0, 1], expires=timezone.now()
            )

    def test_the_counts_of_a_person_are_kept_once_a_project(self, project, ann):
        PersonTally.objects.create(project=project, person=ann)
        with refuses():
            PersonTally.objects.create(project=project, person=ann)

    def test_a_try_at_the_screening_exists_once_and_one_is_open_at_a_time(self, project, ann):
        ScreeningAttempt.objects.create(project=project, person=ann, number=1, items=3)
        with refuses():
            ScreeningAttempt.objects.create(project=project, person=ann, number=1, items=3, state="failed")
        with refuses():
            ScreeningAttempt.objects.create(project=project, person=ann, number=2, items=3)

    def test_a_slot_is_held_once(self, assignment, annotator):
        with refuses():
            lease(assignment.comparison, annotator("ben"), slot=assignment.slot)

    def test_no_slot_at_or_above_the_overlap_is_taken(self, comparison, ann):
        with refuses("no slot at or above the overlap"):
            lease(comparison, ann, slot=2)

    def test_no_slot_is_moved_to_or_above_the_overlap(self, assignment):
        with refuses("no slot at or above the overlap"):
            Assignment.objects.update(slot=2)

    def test_the_overlap_never_falls_below_a_slot_that_is_taken(self, comparison, annotator, project):
        for name in ("ann", "ben"):
            serve_next(person=annotator(name), project=project)
        Comparison.objects.update(live=0)
        with refuses("cannot fall below a slot that is taken"):
            Comparison.objects.update(overlap=1)

    @pytest.mark.parametrize("state", ["leased", "judged"])
    def test_a_live_assignment_without_a_slot_is_refused(self, comparison, ann, state):
        with refuses():
            lease(comparison, ann, slot=None, state=state)

    @pytest.mark.parametrize("state", ["skipped", "released", "expired", "surplus"])
    def test_an_assignment_that_was_left_holds_no_slot(self, comparison, ann, state):
        with refuses():
            lease(comparison, ann, slot=0, state=state)

    def test_a_state_that_is_unknown_is_refused(self, comparison, ann):
        with refuses():
            lease(comparison, ann, slot=0, state="lost")

    def test_an_annotator_with_work_cannot_be_deleted(self, assignment):
        with pytest.raises(ProtectedError):
            get_user_model().objects.get(username="ann").delete()


class TestJudgment:
    @pytest.mark.parametrize("change", [{"ranks": [2, 1]}, {"comment": "Hm."}, {"key": "other"}, {"revision": 2}])
    def test_a_judgment_is_never_updated(self, judgment, change):
        with refuses("never updated"):
            Judgment.objects.update(**change)

    def test_a_judgment_is_never_deleted(self, judgment):
        Assignment.objects.update(latest=None)
        with refuses("never deleted"):
            Judgment.objects.all()._raw_delete("default")

    @pytest.mark.parametrize("ranks", [[1], [1, 2, 3], []])
    def test_a_judgment_ranks_all_completions_and_no_other(self, assignment, ranks):
        with refuses("ranks the K completions"):
            Judgment.objects.create(assignment=assignment, ranks=ranks, key="k", created=timezone.now())

    def test_no_revision_is_left_out(self, judgment):
        with refuses("revisions follow one another"):
            Judgment.objects.create(
                assignment=judgment.assignment, revision=3, ranks=[1, 2], key="other", created=timezone.now()
            )

    def test_a_revision_exists_once(self, judgment):
        with refuses():
            Judgment.objects.create(
                assignment=judgment.assignment, revision=1, ranks=[1, 2], key="other", created=timezone.now()
            )

    def test_a_key_is_used_once(self, judgment):
        with refuses():
            Judgment.objects.create(
                assignment=judgment.assignment, revision=2, ranks=[1, 2], key="k", created=timezone.now()
            )
