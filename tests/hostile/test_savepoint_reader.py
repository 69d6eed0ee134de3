"""A `_metadata` costs what its size allows, and never more: in time, in memory, and for others."""

import struct
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from tests.support.doubles.places import Place
from tests.support.flink import handles
from tests.support.flink.handles import file, incremental, inline, key_groups, operator_state, segment, subtask

from sluiceway.domain.facts import Complete, Unreadable
from sluiceway.storage import metadata as reader_of_metadata
from sluiceway.storage import metadata_reader, state_handles
from sluiceway.storage.errors import StorageUnreadable
from sluiceway.storage.metadata import BrokenMetadata, TooMuchMetadata, parse
from sluiceway.storage.metadata_reader import WINDOW
from sluiceway.testing.fake_metadata import integer, metadata, operator, text


def keyed(handle: bytes) -> bytes:
    return metadata(operators=[operator(subtasks=[subtask(keyed=handle)])])


def subtasks(count: int, made: Callable[[int], bytes]) -> bytes:
    return metadata(operators=[operator(parallelism=count, most=count, subtasks=[made(n) for n in range(count)])])


# The most elements for the fewest bytes, by kind: so many of each.
SHAPES: Final[dict[str, Callable[[int], bytes]]] = {
    "subtasks without state": lambda count: subtasks(count, subtask),
    "subtasks that have finished": lambda count: subtasks(count, handles.finished_subtask),
    "operators": lambda count: metadata(operators=[operator(name="")] * count),
    "master states": lambda count: metadata(master_states=[handles.master_state(b"")] * count),
    "empty handles in a changelog": lambda count: keyed(handles.changelog([b"\0"] * count)),
    "empty streams": lambda count: keyed(incremental(inline(), [b"\0"] * count)),
    "files": lambda count: keyed(incremental(inline(), [file(f"{n:x}") for n in range(count)])),
    "segments": lambda count: keyed(incremental(inline(), [segment(f"{n:x}") for n in range(count)])),
    "changes": lambda count: keyed(handles.change_bytes(*[b""] * count)),
    "operator states": lambda count: metadata(
        operators=[operator(subtasks=[subtask(managed=operator_state(b"\0", names=[""] * count))])]
    ),
    "channel states": lambda count: metadata(
        operators=[operator(subtasks=[subtask(inputs=[handles.channel(b"\0", 6)] * count)])]
    ),
}


def counted(content: bytes) -> int:
    """How often the reader has done anything."""
    steps = 0

    def watch(frame: object, event: str, _: object) -> None:
        nonlocal steps
        steps += event == "call"

    sys.setprofile(watch)
    try:
        parse(content)
    finally:
        sys.setprofile(None)
    return steps


@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_elements_are_twice_the_work(shape: str) -> None:
    make = SHAPES[shape]
    first = next(count for count in (500 * 2**n for n in range(9)) if len(make(count)) > 3 * WINDOW)  # in many goes
    few, more, most = (counted(make(count)) for count in (first, 2 * first, 4 * first))
    assert (most - more) / (more - few) == pytest.approx(2, abs=0.05)
    assert (most - more) / (2 * first) <= 25, "calls for one element"


def test_twice_the_bytes_of_inline_state_are_no_more_work() -> None:
    assert counted(keyed(key_groups(inline(bytes(1 << 20))))) == counted(keyed(key_groups(inline(bytes(1 << 23)))))


