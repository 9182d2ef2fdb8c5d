"""Where people rank: one comparison at a time, without seeing who wrote what.

The page speaks in places on the page (A, B, C …), the database in canonical positions; `assignment.shown` is between
them, and only this file and `rank_item.py` translate. Requests of the page's script carry `X-Luce-Fragment`; they are
answered with the next comparison as a fragment of HTML, or with words, and never with a redirect.

The script holds one comparison ahead. With what it sends it names that one (`ahead`: its id, 0 for none), and is
answered with the one to hold after it: one request a ranking, and nobody waits for the next.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from labeling.actions import leases, notices
from labeling.actions.errors import ActionError
from labeling.actions.nothing import NothingLeft
from labeling.actions.submitting import amend_judgment, submit_judgment
from labeling.models import Assignment, Project
from labeling.pages.access import project_of_member
from labeling.pages.rank_item import (
    NOT_THE_LAST,
    counts_of,
    feedback_on,
    item_ahead,
    item_of,
    item_to_change,
    last_judged,
    served_to,
    tally_for,
)

STATUS = {"invalid": 400, "forbidden": 403, "not_found": 404, "conflict": 409, "gone": 410}
# After these the comparison is not this person's any more: the answer brings the next one along with the words.
GOES_ON = ("conflict", "gone")
SKIP_REASONS = (
    "I do not know the language or the subject",
    "The answers cannot be compared",
    "The item is harmful, private or unreadable",
)
FLAGGED = "Flagged. A lead will look at it; you can rank it all the same."

Page = Callable[..., HttpResponse]


def _wants_fragment(request: HttpRequest) -> bool:
    return "X-Luce-Fragment" in request.headers


def rank_page(page: Page) -> Page:
    """For members of the project; a script whose session ended, or became another person's, gets 401 instead of the
    sign-in page's HTML, and keeps what it has."""

    @wraps(page)
    def view(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            if _wants_fragment(request):
                return _mark(HttpResponse("You are signed out. Sign in and go on.", status=401))
            return redirect_to_login(request.get_full_path())
        if request.headers.get("X-Luce-Person", "") not in ("", str(request.user.pk)):
            return _mark(
                HttpResponse("Somebody else is signed in here now. Sign in as yourself and go on.", status=401)
            )
        try:
            project = project_of_member(request, slug)
            return _mark(page(request, project, **kwargs))
        except Http404 as error:
            if not _wants_fragment(request):
                raise
            return _problem(request, str(error) or "There is no such page.", 404)

    return never_cache(view)


def _mark(response: HttpResponse) -> HttpResponse:
    """By this header the script knows our answer from a proxy's."""
    response["X-Luce-Fragment"] = "rank"
    return response


@require_GET
@rank_page
def rank(request: HttpRequest, project: Project) -> HttpResponse:
    """The next comparison; `?change=ID` opens the person's last judgment again, `?feedback=ID` what a practice item
    taught. Fragment or whole page."""
    change, practised = request.GET.get("change", ""), request.GET.get("feedback", "")
    if change:
        try:
            item = item_to_change(request.user, project, change)
        except Http404 as error:
            if _wants_fragment(request):
                raise
            messages.info(request, str(error))  # an old link, or another tab went on: here is what is next
            return redirect("rank", slug=project.slug)
    elif practised.isdecimal() and len(practised) < 19:
        item = _feedback_item(request, project, _own(request, project, int(practised)))
    else:
        item = item_of(request.user, project, served_to(request.user, project))
    if _wants_fragment(request):
        return render(request, "labeling/rank_item.html", item)
    guideline = project.guidelines.order_by("-version").first()
    page = {
        "guideline": guideline,
        "role": getattr(request, "role", ""),
        "skip_reasons": SKIP_REASONS,
        "ahead_seconds": leases.AHEAD_SECONDS,
    }
    return render(request, "labeling/rank.html", item | page)


@require_POST
@rank_page
def ahead(request: HttpRequest, project: Project) -> HttpResponse:
    """The comparison to hold ahead while another is on screen; 204 when there is none."""
    item = item_ahead(request.user, project, served_to(request.user, project))
    if item is None:
        return HttpResponse(status=204)
    return render(request, "labeling/rank_item.html", item)


@require_POST
@rank_page
def submit(request: HttpRequest, project: Project, assignment_id: int) -> HttpResponse:
    """Store a ranking and answer with the next comparison. 400 says what is wrong; 409 and 410 go on as well."""
    assignment = _own(request, project, assignment_id)
    body: dict[str, Any] = {}
    try:
        body = _body(request)
        said = _said(body, assignment)
        store = amend_judgment if said.pop("amend") else submit_judgment
        if store is amend_judgment:
            _check_last(request, project, assignment)
        store(person=request.user, assignment_id=assignment.pk, **said)
    except ActionError as error:
        return _refused(request, project, error, body)
    if assignment.kind == Assignment.Kind.PRACTICE:
        return _teach(request, project, assignment)
    return _go_on(request, project, body)


@require_POST
@rank_page
def skip(request: HttpRequest, project: Project, assignment_id: int) -> HttpResponse:
    """Put the comparison aside with a reason and answer with the next one."""
    assignment = _own(request, project, assignment_id)
    body: dict[str, Any] = {}
    try:
        body = _body(request)
        leases.skip(person=request.user, assignment=assignment, reason=str(body.get("reason") or ""))
    except ActionError as error:
        return _refused(request, project, error, body)
    return _go_on(request, project, body, words="Skipped. It will not come back to you.")


@require_POST
@rank_page
def flag(request: HttpRequest, project: Project, assignment_id: int) -> HttpResponse:
    """Tell the leads that something is wrong with the comparison. It stays with the person. JSON: what was done."""
    assignment = _own(request, project, assignment_id)
    try:
        notices.flag(person=request.user, assignment=assignment, reason=_body(request).get("reason"))
    except ActionError as error:
        return JsonResponse({"message": error.message}, status=STATUS[error.code])
    return JsonResponse({"message": FLAGGED})


@require_POST
@rank_page
def renew(request: HttpRequest, project: Project, assignment_id: int) -> HttpResponse:
    """Keep the comparison for the person while they work on it, and the one `ahead`.

    JSON: when the lease ends now, and whether the one ahead is still theirs.
    """
    assignment = _own(request, project, assignment_id)
    try:
        held = leases.renew_lease(person=request.user, assignment=assignment)
        answer = {"expires": held.expires.isoformat(), "ahead": _renew_ahead(request, project)}
    except ActionError as error:
        return JsonResponse({"message": error.message}, status=STATUS[error.code])
    return JsonResponse(answer)


def _renew_ahead(request: HttpRequest, project: Project) -> bool:
    holds = _ahead_in(_body(request)) if request.body else None
    found = Assignment.objects.filter(pk=holds or 0, annotator=request.user, project=project).first()
    if found is None:
        return False
    try:
        leases.renew_lease(person=request.user, assignment=found)
    except ActionError:
        return False  # it went to somebody else; the page asks for another
    return True


@require_POST
@rank_page
def give_back(request: HttpRequest, project: Project, assignment_id: int) -> HttpResponse:
    """The page is left: the comparison that was held ahead and never looked at goes to others at once."""
    assignment = _own(request, project, assignment_id)
    with suppress(ActionError):  # judged or gone meanwhile: there is nothing to give back, and nobody left to be told
        leases.give_back(person=request.user, assignment=assignment)
    return HttpResponse(status=204)


def _own(request: HttpRequest, project: Project, assignment_id: int) -> Assignment:
    """The person's own assignment in this project; other people's do not exist."""
    found = Assignment.objects.filter(pk=assignment_id, annotator=request.user, project=project)
    assignment = found.select_related("comparison__prompt", "project", "latest").first()
    if assignment is None:
        raise Http404("There is no such assignment of yours.")
    return assignment


def _check_last(request: HttpRequest, project: Project, assignment: Assignment) -> None:
    last = last_judged(tally_for(request.user, project))
    if last is None or last.assignment.pk != assignment.pk:
        raise ActionError(NOT_THE_LAST, "conflict")


# What came in


def _body(request: HttpRequest) -> dict[str, Any]:
    """JSON from the script, or the form's fields without it. Raises ActionError for what is neither."""
    if request.content_type != "application/json":
        return request.POST.dict()
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):  # no JSON, a number of thousands of digits, or brackets without end
        raise ActionError("The request is not JSON that can be read; reload the page and try again.") from None
    if not isinstance(body, dict):
        raise ActionError("The request must be a JSON object.")
    return body


