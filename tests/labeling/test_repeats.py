"""A person's own earlier items again, and what they tell; judgments of every kind in and out of files."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from labeling.actions.draws import draw_order
from labeling.actions.gold import mark_gold
from labeling.actions.importing import import_judgments
from labeling.actions.nothing import NothingLeft
from labeling.actions.projects import create_project, update_project
from labeling.actions.serving import serve_next
from labeling.actions.specials import pick_repeat
from labeling.actions.submitting import submit_judgment
from labeling.actions.tallies import count_person, tally_of
from labeling.models import Assignment, Comparison, GoldAnswer, Judgment, PersonTally, Project
from labeling.queries.export import export_lines
from labeling.queries.progress import project_progress
from labeling.queries.quality import latest_gold, measured, self_consistency_of_people

pytestmark = pytest.mark.django_db
Make = Callable[..., Any]


def judge(person: Any, project: Project, ranks: Callable[[Assignment], list[int]]) -> Assignment:
    served = serve_next(person=person, project=project)
    assert isinstance(served, Assignment), served
    submit_judgment(person=person, assignment_id=served.pk, key=f"k{served.pk}", ranks=ranks(served))
    return Assignment.objects.get(pk=served.pk)


@pytest.fixture
def repeating(project: Project, compare: Make) -> Project:
    update_project(project=project, repeat_percent=20, repeat_gap=5, spacing=0, overlap=5)
    for number in range(60):
        compare(f"How long does tea no. {number} steep?", overlap=5)
    return project


def test_own_items_come_back_after_the_gap_once_each_and_fill_no_slot(repeating: Project, annotator: Make) -> None:
    ann = annotator("ann")
    done = [judge(ann, repeating, lambda _: [1, 2]) for _ in range(50)]
    repeats = [each for each in done if each.kind == "repeat"]
    assert 8 <= len(repeats) <= 10
    assert len({each.comparison_id for each in repeats}) == len(repeats)
    first = {each.comparison_id: each for each in done if each.kind == "collect"}
    assert all(each.number - first[each.comparison_id].number >= 5 for each in repeats)
    assert {each.slot for each in repeats} == {None}
    assert len(first) == project_progress(repeating).judgments == 50 - len(repeats)
    assert set(Comparison.objects.filter(pk__in=first).values_list("live", "judged")) == {(1, 1)}
    assert PersonTally.objects.get(person=ann).repeats == len(repeats)


def test_the_order_of_a_repeat_is_drawn_anew(repeating: Project, annotator: Make) -> None:
    ann = annotator("ann")
    done = [judge(ann, repeating, lambda _: [1, 2]) for _ in range(60)]
    repeats = [each for each in done if each.kind == "repeat"]
    assert repeats
    for each in repeats:
        assert each.shown == draw_order(repeating.seed, each.comparison_id, ann.pk, 2, attempt=1)
    orders = [draw_order(1, 2, 3, 9, attempt) for attempt in range(3)]
    assert orders[0] != orders[1] != orders[2]


def test_self_consistency_counts_the_pairs_said_the_same_both_times(repeating: Project, annotator: Make) -> None:
    ann, ben = annotator("ann"), annotator("ben")
    for _ in range(50):
        judge(ann, repeating, lambda _: [1, 2])
        judge(ben, repeating, lambda held: [1, 2] if held.kind == "collect" or held.number % 2 else [2, 1])
    by_name = {each.person.username: each for each in self_consistency_of_people(repeating)}
    assert by_name["ann"].figure.value == 1.0
    mine = Assignment.objects.filter(annotator=ben, kind="repeat")
    odd = sum(number % 2 for number in mine.values_list("number", flat=True))
    figure = by_name["ben"].figure
    assert figure.value == pytest.approx(odd / mine.count())
    assert (figure.n, figure.low - 1e-9 <= figure.value <= figure.high + 1e-9) == (mine.count(), True)


def test_repeats_are_looked_up_through_an_index_whatever_a_person_has_judged(
    repeating: Project, annotator: Make
) -> None:
    """The plan for a person with thousands of judgments: no scan of the table, no sort."""
    ann = annotator("ann")
    for _ in range(6):
        judge(ann, repeating, lambda _: [1, 2])
    template = Assignment.objects.filter(annotator=ann).first()
    others = Comparison.objects.exclude(assignments__annotator=ann)
    Assignment.objects.bulk_create(
        Assignment(
            project=repeating,
            comparison=each,
            annotator=ann,
            state="judged",
            slot=4,
            shown=[0, 1],
            expires=template.expires,
            number=6 + place,
        )
        for place, each in enumerate(others)
    )
    PersonTally.objects.filter(person=ann).update(opened=60)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE labeling_assignment")
            for way in ("seqscan", "bitmapscan", "sort"):  # cheap for sixty rows: can it do without?
                cursor.execute(f"SET LOCAL enable_{way} = off")
    tally = tally_of(repeating, ann)
    with _plans() as plans:
        assert pick_repeat(ann, repeating, tally) is not None
        latest_gold(repeating, ann, 20, None)
        list(measured(repeating, "repeat").values_list("pk", flat=True))
    assert "assignment_of_person" in plans[0]
    assert "SORT" not in plans[0].upper().replace("SORT KEY", "")
    assert all("assignment_not_collected" in plan for plan in plans[-2:]), plans[-2:]


class _plans:
    """The plans of all SELECTs that run inside."""

    def __enter__(self) -> list[str]:
        self.found: list[str] = []
        self.hook = connection.execute_wrapper(self._explain)
        self.hook.__enter__()
        return self.found

    def __exit__(self, *error: Any) -> None:
        self.hook.__exit__(*error)

    def _explain(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT"):
            explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
            execute(f"{explain} {sql}", params, many, context)
            self.found.append(" ".join(str(row) for row in context["cursor"].fetchall()))
        return execute(sql, params, many, context)


# files


@pytest.fixture
def lived(project: Project, compare: Make, annotator: Make) -> Project:
    """Judgments of all four kinds, surplus ones, hidden and practice gold."""
    update_project(
        project=project,
        gold_percent=25,
        repeat_percent=25,
        repeat_gap=2,
        screening_items=2,
        screening_tries=9,
        overlap=3,
    )
    for number in range(3):
        hidden, practice = compare(f"Hidden {number}"), compare(f"Practice {number}")
        mark_gold(comparison=hidden, ranks=[1, 2], source="agreed")
        mark_gold(comparison=practice, ranks=[2, 1], use="practice", explanation="So it is.")
    for number in range(12):
        compare(f"How long does tea no. {number} steep?", overlap=3)
    for turn, name in enumerate(("ann", "ben", "cid")):
        person = annotator(name)
        for step in range(16):
            if isinstance(serve_next(person=person, project=project), NothingLeft):
                break
            right = turn == step == 0  # ann fails her first try
            judge(person, project, lambda held, r=right: [1, 2] if r or held.kind != "practice" else [2, 1])
    late = Assignment.objects.filter(kind="collect", state="judged").first()
    Comparison.objects.filter(pk=late.comparison_id).update(
        live=late.comparison.live - 1, judged=late.comparison.judged - 1
    )
    Assignment.objects.filter(pk=late.pk).update(state="surplus", slot=None)
    count_person(project.pk, late.annotator_id, judged=-1, surplus=+1)
    return project


def test_an_export_holds_every_kind_and_imports_to_the_very_same_export(lived: Project) -> None:
    kinds = set(Assignment.objects.filter(state="judged").values_list("kind", "attempt"))
    assert {("collect", 0), ("gold", 0), ("repeat", 1), ("practice", 1), ("practice", 2)} <= kinds
    lines = list(export_lines(lived))
    copy = create_project(slug="copy", name="Copy", k=2, overlap=2)
    report = import_judgments(project=copy, lines=lines)
    assert (report.stored, report.bad_count, report.added["known answers"]) == (True, 0, 6)
    assert list(export_lines(copy)) == lines
    assert project_progress(copy).wanted == project_progress(lived).wanted
    for tally in PersonTally.objects.filter(project=lived):
        again = PersonTally.objects.get(project=copy, person=tally.person)
        for name in ("judged", "surplus", "gold", "repeats", "practice"):
            assert getattr(again, name) == getattr(tally, name), name


def test_the_same_file_again_adds_nothing(lived: Project) -> None:
    lines = list(export_lines(lived))
    before = Judgment.objects.count()
    report = import_judgments(project=lived, lines=lines)
    assert (report.stored, sum(report.added.values()), Judgment.objects.count()) == (True, 0, before)


def line(**fields: Any) -> str:
    return json.dumps({"prompt": "How?", "completions": ["A", "B"]} | fields)


def test_known_answers_follow_the_canonical_order_of_what_is_stored(project: Project) -> None:
    import_judgments(project=project, lines=[line(gold={"ranks": [1, 2]})])
    turned = line(completions=["B", "A"], gold={"ranks": [2, 1]})
    assert import_judgments(project=project, lines=[turned]).duplicates == 1
    assert GoldAnswer.objects.get().ranks == [1, 2]
    other = import_judgments(project=project, lines=[line(gold={"ranks": [2, 1]})])
    assert (other.stored, other.bad[0].field) == (False, "gold")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"gold": [1, 2]}, "gold"),
        ({"gold": {"ranks": [1, 2, 3]}}, "gold.ranks"),
        ({"gold": {"ranks": [1, 1]}}, "gold.ranks"),
        ({"gold": {"ranks": [1, 2], "use": "open"}}, "gold.use"),
        ({"gold": {"ranks": [1, 2], "why": "so"}}, "gold.why"),
        ({"gold": {"ranks": [1, 2]}, "purpose": "evaluate"}, "gold"),
        ({"gold": {"ranks": [1, 2]}, "completions": ["A"]}, "completions"),
        ({"judgments": [{"annotator": "a", "ranks": [1, 2], "kind": "test"}]}, "judgments[0].kind"),
        ({"judgments": [{"annotator": "a", "ranks": [1, 2], "attempt": 1}]}, "judgments[0].attempt"),
        ({"judgments": [{"annotator": "a", "ranks": [1, 2], "kind": "repeat", "attempt": 0}]}, "judgments[0].attempt"),
        ({"judgments": [{"annotator": "a", "ranks": [1, 2], "kind": "gold", "surplus": True}]}, "judgments[0].surplus"),
        ({"judgments": [{"annotator": "a", "ranks": [1, 2], "kind": "repeat"}] * 2}, "judgments[1].annotator"),
    ],
)
def test_what_is_wrong_with_gold_and_kinds_is_told_by_field(
    project: Project, fields: dict[str, Any], field: str
) -> None:
    report = import_judgments(project=project, lines=[line(**fields)])
    assert (report.stored, report.bad[0].field) == (False, field)


def test_imported_gold_ends_the_leases_on_a_comparison_and_takes_it_out_of_the_counts(
    project: Project, annotator: Make
) -> None:
    import_judgments(project=project, lines=[line()])
    held = serve_next(person=annotator("ann"), project=project)
    import_judgments(project=project, lines=[line(gold={"ranks": [1, 2]})])
    held.refresh_from_db()
    assert (held.state, project_progress(project).wanted, Comparison.objects.get().live) == ("expired", 0, 0)
