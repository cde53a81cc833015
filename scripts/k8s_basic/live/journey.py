"""The reader's journey: somebody who follows a built page, block by block, to its end."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import ROOT
from ..content import recordings
from ..content.claims import cluster_files
from . import normalizers
from .api import Api
from .built_page import BuiltPage, Step
from .cleanup import CleanupJournal
from .leaks import LeakCheck, created_by
from .terminal import BLOCK_TIMEOUT, Outcome, Terminal

GONE = 120.0  # seconds for what was deleted to be gone
NAMED = re.compile(r"--timeout=(\d+)s")  # a wait in a block, with its bound
NOT_RUN = ("not-run", "terminal")
EXAMPLE = re.compile(r"/examples/([\w./-]+\.yaml)")


class Reader:
    """Somebody who follows a page on the run's cluster; see each method.

    For the results, `not_run` has the blocks that are marked so, and `waits` how long each block
    took that waits.
    """

    def __init__(
        self, page: BuiltPage, folder: Path, url: str, terminal: Terminal, api: Api, cluster: str
    ):
        """`folder` holds the built site that is served at `url`; `cluster` is a cluster's name."""
        self.page, self.url, self.terminal, self.cluster = page, url, terminal, cluster
        self.not_run: list[str] = []
        self.waits: list[dict[str, Any]] = []
        commands = "\n".join(step.text for step in page.steps)
        # what the files of the cluster create stays as long as that does
        named = set(EXAMPLE.findall(commands)) - cluster_files(ROOT)
        files = [(folder / "examples" / name).read_text(encoding="utf-8") for name in named]
        self.leaks = LeakCheck(api, created_by([commands, *files]))

    def starts_clean(self, journal: CleanupJournal) -> None:
        """Demand that no namespace of the page is there, and note them; raises AssertionError."""
        there = self.leaks.there_before()
        assert not there, f"{', '.join(there)} is there before the page begins; delete it first"
        journal.note(*self.leaks.namespaces())

    def follows(self, step: Step) -> str:
        """Run one block as the page says and return what the terminal showed.

        Of the addresses in it, the host alone is replaced. Raises AssertionError when a block
        fails, or does not fail where the page says that it does.
        """
        if step.mark in NOT_RUN:
            self.not_run.append(step.text)
            return ""
        text, started = step.text.replace(self.page.site, self.url), time.monotonic()
        in_background = step.mark == "background"
        outcome = (self.terminal.run_in_background if in_background else self.terminal.run)(text)
        self._note_wait(step.text, time.monotonic() - started)
        _demand_expected_end(step, outcome)
        output = (
            outcome.output if step.mark == "fails" else normalizers.without_retries(outcome.output)
        )
        return normalizers.as_readers_see(output, self.cluster, f"{self.url}examples")

    def _note_wait(self, text: str, seconds: float) -> None:
        """Note what a block that waits took, beside its tightest bound."""
        bounds = [float(bound) for bound in NAMED.findall(text)]
        if bounds or seconds > 1:
            what = next((line for line in text.splitlines() if NAMED.search(line)), text)
            about = {"wait": "block", "what": what.partition("\n")[0][:100]}
            bound = min(bounds, default=BLOCK_TIMEOUT)
            self.waits.append({**about, "seconds": round(seconds, 2), "bound": bound})

    def compares(self, step: Step, output: str, *, record: bool, also: Sequence[str] = ()) -> str:
        """Compare an output with its recording; with `record` write it where it differs.

        `also` are patterns of what does not count besides what is volatile everywhere. Returns the
        difference as text, or nothing. A recording that says the same keeps its values, so that
        recording again changes only what has changed.
        """
        commands = re.sub(r"https?://[^\s\"']*?/examples(?=/)", "{{ examples }}", step.text)
        recorded, found = recordings.read(ROOT, step.output), ["not recorded yet"]
        if recorded:
            found = normalizers.differences(recorded.output, output, also)
            if recorded.commands != commands:
                found = ["recorded with other commands", *found]
        if found and record:
            recordings.write(ROOT, step.output, commands, output)
            found = []
        return f"{step.output}:\n" + "\n".join(found) if found else ""

    def leaves_nothing(self) -> None:
        """Demand that the page's clean-up has removed all that it made; raises AssertionError."""
        context = self.terminal.context_namespace()
        assert context == "default", f"the context still points to namespace {context}"
        assert self.terminal.files() == [], f"files are left: {', '.join(self.terminal.files())}"
        deadline = time.monotonic() + GONE
        while (left := self.leaks.left()) and time.monotonic() < deadline:
            time.sleep(1)  # several kinds at once: no single watch tells
        assert not left, f"the page leaves behind: {', '.join(left)}"

    def close(self) -> None:
        """End the terminal, and remove the namespaces that a broken journey left."""
        self.terminal.close()
        self.leaks.delete_namespaces()


def _demand_expected_end(step: Step, outcome: Outcome) -> None:
    """Raise AssertionError, with all that was shown, when a block ends as its mark does not say."""
    shown = f"{step.text}\n--- exit code {outcome.code}\n{outcome.output}"
    if step.mark == "fails":
        assert outcome.code, f"the page says that this fails, and it did not:\n{shown}"
    else:
        assert not outcome.code, f"a reader would be stuck here:\n{shown}"
