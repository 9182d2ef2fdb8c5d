"""A full disk and a database that is gone: people are told in words, nothing is half stored, and work goes on after."""

from tests.faults.kills import SEED
from tests.faults.outage import rank_without_a_database
from tests.faults.room import rank_on_a_full_disk


def test_a_full_disk_refuses_with_words_and_loses_nothing():
    found = rank_on_a_full_disk(judgments=240, seed=SEED)
    assert set(found["statuses"]) == {"status 507"}
    assert any("The disk of this site is full" in words for words in found["said"])
    assert found["stored_when_full"] < 240 <= found["judgments"]


def test_a_database_that_is_gone_is_said_in_words_and_loses_nothing():
    found = rank_without_a_database(judgments=160, seed=SEED, gone=3)
    assert set(found["statuses"]) == {"status 503"}
    assert any("The database does not answer right now" in words for words in found["said"])
    assert found["home"]["status"] == 503
    assert found["home"]["again"] == "5"
    assert "The database does not answer right now" in found["home"]["text"]
    assert "Traceback" not in found["home"]["text"]
    assert found["acknowledged_before"] < 160 <= found["judgments"]
