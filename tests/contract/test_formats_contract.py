"""What a savepoint's format, and where its state goes, do to a job: the contract's table of formats."""

import asyncio
from datetime import UTC, datetime

import pytest
from tests.contract.clusters import Cluster
from tests.support.patience import PATIENCE

from sluiceway.domain.asking import Attempted
from sluiceway.domain.facts import JobState, Refusal, Refused, Seen
from sluiceway.domain.observed import AttemptCompleted, AttemptFailed
from sluiceway.domain.proving import Memory
from sluiceway.domain.traits import Traits
from sluiceway.domain.weighing import weigh_stop
from sluiceway.engines.jobmanager.versions import STATE_V2
from sluiceway.engines.planning.sql import SqlRefused
from sluiceway.engines.session.questions import Means, Subject, seen_job, weighed
from sluiceway.engines.session.traits import Configs, settings_of


async def aftermath(flink: Cluster, jid: str, trigger: str, sent: datetime) -> Refused:
    """What a failure is found to have done, once it can be told."""
    about, memory = Attempted(1, jid, trigger, "file:/no", stable_since=sent), Memory()
    subject = Subject(Means(flink.rest, Configs(), asyncio.Semaphore()), jid, trigger)
    async with asyncio.timeout(PATIENCE):
        while True:
            [job] = [job for job in await flink.rest.jobs() if job.jid == jid]
            assert job.state is not None
            told, memory = await weighed(subject.ask, weigh_stop(about, Seen(job.state), seen_job(job), memory))
            if isinstance(told, Refused):
                return told
            await asyncio.sleep(0.2)


async def traits(flink: Cluster, jid: str) -> Traits:
    """How the job keeps its state, as its cluster tells it."""
    config = await flink.rest.checkpoint_config(jid)
    assert config is not None
    return settings_of(config).traits


async def unchanged_since(flink: Cluster, jid: str) -> datetime:
    """When one of the job's tasks last changed its state."""
    [job] = [job for job in await flink.rest.jobs() if job.jid == jid]
    return datetime.fromtimestamp(job.last_modification / 1000, UTC)


async def test_asynchronous_state_dies_of_a_canonical_savepoint_and_only_the_job_says_of_what(flink: Cluster) -> None:
    jid = await flink.run(lambda: flink.place.counting("hashmap", asynchronous=True))
    sent = await unchanged_since(flink, jid)
    trigger, attempt = await flink.stop(jid)
    if not flink.since(STATE_V2):  # which has no such state, and ignores the option
        assert isinstance(attempt, AttemptCompleted)
        return
    assert isinstance(attempt, AttemptFailed)
    assert attempt.refusal is Refusal.ABORTED
    told = await aftermath(flink, jid, trigger, sent)
    assert "UnsupportedOperationException" in told.text, "the innermost cause, which the attempt itself does not have"
    assert told.restart is not None
    assert (told.restart.restored, told.restart.at > sent) == (None, True), "it restarted, and from nothing"


@pytest.mark.parametrize(("backend", "asynchronous"), [("hashmap", True), ("rocksdb", True), ("forst", False)])
async def test_a_native_savepoint_does_no_job_any_harm(flink: Cluster, backend: str, asynchronous: bool) -> None:
    if backend == "forst" and not flink.since(STATE_V2):
        with pytest.raises(SqlRefused, match="forst"):
            await flink.place.counting(backend, asynchronous=asynchronous)
        return
    jid = await flink.run(lambda: flink.place.counting(backend, asynchronous=asynchronous))
    expected = Traits(backend, None, changelog=False, in_memory=False, after_finish=True)
    assert await traits(flink, jid) == expected, "Flink names the backend"
    trigger, attempt = await flink.stop(jid, native=True)
    assert isinstance(attempt, AttemptCompleted)
    assert await flink.ends(jid) is JobState.FINISHED
    assert flink.metadata(trigger)


async def test_state_of_more_than_5_mb_cannot_be_saved_without_a_directory(flink: Cluster) -> None:
    jid = await flink.run(flink.place.heavy)
    assert (await traits(flink, jid)).in_memory
    sent = await unchanged_since(flink, jid)
    trigger, attempt = await flink.stop(jid)
    assert isinstance(attempt, AttemptFailed)
    told = await aftermath(flink, jid, trigger, sent)
    assert "memory-backed state" in told.text
    assert told.restart is not None
    assert told.restart.restored is None


async def test_a_job_that_takes_no_checkpoints_after_a_source_has_finished_refuses(flink: Cluster) -> None:
    jid = await flink.run(flink.place.half_finished, ready=False)
    await flink.until(jid, lambda job: job.tasks.finished > 0)
    assert (await traits(flink, jid)).after_finish is False
    _, attempt = await flink.stop(jid)
    assert isinstance(attempt, AttemptFailed)
    assert attempt.refusal is Refusal.NOT_READY
    assert not await flink.restarted(jid)


async def test_a_failure_that_did_not_restart_the_job_is_told_without_a_restart(flink: Cluster) -> None:
    jid = await flink.run(flink.place.restarting)
    sent = await unchanged_since(flink, jid)
    trigger, attempt = await flink.stop(jid, "file:///dev/null/no")
    assert isinstance(attempt, AttemptFailed)
    assert (await aftermath(flink, jid, trigger, sent)).restart is None


async def test_flink_tells_how_a_job_is_restarted(flink: Cluster) -> None:
    never = await flink.run(flink.place.endless)
    again = await flink.run(flink.place.restarting)
    assert "restart with" not in (await flink.rest.restart_strategy(never) or "").lower()
    says_nothing = flink.place.version.startswith(("1.19.", "1.20."))
    words = "cluster level default" if says_nothing else "restart with"
    assert words in (await flink.rest.restart_strategy(again) or "").lower()
