"""Fits a table into a terminal: words stay whole, paths lose their middle, and what has no room is named."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from sluiceway.cli.heads import Head

GAP: Final = 2  # between two columns
LONG: Final = 16  # cells; a longer word may go on in the next line, where it has a hyphen or the like
PATH_LEAST: Final = 14  # cells; of Flink's savepoints, what tells one from another
CUT: Final = "…"

_MOMENT: Final = re.compile(r"(?<=\d\d) (?=\d\d:\d\d)")  # the blank between a day and its time
_TIED: Final = "\N{NO-BREAK SPACE}"  # in its place, while lines are broken at blanks
_PIECE: Final = re.compile(r"[^-_.:,=]*[-_.:,=]*")
_SEPARATORS: Final = "/-_.="

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Grid:
    """The lines of a table, and the columns that found no room."""

    lines: list[Text]
    left_out: list[str]


def grid(heads: Sequence[Head], rows: Sequence[Row], room: int | None, styles: dict[str, str]) -> Grid:
    """The lines of a table for a terminal of so many cells; None: as wide as it takes.

    Columns without any value are left out. `styles` are those of cells with exactly this text.
    """
    kept = [at for at in range(len(heads)) if not rows or any(row[at] for row in rows)]
    tied = [[_MOMENT.sub(_TIED, cell) for cell in row] for row in rows]
    gone = list[str]()
    while room is not None and (spare := [at for at in kept if heads[at].spare]):
        if _total([_least(heads[at], [row[at] for row in tied]) for at in kept]) <= room:
            break
        gone.insert(0, heads[spare[-1]].text)
        kept.remove(spare[-1])
    shown = [heads[at] for at in kept]
    cells = [[row[at] for at in kept] for row in tied]
    widths = _widths(shown, cells, room)
    lines = [_line([Text(head.text, "bold") for head in shown], widths)]
    lines.append(Text("─" * _total(widths), "dim"))
    for row in cells:
        lines += _row(shown, row, widths, styles)
    return Grid(lines, gone)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _widths(heads: Sequence[Head], rows: Sequence[Row], room: int | None) -> list[int]:
    """The width of each column: as much as its longest cell, or what the others leave to it."""
    columns = [[row[at] for row in rows] for at in range(len(heads))]
    widths = [max(map(cell_len, (head.text, *column))) for head, column in zip(heads, columns, strict=True)]
    if room is None or _total(widths) <= room:
        return widths
    least = [_least(head, column) for head, column in zip(heads, columns, strict=True)]
    for paths in (True, False):
        while (over := _total(widths) - room) > 0:
            narrowable = [at for at, head in enumerate(heads) if widths[at] > least[at] and head.path >= paths]
            if not narrowable:
                break
            widest = max(narrowable, key=lambda at: widths[at])
            others = [widths[at] for at in narrowable if at != widest]
            step = max(widths[widest] - max(others, default=0), 1)
            widths[widest] -= min(step, over, widths[widest] - least[widest])
    return widths


def _least(head: Head, column: Row) -> int:
    """The width at which nothing in a column has to be broken within a word."""
    cells = [cell_len(head.text)]
    for cell in column:
        cells += [_whole(word) for word in cell.split(" ")]
    return max(cells)


def _whole(word: str) -> int:
    length = cell_len(word)
    if _is_path(word):
        return PATH_LEAST
    return length if length <= LONG or _TIED in word else max(map(cell_len, _PIECE.findall(word)))


def _is_path(word: str) -> bool:
    return word.count("/") > 1 and len(word) > LONG


def _row(heads: Sequence[Head], row: Row, widths: Sequence[int], styles: dict[str, str]) -> list[Text]:
    """A row, in as many lines as its longest cell takes."""
    broken = [broken_into(cell, width, path=head.path) for head, cell, width in zip(heads, row, widths, strict=True)]
    lines = []
    for at in range(max(map(len, broken), default=1)):
        parts = [cell[at] if at < len(cell) else "" for cell in broken]
        texts = [Text(part.replace(_TIED, " "), styles.get(cell, "")) for part, cell in zip(parts, row, strict=True)]
        lines.append(_line(texts, widths))
    return lines


def _line(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    line = Text(no_wrap=True)
    for cell, width in zip(cells, widths, strict=True):
        line.append_text(cell)
        line.append(" " * (width - cell.cell_len + GAP))
    line.rstrip()
    return line


def broken_into(cell: str, width: int, *, path: bool = False) -> list[str]:
    """The lines of a cell. A word that is too long for one goes on after a hyphen or the like; a path is cut."""
    if path and cell_len(cell) > width:
        return [cut(cell, width)]
    lines = [""]
    for word in cell.split(" "):
        if cell_len(lines[-1]) + 1 + cell_len(word) <= width and lines[-1]:
            lines[-1] += f" {word}"
            continue
        whole = cut(word, width) if _is_path(word) else word
        lines += [whole] if cell_len(whole) <= width else _pieces(whole, width)
    return lines[1:] or [""]


def _pieces(word: str, width: int) -> list[str]:
    lines = [""]
    for piece in _PIECE.findall(word):
        if lines[-1] and cell_len(lines[-1]) + cell_len(piece) > width:
            lines.append("")
        lines[-1] += piece
    return lines


def cut(path: str, width: int) -> str:
    """A path with its beginning and its end, in so many cells: the last part, and as many of the first as fit."""
    if cell_len(path) <= width:
        return path
    parts = path.split("/")
    keep = 2 if parts[-1].startswith("chk-") else 1  # checkpoints of every run have the same names
    end = "/".join(parts[-keep:])
    if cell_len(end) + 2 > width:
        return CUT + _end(end, width - 1)
    shortest = f"{CUT}/{end}"
    longer = ["/".join((*parts[:count], shortest)) for count in range(1, len(parts) - keep) if parts[count - 1]]
    return next((text for text in reversed(longer) if cell_len(text) <= width), shortest)


def _end(text: str, width: int) -> str:
    """The longest end of a text that begins at a separator, and fits."""
    starts = [at for at, letter in enumerate(text) if letter in _SEPARATORS and cell_len(text[at:]) <= width]
    return text[starts[0] :] if starts else text[-width:]
