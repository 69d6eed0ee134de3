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

_MESSAGE = 4000  # characters of the longest message; what is longer is no message
_QUOTED = re.compile(r"\"[^\"\n]{3,}\"|'[^'\n]{3,}'")
_FOREIGN = re.compile(r"[^\x00-\x7f]")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_CUT = "…"  # stands where something long was cut
_MOST_CUTS = 4
_SHORTEST_PART, _LONGEST_PART = 4, 1000  # characters of a value that are looked for at a cut

_USE = re.compile(r"\{\{([A-Za-z0-9_]{1,128})\}\}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{0,127}")


class Unfilled(Exception):
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
    forms: Sequence[tuple[str, str]] = field(default=(), init=False, repr=False, compare=False)  # see `_forms_of`

    def __post_init__(self) -> None:
        """Made here, once: texts are filled in threads."""
        object.__setattr__(self, "forms", _forms_of(self.secrets))

    def masked(self, said: str) -> str:
        """What somebody said about the text, with the names of sensitive variables instead of their values."""
        for value, name in self.forms:
            said = said.replace(value, name)
        if not self.forms or len(said) > _MESSAGE:
            return said  # what is drawn is not cut, and quotes nothing by the word
        said = _QUOTED.sub(lambda part: _masked_part(part[0], self.forms), said)
        return _masked_at_cuts(said, self.forms) if _CUT in said else said


def _forms_of(secrets: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each value as it may be said, the longest first: as it is, as a literal has it, on one line; and its name."""
    forms: dict[str, str] = {}
    for value, name in secrets.items():
        for text in {value, value.replace("''", "'"), value.replace("'", "''")}:
            for form in {text, " ".join(text.split()), _as_ascii(text)}:
                forms.setdefault(form, f"{{{{{name}}}}}")
    forms.pop("", None)
    return sorted(forms.items(), key=lambda each: -len(each[0]))


def _as_ascii(text: str) -> str:
    """As Flink writes a literal that has other letters."""
    return text if text.isascii() else _FOREIGN.sub(lambda letter: _escaped(letter[0]), text)


def _escaped(letter: str) -> str:
    units = letter.encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _masked_part(quoted: str, forms: Sequence[tuple[str, str]]) -> str:
    """A quoted word of a message, unless it is a part of a value: a parser quotes what it stumbles over."""
    part = _ESCAPE.sub(lambda code: chr(int(code[1], 16)), quoted[1:-1])
    name = next((name for value, name in forms if part in value), None)
    return quoted if name is None else f"{quoted[0]}{name}{quoted[-1]}"


def _masked_at_cuts(said: str, forms: Sequence[tuple[str, str]]) -> str:
    """The same, without a part of a value where something long was cut: before the cut, or behind it."""
    parts = said.rsplit(_CUT, _MOST_CUTS)
    for at, part in enumerate(parts):
        text = part
        if at < len(parts) - 1 and (found := _part_of(forms, text.rstrip(), ends=True)):
            text = text.rstrip()[: -found[0]] + found[1]
        if at and (found := _part_of(forms, text.lstrip(), ends=False)):
            text = found[1] + text.lstrip()[found[0] :]
        parts[at] = text
    return _CUT.join(parts)


def _part_of(forms: Sequence[tuple[str, str]], text: str, *, ends: bool) -> tuple[int, str] | None:
    """How much of a value a text ends, or begins, with, and the value's name; the largest part."""
    best: tuple[int, str] | None = None
    for value, name in forms:
        most = min(len(value) - 1, len(text), _LONGEST_PART)
        for size in range(most, best[0] if best else _SHORTEST_PART - 1, -1):
            if text.endswith(value[:size]) if ends else text.startswith(value[-size:]):
                best = size, name
                break
    return best


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
