"""Practice before work: tries, marks, feedback, and what a lead can do."""

from collections.abc import Callable
from typing import Any

import pytest
from django.template.loader import render_to_string

from labeling.actions.errors import ActionError
from labeling.actions.gold import mark_gold, unmark_gold
from labeling.actions.leases import skip
from labeling.actions.nothing import NothingLeft
from labeling.actions.projects import update_project
from labeling.actions.screening import grant_try, let_pass
from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment
from labeling.agreement import accuracy_on_known, kappa_with_known, right_of, same_of, self_consistency
from labeling.models import Assignment, Comparison, Membership, Notice, PersonTally, Project, ScreeningAttempt
from labeling.pages.rank_item import counts_of, tally_for
from labeling.queries.quality import practice_feedback, screening_of
from labeling.queries.votes import judged

pytestmark = pytest.mark.django_db
Make = Callable[..., Any]
RIGHT, WRONG = [1, 2], [2, 1]


@pytest.fixture
def practice(project: Project, compare: Make) -> list[Comparison]:
    """Six practice items, of which a try has three; work for everybody."""
    update_project(project=project, screening_items=3, screening_tries=2)
    items = [compare(f"Practice {number}: how do I brew tea?") for number in range(6)]
    for each in items:
        mark_gold(comparison=each, ranks=RIGHT, use="practice", explanation="Leaves are **steeped**.")
    compare("Work: how do I brew tea?", overlap=9)
    return items


def serve(person: Any, project: Project) -> Assignment:
    served = serve_next(person=person, project=project)
    assert isinstance(served, Assignment), served
    return served


def judge(person: Any, project: Project, ranks: list[int]) -> Assignment:
    served = serve(person, project)
    submit_judgment(person=person, assignment_id=served.pk, key=f"k{served.pk}", ranks=ranks)
    return Assignment.objects.get(pk=served.pk)


def tries(person: Any) -> list[tuple[int, str, float | None, float | None]]:
    return list(ScreeningAttempt.objects.filter(person=person).values_list("number", "state", "accuracy", "agreement"))


def test_who_passes_gets_work_and_practice_is_not_among_what_people_prefer(
    project: Project, practice: list[Comparison], annotator: Make
) -> None:
    ann = annotator("ann")
    items = [judge(ann, project, RIGHT) for _ in range(3)]
    assert {(each.kind, each.attempt) for each in items} == {("practice", 1)}
    assert len({each.comparison_id for each in items}) == 3
    assert tries(ann) == [(1, "passed", 1.0, 1.0)]
    assert Membership.objects.get(person=ann).qualified is not None
    assert judge(ann, project, RIGHT).kind == "collect"
    assert judged(project).count() == 1
    tally = PersonTally.objects.get(person=ann)
    assert (tally.practice, tally.judged) == (3, 1)


def test_practice_is_not_among_what_a_person_has_ranked_today(
    project: Project, practice: list[Comparison], annotator: Make
) -> None:
    ann = annotator("ann")
    for ranked in (0, 0, 0, 1):
        judge(ann, project, RIGHT)
        counts = counts_of(tally_for(ann, project))
        assert (counts["ranked_today"], counts["ranked"]) == (ranked, ranked)


def test_who_fails_tries_again_with_items_they_have_not_seen_and_then_a_lead_is_told(
    project: Project, practice: list[Comparison], annotator: Make
) -> None:
    ann = annotator("ann")
    first = {judge(ann, project, WRONG).comparison_id for _ in range(3)}
    second = {judge(ann, project, said).comparison_id for said in (WRONG, RIGHT, RIGHT)}
    assert not first & second
    (_, _, *one), (_, _, accuracy, agreement) = tries(ann)
    assert (one, accuracy, agreement) == ([0.0, -1.0], pytest.approx(2 / 3), pytest.approx(1 / 3))
    nothing = serve_next(person=ann, project=project)
    assert isinstance(nothing, NothingLeft)
    assert nothing.reason == "screened_out"
    notice = Notice.objects.get()
    assert (notice.kind, notice.person) == ("screened_out", ann)
    assert "in 2 tries; the last: 67 % of the pairs right, κ 0.33." in notice.text


