"""The form by which a lead says what is right about a comparison."""

from typing import Any

from django import template

from labeling.queries.quality import LETTERS, agreed_on, in_words

register = template.Library()


@register.inclusion_tag("labeling/_gold_form.html", takes_context=True)
def gold_form(context: dict[str, Any]) -> dict[str, Any]:
    """Marks, changes or unmarks the comparison of the page; for leads alone."""
    comparison, request = context["comparison"], context["request"]
    may = getattr(request, "role", "") == "lead" and comparison.purpose == "collect" and comparison.state != "retired"
    if not may:
        return {"may": False}
    gold = context.get("gold")
    agreed = None if gold else agreed_on(comparison.project, at_least=2, only=comparison.pk).get(comparison.pk)
    ranks = gold.ranks if gold else agreed or [None] * comparison.k
    return {
        "may": True,
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "project": context["project"],
        "comparison": comparison,
        "gold": gold,
        "agreed": in_words(agreed) if agreed else "",
        "places": [{"letter": LETTERS[at], "at": at, "rank": rank} for at, rank in enumerate(ranks)],
        "numbers": range(1, comparison.k + 1),
    }
