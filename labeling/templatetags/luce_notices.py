"""How much waits for a lead, beside the name of the page that shows it."""

from django import template

from labeling.models import Project
from labeling.queries.notices import MOST_COUNTED, count_open

register = template.Library()


@register.simple_tag
def waiting_for_lead(project: Project) -> str:
    """The number of open notices as text, "" for none."""
    waiting = count_open(project)
    return f"{MOST_COUNTED - 1}+" if waiting >= MOST_COUNTED else str(waiting or "")
