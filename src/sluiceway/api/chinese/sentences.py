"""Finds our own sentences in a text, each by what stands between its {places}."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from string import Formatter
from typing import Final

from sluiceway.api.chinese import clusters, machine, requests, resumes, savepoints, stops, storage

MODULES: Final = (stops, savepoints, resumes, clusters, storage, requests, machine)
LONGEST: Final = 2000  # characters of a text that is looked at; of a longer one the rest stays as it is
MOST: Final = 16  # ends of sentences that are looked at in a text
DEEPEST: Final = 4  # sentences within sentences
SHORT: Final = 20  # letters, below which only a single word may stand before them: Flink's words end alike
PLURAL: Final = "s"  # the place of an ending, which Chinese has not
TRIES: Final = 600  # pieces of a text that are looked up; Flink's words may be anything

_KEY: Final = 4  # letters that sentences are looked up by
_END: Final = re.compile(r"[.!?。] ")
_SEAM: Final = re.compile(r"[,;]? ")  # before what is added to a name, as in "/sp/7, a savepoint, 3 d old"
_FULL: Final = frozenset("。，；：！？（）、")  # which need no blank beside them
_TWICE: Final = {"。。": "。", ".。": "。", "。）": "）", ".）": "）", "。，": "，", "。：": "："}


@dataclass(frozen=True, slots=True)
class Found:
    """A text in Chinese, as far as it is ours: by so many letters."""

    text: str
    ours: int = 0


@dataclass(frozen=True, slots=True)
class Sentence:
    """An English sentence: `names` of its places, and the `parts` of the text before, between and behind them.

    A single word that fills a place is somebody's name, and stays, but in `words`: {these!s} in the Chinese text. Only
    a single word may fill one that is a {place!s} in the English text.
    """

    parts: tuple[str, ...]
    names: tuple[str, ...]
    words: frozenset[str]
    single: frozenset[str]
    chinese: str

    @classmethod
    def of(cls, english: str, chinese: str) -> "Sentence":
        """From a catalogue."""
        parts, names = [""], list[str]()
        for text, name, _, _ in Formatter().parse(english):
            parts[-1] += text
            if name is not None:
                names.append(name)
                parts.append("")
        return cls(tuple(parts), tuple(names), _marked(chinese), _marked(english), chinese)

    def places_in(self, text: str) -> tuple[str, ...] | None:
        """What fills the places, where all of the text is this sentence. Each part is looked for once."""
        first, last = self.parts[0], self.parts[-1]
        if not self.names:
            return () if text == first else None
        at, end = len(first), len(text) - len(last)
        if at > end or not (text.startswith(first) and text.endswith(last)):
            return None
        filled = list[str]()
        for part in self.parts[1:-1]:
            found = text.find(part, at, end)
            if found < 0:
                return None
            filled.append(text[at:found])
            at = found + len(part)
        filled.append(text[at:end])
        if not first and " " in filled[0] and sum(map(len, self.parts)) < SHORT:
            return None
        for name, place in zip(self.names, filled, strict=True):
            if (name in self.single and " " in place) or (name == PLURAL and place not in {"", PLURAL}):
                return None
        return tuple(filled)


def _marked(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, how in Formatter().parse(text) if name and how == "s")


@cache
def texts() -> Mapping[str, str]:
    """Every sentence of ours, and its Chinese."""
    return {english: chinese for module in MODULES for english, chinese in module.TEXTS.items()}


@cache
def _sentences() -> Mapping[str, list[Sentence]]:
    """By their first letters, as far as these are no place."""
    found = dict[str, list[Sentence]]()
    for english, chinese in texts().items():
        sentence = Sentence.of(english, chinese)
        found.setdefault(sentence.parts[0][:_KEY], []).append(sentence)
    return found


def _candidates(text: str) -> Iterator[Sentence]:
    for length in range(min(_KEY, len(text)) + 1):
        yield from _sentences().get(text[:length], ())


@lru_cache(maxsize=4096)
def said(text: str) -> str:
    """A text of the service's own in Chinese. What is none of ours, as Flink's words, stays as it is."""
    if not text or text.isspace():
        return text
    return _Reading().all_of(text[:LONGEST], 0).text + text[LONGEST:]


class _Reading:
    """Reads one text. After so many tries, what is left of it stays as it is."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Found] = {}
        self._left = TRIES

    def all_of(self, text: str, depth: int) -> Found:
        """Several sentences: of all ways to cut the text, the one of which most is ours."""
        if (text, depth) not in self._known:
            self._known[text, depth] = self._cut(text, depth)
        return self._known[text, depth]

    def _cut(self, text: str, depth: int) -> Found:
        cuts = [0, *[end.end() for end in _END.finditer(text)][:MOST], len(text)]
        best = {len(cuts) - 1: Found("")}
        for start in range(len(cuts) - 2, -1, -1):
            for end in range(start + 1, len(cuts)):
                piece = text[cuts[start] : cuts[end]].strip()
                one = self._one(piece, depth)
                if one is None and end > start + 1:
                    continue
                joined = _joined(one or Found(piece), best[end])
                if start not in best or joined.ours > best[start].ours:
                    best[start] = joined
        return best[0]

    def _one(self, text: str, depth: int) -> Found | None:
        """A text that is one sentence of ours, or a part of one: with a capital, without its end, or before a colon."""
        small = text[:1].lower() + text[1:]
        for form in dict.fromkeys((text, small)):
            if found := self._exact(form, depth):
                return found
        for form in dict.fromkeys((text, small)):
            other = form[:-1] if form.endswith(".") else f"{form}."
            if found := self._exact(other, depth):
                told = f"{found.text}。" if form.endswith(".") else found.text.removesuffix("。")
                return Found(_tidy(told), found.ours)
        head, colon, tail = text.partition(": ")
        if not colon or head not in texts():
            return None
        rest = self._within(tail, depth + 1, word=False)
        return Found(f"{texts()[head]}：{rest.text}", len(head) + rest.ours)

    def _exact(self, text: str, depth: int) -> Found | None:
        if self._left <= 0:
            return None
        self._left -= 1
        found = [one for one in (self._filled(each, text, depth) for each in _candidates(text)) if one is not None]
        return max(found, key=lambda each: each.ours, default=None)

    def _filled(self, sentence: Sentence, text: str, depth: int) -> Found | None:
        """The sentence in Chinese with what fills its places, which may be of ours, too."""
        places = sentence.places_in(text)
        if places is None:
            return None
        told = self._parted(sentence, list(places), depth)
        filled = {
            name: self._within(place.strip(), depth + 1, word=name in sentence.words)
            for name, place in zip(sentence.names, told, strict=True)
        }
        ours = sum(map(len, sentence.parts)) + sum(each.ours for each in filled.values())
        return Found(_tidy(_fitted(sentence.chinese, {name: each.text for name, each in filled.items()})), ours)

    def _within(self, place: str, depth: int, *, word: bool) -> Found:
        return self.all_of(place, depth) if depth <= DEEPEST and (word or " " in place) else Found(place)

    def _parted(self, sentence: Sentence, places: list[str], depth: int) -> list[str]:
        """The same, where places stand side by side: what is added to the first one is told by its own text."""
        for at in range(len(places) - 1, 0, -1):
            if sentence.parts[at] or places[at - 1]:
                continue
            whole = places[at]
            seams = [seam.start() for seam in _SEAM.finditer(whole)][-MOST:]
            added = next((seam for seam in reversed(seams) if self._exact(whole[seam:].strip(), depth + 1)), None)
            cut = len(whole) if added is None or depth >= DEEPEST else added
            places[at - 1], places[at] = whole[:cut], whole[cut:]
        return places


def _joined(first: Found, rest: Found) -> Found:
    glued = not first.text or not rest.text or first.text[-1] in _FULL
    return Found(first.text + ("" if glued else " ") + rest.text, first.ours + rest.ours)


def _fitted(chinese: str, filled: Mapping[str, str]) -> str:
    """The sentence with its places filled. Between two Chinese words there is no blank."""
    made = ""
    for text, name, _, _ in Formatter().parse(chinese):
        made += text[1:] if text[:1] == " " and _is_chinese(made[-1:]) else text
        if name is not None:
            place = filled[name]
            made = made[:-1] + place if made[-1:] == " " and _is_chinese(place[:1]) else made + place
    return made


def _is_chinese(letter: str) -> bool:
    return "\u4e00" <= letter <= "\u9fff" or letter in _FULL


def _tidy(text: str) -> str:
    for twice, once in _TWICE.items():
        text = text.replace(twice, once)
    return text
