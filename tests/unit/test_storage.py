"""What storage shows of savepoints and checkpoints: whole, broken, nothing, or not to be read."""

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import obstore
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obstore.exceptions import GenericError
from tests.support.doubles.places import DiskPlace, Place
from tests.support.flink.handles import file, key_groups, relative, segment, subtask

from sluiceway.domain.facts import Absent, Broken, Complete, Unreadable
from sluiceway.storage import savepoints
from sluiceway.storage.errors import BadPath, BadStorage, NotASavepoint, StorageUnreadable
from sluiceway.storage.savepoints import Storage
from sluiceway.testing.fake_metadata import MAGIC, metadata, operator, written

METADATA = metadata()


def naming(*streams: bytes) -> bytes:
    """A `_metadata` that names these files."""
    subtasks = [subtask(index, keyed=key_groups(stream, 12)) for index, stream in enumerate(streams)]
    return metadata(operators=[operator(subtasks=subtasks, parallelism=max(1, len(subtasks)))])


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path))


def write(place: Place, directory: str, metadata: bytes | None = METADATA, *, at: float = 0, **others: bytes) -> str:
    """A savepoint or checkpoint in `jobs/…`, as Flink would leave it; its URI."""
    files = others if metadata is None else {**others, "_metadata": metadata}
    for name, content in files.items():
        place.put(f"jobs/{directory}/{name}", content, at)
    return f"{place.storage.uri}/jobs/{directory}"


async def test_a_complete_savepoint_has_its_path_and_the_size_of_all_its_files(place: Place) -> None:
    named = naming(relative("state", 1000))
    made = write(place, "savepoint/7/t/savepoint-abc-1", named, state=bytes(1000), left_over=bytes(5))
    write(place, "savepoint/7/t2/savepoint-abc-2", state=bytes(77))
    assert await place.storage.look(f"{place.storage.uri}/jobs/savepoint/7/t") == Complete(made, 1000 + len(named))


@pytest.mark.parametrize("of_stop", [True, False])
async def test_a_complete_savepoint_says_whether_it_was_taken_to_end_its_job(place: Place, of_stop: bool) -> None:
    write(place, "savepoint/7/t/savepoint-abc-1", written(7, of_stop=of_stop))
    evidence = await place.storage.look(f"{place.storage.uri}/jobs/savepoint/7/t")
    assert isinstance(evidence, Complete)
    assert evidence.of_stop is of_stop


async def test_of_several_complete_ones_the_newest_wins(place: Place) -> None:
    write(place, "savepoint/7/t/savepoint-c", at=1)
    newest = write(place, "savepoint/7/t/savepoint-a", at=3)
    write(place, "savepoint/7/t/savepoint-b", at=2)
    write(place, "savepoint/7/t/savepoint-d", b"broken", at=4)
    assert await place.storage.look(f"{place.storage.uri}/jobs/savepoint/7/t") == Complete(newest, len(METADATA))


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        (b"", "at byte 0: the magic number is cut off"),
        (METADATA[:7], "at byte 4: the format version is cut off"),
        (METADATA[:-1], "cut off"),
        (METADATA + b"\0", f"at byte {len(METADATA)}: 1 bytes follow"),
        (b"\0" * 100, "does not begin like"),
        (struct.pack("<II", MAGIC, 6) + bytes(50), "does not begin like"),
        (struct.pack(">II", MAGIC, 2), "format version 2 is unknown"),
        (struct.pack(">II", MAGIC, 7), "format version 7 is unknown"),
    ],
)
async def test_a_savepoint_that_is_none(place: Place, metadata: bytes, why: str) -> None:
    made = write(place, "savepoint/7/t/savepoint-abc", metadata)
    evidence = await place.storage.look(f"{place.storage.uri}/jobs/savepoint/7/t")
    assert isinstance(evidence, Broken)
    assert evidence.path == made
    assert evidence.why.startswith("_metadata cannot be read to its end: at byte ")
    assert why in evidence.why


@pytest.mark.parametrize("version", [3, 4, 5, 6])
async def test_every_version_that_flink_writes_is_known(place: Place, version: int) -> None:
    write(place, "savepoint/7/t/savepoint-abc", metadata(version))
    assert isinstance(await place.storage.look(f"{place.storage.uri}/jobs/savepoint/7/t"), Complete)


