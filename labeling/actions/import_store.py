"""Checked lines become rows, some hundred lines at a time."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from labeling.actions.comparisons import lane_of
from labeling.actions.completions import generator_fingerprint
from labeling.actions.errors import ActionError
from labeling.actions.import_gold import GoldStore
from labeling.actions.import_judgments import JudgmentStore
from labeling.actions.import_lines import Entry, Row
from labeling.actions.import_rows import count_anew, find_rows, insert_rows
from labeling.actions.prompts import split_is_fixed
from labeling.actions.queue import level_of
from labeling.actions.tallies import count_project
from labeling.models import (
    Assignment,
    Candidate,
    Comparison,
    Completion,
    Generator,
    Judgment,
    Project,
    Prompt,
)
from labeling.queries.chunks import parts

# The tables are counted anew after so many lines, and then whenever there are so many times as many.
COUNT_FIRST, COUNTED_EVERY = 1000, 4

Complain = Callable[[int, ActionError], None]
"""Called with the number of a bad line and what is wrong with it."""

Stored = tuple[int, int | None]
"""The id of a completion, and that of the generator that wrote it first."""


class Store:
    """Adds checked lines to a project inside the caller's transaction; what is there already is found and kept.

    added counts new rows by noun, duplicates what was there. `complain` receives lines that contradict what is stored.
    """

    def __init__(self, project: Project, complain: Complain) -> None:
        self.project = project
        self.complain = complain
        self.added: Counter[str] = Counter(prompts=0, completions=0, comparisons=0, judgments=0, annotators=0)
        self.judgments = JudgmentStore(project, complain, self.added)
        self.gold = GoldStore(project, complain, self.added)
        self._new_lines_without = 0
        self._lines, self._count_at = 0, COUNT_FIRST
        self._generators: dict[str, int] = {}
        self._names: dict[int | None, str] = {None: ""}
        self._lanes: dict[tuple[str, str], int] = {}

    @property
    def duplicates(self) -> int:
        return self.judgments.duplicates + self._new_lines_without

    def add(self, batch: list[tuple[int, Row]]) -> None:
        """Store one batch: prompts, then completions, comparisons, and judgments; nothing of untrue lines."""
        entries = self.judgments.people.true([Entry(number, row) for number, row in batch])
        entries = self._prompts(entries)
        self._completions(entries)
        ranked = [entry for entry in entries if len(entry.completion_ids) >= 2]
        self._comparisons(ranked)
        ranked = self.gold.add(ranked)
        self.judgments.add([entry for entry in ranked if entry.row["judgments"]])
        self._new_lines_without += sum(not entry.new and not entry.row["judgments"] for entry in entries)
        self._lines += len(batch)
        if self._lines >= self._count_at:
            count_anew(Prompt, Completion, Comparison, Candidate, Assignment, Judgment)
            self._count_at = COUNTED_EVERY * self._lines

    def _prompts(self, entries: list[Entry]) -> list[Entry]:
        """Find or add the prompts. Entries that want another split than the stored one are complained of."""
        found = self._find_prompts(entry.row["prompt_hash"] for entry in entries)
        missing: dict[str, Row] = {}
        for entry in entries:
            digest = entry.row["prompt_hash"]
            if digest not in found:
                entry.new = digest not in missing
                entry.fresh = True
                missing.setdefault(digest, entry.row)
        if missing:
            fields = ("messages", "source", "use_case", "tags", "split", "content_hash")
            insert_rows(Prompt, fields, map(_prompt_values, missing.values()), project=self.project)
            self.added["prompts"] += len(missing)
            heldout = sum(row["split"] == Prompt.Split.HELDOUT for row in missing.values())
            count_project(self.project.pk, prompts=len(missing), prompts_heldout=heldout)
            found |= self._find_prompts(missing)
        return [entry for entry in entries if self._has_its_split(entry, *found[entry.row["prompt_hash"]])]

    def _find_prompts(self, hashes: Iterable[str]) -> dict[str, tuple[int, str]]:
        rows = find_rows(Prompt, ("content_hash", "id", "split"), "content_hash", hashes, project=self.project.pk)
        return {digest: (pk, split) for digest, pk, split in rows}

    def _has_its_split(self, entry: Entry, prompt_id: int, split: str) -> bool:
        entry.prompt_id = prompt_id
        if entry.row["split"] in (None, split):
            return True
        self.complain(entry.number, ActionError(split_is_fixed(split, entry.row["split"]), "conflict", "split"))
        return False

    def _completions(self, entries: list[Entry]) -> None:
        found = self._find_completions(
            (entry.prompt_id, digest) for entry in entries if not entry.fresh for digest in entry.row["hashes"]
        )
        missing: dict[tuple[int, str], tuple[str, int | None, bool | None]] = {}
        for entry in entries:
            row = entry.row
            written = zip(row["completions"], row["hashes"], row["models"], row["finished"], strict=True)
            for text, digest, model, finished in written:
                key = (entry.prompt_id, digest)
                if key not in found and key not in missing:
                    missing[key] = (text, self._generator(model), finished)
                    entry.new = True
        if missing:
            rows = ((*key, *values) for key, values in missing.items())
            insert_rows(Completion, ("prompt", "content_hash", "text", "generator", "finished"), rows)
            self.added["completions"] += len(missing)
            fresh = {entry.prompt_id for entry in entries if entry.fresh}
            found |= self._completions_of(fresh)
            found |= self._find_completions(key for key in missing if key[0] not in fresh)
        for entry in entries:
            stored = [found[entry.prompt_id, digest] for digest in entry.row["hashes"]]
            entry.completion_ids = [pk for pk, _ in stored]
            wrote = zip(entry.row["models"], stored, strict=True)
            entry.generator_ids = [self._other_author(model, first) for model, (_, first) in wrote]

    def _other_author(self, model: str | None, first: int | None) -> int | None:
        """The generator of that name, unless the first to write the text is of that name too."""
        if model is None or first == self._generators.get(model):
            return None
        if first not in self._names:
            named = Generator.objects.filter(project=self.project).values_list("pk", "name")
            self._names = {None: "", **dict(named)}
        return None if self._names.get(first) == model else self._generator(model)

    def _find_completions(self, keys: Iterable[tuple[int, str]]) -> dict[tuple[int, str], Stored]:
        """Ids by (prompt, hash). Prompt and hash lists are crossed: a few rows too many do no harm."""
        found = {}
        for part in parts(keys):
            rows = Completion.objects.filter(
                prompt_id__in={prompt_id for prompt_id, _ in part}, content_hash__in={digest for _, digest in part}
            )
            told = rows.values_list("prompt", "content_hash", "pk", "generator")
            found |= {(prompt, digest): (pk, wrote) for prompt, digest, pk, wrote in told}
        return found

    def _completions_of(self, prompts: Iterable[int]) -> dict[tuple[int, str], Stored]:
        """Ids by (prompt, hash) of all completions: quicker than by hash where a prompt has few."""
        rows = find_rows(Completion, ("prompt", "content_hash", "id", "generator"), "prompt", prompts)
        return {(prompt, digest): (pk, wrote) for prompt, digest, pk, wrote in rows}

    def _generator(self, name: str | None) -> int | None:
        if name is None:
            return None
        if name not in self._generators:
            generator, created = Generator.objects.get_or_create(
                project=self.project,
                fingerprint=generator_fingerprint(Generator.Kind.IMPORTED, name, {}),
                defaults={"kind": Generator.Kind.IMPORTED, "name": name},
            )
            self.added["generators"] += created
            self._generators[name] = generator.pk
        return self._generators[name]

    def _comparisons(self, entries: list[Entry]) -> None:
        found = self._find_comparisons(entry.row["comparison_hash"] for entry in entries if not entry.fresh)
        missing: dict[str, Entry] = {}
        for entry in entries:
            if entry.row["comparison_hash"] not in found and entry.row["comparison_hash"] not in missing:
                missing[entry.row["comparison_hash"]] = entry
                entry.new = True
        if missing:
            fields = ("prompt", "k", "overlap", "priority", "purpose", "round", "content_hash", "lane", "level")
            compared = self._compared_before(missing.values())
            rows = [self._comparison(entry) for entry in missing.values()]
            insert_rows(Comparison, fields, rows, project=self.project)
            self.added["comparisons"] += len(missing)
            prompts = {entry.prompt_id for entry in missing.values()} - compared
            wanted = sum(row[2] for row in rows)
            count_project(self.project.pk, comparisons=len(rows), wanted=wanted, prompts_compared=len(prompts))
            made = self._find_comparisons(missing)
            _add_candidates({made[digest]: entry for digest, entry in missing.items()})
            found |= made
        for entry in entries:
            entry.comparison_id = found[entry.row["comparison_hash"]]

    def _compared_before(self, entries: Iterable[Entry]) -> set[int]:
        """Ids of those of their prompts that have a comparison already."""
        known = {entry.prompt_id for entry in entries if not entry.fresh}
        return {prompt for (prompt,) in find_rows(Comparison, ("prompt",), "prompt", known)}

    def _lane(self, language: str, qualification: str) -> int:
        if (language, qualification) not in self._lanes:
            self._lanes[language, qualification] = lane_of(self.project, language, qualification)
        return self._lanes[language, qualification]

    def _find_comparisons(self, hashes: Iterable[str]) -> dict[str, int]:
        return dict(find_rows(Comparison, ("content_hash", "id"), "content_hash", hashes, project=self.project.pk))

    def _comparison(self, entry: Entry) -> tuple[Any, ...]:
        row = entry.row
        settings = (row["overlap"] or self.project.overlap, row["priority"], row["purpose"], row["round"])
        lane = self._lane(row["language"], row["qualification"])
        level = level_of(self.project.order, row["priority"], 0)
        return (entry.prompt_id, len(entry.completion_ids), *settings, row["comparison_hash"], lane, level)


def _prompt_values(row: Row) -> tuple[Any, ...]:
    split = row["split"] or Prompt.Split.TRAIN.value
    return (row["messages"], row["source"], row["use_case"], row["tags"], split, row["prompt_hash"])


def _add_candidates(new: dict[int, Entry]) -> None:
    rows = (
        (comparison_id, completion_id, position, generator_id)
        for comparison_id, entry in new.items()
        for position, (completion_id, generator_id) in enumerate(
            zip(entry.completion_ids, entry.generator_ids, strict=True)
        )
    )
    insert_rows(Candidate, ("comparison", "completion", "position", "generator"), rows)
