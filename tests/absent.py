"""What a test needs and a machine may lack."""

import os
from typing import NoReturn

import pytest


def absent(words: str) -> NoReturn:
    """Skip, saying what is missing and how to get it; in CI, where nothing may be missing, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(words)
    pytest.skip(words)
