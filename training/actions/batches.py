"""Freezing judgments into batches, and reading them back."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import transaction

from labeling.actions.errors import ActionError
from labeling.models import Assignment, Candidate, Judgment, Project
from labeling.policies import may_lead, require
from labeling.queries.rankings import RankingRow, current_rankings
from training.actions.artifacts import read_verified, write_once
from training.models import Batch, BatchJudgment

# One optimizer step with the default settings: below it there is nothing that could be called training.
MINIMUM_RANKINGS = 4


@transaction.atomic
def freeze_batch(*, project: Project, by: Any = None) -> Batch:
    """Freeze the project's current judgments; the same content gives the same batch back.

    Taken are the latest revisions of judgments that collect preferences; a judgment goes where its prompt's split
    puts it. Left out, and counted in `selection`: skipped comparisons, judgments of evaluations, earlier revisions.
    Raises ActionError when too little is left to train on.
    """
    if by is not None:
        require(may_lead(by, project), "freeze a batch in this project")
    lines, left_out = _select(project)
    parts = Counter(line["split"] for line in lines)
    _require_enough(lines, parts["train"])
    content = b"".join(canonical_json(line) + b"\n" for line in lines)
    digest = hashlib.sha256(content).hexdigest()
    try:
        # the file first: a batch in the database always has its content; one that was lost comes back
        write_once(batch_path(digest), content)
    except OSError as error:
        raise ActionError(
            f"The artifact store takes no batch: {error.strerror} ({error.filename or settings.ARTIFACTS_DIR}). "
            "Nothing was queued. Tell whoever runs the site; LUCE_ARTIFACTS names the store.",
            code="conflict",
        ) from error
    known = Batch.objects.filter(hash=digest, frozen=True).first()
    if known:
        return known
    batch = Batch.objects.create(
        project=project,
        hash=digest,
        rankings=parts["train"],
        heldout_rankings=parts["heldout"],
        selection=_describe(lines, left_out),
        created_by=by,
    )
    BatchJudgment.objects.bulk_create(
        (BatchJudgment(batch=batch, judgment_id=line["judgment"], split=line["split"]) for line in lines),
        batch_size=500,
    )
    batch.frozen = True
    batch.save(update_fields=["frozen"])
    return batch


def read_batch(batch: Batch) -> tuple[list[dict], list[dict]]:
    """(train, heldout) lines of a batch. Raises ActionError when the stored file is missing or was changed.

    Each line: judgment, comparison, prompt, split, annotator (ids), simulated, messages, completions, finished, ranks.
    """
    lines = [json.loads(line) for line in read_verified(batch_path(batch.hash), batch.hash).splitlines()]
    train = [line for line in lines if line["split"] == "train"]
    heldout = [line for line in lines if line["split"] == "heldout"]
    return train, heldout


def batch_path(digest: str) -> str:
    return f"batches/{digest}.jsonl"


def canonical_json(value: Any) -> bytes:
    """One spelling for equal values: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _select(project: Project) -> tuple[list[dict], dict[str, int]]:
    """The lines of the batch by judgment id, and counts of what was left out."""
    rows = sorted(current_rankings(project, purpose="collect"), key=lambda row: row.judgment_id)
    of_project = Judgment.objects.filter(assignment__comparison__project=project)
    collected = of_project.filter(assignment__comparison__purpose="collect")
    left_out = {
        "skipped": Assignment.objects.filter(comparison__project=project, state="skipped").count(),
        "evaluation": of_project.filter(assignment__comparison__purpose="evaluate").count(),
        "earlier_revisions": collected.count() - len(rows),
    }
    return list(_lines(project, rows)), left_out


def _lines(project: Project, rows: list[RankingRow]) -> Iterator[dict]:
    candidates = Candidate.objects.filter(comparison__project=project).order_by("comparison_id", "position")
    finished: dict[int, list[bool]] = {}
    for comparison, done in candidates.values_list("comparison_id", "completion__finished"):
        # imported and human text counts as finished: nobody cut it off
        finished.setdefault(comparison, []).append(done is not False)
    for row in rows:
        yield {
            "judgment": row.judgment_id,
            "comparison": row.comparison_id,
            "prompt": row.prompt_id,
            "split": row.split,
            "annotator": row.annotator_id,
            "simulated": row.simulated,
            "messages": row.messages,
            "completions": list(row.completions),
            "finished": finished[row.comparison_id],
            "ranks": list(row.ranks),
        }


def _require_enough(lines: list[dict], train: int) -> None:
    if train < MINIMUM_RANKINGS:
        raise ActionError(
            f"There is not enough to train on: at least {MINIMUM_RANKINGS} rankings of training prompts are needed, "
            f"and there {'is' if train == 1 else 'are'} {train or 'none'}. "
            "Rankings of held-out prompts never train.",
        )
    if all(len({rank for rank in line["ranks"] if rank is not None}) < 2 for line in lines if line["split"] == "train"):
        raise ActionError(
            f"All {train} rankings of training prompts call everything equal, so there is no preference to learn. "
            "At least one ranking must prefer something.",
        )


def _describe(lines: list[dict], left_out: dict[str, int]) -> dict[str, Any]:
    def of(split: str, field: str) -> int:
        return len({line[field] for line in lines if line["split"] == split})

    return {
        "purpose": "collect",
        "taken": len(lines),
        "left_out": left_out,
        "people": len({line["annotator"] for line in lines}),
        "simulated_judgments": sum(line["simulated"] for line in lines),
        "train": {"prompts": of("train", "prompt"), "comparisons": of("train", "comparison")},
        "heldout": {"prompts": of("heldout", "prompt"), "comparisons": of("heldout", "comparison")},
    }
