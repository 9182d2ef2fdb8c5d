"""Luce's training engine: rankings in, reward models and policies out. Pure PyTorch; usable from a notebook.

    from training.engine import Ranking, RewardSettings, prepare_bundled_model, train_reward_model

Names are looked up when first used, so that a web process which only checks settings never loads PyTorch.
"""

from importlib import import_module
from typing import Any

_PUBLIC = {
    "bundled": ["is_prepared", "prepare_bundled_model"],
    "decoding": ["draw"],
    "errors": [
        "BadRanking",
        "BadSettings",
        "Cancelled",
        "EngineError",
        "MissingModel",
        "NoSpace",
        "NotFinite",
        "NothingToTrainOn",
        "UnsupportedModel",
    ],
    "estimates": ["Scored", "calibration_error", "mean_margin", "ordered_pair_accuracy"],
    "evaluation": [
        "Draw",
        "dpo_margins",
        "draw_for_evaluation",
        "kl_from_reference",
        "length_baseline",
        "length_drift",
        "reward_accuracy",
    ],
    "folders": ["folder_hash"],
    "losses": ["bradley_terry_all_pairs", "dpo_all_pairs"],
    "models": ["load_policy", "load_tokenizer", "sampling_dtype"],
    "packing": ["EncodedComparison", "Row", "encode_rankings", "pack"],
    "ranking": ["Ranking", "pairs"],
    "reward": ["load_reward_model", "score"],
    "runs": ["PolicyResult", "RewardResult", "train_policy", "train_reward_model"],
    "sampling": ["SampledCompletion", "SampledPrompt", "sample_completions"],
    "settings": ["PolicySettings", "RewardSettings", "SamplingSettings"],
    "tokens": ["encode_completion", "encode_prompt"],
    "versions": ["library_versions"],
}
_HOME = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"training.engine has no {name!r}")
    return getattr(import_module(f"training.engine.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