def _ahead_in(body: dict[str, Any]) -> int | None:
    """The id of the comparison that the page holds ahead; 0 when it could hold one, None when it does not ask."""
    holds = body.get("ahead")
    if holds is None:
        return None
    return holds if isinstance(holds, int) and 0 < holds < 2**63 else 0


def _said(body: dict[str, Any], assignment: Assignment) -> dict[str, Any]:
    """The arguments of the action, ranks in canonical order."""
    ranks = body["ranks"] if "ranks" in body else _ranks_of_form(body, len(assignment.order))
    return {
        "key": body.get("key") or "",
        "ranks": to_canonical(ranks, assignment.order),
        "comment": body.get("comment") or "",
        "active_seconds": body.get("active_seconds"),
        "amend": bool(body.get("amend")),
    }


def _ranks_of_form(form: dict[str, Any], k: int) -> list[int | None]:
    """Ranks as a form without script sends them: a pair's button, or one group of radio buttons an answer."""
    if form.get("choice") in ("A", "B", "tie"):
        return {"A": [1, 2], "B": [2, 1], "tie": [1, 1]}[form["choice"]]
    given = [str(form.get(f"rank-{place}", "")) for place in range(k)]
    return [int(rank) if rank.isdecimal() and len(rank) <= 2 else None for rank in given]


