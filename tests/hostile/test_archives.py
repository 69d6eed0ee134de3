"""Zip files and jars that list more than anybody needs are refused before a list is made of them."""

import asyncio
import io
import itertools
import json
import random
import struct
import threading
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.support.flink import jar_job
from tests.support.people.archives import pack

from sluiceway import zips
from sluiceway.api.dli.jobs import rules
from sluiceway.api.dli.transfer import routes as transfer
from sluiceway.control.transfer import MOST_JOBS
from sluiceway.domain.engine import Unusable
from sluiceway.engines.jars import packages
from sluiceway.storage.archive import Allowance, BrokenArchive, unpack
from sluiceway.wanted import Abandoned, Beat, in_thread

DIRECTORY = b"d/"


def entry(name: bytes = DIRECTORY, extra: int = 0, comment: int = 0) -> bytes:
    """One entry of a central directory."""
    sizes = (len(name), extra, comment)
    head = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, *sizes, 0, 0, 0, 0)
    return head + name + bytes(extra + comment)


def listing(count: int, *, said: int | None = None, wide: bool = False, each: bytes | None = None) -> bytes:
    """A zip file that lists so many entries, and says that it has `said` of them."""
    said = count if said is None else said
    directory = (each or entry()) * count
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, min(said, 0xFFFF), min(said, 0xFFFF), len(directory), 0, 0)
    if not wide:
        return directory + end
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, said, said, len(directory), 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(directory), 1)
    narrow = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return directory + record + locator + narrow


def counted(data: bytes, most: int = 10**9) -> int:
    return zips.count(io.BytesIO(data), most)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("count", [0, 1, 1000])
def test_entries_are_counted_as_the_library_finds_them(count: int, wide: bool) -> None:
    data = listing(count, wide=wide)
    assert counted(data) == count == len(zipfile.ZipFile(io.BytesIO(data)).filelist)


@pytest.mark.parametrize("said", [0, 1, 9])
@pytest.mark.parametrize("wide", [False, True])
def test_a_lie_about_their_number_is_no_help(said: int, wide: bool) -> None:
    data = listing(10, said=said, wide=wide)
    assert len(zipfile.ZipFile(io.BytesIO(data)).filelist) == 10, "the library lists them all"
    with pytest.raises(zips.BadZip, match="more than 9 entries"):
        counted(data, 9)


@pytest.mark.parametrize("tail", [b"", b"PK\5\6", b"PK\5\6" + bytes(30), listing(2), b"x" * 70_000])
def test_whatever_follows_no_more_are_listed_than_were_counted(tail: bytes) -> None:
    """Two ends of a directory: the one that the library takes is the one that counts."""
    for data in (listing(5) + tail, listing(5, wide=True) + tail, tail + listing(5)):
        try:
            found = counted(data)
        except zips.BadZip:
            continue
        assert len(zipfile.ZipFile(io.BytesIO(data)).filelist) <= found


def test_what_is_no_zip_is_told() -> None:
    for data in (b"", b"x" * 100, listing(3)[5:], listing(3).replace(b"PK\1\2", b"PK\1\3"), b"PK\5\6" + bytes(17)):
        with pytest.raises(zips.BadZip, match="it is no zip file"):
            counted(data)


@pytest.mark.parametrize("each", [entry(b"n" * 500), entry(b"n" * 0xFFFF, 0xFFFF, 0xFFFF)], ids=["small", "large"])
def test_a_directory_is_looked_through_in_steps_of_which_nothing_is_kept(each: bytes, tmp_path: Path) -> None:
    count = (3 << 20) // len(each)
    (tmp_path / "a.zip").write_bytes(listing(count, each=each))
    steps = list[int]()
    tracemalloc.start()
    try:
        with (tmp_path / "a.zip").open("rb") as file:
            assert zips.count(file, 10**9, lambda: steps.append(1)) == count
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20, "one step, and what is left of the one before"
    assert 3 <= len(steps) <= 8


def peak_of_a_refusal(data: bytes) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(BrokenArchive, match="more than 10100 entries"):
            unpack(data, Allowance(MOST_JOBS, 1 << 20, 1 << 20))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_import_of_very_many_directories_takes_no_memory() -> None:
    assert peak_of_a_refusal(listing(680_000, wide=True)) < 2 << 20
    assert peak_of_a_refusal(listing(12_000, said=1)) < 4 << 20


def test_some_directories_in_an_import_are_passed_over() -> None:
    packed = io.BytesIO(pack({"a.json": b"{}"}))
    with zipfile.ZipFile(packed, "a") as archive:
        for number in range(50):
            archive.mkdir(f"d{number}")
    assert unpack(packed.getvalue(), Allowance(1, 10, 10)) == {"a.json": b"{}"}


def jar(directory: Path, name: str, content: bytes) -> Path:
    (directory / name).write_bytes(content)
    return directory / name


