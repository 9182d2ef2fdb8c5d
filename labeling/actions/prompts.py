"""Prompts: what a model is asked."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from labeling.actions.content import check_text, kind_of
from labeling.actions.errors import ActionError
from labeling.actions.tallies import count_project
from labeling.content import json_hash
from labeling.models import Project, Prompt

ROLES = ("system", "user", "assistant")
MAX_MESSAGES = 200
MAX_TAGS = 50


def check_messages(raw: Any) -> list[dict[str, str]]:
    """Chat messages [{role, content}, ...] from a text or such a list.

    At most one system message, at the start; the last turn is the user's. Raises ActionError naming the field.
    """
    if isinstance(raw, str):
        return [{"role": "user", "content": check_text(raw, "prompt")}]
    if not isinstance(raw, list):
        raise ActionError(f"prompt must be text or a list of messages, not {kind_of(raw)}.", field="prompt")
    if not raw or len(raw) > MAX_MESSAGES:
        raise ActionError(f"prompt has {len(raw)} messages; it needs 1 to {MAX_MESSAGES}.", field="prompt")
    messages = [_check_message(message, place) for place, message in enumerate(raw)]
    if messages[-1]["role"] != "user":
        raise ActionError(
            f"the last message is the {messages[-1]['role']}'s; it must be a user's, to be answered.", field="prompt"
        )
    return messages


def _check_message(message: Any, place: int) -> dict[str, str]:
    field = f"prompt[{place}]"
    if not isinstance(message, dict):
        raise ActionError(f"{field} must be an object with role and content, not {kind_of(message)}.", field=field)
    if set(message) != {"role", "content"}:
        raise ActionError(f"{field} must hold role and content and nothing else.", field=field)
    role = message["role"]
    if role not in ROLES:
        raise ActionError(f"{field}.role must be one of {', '.join(ROLES)}.", field=f"{field}.role")
    if role == "system" and place > 0:
        raise ActionError(f"{field}: a system message may only come first.", field=f"{field}.role")
    return {"role": role, "content": check_text(message["content"], f"{field}.content")}


def check_tags(raw: Any) -> list[str]:
    """A list of short texts; ActionError otherwise."""
    if not isinstance(raw, (list, tuple)) or len(raw) > MAX_TAGS:
        raise ActionError(f"tags must be a list of at most {MAX_TAGS} texts.", field="tags")
    return [check_text(tag, f"tags[{place}]", longest=60) for place, tag in enumerate(raw)]


def check_choice(value: Any, field: str, choices: Sequence[str]) -> str:
    """`value` if it is one of `choices`; ActionError otherwise."""
    if not isinstance(value, str) or value not in choices:
        raise ActionError(f"{field} must be one of {', '.join(choices)}.", field=field)
    return value


@transaction.atomic
def add_prompt(
    *,
    project: Project,
    messages: Any,
    source: str = Prompt.Source.IMPORTED,
    use_case: str = "",
    tags: Sequence[str] = (),
    split: str = Prompt.Split.TRAIN,
) -> tuple[Prompt, bool]:
    """The prompt with these messages, and whether it is new.

    Raises ActionError "invalid", or "conflict" when the prompt is there in the other split, which is fixed at birth.
    """
    checked = check_messages(messages)
    prompt, created = Prompt.objects.get_or_create(
        project=project,
        content_hash=json_hash(checked),
        defaults={
            "messages": checked,
            "source": check_choice(source, "source", Prompt.Source.values),
            "use_case": check_text(use_case, "use_case", empty=True, longest=60),
            "tags": check_tags(tags),
            "split": check_choice(split, "split", Prompt.Split.values),
        },
    )
    if prompt.split != split:
        raise ActionError(split_is_fixed(prompt.split, split), "conflict", "split")
    if created:
        count_project(project.pk, prompts=1, prompts_heldout=int(split == Prompt.Split.HELDOUT))
    return prompt, created


def split_is_fixed(stored: str, wanted: str) -> str:
    """The words for a prompt that is wanted in another split than the one it was born in."""
    return f'this prompt is stored with split "{stored}", which is fixed at birth; "{wanted}" is refused.'
