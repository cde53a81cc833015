"""./scripts/confirm [topic/page#id …]: record that both languages of a section say the same.

Without arguments every section that changed in both languages is recorded. A section that
changed in one language only is recorded when it is named: nothing had to change in the other.
"""

from __future__ import annotations

import sys

from k8s_basic import ROOT

from .in_step import FILE, Drift, drift, read_record, record_sections
from .pages import read_pages
from .problems import closest


def main(names: list[str]) -> int:
    """Record the sections `names`, or all that changed on both sides; return the exit code."""
    if {"-h", "--help"} & set(names):
        print(__doc__)
        return 0
    found = drift(read_pages(ROOT), read_record(ROOT))
    unknown = [name for name in names if name not in found.now]
    for name in unknown:
        print(f"no section {name} in both languages{closest(name, found.now)}", file=sys.stderr)
    if unknown:
        return 2
    keys = names or found.both
    record_sections(ROOT, found, keys)
    print(f"{FILE}: {len(keys)} recorded, {len(found.gone)} dropped, {len(found.now)} in all")
    return _refused(found, keys)


def _refused(found: Drift, keys: list[str]) -> int:
    left = [key for key in found.one_sided if key not in keys]
    for key in left:
        path, line = found.now[key].places[found.one_sided[key]]
        print(
            f"{path}:{line}: changed in this language only; change the other one too, "
            f"or name it: ./scripts/confirm {key}",
            file=sys.stderr,
        )
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
