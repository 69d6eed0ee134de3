"""Savepoints of others: registered by their path, kept as asked, and resumed from where somebody means to."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.support.flink.handles import file, key_groups, subtask
from tests.support.services.native_api import Api, native_api
from tests.support.services.plane import PROJECT

from sluiceway.assembly.clock import clock
from sluiceway.domain.job import JobStatus
from sluiceway.reconcile.sweep import Sweeper
from sluiceway.storage import savepoints
from sluiceway.storage.savepoints import Storage
from sluiceway.testing.fake_metadata import metadata, operator

Shown = dict[str, Any]


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with native_api(tmp_path) as made:
        yield made


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A bucket that somebody else writes to."""
    place = tmp_path / "storage" / "archive"
    place.mkdir(parents=True)
    return place


def of_others(place: Path, *, hours: float = 0.0, state: bytes = b"abc", **fields: Any) -> Path:
    """A savepoint with one file of state, which was written so long ago."""
    place.mkdir(parents=True)
    counted = operator(subtasks=[subtask(keyed=key_groups(file(str(place / "state"), 3), 12))], name="count[1]")
    (place / "_metadata").write_bytes(metadata(operators=[counted], **fields))
    (place / "state").write_bytes(state)
    at = (datetime.now(UTC) - timedelta(hours=hours)).timestamp()
    os.utime(place / "_metadata", (at, at))
    return place


async def register(api: Api, path: object, job: int, status: int = 200, **how: Any) -> Shown:
    url = f"/api/v1/projects/{PROJECT}/savepoints/register"
    answer = await api.http.post(url, json={"path": str(path), "job_id": job, **how})
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def listed(api: Api, **query: Any) -> list[Shown]:
    answer = await api.http.get(f"/api/v1/projects/{PROJECT}/savepoints", params=query)
    return list(answer.json()["savepoints"])


async def told(api: Api, *kinds: str) -> list[tuple[str, int | None, str, str]]:
    events = await api.plane.queries.events(PROJECT, 0, 1000)
    return [(event.kind, event.job_id, event.who, event.detail) for event in events if event.kind in kinds]


async def resumed(api: Api, job: int) -> str | None:
    await api.post("resumes", job_ids=[job])
    await api.plane.until(job, JobStatus.RUNNING)
    return await api.restored(job)


async def test_a_job_that_has_no_state_begins_from_one_that_is_registered(api: Api, archive: Path) -> None:
    job = await api.plane.create("moved-here")
    place = of_others(archive / "savepoint-1", hours=3)
    answer = await register(api, "obs://archive/savepoint-1/_metadata", job)
    assert (answer["path"], answer["kind"], answer["format"]) == (f"file://{place}", "savepoint", "canonical")
    assert (answer["fresh"], answer["chosen"], answer["whole"], answer["newer"]) == (True, True, True, [])
    assert (answer["run_id"], answer["protected"], answer["protected_until"]) == (None, True, None)
    assert [(one["name"], one["bytes"]) for one in answer["contents"]["operators"]] == [("count[1]", 3)]
    [row] = await listed(api, job_id=job)
    assert (row["id"], row["path"], row["kind"]) == (answer["id"], answer["path"], "savepoint")
    assert (row["verified_at"], row["fault"], row["needed"]) == (row["registered_at"], "", True)
    assert await told(api, "savepoint_registered", "savepoint_imported") == [
        (kind, job, "local", answer["path"]) for kind in ("savepoint_registered", "savepoint_imported")
    ]

    [look] = (await api.post("resumes", job_ids=[job], dry_run=True))["jobs"]
    back = look["way_back"]
    assert (back["path"], back["kind"], back["source"], back["whole"]) == (row["path"], "savepoint", "chosen", True)
    assert back["age_seconds"] == pytest.approx(3 * 3600, abs=300)
    assert back.get("run_id") is None
    assert "fit" in back
    assert await resumed(api, job) == row["path"]


