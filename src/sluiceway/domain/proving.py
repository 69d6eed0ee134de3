"""What single answers of a place prove of a job, and from when on they can be believed.

Flink answers about a job from a cache that is some 3 s old, but for its list of jobs, their states, and attempts. So an
answer that proves something only if it is young enough is believed only once no old one can be left.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from sluiceway.domain.asking import Attempted
from sluiceway.domain.facts import Checkpoint, JobState, Recovering, Refusal, Refused, Restart, Saved, Seen
from sluiceway.domain.failure_words import both
from sluiceway.domain.health import Proof
from sluiceway.domain.observed import (
    CHECKPOINTS,
    FAILURE,
    FRESH,
    SETTINGS,
    TIMELINE,
    AttemptFailed,
    CheckpointList,
    CheckpointSettings,
    ListedCheckpoint,
    ListedJob,
    NoAnswer,
    Question,
    Weighing,
    tail,
)

T = TypeVar("T")

SETTLE = 0.5  # seconds that Flink has to begin the restart that a failure brings about

_UNTOUCHED = frozenset({Refusal.NOT_READY, Refusal.UNSUPPORTED})  # refused before anything was done to the job


class Unanswered(Exception):
    """A question had no answer. It never leaves a weighing."""


@dataclass(frozen=True, slots=True)
class NotYet:
    """It cannot be told yet."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of one attempt from look to look, in seconds of `Answer.at`. Losing it costs some seconds."""

    failed: float | None = None  # when it was heard that it failed, or that nobody knows it
    back: float | None = None  # since when its job has been seen running after that, without a break
    anew: float | None = None  # when the job was first seen to have begun to run again since the attempt was sent
    began: int | None = None  # when it last did so, by the cluster's clock
    over: float | None = None  # when it was first asked about once its job was over
    saved: Saved | None = None  # what it came to
    saved_of: ListedJob | None = None  # which is right as long as the list shows the job like this


def ask(question: Question[T]) -> Weighing[T]:
    """The answer. Raises `Unanswered`."""
    return (yield from ask_when(question))[0]


def ask_when(question: Question[T]) -> Weighing[tuple[T, float]]:
    """The answer, and when it came. Raises `Unanswered`."""
    answer = yield question
    if isinstance(answer.told, NoAnswer):
        raise Unanswered(answer.told.why)
    told: Any = answer.told
    return told, answer.at


# Checkpoints. ---------------------------------------------------------------------------------------------------------


def overtaken_by(found: CheckpointList) -> str | None:
    """The path of the savepoint that keeps a stop from ever ending; None when it does not hang (contract, rule 4).

    A stop hangs when nobody has acknowledged its savepoint although a newer one is complete: the sources have ended.
    """
    stuck = [c for c in found.history if c.of_stop and c.under_way]
    if not stuck or stuck[0].acknowledged > 0:
        return None
    newer = [c for c in found.history if c.id > stuck[0].id and c.complete and c.path]
    return max(newer, key=lambda c: c.id).path if newer else None


def moved_on_after(found: CheckpointList | None, path: str) -> bool:
    """Whether the job has completed a checkpoint after the one at `path`, or may have: Flink no longer tells."""
    if found is None:
        return True
    mine = found.at(path)
    return mine is None or any(c.id > mine.id and c.complete for c in found.history)


def ran_on_after(found: CheckpointList, path: str, running_since: int) -> bool | None:
    """Whether the job ran anew after the savepoint at `path` was begun; None while Flink does not list that."""
    mine = found.at(path)
    return None if mine is None else running_since >= mine.triggered


def retains(settings: CheckpointSettings | None) -> bool:
    """Whether the checkpoints of a job outlive a cancel."""
    return settings is not None and settings.externalized and not settings.deleted_on_cancel


