"""Brings jobs back as one order: the jobs of a stop, single jobs, or those that failed on another way back."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sluiceway.control.errors import Forbidden, NotResumed, UnknownResume
from sluiceway.control.keys import check_key, same_request
from sluiceway.control.retry_stops import told_as_one
from sluiceway.control.start_jobs import StartJobs, hold_to, way_back
from sluiceway.domain.access import EVERYWHERE, Right
from sluiceway.domain.admission import RUNNABLE, Refusal, Verdict
from sluiceway.domain.batch import BatchState, Kind
from sluiceway.domain.coming_back import MISSED, BackPolicy
from sluiceway.domain.orders import Placed, ResumeOrder
from sluiceway.domain.way_back import Allowed
from sluiceway.store import back_views, resumes, stories, views
from sluiceway.store.back_views import BackEntry, Resume
from sluiceway.store.resumes import Answers, ResumeIntent, Withdrawn


@dataclass(frozen=True, slots=True)
class _Meant:
    """The jobs that an order means, looked up."""

    waves: Mapping[int, int]  # of the jobs to start
    others: Mapping[int, Verdict] = field(default_factory=dict)  # on those jobs of it that are not to be started
    source: int | None = None  # the stop whose jobs it brings back
    before: Resume | None = None  # the order before it, in whose story it is
    base: BackPolicy | None = None  # what that has said before
    known: int | None = None  # the order to look at where there is no new one


@dataclass(frozen=True, slots=True)
class ResumeJobs:
    """The use cases. Call it with an order; it answers as soon as the intent is stored."""

    start: StartJobs

    async def __call__(self, order: ResumeOrder, right: Right = EVERYWHERE) -> Placed:
        """Start each job that the order means, and that may be started.

        Raises `UnknownBatch`, `UnknownResume`, `NotResumed`, `PlanOutdated`; `AnsweredBefore` for a key that has an
        answer, and `KeyReused` where that is another's.
        """
        meant = await self._meant(order)
        if order.key is not None and not order.dry_run:
            # What was carried out must look changed by now.
            await check_key(self.start.db, order.project, order.key, self.start.clock())
        plans = await self.start.plan(order.starts(list(meant.waves)), right)
        told = Answers({**meant.others, **plans.verdicts}, plans.late)
        hold_to(order, told.begun)
        if order.dry_run:
            return told.of(None, plans.late)
        starts = [replace(start, wave=meant.waves[start.job_id]) for start in plans.starts]
        with same_request(order.key):
            placed = await resumes.accept(self.start.db, starts, sorted(RUNNABLE), self._intent(order, meant), told)
        self.start.queues.wake(plans.clusters)
        return placed

    async def _meant(self, order: ResumeOrder) -> _Meant:
        if order.retry_of is not None:
            return await self._failed(order.project, order.retry_of)
        if order.stop is None:
            return _Meant(dict.fromkeys(order.jobs, 0))
        if order.failed:
            return await self._failed_of_stop(order.project, order.stop)
        return await self._of_stop(order, order.stop)

    async def _of_stop(self, order: ResumeOrder, stop_id: int) -> _Meant:
        """Exactly the jobs that a stop and its retries have stopped with savepoints; the last wave first.

        It can be repeated: a job that runs again from its savepoint stays as it is.
        """
        db = self.start.db
        _, entries = await told_as_one(db, order.project, stop_id)
        origins = await views.origins(db, order.project, [entry.job_id for entry in entries])
        again = Allowed.FINISHED in order.allow
        entries = [entry for entry in entries if not order.jobs or entry.job_id in order.jobs]
        judged = {e.job_id: way_back(e, origins.get(e.job_id), again=again) for e in entries}
        others = {job: verdict for job, verdict in judged.items() if verdict is not None}
        waves = {e.job_id: e.wave for e in entries if e.job_id not in others}
        before = await self._last(order.project, stop_id)
        return _Meant(waves, others, stop_id, before, known=before.id if before else None)

    async def _failed_of_stop(self, project: str, stop_id: int) -> _Meant:
        """The jobs that failed on the last way back from a stop."""
        await told_as_one(self.start.db, project, stop_id)
        before = await self._last(project, stop_id)
        if before is None:
            raise NotResumed(f"Stop {stop_id} was not resumed yet, so there is nothing to retry.")
        return await self._failed(project, before.id)

    async def _failed(self, project: str, order: int) -> _Meant:
        """Exactly those jobs of a way back that are parked or have failed, each from its newest state.

        Of one that was tried again, the last try counts. What the order leaves open is as in that.
        """
        story = await stories.orders(self.start.db, project, order, Kind.RESUME)
        found = [await back_views.resume(self.start.db, project, one) for one in story]
        known = [resume for resume in found if resume is not None]
        if not known:
            raise UnknownResume(f"There is no resume {order} in this project.")
        entries = {entry.job_id: entry for resume in known for entry in resume.entries}
        missed = [entry for entry in entries.values() if entry.phase in MISSED]
        waves = {entry.job_id: entry.wave for entry in missed if entry.current}
        last = known[-1]
        moved_on = {entry.job_id: _superseded(entry) for entry in missed if not entry.current}
        return _Meant(waves, moved_on, last.source, last, base=last.policy)

    def _intent(self, order: ResumeOrder, meant: _Meant) -> ResumeIntent:
        return ResumeIntent(
            project=order.project,
            now=self.start.clock(),
            policy=order.wish.over(meant.base),
            source=meant.source,
            retry_of=meant.before.id if meant.before else None,
            known=meant.known,
            who=order.who,
            plan=order.plan,
            key=order.key,
        )

    async def abort(self, project: str, order: int, *, who: str = "", right: Right = EVERYWHERE) -> Withdrawn:
        """Withdraw the starts that were not sent yet. Raises `UnknownResume`, `Forbidden`."""
        await self._check(project, order, right)
        taken = await resumes.abort(self.start.db, project, order, self.start.clock(), who)
        if taken is None:
            raise UnknownResume(f"There is no resume {order} in this project.")
        self.start.queues.wake(taken.clusters)
        return taken

    async def proceed(self, project: str, order: int, *, who: str = "", right: Right = EVERYWHERE) -> BatchState:
        """Continue a paused way back, whatever has failed; its former state. Raises `UnknownResume`, `Forbidden`."""
        await self._check(project, order, right)
        state = await resumes.proceed(self.start.db, project, order, self.start.clock(), who)
        if state is None:
            raise UnknownResume(f"There is no resume {order} in this project.")
        self.start.queues.wake(self.start.queues.names)
        return state

    async def _last(self, project: str, stop_id: int) -> Resume | None:
        """The last way back from a stop, or from a retry of it."""
        sources = await stories.orders(self.start.db, project, stop_id, Kind.STOP)
        return next(iter(await back_views.resume_list(self.start.db, project, 1, None, sources)), None)

    async def _check(self, project: str, order: int, right: Right) -> None:
        """Steering a way back needs the right to start jobs on all of its queues."""
        queues = await back_views.queues_of_resume(self.start.db, project, order)
        barred = sorted(queue for queue in queues if not right(queue))
        if barred:
            raise Forbidden(f"You have no right to start jobs on {', '.join(barred)}, where jobs of this resume are.")


def _superseded(entry: BackEntry) -> Verdict:
    return Verdict(Refusal.SUPERSEDED, entry.status)
