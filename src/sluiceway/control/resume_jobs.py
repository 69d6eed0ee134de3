"""Bringing jobs back as one order: what a stop has stopped, single jobs, or what failed of another way back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sluiceway.control.errors import Forbidden, KeyReused, NotResumed, UnknownResume
from sluiceway.control.retry_stops import told_as_one
from sluiceway.control.start_jobs import PLAIN, StartJobs, Terms, way_back
from sluiceway.domain.access import EVERYWHERE, Right
from sluiceway.domain.admission import RUNNABLE, Refusal, Verdict
from sluiceway.domain.batch import BatchState, Kind
from sluiceway.domain.coming_back import MISSED, BackPolicy, BackWish
from sluiceway.domain.way_back import Allowed
from sluiceway.store import answers, back_views, resumes, stories, views
from sluiceway.store.answers import AnsweredBefore, Key
from sluiceway.store.back_views import BackEntry, Resume
from sluiceway.store.resumes import ResumeIntent, Withdrawn


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request says beyond which jobs."""

    wish: BackWish = field(default_factory=BackWish)
    who: str = ""
    allowed: Right = EVERYWHERE
    terms: Terms = PLAIN
    key: Key | None = None  # for requests that may be sent again
    answer: Callable[["Resumed"], str] = lambda _: ""  # what to keep under the key


@dataclass(frozen=True, slots=True)
class Resumed:
    """The answer to one request to bring jobs back."""

    id: int | None  # of the order to look at; None where there is none, as for a dry run
    verdicts: Mapping[int, Verdict]  # by job


