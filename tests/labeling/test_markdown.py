"""Answers are rendered as Markdown that can do no harm."""

import re
from html import unescape
from urllib.parse import unquote

import pytest
from django.template import Context, Template

from labeling.markdown import LONGEST, render_markdown


def test_paragraphs_lists_code_and_tables_are_rendered():
    html = render_markdown("**Tea**\n\n1. boil\n2. steep\n\n```py\nbrew()\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    for part in ("<strong>Tea</strong>", "<ol>", "<li>boil</li>", '<code class="language-py">brew()', "<td>2</td>"):
        assert part in html


def test_headings_never_outrank_the_page():
    assert render_markdown("# Big\n\n###### Small") == "<h3>Big</h3>\n<h6>Small</h6>\n"


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "<javascript:alert(1)>",
        "![x](http://elsewhere.example/who-reads-this.png)",
        '<a href="x" onclick="alert(1)">x</a>',
        "<style>body{display:none}</style>",
        '<iframe src="//elsewhere.example"></iframe>',
        "<svg/onload=alert(1)>",
        '```" onmouseover="alert(1)\nx\n```',
        "[x]: javascript:alert(1)\n\n[x]",
        "<form action=//elsewhere.example><button>go</button></form>",
    ],
)
def test_nothing_runs_loads_or_poses_as_the_page(attack):
    """Whatever was typed may be read, as text; no element or attribute comes of it beyond a plain link."""
    html = render_markdown(attack)
    assert not any(f"<{tag}" in html for tag in ("script", "img", "style", "iframe", "svg", "form", "button"))
    tags = [piece.split(">")[0] for piece in html.split("<")[1:]]
    assert not any(word in tag for tag in tags for word in ("onclick", "onerror", "onmouseover", "javascript", "data:"))


def test_a_very_long_text_is_shown_plain():
    html = render_markdown("*" * LONGEST + "<b>")
    assert html.startswith("<pre")
    assert "<b>" not in html


@pytest.mark.parametrize(
    "text",
    [
        "[Animal]: owl",
        "[Animal]: owl\n[Does]: slept",
        "[^1]: KEEP",
        "1. " * 30 + "KEEP",
        "- " * 100 + "KEEP",
        "> " * 90 + "KEEP",
        "| a |\n|---|\n| one | KEEP |",
        "```python KEEP\nbrew()\n```",
        "[](http://elsewhere.example/KEEP)",
        "caf&eacute; KEEP &amp; tea",
        "[tee](/gr%C3%BCn KEEP)",
        "中文**没有**丢失",
        "<b>KEEP</b> <!-- and this -->",
    ],
)
def test_no_word_of_an_answer_is_left_out(text):
    html = unescape(render_markdown(text))
    words = re.findall(r"[^\W\d_]+", unescape(unquote(text)))
    assert words
    assert [word for word in words if word not in html and word not in unquote(html)] == []


@pytest.mark.parametrize(
    "text",
    [
        "3. three\n2. two\n1. one",
        "1. x\n1. y\n1. z",
        "01. x",
        "2*3*4 = 24",
        "$\\frac{a*b*c}{d_1}$",
        "| a | b |\n|---|---|\n| 1 | 2 | 3 |",
        "| a | b |\n|---|---|\n| yes | no | yes |",
        "Write it in __init__.py.",
        "obj.__dict__ holds it",
    ],
)
def test_what_markdown_would_change_is_shown_as_it_was_typed(text):
    assert render_markdown(text).startswith('<pre class="as-typed">')


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1. one\n2. two\n\n   - a\n   - b\n3. three", "<ol>"),
        ("7. seven\n8. eight", '<ol start="7">'),
        ("0. nought\n1. one", '<ol start="0">'),
        ("这是**重要**的", "<strong>重要</strong>"),
        ("un**believ**able and *so* on", "<strong>believ</strong>"),
        ("`2*3*4` and `__init__.py`", "<code>2*3*4</code>"),
        ("```python\nx = a*b*c  # 1. one\n```", "<code"),
        ("| a | b |\n|---|--:|\n| 1 | 2 |", "<table>"),
        ("[grün](https://example.org/gr%C3%BCn?a=1&b=2)", "<a"),
        ("\\(x^2\\) and \\[y\\]", "<p>\\(x^2\\) and \\[y\\]</p>"),
        ("5 \\* 3 \\# 2", "<p>5 * 3 # 2</p>"),
        ("AT&amp;T &copy; 2024", "<p>AT&amp;T © 2024</p>"),
        ("Costs 5 * 3 * 2 dollars", "<p>Costs 5 * 3 * 2 dollars</p>"),
    ],
)
def test_what_markdown_keeps_is_rendered(text, shown):
    assert shown in render_markdown(text)


def test_what_nests_moderately_is_still_a_list():
    assert "<pre" not in render_markdown("- a\n  - b\n    - c\n      - d\n        - KEEP")


def test_templates_render_it_with_a_filter():
    page = Template("{% load luce_markdown %}{{ text|markdown }}{{ none|markdown }}")
    assert page.render(Context({"text": "*tea* <b>", "none": None})) == "<p><em>tea</em> &lt;b&gt;</p>\n"