async def test_an_older_one_says_what_it_goes_back_behind_and_is_taken_when_it_is_named(
    api: Api, archive: Path
) -> None:
    [job] = await api.plane.run()
    (kept,) = [view["savepoint"] for view in (await api.stopped(job))["jobs"]]
    place = of_others(archive / "chk-7", hours=5.5)
    shown = await register(api, place, job, dry_run=True)
    assert (shown["id"], shown["dry_run"]) == (None, True)
    assert [row["path"] for row in await listed(api)] == [kept], "a dry run stores nothing"

    answer = await register(api, place, job)
    assert (answer["kind"], answer["format"], answer["chosen"]) == ("checkpoint", "canonical", False)
    assert [one["path"] for one in answer["newer"]] == [kept]
    assert answer["behind_seconds"] == pytest.approx(5.5 * 3600, abs=300)
    assert "It is 5 h" in answer["message"]
    assert kept in answer["message"]
    assert {**answer, "id": None, "dry_run": True} == {**shown, "behind_seconds": answer["behind_seconds"]}
    needs = {row["path"]: row["needed_by"] for row in await listed(api)}
    assert needs[kept] == f"job {job} was stopped with it", "what was made here is still needed"
    assert await resumed(api, job) == kept, "nobody has named the older one"

    await api.stopped(job)
    named = await register(api, place, job, choose=True)
    assert (named["chosen"], named["fresh"], len(named["newer"])) == (True, False, 2)
    assert await resumed(api, job) == answer["path"]


async def test_a_checkpoint_that_a_failed_run_has_left_is_newer_too(api: Api, archive: Path) -> None:
    [job] = await api.plane.run()
    jid = await api.plane.flink_id(job)
    api.plane.fake.fail(jid)
    await api.plane.until(job, JobStatus.FAILED)
    left = Path(api.plane.storage.checkpoints(None, job).removeprefix("file://")) / jid / "chk-4"
    of_others(left, hours=1)
    answer = await register(api, of_others(archive / "savepoint-1", hours=2), job)
    assert [(one["path"], one["kind"]) for one in answer["newer"]] == [(f"file://{left}", "checkpoint")]
    assert not answer["chosen"]
    its_own = await register(api, left, job)
    assert (its_own["chosen"], its_own["newer"]) == (True, [])
    assert its_own["run_id"] is not None, "a run of ours has made it"


async def test_registered_twice_it_is_there_once_and_kept_as_was_asked_last(api: Api, archive: Path) -> None:
    job = await api.plane.create("moved-here")
    place = of_others(archive / "savepoint-1")
    first = await register(api, place, job, keep_seconds=60)
    again = await register(api, place, job, protect=False)
    assert (first["id"], first["fresh"], again["fresh"]) == (again["id"], True, False)
    [row] = await listed(api)
    assert (row["protected"], row["protected_until"]) == (False, None)
    assert len(await told(api, "savepoint_registered")) == 1
    assert first["protected_until"] is not None


async def test_retention_takes_only_what_was_put_under_it(api: Api, archive: Path) -> None:
    [job] = await api.plane.run()
    (kept,) = [view["savepoint"] for view in (await api.stopped(job))["jobs"]]
    sweep = Sweeper(api.plane.db, api.plane.storage, lambda: clock() + timedelta(hours=2), timedelta(hours=1), 1).sweep
    await register(api, of_others(archive / "for-good", hours=9), job)
    await register(api, of_others(archive / "a-day", hours=9), job, keep_seconds=86_400)
    await register(api, of_others(archive / "an-hour", hours=9), job, keep_seconds=3600)
    await register(api, of_others(archive / "not-at-all", hours=9), job, protect=False)
    assert await sweep() == 2
    assert {Path(row["path"]).name for row in await listed(api)} == {"for-good", "a-day", Path(kept).name}
    [refused] = [row for row in await listed(api) if row["path"].endswith("for-good")]
    answer = await api.http.delete(f"/api/v1/projects/{PROJECT}/savepoints/{refused['id']}")
    assert (answer.status_code, answer.json()["error_code"]) == (409, "savepoint_needed")
    assert "protected" in answer.json()["error_msg"]


