"""{% load luce_markdown %}{{ completion.text|markdown }}"""

from django import template
from django.utils.safestring import SafeString

from labeling.markdown import render_markdown

register = template.Library()


@register.filter
def markdown(text: str | None) -> SafeString:
    """Safe HTML of Markdown text; nothing for None."""
    return render_markdown(text or "")
