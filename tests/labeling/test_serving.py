"""Serving: the right comparison, to the right person, held in a slot of its own."""

from datetime import timedelta

import pytest
from django.utils import timezone

from labeling.actions.comparisons import change_comparison
from labeling.actions.draws import draw_order
from labeling.actions.errors import ActionError
from labeling.actions.leases import free_expired_leases, release, renew_lease, skip
from labeling.actions.nothing import NothingLeft
from labeling.actions.projects import set_member_state, set_project_state
from labeling.actions.prompts import add_prompt
from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment
from labeling.models import Assignment, Comparison, Membership

pytestmark = pytest.mark.django_db


def rank(person, assignment, ranks=(1, 2), key=None):
    return submit_judgment(person=person, assignment_id=assignment.pk, key=key or f"k{assignment.pk}", ranks=ranks)


def expire(assignment):
    Assignment.objects.filter(pk=assignment.pk).update(expires=timezone.now() - timedelta(seconds=1))


def counts_are_true():
    for comparison in Comparison.objects.all():
        assert comparison.live == comparison.assignments.filter(slot__isnull=False).count() <= comparison.overlap
    return True


def test_a_person_is_served_what_they_hold_until_they_are_done_with_it(annotator, project, compare):
    ann = annotator("ann")
    compare("How do I brew tea?")
    compare("How do I brew coffee?")
    first = serve_next(person=ann, project=project)
    assert serve_next(person=ann, project=project).pk == first.pk
    rank(ann, first)
    assert serve_next(person=ann, project=project).comparison_id != first.comparison_id
    assert counts_are_true()


def test_two_people_share_a_comparison_and_a_third_is_told_who_has_it(annotator, project, compare):
    ann, ben, cat = annotator("ann"), annotator("ben"), annotator("cat")
    compare("How do I brew tea?", overlap=2)
    first, second = serve_next(person=ann, project=project), serve_next(person=ben, project=project)
    assert {first.slot, second.slot} == {0, 1}
    nothing = serve_next(person=cat, project=project)
    assert isinstance(nothing, NothingLeft)
    assert (nothing.reason, nothing.next_expiry) == ("all_leased", min(first.expires, second.expires))
    rank(ann, first)
    rank(ben, second)
    assert serve_next(person=cat, project=project).reason == "all_done"


def test_who_is_ahead_of_the_model_is_told_that_more_comes(annotator, project, compare):
    ann = annotator("ann")
    compare("How do I brew tea?")
    rank(ann, serve_next(person=ann, project=project))
    assert "More comes" not in serve_next(person=ann, project=project).message
    add_prompt(project=project, messages="How do I brew coffee?")
    waiting = serve_next(person=ann, project=project)
    assert (waiting.reason, "More comes" in waiting.message) == ("all_done", True)


def test_breadth_first_all_get_one_judgment_before_any_gets_two(annotator, project, compare):
    comparisons = [compare(f"What is {n} + {n}?").pk for n in range(4)]
    ann, ben = annotator("ann"), annotator("ben")
    for _ in range(2):
        rank(ann, serve_next(person=ann, project=project))
    for expected in comparisons[2:]:
        assignment = serve_next(person=ben, project=project)
        assert assignment.comparison_id == expected
        rank(ben, assignment)
    assert serve_next(person=ben, project=project).comparison_id == comparisons[0]


def test_higher_priority_comes_first(annotator, project, compare):
    compare("How do I brew tea?")
    urgent = compare("Is this mushroom edible?", priority=5)
    assert serve_next(person=annotator("ann"), project=project).comparison_id == urgent.pk


def test_the_same_prompt_does_not_come_twice_in_a_row_while_there_is_another(annotator, project, compare):
    ann = annotator("ann")
    for answer in ("a", "b", "c"):
        compare("How do I brew tea?", answer, f"{answer} and then wait")
    compare("How do I brew coffee?", "a", "b")
    prompts = []
    for _ in range(4):
        assignment = serve_next(person=ann, project=project)
        prompts.append(assignment.comparison.prompt.text)
        rank(ann, assignment)
    assert prompts == ["How do I brew tea?", "How do I brew coffee?", "How do I brew tea?", "How do I brew tea?"]


def test_the_order_shown_is_drawn_once_and_differs_between_people(annotator, project, compare):
    compare("Name a colour.", *"abcdefghi", overlap=5)
    shown = [tuple(serve_next(person=annotator(name), project=project).shown) for name in ("ann", "ben", "cat", "dan")]
    assert all(sorted(order) == list(range(9)) for order in shown)
    assert len(set(shown)) == 4
    assert draw_order(1, 2, 3, 9) == draw_order(1, 2, 3, 9)
    assert draw_order(1, 2, 3, 9) != draw_order(2, 2, 3, 9)


def test_each_completion_comes_first_about_equally_often():
    firsts = [draw_order(0, comparison, 7, 4)[0] for comparison in range(2000)]
    assert all(430 < firsts.count(position) < 570 for position in range(4))


