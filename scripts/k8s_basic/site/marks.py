"""What the evidence says of each claim, in words, and the mark that tells it on the page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from mkdocs.utils import get_relative_url

from ..content.claims import Proof, proofs
from ..content.pages import LANGUAGES, Page, read_pages
from ..evidence import hashes, states
from ..evidence.states import Run, Seen, State
from .templating import WORDS, render

SYMBOLS = {
    "verified": "✓", "failed": "!", "not-reached": "…", "stale": "~", "not-enforceable": "–",
    "unverified": "?",
}  # fmt: skip
REPORT_FORM = "not-so-on-my-cluster.yml"


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

    def parts(self) -> list[Run]:
        """Return every file that counts, those of previews as well."""
        runs = (*self.runs, *(run for run, _ in self.previews))
        return [part for run in runs for part in run["parts"]]


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

    @property
    def pages(self) -> list[Page]:
        """The pages in the language of this one."""
        return [page for page in self.evidence.pages if page.language == self.language]

    def state(self, claim: str) -> State:
        """Return what is known of a claim."""
        return self.evidence.states.get(claim, State())

    def mark(self, claim: str) -> str:
        """Return the mark of a claim with links to its results, its test and the form."""
        return render("mark.html", sheet=self, claim=claim, symbols=SYMBOLS)

    def form(self, claim: str) -> str:
        """Return the address of the form for what is not so on a reader's cluster."""
        filled = {"claim": claim, "page": f"{self.language}/{self.page}"}
        if seen := self.state(claim).seen:
            filled["version"] = seen[0].version
        query = urlencode({"template": REPORT_FORM, **filled}, safe="/")
        return f"{self.repository}/issues/new?{query}"

    def test(self, claim: str) -> str:
        """Return the address of the code that proves a claim, if there is some."""
        proof = self.evidence.proofs.get(claim)
        return f"{self.repository}/blob/main/{proof.path}#L{proof.line}" if proof else ""

    def relative(self, address: str) -> str:
        """Return an address below the site's root, relative to this page."""
        return get_relative_url(address, self.url)

    def to(self, page: str) -> str:
        """Return the address of page `topic/name` in this language, relative to this page."""
        prefix = "" if self.language == LANGUAGES[0] else f"{self.language}/"
        address = f"{page}/".removesuffix("index/") if self.directories else f"{page}.html"
        return self.relative(prefix + address)

    def sentence(self, claim: str) -> str:
        """Return the state of a claim in words, with versions and dates."""
        state, words = self.state(claim), self.words
        ends = ("passed", "failed", "not-reached")
        held, failed, missed = (versions(state.with_outcome(end)) for end in ends)
        told = words.states[state.name].format(
            held=held,
            failed=failed,
            missed=missed,
            checked=versions(state.with_outcome("passed", "failed")),
            changed=self.changes(state.changed),
        )
        also = words.held.format(held=held) if held and state.name in ends else ""
        since = words.since.format(since=state.since) if state.since else ""
        nowhere = [
            words.not_enforceable.format(source=words.sources[seen.source]) + self.why(claim, seen)
            for seen in state.with_outcome("not-enforceable")
        ]
        return " ".join(filter(None, (told, also, since, *nowhere)))

    def why(self, claim: str, seen: Seen) -> str:
        """Return in the page's language why a claim was neither confirmed nor refuted there."""
        if declared := self.evidence.not_enforceable.get((claim, seen.source)):
            return declared[self.language]
        proof = self.evidence.proofs.get(claim)
        if seen.outcome == "not-applicable" and proof and proof.since:
            return str(self.words.since.format(since=proof.since))
        if seen.outcome == "not-reached":
            return str(self.words.names["not-reached"])
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
