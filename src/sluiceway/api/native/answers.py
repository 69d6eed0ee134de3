"""Verdicts in words."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Literal, TypeVar

import msgspec

from sluiceway.api.errors.native_codes import ALREADY_STOPPED
from sluiceway.api.native import back_wire, wire
from sluiceway.domain.admission import Refusal, Verdict
from sluiceway.domain.batch import BatchState
from sluiceway.domain.fit import Fit
from sluiceway.domain.job import JobStatus
from sluiceway.domain.orders import Placed
from sluiceway.domain.way_back import Back, Concern
from sluiceway.store.answers import AnsweredBefore
from sluiceway.store.stories import Story

T = TypeVar("T")

_WORDS = {
    Refusal.UNKNOWN: "There is no such job in this project.",
    Refusal.FORBIDDEN: "You have no right to start or stop jobs on its queue, {note}.",
    Refusal.WRONG_STATE: "Its status ({status}) does not allow it. {note}",
    Refusal.NO_SAVEPOINT: "Neither a savepoint nor a checkpoint of it is known; run it without resuming. {note}",
    Refusal.NO_QUEUE: "Its queue {note} is not registered with this service.",
    Refusal.NO_STARTS: "{note}",
    Refusal.NO_PROGRAM: "Its jar is missing. {note}",
    Refusal.BAD_SQL: "{note}",
    Refusal.OTHER_FLINK: "{note}",
    Refusal.NO_DEPENDENCY: "Something that its program depends on is missing. {note}",
    Refusal.NOT_STOPPED: "This stop has no savepoint of it: {note}",
    Refusal.DEADLY: "{note}",
    Refusal.NOT_WHOLE: "{note}",
    Refusal.UNREADABLE: "{note} Try again when it can be.",
    Refusal.DRAINED: "{note}",
    Refusal.FINISHED: "{note}",
    Refusal.DOES_NOT_FIT: "{note}",
    Refusal.SUPERSEDED: "Others have started and stopped it since; run it with its newest savepoint instead.",
}

NO_JAR = (
    "Nobody has said what it is made of. If somebody else has started it, say so with: sluiceway jobs program; or start"
    " it as they did, from its savepoint."
)


def shown(status: JobStatus) -> str:
    """A status by its name here, where health stands beside it."""
    return (JobStatus.RUNNING if status is JobStatus.UNWELL else status).value


def state_shown(state: BatchState, *, settled: bool) -> Literal["open", "paused", "aborted", "settled"]:
    """The state of an order for its readers: one of which nothing is left to do is neither open nor paused."""
    return "settled" if settled and state is not BatchState.ABORTED else state.value


def concerns(found: Iterable[Concern]) -> list[back_wire.Concern]:
    """Concerns about a way back, as wire models."""
    return [back_wire.Concern(one.trouble.value, one.weight.value, one.text) for one in found]


def way_back(back: Back | None) -> back_wire.WayBack | None:
    """A job's way back, in the wire's form."""
    if back is None:
        return None
    passed = [back_wire.PassedOver(over.path, over.why) for over in back.passed]
    found = back_wire.WayBack(passed_over=passed, concerns=concerns(back.concerns))
    if (state := back.state) is None:
        return found
    return msgspec.structs.replace(
        found,
        path=state.path,
        kind=state.kind or "",
        source=state.source.value,
        run_id=state.run_id,
        kept_at=state.at,
        age_seconds=None if back.age is None else round(back.age.total_seconds(), 3),
        whole=state.whole,
        drained=state.drained,
        fit=None if back.fit is None else _fit(back.fit),
    )


def _fit(fit: Fit) -> back_wire.Fit:
    left = [back_wire.LeftBehind(one.operator, one.id, one.bytes) for one in fit.left]
    return back_wire.Fit(fit.kind.value, fit.text, left, list(fit.fresh), fit.slots)


def job_answer(job_id: int, verdict: Verdict, wave: int = 0) -> wire.JobAnswer:
    """The answer to one job of a request."""
    if verdict.refusal is None:
        code = ALREADY_STOPPED if verdict.status is JobStatus.STOPPED else ""
        return wire.JobAnswer(job_id, True, code, verdict.note, wave, way_back=way_back(verdict.back))
    return wire.JobAnswer(job_id, False, verdict.refusal.value, words(verdict), wave, way_back=way_back(verdict.back))


def words(verdict: Verdict) -> str:
    """Why a job is refused; empty where it is not."""
    status = verdict.status and shown(verdict.status)
    if verdict.refusal is None:
        return ""
    return _words(verdict.refusal, verdict.note).format(status=status, note=verdict.note).rstrip()


def _words(refusal: Refusal, note: str) -> str:
    return NO_JAR if refusal is Refusal.NO_PROGRAM and not note else _WORDS[refusal]


def told_again(before: AnsweredBefore, answer: Callable[[Placed], T], of: type[T]) -> T:
    """The first answer to an order, again."""
    kept = before.answer
    return answer(kept) if isinstance(kept, Placed) else msgspec.json.decode(kept, type=of)


def count(answers: Iterable[wire.JobAnswer]) -> tuple[int, int]:
    """How many were accepted, and how many refused."""
    counts = Counter(answer.accepted for answer in answers)
    return counts[True], counts[False]


def story_view(story: Story | None) -> wire.Story | None:
    """An order and its retries as one."""
    if story is None:
        return None
    return wire.Story(list(story.orders), sum(story.phases.values()), dict(story.phases))
