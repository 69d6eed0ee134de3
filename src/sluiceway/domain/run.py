"""One start of a job, from the request to the end of the Flink job, and the rule that moves it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from sluiceway.domain.commands import Submit
from sluiceway.domain.copies import replace
from sluiceway.domain.doubt import Doubtful, in_doubt
from sluiceway.domain.facts import (
    Departed,
    Gone,
    JobState,
    Missing,
    MustClaim,
    RunFact,
    Seen,
    Silent,
    SubmitRefused,
    Submitted,
    Submitting,
    Withdrawn,
)
from sluiceway.domain.health import NOTHING_KNOWN, Condition, Health
from sluiceway.domain.traits import Traits


class RunPhase(StrEnum):
    """The phase of a run."""

    ACCEPTED = "accepted"  # stored; nothing was sent
    SUBMITTING = "submitting"  # sent, or about to be; the cluster may have it
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELED = "canceled"
    REJECTED = "rejected"  # it could not be started as it is
    LOST = "lost"  # its cluster no longer knows it


LIVE = frozenset({RunPhase.ACCEPTED, RunPhase.SUBMITTING, RunPhase.RUNNING})

_DEPARTED = (
    "Its application cluster refuses connections: it has ended, perhaps with the job, or is being restarted. If you "
    "know that it is gone for good, stop the job without a savepoint."
)

_END_OF = {
    JobState.FINISHED: RunPhase.FINISHED,
    JobState.FAILED: RunPhase.FAILED,
    JobState.CANCELED: RunPhase.CANCELED,
}


@dataclass(frozen=True, slots=True)
class Run(Doubtful):
    """One start of a job. Its Flink job id is chosen and stored before anything is submitted, so it starts once."""

    id: int
    job_id: int
    flink_job_id: str  # 32 hex digits
    phase: RunPhase
    restore: str | None = None  # the savepoint or checkpoint it starts from
    checkpoints: str | None = None  # the directory (URI) that its checkpoints go to; None in runs of older versions
    acknowledged: bool = False  # the cluster took the submission
    held: bool = False  # until its way back releases it
    life: str | None = None  # of the cluster it was sent to, where that is known
    started_at: datetime | None = None
    ended_at: datetime | None = None
    claims: bool = False  # Flink owns the savepoint or checkpoint that it was restored from, and may delete it
    drops_state: bool = False  # what no operator takes of it may be left behind
    zone: str | None = None  # the time zone that its SQL is planned under; None in runs of older versions
    traits: Traits | None = None  # how it keeps its state; None: that was not asked yet
    reason: str = ""
    note: str = ""  # what went wrong beside it while it was started, and is worth telling as long as it runs
    health: Health = NOTHING_KNOWN
    falters_since: datetime | None = None  # on its way back: since when it has been seen to fail again and again
    version: int = 0  # moves with every stored change

    @property
    def live(self) -> bool:
        """Whether the Flink job may exist and run."""
        return self.phase in LIVE


def decide(
    run: Run, fact: RunFact, now: datetime, gone_after: timedelta, life: str | None
) -> tuple[Run, Submit | None]:
    """The next state of a run, and whether to submit it once that state is stored.

    `life` is the cluster's present one. A run that was lost is taken up again if its cluster shows it later.
    """
    if not run.live and run.phase is not RunPhase.LOST:
        return run, None
    match fact:
        case Seen(state, why, note):
            return _seen(replace(run, note=note) if note else run, state, why, now), None
        case SubmitRefused(text, certain):
            return _submit_refused(run, text, certain, now, gone_after), None
        case Withdrawn(certain):
            return _withdrawn(run, certain or run.phase is RunPhase.ACCEPTED, now, gone_after), None
        case Submitted(note, zone):
            return replace(run, acknowledged=True, reason="", note=note or run.note, zone=zone or run.zone), None
        case Submitting():
            return run, None
        case MustClaim():
            # It is submitted as soon as that is stored: from then on nobody else may count on those files.
            return replace(run, claims=True), None
        case Silent(why):
            # An unreachable cluster proves nothing, and what it "did not know" before must be seen anew after it.
            return _silent(run, why), None
        case Missing():
            return _missing(run, now, gone_after, life)
        case Departed(why):
            return _departed(run, why, now, gone_after), None
        case Gone(why):
            return _gone(run, why, now, life)
        case _:
            assert_never(fact)


def _seen(run: Run, state: JobState, why: str, now: datetime) -> Run:
    if state.terminal:
        # What Flink no longer tells of a job that failed may have been told while it still tried.
        return _end(run, _END_OF[state], why or (run.health.cause if state is JobState.FAILED else ""), now)
    if not run.acknowledged or run.doubt_since is not None or run.reason:
        run = replace(run, acknowledged=True, doubt_since=None, reason="")
    if run.phase is RunPhase.RUNNING or state in {JobState.INITIALIZING, JobState.CREATED}:
        return run
    back = run.phase is RunPhase.LOST
    health = replace(run.health, condition=Condition.UNKNOWN, since=None, unwell=False) if back else run.health
    return replace(run, phase=RunPhase.RUNNING, started_at=run.started_at or now, ended_at=None, health=health)


def _silent(run: Run, why: str) -> Run:
    told = {RunPhase.ACCEPTED: why, RunPhase.SUBMITTING: why, RunPhase.LOST: run.reason}.get(run.phase, "")
    return replace(run, doubt_since=None, reason=told)


def _departed(run: Run, why: str, now: datetime, gone_after: timedelta) -> Run:
    """The end of its cluster alone proves nothing of a job; it is told once it has lasted. See `went_with_its_stop`."""
    if run.phase is not RunPhase.RUNNING:
        return _silent(run, why)
    return in_doubt(run, now, gone_after) or replace(run, reason=_DEPARTED)


def went_with_its_stop(run: Run, now: datetime) -> Run:
    """The same, of which a stop has just been settled by the end of its application cluster.

    It counts as lost, and so is watched as one that the cluster may show again.
    """
    return _end(run, RunPhase.LOST, "Its application cluster has gone.", now)


def _missing(run: Run, now: datetime, gone_after: timedelta, life: str | None) -> tuple[Run, Submit | None]:
    if run.phase is RunPhase.LOST:
        return run, None
    if not run.acknowledged:
        return replace(run, phase=RunPhase.SUBMITTING, life=life), Submit()
    lost = _end(run, RunPhase.LOST, "The cluster no longer knows this job.", now)
    return in_doubt(run, now, gone_after) or lost, None


def _withdrawn(run: Run, certain: bool, now: datetime, gone_after: timedelta) -> Run:
    """An unanswered submission may still arrive, so the cluster must not show it for a while.

    An even later one shows as a second copy, like that of any other lost run.
    """
    why = "Stopped before the cluster had it."
    if certain:
        return _end(run, RunPhase.CANCELED, why, now)
    return in_doubt(run, now, gone_after) or _end(run, RunPhase.LOST, why, now)


def _submit_refused(run: Run, text: str, certain: bool, now: datetime, gone_after: timedelta) -> Run:
    """An earlier submission without an answer may have arrived, so the cluster must not show the run for a while."""
    doubted = None if certain else in_doubt(run, now, gone_after)
    return replace(doubted, reason=text) if doubted else _end(run, RunPhase.REJECTED, text, now)


def _gone(run: Run, why: str, now: datetime, life: str | None) -> tuple[Run, Submit | None]:
    if run.phase is RunPhase.LOST:
        return run, None
    if run.phase is RunPhase.RUNNING:
        return _end(run, RunPhase.LOST, why, now), None
    # It never ran as far as anybody could see, and the cluster that may have had it is no more: begin again.
    return replace(run, phase=RunPhase.SUBMITTING, acknowledged=False, doubt_since=None, life=life), Submit()


def _end(run: Run, phase: RunPhase, why: str, now: datetime) -> Run:
    return replace(run, phase=phase, reason=why, doubt_since=None, ended_at=now)
