"""Finds the project of an address and asks the policies whether this person may see the page.

A project that is not yours does not exist (404); one that is yours but not this page of it says so (403).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from labeling.models import Project
from labeling.policies import may_lead, may_review, require, role_in

Page = Callable[..., HttpResponse]


def project_of_member(request: HttpRequest, slug: str) -> Project:
    """The project, with `request.role` set. Raises Http404 when the person is no member of it."""
    project = get_object_or_404(Project, slug=slug)
    request.role = role_in(request.user, project)  # type: ignore[attr-defined]
    if request.role is None:  # type: ignore[attr-defined]
        raise Http404("No such project.")
    return project


def lead_page(page: Page) -> Page:
    """Only leads of the project open `page(request, project, …)`."""
    return _page_for(page, may_lead, "open this page: it is for leads of the project")


def review_page(page: Page) -> Page:
    """Reviewers and leads open `page(request, project, …)`."""
    return _page_for(
        page, may_review, "open this page: it is for reviewers and leads, because it shows what others said"
    )


def _page_for(page: Page, policy: Callable[[Any, Project], bool], what: str) -> Page:
    @wraps(page)
    @login_required
    def view(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponse:
        project = project_of_member(request, slug)
        require(policy(request.user, project), what)
        return page(request, project, **kwargs)

    return view
