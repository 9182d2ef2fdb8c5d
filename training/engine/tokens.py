"""The one place where text becomes tokens: chat templates are applied here and nowhere else."""

from collections.abc import Sequence
from typing import Any

from training.engine.ranking import Messages

# For a tokenizer without a chat template: a plain transcript, one turn a block, the answer after "assistant:".
PLAIN_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] + ':\n' + message['content'] + '\n\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant:\n' }}{% endif %}"
)


def defuse(tokenizer: Any, text: str) -> str:
    """Break up special tokens written out in `text`, so that nobody can forge a turn by typing one.

    `<|im_end|>` becomes `< |im_end|>`: the reader (and the model) still sees what was typed, as ordinary text.
    """
    for special in sorted(tokenizer.all_special_tokens, key=len, reverse=True):
        if len(special) > 1 and special in text:
            text = text.replace(special, f"{special[0]} {special[1:]}")
    return text


def encode_prompt(tokenizer: Any, messages: Messages) -> list[int]:
    """Token ids of the chat so far, ending where the assistant's answer begins (with generation prompt).

    Uses the tokenizer's own chat template, or `PLAIN_TEMPLATE` when it has none.
    """
    turns = [{"role": m["role"], "content": defuse(tokenizer, m["content"])} for m in messages]
    text = tokenizer.apply_chat_template(
        turns,
        add_generation_prompt=True,
        tokenize=False,
        chat_template=None if tokenizer.chat_template else PLAIN_TEMPLATE,
    )
    # the template has written the special tokens; adding them again would double the first one
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def end_of_turn(tokenizer: Any) -> int:
    """The token that ends an answer: the tokenizer's EOS, which for chat models is the end of a turn."""
    if tokenizer.eos_token_id is None:
        raise ValueError(
            "The tokenizer has no eos_token: set it to the token that ends an assistant turn, "
            "or no completion can ever end."
        )
    return int(tokenizer.eos_token_id)


def encode_completion(tokenizer: Any, text: str, *, finished: bool = True) -> list[int]:
    """Token ids of one answer, ending with the end-of-turn token (left off when `finished` is False, unless nothing
    else is there: an answer without words is its end).

    The end is known by its index. It cannot be found by looking for padding: with many chat models (SmolLM2 too)
    the pad token *is* the end-of-turn token.
    """
    ids = list(tokenizer(defuse(tokenizer, text), add_special_tokens=False)["input_ids"])
    return [*ids, end_of_turn(tokenizer)] if finished or not ids else ids


def decode_completion(tokenizer: Any, ids: Sequence[int]) -> str:
    """The text of sampled ids: special tokens and NUL (which databases refuse) dropped, stripped."""
    return str(tokenizer.decode(list(ids), skip_special_tokens=True)).replace("\0", "").strip()
