"""One savepoint of a running job that somebody asked for, and the rule that moves it.

It has one attempt. While Flink may be working on it, no stop of the job is sent beside it; then its directory
is read. What Flink forgot, or a job that ended meanwhile, changes nothing about the second part.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from sluiceway.domain.commands import TakeSavepoint
from sluiceway.domain.copies import replace
from sluiceway.domain.doubt import in_doubt, shown
from sluiceway.domain.facts import (
    Absent,
    Acknowledged,
    Alive,
    Broken,
    Complete,
    Departed,
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
    SaveFact,
    Silent,
    Stopping,
    Unreadable,
)
from sluiceway.domain.operations.attempt import (
    Attempt,
    Never,
    NotYet,
    being_forgotten,
    confirmed,
    is_named,
    kept,
    kept_unverified,
    prepared,
)
from sluiceway.domain.operations.stop import StopRules
from sluiceway.domain.policy import SavepointFormat
from sluiceway.domain.savepoint_risk import restarted


class SavePhase(StrEnum):
    """The phase of a savepoint."""

    WAITING = "waiting"  # nothing was sent
    SENT = "sent"  # the command was sent, or is about to be
    OVERDUE = "overdue"  # the deadline has passed without a result; still watched
    CHECKING = "checking"  # Flink is done with it; its directory is being read
    SAVED = "saved"
    FAILED = "failed"  # Flink said no, or nothing was sent
    LOST = "lost"  # its outcome is unknown, and no whole savepoint was found


SETTLED = frozenset({SavePhase.SAVED, SavePhase.FAILED, SavePhase.LOST})
UNSETTLED = frozenset(SavePhase) - SETTLED

Move = tuple["Save", TakeSavepoint | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Save(Attempt):
    """One accepted savepoint of one run."""

    trigger: str  # 32 hex digits, chosen and stored before anything is sent
    target: str  # its own directory (URI), so that storage alone can show the outcome
    phase: SavePhase
    claim: str | None = None  # where Flink says that it lies
    wish: SavepointFormat | None = None

    @property
    def command(self) -> TakeSavepoint:
        """Its command to the cluster."""
        return TakeSavepoint(self.trigger, self.target, self.format or SavepointFormat.NATIVE)

    @property
    def idle_since(self) -> datetime | None:
        """Since when it could not be sent because not all tasks run. Flink cannot have forgotten an unsent one."""
        return self.forgotten_since if self.sent_at is None else None

    @property
    def in_flight(self) -> bool:
        """Whether Flink may be working on it."""
        return self.phase in {SavePhase.SENT, SavePhase.OVERDUE}


def evidence_at(save: Save) -> str | None:
    """The directory in storage to look at now."""
    return save.target if save.phase is SavePhase.CHECKING else None


def decide(save: Save, fact: SaveFact, evidence: Evidence | None, now: datetime, rules: StopRules) -> Move:
    """The next state, and what to ask of the cluster once that state is stored.

    `evidence` is what storage shows where `evidence_at` says to look; None when nobody looked.
    """
    if save.phase in SETTLED:
        return save, None
    if save.phase is SavePhase.CHECKING:
        return _check(save, evidence, now, rules), None
    if save.sent_at is None:
        return _begin(save, fact, now, rules)
    return _follow(save, fact, now, rules)


def _begin(save: Save, fact: SaveFact, now: datetime, rules: StopRules) -> Move:
    """Nothing was sent, so nothing can be under way."""
    match fact:
        case Running(ready=True):
            return _send(save, fact, now, rules)
        case Running():
            return _until_it_runs(save, fact, now, rules), None
        case Silent(why) | Departed(why):
            return _in_time(save, why, now), None
        case Queued():  # all of its tasks run
            ready = replace(save, forgotten_since=None)
            return _in_time(ready, "other savepoints of its cluster go first", now), None
        case Missing():
            return _missing(save, now, rules), None
        case Preempted():
            return _settle(save, SavePhase.FAILED, "The job is to be stopped.", now), None
        case Ended(state):
            return _settle(save, SavePhase.FAILED, f"The job was {state} before it was begun.", now), None
        case Gone(why):
            return _settle(save, SavePhase.FAILED, f"{why} Nothing was begun.", now), None
        case Alive() | Stopping() | Recovering() | Acknowledged() | Refused() | Saved() | Lingering():
            return save, None  # of what was never sent nothing can be heard
        case _:
            assert_never(fact)


def _send(save: Save, fact: Running, now: datetime, rules: StopRules) -> Move:
    ready = prepared(save, fact, save.wish)
    if isinstance(ready, NotYet):
        return _in_time(save, ready.why, now), None
    if isinstance(ready, Never):
        return _settle(save, SavePhase.FAILED, f"{ready.why} Nothing was sent.", now), None
    sent = replace(
        ready,
        phase=SavePhase.SENT,
        sent_at=now,
        doubt_since=None,
        forgotten_since=None,
        reason="",
        deadline=max(save.deadline, now + rules.timeout),
    )
    return sent, sent.command


def _follow(  # noqa: C901, PLR0912 - one case a fact
    save: Save, fact: SaveFact, now: datetime, rules: StopRules
) -> Move:
    match fact:
        case Running():
            return _unknown(shown(save), now, rules)
        case Acknowledged():
            return replace(save, acknowledged=True), None
        case Alive():
            return _overdue(shown(save), "the cluster has not finished it", now), None
        case Stopping():
            return _overdue(confirmed(save), "it is still being written", now), None
        case Saved(path):
            return _ended(save, "", claim=path), None
        case Recovering(why):
            told = f"it is over ({why}), and Flink has yet to bring the job back"
            return _overdue(shown(save), told, now), None
        case Refused(_, text, restart):
            told = text if restart is None else f"{text} {restarted('After it was asked for,', restart)}"
            return _settle(save, SavePhase.FAILED, told, now), None
        case Ended(state, text):
            return _job_ended(save, state, text, now), None
        case Lingering(told):
            return _lingering(save, told, now, rules), None
        case Missing():
            return _missing(save, now, rules), None
        case Departed():
            return _departed(save, now, rules), None
        case Gone(why):
            return _ended(save, why), None
        case Silent(why):
            return _overdue(shown(save), why, now), None
        case Queued() | Preempted():
            return save, None  # it has begun
        case _:
            assert_never(fact)


def _unknown(save: Save, now: datetime, rules: StopRules) -> Move:
    """The job runs, and Flink does not know the attempt."""
    if not save.acknowledged:
        # It may never have arrived. The same id again is harmless.
        return _overdue(save, "the cluster has not confirmed the request", now), save.command
    forgotten = being_forgotten(save, now, rules.forgotten_after)
    return forgotten or _ended(save, "The cluster forgot it."), None


def _job_ended(save: Save, state: JobState, text: str | None, now: datetime) -> Save:
    if text is None:
        return _ended(save, f"The job is {state}, and Flink no longer says why.")
    return _settle(save, SavePhase.FAILED, f"The job is {state}. Flink says: {text}", now)


def _lingering(save: Save, told: Ended, now: datetime, rules: StopRules) -> Save:
    """The job is over, and Flink shows no result; it counts as one that never comes when that lasts."""
    return in_doubt(save, now, rules.gone_after) or _job_ended(save, told.state, None, now)


def _missing(save: Save, now: datetime, rules: StopRules) -> Save:
    """An answering cluster does not know the job; it counts as gone only when that lasts."""
    if doubted := in_doubt(save, now, rules.gone_after):
        return doubted
    why = "The cluster no longer knows the job."
    return _ended(save, why) if save.sent_at else _settle(save, SavePhase.FAILED, why, now)


def _departed(save: Save, now: datetime, rules: StopRules) -> Save:
    """Whatever became of the job, nobody writes the savepoint any more once the end of its cluster has lasted."""
    why = "Its application cluster has gone, perhaps with the job."
    return in_doubt(save, now, rules.gone_after) or _ended(save, why)


def _ended(save: Save, why: str, claim: str | None = None) -> Save:
    """Flink is done with it, whatever the outcome."""
    told = replace(save, phase=SavePhase.CHECKING, reason=why, claim=claim)
    return replace(told, doubt_since=None, forgotten_since=None)


def _check(save: Save, evidence: Evidence | None, now: datetime, rules: StopRules) -> Save:
    match evidence:
        case None:
            return save
        case Complete() if save.claim is None or is_named(evidence, save.claim):
            return _settle(kept(save, evidence), SavePhase.SAVED, "", now)
        case Unreadable(_, why) if save.claim is not None:
            told = f"Flink reports it; it could not be verified: {why}"
            doubted = in_doubt(save, now, rules.gone_after)
            return doubted or _settle(kept_unverified(save, save.claim), SavePhase.SAVED, told, now)
        case Unreadable(_, why):
            found = f"Whether it is complete could not be read ({why}); look in {save.target}."
        case Broken(path, why):
            found = f"It is not whole: {path} ({why})."
        case Absent():
            found = f"Nothing was found in {save.target}."
        case Complete(path):
            found = f"Only {path} was found there."
        case _:
            assert_never(evidence)
    said = f"Flink reports it at {save.claim}." if save.claim else save.reason
    lost = _settle(save, SavePhase.LOST, f"{said} {found}", now)
    return in_doubt(save, now, rules.gone_after) or lost


def _until_it_runs(save: Save, fact: Running, now: datetime, rules: StopRules) -> Save:
    """Wait for its tasks as long as a stop would."""
    why = f"not all of its tasks run. {fact.ailment}".rstrip(". ")
    since = now if save.idle_since is None else min(save.idle_since, now)
    idle = replace(save, forgotten_since=since)
    late = now - since >= rules.patience(fact)
    return _in_time(replace(idle, deadline=now) if late else idle, why, now)


def _in_time(save: Save, why: str, now: datetime) -> Save:
    if now < save.deadline:
        return replace(save, doubt_since=None, reason=f"It has yet to begin: {why}.")
    return _settle(save, SavePhase.FAILED, f"It could not be begun in time: {why}.", now)


def _overdue(save: Save, why: str, now: datetime) -> Save:
    """Say that time is up. It goes on, and late results are still recorded."""
    if now < save.deadline or save.phase is SavePhase.OVERDUE:
        return save
    told = f"No result in time: {why}. It is still watched, and will lie under {save.target}."
    return replace(save, phase=SavePhase.OVERDUE, reason=told)


def _settle(save: Save, phase: SavePhase, why: str, now: datetime) -> Save:
    return replace(save, phase=phase, reason=why, settled_at=now, doubt_since=None, forgotten_since=None)