def test_both_marks_must_be_reached(project: Project, compare: Make, annotator: Make) -> None:
    """Three of four strict pairs right: 75 %. Ties where there are none lower κ, not accuracy alone."""
    update_project(project=project, screening_items=4, screening_accuracy=70, screening_agreement=0.6)
    for number in range(4):
        mark_gold(comparison=compare(f"Practice {number}"), ranks=RIGHT, use="practice")
    ann = annotator("ann")
    for said in (RIGHT, RIGHT, RIGHT, WRONG):
        judge(ann, project, said)
    assert tries(ann) == [(1, "failed", 0.75, 0.5)]


def test_a_skipped_item_counts_as_wrong_and_the_try_goes_on(
    project: Project, practice: list[Comparison], annotator: Make
) -> None:
    ann = annotator("ann")
    for _ in range(2):
        judge(ann, project, RIGHT)
    skip(person=ann, assignment=serve(ann, project), reason="I do not know the subject")
    following = serve(ann, project)
    assert (following.kind, following.attempt) == ("practice", 2)
    assert tries(ann)[0] == (1, "failed", pytest.approx(2 / 3), 1.0)


def test_only_annotators_who_have_not_passed_are_asked(
    project: Project, practice: list[Comparison], lead: Any, annotator: Make
) -> None:
    ben = annotator("ben")
    let_pass(membership=Membership.objects.get(person=ben), by=lead)
    assert {serve(each, project).kind for each in (lead, ben)} == {"collect"}


def test_a_lead_grants_one_more_try_or_lets_a_person_pass(
    project: Project, practice: list[Comparison], annotator: Make, lead: Any
) -> None:
    ann = annotator("ann")
    member = Membership.objects.get(person=ann)
    for _ in range(6):
        judge(ann, project, WRONG)
    assert [row["out"] for row in screening_of(project)] == [True]
    granted = grant_try(membership=member, by=lead)
    assert grant_try(membership=member) == granted
    assert (granted.number, Notice.objects.get().resolution) == (3, "one more try")
    for _ in range(3):
        assert judge(ann, project, WRONG).attempt == 3
    assert serve_next(person=ann, project=project).reason == "screened_out"
    let_pass(membership=member, by=lead)
    assert serve(ann, project).kind == "collect"
    assert not Notice.objects.filter(settled=None).exists()
    with pytest.raises(ActionError, match="passed already"):
        grant_try(membership=member)


def test_with_fewer_items_than_asked_for_a_try_has_those_that_are_there(
    project: Project, compare: Make, annotator: Make
) -> None:
    update_project(project=project, screening_items=5)
    for number in range(2):
        mark_gold(comparison=compare(f"Practice {number}"), ranks=RIGHT, use="practice")
    ann = annotator("ann")
    for _ in range(2):
        judge(ann, project, RIGHT)
    assert tries(ann) == [(1, "passed", 1.0, 1.0)]


def test_without_any_practice_item_people_get_work_and_a_lead_is_told_once(
    project: Project, compare: Make, annotator: Make
) -> None:
    update_project(project=project, screening_items=5)
    compare("Work", overlap=5)
    assert {serve(annotator(name), project).kind for name in ("ann", "ben")} == {"collect"}
    assert [notice.kind for notice in Notice.objects.all()] == ["no_practice"]
    assert not ScreeningAttempt.objects.exists()


def test_items_that_are_taken_away_in_the_middle_shorten_the_try(
    project: Project, practice: list[Comparison], annotator: Make
) -> None:
    ann = annotator("ann")
    first = judge(ann, project, RIGHT)
    for each in practice:
        if each.pk != first.comparison_id:
            unmark_gold(comparison=each)
    assert serve(ann, project).kind == "collect"
    assert tries(ann) == [(1, "passed", 1.0, 1.0)]


def test_items_taken_away_before_the_first_is_judged_leave_no_try_behind(
    project: Project, practice: list[Comparison], annotator: Make
) -> None:
    ann = annotator("ann")
    serve(ann, project)
    for each in practice:
        unmark_gold(comparison=each)
    assert serve(ann, project).kind == "collect"
    assert not ScreeningAttempt.objects.exists()


