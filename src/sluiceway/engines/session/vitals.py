"""How live jobs fare, from one overview of all; and which few of them are worth requests of their own.

The overview tells whether all tasks run, and by when a task last changed its state whether a job restarted between two
looks. Why it restarts, how many slots it lacks, and whether it has completed a checkpoint stand elsewhere, one job at a
time. So only jobs that are not well, or have yet to prove themselves, are asked about, ever less often, and however
many there are, no more than a few at once: ten thousand looping jobs must not become ten thousand requests.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.health import AILING, UNSEEN, Exam, Proof, Vitals
from sluiceway.domain.proving import weigh_proof
from sluiceway.domain.run import Run
from sluiceway.engines.jobmanager.rest import FlinkRest, JobOverview
from sluiceway.engines.session.questions import Means, Subject, sized, weighed
from sluiceway.engines.session.traits import has_begun

ROUND_EVERY = 0.5  # seconds between two rounds of questions at one cluster
PROOFS = 50  # jobs asked about their first checkpoint in one round
EXAMS = 10  # jobs asked about what ails them in one round
FIRST_PAUSE = 1.0  # seconds before a job is asked about again; doubled each time
LONGEST_PAUSE = 60.0
STARTS_WITHIN = 2.0  # seconds for which a job that starts is left alone
WINDOW = 10 * 60 * 1000  # ms within which failures are counted


@dataclass(slots=True)
class _Due:
    """When a job is to be asked about next."""

    why: str
    at: float
    pause: float = FIRST_PAUSE


@dataclass(slots=True)
class Rounds:
    """When to ask about which runs. It only saves requests: losing it costs some."""

    due: dict[int, _Due] = field(default_factory=dict)  # by run
    next_at: float = 0.0

    def pick(self, jobs: Sequence[tuple[Run, JobOverview]], now: float) -> list[tuple[Run, JobOverview]]:
        """Those to ask about now, the longest due first."""
        wanted = [(run, job, why) for run, job in jobs if (why := _why(run, job))]
        self.due = {run.id: self._due(run.id, why, now) for run, _, why in wanted}
        if now < self.next_at:
            return []
        ready = sorted((one for one in wanted if self.due[one[0].id].at <= now), key=lambda one: self.due[one[0].id].at)
        proofs = [one for one in ready if one[2] == "proof"][:PROOFS]
        chosen = proofs + [one for one in ready if one[2] != "proof"][:EXAMS]
        if chosen:
            self.next_at = now + ROUND_EVERY
        for run, _, why in chosen:
            pause = self.due[run.id].pause
            self.due[run.id] = _Due(why, now + pause, min(2 * pause, LONGEST_PAUSE))
        return [(run, job) for run, job, _ in chosen]

    def _due(self, run_id: int, why: str, now: float) -> _Due:
        known = self.due.get(run_id)
        if known is not None and known.why == why:
            return known
        return _Due(why, now + (STARTS_WITHIN if why == "start" else 0.0))


def _why(run: Run, job: JobOverview) -> str:
    """What there is to ask about a job; empty for one that does its work."""
    if run.health.condition in AILING:
        return "ails"
    if not job.ready:
        return "start"
    return "proof" if run.health.proof in UNSEEN else ""


async def look(
    ask: Means,
    rounds: Rounds,
    jobs: Sequence[tuple[Run, JobOverview]],
    now: float,
) -> dict[int, Vitals]:
    """How these jobs fare, by run. Each is listed, and not terminal."""
    chosen = rounds.pick(jobs, now)
    free = await _free_slots(ask.rest) if any(_waiting(job) for _, job in chosen) else None
    exams = await asyncio.gather(*(_exam(ask, run, job, free) for run, job in chosen))
    found = {run.id: exam for (run, _), exam in zip(chosen, exams, strict=True)}
    if ask.embedded:
        found = {run_id: exam and replace(exam, cause=_with_setting(exam)) for run_id, exam in found.items()}
    return {run.id: vitals(job, found.get(run.id)) for run, job in jobs}


def _with_setting(exam: Exam) -> str | None:
    """The cause, with the setting to raise where the embedded Flink is too small."""
    if exam.slots_wanted is not None and (exam.slots_free or 0) < exam.slots_wanted:
        return f"{exam.cause or ''} Raise --embedded-slots.".strip()
    return exam.cause and sized(exam.cause)


def vitals(job: JobOverview, exam: Exam | None = None) -> Vitals:
    """What the overview tells of a job."""
    assert job.state is not None, "only asked for states that are known"
    finished = job.tasks.finished
    running = job.tasks.running + finished
    return Vitals(job.state, job.tasks.total, running, finished, _waiting(job), job.last_modification, exam)


def _waiting(job: JobOverview) -> int:
    """How many tasks wait for slots. A job that was only created has them all before it (the adaptive scheduler)."""
    return max(job.tasks.total, 1) if job.raw_state == "CREATED" else job.tasks.scheduled


async def _free_slots(rest: FlinkRest) -> int | None:
    try:
        return (await rest.overview()).slots_available
    except Unreachable:
        return None


async def _exam(ask: Means, run: Run, job: JobOverview, free: int | None) -> Exam | None:
    jid, rest = run.flink_job_id, ask.rest
    try:
        async with ask.gate:
            well = job.ready and run.health.condition not in AILING
            proof: Proof | None = run.health.proof
            if has_begun(job):
                proof = await weighed(Subject(ask, jid), weigh_proof(run.health.proof, jid, well=well), gated=False)
            if proof is None:
                return None
            if well:
                return Exam(proof=proof)
            times, cause = await rest.failures(jid)
            lately = sum(max(times) - at < WINDOW for at in times)
            lacking = await _lacking(rest, jid, job) if _waiting(job) and free is not None else None
            return Exam(cause, lately, lacking, None if lacking is None else free, proof)
    except Unreachable:
        return None


async def _lacking(rest: FlinkRest, jid: str, job: JobOverview) -> int | None:
    """How many slots its waiting tasks need: tasks of different operators share them."""
    graph: Mapping[str, object] = await rest.job(jid) or {}
    vertices = graph.get("vertices")
    if not isinstance(vertices, list):
        return None
    widest = max((v["parallelism"] for v in vertices if isinstance(v.get("parallelism"), int)), default=0)
    share = _waiting(job) / max(job.tasks.total, 1)
    return math.ceil(widest * min(share, 1.0)) or None
