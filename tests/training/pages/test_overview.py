"""The overview of a project: each role, each state, and what needs doing."""

from dataclasses import replace
from typing import Any

import pytest
from django.urls import reverse

from labeling.actions.projects import publish_guideline, set_project_state
from labeling.models import Project
from tests.training.pages.conftest import CARD, TRACEBACK, sampling, training, version
from training.models import ModelVersion, Promotion, TrainingRun
from training.pages.next_steps import Situation, next_steps

pytestmark = pytest.mark.django_db


class TestOverview:
    def test_an_annotator_is_sent_to_their_work(self, project: Project, people: dict[str, Any], signed_in: Any) -> None:
        response = signed_in(people["ann"]).get(reverse("project", args=[project.slug]))
        assert (response.status_code, response.url) == (302, reverse("rank", args=[project.slug]))

    def test_to_a_stranger_it_does_not_exist(self, project: Project, django_user_model: Any, signed_in: Any) -> None:
        stranger = django_user_model.objects.create_user(username="stranger", password="x" * 12)
        assert signed_in(stranger).get(reverse("project", args=[project.slug])).status_code == 404

    def test_a_reviewer_reads_it_and_is_asked_to_do_nothing(
        self, ranked: Project, reviewer: Any, signed_in: Any
    ) -> None:
        response = signed_in(reviewer).get(reverse("project", args=[ranked.slug]))
        assert response.status_code == 200
        assert "What needs doing" not in response.content.decode()

    def test_of_an_empty_project_it_says_what_to_do_first(self, lead: Any, signed_in: Any) -> None:
        from labeling.actions.projects import create_project

        empty = create_project(slug="empty", name="Empty", by=lead)
        response = signed_in(lead).get(reverse("project", args=[empty.slug]))
        assert [step.url_name for step in response.context["steps"]] == ["import", "people", "project-settings"]
        assert "Nothing has been judged yet" in response.content.decode()

    def test_while_sampling_runs_its_bar_shows_and_asks_for_news(
        self, project: Project, lead: Any, signed_in: Any
    ) -> None:
        run = sampling(project, "running", stage="sample", step=4, of_steps=9, seconds_left=70.0)
        client = signed_in(lead)
        page = client.get(reverse("project", args=[project.slug])).content.decode()
        live = reverse("project-live", args=[project.slug])
        assert f'hx-get="{live}" hx-trigger="every 2s"' in page
        assert "4 of 9, 1 min 10 s left" in page
        TrainingRun.objects.filter(pk=run.pk).update(state="succeeded", owner="", lease_expires=None)
        assert "hx-get" not in client.get(live).content.decode()

    def test_it_shows_figures_with_interval_and_n_and_disputed_comparisons(
        self, ranked: Project, lead: Any, signed_in: Any
    ) -> None:
        response = signed_in(lead).get(reverse("project", args=[ranked.slug]))
        percent = response.context["agreement"]["everyone"].rows[0]
        assert (percent.value, percent.n > 0, bool(percent.interval)) == ("1.00", True, True)
        assert "Krippendorff α, nominal" in response.content.decode()

    def test_its_queries_do_not_grow_with_the_data(
        self, ranked: Project, lead: Any, signed_in: Any, django_assert_max_num_queries: Any
    ) -> None:
        publish_guideline(project=ranked, text="Shorter is better.")
        for _ in range(8):
            sampling(ranked, "succeeded", created_by=lead)
        client = signed_in(lead)
        with django_assert_max_num_queries(45):
            page = client.get(reverse("project", args=[ranked.slug])).content.decode()
        assert "Sample completions" in page


class TestWhatNeedsDoing:
    CALM = Situation(
        active=True,
        has_guidelines=True,
        prompts=60,
        unanswered_prompts=0,
        comparisons=60,
        judgments_wanted=0,
        judgments=120,
        new_judgments=0,
        annotators=2,
        sampling=False,
        training=False,
        failed_run=None,
        unseen_model=None,
        evaluation=None,
    )

    def names(self, **facts: Any) -> list[str]:
        return [step.url_name for step in next_steps(replace(self.CALM, **facts))]

    def test_when_all_is_done_there_is_nothing(self) -> None:
        assert self.names() == []

    def test_prompts_without_completions_are_sampled_unless_that_is_running(self) -> None:
        assert self.names(unanswered_prompts=3) == ["sample"]
        assert self.names(unanswered_prompts=3, sampling=True) == []
        assert self.names(unanswered_prompts=3, stopped_round=4) == ["next-round"], "which writes them"

    def test_enough_new_judgments_ask_for_training_unless_it_is_running(self) -> None:
        assert self.names(new_judgments=29) == []
        assert self.names(new_judgments=30) == ["retrain"]
        assert self.names(new_judgments=30, training=True) == []

    def test_what_stands_still_comes_first(self) -> None:
        assert self.names(active=False, failed_run=7, unseen_model=3, new_judgments=40) == [
            "project-settings",
            "run",
            "model",
            "retrain",
        ]

    def test_one_is_one_and_two_are_two(self) -> None:
        assert next_steps(replace(self.CALM, judgments_wanted=1))[0].text.startswith("1 judgment is")
        assert next_steps(replace(self.CALM, judgments_wanted=2000))[0].text.startswith("2,000 judgments are")

    def test_the_overview_reads_them_from_the_project(
        self, ranked: Project, lead: Any, base: ModelVersion, signed_in: Any
    ) -> None:
        run = training(ranked, "failed", error=TRACEBACK)
        policy = version(ranked, "policy-v1", parent=base, run=run, card=CARD)
        set_project_state(project=ranked, state="paused")
        steps = signed_in(lead).get(reverse("project", args=[ranked.slug])).context["steps"]
        assert [(step.url_name, step.pk) for step in steps[:2]] == [("project-settings", None), ("run", run.pk)]
        assert ("model", policy.pk) in [(step.url_name, step.pk) for step in steps]
        Promotion.objects.create(project=ranked, model_version=policy, by=lead)
        steps = signed_in(lead).get(reverse("project", args=[ranked.slug])).context["steps"]
        assert "model" not in [step.url_name for step in steps]
