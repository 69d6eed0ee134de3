"""What ails a job that does not work as it should, weighed from what its cluster answers beyond the list. Pure."""

import math

from sluiceway.domain.health import AILING, Exam, Vitals
from sluiceway.domain.observed import BEGUN, FAILURES, WIDTHS, Weighing
from sluiceway.domain.proving import Unanswered, ask, weigh_proof
from sluiceway.domain.run import Run

WINDOW = 10 * 60 * 1000  # ms within which failures are counted


def weigh_exam(run: Run, seen: Vitals, free: int | None) -> Weighing[Exam | None]:
    """What the answers about a live job say; None where one is missing.

    `free`: how many slots of its cluster nobody uses, where that is known.
    """
    well = seen.ready and run.health.condition not in AILING
    proof = run.health.proof
    if seen.state in BEGUN:
        told = yield from weigh_proof(proof, run.flink_job_id, well=well)
        if told is None:
            return None
        proof = told
    if well:
        return Exam(proof=proof)
    try:
        failures = yield from ask(FAILURES)
        lacks = (yield from _lacking(seen)) if seen.waiting and free is not None else None
    except Unanswered:
        return None
    lately = sum(max(failures.at) - at < WINDOW for at in failures.at)
    return Exam(failures.why, lately, lacks, None if lacks is None else free, proof)


def _lacking(seen: Vitals) -> Weighing[int | None]:
    """How many slots its waiting tasks need: tasks of different operators share them."""
    widths = yield from ask(WIDTHS)
    if widths is None:
        return None
    share = seen.waiting / max(seen.tasks, 1)
    return math.ceil(max(widths, default=0) * min(share, 1.0)) or None
