"""What lies under the storage root may have been put there by anybody who has a job: it holds up and opens nothing."""

import asyncio
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.doubles.places import DiskPlace
from tests.support.flink.handles import file, key_groups, relative, subtask

from sluiceway.domain.facts import Absent, Broken, Complete, Unreadable
from sluiceway.storage import threads
from sluiceway.storage.disk import Disk
from sluiceway.storage.errors import BadPath, BehindLink, NoSuchFile, NotASavepoint, StorageUnreadable, reason_of
from sluiceway.storage.savepoints import Storage
from sluiceway.testing.fake_metadata import metadata, operator
from sluiceway.wanted import Abandoned

SAVEPOINT = "jobs/savepoint/7/t/savepoint-abc"


def naming(*names: str) -> bytes:
    """A `_metadata` that names these files, which lie beside it."""
    subtasks = [subtask(n, keyed=key_groups(relative(name, 3), 12)) for n, name in enumerate(names)]
    return metadata(operators=[operator(subtasks=subtasks, parallelism=max(1, len(names)))])


def naming_absolute(path: str) -> bytes:
    """A `_metadata` that names a file of three bytes, wherever it lies."""
    return metadata(operators=[operator(subtasks=[subtask(keyed=key_groups(file(path, 3), 12))])])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def place(root: Path) -> DiskPlace:
    return DiskPlace(root)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A savepoint outside of the root, and something secret."""
    there = tmp_path / "outside"
    (there / "savepoint-abc").mkdir(parents=True)
    (there / "savepoint-abc/_metadata").write_bytes(metadata())
    (there / "secret").write_bytes(b"key")
    return there


# Files that are none. ------------------------------------------------------------------------------------------------


def fifo(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # its name has to be short
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path.name)
    finally:
        os.chdir(here)


def directory(path: Path) -> None:
    path.mkdir()


@pytest.fixture(params=[fifo, unix_socket, directory])
def odd(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    made: Callable[[Path], None] = request.param
    return made


async def test_a_metadata_that_is_no_file_is_none(place: DiskPlace, root: Path, odd: Callable[[Path], None]) -> None:
    place.put(f"{SAVEPOINT}/state", b"x")
    odd(root / SAVEPOINT / "_metadata")
    storage, target = place.storage, f"{place.storage.uri}/jobs/savepoint/7/t"
    assert await storage.look(target) == Broken(target, "it was begun, and has no _metadata")
    for given in (SAVEPOINT, f"{SAVEPOINT}/_metadata"):
        assert (await storage.inspect(f"{storage.uri}/{given}")).wrong == ("there is no _metadata",)
    assert (await storage.newest_state([f"{storage.uri}/jobs/checkpoint/7/a"], [target])).path is None


async def test_a_file_of_state_that_is_no_file_is_missing(
    place: DiskPlace, root: Path, odd: Callable[[Path], None]
) -> None:
    place.put(f"{SAVEPOINT}/_metadata", naming("state"))
    odd(root / SAVEPOINT / "state")
    assert (await place.storage.inspect(f"{place.storage.uri}/{SAVEPOINT}")).wrong == ("state is missing",)


async def test_what_is_no_file_is_no_file_of_peoples(
    place: DiskPlace, root: Path, tmp_path: Path, odd: Callable[[Path], None]
) -> None:
    place.put("data/d/good.zip", b"x")
    odd(root / "data/d/odd.zip")
    files = place.storage.files
    assert not await files.exists("obs://data/d/odd.zip")
    assert [entry.path for entry in await files.list("obs://data/d")] == ["obs://data/d/good.zip"]
    for asked in (
        files.read("obs://data/d/odd.zip", 9),
        files.fetch("obs://data/d/odd.zip", tmp_path / "into", 9),
    ):
        with pytest.raises(NoSuchFile):
            await asked


async def test_one_that_becomes_a_fifo_between_two_looks_is_not_waited_for(
    place: DiskPlace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put("data/d/a.zip", b"x")
    look = Disk._look

    def swapped(disk: Disk, *args: Any) -> os.stat_result:
        found = look(disk, *args)
        if args[1] == "a.zip":
            (root / "data/d/a.zip").unlink()
            fifo(root / "data/d/a.zip")
        return found

    monkeypatch.setattr(Disk, "_look", swapped)
    with pytest.raises(NoSuchFile):
        await place.storage.files.read("obs://data/d/a.zip", 9)


# Links. --------------------------------------------------------------------------------------------------------------


def link(path: Path, to: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(to)


@pytest.fixture(params=["outside", "another project", "itself", "nothing"])
def elsewhere(request: pytest.FixtureRequest, root: Path, outside: Path) -> Path:
    """Where links lead to."""
    (root / "jobs/savepoint/9/t/savepoint-abc").mkdir(parents=True)
    (root / "jobs/savepoint/9/t/savepoint-abc/_metadata").write_bytes(metadata())
    (root / "jobs/savepoint/9/t/secret").write_bytes(b"key")
    places = {"outside": outside, "another project": root / "jobs/savepoint/9/t", "itself": root}
    return places.get(request.param, root / "nothing")


@pytest.mark.parametrize("at", ["data", "data/d", "jobs/savepoint/7", "jobs/savepoint/7/t"])
async def test_a_savepoint_behind_a_link_is_seen_by_nobody(
    place: DiskPlace, root: Path, elsewhere: Path, at: str
) -> None:
    link(root / at, elsewhere)
    storage, uri = place.storage, place.storage.uri
    inner = f"{uri}/{at}/savepoint-abc"
    evidence = await storage.look(f"{uri}/{at}/t")
    assert isinstance(evidence, Unreadable)
    assert "links under the storage root are not followed" in evidence.why
    for path in (inner, f"{inner}/_metadata"):
        with pytest.raises(BehindLink):
            await storage.inspect(path)
    with pytest.raises(StorageUnreadable):
        await storage.newest_state([f"{uri}/{at}/run"], [])
    with pytest.raises(StorageUnreadable):
        await storage.newest_state([f"{uri}/jobs/checkpoint/7/run"], [f"{uri}/{at}/t"])
    with pytest.raises(NotASavepoint):
        await storage.remove(inner)
    assert "behind a link" in (await storage.why_unwritable(inner) or "")


async def test_a_link_in_a_listing_is_passed_over(place: DiskPlace, root: Path, elsewhere: Path) -> None:
    whole = f"{place.storage.uri}/{SAVEPOINT}"
    place.put(f"{SAVEPOINT}/_metadata", metadata())
    target, run = "jobs/savepoint/7/t", "jobs/checkpoint/7/run"
    link(root / target / "savepoint-zzz", elsewhere / "savepoint-abc")
    link(root / run / "chk-99", elsewhere / "savepoint-abc")
    (root / run / "chk-100").mkdir()
    link(root / run / "chk-100/_metadata", elsewhere / "savepoint-abc/_metadata")
    uri = place.storage.uri
    assert await place.storage.look(f"{uri}/{target}") == Complete(whole, len(metadata()))
    assert (await place.storage.newest_state([f"{uri}/{run}"], [])).path is None
    link(root / "data/d/a.zip", elsewhere / "secret")
    assert await place.storage.files.list("obs://data/d") == []


async def test_state_behind_a_link_cannot_be_looked_at_and_is_not_called_missing(
    place: DiskPlace, root: Path, elsewhere: Path
) -> None:
    place.put(f"{SAVEPOINT}/_metadata", naming("secret", "d/secret", "gone", "here"))
    place.put(f"{SAVEPOINT}/here", b"abc")
    link(root / SAVEPOINT / "secret", elsewhere / "secret")
    link(root / SAVEPOINT / "d", elsewhere)
    found = await place.storage.inspect(f"{place.storage.uri}/{SAVEPOINT}")
    assert (found.wrong, found.unchecked) == (("gone is missing",), 2)


async def test_a_removal_takes_the_link_and_not_what_it_leads_to(place: DiskPlace, root: Path, outside: Path) -> None:
    place.put(f"{SAVEPOINT}/_metadata", metadata())
    link(root / SAVEPOINT / "file", outside / "secret")
    link(root / SAVEPOINT / "deep/er", outside)
    await place.storage.remove(f"{place.storage.uri}/{SAVEPOINT}")
    assert not (root / SAVEPOINT).exists()
    assert (outside / "secret").read_bytes() == b"key"
    assert (outside / "savepoint-abc/_metadata").exists()


async def test_nothing_of_peoples_is_read_or_written_through_a_link(
    place: DiskPlace, root: Path, outside: Path, tmp_path: Path
) -> None:
    link(root / "data/d/file", outside / "secret")
    link(root / "data/d/dir", outside)
    link(root / "bucket", outside)
    files, source = place.storage.files, tmp_path / "source"
    source.write_bytes(b"other")
    for name in ("obs://data/d/file", "obs://data/d/dir/secret", "obs://bucket/secret"):
        for asked in (
            files.read(name, 9),
            files.fetch(name, tmp_path / "into", 9),
            files.exists(name),
            files.write(name, b"other"),
            files.store(name, source),
            files.remove(name),
        ):
            with pytest.raises(BadPath, match="links under the storage root are not followed"):
                await asked
    for name in ("obs://data/d/dir", "obs://bucket"):
        with pytest.raises(BadPath):
            await files.list(name)
    assert (outside / "secret").read_bytes() == b"key"
    assert sorted(os.listdir(outside)) == ["savepoint-abc", "secret"]


async def test_a_directory_that_becomes_a_link_on_the_way_is_not_followed(
    place: DiskPlace, root: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step is opened from the one before: what its name leads to by then does not count."""
    place.put("data/d/secret", b"own")
    step = Disk._step

    def swapped(disk: Disk, above: int, name: str, key: str) -> int:
        opened = step(disk, above, name, key)
        if name == "d":
            (root / "data/d").rename(root / "data/was")
            (root / "data/d").symlink_to(outside)
        return opened

    monkeypatch.setattr(Disk, "_step", swapped)
    assert await place.storage.files.read("obs://data/d/secret", 9) == b"own"


