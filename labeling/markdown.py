"""Text that people and models wrote, as HTML that can do no harm and that leaves nothing out.

People judge what they see. Markdown takes some of what is written away: definitions of links, what is nested too deep,
cells beyond the columns of a table, the numbers of a list that does not count up, the stars of 2*3*4. Where that
happens the text is shown as it was typed instead.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from html import unescape
from urllib.parse import unquote

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.escape import escape
from markdown_it.token import Token

LONGEST = 200_000
DEEPEST = 60
WORD = re.compile(r"[^\W_]+")
# What Markdown would take for emphasis and nobody meant so: products, and names such as __init__.py.
MEANT = re.compile(r"(?<=[A-Za-z0-9)}])\*(?=[A-Za-z0-9({\\])|__\w+__(?=\.\w|\()|(?<=\.)__\w+__")
TAG = re.compile(r"<[^>]*>")
ADDRESS = re.compile(r'(?:href|title|class)="([^"]*)"')
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
    parser.inline.ruler.at("escape", _escape_all_but_tex)
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
    numbers = _numbers_shown(tokens)
    if numbers is None:
        return _plain(text)
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
    return mark_safe(clean) if _leaves_nothing_out(clean, numbers, text) else _plain(text)  # noqa: S308 - clean by now


def _plain(text: str) -> SafeString:
    return mark_safe(f'<pre class="as-typed">{nh3.clean_text(text)}</pre>')  # noqa: S308 - escaped by nh3


def _escape_all_but_tex(state: StateInline, silent: bool) -> bool:
    """The backslashes of \\(…\\) and \\[…\\] are TeX's."""
    if state.src[state.pos : state.pos + 2] in (r"\(", r"\)", r"\[", r"\]"):
        return False
    return escape(state, silent)


def _numbers_shown(tokens: Sequence[Token]) -> list[str] | None:
    """The numbers that browsers put before the items of ordered lists; None where other ones were written."""
    numbers: list[str] = []
    following: list[int | None] = []  # of each list around, the number of its next item
    for token in tokens:
        if token.type == "ordered_list_open":
            following.append(int(token.attrGet("start") or 1) if token.attrGet("start") != 0 else 0)
        elif token.type == "bullet_list_open":
            following.append(None)
        elif token.type in ("ordered_list_close", "bullet_list_close"):
            following.pop()
        elif token.type == "list_item_open" and following[-1] is not None:
            if token.info != str(following[-1]):
                return None
            numbers.append(token.info)
            following[-1] += 1
    return numbers


def _leaves_nothing_out(html: str, numbers: Sequence[str], text: str) -> bool:
    """Whether each word and number of the text is in the HTML as often as it was written (addresses of links count),
    and so is every star and underscore that means itself."""
    shown = unescape(TAG.sub(" ", html))
    addresses = " ".join(unescape(address) for address in ADDRESS.findall(html))
    written, there = unquote(unescape(text)), unquote(" ".join([shown, addresses, *numbers]))
    if Counter(WORD.findall(written)) - Counter(WORD.findall(there)):
        return False
    return len(MEANT.findall(written)) <= len(MEANT.findall(there))
