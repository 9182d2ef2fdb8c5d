"""The reward model: a language model with a scalar head, read at each completion's end-of-turn token.

Trained by Bradley–Terry over all pairs of each ranking (arXiv 2203.02155, eq. 1), from the language model's own
weights, with the head drawn from N(0, 1/(d + 1)) (Stiennon et al., arXiv 2009.01325, app. B.1).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.engine.errors import Cancelled, UnsupportedModel
from training.engine.models import add_adapter, can_pack, load_model, load_tokenizer, precision
from training.engine.packing import EncodedComparison, rows_of, shorten_prompt
from training.engine.ranking import Messages
from training.engine.settings import RewardSettings
from training.engine.tokens import encode_completion, encode_prompt
from training.engine.versions import default_device

HEAD = "score"  # the name transformers gives the head of every causal sequence classifier


def new_reward_model(base: Path, settings: RewardSettings, device: torch.device) -> tuple[Any, Any]:
    """(model, tokenizer): the base with a fresh scalar head, ready to train as `settings.adapter` says.

    The tokenizer gets a pad token that no completion ends with. Plain transformers reads the score at the last
    token that is not padding; were padding the end-of-turn token, as in the base model, that would be one token
    too early (transformers #35352).
    """
    from transformers import AutoModelForSequenceClassification

    torch.manual_seed(settings.seed)
    tokenizer = load_tokenizer(base)
    model = load_model(AutoModelForSequenceClassification, base, device, num_labels=1)
    head = getattr(model, HEAD, None)
    if not isinstance(head, torch.nn.Linear):
        raise UnsupportedModel(f"{type(model).__name__} has no linear head called {HEAD!r}.")
    torch.nn.init.normal_(head.weight, std=(head.in_features + 1) ** -0.5)
    _set_own_pad_token(model, tokenizer)
    return add_adapter(model, settings, task="SEQ_CLS", keep=[HEAD]), tokenizer


def _set_own_pad_token(model: Any, tokenizer: Any) -> None:
    if tokenizer.pad_token_id == tokenizer.eos_token_id:
        template = tokenizer.chat_template or ""
        taken = {tokenizer.eos_token, tokenizer.bos_token}
        spare = [t for t in tokenizer.all_special_tokens if t not in taken and t not in template]
        tokenizer.pad_token = spare[0] if spare else "<|pad|>"
        if not spare:
            tokenizer.add_special_tokens({"pad_token": "<|pad|>"})
        if len(tokenizer) > model.get_input_embeddings().num_embeddings:
            model.resize_token_embeddings(len(tokenizer))
    model.config.pad_token_id = tokenizer.pad_token_id
    tokenizer.padding_side = "right"


def rewards_of(model: Any, comparison: EncodedComparison, *, packed: bool = True) -> Tensor:
    """(K,) fp32 rewards of a comparison's completions, with gradient; the prompt is computed once."""
    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    device = next(plain.parameters()).device
    found = []
    for row in rows_of(comparison, packed=packed):
        row = row.to(device)
        with precision(device):
            states = plain.base_model(**row.model_inputs).last_hidden_state
        # the head in fp32: differences between rewards are small
        found.append(getattr(plain, HEAD)(states[0, row.ends].float()).squeeze(-1))
    return torch.cat(found)


@torch.no_grad()
def score(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Messages],
    completions: Sequence[Sequence[str]],
    max_length: int = 1024,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[list[float]]:
    """Rewards of each prompt's completions (one list a prompt). Higher is better; only differences mean anything.

    A prompt that does not fit `max_length` together with its longest completion is shortened at its front.
    Raises ValueError when a completion alone does not fit, and `Cancelled` when `should_stop`, asked before each
    prompt, says yes.
    """
    model.eval()
    device = next(model.parameters()).device
    packed = can_pack(model, device)
    scored = []
    for messages, texts in zip(prompts, completions, strict=True):
        if should_stop():
            raise Cancelled("Stopped on request.")
        ids = [tuple(encode_completion(tokenizer, text)) for text in texts]
        prompt = shorten_prompt(encode_prompt(tokenizer, messages), max(map(len, ids)), max_length)
        if prompt is None:
            raise ValueError(f"A completion of {max(map(len, ids))} tokens does not fit max_length={max_length}.")
        comparison = EncodedComparison(tuple(prompt), tuple(ids), (), "")
        scored.append(rewards_of(model, comparison, packed=packed).tolist())
    return scored


def load_reward_model(folder: Path, device: torch.device | None = None) -> tuple[Any, Any]:
    """(model, tokenizer) of a reward model saved by `train_reward_model`."""
    from transformers import AutoModelForSequenceClassification

    model = load_model(AutoModelForSequenceClassification, folder, device or default_device(), num_labels=1)
    return model.eval(), load_tokenizer(folder)
