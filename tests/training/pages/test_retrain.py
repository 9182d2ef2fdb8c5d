"""The pages that queue a training or a sampling."""

from typing import Any

import pytest
from django.urls import reverse

from labeling.actions.projects import update_project
from labeling.models import Project
from tests.training.pages.conftest import training
from training.pages.retrain import RetrainForm, documented

pytestmark = pytest.mark.django_db


class TestRetrain:
    def test_only_leads_train(self, ranked: Project, reviewer: Any, signed_in: Any) -> None:
        client = signed_in(reviewer)
        assert client.get(reverse("retrain", args=[ranked.slug])).status_code == 403
        assert client.post(reverse("retrain", args=[ranked.slug])).status_code == 403
        assert client.post(reverse("sample", args=[ranked.slug])).status_code == 403
        assert not ranked.runs.exists()

    def test_one_press_freezes_a_batch_and_queues_a_run_with_the_engines_defaults(
        self, ranked: Project, lead: Any, signed_in: Any
    ) -> None:
        client, address = signed_in(lead), reverse("retrain", args=[ranked.slug])
        form = client.get(address).context["form"]
        response = client.post(address, {name: form[name].value() for name in form.fields if form[name].value()})
        run = ranked.runs.get()
        assert response.url == reverse("run", args=[ranked.slug, run.pk])
        assert run.batch.rankings == 12
        assert run.settings == {"reward": {}, "policy": {"evaluation_tokens": 12}}, "as long as what people are shown"
        update_project(project=ranked, sampling={"max_new_tokens": 40})
        run.refresh_from_db()
        assert run.settings["policy"] == {"evaluation_tokens": 12}, "whatever is set while it is at work"

    def test_a_changed_setting_goes_with_the_run(self, ranked: Project, lead: Any, signed_in: Any) -> None:
        form = {"policy-beta": "0.3", "shared-seed": "7", "reward-tie": "half"}
        signed_in(lead).post(reverse("retrain", args=[ranked.slug]), form)
        settings = ranked.runs.get().settings
        assert settings["policy"]["beta"] == 0.3
        assert settings["reward"]["tie"] == "half"
        assert settings["reward"]["seed"] == settings["policy"]["seed"] == 7

    def test_a_setting_that_cannot_be_is_refused_in_the_engines_words(
        self, ranked: Project, lead: Any, signed_in: Any
    ) -> None:
        form = {"policy-beta": "0", "reward-tie": "davidson"}
        response = signed_in(lead).post(reverse("retrain", args=[ranked.slug]), form)
        assert response.status_code == 422
        assert "beta" in response.content.decode()
        assert not ranked.runs.exists()

    def test_a_seed_that_no_generator_takes_is_refused_before_anything_is_queued(
        self, ranked: Project, lead: Any, signed_in: Any
    ) -> None:
        form = {"shared-seed": str(2**70), "reward-tie": "davidson"}
        response = signed_in(lead).post(reverse("retrain", args=[ranked.slug]), form)
        assert response.status_code == 422
        assert "Setting seed must be from 0 to 4294967295" in response.content.decode()
        assert not ranked.runs.exists()

    def test_without_rankings_it_says_what_is_missing(self, project: Project, lead: Any, signed_in: Any) -> None:
        response = signed_in(lead).post(reverse("retrain", args=[project.slug]), {"reward-tie": "davidson"})
        assert response.status_code == 422
        assert "not enough to train on" in response.content.decode()

    def test_a_second_training_waits_for_the_first(self, ranked: Project, lead: Any, signed_in: Any) -> None:
        first = training(ranked, "running")
        client, address = signed_in(lead), reverse("retrain", args=[ranked.slug])
        assert f"Run {first.pk}" in client.get(address).content.decode()
        assert client.post(address, {"reward-tie": "davidson"}).status_code == 422
        assert ranked.runs.count() == 1

    def test_who_presses_twice_sees_the_run_that_the_first_press_queued(
        self, ranked: Project, lead: Any, signed_in: Any
    ) -> None:
        client, address = signed_in(lead), reverse("retrain", args=[ranked.slug])
        urls = [client.post(address, {"reward-tie": "davidson"}).url for _ in range(2)]
        assert urls == [reverse("run", args=[ranked.slug, ranked.runs.get().pk])] * 2

    def test_a_store_that_takes_nothing_is_said_in_the_form_and_nothing_is_queued(
        self, ranked: Project, lead: Any, signed_in: Any, settings: Any, tmp_path: Any
    ) -> None:
        settings.ARTIFACTS_DIR = tmp_path / "artifacts"
        settings.ARTIFACTS_DIR.write_text("a file in the way")
        answer = signed_in(lead).post(reverse("retrain", args=[ranked.slug]), {"reward-tie": "davidson"})
        assert answer.status_code == 422
        assert "The artifact store takes no batch: Not a directory" in answer.content.decode()
        assert not ranked.runs.exists()

    def test_every_field_says_what_it_does(self) -> None:
        form = RetrainForm()
        silent = [name for name, field in form.fields.items() if name != "shared-seed" and len(field.help_text) < 40]
        assert silent == []

    def test_the_explanations_are_the_engines_own(self) -> None:
        from training.engine.settings import PolicySettings, RewardSettings

        assert documented(PolicySettings)["beta"].startswith("How tightly DPO holds")
        assert documented(PolicySettings)["length_normalised"].startswith("Take the implicit reward per token")
        assert documented(RewardSettings)["epochs"].startswith("Passes over the rankings")

    def test_sampling_is_queued_once(self, project: Project, lead: Any, signed_in: Any) -> None:
        client, address = signed_in(lead), reverse("sample", args=[project.slug])
        client.post(address)
        response = client.post(address, follow=True)
        assert project.runs.filter(kind="sampling").count() == 1
        assert "is still queued" in response.content.decode()
