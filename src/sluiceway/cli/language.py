"""The language that commands speak: English, or simplified Chinese where somebody asks for it.

English texts stand in the code, with {places} for what differs. `chinese` has the other ones by these; it is loaded
only where it is needed. What scripts read is never translated: JSON, names, values, the titles of columns through a
pipe, and the log of `serve`.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

from sluiceway.cli.output import Failed

OPTION: Final = "--language"
VARIABLE: Final = "SLUICEWAY_LANGUAGE"
_SYSTEM: Final = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first one that is set counts (POSIX)


class Language(StrEnum):
    """As the service's `X-Language` has it."""

    ENGLISH = "en-us"
    CHINESE = "zh-cn"


_spoken = Language.ENGLISH
_quoted = Language.ENGLISH


def spoken() -> Language:
    """The language of this call."""
    return _spoken


def quoted() -> Language:
    """The language in which this call shows what a service says: documents have it in English."""
    return _quoted


def speak(language: Language) -> None:
    """From now on."""
    global _spoken  # noqa: PLW0603 - one process is one call, and its thread that draws has no context of ours
    _spoken = language
    quote(language)


def quote(language: Language) -> None:
    """Show what a service says in it, from now on."""
    global _quoted  # noqa: PLW0603 - as above
    _quoted = language


@contextmanager
def in_english(*, wanted: bool = True) -> Iterator[None]:
    """Where it is wanted, English is spoken within: documents say the same in every language."""
    global _spoken  # noqa: PLW0603 - as above
    before = _spoken
    if wanted:
        _spoken = Language.ENGLISH
    try:
        yield
    finally:
        _spoken = before


def t(text: str, /, **places: object) -> str:
    """A text in the language of this call, at the time of the call. What fills its {places} is never read as a text."""
    if _spoken is Language.CHINESE:
        from sluiceway.cli import chinese

        text = chinese.MESSAGES.get(text, text)
    return text.format_map(places) if places else text


def heard(text: str) -> str:
    """What a service, or what lies below the commands, says in English, in the language of this call.

    Sentences of our own are; what is within and is none, as Flink's words, stays as it is.
    """
    if _spoken is Language.CHINESE:
        from sluiceway.api import chinese

        return chinese.said(text)
    return text


def of_wrong_call(text: str) -> str:
    """What Cyclopts says of a wrong call, in the language of this call."""
    if _spoken is Language.CHINESE:
        from sluiceway.cli.chinese import wrong_calls

        return wrong_calls.said(text)
    return text


def chosen(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> tuple[Language, list[str]]:
    """The language of a call, and its arguments without that choice. Raises `Failed`.

    The option counts, then `SLUICEWAY_LANGUAGE`, then the locale.
    """
    rest, asked = _without_option(arguments)
    if asked is not None:
        return _named(asked, OPTION), rest
    if own := environment.get(VARIABLE):
        return _named(own, VARIABLE), rest
    locale = next((value for name in _SYSTEM if (value := environment.get(name))), "")
    return (Language.CHINESE if _is_chinese(locale) else Language.ENGLISH), rest


def _without_option(arguments: Sequence[str]) -> tuple[list[str], str | None]:
    rest, asked = list[str](), None
    left = list(arguments)
    while left:
        word = left.pop(0)
        if word == "--":
            return [*rest, word, *left], asked
        name, equals, value = word.partition("=")
        if name != OPTION:
            rest.append(word)
        elif equals or left:
            asked = value if equals else left.pop(0)
        else:
            raise Failed(f"{OPTION} takes a language: en or zh.", code=2)
    return rest, asked


def _named(value: str, where: str) -> Language:
    if _is_chinese(value):
        return Language.CHINESE
    if value.lower().split("-")[0].split("_")[0] == "en":
        return Language.ENGLISH
    raise Failed(f"{where} {value} is no language that there is here: en or zh.", code=2)


def _is_chinese(locale: str) -> bool:
    return locale.lower().split(".")[0].replace("_", "-").split("-")[0] == "zh"
