"""Puts the domain's questions to a JobManager, and hands it what was seen, as it was seen."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.observed import (
    ATTEMPT,
    CAUSE,
    CHECKPOINTS,
    FAILURE,
    PERIODIC,
    RETAINS,
    STATE,
    TIMELINE,
    Answer,
    CheckpointList,
    ListedCheckpoint,
    ListedJob,
    NoAnswer,
    Question,
)
from sluiceway.domain.proving import Weighing
from sluiceway.engines.jobmanager.rest import CheckpointInfo, Checkpoints, FlinkRest, JobOverview
from sluiceway.engines.jobmanager.restore_words import OperatorNames, named, nobody_knows
from sluiceway.engines.session.traits import Configs

T = TypeVar("T")

NO_INTERVAL = 2**63 - 1  # what Flink shows of a job without periodic checkpoints


@dataclass(frozen=True, slots=True)
class Means:
    """The means to ask a cluster."""

    rest: FlinkRest
    configs: Configs
    gate: asyncio.Semaphore  # how many questions are under way at once
    names: OperatorNames = nobody_knows
    embedded: bool = False  # the cluster's size is a setting


@dataclass(frozen=True, slots=True)
class Subject:
    """A job to ask about, by its Flink job id."""

    means: Means
    jid: str
    trigger: str = ""  # of the attempt that is asked about
    restore: str | None = None  # what the job was started from

    async def ask(self, question: Question[Any]) -> object:
        """What the cluster answers. Raises `Unreachable`."""
        return await _ASK[question](self)


async def weighed(about: Subject, weighing: Weighing[T], *, gated: bool = True) -> T:
    """What a weighing comes to, once each of its questions has been put. `gated`: each waits for its turn."""
    try:
        question = next(weighing)
        while True:
            question = weighing.send(await _answer(about, question, gated))
    except StopIteration as end:
        result: T = end.value
        return result


async def _answer(about: Subject, question: Question[Any], gated: bool) -> Answer:
    told: object
    try:
        if gated:
            async with about.means.gate:
                told = await about.ask(question)
        else:
            told = await about.ask(question)
    except Unreachable as error:
        told = NoAnswer(str(error))
    return Answer(told, time.monotonic())


async def _cause(about: Subject) -> str:
    why = await named(await about.means.rest.exceptions(about.jid), about.restore, about.means.names)
    return sized(why) if about.means.embedded else why


async def _checkpoints(about: Subject) -> CheckpointList | None:
    found = await about.means.rest.checkpoints(about.jid)
    return None if found is None else seen_checkpoints(found)


async def _periodic(about: Subject) -> bool:
    config = await about.means.configs.of(about.means.rest, about.jid)
    return config is not None and config.interval not in {None, NO_INTERVAL}


_ASK: Final[Mapping[Question[Any], Callable[[Subject], Awaitable[object]]]] = {
    ATTEMPT: lambda about: about.means.rest.attempt(about.jid, about.trigger),
    CAUSE: _cause,
    CHECKPOINTS: _checkpoints,
    FAILURE: lambda about: about.means.rest.last_failure(about.jid),
    PERIODIC: _periodic,
    RETAINS: lambda about: about.means.rest.retains_checkpoints(about.jid),
    STATE: lambda about: about.means.rest.job_state(about.jid),
    TIMELINE: lambda about: about.means.rest.timeline(about.jid),
}


def sized(cause: str) -> str:
    """Why a job fails on the embedded Flink, with the setting to raise where that is too small."""
    if "minBucketMemorySize" in cause:
        return f"{cause} Raise --embedded-managed."
    return f"{cause} Raise --embedded-heap." if "OutOfMemoryError" in cause else cause


def seen_job(job: JobOverview | None) -> ListedJob | None:
    """A job, as the list of all shows it."""
    if job is None:
        return None
    return ListedJob(job.state, job.raw_state, job.ready, job.tasks.finished, job.last_modification)


def seen_checkpoints(found: Checkpoints) -> CheckpointList:
    """The checkpoints of a job."""
    latest = found.latest
    return CheckpointList(
        [_line(one) for one in found.history],
        seen_checkpoint(latest.completed),
        seen_checkpoint(latest.savepoint),
        seen_checkpoint(latest.restored),
    )


def seen_checkpoint(one: CheckpointInfo | None) -> ListedCheckpoint | None:
    """One of them."""
    return None if one is None else _line(one)


def _line(one: CheckpointInfo) -> ListedCheckpoint:
    return ListedCheckpoint(
        one.id,
        one.external_path,
        one.is_savepoint,
        one.checkpoint_type == "SYNC_SAVEPOINT",
        one.status == "COMPLETED",
        one.status == "IN_PROGRESS",
        one.num_acknowledged_subtasks,
        one.trigger_timestamp,
        one.restore_timestamp,
    )