async def test_one_that_was_begun_and_never_finished(place: Place) -> None:
    write(place, "savepoint/7/t/savepoint-abc", None, state=b"some")
    target = f"{place.storage.uri}/jobs/savepoint/7/t"
    assert await place.storage.look(target) == Broken(target, "it was begun, and has no _metadata")


async def test_nothing_is_there(place: Place) -> None:
    target = f"{place.storage.uri}/jobs/savepoint/7/t"
    assert await place.storage.look(target) == Absent(target)
    write(place, "savepoint/7/t2/savepoint-abc")
    assert await place.storage.look(target) == Absent(target), "t is no part of a name"


async def test_an_empty_directory_is_nothing_and_one_of_a_savepoint_was_begun(tmp_path: Path, storage: Storage) -> None:
    (tmp_path / "jobs/savepoint/7/t").mkdir(parents=True)
    target = f"{storage.uri}/jobs/savepoint/7/t"
    assert await storage.look(target) == Absent(target)
    (tmp_path / "jobs/savepoint/7/t/savepoint-abc").mkdir()
    assert await storage.look(target) == Broken(target, "it was begun, and has no _metadata")


async def test_what_lies_outside_of_the_root_is_not_looked_at(place: Place) -> None:
    uri = place.storage.uri
    write(place, "savepoint/7/savepoint-abc")
    for target in (
        f"{uri}s/jobs/savepoint",
        f"{uri}/../jobs/savepoint/7/t",
        f"{uri}/jobs/../../jobs/savepoint/7/t",
        uri,
        f"{uri}/",
        f"{uri}\\jobs",
        "s3://bucket/flink/state/jobs/savepoint",
        "file:///jobs/savepoint",
        "jobs/savepoint/7",
        "",
    ):
        assert isinstance(await place.storage.look(target), Unreadable), target
    whole = [f"{uri}/x/../jobs/savepoint/7", f"{uri}//jobs/./savepoint/7/"]
    for target in whole:
        assert isinstance(await place.storage.look(target), Complete), target


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=40), st.integers(0, len(METADATA)).map(lambda end: METADATA[:end])))
async def test_whatever_the_bytes_they_are_a_savepoint_or_none(tmp_path: Path, content: bytes) -> None:
    storage = Storage(str(tmp_path))
    file = tmp_path / "jobs/savepoint/7/t/savepoint-abc/_metadata"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    evidence = await storage.look(f"{storage.uri}/jobs/savepoint/7/t")
    assert isinstance(evidence, Complete if content == METADATA else Broken)


# The files that it names. --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stream", "content", "why"),
    [
        (lambda _: relative("state", 10), None, "state is missing"),
        (lambda _: relative("state", 10), bytes(9), "state has 9 bytes, and not 10"),
        (lambda _: relative("state", 10), bytes(11), "state has 11 bytes, and not 10"),
        (lambda _: relative("state", -1), None, "state is missing"),
        (lambda there: segment(f"{there}/state", 5, 6), bytes(10), "state has 10 bytes, and not at least 11"),
        (lambda there: file(f"{there}/state", 10), bytes(9), "state has 9 bytes, and not 10"),
        (lambda there: file(f"{there}/state", 10), None, "state is missing"),
        (lambda _: relative("../elsewhere", 10), bytes(10), "../elsewhere is missing"),
    ],
)
async def test_a_file_that_is_missing_or_short_is_named(
    place: Place, stream: Callable[[str], bytes], content: bytes | None, why: str
) -> None:
    there = place.flink("jobs/savepoint/7/t/savepoint-abc")
    made = write(place, "savepoint/7/t/savepoint-abc", naming(stream(there)))
    if content is not None:
        place.put("jobs/savepoint/7/t/savepoint-abc/state", content)
    evidence = await place.storage.look(f"{place.storage.uri}/jobs/savepoint/7/t")
    assert isinstance(evidence, Broken)
    assert evidence.path == made
    assert evidence.why.endswith(why)


@pytest.mark.parametrize(
    "stream",
    [
        lambda _: relative("state", 11),
        lambda _: relative("state", -1),
        lambda there: segment(f"{there}/state", 5, 6),
        lambda there: file(f"{there}//state", 11),
    ],
)
async def test_a_file_with_its_size_or_one_that_others_share_is_whole(
    place: Place, stream: Callable[[str], bytes]
) -> None:
    named = naming(stream(place.flink("jobs/savepoint/7/t/savepoint-abc")))
    made = write(place, "savepoint/7/t/savepoint-abc", named, state=bytes(11))
    assert await place.storage.look(f"{place.storage.uri}/jobs/savepoint/7/t") == Complete(made, len(named) + 11)


