"""One accepted stop of one run, and the rule that moves it. The sources of each case are in the Flink contract."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from sluiceway.domain.commands import Cancel, StopCommand, StopWithSavepoint
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
    Missing,
    NeverRan,
    Queued,
    Refused,
    Running,
    Saved,
    Silent,
    StopFact,
    Stopping,
    Unreadable,
)


class StopPhase(StrEnum):
    """How far a stop has come."""

    WAITING = "waiting"  # no attempt is in flight
    SENT = "sent"  # the attempt's command was sent, or is about to be
    ENDING = "ending"  # the savepoint is complete; the job has yet to end
    OVERDUE = "overdue"  # the deadline has passed without a result; still watched
    STOPPED = "stopped"  # the job is terminal and, where asked for, its savepoint found
    FAILED = "failed"  # the savepoint failed; the job runs on
    ENDED = "ended"  # the job ended by itself or by somebody else's hand, without the savepoint
    LOST = "lost"  # the job is gone, and no complete savepoint was found


SETTLED = frozenset({StopPhase.STOPPED, StopPhase.FAILED, StopPhase.ENDED, StopPhase.LOST})
UNSETTLED = frozenset(StopPhase) - SETTLED


@dataclass(frozen=True, slots=True)
class StopRules:
    """How patient stops are. All of it is settings."""

    timeout: timedelta  # for a stop, from sending its first attempt; retries have to fit in
    attempts: int  # at most, for one stop
    backoff: timedelta  # before a retry; grows with each
    gone_after: timedelta  # how long an answering cluster must not know a job before it counts as gone
    forgotten_after: timedelta  # how long a cluster must not know an acknowledged attempt before it counts as over


@dataclass(frozen=True, slots=True)
class Stop:
    """One accepted stop. All that a restarted service needs to carry on is in here."""

    id: int
    job_id: int
    flink_job_id: str
    savepoint: bool  # False: a plain cancel
    root: str  # the directory (URI) under which every attempt of this stop has its own
    token: str  # 32 hex digits; the trigger ids of all attempts follow from it
    phase: StopPhase
    deadline: datetime
    attempt: int = 1
    sent_at: datetime | None = None  # of this attempt
    acknowledged: bool = False  # Flink has this attempt
    retry_at: datetime | None = None
    doubt_since: datetime | None = None  # since when Flink has not known the job, or the acknowledged attempt
    cancel_on_failure: bool = False  # a savepoint that fails does not keep the job (it was deleted meanwhile)
    savepoint_path: str | None = None
    savepoint_size: int | None = None  # bytes
    verified: bool = False
    settled_at: datetime | None = None
    reason: str = ""
    version: int = 0  # moves with every stored change

    @property
    def trigger(self) -> str:
        """This attempt's trigger id, 32 hex digits. One id per attempt and per kind (Flink contract, rule 3)."""
        kind = "savepoint" if self.savepoint else "cancel"
        return hashlib.blake2b(f"{self.token}/{kind}/{self.attempt}".encode(), digest_size=16).hexdigest()

    @property
    def target(self) -> str:
        """This attempt's own directory, so that storage alone can tell what became of it."""
        return f"{self.root}/{self.trigger}"

    @property
    def command(self) -> StopCommand:
        """What this stop asks of the cluster."""
        return StopWithSavepoint(self.trigger, self.target) if self.savepoint else Cancel()


Move = tuple[Stop, StopCommand | None]


def decide(stop: Stop, fact: StopFact, evidence: Evidence | None, now: datetime, rules: StopRules) -> Move:
    """The next state, and what to ask of the cluster once that state is stored.

    `evidence` is what storage shows under this attempt's own directory; None when nobody looked (`wants_evidence`).
    Directories of earlier attempts prove nothing: the job was seen running after each of them.
    """
    if stop.phase in SETTLED:
        return stop, None
    moved, command = _judge(stop, fact, evidence, now, rules)
    if moved.cancel_on_failure and moved.savepoint and moved.phase in {StopPhase.FAILED, StopPhase.OVERDUE}:
        # Its job was deleted: nobody is left to ask for it again, and it must not run on unseen.
        return replace(_next_attempt(moved, savepoint=False), settled_at=None), None
    return moved, command


def wants_evidence(stop: Stop, fact: StopFact) -> bool:
    """Whether storage must be looked at before this fact can be judged."""
    return stop.savepoint and stop.phase not in SETTLED and isinstance(fact, Saved | Ended | Missing | Gone)


def admit(stops: Iterable[Stop], facts: Mapping[int, StopFact], limit: int) -> dict[int, StopFact]:
    """The same facts, with stops that have to wait for their turn marked `Queued`.

    At most `limit` savepoints are under way in a cluster at once; the oldest go first. Cancels wait for nobody.
    """
    admitted = dict(facts)
    waiting = []
    free = limit
    for stop in sorted(stops, key=lambda s: s.id):
        fact = facts.get(stop.id)
        if not stop.savepoint or stop.phase in SETTLED:
            continue
        if stop.sent_at is not None:
            # One that is overdue may hang for ever; it must not keep its place from the others.
            over = stop.phase is StopPhase.OVERDUE or isinstance(fact, Saved | Ended | Missing | Gone)
            free -= 0 if over else 1
        elif isinstance(fact, Running) and fact.ready:
            waiting.append(stop.id)
    for stop_id in waiting[max(free, 0) :]:
        admitted[stop_id] = Queued()
    return admitted


