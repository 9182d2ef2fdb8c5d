"""A comparison as leads and reviewers see it: its place in the queue, who holds it, who skipped it, what is marked."""

from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from labeling.actions import notices
from labeling.actions.gold import mark_gold
from labeling.actions.leases import free_leases, skip
from labeling.actions.nothing import NothingLeft
from labeling.actions.projects import update_project
from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment
from labeling.models import Assignment, Comparison, GoldAnswer, Notice
from tests.labeling.counted import assert_tallies_are_true

pytestmark = pytest.mark.django_db


@pytest.fixture
def item(compare):
    return compare("How do I brew tea?", "Boil it.", "Steep it.", overlap=2)


def say(person, assignment, ranks=(1, 2)):
    return submit_judgment(person=person, assignment_id=assignment.pk, key=uuid4().hex, ranks=list(ranks))


def change(client, item, **sent):
    return client.post(reverse("comparison-change", args=["tea", item.pk]), sent)


def shown(client, item):
    return client.get(reverse("comparison", args=["tea", item.pk]))


def test_a_lead_pauses_resumes_and_retires_it(project, lead, annotator, signed_in, item):
    client, ann = signed_in(lead), annotator("ann")
    for state, served in (("paused", False), ("open", True), ("retired", False), ("open", True)):
        change(client, item, state=state)
        item.refresh_from_db()
        assert item.state == state
        found = serve_next(person=ann, project=project)
        assert isinstance(found, Assignment) is served
        if served:
            free_leases([found.pk])
    assert_tallies_are_true(project)


def test_no_other_state_can_be_asked_for(project, lead, signed_in, item):
    for state in ("review", "exploded", ""):
        change(signed_in(lead), item, state=state)
        item.refresh_from_db()
        assert item.state == "open"


def test_priority_and_judgments_wanted_are_changed(project, lead, signed_in, item):
    assert change(signed_in(lead), item, do="place", priority="7", overlap="5").status_code == 302
    item.refresh_from_db()
    assert (item.priority, item.overlap) == (7, 5)
    assert_tallies_are_true(project)


@pytest.mark.parametrize(
    ("field", "sent"), [("overlap", "0"), ("overlap", "1001"), ("priority", "x"), ("priority", str(2**31))]
)
def test_what_cannot_be_is_refused_at_its_field(project, lead, signed_in, item, field, sent):
    page = change(signed_in(lead), item, do="place", **({"priority": "1", "overlap": "3"} | {field: sent}))
    assert page.status_code == 422
    assert field in page.context["form"].errors
    item.refresh_from_db()
    assert (item.priority, item.overlap) == (0, 2)


def test_fewer_judgments_than_are_held_are_refused_with_the_number(project, lead, annotator, signed_in, item):
    for name in ("ann", "ben"):
        serve_next(person=annotator(name), project=project)
    page = change(signed_in(lead), item, do="place", priority="0", overlap="1")
    assert "2 judgments given or being given" in str(page.context["form"].errors["overlap"])


def test_a_lease_is_freed_and_what_was_begun_is_kept(project, lead, annotator, signed_in, compare):
    item = compare("How do I brew tea?", overlap=1)
    ann, ben = annotator("ann"), annotator("ben")
    hers = serve_next(person=ann, project=project)
    assert isinstance(serve_next(person=ben, project=project), NothingLeft)
    assert "Free the lease" in shown(signed_in(lead), item).content.decode()
    change(signed_in(lead), item, do="free", assignment=hers.pk)
    say(ben, serve_next(person=ben, project=project))
    say(ann, hers, [2, 1])
    page = shown(signed_in(lead), item)
    assert {row.assignment.annotator.username: row.marked for row in page.context["said"]} == {
        "ben": "",
        "ann": "surplus",
    }
    assert ">surplus</span>" in page.content.decode()
    assert_tallies_are_true(project)


def test_who_skipped_it_and_why_and_what_was_flagged_stand_there(project, lead, annotator, signed_in, item):
    ann, ben = annotator("ann"), annotator("ben")
    skip(person=ann, assignment=serve_next(person=ann, project=project), reason="Too technical.")
    notices.flag(person=ben, assignment=serve_next(person=ben, project=project), reason="B is cut off.")
    page = shown(signed_in(lead), item)
    assert [each.annotator for each in page.context["skipped"]] == [ann]
    for words in ("Too technical.", "B is cut off.", reverse("notices", args=["tea"])):
        assert words in page.content.decode()


