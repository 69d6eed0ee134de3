"""SQL, read by Flink's own parser through our reader, in a confined process like the one that the service has.

The cost of an input is what its thread in Java and this process take of the processor.
"""

import asyncio
import atexit
import random
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from tests.fuzz_readers import making
from tests.fuzz_readers.planning import SQL
from tests.fuzz_readers.targets import Target, register
from tests.support.flink.sql_grammar import Author
from tests.support.flink.sql_shapes import INSERT, SHAPES

from sluiceway.engines.planning.sql import MOST_CHARACTERS, MOST_STATEMENTS, Found, SqlRefused, script_of
from sluiceway.engines.planning.sql_jvm import SqlJvm

_WIDE: Final = re.compile("[\U00010000-\U0010ffff]")
_END: Final = re.compile(r"\r\n|\r|\n")
_NOTHING: Final = frozenset({"refused", "excess", "more"})
_PIECES: Final = (
    *SQL,
    *("+1", " AND a", " OR a = 1", "||a", " LIKE 'b'", " NOT ", "- ", "<", ">", "<>", " BETWEEN 1 AND 2", " IS NULL"),
    *(
        " CASE ",
        " WHEN a ",
        " THEN b ",
        " ELSE c ",
        " END ",
        "f(",
        "CAST(",
        " AS INT)",
        "ARRAY[",
        "]",
        "[1]",
        "{fn f(",
        "}",
    ),
    *(
        " UNION ALL SELECT 1",
        " INTERSECT SELECT a",
        " EXCEPT ",
        " MULTISET UNION a",
        " JOIN b ON a = c",
        ", LATERAL TABLE(",
    ),
    *(
        "ARRAY<",
        "MAP<INT,",
        "ROW<a INT",
        "(SELECT ",
        " FROM ",
        " WHERE ",
        " VALUES (1)",
        " WITH a AS (",
        " EXISTS (",
        " a.b",
    ),
    *(
        "INTERVAL '1' DAY",
        "99999999",
        "1e9",
        "1.5",
        "U&'\\0061'",
        "X'00'",
        "E'\\''",
        "_UTF8'a'",
        "//",
        "{{a}}",
        " OVER (",
    ),
    *(
        " MATCH_RECOGNIZE (",
        " PATTERN (A+ B*?)",
        " DEFINE A AS a",
        " PARTITION BY ",
        " ORDER BY a",
        " GROUP BY ",
        " a => 1",
    ),
)
_OPENS: Final = (
    "(",
    "(SELECT ",
    "f(",
    "CAST(",
    "ARRAY[",
    "a[",
    "CASE WHEN ",
    "CASE WHEN a THEN ",
    "a LIKE (",
    "1+(",
    "NOT (",
)


class Flink:
    """The process; it starts when it is first needed, and ends with this one."""

    def __init__(self) -> None:
        self._jvm: SqlJvm | None = None

    def use(self, jvm: SqlJvm | None) -> None:
        """Read with a process of somebody else's, or with one of its own again."""
        self._jvm = jvm

    def found(self, body: str) -> Sequence[Found]:
        """What is found in a body."""
        return msgspec.json.decode(self._running()._read(body), type=list[Found])

    def seconds(self) -> float:
        """What has read here, and in Java on behalf of this thread, has taken of the processor."""
        threads = self._running()._java.java.lang.management.ManagementFactory.getThreadMXBean()
        return time.process_time() + float(threads.getCurrentThreadCpuTime()) / 1e9

    def _running(self) -> SqlJvm:
        if self._jvm is None or not self._jvm.alive:
            directory = Path(tempfile.mkdtemp(prefix="fuzz-sql-"))
            atexit.register(shutil.rmtree, directory, ignore_errors=True)
            self._jvm = asyncio.run(SqlJvm.launch(directory, confine=True))
            for shape in SHAPES.values():  # what is cold tells nothing about the next input
                self.found(shape(4096))
        return self._jvm


FLINK: Final = Flink()


def make(draw: random.Random, size: int) -> str:
    """A body, in one of the ways that are likely to go wrong."""
    shapes = list(SHAPES.values())
    match draw.randrange(7):
        case 0:
            return making.text(draw, size, _PIECES)
        case 1:
            return INSERT + making.text(draw, size, _PIECES)
        case 2:
            return draw.choice(shapes)(size)
        case 3:
            return making.spoilt(draw, draw.choice(shapes)(size))
        case 4:
            return "; ".join(draw.choice(shapes)(size // 4) for _ in range(4))
        case 5:
            opens = "".join(draw.choices(_OPENS, k=draw.randrange(1, 130)))
            inner = making.text(draw, min(size, 3000), _PIECES)
            return (INSERT + ", ".join([opens + inner] * (size // len(opens + inner) + 1)))[:MOST_CHARACTERS]
        case _:
            author = Author(draw.randrange(1 << 30))
            body = ";\n".join(author.script().body for _ in range(min(size // 100 + 1, 300)))
            return making.spoilt(draw, body) if draw.random() < 0.5 else body


def read(body: str) -> None:
    """It is found or refused, whatever is found is where it is said to be, and an excess has its place."""
    found = FLINK.found(body)
    units = _units(body)
    lines = [0, *(end.end() for end in _END.finditer(units))]
    assert len(found) <= MOST_STATEMENTS + 1
    for each in found:
        if each.kind in _NOTHING:
            assert each is found[-1]
            assert each.text or each.kind == "more", each
        if each.kind == "excess" or each.kind not in _NOTHING:
            where = lines[each.line - 1] + each.column - 1
            assert where < len(units), each
            assert units.startswith(_units(each.text), where) or each.kind == "excess", each
    with suppress(SqlRefused):
        script = script_of(found)
        assert script.inserts


def _units(text: str) -> str:
    """As long as it is to Java."""
    return _WIDE.sub("??", text)


register(Target("sql", make, read, MOST_CHARACTERS, seconds_a_megabyte=8, clock=FLINK.seconds))