def last_kept(found: CheckpointList | None, settings: CheckpointSettings | None) -> Checkpoint | None:
    """The latest complete checkpoint, for a cancel to keep."""
    latest = found.completed if found else None
    if latest is None or ("://" not in latest.path and not latest.path.startswith("file:")):
        return None  # Flink says "<checkpoint-not-externally-addressable>" of one in its memory
    return Checkpoint(latest.path, moment_of(latest.triggered), retains(settings))


def _as_of(found: CheckpointList, restored: ListedCheckpoint) -> datetime | None:
    taken = next((c.triggered for c in found.known if c.id == restored.id and c.triggered), None)
    return None if taken is None else moment_of(taken)


def is_own(checkpoint: ListedCheckpoint | None, flink_job_id: str) -> bool:
    """Whether it is a checkpoint of that run. Flink keeps those of a job in a directory of the job's id."""
    return checkpoint is not None and not checkpoint.is_savepoint and flink_job_id in checkpoint.path.split("/")


def has_own(found: CheckpointList, flink_job_id: str) -> bool:
    """Whether a run has completed a checkpoint.

    It is listed, or, after a JobManager was lost, the run goes on from it.
    """
    return found.completed is not None or is_own(found.restored, flink_job_id)


def last_in(found: CheckpointList, target: str) -> ListedCheckpoint | None:
    """The last complete checkpoint of a job, where that is a savepoint in the directory `target`."""
    last = max((c for c in found.history if c.complete), key=lambda c: c.id, default=None)
    return last if last is not None and tail(target) in last.path.split("/") else None


def tells_of(found: CheckpointList, target: str) -> bool:
    """Whether a savepoint in the directory `target` is listed as complete, and so all that came before it."""
    return any(c.complete and tail(target) in c.path.split("/") for c in found.history)


def weigh_proof(known: Proof, flink_job_id: str, *, well: bool) -> Weighing[Proof | None]:
    """Whether a run has shown that its state is good, after what was known; None while the cluster does not tell.

    A savepoint is proof only of a job that is well: one may complete in the instant between two failures.
    """
    if known in {Proof.GIVEN, Proof.NONE}:
        return known
    try:
        if known is Proof.UNKNOWN:
            settings = yield from ask(SETTINGS)
            if settings is None or settings.interval is None:
                return Proof.NONE
        found = yield from ask(CHECKPOINTS)
    except Unanswered:
        return None
    given = found is not None and (has_own(found, flink_job_id) or (found.savepoint is not None and well))
    return Proof.GIVEN if given else Proof.AWAITED


# What became of a job. ------------------------------------------------------------------------------------------------


def running_since(state: JobState) -> Weighing[int | None]:
    """When the job last began to run, 0 for never; None while that answer is older than this state of the job."""
    found = yield from ask(TIMELINE)
    return found.running if found is not None and found.state == state else None


def ended_with(found: CheckpointList, target: str, state: JobState) -> Weighing[bool | None]:
    """Whether a job that is over ended with a savepoint in the directory `target`; None while Flink does not tell yet.

    That is its last complete checkpoint, and the job has not begun to run since: it may have failed while it stopped,
    have restarted from before, and have ended by itself (FLINK-33522).
    """
    last = last_in(found, target)
    if last is None:
        return False
    since = yield from running_since(state)
    return None if since is None else ran_on_after(found, last.path, since) is False


def failure_since(since: int) -> Weighing[str]:
    """Why the job failed last; empty for a failure before that."""
    failure = yield from ask(FAILURE)
    return failure.why if failure is not None and failure.at >= since else ""


@dataclass(slots=True)
class Case:
    """One weighing under way, and what will be remembered of it."""

    memory: Memory

    def old_answers_are_gone(self, now: float) -> bool:
        """Whether no answer about a job that is over can be from before its end."""
        over = now if self.memory.over is None else self.memory.over
        self.memory = replace(self.memory, over=over)
        return now - over >= FRESH