async def test_one_that_is_put_under_retention_ages_from_then_on(api: Api, archive: Path) -> None:
    job = await api.plane.create("moved-here")
    await register(api, of_others(archive / "old", hours=1000), job, protect=False, choose=False)
    assert await Sweeper(api.plane.db, api.plane.storage, clock, timedelta(hours=1), None).sweep() == 0


async def test_what_cannot_be_registered_says_why(
    api: Api, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await api.plane.create("moved-here")

    async def refused(path: object, status: int = 400, job_id: int = job, **how: Any) -> tuple[str, str]:
        answer = await register(api, path, job_id, status, **how)
        return answer["error_code"], answer["error_msg"]

    whole = of_others(archive / "whole")
    short = of_others(archive / "short", state=b"a")
    (archive / "app.jar").write_bytes(b"PK")
    (archive / "link").symlink_to(whole)
    outside = of_others(tmp_path / "elsewhere" / "savepoint-1")
    code, text = await refused(archive / "none")
    assert (code, "no _metadata" in text) == ("no_whole_savepoint", True)
    code, text = await refused(short)
    assert (code, f"{short}/state has 1 bytes" in text) == ("no_whole_savepoint", True), "what is missing is named"
    assert (await refused(archive / "app.jar"))[0] == "no_whole_savepoint"
    assert (await refused(archive / "link"))[0] == "unusable_path"
    assert (await refused(outside))[0] == "unusable_path"
    assert (await refused("obs://archive/../x"))[0] == "unusable_path"
    assert (await refused(whole, 404, 99))[0] == "unknown_job"
    assert (await refused(whole, keep_seconds=5, protect=False))[0] == "bad_request"
    monkeypatch.setattr(savepoints, "LARGEST", 10)
    code, text = await refused(whole)
    assert (code, "10 are read at most" in text) == ("savepoint_too_large", True)
    assert await listed(api) == []


async def test_it_is_not_chosen_for_a_job_that_runs(api: Api, archive: Path) -> None:
    [job] = await api.plane.run()
    place = of_others(archive / "savepoint-1")
    assert (await register(api, place, job, 409, choose=True))["error_code"] == "job_may_run"
    answer = await register(api, place, job)
    assert (answer["chosen"], "The job is running" in answer["message"]) == (False, True)


async def test_a_state_belongs_to_one_job_and_stays_in_its_project(api: Api, archive: Path, tmp_path: Path) -> None:
    first, second = [await api.plane.create(name) for name in ("first", "second")]
    place = of_others(archive / "savepoint-1")
    taken = await register(api, place, first)
    answer = await register(api, place, second, 409)
    assert answer["error_code"] == "savepoint_of_another_job"
    assert f"is savepoint {taken['id']} of job {first}" in answer["error_msg"]
    assert "sluiceway savepoints choose" in answer["error_msg"]
    chosen = {"savepoint_path": str(place)}
    way_out = await api.http.post(f"/v1.0/{PROJECT}/streaming/jobs/{second}/import-savepoint", json=chosen)
    assert way_out.status_code == 200, "a job may be started from it all the same"
    assert [row["job_id"] for row in await listed(api)] == [first], "which keeps it"

    theirs = await api.plane.create("theirs", project="other")
    asked = {"path": str(place), "job_id": theirs}
    refused = await api.http.post("/api/v1/projects/other/savepoints/register", json=asked)
    assert (refused.status_code, refused.json()["error_code"]) == (400, "unusable_path"), "another project has it"

    in_its_directory = tmp_path / "storage" / "jobs" / "savepoint" / str(first) / "savepoint-2"
    assert (await register(api, of_others(in_its_directory), second, 409))["error_code"] == "savepoint_of_another_job"

    await api.plane.edit.delete(PROJECT, [first])
    moved = await register(api, place, second)
    assert (moved["id"], moved["fresh"], moved["chosen"]) == (taken["id"], True, True), "its job is gone"
    assert [row["job_id"] for row in await listed(api)] == [second]


async def test_an_import_through_dli_says_what_it_goes_back_behind(api: Api, archive: Path) -> None:
    [job] = await api.plane.run()
    of_others(archive / "savepoint-1", hours=26.5)
    (kept,) = [view["savepoint"] for view in (await api.stopped(job))["jobs"]]

    async def imported(path: str, language: str = "en-us") -> str:
        url = f"/v1.0/{PROJECT}/streaming/jobs/{job}/import-savepoint"
        answer = await api.http.post(url, json={"savepoint_path": path}, headers={"X-Language": language})
        assert answer.status_code == 200, answer.text
        assert set(answer.json()) == {"message", "is_success"}
        return str(answer.json()["message"])

    older = await imported("archive/savepoint-1/")
    assert "It is 1 d 2 h older than the newest state" in older
    assert kept in older
    assert f"最新状态 {kept}" in await imported("archive/savepoint-1/", "zh-cn")
    assert "older" not in await imported(kept)


# Under a root that is only read. -------------------------------------------------------------------------------------


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Where another service had its states."""
    place = tmp_path / "old"
    place.mkdir()
    return place


@pytest.fixture
async def beside(tmp_path: Path, old: Path) -> AsyncIterator[Api]:
    """A service that reads there."""
    async with native_api(tmp_path, storage=Storage(str(tmp_path / "storage"), further=[str(old)])) as made:
        yield made


def contents(place: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in place.rglob("*") if path.is_file()}


async def dry_run(api: Api, job: int) -> Shown:
    [look] = (await api.post("resumes", job_ids=[job], dry_run=True))["jobs"]
    return dict(look)


async def test_a_job_goes_on_from_a_state_that_lies_elsewhere(beside: Api, old: Path) -> None:
    job, second = [await beside.plane.create(name) for name in ("moved-here", "imported")]
    place = of_others(old / "savepoint-1", hours=3)
    before = contents(old)
    answer = await register(beside, f"file:{place}/_metadata", job)
    assert (answer["path"], answer["fresh"], answer["chosen"]) == (f"file://{place}", True, True)
    assert (answer["whole"], answer["protected"], answer["only_read"]) == (True, True, True)
    [row] = await listed(beside, job_id=job)
    assert (row["path"], row["verified_at"]) == (answer["path"], row["registered_at"])

    back = (await dry_run(beside, job))["way_back"]
    assert (back["path"], back["source"], back["whole"]) == (row["path"], "chosen", True)
    assert back["age_seconds"] == pytest.approx(3 * 3600, abs=300)
    assert await resumed(beside, job) == row["path"]

    url = f"/v1.0/{PROJECT}/streaming/jobs/{second}/import-savepoint"
    checkpoint = of_others(old / "orders" / "chk-9")
    imported = await beside.http.post(url, json={"savepoint_path": str(checkpoint)})
    assert imported.status_code == 200, imported.text
    assert await resumed(beside, second) == f"file://{checkpoint}"
    assert {path: content for path, content in contents(old).items() if path in before} == before


async def test_a_state_that_has_become_damaged_elsewhere_is_not_resumed_from(beside: Api, old: Path) -> None:
    job = await beside.plane.create("moved-here")
    row = await register(beside, of_others(old / "savepoint-1"), job)
    of_others(old / "savepoint-2")
    (old / "savepoint-1" / "state").unlink()
    look = await dry_run(beside, job)
    assert (look["accepted"], look["way_back"]["whole"]) == (False, False)
    assert f"{old}/savepoint-1/state is missing" in str(look)
    verified = await beside.post(f"savepoints/{row['id']}/verify", 200)
    assert (verified["whole"], verified["wrong"]) == (False, [f"{old}/savepoint-1/state is missing"])


async def test_nothing_is_removed_elsewhere_before_it_is_gone_there(beside: Api, old: Path) -> None:
    job = await beside.plane.create("moved-here")
    place = of_others(old / "savepoint-1")
    of_others(old / "savepoint-2")
    row = await register(beside, place, job, protect=False, choose=False)
    before = contents(old)
    later = Sweeper(beside.plane.db, beside.plane.storage, lambda: clock() + timedelta(2), timedelta(1), 1)
    with capture_logs() as logs:
        assert (await later.sweep(), await later.sweep()) == (0, 0)
    assert [line["event"] for line in logs] == ["savepoint_not_removed"], "it is told once"
    assert "which this service only reads (--read-root)" in logs[0]["why"]
    url = f"/api/v1/projects/{PROJECT}/savepoints/{row['id']}"
    for force in ("false", "true"):
        refused = await beside.http.delete(url, params={"force": force})
        assert (refused.status_code, refused.json()["error_code"]) == (409, "savepoint_unremovable")
        assert "Remove it where it lies, and then here" in refused.json()["error_msg"]
    assert contents(old) == before
    assert [one["removed_at"] for one in await listed(beside)] == [None]

    (place / "_metadata").unlink()
    gone = await beside.http.delete(url)
    assert (gone.status_code, gone.json()["removed_at"] is not None) == (200, True), gone.text
    assert len(await told(beside, "savepoint_removed")) == 1


async def test_what_lies_under_no_root_is_refused_as_before(beside: Api, old: Path, tmp_path: Path) -> None:
    job = await beside.plane.create("moved-here")
    outside = of_others(tmp_path / "elsewhere" / "savepoint-1")
    (old / "link").symlink_to(outside)
    (old / "savepoint-1").mkdir()
    (old / "savepoint-1" / "_metadata").symlink_to(outside / "_metadata")
    (old / "down").symlink_to(tmp_path / "storage")
    theirs = of_others(tmp_path / "storage/jobs/savepoint/99/savepoint-1")
    ways = (outside, f"{old}/../elsewhere/savepoint-1", f"file://{old}/x/../../elsewhere/savepoint-1")
    for path in (*ways, old, f"s3:/{outside}"):
        answer = await register(beside, path, job, 400)
        assert answer["error_code"] == "unusable_path"
        assert f"under file://{tmp_path}/storage, or under file://{old}, which is only read" in answer["error_msg"]
    for path in ("link", "link/_metadata", "savepoint-1", "down/jobs/savepoint/99/savepoint-1"):
        answer = await register(beside, old / path, job, 400)
        assert answer["error_code"] == "unusable_path"
        assert "links under the read root are not followed" in answer["error_msg"]
    for path in (theirs, f"{old}/../storage/jobs/savepoint/99/savepoint-1"):
        assert "does not belong to a job of this project" in (await register(beside, path, job, 400))["error_msg"]
    assert await listed(beside) == []


async def test_what_a_stop_of_another_project_wrote_there_is_not_anybodys(beside: Api, old: Path) -> None:
    [job] = await beside.plane.run()
    stop = await beside.stop(job_ids=[job], target=f"file://{old}/stops")
    [kept] = [view["savepoint"] for view in (await beside.settled(stop["id"]))["jobs"]]
    assert kept.startswith(f"file:{old}/stops"), "as Flink tells it: stops go by the storage root alone"
    second, stranger = await beside.plane.create("second"), await beside.plane.create("theirs", project="other")
    asked = {"path": kept, "job_id": stranger}
    refused = await beside.http.post("/api/v1/projects/other/savepoints/register", json=asked)
    assert (refused.status_code, refused.json()["error_code"]) == (400, "unusable_path"), refused.text
    assert (await register(beside, kept, second, 409))["error_code"] == "savepoint_of_another_job"
    assert (await dry_run(beside, job))["way_back"]["whole"] is True, "but it can be looked at on the way back"
    assert await resumed(beside, job) == kept


async def test_no_savepoint_of_a_running_job_is_asked_for_there(beside: Api, old: Path) -> None:
    [job] = await beside.plane.run()
    body = {"job_ids": [job], "target": str(old / "x")}
    asked = await beside.http.post(f"/api/v1/projects/{PROJECT}/savepoints", json=body)
    assert (asked.status_code, asked.json()["error_code"]) == (400, "unusable_path"), asked.text
