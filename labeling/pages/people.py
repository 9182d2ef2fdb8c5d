"""Who works in a project, in which role, and how much they have done."""

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from labeling.actions.errors import ActionError
from labeling.actions.projects import add_member, set_member_state
from labeling.models import Membership, PersonTally, Project
from labeling.pages.access import lead_page


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
    context = {
        "project": project,
        "form": form,
        "members": members_of(project),
        "roles": Membership.Role.choices,
        "section": "people",
    }
    return render(request, "labeling/people.html", context, status=422 if form.errors else 200)


@require_POST
@lead_page
def member(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """Change a member's role or state."""
    item = get_object_or_404(Membership.objects.select_related("person"), project=project, pk=pk)
    role, state = request.POST.get("role"), request.POST.get("state")
    try:
        if role:
            add_member(project=project, person=item.person, role=role)
            messages.success(request, f"{item.person} is {_article(role)} now.")
        elif state:
            set_member_state(membership=item, state=state)
            words = "may work again" if state == Membership.State.ACTIVE else f"is {state}: no new work is given out"
            messages.success(request, f"{item.person} {words}.")
    except ActionError as error:
        messages.error(request, str(error))
    return redirect("people", slug=project.slug)


def members_of(project: Project) -> list[Membership]:
    """Members, each with `tally`, what they have done, and `last`, when they last submitted; most judgments first."""
    tallies = {
        tally.person_id: tally for tally in PersonTally.objects.filter(project=project).select_related("last__latest")
    }
    members = list(project.memberships.select_related("person").order_by("person__username"))
    for member in members:
        member.tally = tallies.get(member.person_id) or PersonTally()
        member.last = member.tally.last.latest.created if member.tally.last and member.tally.last.latest else None
    return sorted(members, key=lambda member: -member.tally.said)


def _article(role: str) -> str:
    return f"an {role}" if role == Membership.Role.ANNOTATOR else f"a {role}"
