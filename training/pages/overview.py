"""The overview of a project, for its lead: what needs doing, how far it is, how far people agree, its models."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from labeling.models import Membership, Project
from labeling.pages.access import project_of_member, review_page
from labeling.pages.agreement import agreement_shown
from labeling.pages.people import members_of
from labeling.queries.progress import project_progress
from training.models import ModelVersion, TrainingRun
from training.pages.next_steps import next_steps
from training.pages.runs import runs_of
from training.pages.situation import new_rankings, situation_of
from training.pages.stages import stage_label
from training.queries.models import current_model
from training.queries.runs import LIVE

ROWS_SHOWN = 6


@require_safe
@login_required
def project(request: HttpRequest, slug: str) -> HttpResponse:
    """Leads and reviewers see the overview; annotators go where their work is."""
    item = project_of_member(request, slug)
    if request.role == Membership.Role.ANNOTATOR:
        return redirect("rank", slug=item.slug)
    progress = project_progress(item)
    context = {
        "progress": progress,
        "agreement": agreement_shown(item, request.user, request.role),
        "people": members_of(item),
        "runs": runs_of(item, ROWS_SHOWN),
        "models": ModelVersion.objects.filter(project=item, kind="policy").select_related("parent")[:ROWS_SHOWN],
        "current": current_model(item),
        "guideline": item.guidelines.first(),
        "section": "project",
        **_live(item),
    }
    if request.role == Membership.Role.LEAD:
        context["rankings"] = new_rankings(item)
        context["steps"] = next_steps(situation_of(item, progress, context["rankings"]))
    return render(request, "training/project.html", {"project": item, **context})


@require_safe
@review_page
def project_live(request: HttpRequest, project: Project) -> HttpResponse:
    """The part that moves while a run is at work: its bar and the counts. It asks for itself again until then."""
    context = {"project": project, "progress": project_progress(project), **_live(project)}
    return render(request, "training/_project_live.html", context)


def _live(project: Project) -> dict[str, Any]:
    live = TrainingRun.objects.filter(project=project, state__in=LIVE).order_by("id")
    return {"live_runs": [{"run": run, "stage": stage_label(run)} for run in live]}
