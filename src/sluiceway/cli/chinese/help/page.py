"""The parts of a page of help that Cyclopts and rich make of their own accord, in Chinese."""

import re
from typing import TYPE_CHECKING, Any, Final

from cyclopts.help import InlineText
from cyclopts.help.specs import DefaultStyled
from rich.cells import cell_len, chop_cells
from rich.containers import Lines
from rich.text import Text

from sluiceway.cli.chinese.help import said

if TYPE_CHECKING:
    from rich.console import Console

_OPENING: Final = "（《“"
_CLOSING: Final = "，。、；：！？）》”…"
# A line may break behind each of these: one character, or a word of Latin letters, with the punctuation that is its.
_PIECE: Final = re.compile(
    rf"[{_OPENING}]*+(?:[\u4e00-\u9fff]|[^\s\u4e00-\u9fff{_OPENING}{_CLOSING}]++)?[{_CLOSING}]*+\s*+"
)
_METADATA: Final = re.compile(r"\[(choices|env var|default): (.*)\]", re.DOTALL)


def render_usage(console: "Console", usage: Any) -> None:
    """Show how a command is called."""
    console.print(DefaultStyled(Text(said("Usage:"), style="cyclopts.usage") + Text(str(usage))))


class Described(InlineText):
    """What an option means. Cyclopts appends its choices, its default, its variable, and whether it is needed."""

    def append(self, text: Text) -> None:
        """Append one of these."""
        if found := _METADATA.fullmatch(text.plain):
            text = Text(f"[{said(f'{found[1]}:')}{found[2]}]", text.style)
        else:
            text = Text(said(text.plain), text.style)
        super().append(text)


class Flowing(Text):
    """Text that fills its lines: rich itself breaks them at blanks, of which Chinese has few."""

    def wrap(self, console: "Console", width: int, **_: Any) -> Lines:  # noqa: ARG002 - as rich calls it
        """The lines, none wider than `width` cells."""
        lines = Lines()
        for paragraph in self.split(allow_blank=True):
            for line in paragraph.divide(_breaks(paragraph.plain, width)):
                line.rstrip()
                lines.append(line)
        return lines


def _breaks(text: str, width: int) -> list[int]:
    """Where lines begin, but the first: no line with the punctuation that ends something, none with a torn word."""
    found, used, offset = list[int](), 0, 0
    for piece in _PIECE.findall(text):
        for part in [piece] if cell_len(piece.rstrip()) <= width else chop_cells(piece, width):
            if used and used + cell_len(part.rstrip()) > width:
                found.append(offset)
                used = 0
            used += cell_len(part)
            offset += len(part)
    return found
