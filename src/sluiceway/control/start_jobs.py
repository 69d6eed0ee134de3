"""Starting jobs, from nothing or from where they were stopped."""

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sluiceway.control import programs
from sluiceway.control.cluster_jars import ClusterJars, JarsOf
from sluiceway.control.fits import Fits, Judge
from sluiceway.control.kept_plans import hold, of_starts
from sluiceway.control.queues import Queues
from sluiceway.control.sql_checks import SqlChecks
from sluiceway.control.state_versions import StateVersions, VersionOf
from sluiceway.control.way_back import Options, WaysBack, own_options
from sluiceway.domain.access import EVERYWHERE, Right
from sluiceway.domain.admission import ACTIVE, RUNNABLE, RUNS, UNKNOWN, Refusal, Verdict, may_run
from sluiceway.domain.job import JobStatus
from sluiceway.domain.misfit import left_behind
from sluiceway.domain.operations.stop import StopPhase
from sluiceway.domain.orders import Placed, ResumeOrder, StartOrder
from sluiceway.domain.way_back import Allowed, Back, Source, State, Trouble, Weight, told
from sluiceway.storage.savepoints import Storage
from sluiceway.store import intents, views
from sluiceway.store.batch_views import BatchEntry
from sluiceway.store.database import Database
from sluiceway.store.intents import Start
from sluiceway.store.views import Origin

STILL_LIVES = "It lives in Flink, and may yet run; stop it first."
HAS_FINISHED = "It has finished since it was brought back; its rows are written."
THE_SAVEPOINT = "its savepoint"  # in place of a path that nobody knows yet

_REFUSED = {
    Trouble.DRAINED: Refusal.DRAINED,
    Trouble.FINISHED: Refusal.FINISHED,
    Trouble.UNREADABLE: Refusal.UNREADABLE,
    Trouble.FIT: Refusal.DOES_NOT_FIT,
    Trouble.FLINK_VERSION: Refusal.DOES_NOT_FIT,
}


@dataclass(frozen=True, slots=True)
class Plans:
    """The verdicts and starts of a request."""

    origins: Mapping[int, Origin]
    each: Mapping[int, Start | Verdict]
    backs: Mapping[int, Back]  # of those that are resumed
    notes: Mapping[int, str] = field(default_factory=dict)  # what there is to say of their SQL

    @property
    def starts(self) -> list[Start]:
        """The starts to accept."""
        return [plan for plan in self.each.values() if isinstance(plan, Start)]

    @property
    def clusters(self) -> set[str]:
        """Those that they are on."""
        return {start.cluster for start in self.starts}

    @property
    def verdicts(self) -> dict[int, Verdict]:
        """The answers, as if all of the starts were stored."""
        return {job: _verdict(plan, self.backs.get(job), self.notes.get(job, "")) for job, plan in self.each.items()}

    @property
    def late(self) -> dict[int, Verdict]:
        """The answers of starts that are not stored: somebody else has changed the job in between."""
        return {start.job_id: _too_late(self.origins.get(start.job_id)) for start in self.starts}


