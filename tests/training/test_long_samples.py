"""The samples on a card are scored however long they became."""

from pathlib import Path
from types import SimpleNamespace

from tests.training.engine.conftest import make_rankings
from training.actions.reward_dpo import _rewards_of_samples
from training.engine import RewardSettings, train_reward_model


def test_an_answer_longer_than_what_was_trained_on_gets_its_reward(tiny_model: Path, tmp_path: Path) -> None:
    settings = RewardSettings(epochs=1, batch_size=4, max_length=128)
    trained = train_reward_model(tiny_model, make_rankings(4), make_rankings(2, seed=1), settings, tmp_path)
    prompt = [{"role": "user", "content": "Write a chapter. " * 90}]
    samples = [{"prompt": prompt, "before": "word " * 230, "after": ""}]
    reporter = SimpleNamespace(stop_if_asked=lambda: None, should_stop=lambda: False)
    [rewards] = _rewards_of_samples(trained.path, samples, reporter)
    assert all(isinstance(reward, float) for reward in rewards)
    assert rewards[0] != rewards[1]
