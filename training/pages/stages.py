"""The stages of a run, for the eye: done, at work, still to come."""

from dataclasses import dataclass

from training.models import TrainingRun

# Names as the actions report them, and as people read them.
TRAINING_STAGES = [
    ("freeze", "Freeze the batch"),
    ("prepare", "Prepare the model"),
    ("reward", "Reward model"),
    ("policy", "Policy (DPO)"),
    ("evaluate", "Evaluate"),
    ("store", "Store"),
]
SAMPLING_STAGES = [
    ("prepare", "Prepare the model"),
    ("answers before", "Old model’s answers to held-out prompts"),
    ("answers after", "New model’s answers to held-out prompts"),
    ("sample", "Completions to rank"),
]
MARKS = {"done": "✓", "now": "●", "stopped": "✕", "next": "○"}


@dataclass(frozen=True)
class Stage:
    """`state` is done, now, stopped (the run ended in it) or next; `mark` says the same without colour."""

    name: str
    label: str
    state: str

    @property
    def mark(self) -> str:
        return MARKS[self.state]


def stage_label(run: TrainingRun) -> str:
    """The present stage in words; the run's kind before it has entered one."""
    return dict(TRAINING_STAGES + SAMPLING_STAGES).get(run.stage, run.get_kind_display())


def stages_of(run: TrainingRun) -> list[Stage]:
    """Every stage this run goes through, in order."""
    stages = _expected(run)
    names = [name for name, _ in stages]
    succeeded = run.state == TrainingRun.State.SUCCEEDED
    at = len(stages) if succeeded else names.index(run.stage) if run.stage in names else _before_first(run)
    return [Stage(name, label, _state(position, at, run)) for position, (name, label) in enumerate(stages)]


def _expected(run: TrainingRun) -> list[tuple[str, str]]:
    if run.kind == TrainingRun.Kind.REWARD_DPO:
        stages = TRAINING_STAGES
    else:
        compares = bool(run.settings.get("evaluation"))
        stages = [stage for stage in SAMPLING_STAGES if compares or not stage[0].startswith("answers")]
    # only a project's first run prepares the bundled model
    return [stage for stage in stages if stage[0] != "prepare" or run.stage == "prepare"]


def _before_first(run: TrainingRun) -> int:
    """A training run's batch is frozen before the run is there."""
    return 1 if run.kind == TrainingRun.Kind.REWARD_DPO else 0


def _state(position: int, at: int, run: TrainingRun) -> str:
    if position != at:
        return "done" if position < at else "next"
    if run.state == TrainingRun.State.RUNNING:
        return "now"
    return "next" if run.state == TrainingRun.State.QUEUED else "stopped"
