"""Training from beginning to end with a tiny model: learning, resuming, cancelling, failing, saving."""

import json
import signal
import subprocess
import sys
import textwrap

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from tests.training.engine.conftest import make_rankings
from training.engine import (
    Cancelled,
    EngineError,
    NotFinite,
    NothingToTrainOn,
    PolicySettings,
    Ranking,
    RewardSettings,
    encode_completion,
    encode_prompt,
    folder_hash,
    load_reward_model,
    reward_accuracy,
    score,
    train_policy,
    train_reward_model,
)

TRAIN, HELDOUT = make_rankings(10), make_rankings(6, seed=1, prefix="h")
REWARD = RewardSettings(epochs=2, batch_size=3, lora_r=4, checkpoint_seconds=0, lora_dropout=0.1)
POLICY = PolicySettings(epochs=2, batch_size=3, lora_r=4, checkpoint_seconds=0, evaluation_tokens=8, lora_dropout=0.1)
RUNS = [(train_reward_model, REWARD), (train_policy, POLICY)]
BOTH = pytest.mark.parametrize(("train", "settings"), RUNS, ids=["reward", "policy"])


def losses(result):
    return [step["loss"] for step in result.metrics["history"]]


class Stopper:
    """Says stop from the n-th question on, as a cancel button would."""

    def __init__(self, after: int):
        self.left = after

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.fixture(scope="module")
def unbroken(base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    return {train: train(base, TRAIN, HELDOUT, settings, folder / train.__name__) for train, settings in RUNS}


@BOTH
def test_a_run_stopped_in_the_middle_of_a_step_resumes_with_the_same_losses(base, tmp_path, unbroken, train, settings):
    references = len(TRAIN) if train is train_policy else 0
    for asked in (references + 7, 5, 4):  # each in the middle of another step of 3 comparisons
        with pytest.raises(Cancelled):
            train(base, TRAIN, HELDOUT, settings, tmp_path / "run", should_stop=Stopper(asked))
    lines = []
    result = train(base, TRAIN, HELDOUT, settings, tmp_path / "run", log=lines.append)
    assert any(line.startswith("Resumed after step") for line in lines)
    assert losses(result) == losses(unbroken[train])
    assert result.metrics["model_hash"] == unbroken[train].metrics["model_hash"]


def test_a_run_killed_with_signal_9_resumes_with_the_same_losses(base, tmp_path, unbroken):
    script = f"""
        import os, signal, sys, torch
        torch.set_num_threads(1)
        from tests.training.engine.test_runs import *
        def die(step, of, metrics):
            if step == 5 and metrics["phase"] == "training":
                os.kill(os.getpid(), signal.SIGKILL)
        train_reward_model({str(base)!r}, TRAIN, HELDOUT, REWARD, {str(tmp_path / "run")!r}, progress=die)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert killed.returncode == -signal.SIGKILL
    lines = []
    result = train_reward_model(base, TRAIN, HELDOUT, REWARD, tmp_path / "run", log=lines.append)
    assert "Resumed after step 4 of 8." in lines
    assert losses(result) == losses(unbroken[train_reward_model])


@BOTH
def test_the_same_seed_gives_the_same_model_and_another_seed_another(base, tmp_path, unbroken, train, settings):
    again = train(base, TRAIN, HELDOUT, settings, tmp_path / "again")
    assert losses(again) == losses(unbroken[train])
    other = train(base, TRAIN, HELDOUT, type(settings)(**settings.as_dict() | {"seed": 1}), tmp_path / "other")
    assert losses(other) != losses(again)


@BOTH
def test_a_finished_run_returns_its_stored_result_at_once(base, unbroken, train, settings):
    path = unbroken[train].path
    result = train(base, TRAIN, HELDOUT, settings, path.parent, should_stop=lambda: pytest.fail("it trained again"))
    assert result == unbroken[train]
    assert not (path.parent / "checkpoints").exists()


def test_a_finished_result_is_never_overwritten_by_another_run(base, unbroken):
    folder = unbroken[train_reward_model].path.parent
    with pytest.raises(EngineError, match="other settings or data"):
        train_reward_model(base, TRAIN[:-1], HELDOUT, REWARD, folder)


def test_a_checkpoint_of_other_settings_is_ignored(base, tmp_path):
    with pytest.raises(Cancelled):
        train_reward_model(base, TRAIN, HELDOUT, REWARD, tmp_path, should_stop=Stopper(15))
    lines = []
    other = RewardSettings(**REWARD.as_dict() | {"learning_rate": 1e-3})
    train_reward_model(base, TRAIN, HELDOUT, other, tmp_path, log=lines.append)
    assert any("other settings" in line for line in lines)
    assert not any(line.startswith("Resumed") for line in lines)


def test_a_damaged_checkpoint_is_skipped_for_the_one_before(base, tmp_path, unbroken):
    with pytest.raises(Cancelled):
        train_reward_model(base, TRAIN, HELDOUT, REWARD, tmp_path, should_stop=Stopper(15))
    older, newest = sorted((tmp_path / "checkpoints").iterdir())
    newest.write_bytes(newest.read_bytes()[:-100])
    lines = []
    result = train_reward_model(base, TRAIN, HELDOUT, REWARD, tmp_path, log=lines.append)
    assert any(newest.name in line and "damaged" in line for line in lines)
    assert f"Resumed after step {int(older.name.split('-')[1])} of 8." in lines
    assert losses(result) == losses(unbroken[train_reward_model])


def test_old_checkpoints_are_pruned(base, tmp_path):
    with pytest.raises(Cancelled):
        train_reward_model(base, TRAIN, HELDOUT, REWARD, tmp_path, should_stop=Stopper(18))
    assert len(list((tmp_path / "checkpoints").iterdir())) == REWARD.keep_checkpoints


def test_cancel_is_heard_before_the_next_forward(base, tmp_path):
    asked = Stopper(3)
    with pytest.raises(Cancelled):
        train_reward_model(base, TRAIN, HELDOUT, REWARD, tmp_path, should_stop=asked)
    assert asked.left == -1


def test_a_loss_that_is_not_a_number_names_its_ranking(base, tmp_path, monkeypatch):
    from training.engine import runs

    whole = runs.rewards_of

    def broken_for_r3(model, comparison, *, packed):
        return whole(model, comparison, packed=packed) * (float("nan") if comparison.ids == ["r3"] else 1.0)

    monkeypatch.setattr(runs, "rewards_of", broken_for_r3)
    with pytest.raises(NotFinite, match=r"r3\. Lower") as caught:
        train_reward_model(base, TRAIN, HELDOUT, REWARD, tmp_path)
    assert caught.value.ranking_ids == ["r3"]


def test_without_anything_to_learn_from_it_says_so(base, tmp_path):
    unranked = Ranking([{"role": "user", "content": "?"}], ["a", "b"], [1, None])
    with pytest.raises(NothingToTrainOn, match="left_out_no_pairs"):
        train_reward_model(base, [unranked], [], REWARD, tmp_path)


@BOTH
def test_progress_tells_what_a_page_shows(base, tmp_path, train, settings):
    seen = []
    train(base, TRAIN, HELDOUT, settings, tmp_path, progress=lambda *told: seen.append(told))
    training = [(step, of, metrics) for step, of, metrics in seen if metrics["phase"] == "training"]
    assert [step for step, _, _ in training] == list(range(1, 9))
    for _, of, metrics in training:
        assert of == 8
        assert {"loss", "accuracy", "margin", "learning_rate", "tokens_per_second", "seconds_left"} <= metrics.keys()
    assert [metrics["phase"] for _, _, metrics in seen][-2:] == ["evaluating", "saving"]
    measured = [metrics for _, _, metrics in seen if metrics["phase"] == "evaluating" and "of" in metrics]
    parts = 1 if train is train_reward_model else 4  # answers before and after, margins, KL
    assert sum(metrics["done"] == 0 for metrics in measured) == parts
    assert sum(metrics["done"] == metrics["of"] for metrics in measured) == parts
    assert all(metrics["seconds_left"] is not None for metrics in measured if metrics["done"])


@BOTH
def test_metrics_are_plain_values_with_interval_and_n(unbroken, train, settings):
    metrics = unbroken[train].metrics
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    for name in ("accuracy", "length_baseline", "margin"):
        figure = metrics["heldout"][name]
        assert figure["low"] <= figure["value"] <= figure["high"]
        assert figure["n"] == 36
        assert figure["undefined_because"] is None
    assert metrics["settings"] == settings.as_dict()
    assert metrics["versions"]["torch"] == torch.__version__
    assert metrics["model_hash"] == folder_hash(unbroken[train].path)


def test_without_held_out_rankings_the_figures_say_why_they_are_missing(base, tmp_path):
    reward = train_reward_model(base, TRAIN, [], REWARD, tmp_path / "reward")
    policy = train_policy(base, TRAIN, [], POLICY, tmp_path / "policy")
    for figure in (
        reward.metrics["heldout"]["accuracy"],
        policy.metrics["heldout"]["accuracy"],
        policy.metrics["kl"]["per_completion"],
        policy.metrics["length"]["ratio"],
    ):
        assert figure["value"] is None
        assert figure["n"] == 0
        assert figure["undefined_because"]


@pytest.mark.parametrize("adapter", ["lora", "last_n", "full"])
def test_a_reward_model_learns_what_people_prefer_whatever_is_trained(base, tmp_path, adapter):
    settings = RewardSettings(epochs=6, learning_rate=5e-3, adapter=adapter, last_n=1)
    heldout = make_rankings(20, seed=1, prefix="h")
    result = train_reward_model(base, make_rankings(30), heldout, settings, tmp_path)
    assert result.metrics["heldout"]["accuracy"]["low"] > 0.8


def test_a_policy_learns_what_people_prefer(base, tmp_path):
    settings = PolicySettings(epochs=6, learning_rate=5e-3, beta=0.5, nll_weight=0, evaluation_tokens=8)
    result = train_policy(base, make_rankings(30), make_rankings(20, seed=1, prefix="h"), settings, tmp_path)
    assert result.metrics["heldout"]["accuracy"]["low"] > 0.6
    assert result.metrics["heldout"]["margin"]["low"] > 0
    assert result.metrics["kl"]["per_completion"]["low"] > 0


@BOTH
def test_people_may_prefer_something_to_an_empty_answer(base, tmp_path, train, settings):
    ask = [{"role": "user", "content": "Say nothing."}]
    empty = [
        Ranking(ask, ["Well!", "", " \n"], [1, 2, 2], id="empty", finished=[True, False, False]),
        Ranking(ask, ["", "No?"], [1, 2], id="best"),
    ]
    result = train(base, TRAIN[:4] + empty, HELDOUT[:3] + empty[:1], settings, tmp_path)
    assert result.metrics["encoding"]["rankings"] == 6
    assert result.metrics["heldout"]["accuracy"]["value"] is not None


def test_the_saved_reward_model_gives_the_same_scores_in_plain_transformers(base, unbroken):
    """Batched and padded, with the head: outside Luce nobody knows where a completion ends."""
    path = unbroken[train_reward_model].path
    ranking = HELDOUT[0]
    model, tokenizer = load_reward_model(path)
    [ours] = score(model, tokenizer, [ranking.prompt_messages], [ranking.completions])

    plain, plain_tokenizer = (
        AutoModelForSequenceClassification.from_pretrained(path),
        AutoTokenizer.from_pretrained(path),
    )
    assert plain.config.pad_token_id == plain_tokenizer.pad_token_id != plain_tokenizer.eos_token_id
    rows = [
        encode_prompt(plain_tokenizer, ranking.prompt_messages) + encode_completion(plain_tokenizer, text)
        for text in ranking.completions
    ]
    batch = plain_tokenizer.pad({"input_ids": rows}, return_tensors="pt")
    with torch.no_grad():
        theirs = plain(**batch).logits[:, 0].tolist()
    assert theirs == pytest.approx(ours, abs=1e-5)


def test_the_saved_head_is_the_trained_one(base, unbroken):
    model, tokenizer = load_reward_model(unbroken[train_reward_model].path)
    again = reward_accuracy(model, tokenizer, HELDOUT)
    stored = unbroken[train_reward_model].metrics["heldout"]
    assert again["accuracy"] == stored["accuracy"]
    assert again["margin"]["value"] == pytest.approx(stored["margin"]["value"], abs=1e-5)


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning")
def test_merged_policy_and_adapter_give_the_same_logits_in_plain_transformers_and_peft(base, unbroken):
    result = unbroken[train_policy]
    ids = torch.tensor([[5, 6, 7, 8]])
    merged = AutoModelForCausalLM.from_pretrained(result.path)
    adapted = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), result.adapter_path)
    untouched = AutoModelForCausalLM.from_pretrained(base)
    with torch.no_grad():
        torch.testing.assert_close(merged(ids).logits, adapted(ids).logits, atol=1e-5, rtol=0)
        assert not torch.allclose(merged(ids).logits, untouched(ids).logits, atol=1e-5)


def test_reference_log_probabilities_are_kept_and_computed_once(base, tmp_path):
    with pytest.raises(Cancelled):
        train_policy(base, TRAIN, HELDOUT, POLICY, tmp_path, should_stop=Stopper(14))
    kept = json.loads((tmp_path / "reference.json").read_text())
    assert len(kept) == len(TRAIN)
    phases = []
    train_policy(
        base, TRAIN, HELDOUT, POLICY, tmp_path, progress=lambda s, of, metrics: phases.append(metrics["phase"])
    )
    assert "reference" not in phases
