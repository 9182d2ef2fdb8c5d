"""People, runs and models for the pages of training; a card with every figure."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from labeling.actions.comparisons import add_comparison
from labeling.actions.completions import add_completion
from labeling.actions.projects import add_member
from labeling.models import Project
from training.actions.batches import freeze_batch
from training.models import Evaluation, EvaluationComparison, ModelVersion, TrainingRun

TRACEBACK = """CUDA out of memory. Tried to allocate 2 GiB.

Traceback (most recent call last):
  File "/srv/luce/training/actions/runs.py", line 203, in _work
    work(run, reporter)
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB.
"""


@pytest.fixture
def lead(people: dict[str, Any]) -> Any:
    return people["lena"]


@pytest.fixture
def reviewer(project: Project, django_user_model: Any) -> Any:
    someone = django_user_model.objects.create_user(username="rita", password="x" * 12)
    add_member(project=project, person=someone, role="reviewer")
    return someone


@pytest.fixture
def base(project: Project) -> ModelVersion:
    return version(project, "tiny", card={"origin": "bundled"})


@pytest.fixture
def evaluation(project: Project, base: ModelVersion) -> Evaluation:
    """Three held-out pairs; the new model's answer is the shorter one."""
    policy = version(project, "policy-v1", parent=base, card=CARD)
    evaluation = Evaluation.objects.create(model_version=policy, baseline=base, name="policy-v1 against tiny")
    add_pairs(evaluation)
    return evaluation


def add_pairs(evaluation: Evaluation) -> None:
    """A pair of every held-out prompt."""
    for prompt in evaluation.model_version.project.prompts.filter(split="heldout"):
        texts = (f"Steep {prompt.pk}.", f"Boil the leaves for a long time, {prompt.pk} minutes.")
        answers = [add_completion(prompt=prompt, text=text)[0] for text in texts]
        comparison, _ = add_comparison(prompt=prompt, completions=answers, purpose="evaluate", priority=10)
        EvaluationComparison.objects.create(
            evaluation=evaluation, comparison=comparison, model_position=0, baseline_position=1
        )


def version(project: Project, name: str, kind: str = "policy", **fields: Any) -> ModelVersion:
    digest = (name * 64)[:64]
    return ModelVersion.objects.create(
        project=project, kind=kind, name=name, hash=digest, path=f"models/{digest}", **fields
    )


def training(project: Project, state: str, **fields: Any) -> TrainingRun:
    if state == "running":
        fields = {"owner": "worker", "lease_expires": timezone.now() + timedelta(minutes=1)} | fields
    return TrainingRun.objects.create(
        project=project, kind="reward_dpo", state=state, batch=freeze_batch(project=project), **fields
    )


def sampling(project: Project, state: str, **fields: Any) -> TrainingRun:
    if state == "running":
        fields = {"owner": "worker", "lease_expires": timezone.now() + timedelta(minutes=1)} | fields
    settings = {"sampling": {"k": 3}, "round": 1, "split": None, "evaluation": None}
    return TrainingRun.objects.create(project=project, kind="sampling", state=state, settings=settings, **fields)


def estimate(value: float | None, low: float | None = None, high: float | None = None, n: int = 40) -> dict[str, Any]:
    because = "There is no held-out prompt with a ranking." if value is None else None
    return {"value": value, "low": low, "high": high, "n": n, "undefined_because": because}


CARD = {
    "origin": "trained",
    "reward_accuracy": estimate(0.74, 0.67, 0.81),
    "length_baseline": estimate(0.32, 0.25, 0.39),
    "dpo": {"accuracy": estimate(0.66, 0.58, 0.74), "margin": estimate(0.42, 0.2, 0.66)},
    "kl": {"per_completion": estimate(4.1, 3.2, 5.0), "per_token": estimate(0.066, 0.05, 0.08)},
    "length": {
        "before": estimate(81, 74, 88),
        "after": estimate(52, 45, 60),
        "ratio": estimate(0.64, 0.55, 0.75),
        "finished_before": estimate(0.55, 0.4, 0.7),
        "finished_after": estimate(0.92, 0.82, 1.0),
    },
    "samples": [
        {
            "prompt": [{"role": "user", "content": "How do I make tea?"}],
            "before": "<script>alert(1)</script> Boil **it**",
            "after": "Steep.",
            "reward_before": -0.4,
            "reward_after": 0.9,
        }
    ],
    "training": {"policy": {"settings": {"beta": 0.1, "epochs": 3}, "seconds": 180.0}},
    "warnings": ["Answers became 36% shorter (81 → 52 tokens)."],
}
