"""One line of a Luce JSON Lines file, checked and brought into one form. `docs/format.md` describes the format."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import IO, Any

from labeling.actions.completions import check_completions
from labeling.actions.content import check_language, check_text, kind_of
from labeling.actions.errors import ActionError
from labeling.actions.gold import check_answer
from labeling.actions.prompts import check_choice, check_messages, check_tags
from labeling.actions.submitting import MAX_COMMENT, check_active_seconds, check_ranks
from labeling.content import MAX_COPIES, json_hash, text_hash
from labeling.models import Assignment, Comparison, Prompt
from labeling.models.project import MAX_K

MAX_LINE_BYTES = 8 * 1024 * 1024
MAX_JUDGMENTS = 1000
CLOCKS_DIFFER = timedelta(days=1)
PROMPT_FIELDS = {"prompt", "split", "source", "use_case", "tags"}
COMPARISON_FIELDS = {
    "completions",
    "models",
    "finished",
    "overlap",
    "priority",
    "purpose",
    "round",
    "copy",
    "language",
    "qualification",
    "gold",
}
JUDGMENT_FIELDS = {
    *("annotator", "ranks", "shown", "comment", "created", "active_seconds", "revision", "simulated", "surplus"),
    *("kind", "attempt"),
}
GOLD_FIELDS = {"ranks", "use", "source", "explanation"}
KINDS, AGAIN = Assignment.Kind.values, (Assignment.Kind.REPEAT, Assignment.Kind.PRACTICE)
A_WEEK = 7 * 24 * 3600
SPLITS, SOURCES, PURPOSES = Prompt.Split.values, Prompt.Source.values, Comparison.Purpose.values

Row = dict[str, Any]
NOT_WITH_PROMPTS = "judgments are not imported with prompts; import the file as judgments"


def read_lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a binary file in bounded memory; one that is too long comes cut, and is refused as too long."""
    while line := file.readline(MAX_LINE_BYTES + 2):
        yield line
        while len(line) == MAX_LINE_BYTES + 2 and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE_BYTES + 2)


@dataclass(slots=True)
class Entry:
    """A line on its way into the database, with the rows found or made for it.

    new: it added a row. fresh: its prompt came with this batch, so that nothing of it need be looked for.
    generator_ids: what wrote each completion, where another had written it first.
    """

    number: int
    row: Row
    prompt_id: int = 0
    completion_ids: list[int] = field(default_factory=list)
    generator_ids: list[int | None] = field(default_factory=list)
    comparison_id: int = 0
    new: bool = False
    fresh: bool = False


def check_line(raw: str | bytes, *, judgments: bool, allow_ties: bool) -> Row | None:
    """The line as a dictionary in which every field is present and legal; None for an empty line.

    judgments: whether the line may carry judgments. Raises ActionError naming the field.
    """
    line = _parse(raw)
    if line is None:
        return None
    _check_known(line, PROMPT_FIELDS | COMPARISON_FIELDS | ({"judgments"} if judgments else set()))
    if "prompt" not in line:
        raise ActionError("prompt is missing; give it a text or a list of messages.", field="prompt")
    row = _prompt_part(line) | _comparison_part(line)
    row["judgments"] = _judgments_part(line.get("judgments"), k=len(row["completions"]), allow_ties=allow_ties)
    row["gold"] = _gold_part(line.get("gold"), row, allow_ties=allow_ties)
    return row


