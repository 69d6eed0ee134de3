"""The engine for session clusters: Flink's REST API on one side, facts and commands on the other."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import aiohttp
import structlog

from sluiceway.domain.commands import JobCommand, StopWithSavepoint, TakeSavepoint
from sluiceway.domain.engine import Cluster, Sighting, SubmitAnswer, Survey, Traffic, Unreachable
from sluiceway.domain.facts import (
    Acknowledged,
    Alive,
    Ended,
    Gone,
    Hung,
    JobState,
    Missing,
    MustClaim,
    Recovering,
    Refusal,
    Refused,
    RunFact,
    Running,
    Saved,
    Seen,
    Silent,
    SnapshotFact,
    StopFact,
    Stopping,
    SubmitRefused,
    Submitted,
    Weighed,
)
from sluiceway.domain.job import JobSpec
from sluiceway.domain.policy import SavepointFormat
from sluiceway.domain.run import Run, RunPhase
from sluiceway.domain.snapshot import Snapshot
from sluiceway.domain.stop import Stop
from sluiceway.engines import checkpoints, vitals
from sluiceway.engines.aftermath import SETTLE, Aftermaths, NotYet
from sluiceway.engines.changelog import WORDS, keeps_changelog
from sluiceway.engines.flink_rest import (
    AttemptCompleted,
    AttemptFailed,
    AttemptInProgress,
    AttemptUnknown,
    FlinkRest,
    JobOverview,
    NoSuchJob,
)
from sluiceway.engines.surveys import survey_of
from sluiceway.engines.traffic import traffic
from sluiceway.engines.traits import Curiosity

log = structlog.get_logger()

T = TypeVar("T")
OptionsOf = Callable[[Cluster, Run, JobSpec], Awaitable[Mapping[str, str]]]
Submit = Callable[[Cluster, Run, str, JobSpec], Awaitable[Submitted | SubmitRefused | Silent]]

ENDED_WITH_CLUSTER = (
    "The embedded Flink that ran this job has ended, and the job with it. Run it again; when resumed, it starts from "
    "its latest checkpoint or savepoint."
)
AT_ONCE = 100  # questions under way at one cluster
SAMPLE_EVERY = 1.0  # seconds between questions about attempts whose jobs still run
SAMPLE = 2  # attempts asked about then; as soon as one has failed, all are
SNAPSHOT_EVERY = 1.0  # seconds between questions about one savepoint of a running job; nothing else shows its end


VERSION_EVERY = 60.0  # seconds between questions for a cluster's version
HANG_AFTER = 10.0  # seconds from which on an attempt that is under way is suspected to hang
HANG_AT_ONCE = 5  # suspects that are looked at in one turn


async def own_options(_: Cluster, __: Run, spec: JobSpec) -> Mapping[str, str]:
    """What is set beside the SQL."""
    return spec.options


@dataclass(slots=True)
class _Attention:
    """Which attempts of a cluster were asked about, and when. Only spares requests; forgetting it costs some."""

    asked: dict[int, float] = field(default_factory=dict)  # when last, by stop id; at first when it was first seen
    next_sample: float = 0.0
    alarmed: bool = False  # the last sample met a failure, so the others are likely to have failed too
    suspected: dict[int, float] = field(default_factory=dict)  # when a stop was last suspected to hang, by its id
    snapshots: dict[int, float] = field(default_factory=dict)  # when a savepoint was last asked about, by its id
    aftermaths: Aftermaths = field(default_factory=Aftermaths)
    traits: Curiosity = field(default_factory=Curiosity)
    rounds: vitals.Rounds = field(default_factory=vitals.Rounds)
    version: str = ""
    version_at: float = float("-inf")


class SessionEngine:
    """Observes and commands session clusters. One overview a look; attempts are asked about only where it matters."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        submit: Submit,
        timeout: float = 10.0,
        options: OptionsOf = own_options,
    ) -> None:
        """`submit` plans and hands over a job; `timeout` is seconds for one request.

        `options` reads what a job's SQL sets, and may raise `Unreachable`.
        """
        self._options = options
        self._session = session
        self._submit = submit
        self._timeout = timeout
        self._attention: dict[str, _Attention] = {}

    def rest(self, cluster: Cluster) -> FlinkRest:
        """The cluster's REST API."""
        return FlinkRest(self._session, cluster.url, self._timeout)

    async def submit(self, cluster: Cluster, run: Run, name: str, spec: JobSpec) -> SubmitAnswer:
        """Plan the job and hand it over; see `Engine`."""
        if run.restore is not None and not run.claims:
            try:
                told = any(word in spec.sql for word in WORDS)
                options = await self._options(cluster, run, spec) if told else spec.options
            except Unreachable as error:
                return Silent(str(error))
            if await keeps_changelog(self.rest(cluster), options):
                return MustClaim()
        return await self._submit(cluster, run, name, spec)

    async def flink_job(self, cluster: Cluster, flink_job_id: str) -> dict[str, object] | None:
        """Flink's own description of a job, with the back pressure of what runs. Raises `Unreachable`."""
        rest = self.rest(cluster)
        job = await rest.job(flink_job_id)
        if job is not None and job.get("state") == JobState.RUNNING:
            await asyncio.gather(*(_add_pressure(rest, flink_job_id, vertex) for vertex in job.get("vertices", ())))
        return job

    async def traffic(self, cluster: Cluster, flink_job_id: str) -> Traffic | None:
        """What flows through a job; None when Flink knows no such job. Raises `Unreachable`."""
        return await traffic(self.rest(cluster), flink_job_id)

    async def send(self, cluster: Cluster, flink_job_id: str, command: JobCommand) -> Acknowledged | Refused | Silent:
        """Ask once; see `Engine`."""
        rest = self.rest(cluster)
        try:
            if isinstance(command, StopWithSavepoint):
                return await rest.stop(
                    flink_job_id,
                    trigger=command.trigger,
                    target=command.target,
                    drain=command.drain,
                    native=command.format is SavepointFormat.NATIVE,
                )
            if isinstance(command, TakeSavepoint):
                return await rest.savepoint(
                    flink_job_id,
                    trigger=command.trigger,
                    target=command.target,
                    native=command.format is SavepointFormat.NATIVE,
                )
            answer = await rest.cancel(flink_job_id)
        except Unreachable as error:
            return Silent(str(error))
        # A job that is over or unknown will be seen as such by the next look, which is surer than this answer.
        return answer if isinstance(answer, Acknowledged) else Silent(answer.text)

    async def observe(
        self, cluster: Cluster, runs: Sequence[Run], stops: Sequence[Stop], snapshots: Sequence[Snapshot]
    ) -> Sighting:
        """Look once; see `Engine`."""
        watched = {r.flink_job_id for r in runs} | {s.flink_job_id for s in stops} | {s.flink_job_id for s in snapshots}
        listed = {job.jid: job for job in await self.rest(cluster).jobs(watched)}
        attention = self._attention.setdefault(cluster.name, _Attention())
        look = _Look(self.rest(cluster), cluster, listed, asyncio.Semaphore(AT_ONCE), attention.aftermaths)
        run_facts = dict(
            zip((r.id for r in runs), await _all((r.flink_job_id, partial(look.run, r)) for r in runs), strict=True)
        )
        by_flink_id = {run.flink_job_id: run_facts[run.id] for run in runs}
        suspects = _suspects(attention, stops, time.monotonic())
        asked = _to_ask(attention, stops, listed, time.monotonic()) | suspects
        look.suspects = suspects
        facts = await _all(
            (s.flink_job_id, partial(look.stop, s, by_flink_id.get(s.flink_job_id), ask=s.id in asked)) for s in stops
        )
        _note(attention, asked, stops, facts)
        saved = await _snapshot_facts(look, attention, snapshots, by_flink_id)
        _forget_aftermaths(attention, stops, snapshots)
        traits = await attention.traits.ask(look.rest, look.gate, listed, runs, _about_to_save(stops, snapshots))
        embedded = cluster.life is not None  # nobody can tell of another's
        living = [(r, job) for r in runs if r.live and (job := listed.get(r.flink_job_id)) and _lives(job)]
        fare = await vitals.look(look.rest, attention.rounds, living, look.gate, time.monotonic(), embedded=embedded)
        version = await self._version(cluster, attention) if stops or snapshots or traits else attention.version
        return Sighting(
            dict(zip((s.id for s in stops), facts, strict=True)), run_facts, saved, traits, fare, flink_version=version
        )

    async def survey(self, cluster: Cluster, flink_job_ids: Sequence[str]) -> dict[str, Survey]:
        """Look at jobs before they are stopped; see `Engine`."""
        rest, gate = self.rest(cluster), asyncio.Semaphore(AT_ONCE)
        listed = {job.jid: job for job in await rest.jobs(set(flink_job_ids))}

        async def look(jid: str) -> Survey | None:
            job = listed.get(jid)
            if job is None or job.state is None:
                return None
            async with gate:
                found = await _or_none(rest.checkpoints(jid))
                config = await _or_none(rest.checkpoint_config(jid))
                restarts = await _or_none(rest.restart_strategy(jid))
            return survey_of(job, job.state, found, config, restarts)

        surveys = await asyncio.gather(*(look(jid) for jid in flink_job_ids))
        return {jid: one for jid, one in zip(flink_job_ids, surveys, strict=True) if one is not None}

    async def _version(self, cluster: Cluster, attention: _Attention) -> str:
        now = time.monotonic()
        if now - attention.version_at >= VERSION_EVERY:
            attention.version_at = now
            try:
                attention.version = (await self.rest(cluster).overview()).flink_version
            except Unreachable:
                attention.version_at = float("-inf")
        return attention.version


