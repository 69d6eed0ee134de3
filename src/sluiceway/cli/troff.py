"""Manual pages in the language of man(7), which man-db, groff and mandoc read."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Self

from sluiceway.cli.help_pages import CODE, Option, phrase

_LONG: Final = re.compile(r"(?<![^\s(\[（，、；：。])--?(?=[A-Za-z])")  # the hyphens of an option, which people copy


class Page:
    """One page, written from its head on."""

    def __init__(self, name: str, summary: str, version: str) -> None:
        """`summary` is half a sentence, which whatis(1) shows."""
        self._name = name
        head = f'.TH {_word(name.upper())} 1 {datetime.now(UTC):%Y-%m-%d} "Sluiceway {version}"'
        self._lines = [f'{head} "{phrase("Sluiceway manual")}"', ".nh", ".ad l"]
        self.section("NAME")
        self._lines.append(f"{_word(name)} \\- {styled(summary)}")

    def section(self, title: str) -> Self:
        """Begin a section."""
        self._lines.append(f'.SH "{phrase(title)}"')
        return self

    def subsection(self, title: str) -> Self:
        """Begin a part of a section."""
        self._lines.append(f'.SS "{styled(title)}"')
        return self

    def synopsis(self, usage: str) -> Self:
        """How it is called."""
        self._lines.append(f"\\fB{styled(usage)}\\fR")
        return self

    def paragraphs(self, paragraphs: Sequence[str]) -> Self:
        """Text. What begins a section needs no gap before it."""
        for paragraph in paragraphs:
            gap = [] if self._lines[-1].startswith((".SH", ".SS")) else [".PP"]
            self._lines += [*gap, _line(styled(paragraph))]
        return self

    def item(self, term: str, meaning: str) -> Self:
        """A term, and what it means."""
        self._lines += [".TP", _line(styled(term)), _line(styled(meaning) or "\\&")]
        return self

    def options(self, options: Sequence[Option]) -> Self:
        """Arguments and options."""
        for option in options:
            self.item(", ".join(f"`{name}`" for name in option.names), option.meaning)
        return self

    def see_also(self, names: Sequence[str]) -> str:
        """The whole, with the other pages at its end."""
        self.section("SEE ALSO")
        self._lines.append(",\n".join(f"\\fB{_word(name)}\\fR(1)" for name in names))
        return "\n".join([*self._lines, ""])


def styled(text: str) -> str:
    """A text with what stands between backticks in bold, and nothing that troff would obey."""
    parts = CODE.split(text)
    return "".join(f"\\fB{_word(part)}\\fR" if at % 2 else _prose(part) for at, part in enumerate(parts))


def _prose(text: str) -> str:
    return _LONG.sub(lambda found: "\\-" * len(found[0]), _escaped(text))


def _word(text: str) -> str:
    """Letters that people copy: a hyphen is the one of the keyboard."""
    return _escaped(text).replace("-", "\\-")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\e").replace('"', "\\(dq").replace("'", "\\(aq").replace("`", "\\(ga")


def _line(text: str) -> str:
    """A line that is no request."""
    return f"\\&{text}" if text.startswith((".", "'")) else text
