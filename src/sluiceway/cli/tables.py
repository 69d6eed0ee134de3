"""Results on standard output: tables for people, plain columns for pipes; and moments, lengths and sizes in them."""

import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Final

from sluiceway.cli.heads import Head
from sluiceway.cli.language import t
from sluiceway.cli.output import one_line

if TYPE_CHECKING:  # rich takes longer to load than a list to be shown: only for a terminal
    from rich.console import Console

    from sluiceway.cli.grid import Grid

# The zone that moments are shown in; None: the machine's. Set by the options of a command, and by nothing else.
zone: Final[ContextVar[tzinfo | None]] = ContextVar("zone", default=None)

_STYLES: Final = {
    "stopped": "green",
    "proven": "green",
    "parked": "red",
    "yes": "green",
    "running": "green",
    "restarting": "red",
    "no_slots": "red",
    "failed": "red",
    "lost": "red",
    "ended": "red",
    "overdue": "yellow",
    "submit_failed": "red",
    "stop_failed": "red",
    "no": "red",
}


# A large unit, its seconds, the small one beside it, its seconds, and from how many seconds on another pair is used.
_UNITS: Final = (("m", 60, "s", 1, 3600), ("h", 3600, "m", 60, 86_400), ("d", 86_400, "h", 3600, float("inf")))


def table(headers: Sequence[str | Head], rows: Sequence[Sequence[str]], *, path: str = "", wide: bool = False) -> None:
    """Rows under headers. Through a pipe each row is one line, and nothing is cut.

    On a terminal they fit its width unless they are to be `wide`: long values go on in further lines, words stay whole,
    a path (of a `Head` that says so, or of the column called `path`) loses its middle, and spare columns without room
    are named below.
    """
    heads = [head if isinstance(head, Head) else Head(head, path=head == path) for head in headers]
    rows = [[one_line(cell) for cell in row] for row in rows]
    console = terminal()
    if console is None:
        _plain([head.text for head in heads], rows)
        return
    console.print(*drawn(heads, rows, None if wide else console.width).lines, sep="\n", soft_wrap=True)


def terminal() -> "Console | None":
    """The terminal that results go to; None where they go elsewhere."""
    if not sys.stdout.isatty():
        return None
    from rich.console import Console

    return Console()


def drawn(heads: Sequence[Head], rows: Sequence[Sequence[str]], room: int | None) -> "Grid":
    """A table for a terminal of so many cells, with a line for what found no room; None: as wide as it takes."""
    from rich.text import Text

    from sluiceway.cli.grid import grid

    made = grid(heads, rows, room, _STYLES)
    if made.left_out:
        columns = ", ".join(made.left_out)
        made.lines.append(Text(t("No room for: {columns}. -o wide shows all.", columns=columns), "dim"))
    return made


def _plain(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns two blanks apart, `-` for nothing: for grep, cut and awk."""
    cells = [[header.upper().replace(" ", "_") for header in headers]]
    cells += [[cell or "-" for cell in row] for row in rows]
    widths = [max(width(row[i]) for row in cells) for i in range(len(headers))]
    for row in cells:
        line = "  ".join(padded(cell, most) for cell, most in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")
    sys.stdout.flush()


def width(text: str) -> int:
    """The cells that a text takes on a terminal: a Chinese character takes two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def padded(text: str, cells: int) -> str:
    """A text with as many blanks behind it as make it so wide."""
    return text + " " * (cells - width(text))


def size(count: int | None) -> str:
    """Bytes, for people."""
    if count is None:
        return ""
    amount = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def when(millis: int | None) -> str:
    """A moment that DLI writes as epoch milliseconds. One that no calendar has stands as it is."""
    try:
        return _shown(datetime.fromtimestamp(millis / 1000, UTC)) if millis else ""
    except (OverflowError, ValueError, OSError):
        return str(millis)


def moment(text: str | None) -> str:
    """A moment that our own API writes, to the second. What is none stands as it is."""
    try:
        return _shown(datetime.fromisoformat(text)) if text else ""
    except (OverflowError, ValueError, OSError):
        return str(text)


def _shown(at: datetime) -> str:
    """In the zone that is wanted, with its distance from UTC: 2026-11-28 14:05:00+01, or …Z."""
    there = at.astimezone(zone.get())
    offset = there.strftime("%z")
    name = "Z" if offset == "+0000" else f"{offset[:3]}:{offset[3:5]}".removesuffix(":00")
    return f"{there:%Y-%m-%d %H:%M:%S}{name}"


def seconds_between(first: str, last: str | None) -> float | None:
    """Seconds between two moments of our own API."""
    try:
        return None if last is None else (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()
    except (TypeError, ValueError):  # one of them is no moment, or has no time zone
        return None


def silent(cluster: str, since: str, reason: str) -> str:
    """Since when a cluster does not answer, and why, in a sentence."""
    seconds = seconds_between(since, datetime.now(UTC).isoformat())
    if seconds is None:
        what = t("Cluster {cluster} has not answered since {since}", cluster=cluster, since=since)
    else:
        length = lasting(int(max(seconds, 1) * 1000))
        what = t("Cluster {cluster} has not answered for {length}", cluster=cluster, length=length)
    return t("{what}: {reason}.", what=what, reason=reason) if reason else t("{what}.", what=what)


def lasting(millis: int) -> str:
    """A length of time, as options take it too; nothing for less than a second."""
    return took(millis // 1000) if millis >= 1000 else ""


def took(seconds: float | None) -> str:
    """A length of time as options take it too: 1.5s, 45s, 1m30s, 1h30m, 2d. To about a hundredth of it."""
    if seconds is None:
        return ""
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    large, of, small, each = next(units for units in _UNITS if whole < units[4])[:4]
    rest = whole % of // each
    return f"{whole // of}{large}" + (f"{rest}{small}" if rest else "")


def yes(value: bool) -> str:
    """A truth, for people."""
    return "yes" if value else "no"


def jobs(count: int) -> str:
    """So many jobs, in words."""
    return t("1 job") if count == 1 else t("{count} jobs", count=count)


def some_jobs(named: Sequence[str], count: int) -> str:
    """So many jobs, of which these few are named."""
    few = ", ".join(named)
    if count > len(named):
        return t("jobs {few} and {more} more", few=few, more=count - len(named))
    return t("job {few}", few=few) if count == 1 else t("jobs {few}", few=few)


def counts(phases: Mapping[str, int]) -> str:
    """How many are in which phase."""
    return ", ".join(f"{count} {phase}" for phase, count in sorted(phases.items()))


def tries(orders: Sequence[int]) -> str:
    """The ids of an order and its retries; empty without any."""
    return ", ".join(map(str, orders)) if len(orders) > 1 else ""