def _to_ask(attention: _Attention, stops: Sequence[Stop], listed: Mapping[str, JobOverview], now: float) -> set[int]:
    """The attempts to ask about. Those of ended jobs always; of the others a small sample, the longest unasked first.

    Failures come in herds (a full disk, a directory that cannot be written), so one in the sample brings all in.
    """
    sent = [stop for stop in stops if stop.savepoint and stop.sent_at is not None]
    over = {stop.id for stop in sent if _is_terminal(listed.get(stop.flink_job_id))}
    unsure = {stop.id for stop in sent if not stop.acknowledged or stop.doubt_since is not None}
    if heard := attention.aftermaths.heard:
        rested = {stop.id for stop in sent if now - attention.asked.get(stop.id, 0.0) >= SETTLE}
        unsure |= {stop.id for stop in sent if stop.id in rested and stop.trigger in heard}
    going_on = [stop.id for stop in sent if stop.id not in over | unsure]
    if attention.alarmed:
        return over | unsure | set(going_on)
    due = [i for i in going_on if now - attention.asked.setdefault(i, now) >= SAMPLE_EVERY]
    if not due or now < attention.next_sample:
        return over | unsure
    attention.next_sample = now + SAMPLE_EVERY
    due.sort(key=lambda stop_id: attention.asked[stop_id])
    return over | unsure | set(due[:SAMPLE])


