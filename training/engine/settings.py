"""Every setting of a run: what it does, and what goes wrong when it is set badly."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Self

from training.engine.errors import BadSettings
from training.engine.ranking import TIE_MODELS, TieModel

ADAPTERS = ("lora", "last_n", "full")
SCHEDULES = ("cosine", "linear", "constant")


MOST_TOKENS = 16_384
MOST_RANK = 1024  # beyond it an adapter is larger than the weights it adapts
LARGEST_SEED = 2**32 - 1  # what every generator takes, also when an epoch or a prompt is counted in
KINDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    float | None: "a number or None",
    bool: "true or false",
}


def _is_of_kind(value: Any, kind: Any) -> bool:
    if kind == float | None and value is None:
        return True
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    if kind is int:
        return isinstance(value, int)
    if kind in KINDS:
        return isinstance(value, (int, float)) and math.isfinite(value)
    return isinstance(value, str)


def _require(ok: bool, name: str, rule: str, value: Any) -> None:
    if not ok:
        raise BadSettings(f"Setting {name} must be {rule}, not {value!r:.60}.")


@dataclass(frozen=True)
class _Settings:
    """Reading from and writing to plain dictionaries (JSON); each value of the kind its field is."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            _require(_is_of_kind(value, field.type), field.name, KINDS.get(field.type, "a text"), value)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Settings from a dictionary; missing keys take their defaults. Raises `BadSettings` naming the key."""
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise BadSettings(
                f"{cls.__name__} has no setting {', '.join(unknown)}. It has: {', '.join(sorted(known))}."
            )
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class _TrainingSettings(_Settings):
    """Shared by reward model and policy.

    epochs            Passes over the rankings. Too many: the training loss falls on while held-out accuracy
                      drops (InstructGPT overfits after one epoch on 30,000 prompts; with a few dozen two or three
                      are needed). Too few: nothing was learned.
    learning_rate     Peak step size of AdamW. Too high: the loss jumps or becomes NaN, and a policy forgets how
                      to write. Too low: the curve stays flat. LoRA wants about ten times what full training does.
    batch_size        Comparisons in one optimizer step; gradients are accumulated, so memory does not grow with
                      it. Too small: noisy steps. Too large for little data: too few steps to learn anything;
                      with thousands of comparisons choose 16 to 64 (InstructGPT and DPO: 64).
    schedule          "cosine" or "linear" decay to `final_lr_share`, or "constant".
    warmup_share      Share of the steps over which the rate rises from 0. None at all: Adam's first steps, with
                      moments not yet known, can wreck a pretrained model. Too long: wasted steps.
    final_lr_share    The rate at the end as a share of the peak (InstructGPT: 0.1).
    weight_decay      AdamW's decoupled decay of the trained weights; too high pulls LoRA back to the start.
    max_grad_norm     Gradients are scaled down to this norm. Too high: one odd ranking throws the model off.
                      Too low: every step is clipped and the learning rate loses its meaning.
    max_length        Prompt plus longest completion, in tokens. A longer prompt is shortened at its front, a
                      ranking whose completion alone does not fit is left out, both counted in the report. Too low:
                      questions lose their beginning. Too high: memory grows with its square on long rankings.
    adapter           "lora": small matrices beside all linear layers; "last_n": only the last `last_n` layers;
                      "full": every weight (most memory, easiest to overfit).
    lora_r            Rank of the LoRA matrices (arXiv 2106.09685). Too low for a hard task: underfits; higher
                      costs time and memory.
    lora_alpha        LoRA's output is scaled by alpha / r; raising it acts like a higher learning rate.
    lora_dropout      Dropout on LoRA's input. Helps little on tiny data and makes curves noisy.
    last_n            How many of the last layers `adapter="last_n"` trains.
    tie               "davidson" (a model of ties), "half" (a tie is half a win each way) or "drop" (ties teach
                      nothing; wasteful where people tie often).
    tie_nu            Davidson's ν. None: from the share of ties in the training rankings. Too high: the model
                      expects ties everywhere and ordered pairs teach less. Too low: tied completions are forced
                      very close together.
    seed              Of the data order, dropout and the score head. Same seed, same machine, same result.
    checkpoint_seconds  Least time between checkpoints. Too long: a killed worker loses that much. Too short: the
                      disk is busy, with full training above all.
    keep_checkpoints  How many of the newest stay on disk; at least 2 survive a crash in the middle of a write.
    """

    epochs: int = 3
    learning_rate: float = 1e-4
    batch_size: int = 2
    schedule: str = "cosine"
    warmup_share: float = 0.1
    final_lr_share: float = 0.1
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    max_length: int = 1024
    adapter: str = "lora"
    lora_r: int = 16
    lora_alpha: int = 32
    lora_dropout: float = 0.0
    last_n: int = 4
    tie: TieModel = "davidson"
    tie_nu: float | None = None
    seed: int = 0
    checkpoint_seconds: float = 30.0
    keep_checkpoints: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("epochs", "batch_size", "lora_r", "lora_alpha", "last_n", "keep_checkpoints"):
            _require(getattr(self, name) >= 1, name, "a whole number from 1", getattr(self, name))
        _require(0 <= self.seed <= LARGEST_SEED, "seed", f"from 0 to {LARGEST_SEED}", self.seed)
        _require(32 <= self.max_length <= MOST_TOKENS, "max_length", f"32 to {MOST_TOKENS:,} tokens", self.max_length)
        _require(self.lora_r <= MOST_RANK, "lora_r", f"at most {MOST_RANK:,}", self.lora_r)
        _require(0 < self.learning_rate < 1, "learning_rate", "between 0 and 1", self.learning_rate)
        for name in ("warmup_share", "final_lr_share", "lora_dropout"):
            _require(0 <= getattr(self, name) < 1, name, "from 0 to below 1", getattr(self, name))
        _require(self.weight_decay >= 0, "weight_decay", "0 or more", self.weight_decay)
        _require(self.max_grad_norm > 0, "max_grad_norm", "above 0", self.max_grad_norm)
        _require(self.checkpoint_seconds >= 0, "checkpoint_seconds", "0 or more", self.checkpoint_seconds)
        _require(self.schedule in SCHEDULES, "schedule", f"one of {', '.join(SCHEDULES)}", self.schedule)
        _require(self.adapter in ADAPTERS, "adapter", f"one of {', '.join(ADAPTERS)}", self.adapter)
        _require(self.tie in TIE_MODELS, "tie", f"one of {', '.join(TIE_MODELS)}", self.tie)
        _require(self.tie_nu is None or self.tie_nu > 0, "tie_nu", "None or above 0", self.tie_nu)


