"""One savepoint of a running job that somebody asked for, and the rule that moves it.

It has one attempt. First Flink is at it, and while it may be, no stop of the job is sent beside it; then its directory
is read. What Flink forgot, or a job that ended meanwhile, changes nothing about the second part.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from sluiceway.domain.commands import TakeSavepoint
from sluiceway.domain.doubt import in_doubt, shown
from sluiceway.domain.facts import (
    Absent,
    Acknowledged,
    Alive,
    Broken,
    Complete,
    Ended,
    Evidence,
    Gone,
    JobState,
    Lingering,
    Missing,
    Preempted,
    Queued,
    Recovering,
    Refused,
    Running,
    Saved,
    Silent,
    SnapshotFact,
    Stopping,
    Unreadable,
)
from sluiceway.domain.operations.attempt import (
    Attempt,
    Never,
    NotYet,
    being_forgotten,
    confirmed,
    kept,
    kept_unverified,
    prepared,
)
from sluiceway.domain.operations.not_running import patience
from sluiceway.domain.operations.stop import StopRules
from sluiceway.domain.policy import SavepointFormat
from sluiceway.domain.savepoint_risk import restarted


class SnapshotPhase(StrEnum):
    """How far it has come."""

    WAITING = "waiting"  # nothing was sent
    SENT = "sent"  # the command was sent, or is about to be
    OVERDUE = "overdue"  # the deadline has passed without a result; still watched
    CHECKING = "checking"  # Flink is done with it; its directory is being read
    SAVED = "saved"
    FAILED = "failed"  # Flink said no, or nothing was sent
    LOST = "lost"  # nobody knows what became of it, and no whole savepoint was found


SETTLED = frozenset({SnapshotPhase.SAVED, SnapshotPhase.FAILED, SnapshotPhase.LOST})
UNSETTLED = frozenset(SnapshotPhase) - SETTLED

Move = tuple["Snapshot", TakeSavepoint | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Attempt):
    """One accepted savepoint of one run."""

    trigger: str  # 32 hex digits, chosen and stored before anything is sent
    target: str  # its own directory (URI), so that storage alone can tell what became of it
    phase: SnapshotPhase
    claim: str | None = None  # where Flink says that it lies
    wish: SavepointFormat | None = None

    @property
    def command(self) -> TakeSavepoint:
        """What it asks of the cluster."""
        return TakeSavepoint(self.trigger, self.target, self.format or SavepointFormat.NATIVE)

    @property
    def idle_since(self) -> datetime | None:
        """Since when it could not be sent because not all tasks run. What was not sent nobody can have forgotten."""
        return self.forgotten_since if self.sent_at is None else None

    @property
    def in_flight(self) -> bool:
        """Whether Flink may be at it."""
        return self.phase in {SnapshotPhase.SENT, SnapshotPhase.OVERDUE}


def evidence_at(snapshot: Snapshot) -> str | None:
    """The directory in storage to look at now."""
    return snapshot.target if snapshot.phase is SnapshotPhase.CHECKING else None


def decide(snapshot: Snapshot, fact: SnapshotFact, evidence: Evidence | None, now: datetime, rules: StopRules) -> Move:
    """The next state, and what to ask of the cluster once that state is stored.

    `evidence` is what storage shows where `evidence_at` says to look; None when nobody looked.
    """
    if snapshot.phase in SETTLED:
        return snapshot, None
    if snapshot.phase is SnapshotPhase.CHECKING:
        return _check(snapshot, evidence, now, rules), None
    if snapshot.sent_at is None:
        return _begin(snapshot, fact, now, rules)
    return _follow(snapshot, fact, now, rules)


def _begin(snapshot: Snapshot, fact: SnapshotFact, now: datetime, rules: StopRules) -> Move:
    """Nothing was sent, so that nothing can be under way."""
    match fact:
        case Running(ready=True):
            return _send(snapshot, fact, now, rules)
        case Running():
            return _until_it_runs(snapshot, fact, now, rules), None
        case Silent(why):
            return _in_time(snapshot, why, now), None
        case Queued():  # all of its tasks run
            ready = replace(snapshot, forgotten_since=None)
            return _in_time(ready, "other savepoints of its cluster go first", now), None
        case Missing():
            return _missing(snapshot, now, rules), None
        case Preempted():
            return _settle(snapshot, SnapshotPhase.FAILED, "The job is to be stopped.", now), None
        case Ended(state):
            return _settle(snapshot, SnapshotPhase.FAILED, f"The job was {state} before it was begun.", now), None
        case Gone(why):
            return _settle(snapshot, SnapshotPhase.FAILED, f"{why} Nothing was begun.", now), None
        case Alive() | Stopping() | Recovering() | Acknowledged() | Refused() | Saved() | Lingering():
            return snapshot, None  # of what was never sent nothing can be heard
        case _:
            assert_never(fact)


def _send(snapshot: Snapshot, fact: Running, now: datetime, rules: StopRules) -> Move:
    ready = prepared(snapshot, fact, snapshot.wish)
    if isinstance(ready, NotYet):
        return _in_time(snapshot, ready.why, now), None
    if isinstance(ready, Never):
        return _settle(snapshot, SnapshotPhase.FAILED, f"{ready.why} Nothing was sent.", now), None
    sent = replace(
        ready,
        phase=SnapshotPhase.SENT,
        sent_at=now,
        doubt_since=None,
        forgotten_since=None,
        reason="",
        deadline=max(snapshot.deadline, now + rules.timeout),
    )
    return sent, sent.command


def _follow(  # noqa: C901, PLR0912 - one case a fact
    snapshot: Snapshot, fact: SnapshotFact, now: datetime, rules: StopRules
) -> Move:
    match fact:
        case Running():
            return _unknown(shown(snapshot), now, rules)
        case Acknowledged():
            return replace(snapshot, acknowledged=True), None
        case Alive():
            return _overdue(shown(snapshot), "the cluster has not finished it", now), None
        case Stopping():
            return _overdue(confirmed(snapshot), "it is still being written", now), None
        case Saved(path):
            return _ended(snapshot, "", claim=path), None
        case Recovering(why):
            told = f"it is over ({why}), and Flink has yet to bring the job back"
            return _overdue(shown(snapshot), told, now), None
        case Refused(_, text, restart):
            told = text if restart is None else f"{text} {restarted('After it was asked for,', restart)}"
            return _settle(snapshot, SnapshotPhase.FAILED, told, now), None
        case Ended(state, text):
            return _job_ended(snapshot, state, text, now), None
        case Lingering(told):
            return _lingering(snapshot, told, now, rules), None
        case Missing():
            return _missing(snapshot, now, rules), None
        case Gone(why):
            return _ended(snapshot, why), None
        case Silent(why):
            return _overdue(shown(snapshot), why, now), None
        case Queued() | Preempted():
            return snapshot, None  # it has begun
        case _:
            assert_never(fact)


def _unknown(snapshot: Snapshot, now: datetime, rules: StopRules) -> Move:
    """The job runs, and Flink does not know the attempt."""
    if not snapshot.acknowledged:
        # It may never have arrived. The same id again is harmless.
        return _overdue(snapshot, "the cluster has not confirmed the request", now), snapshot.command
    forgotten = being_forgotten(snapshot, now, rules.forgotten_after)
    return forgotten or _ended(snapshot, "The cluster forgot it."), None


def _job_ended(snapshot: Snapshot, state: JobState, text: str | None, now: datetime) -> Snapshot:
    if text is None:
        return _ended(snapshot, f"The job is {state}, and Flink no longer tells.")
    return _settle(snapshot, SnapshotPhase.FAILED, f"The job is {state}. Flink says: {text}", now)


def _lingering(snapshot: Snapshot, told: Ended, now: datetime, rules: StopRules) -> Snapshot:
    """The job is over, and Flink shows no result; it counts as one that never comes when that lasts."""
    return in_doubt(snapshot, now, rules.gone_after) or _job_ended(snapshot, told.state, None, now)


def _missing(snapshot: Snapshot, now: datetime, rules: StopRules) -> Snapshot:
    """An answering cluster does not know the job; it counts as gone only when that lasts."""
    if doubted := in_doubt(snapshot, now, rules.gone_after):
        return doubted
    why = "The cluster no longer knows the job."
    return _ended(snapshot, why) if snapshot.sent_at else _settle(snapshot, SnapshotPhase.FAILED, why, now)


def _ended(snapshot: Snapshot, why: str, claim: str | None = None) -> Snapshot:
    """Flink is done with it, whatever came of it."""
    told = replace(snapshot, phase=SnapshotPhase.CHECKING, reason=why, claim=claim)
    return replace(told, doubt_since=None, forgotten_since=None)


def _check(snapshot: Snapshot, evidence: Evidence | None, now: datetime, rules: StopRules) -> Snapshot:
    match evidence:
        case None:
            return snapshot
        case Complete():
            return _settle(kept(snapshot, evidence), SnapshotPhase.SAVED, "", now)
        case Unreadable(_, why) if snapshot.claim is not None:
            told = f"Flink reports it; it could not be verified: {why}"
            doubted = in_doubt(snapshot, now, rules.gone_after)
            return doubted or _settle(kept_unverified(snapshot, snapshot.claim), SnapshotPhase.SAVED, told, now)
        case Unreadable(_, why):
            found = f"Whether it is complete could not be read ({why}); look in {snapshot.target}."
        case Broken(path, why):
            found = f"It is not whole: {path} ({why})."
        case Absent():
            found = f"Nothing was found in {snapshot.target}."
        case _:
            assert_never(evidence)
    said = f"Flink reports it at {snapshot.claim}." if snapshot.claim else snapshot.reason
    lost = _settle(snapshot, SnapshotPhase.LOST, f"{said} {found}", now)
    return in_doubt(snapshot, now, rules.gone_after) or lost


def _until_it_runs(snapshot: Snapshot, fact: Running, now: datetime, rules: StopRules) -> Snapshot:
    """Wait for its tasks as long as a stop would."""
    why = f"not all of its tasks run. {fact.ailment}".rstrip(". ")
    since = now if snapshot.idle_since is None else min(snapshot.idle_since, now)
    idle = replace(snapshot, forgotten_since=since)
    late = now - since >= patience(fact, rules)
    return _in_time(replace(idle, deadline=now) if late else idle, why, now)


def _in_time(snapshot: Snapshot, why: str, now: datetime) -> Snapshot:
    if now < snapshot.deadline:
        return replace(snapshot, doubt_since=None, reason=f"It has yet to begin: {why}.")
    return _settle(snapshot, SnapshotPhase.FAILED, f"It could not be begun in time: {why}.", now)


def _overdue(snapshot: Snapshot, why: str, now: datetime) -> Snapshot:
    """Tell that time is up. It goes on, and what comes late is still recorded."""
    if now < snapshot.deadline or snapshot.phase is SnapshotPhase.OVERDUE:
        return snapshot
    told = f"No result in time: {why}. It is still watched, and will lie under {snapshot.target}."
    return replace(snapshot, phase=SnapshotPhase.OVERDUE, reason=told)


def _settle(snapshot: Snapshot, phase: SnapshotPhase, why: str, now: datetime) -> Snapshot:
    return replace(snapshot, phase=phase, reason=why, settled_at=now, doubt_since=None, forgotten_since=None)