async def test_who_looks_at_own_disks_goes_where_links_lead(tmp_path: Path, outside: Path) -> None:
    link(tmp_path / "here/link", outside)
    storage = Storage("/", links=True)
    assert (await storage.inspect(f"{tmp_path}/here/link/savepoint-abc")).wrong == ()
    os.mkfifo(tmp_path / "here/_metadata")
    assert (await storage.inspect(f"{tmp_path}/here")).wrong == ("there is no _metadata",)


async def test_no_link_leads_out_of_a_further_root_or_into_it(
    root: Path, outside: Path, tmp_path: Path, place: DiskPlace
) -> None:
    old = tmp_path / "old"
    link(old / "link", outside)
    link(old / "down", root)
    link(old / "savepoint-1/_metadata", outside / "savepoint-abc/_metadata")
    link(root / "data/old", old)
    place.put(f"{SAVEPOINT}/_metadata", metadata())
    there = DiskPlace(old)
    there.put("savepoint-2/_metadata", naming_absolute(f"file:{old}/link/secret"))
    fifo(old / "savepoint-3")
    storage = Storage(str(root), further=[str(old)])
    for path in ("link/savepoint-abc", f"down/{SAVEPOINT}", "savepoint-1", "../root/data/old/savepoint-2"):
        with pytest.raises(BehindLink):
            await storage.inspect(f"{old}/{path}")
        with pytest.raises(NotASavepoint):
            await storage.remove(f"{old}/{path}")
    for path in ("../outside/savepoint-abc", "link/../../outside/savepoint-abc", "x/../../outside/savepoint-abc"):
        with pytest.raises(BadPath, match="does not begin with a bucket"):
            storage.place(f"{old}/{path}")
        with pytest.raises(StorageUnreadable, match="not under the storage root"):
            await storage.inspect(f"{old}/{path}")
    assert (await storage.inspect(f"{old}/savepoint-2")).unchecked == 1, "nobody learns how large the secret is"
    assert (await storage.inspect(f"{old}/savepoint-3")).wrong == ("there is no _metadata",)
    assert (outside / "savepoint-abc/_metadata").exists()