def _parse(raw: str | bytes) -> dict[str, Any] | None:
    if len(raw) > MAX_LINE_BYTES + 1:
        longest = f"{MAX_LINE_BYTES // 1024**2} MiB"
        raise ActionError(f"the line is longer than {longest}; shorten it or leave it out.", field="line")
    try:
        text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw.removeprefix("\ufeff")
        if not text.strip():
            return None
        line = _decode(text)
    except UnicodeDecodeError as error:
        raise ActionError(f"byte {error.start + 1} is not UTF-8; save the file as UTF-8.", field="line") from None
    except json.JSONDecodeError as error:
        raise ActionError(
            f"not JSON: {error.msg} at character {error.colno}; write one JSON object a line.", field="line"
        ) from None
    except RecursionError:
        raise ActionError("the JSON is nested too deeply; no field holds lists in lists.", field="line") from None
    if not isinstance(line, dict):
        raise ActionError(f'a line must be an object, not {kind_of(line)}; write {{"prompt": "…"}}.', field="line")
    return line


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of the line. A key that stands twice is refused: json would keep the last value and lose the first."""
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise ActionError(f'"{twice:.60}" stands more than once in one object; leave one.', field=f"{twice:.60}")
    return made


def _whole(digits: str) -> int:
    """A whole number of the line. Python refuses to convert very many digits: that takes the square of their time."""
    try:
        return int(digits)
    except ValueError:
        many = len(digits.removeprefix("-"))
        raise ActionError(
            f"holds a whole number of {many:,} digits, more than any field takes; shorten it.", field="line"
        ) from None


def _no_constant(name: str) -> None:
    raise ActionError(f"not JSON: {name} is no number there; write null or leave the field out.", field="line")


_decode = json.JSONDecoder(object_pairs_hook=_object, parse_int=_whole, parse_constant=_no_constant).decode


def _check_known(part: dict[str, Any], known: set[str], where: str = "") -> None:
    unknown = sorted(set(part) - known)
    if unknown:
        name = f"{unknown[0]:.60}"
        if name == "judgments":
            raise ActionError(f"{NOT_WITH_PROMPTS}; use import_judgments.", field=name)
        raise ActionError(f'"{name}" is no field; known are {", ".join(sorted(known))}.', field=where + name)


def _prompt_part(line: dict[str, Any]) -> Row:
    """split is None when the line does not say: a prompt that is stored already keeps its own."""
    messages = check_messages(line["prompt"])
    return {
        "messages": messages,
        "prompt_hash": json_hash(messages),
        "split": _if_given(line, "split", lambda value: check_choice(value, "split", SPLITS)),
        "source": check_choice(line.get("source", Prompt.Source.IMPORTED), "source", SOURCES),
        "use_case": check_text(line.get("use_case", ""), "use_case", empty=True, longest=60),
        "tags": check_tags(line.get("tags", [])),
    }


def _comparison_part(line: dict[str, Any]) -> Row:
    completions = check_completions(line["completions"]) if "completions" in line else []
    return {
        "completions": completions,
        "hashes": [text_hash(text) for text in completions],
        "models": _check_models(line.get("models"), len(completions)),
        "finished": _check_finished(line.get("finished"), len(completions)),
        "overlap": _if_given(line, "overlap", lambda value: check_whole(value, "overlap", 1, 1000)),
        "priority": check_whole(line.get("priority", 0), "priority", -(2**31), 2**31 - 1),
        "purpose": check_choice(line.get("purpose", "collect"), "purpose", PURPOSES),
        "round": check_whole(line.get("round", 1), "round", 1, 32767),
        "language": check_language(line.get("language", ""), "language"),
        "qualification": check_text(line.get("qualification", ""), "qualification", empty=True, longest=40).strip(),
        "copy": _if_given(line, "copy", lambda value: check_whole(value, "copy", 1, MAX_COPIES)),
    }


def _check_models(raw: Any, k: int) -> list[str | None]:
    if raw is None:
        return [None] * k
    if not isinstance(raw, list) or len(raw) != k:
        raise ActionError(f"models must be a list of {k} names, one a completion (null if unknown).", field="models")
    return [
        None if name is None else check_text(name, f"models[{place}]", longest=200) for place, name in enumerate(raw)
    ]


def _check_finished(raw: Any, k: int) -> list[bool | None]:
    if raw is None:
        return [None] * k
    if not isinstance(raw, list) or len(raw) != k or not all(each is None or isinstance(each, bool) for each in raw):
        raise ActionError(
            f"finished must be a list of {k}: for each completion true if its model ended it, false if it was cut off, "
            "null if unknown.",
            field="finished",
        )
    return raw


def _judgments_part(raw: Any, *, k: int, allow_ties: bool) -> list[Row]:
    if raw is None or raw == []:
        return []
    if not isinstance(raw, list) or len(raw) > MAX_JUDGMENTS:
        raise ActionError(f"judgments must be a list of at most {MAX_JUDGMENTS}.", field="judgments")
    if k < 2:
        raise ActionError("judgments need at least two completions to rank.", field="completions")
    judgments = [_judgment(said, place, k, allow_ties) for place, said in enumerate(raw)]
    seen: dict[tuple[str, int], int] = {}
    for place, said in enumerate(judgments):
        first = seen.setdefault((said["annotator"], said["attempt"]), place)
        if first != place:
            raise ActionError(
                f'"{said["annotator"]}" judges twice, in judgments[{first}] and judgments[{place}]; leave one.',
                field=f"judgments[{place}].annotator",
            )
    return judgments


def _judgment(said: Any, place: int, k: int, allow_ties: bool) -> Row:
    where = f"judgments[{place}]"
    if not isinstance(said, dict):
        raise ActionError(f"{where} must be an object, not {kind_of(said)}.", field=where)
    try:
        _check_known(said, JUDGMENT_FIELDS)
        return {
            "annotator": _check_name(said.get("annotator")),
            "ranks": check_ranks(said.get("ranks"), k=k, allow_ties=allow_ties),
            "shown": _check_shown(said.get("shown"), k),
            "comment": check_text(said.get("comment") or "", "comment", empty=True, longest=MAX_COMMENT).strip(),
            "created": _check_created(said.get("created")),
            "active_seconds": _check_seconds(said.get("active_seconds")),
            "simulated": _check_flag(said.get("simulated", False), "simulated"),
            "surplus": _check_flag(said.get("surplus", False), "surplus"),
            **_what_for(said),
        }
    except ActionError as error:
        raise ActionError(f"{where}: {error.message}", field=f"{where}.{error.field}") from None


def _check_seconds(seconds: Any) -> float | None:
    """A browser's count is cut to what it can have been; a file's must be meant as it stands."""
    kept = check_active_seconds(seconds, longest=A_WEEK)
    if kept != seconds:
        raise ActionError("active_seconds must lie between 0 and a week.", field="active_seconds")
    return kept


def _what_for(said: dict[str, Any]) -> Row:
    """kind: what the judgment was asked for; attempt: the how-many-th time, for repeats and practice."""
    kind = check_choice(said.get("kind", Assignment.Kind.COLLECT), "kind", KINDS)
    if said.get("surplus") and kind != Assignment.Kind.COLLECT:
        raise ActionError("only a judgment that collects can be surplus; leave surplus out.", field="surplus")
    if kind in AGAIN:
        return {"kind": kind, "attempt": check_whole(said.get("attempt", 1), "attempt", 1, 32767)}
    if said.get("attempt", 0) != 0:
        raise ActionError(f'a judgment of kind "{kind}" is given once; leave attempt out.', field="attempt")
    return {"kind": kind, "attempt": 0}


def _gold_part(raw: Any, row: Row, *, allow_ties: bool) -> Row | None:
    """The known answer, its ranks in the order of the line's completions."""
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise ActionError(f"gold must be an object, not {kind_of(raw)}.", field="gold")
    if len(row["completions"]) < 2:
        raise ActionError("a known answer needs at least two completions to rank.", field="completions")
    if row["purpose"] == Comparison.Purpose.EVALUATE:
        raise ActionError("a comparison of two models has no known answer; leave gold out.", field="gold")
    try:
        _check_known(raw, GOLD_FIELDS)
        known = {name: raw[name] for name in ("use", "source", "explanation") if name in raw}
        answer = check_answer(ranks=raw.get("ranks"), k=len(row["completions"]), allow_ties=allow_ties, **known)
    except ActionError as error:
        raise ActionError(f"gold: {error.message}", field=f"gold.{error.field}") from None
    return asdict(answer)


