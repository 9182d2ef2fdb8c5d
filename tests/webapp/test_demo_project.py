"""The demo project and the accounts of those who work on it."""

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from labeling.models import Membership, Project
from webapp.demo import load_demo_project

pytestmark = pytest.mark.django_db


def test_the_demo_holds_prompts_to_train_on_prompts_held_out_guidelines_and_three_people() -> None:
    project = load_demo_project()
    assert (project.k, project.overlap) == (4, 2)
    assert project.prompts.filter(split="train").count() >= 40
    assert project.prompts.filter(split="heldout").count() >= 20
    assert project.guidelines.count() == 1
    roles = dict(project.memberships.values_list("person__username", "role"))
    assert roles == {"annotator-1": "annotator", "annotator-2": "annotator", "lead": "lead"}


def test_a_smaller_demo_has_every_kind_of_prompt_in_both_splits() -> None:
    project = load_demo_project(prompts=60)
    assert project.prompts.filter(split="train").count() == 40
    assert project.prompts.filter(split="heldout").count() == 20
    for split in ("train", "heldout"):
        assert project.prompts.filter(split=split).values("use_case").distinct().count() == 6


def test_nobody_signs_in_to_the_demo_with_a_password() -> None:
    load_demo_project()
    people = get_user_model().objects.order_by("username")
    assert [(person.username, person.has_usable_password()) for person in people] == [
        ("annotator-1", False),
        ("annotator-2", False),
        ("lead", False),
    ]


def test_loading_the_demo_again_changes_nothing() -> None:
    project = load_demo_project()
    prompts = project.prompts.count()
    project.memberships.filter(person__username="annotator-2").update(state=Membership.State.PAUSED)
    load_demo_project()
    assert Project.objects.count() == 1
    assert project.prompts.count() == prompts
    assert project.guidelines.count() == 1
    assert project.memberships.get(person__username="annotator-2").state == Membership.State.PAUSED


def test_an_operator_adds_a_person_whose_password_is_shown_once(capsys) -> None:
    load_demo_project()
    call_command("add_person", "ada", "--name", "Ada", "--project", "demo", "--role", "reviewer")
    said = capsys.readouterr().out
    ada = get_user_model().objects.get(username="ada")
    assert ada.check_password(said.split("password ")[1].split()[0])
    assert Membership.objects.get(person=ada).role == Membership.Role.REVIEWER
    call_command("add_person", "ada", "--project", "demo", "--role", "annotator")
    assert "password" not in capsys.readouterr().out


def test_a_project_that_is_not_there_makes_no_account() -> None:
    with pytest.raises(CommandError, match="There is no project nowhere"):
        call_command("add_person", "ada", "--project", "nowhere")
    assert not get_user_model().objects.filter(username="ada").exists()
