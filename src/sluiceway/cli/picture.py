"""The picture of a board on a terminal: how many jobs are done, and each that is not."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import ConsoleDimensions, Group, RenderableType
from rich.constrain import Constrain
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sluiceway.cli.language import t
from sluiceway.cli.progress import Line

ECHO: Final = (
    2  # cells of the ^C that a terminal echoes: in a full line it would begin another one, which nobody erases
)


def drawn(title: str, seconds: str, lines: Sequence[Line], size: ConsoleDimensions, *, keep_done: bool) -> Constrain:
    """Never more lines than the terminal has; `seconds` is how long it has lasted, in words."""
    room = max(size.height - 4, 1)
    everything = keep_done and len(lines) <= room
    wanted = [line for line in lines if everything or not line.done]
    shown = wanted if len(wanted) <= room else wanted[: room - 1]
    rest = (
        [Text(t("… and {more} more", more=len(wanted) - len(shown)), style="dim")] if len(shown) < len(wanted) else []
    )
    return Constrain(Group(_head(title, seconds, lines), _rows(shown), *rest), max(size.width - ECHO, 1))


def _head(title: str, seconds: str, lines: Sequence[Line]) -> RenderableType:
    done = sum(line.done for line in lines)
    counts = ", ".join(f"{count} {state}" for state, count in Counter(line.state for line in lines).items())
    head = Table.grid(padding=(0, 1))
    head.add_column(no_wrap=True)
    head.add_column(width=20)
    head.add_column(no_wrap=True)
    head.add_column(no_wrap=True, overflow="ellipsis")
    bar = ProgressBar(total=max(len(lines), 1), completed=done, width=20)
    head.add_row(Text(title, style="bold"), bar, f"{done}/{len(lines)}", Text(f"{seconds}  {counts}"))
    return head


def _rows(lines: Sequence[Line]) -> Table:
    rows = Table(box=box.SIMPLE, show_header=False, show_edge=False, expand=True, padding=(0, 1))
    for _ in range(3):
        rows.add_column(no_wrap=True)
    rows.add_column(no_wrap=True, overflow="ellipsis", ratio=1)  # only what is said beside is ever cut
    for line in lines:
        rows.add_row(
            "" if line.job_id is None else str(line.job_id),
            Text(line.name),
            Text(line.state, style="green" if line.done else ""),
            Text(line.note),
        )
    return rows
