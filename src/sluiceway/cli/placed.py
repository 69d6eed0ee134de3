"""Command lines as people type them: global options before the command, and the names that other tools have.

`sluiceway --context prod jobs ls` is `sluiceway jobs list --context prod`. What stands behind the command is its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cyclopts import App

WITH_VALUE: Final = frozenset({"--context", "--server", "--project", "--output", "-o"})
FLAGS: Final = frozenset({"--json", "--utc"})
# Tried one after the other, where a command of that very name is not there.
OTHER_NAMES: Final = {"ls": ("list",), "rm": ("delete", "remove")}
AT_THE_TOP: Final = {"ls": ("jobs", "list"), "ps": ("jobs", "list")}


@dataclass(frozen=True, slots=True)
class Placed:
    """A call, with global options behind the command, and the command by its own name."""

    arguments: list[str]
    command: App  # the one that they name, as far as they name any
    words: list[str]  # which it is named by, and the first of the arguments

    @property
    def asks_for_help(self) -> bool:
        """Whether it asks for nothing else: then its options need not be read, which takes a while."""
        return bool(self.words) and self.arguments[len(self.words) :] in [[flag] for flag in self.command.help_flags]


def placed(arguments: Sequence[str], app: App) -> Placed:
    """The same call as we take it."""
    verbs, given, rest = list[str](), list[str](), list(arguments)
    while rest:
        if (count := _global(rest)) > 0:
            given, rest = [*given, *rest[:count]], rest[count:]
            continue
        found = _commands(rest[0], app, top=not verbs)
        if not found:
            break
        for name in found:
            app = app[name]
        verbs, rest = [*verbs, *found], rest[1:]
    return Placed([*verbs, *given, *rest] if verbs else [*rest, *given], app, verbs)


def no_command(arguments: Sequence[str]) -> bool:
    """Whether nothing is asked for, be it of a service that global options name."""
    rest = list(arguments)
    while rest and rest[0] not in FLAGS and (count := _global(rest)) > 0:
        rest = rest[count:]
    return not rest


def _global(rest: Sequence[str]) -> int:
    """How many arguments the global option takes that they begin with: 0 where they begin with none."""
    name, equals, _ = rest[0].partition("=")
    if name in FLAGS:
        return 1
    return (1 if equals else 2) if name in WITH_VALUE and (equals or len(rest) > 1) else 0


def _commands(word: str, app: App, *, top: bool) -> Sequence[str]:
    """The command that a word means, as a path of names; none where it is no command here."""
    if word.startswith("-"):
        return ()
    if word in app:
        return (word,)
    if top:
        return AT_THE_TOP.get(word, ())
    return next(((name,) for name in OTHER_NAMES.get(word, ()) if name in app), ())
