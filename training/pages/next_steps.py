"""What needs doing in a project now, in words, with the place where it is done."""

from dataclasses import dataclass

ENOUGH_NEW_JUDGMENTS = 30


@dataclass(frozen=True)
class Situation:
    """The facts the steps are read from: counts, yes/no, and ids of what is meant, of one project.

    stopped_round: the model in use, when its round stopped and can go on. empty_round: the run of its round, when
    answers were so alike that there is nothing to rank, or nothing to compare.
    """

    active: bool
    has_guidelines: bool
    prompts: int
    unanswered_prompts: int
    comparisons: int
    judgments_wanted: int
    judgments: int
    new_judgments: int
    annotators: int
    sampling: bool
    training: bool
    failed_run: int | None
    unseen_model: int | None
    evaluation: int | None
    evaluation_wanted: int = 0
    stopped_round: int | None = None
    empty_round: int | None = None
    notices: int = 0
    retired: bool = False


@dataclass(frozen=True)
class Step:
    """One thing to do: `text` says it, the button `action` leads to the page `url_name` (with `pk` or alone).

    `post` sends a form instead of following a link.
    """

    text: str
    action: str = ""
    url_name: str = ""
    pk: int | None = None
    post: bool = False


def next_steps(now: Situation) -> list[Step]:
    """Steps, most urgent first; empty when there is nothing to do but wait."""
    return [*_stopped(now), *_missing(now), *_models(now), *_judgments(now)]


def _stopped(now: Situation) -> list[Step]:
    steps = []
    if not now.active:
        what = "retired" if now.retired else "paused"
        steps.append(Step(f"The project is {what}: nobody is given work.", "Resume it", "project-settings"))
    if now.failed_run:
        text = "The last run failed. Its page says why and what to do; nothing else is affected."
        steps.append(Step(text, "See what happened", "run", now.failed_run))
    if now.stopped_round and not now.sampling:
        text = "The round of the model in use stopped before its end. What was written is kept."
        steps.append(Step(text, "Go on with the round", "next-round", now.stopped_round, post=True))
    if now.empty_round and not now.sampling:
        text = "Answers of the last round were alike, so not all could be made that people were to rank or compare."
        steps.append(Step(text, "See what helps", "run", now.empty_round))
    if now.notices:
        text = f"{_count(now.notices, 'thing waits', 'things wait')} for your decision: flagged, skipped, or a person."
        steps.append(Step(text, "Decide", "notices"))
    return steps


def _missing(now: Situation) -> list[Step]:
    steps = []
    if not now.prompts:
        steps.append(Step("There are no prompts yet. Import some to begin.", "Import prompts", "import"))
    elif now.unanswered_prompts and not now.sampling and not now.stopped_round:  # going on with it writes them
        text = f"{_count(now.unanswered_prompts, 'prompt has', 'prompts have')} no completions to rank."
        steps.append(Step(text, "Sample completions", "sample", post=True))
    if not now.annotators:
        steps.append(Step("Nobody but leads can rank here yet.", "Add people", "people"))
    if not now.has_guidelines:
        text = "There are no guidelines. Without them everybody ranks by a rule of their own."
        steps.append(Step(text, "Write guidelines", "project-settings"))
    return steps


def _models(now: Situation) -> list[Step]:
    steps = []
    if now.unseen_model:
        text = "A new model is ready. Read its card before you let it into sampling."
        steps.append(Step(text, "Look at the card", "model", now.unseen_model))
    if now.evaluation and now.evaluation_wanted:
        text = (
            f"The blind comparison of the new model with the old one still wants "
            f"{_count(now.evaluation_wanted, 'judgment', 'judgments')}."
        )
        steps.append(Step(text, "See the win rate so far", "evaluation", now.evaluation))
    return steps


def _judgments(now: Situation) -> list[Step]:
    steps = []
    if now.new_judgments >= ENOUGH_NEW_JUDGMENTS and not now.training:
        text = f"{_count(now.new_judgments, 'judgment has', 'judgments have')} come in that no model has learned from."
        steps.append(Step(text, "Retrain", "retrain"))
    if now.active and now.annotators and now.judgments_wanted:
        text = f"{_count(now.judgments_wanted, 'judgment is', 'judgments are')} still wanted. You can rank as well."
        steps.append(Step(text, "Rank", "rank"))
    return steps


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
