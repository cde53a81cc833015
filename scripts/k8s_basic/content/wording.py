"""Whether two wordings of one text, in one language, say the same: the rules of the drift check.

A text is read as sentences of tokens. Layout leaves no token: white space, line wraps, emphasis,
punctuation, capital letters, the form of a list or a table's ruler. These tokens are *values*, the
same in every language: numbers with their units, code spans, link targets, claim ids, blocks
(commands, includes, outputs, figures), the place in a numbered list. All others are words.

Whole sentences may change places. Of what is left, a difference is

1. none, if the letters are the same: words written together or apart, a contraction written out;
2. a slip, if it's an article, a word written twice, the other form of the same Korean particle
   (을/를), or one word that became another by a typo (`is_typo`), up to `SLIPS` different ones;
3. a change otherwise: every value, every word or sentence that came, went or became another.

A typo has all of these, however near the words are:

- The first letter stays (in Korean the first jamo), or changed places with the second.
- One letter differs, two in words of eight letters or more; in words of three only their order.
  In Korean one jamo, or one syllable inside a word of four or more.
- Neither word negates where the other doesn't, and they aren't two numbers.
- At most one of the two is a word that the pages use elsewhere: `mode` is no typo of `node`.
- They aren't forms of one word, as far as endings tell: Pod and Pods, start and started, 지운 and
  지울, 하다 and 했다. In Korean that's so if other words end like the one and like the other from
  the first syllable on that differs, or begin like both up to it and go on with a common ending.

What this can't see: a rare word that became another rare word by one letter, and sentences that
mean something else in another order. It errs to the other side too: a typo in a negation or in a
short Korean verb counts as a change, and so does a plural or a tense that was just wrong.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import lru_cache

from .pages import Fence, fences

SLIPS = 5  # different ones that one text may have
_MANY = 5  # words with an ending make it a common one
SAME, SLIP, CHANGE = 0, 1, 2


class Token(str):
    """A word or a value in the form that is compared.

    `raw` is how it was written, `glued` whether it followed the one before without a space.
    """

    __slots__ = ("glued", "raw")
    raw: str
    glued: bool

    def __new__(cls, value: str, raw: str, glued: bool = False) -> Token:
        """Return the token of `value`, written `raw`."""
        token = super().__new__(cls, value)
        token.raw, token.glued = raw, glued
        return token


Sentence = tuple[Token, ...]

_BLOCK = re.compile(r"^```(?P<value>\S+ \S+(?: \.\S+)?)(?P<reason>.*)$")
_RULER = re.compile(r"^\|?(?:\s*:?-+:?\s*\|)+\s*(?::?-+:?\s*)?$")
_ITEM = re.compile(r"^(?:[-*+]|(?P<number>\d+)[.)])\s+")
_UNIT = r"(?:ms|[kKMGTPE]i?B?|[mshB])(?![A-Za-z])"
_TOKEN = re.compile(
    r"(?<!`)(?P<ticks>`+)(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)"
    r"|\[(?P<claim>[A-Z]{2}-\d+)\](?!\()"
    r"|\]\((?P<link>[^)\s]*)[^)]*\)"
    rf"|(?P<amount>(?:(?<![\w.)])[-−])?\d+(?:[.,]\d+)*) ?(?P<unit>{_UNIT})"
    r"|(?P<number>(?:(?<![\w.)])[-−])?\d+(?:[.,:]\d+)*)(?![A-Za-z\d])"
    r"|(?P<name>(?:[A-Za-z]+\d|\d+[A-Za-z])[A-Za-z\d]*(?:\.\d+)*)"
    r"|(?P<latin>[A-Za-z]+(?:['’][A-Za-z]+)?)"
    r"|(?P<word>[^\W\d_A-Za-z]+)"
    r"|(?P<sign>[<>=≤≥≠±×÷%+→←↔|])"
    r"|(?P<end>[.!?]+)(?=[\s\"'”’)\]*_]*(?:\s|$))",
    re.DOTALL,
)
_THOUSANDS = re.compile(r"[-−]?\d{1,3}(?:,\d{3})+")

_ARTICLES = {"a", "an", "the"}
_NOT = {
    "not", "no", "never", "none", "nothing", "nobody", "nowhere", "neither", "nor", "without",
    "unless", "except", "hardly",
}  # fmt: skip
_NOT_KO = re.compile(r"않|없|못|아니|아닙|아닌|아닐|말고|말아|마세|마십|^안$|^안(?=[되됩돼하합])")
_NUMBERS = dict(
    zip(
        "two three four five six seven eight nine ten twelve".split(),
        [*range(2, 11), 12],
    )
) | {
    word: number
    for number, words in enumerate("두 둘,세 셋,네 넷,다섯,여섯,일곱,여덟,아홉,열".split(","), 2)
    for word in words.split()
}
_WRITTEN_OUT = {"can't": "can", "won't": "will", "cannot": "can", "shan't": "shall"}
_WITHOUT_APOSTROPHE = {
    f"{verb}nt" for verb in "do does did is are was were has have had could should would".split()
} | {"cant", "wont"}  # fmt: skip
_SHORT = {"'s": "is", "'re": "are", "'ll": "will", "'ve": "have", "'m": "am"}
_WITH_IS = {"it", "that", "there", "what", "here", "who", "where", "how", "he", "she"}
_ENDINGS = {
    "", "s", "es", "d", "ed", "ing", "er", "r", "ers", "rs", "est", "st", "ly", "y", "n", "en",
    "ies", "ied", "ion", "able", "e", "al", "ity",
}  # fmt: skip
# Forms of one particle, after a consonant and after a vowel.
_PARTICLES = [
    ("은", "는"), ("이", "가"), ("을", "를"), ("과", "와"), ("으로", "로"), ("이나", "나"),
    ("이라", "라"), ("이라는", "라는"), ("이라고", "라고"), ("이란", "란"), ("이며", "며"),
    ("이고", "고"), ("이면", "면"), ("이든", "든"), ("으로는", "로는"), ("으로만", "로만"),
]  # fmt: skip
_AFTER_NOUNS = (
    "에서는 에서도 에게 에서 으로 까지 부터 마다 처럼 보다 에는 에도 "
    "은 는 이 가 을 를 과 와 의 에 로 도 만"
).split()  # the longer ones first
_HANGUL = re.compile(r"[가-힣]")


def units(text: str) -> list[str]:
    """Return the paragraphs, list items, table rows, headings and blocks of Markdown, one a line.

    A block becomes one line: what it is, its content or a digest of it, its mark and its reason.
    """
    lines = text.split("\n")
    blocks = {fence.first - 1: fence for fence in fences(lines, 0)}
    found: list[str] = [""]
    number, ordinal = 0, 0
    while number < len(lines):
        if number in blocks:
            found += [_summary(blocks[number]), ""]
            number = blocks[number].last
            continue
        line = lines[number].strip()
        item = _ITEM.match(line)
        if item and item["number"]:
            ordinal += 1
            line = f"{ordinal}. {line[item.end() :]}"
        elif line and lines[number][:1].strip() and not found[-1]:
            ordinal = 0
        if not line or item or line.startswith(("|", "#", "!!!", "???", "===")):
            found.append("")
        if line and not _RULER.match(line):
            found[-1] = f"{found[-1]} {line}".strip()
        if line.startswith(("#", "!!!", "???", "===")):
            found.append("")
        number += 1
    return [" ".join(unit.split()) for unit in found if unit]


def _summary(block: Fence) -> str:
    kind, _, more = block.info.partition(" data-reason=")
    words = [word for word in kind.split() if word not in "{}"] or ["plain"]
    content = "\n".join(block.content).strip()
    name = next(iter(re.findall(r'[\w./-]+\.yaml(?="$)', content)), "")
    if words[0] in ("output", "figure") and re.fullmatch(r"[\w-]+", content):
        name = content
    digest = name or hashlib.sha256(content.encode()).hexdigest()[:8]
    return " ".join(
        [f"```{words[0].lstrip('.')}", digest, *words[1:], more.rstrip(" }").strip('"')]
    )


@lru_cache(maxsize=10_000)
def sentences(text: str) -> tuple[Sentence, ...]:
    """Return the sentences of a text whose units stand on lines of their own (see `units`)."""
    found: list[list[Token]] = []
    for unit in unicodedata.normalize("NFKC", text).split("\n"):
        block = _BLOCK.match(unit)
        if block:
            found.append([Token(f"```{block['value']}", block["value"])])
            found += _scanned(block["reason"])
        elif unit.startswith("|"):
            found.append([t for sentence in _scanned(unit.strip("| ")) for t in sentence])
        else:
            item = _ITEM.match(unit)
            more = _scanned(unit[item.end() :] if item else unit)
            if item and item["number"] and more:
                more[0].insert(0, Token(f"#{item['number']}.", f"{item['number']}."))
            found += more
    return tuple(tuple(sentence) for sentence in found if sentence)


def _scanned(text: str) -> list[list[Token]]:
    found: list[list[Token]] = [[]]
    end = 0
    for match in _TOKEN.finditer(text):
        kind = str(match.lastgroup)
        if kind == "end":
            found += [[]] if found[-1] else []
            continue
        # A claim stands behind the full stop of its sentence.
        place = found[-2] if kind == "claim" and not found[-1] and found[1:] else found[-1]
        glued = match.start() == end > 0 and kind != "link"
        raws = (match[0] if kind != "link" else match["link"], *[""] * 3)
        for value, raw in zip(_values(kind, match), raws):
            place.append(Token(value, raw, glued))
        end = match.end()
    return found


def _values(kind: str, match: re.Match[str]) -> list[str]:
    value = match[kind]
    if kind == "code":
        return ["`" + " ".join(value.split())]
    if kind in ("claim", "link"):
        return [("[" if kind == "claim" else "]") + value]
    if kind in ("number", "unit"):
        return ["#" + _number(match["number"] or match["amount"], match["unit"] or "")]
    if kind == "latin":
        return _latin(value.casefold().replace("’", "'"))
    return [value.casefold() if kind == "word" else f"#{value.casefold()}"]


def _number(digits: str, unit: str) -> str:
    if _THOUSANDS.fullmatch(digits):
        digits = digits.replace(",", "")
    return digits.replace("−", "-") + unit


def _latin(word: str) -> list[str]:
    if word in _WRITTEN_OUT:
        return [_WRITTEN_OUT[word], "not"]
    if word.endswith("n't"):
        return [word[:-3], "not"]
    if word in _WITHOUT_APOSTROPHE:
        return _latin(f"{word[:-2]}n't")
    stem, apostrophe, rest = word.partition("'")
    if apostrophe and (stem in _WITH_IS or rest != "s"):
        return [stem, _SHORT.get(apostrophe + rest, rest)]
    return [stem, apostrophe + rest] if apostrophe else [word]


def is_value(token: str) -> bool:
    """Return whether a token is a value, the same in every language, and no word."""
    return token[0] in "`[]#"


def value_of(token: str) -> str:
    """Return a token as a value: `two` and 둘 are the number 2."""
    return f"#{_NUMBERS[token]}" if token in _NUMBERS else token


class Words:
    """The words of a language that its pages use, and how Korean ones begin and end."""

    def __init__(self, used: Iterable[str]) -> None:
        self._used = frozenset(word for word in used if not is_value(word))
        self._heads: set[str] = set()
        self._tails: Counter[str] = Counter()
        for word in self._used:
            if _HANGUL.match(word):
                self._heads |= {word[: end + 1] for end in range(len(word))}
                self._tails.update(word[start:] for start in range(len(word)))

    def known(self, word: str) -> bool:
        """Return whether pages use `word`."""
        return word in self._used

    def ends(self, tail: str) -> int:
        """Return how many words of the pages end with `tail`."""
        return self._tails[tail]

    def begins(self, head: str) -> bool:
        """Return whether a word of the pages begins with `head`."""
        return head in self._heads


@dataclass
class Difference:
    """What became of a text: words and values that went, and those that came in their place."""

    changes: list[tuple[Sentence, Sentence]] = field(default_factory=list)
    slips: set[tuple[Sentence, Sentence]] = field(default_factory=set)

    @property
    def kind(self) -> int:
        """SAME, SLIP or CHANGE."""
        return CHANGE if self.changes or len(self.slips) > SLIPS else SLIP if self.slips else SAME

    def values(self) -> tuple[set[str], set[str]]:
        """Return the values that went and that came."""
        gone = {value_of(t) for old, _ in self.changes for t in old}
        come = {value_of(t) for _, new in self.changes for t in new}
        both = gone & come
        return {t for t in gone - both if is_value(t)}, {t for t in come - both if is_value(t)}

    def without(self, gone: set[str], come: set[str]) -> Difference:
        """Return the difference without values that the other language lost or got as well."""
        left = Difference(slips=self.slips)
        for old, new in self.changes:
            pair = (
                tuple(t for t in old if value_of(t) not in gone),
                tuple(t for t in new if value_of(t) not in come),
            )
            if any(pair):
                left.changes.append(pair)
        return left

    def __str__(self) -> str:
        if not self.changes:
            slips = sorted(f"'{shown(old)}' became '{shown(new)}'" for old, new in self.slips)
            return "; ".join(slips[: SLIPS + 1])
        old, new = max(self.changes, key=lambda change: len(change[0]) + len(change[1]))
        for pair in self.changes:
            if any(map(is_value, pair[0] + pair[1])):
                old, new = pair
                break
        if old and new:
            return f"'{shown(old)}' became '{shown(new)}'"
        return f"'{shown(new)}' is new" if new else f"'{shown(old)}' is gone"


def shown(tokens: Sentence, most: int = 8) -> str:
    """Return tokens as they were written, the first ones of many."""
    words = "".join(("" if t.glued or not t.raw else " ") + t.raw for t in tokens[:most])
    return words.strip() + (" …" if len(tokens) > most else "")


def difference(old: list[Sentence], new: list[Sentence], words: Words) -> Difference:
    """Compare two lists of sentences; `words` are those that the pages use beside what changed."""
    kept = Counter(old) & Counter(new)
    one, two = _without(old, kept), _without(new, kept)
    best = _compared(_flat(one), _flat(two), words)
    if best.kind == CHANGE and len(one) == len(two) > 1:
        paired = Difference()
        for before, after in _paired(one, two):
            part = _compared(before, after, words)
            paired.changes += part.changes
            paired.slips |= part.slips
        if paired.kind < CHANGE:
            return paired
    return best


def _without(found: list[Sentence], kept: Counter[Sentence]) -> list[Sentence]:
    left, rest = Counter(kept), []
    for sentence in found:
        if left[sentence]:
            left[sentence] -= 1
        else:
            rest.append(sentence)
    return rest


def _flat(found: list[Sentence]) -> Sentence:
    return tuple(token for sentence in found for token in sentence)


def _paired(old: list[Sentence], new: list[Sentence]) -> Iterator[tuple[Sentence, Sentence]]:
    left = list(new)
    for sentence in old:
        nearest = max(left, key=lambda other: likeness(Counter(sentence), Counter(other)))
        left.remove(nearest)
        yield sentence, nearest


def likeness(one: Counter[str], two: Counter[str]) -> float:
    """Return how much of the shorter of two bags of tokens is in the other, from 0 to 1."""
    return (one & two).total() / max(1, min(one.total(), two.total()))


def _compared(old: Sentence, new: Sentence, words: Words) -> Difference:
    found = Difference()
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        pair = (old[i1:i2], new[j1:j2])
        kind = _kind(*pair, (old[i1 - 1 : i1], old[i2 : i2 + 1]), words)
        if kind == SLIP and i2 - i1 == j2 - j1:
            found.slips |= {((a,), (b,)) for a, b in zip(*pair) if a != b}
        elif kind == SLIP:
            found.slips.add(pair)
        elif kind == CHANGE:
            found.changes.append(pair)
    return found


def _kind(
    old: Sentence,
    new: Sentence,
    beside: tuple[Sentence, Sentence],
    words: Words,
) -> int:
    if any(map(is_value, old + new)):
        return CHANGE
    if _joined(old) == _joined(new) and _negates(old) == _negates(new):
        return SAME
    one, two = ((tuple(t for t in side if t not in _ARTICLES)) for side in (old, new))
    if not one or not two:
        return SLIP if one == two or one + two in beside else CHANGE
    if len(one) == len(two):
        if all(is_typo(a, b, words) for a, b in zip(one, two)):
            return SLIP
    elif max(len(one), len(two)) <= 3 and _negates(one) == _negates(two):
        return SLIP if is_typo(_joined(one), _joined(two), words) else CHANGE
    return CHANGE


def _joined(tokens: Iterable[str]) -> str:
    return "".join(tokens)


def _negates(tokens: Iterable[str]) -> bool:
    return any(token in _NOT or _NOT_KO.search(token) for token in tokens)


def is_typo(old: str, new: str, words: Words) -> bool:
    """Return whether `old` and `new` are one word, written wrong in one of them."""
    if old == new or {old, new} == {"its", "itis"}:
        return True
    if _negates((old,)) != _negates((new,)) or (old in _NUMBERS and new in _NUMBERS):
        return False
    if _HANGUL.search(old + new):
        return _is_typo_in_korean(old, new, words)
    swapped = distance(old, new) == 1 and sorted(old) == sorted(new)
    if old[0] != new[0] and not swapped:
        return False
    if words.known(old) and words.known(new):
        return False
    if _are_forms(old, new):
        return False
    short = min(len(old), len(new))
    if swapped and short > 2:
        return True
    return short > 3 and distance(old, new) <= (1 if short < 8 else 2)


def _are_forms(old: str, new: str) -> bool:
    """Return whether two words differ as Pod and Pods, start and started, stores and stored do."""
    one, two = sorted(_rests(old, new), key=len)
    doubled = one == "" and two == "s" and old[: min(len(old), len(new))].endswith("s")
    return {one, two} <= _ENDINGS and two != f"e{one}" and not doubled


def _rests(old: str, new: str) -> tuple[str, str]:
    same = next((i for i, (a, b) in enumerate(zip(old, new)) if a != b), min(len(old), len(new)))
    return old[same:], new[same:]


def _is_typo_in_korean(old: str, new: str, words: Words) -> bool:
    if {old, new} == {"안", "않"} or _same_particle(old, new, words):
        return True
    one, two = (unicodedata.normalize("NFD", word) for word in (old, new))
    if one[0] != two[0] or min(len(old), len(new)) < 2:
        return False
    past = "\N{HANGUL JONGSEONG SSANGSIOS}"
    if one.count(past) != two.count(past) and one.replace(past, "") == two.replace(past, ""):
        return False  # 가다, 갔다
    if words.known(old) and words.known(new):
        return False
    rests = _rests(old, new)
    if all(words.ends(rest) for rest in rests if rest):
        return _is_typo_in_stem(old, new, words)
    # 커집니다 and 켜집니다: other words begin like either, and many end like both.
    begun = all(words.begins(w[: len(w) - len(r) + 1]) for w, r in zip((old, new), rests))
    if begun and rests[0][1:] == rests[1][1:] and words.ends(rests[0][1:]) >= _MANY:
        return False
    if distance(one, two) <= 1:
        return True
    inside = old[-1] == new[-1] and min(len(old), len(new)) > 2 and max(len(old), len(new)) > 3
    return (
        inside and distance(old, new) <= 1 and (len(old) != len(new) or sorted(old) == sorted(new))
    )


def _is_typo_in_stem(old: str, new: str, words: Words) -> bool:
    """Return whether a long noun is wrong before a particle: 네임스페이스의, 네임스페이시의."""
    particle = next((p for p in _AFTER_NOUNS if old.endswith(p) and new.endswith(p)), "")
    one, two = (word.removesuffix(particle) for word in (old, new))
    if not particle or min(len(one), len(two)) < 3 or len(_rests(one, two)[0]) < 1:
        return False
    near = distance(*(unicodedata.normalize("NFD", word) for word in (one, two))) == 1
    return near and words.begins(one) != words.begins(two)


def _same_particle(old: str, new: str, words: Words) -> bool:
    for pair in _PARTICLES:
        for a, b in (pair, pair[::-1]):
            if old.endswith(a) and new.endswith(b) and old[: -len(a)] == new[: -len(b)]:
                stem = old[: -len(a)]
                # 받은 and 받는 end like a noun with its particle, and are two tenses of a verb.
                verb = pair == ("은", "는") and stem and _ends_in_consonant(stem)
                if not verb or any(words.known(stem + p) for p in ("을", "이", "에", "")):
                    return True
    return False


def _ends_in_consonant(word: str) -> bool:
    return unicodedata.normalize("NFD", word)[-1] >= "\N{HANGUL JONGSEONG KIYEOK}"


def distance(one: str, two: str) -> int:
    """Return how many letters to add, drop, replace or swap with the next make `one` into `two`."""
    before: list[int] = []
    last = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(two, 1):
            best = min(last[j] + 1, row[-1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == two[j - 2] and one[i - 2] == b:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        before, last = last, row
    return last[-1]
