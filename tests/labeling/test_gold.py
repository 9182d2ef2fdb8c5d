"""Known answers: marking, promoting, and serving them unseen."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, override_settings

from labeling.actions.comparisons import change_comparison
from labeling.actions.errors import ActionError
from labeling.actions.gold import mark_gold, promote_agreed, promote_one, unmark_gold
from labeling.actions.nothing import NothingLeft
from labeling.actions.projects import update_project
from labeling.actions.serving import serve_next
from labeling.actions.specials import pick_gold
from labeling.actions.submitting import submit_judgment
from labeling.actions.tallies import tally_of
from labeling.models import Assignment, Comparison, GoldAnswer, PersonTally, Project
from labeling.queries.progress import project_progress
from labeling.queries.rankings import current_rankings
from labeling.queries.votes import agreement_of_project

pytestmark = pytest.mark.django_db
PLAIN = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
Make = Callable[..., Any]


def serve(person: Any, project: Project) -> Assignment:
    served = serve_next(person=person, project=project)
    assert isinstance(served, Assignment), served
    return served


def judge(
    person: Any, project: Project, ranks: Callable[[Assignment], list[int]] | list[int] | None = None
) -> Assignment:
    served = serve(person, project)
    said = ranks(served) if callable(ranks) else ranks or [1, 2]
    submit_judgment(person=person, assignment_id=served.pk, key=f"k{served.pk}", ranks=said)
    return Assignment.objects.get(pk=served.pk)


def hide(compare: Make, many: int = 1, ranks: tuple[int, ...] = (1, 2)) -> list[Comparison]:
    found = [compare(f"Which cup for tea no. {number}?") for number in range(many)]
    for each in found:
        mark_gold(comparison=each, ranks=list(ranks))
    return found


# marking


def test_a_marked_comparison_collects_no_more_and_the_counts_know_it(
    project: Project, compare: Make, lead: Any, annotator: Make
) -> None:
    first, second = compare("How?"), compare("Why?")
    held = serve(annotator("ann"), project)
    assert (held.comparison_id, project_progress(project).wanted) == (first.pk, 4)
    gold = mark_gold(comparison=first, ranks=[2, 1], explanation=" Steeping is right. ", by=lead)
    first.refresh_from_db()
    held.refresh_from_db()
    assert (first.gold, first.live, held.state) == (True, 0, "expired")
    assert (gold.ranks, gold.explanation, gold.author, gold.source) == ([2, 1], "Steeping is right.", lead, "expert")
    assert (project_progress(project).wanted, project_progress(project).live) == (2, 0)
    assert {serve(annotator(name), project).comparison_id for name in ("ben", "cid")} == {second.pk}


def test_what_was_open_when_it_was_marked_may_still_be_submitted_and_is_kept(
    project: Project, compare: Make, annotator: Make
) -> None:
    ann, comparison = annotator("ann"), compare("How?")
    held = serve(ann, project)
    mark_gold(comparison=comparison, ranks=[1, 2])
    submit_judgment(person=ann, assignment_id=held.pk, key="k", ranks=[2, 1])
    held.refresh_from_db()
    assert (held.state, held.kind) == ("surplus", "collect")


def test_unmarking_restores_the_comparison_and_the_counts(project: Project, compare: Make, annotator: Make) -> None:
    comparison = compare("How?")
    judge(annotator("ann"), project)
    before = project_progress(project)
    mark_gold(comparison=comparison, ranks=[1, 2])
    update_project(project=project, gold_percent=50)
    unmark_gold(comparison=comparison)
    unmark_gold(comparison=comparison)
    comparison.refresh_from_db()
    assert (comparison.gold, comparison.live, comparison.judged) == (False, 1, 1)
    assert project_progress(project) == before
    assert not GoldAnswer.objects.exists()
    assert serve(annotator("ben"), project).kind == "collect"


def test_marking_again_changes_the_answer(compare: Make) -> None:
    comparison = compare("How?")
    mark_gold(comparison=comparison, ranks=[1, 2])
    mark_gold(comparison=comparison, ranks=[2, 1], use="practice")
    assert [(gold.ranks, gold.use) for gold in GoldAnswer.objects.all()] == [([2, 1], "practice")]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"ranks": [1, 2, 3]}, "ranks"),
        ({"ranks": [1, 1]}, "ranks"),
        ({"ranks": [1, 2], "use": "open"}, "use"),
        ({"ranks": [1, 2], "source": "me"}, "source"),
        ({"ranks": [1, 2], "explanation": 5}, "explanation"),
    ],
)
def test_an_illegal_answer_is_refused_by_field(compare: Make, said: dict[str, Any], field: str) -> None:
    comparison = compare("How?")
    with pytest.raises(ActionError) as refused:
        mark_gold(comparison=comparison, **said)
    assert refused.value.field == field
    comparison.refresh_from_db()
    assert not comparison.gold


def test_a_tie_may_be_the_answer_of_a_practice_item(compare: Make) -> None:
    assert mark_gold(comparison=compare("How?"), ranks=[1, 1], use="practice").ranks == [1, 1]


def test_retired_comparisons_and_those_of_two_models_are_no_gold(compare: Make) -> None:
    retired = change_comparison(comparison=compare("How?"), state="retired")
    for each in (retired, compare("Who?", purpose="evaluate")):
        with pytest.raises(ActionError):
            mark_gold(comparison=each, ranks=[1, 2])


# promoting what all agree on


def test_what_all_people_agree_on_is_promoted_and_nothing_else(
    project: Project, compare: Make, annotator: Make, lead: Any
) -> None:
    agreed, split, other, tied = (compare(f"Question {name}?", overlap=2) for name in ("a", "b", "c", "d"))
    said = {agreed.pk: ([2, 1], [2, 1]), split.pk: ([2, 1], [1, 2]), tied.pk: ([1, 1], [1, 1])}
    people = [annotator(name) for name in ("ann", "ben")]
    for number, person in enumerate(people):
        for _ in range(4):
            judge(person, project, lambda held, n=number: said.get(held.comparison_id, ([1, 2],) * 2)[n])
    promoted = promote_agreed(project=project, at_least=2, by=lead)
    assert [(gold.comparison_id, gold.ranks, gold.source) for gold in promoted] == [
        (agreed.pk, [2, 1], "agreed"),
        (other.pk, [1, 2], "agreed"),
    ]
    with pytest.raises(ActionError, match="Not everybody"):
        promote_one(comparison=split)
    assert promote_agreed(project=project, at_least=2) == []


def test_programs_that_judge_do_not_make_a_known_answer(project: Project, compare: Make, annotator: Make) -> None:
    compare("How?")
    judge(annotator("bot", simulated=True), project)
    judge(annotator("ann"), project)
    assert promote_agreed(project=project, at_least=2) == []


# serving


def test_gold_comes_at_the_rate_of_the_project_to_each_person_and_never_twice(
    project: Project, compare: Make, annotator: Make
) -> None:
    update_project(project=project, gold_percent=20, overlap=5)
    hidden = hide(compare, 5)
    for number in range(20):
        compare(f"How long does tea no. {number} steep?", overlap=5)
    for name in ("ann", "ben"):
        person = annotator(name)
        kinds = [judge(person, project).kind for _ in range(20)]
        assert [kinds[start : start + 5].count("gold") for start in range(0, 20, 5)] == [1, 1, 1, 1]
        tally = PersonTally.objects.get(project=project, person=person)
        assert (tally.gold, tally.judged, tally.said) == (4, 16, 20)
    ann = Assignment.objects.filter(annotator__username="ann", kind="gold").values_list("comparison", flat=True)
    assert len(set(ann)) == 4
    assert set(ann) <= {each.pk for each in hidden}


def test_who_has_had_it_as_work_or_as_practice_never_gets_it_as_gold(
    project: Project, compare: Make, annotator: Make
) -> None:
    ann, ben = annotator("ann"), annotator("ben")
    worked, practised = compare("How?"), compare("Why?")
    update_project(project=project, gold_percent=50)
    judge(ann, project)
    mark_gold(comparison=worked, ranks=[1, 2])
    Assignment.objects.create(
        project=project,
        comparison=practised,
        annotator=ann,
        kind="practice",
        attempt=1,
        state="judged",
        shown=[0, 1],
        expires="2030-01-01T00:00Z",
    )
    mark_gold(comparison=practised, ranks=[1, 2])
    assert isinstance(serve_next(person=ann, project=project), NothingLeft)
    update_project(project=project, gold_percent=50)
    compare("Who?"), compare("When?")
    assert {judge(ann, project).kind for _ in range(2)} == {"collect"}
    assert "gold" in {judge(ben, project).kind for _ in range(2)}


def test_each_person_has_an_order_of_their_own(project: Project, compare: Make, annotator: Make) -> None:
    hide(compare, 30)
    lanes = list(project.lanes.values_list("pk", flat=True))
    people = [annotator(f"person-{letter}") for letter in "abcdef"]
    first = [pick_gold(each, project, lanes, tally_of(project, each)) for each in people]
    assert len({taking.comparison_id for taking in first}) > 1
    again = [pick_gold(each, project, lanes, tally_of(project, each)) for each in people]
    assert again == first


def test_gold_keeps_its_distance_like_everything_else(project: Project, compare: Make, annotator: Make) -> None:
    update_project(project=project, gold_percent=50, spacing=2)
    for prompt in "ABCD":
        for number in range(4):
            item = compare(f"What is {prompt}?", f"{number}", f"{number + 10}", overlap=9)
            if number == 3:
                mark_gold(comparison=item, ranks=[1, 2])
    ann, lately, kinds = annotator("ann"), [], set()
    for _ in range(16):
        if isinstance(serve_next(person=ann, project=project), NothingLeft):
            break
        held = judge(ann, project)
        if held.kind == "gold":
            assert held.comparison.prompt_id not in lately[-2:]
        lately.append(held.comparison.prompt_id)
        kinds.add(held.kind)
    assert kinds == {"gold", "collect"}


def test_gold_is_never_in_agreement_or_in_training(project: Project, compare: Make, annotator: Make) -> None:
    update_project(project=project, gold_percent=50, repeat_percent=50, repeat_gap=1, spacing=1)
    hide(compare, 4)
    for number in range(4):
        compare(f"How long does tea no. {number} steep?")
    people = [annotator(name) for name in ("ann", "ben")]
    for person in people:
        for _ in range(8):
            if isinstance(serve_next(person=person, project=project), Assignment):
                judge(person, project)
    kinds = set(Assignment.objects.filter(state="judged").values_list("kind", flat=True))
    assert kinds == {"collect", "gold", "repeat"}
    collected = set(Assignment.objects.filter(kind="collect", state="judged").values_list("latest", flat=True))
    assert {row.judgment_id for row in current_rankings(project)} == collected
    assert agreement_of_project(project, replicates=10)["judgments"] == len(collected)
    progress = project_progress(project)
    assert (progress.judgments, progress.surplus) == (len(collected), 0)


# the same page, the same JSON


@pytest.fixture
def two_that_look_alike(project: Project, compare: Make, annotator: Make) -> list[Assignment]:
    """A gold and a normal item of the same texts, each open with a person whose name is as long, in the same order."""
    update_project(project=project, gold_percent=50, seed=5)
    texts = ("Boil the leaves.", "Steep the leaves.")
    hidden = compare("How do I brew tea A?", *texts)
    mark_gold(comparison=hidden, ranks=[1, 2], explanation="An explanation that nobody may see.")
    compare("How do I brew tea B?", *texts)
    held: dict[tuple[str, tuple[int, ...]], Assignment] = {}
    for letter in "abcdefghijklmnop":
        assignment = serve(annotator(f"person-{letter}"), project)
        held[assignment.kind, tuple(assignment.shown)] = assignment
        pair = [held.get((kind, (0, 1))) for kind in ("gold", "collect")]
        if all(pair):
            return pair
        Comparison.objects.update(overlap=50)
    raise AssertionError("no gold among sixteen people")


def masked(text: str, assignment: Assignment) -> str:
    """Without what differs between any two items: ids, names, keys, times, the letter of the question."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "TIME", text)
    text = re.sub(r'(csrfmiddlewaretoken"? value|name="key" value|data-csrf|nonce)="[^"]+"', "KEY", text)
    text = re.sub(r'(hx-headers=\'[^\']+\'|content="[A-Za-z0-9]{64}"|[A-Za-z0-9]{64})', "TOKEN", text)
    text = re.sub(rf'(data-item="|/rank/|"id":){assignment.pk}\b', "ID", text)
    text = re.sub(rf'data-person="{assignment.annotator_id}"', "PERSON", text)
    return re.sub(r"person-.|tea [AB]", "NAME", text)


