"""A job's bucket decides where its state goes, on a disk and in an object store; and buckets are authorized."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from tests.support.doubles.places import Place, S3Place
from tests.support.doubles.s3_disk import S3Disk
from tests.support.services.native_api import Api, native_api
from tests.support.services.plane import PROJECT, Plane

from sluiceway.assembly.clock import clock
from sluiceway.domain.admission import Refusal
from sluiceway.domain.job import Job, JobDraft, JobStatus
from sluiceway.domain.operations.stop import StopPhase
from sluiceway.reconcile.sweep import Sweeper
from sluiceway.store import schema
from sluiceway.testing.fake_flink import FakeFlink
from sluiceway.testing.fake_metadata import metadata, written

AUTHORIZE = f"/v1.0/{PROJECT}/dli/obs-authorize"


@pytest.fixture
async def api(place: Place, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Api]:
    """Everything, over a fake Flink that writes to this place."""
    disk = S3Disk(request.getfixturevalue("object_store")) if isinstance(place, S3Place) else None
    async with FakeFlink(disk=disk) as fake, native_api(tmp_path, storage=place.storage, fakes={"c0": fake}) as made:
        yield made


@pytest.fixture
def at(api: Api) -> Plane:
    return api.plane


def with_bucket(bucket: str | None) -> Callable[[Job], JobDraft]:
    return lambda job: replace(job.draft, bucket=bucket)


async def kept(at: Plane, job: int, **options: Any) -> str:
    """Stop a job with a savepoint; where that lies."""
    batch = (await at.stop(PROJECT, [job], savepoint=True, **options)).id
    assert batch is not None
    (entry,) = await at.settled(batch)
    assert (entry.stop.phase, entry.stop.verified) == (StopPhase.STOPPED, True)
    assert entry.stop.savepoint_path is not None
    return entry.stop.savepoint_path


async def failed(at: Plane, job: int) -> None:
    """Let a job fail."""
    at.fake.fail(await at.flink_id(job))
    await at.until(job, JobStatus.FAILED)


async def resumed(at: Plane, job: int) -> str | None:
    """Start a job from its newest state; which that was."""
    (verdict,) = await at.start(PROJECT, [job], resume=True)
    assert verdict.accepted, verdict
    await at.until(job, JobStatus.RUNNING)
    return at.fake.jobs[await at.flink_id(job)].restored


# Where savepoints go. ------------------------------------------------------------------------------------------------


async def test_savepoints_go_to_the_bucket_of_their_job(at: Plane) -> None:
    (plain,) = await at.run(prefix="plain")
    (first,) = await at.run(prefix="first", bucket="data-1")
    (second,) = await at.run(prefix="second", bucket="data.2")
    uri = at.storage.uri
    assert (await kept(at, plain)).startswith(f"{uri}/jobs/savepoint/{plain}/20")
    assert (await kept(at, first)).startswith(f"{uri}/data-1/jobs/savepoint/{first}/20")
    assert (await kept(at, second)).startswith(f"{uri}/data.2/jobs/savepoint/{second}/20")


async def test_savepoints_of_running_jobs_go_there_too_and_are_resumed_from(at: Plane) -> None:
    plain, there = *await at.run(prefix="plain"), *await at.run(prefix="there", bucket="data-1")
    assert [verdict.accepted for verdict in await at.take(PROJECT, [plain, there])] == [True, True]
    places = [str((await at.until(job, JobStatus.RUNNING)).savepoint_path) for job in (plain, there)]
    uri = at.storage.uri
    assert places[0].startswith(f"{uri}/jobs/savepoint/{plain}/20")
    assert places[1].startswith(f"{uri}/data-1/jobs/savepoint/{there}/20")
    await failed(at, there)
    assert await resumed(at, there) == places[1]


async def test_what_is_brought_may_lie_in_a_bucket(at: Plane) -> None:
    (job,) = await at.run(bucket="data-1")
    assert (await at.take(PROJECT, [job], path="obs://nightly/a/"))[0].accepted
    older = str((await at.until(job, JobStatus.RUNNING)).savepoint_path)
    assert older.startswith(f"{at.storage.uri}/nightly/a/{job}/20")
    newer = await kept(at, job)
    for given, place in ((newer, newer), (f"obs://nightly{older.partition('/nightly')[2]}", older)):
        assert (await at.bring(PROJECT, job, given)).path == place
    assert await resumed(at, job) == older


async def test_a_stop_of_many_puts_each_into_its_own(at: Plane) -> None:
    jobs = [*await at.run(3, prefix="a", bucket="aaa"), *await at.run(3, prefix="b"), *await at.run(3, prefix="c")]
    for entry in await at.stop_and_wait(jobs):
        inside = "/aaa/jobs/" if entry.name.startswith("a-") else "/jobs/"
        assert entry.stop.root.startswith(f"{at.storage.uri}{inside}savepoint/{entry.job_id}/")
        assert entry.stop.verified


async def test_a_target_of_the_request_goes_before_the_bucket(at: Plane) -> None:
    (job,) = await at.run(bucket="data")
    target = f"{at.storage.uri}/elsewhere"
    assert (await kept(at, job, target=target)).startswith(f"{target}/{job}/20")


async def test_a_bucket_that_changes_is_that_of_the_next_stop(at: Plane) -> None:
    (job,) = await at.run(bucket="old-data")
    await at.edit.update(PROJECT, job, with_bucket("new-data"))
    first = await kept(at, job)
    assert f"{at.storage.uri}/new-data/jobs/savepoint/" in first
    assert await resumed(at, job) == first
    await at.edit.update(PROJECT, job, with_bucket(None))
    assert (await kept(at, job)).startswith(f"{at.storage.uri}/jobs/savepoint/")


async def test_a_stop_under_way_goes_on_where_it_began(at: Plane) -> None:
    (job,) = await at.run(bucket="old-data")
    at.fake.fault("any", "lose_request", times=None)
    batch = (await at.stop(PROJECT, [job], savepoint=True)).id
    assert batch is not None
    await at.edit.update(PROJECT, job, with_bucket("new-data"))
    at.fake.clear_faults()
    (entry,) = await at.settled(batch)
    assert "/old-data/jobs/savepoint/" in str(entry.stop.savepoint_path)


# Where checkpoints are looked for. -----------------------------------------------------------------------------------


async def test_a_run_remembers_where_its_checkpoints_are(at: Plane, place: Place) -> None:
    (job,) = await at.run(bucket="old-data")
    run = await at.flink_id(job)
    await at.edit.update(PROJECT, job, with_bucket("new-data"))
    place.put(f"old-data/jobs/checkpoint/{job}/{run}/chk-7/_metadata", metadata(checkpoint_id=7))
    place.put(f"new-data/jobs/checkpoint/{job}/{run}/chk-9/_metadata", metadata(checkpoint_id=9))
    await failed(at, job)
    assert await resumed(at, job) == f"{at.storage.uri}/old-data/jobs/checkpoint/{job}/{run}/chk-7"
    run = await at.flink_id(job)
    place.put(f"new-data/jobs/checkpoint/{job}/{run}/chk-8/_metadata", metadata(checkpoint_id=8))
    await failed(at, job)
    assert await resumed(at, job) == f"{at.storage.uri}/new-data/jobs/checkpoint/{job}/{run}/chk-8"


async def test_a_run_of_an_older_version_has_its_checkpoints_beside_all_buckets(at: Plane, place: Place) -> None:
    (job,) = await at.run()
    run = await at.flink_id(job)
    async with at.db.write() as connection:
        await connection.execute(update(schema.runs).values(checkpoints=None))
    await at.edit.update(PROJECT, job, with_bucket("data"))
    place.put(f"jobs/checkpoint/{job}/{run}/chk-3/_metadata", metadata(checkpoint_id=3))
    await failed(at, job)
    assert await resumed(at, job) == f"{at.storage.uri}/jobs/checkpoint/{job}/{run}/chk-3"


async def test_checkpoints_of_another_root_are_not_taken_for_none(at: Plane) -> None:
    """An older state than the newest would undo work, and nobody would notice."""
    (job,) = await at.run()
    before = await kept(at, job)
    assert await resumed(at, job) == before
    async with at.db.write() as connection:
        await connection.execute(update(schema.runs).values(checkpoints="file:///before/jobs/checkpoint/1"))
    await failed(at, job)
    (verdict,) = await at.start(PROJECT, [job], resume=True)
    assert verdict.refusal is Refusal.UNREADABLE
    assert "is not under the storage root" in verdict.note


# What becomes of savepoints. -----------------------------------------------------------------------------------------


async def test_a_savepoint_is_verified_used_and_removed_wherever_it_lies(api: Api, at: Plane, place: Place) -> None:
    (job,) = await at.run(bucket="data")
    path = await kept(at, job)
    (found,) = (await api.get("savepoints"))["savepoints"]
    assert (found["path"], found["bytes"]) == (path, len(written(1, of_stop=True)))
    assert (await api.post(f"savepoints/{found['id']}/verify", 200))["whole"]
    assert await resumed(at, job) == path
    second = await kept(at, job)
    assert (await api.http.delete(f"/api/v1/projects/{PROJECT}/savepoints/{found['id']}")).status_code == 200
    (left,) = place.everything()
    assert f"{at.storage.uri}/{left}" == f"{second}/_metadata"


async def test_retention_reaches_every_bucket(api: Api, at: Plane, place: Place) -> None:
    (job,) = await at.run(bucket="old-data")
    await kept(at, job)
    await at.edit.update(PROJECT, job, with_bucket("new-data"))
    await resumed(at, job)
    second = await kept(at, job)
    await resumed(at, job)
    third = await kept(at, job)
    assert await Sweeper(at.db, at.storage, clock, None, 2).sweep() == 1
    assert {f"{at.storage.uri}/{key}" for key in place.everything()} == {f"{second}/_metadata", f"{third}/_metadata"}


async def test_a_missing_savepoint_is_never_a_success(at: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flink says that it lies there, and storage shows nothing."""
    (job,) = await at.run(bucket="data")
    monkeypatch.setattr(at.fake._disk, "complete", lambda folder, _, **__: folder)
    (entry,) = await at.stop_and_wait([job])
    assert not entry.stop.verified


