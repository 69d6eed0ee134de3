"""`docs/reference/performance.md` and its plot, written by `python -m bench fleet --write` from a run's figures."""

import math
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "performance.md"
PLOT = PAGE.with_suffix(".svg")

HEAD = """# Performance

What a fleet costs the service, measured by `python -m bench fleet --write`, which writes this page: {date}, {cores}
cores that the service shares with the fakes. The service runs as a process of its own against JobManagers that are as
cheap as fakes can be made (`bench/lean_flink.py`; a test holds their answers against those of the fake that stands in
for Flink in all tests). CPU and memory are the service process's alone. `{before}` is an older build, measured in the
same run. The service has watched the jobs for a while: what it asks once in the life of each has been asked. How long
stops take on real Flink stands in the [README](../../README.md#what-it-costs).

* **stops**: all jobs stopped in one call of DLI's API, each with a savepoint that takes 2 s; at most 100 savepoints are
  under way in one cluster at once.
* **one**: the same on one cluster, where the limit makes 20 s the least that 1,000 jobs can take.
* **rest**: nothing is asked for; the service follows what the jobs do. Then ten jobs fail at once.
* **accept**: one call at rest, and one while the jobs of the call before are being stopped.

![CPU of the service for each stop, by the number of clusters](performance.svg)

"""
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 640, 300, 56, 130, 34, 48
_COLOURS = ("#9a6700", "#0969da")  # readable on white and on black


class Figure(Protocol):
    """A measured number; see `bench.fleet`."""

    @property
    def scene(self) -> str:
        """What was played."""

    @property
    def size(self) -> str:
        """How large the fleet was."""

    @property
    def what(self) -> str:
        """What was measured."""

    @property
    def value(self) -> float:
        """The number."""

    @property
    def at_most(self) -> float | None:
        """The target."""


Figures = Mapping[str, Sequence[Figure]]  # by build


def write(figures: Figures, curves: Mapping[str, Sequence[tuple[int, float]]]) -> None:
    """Write both files. `curves` has the points of the plot: clusters and milliseconds, by build."""
    head = HEAD.format(date=datetime.now(UTC).date(), cores=os.cpu_count(), before=next(iter(figures)))
    PAGE.write_text(head + table(figures))
    PLOT.write_text(plot(curves))


def table(figures: Figures) -> str:
    """All figures as a table of Markdown."""
    names = list(figures)
    lines = [["", "", "", *names, "to reach"], ["---"] * (len(names) + 4)]
    before = ("", "")
    for row in zip(*figures.values(), strict=True):
        one = row[-1]
        place = ("", "") if (one.scene, one.size) == before else (f"**{one.scene}**", one.size)
        before = (one.scene, one.size)
        target = "" if one.at_most is None else f"{one.at_most:g}"
        lines.append([*place, one.what, *(f"{cell.value:.2f}" for cell in row), target])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def plot(curves: Mapping[str, Sequence[tuple[int, float]]]) -> str:
    """Milliseconds over clusters, one curve a build, as SVG. The clusters' axis is logarithmic."""
    sizes = sorted({size for points in curves.values() for size, _ in points})
    top = math.ceil(max(ms for points in curves.values() for _, ms in points))
    low, high = math.log(sizes[0]), math.log(sizes[-1]) if len(sizes) > 1 else math.log(sizes[0]) + 1

    def x(size: int) -> float:
        return round(_LEFT + (math.log(size) - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(ms: float) -> float:
        return round(_HEIGHT - _BOTTOM - ms / top * (_HEIGHT - _TOP - _BOTTOM), 1)

    parts = [_text(_LEFT, 18, "CPU of the service for each stop (ms)", "start")]
    for mark in range(0, top + 1, max(1, top // 6)):
        parts += [_line(_LEFT, y(mark), _WIDTH - _RIGHT, y(mark)), _text(_LEFT - 8, y(mark) + 4, str(mark), "end")]
    parts += [_text(x(size), _HEIGHT - _BOTTOM + 18, str(size)) for size in sizes]
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, "clusters, the same jobs spread over them"))
    for (name, points), colour in zip(curves.items(), _COLOURS, strict=False):
        where = " ".join(f"{x(size)},{y(ms)}" for size, ms in points)
        parts.append(f'<polyline points="{where}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x(size)}" cy="{y(ms)}" r="3" fill="{colour}"/>' for size, ms in points]
        last, ms = points[-1]
        parts.append(_text(x(last) + 10, y(ms) + 4, name, "start", colour))
    size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">\n{body}\n</svg>\n'


def _text(x: float, y: float, words: str, anchor: str = "middle", colour: str = "#6e7781") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{colour}">{words}</text>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="#d0d7de"/>'
