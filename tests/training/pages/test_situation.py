"""The facts behind "what needs doing": which judgments are new, and which are still wanted."""

import json
import uuid
from typing import Any

import pytest
from django.urls import reverse

from labeling.actions.importing import import_judgments
from labeling.actions.resolving import set_comparison_state
from labeling.actions.submitting import amend_judgment
from labeling.models import Assignment, Comparison, Project
from tests.training.conftest import rank_all
from tests.training.pages.conftest import training
from training.models import Evaluation
from training.pages.situation import judgments_missing, new_rankings

pytestmark = pytest.mark.django_db


def imported(project: Project, count: int) -> None:
    """Judgments of training prompts, given long before any batch."""
    lines = [
        json.dumps(
            {
                "prompt": f"Name a colour no. {number}.",
                "split": "train",
                "completions": ["Red.", "Blue."],
                "judgments": [{"annotator": "old hand", "ranks": [1, 2], "created": "2020-02-02T12:00:00Z"}],
            }
        )
        for number in range(count)
    ]
    report = import_judgments(project=project, lines=lines)
    assert report.added["judgments"] == count, report.bad


class TestNewJudgments:
    def test_without_a_training_all_are_new(self, ranked: Project) -> None:
        training(ranked, "failed")
        assert new_rankings(ranked).new == 12

    def test_after_a_training_none_is(self, ranked: Project) -> None:
        training(ranked, "succeeded")
        counts = new_rankings(ranked)
        assert (counts.train, counts.heldout, counts.new) == (12, 6, 0)

    def test_imported_ones_are_new_however_old_they_are(self, ranked: Project) -> None:
        training(ranked, "succeeded")
        imported(ranked, 5)
        counts = new_rankings(ranked)
        assert (counts.train, counts.new) == (17, 5)
        training(ranked, "succeeded")
        assert new_rankings(ranked).new == 0

    def test_an_amended_one_is_new(self, ranked: Project) -> None:
        training(ranked, "succeeded")
        given = Assignment.objects.filter(comparison__prompt__split="train").order_by("pk").first()
        amend_judgment(person=given.annotator, assignment_id=given.pk, key=uuid.uuid4().hex, ranks=[1, 1, 1])
        counts = new_rankings(ranked)
        assert (counts.train, counts.new) == (12, 1)


class TestJudgmentsStillWanted:
    @pytest.mark.usefixtures("db")
    def test_of_retired_pairs_none_are(
        self, evaluation: Evaluation, lead: Any, people: dict[str, Any], signed_in: Any
    ) -> None:
        project = evaluation.model_version.project
        assert judgments_missing(evaluation) == 6
        rank_all(project, [people["ann"]])
        assert judgments_missing(evaluation) == 3
        first, *others = Comparison.objects.filter(purpose="evaluate").order_by("pk")
        set_comparison_state(comparison=first, state="retired", by=lead)
        assert judgments_missing(evaluation) == 2
        for comparison in others:
            set_comparison_state(comparison=comparison, state="retired", by=lead)
        assert judgments_missing(evaluation) == 0
        steps = signed_in(lead).get(reverse("project", args=[project.slug])).context["steps"]
        assert "evaluation" not in [step.url_name for step in steps]
        page = signed_in(lead).get(reverse("evaluation", args=[project.slug, evaluation.pk]))
        assert (page.context["judged"], page.context["wanted"]) == (3, 3)
        assert "of 3, 3 retired" in page.content.decode()
