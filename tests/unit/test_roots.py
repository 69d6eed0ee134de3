"""Further roots: which one a path means, what is read there, and that nothing is written or removed."""

from pathlib import Path
from types import MappingProxyType

import pytest
from tests.support.doubles.object_store import REGION, ObjectStore
from tests.support.doubles.places import DiskPlace, S3Place
from tests.support.flink.handles import file, key_groups, subtask

from sluiceway.domain.facts import Unreadable
from sluiceway.storage.errors import BadPath, BadStorage, NotASavepoint, OnlyRead, StorageUnreadable
from sluiceway.storage.s3 import S3Access
from sluiceway.storage.savepoints import Storage
from sluiceway.store.catalogue import spellings
from sluiceway.testing.fake_metadata import metadata, operator


def naming(*paths: str) -> bytes:
    """A `_metadata` that names these files of three bytes."""
    subtasks = [subtask(n, keyed=key_groups(file(path, 3), 12)) for n, path in enumerate(paths)]
    return metadata(operators=[operator(subtasks=subtasks, parallelism=len(subtasks))])


@pytest.fixture
def old(tmp_path: Path) -> DiskPlace:
    """Where another service has its states."""
    return DiskPlace(tmp_path / "old")


@pytest.fixture
def storage(tmp_path: Path, old: DiskPlace) -> Storage:
    DiskPlace(tmp_path / "older")
    return Storage(str(tmp_path / "root"), further=[str(tmp_path / "old"), f"file:{tmp_path}/older/"])


# Which root. ---------------------------------------------------------------------------------------------------------

PLACES = MappingProxyType(
    {
        "file://{0}/old/savepoint-1": ("old/savepoint-1", True),
        "file:{0}/old/savepoint-1/_metadata": ("old/savepoint-1/_metadata", True),
        "{0}/old/a/../b/": ("old/b", True),
        "{0}/older/savepoint-1": ("older/savepoint-1", True),
        "{0}/root/data/savepoint-1": ("root/data/savepoint-1", False),
        "{0}/old/../root/data/d": ("root/data/d", False),
        "{0}/root/../old/d": ("old/d", True),
        "obs://old/savepoint-1": ("root/old/savepoint-1", False),
    }
)


@pytest.mark.parametrize("given", PLACES)
def test_a_path_means_a_place_under_the_root_that_it_begins_with(storage: Storage, tmp_path: Path, given: str) -> None:
    inside, only_read = PLACES[given]
    place = storage.place(given.format(tmp_path))
    assert place == f"file://{tmp_path}/{inside}"
    assert storage.only_reads(place) is only_read
    assert storage.owner(place) is None


@pytest.mark.parametrize(
    "astray",
    ["{0}/old", "{0}/old/", "{0}/oldest/x", "{0}/old/../x", "file://{0}/x", "s3://old/x", "file://host{0}/old/x", "/"],
)
def test_what_lies_under_no_root_is_refused_with_the_roots_there_are(
    storage: Storage, tmp_path: Path, astray: str
) -> None:
    with pytest.raises(BadPath) as refused:
        storage.place(astray.format(tmp_path))
    told = f"Or name a directory under file://{tmp_path}/root, or under file://{tmp_path}/old, which is only read, or"
    assert told in str(refused.value)


def test_a_state_right_in_a_root_could_not_be_named_again(storage: Storage, tmp_path: Path) -> None:
    for root in ("root", "old"):
        with pytest.raises(BadPath, match="lies right in a root, and not in a directory under it"):
            storage.place(f"{tmp_path}/{root}/_metadata")


def test_no_savepoint_is_asked_for_where_states_are_only_read(storage: Storage, tmp_path: Path) -> None:
    assert storage.target("data/d") == f"file://{tmp_path}/root/data/d"
    with pytest.raises(BadPath, match=r"under a root that is only read; name a directory under file://.*/root"):
        storage.target(f"{tmp_path}/old/d")


