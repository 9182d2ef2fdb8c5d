"""What the database itself refuses, whoever asks: every constraint and every trigger, broken on purpose."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment
from labeling.models import (
    Assignment,
    Candidate,
    Comparison,
    Completion,
    Generator,
    Guideline,
    Judgment,
    Membership,
    Project,
    Prompt,
)
from labeling.models.guards import LABELING_GUARDS
from training.models import (
    Batch,
    BatchJudgment,
    Evaluation,
    EvaluationComparison,
    ModelVersion,
    RunMetric,
    TrainingRun,
)
from training.models.guards import TRAINING_GUARDS

pytestmark = pytest.mark.django_db


def refuses(says: str = "") -> Any:
    """The block is refused by the database, in these words if it is a guard that refuses."""
    return _Refuses(says)


class _Refuses:
    def __init__(self, says: str) -> None:
        self.raises = pytest.raises(IntegrityError, match=says or None)
        self.savepoint = transaction.atomic()

    def __enter__(self) -> None:
        self.raises.__enter__()
        self.savepoint.__enter__()

    def __exit__(self, *error: Any) -> bool:
        self.savepoint.__exit__(*error)
        return self.raises.__exit__(*error)


@pytest.fixture
def ann(annotator):
    return annotator("ann")


@pytest.fixture
def comparison(compare):
    return compare("How do I brew tea?", "Boil it.", "Steep it.", overlap=2)


@pytest.fixture
def assignment(ann, project, comparison):
    return serve_next(person=ann, project=project)


@pytest.fixture
def judgment(ann, assignment):
    return submit_judgment(person=ann, assignment_id=assignment.pk, key="k", ranks=[1, 2]).judgment


def lease(comparison, person, slot, **fields):
    values = {"state": "leased", "shown": [0, 1], "expires": timezone.now(), **fields}
    return Assignment.objects.create(comparison=comparison, annotator=person, slot=slot, **values)


def test_every_guard_is_installed():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            if connection.vendor == "sqlite"
            else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        )
        installed = {name for (name,) in cursor.fetchall()}
    assert {guard.name for guard in LABELING_GUARDS + TRAINING_GUARDS} <= installed


class TestProject:
    def test_no_two_projects_share_a_slug(self, project):
        with refuses():
            Project.objects.create(slug=project.slug, name="Other")

    @pytest.mark.parametrize("setting", [{"k": 1}, {"k": 10}, {"overlap": 0}, {"lease_seconds": 0}])
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
                prompt=comparison.prompt,
                k=2,
                overlap=1,
                content_hash=comparison.content_hash,
            )

    @pytest.mark.parametrize("k", [0, 1, 10])
    def test_k_lies_between_two_and_nine(self, comparison, k):
        with refuses():
            Comparison.objects.create(
                project=comparison.project, prompt=comparison.prompt, k=k, overlap=1, content_hash="x"
            )

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
            Comparison.objects.create(project=other, prompt=comparison.prompt, k=2, overlap=1, content_hash="x")

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
            project=comparison.project, prompt=comparison.prompt, k=2, overlap=1, content_hash="x"
        )
        completion = Completion.objects.first()
        Candidate.objects.create(comparison=empty, completion=completion, position=0)
        with refuses():
            Candidate.objects.create(comparison=empty, completion=completion, position=1)

    def test_a_completion_of_another_prompt_is_refused(self, comparison, compare):
        stray = compare("How do I brew coffee?").completions.first()
        empty = Comparison.objects.create(
            project=comparison.project, prompt=comparison.prompt, k=2, overlap=1, content_hash="x"
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
            project=comparison.project, prompt=comparison.prompt, k=2, overlap=1, content_hash="bare"
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

    def test_a_person_has_one_assignment_of_a_comparison(self, assignment, ann):
        with refuses():
            lease(assignment.comparison, ann, slot=1)

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

    @pytest.mark.parametrize("state", ["skipped", "released", "expired"])
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


class TestBatch:
    @pytest.fixture
    def batch(self, project, judgment):
        batch = Batch.objects.create(project=project, hash="a" * 64, rankings=1, heldout_rankings=0)
        BatchJudgment.objects.create(batch=batch, judgment=judgment, split="train")
        return batch

    @pytest.fixture
    def frozen(self, batch):
        Batch.objects.update(frozen=True)
        return batch

    def test_a_hash_exists_once(self, project, batch):
        with refuses():
            Batch.objects.create(project=project, hash="a" * 64, rankings=1, heldout_rankings=0)

    @pytest.mark.parametrize("change", [{"frozen": False}, {"rankings": 7}, {"hash": "b" * 64}])
    def test_a_frozen_batch_never_changes(self, frozen, change):
        with refuses("a frozen batch never changes"):
            Batch.objects.update(**change)

    def test_a_frozen_batch_is_never_deleted(self, project):
        Batch.objects.create(project=project, hash="a" * 64, rankings=0, heldout_rankings=0, frozen=True)
        with refuses("never deleted"):
            Batch.objects.all()._raw_delete("default")

    def test_nothing_is_added_to_a_frozen_batch(self, frozen, annotator, project):
        ben = annotator("ben")
        other = submit_judgment(
            person=ben, assignment_id=serve_next(person=ben, project=project).pk, key="k", ranks=[2, 1]
        ).judgment
        with refuses("nothing is added"):
            BatchJudgment.objects.create(batch=frozen, judgment=other, split="train")

    def test_nothing_is_taken_from_a_frozen_batch(self, frozen):
        with refuses("nothing is taken"):
            BatchJudgment.objects.all()._raw_delete("default")

    def test_a_row_of_a_batch_never_changes(self, batch):
        with refuses("a row of a batch never changes"):
            BatchJudgment.objects.update(split="heldout")

    def test_a_judgment_is_in_a_batch_once(self, batch, judgment):
        with refuses():
            BatchJudgment.objects.create(batch=batch, judgment=judgment, split="train")

    def test_a_split_that_is_unknown_is_refused(self, project, judgment):
        batch = Batch.objects.create(project=project, hash="b" * 64, rankings=1, heldout_rankings=0)
        with refuses():
            BatchJudgment.objects.create(batch=batch, judgment=judgment, split="both")

    def test_a_judgment_in_a_batch_cannot_be_deleted(self, frozen, judgment):
        with pytest.raises(ProtectedError):
            judgment.delete()


class TestTraining:
    @pytest.fixture
    def version(self, project):
        return ModelVersion.objects.create(project=project, kind="policy", name="base", hash="h", path="models/h")

    def test_a_running_run_has_an_owner_and_a_lease(self, project):
        with refuses():
            TrainingRun.objects.create(project=project, kind="sampling", state="running")
        with refuses():
            TrainingRun.objects.create(project=project, kind="sampling", state="running", owner="worker")

    def test_a_training_has_a_batch(self, project):
        with refuses():
            TrainingRun.objects.create(project=project, kind="reward_dpo")

    def test_a_metric_of_a_step_is_stored_once(self, project):
        run = TrainingRun.objects.create(project=project, kind="sampling")
        RunMetric.objects.create(run=run, stage="reward", step=1, values={"loss": 0.7})
        with refuses():
            RunMetric.objects.create(run=run, stage="reward", step=1, values={"loss": 0.6})

    @pytest.mark.parametrize("change", [{"hash": "other"}, {"path": "elsewhere"}, {"kind": "reward"}])
    def test_a_model_version_is_never_overwritten(self, version, change):
        with refuses("never overwritten"):
            ModelVersion.objects.update(**change)

    def test_the_same_weights_and_the_same_name_exist_once(self, project, version):
        with refuses():
            ModelVersion.objects.create(project=project, kind="policy", name="copy", hash="h", path="models/h")
        with refuses():
            ModelVersion.objects.create(project=project, kind="policy", name="base", hash="i", path="models/i")

    def test_a_model_is_not_measured_against_itself(self, version):
        with refuses():
            Evaluation.objects.create(model_version=version, baseline=version, name="self")

    def test_a_comparison_is_in_an_evaluation_once(self, project, version, comparison):
        other = ModelVersion.objects.create(project=project, kind="policy", name="next", hash="i", path="models/i")
        evaluation = Evaluation.objects.create(model_version=other, baseline=version, name="next against base")
        place = {"evaluation": evaluation, "comparison": comparison, "model_position": 0, "baseline_position": 1}
        EvaluationComparison.objects.create(**place)
        with refuses():
            EvaluationComparison.objects.create(**place)


def test_every_constraint_and_guard_has_a_test_that_breaks_it():
    """A new constraint in the models fails here until it is broken above."""
    from django.apps import apps

    models = [model for name in ("labeling", "training") for model in apps.get_app_config(name).get_models()]
    names = {constraint.name for model in models for constraint in model._meta.constraints}
    assert names == BROKEN_ABOVE
    assert len(LABELING_GUARDS) + len(TRAINING_GUARDS) == 20


BROKEN_ABOVE = {
    *(
        "project_k_range",
        "project_overlap_positive",
        "project_lease_positive",
        "guideline_version",
        "one_role_a_person",
    ),
    *("prompt_once_a_project", "prompt_split_known", "generator_once_a_project", "completion_once_a_prompt"),
    *("comparison_once_a_project", "comparison_k_range", "comparison_overlap_positive"),
    *("comparison_live_within_overlap", "candidate_once", "candidate_position_once", "candidate_position_range"),
    *("one_assignment_a_person", "one_assignment_a_slot", "live_assignment_holds_a_slot"),
    *("judgment_revision_once", "judgment_key_once", "judgment_once_a_batch", "batch_split_known"),
    *("running_run_has_an_owner", "training_has_a_batch", "metric_once_a_step"),
    *("version_once_a_project", "version_name_once_a_project", "evaluation_of_two_models"),
    "comparison_once_an_evaluation",
}
