"""./scripts/confirm [topic/page#id …]: record that both languages of a text say the same.

Without arguments everything that changed in both languages, is new or is gone is recorded. A text
that changed in one language only is recorded when it is named: nothing had to change in the other.
New addresses of pages and examples are added to docs/addresses.txt.
"""

from __future__ import annotations

import sys

from k8s_basic import ROOT, processes

from .addresses import FILE, add_new
from .bilingual import texts
from .in_step import FOLDER, hashes, moved, read_record, write_record
from .pages import read_pages
from .problems import closest


def main(names: list[str]) -> int:
    """Record the texts `names`, or all that changed on both sides; return the exit code."""
    if {"-h", "--help"} & set(names):
        print(__doc__)
        return 0
    now, record = texts(ROOT, read_pages(ROOT)), read_record(ROOT)
    known = now.keys() | record.keys()
    unknown = [name for name in names if name not in known]
    for name in unknown:
        print(f"no text {name} in both languages{closest(name, known)}", file=sys.stderr)
    if unknown:
        return 2
    open_ = list(moved(now, record))
    confirmed = [one for one in open_ if (one.key in names if names else not one.one_sided)]
    for one in confirmed:
        if one.text:
            record[one.key] = hashes(one.text)
        else:
            del record[one.key]
        print(f"confirmed: {one.key}")
    write_record(ROOT, record)
    print(f"{FOLDER}: {len(confirmed)} recorded, {len(record)} in all")
    print(f"{FILE}: {add_new(ROOT)} new")
    left = [one.problem() for one in open_ if one.one_sided and one not in confirmed]
    for problem in left:
        print(problem, file=sys.stderr)
    return int(bool(left))


if __name__ == "__main__":
    processes.command(lambda: main(sys.argv[1:]))
