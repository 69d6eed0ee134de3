"""Starting jobs, from nothing or from where they were stopped."""

import asyncio
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sluiceway.control import programs
from sluiceway.control.queues import Queues
from sluiceway.domain.access import EVERYWHERE, Right
from sluiceway.domain.admission import RUNNABLE, RUNS, UNKNOWN, Refusal, Verdict, may_run
from sluiceway.domain.job import JobStatus
from sluiceway.domain.stop import StopPhase
from sluiceway.storage.errors import StorageUnreadable
from sluiceway.storage.savepoints import Storage
from sluiceway.store import intents, views
from sluiceway.store.database import Database
from sluiceway.store.intents import Start
from sluiceway.store.views import BatchEntry, Origin

STILL_LIVES = "It lives in Flink, and may yet run; stop it first."


@dataclass(frozen=True, slots=True)
class Plans:
    """What is to become of each job of a request to start some."""

    origins: Mapping[int, Origin]
    each: Mapping[int, Start | Verdict]

    @property
    def starts(self) -> list[Start]:
        """The starts to accept."""
        return [plan for plan in self.each.values() if isinstance(plan, Start)]

    @property
    def clusters(self) -> set[str]:
        """Those that they are on."""
        return {start.cluster for start in self.starts}

    def verdicts(self, begun: Collection[int]) -> dict[int, Verdict]:
        """The answers, once it is known which of the starts were stored."""
        return {job: _verdict(plan, job in begun, self.origins.get(job)) for job, plan in self.each.items()}


@dataclass(frozen=True, slots=True)
class StartJobs:
    """The use case. Call it; it answers as soon as the intent is stored."""

    db: Database
    queues: Queues
    storage: Storage
    clock: Callable[[], datetime]

    async def __call__(
        self,
        project: str,
        job_ids: Sequence[int],
        *,
        resume: bool,
        who: str = "",
        allowed: Right = EVERYWHERE,
    ) -> Sequence[Verdict]:
        """Accept the start of each job that may be started; with `resume` from its newest savepoint or checkpoint.

        An id that is given twice is acted on once.
        """
        plans = await self.plan(project, job_ids, resume=resume, allowed=allowed)
        begun = await intents.accept_starts(self.db, plans.starts, sorted(RUNNABLE), self.clock(), who)
        self.queues.wake(plans.clusters)
        verdicts = plans.verdicts(begun)
        return [verdicts[job] for job in job_ids]

    async def plan(self, project: str, job_ids: Sequence[int], *, resume: bool, allowed: Right = EVERYWHERE) -> Plans:
        """How each job would be started, or why it is not. Nothing is stored."""
        once = list(dict.fromkeys(job_ids))
        origins = await views.origins(self.db, project, once)
        roots = await self._roots(origins.values()) if resume else {}
        plans = await asyncio.gather(*(self._plan(origins.get(job), resume, roots, allowed) for job in once))
        return Plans(origins, await self._with_programs(project, dict(zip(once, plans, strict=True))))

    async def _roots(self, origins: Iterable[Origin]) -> Mapping[int, Sequence[str]]:
        """Where savepoints may lie, by run, of those that no stop has kept the savepoint of."""
        wanted = [o.run_id for o in origins if o.run_id is not None and not o.saved and may_run(o.status)]
        return await views.roots(self.db, wanted)

    async def _with_programs(self, project: str, plans: dict[int, Start | Verdict]) -> dict[int, Start | Verdict]:
        """The same plans, but for jobs whose program is not all there."""
        wanted = [job for job, plan in plans.items() if isinstance(plan, Start)]
        found = await views.programs(self.db, wanted)
        files = {name for program in found.values() for name in programs.files_of(program)}
        absent = await programs.absent(self.db, self.storage.files, project, files)
        lacking = {job: verdict for job, program in found.items() if (verdict := programs.lacks(program, absent))}
        return plans | lacking

    async def _plan(
        self,
        origin: Origin | None,
        resume: bool,
        roots: Mapping[int, Sequence[str]],
        allowed: Right,
    ) -> Start | Verdict:
        if origin is None:
            return UNKNOWN
        cluster = self.queues.resolve(origin.queue)
        if cluster is not None and not allowed(cluster):
            return Verdict(Refusal.FORBIDDEN, origin.status, cluster)
        if not may_run(origin.status):
            return Verdict(Refusal.WRONG_STATE, origin.status, STILL_LIVES if origin.status is JobStatus.UNWELL else "")
        if cluster is None:
            return Verdict(Refusal.NO_QUEUE, origin.status, origin.queue or "")
        try:
            restore = await self._resume_point(origin, roots) if resume else None
        except StorageUnreadable as error:
            # An older state than the newest would undo work, and nobody would notice.
            return Verdict(Refusal.NO_SAVEPOINT, origin.status, f"The storage cannot be read now: {error}")
        if resume and restore is None:
            return Verdict(Refusal.NO_SAVEPOINT, origin.status)
        return Start(
            job_id=origin.job_id,
            seen_run=origin.run_id,
            cluster=cluster,
            flink_job_id=secrets.token_hex(16),
            restore=restore,
            project=origin.project,
            checkpoints=self.storage.checkpoints(origin.bucket, origin.job_id),
            chosen=origin.chosen,
        )

    async def _resume_point(self, origin: Origin, roots: Mapping[int, Sequence[str]]) -> str | None:
        """What somebody chose, else the newest state: what the last stop saved, else what the last run left behind,
        else what it began from.

        Raises `StorageUnreadable`.
        """
        if origin.chosen:
            return origin.chosen
        if origin.saved or origin.flink_job_id is None or origin.run_id is None:
            return origin.stopped_with or origin.savepoint_path
        checkpoints = origin.checkpoints or self.storage.checkpoints(None, origin.job_id)
        left = await self.storage.newest_state(f"{checkpoints}/{origin.flink_job_id}", roots.get(origin.run_id, ()))
        return left or origin.stopped_with or origin.restored_from or origin.savepoint_path


def way_back(entry: BatchEntry, origin: Origin | None) -> Verdict | None:
    """Why a job of a batch cannot, or need not, be started from its savepoint; None when it can."""
    saved = entry.stop.savepoint_path or entry.stop.checkpoint_path
    if origin is None:
        return UNKNOWN
    if entry.stop.unproven:
        saved = origin.restored_from  # its run never did its work: what that was started from stays its state
    if entry.stop.phase is not StopPhase.STOPPED or saved is None:
        return Verdict(Refusal.NOT_STOPPED, origin.status, f"{entry.stop.phase}. {entry.stop.reason}".strip())
    if saved != (origin.chosen or origin.stopped_with or origin.restored_from):
        return Verdict(Refusal.SUPERSEDED, origin.status)
    if origin.stopped_with != saved and origin.status in RUNS | {JobStatus.SUBMITTING}:
        return Verdict(status=origin.status, note="It has already been started from this savepoint.")
    return None


def _verdict(plan: Start | Verdict, begun: bool, origin: Origin | None) -> Verdict:
    if isinstance(plan, Verdict):
        return plan
    if not begun:
        # Somebody else started, stopped or deleted it between our look and our write.
        return Verdict(Refusal.WRONG_STATE, origin.status if origin else None, "It was changed at the same moment.")
    return Verdict(note=f"It starts from {plan.restore}." if plan.restore else "")
