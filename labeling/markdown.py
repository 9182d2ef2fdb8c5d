"""Text that people and models wrote, as HTML that can do no harm."""

from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

LONGEST = 200_000
TAGS = {
    *("p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "code": {"class"}}
SCHEMES = {"http", "https", "mailto"}


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    """CommonMark with tables and strike-through. Raw HTML is shown as it was typed; images are shown as links.

    Nothing in an answer may load anything: an image from elsewhere would tell its owner who ranks what, and when.
    """
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
    parser.enable(["table", "strikethrough"])
    parser.disable("image")
    return parser


def render_markdown(text: str) -> SafeString:
    """The text as HTML: parsed by markdown-it, then cut to an allow-list by nh3 (ammonia).

    Headings become h3 and below, so that an answer cannot pose as part of the page. Text beyond LONGEST characters is
    shown plain.
    """
    if len(text) > LONGEST:
        return mark_safe(f"<pre>{nh3.clean_text(text)}</pre>")  # noqa: S308 - escaped by nh3
    tokens = _parser().parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    html = _parser().renderer.render(tokens, _parser().options, {})
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
        clean_content_tags={"script", "style"},
    )
    return mark_safe(clean)  # noqa: S308 - cleaned to the allow-list above
