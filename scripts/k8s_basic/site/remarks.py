"""Callouts on the page: a number at the end of a field's line, and the remarks below the block.

The numbers are drawn by CSS, so what the copy button copies is the manifest and nothing else.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

from ..content import callouts
from .marks import inline

BACK = {"ko": "{}번이 붙은 줄로", "en": "Back to line with number {}"}
_BLOCK = re.compile(
    r'<div class="language-yaml highlight"><span class="filename">(?P<path>[\w./-]+\.yaml)</span>'
    r"<pre><span></span><code>(?P<code>.*?)</code></pre></div>",
    re.DOTALL,
)


def with_callouts(root: Path, content: str, language: str) -> str:
    """Return a page's HTML with the callouts of its examples, on the first block of each."""
    seen: set[str] = set()

    def block(match: re.Match[str]) -> str:
        found = [] if match["path"] in seen else callouts.read(root, match["path"])
        seen.add(match["path"])
        if not found:
            return match[0]
        name = re.sub(r"\W+", "-", match["path"].removesuffix(".yaml"))
        lines = match["code"].split("\n")
        numbered = [callout for callout in found if callout.text]
        for number, callout in enumerate(numbered, 1):
            label = html.escape(plain(callout.text[language]))
            lines[callout.first] += (
                f'<a class="callout" id="on-{name}-{number}" href="#co-{name}-{number}" '
                f'data-number="{number}" aria-label="{number}: {label}"></a>'
            )
        for number in {n for c in found for n in range(c.first, c.last + 1)}:
            lines[number] = f'<span class="hll">{lines[number]}</span>'
        shown = match[0].replace(match["code"], "\n".join(lines), 1)
        return shown + _list(name, numbered, language)

    return _BLOCK.sub(block, content)


def _list(name: str, numbered: list[callouts.Callout], language: str) -> str:
    items = "".join(
        f'<li id="co-{name}-{number}">{inline(callout.text[language])} '
        f'<a class="back" href="#on-{name}-{number}" '
        f'aria-label="{BACK[language].format(number)}">↑</a></li>\n'
        for number, callout in enumerate(numbered, 1)
    )
    return f'\n<ol class="callouts">\n{items}</ol>' if items else ""


def plain(text: str) -> str:
    """Return a remark without its marks."""
    return text.replace("`", "")
