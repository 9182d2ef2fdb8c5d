"""Import: every bad line is named, nothing is half stored, and nothing goes in twice."""

import json

import pytest

from labeling.actions import importing
from labeling.actions.import_lines import MAX_LINE_BYTES
from labeling.actions.importing import import_judgments, import_prompts
from labeling.actions.leases import skip
from labeling.actions.projects import create_project, update_project
from labeling.actions.serving import serve_next
from labeling.models import Assignment, Comparison, Completion, Judgment, Membership, Prompt
from labeling.queries.export import Tally, export_lines
from labeling.queries.votes import agreement_of_project

pytestmark = pytest.mark.django_db

LINE = {
    "prompt": "Name a colour.",
    "completions": ["Red.", "Blue.", "Green."],
    "judgments": [{"annotator": "a1", "ranks": [1, 2, 2]}, {"annotator": "a2", "ranks": [3, 1, None]}],
}


def line(**changes):
    return json.dumps({**LINE, **changes})


def judged_by(*judgments):
    return line(judgments=[{"annotator": f"a{n}", "ranks": ranks} for n, ranks in enumerate(judgments)])


def nothing_is_stored():
    return not any(model.objects.exists() for model in (Prompt, Completion, Comparison, Assignment, Judgment))


class TestBadLines:
    """Each is listed with its number and the field; nothing is stored."""

    @pytest.mark.parametrize(
        ("bad", "field", "says"),
        [
            ("{", "line", "not JSON"),
            ("[1]", "line", "must be an object, not a list"),
            ("{}", "prompt", "missing"),
            ('{"prompt": NaN}', "line", "NaN"),
            ("[" * 100_000, "line", "nested too deeply"),
            ('{"prompt": -' + "9" * 5000 + "}", "line", "a whole number of 5,000 digits"),
            ('{"prompt": "a", "pr\\u006fmpt": "b"}', "prompt", '"prompt" stands more than once'),
            ('{"prompt": [{"role": "user", "content": "a", "content": "b"}]}', "content", "leave one"),
            ('{"prompt": "a", "judgments": [{"ranks": [1, 2], "ranks": [2, 1]}]}', "ranks", "more than once"),
            ('{"prompt": "a", "\\ud800\\n": 1}', "\\ud800\\n", '"\\ud800\\n" is no field'),
            (b'{"prompt": "\xff"}', "line", "byte 13 is not UTF-8"),
            (b" " * (MAX_LINE_BYTES + 2), "line", "longer than 8 MiB"),
            (line(prompt=""), "prompt", "is empty"),
            (line(prompt=7), "prompt", "not a number"),
            (line(prompt=[]), "prompt", "0 messages"),
            (line(prompt=["Hi"]), "prompt[0]", "must be an object"),
            (line(prompt=[{"role": "user"}]), "prompt[0]", "role and content"),
            (line(prompt=[{"role": "robot", "content": "Hi"}]), "prompt[0].role", "one of system"),
            (line(prompt=[{"role": "assistant", "content": "Hi"}]), "prompt", "must be a user's"),
            (
                line(prompt=[{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be kind."}]),
                "prompt[1].role",
                "only come first",
            ),
            (line(prompt="a\x00b"), "prompt", "NUL byte at character 2"),
            ('{"prompt": "a\\ud800b"}', "prompt", "surrogate"),
            (line(split="test"), "split", "train, heldout"),
            (line(source="web"), "source", "one of"),
            (line(tags="tea"), "tags", "must be a list"),
            (line(tags=[7]), "tags[0]", "must be text"),
            (line(completions="Red."), "completions", "must be a list"),
            (line(completions=["Red.", 7, "Green."]), "completions[1]", "must be text"),
            (line(completions=["Red.", "Blue.", "Red."]), "completions[2]", "completions[0] and completions[2]"),
            (line(completions=[str(n) for n in range(10)], judgments=[]), "completions", "at most 9"),
            (line(completions=["Red."]), "completions", "at least two"),
            (line(models=["a"]), "models", "list of 3"),
            (line(finished=[True, False]), "finished", "list of 3"),
            (line(finished=[True, 1, None]), "finished", "true if its model ended it"),
            (line(models=["a", 7, None]), "models[1]", "must be text"),
            (line(overlap=0), "overlap", "from 1"),
            (line(overlap=True), "overlap", "from 1"),
            (line(priority=2**31), "priority", "whole number"),
            (line(judgements=[]), "judgements", '"judgements" is no field'),
            (line(judgments={}), "judgments", "must be a list"),
            (line(judgments=[7]), "judgments[0]", "must be an object"),
            (judged_by([1, 2]), "judgments[0].ranks", "2 entries; there are 3"),
            (judged_by([1, 2, 3], [1, 2, True]), "judgments[1].ranks[2]", "whole number"),
            (judged_by([1, 2, 0]), "judgments[0].ranks[2]", "whole number from 1"),
            (judged_by([1, None, None]), "judgments[0].ranks", "at least two"),
            (line(judgments=[{"ranks": [1, 2, 3]}]), "judgments[0].annotator", "must be text, not null"),
            (line(judgments=[{"annotator": "a", "ranks": [1, 2, 3], "rank": 1}]), "judgments[0].rank", "no field"),
            (
                line(judgments=[{"annotator": "a", "ranks": [1, 2, 3]}] * 2),
                "judgments[1].annotator",
                "judges twice, in judgments[0] and judgments[1]",
            ),
            (
                line(judgments=[{"annotator": "a", "ranks": [1, 2, 3], "shown": [0, 1, 1]}]),
                "judgments[0].shown",
                "each position from 0 to 2",
            ),
            (
                line(judgments=[{"annotator": "a", "ranks": [1, 2, 3], "active_seconds": -1}]),
                "judgments[0].active_seconds",
                "between 0 and a week",
            ),
            (
                line(judgments=[{"annotator": "a", "ranks": [1, 2, 3], "active_seconds": 1e308}]),
                "judgments[0].active_seconds",
                "between 0 and a week",
            ),
            (line(language="xx-nonsense-!"), "language", "such as de, pt-BR or zh-Hant"),
            (
                line(judgments=[{"annotator": "a", "ranks": [1, 2, 3], "created": "yesterday"}]),
                "judgments[0].created",
                "ISO 8601",
            ),
            (
                line(judgments=[{"annotator": "a", "ranks": [1, 2, 3], "created": "0001-01-01T00:00:00+14:00"}]),
                "judgments[0].created",
                "ISO 8601",
            ),
        ],
    )
    def test_is_named(self, project, bad, field, says):
        report = import_judgments(project=project, lines=[line(), bad])
        assert [(each.line, each.field) for each in report.bad] == [(2, field)]
        assert says in report.bad[0].message
        assert not report.stored
        assert nothing_is_stored()

    def test_are_all_told_as_they_are_found_while_the_report_lists_a_thousand(self, project):
        told = []
        report = import_judgments(project=project, lines=["{"] * 1500, tell_bad=told.append)
        assert (report.bad_count, len(report.bad)) == (1500, 1000)
        assert [bad.line for bad in told] == list(range(1, 1501))

    def test_stay_out_while_the_good_ones_go_in_when_asked(self, project):
        report = import_judgments(project=project, lines=[line(), "{", line(prompt="Name a tree.")], skip_bad=True)
        assert (report.stored, report.bad_count, report.added["comparisons"]) == (True, 1, 2)

    def test_a_tie_is_one_in_a_project_without_ties(self, project):
        update_project(project=project, allow_ties=False)
        report = import_judgments(project=project, lines=[line()])
        assert report.bad[0].field == "judgments[0].ranks"

    def test_a_prompt_that_was_born_in_the_other_split_is_one(self, project, compare):
        compare("Name a colour.", split="heldout")
        report = import_judgments(project=project, lines=[line(prompt="Name a tree."), line(split="train")])
        assert [(each.line, each.field) for each in report.bad] == [(2, "split")]
        assert 'stored with split "heldout"' in report.bad[0].message
        assert Prompt.objects.count() == 1

    def test_two_lines_that_want_the_same_prompt_in_two_splits_contradict_each_other(self, project):
        report = import_judgments(project=project, lines=[line(split="train"), line(split="heldout")])
        assert [(each.line, each.field) for each in report.bad] == [(2, "split")]
        assert nothing_is_stored()

    def test_a_different_judgment_by_the_same_annotator_is_one(self, project):
        import_judgments(project=project, lines=[judged_by([1, 2, 3])])
        report = import_judgments(project=project, lines=[line(prompt="Name a tree."), judged_by([3, 2, 1])])
        assert [(each.line, each.field) for each in report.bad] == [(2, "judgments[0]")]
        assert Judgment.objects.get().ranks == [1, 2, 3]
        assert Prompt.objects.count() == 1

    def test_judgments_do_not_come_in_with_prompts(self, project):
        report = import_prompts(project=project, lines=[line()])
        assert "use import_judgments" in report.bad[0].message


class TestGoodLines:
    def test_a_whole_line_becomes_prompt_completions_comparison_people_and_judgments(self, project):
        said = {
            "annotator": "a1",
            "ranks": [7, 3, 3],
            "shown": [2, 0, 1],
            "comment": "Calm.",
            "created": "2024-02-29T12:00:00+02:00",
            "active_seconds": 8.5,
        }
        text = line(
            split="heldout",
            models=["gpt", None, "llama"],
            use_case="advice",
            tags=["art"],
            priority=3,
            judgments=[said],
        )
        report = import_judgments(project=project, lines=[text])
        assert report.added == {
            "prompts": 1,
            "completions": 3,
            "comparisons": 1,
            "judgments": 1,
            "annotators": 1,
            "generators": 2,
        }
        assignment = Assignment.objects.get()
        assert (assignment.state, assignment.slot, assignment.shown) == ("judged", 0, [2, 0, 1])
        judgment = assignment.latest
        assert (judgment.ranks, judgment.comment, judgment.active_seconds) == ([2, 1, 1], "Calm.", 8.5)
        assert judgment.created.isoformat() == "2024-02-29T10:00:00+00:00"
        comparison = Comparison.objects.get()
        assert (comparison.k, comparison.overlap, comparison.live, comparison.priority) == (3, 2, 1, 3)
        assert comparison.prompt.split == "heldout"
        assert not assignment.annotator.has_usable_password()

    def test_the_same_file_again_adds_nothing(self, project):
        lines = [line(), line(prompt="Name a tree."), line(), line(prompt="Name a bird.", judgments=[])]
        import_judgments(project=project, lines=lines)
        report = import_judgments(project=project, lines=lines)
        assert not any(report.added.values())
        assert report.duplicates == 7

    def test_more_judgments_than_wanted_raise_the_overlap(self, project):
        import_judgments(project=project, lines=[judged_by(*[[1, 2, 3]] * 5)])
        comparison = Comparison.objects.get()
        assert (comparison.overlap, comparison.live) == (5, 5)
        assert sorted(Assignment.objects.values_list("slot", flat=True)) == [0, 1, 2, 3, 4]

    def test_lines_of_the_same_texts_are_comparisons_of_their_own(self, project):
        lines = [judged_by([1, 2, 3]), judged_by([3, 2, 1])]
        assert import_judgments(project=project, lines=lines).added["comparisons"] == 2
        assert import_judgments(project=project, lines=lines).duplicates == 2

    def test_lines_that_say_the_same_copy_are_one_comparison(self, project):
        votes = [line(copy=1, judgments=[{"annotator": name, "ranks": [1, 2, 3]}]) for name in ("a1", "a2", "a3")]
        import_judgments(project=project, lines=votes)
        assert Comparison.objects.get().live == 3

    def test_ranks_follow_the_completions_when_a_line_lists_them_in_another_order(self, project):
        import_judgments(project=project, lines=[line(judgments=[])])
        turned = line(
            completions=["Green.", "Red.", "Blue."],
            judgments=[{"annotator": "a1", "ranks": [1, 2, 3], "shown": [2, 0, 1]}],
        )
        import_judgments(project=project, lines=[turned])
        assignment = Assignment.objects.get()
        assert assignment.latest.ranks == [2, 3, 1]
        assert assignment.shown == [1, 2, 0]

    def test_different_pairs_of_one_prompt_share_the_prompt(self, project):
        pairs = [line(completions=pair, judgments=[]) for pair in (["a", "b"], ["a", "c"], ["b", "c"])]
        report = import_judgments(project=project, lines=pairs)
        assert (report.added["prompts"], report.added["completions"], report.added["comparisons"]) == (1, 3, 3)

    def test_an_empty_completion_is_a_completion(self, project):
        report = import_judgments(project=project, lines=[line(completions=["", "Blue."], judgments=[])])
        assert report.added["completions"] == 2

    def test_a_stream_a_byte_order_mark_and_empty_lines_are_read(self, project):
        lines = (text for text in ["\ufeff" + line(), "", "  \n", line(prompt="Name a tree.").encode() + b"\r\n"])
        report = import_judgments(project=project, lines=lines)
        assert (report.lines, report.added["prompts"]) == (4, 2)

    def test_prompts_come_in_with_or_without_completions(self, project):
        lines = [
            json.dumps({"prompt": "Name a colour.", "source": "plain", "split": "heldout"}),
            json.dumps({"prompt": [{"role": "user", "content": "Name a tree."}], "completions": ["Oak.", "Elm."]}),
            json.dumps({"prompt": "Name a bird.", "completions": ["Owl."]}),
        ]
        report = import_prompts(project=project, lines=lines)
        assert (report.added["prompts"], report.added["completions"], report.added["comparisons"]) == (3, 3, 1)
        assert import_prompts(project=project, lines=lines).duplicates == 3

    def test_someone_who_skipped_or_holds_a_comparison_can_have_judged_it_elsewhere(self, project, annotator):
        ann, ben = annotator("ann"), annotator("ben")
        import_judgments(project=project, lines=[line(judgments=[], overlap=2)])
        skip(person=ann, assignment=serve_next(person=ann, project=project))
        held = serve_next(person=ben, project=project)
        both = [{"annotator": name, "ranks": [1, 2, 3]} for name in ("ann", "ben")]
        import_judgments(project=project, lines=[line(judgments=both)])
        assert Comparison.objects.get().live == 2
        assert sorted(Assignment.objects.values_list("slot", flat=True)) == [0, 1]
        assert Assignment.objects.get(pk=held.pk).shown == held.shown

    def test_naming_an_account_of_the_site_does_not_open_the_project_to_it(self, project, person):
        person("mallory")
        import_judgments(project=project, lines=[line(judgments=[{"annotator": "mallory", "ranks": [1, 2, 3]}])])
        assert Membership.objects.get(person__username="mallory").state == "retired"

    def test_the_same_texts_too_often_are_refused(self, project):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(importing, "MAX_COPIES", 2)
            report = import_judgments(project=project, lines=[line()] * 3)
        assert [each.line for each in report.bad] == [3]


class TestRoundTrip:
    def test_an_export_imports_into_another_project_with_the_same_figures(self, project):
        lines = [
            line(split="heldout", models=["gpt", None, "llama"], finished=[True, False, None]),
            judged_by([1, 2, 3], [2, 1, 3], [1, 1, 2]),
            judged_by([3, 1, 2], [3, 2, 1], [1, 2, 3]),
            line(prompt="Name a bird.", completions=["Owl.", "Rook."], judgments=[], priority=2, overlap=4),
            json.dumps({"prompt": "Name a tree.", "use_case": "advice", "tags": ["garden"]}),
        ]
        for text in lines[1:3]:
            lines.append(text.replace("Name a colour.", "Name a paint."))
        lines.append(line(split="heldout", purpose="evaluate", models=["newer", "newer", "llama"]))
        import_judgments(project=project, lines=[text.replace("Red", "Pink") for text in lines])
        exported = list(export_lines(project))
        wrote = [json.loads(each).get("models") for each in exported]
        assert ["gpt", None, "llama"] in wrote
        assert ["newer", "newer", "llama"] in wrote, "of a text, whoever wrote it this time"
        copy = create_project(slug="copy", name="Copy", k=2, overlap=2)
        assert not import_judgments(project=copy, lines=exported).bad
        assert list(export_lines(copy)) == exported
        cut_off = [Completion.objects.filter(prompt__project=each, finished=False).count() for each in (project, copy)]
        assert cut_off == [1, 1], "training must not teach an end where there was none"
        figures, again = (agreement_of_project(each, replicates=50) for each in (project, copy))
        assert {**again, "project": "tea"} == figures
        assert figures["percent_agreement"]["n"] > 0

    def test_a_simulated_annotator_stays_marked(self, project, annotator):
        import_judgments(
            project=project, lines=[line(judgments=[{"annotator": "bot", "ranks": [1, 2, 3], "simulated": True}])]
        )
        said = json.loads(next(export_lines(project)))["judgments"][0]
        assert said["simulated"] is True
        assert Assignment.objects.get().annotator.simulated

    def test_trl_rows_are_the_ordered_pairs_of_the_train_split(self, project):
        import_judgments(project=project, lines=[line(), line(prompt="Name a tree.", split="heldout")])
        tally = Tally()
        rows = [json.loads(text) for text in export_lines(project, "trl", tally=tally)]
        assert [(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in rows] == [
            ("Red.", "Blue."),
            ("Red.", "Green."),
            ("Blue.", "Red."),
        ]
        assert rows[0]["prompt"] == [{"role": "user", "content": "Name a colour."}]
        assert (tally.lines, tally.ties, tally.not_ranked) == (3, 1, 2)
