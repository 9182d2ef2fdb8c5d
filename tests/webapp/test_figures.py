"""Numbers on pages are rounded, in the language's spelling."""

import pytest
from django.utils import translation

from webapp.templatetags.luce_figures import figure, percent


@pytest.mark.parametrize(
    ("share", "digits", "shown"),
    [
        *((0.29, 0, "29"), (0.58, 1, "58.0"), (2 / 3, 0, "67"), (0.4166666, 1, "41.7"), (0.75892, 1, "75.9")),
        *((0.575, 1, "57.5"), (0, 1, "0.0"), (1, 0, "100"), (0.9999, 1, "100.0"), (-0.125, 1, "-12.5")),
    ],
)
def test_a_share_is_rounded_and_not_cut_off(share: float, digits: int, shown: str) -> None:
    assert percent(share, digits) == f"{shown}\N{NO-BREAK SPACE}%"


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (0.29, 1, "0.3"),
        (-0.286, 2, "−0.29"),
        (-0.001, 2, "0.00"),
        (1.9999, 3, "2.000"),
        (1e-9, 2, "0.00"),
        (None, 2, "–"),
    ],
)
def test_a_figure_has_a_true_minus_and_no_minus_nought(value: float | None, digits: int, shown: str) -> None:
    assert figure(value, digits) == shown


def test_the_comma_is_where_the_language_has_it() -> None:
    with translation.override("de"):
        assert percent(0.4166666) == "41,7\N{NO-BREAK SPACE}%"
