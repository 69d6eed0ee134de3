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
from obstore.exceptions import PermissionDeniedError
from tests.handles import file, key_groups, relative, segment, subtask

from sluiceway.domain.facts import Absent, Broken, Complete, Unreadable
from sluiceway.storage import savepoints
from sluiceway.storage.errors import BadStorage, StorageUnreadable
from sluiceway.storage.savepoints import Storage
from sluiceway.testing.fake_metadata import MAGIC, metadata, operator

METADATA = metadata()


def naming(*streams: bytes) -> bytes:
    """A `_metadata` that names these files."""
    subtasks = [subtask(index, keyed=key_groups(stream, 12)) for index, stream in enumerate(streams)]
    return metadata(operators=[operator(subtasks=subtasks, parallelism=max(1, len(subtasks)))])


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path))


def write(root: Path, directory: str, metadata: bytes | None = METADATA, *, at: float = 0, **others: bytes) -> Path:
    """A savepoint or checkpoint in `jobs/…`, as Flink would leave it."""
    made = root / "jobs" / directory
    made.mkdir(parents=True)
    files = others if metadata is None else {**others, "_metadata": metadata}
    for name, content in files.items():
        (made / name).write_bytes(content)
        os.utime(made / name, (1_700_000_000 + at,) * 2)
    return made


async def test_a_complete_savepoint_has_its_path_and_the_size_of_all_its_files(
    tmp_path: Path, storage: Storage
) -> None:
    named = naming(relative("state", 1000))
    made = write(tmp_path, "savepoint/7/t/savepoint-abc-1", named, state=bytes(1000), left_over=bytes(5))
    write(tmp_path, "savepoint/7/t2/savepoint-abc-2", state=bytes(77))
    assert await storage.look(f"{storage.savepoints}/7/t") == Complete(f"file://{made}", 1000 + len(named))


async def test_of_several_complete_ones_the_newest_wins(tmp_path: Path, storage: Storage) -> None:
    write(tmp_path, "savepoint/7/t/savepoint-c", at=1)
    newest = write(tmp_path, "savepoint/7/t/savepoint-a", at=3)
    write(tmp_path, "savepoint/7/t/savepoint-b", at=2)
    write(tmp_path, "savepoint/7/t/savepoint-d", b"broken", at=4)
    assert await storage.look(f"{storage.savepoints}/7/t") == Complete(f"file://{newest}", len(METADATA))


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
async def test_a_savepoint_that_is_none(tmp_path: Path, storage: Storage, metadata: bytes, why: str) -> None:
    made = write(tmp_path, "savepoint/7/t/savepoint-abc", metadata)
    evidence = await storage.look(f"{storage.savepoints}/7/t")
    assert isinstance(evidence, Broken)
    assert evidence.path == f"file://{made}"
    assert evidence.why.startswith("_metadata cannot be read to its end: at byte ")
    assert why in evidence.why


@pytest.mark.parametrize("version", [3, 4, 5, 6])
async def test_every_version_that_flink_writes_is_known(tmp_path: Path, storage: Storage, version: int) -> None:
    write(tmp_path, "savepoint/7/t/savepoint-abc", metadata(version))
    assert isinstance(await storage.look(f"{storage.savepoints}/7/t"), Complete)


async def test_one_that_was_begun_and_never_finished(tmp_path: Path, storage: Storage) -> None:
    write(tmp_path, "savepoint/7/empty/savepoint-abc", None)
    write(tmp_path, "savepoint/7/state/savepoint-abc", None, state=b"some")
    for target in (f"{storage.savepoints}/7/empty", f"{storage.savepoints}/7/state"):
        assert await storage.look(target) == Broken(target, "it was begun, and has no _metadata")


async def test_nothing_is_there(tmp_path: Path, storage: Storage) -> None:
    (tmp_path / "jobs/savepoint/7/empty").mkdir(parents=True)
    for target in (f"{storage.savepoints}/7/empty", f"{storage.savepoints}/7/never"):
        assert await storage.look(target) == Absent(target)


async def test_what_lies_outside_of_the_root_is_not_looked_at(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path / "root"))
    write(tmp_path / "roots", "savepoint/7/savepoint-abc")
    write(tmp_path / "root", "savepoint/7/savepoint-abc")
    for target in (
        f"{tmp_path.as_uri()}/roots/jobs/savepoint",
        f"{storage.uri}/../roots/jobs/savepoint",
        storage.uri,
        f"{storage.uri}/",
        "s3://bucket/jobs/savepoint",
        "",
    ):
        assert isinstance(await storage.look(target), Unreadable), target


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=40), st.integers(0, len(METADATA)).map(lambda end: METADATA[:end])))
async def test_whatever_the_bytes_they_are_a_savepoint_or_none(tmp_path: Path, content: bytes) -> None:
    storage = Storage(str(tmp_path))
    file = tmp_path / "jobs/savepoint/7/t/savepoint-abc/_metadata"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    evidence = await storage.look(f"{storage.savepoints}/7/t")
    assert isinstance(evidence, Complete if content == METADATA else Broken)


