"""Checked lines become rows, some hundred lines at a time."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from labeling.actions.completions import generator_fingerprint
from labeling.actions.errors import ActionError
from labeling.actions.import_judgments import JudgmentStore
from labeling.actions.import_lines import Row
from labeling.actions.prompts import split_is_fixed
from labeling.models import Candidate, Comparison, Completion, Generator, Project, Prompt
from labeling.queries.chunks import parts

Complain = Callable[[int, ActionError], None]


@dataclass
class Entry:
    """A line on its way into the database, with the rows found or made for it."""

    number: int
    row: Row
    prompt_id: int = 0
    completion_ids: list[int] = field(default_factory=list)
    comparison_id: int = 0
    new: bool = False


class Store:
    """Adds checked lines to a project inside the caller's transaction; what is there already is found and kept.

    added counts new rows by noun, duplicates what was there. `complain` receives lines that contradict what is stored.
    """

    def __init__(self, project: Project, complain: Complain) -> None:
        self.project = project
        self.complain = complain
        self.added: Counter[str] = Counter(prompts=0, completions=0, comparisons=0, judgments=0, annotators=0)
        self.judgments = JudgmentStore(project, complain, self.added)
        self._new_lines_without = 0
        self._generators: dict[str, int] = {}

    @property
    def duplicates(self) -> int:
        return self.judgments.duplicates + self._new_lines_without

    def add(self, batch: list[tuple[int, Row]]) -> None:
        """Store one batch: prompts, then completions, comparisons, and judgments."""
        entries = self._prompts([Entry(number, row) for number, row in batch])
        self._completions(entries)
        ranked = [entry for entry in entries if len(entry.completion_ids) >= 2]
        self._comparisons(ranked)
        self.judgments.add([entry for entry in ranked if entry.row["judgments"]])
        self._new_lines_without += sum(not entry.new and not entry.row["judgments"] for entry in entries)

    def _prompts(self, entries: list[Entry]) -> list[Entry]:
        """Find or add the prompts. Entries that want another split than the stored one are complained of."""
        found = self._find_prompts(entries)
        missing: dict[str, Prompt] = {}
        for entry in entries:
            digest = entry.row["prompt_hash"]
            if digest not in found and digest not in missing:
                missing[digest] = self._prompt(entry.row)
                entry.new = True
        if missing:
            Prompt.objects.bulk_create(missing.values(), ignore_conflicts=True)
            self.added["prompts"] += len(missing)
            found |= self._find_prompts([entry for entry in entries if entry.row["prompt_hash"] in missing])
        return [entry for entry in entries if self._has_its_split(entry, *found[entry.row["prompt_hash"]])]

    def _find_prompts(self, entries: list[Entry]) -> dict[str, tuple[int, str]]:
        found = {}
        for hashes in parts(entry.row["prompt_hash"] for entry in entries):
            rows = Prompt.objects.filter(project=self.project, content_hash__in=hashes)
            found |= {digest: (pk, split) for digest, pk, split in rows.values_list("content_hash", "pk", "split")}
        return found

    def _prompt(self, row: Row) -> Prompt:
        return Prompt(
            project=self.project,
            messages=row["messages"],
            source=row["source"],
            use_case=row["use_case"],
            tags=row["tags"],
            split=row["split"] or Prompt.Split.TRAIN,
            content_hash=row["prompt_hash"],
        )

    def _has_its_split(self, entry: Entry, prompt_id: int, split: str) -> bool:
        entry.prompt_id = prompt_id
        if entry.row["split"] in (None, split):
            return True
        self.complain(entry.number, ActionError(split_is_fixed(split, entry.row["split"]), "conflict", "split"))
        return False

    def _completions(self, entries: list[Entry]) -> None:
        found = self._find_completions(entries)
        missing: dict[tuple[int, str], Completion] = {}
        for entry in entries:
            row = entry.row
            for text, digest, model in zip(row["completions"], row["hashes"], row["models"], strict=True):
                key = (entry.prompt_id, digest)
                if key not in found and key not in missing:
                    missing[key] = Completion(
                        prompt_id=key[0], content_hash=digest, text=text, generator_id=self._generator(model)
                    )
                    entry.new = True
        if missing:
            Completion.objects.bulk_create(missing.values(), ignore_conflicts=True)
            self.added["completions"] += len(missing)
            found |= self._find_completions(entries)
        for entry in entries:
            entry.completion_ids = [found[entry.prompt_id, digest] for digest in entry.row["hashes"]]

    def _find_completions(self, entries: list[Entry]) -> dict[tuple[int, str], int]:
        """Ids by (prompt, hash). Prompt and hash lists are crossed: a few rows too many do no harm."""
        found = {}
        for keys in parts((entry.prompt_id, digest) for entry in entries for digest in entry.row["hashes"]):
            rows = Completion.objects.filter(
                prompt_id__in={prompt_id for prompt_id, _ in keys}, content_hash__in={digest for _, digest in keys}
            )
            found |= {(prompt, digest): pk for prompt, digest, pk in rows.values_list("prompt", "content_hash", "pk")}
        return found

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
        found = self._find_comparisons(entries)
        missing: dict[str, Entry] = {}
        for entry in entries:
            if entry.row["comparison_hash"] not in found and entry.row["comparison_hash"] not in missing:
                missing[entry.row["comparison_hash"]] = entry
                entry.new = True
        if missing:
            Comparison.objects.bulk_create(map(self._comparison, missing.values()), ignore_conflicts=True)
            self.added["comparisons"] += len(missing)
            found |= self._find_comparisons(list(missing.values()))
            self._candidates({found[digest]: entry for digest, entry in missing.items()})
        for entry in entries:
            entry.comparison_id = found[entry.row["comparison_hash"]]

    def _find_comparisons(self, entries: list[Entry]) -> dict[str, int]:
        found: dict[str, int] = {}
        for hashes in parts(entry.row["comparison_hash"] for entry in entries):
            rows = Comparison.objects.filter(project=self.project, content_hash__in=hashes)
            found |= dict(rows.values_list("content_hash", "pk"))
        return found

    def _comparison(self, entry: Entry) -> Comparison:
        row = entry.row
        return Comparison(
            project=self.project,
            prompt_id=entry.prompt_id,
            k=len(entry.completion_ids),
            overlap=row["overlap"] or self.project.overlap,
            priority=row["priority"],
            purpose=row["purpose"],
            round=row["round"],
            content_hash=row["comparison_hash"],
        )

    def _candidates(self, new: dict[int, Entry]) -> None:
        candidates = (
            Candidate(comparison_id=comparison_id, completion_id=completion_id, position=position)
            for comparison_id, entry in new.items()
            for position, completion_id in enumerate(entry.completion_ids)
        )
        Candidate.objects.bulk_create(candidates, ignore_conflicts=True)
