"""Text that people and models wrote, as HTML that can do no harm and that leaves nothing out.

People judge what they see. Markdown takes some of what is written away: definitions of links, what is nested too deep,
cells beyond the columns of a table. Where that happens the text is shown as it was typed instead.
"""

import re
from functools import lru_cache
from html import unescape
from urllib.parse import unquote

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

LONGEST = 200_000
DEEPEST = 60
WORD = re.compile(r"[^\W\d_]{2,}")
TAGS = {
    *("p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "code": {"class"}}
SCHEMES = {"http", "https", "mailto"}


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    """CommonMark with tables and strike-through. Raw HTML is shown as it was typed; images are shown as links, and
    definitions of links as text: models write "[Animal]: owl" and mean it.

    Nothing in an answer may load anything: an image from elsewhere would tell its owner who ranks what, and when.
    """
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
    parser.enable(["table", "strikethrough"])
    parser.disable(["image", "reference"])
    parser.options["maxNesting"] = DEEPEST
    return parser


def render_markdown(text: str) -> SafeString:
    """The text as HTML: parsed by markdown-it, then cut to an allow-list by nh3 (ammonia).

    Headings become h3 and below, so that an answer cannot pose as part of the page. Text beyond LONGEST characters is
    shown plain, and so is what would lose words as Markdown.
    """
    if len(text) > LONGEST:
        return _plain(text)
    tokens = _parser().parse(text)
    if any(token.level >= DEEPEST - 1 for token in tokens):
        return _plain(text)  # what lies deeper is not in the tokens
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
    return mark_safe(clean) if _has_every_word(clean, text) else _plain(text)  # noqa: S308 - cleaned just above


def _plain(text: str) -> SafeString:
    return mark_safe(f'<pre class="as-typed">{nh3.clean_text(text)}</pre>')  # noqa: S308 - escaped by nh3


def _has_every_word(html: str, text: str) -> bool:
    """Whether each word of the text is somewhere in the HTML; addresses of links count."""
    shown = unescape(html)
    shown += unquote(shown)
    return all(word in shown for word in set(WORD.findall(unescape(text))))
