"""The mark after each claim, which tells what the evidence says of it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import yaml
from mkdocs.utils import get_relative_url

from ..content.claims import Proof, proofs
from ..content.pages import LANGUAGES, RESULTS, Page, read_pages
from ..evidence import hashes, states
from ..evidence.states import Run, Seen, State

WORDS = yaml.load(
    Path(__file__).with_name("words.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
)
SYMBOLS = {"verified": "✓", "failed": "!", "stale": "~", "not-enforceable": "–", "unverified": "?"}
REPORT_FORM = "not-so-on-my-cluster.yml"

_MARK = re.compile(r'<i data-claim="(?P<claim>[A-Z]{2}-\d+)"></i>')
_LINK = re.compile(r"\[([^\[\]]*)\]\([^)]*\)")
_BULLET = re.compile(r"^(?:[-*+>]|\d+[.)])\s+")


def placeholder(claim: str) -> str:
    """Return what stands for a mark while Markdown is at work, which would change the mark."""
    return f'<i data-claim="{claim}"></i>'


@dataclass(frozen=True)
class Evidence:
    """All that the marks of one build are made from."""

    root: Path
    runs: list[states.Run]
    states: dict[str, State]
    proofs: dict[str, Proof]
    pages: list[Page]
    not_enforceable: dict[tuple[str, str], dict[str, str]]
    # runs on minors to come, each with what it saw
    previews: list[tuple[Run, dict[str, Seen]]] = field(default_factory=list)

    @classmethod
    def load(cls, root: Path) -> Evidence:
        """Read the evidence and what it is about; raises EvidenceError."""
        runs = states.read(states.homes(root))
        found = {proof.claim: proof for proof in proofs(root)[0]}
        current, lists = hashes.current(root), states.not_enforceable(root)
        previews = [(run, states.seen_in(run, current)) for run in runs if run.get("preview")]
        known = states.states(runs, current)
        runs = [run for run in runs if not run.get("preview")]
        return cls(root, runs, known, found, read_pages(root), lists, previews)


@dataclass(frozen=True)
class Sheet:
    """A page that is being written: `topic/name`, address on the site, the repository's."""

    evidence: Evidence
    language: str
    page: str
    url: str
    repository: str
    directories: bool = True  # addresses end in a slash, not in .html

    @property
    def words(self) -> Any:
        """What is said in the language of the page."""
        return SimpleNamespace(**WORDS[self.language])

    @property
    def topic(self) -> str:
        """The folder of the page."""
        return self.page.partition("/")[0]

    def with_marks(self, content: str) -> str:
        """Return the content of the page with its marks in place."""
        return _MARK.sub(lambda match: self.mark(match["claim"]), content)

    def mark(self, claim: str) -> str:
        """Return the mark of a claim: inline elements only, as it stands in p, li and td."""
        state = self.evidence.states.get(claim, State())
        date = f' data-date="{state.date}"' if state.date else ""
        name = claim.lower()
        row = self.link(f"{self.to(f'{RESULTS}/{self.topic}')}#{name}", self.words.result)
        links = " ".join((row, *self.outside(claim, state)))
        return (
            f'<sup class="claim {state.name}" id="{name}"{date}>'
            f'<button type="button" aria-labelledby="{name}-t">{SYMBOLS[state.name]}</button>'
            f'<span class="detail" tabindex="-1"><span id="{name}-t">{claim}: '
            f"{html.escape(self.sentence(claim))}</span> {links}</span></sup>"
        )

    def outside(self, claim: str, state: State) -> Iterator[str]:
        """Yield the links to the test and to the form for what is not so on a reader's cluster."""
        proof = self.evidence.proofs.get(claim)
        if proof:
            yield self.link(self.source(proof), self.words.test)
        filled = {"claim": claim, "page": f"{self.language}/{self.page}"}
        if state.seen:
            filled["version"] = state.seen[0].version
        query = urlencode({"template": REPORT_FORM, **filled}, safe="/")
        yield self.link(f"{self.repository}/issues/new?{query}", self.words.report)

    def source(self, proof: Proof) -> str:
        """Return the address of a test's code."""
        return f"{self.repository}/blob/main/{proof.path}#L{proof.line}"

    def to(self, page: str) -> str:
        """Return the address of page `topic/name` in this language, relative to this page."""
        prefix = "" if self.language == LANGUAGES[0] else f"{self.language}/"
        address = f"{page}/".removesuffix("index/") if self.directories else f"{page}.html"
        return get_relative_url(f"{prefix}{address}", self.url)

    def link(self, address: str, text: str) -> str:
        """Return a link."""
        return f'<a href="{html.escape(address)}">{html.escape(text)}</a>'

    def sentence(self, claim: str) -> str:
        """Return the state of a claim in words, with versions and dates."""
        state = self.evidence.states.get(claim, State())
        held, failed = (versions(state.with_outcome(o)) for o in ("passed", "failed"))
        told = self.words.states[state.name].format(
            held=held,
            failed=failed,
            checked=versions(state.with_outcome("passed", "failed")),
            changed=self.changes(state.changed),
        )
        parts = [told]
        if state.name == "failed" and held:
            parts.append(self.words.held.format(held=held))
        if state.since:
            parts.append(self.words.since.format(since=state.since))
        parts += [
            self.words.not_enforceable.format(source=self.words.sources[seen.source])
            + self.why(claim, seen)
            for seen in state.with_outcome("not-enforceable")
        ]
        return " ".join(part for part in parts if part)

    def why(self, claim: str, seen: Seen) -> str:
        """Return in the page's language why a claim was neither confirmed nor refuted there."""
        if declared := self.evidence.not_enforceable.get((claim, seen.source)):
            return declared[self.language]
        proof = self.evidence.proofs.get(claim)
        if seen.outcome == "not-applicable" and proof and proof.since:
            return str(self.words.since.format(since=proof.since))
        return seen.reason  # of an older run, before the claim left the list

    def changes(self, changed: Iterable[states.Change]) -> str:
        """Return what was edited since a run."""
        return ", ".join(
            f"{self.words.kinds[kind]} {self.words.languages.get(name, name)}".strip()
            for kind, name in changed
        )


def versions(seen: Iterable[Seen]) -> str:
    """Return the versions with the day on which each was seen, such as `1.37.2 (2026-11-24)`."""
    groups = groupby(seen, key=lambda s: s.date[:10])
    return ", ".join(
        f"{', '.join(dict.fromkeys(s.version for s in same))} ({day})" for day, same in groups
    )


def inline(markdown: str) -> str:
    """Return a sentence as HTML, its links as their text."""
    text = html.escape(_LINK.sub(r"\1", _BULLET.sub("", markdown)), quote=False)
    return re.sub(r"(`+) ?(.+?) ?\1", r"<code>\2</code>", text)
