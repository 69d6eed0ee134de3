"""What the fake Flink does beyond the contract's shared tests: losses, faults and scale."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from tests.support.patience import PATIENCE

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.facts import Acknowledged, JobState, Refusal
from sluiceway.domain.observed import AttemptCompleted, AttemptFailed, AttemptInProgress, AttemptUnknown, NoSuchJob
from sluiceway.engines.jobmanager.rest import FlinkRest
from sluiceway.testing.fake_flink import FakeFlink
from sluiceway.testing.fake_jobs import Truth


class Client:
    """A fake with our client to it."""

    def __init__(self, fake: FakeFlink, session: aiohttp.ClientSession, root: Path) -> None:
        self.fake = fake
        self.rest = FlinkRest(session, fake.url, 5.0)
        self.root = root

    async def stop(self, jid: str, trigger: str | None = None) -> str:
        """Ask for a stop; the trigger id."""
        trigger = trigger or os.urandom(16).hex()
        await self.rest.stop(jid, trigger=trigger, target=f"file://{self.root}/{trigger}")
        return trigger

    async def outcome(self, jid: str, trigger: str) -> object:
        """What became of the attempt."""
        async with asyncio.timeout(PATIENCE):
            while True:
                attempt = await self.rest.attempt(jid, trigger)
                if not isinstance(attempt, AttemptInProgress):
                    return attempt
                await asyncio.sleep(0.005)

    def folders(self, trigger: str) -> list[bool]:
        """For each savepoint folder of the attempt, whether it is complete."""
        return [(folder / "_metadata").is_file() for folder in (self.root / trigger).iterdir()]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """A fake whose results and caches are short-lived."""
    async with FakeFlink(store_seconds=0.1, cache_seconds=0.0) as fake, aiohttp.ClientSession() as session:
        yield Client(fake, session, tmp_path)


async def test_results_are_forgotten(client: Client) -> None:
    jid = client.fake.add_job().jid
    trigger = await client.stop(jid)
    assert isinstance(await client.outcome(jid, trigger), AttemptCompleted)
    await asyncio.sleep(0.11)
    assert await client.rest.attempt(jid, trigger) == AttemptUnknown()


@pytest.mark.parametrize(
    ("truth", "state", "complete"),
    [
        (Truth.RUNS_AGAIN, JobState.RUNNING, False),
        (Truth.FINISHED, JobState.FINISHED, True),
        (Truth.GONE, None, True),
    ],
)
async def test_three_truths_behind_one_404(
    client: Client, truth: Truth, state: JobState | None, complete: bool
) -> None:
    jid = client.fake.add_job(stop_seconds=9.0).jid
    trigger = await client.stop(jid)
    client.fake.lose_jobmanager(truths=truth)
    await asyncio.sleep(0.01)
    assert await client.rest.attempt(jid, trigger) == AttemptUnknown()
    assert await client.rest.job_state(jid) is state
    assert client.folders(trigger) == [complete]
    checkpoints = await client.rest.checkpoints(jid)
    assert (checkpoints is None) is (state is not JobState.RUNNING)


async def test_without_high_availability_every_job_is_forgotten(client: Client) -> None:
    jid = client.fake.add_job(stop_seconds=9.0).jid
    trigger = await client.stop(jid)
    client.fake.lose_jobmanager(ha=False)
    assert await client.rest.jobs() == []
    assert client.folders(trigger) == [False]
    assert isinstance(await client.outcome(jid, await client.stop(jid)), NoSuchJob)


async def test_while_it_recovers_running_jobs_are_unknown(client: Client) -> None:
    jid = client.fake.add_job().jid
    client.fake.lose_jobmanager(recovery_seconds=0.1)
    assert await client.rest.job_state(jid) is None
    await asyncio.sleep(0.15)
    assert await client.rest.job_state(jid) is JobState.RUNNING
    assert client.fake.restarts == 1


async def test_hidden_job_lives(client: Client) -> None:
    jid = client.fake.add_job().jid
    client.fake.hide(jid)
    assert await client.rest.jobs() == []
    assert await client.rest.job_state(jid) is JobState.RUNNING
    client.fake.show()
    assert len(await client.rest.jobs()) == 1


async def test_savepoint_of_a_job_that_fails_while_it_finishes(client: Client) -> None:
    jid = client.fake.add_job(failing=["stopping"]).jid
    trigger = await client.stop(jid)
    attempt = await client.outcome(jid, trigger)
    assert isinstance(attempt, AttemptFailed)
    assert attempt.refusal is Refusal.ABORTED
    assert [attempt.location] == client.fake.jobs[jid].savepoints
    assert client.folders(trigger) == [True]
    assert client.fake.restarts == 1


async def test_failures_strike_once_each(client: Client) -> None:
    jid = client.fake.add_job(failing=["not_ready", "expired"]).jid
    refusals = []
    for _ in range(2):
        attempt = await client.outcome(jid, await client.stop(jid))
        assert isinstance(attempt, AttemptFailed)
        refusals.append(attempt.refusal)
        await asyncio.sleep(0.05)
    assert refusals == [Refusal.NOT_READY, Refusal.ABORTED]
    assert isinstance(await client.outcome(jid, await client.stop(jid)), AttemptCompleted)
    assert client.fake.restarts == 1


async def test_faults_are_bounded_and_strike_in_order(client: Client) -> None:
    client.fake.fault("jobs", "html_503", times=2)
    client.fake.fault("any", "redirect")
    for words in ("503", "503", "307"):
        with pytest.raises(Unreachable, match=words):
            await client.rest.jobs()
    assert await client.rest.jobs() == []
    assert client.fake.count("jobs") == client.fake.count() == 4
    assert client.fake.requests[-1] == ("GET", "/jobs/overview", None)


async def test_unknown_faults_and_kinds_are_refused(client: Client) -> None:
    for kind, name in (("jobs", "nonsense"), ("nonsense", "hang")):
        with pytest.raises(ValueError, match="nonsense"):
            client.fake.fault(kind, name)


async def test_lost_request_does_nothing_and_a_lost_answer_all(client: Client) -> None:
    jid = client.fake.add_job().jid
    trigger = os.urandom(16).hex()
    for name, known in (("lose_request", False), ("lose_answer", True)):
        client.fake.fault("stop", name)
        with pytest.raises(Unreachable):
            await client.stop(jid, trigger)
        assert (await client.rest.attempt(jid, trigger) != AttemptUnknown()) is known
    await client.stop(jid, trigger)
    assert len(client.fake.jobs[jid].savepoints) == 1


async def test_it_comes_back_on_the_same_port_with_the_same_jobs(client: Client) -> None:
    client.fake.add_job()
    url = client.fake.url
    await client.fake.close()
    with pytest.raises(Unreachable, match="no connection to the cluster"):
        await client.rest.jobs()
    assert await client.fake.start() == url
    assert len(await client.rest.jobs()) == 1


async def test_a_job_id_is_taken_once(client: Client) -> None:
    jid = client.fake.add_job().jid
    client.fake.finish(jid)
    with pytest.raises(ValueError, match="DuplicateApplicationSubmission"):
        client.fake.add_job(jid)


async def test_a_thousand_stops_at_once(client: Client) -> None:
    jids = [client.fake.add_job(stop_seconds=5.0).jid for _ in range(1000)]
    said = await asyncio.gather(
        *(client.rest.stop(jid, trigger=jid, target=f"file://{client.root}/{jid}") for jid in jids)
    )
    assert said == [Acknowledged()] * 1000
    assert client.fake.peak == 1000
    async with asyncio.timeout(60):
        while not all(job.state is JobState.FINISHED for job in await client.rest.jobs()):
            await asyncio.sleep(0.1)
    assert client.fake.restarts == 0
    assert sum(len(job.savepoints) for job in client.fake.jobs.values()) == 1000
