"""A tiny model for every test of the engine, made once a session."""

import random
import string

import pytest
import torch

from tests.training.tiny_model import make_tiny_model
from training.engine import Ranking


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Tiny matrices are slower on many threads, and sums in one order are the same twice."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("tiny") / "base")


def words(rng: random.Random, shortest: int, longest: int) -> str:
    letters = string.ascii_lowercase + "  "
    return "a" + "".join(rng.choice(letters) for _ in range(rng.randint(shortest, longest))) + "z"


def make_rankings(count: int, k: int = 4, seed: int = 0, prefix: str = "r") -> list[Ranking]:
    """Rankings of random texts in which more exclamation marks, and fewer question marks, are better."""
    rng = random.Random(seed)
    rankings = []
    for number in range(count):
        marks = list(range(k))
        rng.shuffle(marks)
        rankings.append(
            Ranking(
                [{"role": "user", "content": words(rng, 5, 25)}],
                [words(rng, 4, 16) + "!" * (2 * m) + "?" * (2 * (k - 1 - m)) for m in marks],
                [k - m for m in marks],
                id=f"{prefix}{number}",
            )
        )
    return rankings
