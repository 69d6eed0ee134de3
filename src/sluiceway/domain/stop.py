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


LONGEST_BACKOFF = timedelta(minutes=1)


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
    doubt_since: datetime | None = None  # since when the answering cluster, or storage, has not shown what it should
    forgotten_since: datetime | None = None  # since when the job was seen running without the acknowledged attempt
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
        return self._trigger(self.attempt)

    @property
    def target(self) -> str:
        """This attempt's own directory, so that storage alone can tell what became of it.

        For a cancel that gave up a savepoint it is that savepoint's.
        """
        return f"{self.root}/{self._trigger(self.attempt if self.savepoint else self.attempt - 1)}"

    @property
    def gave_up(self) -> bool:
        """Whether this is a cancel that began as a stop with a savepoint."""
        return not self.savepoint and self.attempt > 1

    @property
    def command(self) -> StopCommand:
        """What this stop asks of the cluster."""
        return StopWithSavepoint(self.trigger, self.target) if self.savepoint else Cancel()

    def _trigger(self, attempt: int) -> str:
        return hashlib.blake2b(f"{self.token}/{attempt}".encode(), digest_size=16).hexdigest()


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
    began = (stop.savepoint and stop.sent_at is not None) or stop.gave_up
    return began and stop.phase not in SETTLED and isinstance(fact, Saved | Ended | Missing | Gone)


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
            return _saved(stop, fact, evidence, now, rules), None
        case Ended():
            return _ended(stop, fact, evidence, now, rules), None
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
    if stop.forgotten_since is None:
        return replace(stop, doubt_since=None, forgotten_since=now), None
    if now - stop.forgotten_since < rules.forgotten_after:
        return stop, None
    if not stop.savepoint:
        again = replace(stop, acknowledged=False, forgotten_since=None)
        return _overdue(again, "the job runs on although its cancel was confirmed", now), stop.command
    if stop.attempt >= rules.attempts or now >= stop.deadline:
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
    known = replace(stop, acknowledged=True, doubt_since=None, forgotten_since=None)
    if saved and stop.phase is not StopPhase.OVERDUE:
        known = replace(known, phase=StopPhase.ENDING)
    return _overdue(known, "the savepoint is still being written" if not saved else "the job has yet to end", now)


def _refused(stop: Stop, fact: Refused, now: datetime, rules: StopRules) -> Move:
    if not stop.savepoint:
        return _overdue(replace(stop, reason=fact.text), fact.text, now), None
    if fact.refusal.retryable and stop.attempt < rules.attempts and now < stop.deadline:
        wait = min(rules.backoff * 2 ** min(stop.attempt - 1, 10), LONGEST_BACKOFF)
        return replace(_next_attempt(stop), retry_at=now + wait, reason=fact.text), None
    return _settle(stop, StopPhase.FAILED, fact.text, now), None


def _saved(stop: Stop, fact: Saved, evidence: Evidence | None, now: datetime, rules: StopRules) -> Stop:
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
            nothing = f"Flink reports a savepoint at {fact.path}, but nothing was found there."
            return _lost_after_a_while(stop, nothing, now, rules)
        case _:
            assert_never(evidence)


def _ended(stop: Stop, fact: Ended, evidence: Evidence | None, now: datetime, rules: StopRules) -> Stop:
    if not stop.savepoint:
        return _canceled(stop, fact.state, evidence, now)
    if stop.sent_at is None:
        return _settle(stop, StopPhase.ENDED, _ended_by_itself(fact), now)
    if evidence is None:
        return stop
    if isinstance(evidence, Complete):
        return _with_evidence(stop, fact, evidence, now)
    if fact.refusal is not None:
        return _settle(stop, StopPhase.ENDED, _ended_by_itself(fact), now)
    if fact.state is JobState.FINISHED or isinstance(evidence, Unreadable):
        return _lost_after_a_while(stop, f"The job is {fact.state}. {_look_there(stop, evidence)}", now, rules)
    return _settle(stop, StopPhase.ENDED, _ended_by_itself(fact), now)


