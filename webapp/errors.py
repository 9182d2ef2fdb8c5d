"""The error pages. They ask nothing of the database, which may be what failed."""

import logging
from types import SimpleNamespace

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

log = logging.getLogger("luce.site")

WORDS = {
    400: "This request could not be understood.",
    403: "You may not do this.",
    404: "There is nothing at this address.",
    500: "Something went wrong on our side. What was saved stays saved; please try again.",
}


def error_page(request: HttpRequest, status: int, reason: str = "") -> HttpResponse:
    """The page of `status`; JSON under /api/. Plain text if even the template fails."""
    said = reason or WORDS[status]
    number = getattr(request, "id", "")
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": said, "request_id": number}, status=status)
    if status == 500:
        return failure_page(said, number)
    context = {"message": reason, "exception": reason}
    return HttpResponse(render_to_string(f"webapp/errors/{status}.html", context, request=request), status=status)


def failure_page(said: str, number: str) -> HttpResponse:
    """The page of a failure, without the real request: to look its user up is a query. Plain text if it fails too."""
    context = {"message": said, "request": SimpleNamespace(id=number, COOKIES={})}
    try:
        return HttpResponse(render_to_string("webapp/errors/500.html", context), status=500)
    except Exception:
        log.exception("the error page itself failed")
        return HttpResponse(f"{said}\nRequest {number}\n", status=500, content_type="text/plain; charset=utf-8")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 403, str(exception) if exception else "")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 404)


def failed(request: HttpRequest) -> HttpResponse:
    return error_page(request, 500)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token is old or missing. Almost always a page left open while somebody signed in or out."""
    return error_page(request, 403, "This page was open for too long or belongs to an earlier sign-in. Reload it.")
