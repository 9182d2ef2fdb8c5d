"""What an action says when it refuses."""

from typing import Literal

Code = Literal["invalid", "conflict", "gone", "not_found", "forbidden"]


class ActionError(Exception):
    """A refusal, in words for the person who asked: what was wrong, where, and what to do.

    code: "invalid" (the input is wrong; `field` names it), "conflict" (something else is stored there already),
    "gone" (the work was given away meanwhile), "not_found", "forbidden". Nothing was stored.
    """

    def __init__(self, message: str, code: Code = "invalid", field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.field = field
