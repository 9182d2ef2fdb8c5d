"""The REST API: who reaches what, blind for those who rank, whole for those who lead."""

import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from rest_framework.test import APIClient

from labeling.actions.comparisons import change_comparison
from labeling.actions.completions import add_completion, find_or_add_generator
from labeling.actions.gold import mark_gold
from labeling.actions.projects import create_project, update_project
from labeling.actions.prompts import add_prompt
from labeling.models import Assignment, Comparison, Completion, Judgment, Membership, Prompt

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(annotator):
    return annotator("ann")


@pytest.fixture
def comparison(compare, project):
    comparison = compare("Name a colour.", "Red.", "Blue.", "Green.")
    generator = find_or_add_generator(project=project, kind="imported", name="secret-model-7b")
    add_completion(prompt=comparison.prompt, text="Pink.", generator=generator)
    return comparison


def opened(call, person):
    answer = call(person).post("/api/projects/tea/next/")
    assert answer.status_code == 200, answer.data
    return answer.data["assignment"]


def submit(call, person, assignment, ranks, key="k1", **extra):
    body = {"key": key, "ranks": ranks, **extra}
    return call(person).post(f"/api/assignments/{assignment['id']}/judgment/", body, format="json")


class TestRanking:
    def test_next_gives_the_completions_in_the_order_to_show_them(self, call, ann, comparison):
        work = opened(call, ann)
        texts = ["Red.", "Blue.", "Green."]
        assert [each["text"] for each in work["completions"]] == [texts[p] for p in Assignment.objects.get().shown]
        assert work["prompt"] == [{"role": "user", "content": "Name a colour."}]
        assert opened(call, ann)["id"] == work["id"]

    def test_what_an_annotator_gets_says_nothing_of_models_purpose_or_others(self, call, ann, compare, project):
        generator = find_or_add_generator(project=project, kind="model", name="secret-model-7b")
        prompt, _ = add_prompt(project=project, messages="Name a colour.")
        for answer in ("Red.", "Blue."):
            add_completion(prompt=prompt, text=answer, generator=generator)
        evaluation = compare("Name a colour.", "Red.", "Blue.", purpose="evaluate")
        text = json.dumps(opened(call, ann), default=str)
        for secret in ("secret-model", "generator", "evaluate", "purpose", "round", "priority", "shown"):
            assert secret not in text
        assert evaluation.purpose == "evaluate"

    def test_ranks_come_in_the_order_shown_and_are_stored_in_canonical_order(self, call, ann, comparison):
        work = opened(call, ann)
        best = {"Blue.": 1, "Red.": 2, "Green.": None}
        ranks = [best[each["text"]] for each in work["completions"]]
        answer = submit(call, ann, work, ranks, comment="Calm.", active_seconds=4)
        assert answer.status_code == 200, answer.data
        assert Judgment.objects.get().ranks == [2, 1, None]
        assert answer.data["next"]["nothing_left"]["reason"] == "all_done"
        assert call(ann).get(f"/api/assignments/{work['id']}/").data["ranks"] == ranks

    def test_a_retry_with_the_same_key_is_answered_as_the_first_time(self, call, ann, comparison):
        work = opened(call, ann)
        first = submit(call, ann, work, [1, 2, 3])
        again = submit(call, ann, work, [1, 2, 3])
        assert (again.status_code, again.data["replayed"]) == (200, True)
        assert again.data["judgment"] == first.data["judgment"]

    def test_another_key_is_told_that_it_is_stored(self, call, ann, comparison):
        work = opened(call, ann)
        submit(call, ann, work, [1, 2, 3])
        again = submit(call, ann, work, [3, 2, 1], key="k2")
        assert (again.status_code, again.data["code"]) == (409, "conflict")

    @pytest.mark.parametrize(
        "ranks", [[1, 2], [1, 2, 0], [1, None, None], [1, 2, "x"], "123", [[1], 2, 3], [1, 2, 1.5]]
    )
    def test_ranks_that_cannot_be_meant_are_refused(self, call, ann, comparison, ranks):
        assert submit(call, ann, opened(call, ann), ranks).status_code == 400
        assert not Judgment.objects.exists()

    def test_skip_renew_and_release(self, call, ann, comparison, compare):
        work = opened(call, ann)
        renewed = call(ann).post(f"/api/assignments/{work['id']}/renew/")
        assert (renewed.status_code, renewed.data["state"]) == (200, "leased")
        released = call(ann).post(f"/api/assignments/{work['id']}/release/")
        assert released.data["state"] == "released"
        assert opened(call, ann)["id"] == work["id"]
        skipped = call(ann).post(f"/api/assignments/{work['id']}/skip/", {"reason": "not my field"}, format="json")
        assert (skipped.data["state"], skipped.data["skip_reason"]) == ("skipped", "not my field")
        assert call(ann).post(f"/api/assignments/{work['id']}/renew/").status_code == 409
        assert call(ann).post("/api/projects/tea/next/").data["nothing_left"]["reason"] == "all_done"