# Other people's state. -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["obs://data/jobs", "obs://data/jobs/savepoint/7/t/x", "data/jobs/checkpoint/9/a/x", "s3a://data/jobs/"]
)
async def test_the_state_of_jobs_is_no_file_of_peoples(place: DiskPlace, tmp_path: Path, name: str) -> None:
    files = place.storage.files
    for asked in (
        files.read(name, 9),
        files.fetch(name, tmp_path / "into", 9),
        files.exists(name),
        files.list(name),
        files.write(name, b""),
        files.store(name, tmp_path),
        files.remove(name),
    ):
        with pytest.raises(BadPath, match="is where the state of jobs lies"):
            await asked
    with pytest.raises(BadPath):
        files.check(name)
    await files.write("obs://data/jobs2/x", b"")
    await files.write("obs://data/d/jobs/x", b"")


@pytest.fixture(params=[0o022, 0o000, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_what_is_written_is_for_nobody_else_to_read(
    place: DiskPlace, root: Path, tmp_path: Path, umask: int
) -> None:
    (tmp_path / "source").write_bytes(b"x")
    await place.storage.files.write("obs://data/d/e/a.zip", b"x")
    await place.storage.files.store("obs://data/d/e/b.jar", tmp_path / "source")
    assert [mode(root / "data/d/e" / name) for name in ("a.zip", "b.jar")] == [0o600] * 2
    assert [mode(root / name) for name in ("data/d/e", "data/d")] == [0o700] * 2
    assert mode(root / "data") == 0o777 & ~umask, "Flink writes savepoints into buckets, perhaps as another user"
    assert sorted(path.name for path in (root / "data/d/e").iterdir()) == ["a.zip", "b.jar"]


async def test_a_write_that_is_given_up_leaves_nothing(place: DiskPlace, root: Path) -> None:
    def breaks() -> Iterator[bytes]:
        yield b"x"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        place.storage._root.write("data/d/a", breaks())
    assert list((root / "data/d").iterdir()) == []


async def test_no_descriptor_stays_open(place: DiskPlace, root: Path, outside: Path, tmp_path: Path) -> None:
    place.put(f"{SAVEPOINT}/_metadata", naming("gone", "d/x"))
    link(root / "data/link", outside)
    fifo(root / "data/fifo")
    storage, files, uri = place.storage, place.storage.files, place.storage.uri
    before = len(os.listdir("/dev/fd"))
    for _ in range(5):
        await asyncio.gather(
            *(files.read(f"obs://data/{name}", 9) for name in ("link/x", "fifo", "none", "none/x", "a" * 300)),
            *(files.write(f"obs://data/{name}", b"") for name in ("link/x", "fifo/x", "a" * 200 + "/b")),
            *(storage.inspect(f"{uri}/{name}") for name in (SAVEPOINT, "data/link", "data/fifo")),
            *(storage.remove(f"{uri}/{name}") for name in ("data", "data/link", "data/fifo", "data/none")),
            *(storage.look(f"{uri}/{name}") for name in ("jobs", "data", "data/link", "data/fifo")),
            files.list("obs://data"),
            storage.why_unwritable(f"{uri}/data/fifo/x"),
            return_exceptions=True,
        )
    assert len(os.listdir("/dev/fd")) == before


# Storage that hangs. -------------------------------------------------------------------------------------------------


class Hanging:
    """A root of which nothing comes back before it is let."""

    def __init__(self, storage: Storage, patch: pytest.MonkeyPatch) -> None:
        self.again = threading.Event()
        self.begun: list[int] = []
        storage.threads.patience = 0.05
        patch.setattr(storage._root, "head", self._hang)
        patch.setattr(storage._root, "heads", self._hang)

    def _hang(self, *_: object, **__: object) -> None:
        self.begun.append(1)
        self.again.wait(60)


async def test_a_further_root_that_hangs_holds_up_nothing_of_the_storage_root(
    place: DiskPlace, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its threads nor its turns to look, not even for a state in the storage root that names a file there."""
    there = DiskPlace(tmp_path / "old")
    for at, key in ((place, SAVEPOINT), (there, "savepoint-1")):
        there.put("shared/x", b"abc")
        at.put(f"{key}/_metadata", naming_absolute(there.flink("shared/x")))
    storage = Storage(str(root), further=[str(tmp_path / "old")])
    again = threading.Event()
    step = Disk._step

    def hangs(disk: Disk, above: int, name: str, key: str) -> int:
        if disk.uri.endswith("/old"):
            again.wait(60)
        return step(disk, above, name, key)

    monkeypatch.setattr(Disk, "_step", hangs)
    waiting = [asyncio.create_task(storage.inspect(f"{tmp_path}/old/savepoint-1")) for _ in range(100)]
    try:
        await asyncio.sleep(0)
        for _ in range(5):
            assert isinstance(await storage.look(f"{root}/jobs/savepoint/7/t"), Complete)
        assert await storage.stuck() is None
        assert not any(task.done() for task in waiting)
    finally:
        again.set()
    assert {found.wrong for found in await asyncio.gather(*waiting)} == {()}


@pytest.fixture
def hanging(place: DiskPlace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    place.put("data/a", b"x")
    made = Hanging(place.storage, monkeypatch)
    yield made
    made.again.set()


async def test_what_hangs_is_not_waited_for(place: DiskPlace, hanging: Hanging) -> None:
    storage = place.storage
    with pytest.raises(StorageUnreadable, match="obs://data/a could not be read or written: no answer in time"):
        await storage.files.exists("obs://data/a")
    target = f"{storage.uri}/jobs/savepoint/7"
    assert await storage.look(target) == Unreadable(target, "no answer in time")
    with pytest.raises(StorageUnreadable, match="no answer in time"):
        await storage.inspect(target)
    with pytest.raises(StorageUnreadable, match="no answer in time"):
        await storage.newest_state([target], [])


async def test_what_hangs_takes_the_threads_of_storage_alone(place: DiskPlace, hanging: Hanging) -> None:
    storage = place.storage
    while storage.threads.hanging < threads.MOST:  # some may not have begun in time
        await asyncio.gather(*(storage.files.exists("obs://data/a") for _ in range(8)), return_exceptions=True)
    assert len(hanging.begun) == threads.MOST
    for asked in (storage.files.exists("obs://data/a"), storage.files.read("obs://data/a", 1)):
        with pytest.raises(StorageUnreadable, match="storage does not answer; 32 earlier questions wait for it"):
            await asked
    assert await storage.why_unwritable(None) is not None
    assert await asyncio.to_thread(lambda: "done") == "done", "uploads, tokens and whatever else has threads"
    assert "storage does not answer: 32 questions" in (await storage.stuck() or "")
    hanging.again.set()
    while storage.threads.hanging:
        await asyncio.sleep(0.01)
    storage.threads.patience = 30
    assert await storage.stuck() is None
    assert await storage.files.read("obs://data/a", 1) == b"x"


async def test_one_file_that_hangs_is_not_all_of_storage(
    place: DiskPlace, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StorageUnreadable):
        await place.storage.files.exists("obs://data/a")
    assert place.storage.threads.hanging == 1
    place.storage.threads.patience = 30
    monkeypatch.setattr(type(place.storage.threads), "hanging", property(lambda _: 1))
    assert await place.storage.stuck() is None
    assert await place.storage.files.read("obs://data/a", 1) == b"x"


async def test_a_root_that_hangs_is_asked_once(
    place: DiskPlace, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sluiceway.storage.savepoints._PROBE", 0.01)
    monkeypatch.setattr(place.storage._root, "check_present", hanging._hang)
    with pytest.raises(StorageUnreadable):
        await place.storage.files.exists("obs://data/a")
    place.storage.threads.patience = 30
    monkeypatch.setattr(type(place.storage.threads), "hanging", property(lambda _: 1))
    assert [bool(await place.storage.stuck()) for _ in range(3)] == [True] * 3
    assert len(hanging.begun) == 2


async def test_work_that_gets_on_is_waited_for_and_stops_when_nobody_waits(place: DiskPlace) -> None:
    storage, beats, over = place.storage, 0, threading.Event()
    storage.threads.patience = 0.2

    def slowly(pulse: threads.Pulse) -> int:
        nonlocal beats
        try:
            while beats < 50:
                over.wait(0.02)
                pulse.beat()
                beats += 1
        except Abandoned:
            over.set()
            raise
        return beats

    assert await storage.threads.run(slowly) == 50, "though all of it took longer"
    beats = -(10**9)
    work = asyncio.create_task(storage.threads.run(slowly))
    await asyncio.sleep(0.1)
    work.cancel()
    await asyncio.wait({work})
    assert await asyncio.to_thread(over.wait, 20)


async def test_threads_end_when_there_is_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_IDLE", 0.01)
    pool = threads.Threads()
    assert await asyncio.gather(*(pool.run(lambda _, n=n: n) for n in range(200))) == list(range(200))  # type: ignore[misc]
    while pool._alive:
        await asyncio.sleep(0.01)
    assert await pool.run(lambda _: "again") == "again"


HANGS = """
import asyncio, sys, threading
from sluiceway.storage.threads import Threads
from sluiceway.storage.errors import StorageUnreadable
from sluiceway.wanted import Abandoned

async def main():
    try:
        await Threads(0.05).run(lambda _: threading.Event().wait())
    except StorageUnreadable as error:
        print(error)

asyncio.run(main())
"""


def test_a_process_ends_although_storage_hangs() -> None:
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "no answer in time\n")


@pytest.mark.parametrize("text", ["a " * 10**6, "performing GET http://x/ " * 10**6, " /a" * 10**6, "<Code>" * 10**6])
def test_what_a_foreign_error_says_is_clipped_before_it_is_looked_through(text: str) -> None:
    assert reason_of(ValueError(text)) == reason_of(ValueError(text[:2000]))
    assert len(reason_of(ValueError(text))) <= 200


# Many of them. -------------------------------------------------------------------------------------------------------


async def test_directories_without_end_are_not_walked_to_it(
    place: DiskPlace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sluiceway.storage.disk._MOST_DIRECTORIES", 20)
    deep = root / "jobs/savepoint/7/t"
    deep.joinpath(*"abcdefghijklmnop").mkdir(parents=True)
    target = f"{place.storage.uri}/jobs/savepoint/7/t"
    assert await place.storage.look(target) == Absent(target)
    for number in range(20):
        (deep / str(number)).mkdir()
    evidence = await place.storage.look(target)
    assert isinstance(evidence, Unreadable)
    assert "more than 20 directories" in evidence.why


async def test_a_directory_of_very_many_files_is_not_listed(place: DiskPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluiceway.storage.disk.MOST_LISTED", 3)
    for number in range(4):
        place.put(f"data/d/{number}.zip", b"")
    with pytest.raises(StorageUnreadable, match="more than 3 files"):
        await place.storage.files.list("obs://data/d")
