"""The people of a project: what they did, their hours, and what a lead changes about them."""

import csv
import io
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from labeling.actions.leases import free_leases, skip
from labeling.actions.nothing import NothingLeft
from labeling.actions.notices import tell_lead
from labeling.actions.serving import serve_next
from labeling.actions.submitting import amend_judgment, submit_judgment
from labeling.models import Assignment, Judgment, Notice, PersonTally
from labeling.models.guards import LABELING_GUARDS, install_guards, remove_guards
from labeling.queries.hours import hours_of
from labeling.queries.progress import median_seconds

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(annotator):
    return annotator("ann")


def member_of(project, person):
    return project.memberships.get(person=person)


def change(client, project, person, **sent):
    return client.post(reverse("member", args=[project.slug, member_of(project, person).pk]), sent, follow=True)


def rank(person, project, seconds=10.0):
    work = serve_next(person=person, project=project)
    submit_judgment(person=person, assignment_id=work.pk, key=uuid4().hex, ranks=[1, 2], active_seconds=seconds)
    return work


def rows_of(client, **period):
    answer = client.get(reverse("hours", args=["tea"]), period)
    assert answer["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


class TestWhatALeadChanges:
    def test_who_is_paused_reads_why_and_what_they_held_goes_to_others(
        self, project, lead, ann, compare, annotator, signed_in
    ):
        item = compare("One?", overlap=1)
        serve_next(person=ann, project=project)
        change(signed_in(lead), project, ann, state="paused", reason="Please read the guidelines again.")
        told = serve_next(person=ann, project=project)
        assert isinstance(told, NothingLeft)
        assert "Please read the guidelines again." in told.message
        assert serve_next(person=annotator("ben"), project=project).comparison_id == item.pk

    def test_who_may_work_again_starts_anew_and_the_notice_about_them_is_settled(self, project, lead, ann, signed_in):
        tell_lead(project, "below_floor", "30 % right.", person=ann)
        client = signed_in(lead)
        change(client, project, ann, state="paused")
        change(client, project, ann, state="active")
        member = member_of(project, ann)
        assert (member.state, member.gold_since is None) == ("active", False)
        assert Notice.objects.get().settled_by == lead

    def test_to_who_is_retired_the_project_does_not_exist(self, project, lead, ann, signed_in):
        change(signed_in(lead), project, ann, state="retired")
        assert signed_in(ann).get(reverse("rank", args=["tea"])).status_code == 404

    def test_languages_and_qualifications_decide_what_is_given(self, project, lead, ann, compare, signed_in):
        german = compare("Wie brüht man Tee?", language="de", qualification="tea")
        client = signed_in(lead)
        change(client, project, ann, do="abilities", languages="fr", qualifications="")
        assert isinstance(serve_next(person=ann, project=project), NothingLeft)
        change(client, project, ann, do="abilities", languages=" de, fr ,", qualifications="tea")
        assert member_of(project, ann).languages == ["de", "fr"]
        assert serve_next(person=ann, project=project).comparison_id == german.pk

    def test_a_tag_that_is_too_long_is_refused_in_words(self, project, lead, ann, signed_in):
        page = change(signed_in(lead), project, ann, do="abilities", languages="x" * 17, qualifications="")
        assert "at most 16" in page.content.decode()
        assert member_of(project, ann).languages == []

    def test_everything_they_hold_is_freed(self, project, lead, ann, compare, signed_in):
        for question in ("One?", "Two?"):
            compare(question)
        serve_next(person=ann, project=project)
        serve_next(person=ann, project=project, ahead=True)
        page = change(signed_in(lead), project, ann, do="free")
        assert "Freed 2 comparisons." in page.content.decode()
        assert not Assignment.objects.filter(state="leased").exists()

    def test_who_has_not_passed_the_practice_items_is_let_pass(self, project, lead, ann, signed_in):
        type(project).objects.update(screening_items=3)
        client = signed_in(lead)
        assert "In practice" in client.get(reverse("people", args=["tea"])).content.decode()
        assert "Has not passed" in change(client, project, ann).content.decode()
        change(client, project, ann, do="let_pass")
        assert member_of(project, ann).qualified is not None
        assert "In practice" not in client.get(reverse("people", args=["tea"])).content.decode()

    def test_what_is_not_said_changes_nothing(self, project, lead, ann, signed_in):
        assert "Nothing was changed" in change(signed_in(lead), project, ann, do="explode").content.decode()

    def test_nobody_else_reaches_a_persons_page_or_the_hours(
        self, project, ann, reviewer, other_lead, annotator, signed_in
    ):
        address = reverse("member", args=["tea", member_of(project, ann).pk])
        for someone, status in ((annotator("bea"), 403), (reviewer, 403), (other_lead, 404)):
            client = signed_in(someone)
            for sent in ({"state": "paused"}, {"do": "free"}, {"do": "let_pass"}, {"role": "lead"}):
                assert client.post(address, sent).status_code == status
            assert client.get(address).status_code == status
            assert client.get(reverse("hours", args=["tea"])).status_code == status
        elsewhere = reverse("member", args=["coffee", member_of(project, ann).pk])
        assert signed_in(other_lead).post(elsewhere, {"state": "paused"}).status_code == 404
        member = member_of(project, ann)
        assert (member.state, member.role, member.qualified) == ("active", "annotator", None)


class TestFigures:
    def test_active_time_is_a_sum_in_words_and_the_median_is_a_rankings(self, project, lead, ann, compare, signed_in):
        for number, seconds in enumerate((30, 40, 1700)):
            compare(f"Question {number}?")
            rank(ann, project, seconds)
        text = signed_in(lead).get(reverse("people", args=["tea"])).content.decode()
        assert "29 min" in text  # 1770 seconds
        assert "40 s" in text

    def test_the_median_is_of_the_latest_hundred_and_of_first_answers(self, project, ann, compare, monkeypatch):
        monkeypatch.setattr("labeling.queries.progress.LATEST", 3)
        for number, seconds in enumerate((900, 900, 10, 20, 30)):
            compare(f"Question {number}?")
            last = rank(ann, project, seconds)
        amend_judgment(person=ann, assignment_id=last.pk, key="again", ranks=[2, 1], active_seconds=500)
        assert median_seconds(project) == {ann.pk: 20}

    def test_the_overview_says_how_much_each_has_ranked(self, project, lead, ann, signed_in):
        PersonTally.objects.create(project=project, person=ann, judged=1211, gold=57, skipped=4)
        text = signed_in(lead).get(reverse("project", args=["tea"])).content.decode()
        assert '<td class="number">1,268</td>' in text
        assert '<td class="number">4</td>' in text

    def test_kinds_stand_apart_on_the_persons_page(self, project, lead, ann, signed_in):
        PersonTally.objects.create(
            project=project, person=ann, judged=1211, surplus=13, gold=57, repeats=31, practice=8, skipped=4
        )
        text = signed_in(lead).get(reverse("member", args=["tea", member_of(project, ann).pk])).content.decode()
        for label, number in {
            "Collected": "1,211",
            "Surplus": "13",
            "Known answers": "57",
            "Repetitions": "31",
            "Skipped": "4",
        }.items():
            assert f"{label}</dt><dd>{number}</dd>" in text

    def test_the_pages_queries_do_not_grow_with_the_people(
        self, project, lead, annotator, compare, signed_in, django_assert_max_num_queries
    ):
        compare("One?", overlap=20)
        for number in range(20):
            rank(annotator(f"ann{number}"), project)
        client = signed_in(lead)
        with django_assert_max_num_queries(11):
            assert len(client.get(reverse("people", args=["tea"])).context["members"]) == 21


class TestHours:
    def test_the_file_has_a_row_a_person_and_agrees_with_the_kept_counts(
        self, project, lead, ann, annotator, compare, signed_in
    ):
        ben = annotator("ben", display_name="Ben B.")
        for number in range(4):
            compare(f"Question {number}?", overlap=1)
        late = serve_next(person=ann, project=project)
        free_leases([late.pk])
        for _ in range(3):
            rank(ben, project, 12.5)
        skip(person=ben, assignment=serve_next(person=ben, project=project), reason="No.")
        submit_judgment(person=ann, assignment_id=late.pk, key="late", ranks=[1, 2], active_seconds=7)
        rows = {row["person"]: row for row in rows_of(signed_in(lead))}
        today = timezone.localdate().isoformat()
        assert rows["ben"] == {
            "person": "ben",
            "name": "Ben B.",
            "judgments": "3",
            "surplus": "0",
            "skipped": "1",
            "active_seconds": "37.5",
            "first_day": today,
            "last_day": today,
        }
        assert (rows["ann"]["judgments"], rows["ann"]["surplus"], rows["ann"]["active_seconds"]) == ("1", "1", "7.0")
        for tally in PersonTally.objects.select_related("person"):
            row = rows[tally.person.username]
            assert (int(row["judgments"]), float(row["active_seconds"])) == (tally.said, tally.active_seconds)

    def test_a_ranking_that_was_changed_counts_once_and_all_its_time(self, project, ann, compare):
        compare("One?")
        work = rank(ann, project, 20)
        amend_judgment(person=ann, assignment_id=work.pk, key="again", ranks=[2, 1], active_seconds=5)
        [hours] = hours_of(project)
        assert (hours.judgments, hours.active_seconds) == (1, 25)

    def test_a_period_includes_both_its_days_and_nothing_else(self, project, lead, ann, compare, signed_in):
        with timezone.override("Asia/Tokyo"):
            moments = [
                ("2026-03-01", "23:59"),
                ("2026-03-02", "00:00"),
                ("2026-03-03", "23:59"),
                ("2026-03-04", "00:00"),
            ]
            for number, (day, clock) in enumerate(moments):
                compare(f"Question {number}?")
                said_at(rank(ann, project, 10**number), f"{day}T{clock}:00+09:00")
            client = signed_in(lead)
            [row] = rows_of(client, first="2026-03-02", last="2026-03-03")
            assert (row["judgments"], row["active_seconds"]) == ("2", "110.0")
            assert (row["first_day"], row["last_day"]) == ("2026-03-02", "2026-03-03")
            assert rows_of(client, first="2026-03-05") == []

    @pytest.mark.parametrize(
        "period", [{"first": "yesterday"}, {"first": "2026-02-02", "last": "2026-02-01"}, {"last": "9999-12-31"}]
    )
    def test_a_period_that_cannot_be_is_refused_in_words(self, project, lead, signed_in, period):
        page = signed_in(lead).get(reverse("hours", args=["tea"]), period)
        assert page.status_code == 422
        assert page.context["period"].errors

    def test_a_name_that_a_spreadsheet_would_run_is_made_text(self, project, lead, annotator, compare, signed_in):
        rank_one = annotator("+sum", display_name='=HYPERLINK("http://evil")')
        compare("One?")
        rank(rank_one, project)
        [row] = rows_of(signed_in(lead))
        assert (row["person"], row["name"][0]) == ("'+sum", "'")


def said_at(work, moment):
    """The judgment as it would be had it been given then: the guard that keeps it as it is looks away for once."""
    fixed = [guard for guard in LABELING_GUARDS if guard.name == "guard_judgment_fixed"]
    remove_guards(fixed, "default")
    Judgment.objects.filter(assignment=work).update(created=timezone.datetime.fromisoformat(moment))
    install_guards(fixed, "default")
