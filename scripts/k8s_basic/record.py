"""`./scripts/record`: the reader's journey, keeping what the terminal shows."""

from __future__ import annotations

import sys

from . import DOCS, processes, run_tests
from .steps import say

JOURNEY = "tests/live/test_journey.py"


def main(arguments: list[str]) -> int:
    """Record the pages named in `arguments` (all without one) and return pytest's exit code."""
    pages = [a for a in arguments if (DOCS / "ko" / f"{a}.md").exists()]
    options = [a for a in arguments if a not in pages]
    wrong = [o for o in options if "/" in o and not o.startswith("-")]
    if wrong:
        say(f"error: there is no page {wrong[0]}; write it as topic/page, such as workloads/pod")
        return 2
    chosen = [f"{JOURNEY}::test_reader_can_follow_the_page_to_its_end[{p}]" for p in pages]
    return run_tests.main(["--live", "--record", *(chosen or [JOURNEY]), *options])


if __name__ == "__main__":
    processes.command(lambda: main(sys.argv[1:]))
