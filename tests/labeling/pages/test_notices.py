"""What waits for a lead: what comes there, what can be decided, and who may."""

import pytest
from django.urls import reverse

from labeling.actions import notices
from labeling.actions.comparisons import change_comparison
from labeling.actions.errors import ActionError
from labeling.actions.leases import skip
from labeling.actions.nothing import NothingLeft
from labeling.actions.projects import set_member_state
from labeling.actions.resolving import CHOICES, choices_for, resolve
from labeling.actions.serving import serve_next
from labeling.models import Comparison, Membership, Notice

pytestmark = pytest.mark.django_db


@pytest.fixture
def flagged(project, annotator, compare):
    """A comparison that ann holds and has flagged."""
    compare("How do I brew tea?")
    ann = annotator("ann")
    return notices.flag(person=ann, assignment=serve_next(person=ann, project=project), reason="Answer B is empty.")


@pytest.fixture
def skipped(project, annotator, compare):
    """A comparison that three people skipped, so that it waits for a lead."""
    compare("An unclear question?", overlap=3)
    for name in ("ann", "ben", "cat"):
        someone = annotator(name)
        skip(person=someone, assignment=serve_next(person=someone, project=project), reason="Not clear.")
    return Notice.objects.get(kind="skipped")


@pytest.fixture
def below_floor(project, annotator):
    """Dan is paused because of his gold, and a lead is told."""
    dan = annotator("dan")
    member = project.memberships.get(person=dan)
    set_member_state(membership=member, state="paused", reason="Below the floor.")
    return notices.tell_lead(project, "below_floor", "40 % of the latest 20 right.", person=dan)


def settle(client, notice, **sent):
    return client.post(reverse("notice-settle", args=[notice.project.slug, notice.pk]), sent)


class TestThePage:
    def test_shows_the_newest_first_with_who_what_and_where(self, project, lead, signed_in, flagged, below_floor):
        page = signed_in(lead).get(reverse("notices", args=[project.slug]))
        assert [entry.notice for entry in page.context["waiting"]] == [below_floor, flagged]
        text = page.content.decode()
        assert "Answer B is empty." in text
        assert reverse("comparison", args=[project.slug, flagged.comparison_id]) in text
        dan = project.memberships.get(person=below_floor.person)
        assert reverse("member", args=[project.slug, dan.pk]) in text

    def test_says_that_nothing_waits_when_nothing_does(self, project, lead, signed_in):
        assert "Nothing waits for a decision" in signed_in(lead).get(reverse("notices", args=["tea"])).content.decode()

    def test_the_tab_and_the_overview_count_what_is_open(self, project, lead, signed_in, flagged, below_floor):
        text = signed_in(lead).get(reverse("project", args=[project.slug])).content.decode()
        assert 'title="Not decided yet">2</span>' in text
        assert "2 things wait for your decision" in text
        for notice in (flagged, below_floor):
            resolve(notice=notice, by=lead, choice="leave")
        text = signed_in(lead).get(reverse("project", args=[project.slug])).content.decode()
        assert "Not decided yet" not in text
        assert "for your decision" not in text

    def test_its_queries_do_not_grow_with_what_waits(
        self, project, lead, annotator, compare, signed_in, django_assert_max_num_queries
    ):
        for number in range(20):
            item, someone = compare(f"Question {number}?"), annotator(f"ann{number}")
            notices.tell_lead(project, "flagged", "Odd.", comparison=item, person=someone)
        client = signed_in(lead)
        with django_assert_max_num_queries(10):
            assert len(client.get(reverse("notices", args=["tea"])).context["waiting"]) == 20

    def test_markup_in_what_people_write_is_never_run(self, project, lead, signed_in, flagged):
        Notice.objects.update(text="<script>alert(1)</script>")
        for page in ("notices", "comparison"):
            args = ["tea"] if page == "notices" else ["tea", flagged.comparison_id]
            assert "<script>alert" not in signed_in(lead).get(reverse(page, args=args)).content.decode()


