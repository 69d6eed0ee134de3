"""Finds tables and functions whose meaning changes from one INSERT of a job to the next. Pure.

All INSERTs are one job. Flink finds what several of them have in common by the names of tables and functions alone:
sinks of one name become one sink, and sources of one name are read once, whatever was made of the name in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

_KINDS = frozenset({"TABLE", "FUNCTION", "MODEL", "DATABASE", "CATALOG"})  # views are replaced by what they stand for
_FILLERS = frozenset({"IF", "NOT", "EXISTS"})


class Written(Protocol):
    """A statement as it was written."""

    @property
    def words(self) -> tuple[str, ...]:
        """Its names, keywords and marks, in their order, as Flink's lexer tells them."""

    @property
    def line(self) -> int:
        """Where it starts in the body, from 1."""

    @property
    def sink(self) -> bool:
        """Whether it writes somewhere."""


@dataclass(slots=True)
class _Seen:
    used: dict[str, int] = field(default_factory=dict)  # names in INSERTs, each with the line of the first
    changed: dict[str, int] = field(default_factory=dict)  # those of them that were changed since, and where


def two_meanings(statements: Sequence[Written]) -> str | None:
    """Tell the author why INSERTs would not do what they say; None when they will."""
    seen = _Seen()
    for statement in statements:
        words = statement.words
        if statement.sink:
            names = {name for word in words for name in (word, _function(word))}
            if both := sorted(names & seen.changed.keys()):
                return _told(both[0], statement.line, seen)
            for name in names:
                seen.used.setdefault(name, statement.line)
        elif (name := _changed(words)) in seen.used:
            seen.changed.setdefault(name, statement.line)
    return None


def _told(name: str, line: int, seen: _Seen) -> str:
    return (
        f"{name.removesuffix('()')} is one thing in the INSERT of line {seen.used[name]} and another in that of line "
        f"{line}, as line {seen.changed[name]} changes it. All INSERTs are one job, in which Flink takes both for "
        "one. Give the second one another name."
    )


def _changed(words: Sequence[str]) -> str:
    """The name that a statement gives another meaning, without what it lies in; empty for none."""
    heads = [word.upper() for word in words[:6]]
    if heads[:1] not in (["DROP"], ["ALTER"]) and heads[:2] != ["CREATE", "TEMPORARY"]:
        return ""
    kind = next((at for at, word in enumerate(heads) if word in _KINDS), None)
    rest = [] if kind is None else list(words[kind + 1 :])
    while rest and rest[0].upper() in _FILLERS:
        rest.pop(0)
    while rest[1:2] == ["."] and len(rest) > 2:
        del rest[:2]
    name = rest[0] if rest else ""
    return _function(name) if kind is not None and heads[kind] == "FUNCTION" and name else name


def _function(name: str) -> str:
    """Names of functions have no case."""
    return f"{name.lower()}()"
