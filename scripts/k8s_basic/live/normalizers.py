"""What differs between two runs of one command, declared once, for recorded outputs.

A recording keeps the values of the run that made it, so that readers see a real terminal; the
comparison looks at what is left when normalizers have replaced these.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

import yaml

# Kubernetes draws the random ends of names from these letters: no vowels, so no words, and none of
# 0, 1 and 3, which look like letters (k8s.io/apimachinery/pkg/util/rand/rand.go).
_RANDOM = "bcdfghjklmnpqrstvwxz2456789"
# The order counts: what stands first takes what a later pattern would take a part of.
NORMALIZERS = (
    ("time", r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)"),
    ("log time", r"\b\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\b|\b[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6}\b"),
    ("certificate time", r"\b[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} GMT"),
    ("date", r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d+ \w+ \d{4} \d\d:\d\d:\d\d(?: \w+)?"),
    ("uid", r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
    # at the start of a line an address with a port is a client's, and any port may be its own
    ("client", r"^(?:\d{1,3}\.){3}\d{1,3}:\d+\b"),
    # elsewhere one of four digits is a program's own; one of five is a node port or a client's
    ("port", r"(?<=\d):\d{5}\b"),
    ("address", r"\b\d{1,3}(?:\.\d{1,3}){3}\b"),
    ("node", r"\bk8s-basic-worker\d*\b"),
    ("zone", r"\bantarctica-(?:east|west)1\b"),
    ("age", r"(?<![\w.=-])(?:\d+[dhms]){1,2}(?:\d+ms)?(?![\w.])"),  # 12s, 3m4s, 1s250ms
    ("hash", r"(?<=pod-template-hash=)[a-z0-9]+"),
    ("name of a Pod", rf"-[{_RANDOM}]{{8,10}}-[{_RANDOM}]{{5}}\b"),
    # a word that ends a name has a vowel, or no digit and not five letters
    ("hash or name", rf"-(?=[{_RANDOM}]*\d|[{_RANDOM}]{{5}}\b)[{_RANDOM}]{{5,10}}\b"),
    ("restarts", r"\(\S+ ago\)"),
)
# What curl prints of a try that --retry repeats: whether it is there is a matter of milliseconds.
_RETRIED = re.compile(r"^curl: \(7\) Failed to connect .*\n", re.MULTILINE)
# What one image source prints differently from the other, reviewed there and nowhere else.
DECLARED = "tests/live/recorded-differences.yaml"


def declared(root: Path, source: str) -> dict[str, list[str]]:
    """Return recording → patterns of what an image source may print differently there."""
    listed = yaml.safe_load((root / DECLARED).read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for entry in (entry for entry in listed if entry["image_source"] == source):
        for name in entry["recordings"]:
            found.setdefault(name, []).append(entry["pattern"])
    return found


def without_retries(output: str) -> str:
    """Return an output without what curl printed of tries that it repeated."""
    return _RETRIED.sub("", output)


def normalized(output: str, also: Iterable[str] = ()) -> list[str]:
    """Return the lines of an output without what is volatile; rows of a table in one order.

    `also` are further patterns of what does not count.
    """
    for name, pattern in (*NORMALIZERS, *(("declared", pattern) for pattern in also)):
        output = re.sub(pattern, f"<{name}>", output, flags=re.MULTILINE)
    lines = [" ".join(line.split()) for line in output.strip().splitlines()]
    return [*lines[:1], *sorted(lines[1:])] if _is_table(output) else lines


def differences(recorded: str, seen: str, also: Iterable[str] = ()) -> list[str]:
    """Return a unified diff of two normalized outputs; empty when they agree.

    `also` are further patterns of what does not count.
    """
    both = normalized(recorded, also), normalized(seen, also)
    return list(difflib.unified_diff(*both, "recorded", "seen", lineterm="", n=1))


def as_readers_see(output: str, cluster: str, examples: str) -> str:
    """Return an output with the names of the reader's cluster in place of this run's.

    `cluster` is the name of the run's kind cluster, `examples` the address it had the files from.
    """
    output = output.replace(examples, "{{ examples }}")
    renamed = output.replace(f"{cluster}-", "k8s-basic-")
    renamed = renamed.replace(f"kind-{cluster}", "kind-k8s-basic")
    if renamed == output or not _is_table(output):
        return renamed
    return _aligned(output, cluster)


def _is_table(output: str) -> bool:
    """Tell whether an output is one of kubectl's tables: a line of capitals, then rows."""
    first, _, rest = output.strip().partition("\n")
    return bool(rest) and bool(re.fullmatch(r"[A-Z][A-Z0-9 ()/_-]*", first))


def _aligned(table: str, cluster: str) -> str:
    """Rename in each cell and align the columns again, as kubectl does, three blanks apart."""
    lines = table.strip("\n").split("\n")
    starts = [m.start() for m in re.finditer(r"(?:^|(?<=  ))\S", lines[0])]
    ends = [*starts[1:], None]
    cells = [[line[a:b].strip() for a, b in zip(starts, ends)] for line in lines]
    cells = [[cell.replace(f"{cluster}-", "k8s-basic-") for cell in row] for row in cells]
    widths = [max(map(len, column)) + 3 for column in zip(*cells)]
    rows = ("".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in cells)
    return "\n".join(rows) + "\n"