class TestDeciding:
    def test_a_skipped_comparison_is_reopened_and_given_to_people_again(
        self, project, lead, annotator, signed_in, skipped
    ):
        eve = annotator("eve")
        assert isinstance(serve_next(person=eve, project=project), NothingLeft)
        settle(signed_in(lead), skipped, resolution="reopen", words="It is clear enough.")
        assert serve_next(person=eve, project=project).comparison_id == skipped.comparison_id
        skipped.refresh_from_db()
        assert (skipped.resolution, skipped.settled_by) == ("Reopened. It is clear enough.", lead)

    def test_retiring_a_comparison_settles_everything_about_it(self, project, lead, annotator, signed_in, skipped):
        notices.tell_lead(project, "flagged", "Harmful.", comparison=skipped.comparison, person=annotator("fay"))
        settle(signed_in(lead), skipped, resolution="retire")
        assert Comparison.objects.get().state == "retired"
        assert not Notice.objects.filter(settled__isnull=True).exists()

    def test_what_is_left_aside_stays_with_the_lead(self, project, lead, signed_in, skipped):
        settle(signed_in(lead), skipped, resolution="leave")
        assert Comparison.objects.get().state == "review"
        assert Notice.objects.get().settled

    def test_a_person_is_reinstated_and_starts_anew_on_gold(self, project, lead, signed_in, below_floor):
        settle(signed_in(lead), below_floor, resolution="reinstate")
        member = project.memberships.get(person=below_floor.person)
        assert (member.state, member.pause_reason) == ("active", "")
        assert member.gold_since is not None

    def test_who_has_no_tries_left_is_let_pass(self, project, lead, annotator, signed_in):
        ann = annotator("ann")
        notice = notices.tell_lead(project, "screened_out", "Two tries, none passed.", person=ann)
        settle(signed_in(lead), notice, resolution="let_pass", words="Known to us.")
        assert project.memberships.get(person=ann).qualified is not None
        notice.refresh_from_db()
        assert notice.resolution == "Let pass. Known to us."

    def test_what_cannot_be_done_is_refused_and_settles_nothing(self, project, lead, annotator, signed_in):
        ann = annotator("ann")
        notice = notices.tell_lead(project, "screened_out", "", person=ann)
        page = signed_in(lead).post(
            reverse("notice-settle", args=["tea", notice.pk]), {"resolution": "grant_try"}, follow=True
        )
        assert "no practice items" in page.content.decode()
        notice.refresh_from_db()
        assert notice.settled is None

    def test_of_two_leads_the_first_ones_word_holds(self, project, lead, person, flagged):
        resolve(notice=flagged, by=lead, choice="leave", words="Fine.")
        again = resolve(notice=flagged, by=person("late"), choice="retire")
        assert again.resolution == "Left as it was. Fine."
        assert Comparison.objects.get().state == "open"

    @pytest.mark.parametrize("choice", ["", "reinstate", "explode"])
    def test_only_what_fits_the_kind_can_be_chosen(self, lead, flagged, choice):
        with pytest.raises(ActionError) as refused:
            resolve(notice=flagged, by=lead, choice=choice)
        assert refused.value.field == "resolution"
        assert not Notice.objects.get().settled

    def test_reopening_is_offered_only_for_what_is_not_open(self, flagged):
        assert "reopen" not in choices_for(flagged)
        change_comparison(comparison=flagged.comparison, state="paused")
        flagged.comparison.refresh_from_db()
        assert "reopen" in choices_for(flagged)

    def test_every_kind_can_be_settled_by_leaving_it(self, project, lead):
        for kind in Notice.Kind.values:
            notice = notices.tell_lead(project, kind, "")
            assert resolve(notice=notice, by=lead, choice="leave").settled
        assert set(CHOICES) <= set(Notice.Kind.values)


class TestWhoMay:
    def test_a_reviewer_reads_and_decides_nothing(self, project, reviewer, signed_in, flagged):
        client = signed_in(reviewer)
        text = client.get(reverse("notices", args=["tea"])).content.decode()
        assert "Answer B is empty." in text
        assert "notice-settle" not in text
        assert 'name="resolution"' not in text
        assert settle(client, flagged, resolution="retire").status_code == 403
        assert Comparison.objects.get().state == "open"

    def test_an_annotator_and_another_projects_lead_reach_none_of_it(
        self, project, annotator, other_lead, signed_in, flagged
    ):
        for someone, status in ((annotator("bea"), 403), (other_lead, 404)):
            client = signed_in(someone)
            assert client.get(reverse("notices", args=["tea"])).status_code == status
            assert settle(client, flagged, resolution="retire").status_code == status
        assert Comparison.objects.get().state == "open"

    def test_a_lead_settles_no_notice_of_another_project(self, project, other_lead, signed_in, flagged):
        address = reverse("notice-settle", args=["coffee", flagged.pk])
        assert signed_in(other_lead).post(address, {"resolution": "retire"}).status_code == 404
        assert Membership.objects.filter(project=project).exists()
