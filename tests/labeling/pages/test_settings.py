"""The settings of a project as its lead sees and changes them."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from labeling.actions.projects import publish_guideline, update_project
from labeling.actions.queue import level_of
from labeling.models import Comparison, Project
from labeling.pages.durations import in_words, read_duration
from labeling.pages.project_form import GROUPS, SAMPLING
from tests.labeling.pages.sent import as_sent
from training.engine.settings import SamplingSettings

pytestmark = pytest.mark.django_db


def change(client: Client, project: Project, **changed: Any) -> Any:
    address = reverse("project-settings", args=[project.slug])
    return client.post(address, as_sent(client.get(address).context["settings_form"]) | {"do": "settings"} | changed)


def test_every_setting_of_the_queue_quality_and_screening_stands_in_a_group_with_its_help(project, lead, signed_in):
    page = signed_in(lead).get(reverse("project-settings", args=[project.slug]))
    text = page.content.decode()
    for group in GROUPS:
        assert f">{group.title}</h2>" in text
    for name in (
        *("order", "spacing", "lease_seconds", "undo_seconds", "idle_seconds", "skips_to_lead"),
        *("gold_percent", "repeat_percent", "repeat_gap", "gold_floor", "gold_window"),
        *("screening_items", "screening_accuracy", "screening_agreement", "screening_tries"),
    ):
        assert f'name="{name}"' in text
        assert page.context["settings_form"][name].help_text, name


def test_saving_the_form_as_it_came_changes_nothing(project, lead, signed_in):
    before = Project.objects.values().get(pk=project.pk)
    assert change(signed_in(lead), project).status_code == 302
    assert Project.objects.values().get(pk=project.pk) == before


def test_of_two_leads_each_changes_what_they_changed(project, lead, signed_in):
    client, address = signed_in(lead), reverse("project-settings", args=[project.slug])
    seen_by_the_second = as_sent(client.get(address).context["settings_form"])
    change(client, project, k=6, gold_percent=10, lease_seconds="2 h", max_new_tokens=50)
    client.post(address, seen_by_the_second | {"do": "settings", "description": "For tea.", "temperature": 0.5})
    project.refresh_from_db()
    assert (project.k, project.gold_percent, project.lease_seconds, project.description) == (6, 10, 7200, "For tea.")
    assert project.sampling == {"max_new_tokens": 50, "temperature": 0.5}


def test_guidelines_sent_back_as_a_browser_does_are_no_new_version(project, lead, signed_in):
    publish_guideline(project=project, text="# Tea\n\nHot is better.\n", author=lead)
    client, address = signed_in(lead), reverse("project-settings", args=[project.slug])
    client.post(address, {"do": "guidelines", "text": "# Tea\r\n\r\nHot is better."})
    assert project.guidelines.count() == 1
    client.post(address, {"do": "guidelines", "text": "# Tea\r\n\r\nCold is better."})
    assert [each.text for each in project.guidelines.order_by("version")][1:] == ["# Tea\n\nCold is better."]


def test_times_are_shown_and_read_in_words(project, lead, signed_in):
    client = signed_in(lead)
    address = reverse("project-settings", args=[project.slug])
    assert 'value="30 min"' in client.get(address).content.decode()
    change(client, project, lease_seconds="1 h 30 min", undo_seconds="0", idle_seconds="45 s")
    project.refresh_from_db()
    assert (project.lease_seconds, project.undo_seconds, project.idle_seconds) == (5400, 0, 45)


@pytest.mark.parametrize(
    ("field", "sent", "words"),
    [
        ("lease_seconds", "30", "with its unit"),
        ("lease_seconds", "soon", "with its unit"),
        ("lease_seconds", "5 s", "Between 30 s and 7 days"),
        ("undo_seconds", "8 days", "Between 0 and 7 days"),
        ("idle_seconds", "", "required"),
        ("gold_percent", "51", "50"),
        ("screening_agreement", "2", "1"),
        ("screening_agreement", "nan", "number"),
        ("order", "sideways", "sideways"),
        ("temperature", "0", "1e-06"),
        ("top_p", "1.5", "1"),
        ("max_new_tokens", "1.5", "whole number"),
    ],
)
def test_what_cannot_be_is_refused_in_words_at_its_field(field, sent, words, project, lead, signed_in):
    before = Project.objects.values().get(pk=project.pk)
    page = change(signed_in(lead), project, **{field: sent})
    assert page.status_code == 422
    assert words in str(page.context["settings_form"].errors[field])
    assert Project.objects.values().get(pk=project.pk) == before


def test_how_completions_are_written_is_set_and_unset_and_what_else_is_stored_stays(project, lead, signed_in):
    client = signed_in(lead)
    update_project(project=project, sampling={"temperature": 0.7, "seed": 5})
    change(client, project, max_new_tokens="200", temperature="1.2")
    project.refresh_from_db()
    assert project.sampling == {"seed": 5, "max_new_tokens": 200, "temperature": 1.2}
    change(client, project, max_new_tokens="", temperature="")
    project.refresh_from_db()
    assert project.sampling == {"seed": 5}


def test_the_usual_values_of_sampling_are_those_of_the_engine(project, lead, signed_in):
    assert {name: getattr(SamplingSettings(), name) for name in SAMPLING} == SAMPLING
    text = signed_in(lead).get(reverse("project-settings", args=[project.slug])).content.decode()
    assert 'placeholder="0.95"' in text


def test_changing_the_order_moves_every_comparison_in_the_queue(project, lead, compare, signed_in):
    comparison = compare("How do I brew tea?", priority=3)
    assert comparison.level == level_of("priority", 3, 0)
    change(signed_in(lead), project, order="depth")
    assert Comparison.objects.get(pk=comparison.pk).level == level_of("depth", 3, 0) != comparison.level


def test_a_project_is_retired_and_resumed(project, lead, signed_in):
    client, address = signed_in(lead), reverse("project-state", args=[project.slug])
    for state in ("retired", "active"):
        client.post(address, {"state": state})
        project.refresh_from_db()
        assert project.state == state


@pytest.mark.parametrize("seconds", [0, 5, 45, 60, 90, 1800, 5400, 86400, 2 * 86400 + 3600 + 61])
def test_a_time_in_words_reads_back_to_the_same_seconds(seconds):
    assert read_duration(in_words(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "30", "min", "-5 min", "5 fortnights", "1.5 h", "30 min!", "٣ min x"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r"\w*"):
        read_duration(text)


def test_an_annotator_and_another_projects_lead_change_nothing(project, annotator, person, client):
    from labeling.actions.projects import create_project

    stranger = person("otto")
    create_project(slug="coffee", name="Coffee", by=stranger)
    for someone, status in ((annotator("ann"), 403), (stranger, 404)):
        client.force_login(someone)
        for name in ("project-settings", "project-state"):
            sent = {"do": "settings", "name": "Mine", "state": "paused"}
            assert client.post(reverse(name, args=[project.slug]), sent).status_code == status
    project.refresh_from_db()
    assert (project.name, project.state) == ("Tea", "active")
