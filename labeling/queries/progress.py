"""How far a project is. Read from counts that are kept, never by counting rows: a page costs the same at any size."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from django.db import connection
from django.db.models import Count, Q, Sum

from labeling.models import Membership, PersonTally, Project, ProjectTally

LATEST = 100
ASKED_AT_ONCE = 100  # SQLite joins at most 500


@dataclass(frozen=True)
class PersonProgress:
    """What one member has done: judgments by kind, comparisons open and skipped, and the seconds they worked."""

    person_id: int
    name: str
    role: str
    simulated: bool
    judged: int
    surplus: int
    gold: int
    repeats: int
    leased: int
    skipped: int
    active_seconds: float | None


@dataclass(frozen=True)
class Progress:
    """Counts of a project. `wanted` judgments over its comparisons, and those given into their slots; `surplus` came
    when the slots were full; `live` = leased now, whatever for."""

    prompts: int
    prompts_train: int
    prompts_heldout: int
    prompts_with_completions: int
    comparisons: int
    done_comparisons: int
    wanted: int
    judgments: int
    surplus: int
    live: int
    skipped: int
    people: int
    simulated_judgments: int

    @property
    def share(self) -> float:
        """Judgments given over judgments wanted, 0 … 1; 0 while nothing is wanted."""
        return min(1.0, self.judgments / self.wanted) if self.wanted else 0.0


def project_progress(project: Project) -> Progress:
    """Every count of the project in two queries. Retired comparisons and known answers do not count as wanted."""
    return progress_of([project])[project.pk]


def progress_of(projects: Sequence[Project]) -> dict[int, Progress]:
    """The counts of many projects, by their ids, in two queries altogether."""
    holding = {tally.pk: tally for tally in ProjectTally.objects.filter(pk__in=[each.pk for each in projects])}
    said = Q(judged__gt=0) | Q(surplus__gt=0)
    doing = (
        PersonTally.objects.filter(project__in=[each.pk for each in projects])
        .values("project")
        .annotate(
            people=Count("pk", filter=said),
            simulated_judgments=Sum("judged", default=0, filter=Q(person__simulated=True)),
            judgments=Sum("judged", default=0),
            all_surplus=Sum("surplus", default=0),
            live=Sum("leased", default=0),
            all_skipped=Sum("skipped", default=0),
        )
        .order_by()
    )
    did = {row.pop("project"): row for row in doing}
    return {each.pk: _progress(holding.get(each.pk) or ProjectTally(), did.get(each.pk, {})) for each in projects}


def _progress(holds: ProjectTally, did: dict[str, int]) -> Progress:
    return Progress(
        prompts=holds.prompts,
        prompts_train=holds.prompts - holds.prompts_heldout,
        prompts_heldout=holds.prompts_heldout,
        prompts_with_completions=holds.prompts_compared,
        comparisons=holds.comparisons,
        done_comparisons=holds.done,
        wanted=holds.wanted,
        judgments=did.get("judgments", 0) - holds.set_aside,
        surplus=did.get("all_surplus", 0),
        live=did.get("live", 0),
        skipped=did.get("all_skipped", 0),
        people=did.get("people", 0),
        simulated_judgments=did.get("simulated_judgments", 0),
    )


def people_progress(project: Project) -> list[PersonProgress]:
    """What each member has done, most judgments first."""
    done = {tally.person_id: tally for tally in PersonTally.objects.filter(project=project)}
    members = Membership.objects.filter(project=project).select_related("person")
    rows = [_person(member, done.get(member.person_id, PersonTally())) for member in members]
    return sorted(rows, key=lambda row: (-row.judged, row.name))


def _person(member: Membership, did: PersonTally) -> PersonProgress:
    return PersonProgress(
        person_id=member.person_id,
        name=str(member.person),
        role=member.role,
        simulated=member.person.simulated,
        judged=did.judged,
        surplus=did.surplus,
        gold=did.gold,
        repeats=did.repeats,
        leased=did.leased,
        skipped=did.skipped,
        active_seconds=did.active_seconds if did.said else None,
    )


def median_seconds(project: Project, person: int | None = None) -> dict[int, float]:
    """The median of the active seconds of a person's latest rankings, by the person's id, of one person or of all.

    Of the LATEST they were served last. The time for changing a ranking later is not in it. Who has ranked nothing
    with a known time is left out.
    """
    tallies = PersonTally.objects.filter(project=project)
    people = [person] if person is not None else list(tallies.order_by("person").values_list("person", flat=True))
    seconds: dict[int, list[float]] = defaultdict(list)
    for start in range(0, len(people), ASKED_AT_ONCE):
        for person_id, each in _latest_seconds(project, people[start : start + ASKED_AT_ONCE]):
            seconds[person_id].append(each)
    return {person_id: median(many) for person_id, many in seconds.items()}


def _latest_seconds(project: Project, people: list[int]) -> list[tuple[int, float]]:
    """Each person's latest, from the end of their own part of the index. Written out person by person, and the
    judgment looked up for each: of a join both databases may read everything that the project has."""
    values = [value for person in people for value in (project.pk, person, LATEST)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([_OF_ONE] * len(people)), values)
        return [(person, seconds) for person, seconds in cursor.fetchall() if seconds is not None]


_OF_ONE = """
    SELECT latest.annotator_id, (
        SELECT j.active_seconds FROM labeling_judgment j WHERE j.assignment_id = latest.id AND j.revision = 1
    ) FROM (
        SELECT a.id, a.annotator_id FROM labeling_assignment a
        WHERE a.project_id = %s AND a.annotator_id = %s AND a.state IN ('judged', 'surplus')
        ORDER BY a.number DESC LIMIT %s
    ) AS latest"""