class TestAnnotatorReachesTheirOwnWorkAlone:
    def test_others_assignments_do_not_exist(self, call, ann, annotator, comparison):
        ben, work = annotator("ben"), opened(call, ann)
        for method, place in (
            ("get", ""),
            ("post", "judgment/"),
            ("post", "skip/"),
            ("post", "renew/"),
            ("post", "release/"),
        ):
            answer = getattr(call(ben), method)(f"/api/assignments/{work['id']}/{place}", {}, format="json")
            assert answer.status_code == 404, place
        assert call(ben).get("/api/assignments/").data["count"] == 0
        assert call(ann).get("/api/assignments/?state=leased&project=tea").data["count"] == 1

    @pytest.mark.parametrize("noun", ["prompts", "completions", "comparisons", "judgments"])
    def test_lists_are_empty_and_rows_do_not_exist(self, call, ann, annotator, comparison, noun):
        submit(call, ann, opened(call, ann), [1, 2, 3])
        model = {"prompts": Prompt, "completions": Completion, "comparisons": Comparison, "judgments": Judgment}[noun]
        assert call(ann).get(f"/api/{noun}/").data["count"] == 0
        assert call(ann).get(f"/api/{noun}/{model.objects.first().pk}/").status_code == 404

    @pytest.mark.parametrize("place", ["progress/", "agreement/", "export/luce/", "members/"])
    def test_figures_export_and_people_are_forbidden(self, call, ann, project, place):
        assert call(ann).get(f"/api/projects/tea/{place}").status_code == 403

    def test_nothing_can_be_changed(self, call, ann, project, comparison):
        client = call(ann)
        assert client.patch("/api/projects/tea/", {"k": 9}, format="json").status_code == 403
        body = {"project": "tea", "messages": "Hi"}
        assert client.post("/api/prompts/", body, format="json").status_code == 403
        assert client.patch(f"/api/comparisons/{comparison.pk}/", {"overlap": 9}, format="json").status_code == 404
        assert client.post("/api/projects/", {"slug": "x", "name": "X"}, format="json").status_code == 403
        assert (
            client.post("/api/projects/tea/members/", {"username": "ann", "role": "lead"}, format="json").status_code
            == 403
        )


class TestOutside:
    @pytest.mark.parametrize(
        "place", ["", "next/", "progress/", "agreement/", "export/luce/", "export/trl/", "members/", "import/"]
    )
    def test_a_project_of_others_does_not_exist(self, call, person, project, place):
        client = call(person("stranger"))
        method = client.post if place in ("next/", "import/") else client.get
        assert method(f"/api/projects/tea/{place}").status_code == 404

    def test_a_lead_of_one_project_is_a_stranger_in_another(self, call, lead, person, comparison):
        other = create_project(slug="coffee", name="Coffee", by=person("otto"))
        otto = other.memberships.get().person
        assert call(otto).get("/api/comparisons/").data["count"] == 0
        assert call(otto).patch(f"/api/comparisons/{comparison.pk}/", {"priority": 1}, format="json").status_code == 404
        body = {"prompt": comparison.prompt_id, "text": "Mine."}
        assert call(otto).post("/api/completions/", body, format="json").status_code == 404

    def test_who_left_reaches_nothing_any_more(self, call, ann, comparison):
        work = opened(call, ann)
        Membership.objects.filter(person=ann).update(state="retired")
        assert call(ann).get("/api/projects/").data["count"] == 0
        assert submit(call, ann, work, [1, 2, 3]).status_code == 404

    def test_without_signing_in_there_is_nothing(self, db, project):
        for place in ("projects/", "assignments/", "judgments/", "projects/tea/next/"):
            assert APIClient().get(f"/api/{place}").status_code in (401, 403)

    def test_a_token_is_given_for_the_password(self, ann):
        wrong = APIClient().post("/api/token/", {"username": "ann", "password": "coffee"})
        assert wrong.status_code == 400
        token = APIClient().post("/api/token/", {"username": "ann", "password": "tea and biscuits"}).data["token"]
        client = APIClient(HTTP_AUTHORIZATION=f"Token {token}")
        assert client.get("/api/projects/").data["count"] == 1