async def test_files_out_of_reach_are_counted_and_not_called_missing(place: Place) -> None:
    named = naming(file("s3://bucket/a", 10), file("file:/elsewhere/b", 5), relative("state", 3))
    made = write(place, "savepoint/7/t/savepoint-abc", named, state=b"abc")
    evidence = await place.storage.look(f"{place.storage.uri}/jobs/savepoint/7/t")
    assert evidence == Complete(made, len(named) + 18, unchecked=2)


async def test_of_very_many_missing_files_some_are_named_and_all_are_counted(place: Place) -> None:
    made = write(place, "savepoint/7/t/savepoint-abc", naming(*(relative(f"f{n}") for n in range(100))))
    inspection = await place.storage.inspect(made)
    assert inspection.wrong == tuple(f"f{n} is missing" for n in range(20))
    assert inspection.more_wrong == 80
    assert await place.storage.look(f"{place.storage.uri}/jobs/savepoint/7/t") == Broken(
        made, "f0 is missing (and 99 more)"
    )


async def test_a_large_metadata_is_read_and_a_huge_one_is_not(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    large = naming(b"\1\0\1a" + struct.pack(">i", 1 << 20) + bytes(1 << 20))
    made = write(place, "savepoint/7/t/savepoint-abc", large)
    target = f"{place.storage.uri}/jobs/savepoint/7/t"
    assert await place.storage.look(target) == Complete(made, len(large))
    monkeypatch.setattr(savepoints, "LARGEST", 1 << 20)
    evidence = await place.storage.look(target)
    assert isinstance(evidence, Unreadable)
    assert f"{len(large)} bytes" in evidence.why


async def test_an_inspection_takes_the_directory_or_its_metadata(place: Place) -> None:
    made = write(place, "savepoint/7/t/savepoint-abc", naming(relative("state", 3)), state=b"abc")
    for path in (made, f"{made}/", f"{made}/_metadata", place.flink("jobs/savepoint/7/t/savepoint-abc")):
        inspection = await place.storage.inspect(path)
        assert (inspection.path, inspection.wrong, inspection.unchecked) == (made, (), 0)
        assert inspection.metadata is not None
        assert [operator.bytes for operator in inspection.metadata.operators] == [3]
    assert (await place.storage.inspect(f"{place.storage.uri}/jobs/savepoint/7/t")).wrong == ("there is no _metadata",)
    for path in ("file:///elsewhere/savepoint-abc", "s3://elsewhere/savepoint-abc"):
        with pytest.raises(StorageUnreadable, match="is not under the storage root"):
            await place.storage.inspect(path)


async def test_a_directory_that_cannot_be_read_proves_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    write(place, "savepoint/7/t/savepoint-abc")
    write(place, "checkpoint/7/abc/chk-1")

    place.fails(monkeypatch, "read")
    target = f"{place.storage.uri}/jobs/savepoint/7/t"
    assert await place.storage.look(target) == Unreadable(target, "Permission denied")
    with pytest.raises(StorageUnreadable):
        await place.storage.newest_state([f"{place.storage.uri}/jobs/checkpoint/7/abc"], [])
    place.fails(monkeypatch, "list")
    assert await place.storage.look(target) == Unreadable(target, "Permission denied")


async def test_a_metadata_that_vanishes_between_two_looks(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    made = write(place, "savepoint/7/t/savepoint-abc")
    root = type(place.storage._root)
    look = root.heads

    def late(*args: Any, **_: Any) -> object:
        found = look(*args)  # and nothing is read on the way
        place.delete("jobs/savepoint/7/t/savepoint-abc/_metadata")
        return found

    monkeypatch.setattr(root, "heads", late)
    assert await place.storage.look(f"{place.storage.uri}/jobs/savepoint/7/t") == Broken(made, "_metadata vanished")


# Checkpoints. --------------------------------------------------------------------------------------------------------


async def test_the_newest_whole_checkpoint_by_number_and_not_by_name(place: Place) -> None:
    write(place, "checkpoint/7/abc/chk-9")
    shared = place.flink("jobs/checkpoint/7/abc/shared")
    newest = write(place, "checkpoint/7/abc/chk-10", naming(file(f"{shared}/here", 5)))
    write(place, "checkpoint/7/abc/chk-11", b"")
    write(place, "checkpoint/7/abc/chk-12", None)
    write(place, "checkpoint/7/abc/chk-13", naming(file(f"{shared}/gone")))
    write(place, "checkpoint/7/abc/shared", here=b"12345")
    write(place, "checkpoint/7/def/chk-99")
    write(place, "checkpoint/77/abc/chk-99")
    assert (await place.storage.newest_state([f"{place.storage.uri}/jobs/checkpoint/7/abc"], [])).path == newest


async def test_no_state_that_was_left(place: Place) -> None:
    roots = [f"{place.storage.uri}/jobs/savepoint/7/1"]
    assert (await place.storage.newest_state([f"{place.storage.uri}/jobs/checkpoint/7/abc"], roots)).path is None
    write(place, "checkpoint/7/abc/chk-1", b"x")
    write(place, "savepoint/7/1/t/savepoint-abc", b"x")
    assert (await place.storage.newest_state([f"{place.storage.uri}/jobs/checkpoint/7/abc"], roots)).path is None


@pytest.mark.parametrize(("number", "newer"), [(9, "checkpoint"), (11, "savepoint"), (100, "savepoint")])
async def test_a_savepoint_of_a_stop_that_failed_may_be_newer_than_every_checkpoint(
    place: Place, number: int, newer: str
) -> None:
    checkpoint = write(place, "checkpoint/7/abc/chk-10")
    write(place, "savepoint/7/1/a/savepoint-abc-1", metadata(checkpoint_id=5))
    savepoint = write(place, "savepoint/7/2/b/savepoint-abc-2", metadata(checkpoint_id=number))
    write(place, "savepoint/7/2/c/savepoint-abc-3", metadata(checkpoint_id=500)[:-1])
    write(place, "savepoint/7/3/d/savepoint-abc-4", metadata(checkpoint_id=600))
    roots = [
        f"{place.storage.uri}/jobs/savepoint/7/1",
        f"{place.storage.uri}/jobs/savepoint/7/2",
        "file:///elsewhere/7/3",
    ]
    found = (await place.storage.newest_state([f"{place.storage.uri}/jobs/checkpoint/7/abc"], roots)).path
    assert found == (checkpoint if newer == "checkpoint" else savepoint)


# Removing. -----------------------------------------------------------------------------------------------------------


async def test_a_removed_savepoint_takes_nothing_with_it(place: Place) -> None:
    made = write(place, "savepoint/7/t/savepoint-abc", state=b"x", more=b"y")
    place.put("jobs/savepoint/7/t/savepoint-abc/deep/er", b"z")
    write(place, "savepoint/7/t/savepoint-abcd")
    before = place.everything()
    await place.storage.remove(made)
    assert place.everything() == [key for key in before if "/savepoint-abc/" not in key] != []
    await place.storage.remove(made)
    assert await place.storage.look(f"{place.storage.uri}/jobs/savepoint/7/t") == Complete(f"{made}d", len(METADATA))


async def test_what_is_no_savepoint_is_not_removed(place: Place) -> None:
    write(place, "savepoint/7/t/savepoint-abc")
    write(place, "savepoint/7/t/savepoint-begun", None, state=b"x")
    before = place.everything()
    uri = place.storage.uri
    for path in (
        uri,
        f"{uri}/jobs",
        f"{uri}/jobs/savepoint/7",
        f"{uri}/jobs/savepoint/7/t",
        f"{uri}/jobs/savepoint/7/t/savepoint-abc/_metadata",
        f"{uri}/jobs/savepoint/7/t/savepoint-begun",
        f"{uri}/../savepoint-of-others",
        "s3://elsewhere/savepoint-abc",
        "file:///elsewhere/savepoint-abc",
    ):
        with pytest.raises(NotASavepoint):
            await place.storage.remove(path)
    assert place.everything() == before


async def test_a_removal_that_was_cut_off_goes_on(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    made = write(place, "savepoint/7/t/savepoint-abc", state=b"x", more=b"y")
    delete, unlink = obstore.delete, os.unlink

    def cut_off(first: Any, *rest: Any, **options: Any) -> None:
        if "_metadata" in f"{first} {rest}":
            raise GenericError("cut off")
        (delete if rest else unlink)(first, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(obstore, "delete", cut_off)
        patch.setattr(os, "unlink", cut_off)
        with pytest.raises(StorageUnreadable, match="could not be removed: cut off; try again"):
            await place.storage.remove(made)
    assert place.everything() == ["jobs/savepoint/7/t/savepoint-abc/_metadata"]
    await place.storage.remove(made)
    assert place.everything() == []


# Places that people give. -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_as", "inside"),
    [("obs://data/d/", "data/d"), ("data/d", "data/d"), ("{uri}/data/d/", "data/d"), ("{uri}/x/../jobs", "jobs")],
)
def test_a_directory_is_given_as_flink_has_it_or_by_name(place: Place, given_as: str, inside: str) -> None:
    uri = place.storage.uri
    assert place.storage.place(given_as.format(uri=uri)) == f"{uri}/{inside}"


@pytest.mark.parametrize(
    "astray", ["file:///elsewhere/d", "https://data/d", "obs://data/../d", "{uri}", "{uri}/../d", ""]
)
def test_a_directory_that_is_not_in_the_storage_is_refused(tmp_path: Path, astray: str) -> None:
    storage = Storage(str(tmp_path / "root"))
    with pytest.raises(BadPath):
        storage.place(astray.format(uri=storage.uri))


@pytest.mark.parametrize(
    ("inside", "owner"),
    [
        ("jobs/savepoint/7/t/savepoint-abc", "7"),
        ("jobs/checkpoint/7/abc/chk-1", "7"),
        ("data/jobs/savepoint/7/t/savepoint-abc", "7"),
        ("data/jobs/checkpoint/7", "7"),
        ("jobs", ""),
        ("data/jobs", ""),
        ("data/jobs/savepoint", ""),
        ("data", None),
        ("data/d/7/t/savepoint-abc", None),
        ("data/d/jobs/savepoint/7", None),
    ],
)
def test_whose_state_lies_in_a_directory(place: Place, inside: str, owner: str | None) -> None:
    assert place.storage.owner(f"{place.storage.uri}/{inside}") == owner


# Roots. --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a b", "数据", "100%", "50%20off", "what?", "a#b", "c:d", "[x]", "~", "a=b&c"])
async def test_any_name_will_do_for_a_root_and_its_uri_is_what_flink_reads(tmp_path: Path, name: str) -> None:
    # org.apache.flink.core.fs.Path takes a text as it is: "file:///a%20b" is a directory with a percent sign.
    storage = Storage(str(tmp_path / name))
    assert storage.uri == f"file://{tmp_path}/{name}"
    place = DiskPlace(tmp_path / name)
    made = write(place, "savepoint/7/t/savepoint-abc")
    assert await storage.look(f"{storage.uri}/jobs/savepoint/7/t") == Complete(made, len(METADATA))
    checkpoint = write(place, "checkpoint/7/abc/chk-1")
    assert (await storage.newest_state([f"{storage.uri}/jobs/checkpoint/7/abc"], [])).path == checkpoint
    assert Storage(storage.uri).uri == storage.uri, "and it can be given as it is shown"


def test_a_root_as_path_or_uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = f"file://{tmp_path}/x"
    for root in ("x", "x/", "~/x", f"{tmp_path}/x", f"file:{tmp_path}/x", f"FILE://localhost{tmp_path}/x", "y/../x"):
        assert Storage(root).uri == expected, root
    assert (tmp_path / "x").is_dir()


def test_a_root_through_a_link_is_where_flink_goes(tmp_path: Path) -> None:
    (tmp_path / "far/away").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far/away")
    assert Storage(f"{tmp_path}/link/../x").uri == f"file://{tmp_path}/x"
    assert (tmp_path / "x").is_dir(), "not far/x: Flink takes the dots out first"


@pytest.mark.parametrize("root", ["hdfs:/x", "file://host/x", "file://[x", "//host/x", "https://[x", "", "a\\b"])
def test_a_root_of_another_kind_is_refused(root: str) -> None:
    with pytest.raises(BadStorage) as refused:
        Storage(root)
    assert root in str(refused.value)
    assert "give a directory, or a file: URI" in str(refused.value)


def test_a_root_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for root in (f"{tmp_path}/file", f"{tmp_path}/file/x", "~no-such-user/x", f"{tmp_path}/\0"):
        with pytest.raises(BadStorage, match="cannot be used"):
            Storage(root)
