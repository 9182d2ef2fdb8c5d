"""Where people rank: one comparison at a time, without seeing who wrote what.

The page speaks in places on the page (A, B, C …), the database in canonical positions; `assignment.shown` is between
them, and only this file translates. Requests of the page's script carry `X-Luce-Fragment`; they are answered with the
next comparison as a fragment of HTML, or with words, and never with a redirect.
"""

import json
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from labeling.actions import leases, serving
from labeling.actions.errors import ActionError
from labeling.actions.nothing import NothingLeft
from labeling.actions.submitting import amend_judgment, submit_judgment
from labeling.models import Assignment, Comparison, PersonTally, Project, ProjectTally
from labeling.pages.access import project_of_member

LETTERS = "ABCDEFGHI"
STATUS = {"invalid": 400, "forbidden": 403, "not_found": 404, "conflict": 409, "gone": 410}
# After these the comparison is not this person's any more: the answer brings the next one along with the words.
GOES_ON = ("conflict", "gone")
# How soon a page with nothing to rank looks again, in seconds.
LOOK_AGAIN = {"no_comparisons": 4, "all_leased": 8, "all_done": 20, "paused": 30, "person_paused": 30}
ROLES = {"system": "Instructions to the assistant", "user": "Person", "assistant": "Assistant"}
NOT_THE_LAST = "Only your last ranking can be changed, and there is a newer one. It stays as it was."
SKIP_REASONS = (
    "I do not know the language or the subject",
    "The answers cannot be compared",
    "The item is harmful, private or unreadable",
)

Page = Callable[..., HttpResponse]


def _wants_fragment(request: HttpRequest) -> bool:
    return "X-Luce-Fragment" in request.headers


def rank_page(page: Page) -> Page:
    """For members of the project; a script whose session ended gets 401 instead of the sign-in page's HTML."""

    @wraps(page)
    def view(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            if _wants_fragment(request):
                return _mark(HttpResponse("You are signed out. Sign in and go on.", status=401))
            return redirect_to_login(request.get_full_path())
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
    """The next comparison; `?change=ID` opens the person's last judgment again. Fragment or whole page."""
    change = request.GET.get("change", "")
    item = _item_to_change(request, project, change) if change else _next_item(request, project)
    if _wants_fragment(request):
        return render(request, "labeling/rank_item.html", item)
    guideline = project.guidelines.order_by("-version").first()
    page = {"guideline": guideline, "role": getattr(request, "role", ""), "skip_reasons": SKIP_REASONS}
    return render(request, "labeling/rank.html", item | page)


@require_POST
@rank_page
def submit(request: HttpRequest, project: Project, assignment_id: int) -> HttpResponse:
    """Store a ranking and answer with the next comparison. 400 says what is wrong; 409 and 410 go on as well."""
    assignment = _own(request, project, assignment_id)
    try:
        said = _said(request, assignment)
        store = amend_judgment if said.pop("amend") else submit_judgment
        if store is amend_judgment:
            _check_last(request, project, assignment)
        store(person=request.user, assignment_id=assignment.pk, **said)
    except ActionError as error:
        return _refused(request, project, error)
    return _go_on(request, project)


@require_POST
@rank_page
def skip(request: HttpRequest, project: Project, assignment_id: int) -> HttpResponse:
    """Put the comparison aside with a reason and answer with the next one."""
    assignment = _own(request, project, assignment_id)
    try:
        leases.skip(person=request.user, assignment=assignment, reason=str(_body(request).get("reason") or ""))
    except ActionError as error:
        return _refused(request, project, error)
    return _go_on(request, project, words="Skipped. It will not come back to you.")


@require_POST
@rank_page
def renew(request: HttpRequest, project: Project, assignment_id: int) -> HttpResponse:
    """Keep the comparison for the person while they work on it. JSON: when the lease ends now."""
    try:
        held = leases.renew_lease(person=request.user, assignment=_own(request, project, assignment_id))
    except ActionError as error:
        return JsonResponse({"message": error.message}, status=STATUS[error.code])
    return JsonResponse({"expires": held.expires.isoformat()})


def _own(request: HttpRequest, project: Project, assignment_id: int) -> Assignment:
    """The person's own assignment in this project; other people's do not exist."""
    found = Assignment.objects.filter(pk=assignment_id, annotator=request.user, comparison__project=project)
    assignment = found.select_related("comparison__prompt").first()
    if assignment is None:
        raise Http404("There is no such assignment of yours.")
    return assignment


def _check_last(request: HttpRequest, project: Project, assignment: Assignment) -> None:
    last = _last_judged(_tally(request, project))
    if last is None or last.pk != assignment.pk:
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


def _said(request: HttpRequest, assignment: Assignment) -> dict[str, Any]:
    """The arguments of the action, ranks in canonical order."""
    body = _body(request)
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
    request: HttpRequest, project: Project, words: str = "", problem: str = "", status: int = 200
) -> HttpResponse:
    """The next comparison; without script, by way of the page."""
    if not _wants_fragment(request):
        if words or problem:
            messages.add_message(request, messages.ERROR if problem else messages.SUCCESS, problem or words)
        return redirect("rank", slug=project.slug)
    item = _next_item(request, project) | {"words": words, "problem": problem}
    return render(request, "labeling/rank_item.html", item, status=status)


