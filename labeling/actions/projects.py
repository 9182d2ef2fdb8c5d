"""Projects, their people and their guidelines."""

import secrets
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from labeling.actions.content import check_language, check_text
from labeling.actions.errors import ActionError
from labeling.actions.leases import free_leases
from labeling.actions.queue import requeue
from labeling.models import Assignment, Guideline, Membership, Project

RESERVED_SLUGS = {"new"}
SETTINGS = {
    *("description", "k", "allow_ties", "overlap", "lease_seconds", "order", "spacing", "undo_seconds", "idle_seconds"),
    *("skips_to_lead", "gold_percent", "repeat_percent", "repeat_gap", "gold_floor", "gold_window"),
    *("screening_items", "screening_accuracy", "screening_agreement", "screening_tries", "sampling", "seed"),
}


@transaction.atomic
def create_project(*, slug: str, name: str, by: Any = None, **settings: Any) -> Project:
    """Open a project; `by`, if given, leads it. `settings` are fields of Project (SETTINGS).

    Raises ActionError "invalid" naming the field, or "conflict" when the slug is taken.
    """
    _check_settings_known(settings)
    if slug.lower() in RESERVED_SLUGS:
        raise ActionError(f'"{slug}" is an address of Luce itself; choose another short name.', field="slug")
    # whoever knew the seed could work out which answer stands where
    settings.setdefault("seed", secrets.randbits(53))  # as many bits as every reader of JSON keeps
    if Project.objects.filter(slug=slug).exists():
        raise ActionError(f'There is a project "{slug}" already; choose another short name.', "conflict", "slug")
    project = Project(slug=slug, name=name, **settings)
    _check_fields(project)
    project.save()
    if by is not None:
        add_member(project=project, person=by, role=Membership.Role.LEAD)
    return project


@transaction.atomic
def update_project(*, project: Project, **settings: Any) -> Project:
    """Change the name or settings of a project. Comparisons that exist keep their own K and overlap."""
    _check_settings_known(settings, extra={"name"})
    order = Project.objects.select_for_update(no_key=True).values_list("order", flat=True).get(pk=project.pk)
    for field, value in settings.items():
        setattr(project, field, value)
    _check_fields(project)
    project.save(update_fields=list(settings))
    if project.order != order:
        requeue(project)
    return project


@transaction.atomic
def set_project_state(*, project: Project, state: str) -> Project:
    """Pause, resume or retire a project. While it is paused nothing is served; open work may still be submitted."""
    if state not in Project.State.values:
        raise ActionError(f'"{state}" is no state; choose one of {", ".join(Project.State.values)}.', field="state")
    project.state = state
    project.save(update_fields=["state"])
    return project


@transaction.atomic
def add_member(*, project: Project, person: Any, role: str = Membership.Role.ANNOTATOR) -> Membership:
    """Give a person a role, or another one than before. A retired or paused member becomes active again.

    The last active lead of a project stays its lead.
    """
    if role not in Membership.Role.values:
        raise ActionError(f'"{role}" is no role; choose one of {", ".join(Membership.Role.values)}.', field="role")
    if role != Membership.Role.LEAD:
        _require_another_lead(project.pk, person.pk, "role")
    membership, _ = Membership.objects.update_or_create(
        project=project, person=person, defaults={"role": role, "state": Membership.State.ACTIVE}
    )
    return membership


@transaction.atomic
def set_member_state(*, membership: Membership, state: str, reason: str = "") -> Membership:
    """Pause, resume or retire a member; what they held goes to others. The last active lead of a project stays.

    Who is resumed starts anew on gold: what they got wrong before does not pause them again.
    """
    if state not in Membership.State.values:
        raise ActionError(f'"{state}" is no state; choose one of {", ".join(Membership.State.values)}.', field="state")
    if state != Membership.State.ACTIVE:
        _require_another_lead(membership.project_id, membership.person_id, "state")
    membership.state, membership.pause_reason = state, ""
    if state == Membership.State.PAUSED:
        membership.pause_reason = check_text(reason, "reason", empty=True, longest=200).strip()
    if state == Membership.State.ACTIVE:
        membership.gold_since = timezone.now()
    membership.save(update_fields=["state", "pause_reason", "gold_since"])
    if state != Membership.State.ACTIVE:
        free_leases_of(membership)
        transaction.on_commit(lambda: free_leases_of(membership))  # what was being taken at this moment
    return membership


@transaction.atomic
def set_role(*, membership: Membership, role: str) -> Membership:
    """Another role for a member; whether they are paused or retired stays. The last active lead stays its lead."""
    if role not in Membership.Role.values:
        raise ActionError(f'"{role}" is no role; choose one of {", ".join(Membership.Role.values)}.', field="role")
    if role != Membership.Role.LEAD:
        _require_another_lead(membership.project_id, membership.person_id, "role")
    membership.role = role
    membership.save(update_fields=["role"])
    return membership


def free_leases_of(membership: Membership) -> int:
    """End the leases of a person in a project, so that others get what they held; the number freed."""
    held = Assignment.objects.filter(
        project=membership.project_id, annotator=membership.person_id, state=Assignment.State.LEASED
    )
    return free_leases(list(held.values_list("pk", flat=True)))


@transaction.atomic
def set_abilities(
    *, membership: Membership, languages: Sequence[str] | None = None, qualifications: Sequence[str] | None = None
) -> Membership:
    """Say which languages a person reads (none named: all) and what they are qualified for; None leaves it."""
    if languages is not None:
        membership.languages = [check_language(tag, "languages") for tag in _check_names(languages, "languages", 16)]
    if qualifications is not None:
        membership.qualifications = _check_names(qualifications, "qualifications", 40)
    membership.save(update_fields=["languages", "qualifications"])
    return membership


def _check_names(names: Sequence[str], field: str, longest: int) -> list[str]:
    if not isinstance(names, (list, tuple)) or len(names) > 50:
        raise ActionError(f"{field} must be a list of at most 50 short texts.", field=field)
    return sorted({check_text(name, field, longest=longest).strip() for name in names})


def _require_another_lead(project_id: int, person_id: int, field: str) -> None:
    """Refuse to take the project's only active lead away. Locks the leads: two of them cannot remove each other."""
    leads = Membership.objects.select_for_update(no_key=True).filter(
        project=project_id, role=Membership.Role.LEAD, state=Membership.State.ACTIVE
    )
    if set(leads.values_list("person_id", flat=True)) == {person_id}:
        raise ActionError("This is the project's only lead; make somebody else a lead first.", "conflict", field)


@transaction.atomic
def publish_guideline(*, project: Project, text: str, author: Any = None) -> Guideline:
    """Publish the next version of the guidelines; the same text again returns the version that says it. Line ends and
    what surrounds the text make no difference: browsers write both their own way."""
    text = _plain(check_text(text, "text"))
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    latest = project.guidelines.order_by("-version").first()
    if latest is not None and _plain(latest.text) == text:
        return latest
    version = (project.guidelines.aggregate(last=Max("version"))["last"] or 0) + 1
    return Guideline.objects.create(project=project, version=version, text=text, author=author)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _check_settings_known(settings: dict[str, Any], extra: set[str] = frozenset()) -> None:
    unknown = set(settings) - SETTINGS - extra
    if unknown:
        raise ActionError(f"A project has no setting {', '.join(sorted(unknown))}.", field=min(unknown))


def _check_fields(project: Project) -> None:
    """full_clean, with the first complaint as an ActionError."""
    try:
        project.full_clean()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise ActionError(f"{field}: {messages[0]}", field=field) from None