class TestReviewer:
    def test_sees_what_people_said_but_not_which_model_wrote_it(self, call, ann, reviewer, comparison):
        submit(call, ann, opened(call, ann), [1, 2, 3])
        change_comparison(comparison=comparison, overlap=1)
        judgments = call(reviewer).get(f"/api/judgments/?comparison={comparison.pk}").data
        assert [row["annotator"] for row in judgments["results"]] == ["ann"]
        assert call(reviewer).get("/api/projects/tea/progress/").data["judgments"] == 1
        completions = call(reviewer).get("/api/completions/").data["results"]
        assert {row["generator"] for row in completions} == {None}

    def test_reads_what_others_said_of_a_comparison_only_once_they_have_ranked_it(
        self, call, ann, reviewer, comparison
    ):
        submit(call, ann, opened(call, ann), [1, 2, 3])
        one = Judgment.objects.get().pk
        assert call(reviewer).get("/api/judgments/").data["count"] == 0
        assert call(reviewer).get(f"/api/judgments/{one}/").status_code == 404
        submit(call, reviewer, opened(call, reviewer), [1, 2, 3])
        assert call(reviewer).get("/api/judgments/").data["count"] == 2
        assert call(reviewer).get(f"/api/judgments/{one}/").status_code == 200

    def test_finds_completions_and_comparisons_only_once_they_have_ranked_them(self, call, lead, reviewer, comparison):
        """By number and time of writing they could tell the old model's from the new one's."""
        places = ("/api/comparisons/", f"/api/completions/?prompt={comparison.prompt_id}")
        assert [call(reviewer).get(place).data["count"] for place in places] == [0, 1], "one is in no comparison"
        assert call(reviewer).get(f"/api/comparisons/{comparison.pk}/").status_code == 404
        assert [call(lead).get(place).data["count"] for place in places] == [1, 4]
        submit(call, reviewer, opened(call, reviewer), [1, 2, 3])
        assert [call(reviewer).get(place).data["count"] for place in places] == [1, 4]

    def test_is_not_told_by_which_items_people_are_measured(self, call, lead, ann, reviewer, comparison, compare):
        mark_gold(comparison=comparison, ranks=[1, 2, 3], by=lead)
        update_project(project=comparison.project, gold_percent=50)
        other = compare("Name a tree.", "Oak.", "Elm.", "Fir.")
        for number in range(2):
            submit(call, ann, opened(call, ann), [1, 2, 3], key=f"k{number}")
        change_comparison(comparison=other, overlap=1)  # the reviewer need not rank it before they see it
        judged = lambda someone: [row["comparison"] for row in call(someone).get("/api/judgments/").data["results"]]  # noqa: E731
        assert sorted(judged(lead)) == [comparison.pk, other.pk]
        assert judged(reviewer) == [other.pk]
        assert [row["id"] for row in call(reviewer).get("/api/comparisons/").data["results"]] == [other.pk]

    def test_changes_and_takes_away_nothing(self, call, reviewer, comparison):
        assert call(reviewer).patch("/api/projects/tea/", {"k": 3}, format="json").status_code == 403
        assert call(reviewer).get("/api/projects/tea/export/luce/").status_code == 403
        body = {"overlap": 3}
        assert call(reviewer).patch(f"/api/comparisons/{comparison.pk}/", body, format="json").status_code == 403