def rearm(stop: Stop, *, savepoint: bool, deadline: datetime) -> Stop:
    """Ask again for a stop that is overdue: wait anew, or give up its savepoint and cancel the job."""
    if savepoint or not stop.savepoint:
        return replace(stop, phase=StopPhase.SENT if stop.sent_at else StopPhase.WAITING, deadline=deadline, reason="")
    return replace(
        _next_attempt(stop, savepoint=False),
        deadline=deadline,
        reason="The savepoint was given up by a later request without one.",
    )


def _judge(  # noqa: C901, PLR0912 - one case a fact
    stop: Stop, fact: StopFact, evidence: Evidence | None, now: datetime, rules: StopRules
) -> Move:
    match fact:
        case Running(ready):
            return _running(stop, ready, now, rules)
        case Queued():
            return stop, None
        case Alive():
            return _overdue(replace(stop, doubt_since=None), "the cluster has not finished the attempt", now), None
        case Stopping(saved):
            return _stopping(stop, saved, now), None
        case Acknowledged():
            return replace(stop, acknowledged=True), None
        case Refused():
            return _refused(stop, fact, now, rules)
        case Saved():
            return _saved(stop, fact, evidence, now), None
        case Ended():
            return _ended(stop, fact, evidence, now), None
        case Missing():
            return _missing(stop, evidence, now, rules), None
        case Gone(why):
            return _gone(stop, why, evidence, now), None
        case NeverRan(why):
            return _settle(stop, StopPhase.ENDED if stop.savepoint else StopPhase.STOPPED, why, now), None
        case Silent(why):
            return _overdue(replace(stop, doubt_since=None), why, now), None
        case _:
            assert_never(fact)


def _running(stop: Stop, ready: bool, now: datetime, rules: StopRules) -> Move:
    if stop.sent_at is None:
        return _first_send(stop, ready, now, rules)
    if not stop.acknowledged:
        # It may never have arrived. The same id again is harmless, a new one is not.
        return _overdue(stop, "the cluster has not confirmed the request", now), stop.command
    if stop.doubt_since is None:
        return replace(stop, doubt_since=now), None
    if now - stop.doubt_since < rules.forgotten_after:
        return stop, None
    if stop.savepoint and stop.attempt >= rules.attempts:
        return _settle(stop, StopPhase.FAILED, "The cluster forgot the attempt; the job runs on.", now), None
    return _next_attempt(stop), None


def _first_send(stop: Stop, ready: bool, now: datetime, rules: StopRules) -> Move:
    if stop.savepoint and not ready:
        if now >= stop.deadline:
            return _settle(stop, StopPhase.FAILED, stop.reason or "Its tasks were not all running in time.", now), None
        return replace(stop, reason=stop.reason or "Waiting until all of its tasks run."), None
    if stop.retry_at is not None and now < stop.retry_at:
        return stop, None
    sent = replace(
        stop,
        phase=StopPhase.SENT,
        sent_at=now,
        retry_at=None,
        doubt_since=None,
        deadline=max(stop.deadline, now + rules.timeout) if stop.attempt == 1 else stop.deadline,
    )
    return sent, sent.command


def _stopping(stop: Stop, saved: bool, now: datetime) -> Stop:
    known = replace(stop, acknowledged=True, doubt_since=None)
    if saved and stop.phase is not StopPhase.OVERDUE:
        known = replace(known, phase=StopPhase.ENDING)
    return _overdue(known, "the savepoint is still being written" if not saved else "the job has yet to end", now)


def _refused(stop: Stop, fact: Refused, now: datetime, rules: StopRules) -> Move:
    if not stop.savepoint:
        return _overdue(replace(stop, reason=fact.text), fact.text, now), None
    if fact.refusal.retryable and stop.attempt < rules.attempts and now < stop.deadline:
        wait = rules.backoff * 2 ** (stop.attempt - 1)
        return replace(_next_attempt(stop), retry_at=now + wait, reason=fact.text), None
    return _settle(stop, StopPhase.FAILED, fact.text, now), None


def _saved(stop: Stop, fact: Saved, evidence: Evidence | None, now: datetime) -> Stop:
    if not stop.savepoint:
        return _settle(stop, StopPhase.STOPPED, fact.note, now)
    match evidence:
        case None:
            return stop
        case Complete(path, size):
            return _stopped_with(stop, path, size, verified=True, note=fact.note, now=now)
        case Unreadable(_, why):
            note = f"Flink reports the savepoint; it could not be verified: {why}"
            return _stopped_with(stop, fact.path, None, verified=False, note=note, now=now)
        case Broken(path, why):
            return _settle(stop, StopPhase.LOST, f"Flink reports a savepoint at {path}, but it is broken: {why}", now)
        case Absent():
            return _settle(
                stop, StopPhase.LOST, f"Flink reports a savepoint at {fact.path}, but nothing was found there.", now
            )
        case _:
            assert_never(evidence)


