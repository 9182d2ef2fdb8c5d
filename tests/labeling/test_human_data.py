"""Published figures come out of real human judgments that went in through the front door."""

import gzip
import json

import pytest
from django.db import connection

from labeling.actions.importing import import_judgments
from labeling.actions.projects import create_project
from labeling.queries.export import export_lines
from labeling.queries.votes import agreement_of_project

pytestmark = pytest.mark.django_db


def pandalm(folder):
    """999 pairs, each judged by three people; many items hold the same texts."""
    ranks = {"1": [1, 2], "2": [2, 1], "0": [1, 1]}
    for item in json.loads((folder / "pandalm" / "testset-v1.json").read_text()):
        yield json.dumps(
            {
                "prompt": f"{item['instruction']}\n\n{item['input']}".strip(),
                "completions": [str(item["response1"]), str(item["response2"])],
                "judgments": [
                    {"annotator": f"annotator{n}", "ranks": ranks[str(item[f"annotator{n}"])]} for n in (1, 2, 3)
                ],
            }
        )


def ukp(folder):
    """Pairs of arguments, five votes each; 15 pairs hold the same text twice, which nobody can rank."""
    ranks = {"a1": [1, 2], "a2": [2, 1], "equal": [1, 1]}
    with gzip.open(folder / "ukpconvarg1" / "arguments.jsonl.gz", "rt") as file:
        arguments = {(row["topic"], row["arg_id"]): row for row in map(json.loads, file)}
    with gzip.open(folder / "ukpconvarg1" / "pairs_full.jsonl.gz", "rt") as file:
        for pair in map(json.loads, file):
            first, second = (arguments[pair["topic"], pair[name]] for name in ("arg1", "arg2"))
            yield json.dumps(
                {
                    "prompt": f"{first['debate']}: {first['stance']}",
                    "completions": [first["text"], second["text"]],
                    "judgments": [
                        {"annotator": vote["worker"], "ranks": ranks[vote["value"]], "comment": vote["reason"] or ""}
                        for vote in pair["votes"]
                    ],
                }
            )


def test_pandalm_gives_its_published_kappas(human_data):
    project = create_project(slug="pandalm", name="PandaLM")
    report = import_judgments(project=project, lines=pandalm(human_data))
    assert (report.bad_count, report.added["comparisons"], report.added["judgments"]) == (0, 999, 2997)
    figures = agreement_of_project(project, replicates=200)
    assert [round(pair["value"], 3) for pair in figures["cohen_kappa"]] == [0.852, 0.879, 0.862]
    assert round(figures["fleiss_kappa"]["value"], 4) == 0.8642
    assert round(figures["krippendorff_alpha"]["nominal"]["value"], 4) == 0.8642
    assert import_judgments(project=project, lines=pandalm(human_data)).duplicates == 2997

    again = create_project(slug="again", name="Again")
    assert import_judgments(project=again, lines=export_lines(project)).stored
    assert {**agreement_of_project(again, replicates=200), "project": "pandalm"} == figures


@pytest.mark.skipif(connection.vendor != "sqlite", reason="Takes long, and one database is enough.")
def test_eighty_four_thousand_votes_on_arguments_give_their_published_alpha(human_data):
    project = create_project(slug="ukp", name="UKPConvArg1")
    report = import_judgments(project=project, lines=ukp(human_data), skip_bad=True)
    assert (report.bad_count, report.added["comparisons"], report.added["judgments"]) == (15, 16_912, 84_370)
    assert report.added["annotators"] == 3_815
    figures = agreement_of_project(project, replicates=50)
    assert figures["krippendorff_alpha"]["nominal"]["value"] == pytest.approx(0.267, abs=0.001)
    assert figures["fleiss_kappa"]["value"] == pytest.approx(0.267, abs=0.001)
