"""Stopping jobs: every job gets its verdict, and what is accepted is stored before the answer is given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sluiceway.control.errors import Forbidden, KeyReused, UnknownBatch, UnknownQueue
from sluiceway.domain.judging import judge_format
from sluiceway.control.queues import Queues
from sluiceway.domain.access import EVERYWHERE, Right
from sluiceway.domain.admission import ACCEPTED, RUNNABLE, STOPPABLE, UNKNOWN, Refusal, Verdict, may_stop
from sluiceway.domain.batch import BatchState, Limits
from sluiceway.domain.job import JobStatus
from sluiceway.domain.plan import PlanRef
from sluiceway.domain.policy import PLAIN, SavepointFormat, StopPolicy
from sluiceway.domain.stop import SETTLED, Stop, StopPhase, rearm
from sluiceway.storage.savepoints import Storage
from sluiceway.store import answers, batches, stop_intents, views
from sluiceway.store.answers import AnsweredBefore, Key
from sluiceway.store.batches import Aborted
from sluiceway.store.database import Database
from sluiceway.store.stop_intents import Obstacle, Rest, StopIntent
from sluiceway.store.views import JobSelector

# What a job that does not run is answered where that is a success; the status is the one that it was found in.
AT_REST = {status: Verdict(status=status) for status in RUNNABLE}
STILL_UNDER_WAY = Verdict(note="An earlier stop of this job is still under way; it is waited for anew.")
TAKES_ITS_PLACE = Verdict(note="It takes the place of a stop with a savepoint that had sent nothing.")

STARTED_ANEW = "It was started anew since the dry run showed it."
IS_CANCELED = "It is already being canceled without a savepoint."


@dataclass(frozen=True, slots=True)
class StopBatch:
    """The answer to one request to stop jobs."""

    id: int | None  # None when nothing was accepted
    verdicts: Sequence[Verdict]  # one for each position of the request


@dataclass(frozen=True, slots=True)
class StopOrder:
    """What a request may say beyond which jobs, and whether with savepoints."""

    policy: StopPolicy = PLAIN
    limits: Limits = field(default_factory=Limits)
    target: str | None = None  # a directory (URI) for the savepoints; None: the storage root's
    waves: Mapping[int, int] = field(default_factory=dict)  # of jobs by id
    who: str = ""
    allowed: Right = EVERYWHERE  # whether the caller may stop jobs on a queue
    stopped_is_done: bool = False  # a job that is stopped already is a success that says so
    at_rest_is_done: bool = False  # a job that does not run, for whatever reason, is marked as stopped, and a success
    after_savepoint: bool = False  # a job of which a savepoint is being taken is stopped once that has ended
    plan: PlanRef | None = None  # the dry run that it carries out
    shown: Mapping[int, str] | None = None  # of its jobs by id: the Flink jobs that were shown, and no others
    key: Key | None = None  # for requests that may be sent again
    retry_of: int | None = None  # the order of which it takes what failed
    answer: Callable[[StopBatch], str] = str  # what to keep under the key


@dataclass(frozen=True, slots=True)
class StopJobs:
    """The use case. Call it; it answers as soon as the intent is stored."""

    db: Database
    queues: Queues
    storage: Storage
    clock: Callable[[], datetime]
    timeout: timedelta

    async def __call__(
        self, project: str, job_ids: Sequence[int], *, savepoint: bool, reason: str = "", order: StopOrder | None = None
    ) -> StopBatch:
        """Accept the stop of each job that may be stopped. An id that is given twice is acted on once.

        Raises `AnsweredBefore` and `KeyReused` for a key that is known.
        """
        order = order or StopOrder()
        odd: dict[int, Verdict] = {}
        intent = self._intent(project, order, savepoint=savepoint, reason=reason)
        deadline = intent.now + intent.timeout

        def judge(obstacle: Obstacle) -> Stop | bool | Rest:
            verdict, answer = self._judge(obstacle, order, savepoint=savepoint, deadline=deadline)
            if verdict is not ACCEPTED:
                odd[obstacle.job_id] = verdict
            return answer

        def answered(batch: int | None) -> StopBatch:
            return StopBatch(batch, [odd.get(j, ACCEPTED) for j in job_ids] if odd else [ACCEPTED] * len(job_ids))

        once = job_ids if len(set(job_ids)) == len(job_ids) else list(dict.fromkeys(job_ids))
        mine = [name for name in self.queues.names if order.allowed.covers(name)]
        # Who asks for a format that can kill has every job looked at.
        looked_at = order.shown is not None or (savepoint and order.policy.format is SavepointFormat.CANONICAL)
        plain = stop_intents.Plain([] if looked_at else _plain(savepoint=savepoint), mine)
        try:
            batch, clusters = await stop_intents.accept_stops(
                self.db, once, intent, plain, judge, lambda batch: order.answer(answered(batch))
            )
        except AnsweredBefore as before:
            if order.key is not None and before.digest != order.key.digest:
                raise KeyReused(order.key.name) from None
            raise
        self.queues.wake(clusters)
        return answered(batch)

    async def check_key(self, project: str, key: Key) -> None:
        """Raises `AnsweredBefore` and `KeyReused` for a key that is known."""
        try:
            await answers.refuse_answered(self.db, project, key, self.clock())
        except AnsweredBefore as before:
            if before.digest != key.digest:
                raise KeyReused(key.name) from None
            raise

    async def select(self, project: str, which: JobSelector) -> list[int]:
        """The ids of all jobs that are selected, in order. Raises `UnknownQueue`.

        Unless statuses are named, only those that could be stopped now.
        """
        if not which.statuses:
            which = replace(which, statuses=sorted(STOPPABLE), saving=True)
        found = await views.job_ids(self.db, project, which)
        if not found and which.queue is not None and which.queue not in self.queues.names:
            raise UnknownQueue(which.queue)  # a slip of the pen must not look like a cluster with nothing to stop
        return found

    async def arrange(
        self, project: str, job_ids: Sequence[int] | None, groups: Sequence[JobSelector | Sequence[int]]
    ) -> tuple[list[int], dict[int, int]]:
        """The jobs to stop and the wave of each; without `job_ids` they are those of all groups.

        A job that is in several groups goes with the first. One that is in none goes last. Raises `UnknownQueue`.
        """
        waves: dict[int, int] = {}
        for wave, group in enumerate(groups):
            members = await self.select(project, group) if isinstance(group, JobSelector) else group
            for job in members:
                waves.setdefault(job, wave)
        if job_ids is None:
            return list(waves), waves
        return list(job_ids), {job: waves.get(job, len(groups)) for job in job_ids} if groups else {}

    async def abort(self, project: str, batch_id: int, *, who: str = "", allowed: Right = EVERYWHERE) -> Aborted:
        """Withdraw whatever of a batch was not sent yet. Raises `UnknownBatch`, `Forbidden`."""
        await self._check(project, batch_id, allowed)
        aborted = await batches.abort(self.db, project, batch_id, self.clock(), who)
        if aborted is None:
            raise UnknownBatch(f"There is no stop {batch_id} in this project.")
        self.queues.wake(aborted.clusters)
        return aborted

    async def proceed(self, project: str, batch_id: int, *, who: str = "", allowed: Right = EVERYWHERE) -> BatchState:
        """Let a paused batch go on, whatever has failed; the state it had. Raises `UnknownBatch`, `Forbidden`."""
        await self._check(project, batch_id, allowed)
        state = await batches.proceed(self.db, project, batch_id, self.clock(), who)
        if state is None:
            raise UnknownBatch(f"There is no stop {batch_id} in this project.")
        self.queues.wake(self.queues.names)
        return state

    async def _check(self, project: str, batch_id: int, allowed: Right) -> None:
        """A batch is one thing: who may not stop jobs on one of its queues may not steer it."""
        barred = sorted(q for q in await views.queues_of_batch(self.db, project, batch_id) if not allowed(q))
        if barred:
            raise Forbidden(f"You have no right to stop jobs on {', '.join(barred)}, where jobs of this stop are.")

    def _intent(self, project: str, order: StopOrder, *, savepoint: bool, reason: str) -> StopIntent:
        return StopIntent(
            project=project,
            savepoint=savepoint,
            home=self.storage.uri,
            target=order.target,
            timeout=order.policy.timeout or self.timeout,
            reason=reason,
            now=self.clock(),
            policy=order.policy,
            limits=order.limits,
            waves=order.waves,
            who=order.who,
            plan=None if order.plan is None else (order.plan.id, order.plan.who),
            key=order.key,
            retry_of=order.retry_of,
        )

    def _judge(
        self, obstacle: Obstacle, order: StopOrder, *, savepoint: bool, deadline: datetime
    ) -> tuple[Verdict, Stop | bool | Rest]:
        if _shown_otherwise(order, obstacle):
            return Verdict(Refusal.WRONG_STATE, obstacle.status, STARTED_ANEW), False
        verdict = judge_stop(
            obstacle,
            self.queues.names,
            savepoint=savepoint,
            stopped_is_done=order.stopped_is_done,
            at_rest_is_done=order.at_rest_is_done,
            after_savepoint=order.after_savepoint,
            allowed=order.allowed,
            wish=order.policy.format,
        )
        if verdict in AT_REST.values():
            return verdict, Rest.MARK
        if verdict not in (STILL_UNDER_WAY, TAKES_ITS_PLACE) or obstacle.stop is None:
            return verdict, verdict.accepted and verdict.status is None
        # One attempt may still be in flight; a second beside it would restart the job.
        return verdict, rearm(obstacle.stop, savepoint=savepoint, deadline=deadline)


def _shown_otherwise(order: StopOrder, obstacle: Obstacle) -> bool:
    """Whether the plan that an order carries out has shown another run of the job."""
    return order.shown is not None and order.shown.get(obstacle.job_id) != obstacle.flink_job_id


def judge_stop(
    obstacle: Obstacle,
    clusters: Sequence[str],
    *,
    savepoint: bool,
    stopped_is_done: bool = False,
    at_rest_is_done: bool = False,
    after_savepoint: bool = False,
    allowed: Right = EVERYWHERE,
    wish: SavepointFormat | None = None,
) -> Verdict:
    """Whether a job may be stopped as it stands; `STILL_UNDER_WAY` where its overdue stop is waited for anew.

    `TAKES_ITS_PLACE` where a stop without a savepoint supersedes one that has sent nothing, and so is no obstacle.
    """
    status, stop = obstacle.status, obstacle.stop
    if status is None:
        return UNKNOWN
    if obstacle.cluster is not None and not allowed(obstacle.cluster):
        return Verdict(Refusal.FORBIDDEN, status, obstacle.cluster)
    if status in AT_REST and at_rest_is_done:
        return AT_REST[status]
    if status is JobStatus.STOPPED and stopped_is_done:
        return _stopped_already(stop, savepoint=savepoint)
    under_way = stop is not None and stop.phase not in SETTLED
    if after_savepoint and status is JobStatus.SAVEPOINTING and not under_way:
        status = JobStatus.RUNNING  # it is, while a savepoint is taken that is not a stop's
    unsent = under_way and stop is not None and stop.savepoint and stop.sent_at is None
    supersedes = unsent and not savepoint and stop is not None and stop.phase is StopPhase.WAITING
    if not supersedes and not may_stop(status, savepoint=savepoint):
        return Verdict(Refusal.WRONG_STATE, status)
    if obstacle.cluster not in clusters:
        return Verdict(Refusal.NO_QUEUE, status, obstacle.cluster or "")
    asked = judge_format(obstacle.traits, wish) if savepoint else ACCEPTED
    if not asked.accepted:
        return asked
    if supersedes:
        return TAKES_ITS_PLACE
    if stop is None or stop.phase is not StopPhase.OVERDUE:
        return asked
    if savepoint and not stop.savepoint:
        return Verdict(Refusal.WRONG_STATE, JobStatus.CANCELING, IS_CANCELED)
    return STILL_UNDER_WAY


def _stopped_already(stop: Stop | None, *, savepoint: bool) -> Verdict:
    kept = stop.savepoint_path if stop else None
    if savepoint and kept is None:
        return Verdict(Refusal.WRONG_STATE, JobStatus.STOPPED, "It is stopped already, without a savepoint.")
    return Verdict(status=JobStatus.STOPPED, note="It is stopped already" + (f", with {kept}." if kept else "."))


def _plain(*, savepoint: bool) -> list[JobStatus]:
    """The statuses in which a stop is accepted without a closer look."""
    return [status for status in STOPPABLE - {JobStatus.STOP_FAILED} if may_stop(status, savepoint=savepoint)]
