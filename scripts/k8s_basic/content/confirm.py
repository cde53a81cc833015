"""./scripts/confirm [topic/page#id …]: record that both languages of a text say the same.

Without arguments everything that changed in both languages, or moved, is recorded. A text that
changed in one language only is recorded when it is named: nothing had to change in the other.
"""

from __future__ import annotations

import sys

from k8s_basic import ROOT, processes

from .bilingual import texts
from .in_step import FOLDER, Drift, Group, drift, read_record, record_groups
from .pages import read_pages
from .problems import closest


def main(names: list[str]) -> int:
    """Record the texts `names`, or all that changed on both sides; return the exit code."""
    if {"-h", "--help"} & set(names):
        print(__doc__)
        return 0
    found = drift(texts(ROOT, read_pages(ROOT)), read_record(ROOT))
    of = {key: group for group in found.groups for key in group.keys}
    known = found.now.keys() | of.keys()
    unknown = [name for name in names if name not in known]
    for name in unknown:
        print(f"no text {name} in both languages{closest(name, known)}", file=sys.stderr)
    if unknown:
        return 2
    groups = found.settled
    if names:
        groups = [group for group in found.groups if set(names) & set(group.keys)]
    record_groups(ROOT, found, groups, exact=bool(names))
    for group in groups:
        if group.story:
            print(group.story)
    count = sum(len(group.now) for group in groups)
    quiet = [g for g in found.groups if g not in groups and not g.one_sided]
    left = f"; {len(quiet)} differ in spelling or form only and stay as confirmed" if quiet else ""
    print(f"{FOLDER}: {count} recorded, {len(found.now)} in all{left}")
    return _refused(found, groups)


def _refused(found: Drift, groups: list[Group]) -> int:
    left = [(group, one) for group, one in found.one_sided if group not in groups]
    for group, one in left:
        path, line = found.now[one.key].places[one.side]
        print(f"{path}:{line}: {found.text(group, one)}", file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    processes.command(lambda: main(sys.argv[1:]))
