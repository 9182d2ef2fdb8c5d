"""Promotion, the next round, and the blind comparison of two models."""

import json
import uuid
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from labeling.actions.comparisons import add_comparison
from labeling.actions.completions import add_completion
from labeling.actions.errors import ActionError
from labeling.actions.prompts import add_prompt
from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment
from labeling.models import Comparison, Project
from labeling.queries.export import export_lines
from training.actions.answers import generator_of
from training.actions.evaluations import _add_pair, sample_evaluation
from training.actions.executing import execute_run
from training.actions.leases import LeaseKeeper, claim_run
from training.actions.model_versions import next_version_number, register_bundled_model, store_model
from training.actions.reporting import Reporter
from training.actions.rounds import promote, start_next_round
from training.actions.runs import cancel_run, queue_sampling
from training.models import Evaluation, EvaluationComparison, ModelVersion, Promotion, TrainingRun
from training.queries.evaluations import win_rate
from training.queries.models import current_model

# Runs are executed here in the test's own process; their lease keepers are threads with connections of their own.
pytestmark = pytest.mark.usefixtures("committed", "broker")


@pytest.fixture
def bundled(var: Any, project: Project) -> ModelVersion:
    return register_bundled_model(project)


@pytest.fixture
def policy(bundled: ModelVersion, tmp_path: Any) -> ModelVersion:
    """Other weights, as a training would have left them."""
    from tests.training.tiny_model import make_tiny_model
    from training.engine.folders import folder_hash

    folder = make_tiny_model(tmp_path / "other", seed=1)
    return store_model(
        project=bundled.project,
        kind="policy",
        name="policy-v1",
        folder=folder,
        sha256=folder_hash(folder),
        parent=bundled,
        run=TrainingRun.objects.create(project=bundled.project, kind="sampling", state="succeeded"),
    )


def test_the_bundled_model_is_registered_once(bundled: ModelVersion, project: Project) -> None:
    assert register_bundled_model(project) == bundled
    assert current_model(project) == bundled
    assert bundled.path == f"models/{bundled.hash}"


def test_the_same_weights_are_the_same_version(policy: ModelVersion, project: Project, tmp_path: Any) -> None:
    again = store_model(project=project, kind="policy", name="policy-v2", folder=tmp_path / "other", sha256=policy.hash)
    assert again == policy
    assert next_version_number(project) == 2


def test_a_person_promotes_a_policy_and_only_a_lead_may(policy: ModelVersion, project: Project, people: Any) -> None:
    with pytest.raises(PermissionDenied):
        promote(model_version=policy, by=people["ann"], reason="I like it")
    promote(model_version=policy, by=people["lena"], reason="It won")
    assert current_model(project) == policy
    assert promote(model_version=policy, by=people["lena"]).reason == "It won", "again changes nothing"
    assert Promotion.objects.count() == 1


def test_a_reward_model_cannot_be_promoted(policy: ModelVersion, project: Project) -> None:
    reward = ModelVersion.objects.create(project=project, kind="reward", name="reward-v1", hash="0" * 64, path="x")
    with pytest.raises(ActionError, match="writes no answers"):
        promote(model_version=reward)


def test_the_next_round_samples_all_prompts_and_compares_blindly(
    policy: ModelVersion, bundled: ModelVersion, project: Project, people: Any
) -> None:
    run = start_next_round(model_version=policy, by=people["lena"])
    assert execute_run(run.pk, "me") == "succeeded", TrainingRun.objects.get(pk=run.pk).error
    run.refresh_from_db()
    collected = Comparison.objects.filter(project=project, purpose="collect", round=1)
    assert collected.count() == 9
    evaluation = Evaluation.objects.get()
    assert (evaluation.model_version, evaluation.baseline) == (policy, bundled)
    assert evaluation.items.count() == 3
    for item in evaluation.items.select_related("comparison__prompt"):
        assert (item.comparison.k, item.comparison.purpose) == (2, "evaluate")
        assert item.comparison.prompt.split == "heldout"
        wrote = dict(item.comparison.candidates.values_list("position", "completion__generator__name"))
        assert wrote[item.model_position] == "policy-v1"
        assert wrote[item.baseline_position] == bundled.name
    assert run.report["evaluation"] == {"pk": evaluation.pk, "pairs": 3, "identical": 0, "missing": 0}
    with pytest.raises(ActionError, match="samples from policy-v1 already"):
        start_next_round(model_version=policy, by=people["lena"])


def test_the_place_of_the_new_model_is_drawn(policy: ModelVersion, bundled: ModelVersion, project: Project) -> None:
    """Over many prompts it stands first about half the time, so its place says nothing."""
    evaluation = Evaluation.objects.create(model_version=policy, baseline=bundled, name="blind")
    for number in range(60):
        prompt, _ = add_prompt(project=project, messages=f"Question {number}?", split="heldout")
        new, old = (add_completion(prompt=prompt, text=f"{who} {number}")[0] for who in ("new", "old"))
        _add_pair(evaluation, prompt, {new: generator_of(policy, {}), old: generator_of(bundled, {})}, 1)
    first = evaluation.items.filter(model_position=0).count()
    assert 18 <= first <= 42