def test_gold_and_the_rest_are_the_same_page_byte_for_byte(two_that_look_alike: list[Assignment]) -> None:
    pages, headers = [], []
    with override_settings(STORAGES=PLAIN, SECURE_SSL_REDIRECT=False):
        for assignment in two_that_look_alike:
            client = Client()
            client.force_login(assignment.annotator)
            answer = client.get("/p/tea/rank/")
            assert f'data-item="{assignment.pk}"' in answer.content.decode()
            pages.append(masked(answer.content.decode(), assignment))
            headers.append({name: value for name, value in answer.headers.items() if "nonce" not in value})
    assert "An explanation" not in pages[0]
    assert pages[0] == pages[1]
    assert headers[0].keys() == headers[1].keys()


def test_gold_and_the_rest_are_the_same_json_byte_for_byte_and_so_are_ones_own_lists(
    two_that_look_alike: list[Assignment],
) -> None:
    answers: list[list[str]] = []
    with override_settings(STORAGES=PLAIN, SECURE_SSL_REDIRECT=False):
        for assignment in two_that_look_alike:
            client = Client()
            client.force_login(assignment.annotator)
            calls = [
                client.post("/api/projects/tea/next/"),
                client.get("/api/assignments/"),
                client.get(f"/api/assignments/{assignment.pk}/"),
                client.post(f"/api/assignments/{assignment.pk}/renew/"),
                client.post(
                    f"/api/assignments/{assignment.pk}/judgment/",
                    json.dumps({"key": "k", "ranks": [1, 2]}),
                    content_type="application/json",
                ),
                client.get("/api/assignments/?state=judged"),
            ]
            assert [call.status_code for call in calls] == [200] * 6
            first = [masked(call.content.decode(), assignment) for call in calls[:4]]
            stored = calls[4].json() | {"judgment": 0, "next": None, "in_hand": 0}
            answers.append(
                [*first, json.dumps(stored), masked(calls[5].content.decode().split('"next"')[0], assignment)]
            )
    assert answers[0] == answers[1]
    assert not re.search(r"gold|kind|repeat|attempt", " ".join(answers[0]))
