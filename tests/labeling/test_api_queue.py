"""The queue over the API: one ahead, flags, practice, and nothing that tells gold and repeats from the rest."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from labeling.actions.leases import free_expired_leases
from labeling.actions.serving import serve_next
from labeling.models import Assignment, Membership, Notice, Project

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(annotator: Callable[..., Any]) -> Any:
    return annotator("ann")


@pytest.fixture
def api(ann: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(ann)
    return client


@pytest.fixture
def questions(compare: Callable[..., Any]) -> None:
    for number in range(5):
        compare(f"What is {number} and {number}?", overlap=1)


def ask(api: APIClient, **body: Any) -> dict[str, Any]:
    answer = api.post("/api/projects/tea/next/", body, format="json")
    assert answer.status_code == 200, answer.data
    return answer.data


def submit(api: APIClient, assignment: int, key: str = "k1", **body: Any) -> Any:
    said = {"key": key, "ranks": [1, 2]} | body
    return api.post(f"/api/assignments/{assignment}/judgment/", said, format="json")


class TestOneAhead:
    def test_next_ahead_is_one_more_on_a_short_lease(self, api: APIClient, questions: None) -> None:
        first, second = ask(api)["assignment"], ask(api, ahead=True)["assignment"]
        assert first["id"] != second["id"]
        assert Assignment.objects.get(pk=second["id"]).expires < timezone.now() + timedelta(seconds=130)
        assert ask(api)["assignment"]["id"] == first["id"]
        assert ask(api, ahead=True)["assignment"]["id"] == second["id"]

    def test_a_submit_that_holds_one_ahead_brings_one_more(self, api: APIClient, questions: None) -> None:
        first, second = ask(api)["assignment"]["id"], ask(api, ahead=True)["assignment"]["id"]
        answer = submit(api, first, ahead=True)
        assert answer.data["in_hand"] == second
        assert answer.data["next"]["assignment"]["id"] not in (first, second)
        assert answer.data["feedback"] is None
        again = submit(api, first, ahead=True)
        assert again.data["replayed"] is True
        assert again.data["next"]["assignment"]["id"] == answer.data["next"]["assignment"]["id"]

    def test_one_lost_is_told_by_another_in_hand(
        self, api: APIClient, questions: None, annotator: Callable[..., Any], project: Project
    ) -> None:
        first, second = ask(api)["assignment"]["id"], ask(api, ahead=True)["assignment"]["id"]
        Assignment.objects.filter(pk=second).update(expires=timezone.now() - timedelta(seconds=1))
        free_expired_leases()
        serve_next(person=annotator("ben"), project=project)
        answer = submit(api, first, ahead=True)
        assert answer.data["in_hand"] not in (first, second, None)
        assert ask(api)["assignment"]["id"] == answer.data["in_hand"]

    def test_without_it_the_next_is_the_one_in_hand(self, api: APIClient, questions: None) -> None:
        answer = submit(api, ask(api)["assignment"]["id"])
        assert answer.data["in_hand"] == answer.data["next"]["assignment"]["id"]
        assert Assignment.objects.filter(state="leased").count() == 1

    def test_at_the_end_nothing_is_in_hand(self, api: APIClient, compare: Callable[..., Any]) -> None:
        compare("Is it tea?")
        answer = submit(api, ask(api)["assignment"]["id"], ahead=True)
        assert answer.data["in_hand"] is None
        assert answer.data["next"]["nothing_left"]["reason"] == "all_done"

    def test_an_odd_ahead_is_refused(self, api: APIClient, questions: None) -> None:
        assert api.post("/api/projects/tea/next/", {"ahead": "perhaps"}, format="json").status_code == 400


class TestFlag:
    def test_a_flag_tells_the_leads_and_the_comparison_stays(self, api: APIClient, questions: None) -> None:
        mine = ask(api)["assignment"]["id"]
        answer = api.post(f"/api/assignments/{mine}/flag/", {"reason": "Two answers are cut off."}, format="json")
        assert (answer.status_code, answer.data) == (200, {"flagged": True})
        notice = Notice.objects.get()
        assert (notice.kind, notice.text) == ("flagged", "Two answers are cut off.")
        assert ask(api)["assignment"]["id"] == mine

    @pytest.mark.parametrize("reason", ["", "  ", None, "x" * 2001, "a\x00b", 7.5j])
    def test_a_flag_says_why(self, api: APIClient, questions: None, reason: Any) -> None:
        mine = ask(api)["assignment"]["id"]
        body = {} if isinstance(reason, complex) else {"reason": reason}
        assert api.post(f"/api/assignments/{mine}/flag/", body, format="json").status_code == 400
        assert not Notice.objects.exists()

    def test_what_is_with_others_cannot_be_flagged(
        self, api: APIClient, questions: None, annotator: Callable[..., Any], project: Project
    ) -> None:
        theirs = serve_next(person=annotator("ben"), project=project)
        answer = api.post(f"/api/assignments/{theirs.pk}/flag/", {"reason": "Nosy."}, format="json")
        assert answer.status_code == 404


class TestWords:
    def test_a_surplus_judgment_looks_like_any_other(
        self, api: APIClient, ann: Any, questions: None, annotator: Callable[..., Any], project: Project
    ) -> None:
        """Only what collects can be surplus: the word would tell it from gold."""
        late = ask(api)["assignment"]["id"]
        Assignment.objects.filter(pk=late).update(expires=timezone.now() - timedelta(seconds=1))
        free_expired_leases()
        serve_next(person=annotator("ben"), project=project)
        assert submit(api, late).status_code == 200
        assert Assignment.objects.get(pk=late).state == "surplus"
        shown = api.get(f"/api/assignments/{late}/").data
        assert (shown["state"], shown["practice"]) == ("judged", False)
        listed = api.get("/api/assignments/?state=judged").data["results"]
        assert [each["id"] for each in listed] == [late]
        assert api.get("/api/assignments/?state=surplus").data["results"] == []

    def test_every_reason_for_nothing_is_in_the_schema(self, api: APIClient, project: Project, ann: Any) -> None:
        Membership.objects.filter(person=ann).update(state="paused", pause_reason="Let us talk.")
        left = ask(api)["nothing_left"]
        assert left["reason"] == "person_paused"
        assert "Let us talk." in left["message"]
        schema = api.get("/api/schema/?format=json")
        assert schema.status_code == 200
        assert "screened_out" in schema.content.decode()