def test_what_the_other_model_wrote_before_is_credited_to_the_one_that_wrote_it_this_time(
    policy: ModelVersion, bundled: ModelVersion, project: Project, people: Any, signed_in: Any
) -> None:
    new, old = generator_of(policy, {}), generator_of(bundled, {})
    prompt, _ = add_prompt(project=project, messages="What is tea?", split="heldout")
    for text in ("A drink.", "Leaves."):
        add_completion(prompt=prompt, text=text, generator=old)  # in a round before
    again, other = (add_completion(prompt=prompt, text=text, generator=new)[0] for text in ("A drink.", "Leaves."))
    evaluation = Evaluation.objects.create(model_version=policy, baseline=bundled, name="blind")
    _add_pair(evaluation, prompt, {again: new, other: old}, 1)
    item = evaluation.items.get()
    line = next(json.loads(each) for each in export_lines(project, "luce") if '"models"' in each)
    wrote = dict(zip(line["completions"], line["models"], strict=True))
    assert wrote == {"A drink.": "policy-v1", "Leaves.": bundled.name}
    Comparison.objects.update(state="retired")  # so that nobody may still have to rank it
    page = signed_in(people["lena"]).get(f"/p/{project.slug}/comparisons/{item.comparison_id}/").content.decode()
    assert "policy-v1" in page


def test_a_cancelled_round_goes_on_where_it_stopped(
    policy: ModelVersion, bundled: ModelVersion, project: Project, people: Any
) -> None:
    run = start_next_round(model_version=policy, by=people["lena"])
    claimed = claim_run(run.pk, "me")
    evaluation = Evaluation.objects.get()
    sample_evaluation(evaluation, run.settings["sampling"], 1, Reporter(claimed, "me", LeaseKeeper(claimed, "me")))
    pairs = set(evaluation.items.values_list("comparison_id", flat=True))
    assert len(pairs) == 3
    TrainingRun.objects.filter(pk=run.pk).update(state="queued", owner="", lease_expires=None)
    cancel_run(run=run, by=people["lena"])

    again = start_next_round(model_version=policy, by=people["lena"])
    assert again.settings["evaluation"] == evaluation.pk
    assert execute_run(again.pk, "me") == "succeeded"
    assert set(evaluation.items.values_list("comparison_id", flat=True)) == pairs
    assert Comparison.objects.filter(project=project, purpose="collect").count() == 9


def test_sampling_twice_makes_no_comparison_twice(bundled: ModelVersion, project: Project) -> None:
    for _ in range(2):
        run = queue_sampling(project=project)
        assert execute_run(run.pk, "me") == "succeeded"
    run.refresh_from_db()
    assert run.report["sampled"] == 0
    assert Comparison.objects.filter(project=project).count() == 9


class TestWinRate:
    """Three pairs, ranked by two people."""

    @pytest.fixture
    def evaluation(self, policy: ModelVersion, bundled: ModelVersion, project: Project) -> Evaluation:
        evaluation = Evaluation.objects.create(model_version=policy, baseline=bundled, name="blind")
        for number, prompt in enumerate(project.prompts.filter(split="heldout").order_by("id")):
            new, old = (add_completion(prompt=prompt, text=text)[0] for text in ("new", "old"))
            order = [new, old] if number % 2 else [old, new]
            comparison, _ = add_comparison(prompt=prompt, completions=order, purpose="evaluate")
            EvaluationComparison.objects.create(
                evaluation=evaluation,
                comparison=comparison,
                model_position=order.index(new),
                baseline_position=order.index(old),
            )
        return evaluation

    def judge(self, project: Project, person: Any, best: list[str | None]) -> None:
        for wanted in best:
            work = serve_next(person=person, project=project)
            texts = [c.completion.text for c in work.comparison.candidates.order_by("position")]
            ranks = [1 if wanted is None or text == wanted else 2 for text in texts]
            submit_judgment(person=person, assignment_id=work.pk, key=uuid.uuid4().hex, ranks=ranks)

    def test_it_says_why_there_is_none_yet(self, evaluation: Evaluation) -> None:
        rate = win_rate(evaluation)
        assert rate["value"] is None
        assert rate["undefined_because"] == "Nothing has been compared yet."
        assert (rate["judged"], rate["comparisons"]) == (0, 3)

    def test_a_tie_is_half_a_win_whatever_the_places(
        self, evaluation: Evaluation, project: Project, people: Any
    ) -> None:
        self.judge(project, people["ann"], ["new", "new", "old"])
        self.judge(project, people["abe"], ["new", None, "old"])
        rate = win_rate(evaluation)
        assert (rate["wins"], rate["ties"], rate["losses"]) == (3, 1, 2)
        assert rate["value"] == pytest.approx(3.5 / 6)
        assert (rate["n"], rate["judged"]) == (6, 3)
        assert rate["low"] < rate["value"] < rate["high"]