def _with_evidence(stop: Stop, fact: Ended, evidence: Complete, now: datetime) -> Stop:
    """A complete savepoint, and no word of Flink's that the stop went well.

    A good stop ends FINISHED. A job that ended otherwise, or ran on without the attempt, may have moved on after it.
    """
    if fact.refusal is None and fact.state is JobState.FINISHED and stop.forgotten_since is None:
        note = "Flink no longer has the result; the savepoint was found on storage."
        return _stopped_with(stop, evidence.path, evidence.size, verified=True, note=note, now=now)
    said = f" Flink says of the stop: {fact.refusal}" if fact.refusal else ""
    found = f"A complete savepoint lies at {evidence.path}, but it may not be its last state."
    return _settle(stop, StopPhase.LOST, f"The job ended as {fact.state}. {found}{said}", now)


def _canceled(stop: Stop, state: JobState, evidence: Evidence | None, now: datetime) -> Stop:
    if state is JobState.CANCELED:
        return _settle(stop, StopPhase.STOPPED, "", now)
    if stop.gave_up and evidence is None:
        return stop
    if state is JobState.FINISHED and isinstance(evidence, Complete):
        note = "Its savepoint was complete before the cancel came."
        return _stopped_with(stop, evidence.path, evidence.size, verified=True, note=note, now=now)
    return _settle(stop, StopPhase.ENDED, f"The job was already {state} when it was to be canceled.", now)


def _lost_after_a_while(stop: Stop, why: str, now: datetime, rules: StopRules) -> Stop:
    """Storage may show a new file late, or not be read for a moment; LOST is said only when it lasts."""
    if stop.doubt_since is None:
        return replace(stop, doubt_since=now)
    return stop if now - stop.doubt_since < rules.gone_after else _settle(stop, StopPhase.LOST, why, now)


def contradicted(stop: Stop, now: datetime) -> Stop:
    """What to make of a settled stop whose job is seen running all the same: its JobManager recovered very late."""
    if stop.phase not in SETTLED or stop.phase is StopPhase.FAILED:
        return stop
    kept = f" Its savepoint, which is not its last state, lies at {stop.savepoint_path}." if stop.savepoint_path else ""
    why = f"The job was seen running again after its stop had come to: {stop.phase}.{kept}"
    blank = replace(stop, savepoint_path=None, savepoint_size=None, verified=False)
    return _settle(blank, StopPhase.FAILED, why, now)


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
    if isinstance(evidence, Complete) and stop.forgotten_since is None:
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
        forgotten_since=None,
    )


def _overdue(stop: Stop, why: str, now: datetime) -> Stop:
    """Tell the caller that time is up. The stop itself goes on, and what comes late is still recorded."""
    if now < stop.deadline or stop.phase is StopPhase.OVERDUE:
        return stop
    if stop.sent_at is None:
        next_ = "Nothing was sent yet; it will be when that is possible."
    else:
        where = f" Its savepoint, if any, will lie under {stop.target}." if stop.savepoint else ""
        next_ = f"It is still watched.{where}"
    text = f"No result in time: {why}. {next_}"
    return replace(stop, phase=StopPhase.OVERDUE, reason=text)


def _stopped_with(stop: Stop, path: str, size: int | None, *, verified: bool, note: str, now: datetime) -> Stop:
    stop = replace(stop, savepoint_path=path, savepoint_size=size, verified=verified)
    return _settle(stop, StopPhase.STOPPED, note, now)


def _settle(stop: Stop, phase: StopPhase, why: str, now: datetime) -> Stop:
    return replace(stop, phase=phase, reason=why, settled_at=now, retry_at=None, doubt_since=None)


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
    if isinstance(evidence, Complete):
        return f"A complete savepoint lies at {evidence.path}, but the job ran on after it."
    if isinstance(evidence, Broken):
        return f"Its savepoint is not complete: {evidence.path} ({evidence.why})."
    return f"No savepoint was found in {stop.target}."
