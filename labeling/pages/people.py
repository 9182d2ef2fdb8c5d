"""Who works in a project, in which role, how much they have done, and their hours as a file."""

import csv
import io
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from labeling.actions import screening
from labeling.actions.errors import ActionError
from labeling.actions.projects import add_member, free_leases_of, set_abilities, set_member_state, set_role
from labeling.actions.resolving import resume_member
from labeling.models import Assignment, Membership, Notice, PersonTally, Project
from labeling.pages.access import lead_page
from labeling.queries.hours import EARLIEST, LATEST, Hours, hours_of
from labeling.queries.progress import median_seconds

COLUMNS = ("person", "name", "judgments", "surplus", "skipped", "active_seconds", "first_day", "last_day")


class MemberForm(forms.Form):
    """Finds an account by its username."""

    username = forms.CharField(
        max_length=150,
        help_text="The name they sign in with. Accounts are made by the operator.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    role = forms.ChoiceField(
        choices=Membership.Role.choices,
        help_text="Annotators rank. Reviewers also see what others said. Leads also import, train and promote.",
    )

    def clean_username(self) -> str:
        username = self.cleaned_data["username"].strip()
        person = get_user_model().objects.filter(username=username, is_active=True).first()
        if person is None:
            raise forms.ValidationError(f"There is no account “{username}”. Ask the operator to make it.")
        self.cleaned_data["person"] = person
        return username


