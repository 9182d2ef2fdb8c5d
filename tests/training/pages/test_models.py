"""The models of a project and their cards; promoting, and the next round."""

from typing import Any

import pytest
from django.urls import reverse

from labeling.models import Project
from tests.training.pages.conftest import CARD, estimate, sampling, training, version
from training.models import Evaluation, ModelVersion, Promotion
from training.pages.models import accuracy_plot, moved, written

pytestmark = pytest.mark.django_db


class TestModels:
    def test_reviewers_read_cards_and_annotators_do_not(
        self, project: Project, base: ModelVersion, reviewer: Any, people: Any, signed_in: Any
    ) -> None:
        for address in (reverse("models", args=[project.slug]), reverse("model", args=[project.slug, base.pk])):
            assert signed_in(reviewer).get(address).status_code == 200
            assert signed_in(people["ann"]).get(address).status_code == 403

    def test_a_card_shows_accuracy_beside_length_with_chance_and_warns_in_words(
        self, ranked: Project, lead: Any, base: ModelVersion, signed_in: Any
    ) -> None:
        policy = version(ranked, "policy-v1", parent=base, run=training(ranked, "succeeded"), card=CARD)
        response = signed_in(lead).get(reverse("model", args=[ranked.slug, policy.pk]))
        page = response.content.decode()
        assert [row.value for row in response.context["accuracy"].rows] == ["74\u00a0%", "32\u00a0%", "66\u00a0%"]
        assert response.context["accuracy"].chance_at == 50.0
        assert "“the shorter answer is better” would be right in 68\u00a0% of pairs" in page
        assert "Answers became 36% shorter" in page
        assert "<script>alert" not in page
        assert "<strong>it</strong>" in page
        assert "Next round" in page

    def test_undefined_figures_give_their_reason(self, project: Project, lead: Any, signed_in: Any) -> None:
        nothing = estimate(None, n=0)
        card = {**CARD, "reward_accuracy": nothing, "length_baseline": nothing, "dpo": {"margin": nothing}}
        policy = version(project, "policy-v1", card=card)
        page = signed_in(lead).get(reverse("model", args=[project.slug, policy.pk])).content.decode()
        assert page.count("Undefined: There is no held-out prompt with a ranking.") == 3

    def test_a_bundled_model_has_a_page_without_figures(
        self, project: Project, lead: Any, base: ModelVersion, signed_in: Any
    ) -> None:
        page = signed_in(lead).get(reverse("model", args=[project.slug, base.pk])).content.decode()
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
        self, project: Project, lead: Any, reviewer: Any, base: ModelVersion, signed_in: Any
    ) -> None:
        address = reverse("promote", args=[project.slug, base.pk])
        assert signed_in(reviewer).post(address).status_code == 403
        assert signed_in(lead).get(address).status_code == 405
        assert not Promotion.objects.exists()
        signed_in(lead).post(address)
        assert Promotion.objects.get().model_version == base

    def test_next_round_promotes_samples_and_compares(
        self, ranked: Project, lead: Any, base: ModelVersion, signed_in: Any
    ) -> None:
        policy = version(ranked, "policy-v1", parent=base, run=training(ranked, "succeeded"), card=CARD)
        response = signed_in(lead).post(reverse("next-round", args=[ranked.slug, policy.pk]))
        run = ranked.runs.get(kind="sampling")
        assert response.url == reverse("run", args=[ranked.slug, run.pk])
        assert Promotion.objects.get().model_version == policy
        assert Evaluation.objects.get().baseline == base

    def test_a_round_already_at_work_is_said_to_be(
        self, ranked: Project, lead: Any, base: ModelVersion, signed_in: Any
    ) -> None:
        sampling(ranked, "running")
        policy = version(ranked, "policy-v1", parent=base, card=CARD)
        address = reverse("next-round", args=[ranked.slug, policy.pk])
        assert "is still running" in signed_in(lead).post(address, follow=True).content.decode()
        assert not Promotion.objects.exists()

    def test_the_lists_queries_do_not_grow_with_the_models(
        self, ranked: Project, lead: Any, base: ModelVersion, signed_in: Any, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(12):
            version(ranked, f"policy-v{number}", parent=base, card=CARD)
        client = signed_in(lead)
        with django_assert_max_num_queries(12):
            page = client.get(reverse("models", args=[ranked.slug])).content.decode()
        assert [name for name in (f"policy-v{number}" for number in range(12)) if name not in page] == []
