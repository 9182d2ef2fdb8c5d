"""What is shown of a comparison to the person who ranks it."""

import json
from dataclasses import dataclass

from labeling.models import Assignment
from labeling.statements import rows

_TEXTS = """
    SELECT p.messages, x.text FROM labeling_candidate d
    JOIN labeling_completion x ON x.id = d.completion_id
    JOIN labeling_prompt p ON p.id = x.prompt_id
    WHERE d.comparison_id = %s ORDER BY d.position
"""


@dataclass(frozen=True)
class Shown:
    """The turns of the prompt, and the completions' texts in the order drawn for the assignment."""

    messages: list[dict[str, str]]
    texts: list[str]


def shown_to(assignment: Assignment) -> Shown:
    """One query, and nothing that tells one item from another."""
    found = rows(_TEXTS, [assignment.comparison_id])
    messages = found[0][0]
    order = assignment.shown or range(len(found))  # an import need not say in which order it was
    return Shown(json.loads(messages) if isinstance(messages, str) else messages, [found[p][1] for p in order])