@dataclass(slots=True)
class AttemptCase(Case):
    """What stops and savepoints of running jobs have in common."""

    about: Attempted
    run: Seen
    job: ListedJob | None

    def proven(self) -> Weighing[bool | None]:
        """Whether its run has completed a checkpoint before the savepoint; None as long as Flink may yet tell.

        Asked only where nobody has seen one: it may have come between two looks, and once the job is over nobody looks
        again. An answer that does not have the savepoint is from before it.
        """
        if not self.about.unproven:
            return False
        found, now = yield from ask_when(CHECKPOINTS)
        if found is None or has_own(found, self.about.flink_job_id):
            return found is not None
        return False if tells_of(found, self.about.target) or self.old_answers_are_gone(now) else None

    def failure(self, failed: AttemptFailed, now: float) -> Weighing[Refused | Recovering]:
        """What to make of an attempt that failed while its job lives, or may live: the list may leave it out."""
        sent = self.about.stable_since
        if failed.refusal in _UNTOUCHED or sent is None:
            return Refused(failed.refusal, failed.text)
        if self.job is None:
            return recovering(failed)
        restart = yield from self.restart(self.job, sent, now, settle=SETTLE)
        if isinstance(restart, NotYet):
            return recovering(failed)
        cause = (yield from failure_since(_ms(sent))) if restart else ""
        return Refused(failed.refusal, both(failed.text, cause), restart)

    def restart(
        self, job: ListedJob, sent: datetime, now: float, settle: float = 0.0
    ) -> Weighing[Restart | NotYet | None]:
        """The restart of the job since then; None when there was none, and none comes within `settle` seconds.

        It is seen in the list, by the time at which a task last changed its state. What the job was restored from is
        believed only when that is certainly younger.
        """
        unchanged = job.ready and job.changed <= _ms(sent)
        if unchanged and settle == 0.0:
            return None
        if now - self._failed_at(now) < settle:
            return NotYet()
        if unchanged:
            return None
        if job.state is None:
            return NotYet()
        self._note_state(job.state, now)
        began = yield from running_since(job.state)
        if began is not None and began > _ms(sent):
            anew = now if self.memory.anew is None else self.memory.anew
            self.memory = replace(self.memory, began=began, anew=anew)
        return (yield from self._restored(sent, now))

    def _restored(self, sent: datetime, now: float) -> Weighing[Restart | NotYet | None]:
        memory = self.memory
        if memory.began is None or memory.anew is None:
            return None if memory.back is not None and now - memory.back >= FRESH else NotYet()
        found = yield from ask(CHECKPOINTS)
        restored = found.restored if found else None
        if found and restored and restored.restored > _ms(sent):
            return Restart(moment_of(memory.began), restored.path or "a checkpoint", _as_of(found, restored))
        # It may be about to restart once more: what it was brought back from is told all the same.
        return Restart(moment_of(memory.began), None) if now - memory.anew >= FRESH else NotYet()

    def _failed_at(self, now: float) -> float:
        """When it was first heard that the attempt is over."""
        failed = now if self.memory.failed is None else self.memory.failed
        self.memory = replace(self.memory, failed=failed)
        return failed

    def _note_state(self, state: JobState, now: float) -> None:
        back = now if self.memory.back is None else self.memory.back
        self.memory = replace(self.memory, back=back if state is JobState.RUNNING else None)

    def cause(self, failed: AttemptFailed, now: float) -> Weighing[str | None]:
        """Why the attempt failed, of a job that failed for good after it; None as long as Flink may yet tell."""
        since = self._failed_at(now)
        cause = yield from failure_since(0)
        return both(failed.text, cause) if cause or now - since >= FRESH else None


def recovering(failed: AttemptFailed) -> Recovering:
    """An attempt that has failed, and nobody can tell yet what that did."""
    return Recovering(failed.text.rstrip("."))


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def moment_of(ms: int) -> datetime:
    """A moment of the cluster's clock, from milliseconds since the epoch."""
    return datetime.fromtimestamp(ms / 1000, UTC)
