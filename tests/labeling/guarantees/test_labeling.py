"""What the database refuses about people's work, whoever asks: each constraint and trigger, broken on purpose."""

import pytest
from django.contrib.auth import get_user_model
from django.db.models import ProtectedError
from django.utils import timezone

from labeling.actions.serving import serve_next
from labeling.models import (
    Assignment,
    Candidate,
    Comparison,
    Completion,
    Generator,
    Guideline,
    Judgment,
    Lane,
    Membership,
    PersonTally,
    Project,
    Prompt,
    ScreeningAttempt,
)
from tests.labeling.guarantees.refusal import refuses

pytestmark = pytest.mark.django_db


def lease(comparison, person, slot, **fields):
    values = {"state": "leased", "shown": [0, 1], "expires": timezone.now(), **fields}
    return Assignment.objects.create(
        project=comparison.project, comparison=comparison, annotator=person, slot=slot, **values
    )


class TestProject:
    def test_no_two_projects_share_a_slug(self, project):
        with refuses():
            Project.objects.create(slug=project.slug, name="Other")

    @pytest.mark.parametrize(
        "setting",
        [
            {"k": 1},
            {"k": 10},
            {"overlap": 0},
            {"lease_seconds": 0},
            {"order": "random"},
            {"gold_percent": 51},
            {"repeat_percent": 51},
        ],
    )
    def test_settings_out_of_range_are_refused(self, project, setting):
        with refuses():
            Project.objects.update(**setting)

    def test_a_guideline_version_exists_once(self, project):
        Guideline.objects.create(project=project, version=1, text="Be kind.")
        with refuses():
            Guideline.objects.create(project=project, version=1, text="Be brief.")

    @pytest.mark.parametrize("change", [{"text": "Be brief."}, {"version": 2}])
    def test_a_guideline_is_never_edited(self, project, change):
        Guideline.objects.create(project=project, version=1, text="Be kind.")
        with refuses("guidelines are never edited"):
            Guideline.objects.update(**change)

    def test_a_guideline_stays_in_its_project(self, project):
        Guideline.objects.create(project=project, version=1, text="Be kind.")
        other = Project.objects.create(slug="other", name="Other")
        with refuses("guidelines are never edited"):
            Guideline.objects.update(project=other)

    def test_a_project_with_work_in_it_is_never_deleted(self, project, judgment):
        with pytest.raises(ProtectedError):
            project.delete()

    def test_a_person_has_one_role_in_a_project(self, project, lead):
        with refuses():
            Membership.objects.create(project=project, person=lead, role="annotator")


class TestPrompt:
    def test_the_same_prompt_exists_once_in_a_project(self, project, comparison):
        prompt = Prompt.objects.get()
        with refuses():
            Prompt.objects.create(project=project, messages=prompt.messages, content_hash=prompt.content_hash)

    def test_a_split_that_is_unknown_is_refused(self, project):
        with refuses():
            Prompt.objects.create(project=project, messages=[], content_hash="x", split="both")

    @pytest.mark.parametrize("change", [{"split": "heldout"}, {"content_hash": "other"}, {"messages": []}])
    def test_a_prompt_keeps_its_text_and_its_split(self, comparison, change):
        with refuses("keeps its text and its split"):
            Prompt.objects.update(**change)

    def test_a_prompt_stays_in_its_project(self, comparison):
        other = Project.objects.create(slug="other", name="Other")
        with refuses("keeps its text and its split"):
            Prompt.objects.update(project=other)

    def test_tags_and_use_case_of_a_prompt_may_change(self, comparison):
        Prompt.objects.update(use_case="advice", tags=["tea"])


class TestCompletion:
    def test_the_same_text_exists_once_a_prompt(self, comparison):
        completion = Completion.objects.first()
        with refuses():
            Completion.objects.create(
                prompt=completion.prompt, text=completion.text, content_hash=completion.content_hash
            )

    @pytest.mark.parametrize("change", [{"text": "Pour it."}, {"content_hash": "other"}])
    def test_a_completion_keeps_its_text(self, comparison, change):
        with refuses("keeps its text"):
            Completion.objects.filter(pk=Completion.objects.first().pk).update(**change)

    def test_a_completion_keeps_what_wrote_it(self, comparison, project):
        generator = Generator.objects.create(project=project, kind="human", name="lena", fingerprint="f")
        with refuses("what wrote it"):
            Completion.objects.update(generator=generator)

    @pytest.mark.parametrize("change", [{"name": "rosa"}, {"settings": {"t": 1}}, {"fingerprint": "g"}])
    def test_what_wrote_a_completion_keeps_its_name_and_settings(self, project, change):
        Generator.objects.create(project=project, kind="human", name="lena", fingerprint="f")
        with refuses("keeps its name and its settings"):
            Generator.objects.update(**change)

    def test_a_completion_stays_with_its_prompt(self, comparison, compare):
        other = compare("How do I brew coffee?")
        with refuses("keeps its text"):
            Completion.objects.filter(prompt=comparison.prompt).update(prompt=other.prompt)

    def test_a_generator_exists_once_in_a_project(self, project):
        Generator.objects.create(project=project, kind="human", name="lena", fingerprint="f")
        with refuses():
            Generator.objects.create(project=project, kind="human", name="lena", fingerprint="f")

    def test_a_completion_that_is_compared_cannot_be_deleted(self, comparison):
        with pytest.raises(ProtectedError):
            Completion.objects.first().delete()