async def test_what_cannot_be_read_is_not_verified_until_it_can(
    api: Api, at: Plane, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = await at.run(bucket="data")
    with monkeypatch.context() as patched:
        place.fails(patched)
        (entry,) = await at.stop_and_wait([job])
    assert (entry.stop.phase, entry.stop.verified) == (StopPhase.STOPPED, False), "Flink has said where it is"
    (found,) = (await api.get("savepoints"))["savepoints"]
    assert (await api.post(f"savepoints/{found['id']}/verify", 200))["whole"]


# Authorizing. --------------------------------------------------------------------------------------------------------


async def test_a_bucket_is_authorized_as_often_as_one_likes(api: Api) -> None:
    for _ in range(2):
        answer = await api.http.post(AUTHORIZE, json={"obs_buckets": ["data", "data", "more"]})
        assert (answer.status_code, answer.json()["is_success"]) == (200, "true"), "a text, for GO"
    told = [event for event in (await api.get("events"))["events"] if event["kind"] == "bucket_authorized"]
    assert [event["detail"] for event in told] == ["data", "more"] * 2
    assert {event["who"] for event in told} == {"local"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "DLI.19004"),
        ({"obs_buckets": None}, "DLI.19004"),
        ({"obs_buckets": []}, "DLI.19004"),
        ({"obs_buckets": ["data", "../etc"]}, "DLI.11011"),
        ({"obs_buckets": ["jobs"]}, "DLI.11011"),
        ({"obs_buckets": [""]}, "DLI.11011"),
        ({"obs_buckets": "data"}, "DLI.0001"),
        ({"obs_buckets": [1]}, "DLI.0001"),
        ({"obs_buckets": [f"data-{n}" for n in range(101)]}, "DLI.0001"),
    ],
)
async def test_what_is_no_bucket_is_not_authorized(api: Api, body: Any, code: str) -> None:
    answer = await api.http.post(AUTHORIZE, json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)
    assert "bucket_authorized" not in {event["kind"] for event in (await api.get("events"))["events"]}


async def test_a_job_needs_no_authorized_bucket(api: Api) -> None:
    job = {"name": "orders", "sql_body": "INSERT INTO a SELECT 1", "obs_bucket": "data", "checkpoint_enabled": True}
    answer = await api.http.post(f"/v1.0/{PROJECT}/streaming/sql-jobs", json=job)
    assert answer.status_code == 200
    stored = await api.plane.job(answer.json()["job"]["job_id"])
    assert stored.draft.bucket == "data"
