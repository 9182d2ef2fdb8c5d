"""The lead's pages of labeling: who opens them, what they say in each state, and what they cost."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from labeling.actions.projects import publish_guideline
from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment
from labeling.models import Comparison, Project
from labeling.pages.agreement import agreement_shown, sentence
from labeling.pages.forest import forest, interval_text, text
from tests.labeling.pages.sent import as_sent

pytestmark = pytest.mark.django_db

LEAD_PAGES = ("people", "import", "project-settings")
REVIEW_PAGES = ("prompts", "disagreements")


def judge(person: Any, comparison: Comparison, ranks: list[int | None], **said: Any) -> None:
    """Open work until this comparison comes, and say `ranks`."""
    assignment = serve_next(person=person, project=comparison.project)
    assert assignment.comparison_id == comparison.pk
    submit_judgment(person=person, assignment_id=assignment.pk, key=uuid4().hex, ranks=ranks, **said)


def upload(client: Client, project: Project, lines: list[Any], **form: Any) -> Any:
    body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines).encode()
    file = SimpleUploadedFile("prompts.jsonl", body)
    form = {"kind": "prompts", "do": "import"} | form
    return client.post(reverse("import", args=[project.slug]), {**form, "file": file})


class TestWhoMayOpenWhat:
    @pytest.mark.parametrize("name", LEAD_PAGES + REVIEW_PAGES)
    def test_a_lead_opens_every_page(self, name: str, project: Project, lead: Any, signed_in: Any) -> None:
        assert signed_in(lead).get(reverse(name, args=[project.slug])).status_code == 200

    @pytest.mark.parametrize("name", REVIEW_PAGES)
    def test_a_reviewer_reads_what_others_said(
        self, name: str, project: Project, reviewer: Any, signed_in: Any
    ) -> None:
        assert signed_in(reviewer).get(reverse(name, args=[project.slug])).status_code == 200

    @pytest.mark.parametrize("name", LEAD_PAGES)
    def test_a_reviewer_neither_imports_nor_manages_people(
        self, name: str, project: Project, reviewer: Any, signed_in: Any
    ) -> None:
        assert signed_in(reviewer).get(reverse(name, args=[project.slug])).status_code == 403

    @pytest.mark.parametrize("name", LEAD_PAGES + REVIEW_PAGES)
    def test_an_annotator_opens_none_of_them(self, name: str, project: Project, annotator: Any, signed_in: Any) -> None:
        assert signed_in(annotator("ann")).get(reverse(name, args=[project.slug])).status_code == 403

    @pytest.mark.parametrize("name", LEAD_PAGES + REVIEW_PAGES)
    def test_to_a_stranger_the_project_does_not_exist(
        self, name: str, project: Project, person: Any, signed_in: Any
    ) -> None:
        assert signed_in(person("stranger")).get(reverse(name, args=[project.slug])).status_code == 404

    def test_who_is_signed_out_is_asked_to_sign_in(self, project: Project, client: Client) -> None:
        response = client.get(reverse("prompts", args=[project.slug]))
        assert response.status_code == 302
        assert response.url.startswith(reverse("sign-in"))

    def test_an_annotator_sees_no_comparison_page_because_it_is_not_blind(
        self, project: Project, annotator: Any, compare: Any, signed_in: Any
    ) -> None:
        address = reverse("comparison", args=[project.slug, compare("How do I brew tea?").pk])
        assert signed_in(annotator("ann")).get(address).status_code == 403

    def test_an_export_is_for_leads(self, project: Project, reviewer: Any, signed_in: Any) -> None:
        assert signed_in(reviewer).get(reverse("export", args=[project.slug, "luce"])).status_code == 403

    def test_a_comparison_of_another_project_is_not_found(
        self, project: Project, lead: Any, compare: Any, signed_in: Any
    ) -> None:
        from labeling.actions.projects import create_project

        other = create_project(slug="coffee", name="Coffee", by=lead)
        address = reverse("comparison", args=[other.slug, compare("How do I brew tea?").pk])
        assert signed_in(lead).get(address).status_code == 404


class TestComparison:
    def test_it_shows_each_persons_ranking_comment_and_the_order_they_saw(
        self, project: Project, lead: Any, annotator: Any, compare: Any, signed_in: Any
    ) -> None:
        item = compare("How do I brew tea?", "Boil the leaves.", "Steep the leaves.")
        judge(annotator("ann"), item, [2, 1], comment="Never boil them.")
        judge(annotator("bot", simulated=True), item, [1, 1])
        response = signed_in(lead).get(reverse("comparison", args=[project.slug, item.pk]))
        page = response.content.decode()
        assert "Never boil them." in page
        assert "simulated" in page
        assert [row.tiers for row in response.context["said"]] == [[["B"], ["A"]], [["A", "B"]]]
        for row in response.context["said"]:
            assert row.shown == ["AB"[position] for position in row.assignment.shown]

    def test_what_was_left_unranked_is_said_to_be(
        self, project: Project, lead: Any, annotator: Any, compare: Any, signed_in: Any
    ) -> None:
        item = compare("How do I brew tea?", "Boil.", "Steep.", "Wait.")
        judge(annotator("ann"), item, [1, 2, None])
        page = signed_in(lead).get(reverse("comparison", args=[project.slug, item.pk])).content.decode()
        assert "not ranked: C" in page

    def test_markup_in_a_completion_is_never_run(
        self, project: Project, lead: Any, compare: Any, signed_in: Any
    ) -> None:
        item = compare("Hello", "<script>alert(1)</script> <img src=x onerror=alert(2)>", "Hi")
        page = signed_in(lead).get(reverse("comparison", args=[project.slug, item.pk])).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page

    def test_its_queries_do_not_grow_with_the_people(
        self,
        project: Project,
        lead: Any,
        annotator: Any,
        compare: Any,
        signed_in: Any,
        django_assert_max_num_queries: Any,
    ) -> None:
        item = compare("How do I brew tea?", overlap=12)
        for number in range(12):
            judge(annotator(f"ann{number}"), item, [1, 2])
        client = signed_in(lead)
        with django_assert_max_num_queries(14):
            assert client.get(reverse("comparison", args=[project.slug, item.pk])).status_code == 200


class TestDisagreements:
    def test_where_nobody_disagrees_the_page_says_what_will_stand_there(
        self, project: Project, lead: Any, signed_in: Any
    ) -> None:
        page = signed_in(lead).get(reverse("disagreements", args=[project.slug])).content.decode()
        assert "Nobody disagrees yet" in page

    def test_the_most_disputed_comparison_stands_first(
        self, project: Project, lead: Any, annotator: Any, compare: Any, signed_in: Any
    ) -> None:
        agreed, disputed = compare("An easy question?"), compare("A hard question?")
        ann, ben = annotator("ann"), annotator("ben")
        for someone, second in ((ann, [1, 2]), (ben, [2, 1])):
            judge(someone, agreed, [1, 2])
            judge(someone, disputed, second)
        page = signed_in(lead).get(reverse("disagreements", args=[project.slug])).content.decode()
        assert "A hard question?" in page
        assert "An easy question?" not in page

    def test_a_reviewer_is_shown_none_that_they_may_yet_be_asked_to_rank(
        self, project: Project, reviewer: Any, annotator: Any, compare: Any, signed_in: Any
    ) -> None:
        item = compare("A hard question?", overlap=3)
        judge(annotator("ann"), item, [1, 2])
        judge(annotator("ben"), item, [2, 1])
        places = [reverse("disagreements", args=[project.slug]), reverse("project", args=[project.slug])]

        def shown() -> list[bool]:
            return ["A hard question?" in signed_in(reviewer).get(place).content.decode() for place in places]

        assert shown() == [False, False]
        judge(reviewer, item, [1, 2])
        assert shown() == [True, True]


class TestImportAndExport:
    def test_good_lines_come_in(self, project: Project, lead: Any, signed_in: Any) -> None:
        response = upload(signed_in(lead), project, [{"prompt": "Why is the sky blue?"}, {"prompt": "And grass?"}])
        assert response.context["stored"]
        assert project.prompts.count() == 2

    def test_one_bad_line_keeps_the_file_out_and_is_named_with_its_field(
        self, project: Project, lead: Any, signed_in: Any
    ) -> None:
        lines = [{"prompt": "Why is the sky blue?"}, {"prompt": "And grass?", "split": "sideways"}]
        response = upload(signed_in(lead), project, lines)
        assert not response.context["stored"]
        assert [(line.line, line.field) for line in response.context["bad"]] == [(2, "split")]
        assert "Nothing was imported" in response.content.decode()
        assert not project.prompts.exists()

    def test_bad_lines_can_be_left_out(self, project: Project, lead: Any, signed_in: Any) -> None:
        response = upload(signed_in(lead), project, [{"prompt": "Why is the sky blue?"}, "no json"], skip_bad="on")
        assert response.context["stored"]
        assert project.prompts.count() == 1

    def test_checking_counts_and_stores_nothing(self, project: Project, lead: Any, signed_in: Any) -> None:
        lines = [{"prompt": "Why is the sky blue?", "completions": ["Because.", "Air."]}, {"prompt": "And grass?"}]
        response = upload(signed_in(lead), project, lines, do="check")
        assert "Checked, nothing stored" in response.content.decode()
        assert sum(response.context["report"].added.values()) >= 2
        assert not project.prompts.exists()

    def test_a_file_is_asked_for(self, project: Project, lead: Any, signed_in: Any) -> None:
        response = signed_in(lead).post(reverse("import", args=[project.slug]), {"kind": "prompts", "do": "import"})
        assert response.status_code == 422
        assert "file" in response.context["form"].errors

    def test_an_export_streams_and_imports_again(
        self, project: Project, lead: Any, annotator: Any, compare: Any, signed_in: Any
    ) -> None:
        judge(annotator("ann"), compare("How do I brew tea?"), [2, 1])
        response = signed_in(lead).get(reverse("export", args=[project.slug, "luce"]))
        assert response.streaming
        assert "tea-luce.jsonl" in response["Content-Disposition"]
        [line] = b"".join(response.streaming_content).decode().splitlines()
        assert json.loads(line)["judgments"][0]["ranks"] == [2, 1]

    def test_there_is_no_other_format(self, project: Project, lead: Any, signed_in: Any) -> None:
        assert signed_in(lead).get(reverse("export", args=[project.slug, "excel"])).status_code == 404


class TestProjectAndGuidelines:
    def test_a_lead_opens_another_project_and_leads_it(self, project: Project, lead: Any, signed_in: Any) -> None:
        form = {"name": "Coffee", "slug": "coffee", "k": 3, "overlap": 2, "lease_seconds": "10 min", "allow_ties": "on"}
        response = signed_in(lead).post(reverse("project-new"), form)
        assert response.url == reverse("import", args=["coffee"])
        assert Project.objects.get(slug="coffee").memberships.get().person == lead

    @pytest.mark.parametrize(("slug", "words"), [("tea", "already"), ("new", "Luce itself"), ("Not a slug!", "valid")])
    def test_an_address_that_cannot_be_is_refused_in_words(
        self, slug: str, words: str, project: Project, lead: Any, signed_in: Any
    ) -> None:
        form = {"name": "Coffee", "slug": slug, "k": 3, "overlap": 2, "lease_seconds": "10 min"}
        response = signed_in(lead).post(reverse("project-new"), form)
        assert response.status_code == 422
        assert words in str(response.context["form"].errors["slug"])
        assert Project.objects.count() == 1

    def test_who_leads_nothing_opens_no_project(self, annotator: Any, signed_in: Any) -> None:
        assert signed_in(annotator("ann")).get(reverse("project-new")).status_code == 403

    def test_editing_guidelines_makes_the_next_version(self, project: Project, lead: Any, signed_in: Any) -> None:
        publish_guideline(project=project, text="Old", author=lead)
        signed_in(lead).post(reverse("project-settings", args=[project.slug]), {"do": "guidelines", "text": "New"})
        assert list(project.guidelines.values_list("version", "text")) == [(2, "New"), (1, "Old")]

    def test_settings_are_saved_and_a_bad_one_is_refused_in_words(
        self, project: Project, lead: Any, signed_in: Any
    ) -> None:
        client, address = signed_in(lead), reverse("project-settings", args=[project.slug])
        form = as_sent(client.get(address).context["settings_form"])
        form |= {"do": "settings", "name": "Green tea", "k": 4, "overlap": 3}
        assert client.post(address, form).status_code == 302
        project.refresh_from_db()
        assert (project.name, project.k, project.overlap) == ("Green tea", 4, 3)
        refused = client.post(address, form | {"k": 12})
        assert refused.status_code == 422
        assert "k" in refused.context["settings_form"].errors
        project.refresh_from_db()
        assert project.k == 4

    def test_a_project_is_paused_and_resumed(self, project: Project, lead: Any, signed_in: Any) -> None:
        client, address = signed_in(lead), reverse("project-state", args=[project.slug])
        for state in ("paused", "active"):
            client.post(address, {"state": state})
            project.refresh_from_db()
            assert project.state == state
        client.post(address, {"state": "exploded"})
        project.refresh_from_db()
        assert project.state == "active"


class TestPeople:
    def test_somebody_with_an_account_is_added_with_a_role(
        self, project: Project, lead: Any, person: Any, signed_in: Any
    ) -> None:
        newcomer = person("nora")
        form = {"username": "nora", "role": "reviewer"}
        signed_in(lead).post(reverse("people", args=[project.slug]), form)
        assert project.memberships.get(person=newcomer).role == "reviewer"

    def test_an_unknown_name_is_refused_in_words(self, project: Project, lead: Any, signed_in: Any) -> None:
        form = {"username": "nobody", "role": "annotator"}
        response = signed_in(lead).post(reverse("people", args=[project.slug]), form)
        assert response.status_code == 422
        assert "There is no account “nobody”" in response.content.decode()

    def test_a_member_changes_role_and_is_paused(
        self, project: Project, lead: Any, annotator: Any, signed_in: Any
    ) -> None:
        member = project.memberships.get(person=annotator("ann"))
        client, address = signed_in(lead), reverse("member", args=[project.slug, member.pk])
        client.post(address, {"role": "reviewer"})
        client.post(address, {"state": "paused"})
        member.refresh_from_db()
        assert (member.role, member.state) == ("reviewer", "paused")

    def test_the_only_lead_stays(self, project: Project, lead: Any, signed_in: Any) -> None:
        member = project.memberships.get(person=lead)
        client = signed_in(lead)
        address = reverse("member", args=[project.slug, member.pk])
        response = client.post(address, {"state": "paused"}, follow=True)
        member.refresh_from_db()
        assert member.state == "active"
        assert "only lead" in response.content.decode()

    def test_the_only_lead_is_not_made_an_annotator(self, project: Project, lead: Any, signed_in: Any) -> None:
        member = project.memberships.get(person=lead)
        signed_in(lead).post(reverse("member", args=[project.slug, member.pk]), {"role": "annotator"})
        member.refresh_from_db()
        assert member.role == "lead"

    def test_counts_are_of_this_project(
        self, project: Project, lead: Any, annotator: Any, compare: Any, signed_in: Any
    ) -> None:
        ann = annotator("ann")
        for question in ("One?", "Two?"):
            judge(ann, compare(question), [1, 2])
        members = signed_in(lead).get(reverse("people", args=[project.slug])).context["members"]
        assert {member.person.username: member.tally.judged for member in members} == {"ann": 2, "lena": 0}


class TestPrompts:
    def test_an_empty_list_leads_to_the_import(self, project: Project, lead: Any, signed_in: Any) -> None:
        page = signed_in(lead).get(reverse("prompts", args=[project.slug])).content.decode()
        assert "No prompts yet" in page
        assert reverse("import", args=[project.slug]) in page

    def test_filters_narrow_and_pages_turn(
        self, project: Project, lead: Any, compare: Any, signed_in: Any, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(60):
            compare(f"Question {number}?", split="heldout" if number % 10 == 0 else "train")
        client, address = signed_in(lead), reverse("prompts", args=[project.slug])
        with django_assert_max_num_queries(10):
            page = client.get(address).context["page"]
        assert (page.paginator.count, len(page), page.paginator.num_pages) == (60, 50, 2)
        assert [prompt.completion_count for prompt in page][:3] == [2, 2, 2]
        assert client.get(address, {"split": "heldout"}).context["page"].paginator.count == 6
        assert client.get(address, {"split": "sideways"}).context["page"].paginator.count == 0

    def test_a_prompt_shows_its_turns_and_completions(
        self, project: Project, lead: Any, compare: Any, signed_in: Any
    ) -> None:
        item = compare("How do I brew tea?", "Boil the leaves.", "Steep the leaves.")
        page = signed_in(lead).get(reverse("prompt", args=[project.slug, item.prompt_id])).content.decode()
        assert "Steep the leaves." in page
        assert reverse("comparison", args=[project.slug, item.pk]) in page


class TestAgreement:
    def test_undefined_figures_give_their_reason(self, project: Project, annotator: Any, compare: Any) -> None:
        judge(annotator("ann"), compare("How do I brew tea?"), [1, 2])
        shown = agreement_shown(project)
        assert shown["sentence"] == ""
        assert all(row.at is None and row.undefined_because for row in shown["everyone"].rows)

    def test_a_new_judgment_brings_new_figures_and_the_same_state_is_not_computed_twice(
        self, project: Project, annotator: Any, compare: Any, django_assert_num_queries: Any
    ) -> None:
        ann, ben, item = annotator("ann"), annotator("ben"), compare("How do I brew tea?")
        judge(ann, item, [1, 2])
        assert agreement_shown(project)["judgments"] == 1
        judge(ben, item, [1, 2])
        assert agreement_shown(project)["judgments"] == 2
        with django_assert_num_queries(2):  # the state of the judgments, and the people's names
            agreement_shown(project)

    def test_the_sentence_says_what_alpha_means(self) -> None:
        def report(value: float, low: float, high: float) -> dict[str, Any]:
            figure = {"value": value, "low": low, "high": high}
            return {"percent_agreement": figure, "krippendorff_alpha": {"nominal": figure}}

        assert "reliable" in sentence(report(0.85, 0.8, 0.9))
        assert "not clearly more than chance" in sentence(report(0.1, -0.1, 0.3))
        assert "opposite ways" in sentence(report(-0.4, -0.6, -0.2))


class TestForest:
    def test_figures_stand_on_one_scale_that_reaches_down_to_the_lowest_whisker(self) -> None:
        figure = {"value": 0.5, "low": -0.3, "high": 0.9, "n": 12, "undefined_because": None}
        plot = forest([("α", figure)], chance=0.0)
        assert plot.ticks[0][1] == "−0.50"
        [row] = plot.rows
        assert 0 <= row.low_at < plot.chance_at < row.at < row.high_at <= 100

    def test_an_undefined_figure_keeps_its_reason_and_has_no_dot(self) -> None:
        figure = {"value": None, "low": None, "high": None, "n": 0, "undefined_because": "There are no judgments yet."}
        [row] = forest([("α", figure)]).rows
        assert (row.at, row.undefined_because) == (None, "There are no judgments yet.")

    def test_numbers_have_a_true_minus_and_no_negative_zero(self) -> None:
        assert text(-0.123) == "−0.12"
        assert text(-0.001) == "0.00"
        assert text(0.714, "percent") == "71\u00a0%"
        assert interval_text(0.65, 0.77, "percent") == "65 to 77\u00a0%"
