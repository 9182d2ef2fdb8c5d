"""Text as it may be stored: what both databases, and UTF-8, can hold."""

import re
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


def check_language(value: Any, field: str) -> str:
    """A language tag in its usual form (BCP 47: de, pt-BR, zh-Hant), or "" for none."""
    tag = check_text(value, field, empty=True, longest=16).strip()
    if tag and not re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", tag):
        raise ActionError(f"{field} is {tag!r}; it takes a language tag such as de, pt-BR or zh-Hant.", field=field)
    return tag


def kind_of(value: Any) -> str:
    """The JSON name of a value's type, for error messages."""
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return "null" if value is None else names.get(type(value), type(value).__name__)
