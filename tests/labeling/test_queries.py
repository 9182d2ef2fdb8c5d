"""What pages and commands read: counts, splits, rankings, in a few queries each."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labeling.actions.comparisons import change_comparison
from labeling.actions.gold import mark_gold, unmark_gold
from labeling.actions.leases import skip
from labeling.actions.projects import add_member, create_project, update_project
from labeling.actions.serving import serve_next
from labeling.actions.submitting import amend_judgment, submit_judgment
from labeling.models import Assignment, Comparison
from labeling.queries.disagreements import most_split
from labeling.queries.progress import people_progress, project_progress
from labeling.queries.rankings import current_rankings
from labeling.queries.votes import agreement_of_project, pair_votes
from tests.labeling.counted import assert_tallies_are_true

pytestmark = pytest.mark.django_db


def rank(person, project, ranks):
    """Rank what comes next, in canonical order."""
    assignment = serve_next(person=person, project=project)
    submit_judgment(person=person, assignment_id=assignment.pk, key="k", ranks=ranks, active_seconds=10)
    return assignment


def test_progress_counts_what_is_wanted_given_and_open(annotator, project, compare):
    ann, ben = annotator("ann"), annotator("ben", simulated=True)
    for n in range(4):
        compare(f"What is {n} + {n}?", split="heldout" if n == 3 else "train")
    rank(ann, project, [1, 2])
    skip(person=ann, assignment=serve_next(person=ann, project=project))
    serve_next(person=ann, project=project)
    for _ in range(4):
        rank(ben, project, [1, 2])
    change_comparison(comparison=project.comparisons.last(), state="retired")
    progress = project_progress(project)
    assert (progress.prompts, progress.prompts_train, progress.prompts_heldout) == (4, 3, 1)
    assert (progress.prompts_with_completions, progress.comparisons, progress.wanted) == (4, 3, 6)
    assert (progress.judgments, progress.live, progress.skipped) == (4, 1, 1), "ben's of the retired one is set aside"
    assert (progress.people, progress.simulated_judgments, progress.done_comparisons) == (2, 4, 1)
    assert 0 < progress.share <= 1


def test_progress_of_an_empty_project_is_nothing_of_nothing(project):
    progress = project_progress(project)
    assert (progress.comparisons, progress.wanted, progress.judgments, progress.share) == (0, 0, 0, 0.0)


def test_people_are_listed_with_what_they_did(annotator, project, compare):
    ann, _ = annotator("ann"), annotator("idle")
    compare("How do I brew tea?")
    rank(ann, project, [1, 2])
    rows = people_progress(project)
    assert [(row.name, row.judged) for row in rows] == [("ann", 1), ("idle", 0), ("lena", 0)]
    assert rows[0].active_seconds == 10


def test_the_most_split_comparison_comes_first_and_agreed_ones_not_at_all(annotator, project, compare):
    people = [annotator(name) for name in ("ann", "ben", "cat", "dan")]
    agreed, half, split = (compare(f"Pick {n}.", "a", "b", overlap=4, priority=-n).pk for n in range(3))
    votes = {agreed: [[1, 2]] * 4, half: [[1, 2]] * 3 + [[2, 1]], split: [[1, 2], [2, 1]] * 2}
    for comparison in (agreed, half, split):
        for person, ranks in zip(people, votes[comparison], strict=True):
            assert rank(person, project, ranks).comparison_id == comparison
    found = most_split(project)
    assert [row.comparison.pk for row in found] == [split, half]
    assert found[0].score == pytest.approx(4 / 6)
    assert [judge.name for judge in found[0].judges] == ["ann", "ben", "cat", "dan"]


def test_what_is_read_is_the_latest_revision(annotator, project, compare):
    ann = annotator("ann")
    compare("How do I brew tea?")
    assignment = rank(ann, project, [1, 2])
    amend_judgment(person=ann, assignment_id=assignment.pk, key="k2", ranks=[2, 1])
    (row,) = current_rankings(project)
    assert (row.ranks, row.completions) == ([2, 1], ["Boil the leaves.", "Steep the leaves."])
    assert pair_votes(project).label.tolist() == [-1.0]


def test_training_never_reads_comparisons_of_two_models(annotator, project, compare):
    ann = annotator("ann")
    compare("How do I brew tea?", purpose="evaluate")
    rank(ann, project, [1, 2])
    assert list(current_rankings(project)) == []
    assert len(list(current_rankings(project, purpose=None))) == 1


def test_agreement_can_leave_out_simulated_annotators(annotator, project, compare):
    ann, bot = annotator("ann"), annotator("bot", simulated=True)
    compare("How do I brew tea?")
    rank(ann, project, [1, 2])
    rank(bot, project, [1, 2])
    report = agreement_of_project(project, replicates=20)
    assert (report["judgments"], report["simulated_judgments"]) == (2, 1)
    people_only = agreement_of_project(project, replicates=20, annotator__simulated=False)
    assert people_only["percent_agreement"]["undefined_because"]


def test_reading_takes_the_same_number_of_queries_however_much_there_is(
    annotator, project, compare, django_assert_max_num_queries
):
    people = [annotator("ann"), annotator("ben")]
    for n in range(12):
        compare(f"What is {n} + {n}?")
    for person in people:
        for n in range(12):
            rank(person, project, [1, 2] if n % 2 else [2, 1])
    assert Assignment.objects.filter(state="judged").count() == 24
    with django_assert_max_num_queries(6):
        project_progress(project)
    with django_assert_max_num_queries(3):
        most_split(project)
    with django_assert_max_num_queries(4):
        assert len(list(current_rankings(project))) == 24


def test_the_home_page_asks_as_many_queries_for_thirty_projects_as_for_one(annotator, project, lead, signed_in):
    ann = annotator("ann")
    browser = signed_in(ann)
    browser.get("/")
    with CaptureQueriesContext(connection) as for_one:
        browser.get("/")
    for number in range(29):
        other = create_project(slug=f"other-{number}", name=f"Other {number}", by=lead)
        add_member(project=other, person=ann)
    with CaptureQueriesContext(connection) as for_thirty:
        assert browser.get("/").content.count(b"You are an annotator here") == 30
    assert len(for_thirty) == len(for_one)


def test_the_home_page_of_an_annotator_moves_alike_whatever_an_item_was_for(
    annotator, project, compare, lead, signed_in
):
    update_project(project=project, gold_percent=50)
    for number in range(6):
        compare(f"What is {number} + {number}?", overlap=9)
        mark_gold(comparison=compare(f"What is {number} + 1?", "2", "3"), ranks=[1, 2])
    ann, kinds = annotator("ann"), set()
    for ranked in range(1, 7):
        kinds.add(rank(ann, project, [1, 2]).kind)
        page = signed_in(ann).get("/").content.decode()
        assert f"You have ranked {ranked} here." in page
        assert "Judgments" not in page
    assert kinds == {"gold", "collect"}
    assert "Judgments" in signed_in(lead).get("/").content.decode()


def test_progress_counts_what_is_given_of_what_is_still_wanted(annotator, project, compare):
    ann, ben = annotator("ann"), annotator("ben")
    for number in range(3):
        compare(f"What is {number} + {number}?", overlap=2)
    done = [rank(person, project, [1, 2]).comparison for person in (ann, ben) for _ in range(2)]
    assert [each.pk for each in done] == [done[0].pk, done[1].pk, done[2].pk, done[0].pk], "breadth first"
    assert (project_progress(project).judgments, project_progress(project).wanted) == (4, 6)
    change_comparison(comparison=done[0], state="retired")
    assert (project_progress(project).judgments, project_progress(project).wanted) == (2, 4)
    mark_gold(comparison=done[1], ranks=[1, 2])
    assert (project_progress(project).judgments, project_progress(project).wanted) == (1, 2)
    rank(ann, project, [1, 2])
    assert (project_progress(project).judgments, project_progress(project).share) == (2, 1.0)
    unmark_gold(comparison=Comparison.objects.get(pk=done[1].pk))
    change_comparison(comparison=Comparison.objects.get(pk=done[0].pk), state="open")
    assert (project_progress(project).judgments, project_progress(project).wanted) == (5, 6)
    assert_tallies_are_true(project)
