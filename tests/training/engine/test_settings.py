import json
import subprocess
import sys

import pytest

from training.engine import BadSettings, PolicySettings, RewardSettings, SamplingSettings


@pytest.mark.parametrize(
    "settings",
    [
        RewardSettings(epochs=5, learning_rate=3e-4, tie="davidson"),
        PolicySettings(beta=0.25, epochs=4, length_normalised=True),
        SamplingSettings(k=7, temperature=0.5, top_p=0.8),
    ],
)
def test_settings_survive_a_round_trip_through_json(settings):
    kind = type(settings)
    assert settings != kind()
    assert kind.from_dict(json.loads(json.dumps(settings.as_dict()))) == settings


def test_an_unknown_setting_is_refused_by_name_with_the_known_ones():
    with pytest.raises(BadSettings, match=r"no setting learning_rat\b.*learning_rate"):
        RewardSettings.from_dict({"learning_rat": 1e-4})


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (RewardSettings, {"epochs": 0}),
        (RewardSettings, {"epochs": 1.5}),
        (RewardSettings, {"learning_rate": 0}),
        (RewardSettings, {"tie": "maybe"}),
        (RewardSettings, {"schedule": "square"}),
        (PolicySettings, {"beta": -0.1}),
        (PolicySettings, {"adapter": "full"}),
        (SamplingSettings, {"temperature": 0}),
        (SamplingSettings, {"top_p": 1.2}),
        (SamplingSettings, {"k": True}),
        (SamplingSettings, {"temperature": "hot"}),
        (SamplingSettings, {"seed": -1}),
        (SamplingSettings, {"seed": "one"}),
        (RewardSettings, {"seed": 2**70}),
        (RewardSettings, {"seed": -1}),
        (RewardSettings, {"seed": 0.5}),
        (RewardSettings, {"tie_nu": "wide"}),
        (RewardSettings, {"tie": ["half"]}),
        (PolicySettings, {"learning_rate": "nan"}),
        (PolicySettings, {"learning_rate": float("nan")}),
        (PolicySettings, {"max_grad_norm": float("inf")}),
        (PolicySettings, {"epochs": None}),
        (PolicySettings, {"length_normalised": "no"}),
        (PolicySettings, {"evaluation_prompts": [8]}),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(kind, values):
    with pytest.raises(BadSettings, match=f"Setting {next(iter(values))} must be"):
        kind.from_dict(values)


def test_every_setting_is_documented():
    for kind in (RewardSettings, PolicySettings, SamplingSettings):
        text = " ".join(parent.__doc__ or "" for parent in kind.__mro__)
        assert [name for name in kind().as_dict() if name not in text.split()] == []


def test_checking_settings_loads_no_pytorch():
    code = (
        "import sys; from training.engine import PolicySettings, RewardSettings, SamplingSettings, Ranking; "
        "[kind.from_dict(kind().as_dict()) for kind in (PolicySettings, RewardSettings, SamplingSettings)]; "
        "Ranking([{'role': 'user', 'content': 'Why?'}], ['Because.', 'So.'], [1, 2]); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