async def _add_pressure(rest: FlinkRest, jid: str, vertex: dict[str, object]) -> None:
    with suppress(Unreachable):  # the graph is worth something without it
        vertex["backpressure-level"] = await rest.back_pressure(jid, str(vertex.get("id")))


def _suspects(attention: _Attention, stops: Sequence[Stop], now: float) -> set[int]:
    """The attempts that have been under way for so long that it is worth a request to see whether they hang."""
    sent = {stop.id for stop in stops if stop.savepoint and stop.sent_at is not None and stop.acknowledged}
    attention.suspected = {i: attention.suspected.get(i, now) for i in sent}
    due = sorted((at, i) for i, at in attention.suspected.items() if now - at >= HANG_AFTER)[:HANG_AT_ONCE]
    attention.suspected |= {i: now for _, i in due}
    return {i for _, i in due}


async def _snapshot_facts(
    look: "_Look", attention: _Attention, snapshots: Sequence[Snapshot], runs: Mapping[str, RunFact]
) -> dict[int, SnapshotFact]:
    now = time.monotonic()
    last = {s.id: attention.snapshots.get(s.id, float("-inf")) for s in snapshots if s.in_flight}
    asked = {
        s.id
        for s in snapshots
        if s.in_flight and (not s.acknowledged or s.doubt_since or now - last[s.id] >= SNAPSHOT_EVERY)
    }
    attention.snapshots = last | dict.fromkeys(asked, now)
    facts = await _all(
        (s.flink_job_id, partial(look.snapshot, s, runs.get(s.flink_job_id), ask=s.id in asked)) for s in snapshots
    )
    return dict(zip((s.id for s in snapshots), facts, strict=True))


def _note(attention: _Attention, asked: set[int], stops: Sequence[Stop], facts: Sequence[StopFact]) -> None:
    now = time.monotonic()
    open_stops = {stop.id for stop in stops}
    attention.asked = {i: at for i, at in attention.asked.items() if i in open_stops} | dict.fromkeys(asked, now)
    attention.alarmed = any(isinstance(fact, Refused) for fact in facts)


