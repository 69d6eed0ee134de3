"""How live jobs fare, from one overview of all; and which few of them are worth requests of their own.

The overview tells whether all tasks run, and by when a task last changed its state whether a job restarted between two
looks. Why it restarts, how many slots it lacks, and whether it has completed a checkpoint stand elsewhere, one job at a
time. So only jobs that are not well, or have yet to prove themselves, are asked about, ever less often, and however
many there are, no more than a few at once: ten thousand looping jobs must not become ten thousand requests.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.examining import weigh_exam
from sluiceway.domain.health import AILING, UNSEEN, Exam, Vitals
from sluiceway.domain.run import Run
from sluiceway.engines.jobmanager.rest import FlinkRest, JobOverview
from sluiceway.engines.session.questions import Means, Subject, free_slots, weighed

ROUND_EVERY = 0.5  # seconds between two rounds of questions at one cluster
PROOFS = 50  # jobs asked about their first checkpoint in one round
EXAMS = 10  # jobs asked about what ails them in one round
FIRST_PAUSE = 1.0  # seconds before a job is asked about again; doubled each time
LONGEST_PAUSE = 60.0
STARTS_WITHIN = 2.0  # seconds for which a job that starts is left alone


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

    def pick(self, jobs: Sequence[tuple[Run, Vitals]], now: float) -> list[tuple[Run, Vitals]]:
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


def _why(run: Run, job: Vitals) -> str:
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
    seen = {run.id: vitals(job) for run, job in jobs}
    chosen = rounds.pick([(run, seen[run.id]) for run, _ in jobs], now)
    free = await _free_slots(ask.rest) if any(job.waiting for _, job in chosen) else None
    exams = await asyncio.gather(*(_exam(ask, run, job, free) for run, job in chosen))
    told = {run.id: replace(job, exam=exam) for (run, job), exam in zip(chosen, exams, strict=True)}
    return seen | told


def vitals(job: JobOverview) -> Vitals:
    """What the overview tells of a job."""
    assert job.state is not None, "only asked for states that are known"
    tasks = job.tasks
    finished = tasks.finished
    running = tasks.running + finished
    moved_at = job.last_modification
    return Vitals(job.state, tasks.total, running, finished, tasks.scheduled, moved_at)


async def _free_slots(rest: FlinkRest) -> int | None:
    try:
        return await free_slots(rest)
    except Unreachable:
        return None


async def _exam(ask: Means, run: Run, job: Vitals, free: int | None) -> Exam | None:
    exam = await weighed(Subject(ask, run.flink_job_id).ask, weigh_exam(run, job, free))
    if exam is None or not ask.embedded or not exam.short:
        return exam
    return replace(exam, cause=f"{exam.cause or ''} Raise --embedded-slots.".strip())
