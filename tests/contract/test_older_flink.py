"""A Flink 1.20 beside the one that was installed: what a stop rests on, application clusters, and SQL that it plans.

The whole contract runs against any version: see `docs/reference/flink-versions.md`. This is what always does.
"""

import asyncio
import functools
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from tests.contract.applications import Application, goes_with_its_job
from tests.contract.clusters import Cluster, RealPlace, fresh_id, is_ready
from tests.support.flink.application import started
from tests.support.flink.real import RealFlink

from sluiceway.domain.facts import Acknowledged, JobState, Submitted
from sluiceway.domain.job import JobSpec
from sluiceway.domain.observed import AttemptCompleted, AttemptFailed, NoSuchJob
from sluiceway.domain.place import Place
from sluiceway.domain.run import Run, RunPhase
from sluiceway.engines.jobmanager.jobmanagers import JobManagers
from sluiceway.engines.planning.distributions import Distribution, Distributions
from sluiceway.engines.planning.planner import PlannerJvm
from sluiceway.engines.planning.planners import Planners
from sluiceway.engines.planning.submit import SqlSubmitter

pytestmark = pytest.mark.real
VERSION = "1.20.5"
SQL = (
    "CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');"
    "CREATE TABLE b (n BIGINT, c BIGINT) WITH ('connector' = 'blackhole');"
    "INSERT INTO b SELECT n, COUNT(*) FROM s GROUP BY n;"
)


@pytest.fixture
async def old(old_flink: RealFlink, tmp_path: Path) -> AsyncIterator[Cluster]:
    async with aiohttp.ClientSession() as session:
        yield Cluster(RealPlace(old_flink), session, tmp_path)


async def test_its_stops_fail_and_succeed_as_those_of_the_newest(old: Cluster) -> None:
    assert (await old.rest.overview()).flink_version == VERSION
    running, unsaved, ended = [await old.run(old.place.restarting) for _ in range(3)]
    [batch] = [await old.run(old.place.batch, ready=False)]
    assert isinstance(await old.rest.cancel(fresh_id()), NoSuchJob)
    assert isinstance((await old.stop(fresh_id()))[1], NoSuchJob)
    assert isinstance((await old.stop(unsaved, "file:///dev/null/no"))[1], AttemptFailed)
    assert await old.rest.job_state(unsaved) is JobState.RUNNING
    assert not await old.restarted(unsaved)
    assert await old.rest.checkpoint_config(batch) is None, "which tells a batch job here"
    for jid in (ended, unsaved, batch):
        assert await old.rest.cancel(jid) == Acknowledged()
    assert await old.ends(ended) is JobState.CANCELED
    trigger, attempt = await old.stop(running)
    assert isinstance(attempt, AttemptCompleted)
    assert await old.rest.stop(running, trigger=trigger, target=old.target(trigger)) == Acknowledged()
    assert await old.outcome(running, trigger) == attempt
    assert await old.ends(running) is JobState.FINISHED
    assert len(old.metadata(trigger)) == 1


def test_its_application_clusters_go_as_those_of_the_newest(old_flink: RealFlink, tmp_path: Path) -> None:
    with started(old_flink, tmp_path) as flink:
        at = Application(flink.url)
        goes_with_its_job(at, tmp_path / "savepoints")


async def test_its_sql_is_planned_by_its_own_version_and_resumed_from_its_savepoint(
    old: Cluster, older: Distributions, tmp_path: Path
) -> None:
    def make(flink: Distribution) -> PlannerJvm:
        return PlannerJvm(tmp_path / f"planner-{flink.version}", 512, flink=lambda: flink)

    planners = Planners(older, PlannerJvm(tmp_path / "planner", 512, flink=older.usual), make)
    submitter = SqlSubmitter(planners.of, JobManagers(old.session).version, tmp_path.as_uri())
    submit = functools.partial(_submit, submitter, old)
    try:
        first, restore = await submit(), None
        for _ in range(2):
            await old.until(first, is_ready)
            found = await old.rest.checkpoints(first)
            assert found is not None
            assert (found.latest.restored.external_path if found.latest.restored else None) == restore
            _, attempt = await old.stop(first)
            assert isinstance(attempt, AttemptCompleted)
            restore = attempt.location
            first = await submit(restore)
        assert await old.rest.cancel(first) == Acknowledged()
    finally:
        await asyncio.shield(planners.close())


async def _submit(submitter: SqlSubmitter, old: Cluster, restore: str | None = None) -> str:
    run = Run(1, 7, fresh_id(), RunPhase.SUBMITTING, restore=restore)
    answer = await submitter.submit(Place("old", old.place.url), run, "orders", JobSpec(SQL))
    assert isinstance(answer, Submitted), answer
    return run.flink_job_id
