"""Opening a project, its guidelines, and stopping and starting it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from labeling.actions.errors import ActionError
from labeling.actions.projects import create_project, publish_guideline, set_project_state, update_project
from labeling.models import Project
from labeling.pages.access import lead_page
from labeling.pages.project_form import ProjectForm, SettingsForm
from labeling.policies import may_create_project, require

STATES_SAID = {
    Project.State.ACTIVE: "Resumed: work is given out again.",
    Project.State.PAUSED: "Paused: nobody is given new work.",
    Project.State.RETIRED: "Retired: nobody is given work, and it leaves the list of projects. What it holds stays.",
}


class GuidelineForm(forms.Form):
    text = forms.CharField(
        label="Text",
        widget=forms.Textarea(attrs={"rows": 20, "spellcheck": "true"}),
        help_text="Markdown. Publishing makes a new version, which people see from then on; earlier versions stay.",
    )


@login_required
def new_project(request: HttpRequest) -> HttpResponse:
    """The form of a new project; its maker becomes its lead."""
    require(may_create_project(request.user), "open a project: ask a lead or the operator to open it")
    form = ProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            project = create_project(by=request.user, **form.cleaned_data)
        except ActionError as error:
            _add_error(form, error)
        else:
            messages.success(request, f"{project.name} is open. Next: import prompts.")
            return redirect("import", slug=project.slug)
    return render(request, "labeling/project_new.html", {"form": form}, status=422 if form.errors else 200)


@lead_page
def project_settings(request: HttpRequest, project: Project) -> HttpResponse:
    """Guidelines with their versions, the project's settings, and pausing. Each form says which one it is in `do`."""
    latest = project.guidelines.first()
    do = request.POST.get("do") if request.method == "POST" else None
    guideline_form = GuidelineForm(
        request.POST if do == "guidelines" else None, initial={"text": latest.text if latest else ""}
    )
    settings_form = SettingsForm(request.POST if do == "settings" else None, instance=_copy(project))
    saved = ""
    if do == "guidelines" and guideline_form.is_valid():
        saved = _publish(project, guideline_form, request.user)
    elif do == "settings" and settings_form.is_valid():
        saved = _update(project, settings_form)
    if saved:
        messages.success(request, saved)
        return redirect("project-settings", slug=project.slug)
    return render(
        request,
        "labeling/settings.html",
        {
            "project": project,
            "guideline_form": guideline_form,
            "settings_form": settings_form,
            "versions": project.guidelines.select_related("author"),
            "latest": latest,
            "section": "settings",
        },
        status=422 if guideline_form.errors or settings_form.errors else 200,
    )


def _publish(project: Project, form: GuidelineForm, by: Any) -> str:
    """What was done, in words; nothing when the form now holds an error."""
    try:
        guideline = publish_guideline(project=project, text=form.cleaned_data["text"], author=by)
    except ActionError as error:
        _add_error(form, error)
        return ""
    return f"Guidelines version {guideline.version} is what people see from now on."


def _update(project: Project, form: forms.ModelForm) -> str:
    """As `_publish`."""
    try:
        update_project(project=project, **form.cleaned_data)
    except ActionError as error:
        _add_error(form, error)
        return ""
    return "Saved." if form.cleaned_data else "Nothing was changed."


def _copy(project: Project) -> Project:
    """For the form to fill in while it checks: the page goes on showing what is stored."""
    return Project.objects.get(pk=project.pk)


@require_POST
@lead_page
def project_state(request: HttpRequest, project: Project) -> HttpResponse:
    """Pause, resume or retire."""
    state = request.POST.get("state")
    if state in STATES_SAID:
        set_project_state(project=project, state=state)
        messages.success(request, STATES_SAID[state])
    else:
        messages.error(request, "A project can be paused, resumed or retired here, nothing else.")
    return redirect("project-settings", slug=project.slug)


def _add_error(form: forms.Form, error: ActionError) -> None:
    field = getattr(error, "field", None)
    form.add_error(field if field in form.fields else None, str(error))
