"""Published and known figures of real human preferences come out (skipped where the data is not at hand)."""

import gzip
import json
import os
import time
from pathlib import Path

import pytest

from labeling.agreement import agreement_report, cohen_kappa_all, fleiss_kappa, krippendorff_alpha, votes_from_rows
from tests.absent import absent

DATA = Path(os.environ.get("LUCE_DATA") or Path(__file__).resolve().parents[4] / "shared" / "data")


def data_file(name):
    path = DATA / name
    if not path.exists():
        absent(f"{path} is absent; set LUCE_DATA to the folder of real preference data")
    return path


@pytest.fixture(scope="module")
def pandalm():
    ranks = {"1": [1, 2], "2": [2, 1], "0": [1, 1]}
    items = json.loads(data_file("pandalm/testset-v1.json").read_text(encoding="utf-8"))
    return [(item["idx"], who, ranks[str(item[f"annotator{who}"])]) for item in items for who in (1, 2, 3)]


@pytest.fixture(scope="module")
def ukp():
    ranks = {"a1": [1, 2], "a2": [2, 1], "equal": [1, 1]}
    rows = []
    with gzip.open(data_file("ukpconvarg1/pairs_full.jsonl.gz"), "rt", encoding="utf-8") as lines:
        for line in lines:
            pair = json.loads(line)
            key = (pair["topic"], pair["pair_id"])
            rows += [(key, vote["worker"], ranks[vote["value"]], pair["topic"]) for vote in pair["votes"]]
    return rows


def test_pandalm_has_its_published_kappas(pandalm):
    report = agreement_report(pandalm)
    kappas = {tuple(entry["annotators"]): entry["value"] for entry in report["cohen_kappa"]}
    assert kappas == pytest.approx({(1, 2): 0.852, (1, 3): 0.879, (2, 3): 0.862}, abs=0.0005)
    assert report["fleiss_kappa"]["value"] == pytest.approx(0.8642, abs=0.00005)
    assert report["krippendorff_alpha"]["nominal"]["value"] == pytest.approx(0.8642, abs=0.00005)
    assert report["percent_agreement"]["n"] == 999 * 3


def test_ukp_has_its_known_alpha_and_fleiss_kappa(ukp):
    votes = votes_from_rows(ukp)
    alpha = krippendorff_alpha(votes)
    assert (alpha.value, alpha.n, alpha.clusters) == (pytest.approx(0.267, abs=0.0005), 16_927, 32)
    five = votes_from_rows(rows_with(ukp, votes=5))
    assert fleiss_kappa(five).value == pytest.approx(0.267, abs=0.0005)
    assert fleiss_kappa(five).n == 16_927 - 190


def test_the_whole_report_of_seventeen_thousand_pairs_and_four_thousand_people_takes_seconds(ukp):
    votes = votes_from_rows(ukp)
    start = time.perf_counter()
    report = agreement_report(votes)
    assert time.perf_counter() - start < 10  # about one second on an idle core
    assert len(report["cohen_kappa"]) == len(cohen_kappa_all(votes, replicates=1)) == 35_226


def rows_with(rows, votes):
    """The rows of comparisons with exactly so many votes."""
    count = {}
    for row in rows:
        count[row[0]] = count.get(row[0], 0) + 1
    return [row for row in rows if count[row[0]] == votes]
