"""The record (docs/in-step/) of texts whose two languages were seen to say the same.

It holds each text as it was last confirmed, so that a text is always compared with that and never
with what it was yesterday: small corrections can't add up. A file per topic, a line per text:
`[key, Korean, English]`, sorted, so that two branches meet in a line only if they changed one text.

What counts as a change of one language is said in `wording`. From the changes of both follows:

- Neither changed: nothing to do, and what was confirmed stays recorded, corrections or not.
- One changed: a problem, until the other changes too or somebody confirms the text by its key.
- Both changed: recorded. Two things are looked at first. Values (numbers, code, links, claims,
  blocks) that both gained or lost alike are set aside, so a command that both got doesn't hide that
  one also got a sentence. And a value that became another here while the other language keeps the
  old one is a problem. Beyond that, nobody but a reader knows whether both now say the same.

Sections are followed by what they say, not by their ids alone. Where a section that is gone or new
shares sentences with others, or most of its words, or where whole sentences moved from one section
to another, all of them are compared together: moved, renamed, split and merged sections bring what
was confirmed with them. Sentences that moved in one language only are a change of that one.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .bilingual import Text, texts
from .pages import Page
from .problems import Problem
from .wording import (
    CHANGE,
    Difference,
    Sentence,
    Words,
    difference,
    is_value,
    likeness,
    sentences,
    value_of,
)

FOLDER = "docs/in-step"
_LONG = 4  # tokens of a sentence that tells where a section went
_MOST = 0.6  # of the telling words of a section, to be taken for another one
_SIDES = (0, 1)


@dataclass(frozen=True)
class Confirmed:
    """The headings and the bodies of a text when it was confirmed, in the order of LANGUAGES."""

    headings: tuple[str, str]
    bodies: tuple[str, str]


@dataclass(frozen=True)
class OneSided:
    """A change of one language: its text and side, what changed, and what the other one does."""

    key: str
    side: int
    what: str
    other: str = "did not"


@dataclass
class Group:
    """Texts that changed together: one, or those among which sentences moved.

    `old` are the keys in the record, `now` those on the pages. `kept` holds what stays confirmed
    although a key or a heading changed. `settled`: to be recorded, with nothing left to ask.
    `story` says what became of sections that moved.
    """

    old: list[str]
    now: list[str]
    one_sided: list[OneSided] = field(default_factory=list)
    settled: bool = False
    kept: dict[str, Confirmed] = field(default_factory=dict)
    story: str = ""

    @property
    def keys(self) -> list[str]:
        """All keys, those that are gone as well."""
        return sorted({*self.old, *self.now})


@dataclass
class Drift:
    """Every text as it is now, and the groups of those that differ from the record."""

    now: dict[str, Text]
    groups: list[Group]

    @property
    def settled(self) -> list[Group]:
        """The groups that can be recorded with nothing left to ask."""
        return [group for group in self.groups if group.settled]

    @property
    def one_sided(self) -> list[tuple[Group, OneSided]]:
        """Each change of one language only."""
        return [(group, one) for group in self.groups for one in group.one_sided]

    def text(self, group: Group, one: OneSided) -> str:
        """Return what is wrong and what to do, in one sentence."""
        path, line = self.now[one.key].places[1 - one.side]
        kind = "section" if "#" in one.key else "text"
        story = f"; {group.story}" if group.story else ""
        return (
            f"this {kind} changed ({one.what}{story}) and {path}:{line} "
            f"{one.other}; change that one too, or run ./scripts/confirm {one.key}"
        )


def read_record(root: Path) -> dict[str, Confirmed]:
    """Return every confirmed text by its key; of two lines that a merge left, the latter counts."""
    found = {}
    for file in sorted((root / FOLDER).glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").split("\n"):
            if line[:1] != "[":
                continue  # the marks of a merge, which `drift_problems` names
            key, *sides = json.loads(line)
            parts = [side.partition("\n") if side[:2] == "# " else ("", "", side) for side in sides]
            (one, _, ko), (two, _, en) = parts
            found[key] = Confirmed((one[2:], two[2:]), (ko, en))
    return found


def _files(record: dict[str, Confirmed]) -> dict[str, str]:
    """Return the content of each file of the record, by the name of its topic."""
    found: dict[str, str] = defaultdict(str)
    for key, text in sorted(record.items()):
        sides = [f"# {h}\n{b}" if h else b for h, b in zip(text.headings, text.bodies)]
        found[re.split("[/#:]", key)[0]] += json.dumps([key, *sides], ensure_ascii=False) + "\n"
    return found


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def write_record(root: Path, record: dict[str, Confirmed]) -> None:
    """Write the record: the files whose lines changed, and none for a topic without texts."""
    folder, files = root / FOLDER, _files(record)
    folder.mkdir(exist_ok=True)
    for file in folder.glob("*.jsonl"):
        if file.stem not in files:
            file.unlink()
    for name, content in files.items():
        file = folder / f"{name}.jsonl"
        if _read(file) != content:
            file.write_text(content, encoding="utf-8")


def record_groups(root: Path, found: Drift, groups: Iterable[Group], exact: bool = False) -> None:
    """Record `groups`, with `exact` the corrections that nobody was asked about as well."""
    record = read_record(root)
    for group in groups:
        for key in group.old:
            record.pop(key, None)
        for key in group.now:
            now = Confirmed(found.now[key].headings, found.now[key].bodies)
            record[key] = now if exact else group.kept.get(key, now)
    write_record(root, record)


def drift(now: dict[str, Text], record: dict[str, Confirmed]) -> Drift:
    """Compare the texts of `now` with `record`."""
    changed = {
        key
        for key in now.keys() | record.keys()
        if key not in now or key not in record or _differ(now[key], record[key])
    }
    groups = list(_groups(changed, now, record))
    if groups:
        words = [Words(_unchanged(side, now, record)) for side in _SIDES]
        for group in groups:
            _judge(group, now, record, words)
    return Drift(now, groups)


def _unchanged(side: int, now: dict[str, Text], record: dict[str, Confirmed]) -> Iterator[str]:
    """Yield the words that texts use now and did when they were confirmed."""
    for key in now.keys() & record.keys():
        one, two = now[key], record[key]
        for text, before in ((one.headings, two.headings), (one.bodies, two.bodies)):
            used = Counter[str](t for s in sentences(text[side]) for t in s)
            if text[side] != before[side]:
                used &= Counter[str](t for s in sentences(before[side]) for t in s)
            yield from used


def _differ(text: Text, confirmed: Confirmed) -> bool:
    return (text.headings, text.bodies) != (confirmed.headings, confirmed.bodies)


def _groups(
    changed: set[str], now: dict[str, Text], record: dict[str, Confirmed]
) -> Iterator[Group]:
    parent = {key: key for key in changed}

    def root(key: str) -> str:
        while parent[key] != key:
            key = parent[key]
        return key

    links = {pair for side in _SIDES for pair in _moves(side, changed, now, record)}
    linked = {key for pair in links for key in pair}
    links |= set(_likenesses({key for key in changed if key not in linked}, changed, now, record))
    for one, two in links:
        parent[root(one)] = root(two)
    members: dict[str, list[str]] = defaultdict(list)
    for key in sorted(changed):
        members[root(key)].append(key)
    for keys in members.values():
        yield Group([k for k in keys if k in record], [k for k in keys if k in now])


def _moves(
    side: int, keys: Iterable[str], now: dict[str, Text], record: dict[str, Confirmed]
) -> set[tuple[str, str]]:
    """Return from where to where whole sentences moved, among `keys`."""
    gone: list[tuple[Sentence, str]] = []
    come: dict[Sentence, list[str]] = defaultdict(list)
    for key in sorted(keys):
        old, new = _left(side, key, now, record)
        gone += [(sentence, key) for sentence in old if len(sentence) >= _LONG]
        for sentence in new:
            come[sentence].append(key)
    found = set()
    for sentence, key in gone:
        kind, name = ("#" in key, re.split("[#:]", key)[1])
        others = [other for other in come[sentence] if ("#" in other) == kind]
        if others:
            # Lessons share sentences; the section of the same name is the one.
            other = next((o for o in others if re.split("[#:]", o)[1] == name), others[0])
            come[sentence].remove(other)
            found.add((key, other))
    return found


def _left(
    side: int, key: str, now: dict[str, Text], record: dict[str, Confirmed]
) -> tuple[Counter[Sentence], Counter[Sentence]]:
    old = Counter(sentences(record[key].bodies[side]) if key in record else ())
    new = Counter(sentences(now[key].bodies[side]) if key in now else ())
    return old - new, new - old


def _likenesses(
    alone: set[str], changed: set[str], now: dict[str, Text], record: dict[str, Confirmed]
) -> Iterator[tuple[str, str]]:
    """Yield each section that is gone or new, with the one that has most of its words now."""
    bags: dict[str, list[tuple[Counter[str], Counter[str]]]] = {}

    def bag(key: str) -> list[tuple[Counter[str], Counter[str]]]:
        if key not in bags:
            bags[key] = [
                (_telling(old), _telling(new))
                for old, new in (_left(side, key, now, record) for side in _SIDES)
            ]
        return bags[key]

    sides = (changed & record.keys(), changed & now.keys())
    for key in sorted(alone):
        if key in now and key in record:
            continue
        mine, theirs = (0, 1) if key in record else (1, 0)
        shares = {
            other: max(
                (one[mine] & two[theirs]).total() / max(1, one[mine].total())
                for one, two in zip(bag(key), bag(other))
            )
            for other in sides[theirs] - {key}
            if ("#" in key) == ("#" in other)
        }
        best = max(shares, key=lambda other: (shares[other], other), default="")
        if best and shares[best] >= _MOST and max(b[mine].total() for b in bag(key)) >= _LONG:
            yield key, best


def _telling(found: Counter[Sentence]) -> Counter[str]:
    return Counter(
        token
        for sentence, times in found.items()
        for token in sentence * times
        if is_value(token) or len(token) > 3 or (len(token) > 1 and token[0] >= "가")
    )


def _judge(
    group: Group, now: dict[str, Text], record: dict[str, Confirmed], words: list[Words]
) -> None:
    if not group.old or not group.now:
        group.settled = True  # new in both languages, or gone from both
        return
    group.story = _story(group, now, record)
    ledgers = [_ledger(side, group, now, record) for side in _SIDES]
    both = renamed = False
    for key in group.now:
        found = [difference(*ledgers[side][key], words[side]) for side in _SIDES]
        group.one_sided += _verdict(key, found, [ledger[key] for ledger in ledgers])
        both |= all(each.kind == CHANGE for each in found)
    for key, old in _successors(group):
        found = [
            difference(
                list(sentences(record[old].headings[side])), list(sentences(heading)), words[side]
            )
            for side, heading in enumerate(now[key].headings)
        ]
        group.one_sided += _one_sided(key, found, "heading ")
        renamed |= any(each.kind == CHANGE for each in found)
    if not group.one_sided:
        group.one_sided += _moved_on_one_side(group, now, record)
    group.settled = not group.one_sided and (both or renamed or bool(group.story))
    if len(group.now) == len(group.old) == 1 and not both:
        heading = (now[group.now[0]] if renamed else record[group.old[0]]).headings
        group.kept[group.now[0]] = Confirmed(heading, record[group.old[0]].bodies)


Ledger = dict[str, tuple[list[Sentence], list[Sentence]]]


def _ledger(side: int, group: Group, now: dict[str, Text], record: dict[str, Confirmed]) -> Ledger:
    """Return, for each text of a group as it is now, what it was and what it is.

    Sentences that stand elsewhere in the group now count as what they were there.
    """
    old = {key: Counter(sentences(record[key].bodies[side])) for key in group.old}
    new = {key: Counter(sentences(now[key].bodies[side])) for key in group.now}
    if group.old == group.now == group.keys[:1]:
        [key] = group.now
        return {key: (list(old[key].elements()), list(new[key].elements()))}
    heirs = {key: _heir(old[key], new, key) for key in group.old}
    for one, two in [(k, k) for k in old if k in new] + [(a, b) for a in old for b in new]:
        same = old[one] & new[two]
        old[one], new[two] = old[one] - same, new[two] - same
    found: Ledger = {key: ([], list(new[key].elements())) for key in group.now}
    for key in group.old:
        for sentence in old[key].elements():
            found[_place(sentence, new, heirs[key])][0].append(sentence)
    return found


def _heir(old: Counter[Sentence], new: dict[str, Counter[Sentence]], key: str) -> str:
    """Return where most of a text went."""
    bag = _telling(old)
    shares = {k: ((bag & _telling(text)).total(), k == key) for k, text in new.items()}
    return key if key in new else max(shares, key=lambda k: shares[k])


def _place(sentence: Sentence, new: dict[str, Counter[Sentence]], heir: str) -> str:
    """Return the text that holds what became of a sentence."""
    bag = Counter[str](sentence)
    like = {
        key: max((likeness(bag, Counter[str](other)) for other in text), default=0.0)
        for key, text in new.items()
    }
    best = max(like, key=lambda key: (like[key], key == heir))
    return best if like[best] >= _MOST and like[best] > like[heir] else heir


def _successors(group: Group) -> Iterator[tuple[str, str]]:
    gone = [key for key in group.old if key not in group.now]
    new = [key for key in group.now if key not in group.old]
    yield from ((key, key) for key in group.now if key in group.old)
    if len(gone) == len(new) == 1:
        yield new[0], gone[0]


def _one_sided(key: str, found: list[Difference], what: str = "") -> list[OneSided]:
    changed = [side for side in _SIDES if found[side].kind == CHANGE]
    if len(changed) != 1:
        return []
    return [OneSided(key, changed[0], f"{what}{found[changed[0]]}")]


def _verdict(
    key: str, found: list[Difference], texts: list[tuple[list[Sentence], list[Sentence]]]
) -> list[OneSided]:
    (gone, come), (other_gone, other_come) = (each.values() for each in found)
    rest = [each.without(gone & other_gone, come & other_come) for each in found]
    if all(each.kind == CHANGE for each in rest):
        return _contradiction(key, rest, texts)
    return _one_sided(key, rest)


def _contradiction(
    key: str, found: list[Difference], texts: list[tuple[list[Sentence], list[Sentence]]]
) -> list[OneSided]:
    """Return a value that became another in one language while the other keeps the old one."""
    old, new = ([_values(text[when]) for text in texts] for when in (0, 1))
    for side in _SIDES:
        for change in found[side].changes:
            went, came = Difference([change]).values()
            kept = sorted(v for v in went - new[side] if v in new[1 - side] & old[1 - side])
            if kept and came - new[1 - side] and kept[0][0] in "#`":
                what = str(Difference([change]))
                return [OneSided(key, side, what, f"still says {kept[0].lstrip('#`')}")]
    return []


def _values(found: Iterable[Sentence]) -> set[str]:
    return {value_of(t) for sentence in found for t in sentence if is_value(value_of(t))}


def _moved_on_one_side(
    group: Group, now: dict[str, Text], record: dict[str, Confirmed]
) -> Iterator[OneSided]:
    moves = [_moves(side, group.keys, now, record) for side in _SIDES]
    for side in _SIDES:
        for one, two in sorted(moves[side] - moves[1 - side])[:1]:
            if not moves[1 - side]:
                key = two if two in now else group.now[0]
                yield OneSided(key, side, f"a sentence moved from {one} to {two}")


def _story(group: Group, now: dict[str, Text], record: dict[str, Confirmed]) -> str:
    """Return what became of the sections of a group, or nothing if it's one that stayed."""
    gone = [key for key in group.old if key not in group.now]
    new = [key for key in group.now if key not in group.old]
    if group.old == group.now == group.keys[:1]:
        return ""
    if len(group.old) == len(group.now) == len(gone) == 1:
        same_page = gone[0].partition("#")[0] == new[0].partition("#")[0]
        return f"{gone[0]} was {'renamed' if same_page else 'moved'} to {new[0]}"
    if len(group.old) == 1 and all(_comes_from(key, group.old[0], now, record) for key in new):
        return f"{group.old[0]} was split into {_list(group.now)}"
    if len(group.now) == 1:
        return f"{_list(group.old)} were merged into {group.now[0]}"
    return f"sentences moved between {_list(group.keys)}"


