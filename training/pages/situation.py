"""Reads the facts of a project from which the overview says what needs doing."""

from dataclasses import dataclass

from django.db.models import Count, F, Q, Sum

from labeling.models import Comparison, Judgment, Membership, Project
from labeling.queries.kept import kept, state_of_judgments
from labeling.queries.notices import count_open
from labeling.queries.progress import Progress
from training.models import Batch, Evaluation, ModelVersion, Promotion, TrainingRun
from training.pages.next_steps import Situation
from training.queries.models import current_model
from training.queries.rounds import RoundState, round_state
from training.queries.runs import LIVE


@dataclass(frozen=True)
class NewRankings:
    """Judgments that collect preferences: of train and held-out prompts, and how many the last batch did not have."""

    train: int
    heldout: int
    new: int


def new_rankings(project: Project) -> NewRankings:
    """Counts of current judgments, and of those that the batch that was trained on last does not hold."""
    trained = Batch.objects.filter(project=project, runs__state=TrainingRun.State.SUCCEEDED)
    batch = trained.order_by("-runs__id").first()
    key = f"new-rankings:{state_of_judgments(project)}:{batch.pk if batch else 0}"
    return kept(key, lambda: _count_rankings(project, batch))


def _count_rankings(project: Project, batch: Batch | None) -> NewRankings:
    collected = Judgment.objects.filter(
        latest_of__project=project,
        latest_of__comparison__purpose="collect",
        latest_of__kind="collect",
        latest_of__state__in=["judged", "surplus"],
    )
    train = Q(latest_of__comparison__prompt__split="train")
    counts = collected.aggregate(
        train=Count("pk", filter=train),
        heldout=Count("pk", filter=Q(latest_of__comparison__prompt__split="heldout")),
    )
    # by the batch's own rows: an imported judgment is new, however long ago it was given
    learned = collected.filter(train, batches__batch=batch, batches__split="train").count() if batch else 0
    return NewRankings(**counts, new=counts["train"] - learned)


def situation_of(project: Project, progress: Progress, rankings: NewRankings) -> Situation:
    """The facts of the project now."""
    runs = list(TrainingRun.objects.filter(project=project).only("id", "kind", "state")[:50])
    evaluation = Evaluation.objects.filter(model_version__project=project).first()
    state = _round_of_model_in_use(project)
    members = project.memberships.filter(state=Membership.State.ACTIVE)
    return Situation(
        active=project.state == Project.State.ACTIVE,
        has_guidelines=project.guidelines.exists(),
        prompts=progress.prompts,
        unanswered_prompts=progress.prompts - progress.prompts_with_completions,
        comparisons=progress.comparisons,
        judgments_wanted=max(0, progress.wanted - progress.judgments),
        judgments=progress.judgments,
        new_judgments=rankings.new,
        annotators=members.exclude(role=Membership.Role.LEAD).count(),
        sampling=any(run.kind == TrainingRun.Kind.SAMPLING and run.state in LIVE for run in runs),
        training=any(run.kind == TrainingRun.Kind.REWARD_DPO and run.state in LIVE for run in runs),
        failed_run=_failed(runs),
        unseen_model=_unseen_model(project),
        evaluation=evaluation.pk if evaluation else None,
        evaluation_wanted=judgments_missing(evaluation) if evaluation else 0,
        stopped_round=state.run.base_id if state and state.run and state.word == "stopped" else None,
        empty_round=state.run.pk if state and state.run and state.word == "empty" else None,
        notices=count_open(project),
        retired=project.state == Project.State.RETIRED,
    )


def _round_of_model_in_use(project: Project) -> RoundState | None:
    current = current_model(project)
    return round_state(current) if current else None


def judgments_missing(evaluation: Evaluation) -> int:
    """Judgments still wanted on an evaluation's comparisons; of retired ones none are."""
    wanted = evaluation.comparisons.exclude(state=Comparison.State.RETIRED)
    return wanted.aggregate(all=Sum(F("overlap") - F("judged"), default=0))["all"]


def _failed(runs: list[TrainingRun]) -> int | None:
    """The newest run of a kind, when it failed."""
    for kind in TrainingRun.Kind.values:
        newest = next((run for run in runs if run.kind == kind), None)
        if newest and newest.state == TrainingRun.State.FAILED:
            return newest.pk
    return None


def _unseen_model(project: Project) -> int | None:
    """The newest trained policy, when nobody has promoted it or anything after it."""
    newest = ModelVersion.objects.filter(project=project, kind="policy", run__isnull=False).first()
    if newest is None or Promotion.objects.filter(project=project, created__gt=newest.created).exists():
        return None
    return newest.pk