@pytest.mark.parametrize(
    ("root", "further"),
    [
        ("{0}/a", ["{0}/a"]),
        ("{0}/a", ["file:{0}/a/"]),
        ("{0}/a", ["{0}/a/b"]),
        ("{0}/a/b", ["{0}/a"]),
        ("{0}/a", ["/"]),
        ("{0}/a", ["{0}/b", "{0}/x/../b/c"]),
        ("{0}/a", ["{0}/b", "{0}/b"]),
        ("s3://company/flink", ["s3a://company/flink"]),
        ("s3://company/flink", ["s3://company"]),
        ("s3://company", ["s3://company/old"]),
    ],
)
@pytest.mark.usefixtures("keys_at_hand")
def test_no_root_lies_in_another(tmp_path: Path, root: str, further: list[str]) -> None:
    with pytest.raises(BadStorage, match="name one that lies beside it"):
        Storage(root.format(tmp_path), further=[one.format(tmp_path) for one in further])


@pytest.mark.usefixtures("keys_at_hand")
def test_roots_beside_one_another_are_taken(tmp_path: Path) -> None:
    Storage("s3://company/flink", further=["s3://company/flink-old", "s3://old", f"{tmp_path}/a", f"{tmp_path}/ab"])
    assert list(tmp_path.iterdir()) == [], "none is made"


async def test_a_root_that_leads_to_another_one_is_refused(storage: Storage, tmp_path: Path) -> None:
    assert await storage.check_further() == [
        f"The read root file://{tmp_path}/{name} cannot be read: the read root is empty; is it mounted?"
        for name in ("old", "older")
    ]
    (tmp_path / "link").symlink_to(tmp_path / "root")
    (tmp_path / "above").symlink_to(tmp_path)
    for way in ("link", "link/data", "above", "above/root"):
        with pytest.raises(BadStorage, match=r"leads to the same place as file://.*/root"):
            await Storage(str(tmp_path / "root"), further=[f"{tmp_path}/{way}"]).check_further()
    with pytest.raises(BadStorage, match=r"leads to the same place as file://.*/old"):
        await Storage(str(tmp_path / "root"), further=[f"{tmp_path}/old", f"{tmp_path}/above/old"]).check_further()


async def test_a_root_that_cannot_be_read_is_told_and_keeps_nothing_from_beginning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "there/savepoint-1").mkdir(parents=True)
    further = [f"{tmp_path}/{name}" for name in ("none", "there", "file")]
    told = await Storage(str(tmp_path / "root"), further=further).check_further()
    assert [why.rpartition(": ")[2] for why in told] == ["No such file or directory", "Not a directory"]
    assert f"The read root file://{tmp_path}/none cannot be read" in told[0]


# What is read there. -------------------------------------------------------------------------------------------------


async def test_a_state_there_is_read_with_its_files_in_any_root(
    storage: Storage, old: DiskPlace, tmp_path: Path
) -> None:
    older, root = DiskPlace(tmp_path / "older"), DiskPlace(tmp_path / "root")
    head = naming(old.flink("shared/x"), older.flink("shared/y"), root.flink("data/z"), "file:/elsewhere/w")
    for place, key in ((old, "savepoint-1/_metadata"), (old, "shared/x"), (older, "shared/y"), (root, "data/z")):
        place.put(key, head if "_meta" in key else b"abc")
    for given in (f"{tmp_path}/old/savepoint-1", f"file:{tmp_path}/old/savepoint-1/_metadata"):
        found = await storage.inspect(given)
        assert (found.path, found.wrong, found.unchecked) == (f"file://{tmp_path}/old/savepoint-1", (), 1)
    assert len((await storage.metadata(found.path)).references) == 4
    older.put("shared/y", b"ab")
    old.delete("shared/x")
    assert (await storage.inspect(found.path)).wrong == (
        f"file:{tmp_path}/old/shared/x is missing",
        f"file:{tmp_path}/older/shared/y has 2 bytes, and not 3",
    )


async def test_a_file_is_not_called_missing_whose_root_is_not_there(
    storage: Storage, old: DiskPlace, tmp_path: Path
) -> None:
    old.put("savepoint-1/_metadata", naming(f"file:{tmp_path}/older/shared/y"))
    with pytest.raises(StorageUnreadable, match="the read root is empty; is it mounted"):
        await storage.inspect(f"{tmp_path}/old/savepoint-1")
    with pytest.raises(StorageUnreadable, match="the read root is empty; is it mounted"):
        await storage.inspect(f"{tmp_path}/older/savepoint-1")


