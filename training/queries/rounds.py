"""Rounds of a project: which one it is in, which one stopped before its end, and whom a policy is compared with."""

from dataclasses import dataclass

from django.db.models import Max, Q, QuerySet

from labeling.models import Comparison, Generator, Project
from labeling.queries.authors import written_by
from training.models import ModelVersion, Promotion, TrainingRun
from training.queries.models import current_model, first_model
from training.queries.runs import LIVE

# Runs queued before `next_round` was written into their settings belong to a round if they have an evaluation.
_EVALUATES = Q(settings__evaluation__gt=0) & ~Q(settings__evaluation=None)  # SQLite finds a JSON null above 0
OF_A_ROUND = Q(settings__next_round=True) | _EVALUATES
STOPPED = (TrainingRun.State.CANCELLED, TrainingRun.State.FAILED)


@dataclass(frozen=True)
class RoundState:
    """Where a policy's round stands. `run`: the last run of it, if there was one.

    word: "new" (it can be started), "live" (a worker is at it or will be), "stopped" (it can go on), "empty" (it ended
    and has nothing to rank or to compare, so it can go on with other settings) or "done".
    """

    word: str
    run: TrainingRun | None = None

    @property
    def can_go_on(self) -> bool:
        return self.word in ("stopped", "empty")


def runs_of_rounds(project: Project) -> QuerySet[TrainingRun]:
    """The runs that belong to a next round, newest first; other samplings are left out."""
    return TrainingRun.objects.filter(OF_A_ROUND, project=project, kind=TrainingRun.Kind.SAMPLING).order_by("-id")


def belongs_to_round(run: TrainingRun) -> bool:
    """OF_A_ROUND for one run."""
    return bool(run.settings.get("next_round") or run.settings.get("evaluation"))


def is_of_same_round(one: TrainingRun, other: TrainingRun | None) -> bool:
    """Whether two runs of a model's rounds belong to the same one."""
    names = ("round", "evaluation")
    return other is not None and all(one.settings.get(name) == other.settings.get(name) for name in names)


def current_round(project: Project) -> int:
    """The round of the next round that was started last, 1 before any."""
    last = runs_of_rounds(project).first()
    return last.settings["round"] if last else 1


def next_round(project: Project) -> int:
    """A number that no comparison and no round has, not even one that was cancelled before its first comparison."""
    collected = Comparison.objects.filter(project=project, purpose=Comparison.Purpose.COLLECT)
    last = collected.aggregate(last=Max("round"))["last"] or 0
    return max([last, *runs_of_rounds(project).values_list("settings__round", flat=True)]) + 1


def round_state(model_version: ModelVersion) -> RoundState:
    """Where the policy's round stands. One that stopped can go on even when another model was promoted since.

    A promotion begins anew: the policy's earlier round is done, and another can be started with it.
    """
    project = model_version.project
    run = runs_of_rounds(project).filter(base=model_version).first()
    if run and run.state in LIVE:
        return RoundState("live", run)
    if run and run.state in STOPPED:
        return RoundState("stopped", run)
    current = current_model(project)
    if current is None or current.pk != model_version.pk:
        return RoundState("new", run)
    promotion = Promotion.objects.filter(project=project).order_by("-id").first()
    if promotion and (run is None or run.created < promotion.created):
        return RoundState("new", run)
    return RoundState("empty" if run and made_nothing(run) else "done", run)


def made_nothing(run: TrainingRun) -> bool:
    """Whether a sampling that succeeded left nothing to compare blindly, or nothing to rank: answers were alike."""
    compared = run.report.get("evaluation") or {}
    ranked = run.report.get("comparisons") or run.report.get("before")
    alike = run.report.get("without_comparison") and not ranked
    return run.state == TrainingRun.State.SUCCEEDED and (compared.get("pairs") == 0 or bool(alike))


def answered_rounds(model_version: ModelVersion) -> list[int]:
    """The rounds in which there is something to rank that this model wrote."""
    writers = Generator.objects.filter(project=model_version.project, settings__model_version=model_version.pk)
    made = Comparison.objects.filter(written_by(writers), purpose=Comparison.Purpose.COLLECT)
    return sorted(made.values_list("round", flat=True).distinct())


def model_to_beat(model_version: ModelVersion) -> ModelVersion | None:
    """The model the project sampled from before this policy: the current one, or the one before if that is itself."""
    project = model_version.project
    current = current_model(project)
    if current is None or current.pk != model_version.pk:
        return current
    others = Promotion.objects.filter(project=project).exclude(model_version=model_version)
    before = others.select_related("model_version").order_by("-id").first()
    found = before.model_version if before else first_model(project)
    return None if found is None or found.pk == model_version.pk else found
