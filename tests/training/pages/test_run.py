"""The page of a run: each state, what is new, the log, cancelling, failures."""

from typing import Any

import pytest
from django.urls import reverse

from labeling.models import Project
from tests.training.pages.conftest import CARD, TRACEBACK, sampling, training, version
from training.models import ModelVersion, RunLine, RunMetric, TrainingRun
from training.pages.failures import explain
from training.pages.stages import stages_of

pytestmark = pytest.mark.django_db


class TestRun:
    def address(self, run: TrainingRun, name: str = "run") -> str:
        return reverse(name, args=[run.project.slug, run.pk])

    @pytest.mark.parametrize("name", ["run", "run-live", "run-data"])
    def test_it_is_for_leads(self, name: str, ranked: Project, reviewer: Any, people: Any, signed_in: Any) -> None:
        run = training(ranked, "running")
        assert signed_in(reviewer).get(self.address(run, name)).status_code == 403
        assert signed_in(people["ann"]).get(self.address(run, name)).status_code == 403

    @pytest.mark.parametrize("state", ["queued", "running", "succeeded", "failed", "cancelled"])
    def test_every_state_has_its_page(self, state: str, ranked: Project, lead: Any, signed_in: Any) -> None:
        for run in (training(ranked, state), sampling(ranked, state)):
            response = signed_in(lead).get(self.address(run))
            assert response.status_code == 200
            assert ("hx-trigger" in response.content.decode()) == (state in ("queued", "running"))

    def test_a_working_run_shows_its_stage_its_bar_and_the_time_left(
        self, ranked: Project, lead: Any, signed_in: Any
    ) -> None:
        run = training(ranked, "running", stage="policy", step=12, of_steps=30, seconds_left=96.0)
        page = signed_in(lead).get(self.address(run, "run-live")).content.decode()
        assert "12 of 30, 1 min 36 s left" in page
        assert [(stage.name, stage.state) for stage in stages_of(run)] == [
            ("freeze", "done"),
            ("reward", "done"),
            ("policy", "now"),
            ("evaluate", "next"),
            ("store", "next"),
        ]

    def test_only_what_is_new_is_sent(self, ranked: Project, lead: Any, signed_in: Any) -> None:
        run = training(ranked, "running")
        metrics = [
            RunMetric.objects.create(run=run, stage="reward", step=step, values={"loss": 0.7 / step}) for step in (1, 2)
        ]
        line = RunLine.objects.create(run=run, text="Training <b>begins</b>")
        client = signed_in(lead)
        news = client.get(self.address(run, "run-data")).json()
        assert [row["step"] for row in news["metrics"]] == [1, 2]
        assert news["lines"][0]["text"] == "Training <b>begins</b>"
        later = {"metric": metrics[0].pk, "line": line.pk}
        news = client.get(self.address(run, "run-data"), later).json()
        assert ([row["step"] for row in news["metrics"]], news["lines"], news["live"]) == ([2], [], True)

    def test_its_curves_begin_with_the_steps_there_are(self, ranked: Project, lead: Any, signed_in: Any) -> None:
        run = training(ranked, "running")
        for step, values in ((1, {"loss": 0.7, "accuracy": 0.5}), (2, {"loss": 0.6, "accuracy": None})):
            RunMetric.objects.create(run=run, stage="reward", step=step, values=values)
        plots = {plot["measure"]: plot for plot in signed_in(lead).get(self.address(run)).context["curves"]}
        reward, policy = plots["accuracy"]["spec"]["data"]
        assert (reward["x"], reward["y"], policy["x"]) == ([1, 2], [0.5, None], [])
        assert plots["loss"]["spec"]["data"][0]["y"] == [0.7, 0.6]

    def test_the_log_is_text_and_never_markup(self, ranked: Project, lead: Any, signed_in: Any) -> None:
        run = training(ranked, "running")
        RunLine.objects.create(run=run, text="<script>alert(1)</script>")
        page = signed_in(lead).get(self.address(run)).content.decode()
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "<script>alert" not in page

    def test_cancelling_a_queued_run_ends_it(self, ranked: Project, lead: Any, signed_in: Any) -> None:
        run = training(ranked, "queued")
        response = signed_in(lead).post(self.address(run, "run-cancel"), follow=True)
        run.refresh_from_db()
        assert run.state == "cancelled"
        assert "nothing else changed" in response.content.decode()

    def test_a_cancelled_training_says_one_thing(self, ranked: Project, lead: Any, signed_in: Any) -> None:
        page = signed_in(lead).get(self.address(training(ranked, "cancelled"))).content.decode()
        assert "when you are ready" in page
        assert "Start it again the way it was started" not in page
        assert "goes on where it stopped" not in page

    def test_a_cancel_of_a_run_that_has_ended_is_told_so(self, ranked: Project, lead: Any, signed_in: Any) -> None:
        run = training(ranked, "succeeded")
        page = signed_in(lead).post(self.address(run, "run-cancel"), follow=True).content.decode()
        assert f"Run {run.pk} had already succeeded when the cancel came" in page
        assert "is being cancelled" not in page

    def test_cancelling_a_working_run_asks_its_worker(self, ranked: Project, lead: Any, signed_in: Any) -> None:
        run = training(ranked, "running")
        response = signed_in(lead).post(self.address(run, "run-cancel"), follow=True)
        run.refresh_from_db()
        assert (run.state, run.cancel_requested) == ("running", True)
        assert "Cancelling" in response.content.decode()

    def test_a_reviewer_cancels_nothing_and_a_link_neither(
        self, ranked: Project, reviewer: Any, lead: Any, signed_in: Any
    ) -> None:
        run = training(ranked, "queued")
        assert signed_in(reviewer).post(self.address(run, "run-cancel")).status_code == 403
        assert signed_in(lead).get(self.address(run, "run-cancel")).status_code == 405
        run.refresh_from_db()
        assert run.state == "queued"

    def test_a_failed_run_shows_what_happened_what_to_do_and_the_traceback(
        self, ranked: Project, lead: Any, signed_in: Any
    ) -> None:
        run = training(ranked, "failed", stage="reward", error=TRACEBACK)
        page = signed_in(lead).get(self.address(run)).content.decode()
        assert "CUDA out of memory. Tried to allocate 2 GiB." in page
        assert "The machine ran out of memory." in page
        assert "line 203, in _work" in page
        assert [stage.state for stage in stages_of(run)][:2] == ["done", "stopped"]

    def test_an_error_nobody_foresaw_still_says_what_to_do(self) -> None:
        failure = explain("Traceback (most recent call last):\n  File x\nsome.module.OddError: it broke\n")
        assert (failure.headline, failure.known) == ("OddError: it broke", False)
        assert "people can go on ranking" in failure.advice
        assert explain("").headline == "The run ended without saying why."

    @pytest.mark.parametrize("error", ["torch.OutOfMemoryError: out of memory", "OSError: [Errno 28] No space left"])
    def test_who_was_sampling_is_not_told_to_retrain(self, error: str) -> None:
        assert "etrain" in explain(error).advice
        assert "etrain" not in explain(error, sampling=True).advice
        assert "go on with it" in explain(error, sampling=True).advice

    def test_a_sampling_that_failed_for_a_reason_unknown_goes_on(self) -> None:
        assert "Go on with it" in explain("some.module.OddError: it broke", sampling=True).advice
        assert "Start it again" in explain("some.module.OddError: it broke").advice

    def test_a_finished_training_leads_to_the_card(
        self, ranked: Project, lead: Any, base: ModelVersion, signed_in: Any
    ) -> None:
        run = training(ranked, "succeeded")
        policy = version(ranked, "policy-v1", parent=base, run=run, card=CARD)
        page = signed_in(lead).get(self.address(run)).content.decode()
        assert reverse("model", args=[ranked.slug, policy.pk]) in page

    def test_a_training_that_ended_in_the_weights_there_were_leads_to_them_and_says_so(
        self, ranked: Project, lead: Any, base: ModelVersion, signed_in: Any
    ) -> None:
        policy = version(ranked, "policy-v1", parent=base, run=training(ranked, "succeeded"), card=CARD)
        again = training(ranked, "succeeded", report={"policy": policy.pk})
        page = signed_in(lead).get(self.address(again)).content.decode()
        done = page.partition("<h2>Done</h2>")[2].partition("</div>")[0]
        assert "gave the same weights as before" in done
        assert reverse("model", args=[ranked.slug, policy.pk]) in done
        assert reverse("run", args=[ranked.slug, policy.run_id]) in done
        assert "The new model is" not in done

    def test_a_run_of_another_project_is_not_found(self, ranked: Project, lead: Any, signed_in: Any) -> None:
        from labeling.actions.projects import create_project

        other = create_project(slug="other", name="Other", by=lead)
        run = training(ranked, "queued")
        assert signed_in(lead).get(reverse("run", args=[other.slug, run.pk])).status_code == 404

    def test_its_queries_do_not_grow_with_the_log(
        self, ranked: Project, lead: Any, signed_in: Any, django_assert_max_num_queries: Any
    ) -> None:
        run = training(ranked, "running", created_by=lead)
        RunLine.objects.bulk_create([RunLine(run=run, text=f"line {number}") for number in range(300)])
        client = signed_in(lead)
        with django_assert_max_num_queries(14):
            response = client.get(self.address(run))
        assert len(response.context["lines"]) == 200
        with django_assert_max_num_queries(8):
            live = client.get(self.address(run, "run-live"))
        assert 'hx-trigger="every 2s"' in live.content.decode()
