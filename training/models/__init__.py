"""The nouns of training, one file each. The database itself keeps what each docstring promises."""

from training.models.batch import Batch, BatchJudgment
from training.models.evaluation import Evaluation, EvaluationComparison
from training.models.model_version import ModelVersion, Promotion
from training.models.run import RunLine, RunMetric, TrainingRun

__all__ = [
    "Batch",
    "BatchJudgment",
    "Evaluation",
    "EvaluationComparison",
    "ModelVersion",
    "Promotion",
    "RunLine",
    "RunMetric",
    "TrainingRun",
]
