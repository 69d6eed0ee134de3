"""Verdicts in words."""

from collections import Counter
from collections.abc import Iterable

from sluiceway.api.native import wire
from sluiceway.domain.admission import Refusal, Verdict
from sluiceway.domain.job import JobStatus

ALREADY_STOPPED = "already_stopped"

_WORDS = {
    Refusal.UNKNOWN: "There is no such job in this project.",
    Refusal.FORBIDDEN: "You have no right to start or stop jobs on its queue, {note}.",
    Refusal.WRONG_STATE: "Its status ({status}) does not allow it. {note}",
    Refusal.NO_SAVEPOINT: "Neither a savepoint nor a checkpoint of it is known; run it without resuming. {note}",
    Refusal.NO_QUEUE: "Its queue {note} is not registered with this service.",
    Refusal.NO_PROGRAM: "Its jar is missing. {note}",
    Refusal.NO_DEPENDENCY: "Something that its program depends on is missing. {note}",
    Refusal.NOT_STOPPED: "This stop has no savepoint of it: {note}",
    Refusal.DEADLY: "{note}",
    Refusal.NOT_WHOLE: "{note}",
    Refusal.UNREADABLE: "{note} Try again when it can be.",
    Refusal.DRAINED: "{note}",
    Refusal.FINISHED: "{note}",
    Refusal.SUPERSEDED: "It has been started and stopped otherwise since; run it with its newest savepoint instead.",
}


def shown(status: JobStatus) -> str:
    """A status by the name that it has here, where health has a place of its own beside it."""
    return (JobStatus.RUNNING if status is JobStatus.UNWELL else status).value


def job_answer(job_id: int, verdict: Verdict, wave: int = 0) -> wire.JobAnswer:
    """The answer to one job of a request."""
    if verdict.refusal is None:
        code = ALREADY_STOPPED if verdict.status is JobStatus.STOPPED else ""
        return wire.JobAnswer(job_id, True, code, verdict.note, wave)
    status = verdict.status and shown(verdict.status)
    words = _WORDS[verdict.refusal].format(status=status, note=verdict.note)
    return wire.JobAnswer(job_id, False, verdict.refusal.value, words.rstrip(), wave)


def count(answers: Iterable[wire.JobAnswer]) -> tuple[int, int]:
    """How many were accepted, and how many refused."""
    counts = Counter(answer.accepted for answer in answers)
    return counts[True], counts[False]