def test_a_skipped_comparison_goes_to_others_and_not_again_to_the_same_person(annotator, project, compare):
    ann, ben = annotator("ann"), annotator("ben")
    compare("How do I brew tea?", overlap=1)
    skip(person=ann, assignment=serve_next(person=ann, project=project), reason="I do not know tea")
    assert Assignment.objects.get(annotator=ann).skip_reason == "I do not know tea"
    assert serve_next(person=ann, project=project).reason == "all_done"
    assert isinstance(serve_next(person=ben, project=project), Assignment)
    assert counts_are_true()


def test_a_released_comparison_comes_back_in_the_same_order_and_the_same_row(annotator, project, compare):
    ann = annotator("ann")
    compare("Name a colour.", *"abcdef")
    first = serve_next(person=ann, project=project)
    release(person=ann, assignment=first)
    assert Comparison.objects.get().live == 0
    again = serve_next(person=ann, project=project)
    assert (again.pk, again.shown) == (first.pk, first.shown)


def test_an_expired_lease_is_freed_when_somebody_else_needs_it(annotator, project, compare):
    ann, ben = annotator("ann"), annotator("ben")
    compare("How do I brew tea?", overlap=1)
    left_open = serve_next(person=ann, project=project)
    assert serve_next(person=ben, project=project).reason == "all_leased"
    expire(left_open)
    assert serve_next(person=ben, project=project).slot == 0
    left_open.refresh_from_db()
    assert (left_open.state, left_open.slot) == ("expired", None)
    assert counts_are_true()


def test_an_expired_lease_nobody_wanted_is_still_the_holders(annotator, project, compare):
    ann = annotator("ann")
    compare("How do I brew tea?", overlap=1)
    mine = serve_next(person=ann, project=project)
    expire(mine)
    again = serve_next(person=ann, project=project)
    assert again.pk == mine.pk
    assert again.expires > timezone.now()


def test_the_periodic_task_frees_every_expired_lease_once(annotator, project, compare):
    for n in range(3):
        compare(f"What is {n} + {n}?", overlap=1)
        expire(serve_next(person=annotator(f"a{n}"), project=project))
    assert free_expired_leases() == 3
    assert free_expired_leases() == 0
    assert counts_are_true()


def test_a_lease_is_renewed_by_its_holder_alone(annotator, project, compare):
    ann, ben = annotator("ann"), annotator("ben")
    compare("How do I brew tea?")
    mine = serve_next(person=ann, project=project)
    expire(mine)
    assert renew_lease(person=ann, assignment=mine).expires > timezone.now()
    with pytest.raises(ActionError) as refused:
        renew_lease(person=ben, assignment=mine)
    assert refused.value.code == "not_found"


def test_an_expired_lease_is_taken_again_by_a_renewal_only_while_a_slot_is_free(annotator, project, compare):
    ann, ben = annotator("ann"), annotator("ben")
    compare("How do I brew tea?", overlap=1)
    mine = serve_next(person=ann, project=project)
    expire(mine)
    free_expired_leases()
    assert renew_lease(person=ann, assignment=mine).slot == 0
    expire(mine)
    assert serve_next(person=ben, project=project).slot == 0
    with pytest.raises(ActionError) as refused:
        renew_lease(person=ann, assignment=mine)
    assert refused.value.code == "gone"


def test_a_late_heartbeat_does_not_bring_back_what_was_skipped(annotator, project, compare):
    ann = annotator("ann")
    compare("How do I brew tea?")
    mine = serve_next(person=ann, project=project)
    skip(person=ann, assignment=mine)
    with pytest.raises(ActionError) as refused:
        renew_lease(person=ann, assignment=mine)
    assert refused.value.code == "conflict"


def test_the_queue_says_why_it_is_empty(annotator, person, project, compare):
    ann = annotator("ann")
    assert serve_next(person=person("stranger"), project=project).reason == "not_member"
    assert serve_next(person=ann, project=project).reason == "no_comparisons"
    comparison = compare("How do I brew tea?")
    set_project_state(project=project, state="paused")
    assert serve_next(person=ann, project=project).reason == "paused"
    set_project_state(project=project, state="active")
    set_member_state(membership=Membership.objects.get(person=ann), state="paused", reason="Come and see me.")
    paused = serve_next(person=ann, project=project)
    assert (paused.reason, paused.message.endswith("Come and see me.")) == ("person_paused", True)
    set_member_state(membership=Membership.objects.get(person=ann), state="active")
    change_comparison(comparison=comparison, state="retired")
    assert serve_next(person=ann, project=project).reason == "no_comparisons"


def test_who_has_ranked_here_is_not_told_that_nothing_ever_was(annotator, project, compare):
    ann, comparison = annotator("ann"), compare("How do I brew tea?")
    rank(ann, serve_next(person=ann, project=project))
    change_comparison(comparison=comparison, state="retired")
    assert serve_next(person=ann, project=project).reason == "all_done"


def test_comparisons_of_two_models_are_served_like_any_other(annotator, project, compare):
    evaluation = compare("How do I brew tea?", purpose="evaluate")
    assert serve_next(person=annotator("ann"), project=project).comparison_id == evaluation.pk


def test_work_of_other_projects_is_never_served(annotator, project, compare, lead):
    from labeling.actions.projects import add_member, create_project

    ann = annotator("ann")
    compare("How do I brew tea?")
    other = create_project(slug="coffee", name="Coffee", by=lead)
    add_member(project=other, person=ann)
    assert serve_next(person=ann, project=other).reason == "no_comparisons"
