"""A list that is looked at again and again: drawn anew on a terminal, its changed rows through a pipe."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from sluiceway.cli import tables
from sluiceway.cli.columns import Column, Kind
from sluiceway.cli.language import t
from sluiceway.cli.output import Failed, complain, one_line, say
from sluiceway.cli.output_options import Output
from sluiceway.cli.progress import looks
from sluiceway.cli.unbroken import unbroken

T = TypeVar("T")
EVERY: Final = 2.0  # seconds between two looks
_COUNTING: Final = frozenset({"lasting"})  # columns that go on by themselves: no news
_FRAME: Final = 4  # lines of a terminal that are no rows: title, line, what is left out, and the cursor's


def watch(look: Callable[[], Sequence[Any]], kind: Kind[T], columns: str | None, form: Output) -> None:
    """Show a list until Ctrl-C. A service that goes away is waited for, and this is said. Raises `Failed`."""
    if form.output == "name":
        raise Failed(t("--watch shows rows, and -o name none; leave one of them out."), code=2)
    chosen = form.chosen(kind, columns)
    console = Console()
    if form.json or not console.is_terminal or console.is_dumb_terminal:
        changes = _Changes(kind, chosen, form)
        for rows in looks(look, None, complain, EVERY):
            changes.show(rows)
        return
    with Live(console=console, auto_refresh=False) as live:
        for rows in looks(look, None, lambda text: console.print(Text(text)), EVERY):
            with unbroken():
                live.update(_picture(console, chosen, [kind.read(row) for row in rows]), refresh=True)


def _picture(console: Console, chosen: Sequence[Column[T]], things: Sequence[T]) -> Group:
    """The list, in no more lines than the terminal has."""
    width, height = console.size
    cells = [[one_line(column.cell(thing)) for column in chosen] for thing in things]
    lines = tables.drawn([column.head for column in chosen], cells, width).lines
    if len(lines) > (room := max(height - _FRAME, 1)):
        lines = [*lines[: room + 1], Text(t("… and more; --limit or a choice shows fewer"), "dim")]
    for line in lines:
        line.no_wrap, line.overflow = True, "crop"
    return Group(*lines)


class _Changes(Generic[T]):
    """Prints the rows that are new or have changed, each in a line, and says which have gone."""

    def __init__(self, kind: Kind[T], chosen: Sequence[Column[T]], form: Output) -> None:
        self._kind, self._chosen, self._form = kind, chosen, form
        self._known: Mapping[str, Sequence[str]] | None = None
        self._widths = [tables.width(column.header) for column in chosen]

    def show(self, rows: Sequence[Any]) -> None:
        """The list as it is now."""
        things = [self._kind.read(row) for row in rows]
        seen = {self._kind.columns[0].cell(thing): self._news(thing) for thing in things}
        if self._known is None and not self._form.json:
            self._begin(things)
        known = self._known or {}
        for row, thing, (key, news) in zip(rows, things, seen.items(), strict=True):
            if known.get(key) != news:
                self._form.line(row, self._line([column.cell(thing) for column in self._chosen]))
        for key in known.keys() - seen.keys():
            complain(t("{what} {key} is no longer in the list", what=self._kind.columns[0].header, key=key))
        self._known = seen

    def _news(self, thing: T) -> Sequence[str]:
        return [column.cell(thing) for column in self._kind.columns if column.header not in _COUNTING]

    def _begin(self, things: Sequence[T]) -> None:
        for at, column in enumerate(self._chosen):
            self._widths[at] = max([self._widths[at], *(tables.width(column.cell(thing)) for thing in things)])
        say(self._line([column.header.upper().replace(" ", "_") for column in self._chosen]))

    def _line(self, cells: Sequence[str]) -> str:
        padded = (tables.padded(one_line(cell or "-"), width) for cell, width in zip(cells, self._widths, strict=True))
        return "  ".join(padded).rstrip()
