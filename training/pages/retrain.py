"""Retrain and sample: forms whose fields, defaults and explanations are the engine's own settings."""

import dataclasses
import re
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from labeling.actions.errors import ActionError
from labeling.models import Project
from labeling.pages.access import lead_page
from training.actions.runs import queue_retrain, queue_sampling
from training.engine.settings import PolicySettings, RewardSettings
from training.models import TrainingRun
from training.pages.situation import new_rankings
from training.queries.models import current_model

PRESSED_TWICE = 10  # seconds
# The few that people change; everything else stays at the engine's defaults, and the API takes them all.
REWARD_FIELDS = ("epochs", "learning_rate", "tie")
POLICY_FIELDS = ("epochs", "learning_rate", "beta", "nll_weight", "length_normalised")
SHARED_FIELDS = ("batch_size", "max_length", "lora_r", "seed")
CHOICES = {"tie": [("davidson", "Model ties (Davidson)"), ("half", "Half a win each way"), ("drop", "Leave ties out")]}
LABELS = {
    "learning_rate": "Learning rate",
    "beta": "Beta",
    "nll_weight": "Likelihood of the best answer",
    "length_normalised": "Reward per token",
    "tie": "Ties",
    "batch_size": "Batch size",
    "max_length": "Longest prompt with completion, in tokens",
    "lora_r": "LoRA rank",
}


def documented(settings: type) -> dict[str, str]:
    """What each setting does and what goes wrong, from the docstrings of the settings classes."""
    names = {field.name for field in dataclasses.fields(settings)}
    found: dict[str, str] = {}
    for owner in reversed(settings.__mro__):
        name = None
        for line in (owner.__doc__ or "").splitlines():
            start = re.match(r"^ {4}(\w+) +(\S.*)$", line)
            if start and start[1] in names:
                name = start[1]
                found[name] = start[2]
            elif name and re.match(r"^ {8,}\S", line):
                found[name] += " " + line.strip()
            else:
                name = None
    return found


class RetrainForm(forms.Form):
    """reward-…, policy-… and shared-… fields; `chosen()` is what `queue_retrain` takes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._add("reward", RewardSettings, REWARD_FIELDS)
        self._add("policy", PolicySettings, POLICY_FIELDS)
        self._add("shared", PolicySettings, SHARED_FIELDS)

    def _add(self, group: str, settings: type, names: tuple[str, ...]) -> None:
        about, defaults = documented(settings), {field.name: field.default for field in dataclasses.fields(settings)}
        for name in names:
            self.fields[f"{group}-{name}"] = _field(name, defaults[name], about.get(name, ""))

    def group(self, name: str) -> list[forms.BoundField]:
        """The bound fields of reward, policy or shared."""
        return [self[field] for field in self.fields if field.startswith(f"{name}-")]

    @property
    def reward(self) -> list[forms.BoundField]:
        return self.group("reward")

    @property
    def policy(self) -> list[forms.BoundField]:
        return self.group("policy")

    @property
    def shared(self) -> list[forms.BoundField]:
        return self.group("shared")

    def chosen(self) -> dict[str, dict[str, Any]]:
        """{"reward": {…}, "policy": {…}} of what was changed: what was left alone follows the engine's defaults."""
        settings: dict[str, dict[str, Any]] = {"reward": {}, "policy": {}}
        for key, value in self.cleaned_data.items():
            group, name = key.split("-")
            if value is None or value == self.fields[key].initial:
                continue
            for target in ("reward", "policy") if group == "shared" else (group,):
                settings[target][name] = value
        return settings


def _label(name: str) -> str:
    return LABELS.get(name, name.replace("_", " ").capitalize())


def _field(name: str, default: Any, about: str) -> forms.Field:
    about = re.sub(r"`(\w+)`", lambda mentioned: f"“{_label(mentioned[1])}”", about)
    shared = {"label": _label(name), "help_text": about, "initial": default}
    if name in CHOICES:
        return forms.ChoiceField(choices=CHOICES[name], **shared)
    if isinstance(default, bool):
        return forms.BooleanField(required=False, **shared)
    if isinstance(default, int):
        return forms.IntegerField(required=False, min_value=0, **shared)
    field = forms.FloatField(required=False, min_value=0, **shared)
    field.widget.attrs["step"] = "any"
    return field


@lead_page
def retrain(request: HttpRequest, project: Project) -> HttpResponse:
    """The form; POST freezes a batch, queues the run and goes to its page."""
    form = RetrainForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            run = queue_retrain(project=project, by=request.user, settings=form.chosen())
        except ActionError as error:
            run = _just_queued(project, request.user)
            if run is None:
                form.add_error(None, str(error))
        if run is not None:
            return redirect("run", slug=project.slug, pk=run.pk)
    context = {
        "project": project,
        "form": form,
        "rankings": new_rankings(project),
        "base": current_model(project),
        "live": _live(project).first(),
        "section": "models",
    }
    return render(request, "training/retrain.html", context, status=422 if form.errors else 200)


def _just_queued(project: Project, by: Any) -> TrainingRun | None:
    """The run that the same person queued a moment ago: they pressed twice, and want to see it."""
    since = timezone.now() - timedelta(seconds=PRESSED_TWICE)
    return _live(project).filter(created_by=by, created__gte=since).first()


def _live(project: Project) -> QuerySet[TrainingRun]:
    at_work = [TrainingRun.State.QUEUED, TrainingRun.State.RUNNING]
    return project.runs.filter(kind=TrainingRun.Kind.REWARD_DPO, state__in=at_work)


@require_POST
@lead_page
def sample(request: HttpRequest, project: Project) -> HttpResponse:
    """Let the current model answer the prompts that have no completions."""
    try:
        queue_sampling(project=project, by=request.user)
    except ActionError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Sampling has begun. The first comparison can be ranked in about a minute.")
    return redirect("project", slug=project.slug)