def to_canonical(ranks: Any, shown: Sequence[int]) -> Any:
    """Ranks by place on the page → by canonical position. What is no list of K is left to the action to refuse."""
    if not isinstance(ranks, list) or len(ranks) != len(shown):
        return ranks
    canonical: list[Any] = [None] * len(shown)
    for place, position in enumerate(shown):
        canonical[position] = ranks[place]
    return canonical


# What goes out


def _go_on(
    request: HttpRequest,
    project: Project,
    body: dict[str, Any],
    words: str = "",
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """The next comparison; without script, by way of the page."""
    if not _wants_fragment(request):
        if words or problem:
            messages.add_message(request, messages.ERROR if problem else messages.SUCCESS, problem or words)
        return redirect("rank", slug=project.slug)
    served = served_to(request.user, project)
    told = {"words": words, "problem": problem}
    holds = _ahead_in(body)
    if holds is None:
        item = item_of(request.user, project, served) | told
        return render(request, "labeling/rank_item.html", item, status=status)
    return HttpResponse("".join(_both(request, project, served, holds, told)), status=status)


def _both(
    request: HttpRequest, project: Project, served: Assignment | NothingLeft, holds: int, told: dict[str, Any]
) -> list[str]:
    """How things stand, the comparison in hand unless the page holds it already, and the one to hold ahead."""
    counts = counts_of(tally_for(request.user, project)) | {"project": project}
    parts = [render_to_string("labeling/rank_told.html", counts | told, request)]
    if isinstance(served, NothingLeft) or served.pk != holds:
        parts.append(render_to_string("labeling/rank_item.html", item_of(request.user, project, served), request))
    following = item_ahead(request.user, project, served)
    if following is not None:
        parts.append(render_to_string("labeling/rank_item.html", following, request))
    return parts


def _teach(request: HttpRequest, project: Project, assignment: Assignment) -> HttpResponse:
    """What the answer to a practice item was, before the next."""
    if not _wants_fragment(request):
        return redirect(f"{reverse('rank', args=[project.slug])}?feedback={assignment.pk}")
    return render(request, "labeling/rank_item.html", _feedback_item(request, project, assignment))


def _feedback_item(request: HttpRequest, project: Project, assignment: Assignment) -> dict[str, Any]:
    assignment.refresh_from_db(fields=["latest"])
    if assignment.kind != Assignment.Kind.PRACTICE or assignment.latest is None:
        raise Http404("There is no feedback: that was no practice item of yours.")
    return counts_of(tally_for(request.user, project)) | {
        "project": project,
        "practised": assignment,
        "feedback": feedback_on(assignment),
    }


def _refused(request: HttpRequest, project: Project, error: ActionError, body: dict[str, Any]) -> HttpResponse:
    status = STATUS.get(error.code, 400)
    if error.code in GOES_ON:
        return _go_on(request, project, body, problem=error.message, status=status)
    return _problem(request, error.message, status)


def _problem(request: HttpRequest, message: str, status: int) -> HttpResponse:
    template = "labeling/rank_problem.html" if _wants_fragment(request) else "labeling/rank_refused.html"
    return _mark(render(request, template, {"message": message}, status=status))
