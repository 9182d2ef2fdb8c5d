"""What a browser would send of a form that it was given."""

from typing import Any


def as_sent(form: Any) -> dict[str, Any]:
    """Every field with the value it shows, and hidden beside it what it showed first where the page carries that; a box
    that is not ticked is not sent."""
    sent = {}
    for field in form:
        value = field.value()
        if field.field.show_hidden_initial:
            sent[field.html_initial_name] = field.field.hidden_widget().format_value(value)
        if value is True:
            sent[field.html_name] = "on"
        elif value is not False and value is not None:
            sent[field.html_name] = field.field.widget.format_value(value)
            if isinstance(sent[field.html_name], list):
                sent[field.html_name] = sent[field.html_name][0]
    return {name: "" if value is None else value for name, value in sent.items()}
