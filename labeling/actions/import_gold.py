"""Known answers, imported."""

from collections import Counter
from collections.abc import Callable

from labeling.actions.errors import ActionError
from labeling.actions.gold import Answer, locked_comparison, store_answer
from labeling.actions.import_lines import Entry
from labeling.models import Candidate, Comparison, GoldAnswer, Project
from labeling.queries.chunks import parts


class GoldStore:
    """Adds the known answers of checked lines inside the caller's transaction.

    One that is stored is never replaced: a line that says another makes a bad line. Gold is rare, so each is marked as
    a lead marks it, one by one.
    """

    def __init__(self, project: Project, complain: Callable[[int, ActionError], None], added: Counter[str]) -> None:
        self.project = project
        self.complain = complain
        self.added = added

    def add(self, entries: list[Entry]) -> list[Entry]:
        """The entries whose known answer, if they bring one, is stored now or was before."""
        known = [entry for entry in entries if entry.row["gold"]]
        if not known:
            return entries
        ids = sorted({entry.comparison_id for entry in known})
        stored: dict[int, GoldAnswer] = {}
        for part in parts(ids):
            stored |= {gold.comparison_id: gold for gold in GoldAnswer.objects.filter(comparison__in=part)}
        refused = {entry.number for entry in known if not self._add(entry, stored)}
        return [entry for entry in entries if entry.number not in refused]

    def _add(self, entry: Entry, stored: dict[int, GoldAnswer]) -> bool:
        answer = _canonical(entry)
        before = stored.get(entry.comparison_id)
        if before is not None:
            if (before.ranks, before.use) == (answer.ranks, answer.use):
                return True
            return self._refuse(entry, "has another known answer, or another use for it; unmark it first")
        locked = locked_comparison(entry.comparison_id)
        if locked.state == Comparison.State.RETIRED:
            return self._refuse(entry, "is retired, so it cannot be gold; resume it first")
        stored[entry.comparison_id] = store_answer(locked, answer)
        self.added["known answers"] += 1
        entry.new = True
        return True

    def _refuse(self, entry: Entry, why: str) -> bool:
        words = f"comparison {entry.comparison_id} {why}, or leave gold out."
        self.complain(entry.number, ActionError(words, "conflict", "gold"))
        return False


def _canonical(entry: Entry) -> Answer:
    """The answer by canonical position: the line may list the completions in another order than the stored one."""
    rows = Candidate.objects.filter(comparison=entry.comparison_id).values_list("completion", "position")
    place = dict(rows)
    said = zip((place[pk] for pk in entry.completion_ids), entry.row["gold"]["ranks"], strict=True)
    return Answer(**{**entry.row["gold"], "ranks": [rank for _, rank in sorted(said, key=lambda each: each[0])]})
