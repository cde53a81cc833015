"""HTML, XML and text from the files in `templates`, and what they say in each language.

In an HTML template, line breaks and indentation are for its own reader and don't reach the page:
what belongs to it is written as `{{ " " }}` or `{{ "\\n" }}`.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.ext import Extension
from markupsafe import Markup

from ..content.pages import LINK

WORDS: dict[str, dict[str, Any]] = yaml.load(
    Path(__file__).with_name("words.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
)
_BULLET = re.compile(r"^(?:[-*+>]|\d+[.)])\s+")


class _Lines(Extension):
    """Takes the line breaks out of HTML templates."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return the source of a template without the layout of its file."""
        is_html = str(name).endswith(".html")
        return "".join(map(str.strip, source.splitlines())) if is_html else source


def inline(markdown: str) -> Markup:
    """Return a sentence as HTML, its links as their text."""
    text = html.escape(LINK.sub(r"\g<text>", _BULLET.sub("", markdown)), quote=False)
    return Markup(re.sub(r"(`+) ?(.+?) ?\1", r"<code>\2</code>", text))


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=select_autoescape(("html", "xml")),
    extensions=[_Lines],
    keep_trailing_newline=True,
    lstrip_blocks=True,
    trim_blocks=True,
    undefined=StrictUndefined,
)
_TEMPLATES.filters |= {
    "inline": inline,
    "num": "{:g}".format,
    "slug": lambda text: re.sub(r"\W+", "-", text),
}


def render(template: str, /, **values: object) -> Markup:
    """Return a template filled in; what is no Markup is escaped in HTML and XML."""
    return Markup(_TEMPLATES.get_template(template).render(**values))
