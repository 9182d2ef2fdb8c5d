"""What every request passes through: a request id with one structured log line, the content security policy, and on
SQLite a queue for rankings."""

import logging
import threading
import time
from collections.abc import Callable

from django.core.exceptions import MiddlewareNotUsed
from django.db import connection
from django.http import HttpRequest, HttpResponse

from webapp.logs import new_request_id, request_id

log = logging.getLogger("luce.request")

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)
PERMISSIONS_POLICY = "camera=(), microphone=(), geolocation=(), payment=(), usb=()"
# Asked every few seconds by machines; they show when somebody looks for them.
PROBES = ("/healthz", "/readyz")


class RequestLogMiddleware:
    """One line a request: method, path, status, milliseconds, person, and an id that the response carries too.

    The query string and the path of sign-in links stay out of the log: both can hold secrets.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.id = new_request_id(request.headers.get("X-Request-Id", ""))
        carried = request_id.set(request.id)
        start = time.perf_counter()
        try:
            response = self.get_response(request)
            response["X-Request-Id"] = request.id
            self.write(request, response, 1000 * (time.perf_counter() - start))
        finally:
            request_id.reset(carried)
        return response

    def write(self, request: HttpRequest, response: HttpResponse, milliseconds: float) -> None:
        log.log(
            logging.DEBUG if request.path in PROBES else logging.INFO,
            "request",
            extra={
                "request_id": request.id,
                "method": request.method,
                "path": "/local/…" if request.path.startswith("/local/") else request.path,
                "status": response.status_code,
                "ms": round(milliseconds, 1),
                "person": person_already_known(request),
            },
        )


def person_already_known(request: HttpRequest) -> int | None:
    """Who signed in, if the view asked: the log must not cause a query of its own."""
    user = getattr(request, "_cached_user", None)
    return getattr(user, "pk", None)


class RankingsInTurnMiddleware:
    """With SQLite a process works off rankings one after the other; its other threads are free for other pages.

    One writes at a time there anyway, and threads that pass the interpreter around in the middle of each other's
    transactions keep everybody waiting: without this, a third fewer rankings a second (tests/benchmarks/serving.py).
    Nothing depends on the turn but time, so nobody waits for it longer than a moment. The body is read before: a slow
    network must not hold others up. The disk is waited for afterwards, before the answer goes out, for the same reason.
    """

    PATHS = ("/judgment/", "/submit")  # of the API, and of the rank page
    PATIENCE = 1.0

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if connection.vendor != "sqlite":
            raise MiddlewareNotUsed("the database orders its writers itself")
        self.get_response = get_response
        self.turn = threading.Lock()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST" or not request.path.endswith(self.PATHS):
            return self.get_response(request)
        request.body  # noqa: B018 - reads it
        with connection.disk_put_off():
            taken = self.turn.acquire(timeout=self.PATIENCE)
            try:
                return self.get_response(request)
            finally:
                if taken:
                    self.turn.release()


class ContentSecurityPolicyMiddleware:
    """No inline script or style, nothing from elsewhere, on every response that does not bring a policy of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return response
