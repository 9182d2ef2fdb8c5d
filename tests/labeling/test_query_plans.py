"""The queue's questions are answered by their index, in both databases, however much there is."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labeling.actions import queue
from labeling.actions.importing import import_prompts
from labeling.actions.leases import release, skip
from labeling.actions.projects import update_project
from labeling.actions.serving import serve_next
from labeling.actions.specials import pick_repeat
from labeling.models import Assignment, Comparison, Completion, PersonTally
from tests.labeling.plans import take_for_large

pytestmark = pytest.mark.django_db


def plan(sql, values):
    """The plan as text, for a queue that is long."""
    take_for_large()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("EXPLAIN (COSTS OFF) " + sql, values)
            return "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("EXPLAIN QUERY PLAN " + sql, values)
        return "\n".join(row[-1] for row in cursor.fetchall())


@pytest.fixture
def comparison(annotator, project, compare):
    """One of a dozen that six people have looked at: few enough people that more rows mean more a person, and enough of
    them that all who looked at a comparison are more than the one that is asked for."""
    update_project(project=project, skips_to_lead=0)
    made = [compare(f"What is {number} + {number}?", overlap=6) for number in range(12)]
    for person in map(annotator, ["ann", "ben", "cat", "dan", "eve", "fay"]):
        for _ in made:
            skip(person=person, assignment=serve_next(person=person, project=project))
    return made[-1]


@pytest.mark.parametrize(
    ("place", "at"), [(queue._BEHIND, [0]), (queue._REST_OF_LEVEL, [0, 5])], ids=["levels behind", "rest of a level"]
)
def test_the_head_of_the_queue_is_read_from_its_index_in_order(comparison, place, at):
    sql = queue._HEAD.format(place=place) + " ORDER BY c.level, c.id LIMIT 32"
    told = plan(sql, [comparison.lane_id, *at, PersonTally.objects.first().person_id])
    assert "comparison_queue" in told
    assert "sort" not in told.lower().replace("sorted", "")
    assert "b-tree" not in told.lower()
    assert told.count("SCAN c") == told.count("Seq Scan") == 0


def test_what_a_person_has_judged_is_looked_up_by_comparison_and_person(comparison):
    sql = queue._HEAD.format(place=queue._BEHIND) + " ORDER BY c.level, c.id LIMIT 32"
    told = plan(sql, [comparison.lane_id, 0, PersonTally.objects.first().person_id])
    wanted = {"sqlite": "comparison_id=? AND annotator_id=? AND attempt=?", "postgresql": "one_assignment_a_person"}
    assert wanted[connection.vendor] in told


def test_an_own_item_to_repeat_is_found_from_the_place_that_was_drawn(comparison, project):
    """Whatever the person has judged: from the index of their items, in its order."""
    tally = PersonTally.objects.first()
    PersonTally.objects.filter(pk=tally.pk).update(opened=50_000)
    tally.refresh_from_db()
    with CaptureQueriesContext(connection) as captured:
        pick_repeat(tally.person, project, tally)
    asked = [each["sql"] for each in captured.captured_queries if '"number" ' in each["sql"]]
    assert asked
    for sql in asked:
        told = plan(sql, [])
        assert "assignment_of_person" in told
        assert "sort" not in told.lower().replace("sorted", "")
        assert "b-tree" not in told.lower()


def test_serving_asks_the_same_number_of_questions_whatever_there_is(
    annotator, project, compare, django_assert_max_num_queries
):
    for number in range(60):
        compare(f"What is {number} + {number}?")
    ann = annotator("ann")
    serve_next(person=ann, project=project)
    Comparison.objects.filter(pk__lt=Comparison.objects.last().pk).update(state="retired")
    release(person=ann, assignment=Assignment.objects.get())
    with django_assert_max_num_queries(20):
        serve_next(person=ann, project=project)


def test_who_has_judged_much_goes_on_where_they_were(annotator, project, compare, monkeypatch):
    """The hint: after 200 own judgments the queue is read from the place reached, and from its start once a minute."""
    first = [compare(f"What is {number} + {number}?").pk for number in range(6)]
    ann = annotator("ann")
    served = serve_next(person=ann, project=project)
    PersonTally.objects.filter(person=ann).update(judged=500)
    Comparison.objects.filter(pk=first[1]).update(state="paused")
    skip(person=ann, assignment=served)
    third = serve_next(person=ann, project=project)
    assert third.comparison_id == first[2]
    skip(person=ann, assignment=third)
    Comparison.objects.filter(pk=first[1]).update(state="open")
    fourth = serve_next(person=ann, project=project)
    assert fourth.comparison_id == first[3], "found a little later: the place reached lies behind it"
    skip(person=ann, assignment=fourth)
    monkeypatch.setattr(queue.PASSED, "seconds", 0)
    assert serve_next(person=ann, project=project).comparison_id == first[1], "the whole queue is read again"


def test_nobody_is_told_that_nothing_is_left_on_the_word_of_a_hint(annotator, project, compare):
    first, second = (compare(f"What is {number} + {number}?").pk for number in range(2))
    ann = annotator("ann")
    Comparison.objects.filter(pk=first).update(state="paused")
    served = serve_next(person=ann, project=project)
    assert served.comparison_id == second
    PersonTally.objects.filter(person=ann).update(judged=500)
    queue.PASSED.set(ann.pk, Comparison.objects.get(pk=second).lane_id, (served.comparison.level, second))
    skip(person=ann, assignment=served)
    Comparison.objects.filter(pk=first).update(state="open")
    assert serve_next(person=ann, project=project).comparison_id == first


def test_a_long_import_is_planned_by_what_it_has_stored(project):
    """Before anybody could have counted its rows PostgreSQL would read a whole table for each batch of lines."""
    if connection.vendor != "postgresql":
        return  # SQLite plans without counts
    lines = [json.dumps({"prompt": f"Question {number}?", "completions": ["Yes.", "No."]}) for number in range(1100)]
    import_prompts(project=project, lines=lines)
    completion = Completion.objects.last()
    looked_up = Completion.objects.filter(prompt__in=range(completion.prompt_id - 5, completion.prompt_id))
    assert "Seq Scan" not in looked_up.explain()