class TestComparison:
    def test_the_same_comparison_exists_once(self, comparison):
        with refuses():
            Comparison.objects.create(
                project=comparison.project,
                lane=comparison.lane,
                prompt=comparison.prompt,
                k=2,
                overlap=1,
                content_hash=comparison.content_hash,
            )

    @pytest.mark.parametrize("k", [0, 1, 10])
    def test_k_lies_between_two_and_nine(self, comparison, k):
        with refuses():
            Comparison.objects.create(
                project=comparison.project,
                lane=comparison.lane,
                prompt=comparison.prompt,
                k=k,
                overlap=1,
                content_hash="x",
            )

    def test_no_more_are_judged_than_live(self, comparison):
        with refuses():
            Comparison.objects.update(judged=1)

    def test_a_comparison_stands_in_a_lane_of_its_own_project(self, comparison):
        other = Lane.objects.create(project=Project.objects.create(slug="other", name="Other"))
        with refuses("and of its lane"):
            Comparison.objects.create(
                project=comparison.project, lane=other, prompt=comparison.prompt, k=2, overlap=1, content_hash="x"
            )

    def test_a_lane_exists_once_in_a_project(self, comparison):
        with refuses():
            Lane.objects.create(project=comparison.project, language="", qualification="")

    def test_at_least_one_judgment_is_wanted(self, comparison):
        with refuses():
            Comparison.objects.update(overlap=0)

    def test_live_never_exceeds_the_overlap(self, comparison):
        with refuses():
            Comparison.objects.update(live=3)

    def test_live_never_falls_below_nothing(self, comparison):
        with refuses():
            Comparison.objects.update(live=-1)

    def test_a_comparison_belongs_to_the_project_of_its_prompt(self, comparison):
        other = Project.objects.create(slug="other", name="Other")
        with refuses("project of its prompt"):
            Comparison.objects.create(
                project=other, lane=comparison.lane, prompt=comparison.prompt, k=2, overlap=1, content_hash="x"
            )

    @pytest.mark.parametrize("change", [{"k": 3}, {"content_hash": "other"}])
    def test_a_comparison_keeps_its_completions(self, comparison, change):
        with refuses("keeps its prompt and its completions"):
            Comparison.objects.update(**change)

    def test_a_comparison_keeps_its_prompt(self, comparison, compare):
        other = compare("How do I brew coffee?")
        with refuses("keeps its prompt and its completions"):
            Comparison.objects.filter(pk=comparison.pk).update(prompt=other.prompt)


class TestCandidate:
    @pytest.fixture
    def third(self, comparison):
        return Completion.objects.create(prompt=comparison.prompt, text="Chew it.", content_hash="chew")

    def test_no_more_completions_than_k(self, comparison, third):
        with refuses("K completions of its own prompt"):
            Candidate.objects.create(comparison=comparison, completion=third, position=2)

    def test_a_position_is_held_once(self, comparison, third):
        with refuses():
            Candidate.objects.create(comparison=comparison, completion=third, position=0)

    def test_a_completion_is_in_a_comparison_once(self, comparison):
        empty = Comparison.objects.create(
            project=comparison.project, lane=comparison.lane, prompt=comparison.prompt, k=2, overlap=1, content_hash="x"
        )
        completion = Completion.objects.first()
        Candidate.objects.create(comparison=empty, completion=completion, position=0)
        with refuses():
            Candidate.objects.create(comparison=empty, completion=completion, position=1)

    def test_a_completion_of_another_prompt_is_refused(self, comparison, compare):
        stray = compare("How do I brew coffee?").completions.first()
        empty = Comparison.objects.create(
            project=comparison.project, lane=comparison.lane, prompt=comparison.prompt, k=2, overlap=1, content_hash="x"
        )
        with refuses("K completions of its own prompt"):
            Candidate.objects.create(comparison=empty, completion=stray, position=0)

    def test_no_position_beyond_the_largest_k(self, comparison, third):
        with refuses():
            Candidate.objects.create(comparison=comparison, completion=third, position=9)

    def test_a_completion_is_never_exchanged(self, comparison, third):
        with refuses("keeps its completions for life"):
            Candidate.objects.filter(comparison=comparison, position=0).update(completion=third)


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
