"""Variables of a project, which stand in SQL as `{{name}}`."""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

LONGEST_NAME: Final = 128
MOST_CHARACTERS: Final = 1024 * 1024  # of SQL with its variables filled in

_SHOWN = 5  # names in one sentence
_NEAR = 0.75  # of 1: how like a name has to be to be meant

_USE = re.compile(r"\{\{([A-Za-z0-9_]{1,128})\}\}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{0,127}")


class Unfilled(Exception):  # noqa: N818 - it is an answer
    """The variables of a text cannot be filled in. Its text says why, for the text's author."""


@dataclass(frozen=True, slots=True)
class Variable:
    """The value of a variable, to be filled in."""

    value: str
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Undefined:
    """Names that a text uses and that are no variables of the project."""

    near: Mapping[str, str]  # each with the variable that was probably meant, or with none (empty)

    @property
    def told(self) -> str:
        """The names, some of many."""
        names = [f"{{{{{name}}}}}" + (f" (did you mean {{{{{near}}}}}?)" if near else "") for name, near in self._shown]
        return ", ".join(names) + ("…" if len(self.near) > _SHOWN else "")

    @property
    def text(self) -> str:
        """A refusal, for the text's author."""
        few = "is no variable" if len(self.near) == 1 else "are no variables"
        return (
            f"The SQL uses {self.told}, which {few} of the project. Create it (`sluiceway variables set`), or "
            "correct it."
        )

    @property
    def _shown(self) -> list[tuple[str, str]]:
        return list(self.near.items())[:_SHOWN]


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its variables filled in."""

    text: str
    secrets: Mapping[str, str] = field(default_factory=dict)  # the sensitive ones that were used, by value

    def masked(self, said: str) -> str:
        """What somebody said about the text, with the names of sensitive variables instead of their values."""
        for value, name in sorted(self.secrets.items(), key=lambda each: -len(each[0])):
            said = said.replace(value, f"{{{{{name}}}}}")
        return said


def fits(name: str) -> bool:
    """Whether a variable can have this name: letters, digits and underscores; no first underscore, no number."""
    return _NAME.fullmatch(name) is not None and not name.isdecimal()


def names_in(text: str) -> list[str]:
    """The names of the variables that a text uses, each once, in their order."""
    return list(dict.fromkeys(name for name in _USE.findall(text) if fits(name)))


def undefined(text: str, defined: Collection[str]) -> Undefined | None:
    """What a text uses that is not defined; None where all is."""
    missing = [name for name in names_in(text) if name not in defined]
    return Undefined(_near(missing, defined)) if missing else None


def changed(text: str, settled: Mapping[str, int], run: int) -> list[str]:
    """The names in a text whose values a run may not have had.

    `settled` has for each variable the newest run that there was when it was given its value.
    """
    return [name for name in names_in(text) if settled.get(name, run) >= run]


def fill(text: str, variables: Mapping[str, Variable], defined: Collection[str] = ()) -> Filled:
    """Put values in the place of names; a value is not looked into again. Raises `Unfilled`.

    `defined` are the names of all variables, for a hint at what was meant.
    """
    names = names_in(text)
    if missing := [name for name in names if name not in variables]:
        raise Unfilled(Undefined(_near(missing, defined)).text)
    used = {name: variables[name] for name in names}
    uses = (name for name in _USE.findall(text) if name in used)
    if (size := len(text) + sum(len(used[name].value) for name in uses)) > MOST_CHARACTERS + len(text):
        raise Unfilled(f"With its variables the SQL has some {size} characters; at most {MOST_CHARACTERS} are read.")
    filled = _USE.sub(lambda use: used[use[1]].value if use[1] in used else use[0], text)
    return Filled(filled, {each.value: name for name, each in used.items() if each.sensitive and each.value})


def _near(missing: Sequence[str], defined: Collection[str]) -> dict[str, str]:
    """For those that are shown."""
    by_lower = {name.lower(): name for name in defined}

    def meant(name: str) -> str:
        found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=_NEAR)
        return by_lower[found[0]] if found else ""

    return {name: meant(name) if at < _SHOWN else "" for at, name in enumerate(missing)}