@dataclass(frozen=True, slots=True)
class StartJobs:
    """The use case. Call it; it answers as soon as the intent is stored."""

    db: Database
    queues: Queues
    storage: Storage
    clock: Callable[[], datetime]
    zone: str = "UTC"  # that SQL is planned under which has none of its own, and has never run
    judge: Judge | None = None  # what tells whether states fit; without it nobody does
    options: Options = own_options  # see `WaysBack`
    check_sql: SqlChecks | None = None  # what tells SQL that cannot run; without it its submission does
    version_of: VersionOf | None = None  # of the Flink at a place; without it nobody holds states against it
    jars_of: JarsOf | None = None  # that a place has; without it a submission tells which one is lacking

    async def __call__(self, order: StartOrder, right: Right = EVERYWHERE) -> Placed:
        """Accept the start of each job that may be started. Raises `PlanOutdated`."""
        plans = await self.plan(order, right)
        verdicts = plans.verdicts
        hold_to(order, verdicts)
        if not order.dry_run:
            note = order.plan.told if order.plan else ""
            begun = await intents.accept_starts(self.db, plans.starts, sorted(RUNNABLE), self.clock(), order.who, note)
            self.queues.wake(plans.clusters)
            verdicts |= {job: no for job, no in plans.late.items() if job not in begun}
        return Placed(None, order.jobs, verdicts)

    async def plan(self, order: StartOrder, right: Right = EVERYWHERE) -> Plans:
        """How each job would be started, or why it is not. Nothing is stored."""
        project, resume, allow = order.project, order.resume, order.allow
        once = list(dict.fromkeys(order.jobs))
        known = await views.origins(self.db, project, once)
        origins = {job: _then(origin) for job, origin in known.items()} if order.running else known
        resumed = {job for job, origin in origins.items() if _resumes(origin, resume)}
        thorough = order.dry_run or order.shown is not None
        look = WaysBack(self.db, self.storage, self.clock, self.zone, self.options)
        if order.running:
            backs = await self._to_come(look, project, origins, newest=thorough)
        else:
            backs = await look(project, [origins[job] for job in origins if job in resumed], allow)
        plans = {job: self._plan(origins.get(job), backs.get(job), job in resumed, right, order) for job in once}
        found = Plans(known, await self._with_programs(project, plans), backs)
        found = await self._with_sql(project, found, patient=thorough)
        if self.version_of is not None:
            read = StateVersions(self.version_of, self.queues.locate)
            found = replace(found, backs=await read(found.starts, found.backs))
        if self.judge is not None:
            fits = Fits(self.db, self.judge, self.queues.locate, allow)
            found = replace(found, backs=await fits(project, found.starts, found.backs, dry_run=thorough))
        return replace(found, each={job: _settled(found, job, allow) for job in found.each})

    async def _to_come(
        self, look: WaysBack, project: str, origins: Mapping[int, Origin], *, newest: bool
    ) -> dict[int, Back]:
        """The ways back of jobs that run, from savepoints that are not taken yet; each is held to be like the newest
        state that the job has left, where somebody wants to know."""
        found = await look(project, list(origins.values())) if newest else {}
        states = {job: back.state for job, back in found.items() if back.state is not None and back.state.whole}
        clusters = {origin.cluster for origin in origins.values() if origin.cluster}
        read = StateVersions(self.version_of, self.queues.locate) if self.version_of else None
        versions = await read.versions(clusters) if read else {}
        return {
            job: Back(_coming(origin, versions.get(origin.cluster or "", ""), states.get(job)))
            for job, origin in origins.items()
        }

    async def _with_programs(self, project: str, plans: dict[int, Start | Verdict]) -> dict[int, Start | Verdict]:
        """The same plans, but for jobs whose program is not all there."""
        wanted = [job for job, plan in plans.items() if isinstance(plan, Start)]
        found = await views.programs(self.db, wanted)
        files = {name for program in found.values() for name in programs.files_of(program)}
        absent = await programs.absent(self.db, self.storage.files, project, files)
        lacking = {job: verdict for job, program in found.items() if (verdict := programs.lacks(program, absent))}
        if self.jars_of is not None:
            clusters = {plan.job_id: plan.cluster for plan in plans.values() if isinstance(plan, Start)}
            have = ClusterJars(self.jars_of, self.queues.locate)
            lacking |= await have.lacking({job: (clusters[job], program) for job, program in found.items()})
        return plans | lacking

    async def _with_sql(self, project: str, found: Plans, *, patient: bool) -> Plans:
        """The same plans, but for jobs whose SQL is known to be refused."""
        if self.check_sql is None:
            return found
        clusters = {start.job_id: start.cluster for start in found.starts}
        programs = await views.programs(self.db, list(clusters))
        wanted = {job: cluster for job, cluster in clusters.items() if job not in programs}
        findings = await self.check_sql(project, wanted, patient=patient)
        wrong = {job: Verdict(no, found.origins[job].status, why) for job, (no, why) in findings.wrong.items()}
        return replace(found, each={**found.each, **wrong}, notes=findings.notes)

    def _plan(
        self, origin: Origin | None, back: Back | None, resume: bool, right: Right, order: StartOrder
    ) -> Start | Verdict:
        if origin is None:
            return UNKNOWN
        place = order.places.get(origin.job_id)
        queue = place or origin.queue
        cluster = self.queues.resolve(queue, origin.project)
        if cluster is not None and not right(cluster):
            return Verdict(Refusal.FORBIDDEN, origin.status, cluster)
        if not may_run(origin.status):
            return Verdict(Refusal.WRONG_STATE, origin.status, STILL_LIVES if origin.status is JobStatus.UNWELL else "")
        if cluster is None:
            return Verdict(Refusal.NO_QUEUE, origin.status, queue or "")
        if why := self.queues.why_no_start(cluster):
            return Verdict(Refusal.NO_STARTS, origin.status, why)
        if resume and (back is None or back.state is None or back.refused):
            return _no_way_back(origin, back)
        restore = back.state.path if back and back.state and back.state.path != THE_SAVEPOINT else None
        return Start(
            job_id=origin.job_id,
            seen_run=origin.run_id,
            cluster=cluster,
            flink_job_id=secrets.token_hex(16),
            restore=restore,
            project=origin.project,
            checkpoints=self.storage.checkpoints(origin.bucket, origin.job_id),
            chosen=origin.chosen,
            # What is resumed keeps the zone that its state was made under.
            zone=(origin.zone if restore else None) or self.zone,
            queue=place,
        )


