"""Moves jobs from one cluster to another: a stop of each, and its start there, as one order with its own way back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sluiceway.control.errors import Forbidden, UnknownMove, UnknownQueue
from sluiceway.control.preflight import Finding, Preflight
from sluiceway.control.resume_jobs import ResumeJobs
from sluiceway.control.start_jobs import Plans
from sluiceway.control.stop_jobs import StopJobs
from sluiceway.domain.access import EVERYWHERE, Right
from sluiceway.domain.admission import ACCEPTED, ACTIVE, Refusal, Verdict
from sluiceway.domain.batch import BatchState
from sluiceway.domain.coming_back import BackWish
from sluiceway.domain.judging import Fate, fate
from sluiceway.domain.moving import MovePhase
from sluiceway.domain.orders import Key, Placed, ResumeOrder, StartOrder, StopOrder
from sluiceway.domain.way_back import Weight
from sluiceway.store import move_views, moves
from sluiceway.store.database import Database
from sluiceway.store.move_views import Move

DOWN = frozenset({MovePhase.STOPPED, MovePhase.NOT_STARTED})  # what its way back starts again
NO_PROGRAM = (
    "Others have started it, and its program is not known here: stop it, and start it there with the command that the "
    "stop shows; or give the job its jar and class first."
)


@dataclass(frozen=True, slots=True)
class Rights:
    """A move needs both: to stop jobs where they are, and to start them where they go."""

    stop: Right = EVERYWHERE
    start: Right = EVERYWHERE


@dataclass(frozen=True, slots=True)
class Look:
    """The dry run of a move."""

    findings: Sequence[Finding]  # one for each position
    slots_free: int | None  # where they go; None where nobody knows
    slots_wanted: int  # by those of them of which that is known


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known of the starts before anything is stopped."""

    decided: Mapping[int, Verdict]
    slots: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MoveJobs:
    """The use cases. Call it with an order that says where its jobs go."""

    stop_jobs: StopJobs
    resume_jobs: ResumeJobs
    preflight: Preflight

    @property
    def db(self) -> Database:
        """Where moves are stored."""
        return self.stop_jobs.db

    async def __call__(self, order: StopOrder, rights: Rights) -> Placed:
        """Accept the move of each job that may be stopped, and could be started where it goes.

        The id of the outcome is that of the move. Raises `UnknownQueue`, `AnsweredBefore`, `KeyReused`.
        """
        if order.key is not None:
            await self.stop_jobs.check_key(order.project, order.key)
        found = await self._found(order, rights, dry_run=False)
        return await self.stop_jobs(replace(order, decided=found.decided), rights.stop)

    async def look(self, order: StopOrder, rights: Rights) -> Look:
        """What a move would meet, on both clusters. Nothing is stored. Raises `UnknownQueue`."""
        found = await self._found(order, rights, dry_run=True)
        findings = await self.preflight(order, rights.stop)
        told = [_with(finding, found.decided.get(finding.job_id)) for finding in findings]
        assert order.to is not None, "it is a move"
        place = self.stop_jobs.queues.locate(order.to.cluster)
        free = await self.preflight.engine.free_slots(place) if place is not None else None
        accepted = {finding.job_id for finding in told if finding.verdict.accepted}
        return Look(told, free, sum(slots for job, slots in found.slots.items() if job in accepted))

    async def _found(self, order: StopOrder, rights: Rights, *, dry_run: bool) -> _Found:
        """The verdicts that follow from where the jobs are to go, and what there is to say about the others."""
        assert order.to is not None, "it is a move"
        project, to = order.project, order.to
        if self.stop_jobs.queues.resolve(to.cluster, project) is None:
            raise UnknownQueue(to.cluster)
        jobs = list(dict.fromkeys(order.jobs))
        there = StartOrder(
            project, jobs, places=dict.fromkeys(jobs, to.cluster), running=True, allow=to.allow, dry_run=dry_run
        )
        plans = await self.resume_jobs.start.plan(there, rights.start)
        decided = {job: verdict for job in jobs if (verdict := _verdict(plans, job, to.cluster)) is not None}
        fits = {job: back.fit for job, back in plans.backs.items()}
        return _Found(decided, {job: fit.slots for job, fit in fits.items() if fit is not None and fit.slots})

    async def find(self, project: str, move_id: int) -> Move:
        """A move with all its jobs. Raises `UnknownMove`."""
        found = await move_views.move(self.db, project, move_id)
        if found is None:
            raise UnknownMove(f"There is no move {move_id} in this project.")
        return found

    async def abort(self, project: str, move_id: int, rights: Rights, *, who: str = "") -> Sequence[int]:
        """Let nothing more of a move begin; the jobs whose stops or starts were taken back.

        What was sent goes on. Raises `UnknownMove`, `Forbidden`.
        """
        move = await self.find(project, move_id)
        self._check(move, rights)
        stopping = await self.stop_jobs.abort(project, move.last_stop, who=who, right=rights.stop)
        starting = (
            (await self.resume_jobs.abort(project, move.resume_id, who=who, right=rights.start)).jobs
            if move.resume_id is not None
            else ()
        )
        return [*stopping.withdrawn, *starting]

    async def proceed(self, project: str, move_id: int, rights: Rights, *, who: str = "") -> tuple[BatchState, int]:
        """Continue a paused move, whatever has failed, and try again to start what was refused.

        Its former state, and how many were refused. Raises `UnknownMove`, `Forbidden`.
        """
        move = await self.find(project, move_id)
        self._check(move, rights)
        was = await self.stop_jobs.proceed(project, move.last_stop, who=who, right=rights.stop)
        again = 0 if was is BatchState.ABORTED else await moves.forgive(self.db, project, move_id)
        return was, again

    async def back(
        self, project: str, move_id: int, rights: Rights, *, who: str = "", key: Key | None = None
    ) -> Placed:
        """Start the jobs that a move has stopped and not started again where they were, each from its savepoint.

        Nothing more of the move begins. What runs where it was to go stays there. Raises `UnknownMove`, `Forbidden`,
        `AnsweredBefore`, `KeyReused`.
        """
        if key is not None:
            await self.stop_jobs.check_key(project, key)
        await self.abort(project, move_id, Rights(rights.stop, EVERYWHERE), who=who)
        move = await self.find(project, move_id)
        places = {entry.job_id: entry.source for entry in move.entries if entry.phase in DOWN}
        if not places:
            return Placed(None, [])
        order = ResumeOrder(project, list(places), stop=move.stop_id, wish=BackWish(), who=who, key=key, places=places)
        return await self.resume_jobs(order, rights.start)

    def _check(self, move: Move, rights: Rights) -> None:
        """Steering a move needs the right to start jobs where they go, besides that to stop them where they are."""
        if not rights.start(move.to.cluster):
            raise Forbidden(f"You have no right to start jobs on {move.to.cluster}, where the jobs of this move go.")


