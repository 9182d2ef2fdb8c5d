"""What the database refuses about batches, runs and models, whoever asks: each constraint and trigger broken."""

import pytest
from django.db.models import ProtectedError

from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment
from tests.labeling.guarantees.refusal import refuses
from training.models import (
    Batch,
    BatchJudgment,
    Evaluation,
    EvaluationComparison,
    ModelVersion,
    RunMetric,
    TrainingRun,
)

pytestmark = pytest.mark.django_db


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
