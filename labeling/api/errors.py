"""Refusals of actions as HTTP answers."""

from typing import Any

from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from labeling.actions.errors import ActionError

STATUS = {
    "invalid": status.HTTP_400_BAD_REQUEST,
    "forbidden": status.HTTP_403_FORBIDDEN,
    "not_found": status.HTTP_404_NOT_FOUND,
    "conflict": status.HTTP_409_CONFLICT,
    "gone": status.HTTP_410_GONE,
}


class Refused(APIException):
    """An ActionError on its way out: {"detail": words, "code": why, "field": where or null}."""

    def __init__(self, error: ActionError) -> None:
        super().__init__({"detail": error.message, "code": error.code, "field": error.field})
        self.status_code = STATUS[error.code]


class ActionView:
    """Mixin of API views: an action's refusal becomes an answer with words."""

    def handle_exception(self, error: Exception) -> Response:
        answer: Any = super().handle_exception(Refused(error) if isinstance(error, ActionError) else error)
        if isinstance(error, ActionError):
            answer.data = {"detail": error.message, "code": error.code, "field": error.field}
        return answer
