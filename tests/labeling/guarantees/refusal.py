"""A block that the database refuses."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction


def refuses(says: str = "") -> Any:
    """The block is refused by the database, in these words if it is a guard that refuses."""
    return _Refuses(says)


class _Refuses:
    def __init__(self, says: str) -> None:
        self.raises = pytest.raises(IntegrityError, match=says or None)
        self.savepoint = transaction.atomic()

    def __enter__(self) -> None:
        self.raises.__enter__()
        self.savepoint.__enter__()

    def __exit__(self, *error: Any) -> bool:
        self.savepoint.__exit__(*error)
        return self.raises.__exit__(*error)