# The files that it names. --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stream", "content", "why"),
    [
        (lambda _: relative("state", 10), None, "state is missing"),
        (lambda _: relative("state", 10), bytes(9), "state has 9 bytes, and not 10"),
        (lambda _: relative("state", 10), bytes(11), "state has 11 bytes, and not 10"),
        (lambda _: relative("state", -1), None, "state is missing"),
        (lambda root: segment(f"file:{root}/state", 5, 6), bytes(10), "state has 10 bytes, and not at least 11"),
        (lambda root: file(f"file:{root}/state", 10), bytes(9), "state has 9 bytes, and not 10"),
        (lambda root: file(f"file:{root}/state", 10), None, "state is missing"),
        (lambda _: relative("../elsewhere", 10), bytes(10), "../elsewhere is missing"),
    ],
)
async def test_a_file_that_is_missing_or_short_is_named(
    tmp_path: Path, storage: Storage, stream: Callable[[Path], bytes], content: bytes | None, why: str
) -> None:
    there = tmp_path / "jobs/savepoint/7/t/savepoint-abc"
    made = write(tmp_path, "savepoint/7/t/savepoint-abc", naming(stream(there)))
    if content is not None:
        (made / "state").write_bytes(content)
    evidence = await storage.look(f"{storage.savepoints}/7/t")
    assert isinstance(evidence, Broken)
    assert evidence.path == f"file://{made}"
    assert evidence.why.endswith(why)


@pytest.mark.parametrize(
    "stream",
    [
        lambda _: relative("state", 11),
        lambda _: relative("state", -1),
        lambda root: segment(f"file:{root}/state", 5, 6),
        lambda root: file(f"{root}/state", 11),
    ],
)
async def test_a_file_with_its_size_or_one_that_others_share_is_whole(
    tmp_path: Path, storage: Storage, stream: Callable[[Path], bytes]
) -> None:
    there = tmp_path / "jobs/savepoint/7/t/savepoint-abc"
    named = naming(stream(there))
    write(tmp_path, "savepoint/7/t/savepoint-abc", named, state=bytes(11))
    assert await storage.look(f"{storage.savepoints}/7/t") == Complete(f"file://{there}", len(named) + 11)


async def test_files_out_of_reach_are_counted_and_not_called_missing(tmp_path: Path, storage: Storage) -> None:
    named = naming(file("s3://bucket/a", 10), file(f"file:{tmp_path.parent}/b", 5), relative("state", 3))
    made = write(tmp_path, "savepoint/7/t/savepoint-abc", named, state=b"abc")
    evidence = await storage.look(f"{storage.savepoints}/7/t")
    assert evidence == Complete(f"file://{made}", len(named) + 18, unchecked=2)


async def test_of_very_many_missing_files_some_are_named_and_all_are_counted(tmp_path: Path, storage: Storage) -> None:
    made = write(tmp_path, "savepoint/7/t/savepoint-abc", naming(*(relative(f"f{n}") for n in range(100))))
    inspection = await storage.inspect(str(made))
    assert inspection.wrong == tuple(f"f{n} is missing" for n in range(20))
    assert inspection.more_wrong == 80
    assert await storage.look(f"{storage.savepoints}/7/t") == Broken(f"file://{made}", "f0 is missing (and 99 more)")


