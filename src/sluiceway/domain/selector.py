"""Selectors of labels as kubectl has them: `tier in (source,sink),team!=x,!paused`.

What is separated by commas must all be true. `a=b` and `a==b` ask for a value, `a!=b` for any other or none,
`a in (x,y)` and `a notin (x,y)` for one of several or none of them, `a` for the key and `!a` for its absence. Of
Kubernetes' documentation: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors.
Beyond that, keys and values that are no plain words may stand in double quotes, where a backslash takes the next
character as it is.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LONGEST: Final = 2000  # characters of a selector
MOST: Final = 50  # requirements in it
MOST_VALUES: Final = 100  # of one requirement

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|==|!=|[=!(),]|[^\s"=!(),<>]++', re.DOTALL)
_BLANK: Final = re.compile(r"\s*")
_PLAIN: Final = re.compile(r'[^\s"=!(),<>]+')
_SET_WORDS: Final = frozenset({"in", "notin"})


class BadSelector(ValueError):
    """A text is no selector; the message says where, and what would do."""


class Operator(StrEnum):
    """What a requirement asks of the value of its key."""

    IN = "in"
    NOT_IN = "notin"  # also true where there is no such key
    EXISTS = "exists"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on labels. `values` are those of `in` and `notin`, without repeats."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether it is true of these labels."""
        match self.operator:
            case Operator.IN:
                return labels.get(self.key) in self.values
            case Operator.NOT_IN:
                return labels.get(self.key) not in self.values
            case Operator.EXISTS:
                return self.key in labels
            case Operator.MISSING:
                return self.key not in labels

    def __str__(self) -> str:
        """It as `parse` reads it."""
        key, values = _quoted(self.key), [_quoted(value) for value in self.values]
        match self.operator:
            case Operator.EXISTS:
                return key
            case Operator.MISSING:
                return f"!{key}"
            case Operator.IN | Operator.NOT_IN if len(values) == 1:
                return f"{key}{'=' if self.operator is Operator.IN else '!='}{values[0]}"
            case Operator.IN | Operator.NOT_IN:
                return f"{key} {self.operator} ({','.join(values)})"


Selector = Sequence[Requirement]


def parse(text: str) -> tuple[Requirement, ...]:
    """The requirements in a text, in order; at least one. Raises `BadSelector`."""
    if len(text) > LONGEST:
        raise BadSelector(f"a selector has at most {LONGEST} characters, and this one has {len(text)}")
    return tuple(_Reader(text).requirements())


def printed(selector: Selector) -> str:
    """A selector as `parse` reads it."""
    return ",".join(map(str, selector))


def holds(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether all of it is true of these labels."""
    return all(requirement.holds(labels) for requirement in selector)


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text) and text not in _SET_WORDS:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Reader:
    """Reads a text token by token, without ever going back."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._read()
        self._step()

    def requirements(self) -> Iterator[Requirement]:
        for count in range(1, MOST + 2):
            if count > MOST:
                raise self._refused(f"there are more than {MOST} requirements")
            yield self._requirement()
            if not self._next:
                return
            if self._next != ",":
                raise self._refused("a comma goes between two requirements")
            self._step()

    def _requirement(self) -> Requirement:
        if self._next == "!":
            self._step()
            return Requirement(self._word("a key"), Operator.MISSING)
        key = self._word("a key")
        match self._next:
            case "=" | "==" | "!=" as sign:
                self._step()
                value = self._word("a value") if self._is_word() else ""
                return Requirement(key, Operator.NOT_IN if sign == "!=" else Operator.IN, (value,))
            case "in" | "notin" as word:
                self._step()
                return Requirement(key, Operator(word), self._values())
            case "" | ",":
                return Requirement(key, Operator.EXISTS)
            case _:
                raise self._refused("=, !=, in (…), notin (…) or a comma goes after a key")

    def _values(self) -> tuple[str, ...]:
        self._take("(", "( goes before the values, as in: tier in (source,sink)")
        values = [self._word("a value")]
        while self._next == ",":
            self._step()
            values.append(self._word("a value"))
            if len(values) > MOST_VALUES:
                raise self._refused(f"there are more than {MOST_VALUES} values")
        self._take(")", "a comma or ) goes after a value")
        return tuple(dict.fromkeys(values))

    def _word(self, what: str) -> str:
        if not self._is_word():
            raise self._refused(f"{what} goes here; where it is no plain word, put it in double quotes")
        word = self._next
        self._step()
        return re.sub(r"\\(.)", r"\1", word[1:-1], flags=re.DOTALL) if word[0] == '"' else word

    def _is_word(self) -> bool:
        return self._next not in {"", "=", "==", "!=", "!", "(", ")", ","}

    def _take(self, token: str, otherwise: str) -> None:
        if self._next != token:
            raise self._refused(otherwise)
        self._step()

    def _step(self) -> None:
        self._next, self._at = next(self._tokens)

    def _read(self) -> Iterator[tuple[str, int]]:
        at = 0
        while True:
            blank = _BLANK.match(self._text, at)
            at = blank.end() if blank else at
            if at == len(self._text):
                while True:
                    yield "", at
            found = _TOKEN.match(self._text, at)
            if found is None:
                self._at = at
                quote = self._text[at] == '"'
                raise self._refused(
                    "the quotes have no end" if quote else "< and > stand in double quotes, or not at all"
                )
            yield found[0], at
            at = found.end()

    def _refused(self, why: str) -> BadSelector:
        rest = self._text[self._at : self._at + 40]
        where = f"at character {self._at + 1}, {rest!r}" if rest else "at its end"
        return BadSelector(f"{self._text[:200]!r} is no selector: {where}: {why}")