class Watched:
    """Bytes of which one knows how many were read."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size = len(content)
        self.read_bytes = 0

    def read(self, at: int, size: int) -> bytes:
        self.read_bytes += min(size, self.size - at)
        return self._content[at : at + size]


def test_inline_state_is_not_even_read() -> None:
    watched = Watched(keyed(key_groups(inline(bytes(1 << 23)))))
    parse(watched)
    assert watched.read_bytes < 3 * WINDOW


@pytest.mark.parametrize("shape", SHAPES)
def test_every_window_is_a_chance_to_stop(shape: str) -> None:
    content = SHAPES[shape](4 * WINDOW * 1000 // len(SHAPES[shape](1000)))
    pauses = list[int]()
    parse(content, lambda: pauses.append(1))
    assert len(pauses) >= len(content) // WINDOW - 1

    def stop() -> None:
        if len(pauses) == 2:
            raise TimeoutError
        pauses.append(1)

    pauses.clear()
    with pytest.raises(TimeoutError):
        parse(content, stop)


@pytest.mark.parametrize("shape", SHAPES)
def test_memory_is_a_small_multiple_of_the_bytes(shape: str) -> None:
    content = SHAPES[shape](5000)
    tracemalloc.start()
    try:
        parse(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 * len(content) + 300_000


# More than is read. --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_elements_are_bounded_before_anything_is_made_of_them(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = SHAPES[shape](1000)
    monkeypatch.setattr(metadata_reader, "MOST_ELEMENTS", 1002)
    parse(content)
    monkeypatch.setattr(metadata_reader, "MOST_ELEMENTS", 900)
    with pytest.raises(TooMuchMetadata, match="more than 900 state handles"):
        parse(content)
    assert not issubclass(TooMuchMetadata, BrokenMetadata), "nobody knows whether it is whole"


def test_files_and_operators_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_handles, "MOST_FILES", 10)
    monkeypatch.setattr(reader_of_metadata, "MOST_OPERATORS", 10)
    for shape, what in (("files", "names more than 10 files"), ("segments", "names"), ("operators", "10 operators")):
        parse(SHAPES[shape](10))
        with pytest.raises(TooMuchMetadata, match=what):
            parse(SHAPES[shape](11))


def test_java_objects_are_bounded() -> None:
    """A class of many fields, each of which is another object of the same class, or null."""
    fields = b"".join(b"L" + text(f"f{n}") + b"t" + text("Lx;") for n in range(2000))
    described = b"r" + text("x") + bytes(8) + b"\2" + struct.pack(">H", 2000) + fields + b"xp"
    with pytest.raises(TooMuchMetadata, match="more than 1000 Java objects"):
        parse(metadata(properties=b"\xac\xed\0\5s" + described + b"p" * 2000))


async def test_what_cannot_be_verified_is_not_called_broken(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.put("jobs/savepoint/7/t/savepoint-abc/_metadata", SHAPES["files"](20))
    place.put("jobs/checkpoint/7/run/chk-1/_metadata", SHAPES["files"](20))
    monkeypatch.setattr(metadata_reader, "MOST_ELEMENTS", 10)
    target = f"{place.storage.uri}/jobs/savepoint/7/t"
    evidence = await place.storage.look(target)
    assert isinstance(evidence, Unreadable)
    assert "savepoint-abc/_metadata cannot be verified: it has more than 10 state handles" in evidence.why
    with pytest.raises(StorageUnreadable, match="cannot be verified"):
        await place.storage.inspect(f"{target}/savepoint-abc")
    with pytest.raises(StorageUnreadable, match="cannot be verified"):
        await place.storage.newest_state([f"{place.storage.uri}/jobs/checkpoint/7/run"], [])


async def test_windows_of_a_large_one_are_read_one_after_the_other(place: Place) -> None:
    content = subtasks(3, lambda n: subtask(n, keyed=key_groups(inline(bytes(range(256)) * 1000))))
    content = metadata(operators=[operator(coordinator=inline(bytes(5 << 20)))]) if len(content) < WINDOW else content
    place.put("jobs/savepoint/7/t/savepoint-abc/_metadata", content)
    target = f"{place.storage.uri}/jobs/savepoint/7/t"
    assert await place.storage.look(target) == Complete(f"{target}/savepoint-abc", len(content))


def test_whatever_stands_across_the_end_of_a_window_is_read() -> None:
    state = subtask(keyed=key_groups(file("a", 7)))
    rest = len(metadata(operators=[operator(name="", uid="u", subtasks=[state])]))
    for missing in range(rest):
        name = "n" * (WINDOW - missing)
        (found,) = parse(metadata(operators=[operator(name=name, uid="u", subtasks=[state])])).operators
        assert (found.name, found.uid, found.bytes) == (name, "u", 7)


def test_a_text_may_be_longer_than_a_window() -> None:
    (found,) = parse(metadata(operators=[operator(name="n" * 0xFFFF, uid="é" * 20_000)])).operators
    assert (found.name, found.uid) == ("n" * 0xFFFF, "é" * 20_000)


async def test_a_file_that_is_cut_while_it_is_read_is_broken(tmp_path: Path) -> None:
    class Shrinking(Watched):
        def read(self, at: int, size: int) -> bytes:
            return super().read(at, size)[:10]

    with pytest.raises(BrokenMetadata, match="cut off"):
        parse(Shrinking(metadata()))


def test_a_number_of_elements_beyond_what_is_left_is_broken() -> None:
    with pytest.raises(BrokenMetadata, match="2147483647 operators cannot follow"):
        parse(metadata()[:16] + integer(0) + integer(2**31 - 1))