def _refused(request: HttpRequest, project: Project, error: ActionError) -> HttpResponse:
    status = STATUS.get(error.code, 400)
    if error.code in GOES_ON:
        return _go_on(request, project, problem=error.message, status=status)
    return _problem(request, error.message, status)


def _problem(request: HttpRequest, message: str, status: int) -> HttpResponse:
    template = "labeling/rank_problem.html" if _wants_fragment(request) else "labeling/rank_refused.html"
    return _mark(render(request, template, {"message": message}, status=status))


def _next_item(request: HttpRequest, project: Project) -> dict[str, Any]:
    try:
        served = serving.serve_next(person=request.user, project=project)
    except ActionError as error:
        served = NothingLeft("all_leased", error.message)
    tally = _tally(request, project)
    done = _counts(tally) | {"last": _last_judged(tally)}
    if isinstance(served, NothingLeft):
        return done | {"project": project, "nothing": served} | _waiting(project, served)
    return done | _item(project, served)


def _item_to_change(request: HttpRequest, project: Project, change: str) -> dict[str, Any]:
    """The person's last judgment, opened again. Only the last: what lies further back is not fresh any more."""
    tally = _tally(request, project)
    last = _last_judged(tally)
    if last is None or str(last.pk) != change:
        raise Http404(NOT_THE_LAST)
    latest = last.latest
    ranks = [latest.ranks[position] for position in last.order] if latest else []
    said = {"amend": latest.revision, "ranks": json.dumps(ranks), "comment": latest.comment} if latest else {}
    return _counts(tally) | _item(project, last) | said


def _item(project: Project, assignment: Assignment) -> dict[str, Any]:
    """What the template shows of a comparison: texts in the order drawn, and nothing that tells them apart."""
    comparison = Comparison.objects.select_related("prompt").get(pk=assignment.comparison_id)
    texts = dict(comparison.candidates.values_list("position", "completion__text"))
    answers = [
        {"place": place, "letter": LETTERS[place], "text": texts[position]}
        for place, position in enumerate(assignment.order)
    ]
    turns = [
        {"role": message["role"], "who": ROLES.get(message["role"], message["role"]), "text": message["content"]}
        for message in comparison.prompt.messages
    ]
    if len(turns) == 1:
        turns[0]["who"] = "Prompt"
    return {
        "project": project,
        "assignment": assignment,
        "turns": turns,
        "answers": answers,
        "slots": range(1, len(answers) + 1),
        "pair": len(answers) == 2,
        "key": uuid.uuid4().hex,
    }


def _tally(request: HttpRequest, project: Project) -> PersonTally:
    mine = PersonTally.objects.filter(project=project, person=request.user).select_related("last__latest").first()
    return mine or PersonTally(project=project, person=request.user)


def _counts(tally: PersonTally) -> dict[str, int]:
    """How many items the person has ranked here, in all and since midnight."""
    today = tally.judged_today if tally.day == timezone.localdate() else 0
    return {"ranked": tally.said, "ranked_today": today}


def _last_judged(tally: PersonTally) -> Assignment | None:
    """What the person ranked last, while it may still be changed."""
    last, project = tally.last, tally.project
    if last is None or last.latest is None or last.kind == Assignment.Kind.PRACTICE or not project.undo_seconds:
        return None
    first = last.latest if last.latest.revision == 1 else last.judgments.get(revision=1)
    return last if timezone.now() <= first.created + timedelta(seconds=project.undo_seconds) else None


def _waiting(project: Project, nothing: NothingLeft) -> dict[str, Any]:
    """When to look again, and how many prompts have answers, which grows while the model still writes."""
    holds = ProjectTally.objects.filter(project=project).first() or ProjectTally(project=project)
    prompts, ready = holds.prompts, holds.prompts_compared
    soon: datetime | None = nothing.next_expiry
    writing = ready < prompts and nothing.reason != "paused"
    return {
        "prompts": prompts,
        "prompts_ready": ready if writing else prompts,
        "next_expiry": soon,
        "look_again": LOOK_AGAIN["no_comparisons" if writing else nothing.reason]
        if nothing.reason in LOOK_AGAIN
        else 0,
        "rank_url": reverse("rank", args=[project.slug]),
    }
