"""Rounds that were cancelled, failed, or never begun: they can always go on, and other samplings do not touch them."""

from typing import Any

import pytest

from labeling.actions.comparisons import add_comparison
from labeling.actions.completions import add_completion
from labeling.actions.errors import ActionError
from labeling.actions.prompts import add_prompt
from labeling.models import Comparison, Project
from tests.training.pages.conftest import version
from training.actions.executing import execute_run
from training.actions.leases import LeaseKeeper, claim_run
from training.actions.reporting import Reporter
from training.actions.rounds import promote, start_next_round
from training.actions.runs import cancel_run, queue_sampling
from training.actions.sampling import sample_prompts
from training.engine.errors import Cancelled
from training.models import Evaluation, ModelVersion, TrainingRun
from training.queries.rounds import current_round, next_round, round_state

pytestmark = pytest.mark.usefixtures("committed", "broker")


@pytest.fixture
def old(project: Project) -> ModelVersion:
    return version(project, "tiny", card={"origin": "bundled"})


@pytest.fixture
def new(project: Project, old: ModelVersion) -> ModelVersion:
    made_by = TrainingRun.objects.create(project=project, kind="sampling", state="succeeded")
    return version(project, "policy-v1", parent=old, run=made_by)


def end(run: TrainingRun, state: str) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(state=state)


class TestPlainSampling:
    def test_it_answers_only_prompts_with_nothing_to_rank(self, var: Any, answered: Project) -> None:
        extra, _ = add_prompt(project=answered, messages="How do I brew coffee?", split="train")
        run = queue_sampling(project=answered)
        assert execute_run(run.pk, "me") == "succeeded", TrainingRun.objects.get(pk=run.pk).error
        run.refresh_from_db()
        made = Comparison.objects.filter(project=answered, prompt=extra).get()
        assert made.round == 1
        assert Comparison.objects.filter(project=answered).count() == 10
        assert (run.report["prompts"], run.report["sampled"], run.report["before"]) == (1, 1, 9)

    def test_a_prompt_that_only_an_evaluation_uses_still_wants_answers(self, var: Any, project: Project) -> None:
        prompt = project.prompts.order_by("id").first()
        pair = [add_completion(prompt=prompt, text=text)[0] for text in ("Steep.", "Boil.")]
        add_comparison(prompt=prompt, completions=pair, purpose="evaluate")
        run = queue_sampling(project=project)
        assert execute_run(run.pk, "me") == "succeeded"
        assert Comparison.objects.filter(prompt=prompt, purpose="collect").count() == 1

    def test_it_belongs_to_the_round_that_the_project_is_in(
        self, answered: Project, old: ModelVersion, new: ModelVersion
    ) -> None:
        assert queue_sampling(project=answered).settings["round"] == 1
        TrainingRun.objects.update(state="succeeded")
        started = start_next_round(model_version=new)
        assert (started.settings["round"], started.settings["prompts"]) == (2, "all")
        end(started, "succeeded")
        later = queue_sampling(project=answered)
        assert (later.settings["round"], later.settings["prompts"]) == (2, "unanswered")
        assert (later.settings["evaluation"], later.settings["next_round"]) == (None, False)
        assert current_round(answered) == 2


class TestAStoppedRound:
    @pytest.fixture
    def stopped(self, answered: Project, old: ModelVersion, new: ModelVersion) -> TrainingRun:
        return cancel_run(run=start_next_round(model_version=new, split="train"))

    def same_round(self, one: TrainingRun, other: TrainingRun) -> bool:
        return all(one.settings[name] == other.settings[name] for name in ("round", "split", "evaluation", "prompts"))

    @pytest.mark.parametrize("state", ["cancelled", "failed"])
    def test_it_goes_on_with_its_number_split_and_evaluation(
        self, stopped: TrainingRun, new: ModelVersion, state: str
    ) -> None:
        end(stopped, state)
        again = start_next_round(model_version=new)
        assert self.same_round(again, stopped)
        assert Evaluation.objects.count() == 1

    def test_a_plain_sampling_in_between_changes_nothing(
        self, stopped: TrainingRun, new: ModelVersion, answered: Project
    ) -> None:
        for state in ("failed", "succeeded"):
            end(queue_sampling(project=answered), state)
            assert round_state(new).word == "stopped"
        again = start_next_round(model_version=new)
        assert self.same_round(again, stopped)
        assert Evaluation.objects.count() == 1

    def test_it_goes_on_when_another_model_was_promoted_meanwhile(
        self, stopped: TrainingRun, new: ModelVersion, old: ModelVersion
    ) -> None:
        promote(model_version=old)
        again = start_next_round(model_version=new)
        assert self.same_round(again, stopped)
        assert Evaluation.objects.count() == 1

    def test_another_split_is_refused(self, stopped: TrainingRun, new: ModelVersion) -> None:
        with pytest.raises(ActionError, match="This round answers train prompts"):
            start_next_round(model_version=new, split="heldout")

    def test_its_number_is_not_given_again(self, stopped: TrainingRun, answered: Project) -> None:
        assert stopped.settings["round"] == 2
        assert next_round(answered) == 3


def test_a_round_of_before_next_round_was_written_down_is_known_by_its_evaluation(
    answered: Project, old: ModelVersion, new: ModelVersion
) -> None:
    run = cancel_run(run=start_next_round(model_version=new))
    del run.settings["next_round"], run.settings["prompts"]
    run.save()
    assert round_state(new).run == run
    assert start_next_round(model_version=new).settings["evaluation"] == run.settings["evaluation"]


class TestAModelPromotedWithoutSampling:
    def test_it_still_starts_its_round_against_the_model_before(
        self, answered: Project, old: ModelVersion, new: ModelVersion
    ) -> None:
        promote(model_version=new)
        assert round_state(new).word == "new"
        run = start_next_round(model_version=new)
        evaluation = Evaluation.objects.get()
        assert (evaluation.model_version, evaluation.baseline) == (new, old)
        assert (run.settings["round"], run.settings["evaluation"]) == (2, evaluation.pk)
        end(run, "succeeded")
        with pytest.raises(ActionError, match="samples from policy-v1 already"):
            start_next_round(model_version=new)

    def test_the_model_a_project_began_with_has_no_round(self, answered: Project, old: ModelVersion) -> None:
        with pytest.raises(ActionError, match="samples from tiny already"):
            start_next_round(model_version=old)


def test_a_resumed_sampling_reports_what_all_its_workers_did(var: Any, project: Project) -> None:
    run = queue_sampling(project=project, settings={"group_size": 1})
    first = claim_run(run.pk, "first")
    keeper = LeaseKeeper(first, "first")
    made = Comparison.objects.filter(project=project)
    keeper.should_stop = lambda: made.count() >= 4  # as when its worker is shut down
    with pytest.raises(Cancelled):
        sample_prompts(first, Reporter(first, "first", keeper))
    assert made.count() == 4
    TrainingRun.objects.filter(pk=run.pk).update(state="queued", owner="", lease_expires=None)
    assert execute_run(run.pk, "second") == "succeeded"
    run.refresh_from_db()
    counts = {name: run.report[name] for name in ("prompts", "sampled", "comparisons", "before")}
    assert counts == {"prompts": 9, "sampled": 9, "comparisons": 9, "before": 0}
    assert "answered 9 prompts: 9 new comparisons." in run.lines.last().text
    assert run.report["seconds"]["sample"] > 0
