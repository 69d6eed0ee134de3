"""What a job reads and writes, from the names that Flink gives its vertices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluiceway.domain.tables import LONGEST, LONGEST_NAMES, MOST, Tables, named_by


@pytest.mark.parametrize(
    ("vertices", "sources", "sinks"),
    [
        (["Source: orders[1] -> Calc[2] -> b[3]: Writer"], ["orders"], ["b"]),
        (["Source: orders[1] -> Calc[2]", "GroupAggregate[4] -> Sink: totals[5]"], ["orders"], ["totals"]),
        (["b[3]: Writer -> b[3]: Committer"], [], ["b"]),
        (["Source: a -> (Map -> Sink: x, Filter -> (y: Writer -> y: Committer, Sink: z))"], ["a"], ["x", "y", "z"]),
        (["MultiInput[3] [Source: a[1], Source: b[2]] -> Sink: c[4]"], ["a", "b"], ["c"]),
        (["Source: KafkaSource-orders -> Sink: Print to Std. Out"], ["KafkaSource-orders"], ["Print to Std. Out"]),
        (["Source: a[1] -> StreamingFileWriter -> Sink: end"], ["a"], ["StreamingFileWriter"]),
        (["Source: files (/mnt/in) -> Sink: out (x)"], ["files (/mnt/in)"], ["out (x)"]),
        (["Source: a[1]", "Source: a[7]"], ["a"], []),
        (["Source: Custom Source", "Flat Map", "Keyed Aggregation"], ["Custom Source"], []),
        (["Source: orders[archive][2]"], ["orders[archive]"], []),
        ([], [], []),
        (["", " -> ", "Source: ", "Sink: ", ": Writer"], [], []),
    ],
)
def test_sources_and_sinks_by_their_names(vertices: list[str], sources: list[str], sinks: list[str]) -> None:
    assert named_by(vertices) == Tables(tuple(sources), tuple(sinks))


def test_what_is_too_much_is_said_to_be_not_all() -> None:
    many = named_by(f"Source: t{n}[{n}]" for n in range(MOST + 1))
    assert (len(many.sources), many.whole) == (MOST, False)
    assert named_by(f"Source: t{n}[{n}]" for n in range(MOST)).whole
    long = named_by(["Source: " + "t" * (LONGEST + 1)])
    assert long == Tables(("t" * LONGEST,), (), whole=False)
    far = named_by(["Calc -> " * (LONGEST_NAMES // 8), "Sink: unread"])
    assert far == Tables((), (), whole=False)


@given(st.lists(st.text(st.sampled_from("Sourcenk: ->,[]()1W"), max_size=60), max_size=5))
def test_any_name_is_read(vertices: list[str]) -> None:
    found = named_by(vertices)
    assert found.whole
    assert all(found.sources)
    assert all(found.sinks)
