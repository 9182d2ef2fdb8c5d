"""The main job with real parts: a real worker over a real Valkey, a tiny model, people who rank."""

from typing import Any

from labeling.models import Comparison, Project
from tests.training.conftest import TINY_TRAINING, rank_all, wait_for_state
from training.actions.batches import read_batch
from training.actions.rounds import start_next_round
from training.actions.runs import queue_retrain, queue_sampling
from training.models import ModelVersion
from training.queries.cards import card
from training.queries.evaluations import win_rate
from training.queries.models import current_model
from training.queries.runs import run_progress


def test_sample_rank_freeze_train_and_sample_again(start_worker: Any, project: Project, people: Any) -> None:
    lena, rankers = people["lena"], [people["ann"], people["abe"]]
    worker = start_worker()

    sampling = wait_for_state(queue_sampling(project=project, by=lena), "succeeded", "failed", worker=worker)
    assert sampling.state == "succeeded", sampling.error
    first_round = Comparison.objects.filter(project=project, round=1)
    assert first_round.count() == 9
    assert {comparison.k for comparison in first_round} == {3}
    bundled = current_model(project)
    assert bundled.name == "SmolLM2-135M-Instruct"

    assert rank_all(project, rankers) == 18
    training = queue_retrain(project=project, by=lena, settings=TINY_TRAINING)
    train, heldout = read_batch(training.batch)
    assert (len(train), len(heldout)) == (12, 6)
    wait_for_state(training, "succeeded", "failed", worker=worker)
    assert training.state == "succeeded", training.error
    policy = ModelVersion.objects.get(run=training, kind="policy")
    assert policy.name == "policy-v1"
    assert policy.reward_model.name == "reward-v1"
    assert policy.parent == bundled
    assert_card_is_whole(policy)
    curves = run_progress(training)["curves"]
    assert curves["reward"]["step"] == [1, 2, 3, 4]
    assert all(loss > 0 for loss in curves["policy"]["loss"])
    assert current_model(project) == bundled, "a person promotes, never the training"

    second = start_next_round(model_version=policy, by=lena)
    wait_for_state(second, "succeeded", "failed", worker=worker)
    assert second.state == "succeeded", second.error
    assert current_model(project) == policy
    assert Comparison.objects.filter(project=project, round=2, purpose="collect").count() == 9
    evaluation = policy.evaluations.get()
    assert evaluation.items.count() + second.report["evaluation"]["identical"] == 3
    assert win_rate(evaluation)["undefined_because"]
    rank_all(project, rankers)
    rate = win_rate(evaluation)
    assert rate["n"] == 2 * evaluation.items.count() == rate["wins"] + rate["ties"] + rate["losses"]
    assert rate["low"] <= rate["value"] <= rate["high"]
    assert worker.stop() == 0


def assert_card_is_whole(policy: ModelVersion) -> None:
    shown = card(policy)
    names = {figure["name"] for figure in shown["figures"]}
    assert {"reward_accuracy", "length_baseline", "dpo.margin", "kl.per_token", "length.ratio"} <= names
    assert all(figure["value"] is not None or figure["undefined_because"] for figure in shown["figures"])
    assert shown["data"]["batch"] == policy.run.batch.hash
    assert len(shown["samples"]) == 2
    assert all(isinstance(sample["reward_after"], float) for sample in shown["samples"])
    assert {"reward", "policy", "evaluate"} <= shown["seconds"].keys()
