"""The Markdown of the pages: a Python-Markdown extension, so that any builder with it can use it.

Fences show manifests, commands, outputs and figures; a claim becomes its mark, and a line such as
`{{ proof }}` what the build makes of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from markdown import Extension, Markdown
from markdown.inlinepatterns import InlineProcessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import YamlLexer
from pymdownx.superfences import SuperFencesException

from ..content import callouts, figures, recordings
from ..content.pages import CLAIM, INCLUDE, MARKS
from . import results
from .figures import svg
from .marks import Sheet
from .templating import render

# Lines that are written when the site is built.
GENERATED: dict[str, Callable[[Sheet], str]] = {
    "{{ proof }}": results.proof,
    "{{ verified_totals }}": results.totals,
    "{{ previews }}": results.previews,
    "{{ verified_claims }}": results.of_topic,
}


class Lessons(Extension):
    """What our pages have beyond Markdown; to be registered after superfences and toc.

    `page` is the page that is converted next, `meta` its front matter; `site` is the address of
    the site with a slash at the end. Where the pages are read from a folder, the examples lie
    beside them.
    """

    page: Sheet
    meta: dict[str, Any]
    site: str

    def extendMarkdown(self, md: Markdown) -> None:
        """Add to a Markdown instance all that the current page needs."""
        preprocessor: Any = md.preprocessors["fenced_code_block"]
        fences = preprocessor.extension
        plain = fences.superfences[0]
        for name, shown in (
            ("yaml", self._manifest),
            ("bash", self._command),
            ("output", self._output),
            ("figure", self._figure),
        ):
            shown = partial(_strict, partial(shown, plain["formatter"]))
            fences.extend_super_fences(name, shown, plain["validator"], None)
        toc: Any = md.treeprocessors["toc"]
        toc.permalink_title = self.page.words.permalink
        md.treeprocessors.register(_Lead(self, md), "lead", 1)  # after all that reads the text
        md.preprocessors.register(_Generated(self, md), "generated", 24)  # after the fences
        claim = _Claim(self, CLAIM.pattern, md)
        md.inlinePatterns.register(claim, "claim", 175)  # after code, before links
        md.registerExtension(self)

    def reset(self) -> None:
        """Begin another page."""
        self._shown: set[str] = set()  # examples that have had their callouts

    def with_addresses(self, text: str) -> str:
        """Write out addresses of the site and of the examples, which may lie beside a reader."""
        examples = f"{self.site}examples"
        if not self.page.directories:
            # what a reader would fetch lies in a folder: it's copied, or read
            examples = "examples"
            text = re.sub(r"curl -\w*O (\{\{ examples \}\}/\S+)", r"cp \1 .", text)
            text = re.sub(r"curl (?:-\w+ )+(?=\{\{ examples \}\})", "cat ", text)
        return text.replace("{{ examples }}", examples).replace("{{ site }}", self.site.rstrip("/"))

    def _manifest(self, plain: Callable[..., str], src: str, **fence: Any) -> str:
        """Show an included manifest with the name of its file, its address and its callouts."""
        include = INCLUDE.match(src.strip())
        if not include:
            return plain(src=src, **fence)
        root, path = self.page.evidence.root, include["path"]
        text = (root / "examples" / path).read_text(encoding="utf-8")
        found = [] if path in self._shown else callouts.read(root, path)
        self._shown.add(path)
        code = highlight(text, YamlLexer(), HtmlFormatter(nowrap=True))
        return render(
            "manifest.html",
            sheet=self.page,
            path=path,
            lines=[Markup(line) for line in code.removesuffix("\n").split("\n")],
            marked={number for c in found for number in range(c.first, c.last + 1)},
            said=[callout for callout in found if callout.text],
        )

    def _command(self, plain: Callable[..., str], **fence: Any) -> str:
        block = plain(**fence)
        mark = next((name for name in MARKS if name in fence["classes"]), "")
        if not mark:
            return block
        reason, block = fence["attrs"]["data-reason"], Markup(block)
        return render("command.html", sheet=self.page, mark=mark, reason=reason, block=block)

    def _output(self, plain: Callable[..., str], src: str, **fence: Any) -> str:
        name = f"{self.page.page}/{src.strip()}"
        recording = recordings.read(self.page.evidence.root, name)
        printed = self.with_addresses(recording.output if recording else "")
        return render("output.html", sheet=self.page, name=name, printed=printed)

    def _figure(self, plain: Callable[..., str], src: str, **fence: Any) -> str:
        figure = figures.read(self.page.evidence.root, src.strip())
        drawing = svg(figure, self.page.language)
        return f'<div class="drawing" role="group" tabindex="0">{drawing}</div>'


def _strict(show: Callable[..., str], **fence: Any) -> str:
    """Show a fence, and fail if that fails: superfences would leave it on the page as it is."""
    try:
        return show(**fence)
    except Exception as wrong:
        raise SuperFencesException(f"a block can't be shown: {wrong}") from wrong


class _OfPage:
    """A part of Markdown that needs to know which page it works on."""

    def __init__(self, lessons: Lessons, *args: Any) -> None:
        super().__init__(*args)
        self.lessons = lessons


class _Claim(_OfPage, InlineProcessor):
    """Puts the mark in the place of a claim's id."""

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:  # type: ignore[override]
        mark = self.lessons.page.mark(m[1])
        return self.md.htmlStash.store(mark), m.start(0), m.end(0)


class _Generated(_OfPage, Preprocessor):
    """Puts what the build makes in the place of the line that stands for it."""

    def run(self, lines: list[str]) -> list[str]:
        page, store = self.lessons.page, self.md.htmlStash.store
        return [store(GENERATED[line](page)) if line in GENERATED else line for line in lines]


class _Lead(_OfPage, Treeprocessor):
    """Shows below the title what the page is for and how long it takes."""

    def run(self, root: Element) -> None:
        about, words = self.lessons.meta, self.lessons.page.words
        lead = Element("p", {"class": "lead"})
        lead.text, lead.tail = f"{about.get('description', '')} ", "\n"
        minutes = SubElement(lead, "span", {"class": "minutes"})
        minutes.text = words.minutes.format(about.get("minutes", "?"))
        titles = [at for at, element in enumerate(root, 1) if element.tag == "h1"]
        if titles:
            root.insert(titles[0], lead)