def test_a_person_practises_only_in_languages_they_read(project: Project, compare: Make, annotator: Make) -> None:
    update_project(project=project, screening_items=2)
    mark_gold(comparison=compare("Wie?", language="de"), ranks=RIGHT, use="practice")
    mark_gold(comparison=compare("How?", language="en"), ranks=RIGHT, use="practice")
    ann = annotator("ann")
    Membership.objects.filter(person=ann).update(languages=["en"])
    assert judge(ann, project, RIGHT).comparison.prompt.messages[0]["content"] == "How?"
    assert tries(ann) == [(1, "passed", 1.0, 1.0)]


def test_what_a_person_had_as_work_is_no_practice_for_them(project: Project, compare: Make, annotator: Make) -> None:
    ann, comparison = annotator("ann"), compare("How?")
    judge(ann, project, RIGHT)
    mark_gold(comparison=comparison, ranks=RIGHT, use="practice")
    update_project(project=project, screening_items=1)
    compare("Work")
    assert serve(ann, project).kind == "collect"


def test_one_more_is_not_held_ahead_of_the_last_item(
    project: Project, practice: list[Comparison], annotator: Make
) -> None:
    ann = annotator("ann")
    for _ in range(2):
        judge(ann, project, RIGHT)
    last = serve(ann, project)
    assert isinstance(serve_next(person=ann, project=project, ahead=True), NothingLeft)
    assert tries(ann) == [(1, "open", None, None)]
    assert serve(ann, project).pk == last.pk


# feedback


def feedback_after(person: Any, project: Project, ranks: list[int]) -> tuple[dict[str, Any], str]:
    item = judge(person, project, ranks)
    told = practice_feedback(item, item.latest)
    return told, render_to_string("labeling/rank_feedback.html", {"feedback": told})


def test_feedback_shows_both_rankings_in_the_order_of_the_page_and_why(
    project: Project, practice: list[Comparison], annotator: Make
) -> None:
    ann = annotator("ann")
    told, html = feedback_after(ann, project, WRONG)
    letters = {answer["text"]: answer["letter"] for answer in told["answers"]}
    better, worse = letters["Boil the leaves."], letters["Steep the leaves."]
    assert (told["known"], told["yours"]) == (f"{better} ≻ {worse}", f"{worse} ≻ {better}")
    assert "Not quite" in html
    assert "<strong>steeped</strong>" in html
    assert "1 of 3" in html


def test_feedback_on_the_last_item_tells_how_the_try_ended(
    project: Project, practice: list[Comparison], annotator: Make
) -> None:
    ann, ben = annotator("ann"), annotator("ben")
    pages = [
        [feedback_after(person, project, said)[1] for _ in range(3)] for person, said in ((ann, RIGHT), (ben, WRONG))
    ]
    assert "Passed" in pages[0][2]
    assert "1 more try" in pages[1][2]
    assert "last try" in [feedback_after(ben, project, WRONG)[1] for _ in range(3)][2]


# the figures


def test_a_pair_that_was_tied_or_left_out_is_not_right() -> None:
    assert right_of([1, 1, None], [1, 2, 3]) == (0, 3)
    assert right_of([1, 2, 3], [1, 1, 2]) == (2, 2)
    assert same_of([1, 1, None], [1, 1, 2]) == (1, 1)


def test_kappa_does_not_depend_on_which_completion_stands_first() -> None:
    """Known answers that all prefer the first: κ would be 0 for 9 of 10 right, were pairs not counted both ways."""
    rows = [(item, [1, 2] if item else [2, 1], [1, 2]) for item in range(10)]
    turned = [(item, said[::-1], known[::-1]) for item, said, known in rows]
    assert kappa_with_known(rows).value == pytest.approx(0.8)
    assert kappa_with_known(rows).value == pytest.approx(kappa_with_known(turned).value)
    assert kappa_with_known(rows).n == 10


def test_figures_say_why_they_are_undefined() -> None:
    assert "judged yet" in accuracy_on_known([]).undefined_because
    assert "twice" in self_consistency([]).undefined_because
    assert "tie both times" in kappa_with_known([(1, [1, 1], [1, 1])]).undefined_because
    assert "No pair" in kappa_with_known([(1, [None, None], [1, 2])]).undefined_because