def hold_to(order: StartOrder | ResumeOrder, verdicts: Mapping[int, Verdict]) -> None:
    """Raises `PlanOutdated` where the jobs no longer match the plan."""
    if order.shown is not None and order.plan is not None:
        hold(order.plan, order.shown, of_starts(verdicts))


def _settled(found: Plans, job: int, allowed: Collection[Allowed]) -> Start | Verdict:
    """The verdict on a job, once its fit is known."""
    plan, back = found.each[job], found.backs.get(job)
    if isinstance(plan, Verdict) or back is None:
        return plan
    if back.refused:
        return _no_way_back(found.origins[job], back)
    drops = Allowed.NON_RESTORED_STATE in allowed
    return replace(plan, drops_state=drops, leaves=left_behind(back.fit, drops=drops))


def _then(origin: Origin) -> Origin:
    """A job that runs as it is once it has stopped."""
    return replace(origin, status=JobStatus.STOPPED) if origin.status in ACTIVE else origin


def _coming(origin: Origin, version: str, like: State | None) -> State:
    """The savepoint that a job will have stopped with, as far as it can be known: it is like this one."""
    known = State(THE_SAVEPOINT, Source.STOPPED_WITH, run_id=origin.run_id, flink_version=version)
    return known if like is None else replace(known, path=like.path)


def _resumes(origin: Origin, resume: bool | None) -> bool:
    if resume is not None:
        return resume
    return origin.resume_checkpoint and origin.status is JobStatus.FAILED


def _no_way_back(origin: Origin, back: Back | None) -> Verdict:
    refused = back.refused if back else None
    if refused is None:
        return Verdict(Refusal.NO_SAVEPOINT, origin.status)
    return Verdict(_REFUSED.get(refused.trouble, Refusal.NOT_WHOLE), origin.status, refused.text, back)


def way_back(entry: BatchEntry, origin: Origin | None, *, again: bool) -> Verdict | None:
    """Why a job of a batch cannot, or need not, start from its savepoint; None when it can.

    `again`: also where it has finished since it was started from there.
    """
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
    if origin.stopped_with != saved and origin.status is JobStatus.FINISHED and not origin.chosen and not again:
        return Verdict(status=origin.status, note=HAS_FINISHED)
    return None


def _verdict(plan: Start | Verdict, back: Back | None, note: str) -> Verdict:
    if isinstance(plan, Verdict):
        return plan
    if back is None:
        return Verdict(note=note)
    losses = [concern.text for concern in back.concerns if concern.weight is not Weight.NOTE]
    return Verdict(note=" ".join(filter(None, [told(back), *losses, note])), back=back)


def _too_late(origin: Origin | None) -> Verdict:
    """Somebody else started, stopped or deleted it between our look and our write."""
    return Verdict(Refusal.WRONG_STATE, origin.status if origin else None, "It was changed at the same moment.")
