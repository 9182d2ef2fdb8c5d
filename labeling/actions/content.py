"""Text as it may be stored, and the hashes by which the same content is found again."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from labeling.actions.errors import ActionError

MAX_CHARACTERS = 1_000_000


def check_text(value: Any, field: str, *, empty: bool = False, longest: int = MAX_CHARACTERS) -> str:
    """`value` if it is text that both databases can store; ActionError naming `field` otherwise."""
    if not isinstance(value, str):
        raise ActionError(f"{field} must be text, not {kind_of(value)}.", field=field)
    if not empty and not value.strip():
        raise ActionError(f"{field} is empty.", field=field)
    if len(value) > longest:
        raise ActionError(f"{field} has {len(value):,} characters; at most {longest:,} are stored.", field=field)
    if "\x00" in value:
        place = value.index("\x00") + 1
        raise ActionError(f"{field} holds a NUL byte at character {place}; PostgreSQL cannot store it.", field=field)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ActionError(
            f"{field} holds half of a surrogate pair at character {error.start + 1}; save the file as UTF-8.",
            field=field,
        ) from None
    return value


def kind_of(value: Any) -> str:
    """The JSON name of a value's type, for error messages."""
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


def canonical_json(value: Any) -> str:
    """One spelling for equal JSON values: sorted keys, no spaces, no escapes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def text_hash(text: str) -> str:
    """SHA-256 of the text in UTF-8, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def json_hash(value: Any) -> str:
    """SHA-256 of the canonical JSON, hexadecimal."""
    return text_hash(canonical_json(value))


def comparison_hash(prompt_hash: str, completion_hashes: Iterable[str], purpose: str, copy: int = 1) -> str:
    """What makes two comparisons the same: prompt, set of completions, purpose, copy.

    The order of the completions does not count. `copy` tells apart comparisons that a data set holds several times.
    """
    return json_hash([prompt_hash, sorted(completion_hashes), purpose, copy])