class TestLead:
    def test_makes_a_project_and_everything_in_it(self, call, lead, project):
        client = call(lead)
        made = client.post("/api/projects/", {"slug": "coffee", "name": "Coffee", "k": 2}, format="json")
        assert (made.status_code, made.data["overlap"]) == (201, 2)
        body = {"project": "coffee", "messages": "Name a bean.", "tags": ["food"]}
        prompt = client.post("/api/prompts/", body, format="json")
        assert prompt.status_code == 201
        assert client.post("/api/prompts/", body, format="json").status_code == 200
        ids = []
        for text in ("Arabica.", "Robusta."):
            body = {"prompt": prompt.data["id"], "text": text, "generator": "a-model"}
            completion = client.post("/api/completions/", body, format="json")
            assert (completion.status_code, completion.data["generator"]) == (201, "a-model")
            ids.append(completion.data["id"])
        body = {"prompt": prompt.data["id"], "completions": ids, "overlap": 3}
        comparison = client.post("/api/comparisons/", body, format="json")
        assert (comparison.status_code, comparison.data["completions"], comparison.data["k"]) == (201, ids, 2)
        place = f"/api/comparisons/{comparison.data['id']}/"
        assert client.patch(place, {"state": "paused"}, format="json").data["state"] == "paused"

    def test_refusals_name_the_field(self, call, lead, project, comparison, compare):
        client = call(lead)
        taken = client.post("/api/projects/", {"slug": "tea", "name": "Tea"}, format="json")
        assert taken.status_code in (400, 409)
        bad = client.post("/api/prompts/", {"project": "tea", "messages": [{"role": "user"}]}, format="json")
        assert (bad.status_code, bad.data["field"]) == (400, "prompt[0]")
        other = compare("Name a tree.").completions.first()
        mine = comparison.completions.first()
        body = {"prompt": comparison.prompt_id, "completions": [mine.pk, other.pk]}
        strays = client.post("/api/comparisons/", body, format="json")
        assert (strays.status_code, strays.data["field"]) == (400, "completions")
        assert client.patch("/api/projects/tea/", {"k": 99}, format="json").status_code == 400

    def test_pauses_the_project_for_everybody(self, call, lead, ann, project, comparison):
        assert call(lead).patch("/api/projects/tea/", {"state": "paused"}, format="json").status_code == 200
        assert call(ann).post("/api/projects/tea/next/").data["nothing_left"]["reason"] == "paused"

    def test_reads_agreement_and_exports(self, call, lead, ann, comparison):
        submit(call, ann, opened(call, ann), [1, 2, 3])
        report = call(lead).get("/api/projects/tea/agreement/?ties=drop").data
        assert report["percent_agreement"]["undefined_because"]
        assert call(lead).get("/api/projects/tea/agreement/?ties=maybe").status_code == 400
        answer = call(lead).get("/api/projects/tea/export/luce/")
        lines = [json.loads(text) for text in b"".join(answer.streaming_content).splitlines()]
        assert lines[0]["judgments"][0]["annotator"] == "ann"
        assert call(lead).get("/api/projects/tea/export/csv/").status_code == 404

    def test_imports_a_file_or_hears_which_lines_are_bad(self, call, lead, project):
        good = SimpleUploadedFile("f.jsonl", b'{"prompt": "Name a bean."}\n')
        answer = call(lead).post("/api/projects/tea/import/", {"file": good})
        assert (answer.status_code, answer.data["added"]["prompts"]) == (200, 1)
        bad = SimpleUploadedFile("f.jsonl", b'{"prompt": "Name a cup."}\n{"prompt": 7}\n')
        answer = call(lead).post("/api/projects/tea/import/", {"file": bad})
        assert answer.status_code == 400
        assert [(row["line"], row["field"]) for row in answer.data["bad"]] == [(2, "prompt")]
        assert Prompt.objects.count() == 1
        assert call(lead).post("/api/projects/tea/import/", {}).data["field"] == "file"

    def test_gives_roles(self, call, lead, person, project):
        person("rita")
        client = call(lead)
        body = {"username": "rita", "role": "reviewer"}
        assert client.post("/api/projects/tea/members/", body, format="json").status_code == 201
        roles = {row["username"]: row["role"] for row in client.get("/api/projects/tea/members/").data}
        assert roles == {"lena": "lead", "rita": "reviewer"}
        unknown = client.post("/api/projects/tea/members/", {"username": "nobody"}, format="json")
        assert unknown.status_code == 404


class TestLists:
    def test_come_in_pages(self, call, lead, project, compare):
        for n in range(55):
            compare(f"What is {n} + {n}?")
        first = call(lead).get("/api/comparisons/").data
        assert (first["count"], len(first["results"])) == (55, 50)
        assert len(call(lead).get("/api/comparisons/?page=2").data["results"]) == 5

    def test_take_a_constant_number_of_queries(self, call, lead, project, compare, django_assert_max_num_queries):
        for n in range(20):
            compare(f"What is {n} + {n}?")
        with django_assert_max_num_queries(8):
            call(lead).get("/api/comparisons/")

    @pytest.mark.parametrize(
        "query",
        ["prompt__project__memberships__person__password__startswith=a", "prompt=x", "split=%00", "project=%00"],
    )
    def test_filter_by_what_they_name_and_by_nothing_else(self, call, lead, comparison, query):
        noun = "prompts" if "split" in query else "comparisons"
        assert call(lead).get(f"/api/{noun}/?{query}").status_code == 400

    def test_narrow_to_a_project_or_a_split(self, call, lead, comparison, compare):
        compare("Name a tree.", split="heldout")
        assert call(lead).get("/api/prompts/?split=heldout&project=tea").data["count"] == 1
        assert call(lead).get("/api/prompts/?project=coffee").data["count"] == 0


def test_the_schema_is_whole(db):
    out = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    assert "/api/assignments/{id}/judgment/" in out.getvalue()
