"""The page of an evaluation: the win rate, and who decided what."""

from typing import Any

import pytest
from django.urls import reverse

from labeling.models import Comparison
from tests.training.conftest import rank_all
from training.models import Evaluation

pytestmark = pytest.mark.django_db


class TestEvaluation:
    def address(self, evaluation: Evaluation) -> str:
        return reverse("evaluation", args=[evaluation.model_version.project.slug, evaluation.pk])

    def test_it_is_for_leads_alone_because_it_is_not_blind(
        self, evaluation: Evaluation, reviewer: Any, signed_in: Any
    ) -> None:
        assert signed_in(reviewer).get(self.address(evaluation)).status_code == 403

    def test_before_anybody_ranked_it_says_so(self, evaluation: Evaluation, lead: Any, signed_in: Any) -> None:
        response = signed_in(lead).get(self.address(evaluation))
        assert "Undefined: Nothing has been compared yet." in response.content.decode()
        assert (response.context["judged"], response.context["wanted"]) == (0, 6)

    def test_it_shows_the_win_rate_and_who_decided_what(
        self, evaluation: Evaluation, lead: Any, people: dict[str, Any], signed_in: Any
    ) -> None:
        rank_all(evaluation.model_version.project, [people["ann"], people["abe"]])
        response = signed_in(lead).get(self.address(evaluation))
        rate = response.context["rate"]
        assert (rate["value"], rate["n"], rate["wins"]) == (1.0, 6, 6)
        assert "People prefer policy-v1 to tiny in 100\u00a0% of judgments" in response.content.decode()
        assert {row["outcome"] for each in response.context["rows"] for row in each.outcomes} == {"new model"}

    def test_what_the_lead_may_still_have_to_rank_is_not_decided_before_their_eyes(
        self, evaluation: Evaluation, lead: Any, people: dict[str, Any], signed_in: Any
    ) -> None:
        """From one decision and the ranking beside it they could tell which answer is whose."""
        rank_all(evaluation.model_version.project, [people["ann"]])
        page = signed_in(lead).get(self.address(evaluation)).content.decode()
        assert page.count("1 judged; shows once you have ranked it too") == 3
        assert "<strong>new model</strong>" not in page
        rank_all(evaluation.model_version.project, [lead])
        page = signed_in(lead).get(self.address(evaluation)).content.decode()
        assert page.count("<strong>new model</strong>") == 6

    def test_it_stands_on_the_models_pages(self, evaluation: Evaluation, lead: Any, signed_in: Any) -> None:
        project, policy = evaluation.model_version.project, evaluation.model_version
        for address in (reverse("models", args=[project.slug]), reverse("model", args=[project.slug, policy.pk])):
            assert self.address(evaluation) in signed_in(lead).get(address).content.decode()

    def test_its_queries_do_not_grow_with_the_comparisons(
        self, evaluation: Evaluation, lead: Any, people: Any, signed_in: Any, django_assert_max_num_queries: Any
    ) -> None:
        rank_all(evaluation.model_version.project, [people["ann"], people["abe"]])
        assert Comparison.objects.count() == 3
        client = signed_in(lead)
        with django_assert_max_num_queries(15):
            response = client.get(self.address(evaluation))
        assert len(response.context["rows"]) == 3
