"""What the site shows of the evidence: a mark after each claim, and the page of all claims."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import yaml
from mkdocs.utils import get_relative_url

from ..content.claims import Proof, proofs, said
from ..content.pages import LANGUAGES, Page, read_pages
from ..evidence import hashes, states
from ..evidence.states import Seen, State
from . import score

WORDS = yaml.load(
    Path(__file__).with_name("words.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
)
SYMBOLS = {"verified": "✓", "failed": "!", "stale": "~", "not-enforceable": "–", "unverified": "?"}
CLAIMS_PAGE = "reference/verified-claims"
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

    @classmethod
    def load(cls, root: Path) -> Evidence:
        """Read the evidence and what it is about; raises EvidenceError."""
        runs = states.read(states.folder(root))
        found = {proof.claim: proof for proof in proofs(root)[0]}
        known = states.states(runs, hashes.current(root))
        return cls(root, runs, known, found, read_pages(root), states.not_enforceable(root))


@dataclass(frozen=True)
class Sheet:
    """A page that is being written: its language, its address on the site, the repository's."""

    evidence: Evidence
    language: str
    url: str
    repository: str
    directories: bool = True  # addresses end in a slash, not in .html

    @property
    def words(self) -> Any:
        """What is said in the language of the page."""
        return SimpleNamespace(**WORDS[self.language])

    def with_marks(self, content: str, page: str) -> str:
        """Return the content of page `topic/name` with its marks in place."""
        return _MARK.sub(lambda match: self.mark(match["claim"], page), content)

    def mark(self, claim: str, page: str) -> str:
        """Return the mark of a claim: inline elements only, as it stands in p, li and td."""
        state = self.evidence.states.get(claim, State())
        date = f' data-date="{state.date}"' if state.date else ""
        name = claim.lower()
        row = self.link(f"{self.to(CLAIMS_PAGE)}#{name}", self.words.result)
        links = " ".join((row, *self.outside(claim, page, state)))
        return (
            f'<sup class="claim {state.name}" id="{name}"{date}>'
            f'<button type="button" aria-labelledby="{name}-t">{SYMBOLS[state.name]}</button>'
            f'<span class="detail" tabindex="-1"><span id="{name}-t">{claim}: '
            f"{html.escape(self.sentence(claim))}</span> {links}</span></sup>"
        )

    def outside(self, claim: str, page: str, state: State) -> Iterator[str]:
        """Yield the links to the test and to the form for what is not so on a reader's cluster."""
        proof = self.evidence.proofs.get(claim)
        if proof:
            yield self.link(self.source(proof), self.words.test)
        filled = {"claim": claim, "page": f"{self.language}/{page}"}
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

    def all_claims(self) -> str:
        """Return the generated part of the page of verified claims.

        The search has no part in it and finds the sentences on their own pages.
        """
        pages = [p for p in self.evidence.pages if p.language == self.language]
        facts = "".join(f"<li>{fact}</li>\n" for fact in self._facts(pages))
        tables = "".join(self._table(page) for page in pages if page.items("claims"))
        return f'<section class="evidence">\n<ul class="facts">\n{facts}</ul>\n{tables}</section>'

    def proof(self) -> str:
        """Return for the front page how much was confirmed, on which versions and when."""
        known, runs = self.evidence.states, self.evidence.runs
        claims = {c.text for p in self.evidence.pages for c in p.items("claims")}
        told = self.words.no_run
        if runs:
            told = self.words.proof.format(
                total=len(claims),
                held=sum(known.get(claim, State()).name == "verified" for claim in claims),
                versions=", ".join(dict.fromkeys(run["kubernetes"].lstrip("v") for run in runs)),
                date=max(run["started"][:10] for run in runs),
            )
        link = self.link(self.to(CLAIMS_PAGE), self.words.all_results)
        return f'<p class="proof">{html.escape(told)} {link}</p>'

    def _facts(self, pages: list[Page]) -> Iterator[str]:
        known = self.evidence.states
        claims = [c.text for page in pages for c in page.items("claims")]
        counts = Counter(known.get(claim, State()).name for claim in claims)
        told = (f"{SYMBOLS[n]} {self.words.names[n]} {counts[n]}" for n in SYMBOLS if counts[n])
        yield self.words.total.format(total=len(claims)) + ", ".join(told)
        yield from map(self._run, self.evidence.runs)
        if not self.evidence.runs:
            yield self.words.no_run
        yield score.told(self.evidence.root, self.words)
        left_out = [(p, c) for p in pages for c in p.items("commands") if c.mark == "not-run"]
        listed = (
            f"<li>{self.link(self.to(page.name), str(page.meta.get('title')))}: "
            f"{html.escape(command.reason)}</li>"
            for page, command in left_out
        )
        inner = f"<ul>{''.join(listed)}</ul>" if left_out else ""
        yield self.words.not_run.format(number=len(left_out)) + inner

    def _run(self, run: states.Run) -> str:
        source = self.words.sources[run["image_source"]]
        told = self.words.run.format(
            version=run["kubernetes"].lstrip("v"),
            source=source,
            date=run["started"][:10],
            seconds=round(run["seconds"]),
            commit=run["commit"][:12] + (self.words.dirty if run["dirty"] else ""),
        )
        files = (get_relative_url(f"evidence/{file}", self.url) for file in run["files"])
        links = ", ".join(self.link(file, self.words.evidence) for file in files)
        images = ", ".join(f"<code>{html.escape(image)}</code>" for image in run["stand_ins"])
        more = f" {self.words.stand_ins}: {images}" if images else ""
        return f"{html.escape(told)} {links}.{more}"

    def _table(self, page: Page) -> str:
        runs = self.evidence.runs
        heads = [self.words.statement, *(self._head(run) for run in runs), self.words.test]
        head = "".join(f'<th scope="col">{text}</th>' for text in heads)
        rows = "".join(self._row(page, *item) for item in said(page).items())
        title = html.escape(str(page.meta.get("title")))
        return (
            f'<div id="{page.name.replace("/", "-")}">\n<h3>{title}</h3>\n'
            f'<div class="scroll" role="region" aria-label="{title}" tabindex="0"><table>'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div></div>\n"
        )

    def _head(self, run: states.Run) -> str:
        version = html.escape(run["kubernetes"].lstrip("v"))
        return f"{version}<br>{self.words.sources[run['image_source']]}"

    def _row(self, page: Page, claim: str, text: str) -> str:
        name, proof = claim.lower(), self.evidence.proofs.get(claim)
        place = self.link(f"{self.to(page.name)}#{name}", claim)
        state = self.evidence.states.get(claim, State())
        seen = {(_minor(s.kubernetes), s.source): s for s in state.seen}
        results = "".join(
            self._cell(claim, seen.get((run["minor"], run["image_source"])))
            for run in self.evidence.runs
        )
        test = self.link(self.source(proof), self.words.test) if proof else ""
        return f'<tr id="{name}"><td>{place} {inline(text)}</td>{results}<td>{test}</td></tr>\n'

    def _cell(self, claim: str, seen: Seen | None) -> str:
        name = "unverified"
        if seen:
            name = "stale" if seen.changed else _CELLS.get(seen.outcome, name)
        text, date = SYMBOLS[name], ""
        if seen and seen.outcome in ("passed", "failed"):
            day = seen.date[:10]
            date = f' data-date="{day}"'
            text += f" {day}<br>{seen.seconds:.1f} s"
            text += f"<br>{self.changes(seen.changed)}" if seen.changed else ""
        elif seen:
            text += f" {html.escape(self.why(claim, seen))}"
        return f'<td class="{name}"{date}>{text}</td>'


# What does not apply to a version is as little a proof there as what cannot be enforced.
_CELLS = {
    "passed": "verified",
    "failed": "failed",
    "not-enforceable": "not-enforceable",
    "not-applicable": "not-enforceable",
}


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


def _minor(version: str) -> str:
    return ".".join(version.lstrip("v").split(".")[:2])