def test_a_jar_of_two_million_entries_makes_no_package(tmp_path: Path) -> None:
    bad = jar(tmp_path, "big.jar", listing(2_000_000, wide=True))
    good = jar(tmp_path, "app.jar", jar_job.STUB)
    tracemalloc.start()
    try:
        for program, more in ((bad, []), (good, [bad]), (bad, [good])):
            with pytest.raises(Unusable, match=r"big\.jar is not a jar that is taken: it has more than 200000 entries"):
                packages.pack(program, more, [])
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()


def test_a_jar_that_lies_about_its_entries_makes_none_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MOST_ENTRIES", 100)
    with pytest.raises(Unusable, match=r"big\.jar is not a jar that is taken: it has more than 100 entries"):
        packages.pack(jar(tmp_path, "big.jar", listing(101, said=1)), [], [])


def test_a_fat_jar_as_they_are_passes(tmp_path: Path) -> None:
    large = jar(tmp_path, "fat.jar", listing(150_000, wide=True, each=entry(b"com/example/sdk/services/Some.class")))
    packages.pack(large, [], [])
    packages.pack(jar(tmp_path, "app.jar", jar_job.STUB), [large], [])


def test_what_the_library_cannot_add_to_is_told(tmp_path: Path) -> None:
    newer = entry().replace(struct.pack("<2H", 20, 20), struct.pack("<2H", 20, 99), 1)
    odd = jar(tmp_path, "odd.jar", listing(1, each=newer))
    with pytest.raises(Unusable, match=r"odd\.jar is not a jar that files can be added to: zip file version 9\.9"):
        packages.pack(odd, [], [jar(tmp_path, "rules.csv", b"")])


def test_entries_without_a_name_are_no_fault_of_ours(tmp_path: Path) -> None:
    data = listing(1, each=entry(b""))
    with pytest.raises(BrokenArchive):
        unpack(data, Allowance(1, 10, 10))
    packages.pack(jar(tmp_path, "app.jar", data), [], [])


# Nobody waits. --------------------------------------------------------------------------------------------------------


def packing(directory: Path) -> Callable[[Beat], object]:
    """A job's jar, with a library and a file of some megabytes."""
    jar, library, file = (directory / name for name in ("app.jar", "lib.jar", "table"))
    for each in (jar, library):
        each.write_bytes(pack({"a": random.Random(1).randbytes(3 << 20)}))
    file.write_bytes(bytes(3 << 20))
    return partial(packages.pack, jar, [library], [file])


def unpacking(_: Path) -> Callable[[Beat], object]:
    data = pack({f"jobs/{number}.json": bytes(1 << 20) for number in range(8)})
    return partial(unpack, data, Allowance(100, 1 << 23, 1 << 24))


def importing(_: Path) -> Callable[[Beat], object]:
    job = {"job_id": 1, "name": "x", "job_type": rules.DEFAULT_TYPE, "sql_body": "x" * (1 << 20)}
    return partial(transfer._all_imported, [("jobs.zip", json.dumps(job).encode())] * 8)


@pytest.mark.parametrize("work", [packing, unpacking, importing])
def test_large_work_ends_between_two_pieces_when_nobody_waits(
    work: Callable[[Path], Callable[[Beat], object]], tmp_path: Path
) -> None:
    beats = itertools.count()
    work(tmp_path)(lambda: next(beats))
    count = next(beats)
    assert count >= 8, "a piece is a megabyte at most"
    for last in (0, count // 2, count - 1):
        left = iter(range(last))

        def beat(left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise Abandoned

        with pytest.raises(Abandoned):
            work(tmp_path)(beat)


def test_a_thread_ends_with_who_waits_for_it_and_only_then_the_next_may_begin() -> None:
    at_work, told = threading.Event(), list[str]()

    def long(beat: Beat) -> None:
        at_work.set()
        try:
            while True:
                beat()
                time.sleep(0.001)
        finally:
            told.append("the thread has ended")

    async def story() -> None:
        one_at_a_time = asyncio.Lock()

        async def caller() -> None:
            async with one_at_a_time:
                await in_thread(long)

        calling = asyncio.create_task(caller())
        await asyncio.to_thread(at_work.wait)
        calling.cancel()
        async with one_at_a_time:
            told.append("the next one begins")
        with pytest.raises(asyncio.CancelledError):
            await calling

    asyncio.run(story())
    assert told == ["the thread has ended", "the next one begins"]


def test_what_is_done_in_a_thread_comes_back_as_it_is() -> None:
    def breaks(_: Beat) -> None:
        raise Unusable("no jar")

    assert asyncio.run(in_thread(lambda beat: [beat(), 7])) == [None, 7]
    with pytest.raises(Unusable, match="no jar"):
        asyncio.run(in_thread(breaks))
