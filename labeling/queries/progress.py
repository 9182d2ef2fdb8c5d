"""How far a project is."""

from dataclasses import dataclass

from django.db.models import Count, F, Max, Q, Sum

from labeling.models import Assignment, Comparison, Membership, Project, Prompt


@dataclass(frozen=True)
class PersonProgress:
    """What one member has done: judgments, comparisons open and skipped, and the seconds they worked."""

    person_id: int
    name: str
    role: str
    simulated: bool
    judged: int
    leased: int
    skipped: int
    active_seconds: float | None


@dataclass(frozen=True)
class Progress:
    """Counts of a project. `wanted` judgments over all open comparisons and those given; `live` = leased now."""

    prompts: int
    prompts_train: int
    prompts_heldout: int
    prompts_with_completions: int
    comparisons: int
    done_comparisons: int
    wanted: int
    judgments: int
    live: int
    skipped: int
    people: int
    simulated_judgments: int

    @property
    def share(self) -> float:
        """Judgments given over judgments wanted, 0 … 1; 0 while nothing is wanted."""
        return min(1.0, self.judgments / self.wanted) if self.wanted else 0.0


def project_progress(project: Project) -> Progress:
    """Every count of the project in four queries. Retired comparisons do not count as wanted."""
    prompts = project.prompts.aggregate(
        all=Count("pk"),
        train=Count("pk", filter=Q(split=Prompt.Split.TRAIN)),
        heldout=Count("pk", filter=Q(split=Prompt.Split.HELDOUT)),
    )
    with_completions = Prompt.objects.filter(project=project, comparisons__isnull=False).distinct().count()
    comparisons = project.comparisons.exclude(state=Comparison.State.RETIRED).aggregate(
        all=Count("pk"), wanted=Sum("overlap", default=0), full=Count("pk", filter=Q(live__gte=F("overlap")))
    )
    assignments = Assignment.objects.filter(comparison__project=project)
    people = assignments.aggregate(
        judged=Count("pk", filter=Q(state="judged")),
        leased=Count("pk", filter=Q(state="leased")),
        skipped=Count("pk", filter=Q(state="skipped")),
        people=Count("annotator", distinct=True, filter=Q(state="judged")),
        simulated=Count("pk", filter=Q(state="judged", annotator__simulated=True)),
    )
    not_yet = (
        assignments.filter(state="leased", comparison__live__gte=F("comparison__overlap"))
        .exclude(comparison__state=Comparison.State.RETIRED)
        .aggregate(n=Count("comparison", distinct=True))["n"]
    )
    return Progress(
        prompts=prompts["all"],
        prompts_train=prompts["train"],
        prompts_heldout=prompts["heldout"],
        prompts_with_completions=with_completions,
        comparisons=comparisons["all"],
        done_comparisons=comparisons["full"] - not_yet,
        wanted=comparisons["wanted"],
        judgments=people["judged"],
        live=people["leased"],
        skipped=people["skipped"],
        people=people["people"],
        simulated_judgments=people["simulated"],
    )


def people_progress(project: Project) -> list[PersonProgress]:
    """What each member has done, most judgments first."""
    counted = (
        Assignment.objects.filter(comparison__project=project)
        .values("annotator")
        .annotate(
            judged=Count("pk", filter=Q(state="judged")),
            leased=Count("pk", filter=Q(state="leased")),
            skipped=Count("pk", filter=Q(state="skipped")),
            seconds=Sum("latest__active_seconds"),
            last=Max("latest__created"),
        )
        .order_by()
    )
    done = {row["annotator"]: row for row in counted}
    nothing = {"judged": 0, "leased": 0, "skipped": 0, "seconds": None}
    members = Membership.objects.filter(project=project).select_related("person")
    rows = [_person(member, done.get(member.person_id, nothing)) for member in members]
    return sorted(rows, key=lambda row: (-row.judged, row.name))


def _person(member: Membership, counts: dict) -> PersonProgress:
    return PersonProgress(
        person_id=member.person_id,
        name=str(member.person),
        role=member.role,
        simulated=member.person.simulated,
        judged=counts["judged"],
        leased=counts["leased"],
        skipped=counts["skipped"],
        active_seconds=counts["seconds"],
    )
