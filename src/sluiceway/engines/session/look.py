"""One look at the jobs of a cluster: what is asked about each run, stop and savepoint, and what facts come of it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import structlog

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.facts import (
    Alive,
    Ended,
    Gone,
    Hung,
    JobState,
    Lingering,
    Missing,
    Recovering,
    Refusal,
    Refused,
    RunFact,
    Running,
    Saved,
    SaveFact,
    Seen,
    Silent,
    StopFact,
    Stopping,
    Weighed,
)
from sluiceway.domain.operations.save import Save
from sluiceway.domain.operations.stop import Stop
from sluiceway.domain.place import Place
from sluiceway.domain.run import Run, RunPhase
from sluiceway.engines.jobmanager.rest import (
    AttemptCompleted,
    AttemptFailed,
    AttemptInProgress,
    AttemptUnknown,
    FlinkRest,
    JobOverview,
    NoSuchJob,
)
from sluiceway.engines.jobmanager.restore_words import OperatorNames, named, nobody_knows
from sluiceway.engines.session import checkpoints, vitals
from sluiceway.engines.session.aftermath import Aftermaths, NotYet

log = structlog.get_logger()

T = TypeVar("T")

ENDED_WITH_CLUSTER = (
    "The embedded Flink that ran this job has ended, and the job with it. Run it again; when resumed, it starts from "
    "its latest checkpoint or savepoint."
)


@dataclass(frozen=True, slots=True)
class Told:
    """What Flink has told of an attempt that is over. It is right for as long as the list shows the job as it was."""

    fact: Saved
    job: JobOverview | None


_SEEN = {state: Seen(state) for state in JobState}


@dataclass(slots=True)
class Look:
    """One look at one cluster, after its overview has come."""

    rest: FlinkRest
    place: Place
    listed: Mapping[str, JobOverview]
    gate: asyncio.Semaphore
    aftermaths: Aftermaths
    names: OperatorNames = nobody_knows
    saved: dict[str, Told] = field(default_factory=dict)  # what is known of attempts that are over, by trigger id
    suspects: Collection[int] = ()  # ids of the stops that may hang
    doubtful: Collection[str] = ()  # Flink jobs that were never seen to have completed a checkpoint

    async def runs(self, runs: Sequence[Run]) -> dict[int, RunFact]:
        """What is to be seen of runs, by id. Nearly all are told by the list alone, and cost no task of their own."""
        facts = {run.id: self._listed(run) for run in runs}
        rest = [run for run in runs if facts[run.id] is None]
        asked = await all_of((run.flink_job_id, partial(self.run, run)) for run in rest)
        told = {run.id: fact for run, fact in zip(rest, asked, strict=True)}
        return {run_id: fact or told[run_id] for run_id, fact in facts.items()}

    def _listed(self, run: Run) -> RunFact | None:
        """What the list alone tells of a run; None when there is more to ask."""
        job = self.listed.get(run.flink_job_id)
        if job is None or job.state is None or job.state is JobState.FAILED:
            return None
        return _SEEN[job.state]

    async def run(self, run: Run) -> RunFact:
        """What is to be seen of a run."""
        job = self.listed.get(run.flink_job_id)
        if job is not None:
            return await self._seen(run, job)
        if run.life is not None and run.life != self.place.life:
            return Gone(ENDED_WITH_CLUSTER)
        if run.phase is RunPhase.LOST or not run.acknowledged:
            return Missing()
        return await self._confirm(run.flink_job_id)

    async def stops(
        self, stops: Sequence[Stop], runs: Mapping[str, RunFact], asked: Collection[int]
    ) -> dict[int, StopFact]:
        """What is to be seen of stops, by id; `asked` are those that Flink is asked about even while their jobs run."""
        facts: dict[int, StopFact] = {
            stop.id: Alive() for stop in stops if stop.id not in asked and self._goes_on(stop, runs)
        }
        rest = [stop for stop in stops if stop.id not in facts]
        told = await all_of(
            (s.flink_job_id, partial(self.stop, s, runs.get(s.flink_job_id), ask=s.id in asked)) for s in rest
        )
        return facts | {stop.id: fact for stop, fact in zip(rest, told, strict=True)}

    def _goes_on(self, stop: Stop, runs: Mapping[str, RunFact]) -> bool:
        """Whether an attempt is under way, and its job lives."""
        run = runs.get(stop.flink_job_id)
        return stop.savepoint and stop.sent_at is not None and isinstance(run, Seen) and not run.state.terminal

    async def stop(self, stop: Stop, run: RunFact | None, *, ask: bool) -> StopFact:
        """What is to be seen of a stop, given what was seen of its run."""
        if isinstance(run, Missing | Gone | Silent):
            return run
        if not isinstance(run, Seen):
            return Silent("the look at the cluster does not show the job")
        job, state = self.listed.get(stop.flink_job_id), run.state
        if not stop.savepoint:
            return await self._cancel(stop, state)
        if stop.sent_at is None:
            return Ended(state, cause=run.why) if state.terminal else _unsent(job)
        if not ask and not state.terminal:
            return Alive()
        return await self._attempt(stop, run, job)

    async def save(self, save: Save, run: RunFact | None, *, ask: bool) -> SaveFact:
        """What is to be seen of a savepoint of a running job, given what was seen of its run."""
        if isinstance(run, Missing | Gone | Silent):
            return run
        job = self.listed.get(save.flink_job_id)
        state = run.state if isinstance(run, Seen) else None
        if state is None:
            return Silent("the look at the cluster does not show the job")
        if not save.in_flight:
            return Ended(state) if state.terminal else _unsent(job)
        if not ask and not state.terminal:
            return Alive()
        try:
            async with self.gate:
                return await self._taken(save, state, job)
        except Unreachable as error:
            return Silent(str(error))

    async def _taken(self, save: Save, state: JobState, job: JobOverview | None) -> SaveFact:
        answer = await self.rest.attempt(save.flink_job_id, save.trigger)
        ready = job is not None and job.ready
        match answer:
            case AttemptCompleted(location):
                proven = await self._proven(save)
                return Stopping() if proven is None else Saved(location, state, proven=proven)
            case AttemptInProgress():
                return Lingering(Ended(state)) if state.terminal else Stopping()
            case AttemptUnknown():
                return Ended(state) if state.terminal else Running(ready=ready)
            case AttemptFailed(refusal, text):
                if state.terminal:
                    return await self._cause(save, state, answer) or Refused(refusal, text)
                return await self.aftermaths.of_failure(self.rest, job, save.trigger, save.stable_since, answer)
            case NoSuchJob(text):
                # Asked for while a JobManager had yet to find the job again, it has failed for good.
                return Ended(state, text) if state.terminal else Refused(Refusal.OTHER, text)

    async def _seen(self, run: Run, job: JobOverview) -> RunFact:
        if job.state is None:
            return Silent(f"the cluster shows the state {job.raw_state}, which is not known")
        why = await self._why(run) if job.state is JobState.FAILED else ""
        return Seen(job.state, why)

    async def _why(self, run: Run) -> str:
        try:
            async with self.gate:
                why = await named(await self.rest.exceptions(run.flink_job_id), run.restore, self.names)
                return vitals.sized(why) if self.place.embedded else why
        except Unreachable:
            return ""

    async def _confirm(self, flink_job_id: str) -> RunFact:
        """Ask for a job by name: the overview may have left out a live one (FLINK-40602)."""
        try:
            async with self.gate:
                state = await self.rest.job_state(flink_job_id)
        except Unreachable as error:
            return Silent(str(error))
        return Missing() if state is None else Seen(state)

    async def _cause(self, attempt: Stop | Save, state: JobState, failed: AttemptFailed) -> Refused | Recovering | None:
        """A failure of an attempt whose job is over, with the innermost cause; None when that is not the job's end."""
        if state is not JobState.FAILED:
            return None
        cause = await self.aftermaths.cause_of_end(self.rest, attempt.flink_job_id, attempt.trigger, failed.text)
        return Recovering(failed.text.rstrip(".")) if cause is None else Refused(failed.refusal, cause)

    async def _attempt(self, stop: Stop, run: Seen, job: JobOverview | None) -> StopFact:
        state = run.state
        if (known := self.saved.get(stop.trigger)) is not None and known.job == job:
            return known.fact
        try:
            async with self.gate:
                answer = await self.rest.attempt(stop.flink_job_id, stop.trigger)
                if isinstance(answer, AttemptCompleted) and state.terminal:
                    proven = await self._proven(stop)
                    if proven is None:
                        return Stopping(saved=True)
                    fact = Saved(answer.location, state, proven=proven)
                    self.saved[stop.trigger] = Told(fact, job)
                    return fact
        except Unreachable as error:
            return Silent(str(error))
        match answer:
            case AttemptCompleted():
                return Stopping(saved=True)
            case AttemptInProgress() if state.terminal:
                told = await self._forgotten(stop, run)
                return Lingering(told) if isinstance(told, Ended) else told
            case AttemptInProgress():
                return await self._hanging(stop) if stop.id in self.suspects else Stopping()
            case AttemptUnknown():
                return await self._forgotten(stop, run) if state.terminal else await self._ran_on(stop, job)
            case AttemptFailed():
                return await self._failure(stop, answer, state, job)
            case NoSuchJob(text):
                return Ended(state, text) if state.terminal else Silent(text)

    async def _cancel(self, stop: Stop, state: JobState) -> StopFact:
        try:
            async with self.gate:
                if stop.weighs and not state.terminal:
                    return await self._weigh(stop)
                kept = stop.foreign_savepoint or stop.checkpoint_path
                if state is JobState.CANCELED and kept is not None:
                    return await self._kept(stop, state, kept)
                if state is JobState.FINISHED and stop.abandoned:
                    found = await self.rest.checkpoints(stop.flink_job_id)
                    return Ended(state, moved_on=found is not None and not checkpoints.ended_with(found, stop.target))
        except Unreachable as error:
            return Silent(str(error))
        if state.terminal:
            return Ended(state)
        return Stopping() if state is JobState.CANCELLING else Running()

    async def _kept(self, stop: Stop, state: JobState, kept: str) -> StopFact:
        """The job is canceled; what it was canceled for must be its last state.

        After somebody else's savepoint its sources had ended, so it must not have run anew either.
        """
        if stop.foreign_savepoint is not None and not self.aftermaths.old_answers_are_gone(stop.trigger):
            return Silent("the cluster may still tell of the job as it was before it was canceled")
        found = await self.rest.checkpoints(stop.flink_job_id)
        moved_on = checkpoints.moved_on_after(found, kept)
        if found is None or moved_on or stop.foreign_savepoint is None:
            return Ended(state, moved_on=moved_on)
        running_since = await self.rest.running_since(stop.flink_job_id, state)
        if running_since is None:
            return Silent("the cluster does not tell yet whether the job ran on after what is to be kept")
        return Ended(state, moved_on=checkpoints.ran_on_after(found, kept, running_since) is not False)

    async def _weigh(self, stop: Stop) -> StopFact:
        found = await self.rest.checkpoints(stop.flink_job_id)
        fresh = found is not None and found.latest.completed is None
        if fresh and not self.aftermaths.old_answers_are_gone(stop.trigger):
            return Silent("the cluster may still tell of the job as it was before its first checkpoint")
        retained = await self.rest.retains_checkpoints(stop.flink_job_id)
        return Weighed(checkpoints.last_kept(found, retained=retained), fresh)

    async def _forgotten(self, stop: Stop, run: Seen) -> Ended | Silent:
        """Flink no longer knows the attempt. If it knows the job's checkpoints, the savepoint must be the last of them.

        A JobManager that was lost may have brought the job back from before its savepoint; then it ended by itself.
        """
        state = run.state
        if state is not JobState.FINISHED:
            return Ended(state, cause=run.why)
        try:
            async with self.gate:
                found = await self.rest.checkpoints(stop.flink_job_id)
        except Unreachable as error:
            return Silent(str(error))
        if found is None or checkpoints.ended_with(found, stop.target):
            return Ended(state, proven=found is not None and checkpoints.has_own(found, stop.flink_job_id))
        return Ended(state, "nothing. The last checkpoint of the job is not this stop's savepoint.")

    async def _ran_on(self, stop: Stop, job: JobOverview | None) -> StopFact:
        """The job runs, and Flink does not know the attempt. One that it had taken may have restarted the job."""
        ready = job is not None and job.ready
        if stop.stable_since is None or (stop.acknowledged and stop.forgotten_since is None):
            return Running(ready=ready)
        if job is None:
            return Recovering("the cluster does not know the attempt, and its list leaves out the job", failed=False)
        try:
            async with self.gate:
                restart = await self.aftermaths.restart(self.rest, job, stop.trigger, stop.stable_since)
        except Unreachable as error:
            return Silent(str(error))
        if isinstance(restart, NotYet):
            return Recovering("the cluster does not know the attempt, and has restarted the job", failed=False)
        return replace(_unsent(job), restart=restart)

    async def _hanging(self, stop: Stop) -> StopFact:
        try:
            async with self.gate:
                found = await self.rest.checkpoints(stop.flink_job_id)
        except Unreachable:
            return Stopping()
        path = checkpoints.overtaken_by(found) if found else None
        return Stopping() if path is None else Hung(path)

    async def _failure(self, stop: Stop, failed: AttemptFailed, state: JobState, job: JobOverview | None) -> StopFact:
        """The savepoint may be whole although the stop failed (FLINK-33522): path and state are two facts.

        A job that runs again after that failure runs on from an older state, so it must not have begun to run since.
        That it was about to restart (RESTARTING) is no proof: Flink may give that up, and let it fail. That the attempt
        has failed is told even where the cluster does not answer what became of the job: it may forget both.
        """
        if state.terminal and state is not JobState.FAILED:
            return Ended(state, failed.text)
        try:
            async with self.gate:
                if not state.terminal:
                    return await self.aftermaths.of_failure(self.rest, job, stop.trigger, stop.stable_since, failed)
                return await self._failed_with_its_job(stop, failed, state)
        except Unreachable:
            return Recovering(failed.text.rstrip("."))

    async def _failed_with_its_job(
        self, stop: Stop, failed: AttemptFailed, state: JobState
    ) -> Ended | Saved | Recovering:
        told = await self._cause(stop, state, failed)
        if not isinstance(told, Refused):
            return Recovering(failed.text.rstrip("."))
        failed = replace(failed, text=told.text)
        if failed.location is None:
            return Ended(state, failed.text)
        running_since = await self.rest.running_since(stop.flink_job_id, state)
        found = await self.rest.checkpoints(stop.flink_job_id)
        if found is None:
            return Ended(state, failed.text)
        ran_on = None if running_since is None else checkpoints.ran_on_after(found, failed.location, running_since)
        if ran_on is None:
            return Recovering(failed.text.rstrip("."))
        if ran_on:
            return Ended(state, failed.text)
        note = f"The job ended as {state} after its savepoint was complete: {failed.text}"
        return Saved(failed.location, state, note, checkpoints.has_own(found, stop.flink_job_id))

    async def _proven(self, attempt: Stop | Save) -> bool | None:
        """Whether the run of a savepoint has completed a checkpoint before it; None as long as Flink may yet tell.

        Asked only where nobody has seen one: it may have come between two looks, and once the job is over nobody looks
        again. An answer that does not have the savepoint is from before it. Raises `Unreachable`.
        """
        if attempt.flink_job_id not in self.doubtful:
            return False
        found = await self.rest.checkpoints(attempt.flink_job_id)
        if found is None or checkpoints.has_own(found, attempt.flink_job_id):
            return found is not None
        told = checkpoints.tells_of(found, attempt.target)
        return False if told or self.aftermaths.old_answers_are_gone(attempt.trigger) else None


def _unsent(job: JobOverview | None) -> Running:
    """A job of which no savepoint of ours was asked for."""
    if job is None:
        return Running(ready=False)
    changed = None if job.last_modification < 0 else datetime.fromtimestamp(job.last_modification / 1000, UTC)
    return Running(ready=job.ready, finished=job.tasks.get("finished", 0), changed_at=changed)


async def all_of(looks: Iterable[tuple[str, Callable[[], Awaitable[T]]]]) -> list[T | Silent]:
    """The facts, in order; each look comes with the Flink job id that it is about."""
    return list(await asyncio.gather(*(_or_silent(flink_job_id, look) for flink_job_id, look in looks)))


async def _or_silent(flink_job_id: str, look: Callable[[], Awaitable[T]]) -> T | Silent:
    """What nobody foresaw about one job costs that job its fact, and the other jobs nothing."""
    try:
        return await look()
    except Exception as error:
        log.exception("look_failed", flink_job_id=flink_job_id)
        return Silent(f"looking at the job failed: {error}")
