"""Model versions: the list, the card of each, and starting the next round with one."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from labeling.actions.errors import ActionError
from labeling.models import Project
from labeling.pages.access import lead_page, review_page
from labeling.pages.forest import Forest, Unit, forest, interval_text, text
from training.actions.rounds import promote, start_next_round
from training.models import Evaluation, ModelVersion
from training.pages.runs import runs_of
from training.queries.evaluations import win_rate
from training.queries.models import current_model
from training.queries.rounds import answered_rounds, model_to_beat, round_state

EVALUATIONS_SHOWN = 20
# Path in the card, label, what n counts, how it is written, how to read it.
MOVED: list[tuple[str, str, str, Unit, str]] = [
    (
        "dpo.margin",
        "DPO margin",
        "pairs",
        "number",
        "How much further it raises the better answer than the worse, over the reference. Above 0 is learning.",
    ),
    (
        "kl.per_completion",
        "KL from the reference, nats an answer",
        "answers",
        "number",
        "How unlike the reference it writes. Beyond 10, the reward model judges text it has never seen the like of.",
    ),
    ("kl.per_token", "KL from the reference, nats a token", "tokens", "number", "The same, whatever the length."),
    ("length.before", "Length before, tokens", "answers", "number", ""),
    ("length.after", "Length after, tokens", "answers", "number", ""),
    (
        "length.ratio",
        "Length, after ÷ before",
        "answers",
        "number",
        "Far from 1, it may have learned length in place of quality.",
    ),
    ("length.finished_before", "Answers that end by themselves, before", "answers", "percent", ""),
    (
        "length.finished_after",
        "Answers that end by themselves, after",
        "answers",
        "percent",
        "The others were cut off at the limit.",
    ),
    (
        "reward_gain",
        "Reward gained",
        "prompts",
        "number",
        "By the reward model it was trained for, so the weakest evidence of all.",
    ),
    (
        "reward_margin",
        "Reward model, margin",
        "pairs",
        "number",
        "Mean reward of the better answer minus that of the worse. Above 0 is learning.",
    ),
    (
        "calibration",
        "Reward model, calibration error",
        "pairs",
        "number",
        "Mean distance between how sure it is and how often it is right. 0 is best.",
    ),
]


@require_safe
@review_page
def models(request: HttpRequest, project: Project) -> HttpResponse:
    """Policies, newest first, and the runs."""
    versions = ModelVersion.objects.filter(project=project).select_related("parent", "run", "reward_model")
    return render(
        request,
        "training/models.html",
        {
            "project": project,
            "policies": [version for version in versions if version.kind == ModelVersion.Kind.POLICY],
            "rewards": [version for version in versions if version.kind == ModelVersion.Kind.REWARD],
            "runs": runs_of(project, 50),
            "evaluations": [
                {"evaluation": item, "rate": win_rate(item)}
                for item in Evaluation.objects.filter(model_version__project=project)
                .select_related("model_version", "baseline")
                .order_by("-id")[:EVALUATIONS_SHOWN]
            ],
            "current": current_model(project),
            "section": "models",
        },
    )


@require_safe
@review_page
def model(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """The card."""
    version = get_object_or_404(
        ModelVersion.objects.select_related("parent", "run__batch", "run__created_by", "reward_model"),
        project=project,
        pk=pk,
    )
    current = current_model(project)
    state = round_state(version)
    return render(
        request,
        "training/model.html",
        {
            "project": project,
            "model": version,
            "card": version.card,
            "accuracy": accuracy_plot(version.card),
            "length_note": _length_note(version.card),
            "moved": moved(version.card),
            "samples": _samples(version.card),
            "settings": _settings(version.card),
            "versions": version.card.get("versions") or {},
            "evaluations": [
                {"evaluation": item, "rate": win_rate(item)}
                for item in version.evaluations.select_related("model_version", "baseline")
            ],
            "promotions": version.promotions.select_related("by"),
            "is_current": current is not None and current.pk == version.pk,
            "round": state,
            "beats": model_to_beat(version),
            "answered": _in_words(answered_rounds(version)) if state.word == "new" else "",
            "current": current,
            "may_promote": version.kind == ModelVersion.Kind.POLICY,
            "children": version.children.order_by("id"),
            "section": "models",
        },
    )


def _in_words(rounds: list[int]) -> str:
    """`round 2`, `rounds 1 and 2`, `rounds 1, 2 and 3`; nothing of none."""
    *before, last = [str(number) for number in rounds] or [""]
    return f"rounds {', '.join(before)} and {last}" if before else last and f"round {last}"


def accuracy_plot(card: dict[str, Any]) -> Forest | None:
    """Held-out accuracies beside the length-only baseline, on one scale with chance at 50 %."""
    figures = [
        ({"text": "Reward model", "about": "held-out pairs it orders as people did"}, card.get("reward_accuracy")),
        ({"text": "Length alone", "about": "“the longer answer is better”"}, card.get("length_baseline")),
        (
            {"text": "Policy, implicit reward", "about": "held-out pairs it finds likelier than the reference does"},
            (card.get("dpo") or {}).get("accuracy"),
        ),
    ]
    measured = [(label, {"n_unit": "pairs", **figure}) for label, figure in figures if figure]
    if not measured:
        return None
    return forest(measured, unit="percent", chance=0.5, chance_label="50 %, a coin")


def moved(card: dict[str, Any]) -> list[dict[str, Any]]:
    """Figures of how far the policy went from its base: label, value, interval, n, and how to read each."""
    rows = []
    for path, label, unit, kind, hint in MOVED:
        figure: Any = card
        for part in path.split("."):
            figure = (figure or {}).get(part)
        if not figure:
            continue
        low, high = figure.get("low"), figure.get("high")
        rows.append(
            {
                "label": label,
                "value": written(figure["value"], kind) if figure["value"] is not None else "",
                "interval": _between(low, high, kind) if low is not None and high is not None else "",
                "n": f"{figure['n']:,} {unit}",
                "undefined_because": figure.get("undefined_because"),
                "hint": " ".join(filter(None, (hint, figure.get("interval_note")))),
            }
        )
    return rows


def written(value: float, kind: Unit) -> str:
    """As many digits as tell something: `81`, `4.1`, `0.066`."""
    if kind == "percent":
        return text(value, kind)
    digits = 0 if abs(value) >= 10 else 1 if abs(value) >= 2 else 2 if abs(value) >= 0.1 else 3
    return f"{value:.{digits}f}".replace("-", "−")


def _between(low: float, high: float, kind: Unit) -> str:
    if kind == "percent":
        return interval_text(low, high, kind)
    return f"{written(low, kind)} to {written(high, kind)}"


def _length_note(card: dict[str, Any]) -> str:
    """How to read a length-only baseline below one half."""
    baseline = (card.get("length_baseline") or {}).get("value")
    if baseline is None or baseline >= 0.5:
        return ""
    return (
        f"People preferred the shorter answer: “the shorter answer is better” would be right in {1 - baseline:.0%} of "
        "pairs, and that is what the reward model has to beat."
    ).replace("%", "\u00a0%")


def _samples(card: dict[str, Any]) -> list[dict[str, Any]]:
    """Samples with a title: the last turn of their prompt."""
    return [
        {**sample, "title": sample["prompt"][-1]["content"] if sample.get("prompt") else "Prompt"}
        for sample in card.get("samples") or []
    ]


def _settings(card: dict[str, Any]) -> list[dict[str, Any]]:
    """Settings of each training as rows of name and value."""
    titles = {"reward": "Reward model", "policy": "Policy"}
    return [
        {
            "title": titles.get(name, name),
            "rows": sorted((made.get("settings") or {}).items()),
            "seconds": made.get("seconds"),
        }
        for name, made in (card.get("training") or {}).items()
    ]


@require_POST
@lead_page
def next_round(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """Promote this policy, let it answer the prompts, and compare it blindly; or go on with the round that stopped."""
    version = get_object_or_404(ModelVersion, project=project, pk=pk)
    try:
        run = start_next_round(model_version=version, by=request.user)
    except ActionError as error:
        messages.error(request, str(error))
        return redirect("model", slug=project.slug, pk=pk)
    number = run.settings["round"]
    messages.success(request, f"The project samples from {version.name}; its answers of round {number} are coming.")
    return redirect("run", slug=project.slug, pk=run.pk)


@require_POST
@lead_page
def promote_model(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """Sample from this policy from now on, without starting a round: also the way back to an older one."""
    version = get_object_or_404(ModelVersion, project=project, pk=pk)
    try:
        promote(model_version=version, by=request.user, reason=request.POST.get("reason", "")[:2000])
    except ActionError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The project samples from {version.name} from now on.")
    return redirect("model", slug=project.slug, pk=pk)
