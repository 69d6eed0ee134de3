"""Variables of a project, which stand in SQL as `{{name}}`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

LONGEST_NAME: Final = 128
MOST_CHARACTERS: Final = 1024 * 1024  # of SQL with its variables filled in

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


def fill(text: str, variables: Mapping[str, Variable]) -> Filled:
    """Put values in the place of names; a value is not looked into again. Raises `Unfilled`."""
    names = names_in(text)
    if missing := [name for name in names if name not in variables]:
        raise Unfilled(_missing(missing))
    used = {name: variables[name] for name in names}
    uses = (name for name in _USE.findall(text) if name in used)
    if (size := len(text) + sum(len(used[name].value) for name in uses)) > MOST_CHARACTERS + len(text):
        raise Unfilled(f"With its variables the SQL has some {size} characters; at most {MOST_CHARACTERS} are read.")
    filled = _USE.sub(lambda use: used[use[1]].value if use[1] in used else use[0], text)
    return Filled(filled, {each.value: name for name, each in used.items() if each.sensitive and each.value})


def _missing(names: Sequence[str]) -> str:
    shown = ", ".join(f"{{{{{name}}}}}" for name in names[:5]) + ("…" if len(names) > 5 else "")
    few = "is no variable" if len(names) == 1 else "are no variables"
    return f"The SQL uses {shown}, which {few} of the project. Create it (`sluiceway variables set`), or correct it."
