"""The error pages. They ask nothing of the database, which may be what failed."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string

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
    context = {"status": status, "reason": said, "request_id": number}
    try:
        # without the request there is no user to look up, and so no query
        body = render_to_string(f"webapp/errors/{status}.html", context, request=None if status == 500 else request)
    except TemplateDoesNotExist:
        return plain(said, number, status)
    except Exception:
        if status != 500:
            raise
        return plain(said, number, status)
    return HttpResponse(body, status=status)


def plain(said: str, number: str, status: int) -> HttpResponse:
    return HttpResponse(f"{said}\nRequest {number}\n", status=status, content_type="text/plain; charset=utf-8")


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
