"""One GitHub issue that lists what the last night saw fail, closed when everything holds again.

Runs beside a token that may write issues, so it needs nothing but Python's standard library and
GitHub's `gh`, and does not import the rest of the package.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

TITLE = "Sentences that do not hold on a real cluster"
LONGEST = 1500  # characters of a message
ROOM = 65_000  # characters of the whole issue, of which GitHub refuses more than 65,536


def gh(*arguments: str, text: str = "") -> str:
    """Run `gh issue …` with `text` as input; raises CalledProcessError after `gh` has said why."""
    done = subprocess.run(
        ["gh", "issue", *arguments], input=text, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def body(runs: list[dict[str, Any]], address: str) -> str:
    """Return the text of the issue: the tests that failed, or "" when none did.

    When most of the suite fails, those at the end find no room; the first line has their number.
    """
    failed = [(run, test) for run in runs for test in run["tests"] if test["outcome"] == "failed"]
    parts = [f"Failed: {len(failed)}, seen by {address}"] if failed else []
    for run, test in failed:
        about = f"Kubernetes {run['kubernetes']}, images from {run['image_source']}"
        ends = {claim: seen.get("outcome", "failed") for claim, seen in test["claims"].items()}
        false = [claim for claim in ends if ends[claim] == "failed"]
        parts.append(f"- {', '.join(false) or 'no claim'}: `{test['test']}` ({about})")
        # an indented block: nothing in a message can end it or mention anybody
        message = test["message"].strip()[-LONGEST:] or "no message"
        parts.append(textwrap.indent(message, "      ", lambda _: True))
    return "\n\n".join(parts)[:ROOM]


def report(folder: Path, minors: set[str], address: str) -> None:
    """Open, edit or close the issue by the evidence in `folder`.

    `minors` are those that the night should have covered: without one of them nothing is closed. A
    preview is left out: a version to come makes no sentence of today false.
    """
    found = [json.loads(file.read_text(encoding="utf-8")) for file in folder.rglob("*.json")]
    runs = [run for run in found if not run.get("preview")]
    mine = ("list", "--author", "app/github-actions", "--state", "open", "--json", "number,title")
    numbers = [str(i["number"]) for i in json.loads(gh(*mine)) if i["title"] == TITLE]
    text = body(runs, address)
    if text and numbers:
        gh("edit", numbers[0], "--body-file", "-", text=text)
    elif text:
        gh("create", "--title", TITLE, "--body-file", "-", text=text)
    elif numbers and minors <= {run["minor"] for run in runs}:
        gh("close", numbers[0], "--comment", f"Everything holds again: {address}")


if __name__ == "__main__":
    report(Path(sys.argv[1]), set(json.loads(sys.argv[2])), os.environ["RUN"])
