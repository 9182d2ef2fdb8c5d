"""The error pages. They ask nothing of the database, which may be what failed."""

import logging
import sys
from types import SimpleNamespace

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

log = logging.getLogger("luce.site")

WORDS = {
    400: "This request could not be understood.",
    403: "You may not do this.",
    404: "There is nothing at this address.",
    500: "Something went wrong on our side. What was saved stays saved; please try again.",
    503: "The database does not answer right now. What was saved before is safe; what you just sent may not be. "
    "Please try again in a moment.",
    507: "The disk of this site is full. What was saved before is safe; what you just sent was not saved. Please tell "
    "whoever runs the site, and try again later.",
}
HEADINGS = {
    500: "Something broke on our side",
    503: "The database does not answer right now",
    507: "The disk of this site is full",
}
RETRY_AFTER = 5  # seconds
# What SQLite and PostgreSQL say when there is no room, or a file may not grow.
NO_ROOM = ("disk is full", "disk i/o error", "no space left", "could not extend file")


def error_page(request: HttpRequest, status: int, reason: str = "") -> HttpResponse:
    """The page of `status`; JSON under /api/. Plain text if even the template fails."""
    said = reason or WORDS[status]
    number = getattr(request, "id", "")
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": said, "request_id": number}, status=status)
    if status in HEADINGS:
        return failure_page(said, number, status)
    context = {"message": reason, "exception": reason}
    return HttpResponse(render_to_string(f"webapp/errors/{status}.html", context, request=request), status=status)


def failure_page(said: str, number: str, status: int = 500) -> HttpResponse:
    """The page of a failure, without the real request: to look its user up is a query. Plain text if it fails too."""
    context = {"message": said, "heading": HEADINGS[status], "status": status}
    context["request"] = SimpleNamespace(id=number, COOKIES={})
    try:
        return HttpResponse(render_to_string("webapp/errors/500.html", context), status=status)
    except Exception:
        log.exception("the error page itself failed")
        return HttpResponse(f"{said}\nRequest {number}\n", status=status, content_type="text/plain; charset=utf-8")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 403, str(exception) if exception else "")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 404)


def failed(request: HttpRequest) -> HttpResponse:
    """What no view expected. Django calls it while the exception is being handled."""
    status = status_of(sys.exc_info()[1])
    answer = error_page(request, status)
    if status != 500:
        answer["Retry-After"] = str(RETRY_AFTER)
    return answer


def status_of(error: BaseException | None) -> int:
    """507 when the database has no room, 503 when it is gone or too busy, 500 for everything else."""
    words = str(error).lower()
    if not isinstance(error, (OperationalError, InterfaceError)) or words.startswith("no such "):  # table, column
        return 500
    return 507 if any(said in words for said in NO_ROOM) else 503


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token is old or missing. Almost always a page left open while somebody signed in or out."""
    return error_page(request, 403, "This page was open for too long or belongs to an earlier sign-in. Reload it.")
