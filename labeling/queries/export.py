"""Export: Luce JSON Lines, which import again to the same figures, and TRL's conversational preference rows."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

from django.db.models import Prefetch

from labeling.content import copy_number
from labeling.models import Assignment, Comparison, GoldAnswer, Project, Prompt
from labeling.queries.chunks import in_chunks
from labeling.queries.rankings import RankingRow, current_rankings, with_rankings

Format = Literal["luce", "trl"]
FORMATS = ("luce", "trl")


@dataclass
class Tally:
    """What an export held, filled while its lines are read."""

    lines: int = 0
    judgments: int = 0
    ties: int = 0
    not_ranked: int = 0


def export_lines(
    project: Project, format: Format = "luce", *, split: str | None = None, tally: Tally | None = None
) -> Iterator[str]:
    """The project as JSON Lines, each ending in a newline, in constant memory. `docs/format.md` describes both formats.

    split narrows to "train" or "heldout" prompts. "trl" is for training and gives the train split unless another is
    asked for; `tally` counts the ties it leaves out. Raises ValueError on an unknown format.
    """
    if format not in FORMATS:
        raise ValueError(f'There is no export format "{format}"; choose one of {", ".join(FORMATS)}.')
    tally = tally if tally is not None else Tally()
    rows = _luce(project, split, tally) if format == "luce" else _trl(project, split or Prompt.Split.TRAIN, tally)
    for row in rows:
        tally.lines += 1
        yield json.dumps(row, ensure_ascii=False) + "\n"


def _luce(project: Project, split: str | None, tally: Tally) -> Iterator[dict[str, Any]]:
    only = {"split": split} if split else {}
    comparisons = project.comparisons.filter(**{f"prompt__{key}": value for key, value in only.items()})
    said = Assignment.objects.filter(
        latest__isnull=False, state__in=[Assignment.State.JUDGED, Assignment.State.SURPLUS]
    )
    said = said.select_related("latest", "annotator").order_by("annotator__username", "attempt")
    everything = with_rankings(comparisons).select_related("prompt", "lane", "gold_answer")
    for chunk in in_chunks(everything.prefetch_related(Prefetch("assignments", queryset=said, to_attr="said"))):
        for comparison in chunk:
            tally.judgments += len(comparison.said)
            yield _comparison_line(comparison)
    for chunk in in_chunks(project.prompts.filter(comparisons__isnull=True, **only)):
        yield from map(_prompt_line, chunk)


def _prompt_line(prompt: Prompt) -> dict[str, Any]:
    line = {"prompt": prompt.messages, "split": prompt.split, "source": prompt.source}
    if prompt.use_case:
        line["use_case"] = prompt.use_case
    if prompt.tags:
        line["tags"] = prompt.tags
    return line


def _comparison_line(comparison: Comparison) -> dict[str, Any]:
    completions = [candidate.completion for candidate in comparison.in_order]
    line = _prompt_line(comparison.prompt)
    line["completions"] = [completion.text for completion in completions]
    authors = [candidate.author for candidate in comparison.in_order]
    if any(authors):
        line["models"] = [author.name if author else None for author in authors]
    if any(completion.finished is not None for completion in completions):
        line["finished"] = [completion.finished for completion in completions]
    line["overlap"] = comparison.overlap
    for name, usual in (("priority", 0), ("purpose", Comparison.Purpose.COLLECT), ("round", 1)):
        if getattr(comparison, name) != usual:
            line[name] = getattr(comparison, name)
    hashes = [completion.content_hash for completion in completions]
    for name in ("language", "qualification"):
        if getattr(comparison.lane, name):
            line[name] = getattr(comparison.lane, name)
    copy = copy_number(comparison.content_hash, comparison.prompt.content_hash, hashes, comparison.purpose)
    if copy > 1:
        line["copy"] = copy
    if comparison.gold:
        line["gold"] = _known(comparison.gold_answer)
    line["judgments"] = [_judgment(assignment) for assignment in comparison.said]
    return line


def _known(gold: GoldAnswer) -> dict[str, Any]:
    known: dict[str, Any] = {"ranks": gold.ranks, "use": gold.use}
    if gold.source != GoldAnswer.Source.EXPERT:
        known["source"] = gold.source
    if gold.explanation:
        known["explanation"] = gold.explanation
    return known


def _judgment(assignment: Assignment) -> dict[str, Any]:
    said = assignment.latest
    row: dict[str, Any] = {"annotator": assignment.annotator.username, "ranks": said.ranks}
    if assignment.kind != Assignment.Kind.COLLECT:
        row["kind"] = assignment.kind
    if assignment.attempt > 1:
        row["attempt"] = assignment.attempt
    if assignment.shown:
        row["shown"] = assignment.shown
    if said.comment:
        row["comment"] = said.comment
    if said.active_seconds is not None:
        row["active_seconds"] = said.active_seconds
    row["revision"] = said.revision
    if assignment.annotator.simulated:
        row["simulated"] = True
    if assignment.state == Assignment.State.SURPLUS:
        row["surplus"] = True
    row["created"] = said.created.isoformat()
    return row


def _trl(project: Project, split: str, tally: Tally) -> Iterator[dict[str, Any]]:
    for row in current_rankings(project):
        if row.split == split:
            tally.judgments += 1
            yield from _preferences(row, tally)


def _preferences(row: RankingRow, tally: Tally) -> Iterator[dict[str, Any]]:
    """One row a strictly ordered pair: {"prompt": messages, "chosen": [message], "rejected": [message]}."""
    for first, second in combinations(range(len(row.ranks)), 2):
        one, other = row.ranks[first], row.ranks[second]
        if one is None or other is None:
            tally.not_ranked += 1
        elif one == other:
            tally.ties += 1
        else:
            chosen, rejected = (first, second) if one < other else (second, first)
            yield {
                "prompt": row.messages,
                "chosen": [{"role": "assistant", "content": row.completions[chosen]}],
                "rejected": [{"role": "assistant", "content": row.completions[rejected]}],
            }
