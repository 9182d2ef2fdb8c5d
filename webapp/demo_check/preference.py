"""What the simulated annotators prefer, and how noisily: a known truth to measure Luce against.

**Preference.** `quality` of an answer is a sum of four parts that a reader would recognise:

    + 1.0   if it is finished (the last line ends as a sentence or a list item ends)
    + 1.0 × min(1, on_topic / 0.3)      on_topic: share of the prompt's content words that it takes up
    − 2.0 × repeated                    repeated: share of its word trigrams that occurred before in it
    − 1.0 × max(0, (15 − words) / 15)   too short to be an answer
    − 1.0 × max(0, (words − 45) / 30)   rambling

so neither longer nor shorter wins as such.

**Noise.** An annotator perceives `floor((quality + temperature × G) / step)` with G a standard Gumbel variable drawn
for each answer each time, and ranks by what they perceive; equal is a tie. Without the steps this is exactly the
Bradley–Terry / Plackett–Luce model (Gumbel differences are logistic; Yellott 1977), with temperature as its scale.
"""

import math
import random
import re

import numpy as np
from numpy.typing import NDArray

STEP = 0.25

_WORD = re.compile(r"[^\W\d_]+", re.UNICODE)
_STOP_WORDS = frozenset(
    _WORD.findall(
        "a about all also am an and any are as at be because been but by can could did do does for from had has have "
        "he her him his how i if in into is it its just like make me more my no not of on one or our out she should so "
        "some such than that the their them then there these they this to up us use was we were what when which who "
        "why will with would write you your give explain please short list text following answer question help"
    )
)


def words(text: str) -> list[str]:
    """Lower-case words, punctuation and digits left out."""
    return _WORD.findall(text.lower())


def is_finished(text: str) -> bool:
    """Whether the text ends as a sentence does."""
    return text.rstrip().rstrip("*_`\"')]”’").endswith((".", "!", "?", "。"))


def repeated_share(text: str) -> float:
    """The share, in 0 … 1, of word trigrams that occurred before in the text; 0 for fewer than four words."""
    tokens = words(text)
    trigrams = list(zip(tokens, tokens[1:], tokens[2:], strict=False))
    return 1 - len(set(trigrams)) / len(trigrams) if len(trigrams) > 1 else 0.0


def on_topic_share(prompt: str, text: str) -> float:
    """The share, in 0 … 1, of the prompt's content words (by their first five letters) that the text takes up."""
    wanted = {word[:5] for word in words(prompt) if word not in _STOP_WORDS and len(word) > 2}
    given = {word[:5] for word in words(text)}
    return len(wanted & given) / len(wanted) if wanted else 1.0


def quality(prompt: str, text: str) -> float:
    """The known preference, in units of the sum in this module's docstring; higher is better."""
    count = len(words(text))
    return (
        1.0 * is_finished(text)
        + min(1.0, on_topic_share(prompt, text) / 0.3)
        - 2.0 * repeated_share(text)
        - max(0.0, (15 - count) / 15)
        - max(0.0, (count - 45) / 30)
    )


def noisy_ranks(qualities: list[float], temperature: float, draw: random.Random) -> list[int]:
    """Dense ranks (1 = best, equal = tie) that an annotator of this `temperature` gives once."""
    perceived = [
        math.floor((value - temperature * math.log(-math.log(1 - draw.random()))) / STEP) for value in qualities
    ]
    levels = sorted(set(perceived), reverse=True)
    return [levels.index(level) + 1 for level in perceived]


def pair_label_probabilities(first: float, second: float, temperature: float) -> NDArray[np.float64]:
    """Chance that one annotator calls the first better, a tie, the second better: shape (3,), sums to 1.

    Exact for the noise above: the chance of each perceived level is a difference of Gumbel distribution functions.
    """
    lowest = math.floor((min(first, second) - 4 * temperature) / STEP)
    highest = math.ceil((max(first, second) + 20 * temperature) / STEP)
    edges = np.arange(lowest, highest + 1) * STEP
    levels = []
    for value in (first, second):
        below = np.exp(-np.exp(-(edges - value) / temperature))
        below[0], below[-1] = 0.0, 1.0
        levels.append(np.diff(below))
    a, b = levels
    tie = float(a @ b)
    better = float(a[1:] @ np.cumsum(b)[:-1])
    return np.array([better, tie, 1 - better - tie])
