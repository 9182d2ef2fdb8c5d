"""Drawing tokens: one prefill a prompt, however many completions; rows leave the batch when they end.

`model.generate` computes the prompt once a completion, sorts the whole vocabulary for top-p at each token, and
carries finished rows to the end; on a CPU that is a third of the time.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from training.engine.errors import Cancelled
from training.engine.models import precision
from training.engine.settings import SamplingSettings
from training.engine.tokens import end_of_turn

LIKELIEST = 512  # enough to hold the top-p set nearly always; where it is not, everything is sorted


def end_tokens(model: Any, tokenizer: Any) -> list[int]:
    """Every token that ends an answer: the tokenizer's and those of the model's generation settings."""
    configured = model.generation_config.eos_token_id
    more = configured if isinstance(configured, list) else [] if configured is None else [configured]
    return sorted({end_of_turn(tokenizer), *more})


@torch.no_grad()
def draw(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    counts: Sequence[int],
    settings: SamplingSettings,
    seed: int,
    stop: Callable[[], bool] = lambda: False,
) -> list[list[tuple[list[int], bool]]]:
    """counts[i] completions of prompt i, all in one batch: (ids with the end token, finished) each.

    Leaves the global random state alone. Asks `stop` at every token; True raises `Cancelled`.
    """
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    ends = torch.tensor(end_tokens(model, tokenizer), device=device)
    ids, mask = _left_padded(prompts, tokenizer.pad_token_id or 0, device)
    repeats = torch.tensor(list(counts), device=device)
    owner = torch.repeat_interleave(torch.arange(len(counts), device=device), repeats)
    drawn: list[list[int]] = [[] for _ in owner]
    finished = [False] * len(owner)

    with precision(device):
        # the cache grows by a token a step; positions follow from the mask, so padding takes none
        positions = (mask.cumsum(-1) - 1).clamp_min(0)
        out = model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=True, logits_to_keep=1)
        cache, logits = out.past_key_values, out.logits[:, -1]
        cache.batch_select_indices(owner)
        logits, mask, position = logits[owner], mask[owner], positions[owner, -1:]
        rows = list(range(len(owner)))  # which completion each row of the batch is
        for _ in range(settings.max_new_tokens):
            if stop():
                raise Cancelled("Stopped while sampling.")
            tokens = sample_tokens(logits.float(), settings.temperature, settings.top_p, generator)
            over = torch.isin(tokens, ends)
            for row, token, end in zip(rows, tokens.tolist(), over.tolist(), strict=True):
                drawn[row].append(token)
                finished[row] = end
            if over.any():
                going = (~over).nonzero()[:, 0]
                if not len(going):
                    break
                rows = [rows[i] for i in going.tolist()]
                cache.batch_select_indices(going)
                tokens, mask, position = tokens[going], mask[going], position[going]
            position = position + 1
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], 1)
            out = model(
                input_ids=tokens[:, None],
                attention_mask=mask,
                position_ids=position,
                past_key_values=cache,
                use_cache=True,
            )
            logits = out.logits[:, -1]

    completions = iter(zip(drawn, finished, strict=True))
    return [[next(completions) for _ in range(count)] for count in counts]


def _left_padded(prompts: Sequence[Sequence[int]], pad: int, device: torch.device) -> tuple[Tensor, Tensor]:
    longest = max(map(len, prompts))
    ids = torch.tensor([[pad] * (longest - len(p)) + list(p) for p in prompts], device=device)
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=device)
    return ids, mask


def sample_tokens(logits: Tensor, temperature: float, top_p: float, generator: torch.Generator) -> Tensor:
    """One token a row from softmax(logits / temperature), cut to its top-p set. logits (B, V) → (B,).

    The top-p set (nucleus, Holtzman et al., arXiv 1904.09751, eq. 2–3) is the smallest set of likeliest tokens
    whose probability reaches top_p.
    """
    probabilities = (logits / temperature).softmax(-1)
    if top_p >= 1:
        return torch.multinomial(probabilities, 1, generator=generator)[:, 0]
    likely, tokens = probabilities.topk(min(LIKELIEST, probabilities.shape[-1]))
    if bool((likely.sum(-1) < top_p).any()):
        likely, tokens = probabilities.sort(descending=True)
    before = likely.cumsum(-1) - likely
    likely = likely.masked_fill(before >= top_p, 0.0)
    return tokens.gather(-1, torch.multinomial(likely, 1, generator=generator))[:, 0]
