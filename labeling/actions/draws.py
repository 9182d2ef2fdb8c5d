"""What chance decides about a person's work, drawn by a seed so that it can be drawn again.

No draw depends on the clock or on who else is there: the same project seed, person and number give the same.
"""

import hashlib
import random
from typing import Literal

Special = Literal["gold", "repeat"]


def draw_order(seed: int, comparison_id: int, person_id: int, k: int, attempt: int = 0) -> list[int]:
    """A random order of the canonical positions 0 … k−1: always the same for one seed, comparison, person, attempt."""
    again = f":{attempt}" if attempt else ""
    order = list(range(k))
    _generator(f"{seed}:{comparison_id}:{person_id}{again}").shuffle(order)
    return order


def draw_special(seed: int, person_id: int, number: int, gold: int, repeat: int) -> Special | None:
    """Whether a person's item no. `number` (from 0) has a known answer, repeats an earlier one, or neither.

    gold, repeat: shares in percent. Stratified: of every 100 / (gold + repeat) items that follow one another exactly
    one is special, at a place drawn for it, so that they come neither in clusters nor at a step one could learn; of
    the special ones the shares are kept in the same way.
    """
    share = gold + repeat
    if not share:
        return None
    stratum = number * share // 100
    first, end = -(-stratum * 100 // share), -(-(stratum + 1) * 100 // share)
    if number != first + draw(f"{seed}:{person_id}:place:{stratum}", end - first):
        return None
    return "gold" if _is_gold(seed, person_id, stratum, gold, share) else "repeat"


def _is_gold(seed: int, person_id: int, which: int, gold: int, share: int) -> bool:
    """Of any `share` special items that follow one another `gold` are gold, in an order drawn for them."""
    turn, place = divmod(which, share)
    kinds = [True] * gold + [False] * (share - gold)
    _generator(f"{seed}:{person_id}:kinds:{turn}").shuffle(kinds)
    return kinds[place]


def draw(what: str, below: int) -> int:
    """A whole number from 0 to `below` − 1."""
    return _generator(what).randrange(below)


def _generator(what: str) -> random.Random:
    digest = hashlib.sha256(what.encode()).digest()
    return random.Random(digest)  # noqa: S311 - an order on a page, no secret
