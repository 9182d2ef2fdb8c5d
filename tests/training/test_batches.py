"""A batch is what people said at one moment, and stays that."""

import hashlib
import uuid
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from labeling.actions.comparisons import add_comparison
from labeling.actions.completions import add_completion
from labeling.actions.errors import ActionError
from labeling.actions.leases import skip
from labeling.actions.serving import serve_next
from labeling.actions.submitting import amend_judgment
from labeling.models import Assignment, Project
from tests.training.conftest import rank_all
from training.actions.artifacts import artifact_path
from training.actions.batches import batch_path, freeze_batch, read_batch
from training.actions.reward_dpo import to_ranking
from training.models import Batch, BatchJudgment

pytestmark = pytest.mark.usefixtures("var")


def test_no_ranking_of_a_heldout_prompt_is_in_the_train_part(ranked: Project) -> None:
    batch = freeze_batch(project=ranked)
    train, heldout = read_batch(batch)
    splits = dict(ranked.prompts.values_list("id", "split"))
    assert {splits[line["prompt"]] for line in train} == {"train"}
    assert {splits[line["prompt"]] for line in heldout} == {"heldout"}
    assert (batch.rankings, batch.heldout_rankings) == (len(train), len(heldout)) == (12, 6)


def test_the_same_judgments_give_the_same_batch_back(ranked: Project) -> None:
    first = freeze_batch(project=ranked)
    assert freeze_batch(project=ranked) == first
    assert Batch.objects.count() == 1
    content = artifact_path(batch_path(first.hash)).read_bytes()
    assert hashlib.sha256(content).hexdigest() == first.hash


def test_an_amended_judgment_makes_another_batch_that_holds_the_latest_revision_alone(ranked: Project) -> None:
    before = freeze_batch(project=ranked)
    given = Assignment.objects.filter(comparison__prompt__split="train").order_by("pk").first()
    amended = amend_judgment(
        person=given.annotator, assignment_id=given.pk, key=uuid.uuid4().hex, ranks=[1, 1, 1]
    ).judgment
    after = freeze_batch(project=ranked)
    assert after != before
    assert after.selection["left_out"]["earlier_revisions"] == 1
    train, _ = read_batch(after)
    assert [line["ranks"] for line in train if line["judgment"] == amended.pk] == [[1, 1, 1]]
    assert given.latest_id not in {line["judgment"] for line in train}
    assert len(read_batch(before)[0]) == len(train)


def test_skips_and_evaluations_are_left_out_and_counted(answered: Project, people: Any) -> None:
    work = serve_next(person=people["ann"], project=answered)
    skip(person=people["ann"], assignment=work, reason="Not my language")
    prompt = answered.prompts.filter(split="heldout").first()
    pair = [add_completion(prompt=prompt, text=text)[0] for text in ("Old.", "New.")]
    add_comparison(prompt=prompt, completions=pair, purpose="evaluate")
    rank_all(answered, [people["ann"], people["abe"]])
    batch = freeze_batch(project=answered)
    left_out = batch.selection["left_out"]
    assert left_out["skipped"] == 1
    assert left_out["evaluation"] == 2
    assert batch.rankings + batch.heldout_rankings == batch.selection["taken"] == 17


def test_too_few_judgments_are_refused_with_how_many_are_needed(answered: Project) -> None:
    with pytest.raises(ActionError, match="at least 4 rankings of training prompts are needed, and there are none"):
        freeze_batch(project=answered)
    assert not Batch.objects.exists()


def test_rankings_that_tie_everything_are_refused(answered: Project, people: Any) -> None:
    rank_all(answered, [people["ann"]], prefer=lambda text: 0)
    with pytest.raises(ActionError, match="call everything equal"):
        freeze_batch(project=answered)


def test_only_a_lead_freezes(ranked: Project, people: Any) -> None:
    with pytest.raises(PermissionDenied):
        freeze_batch(project=ranked, by=people["ann"])
    assert not Batch.objects.exists()


def test_a_changed_or_missing_file_is_noticed(ranked: Project) -> None:
    batch = freeze_batch(project=ranked)
    path = artifact_path(batch_path(batch.hash))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"Boil it.", b"Toil it."))
    with pytest.raises(ActionError, match="was changed after it was written"):
        read_batch(batch)
    path.unlink()
    with pytest.raises(ActionError, match="is missing from the artifact store"):
        read_batch(batch)


def test_a_file_that_was_lost_is_written_again_with_the_next_retrain(ranked: Project) -> None:
    batch = freeze_batch(project=ranked)
    artifact_path(batch_path(batch.hash)).unlink()
    assert freeze_batch(project=ranked) == batch
    assert len(read_batch(batch)[0]) == batch.rankings


def test_the_database_refuses_every_change_of_a_frozen_batch(ranked: Project) -> None:
    batch = freeze_batch(project=ranked)
    row = batch.judgments.first()
    attempts = [
        lambda: Batch.objects.filter(pk=batch.pk).update(rankings=1),
        lambda: Batch.objects.filter(pk=batch.pk).delete(),
        lambda: BatchJudgment.objects.create(batch=batch, judgment=row.judgment, split="train"),
        lambda: BatchJudgment.objects.filter(pk=row.pk).update(split="heldout"),
        lambda: BatchJudgment.objects.filter(pk=row.pk).delete(),
    ]
    for attempt in attempts:
        with pytest.raises(IntegrityError, match=r"frozen|batch|protected"), transaction.atomic():
            attempt()
    assert len(read_batch(batch)[0]) == 12


def test_a_line_becomes_a_ranking_the_engine_takes(ranked: Project) -> None:
    train, _ = read_batch(freeze_batch(project=ranked))
    ranking = to_ranking(train[0])
    assert ranking.completions[ranking.ranks.index(1)] == "Boil it."
    assert ranking.finished == [True, True, True]
