"""Hours and judgments a person, for their pay. Exact: read from what was said, so it may take a moment."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.utils import timezone

from labeling.models import Assignment, Judgment, Project

# Days that every database and time zone can tell.
EARLIEST, LATEST = date(1970, 1, 2), date(9000, 1, 1)


@dataclass
class Hours:
    """What one person did. `judgments` counts everything they ranked, whatever it was for, `surplus` ones included:
    all of it was work. A ranking that was changed counts once, and the time for the change is in `active_seconds`."""

    person: Any = field(repr=False)
    judgments: int = 0
    surplus: int = 0
    skipped: int = 0
    active_seconds: float = 0.0
    first_day: date | None = None
    last_day: date | None = None

    @property
    def username(self) -> str:
        return self.person.username

    @property
    def name(self) -> str:
        return self.person.display_name or self.person.get_full_name() or self.person.username


def hours_of(project: Project, first: date | None = None, last: date | None = None) -> list[Hours]:
    """Who did what from `first` to `last`, both days included (None: without end), by username.

    Days are those of the site's time zone. A skip counts on the day the comparison was opened.
    """
    found: dict[int, Hours] = {}
    for row in _said(project, first, last):
        hours = found.setdefault(row["assignment__annotator"], Hours(None))
        hours.judgments, hours.surplus, hours.active_seconds = row["judgments"], row["surplus"], row["seconds"]
        hours.first_day, hours.last_day = _day(row["first"]), _day(row["last"])
    for row in _skipped(project, first, last):
        found.setdefault(row["annotator"], Hours(None)).skipped = row["skipped"]
    people = get_user_model().objects.in_bulk(list(found))
    for pk, hours in found.items():
        hours.person = people[pk]
    return sorted(found.values(), key=lambda hours: hours.username)


def _said(project: Project, first: date | None, last: date | None) -> QuerySet[Any]:
    once = Q(revision=1)
    return (
        Judgment.objects.filter(_between("created", first, last), assignment__project=project)
        .values("assignment__annotator")
        .annotate(
            judgments=Count("pk", filter=once),
            surplus=Count("pk", filter=once & Q(assignment__state=Assignment.State.SURPLUS)),
            seconds=Sum("active_seconds", default=0.0),
            first=Min("created"),
            last=Max("created"),
        )
        .order_by()
    )


def _skipped(project: Project, first: date | None, last: date | None) -> QuerySet[Any]:
    left = Assignment.objects.filter(_between("created", first, last), project=project, state=Assignment.State.SKIPPED)
    return left.values("annotator").annotate(skipped=Count("pk")).order_by()


def _between(name: str, first: date | None, last: date | None) -> Q:
    within = Q()
    if first is not None:
        within &= Q(**{f"{name}__gte": _midnight(first)})
    if last is not None:
        within &= Q(**{f"{name}__lt": _midnight(last + timedelta(days=1))})
    return within


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _day(moment: datetime) -> date:
    return timezone.localtime(moment).date()