def _comes_from(key: str, old: str, now: dict[str, Text], record: dict[str, Confirmed]) -> bool:
    for side in _SIDES:
        one = _telling(Counter(sentences(now[key].bodies[side])))
        two = _telling(Counter(sentences(record[old].bodies[side])))
        if (one & two).total() >= _MOST * one.total():
            return True
    return False


def _list(keys: list[str]) -> str:
    return " and ".join([", ".join(keys[:-1]), keys[-1]] if keys[1:] else keys)


def drift_problems(root: Path, pages: list[Page], write: bool = False) -> list[Problem]:
    """Return each text changed in one language only, and each file that a merge left in disorder.

    With `write`, what changed in both languages or moved is recorded; with CI=true in the
    environment that is a problem instead, because nobody would commit what is recorded there.
    """
    record = read_record(root)
    found = drift(texts(root, pages), record)
    problems = [
        Problem(
            f"{FOLDER}/{name}.jsonl", 1, "a merge left this file in disorder; run ./scripts/confirm"
        )
        for name, content in _files(record).items()
        if _read(root / FOLDER / f"{name}.jsonl") != content
    ]
    problems += [
        Problem(*found.now[one.key].places[one.side], found.text(group, one))
        for group, one in found.one_sided
    ]
    if write and os.environ.get("CI") == "true":
        problems += [_unrecorded(found, group) for group in found.settled]
    elif write and found.settled:
        record_groups(root, found, found.settled)
    return problems


def _unrecorded(found: Drift, group: Group) -> Problem:
    advice = f"run ./scripts/confirm and commit {FOLDER}"
    if not group.now:
        return Problem(FOLDER, 1, f"{_list(group.old)} is gone; {advice}")
    what = group.story or "this text is not recorded as it is"
    return Problem(*found.now[group.now[0]].places[0], f"{what}; {advice}")
