"""The lead's pages of training, and the overview of a project: each role, each state, bounded queries."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from labeling.actions.comparisons import add_comparison
from labeling.actions.completions import add_completion
from labeling.actions.projects import add_member, publish_guideline, set_project_state
from labeling.models import Comparison, Project
from tests.training.conftest import rank_all
from training.actions.batches import freeze_batch
from training.models import (
    Evaluation,
    EvaluationComparison,
    ModelVersion,
    Promotion,
    RunLine,
    RunMetric,
    TrainingRun,
)
from training.pages.failures import explain
from training.pages.models import accuracy_plot, moved, written
from training.pages.next_steps import Situation, next_steps
from training.pages.retrain import RetrainForm, documented
from training.pages.stages import stages_of

pytestmark = pytest.mark.django_db

TRACEBACK = """CUDA out of memory. Tried to allocate 2 GiB.

Traceback (most recent call last):
  File "/srv/luce/training/actions/runs.py", line 203, in _work
    work(run, reporter)
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB.
"""


@pytest.fixture
def lead(people: dict[str, Any]) -> Any:
    return people["lena"]


@pytest.fixture
def client_of() -> Callable[[Any], Client]:
    def make(person: Any) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return make


@pytest.fixture
def reviewer(project: Project, django_user_model: Any) -> Any:
    someone = django_user_model.objects.create_user(username="rita", password="x" * 12)
    add_member(project=project, person=someone, role="reviewer")
    return someone


@pytest.fixture
def base(project: Project) -> ModelVersion:
    return version(project, "tiny", card={"origin": "bundled"})


def version(project: Project, name: str, kind: str = "policy", **fields: Any) -> ModelVersion:
    digest = (name * 64)[:64]
    return ModelVersion.objects.create(
        project=project, kind=kind, name=name, hash=digest, path=f"models/{digest}", **fields
    )


def training(project: Project, state: str, **fields: Any) -> TrainingRun:
    if state == "running":
        fields = {"owner": "worker", "lease_expires": timezone.now() + timedelta(minutes=1)} | fields
    return TrainingRun.objects.create(
        project=project, kind="reward_dpo", state=state, batch=freeze_batch(project=project), **fields
    )


def sampling(project: Project, state: str, **fields: Any) -> TrainingRun:
    if state == "running":
        fields = {"owner": "worker", "lease_expires": timezone.now() + timedelta(minutes=1)} | fields
    settings = {"sampling": {"k": 3}, "round": 1, "split": None, "evaluation": None}
    return TrainingRun.objects.create(project=project, kind="sampling", state=state, settings=settings, **fields)


def estimate(value: float | None, low: float | None = None, high: float | None = None, n: int = 40) -> dict[str, Any]:
    because = "There is no held-out prompt with a ranking." if value is None else None
    return {"value": value, "low": low, "high": high, "n": n, "undefined_because": because}


CARD = {
    "origin": "trained",
    "reward_accuracy": estimate(0.74, 0.67, 0.81),
    "length_baseline": estimate(0.32, 0.25, 0.39),
    "dpo": {"accuracy": estimate(0.66, 0.58, 0.74), "margin": estimate(0.42, 0.2, 0.66)},
    "kl": {"per_completion": estimate(4.1, 3.2, 5.0), "per_token": estimate(0.066, 0.05, 0.08)},
    "length": {
        "before": estimate(81, 74, 88),
        "after": estimate(52, 45, 60),
        "ratio": estimate(0.64, 0.55, 0.75),
        "finished_before": estimate(0.55, 0.4, 0.7),
        "finished_after": estimate(0.92, 0.82, 1.0),
    },
    "samples": [
        {
            "prompt": [{"role": "user", "content": "How do I make tea?"}],
            "before": "<script>alert(1)</script> Boil **it**",
            "after": "Steep.",
            "reward_before": -0.4,
            "reward_after": 0.9,
        }
    ],
    "training": {"policy": {"settings": {"beta": 0.1, "epochs": 3}, "seconds": 180.0}},
    "warnings": ["Answers became 36% shorter (81 → 52 tokens)."],
}


class TestOverview:
    def test_an_annotator_is_sent_to_their_work(self, project: Project, people: dict[str, Any], client_of: Any) -> None:
        response = client_of(people["ann"]).get(reverse("project", args=[project.slug]))
        assert (response.status_code, response.url) == (302, reverse("rank", args=[project.slug]))

    def test_to_a_stranger_it_does_not_exist(self, project: Project, django_user_model: Any, client_of: Any) -> None:
        stranger = django_user_model.objects.create_user(username="stranger", password="x" * 12)
        assert client_of(stranger).get(reverse("project", args=[project.slug])).status_code == 404

    def test_a_reviewer_reads_it_and_is_asked_to_do_nothing(
        self, ranked: Project, reviewer: Any, client_of: Any
    ) -> None:
        response = client_of(reviewer).get(reverse("project", args=[ranked.slug]))
        assert response.status_code == 200
        assert "What needs doing" not in response.content.decode()

    def test_of_an_empty_project_it_says_what_to_do_first(self, lead: Any, client_of: Any) -> None:
        from labeling.actions.projects import create_project

        empty = create_project(slug="empty", name="Empty", by=lead)
        response = client_of(lead).get(reverse("project", args=[empty.slug]))
        assert [step.url_name for step in response.context["steps"]] == ["import", "people", "project-settings"]
        assert "Nothing has been judged yet" in response.content.decode()

    def test_while_sampling_runs_its_bar_shows_and_asks_for_news(
        self, project: Project, lead: Any, client_of: Any
    ) -> None:
        run = sampling(project, "running", stage="sample", step=4, of_steps=9, seconds_left=70.0)
        client = client_of(lead)
        page = client.get(reverse("project", args=[project.slug])).content.decode()
        live = reverse("project-live", args=[project.slug])
        assert f'hx-get="{live}" hx-trigger="every 2s"' in page
        assert "4 of 9, 1 min 10 s left" in page
        TrainingRun.objects.filter(pk=run.pk).update(state="succeeded", owner="", lease_expires=None)
        assert "hx-get" not in client.get(live).content.decode()

    def test_it_shows_figures_with_interval_and_n_and_disputed_comparisons(
        self, ranked: Project, lead: Any, client_of: Any
    ) -> None:
        response = client_of(lead).get(reverse("project", args=[ranked.slug]))
        percent = response.context["agreement"]["everyone"].rows[0]
        assert (percent.value, percent.n > 0, bool(percent.interval)) == ("1.00", True, True)
        assert "Krippendorff α, nominal" in response.content.decode()

    def test_its_queries_do_not_grow_with_the_data(
        self, ranked: Project, lead: Any, client_of: Any, django_assert_max_num_queries: Any
    ) -> None:
        publish_guideline(project=ranked, text="Shorter is better.")
        for _ in range(8):
            sampling(ranked, "succeeded", created_by=lead)
        client = client_of(lead)
        with django_assert_max_num_queries(45):
            client.get(reverse("project", args=[ranked.slug]))


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
        self, ranked: Project, lead: Any, base: ModelVersion, client_of: Any
    ) -> None:
        run = training(ranked, "failed", error=TRACEBACK)
        policy = version(ranked, "policy-v1", parent=base, run=run, card=CARD)
        set_project_state(project=ranked, state="paused")
        steps = client_of(lead).get(reverse("project", args=[ranked.slug])).context["steps"]
        assert [(step.url_name, step.pk) for step in steps[:2]] == [("project-settings", None), ("run", run.pk)]
        assert ("model", policy.pk) in [(step.url_name, step.pk) for step in steps]
        Promotion.objects.create(project=ranked, model_version=policy, by=lead)
        steps = client_of(lead).get(reverse("project", args=[ranked.slug])).context["steps"]
        assert "model" not in [step.url_name for step in steps]


class TestRetrain:
    def test_only_leads_train(self, ranked: Project, reviewer: Any, client_of: Any) -> None:
        client = client_of(reviewer)
        assert client.get(reverse("retrain", args=[ranked.slug])).status_code == 403
        assert client.post(reverse("retrain", args=[ranked.slug])).status_code == 403
        assert client.post(reverse("sample", args=[ranked.slug])).status_code == 403
        assert not ranked.runs.exists()

    def test_one_press_freezes_a_batch_and_queues_a_run_with_the_engines_defaults(
        self, ranked: Project, lead: Any, client_of: Any
    ) -> None:
        client, address = client_of(lead), reverse("retrain", args=[ranked.slug])
        form = client.get(address).context["form"]
        response = client.post(address, {name: form[name].value() for name in form.fields if form[name].value()})
        run = ranked.runs.get()
        assert response.url == reverse("run", args=[ranked.slug, run.pk])
        assert run.batch.rankings == 12
        assert run.settings == {"reward": {}, "policy": {}}

    def test_a_changed_setting_goes_with_the_run(self, ranked: Project, lead: Any, client_of: Any) -> None:
        form = {"policy-beta": "0.3", "shared-seed": "7", "reward-tie": "half"}
        client_of(lead).post(reverse("retrain", args=[ranked.slug]), form)
        settings = ranked.runs.get().settings
        assert settings["policy"]["beta"] == 0.3
        assert settings["reward"]["tie"] == "half"
        assert settings["reward"]["seed"] == settings["policy"]["seed"] == 7

    def test_a_setting_that_cannot_be_is_refused_in_the_engines_words(
        self, ranked: Project, lead: Any, client_of: Any
    ) -> None:
        form = {"policy-beta": "0", "reward-tie": "davidson"}
        response = client_of(lead).post(reverse("retrain", args=[ranked.slug]), form)
        assert response.status_code == 422
        assert "beta" in response.content.decode()
        assert not ranked.runs.exists()

    def test_without_rankings_it_says_what_is_missing(self, project: Project, lead: Any, client_of: Any) -> None:
        response = client_of(lead).post(reverse("retrain", args=[project.slug]), {"reward-tie": "davidson"})
        assert response.status_code == 422
        assert "not enough to train on" in response.content.decode()

    def test_a_second_training_waits_for_the_first(self, ranked: Project, lead: Any, client_of: Any) -> None:
        first = training(ranked, "running")
        client, address = client_of(lead), reverse("retrain", args=[ranked.slug])
        assert f"Run {first.pk}" in client.get(address).content.decode()
        assert client.post(address, {"reward-tie": "davidson"}).status_code == 422
        assert ranked.runs.count() == 1

    def test_every_field_says_what_it_does(self) -> None:
        form = RetrainForm()
        silent = [name for name, field in form.fields.items() if name != "shared-seed" and len(field.help_text) < 40]
        assert silent == []

    def test_the_explanations_are_the_engines_own(self) -> None:
        from training.engine.settings import PolicySettings, RewardSettings

        assert documented(PolicySettings)["beta"].startswith("How tightly DPO holds")
        assert documented(PolicySettings)["length_normalised"].startswith("Take the implicit reward per token")
        assert documented(RewardSettings)["epochs"].startswith("Passes over the rankings")

    def test_sampling_is_queued_once(self, project: Project, lead: Any, client_of: Any) -> None:
        client, address = client_of(lead), reverse("sample", args=[project.slug])
        client.post(address)
        response = client.post(address, follow=True)
        assert project.runs.filter(kind="sampling").count() == 1
        assert "is still queued" in response.content.decode()


class TestRun:
    def address(self, run: TrainingRun, name: str = "run") -> str:
        return reverse(name, args=[run.project.slug, run.pk])

    @pytest.mark.parametrize("name", ["run", "run-live", "run-data"])
    def test_it_is_for_leads(self, name: str, ranked: Project, reviewer: Any, people: Any, client_of: Any) -> None:
        run = training(ranked, "running")
        assert client_of(reviewer).get(self.address(run, name)).status_code == 403
        assert client_of(people["ann"]).get(self.address(run, name)).status_code == 403

    @pytest.mark.parametrize("state", ["queued", "running", "succeeded", "failed", "cancelled"])
    def test_every_state_has_its_page(self, state: str, ranked: Project, lead: Any, client_of: Any) -> None:
        for run in (training(ranked, state), sampling(ranked, state)):
            response = client_of(lead).get(self.address(run))
            assert response.status_code == 200
            assert ("hx-trigger" in response.content.decode()) == (state in ("queued", "running"))

    def test_a_working_run_shows_its_stage_its_bar_and_the_time_left(
        self, ranked: Project, lead: Any, client_of: Any
    ) -> None:
        run = training(ranked, "running", stage="policy", step=12, of_steps=30, seconds_left=96.0)
        page = client_of(lead).get(self.address(run, "run-live")).content.decode()
        assert "12 of 30, 1 min 36 s left" in page
        assert [(stage.name, stage.state) for stage in stages_of(run)] == [
            ("freeze", "done"),
            ("reward", "done"),
            ("policy", "now"),
            ("evaluate", "next"),
            ("store", "next"),
        ]

    def test_only_what_is_new_is_sent(self, ranked: Project, lead: Any, client_of: Any) -> None:
        run = training(ranked, "running")
        metrics = [
            RunMetric.objects.create(run=run, stage="reward", step=step, values={"loss": 0.7 / step}) for step in (1, 2)
        ]
        line = RunLine.objects.create(run=run, text="Training <b>begins</b>")
        client = client_of(lead)
        news = client.get(self.address(run, "run-data")).json()
        assert [row["step"] for row in news["metrics"]] == [1, 2]
        assert news["lines"][0]["text"] == "Training <b>begins</b>"
        later = {"metric": metrics[0].pk, "line": line.pk}
        news = client.get(self.address(run, "run-data"), later).json()
        assert ([row["step"] for row in news["metrics"]], news["lines"], news["live"]) == ([2], [], True)

    def test_its_curves_begin_with_the_steps_there_are(self, ranked: Project, lead: Any, client_of: Any) -> None:
        run = training(ranked, "running")
        for step, values in ((1, {"loss": 0.7, "accuracy": 0.5}), (2, {"loss": 0.6, "accuracy": None})):
            RunMetric.objects.create(run=run, stage="reward", step=step, values=values)
        plots = {plot["measure"]: plot for plot in client_of(lead).get(self.address(run)).context["curves"]}
        reward, policy = plots["accuracy"]["spec"]["data"]
        assert (reward["x"], reward["y"], policy["x"]) == ([1, 2], [0.5, None], [])
        assert plots["loss"]["spec"]["data"][0]["y"] == [0.7, 0.6]

    def test_the_log_is_text_and_never_markup(self, ranked: Project, lead: Any, client_of: Any) -> None:
        run = training(ranked, "running")
        RunLine.objects.create(run=run, text="<script>alert(1)</script>")
        assert "<script>alert" not in client_of(lead).get(self.address(run)).content.decode()

    def test_cancelling_a_queued_run_ends_it(self, ranked: Project, lead: Any, client_of: Any) -> None:
        run = training(ranked, "queued")
        response = client_of(lead).post(self.address(run, "run-cancel"), follow=True)
        run.refresh_from_db()
        assert run.state == "cancelled"
        assert "nothing else changed" in response.content.decode()

    def test_cancelling_a_working_run_asks_its_worker(self, ranked: Project, lead: Any, client_of: Any) -> None:
        run = training(ranked, "running")
        response = client_of(lead).post(self.address(run, "run-cancel"), follow=True)
        run.refresh_from_db()
        assert (run.state, run.cancel_requested) == ("running", True)
        assert "Cancelling" in response.content.decode()

    def test_a_reviewer_cancels_nothing_and_a_link_neither(
        self, ranked: Project, reviewer: Any, lead: Any, client_of: Any
    ) -> None:
        run = training(ranked, "queued")
        assert client_of(reviewer).post(self.address(run, "run-cancel")).status_code == 403
        assert client_of(lead).get(self.address(run, "run-cancel")).status_code == 405
        run.refresh_from_db()
        assert run.state == "queued"

    def test_a_failed_run_shows_what_happened_what_to_do_and_the_traceback(
        self, ranked: Project, lead: Any, client_of: Any
    ) -> None:
        run = training(ranked, "failed", stage="reward", error=TRACEBACK)
        page = client_of(lead).get(self.address(run)).content.decode()
        assert "CUDA out of memory. Tried to allocate 2 GiB." in page
        assert "The machine ran out of memory." in page
        assert "line 203, in _work" in page
        assert [stage.state for stage in stages_of(run)][:2] == ["done", "stopped"]

    def test_an_error_nobody_foresaw_still_says_what_to_do(self) -> None:
        failure = explain("Traceback (most recent call last):\n  File x\nsome.module.OddError: it broke\n")
        assert (failure.headline, failure.known) == ("OddError: it broke", False)
        assert "people can go on ranking" in failure.advice
        assert explain("").headline == "The run ended without saying why."

    def test_a_finished_training_leads_to_the_card(
        self, ranked: Project, lead: Any, base: ModelVersion, client_of: Any
    ) -> None:
        run = training(ranked, "succeeded")
        policy = version(ranked, "policy-v1", parent=base, run=run, card=CARD)
        page = client_of(lead).get(self.address(run)).content.decode()
        assert reverse("model", args=[ranked.slug, policy.pk]) in page

    def test_a_run_of_another_project_is_not_found(self, ranked: Project, lead: Any, client_of: Any) -> None:
        from labeling.actions.projects import create_project

        other = create_project(slug="other", name="Other", by=lead)
        run = training(ranked, "queued")
        assert client_of(lead).get(reverse("run", args=[other.slug, run.pk])).status_code == 404

    def test_its_queries_do_not_grow_with_the_log(
        self, ranked: Project, lead: Any, client_of: Any, django_assert_max_num_queries: Any
    ) -> None:
        run = training(ranked, "running", created_by=lead)
        RunLine.objects.bulk_create([RunLine(run=run, text=f"line {number}") for number in range(300)])
        client = client_of(lead)
        with django_assert_max_num_queries(14):
            response = client.get(self.address(run))
        assert len(response.context["lines"]) == 200
        with django_assert_max_num_queries(8):
            client.get(self.address(run, "run-live"))


class TestModels:
    def test_reviewers_read_cards_and_annotators_do_not(
        self, project: Project, base: ModelVersion, reviewer: Any, people: Any, client_of: Any
    ) -> None:
        for address in (reverse("models", args=[project.slug]), reverse("model", args=[project.slug, base.pk])):
            assert client_of(reviewer).get(address).status_code == 200
            assert client_of(people["ann"]).get(address).status_code == 403

    def test_a_card_shows_accuracy_beside_length_with_chance_and_warns_in_words(
        self, ranked: Project, lead: Any, base: ModelVersion, client_of: Any
    ) -> None:
        policy = version(ranked, "policy-v1", parent=base, run=training(ranked, "succeeded"), card=CARD)
        response = client_of(lead).get(reverse("model", args=[ranked.slug, policy.pk]))
        page = response.content.decode()
        assert [row.value for row in response.context["accuracy"].rows] == ["74\u00a0%", "32\u00a0%", "66\u00a0%"]
        assert response.context["accuracy"].chance_at == 50.0
        assert "“the shorter answer is better” would be right in 68\u00a0% of pairs" in page
        assert "Answers became 36% shorter" in page
        assert "<script>alert" not in page
        assert "<strong>it</strong>" in page
        assert "Next round" in page

    def test_undefined_figures_give_their_reason(self, project: Project, lead: Any, client_of: Any) -> None:
        nothing = estimate(None, n=0)
        card = {**CARD, "reward_accuracy": nothing, "length_baseline": nothing, "dpo": {"margin": nothing}}
        policy = version(project, "policy-v1", card=card)
        page = client_of(lead).get(reverse("model", args=[project.slug, policy.pk])).content.decode()
        assert page.count("Undefined: There is no held-out prompt with a ranking.") == 3

    def test_a_bundled_model_has_a_page_without_figures(
        self, project: Project, lead: Any, base: ModelVersion, client_of: Any
    ) -> None:
        page = client_of(lead).get(reverse("model", args=[project.slug, base.pk])).content.decode()
        assert "came with Luce" in page
        assert accuracy_plot(base.card) is None
        assert moved(base.card) == []

    def test_numbers_carry_the_digits_that_tell_something(self) -> None:
        assert [written(value, "number") for value in (81.04, 4.13, 0.64, 0.0661, -0.4)] == [
            "81",
            "4.1",
            "0.64",
            "0.066",
            "−0.40",
        ]

    def test_a_lead_promotes_and_nobody_else(
        self, project: Project, lead: Any, reviewer: Any, base: ModelVersion, client_of: Any
    ) -> None:
        address = reverse("promote", args=[project.slug, base.pk])
        assert client_of(reviewer).post(address).status_code == 403
        assert client_of(lead).get(address).status_code == 405
        assert not Promotion.objects.exists()
        client_of(lead).post(address)
        assert Promotion.objects.get().model_version == base

    def test_next_round_promotes_samples_and_compares(
        self, ranked: Project, lead: Any, base: ModelVersion, client_of: Any
    ) -> None:
        policy = version(ranked, "policy-v1", parent=base, run=training(ranked, "succeeded"), card=CARD)
        response = client_of(lead).post(reverse("next-round", args=[ranked.slug, policy.pk]))
        run = ranked.runs.get(kind="sampling")
        assert response.url == reverse("run", args=[ranked.slug, run.pk])
        assert Promotion.objects.get().model_version == policy
        assert Evaluation.objects.get().baseline == base

    def test_a_round_already_at_work_is_said_to_be(
        self, ranked: Project, lead: Any, base: ModelVersion, client_of: Any
    ) -> None:
        sampling(ranked, "running")
        policy = version(ranked, "policy-v1", parent=base, card=CARD)
        address = reverse("next-round", args=[ranked.slug, policy.pk])
        assert "is still running" in client_of(lead).post(address, follow=True).content.decode()
        assert not Promotion.objects.exists()

    def test_the_lists_queries_do_not_grow_with_the_models(
        self, ranked: Project, lead: Any, base: ModelVersion, client_of: Any, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(12):
            version(ranked, f"policy-v{number}", parent=base, card=CARD)
        client = client_of(lead)
        with django_assert_max_num_queries(12):
            client.get(reverse("models", args=[ranked.slug]))


class TestEvaluation:
    @pytest.fixture
    def evaluation(self, project: Project, base: ModelVersion) -> Evaluation:
        """Three held-out pairs; the new model's answer is the shorter one."""
        policy = version(project, "policy-v1", parent=base, card=CARD)
        evaluation = Evaluation.objects.create(model_version=policy, baseline=base, name="policy-v1 against tiny")
        for prompt in project.prompts.filter(split="heldout"):
            texts = (f"Steep {prompt.pk}.", f"Boil the leaves for a long time, {prompt.pk} minutes.")
            answers = [add_completion(prompt=prompt, text=text)[0] for text in texts]
            comparison, _ = add_comparison(prompt=prompt, completions=answers, purpose="evaluate", priority=10)
            EvaluationComparison.objects.create(
                evaluation=evaluation, comparison=comparison, model_position=0, baseline_position=1
            )
        return evaluation

    def address(self, evaluation: Evaluation) -> str:
        return reverse("evaluation", args=[evaluation.model_version.project.slug, evaluation.pk])

    def test_it_is_for_leads_alone_because_it_is_not_blind(
        self, evaluation: Evaluation, reviewer: Any, client_of: Any
    ) -> None:
        assert client_of(reviewer).get(self.address(evaluation)).status_code == 403

    def test_before_anybody_ranked_it_says_so(self, evaluation: Evaluation, lead: Any, client_of: Any) -> None:
        response = client_of(lead).get(self.address(evaluation))
        assert "Undefined: Nothing has been compared yet." in response.content.decode()
        assert (response.context["judged"], response.context["wanted"]) == (0, 6)

    def test_it_shows_the_win_rate_and_who_decided_what(
        self, evaluation: Evaluation, lead: Any, people: dict[str, Any], client_of: Any
    ) -> None:
        rank_all(evaluation.model_version.project, [people["ann"], people["abe"]])
        response = client_of(lead).get(self.address(evaluation))
        rate = response.context["rate"]
        assert (rate["value"], rate["n"], rate["wins"]) == (1.0, 6, 6)
        assert "People prefer policy-v1 to tiny in 100\u00a0% of judgments" in response.content.decode()
        assert {row["outcome"] for each in response.context["rows"] for row in each.outcomes} == {"new model"}

    def test_it_stands_on_the_models_pages(self, evaluation: Evaluation, lead: Any, client_of: Any) -> None:
        project, policy = evaluation.model_version.project, evaluation.model_version
        for address in (reverse("models", args=[project.slug]), reverse("model", args=[project.slug, policy.pk])):
            assert self.address(evaluation) in client_of(lead).get(address).content.decode()

    def test_its_queries_do_not_grow_with_the_comparisons(
        self, evaluation: Evaluation, lead: Any, people: Any, client_of: Any, django_assert_max_num_queries: Any
    ) -> None:
        rank_all(evaluation.model_version.project, [people["ann"], people["abe"]])
        assert Comparison.objects.count() == 3
        client = client_of(lead)
        with django_assert_max_num_queries(14):
            client.get(self.address(evaluation))
