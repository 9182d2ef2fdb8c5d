"""Completions, and what wrote them."""

from typing import Any

from django.db import transaction

from labeling.actions.content import check_text, kind_of
from labeling.actions.errors import ActionError
from labeling.actions.prompts import check_choice
from labeling.content import json_hash, text_hash
from labeling.models import Completion, Generator, Project, Prompt
from labeling.models.project import MAX_K


def check_completions(raw: Any) -> list[str]:
    """A list of at most MAX_K different texts; ActionError naming the position otherwise."""
    if not isinstance(raw, list):
        raise ActionError(f"completions must be a list of texts, not {kind_of(raw)}.", field="completions")
    if len(raw) > MAX_K:
        raise ActionError(f"{len(raw)} completions; at most {MAX_K} are ranked together.", field="completions")
    first: dict[str, int] = {}
    for place, text in enumerate(raw):
        field = f"completions[{place}]"
        if first.setdefault(check_text(text, field, empty=True), place) != place:
            raise ActionError(
                f"completions[{first[text]}] and {field} are the same text; nobody can prefer one to the other.",
                field=field,
            )
    return raw


def generator_fingerprint(kind: str, name: str, settings: dict[str, Any]) -> str:
    """Hash of what makes two generators the same."""
    return json_hash([kind, name, settings])


@transaction.atomic
def find_or_add_generator(
    *, project: Project, kind: str, name: str, settings: dict[str, Any] | None = None
) -> Generator:
    """The project's generator of this kind, name and settings."""
    check_choice(kind, "kind", Generator.Kind.values)
    check_text(name, "name", longest=200)
    generator, _ = Generator.objects.get_or_create(
        project=project,
        fingerprint=generator_fingerprint(kind, name, settings or {}),
        defaults={"kind": kind, "name": name, "settings": settings or {}},
    )
    return generator


@transaction.atomic
def add_completion(
    *,
    prompt: Prompt,
    text: str,
    generator: Generator | None = None,
    tokens: int | None = None,
    finished: bool | None = None,
) -> tuple[Completion, bool]:
    """The completion with this text, and whether it is new. The first generator to write a text keeps it.

    An empty text is a completion too: a model may have nothing to say.
    """
    check_text(text, "text", empty=True)
    return Completion.objects.get_or_create(
        prompt=prompt,
        content_hash=text_hash(text),
        defaults={"text": text, "generator": generator, "tokens": tokens, "finished": finished},
    )
