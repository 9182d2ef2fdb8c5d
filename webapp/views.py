"""The site's own pages: home, sign-in links, the API's description, and whether all is well."""

import logging
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView

from labeling.policies import may_create_project
from webapp import health, local_sign_in
from webapp.home import projects_of
from webapp.middleware import CONTENT_SECURITY_POLICY

log = logging.getLogger("luce.site")


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The person's projects: their role in each, how far it is, and what to do next."""
    context = {"projects": projects_of(request.user), "may_create": may_create_project(request.user)}
    return render(request, "webapp/home.html", context)


@require_safe
@never_cache
def local_sign_in_view(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in by a link of the demo. To everybody else the address does not exist."""
    if not local_sign_in.is_allowed(request):
        raise Http404
    person = local_sign_in.person_of(token)
    if person is None:
        messages.error(request, "This sign-in link is not valid any more. `make demo` prints new ones.")
        return redirect("sign-in")
    login(request, person, backend="django.contrib.auth.backends.ModelBackend")
    log.info("signed in by link", extra={"person": person.pk})
    return redirect(settings.LOGIN_REDIRECT_URL)


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Live: this process answers. Asks nothing else, so that a lost database does not restart the web server."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Ready: database, broker and workers answer. 503 with the reasons otherwise."""
    checks = health.checks()
    failing = {check.name: check.reason for check in checks if not check.well}
    body: dict[str, Any] = {"ready": not failing, "checks": {check.name: check.as_json() for check in checks}}
    if failing:
        body["failing"] = failing
        log.warning("not ready", extra={"failing": failing})
    return JsonResponse(body, status=503 if failing else 200)


@require_safe
def api_root(request: HttpRequest) -> HttpResponse:
    """Where the API begins: its browser for people, the addresses of its description for programs."""
    if request.accepts("text/html"):
        return redirect("api-docs")
    return JsonResponse({name: request.build_absolute_uri(reverse(name)) for name in ("api-docs", "schema")})


class ApiDocs(SpectacularSwaggerSplitView):
    """Swagger UI from our own files. Its page alone may use inline styles: the policy of the site stays as it is."""

    @extend_schema(exclude=True)
    def get(self, request: Any, *arguments: Any, **named: Any) -> HttpResponseBase:
        response = super().get(request, *arguments, **named)
        response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY + "; style-src 'self' 'unsafe-inline'"
        return response
