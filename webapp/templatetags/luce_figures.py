"""How numbers look on a page: the same digits everywhere, and a dash where there is no number."""

from decimal import Decimal
from typing import Any

from django import template
from django.utils.formats import number_format

register = template.Library()


@register.filter
def percent(value: Any, digits: int = 1) -> str:
    """A share between 0 and 1 as a percentage: 0.8333 gives "83.3 %" (with a no-break space)."""
    if value is None:
        return "–"
    return f"{_rounded(100 * float(value), digits)}\N{NO-BREAK SPACE}%"


@register.filter
def figure(value: Any, digits: int = 2) -> str:
    """A number with a fixed count of decimals, and a true minus sign."""
    if value is None:
        return "–"
    return _rounded(float(value), digits).replace("-", "−")


def _rounded(value: float, digits: int) -> str:
    """In the language's spelling. Rounded here: Django's number_format would cut a float off (0.29 · 100 is 28.99…)."""
    rounded = Decimal(f"{value:.{int(digits)}f}")
    return number_format(rounded if rounded else abs(rounded), decimal_pos=int(digits))


@register.filter
def duration(seconds: Any) -> str:
    """Seconds as a person says them: "45 s", "3 min 20 s", "2 h 5 min"."""
    if seconds is None:
        return "–"
    whole = round(float(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, rest = divmod(whole, 3600)
    return f"{hours} h {rest // 60} min" if rest >= 60 else f"{hours} h"