async def test_what_is_in_the_storage_root_depends_on_no_other(
    storage: Storage, old: DiskPlace, tmp_path: Path
) -> None:
    root = DiskPlace(tmp_path / "root")
    root.put("data/savepoint-1/_metadata", naming(old.flink("shared/x")))
    found = await storage.inspect(f"{tmp_path}/root/data/savepoint-1")
    assert (found.wrong, found.unchecked) == ((), 1)
    old.put("t/savepoint-1/_metadata", metadata())
    assert await storage.look(f"file://{tmp_path}/old/t") == Unreadable(
        f"file://{tmp_path}/old/t", "it is not under this service's storage root"
    )


async def test_checkpoints_that_a_job_puts_there_are_its_newest_state(
    storage: Storage, old: DiskPlace, tmp_path: Path
) -> None:
    root = DiskPlace(tmp_path / "root")
    root.put("jobs/checkpoint/7/abc/chk-1/_metadata", metadata())
    old.put("own/abc/chk-2/_metadata", naming(old.flink("own/abc/shared/x")))
    old.put("own/abc/shared/x", b"abc")
    places = [f"file://{tmp_path}/root/jobs/checkpoint/7/abc", f"{tmp_path}/old/own/abc"]
    assert (await storage.newest_state(places, [])).path == f"file://{tmp_path}/old/own/abc/chk-2"


async def test_nothing_is_removed_there_and_what_is_gone_counts_as_removed(
    storage: Storage, old: DiskPlace, tmp_path: Path
) -> None:
    old.put("savepoint-1/_metadata", metadata())
    old.put("shared/x", b"x")
    with pytest.raises(OnlyRead, match="which this service only reads") as refused:
        await storage.remove(f"{tmp_path}/old/savepoint-1")
    assert isinstance(refused.value, NotASavepoint)
    assert old.everything() == ["savepoint-1/_metadata", "shared/x"]
    old.delete("savepoint-1/_metadata")
    await storage.remove(f"{tmp_path}/old/savepoint-1")
    old.delete("shared/x")
    (tmp_path / "old/savepoint-1").rmdir()
    (tmp_path / "old/shared").rmdir()
    with pytest.raises(StorageUnreadable, match="is it mounted"):
        await storage.remove(f"{tmp_path}/old/savepoint-1")


async def test_files_of_peoples_lie_in_the_storage_root_alone(storage: Storage, old: DiskPlace, tmp_path: Path) -> None:
    old.put("data/a", b"x")
    for asked in (storage.files.exists, storage.files.list):
        with pytest.raises(BadPath):
            await asked(f"file://{tmp_path}/old/data/a")


# Object stores. ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("keys_at_hand")
async def test_a_bucket_beside_a_directory(object_store: ObjectStore, tmp_path: Path) -> None:
    place = S3Place(object_store, "checkpoints")
    uri = f"s3://{place.bucket}/checkpoints"
    place.put("chk-7/_metadata", naming(place.flink("shared/x")))
    place.put("shared/x", b"abc")
    access = S3Access(object_store.endpoint, REGION)
    storage = Storage(str(tmp_path / "root"), access, further=[uri, "s3://no-such-bucket/x"])
    [why] = await storage.check_further()
    assert "s3://no-such-bucket/x cannot be read: NoSuchBucket" in why
    for given in (f"{uri}/chk-7/", f"s3a://{place.bucket}/checkpoints/chk-7/_metadata"):
        found = await storage.inspect(storage.place(given))
        assert (found.path, found.wrong, found.unchecked) == (f"{uri}/chk-7", (), 0)
    before = place.everything()
    with pytest.raises(OnlyRead):
        await storage.remove(found.path)
    assert place.everything() == before
    with pytest.raises(BadPath, match=f"or under {uri}, which is only read"):
        storage.place(f"s3://{place.bucket}/flink/x")


def test_one_place_is_spelled_in_many_ways() -> None:
    assert spellings("file:///mnt/old/x") == ["file:///mnt/old/x", "file:/mnt/old/x"]
    assert set(spellings("s3a://old/x")) == {"s3://old/x", "s3a://old/x", "s3p://old/x"}
    assert spellings("hdfs://old/x") == ["hdfs://old/x"]
