"""Going on with a round that stopped, from every page that shows it; and what a cancel says it keeps."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from labeling.models import Project
from tests.training.pages.conftest import CARD, TRACEBACK, training, version
from training.actions.rounds import promote, start_next_round
from training.actions.runs import cancel_run, queue_sampling
from training.models import Evaluation, ModelVersion, TrainingRun

pytestmark = pytest.mark.django_db
GO_ON = "Go on with the round"


@pytest.fixture
def policy(ranked: Project, base: ModelVersion) -> ModelVersion:
    return version(ranked, "policy-v1", parent=base, run=training(ranked, "succeeded"), card=CARD)


@pytest.fixture
def stopped(policy: ModelVersion) -> TrainingRun:
    return cancel_run(run=start_next_round(model_version=policy))


def pages_of(run: TrainingRun) -> list[str]:
    slug = run.project.slug
    return [
        reverse("model", args=[slug, run.base_id]),
        reverse("project", args=[slug]),
        reverse("evaluation", args=[slug, run.settings["evaluation"]]),
        reverse("run", args=[slug, run.pk]),
    ]


@pytest.mark.parametrize("state", ["cancelled", "failed"])
@pytest.mark.parametrize("page", range(4), ids=["card", "overview", "evaluation", "run"])
def test_every_page_goes_on_with_it(stopped: TrainingRun, lead: Any, state: str, page: int) -> None:
    TrainingRun.objects.filter(pk=stopped.pk).update(state=state, error=TRACEBACK if state == "failed" else "")
    client = Client(enforce_csrf_checks=True)
    client.force_login(lead)
    text = client.get(pages_of(stopped)[page]).content.decode()
    target = reverse("next-round", args=[stopped.project.slug, stopped.base_id])
    form = next(part.split("</form>")[0] for part in text.split("<form") if target in part)
    assert GO_ON in form
    token = form.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    assert client.post(target, {"csrfmiddlewaretoken": token}).status_code == 302
    again = TrainingRun.objects.filter(kind="sampling").first()
    assert again.pk != stopped.pk
    assert again.settings == stopped.settings
    for address in pages_of(stopped):
        assert GO_ON not in client.get(address).content.decode(), address


def test_while_it_runs_the_card_and_the_evaluation_lead_to_the_run(
    stopped: TrainingRun, lead: Any, client_of: Any, policy: ModelVersion
) -> None:
    again = start_next_round(model_version=policy)
    card, _, evaluation, run = (client_of(lead).get(page).content.decode() for page in pages_of(stopped))
    address = reverse("run", args=[policy.project.slug, again.pk])
    assert [address in page for page in (card, evaluation, run)] == [True, True, True]
    assert "both models are still writing" in evaluation


def test_an_evaluation_whose_run_has_ended_does_not_say_that_it_is_still_written(
    stopped: TrainingRun, lead: Any, client_of: Any
) -> None:
    page = pages_of(stopped)[2]
    assert "still writing" not in client_of(lead).get(page).content.decode()
    TrainingRun.objects.filter(pk=stopped.pk).update(state="succeeded")
    assert "both models wrote the same answers" in client_of(lead).get(page).content.decode()


def test_a_model_promoted_without_sampling_is_offered_its_round(
    policy: ModelVersion, lead: Any, client_of: Any
) -> None:
    promote(model_version=policy)
    client = client_of(lead)
    card = client.get(reverse("model", args=[policy.project.slug, policy.pk])).content.decode()
    assert reverse("next-round", args=[policy.project.slug, policy.pk]) in card
    client.post(reverse("next-round", args=[policy.project.slug, policy.pk]))
    assert Evaluation.objects.get().baseline.name == "tiny"


def test_a_plain_sampling_that_stopped_offers_what_is_missing(ranked: Project, lead: Any, client_of: Any) -> None:
    run = cancel_run(run=queue_sampling(project=ranked))
    page = client_of(lead).get(reverse("run", args=[ranked.slug, run.pk])).content.decode()
    assert "Sample what is missing" in page
    assert GO_ON not in page


class TestWhatACancelSays:
    def said(self, run: TrainingRun, client: Client) -> tuple[str, str]:
        """Before, in the dialog; and after."""
        address = reverse("run", args=[run.project.slug, run.pk])
        before = client.get(address).content.decode()
        return before, client.post(f"{address}cancel", follow=True).content.decode()

    def test_a_training_is_thrown_away(self, ranked: Project, lead: Any, client_of: Any) -> None:
        before, after = self.said(training(ranked, "queued"), client_of(lead))
        assert "is thrown away" in before
        assert "Nothing was kept of it" in after

    def test_what_a_sampling_wrote_and_the_promotion_stay(
        self, policy: ModelVersion, lead: Any, client_of: Any
    ) -> None:
        run = start_next_round(model_version=policy)
        TrainingRun.objects.filter(pk=run.pk).update(report={"sampled": 4, "prompts": 9, "comparisons": 4, "before": 0})
        before, after = self.said(run, client_of(lead))
        assert "What it has written stays and can be ranked, the project goes on sampling from policy-v1" in before
        assert "4 of 9 prompts answered, 4 new comparisons." in after
        for page in (before, after):
            assert "thrown away" not in page
            assert "Nothing was kept" not in page