@dataclass(frozen=True)
class RewardSettings(_TrainingSettings):
    """The reward model's settings: those of `_TrainingSettings`, with these defaults.

    One epoch, as InstructGPT and Stiennon et al. train theirs: a second one mostly repeats the training pairs and, on
    a CPU, doubles the time.
    """

    epochs: int = 1
    learning_rate: float = 3e-4


@dataclass(frozen=True)
class PolicySettings(_TrainingSettings):
    """The policy's settings: those of `_TrainingSettings`, and those below.

    The defaults suit some dozens of comparisons. On 48 of SmolLM2-135M's (two cores, five minutes), in two runs of
    `make demo-check`, they moved it 5.4 and 4.6 nats from the reference, won 74 % [67, 80] and 71 % [63, 78] of
    held-out answers under its preference, and made them a quarter and a fifth shorter in words. 15 steps at 1e-4
    moved it 0.2 nats, too little to see.

    beta              How tightly DPO holds the policy to the reference. Too low: the answers drift far and exploit
                      the preference (all very short, or all alike: look at KL and length drift on the card). Too
                      high: nothing changes. With `length_normalised`, multiply by about the usual length.
    nll_weight        Weight of an extra log-likelihood term on the best completion (arXiv 2404.19733). 0: DPO may
                      lower the good answers' probability along with the bad ones'. Too high: plain imitation of
                      the best completions.
    length_normalised Take the implicit reward per token. Off, short completions are the easier winners and answers
                      shrink when people prefer concise ones; on, whole-answer traits are learned more slowly.
    evaluation_prompts  Held-out prompts on which KL, length drift and samples are measured, two completions each.
                      Too few: wide intervals. Many: minutes of sampling after training.
    evaluation_tokens Longest completion drawn for that; set it to what people are shown.
    adapter           "lora" alone: the reference is the same weights with the adapter off.
    """

    epochs: int = 2
    learning_rate: float = 4e-4
    beta: float = 0.1
    nll_weight: float = 0.1
    length_normalised: bool = False
    evaluation_prompts: int = 8
    evaluation_tokens: int = 96

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self.evaluation_prompts >= 0, "evaluation_prompts", "0 or more", self.evaluation_prompts)
        _require(self.evaluation_tokens >= 1, "evaluation_tokens", "1 or more", self.evaluation_tokens)
        _require(self.beta > 0, "beta", "above 0", self.beta)
        _require(self.nll_weight >= 0, "nll_weight", "0 or more", self.nll_weight)
        _require(
            self.adapter == "lora", "adapter", "lora for a policy (its reference is the adapter off)", self.adapter
        )


@dataclass(frozen=True)
class SamplingSettings(_Settings):
    """How completions are drawn.

    k                 Different completions a prompt. More give more pairs a ranking, and more to read for people.
    max_new_tokens    Longest completion. Too low: most are cut off in mid-sentence (see `finished`). Too high:
                      slow, and people get walls of text.
    temperature       1 samples the model as it is. Lower: completions grow alike and there is little to rank (and
                      K different ones may not be found). Higher: they turn to nonsense. Must be above 0.
    top_p             Only the likeliest tokens that make up this probability are drawn (arXiv 1904.09751). 1 lets
                      in the long tail of odd words; very low makes completions alike.
    group_size        Prompts sampled at once (group_size × k rows). Large: more tokens a second, and the first
                      result comes later, with more memory. The first group holds one prompt, to be quick.
    max_tries         Rounds of sampling to replace empty or repeated completions before a prompt is reported short.
    max_prompt_tokens Longer prompts are shortened at their front.
    seed              With the prompts of a group, fixes its random numbers: same seed, same prompts in the group,
                      same machine, same completions.
    """

    k: int = 4
    max_new_tokens: int = 96
    temperature: float = 0.9
    top_p: float = 0.95
    group_size: int = 4
    max_tries: int = 4
    max_prompt_tokens: int = 1024
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("k", "max_new_tokens", "group_size", "max_tries", "max_prompt_tokens"):
            _require(getattr(self, name) >= 1, name, "a whole number from 1", getattr(self, name))
        for name in ("max_new_tokens", "max_prompt_tokens"):
            _require(getattr(self, name) <= MOST_TOKENS, name, f"at most {MOST_TOKENS:,}", getattr(self, name))
        _require(self.seed >= 0, "seed", "0 or more", self.seed)
        _require(0 < self.temperature <= 5, "temperature", "above 0, at most 5", self.temperature)
        _require(0 < self.top_p <= 1, "top_p", "above 0, at most 1", self.top_p)
