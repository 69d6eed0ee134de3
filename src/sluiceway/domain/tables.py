"""What a job reads and writes, by the names of its sources and sinks in Flink.

Of SQL these are the names of tables; of other programs what their authors call their operators, or what the connector
calls them. The source of both is the name of each vertex, in which Flink strings the names of chained operators
together: `Source: orders[1] -> Calc[2] -> (b[3]: Writer -> b[3]: Committer, Sink: c)`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

MOST: Final = 200  # sources, and as many sinks, that are kept of a job
LONGEST: Final = 300  # characters of a name
LONGEST_NAMES: Final = 200_000  # characters of the names of all vertices that are read

_BETWEEN: Final = re.compile(r" -> \(?|, | \[")
_SOURCE: Final = re.compile(r"\[?Source: (?P<name>.+)", re.DOTALL)
# Of a sink in the older and in the newer style, and of files, which have operators of their own.
_SINK: Final = re.compile(r"Sink: (?P<old>.+)|(?P<new>.+): Writer|(?P<files>StreamingFileWriter)", re.DOTALL)
_NUMBER: Final = re.compile(r"\[[0-9]+\]$")
_END: Final = "end"  # not a sink, though Flink gives it the form of one: it ends the graph after files were written


@dataclass(frozen=True, slots=True)
class Tables:
    """What a job reads and writes: names in order, each once."""

    sources: tuple[str, ...] = ()
    sinks: tuple[str, ...] = ()
    whole: bool = True  # False: there are more, or a name is longer


def named_by(vertices: Iterable[str]) -> Tables:
    """The sources and sinks that vertices have in their names."""
    sources, sinks, left = dict[str, None](), dict[str, None](), LONGEST_NAMES
    for vertex in vertices:
        read, left = vertex[: max(left, 0)], left - len(vertex)
        for operator in _operators(read):
            if source := _SOURCE.fullmatch(operator):
                sources[_plain(source["name"])] = None
            elif sink := _SINK.fullmatch(operator):
                sinks[_plain(sink[sink.lastgroup or 0])] = None
    sources.pop("", None)
    for none in ("", _END):
        sinks.pop(none, None)
    short = all(len(name) <= LONGEST for name in (*sources, *sinks)) and max(len(sources), len(sinks)) <= MOST
    return Tables(_bounded(sources), _bounded(sinks), left >= 0 and short)


def _operators(vertex: str) -> Iterator[str]:
    """The operators in a vertex's name. A name with a comma in it may come as two, of which the first is known."""
    for part in _BETWEEN.split(vertex):
        yield _unclosed(part)


def _unclosed(part: str) -> str:
    """The same without the brackets that close what began before it."""
    for opened, closed in ("()", "[]"):
        extra = part.count(closed) - part.count(opened)
        ends = len(part) - len(part.rstrip(closed))
        part = part[: len(part) - max(min(extra, ends), 0)]
    return part


def _plain(name: str) -> str:
    return _NUMBER.sub("", name.strip())


def _bounded(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name[:LONGEST] for name in names))[:MOST]