@dataclass(frozen=True, slots=True)
class ResumeJobs:
    """The use cases. Each answers as soon as the intent is stored.

    Those that start jobs raise `AnsweredBefore` for a key that has an answer, and `KeyReused` where that is another's.
    """

    start: StartJobs

    async def of_stop(self, project: str, stop_id: int, ask: Ask | None = None) -> Resumed:
        """Start exactly the jobs that a stop, and its retries, have stopped with savepoints; the last wave first.

        It can be repeated: a job that runs again from its savepoint stays as it is. Raises `UnknownBatch`.
        """
        ask, db = ask or Ask(), self.start.db
        _, entries = await told_as_one(db, project, stop_id)
        origins = await views.origins(db, project, [entry.job_id for entry in entries])
        again = Allowed.FINISHED in ask.terms.allowed
        judged = {e.job_id: way_back(e, origins.get(e.job_id), again=again) for e in entries}
        others = {job: verdict for job, verdict in judged.items() if verdict is not None}
        waves = {e.job_id: e.wave for e in entries if e.job_id not in others}
        before = await self._last(project, stop_id)
        return await self._begin(
            project, waves, ask, others, source=stop_id, before=before, known=before.id if before else None
        )

    async def of_jobs(self, project: str, job_ids: Sequence[int], ask: Ask | None = None) -> Resumed:
        """Start each of these from its newest savepoint or checkpoint."""
        return await self._begin(project, dict.fromkeys(job_ids, 0), ask or Ask(), {})

    async def failed_of_stop(self, project: str, stop_id: int, ask: Ask | None = None) -> Resumed:
        """Try again what failed of the last way back from a stop. Raises `UnknownBatch`, `NotResumed`."""
        await told_as_one(self.start.db, project, stop_id)
        before = await self._last(project, stop_id)
        if before is None:
            raise NotResumed(f"Stop {stop_id} was not resumed yet, so nothing of that has failed.")
        return await self.failed(project, before.id, ask)

    async def failed(self, project: str, order: int, ask: Ask | None = None) -> Resumed:
        """Start exactly those jobs of a way back that are parked or have failed, each from its newest state.

        Of one that was tried again, the last try counts. What the request leaves open is as in that. Raises
        `UnknownResume`.
        """
        ask, db = ask or Ask(), self.start.db
        found = [await back_views.resume(db, project, one) for one in await self._story(project, order)]
        known = [resume for resume in found if resume is not None]
        if not known:
            raise UnknownResume(f"There is no resume {order} in this project.")
        entries = {entry.job_id: entry for resume in known for entry in resume.entries}
        missed = [entry for entry in entries.values() if entry.phase in MISSED]
        waves = {entry.job_id: entry.wave for entry in missed if entry.current}
        last = known[-1]
        moved_on = {entry.job_id: _superseded(entry) for entry in missed if not entry.current}
        return await self._begin(project, waves, ask, moved_on, source=last.source, before=last, base=last.policy)

    async def abort(self, project: str, order: int, ask: Ask) -> Withdrawn:
        """Withdraw whatever of a way back was not sent yet. Raises `UnknownResume`, `Forbidden`."""
        await self._check(project, order, ask.allowed)
        taken = await resumes.abort(self.start.db, project, order, self.start.clock(), ask.who)
        if taken is None:
            raise UnknownResume(f"There is no resume {order} in this project.")
        self.start.queues.wake(taken.clusters)
        return taken

    async def proceed(self, project: str, order: int, ask: Ask) -> BatchState:
        """Let a paused way back go on, whatever has failed; the state it had. Raises `UnknownResume`, `Forbidden`."""
        await self._check(project, order, ask.allowed)
        state = await resumes.proceed(self.start.db, project, order, self.start.clock(), ask.who)
        if state is None:
            raise UnknownResume(f"There is no resume {order} in this project.")
        self.start.queues.wake(self.start.queues.names)
        return state

    async def _begin(
        self,
        project: str,
        waves: Mapping[int, int],
        ask: Ask,
        others: Mapping[int, Verdict],
        *,
        source: int | None = None,
        before: Resume | None = None,
        base: BackPolicy | None = None,
        known: int | None = None,
    ) -> Resumed:
        """Begin what a request is about. `others`: the verdicts on those jobs of it that are not to be started.

        `known` is the order to look at where there is no new one.
        """
        terms = ask.terms
        if ask.key is not None and not terms.dry_run:
            await self._check_key(project, ask.key)  # what was carried out must look changed by now
        plans = await self.start.plan(project, list(waves), resume=True, allowed=ask.allowed, terms=terms)
        if terms.approve is not None:
            terms.approve({**others, **plans.verdicts(None)})
        if terms.dry_run:
            return Resumed(None, {**others, **plans.verdicts(None)})

        def answered(order: int | None, begun: set[int]) -> Resumed:
            return Resumed(order or known, {**others, **plans.verdicts(begun)})

        intent = ResumeIntent(
            project,
            self.start.clock(),
            ask.wish.over(base),
            source,
            before.id if before else None,
            "" if source is None else f"It brings back what stop {source} has stopped.",
            ask.who,
            terms.plan,
            ask.key,
            lambda order, begun: ask.answer(answered(order, begun)),
        )
        starts = [replace(start, wave=waves[start.job_id]) for start in plans.starts]
        try:
            order, begun = await resumes.accept(self.start.db, starts, sorted(RUNNABLE), intent)
        except AnsweredBefore as told:
            raise _known_answer(told, ask.key) from None
        self.start.queues.wake(plans.clusters)
        return answered(order, begun)

    async def _check_key(self, project: str, key: Key) -> None:
        try:
            await answers.refuse_answered(self.start.db, project, key, self.start.clock())
        except AnsweredBefore as before:
            raise _known_answer(before, key) from None

    async def _last(self, project: str, stop_id: int) -> Resume | None:
        """The last way back from a stop, or from a retry of it."""
        sources = await stories.orders(self.start.db, project, stop_id, Kind.STOP)
        return next(iter(await back_views.resume_list(self.start.db, project, 1, None, sources)), None)

    async def _story(self, project: str, order: int) -> list[int]:
        return await stories.orders(self.start.db, project, order, Kind.RESUME)

    async def _check(self, project: str, order: int, allowed: Right) -> None:
        """A way back is one thing: who may not start jobs on one of its queues may not steer it."""
        queues = await back_views.queues_of_resume(self.start.db, project, order)
        barred = sorted(queue for queue in queues if not allowed(queue))
        if barred:
            raise Forbidden(f"You have no right to start jobs on {', '.join(barred)}, where jobs of this resume are.")


def _known_answer(before: AnsweredBefore, key: Key | None) -> Exception:
    """What to raise for a key that has an answer: that, or that it was another request's."""
    return KeyReused(key.name) if key is not None and before.digest != key.digest else before


def _superseded(entry: BackEntry) -> Verdict:
    return Verdict(Refusal.SUPERSEDED, entry.status)
