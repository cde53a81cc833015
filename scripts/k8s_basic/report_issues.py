"""One GitHub issue for each claim that a nightly run saw fail, closed when it holds again.

Runs beside a token that may write issues, so it needs nothing but Python's standard library and
GitHub's `gh`, and does not import the rest of the package.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import textwrap
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BOT = "github-actions%5Bbot%5D"  # who opens our issues; nobody else can pose as it
LONGEST = 6000  # characters of a message; GitHub takes 65,536 for the whole issue


@dataclass(frozen=True)
class Result:
    """What one run saw of one claim."""

    claim: str
    outcome: str
    test: str
    kubernetes: str
    source: str
    message: str

    @property
    def minor(self) -> str:
        """The Kubernetes minor of the run, such as 1.37."""
        return ".".join(self.kubernetes.lstrip("v").split(".")[:2])


def read(folder: Path) -> list[Result]:
    """Return the results of every evidence file under `folder`, the newest Kubernetes first.

    Those of a preview are left out: a version to come makes no sentence of today false.
    """
    results = []
    for path in folder.rglob("*.json"):
        run = json.loads(path.read_text(encoding="utf-8"))
        for seen in run["tests"] if not run.get("preview") else ():
            about = (seen["test"], run["kubernetes"], run["image_source"], seen["message"])
            results += [Result(claim, seen["outcome"], *about) for claim in seen["claims"]]
    newest = sorted(results, key=lambda r: [int(n) for n in re.findall(r"\d+", r.kubernetes)])
    return newest[::-1]


def page(test: str) -> str:
    """Return the page that a test belongs to: the names lead from one to the other."""
    found = re.match(r"tests/live/([^/]+)/test_(\w+)\.py", test)
    return f"{found[1]}/{found[2].replace('_', '-')}" if found else test


def body(results: list[Result], run: str) -> str:
    """Return the text of the issue on one claim, from its failed and passed results."""
    failed = [r for r in results if r.outcome == "failed"]
    held = [r.kubernetes for r in results if r.outcome == "passed"]
    lines = [
        f"- Page: `{page(failed[0].test)}`",
        f"- Test: `{failed[0].test}`",
        f"- Fails on: {', '.join(r.kubernetes for r in failed)}",
        f"- Holds on: {', '.join(held) or 'none'}",
        f"- Last run: {run}",
    ]
    for result in failed:
        message = result.message.strip()[-LONGEST:] or "no message"
        # an indented block: nothing in a message can end it or mention anybody
        block = textwrap.indent(message, "    ", lambda _: True)
        lines += ["", f"## Kubernetes {result.kubernetes}, images from {result.source}", "", block]
    return "\n".join(lines) + "\n"


def issues(method: str, path: str = "", **fields: object) -> Any:
    """Ask GitHub's REST API about this repository's issues; `gh` reads GH_TOKEN and GH_REPO.

    Raises subprocess.CalledProcessError, after `gh` has said why.
    """
    pages = ["--paginate", "--slurp"] if method == "GET" else ["--input", "-"]
    command = ["gh", "api", "--method", method, f"repos/{{owner}}/{{repo}}/issues{path}", *pages]
    done = subprocess.run(
        command, input=json.dumps(fields), stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout)


def known() -> dict[str, dict[str, Any]]:
    """Return claim → its newest issue, open or closed: the first word of a title is the claim."""
    pages = issues("GET", f"?creator={BOT}&state=all&per_page=100")
    found = [(issue["title"].split()[0], issue) for page in pages for issue in page]
    return dict(reversed(found))


def report(results: list[Result], minors: set[str], run: str) -> None:
    """Open, edit, reopen or close issues.

    `minors` are those that the run should have covered: an issue is closed only when the claim
    was seen to hold on all of them.
    """
    by_claim: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        by_claim[result.claim].append(result)
    before = known()
    for claim, seen in sorted(by_claim.items()):
        issue = before.get(claim)
        number = f"/{issue['number']}" if issue else ""
        holds = ("passed", "not-applicable")  # of a claim that begins with a later minor
        holds_everywhere = minors <= {r.minor for r in seen if r.outcome in holds}
        if any(r.outcome == "failed" for r in seen):
            title, text = f"{claim} does not hold on a real cluster", body(seen, run)
            if issue:
                issues("PATCH", number, body=text, state="open")
            else:
                issues("POST", title=title, body=text)
            print(f"{claim}: fails")
        elif issue and issue["state"] == "open" and holds_everywhere:
            issues("POST", f"{number}/comments", body=f"Holds again on every version: {run}")
            issues("PATCH", number, state="closed", state_reason="completed")
            print(f"{claim}: holds again")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line, with what GitHub Actions puts into the environment; return 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the evidence of the runs is")
    parser.add_argument("--minors", type=json.loads, required=True, help='["1.37", "1.36"]')
    options = parser.parse_args(arguments)
    report(read(options.folder), set(options.minors), os.environ["RUN"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