def _verdict(plans: Plans, job: int, cluster: str) -> Verdict | None:
    """What is to be said of the start of a job where it is to go; None where that is nothing."""
    origin, plan = plans.origins.get(job), plans.each[job]
    if origin is not None and origin.status not in ACTIVE:
        note = f"It does not run: give it the queue {cluster}, and resume it."
        return Verdict(Refusal.WRONG_STATE, origin.status, note)
    if origin is not None and origin.cluster == cluster:
        return Verdict(status=origin.status, note=f"It is on cluster {cluster} already.")
    if isinstance(plan, Verdict):
        unknown = plan.refusal is Refusal.NO_PROGRAM and not plan.note
        return replace(plan, note=NO_PROGRAM) if unknown else plan
    concerns = plans.backs[job].concerns if job in plans.backs else ()
    said = [concern.text for concern in concerns if concern.weight is not Weight.NOTE]
    note = " ".join(filter(None, [*said, plans.notes.get(job, "")]))
    return Verdict(note=note) if note else None


def _with(finding: Finding, verdict: Verdict | None) -> Finding:
    """The finding, with what follows from where the job is to go."""
    if verdict is None or (fate(verdict) is Fate.STOP and finding.verdict != ACCEPTED):
        return finding
    return replace(finding, verdict=verdict)