async def test_a_large_metadata_is_read_and_a_huge_one_is_not(
    tmp_path: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = naming(b"\1\0\1a" + struct.pack(">i", 1 << 20) + bytes(1 << 20))
    made = write(tmp_path, "savepoint/7/t/savepoint-abc", large)
    target = f"{storage.savepoints}/7/t"
    assert await storage.look(target) == Complete(f"file://{made}", len(large))
    monkeypatch.setattr(savepoints, "LARGEST", 1 << 20)
    evidence = await storage.look(target)
    assert isinstance(evidence, Unreadable)
    assert f"{len(large)} bytes" in evidence.why


async def test_an_inspection_takes_the_directory_or_its_metadata(tmp_path: Path, storage: Storage) -> None:
    made = write(tmp_path, "savepoint/7/t/savepoint-abc", naming(relative("state", 3)), state=b"abc")
    for path in (f"{made}", f"file:{made}/", f"file://{made}/_metadata"):
        inspection = await storage.inspect(path)
        assert (inspection.path, inspection.wrong, inspection.unchecked) == (f"file://{made}", (), 0)
        assert inspection.metadata is not None
        assert [operator.bytes for operator in inspection.metadata.operators] == [3]
    assert (await storage.inspect(str(made.parent))).wrong == ("there is no _metadata",)
    with pytest.raises(StorageUnreadable, match="is not under the storage root"):
        await storage.inspect(str(tmp_path.parent))


async def test_a_directory_that_cannot_be_read_proves_nothing(
    tmp_path: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "savepoint/7/t/savepoint-abc")
    write(tmp_path, "checkpoint/7/abc/chk-1")

    def denied(*_: object, **__: object) -> None:
        raise PermissionDeniedError("Permission denied (os error 13)\nand a long debug text")

    monkeypatch.setattr(obstore, "get_range", denied)
    target = f"{storage.savepoints}/7/t"
    assert await storage.look(target) == Unreadable(target, "Permission denied (os error 13)")
    with pytest.raises(StorageUnreadable):
        await storage.newest_state(7, "abc", [])
    monkeypatch.setattr(obstore, "list", denied)
    assert await storage.look(target) == Unreadable(target, "Permission denied (os error 13)")


async def test_a_metadata_that_vanishes_between_two_looks(
    tmp_path: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = write(tmp_path, "savepoint/7/t/savepoint-abc")
    read = obstore.get_range

    def late(*args: Any, **options: Any) -> object:
        (made / "_metadata").unlink()
        return read(*args, **options)

    monkeypatch.setattr(obstore, "get_range", late)
    assert await storage.look(f"{storage.savepoints}/7/t") == Broken(f"file://{made}", "_metadata vanished")


# Checkpoints. --------------------------------------------------------------------------------------------------------


async def test_the_newest_whole_checkpoint_by_number_and_not_by_name(tmp_path: Path, storage: Storage) -> None:
    write(tmp_path, "checkpoint/7/abc/chk-9")
    shared = f"file:{tmp_path}/jobs/checkpoint/7/abc/shared/here"
    newest = write(tmp_path, "checkpoint/7/abc/chk-10", naming(file(shared, 5)))
    write(tmp_path, "checkpoint/7/abc/chk-11", b"")
    write(tmp_path, "checkpoint/7/abc/chk-12", None)
    write(tmp_path, "checkpoint/7/abc/chk-13", naming(file(f"file:{tmp_path}/jobs/checkpoint/7/abc/shared/gone")))
    write(tmp_path, "checkpoint/7/abc/shared", here=b"12345")
    write(tmp_path, "checkpoint/7/def/chk-99")
    write(tmp_path, "checkpoint/77/abc/chk-99")
    assert await storage.newest_state(7, "abc", []) == f"file://{newest}"


async def test_no_state_that_was_left(tmp_path: Path, storage: Storage) -> None:
    roots = [f"{storage.savepoints}/7/1"]
    assert await storage.newest_state(7, "abc", roots) is None
    write(tmp_path, "checkpoint/7/abc/chk-1", b"x")
    write(tmp_path, "savepoint/7/1/t/savepoint-abc", b"x")
    assert await storage.newest_state(7, "abc", roots) is None


@pytest.mark.parametrize(("number", "newer"), [(9, "checkpoint"), (11, "savepoint"), (100, "savepoint")])
async def test_a_savepoint_of_a_stop_that_failed_may_be_newer_than_every_checkpoint(
    tmp_path: Path, storage: Storage, number: int, newer: str
) -> None:
    checkpoint = write(tmp_path, "checkpoint/7/abc/chk-10")
    write(tmp_path, "savepoint/7/1/a/savepoint-abc-1", metadata(checkpoint_id=5))
    savepoint = write(tmp_path, "savepoint/7/2/b/savepoint-abc-2", metadata(checkpoint_id=number))
    write(tmp_path, "savepoint/7/2/c/savepoint-abc-3", metadata(checkpoint_id=500)[:-1])
    write(tmp_path, "savepoint/7/3/d/savepoint-abc-4", metadata(checkpoint_id=600))
    roots = [f"{storage.savepoints}/7/1", f"{storage.savepoints}/7/2", "file:///elsewhere/7/3"]
    found = await storage.newest_state(7, "abc", roots)
    assert found == f"file://{checkpoint if newer == 'checkpoint' else savepoint}"


# Roots. --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a b", "数据", "100%", "50%20off", "what?", "a#b", "c:d", "[x]", "~", "a=b&c"])
async def test_any_name_will_do_for_a_root_and_its_uri_is_what_flink_reads(tmp_path: Path, name: str) -> None:
    # org.apache.flink.core.fs.Path takes a text as it is: "file:///a%20b" is a directory with a percent sign.
    storage = Storage(str(tmp_path / name))
    assert storage.uri == f"file://{tmp_path}/{name}"
    made = write(tmp_path / name, "savepoint/7/t/savepoint-abc")
    assert await storage.look(f"{storage.savepoints}/7/t") == Complete(f"file://{made}", len(METADATA))
    checkpoint = write(tmp_path / name, "checkpoint/7/abc/chk-1")
    assert await storage.newest_state(7, "abc", []) == f"file://{checkpoint}"
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


@pytest.mark.parametrize(
    "root", ["s3://bucket/savepoints", "hdfs:/x", "file://host/x", "file://[x", "//host/x", "https://[x", "", "a\\b"]
)
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