def _check_name(raw: Any) -> str:
    """An annotator's name. Without spaces around it, and without characters that cannot be seen: names must differ to
    the eye."""
    name = check_text(raw, "annotator", longest=150).strip()
    unseen = next((each for each in name if not each.isprintable()), None)
    if unseen is not None:
        code = f"U+{ord(unseen):04X}"
        raise ActionError(f"annotator holds the invisible character {code}; leave it out.", field="annotator")
    return name


def _check_shown(raw: Any, k: int) -> list[int]:
    """The order on the page, a permutation of 0 … K−1; [] when it is not known."""
    if raw is None:
        return []
    whole = isinstance(raw, list) and all(isinstance(place, int) and not isinstance(place, bool) for place in raw)
    if not whole or sorted(raw) != list(range(k)):
        raise ActionError(f"shown must hold each position from 0 to {k - 1} once, as displayed.", field="shown")
    return raw


def _check_created(raw: Any) -> str | None:
    """ISO 8601 in UTC; a time without a zone is taken as UTC."""
    if raw is None:
        return None
    try:
        moment = datetime.fromisoformat(raw)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise ActionError('created must be an ISO 8601 time such as "2025-03-01T12:30:00Z".', field="created") from None
    if moment > datetime.now(UTC) + CLOCKS_DIFFER:
        raise ActionError(f"created lies in the future ({raw:.40}); leave it out if it is not known.", field="created")
    return moment.isoformat()


def _check_flag(raw: Any, field: str) -> bool:
    if not isinstance(raw, bool):
        raise ActionError(f"{field} must be true or false, not {kind_of(raw)}.", field=field)
    return raw


def check_whole(value: Any, field: str, low: int, high: int) -> int:
    """A whole number from `low` to `high`; ActionError naming `field` otherwise."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ActionError(f"{field} must be a whole number from {low} to {high}.", field=field)
    return value


def _if_given(line: dict[str, Any], field: str, check: Any) -> Any:
    return check(line[field]) if line.get(field) is not None else None


__all__ = ["MAX_K", "Entry", "Row", "check_line", "read_lines"]
