"""The hashes by which the same content is found again."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

MAX_COPIES = 1000

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def canonical_json(value: Any) -> str:
    """One spelling for equal JSON values: sorted keys, no spaces, no escapes."""
    return _encode(value)


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


def copy_number(stored: str, prompt_hash: str, completion_hashes: list[str], purpose: str) -> int:
    """Which copy the comparison with content hash `stored` is: 1 unless a data set held it several times."""
    copies = (
        n for n in range(1, MAX_COPIES + 1) if stored == comparison_hash(prompt_hash, completion_hashes, purpose, n)
    )
    return next(copies, 1)
