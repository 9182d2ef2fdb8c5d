"""Whatever is killed, nothing is lost, nothing doubles, and nothing stays stuck. The full form: `make bench-faults`."""

from tests.faults.kills import rank_while_killing


def test_what_was_acknowledged_outlives_every_kill():
    found = rank_while_killing(kills=8, judgments=240, limit=180)
    assert sum(found["kills"].values()) == 8
    assert found["judgments"] == 240 + found["surplus"]
    assert "status 500" not in found["statuses"], found
