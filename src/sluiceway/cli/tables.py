"""Results on standard output: tables for people, plain columns for pipes, JSON for programs."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sluiceway.cli.output import one_line, say, visible

GAP: Final = 2  # between two columns on a terminal
_MOMENT: Final = "%Y-%m-%d %H:%M:%SZ"
PATH_END: Final = 20  # characters; of Flink's savepoints, all that tells one from another

_STYLES: Final = {
    "stopped": "green",
    "proven": "green",
    "parked": "red",
    "job_running": "green",
    "job_cancel_success": "green",
    "yes": "green",
    "running": "green",
    "restarting": "red",
    "no_slots": "red",
    "failed": "red",
    "lost": "red",
    "ended": "red",
    "overdue": "yellow",
    "job_submit_fail": "red",
    "job_running_exception": "red",
    "job_cancel_fail": "red",
    "no": "red",
}


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, path: str = "") -> None:
    """Rows under headers. Through a pipe each row is one line, and nothing is cut.

    On a terminal long values are folded, and columns without any value are left out. Where it is too narrow, the column
    called `path` shows only the ends of its values: folded to a few letters a line they could not be read either.
    """
    rows = [[one_line(cell) for cell in row] for row in rows]
    console = Console()
    if not console.is_terminal:
        _plain(headers, rows)
        return
    headers, rows = _filled(headers, rows)
    if path in headers and _width(headers, rows) > console.width:
        at = headers.index(path)
        rows = [[*row[:at], _end_of(row[at]), *row[at + 1 :]] for row in rows]
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for header in headers:
        shown.add_column(header, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    console.print(shown)


def _filled(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[list[str], list[Sequence[str]]]:
    kept = [at for at in range(len(headers)) if not rows or any(row[at] for row in rows)]
    return [headers[at] for at in kept], [[row[at] for at in kept] for row in rows]


def _width(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    return sum(max(map(len, column)) + GAP for column in zip(headers, *rows, strict=True))


def _end_of(path: str) -> str:
    return f"…{path[-PATH_END:]}" if len(path) > PATH_END else path


def _plain(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns two blanks apart, `-` for nothing: for grep, cut and awk."""
    cells = [[header.upper().replace(" ", "_") for header in headers]]
    cells += [[cell or "-" for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(headers))]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")
    sys.stdout.flush()


def document(data: Any) -> None:
    """One JSON document, and nothing added to it."""
    sys.stdout.write(_json(data, indent=2) + "\n")
    sys.stdout.flush()


def told(data: Any, shown: str | Callable[[], object], *, json: bool) -> int:
    """What was done or found: as a document, or for people. Gives back the exit code of a success.

    For people it is a sentence, or whatever a function prints, which is called only then.
    """
    if json:
        document(data)
    elif isinstance(shown, str):
        say(shown)
    else:
        shown()
    return 0


def line(data: Any) -> None:
    """One JSON document on a line of its own, at once."""
    sys.stdout.write(_json(data) + "\n")
    sys.stdout.flush()


def _json(data: Any, indent: int | None = None) -> str:
    """JSON in which letters stand for themselves, and what a terminal would obey as an escape."""
    text = json.dumps(data, ensure_ascii=False, indent=indent)
    return text if visible(text) == text else "".join(_escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    return letter if visible(letter) == letter else json.dumps(letter)[1:-1]


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
    """A moment that DLI writes as epoch milliseconds, in UTC. One that no calendar has stands as it is."""
    try:
        return datetime.fromtimestamp(millis / 1000, UTC).strftime(_MOMENT) if millis else ""
    except (OverflowError, ValueError, OSError):
        return str(millis)


def moment(text: str | None) -> str:
    """A moment that our own API writes, in UTC and to the second. What is none stands as it is."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime(_MOMENT) if text else ""
    except (OverflowError, ValueError):
        return str(text)


def seconds_between(first: str, last: str | None) -> float | None:
    """Seconds between two moments of our own API."""
    try:
        return None if last is None else (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()
    except (TypeError, ValueError):  # one of them is no moment, or has no time zone
        return None


def silent(cluster: str, since: str, reason: str) -> str:
    """Since when a cluster does not answer, and why, in a sentence."""
    seconds = seconds_between(since, datetime.now(UTC).isoformat())
    how_long = f"for {lasting(int(max(seconds, 1) * 1000))}" if seconds is not None else f"since {since}"
    return f"Cluster {cluster} has not answered {how_long}" + (f": {reason}." if reason else ".")


def lasting(millis: int) -> str:
    """A length of time in words."""
    seconds = millis // 1000
    if seconds < 60:
        return f"{seconds}s" if seconds else ""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d{hours}h"
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{seconds:02}s"


def yes(value: bool) -> str:
    """A truth, for people."""
    return "yes" if value else "no"


def jobs(count: int) -> str:
    """So many jobs, in words."""
    return f"{count} job{'' if count == 1 else 's'}"


def counts(phases: Mapping[str, int]) -> str:
    """How many are in which phase."""
    return ", ".join(f"{count} {phase}" for phase, count in sorted(phases.items()))


def tries(orders: Sequence[int]) -> str:
    """The ids of an order and its retries; empty without any."""
    return ", ".join(map(str, orders)) if len(orders) > 1 else ""
