"""Going on with a round that stopped, from every page that shows it; and what a cancel says it keeps."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from labeling.actions.comparisons import add_comparison
from labeling.actions.completions import add_completion
from labeling.actions.prompts import add_prompt
from labeling.models import Project
from tests.training.pages.conftest import CARD, TRACEBACK, add_pairs, training, version
from training.actions.answers import generator_of
from training.actions.rounds import promote, start_next_round
from training.actions.runs import cancel_run, queue_sampling
from training.models import Evaluation, ModelVersion, TrainingRun
from training.queries.rounds import round_state

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
    stopped: TrainingRun, lead: Any, signed_in: Any, policy: ModelVersion
) -> None:
    again = start_next_round(model_version=policy)
    card, _, evaluation, run = (signed_in(lead).get(page).content.decode() for page in pages_of(stopped))
    address = reverse("run", args=[policy.project.slug, again.pk])
    assert [address in page for page in (card, evaluation, run)] == [True, True, True]
    assert "both models are still writing" in evaluation


def test_an_evaluation_whose_run_has_ended_does_not_say_that_it_is_still_written(
    stopped: TrainingRun, lead: Any, signed_in: Any
) -> None:
    page = pages_of(stopped)[2]
    assert "still writing" not in signed_in(lead).get(page).content.decode()
    TrainingRun.objects.filter(pk=stopped.pk).update(state="succeeded")
    assert "both models wrote the same answers" in signed_in(lead).get(page).content.decode()


def test_when_every_pair_is_written_the_evaluation_does_not_wait_for_answers(
    stopped: TrainingRun, lead: Any, signed_in: Any
) -> None:
    page = pages_of(stopped)[2]
    missing = "The missing answers of both models come when the round goes on"
    assert missing in signed_in(lead).get(page).content.decode()
    add_pairs(Evaluation.objects.get())
    text = signed_in(lead).get(page).content.decode()
    assert missing not in text
    assert "All pairs of this comparison are written" in text
    assert GO_ON in text


def test_prompts_that_can_have_no_pair_are_not_waited_for(stopped: TrainingRun, lead: Any, signed_in: Any) -> None:
    add_pairs(Evaluation.objects.get())
    page = pages_of(stopped)[2]
    add_prompt(project=stopped.project, messages="Two and two?", split="heldout")
    assert "The missing answers" in signed_in(lead).get(page).content.decode()
    found = {"evaluation": {"pk": 1, "pairs": 3, "identical": 1, "missing": 0}}
    TrainingRun.objects.filter(pk=stopped.pk).update(report=found)
    assert "All pairs of this comparison are written" in signed_in(lead).get(page).content.decode()


class TestARoundInWhichAllAnswersWereAlike:
    @pytest.fixture
    def empty(self, policy: ModelVersion) -> TrainingRun:
        run = start_next_round(model_version=policy)
        run.state = "succeeded"
        run.report = {
            "evaluation": {"pk": run.settings["evaluation"], "pairs": 0, "identical": 3, "missing": 0},
            "sampled": 9,
            "prompts": 9,
            "comparisons": 0,
            "before": 0,
            "short": 9,
            "without_comparison": 9,
        }
        run.save()
        return run

    def test_every_page_says_so_and_what_helps(self, empty: TrainingRun, lead: Any, signed_in: Any) -> None:
        card, overview, evaluation, run = (signed_in(lead).get(page).content.decode() for page in pages_of(empty))
        why = "the two models wrote the same answer to 3 held-out prompts"
        assert why in run
        assert why in evaluation
        assert "9 prompts got fewer than two different answers" in run
        for page in (run, evaluation):
            assert "raise the temperature" in page
            assert GO_ON in page
        assert "waits to be ranked" not in run
        assert "answers were alike" in card
        assert GO_ON in card
        assert "Answers of the last round were alike" in overview
        assert reverse("run", args=[empty.project.slug, empty.pk]) in overview

    def test_it_goes_on_as_the_same_round(self, empty: TrainingRun, policy: ModelVersion) -> None:
        again = start_next_round(model_version=policy)
        assert again.settings == empty.settings
        assert Evaluation.objects.count() == 1

    def test_one_that_has_pairs_is_done(self, empty: TrainingRun, policy: ModelVersion) -> None:
        empty.report |= {"evaluation": {"pairs": 2, "identical": 1, "missing": 0}, "comparisons": 8}
        empty.save()
        assert round_state(policy).word == "done"


def test_a_plain_sampling_that_made_no_comparison_says_why_and_offers_another_try(
    ranked: Project, lead: Any, signed_in: Any
) -> None:
    run = queue_sampling(project=ranked)
    counts = {"sampled": 1, "prompts": 1, "comparisons": 0, "before": 8, "short": 1, "without_comparison": 1}
    TrainingRun.objects.filter(pk=run.pk).update(state="succeeded", report=counts)
    page = signed_in(lead).get(reverse("run", args=[ranked.slug, run.pk])).content.decode()
    assert "1 prompt got fewer than two different answers, so there is nothing to rank of it." in page
    assert "Sample what is missing" in page


def test_a_model_that_is_gone_back_to_is_not_said_to_have_had_no_round(
    policy: ModelVersion, base: ModelVersion, lead: Any, signed_in: Any
) -> None:
    run = start_next_round(model_version=policy)
    for prompt in policy.project.prompts.all():
        writer = generator_of(policy, run.settings["sampling"])
        answers = [add_completion(prompt=prompt, text=text, generator=writer)[0] for text in ("Hot.", "Cold.")]
        add_comparison(prompt=prompt, completions=answers, round=2)
    TrainingRun.objects.filter(pk=run.pk).update(state="succeeded")
    promote(model_version=base)
    promote(model_version=policy)
    client = signed_in(lead)
    card = client.get(reverse("model", args=[policy.project.slug, policy.pk])).content.decode()
    assert "The project samples from policy-v1 already; its answers of round 2 are there." in card
    assert "without a round of its own" not in card
    promote(model_version=base)
    card = client.get(reverse("model", args=[policy.project.slug, base.pk])).content.decode()
    assert "without a round of its own" in card, "nothing of it is there to rank"


def test_a_model_promoted_without_sampling_is_offered_its_round(
    policy: ModelVersion, lead: Any, signed_in: Any
) -> None:
    promote(model_version=policy)
    client = signed_in(lead)
    card = client.get(reverse("model", args=[policy.project.slug, policy.pk])).content.decode()
    assert reverse("next-round", args=[policy.project.slug, policy.pk]) in card
    client.post(reverse("next-round", args=[policy.project.slug, policy.pk]))
    assert Evaluation.objects.get().baseline.name == "tiny"


def test_a_plain_sampling_that_stopped_offers_what_is_missing(ranked: Project, lead: Any, signed_in: Any) -> None:
    run = cancel_run(run=queue_sampling(project=ranked))
    page = signed_in(lead).get(reverse("run", args=[ranked.slug, run.pk])).content.decode()
    assert "Sample what is missing" in page
    assert GO_ON not in page


class TestWhatACancelSays:
    def said(self, run: TrainingRun, client: Client) -> tuple[str, str]:
        """Before, in the dialog; and after."""
        address = reverse("run", args=[run.project.slug, run.pk])
        before = client.get(address).content.decode()
        return before, client.post(f"{address}cancel", follow=True).content.decode()

    def test_a_training_is_thrown_away(self, ranked: Project, lead: Any, signed_in: Any) -> None:
        before, after = self.said(training(ranked, "queued"), signed_in(lead))
        assert "is thrown away" in before
        assert "Nothing was kept of it" in after

    def test_the_model_in_use_is_named_even_when_the_round_is_of_another(
        self, policy: ModelVersion, base: ModelVersion, lead: Any, signed_in: Any
    ) -> None:
        run = start_next_round(model_version=policy)
        promote(model_version=base)
        before, _ = self.said(run, signed_in(lead))
        assert "the project goes on sampling from tiny, and" in before

    def test_a_worker_is_not_waited_for_for_ever(self, ranked: Project, lead: Any, signed_in: Any) -> None:
        _, after = self.said(training(ranked, "running"), signed_in(lead))
        assert "If it has died, the run is ended without it" in after

    def test_what_a_sampling_wrote_and_the_promotion_stay(
        self, policy: ModelVersion, lead: Any, signed_in: Any
    ) -> None:
        run = start_next_round(model_version=policy)
        TrainingRun.objects.filter(pk=run.pk).update(report={"sampled": 4, "prompts": 9, "comparisons": 4, "before": 0})
        before, after = self.said(run, signed_in(lead))
        assert "What it has written stays and can be ranked, the project goes on sampling from policy-v1" in before
        assert "4 of 9 prompts answered, 4 new comparisons." in after
        for page in (before, after):
            assert "thrown away" not in page
            assert "Nothing was kept" not in page