def test_one_that_waits_for_a_lead_is_reopened_and_its_notice_settled(project, lead, annotator, signed_in, item):
    for name in ("ann", "ben", "cat"):
        someone = annotator(name)
        skip(person=someone, assignment=serve_next(person=someone, project=project))
    client = signed_in(lead)
    assert "With a lead: 3 people skipped it" in shown(client, item).content.decode()
    change(client, item, state="open")
    assert Comparison.objects.get().state == "open"
    assert Notice.objects.get().settled_by == lead


@pytest.fixture
def known(project, annotator, item):
    """The comparison with a known answer, as two people judged it and a third one holds it."""
    Comparison.objects.filter(pk=item.pk).update(gold=True)
    GoldAnswer.objects.create(project=project, comparison=item, ranks=[2, 1], explanation="Steeping is enough.")
    for name, ranks in (("ann", [1, 2]), ("ben", [2, 1])):
        work = Assignment.objects.create(
            project=project,
            comparison=item,
            annotator=annotator(name),
            kind="gold",
            shown=[0, 1],
            expires=timezone.now() + timezone.timedelta(hours=1),
        )
        say(work.annotator, work, ranks)
    serve = {"project": project, "comparison": item, "kind": "gold", "shown": [0, 1]}
    Assignment.objects.create(annotator=annotator("cat"), expires=timezone.now() + timezone.timedelta(hours=1), **serve)
    return item


def test_a_known_answer_is_marked_and_does_not_count_as_disagreement(lead, signed_in, known):
    page = shown(signed_in(lead), known)
    assert page.context["known"].tiers == [["B"], ["A"]]
    assert page.context["disagreement"] is None
    assert [row.marked for row in page.context["said"]] == ["known answer", "known answer"]
    assert "Steeping is enough." in page.content.decode()


def test_to_a_reviewer_who_ranks_too_a_known_answer_looks_like_what_nobody_has_judged(
    reviewer, signed_in, known, compare
):
    page, plain = shown(signed_in(reviewer), known), shown(signed_in(reviewer), compare("Another?", overlap=2))
    for name in ("said", "gold", "known", "waiting", "disagreement"):
        assert not page.context[name], name
    text = page.content.decode().replace("How do I brew tea?", "Another?").replace("Boil it.", "Boil the leaves.")
    text = text.replace("Steep it.", "Steep the leaves.")
    assert len(text) == len(plain.content.decode())
    assert "Steeping is enough." not in text


def test_a_reviewer_finds_their_own_ranking_whatever_it_was_for(project, reviewer, signed_in, compare):
    update_project(project=project, gold_percent=50)
    for number in range(3):
        mark_gold(comparison=compare(f"What is {number}?"), ranks=[1, 2])
        compare(f"What is not {number}?")
    kinds = set()
    for number in range(4):
        mine = serve_next(person=reviewer, project=project)
        kinds.add(mine.kind)
        submit_judgment(person=reviewer, assignment_id=mine.pk, key=f"k{number}", ranks=[1, 2])
        page = shown(signed_in(reviewer), mine.comparison)
        assert [row.assignment.annotator for row in page.context["said"]] == [reviewer]
        assert "known answer" not in page.content.decode()
    assert kinds == {"gold", "collect"}


def test_a_reviewer_reads_it_and_changes_nothing(project, reviewer, annotator, signed_in, item):
    serve_next(person=annotator("ann"), project=project)
    client = signed_in(reviewer)
    text = shown(client, item).content.decode()
    assert "You may still be asked to rank it" in text
    assert "In the queue" not in text, "who holds it would tell a reviewer what it is for"
    assert not shown(client, item).context["waiting"]
    mine = serve_next(person=reviewer, project=project)
    submit_judgment(person=reviewer, assignment_id=mine.pk, key="k", ranks=[1, 2])
    text = shown(client, item).content.decode()
    assert "In the queue" in text
    assert reverse("comparison-change", args=["tea", item.pk]) not in text
    for sent in ({"state": "retired"}, {"do": "free"}, {"do": "place", "priority": "9", "overlap": "9"}):
        assert change(client, item, **sent).status_code == 403


def test_an_annotator_and_another_projects_lead_change_nothing(project, annotator, other_lead, signed_in, item):
    ann = annotator("ann")
    serve_next(person=ann, project=project)
    for someone, status in ((ann, 403), (other_lead, 404)):
        for sent in ({"state": "retired"}, {"do": "free"}, {"do": "place", "priority": "9", "overlap": "9"}):
            assert change(signed_in(someone), item, **sent).status_code == status
    address = reverse("comparison-change", args=["coffee", item.pk])
    assert signed_in(other_lead).post(address, {"state": "retired"}).status_code == 404
    item.refresh_from_db()
    assert (item.state, item.priority, item.live) == ("open", 0, 1)
