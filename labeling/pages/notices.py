"""What waits for a lead, and what was decided about it."""

from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from labeling.actions.errors import ActionError
from labeling.actions.resolving import MOST_WORDS, choices_for, resolve
from labeling.models import Membership, Notice, Project
from labeling.pages.access import lead_page, review_page
from labeling.queries.notices import open_notices, settled_notices

A_PAGE = 25
SETTLED_SHOWN = 20


@dataclass(frozen=True)
class Waiting:
    """A notice, what can be done about it, and the page of the person it is about."""

    notice: Notice
    choices: dict[str, str]
    member: int | None

    @property
    def about_person(self) -> bool:
        """Whether it is about the person, rather than about what they flagged."""
        return self.notice.comparison_id is None


@require_safe
@review_page
def notices(request: HttpRequest, project: Project) -> HttpResponse:
    """What is open, newest first, and what was settled lately. Reviewers read; leads decide."""
    page = Paginator(open_notices(project), A_PAGE).get_page(request.GET.get("page"))
    people = {notice.person_id for notice in page if notice.person_id}
    members = dict(Membership.objects.filter(project=project, person__in=people).values_list("person", "pk"))
    return render(
        request,
        "labeling/notices.html",
        {
            "project": project,
            "page": page,
            "waiting": [Waiting(notice, choices_for(notice), members.get(notice.person_id)) for notice in page],
            "settled": settled_notices(project)[:SETTLED_SHOWN],
            "most_words": MOST_WORDS,
            "section": "notices",
        },
    )


@require_POST
@lead_page
def settle(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """Do what the lead chose, and settle the notice with it."""
    notice = get_object_or_404(Notice, project=project, pk=pk)
    if notice.settled is not None:
        messages.info(request, f"Settled already: {notice.resolution}")
        return redirect("notices", slug=project.slug)
    try:
        settled = resolve(
            notice=notice,
            by=request.user,
            choice=request.POST.get("resolution", ""),
            words=request.POST.get("words", ""),
        )
    except ActionError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, settled.resolution)
    return redirect("notices", slug=project.slug)
