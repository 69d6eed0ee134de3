"""The catalogue of savepoints over the whole control plane and a fake Flink: seen, verified, kept, and removed."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.dialects import sqlite
from tests.support.services.native_api import native_api
from tests.support.services.plane import PROJECT, Plane

from sluiceway.assembly.clock import clock
from sluiceway.assembly.service import sweeping
from sluiceway.control.errors import UnusablePath
from sluiceway.control.savepoints import Savepoints
from sluiceway.domain.job import JobStatus
from sluiceway.reconcile.sweep import Sweeper
from sluiceway.settings import Settings
from sluiceway.storage.errors import NotASavepoint, StorageUnreadable
from sluiceway.storage.savepoints import Storage
from sluiceway.store import catalogue, schema

SAVEPOINTS = f"/api/v1/projects/{PROJECT}/savepoints"


@dataclass(frozen=True)
class Api:
    """The API, and what is behind it."""

    http: httpx.AsyncClient
    plane: Plane

    async def listed(self, **query: Any) -> list[dict[str, Any]]:
        answer = await self.http.get(SAVEPOINTS, params=query)
        assert answer.status_code == 200, answer.text
        return cast("list[dict[str, Any]]", answer.json()["savepoints"])

    async def show(self, savepoint: int) -> dict[str, Any]:
        answer = await self.http.get(f"{SAVEPOINTS}/{savepoint}")
        assert answer.status_code == 200, answer.text
        return cast("dict[str, Any]", answer.json())

    async def verify(self, savepoint: int, status: int = 200) -> dict[str, Any]:
        answer = await self.http.post(f"{SAVEPOINTS}/{savepoint}/verify")
        assert answer.status_code == status, answer.text
        return cast("dict[str, Any]", answer.json())

    async def delete(self, savepoint: int, status: int = 200, **query: Any) -> dict[str, Any]:
        answer = await self.http.delete(f"{SAVEPOINTS}/{savepoint}", params=query)
        assert answer.status_code == status, answer.text
        return cast("dict[str, Any]", answer.json())

    async def kept(self, job: int, times: int = 1) -> list[int]:
        """Stop a running job so many times, each time going on from its savepoint; the ids, the oldest first."""
        for turn in range(times):
            if turn:
                await self.resume(job)
            await self.plane.stop_and_wait([job])
        return [each["id"] for each in reversed(await self.listed(job_id=job))]

    async def resume(self, job: int) -> None:
        """Start a job from its newest savepoint, and wait until it runs."""
        (verdict,) = await self.plane.start(PROJECT, [job], resume=True)
        assert verdict.accepted
        await self.plane.until(job, JobStatus.RUNNING)

    async def told(self, kind: str) -> list[tuple[int | None, str, str]]:
        """Job, who, and detail of every event of a kind."""
        events = await self.plane.queries.events(PROJECT, 0, 1000)
        return [(event.job_id, event.who, event.detail) for event in events if event.kind == kind]

    async def place(self, savepoint: int) -> Path:
        """Its directory on disk."""
        return Path((await self.show(savepoint))["path"].removeprefix("file://"))

    async def move(self, savepoint: int, path: str) -> None:
        """Let the catalogue have it elsewhere."""
        table = schema.savepoints
        async with self.plane.db.write() as connection:
            await connection.execute(update(table).where(table.c.id == savepoint).values(path=path))

    async def sweep(self, *, max_age: timedelta | None = None, most: int | None = None) -> int:
        return await Sweeper(self.plane.db, self.plane.storage, clock, max_age, most).sweep()


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with native_api(tmp_path) as made:
        yield Api(made.http, made.plane)


# Looking. ------------------------------------------------------------------------------------------------------------


async def test_what_a_stop_has_kept_is_listed_with_its_origin(api: Api) -> None:
    jobs = await api.plane.run(2)
    batch = (await api.plane.stop(PROJECT, jobs, savepoint=True, reason="kernel update")).id
    assert batch is not None
    entries = {entry.job_id: entry.stop for entry in await api.plane.settled(batch)}
    found = await api.listed()
    assert [each["id"] for each in found] == sorted((each["id"] for each in found), reverse=True)
    assert {each["job_id"] for each in found} == set(jobs)
    for each in found:
        stop = entries[each["job_id"]]
        assert (each["stop_id"], each["reason"]) == (batch, "kernel update")
        assert (each["path"], each["bytes"]) == (stop.savepoint_path, stop.savepoint_size)
        assert (each["format"], each["drained"], each["fault"]) == ("canonical", False, "")
        assert each["created_at"] == each["verified_at"]
        assert (each["needed"], each["needed_by"]) == (True, f"job {each['job_id']} was stopped with it")
        assert await api.show(each["id"]) == each


async def test_they_are_found_by_job_and_by_stop_and_page_by_page(api: Api) -> None:
    first, second = await api.plane.run(2)
    one, two, three = await api.kept(first, 3)
    (other,) = await api.kept(second)
    assert [each["id"] for each in await api.listed(job_id=first)] == [three, two, one]
    assert [each["id"] for each in await api.listed(limit=2)] == [other, three]
    assert [each["id"] for each in await api.listed(limit=2, before=three)] == [two, one]
    stop = (await api.show(two))["stop_id"]
    assert [each["id"] for each in await api.listed(stop_id=stop)] == [two]
    assert await api.listed(job_id=99) == []


async def test_one_of_another_project_is_unknown(api: Api) -> None:
    (job,) = await api.plane.run()
    (savepoint,) = await api.kept(job)
    path = f"/api/v1/projects/other/savepoints/{savepoint}"
    for answer in (
        await api.http.get(path),
        await api.http.post(f"{path}/verify"),
        await api.http.delete(path, params={"force": True}),
    ):
        assert (answer.status_code, answer.json()["error_code"]) == (404, "unknown_savepoint")
    assert (await api.http.get("/api/v1/projects/other/savepoints")).json() == {"savepoints": []}
    assert (await api.place(savepoint) / "_metadata").is_file()


# Verifying. ----------------------------------------------------------------------------------------------------------


async def test_a_whole_one_is_told_to_be_whole_with_its_contents(api: Api) -> None:
    (job,) = await api.plane.run()
    (savepoint,) = await api.kept(job)
    before = await api.show(savepoint)
    found = await api.verify(savepoint)
    assert (found["whole"], found["wrong"], found["unchecked"]) == (True, [], 0)
    assert found["contents"]["version"] == 6
    assert [set(each) for each in found["contents"]["operators"]] == [
        {"id", "name", "uid", "parallelism", "max_parallelism", "bytes", "finished"}
    ]
    assert found["savepoint"]["verified_at"] > before["verified_at"]
    assert found["savepoint"] == await api.show(savepoint)
    assert await api.told("savepoint_verified") == [(job, "local", before["path"])]


async def test_one_that_was_cut_short_has_its_fault_told_until_it_is_whole_again(api: Api) -> None:
    (job,) = await api.plane.run()
    (savepoint,) = await api.kept(job)
    head = await api.place(savepoint) / "_metadata"
    whole = head.read_bytes()
    head.write_bytes(whole[:-5])
    found = await api.verify(savepoint)
    assert (found["whole"], found["contents"]) == (False, None)
    assert "cannot be read to its end" in found["wrong"][0]
    assert found["savepoint"]["fault"] == found["wrong"][0]
    ((told_job, _, detail),) = await api.told("savepoint_broken")
    assert told_job == job
    assert detail == f"{found['savepoint']['path']}: {found['wrong'][0]}"
    head.write_bytes(whole)
    assert (await api.verify(savepoint))["savepoint"]["fault"] == ""


async def test_one_that_cannot_be_read_from_here_is_neither_whole_nor_broken(api: Api) -> None:
    (job,) = await api.plane.run()
    (savepoint,) = await api.kept(job)
    await api.move(savepoint, "s3://bucket/savepoint-1")
    before = await api.show(savepoint)
    refused = await api.verify(savepoint, status=503)
    assert refused["error_code"] == "storage_unreadable"
    assert "s3://bucket/savepoint-1" in refused["error_msg"]
    assert await api.show(savepoint) == before
    assert await api.told("savepoint_verified") == await api.told("savepoint_broken") == []


# Removing. -----------------------------------------------------------------------------------------------------------


async def test_one_that_a_job_was_stopped_with_is_not_removed(api: Api) -> None:
    (job,) = await api.plane.run()
    (savepoint,) = await api.kept(job)
    refused = await api.delete(savepoint, status=409)
    assert refused["error_code"] == "savepoint_needed"
    assert f"job {job} was stopped with it. Resume the job and stop it anew" in refused["error_msg"]
    assert (await api.verify(savepoint))["whole"]
    assert await api.told("savepoint_removed") == []


async def test_it_is_removed_once_the_job_has_run_on_and_stopped_anew(api: Api) -> None:
    (job,) = await api.plane.run()
    (first,) = await api.kept(job)
    await api.resume(job)
    refused = await api.delete(first, status=409)
    assert f"the latest run of job {job} was started from it" in refused["error_msg"]
    await api.plane.stop_and_wait([job])
    place = await api.place(first)
    second = (await api.listed())[0]["id"]
    gone = await api.delete(first)
    assert gone["removed_at"] is not None
    assert not place.exists()
    assert place.parent.is_dir(), "nothing but its own directory goes"
    assert (await api.verify(second))["whole"]
    assert await api.told("savepoint_removed") == [(job, "local", gone["path"])]
    assert [each["id"] for each in await api.listed()] == [second]
    assert [each["id"] for each in await api.listed(removed=True)] == [second, first]
    assert (await api.verify(first, status=409))["error_code"] == "savepoint_removed"
    await api.resume(job)


async def test_the_newest_of_a_job_that_began_anew_is_kept(api: Api) -> None:
    (job,) = await api.plane.run()
    older, newest = await api.kept(job, 2)
    await api.plane.start(PROJECT, [job], resume=False)
    await api.plane.until(job, JobStatus.RUNNING)
    assert f"it is the newest savepoint of job {job}" in (await api.delete(newest, status=409))["error_msg"]
    await api.delete(older)


async def test_while_the_newest_is_broken_the_one_before_it_is_kept_too(api: Api) -> None:
    (job,) = await api.plane.run()
    older, newest = await api.kept(job, 2)
    assert not (await api.show(older))["needed"]
    (await api.place(newest) / "_metadata").write_bytes(b"")
    await api.verify(newest)
    needed = [(each["id"], each["needed"]) for each in await api.listed()]
    assert needed == [(newest, True), (older, True)]
    await api.plane.start(PROJECT, [job], resume=False)
    assert [(each["id"], each["needed"]) for each in await api.listed()] == needed


async def test_nobody_needs_those_of_a_deleted_job(api: Api) -> None:
    (job,) = await api.plane.run()
    (savepoint,) = await api.kept(job)
    await api.plane.edit.delete(PROJECT, [job])
    assert not (await api.show(savepoint))["needed"]
    await api.delete(savepoint)


async def test_what_another_job_is_to_be_resumed_from_is_kept(api: Api) -> None:
    job, other = await api.plane.run(1) + [await api.plane.create("other")]
    older, newest = await api.kept(job, 2)
    await api.plane.bring(PROJECT, other, (await api.show(older))["path"])
    assert f"job {other} is to be resumed from it" in (await api.delete(older, status=409))["error_msg"]
    assert await api.sweep(most=1, max_age=timedelta(0)) == 0
    await api.resume(other)
    assert (await api.show(older))["needed_by"] == f"the latest run of job {other} was started from it"
    await api.plane.edit.delete(PROJECT, [job])
    assert await api.sweep(most=1, max_age=timedelta(0)) == 1, "the newest of a job that is gone"
    assert {each["id"] for each in await api.listed(job_id=job)} == {older} != {newest}
    await api.plane.stop_and_wait([other])
    assert await api.sweep(most=1, max_age=timedelta(0)) == 1


async def test_who_needs_a_savepoint_is_found_by_indexes(api: Api) -> None:
    asked = catalogue._whole(clock()).compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    async with api.plane.db.read() as connection:
        plan = await connection.execute(text(f"EXPLAIN QUERY PLAN {asked}"))
        steps = [row.detail for row in plan]
    assert [step for step in steps if step.startswith("SCAN")] == ["SCAN savepoints"]


async def test_force_removes_what_is_needed(api: Api) -> None:
    (job,) = await api.plane.run()
    (savepoint,) = await api.kept(job)
    place = await api.place(savepoint)
    gone = await api.delete(savepoint, force=True)
    assert not place.exists()
    assert (gone["needed"], gone["needed_by"]) == (False, "")


async def test_removing_again_changes_nothing_and_is_told_once(api: Api) -> None:
    (job,) = await api.plane.run()
    (savepoint,) = await api.kept(job)
    gone = await api.delete(savepoint, force=True)
    assert await api.delete(savepoint) == gone
    assert len(await api.told("savepoint_removed")) == 1


@pytest.mark.parametrize("left", ["nothing", "an empty directory", "some files and _metadata"])
async def test_a_removal_that_was_cut_off_is_completed_by_the_next(api: Api, left: str) -> None:
    (job,) = await api.plane.run()
    older, _ = await api.kept(job, 2)
    place = await api.place(older)
    if left == "some files and _metadata":
        (place / "part-1").write_bytes(b"state")
    else:
        (place / "_metadata").unlink()
    if left == "nothing":
        place.rmdir()
    assert (await api.show(older))["removed_at"] is None
    assert (await api.delete(older))["removed_at"] is not None
    assert not place.exists()
    assert len(await api.told("savepoint_removed")) == 1


async def test_a_crash_between_the_files_and_the_row_leaves_the_row_to_the_next(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = await api.plane.run()
    older, _ = await api.kept(job, 2)
    place = await api.place(older)

    async def crash(*_: object) -> None:
        raise ConnectionError("the power is gone")

    with monkeypatch.context() as crashing:
        crashing.setattr("sluiceway.control.savepoints.catalogue.removed", crash)
        with pytest.raises(ConnectionError):
            await Savepoints(api.plane.db, api.plane.storage, clock).delete(PROJECT, older, force=False, who="somebody")
    assert not place.exists()
    assert (await api.show(older))["removed_at"] is None
    assert await api.sweep(most=1) == 1
    assert (await api.show(older))["removed_at"] is not None


async def test_what_lies_outside_of_the_root_is_never_removed(api: Api, tmp_path: Path) -> None:
    (job,) = await api.plane.run()
    older, _ = await api.kept(job, 2)
    place = await api.place(older)
    outside = tmp_path / "outside" / "savepoint-1"
    shutil.copytree(place, outside)
    link = place.with_name("savepoint-link")
    link.symlink_to(outside)
    place.parent.joinpath("linked").symlink_to(outside.parent)
    dotted = f"{api.plane.storage.uri.removeprefix('file://')}/../outside/savepoint-1"
    for path in (outside, dotted, link, place.parent / "linked" / "savepoint-1"):
        await api.move(older, f"file://{path}")
        refused = await api.delete(older, status=409, force=True)
        assert refused["error_code"] == "savepoint_unremovable"
        assert await api.sweep(most=1, max_age=timedelta(0)) == 0
        assert (outside / "_metadata").is_file()
    assert (await api.show(older))["removed_at"] is None


async def test_what_is_no_savepoint_is_not_removed(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path / "root"))
    place = tmp_path / "root" / "jobs" / "savepoint" / "7"
    (place / "savepoint-1").mkdir(parents=True)
    (place / "savepoint-1" / "_metadata").write_bytes(b"")
    for path in (place, place.parent, place / "savepoint-1" / "_metadata"):
        with pytest.raises(NotASavepoint):
            await storage.remove(str(path))
    assert (place / "savepoint-1" / "_metadata").is_file()


async def test_a_root_that_is_not_mounted_proves_nothing(api: Api, tmp_path: Path) -> None:
    (job,) = await api.plane.run()
    older, _ = await api.kept(job, 2)
    root = tmp_path / "storage"
    root.rename(tmp_path / "elsewhere")
    root.mkdir()
    for refused in (await api.delete(older, status=503), await api.verify(older, status=503)):
        assert refused["error_code"] == "storage_unreadable"
        assert "is empty; is it mounted?" in refused["error_msg"]
    assert await api.sweep(most=1) == 0
    root.rmdir()
    (tmp_path / "elsewhere").rename(root)
    shown = await api.show(older)
    assert (shown["fault"], shown["removed_at"]) == ("", None)
    assert await api.sweep(most=1) == 1


async def test_metadata_goes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = Storage(str(tmp_path))
    place = tmp_path / "jobs" / "savepoint-1"
    (place / "a-directory").mkdir(parents=True)
    for name in ("_metadata", "a", "z", "a-directory/b"):
        (place / name).write_bytes(b"")

    def full(*_: object, **__: object) -> None:
        raise PermissionError("no")

    with monkeypatch.context() as broken:
        broken.setattr("shutil.rmtree", full)
        with pytest.raises(StorageUnreadable):
            await storage.remove(str(place))
    assert (place / "_metadata").is_file()
    await storage.remove(str(place))
    assert not place.exists()


# Retention. ----------------------------------------------------------------------------------------------------------


async def test_retention_keeps_so_many_of_each_job(api: Api) -> None:
    first, second = await api.plane.run(2)
    mine, theirs = await api.kept(first, 4), await api.kept(second, 1)
    assert await api.sweep(most=2) == 2
    assert {each["id"] for each in await api.listed()} == {*mine[2:], *theirs}
    assert [who for _, who, _ in await api.told("savepoint_removed")] == ["retention"] * 2
    assert await api.sweep(most=2) == 0


async def test_retention_by_age_never_takes_one_that_is_needed(api: Api) -> None:
    stopped, running = await api.plane.run(2)
    mine, theirs = await api.kept(stopped, 3), await api.kept(running, 2)
    await api.resume(running)
    assert await api.sweep(max_age=timedelta(hours=1)) == 0
    await asyncio.sleep(0.002)
    assert await api.sweep(max_age=timedelta(0)) == 3
    assert {each["id"] for each in await api.listed()} == {mine[-1], theirs[-1]}
    for savepoint in (mine[-1], theirs[-1]):
        assert (await api.verify(savepoint))["whole"]


async def test_without_a_setting_everything_is_kept(api: Api) -> None:
    (job,) = await api.plane.run()
    await api.kept(job, 2)
    assert await api.sweep() == 0


async def test_two_services_sweep_at_once_and_each_savepoint_is_told_of_once(api: Api) -> None:
    (job,) = await api.plane.run()
    await api.kept(job, 5)
    await asyncio.gather(*(api.sweep(most=1) for _ in range(4)))
    await api.sweep(most=1)
    assert len(await api.listed()) == 1
    details = [detail for _, _, detail in await api.told("savepoint_removed")]
    assert len(details) == len(set(details)) == 4
    async with api.plane.db.read() as connection:
        assert len(list(await connection.execute(select(schema.savepoints)))) == 5


async def test_the_service_sweeps_as_it_is_set(api: Api) -> None:
    (job,) = await api.plane.run()
    older, newest = await api.kept(job, 2)
    place = await api.place(older)
    async with sweeping(Settings(), api.plane.db, api.plane.storage):
        assert "retention" not in {task.get_name() for task in asyncio.all_tasks()}
    async with sweeping(Settings(savepoints_kept=1), api.plane.db, api.plane.storage):
        await api.plane.eventually(lambda: not place.exists())
    assert "retention" not in {task.get_name() for task in asyncio.all_tasks()}
    assert newest in {each["id"] for each in await api.listed()}


# What Flink owns. ----------------------------------------------------------------------------------------------------


async def test_what_flink_owns_is_neither_removed_nor_lent(api: Api) -> None:
    api.plane.fake.options["state.changelog.enabled"] = "true"  # of the cluster: the job itself says nothing
    job, other = await api.plane.run(2)
    [first] = await api.kept(job)
    await api.kept(other)
    await api.resume(job)
    [(told, _, detail)] = await api.told("savepoint_claimed")
    path = (await api.show(first))["path"]
    assert (told, path in detail) == (job, True)
    assert f"Flink owns it since job {job} was resumed" in (await api.show(first))["needed_by"]
    assert await api.sweep(max_age=timedelta(0)) == 0
    await api.delete(first, 409)
    assert "Stop that job first" in (await api.delete(first, 409, force=True))["error_msg"]
    with pytest.raises(UnusablePath, match="claim mode"):
        await api.plane.bring(PROJECT, other, path)

    await api.plane.stop_and_wait([job])
    assert await api.sweep(max_age=timedelta(0)) == 0, "what it kept since may be made of its files"
    (await api.place(first) / "_metadata").unlink()
    assert "Flink owns it" in (await api.verify(first))["savepoint"]["fault"]


async def test_a_job_without_a_changelog_is_resumed_as_ever(api: Api) -> None:
    [job] = await api.plane.run()
    await api.kept(job, 2)
    assert await api.told("savepoint_claimed") == []
    assert api.plane.fake.count("cluster_config") == 1, "asked where a job is resumed, and nowhere else"
