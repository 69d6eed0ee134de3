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
    FAILURES,
    RESTARTS,
    SETTINGS,
    STATE,
    TIMELINE,
    WIDTHS,
    Answer,
    CheckpointList,
    Failures,
    ListedCheckpoint,
    ListedJob,
    NoAnswer,
    Question,
    Weighing,
)
from sluiceway.engines.jobmanager.rest import CheckpointInfo, Checkpoints, FlinkRest, JobOverview
from sluiceway.engines.jobmanager.restore_words import OperatorNames, named, nobody_knows
from sluiceway.engines.session.traits import Configs

T = TypeVar("T")
Ask = Callable[[Question[Any]], Awaitable[object]]  # what a place answers; raises `Unreachable`

_NOT_RESTARTED = "deactivated"  # in Flink's words for a job that is not restarted
_RESTARTED = ("restart with", "failure rate", "exponential", "fixed delay")


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
        """What the cluster answers, when it is this question's turn. Raises `Unreachable`."""
        async with self.means.gate:
            return await _ASK[question](self)


def by(answers: Mapping[Question[Any], Callable[[], Awaitable[object]]]) -> Ask:
    """Ask what answers each question, where there is no job to ask about yet."""
    return lambda question: answers[question]()


async def free_slots(rest: FlinkRest) -> int:
    """How many slots of a cluster nobody uses. Raises `Unreachable`."""
    return (await rest.overview()).slots_available


async def weighed(ask: Ask, weighing: Weighing[T]) -> T:
    """What a weighing comes to, once each of its questions has been put."""
    try:
        question = next(weighing)
        while True:
            question = weighing.send(await _answer(ask, question))
    except StopIteration as end:
        result: T = end.value
        return result


async def _answer(ask: Ask, question: Question[Any]) -> Answer:
    try:
        told = await ask(question)
    except Unreachable as error:
        told = NoAnswer(str(error))
    return Answer(told, time.monotonic())


async def _cause(about: Subject) -> str:
    why = await named(await about.means.rest.exceptions(about.jid), about.restore, about.means.names)
    return sized(why) if about.means.embedded else why


async def _checkpoints(about: Subject) -> CheckpointList | None:
    found = await about.means.rest.checkpoints(about.jid)
    return None if found is None else seen_checkpoints(found)


async def _failures(about: Subject) -> Failures:
    times, why = await about.means.rest.failures(about.jid)
    return Failures(times, sized(why) if about.means.embedded else why)


async def _restarts(about: Subject) -> bool | None:
    said = (await about.means.rest.restart_strategy(about.jid) or "").lower()
    if _NOT_RESTARTED in said:
        return False
    return True if any(some in said for some in _RESTARTED) else None


async def _widths(about: Subject) -> list[int] | None:
    graph: Mapping[str, object] = await about.means.rest.job(about.jid) or {}
    vertices = graph.get("vertices")
    if not isinstance(vertices, list):
        return None
    return [width for vertex in vertices if isinstance(width := vertex.get("parallelism"), int)]


_ASK: Final[Mapping[Question[Any], Callable[[Subject], Awaitable[object]]]] = {
    ATTEMPT: lambda about: about.means.rest.attempt(about.jid, about.trigger),
    CAUSE: _cause,
    CHECKPOINTS: _checkpoints,
    FAILURE: lambda about: about.means.rest.last_failure(about.jid),
    FAILURES: _failures,
    RESTARTS: _restarts,
    SETTINGS: lambda about: about.means.configs.of(about.means.rest, about.jid),
    STATE: lambda about: about.means.rest.job_state(about.jid),
    TIMELINE: lambda about: about.means.rest.timeline(about.jid),
    WIDTHS: _widths,
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
    tasks = job.tasks
    counts = tasks.total, tasks.running, tasks.finished
    return ListedJob(job.state, job.raw_state, *counts, job.last_modification, job.batch)


def seen_checkpoints(found: Checkpoints) -> CheckpointList:
    """The checkpoints of a job."""
    latest = found.latest
    return CheckpointList(
        [_line(one) for one in found.history],
        _line_or_none(latest.completed),
        _line_or_none(latest.savepoint),
        _line_or_none(latest.restored),
        _line_or_none(latest.failed),
    )


def _line_or_none(one: CheckpointInfo | None) -> ListedCheckpoint | None:
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
        one.end_to_end_duration,
        one.state_size,
        one.checkpointed_size,
        one.failure_message or "",
    )