class PeriodForm(forms.Form):
    """From which day to which; either may be left open."""

    first = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(label="To, included", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def clean(self) -> dict[str, Any]:
        days = super().clean() or self.cleaned_data
        first, last = days.get("first"), days.get("last")
        for name, day in (("first", first), ("last", last)):
            if day is not None and not EARLIEST <= day <= LATEST:
                self.add_error(name, "There is no work on that day.")
        if first and last and last < first:
            self.add_error("last", "It ends before it begins.")
        return days


@lead_page
def people(request: HttpRequest, project: Project) -> HttpResponse:
    """The members with their counts; POST adds one."""
    form = MemberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        person, role = form.cleaned_data["person"], form.cleaned_data["role"]
        try:
            add_member(project=project, person=person, role=role)
        except ActionError as error:
            form.add_error("role", str(error))
        else:
            messages.success(request, f"{person} is {_article(role)} now.")
            return redirect("people", slug=project.slug)
    return _people(request, project, form, PeriodForm(), 422 if form.errors else 200)


def _people(
    request: HttpRequest, project: Project, form: MemberForm, period: PeriodForm, status: int = 200
) -> HttpResponse:
    context = {
        "project": project,
        "form": form,
        "period": period,
        "members": members_of(project),
        "screens": bool(project.screening_items),
        "section": "people",
    }
    return render(request, "labeling/people.html", context, status=status)


@require_safe
@lead_page
def hours(request: HttpRequest, project: Project) -> HttpResponse:
    """Hours and judgments a person as CSV; `?first=` and `?last=` are days, both included."""
    period = PeriodForm(request.GET)
    if not period.is_valid():
        return _people(request, project, MemberForm(), period, 422)
    answer = HttpResponse(
        _as_csv(hours_of(project, period.cleaned_data["first"], period.cleaned_data["last"])),
        content_type="text/csv; charset=utf-8",
    )
    answer["Content-Disposition"] = f'attachment; filename="{project.slug}-hours.csv"'
    return answer


def _as_csv(rows: list[Hours]) -> str:
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(COLUMNS)
    for row in rows:
        days = [day.isoformat() if day else "" for day in (row.first_day, row.last_day)]
        counts = [row.judgments, row.surplus, row.skipped, round(row.active_seconds, 1)]
        lines.writerow([_inert(row.username), _inert(row.name), *counts, *days])
    return text.getvalue()


def _inert(text: str) -> str:
    """A name that a spreadsheet would run as a formula, with an apostrophe before it, which makes it text."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


@lead_page
def member(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """One member: what they did, what they may do; POST changes their role, state or abilities, or frees what they
    hold. What is to be done stands in `do`."""
    item = get_object_or_404(Membership.objects.select_related("person", "project"), project=project, pk=pk)
    if request.method == "POST":
        _change(request, item)
        return redirect("member", slug=project.slug, pk=item.pk)
    held = Assignment.objects.filter(project=project, annotator=item.person, state=Assignment.State.LEASED)
    context = {
        "project": project,
        "member": item,
        "tally": PersonTally.objects.filter(project=project, person=item.person).first() or PersonTally(),
        "median": median_seconds(project, item.person_id).get(item.person_id),
        "held": held.order_by("ahead"),
        "tries": project.screening_attempts.filter(person=item.person).order_by("number"),
        "must_pass": screening.is_asked_of(project, item),
        "notices": Notice.objects.filter(project=project, person=item.person, settled__isnull=True).order_by("-id"),
        "lanes": project.lanes.exclude(language="", qualification="").order_by("language", "qualification")[:50],
        "roles": Membership.Role.choices,
        "section": "people",
    }
    return render(request, "labeling/people_member.html", context)


def _change(request: HttpRequest, member: Membership) -> None:
    """Do what was asked and say what was done, or why not."""
    do = request.POST.get("do") or next((name for name in ("role", "state") if request.POST.get(name)), "")
    change = CHANGES.get(do)
    try:
        if change is None:
            messages.error(request, "Nothing was changed: the page did not say what to do.")
        else:
            messages.success(request, change(request, member))
    except ActionError as error:
        messages.error(request, str(error))


def _set_role(request: HttpRequest, member: Membership) -> str:
    role = request.POST.get("role", "")
    set_role(membership=member, role=role)
    return f"{member.person} is {_article(role)} now."


def _set_state(request: HttpRequest, member: Membership) -> str:
    state = request.POST.get("state", "")
    if state == Membership.State.ACTIVE:
        resume_member(membership=member, by=request.user)
        return f"{member.person} may work again, and starts anew on known answers."
    set_member_state(membership=member, state=state, reason=request.POST.get("reason", ""))
    return f"{member.person} is {state}: no new work is given out, and what they held goes to others."


def _set_abilities(request: HttpRequest, member: Membership) -> str:
    named = {name: _named(request.POST.get(name, "")) for name in ("languages", "qualifications")}
    set_abilities(membership=member, **named)
    return "Saved. It decides what they are given next."


def _free(request: HttpRequest, member: Membership) -> str:
    freed = free_leases_of(member)
    return f"Freed {freed} comparison{'' if freed == 1 else 's'}." if freed else "Nothing was open with them any more."


def _let_pass(request: HttpRequest, member: Membership) -> str:
    screening.let_pass(membership=member, by=request.user)
    return f"{member.person} may work without passing the practice items."


def _grant_try(request: HttpRequest, member: Membership) -> str:
    screening.grant_try(membership=member, by=request.user)
    return f"{member.person} has one more try at the practice items."


CHANGES: dict[str, Callable[[HttpRequest, Membership], str]] = {
    "role": _set_role,
    "state": _set_state,
    "abilities": _set_abilities,
    "free": _free,
    "let_pass": _let_pass,
    "grant_try": _grant_try,
}


def _named(text: str) -> list[str]:
    """Names between commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def members_of(project: Project) -> list[Membership]:
    """Members, each with `tally`, what they have done, `median`, their usual seconds a ranking, and `last`, when they
    last submitted; most judgments first."""
    tallies = {
        tally.person_id: tally for tally in PersonTally.objects.filter(project=project).select_related("last__latest")
    }
    medians = median_seconds(project)
    members = list(project.memberships.select_related("person").order_by("person__username"))
    for member in members:
        member.tally = tallies.get(member.person_id) or PersonTally()
        member.median = medians.get(member.person_id)
        member.last = member.tally.last.latest.created if member.tally.last and member.tally.last.latest else None
    return sorted(members, key=lambda member: -member.tally.said)


def _article(role: str) -> str:
    return f"an {role}" if role == Membership.Role.ANNOTATOR else f"a {role}"
