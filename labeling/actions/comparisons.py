"""Comparisons: which completions are ranked together, how often, and when."""

from collections.abc import Sequence

from django.db import IntegrityError, transaction

from labeling.actions.content import check_language, check_text
from labeling.actions.errors import ActionError
from labeling.actions.prompts import check_choice
from labeling.actions.queue import level_of
from labeling.actions.tallies import count_change, count_project, weight
from labeling.content import comparison_hash
from labeling.models import Candidate, Comparison, Completion, Generator, Lane, Project, Prompt
from labeling.models.project import MAX_K

MOST_JUDGMENTS = 1000  # that a comparison may want


@transaction.atomic
def add_comparison(
    *,
    prompt: Prompt,
    completions: Sequence[Completion],
    overlap: int | None = None,
    priority: int = 0,
    purpose: str = Comparison.Purpose.COLLECT,
    round: int = 1,
    language: str = "",
    qualification: str = "",
    generators: Sequence[Generator] | None = None,
) -> tuple[Comparison, bool]:
    """The comparison of these completions, in this canonical order if it is new, and whether it is new.

    overlap: judgments wanted, the project's setting if None. language, qualification: what whoever ranks it must read
    and know; empty asks for nothing. generators: what wrote each completion, if it need not have been the first to.
    Raises ActionError "invalid" unless there are 2 to MAX_K different completions, all of the prompt.
    """
    check_choice(purpose, "purpose", Comparison.Purpose.values)
    _check_candidates(prompt, completions)
    digest = comparison_hash(prompt.content_hash, [c.content_hash for c in completions], purpose)
    project = prompt.project
    first_of_prompt = not Comparison.objects.filter(prompt=prompt).exists()
    comparison, created = Comparison.objects.get_or_create(
        project=project,
        content_hash=digest,
        defaults={
            "prompt": prompt,
            "k": len(completions),
            "overlap": _check_overlap(project.overlap if overlap is None else overlap),
            "priority": priority,
            "level": level_of(project.order, priority, 0),
            "lane_id": lane_of(project, language, qualification),
            "purpose": purpose,
            "round": round,
        },
    )
    if created:
        Candidate.objects.bulk_create(
            Candidate(comparison=comparison, completion=completion, position=position, generator=generator)
            for position, (completion, generator) in enumerate(_wrote(completions, generators))
        )
        count_project(project.pk, prompts_compared=int(first_of_prompt), **weight(comparison))
    return comparison, created


def _wrote(
    completions: Sequence[Completion], generators: Sequence[Generator] | None
) -> list[tuple[Completion, Generator | None]]:
    """Each completion, with its generator where that is another than the first to write it."""
    pairs = zip(completions, generators or [None] * len(completions), strict=True)
    return [(each, wrote if wrote and wrote.pk != each.generator_id else None) for each, wrote in pairs]


def lane_of(project: Project, language: str = "", qualification: str = "") -> int:
    """Id of the project's lane for that language and qualification, made if it is the first of them."""
    language = check_language(language, "language")
    qualification = check_text(qualification, "qualification", empty=True, longest=40).strip()
    return Lane.objects.get_or_create(project=project, language=language, qualification=qualification)[0].pk


@transaction.atomic
def change_comparison(
    *,
    comparison: Comparison,
    state: str | None = None,
    priority: int | None = None,
    overlap: int | None = None,
) -> Comparison:
    """Pause, resume, retire, reprioritise, or ask for more or fewer judgments; None leaves a thing as it is.

    Raises ActionError "conflict" when the overlap would fall below the judgments that are held or given.
    """
    locked = (
        Comparison.objects.select_for_update(no_key=True, of=("self",)).select_related("project").get(pk=comparison.pk)
    )
    before, overlap_before = weight(locked), locked.overlap
    if state is not None:
        locked.state = check_choice(state, "state", Comparison.State.values)
    if priority is not None:
        locked.priority = priority
    if overlap is not None:
        locked.overlap = _check_overlap(overlap)
        if locked.overlap < overlap_before:
            _close_gaps(locked)
    locked.level = level_of(locked.project.order, locked.priority, locked.live)
    try:
        with transaction.atomic():
            locked.save(update_fields=["state", "priority", "overlap", "level"])
    except IntegrityError:
        raise ActionError(
            f"Comparison {locked.pk} has {locked.live} judgments given or being given; {overlap} is too few.",
            "conflict",
            "overlap",
        ) from None
    count_change(locked, before)
    return locked


def _close_gaps(locked: Comparison) -> None:
    """Move what lies above the overlap to come into slots that others gave back, so that only the count decides."""
    held = dict(locked.assignments.filter(slot__isnull=False).values_list("slot", "pk"))
    free = [slot for slot in range(locked.overlap) if slot not in held]
    for slot, above in zip(free, sorted(slot for slot in held if slot >= locked.overlap), strict=False):
        locked.assignments.filter(pk=held[above]).update(slot=slot)


def _check_candidates(prompt: Prompt, completions: Sequence[Completion]) -> None:
    if not 2 <= len(completions) <= MAX_K:
        raise ActionError(f"{len(completions)} completions; a comparison needs 2 to {MAX_K}.", field="completions")
    if len({completion.pk for completion in completions}) < len(completions):
        raise ActionError("The completions of a comparison must differ.", field="completions")
    strays = [completion.pk for completion in completions if completion.prompt_id != prompt.pk]
    if strays:
        raise ActionError(f"Completion {strays[0]} answers another prompt than {prompt.pk}.", field="completions")


def _check_overlap(overlap: int) -> int:
    if isinstance(overlap, bool) or not isinstance(overlap, int) or not 1 <= overlap <= MOST_JUDGMENTS:
        raise ActionError(
            f"overlap must be a whole number from 1 to {MOST_JUDGMENTS}, not {overlap!r:.40}.", field="overlap"
        )
    return overlap