def _ended(stop: Stop, fact: Ended, evidence: Evidence | None, now: datetime) -> Stop:
    if not stop.savepoint:
        return _canceled(stop, fact.state, now)
    if evidence is None:
        return stop
    if isinstance(evidence, Complete) and stop.sent_at is not None:
        if fact.refusal is None:
            return _stopped_with(stop, evidence.path, evidence.size, verified=True, note=_found(fact.state), now=now)
        why = f"Flink says the stop failed ({fact.refusal}), yet a complete savepoint lies at {evidence.path}."
        return _settle(stop, StopPhase.LOST, why, now)
    if stop.sent_at is None or fact.refusal is not None:
        return _settle(stop, StopPhase.ENDED, _ended_by_itself(fact), now)
    if fact.state is JobState.FINISHED or isinstance(evidence, Unreadable):
        return _settle(stop, StopPhase.LOST, f"The job is {fact.state}. {_look_there(stop, evidence)}", now)
    return _settle(stop, StopPhase.ENDED, _ended_by_itself(fact), now)


def _canceled(stop: Stop, state: JobState, now: datetime) -> Stop:
    if state is JobState.CANCELED:
        return _settle(stop, StopPhase.STOPPED, "", now)
    return _settle(stop, StopPhase.ENDED, f"The job was already {state} when it was to be canceled.", now)


def _missing(stop: Stop, evidence: Evidence | None, now: datetime, rules: StopRules) -> Stop:
    if stop.doubt_since is None:
        return replace(stop, doubt_since=now)
    if now - stop.doubt_since < rules.gone_after:
        return stop
    return _gone(stop, "The cluster no longer knows the job.", evidence, now)


def _gone(stop: Stop, why: str, evidence: Evidence | None, now: datetime) -> Stop:
    if not stop.savepoint:
        return _settle(stop, StopPhase.STOPPED, why, now)
    if stop.sent_at is None:
        return _settle(stop, StopPhase.ENDED, f"{why} No savepoint was under way.", now)
    if evidence is None:
        return stop
    if isinstance(evidence, Complete):
        note = f"{why} Its savepoint was found on storage."
        return _stopped_with(stop, evidence.path, evidence.size, verified=True, note=note, now=now)
    return _settle(stop, StopPhase.LOST, f"{why} {_look_there(stop, evidence)}", now)


def _next_attempt(stop: Stop, *, savepoint: bool | None = None) -> Stop:
    """A fresh attempt. Only for a stop whose last attempt is known to be over: two in flight restart the job."""
    return replace(
        stop,
        savepoint=stop.savepoint if savepoint is None else savepoint,
        phase=StopPhase.WAITING,
        attempt=stop.attempt + 1,
        sent_at=None,
        acknowledged=False,
        retry_at=None,
        doubt_since=None,
    )


def _overdue(stop: Stop, why: str, now: datetime) -> Stop:
    """Tell the caller that time is up. The stop itself goes on, and what comes late is still recorded."""
    if now < stop.deadline or stop.phase is StopPhase.OVERDUE:
        return stop
    where = f" Its savepoint, if any, will lie under {stop.target}." if stop.savepoint and stop.sent_at else ""
    text = f"No result in time: {why}. It is still watched.{where}"
    return replace(stop, phase=StopPhase.OVERDUE, reason=text)


def _stopped_with(stop: Stop, path: str, size: int | None, *, verified: bool, note: str, now: datetime) -> Stop:
    stop = replace(stop, savepoint_path=path, savepoint_size=size, verified=verified)
    return _settle(stop, StopPhase.STOPPED, note, now)


def _settle(stop: Stop, phase: StopPhase, why: str, now: datetime) -> Stop:
    return replace(stop, phase=phase, reason=why, settled_at=now, retry_at=None, doubt_since=None)


def _found(state: JobState) -> str:
    found = "Flink no longer has the result; the savepoint was found on storage."
    return found if state is JobState.FINISHED else f"The job ended as {state}. {found}"


def _ended_by_itself(fact: Ended) -> str:
    said = f" Flink says of the stop: {fact.refusal}" if fact.refusal else ""
    how = {
        JobState.FINISHED: "The job finished by itself before it could be stopped; there is no savepoint.",
        JobState.FAILED: "The job failed while it was to be stopped; there is no savepoint.",
        JobState.CANCELED: "The job was canceled by somebody else while it was to be stopped; there is no savepoint.",
    }
    return how.get(fact.state, f"The job is {fact.state}.") + said


def _look_there(stop: Stop, evidence: Evidence) -> str:
    if isinstance(evidence, Unreadable):
        return f"Whether its savepoint is complete could not be read ({evidence.why}); look in {stop.target}."
    if isinstance(evidence, Broken):
        return f"Its savepoint is not complete: {evidence.path} ({evidence.why})."
    return f"No savepoint was found in {stop.target}."