def _forget_aftermaths(attention: _Attention, stops: Sequence[Stop], snapshots: Sequence[Snapshot]) -> None:
    if attention.aftermaths.heard:
        attention.aftermaths.keep({s.trigger for s in stops} | {s.trigger for s in snapshots})


def _about_to_save(stops: Sequence[Stop], snapshots: Sequence[Snapshot]) -> list[str]:
    """The jobs of which a savepoint may be asked for next, by their Flink job ids."""
    stopping = [s.flink_job_id for s in stops if s.savepoint and s.sent_at is None and not s.held]
    return [*stopping, *(s.flink_job_id for s in snapshots if s.sent_at is None)]


async def _or_none(question: Awaitable[T]) -> T | None:
    """What nobody tells is left out."""
    try:
        return await question
    except Unreachable:
        return None


@dataclass(slots=True)
class _Look:
    """One look at one cluster, after its overview has come."""

    rest: FlinkRest
    cluster: Cluster
    listed: Mapping[str, JobOverview]
    gate: asyncio.Semaphore
    aftermaths: Aftermaths
    suspects: Collection[int] = ()  # ids of the stops that may hang

    async def run(self, run: Run) -> RunFact:
        """What is to be seen of a run."""
        job = self.listed.get(run.flink_job_id)
        if job is not None:
            return await self._seen(run, job)
        if run.life is not None and run.life != self.cluster.life:
            return Gone(ENDED_WITH_CLUSTER)
        if run.phase is RunPhase.LOST or not run.acknowledged:
            return Missing()
        return await self._confirm(run.flink_job_id)

    async def stop(self, stop: Stop, run: RunFact | None, *, ask: bool) -> StopFact:
        """What is to be seen of a stop, given what was seen of its run."""
        if isinstance(run, Missing | Gone | Silent):
            return run
        job = self.listed.get(stop.flink_job_id)
        state = run.state if isinstance(run, Seen) else None
        if state is None:
            return Silent("the look at the cluster does not show the job")
        if not stop.savepoint:
            return await self._cancel(stop, state)
        if stop.sent_at is None:
            why = run.why if isinstance(run, Seen) else ""
            return Ended(state, cause=why) if state.terminal else _unsent(job)
        if not ask and not state.terminal:
            return Alive()
        return await self._attempt(stop, state, job)

    async def snapshot(self, snapshot: Snapshot, run: RunFact | None, *, ask: bool) -> SnapshotFact:
        """What is to be seen of a savepoint of a running job, given what was seen of its run."""
        if isinstance(run, Missing | Gone | Silent):
            return run
        job = self.listed.get(snapshot.flink_job_id)
        state = run.state if isinstance(run, Seen) else None
        if state is None:
            return Silent("the look at the cluster does not show the job")
        if not snapshot.in_flight:
            return Ended(state) if state.terminal else _unsent(job)
        if not ask and not state.terminal:
            return Alive()
        try:
            async with self.gate:
                return await self._taken(snapshot, state, job)
        except Unreachable as error:
            return Silent(str(error))

    async def _taken(self, snapshot: Snapshot, state: JobState, job: JobOverview | None) -> SnapshotFact:
        answer = await self.rest.attempt(snapshot.flink_job_id, snapshot.trigger)
        ready = job is not None and job.ready
        match answer:
            case AttemptCompleted(location):
                return Saved(location, state)
            case AttemptInProgress():
                return Stopping()
            case AttemptUnknown():
                return Ended(state) if state.terminal else Running(ready=ready)
            case AttemptFailed(refusal, text):
                if state.terminal:
                    return await self._cause(snapshot, state, answer) or Refused(refusal, text)
                return await self.aftermaths.of_failure(self.rest, job, snapshot.trigger, snapshot.stable_since, answer)
            case NoSuchJob(text):
                # Asked for while a JobManager had yet to find the job again, it has failed for good.
                return Ended(state, text) if state.terminal else Refused(Refusal.OTHER, text)

    async def _seen(self, run: Run, job: JobOverview) -> RunFact:
        if job.state is None:
            return Silent(f"the cluster shows the state {job.raw_state}, which is not known")
        why = await self._why(run.flink_job_id) if job.state is JobState.FAILED else ""
        return Seen(job.state, why)

    async def _why(self, flink_job_id: str) -> str:
        try:
            async with self.gate:
                why = await self.rest.exceptions(flink_job_id)
                return why if self.cluster.life is None else vitals.sized(why)
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

    async def _cause(
        self, attempt: Stop | Snapshot, state: JobState, failed: AttemptFailed
    ) -> Refused | Recovering | None:
        """A failure of an attempt whose job is over, with the innermost cause; None when that is not the job's end."""
        if state is not JobState.FAILED:
            return None
        cause = await self.aftermaths.cause_of_end(self.rest, attempt.flink_job_id, attempt.trigger, failed.text)
        return Recovering(failed.text.rstrip(".")) if cause is None else Refused(failed.refusal, cause)

    async def _attempt(self, stop: Stop, state: JobState, job: JobOverview | None) -> StopFact:
        try:
            async with self.gate:
                answer = await self.rest.attempt(stop.flink_job_id, stop.trigger)
        except Unreachable as error:
            return Silent(str(error))
        match answer:
            case AttemptCompleted(location):
                return Saved(location, state) if state.terminal else Stopping(saved=True)
            case AttemptInProgress():
                return await self._hanging(stop) if stop.id in self.suspects else Stopping()
            case AttemptUnknown():
                return await self._forgotten(stop, state) if state.terminal else await self._ran_on(stop, job)
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
        retained = await self.rest.retains_checkpoints(stop.flink_job_id)
        return Weighed(checkpoints.last_kept(found, retained=retained))

    async def _forgotten(self, stop: Stop, state: JobState) -> StopFact:
        """Flink no longer knows the attempt. If it knows the job's checkpoints, the savepoint must be the last of them.

        A JobManager that was lost may have brought the job back from before its savepoint; then it ended by itself.
        """
        if state is not JobState.FINISHED:
            return Ended(state)
        try:
            async with self.gate:
                found = await self.rest.checkpoints(stop.flink_job_id)
        except Unreachable as error:
            return Silent(str(error))
        if found is None or checkpoints.ended_with(found, stop.target):
            return Ended(state)
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
        That it was about to restart (RESTARTING) is no proof: Flink may give that up, and let it fail.
        """
        if state.terminal and state is not JobState.FAILED:
            return Ended(state, failed.text)
        try:
            async with self.gate:
                if not state.terminal:
                    return await self.aftermaths.of_failure(self.rest, job, stop.trigger, stop.stable_since, failed)
                told = await self._cause(stop, state, failed)
                if not isinstance(told, Refused):
                    return Silent("the cluster does not tell yet why the job failed")
                failed = replace(failed, text=told.text)
                if failed.location is None:
                    return Ended(state, failed.text)
                running_since = await self.rest.running_since(stop.flink_job_id, state)
                found = await self.rest.checkpoints(stop.flink_job_id)
        except Unreachable as error:
            return Silent(str(error))
        if found is None:
            return Ended(state, failed.text)
        ran_on = None if running_since is None else checkpoints.ran_on_after(found, failed.location, running_since)
        if ran_on is None:
            return Silent("the cluster does not tell yet whether the job ran on after its savepoint")
        if ran_on:
            return Ended(state, failed.text)
        note = f"The job ended as {state} after its savepoint was complete: {failed.text}"
        return Saved(failed.location, state, note)


def _unsent(job: JobOverview | None) -> Running:
    """A job of which no savepoint of ours was asked for."""
    if job is None:
        return Running(ready=False)
    changed = None if job.last_modification < 0 else datetime.fromtimestamp(job.last_modification / 1000, UTC)
    return Running(ready=job.ready, finished=job.tasks.get("finished", 0), changed_at=changed)


def _lives(job: JobOverview) -> bool:
    return job.state is not None and not job.state.terminal


def _is_terminal(job: JobOverview | None) -> bool:
    return job is not None and job.state is not None and job.state.terminal


async def _all(looks: Iterable[tuple[str, Callable[[], Awaitable[T]]]]) -> list[T | Silent]:
    return list(await asyncio.gather(*(_or_silent(flink_job_id, look) for flink_job_id, look in looks)))


async def _or_silent(flink_job_id: str, look: Callable[[], Awaitable[T]]) -> T | Silent:
    """What nobody foresaw about one job costs that job its fact, and the other jobs nothing."""
    try:
        return await look()
    except Exception as error:
        log.exception("look_failed", flink_job_id=flink_job_id)
        return Silent(f"looking at the job failed: {error}")
