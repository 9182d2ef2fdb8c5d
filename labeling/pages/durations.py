"""Times as people write them: "45 s", "30 min", "1 h 30 min", "2 days"."""

import re
from typing import Any

from django import forms

UNITS = {"day": 86400, "h": 3600, "min": 60, "s": 1}
SPELLED = {
    **dict.fromkeys(["s", "sec", "secs", "second", "seconds"], 1),
    **dict.fromkeys(["min", "mins", "minute", "minutes"], 60),
    **dict.fromkeys(["h", "hour", "hours"], 3600),
    **dict.fromkeys(["d", "day", "days"], 86400),
}
PART = re.compile(r"(\d{1,7})\s*([a-z]+)")
EXAMPLES = "such as 45 s, 30 min, 1 h 30 min or 2 days"


def in_words(seconds: int) -> str:
    """Exactly what `read_duration` reads again: 5400 is "1 h 30 min"."""
    parts, rest = [], seconds
    for unit, length in UNITS.items():
        many, rest = divmod(rest, length)
        if many:
            parts.append(f"{many} {unit}{'s' if unit == 'day' and many > 1 else ''}")
    return " ".join(parts) or "0"


def read_duration(text: str) -> int:
    """Seconds. Raises ValueError when no unit is said: 30 might be minutes or seconds."""
    text = text.strip().lower()
    if text == "0":
        return 0
    parts = PART.findall(text)
    if not parts or PART.sub("", text).strip(" ,") or any(unit not in SPELLED for _, unit in parts):
        raise ValueError(text)
    return sum(int(number) * SPELLED[unit] for number, unit in parts)


class DurationInput(forms.TextInput):
    """Shows a number of seconds in words."""

    def format_value(self, value: Any) -> Any:
        return in_words(value) if isinstance(value, int) else value


class HiddenDuration(DurationInput):
    """What a form showed, beside what is written there now."""

    input_type = "hidden"


class DurationField(forms.IntegerField):
    """A whole number of seconds from `least` to `most`, written and read as a time in words."""

    hidden_widget = HiddenDuration
    widget = DurationInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "duration"})

    def __init__(self, *, least: int = 0, most: int = 10**7, **kwargs: Any) -> None:
        self.least, self.most = least, most
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values:
            return None
        try:
            seconds = read_duration(str(value))
        except ValueError:
            raise forms.ValidationError(f"Write a time with its unit, {EXAMPLES}.") from None
        if not self.least <= seconds <= self.most:
            raise forms.ValidationError(f"Between {in_words(self.least)} and {in_words(self.most)}.")
        return seconds
