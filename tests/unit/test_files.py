"""The files of the storage root under the names that people give them."""

from collections.abc import Awaitable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.doubles.places import DiskPlace, Place

from sluiceway.storage.errors import BadPath, FileTooLarge, NoSuchFile, NotASavepoint, StorageUnreadable, reason_of
from sluiceway.storage.files import Entry, key_of
from sluiceway.storage.savepoints import Storage


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("obs://data/jars/a.jar", "data/jars/a.jar"),
        ("OBS://data/jars/", "data/jars"),
        ("s3a://data/jars/a.jar", "data/jars/a.jar"),
        ("data/jars/a.jar", "data/jars/a.jar"),
        ("obs://my.data-1/数据/a b%20c/_metadata", "my.data-1/数据/a b%20c/_metadata"),
        ("obs://data", "data"),
        ("a.jar", "a.jar"),  # a bucket of that name, without a file
        ("obs://data/", "data"),
        ("obs://data/a:b", "data/a:b"),
        ("obs://data/..a/a..", "data/..a/a.."),
    ],
)
def test_a_name_means_a_place_under_the_root(place: Place, name: str, key: str) -> None:
    assert key_of(name) == key
    assert place.storage.files.uri(name) == f"{place.storage.uri}/{key}"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "does not begin with a bucket"),
        ("obs://", "does not begin with a bucket"),
        ("obs:///etc/passwd", "does not begin with a bucket"),
        ("/etc/passwd", "does not begin with a bucket"),
        ("../data/a", "does not begin with a bucket"),
        ("obs://../data/a", "does not begin with a bucket"),
        ("obs://Data/a", "does not begin with a bucket"),
        ("obs://ab/a", "does not begin with a bucket"),
        ("obs://a..b/a", "does not begin with a bucket"),
        ("obs://a.-b/a", "does not begin with a bucket"),
        ("obs://-ab/a", "does not begin with a bucket"),
        (f"obs://{'a' * 64}/a", "does not begin with a bucket"),
        ("obs://jobs/savepoint/1", "does not begin with a bucket"),
        ("obs://user:password@host/a", "does not begin with a bucket"),
        ("file:///etc/passwd", "is not a path in OBS"),
        ("file:/etc/passwd", "does not begin with a bucket"),
        ("http://169.254.169.254/latest", "is not a path in OBS"),
        ("s3://data/a", "is not a path in OBS"),
        ("hdfs://data/a", "is not a path in OBS"),
        ("obs://data/../jobs/savepoint", "empty directory name, or one of dots"),
        ("obs://data/a/..", "empty directory name, or one of dots"),
        ("obs://data/./a", "empty directory name, or one of dots"),
        ("obs://data//a", "empty directory name, or one of dots"),
        ("obs://data/a//", "empty directory name, or one of dots"),
        ("obs://data/..\\..\\x", "a backslash"),
        ("obs://data/a\0b", "cannot be printed"),
        ("obs://data/a\nb", "cannot be printed"),
        ("obs://data/\ud800", "not Unicode text"),
        (f"obs://data/{'a/' * 600}b", "more than 1024 bytes"),
        (f"obs://data/{'数' * 100}", "more than 255 bytes"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(place: Place, name: str, why: str) -> None:
    with pytest.raises(BadPath) as refused:
        place.storage.files.uri(name)
    assert why in str(refused.value)
    assert len(str(refused.value)) < 400
    str(refused.value).encode()


@settings(deadline=None)
@given(st.text() | st.builds("obs://data/{}".format, st.text(alphabet="./\\ab\0~ ")))
def test_whatever_the_name_it_stays_under_the_root(name: str) -> None:
    try:
        key = key_of(name)
    except BadPath:
        return
    assert not {"", ".", "..", "jobs"} & set(key.split("/")[:1])
    assert not {"", ".", ".."} & set(key.split("/"))


async def test_what_was_written_is_read(place: Place) -> None:
    place.put("other/file", b"")
    assert not await place.storage.files.exists("obs://data/a/b.zip")
    await place.storage.files.write("obs://data/a/b.zip", b"one")
    await place.storage.files.write("data/a/b.zip", b"second")
    assert await place.storage.files.exists("obs://data/a/b.zip")
    assert await place.storage.files.read("s3a://data/a/b.zip", 6) == b"second"
    with pytest.raises(FileTooLarge, match="has 6 bytes, and at most 5 are taken"):
        await place.storage.files.read("obs://data/a/b.zip", 5)


async def test_an_empty_file_is_a_file(place: Place) -> None:
    await place.storage.files.write("obs://data/empty", b"")
    assert await place.storage.files.exists("obs://data/empty")
    assert await place.storage.files.read("obs://data/empty", 0) == b""


async def test_a_file_is_fetched_whole_or_not_at_all(place: Place, tmp_path: Path) -> None:
    content = bytes(range(256)) * 20_000
    place.put("data/a.jar", content)
    into = tmp_path / "here" / "a.jar"
    await place.storage.files.fetch("obs://data/a.jar", into, len(content))
    assert into.read_bytes() == content
    with pytest.raises(FileTooLarge):
        await place.storage.files.fetch("obs://data/a.jar", tmp_path / "here" / "b.jar", len(content) - 1)
    with pytest.raises(NoSuchFile, match=r"There is no file obs://data/c\.jar"):
        await place.storage.files.fetch("obs://data/c.jar", tmp_path / "here" / "c.jar", 10)
    assert [entry.name for entry in into.parent.iterdir()] == ["a.jar"]


async def test_a_listing_has_the_files_of_one_directory(place: Place) -> None:
    for key in ("data/d/b", "data/d/a", "data/d/inner/c", "data/de/x", "data/e"):
        place.put(key, key.encode())
    assert await place.storage.files.list("obs://data/d") == [Entry("obs://data/d/a", 8), Entry("obs://data/d/b", 8)]
    assert await place.storage.files.list("obs://data/d/") == await place.storage.files.list("data/d")
    assert await place.storage.files.list("obs://data") == [Entry("obs://data/e", 6)]
    assert await place.storage.files.list("obs://data/none") == []


async def test_a_directory_is_no_file(place: Place) -> None:
    place.put("data/d/b", b"x")
    assert not await place.storage.files.exists("obs://data/d")
    for name in ("obs://data/d", "obs://data"):
        with pytest.raises(NoSuchFile):
            await place.storage.files.read(name, 100)


async def test_links_lead_nowhere(tmp_path: Path) -> None:
    place, secret = DiskPlace(tmp_path / "root"), tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_bytes(b"secret")
    place.put("data/d/b", b"x")
    inside = tmp_path / "root/data/d"
    (inside / "file").symlink_to(secret / "key")
    (inside / "dir").symlink_to(secret)
    (inside / "circle").symlink_to(inside / "circle")
    files = place.storage.files
    for name in ("obs://data/d/file", "obs://data/d/dir/key", "obs://data/d/circle"):
        with pytest.raises(BadPath, match="links under the storage root are not followed"):
            await files.read(name, 100)
    for asked in (files.write("obs://data/d/dir/key", b"other"), files.list("obs://data/d/dir")):
        with pytest.raises(BadPath):
            await asked
    assert (secret / "key").read_bytes() == b"secret"


async def test_an_empty_disk_may_not_be_mounted(tmp_path: Path) -> None:
    files = DiskPlace(tmp_path / "root").storage.files
    with pytest.raises(StorageUnreadable, match="is it mounted"):
        await files.exists("obs://data/a")


async def test_a_disk_that_was_made_by_the_service_is_known_to_be_empty(tmp_path: Path) -> None:
    for files in (Storage(str(tmp_path / "root")).files, Storage(str(tmp_path / "root")).files):
        assert not await files.exists("obs://data/a")
        with pytest.raises(NoSuchFile):
            await files.read("obs://data/a", 1)


async def test_storage_that_cannot_be_read_proves_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.fails(monkeypatch)
    files = place.storage.files
    for asked in (files.read("obs://data/a", 9), files.exists("obs://data/a"), files.list("obs://data")):
        with pytest.raises(StorageUnreadable, match="Permission denied"):
            await asked
    with pytest.raises(StorageUnreadable, match="obs://data/a could not be read or written"):
        await files.write("obs://data/a", b"")


async def test_a_local_file_is_stored_and_removed(place: Place, tmp_path: Path) -> None:
    place.put("other/file", b"")
    files = place.storage.files
    for content in (b"old", b"new" * 1_000_000):
        (tmp_path / "local").write_bytes(content)
        await files.store("obs://data/a/b.jar", tmp_path / "local")
        assert await files.read("obs://data/a/b.jar", 1 << 22) == content
    for _ in range(2):
        await files.remove("obs://data/a/b.jar")
        assert not await files.exists("obs://data/a/b.jar")
    with pytest.raises(BadPath):
        await files.remove("obs://data/../a")


async def test_what_is_wrong_is_told_without_a_path_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "the root"
    place = DiskPlace(root)
    files, storage = place.storage.files, place.storage
    told = [await _told(files.exists("obs://data/a"))]
    place.put("data/file", b"x")
    place.put("data/dir/x", b"x")
    (root / "data/link").symlink_to(tmp_path)
    source = tmp_path / "source"
    source.write_bytes(b"x")
    told += [
        await _told(files.read("obs://data/file/x", 9)),
        await _told(files.store("obs://data/file/x", source)),
        await _told(files.store("obs://data/dir", source)),
        await _told(files.remove("obs://data/dir")),
        await _told(files.exists("obs://data/link/source")),
        await _told(storage.inspect(f"{storage.uri}/data/link/x")),
        await _told(storage.inspect("file:///elsewhere")),
        await _told(storage.remove(f"{storage.uri}/data/file")),
        await _told(storage.remove(f"{storage.uri}/data/dir")),
        await storage.why_unwritable(f"{storage.uri}/data/file/x") or "",
    ]

    place.fails(monkeypatch)
    told.append(await _told(storage.remove(f"{storage.uri}/data/dir")))
    assert all(told)
    assert not [text for text in told if str(tmp_path) in text]
    assert told[0].endswith("the storage root is empty; is it mounted?")
    assert told[1] == "obs://data/file/x could not be read or written: Not a directory"
    assert told[-1] == "data/dir could not be removed: Permission denied; try again"


async def _told(asked: Awaitable[object]) -> str:
    with pytest.raises((StorageUnreadable, BadPath, NotASavepoint)) as refused:
        await asked
    return str(refused.value)


@pytest.mark.parametrize(
    ("foreign", "told"),
    [
        (
            FileNotFoundError("Object at location /srv/a b/c not found: is directory"),
            "Object at location not found: is directory",
        ),
        (ValueError("cannot open '/srv/a b/c'"), "cannot open"),
        (OSError(28, "No space left on device", "/srv/x"), "No space left on device"),
        (ValueError("performing GET http://host/bucket in 1/2 s"), "performing GET http://host/bucket in 1/2 s"),
    ],
)
def test_a_foreign_error_is_told_without_its_paths(foreign: Exception, told: str) -> None:
    assert reason_of(foreign) == told
