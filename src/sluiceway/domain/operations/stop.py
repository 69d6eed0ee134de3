"""One accepted stop of one run: its stored state, and what a second request means."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from sluiceway.domain.commands import Cancel, StopCommand, StopWithSavepoint
from sluiceway.domain.copies import replace
from sluiceway.domain.facts import Running
from sluiceway.domain.operations.attempt import Attempt
from sluiceway.domain.policy import PLAIN, IfNotRunning, Resort, SavepointFormat, StopPolicy


class StopPhase(StrEnum):
    """The phase of a stop."""

    WAITING = "waiting"  # no attempt is in flight
    SENT = "sent"  # the attempt's command was sent, or is about to be
    ENDING = "ending"  # the savepoint is complete; the job has yet to end
    OVERDUE = "overdue"  # the deadline has passed without a result; still watched
    STOPPED = "stopped"  # the job is terminal and, where asked for, its savepoint found
    FAILED = "failed"  # the savepoint failed; the job runs on
    ENDED = "ended"  # the job ended by itself or by somebody else's hand, without the savepoint
    LOST = "lost"  # the job is gone, and no complete savepoint was found
    WITHDRAWN = "withdrawn"  # taken back before anything was sent; the job was not touched


SETTLED = frozenset({StopPhase.STOPPED, StopPhase.FAILED, StopPhase.ENDED, StopPhase.LOST, StopPhase.WITHDRAWN})
UNSETTLED = frozenset(StopPhase) - SETTLED


@dataclass(frozen=True, slots=True)
class StopRules:
    """How patient stops are. These are settings, which a request overrides."""

    timeout: timedelta  # for a stop, from sending its first attempt; retries have to fit in
    attempts: int  # at most, for one stop
    backoff: timedelta  # before a retry; grows with each
    gone_after: timedelta  # how long an answering cluster must not know a job before it counts as gone
    forgotten_after: timedelta  # how long a cluster must not know an acknowledged attempt before it counts as over
    start_patience: timedelta = timedelta(seconds=60)  # for the tasks of a job that starts, before anything is sent
    ailing_patience: timedelta = timedelta(seconds=15)  # for those of a job that is known to loop, or to lack slots
    if_not_running: IfNotRunning = IfNotRunning.LEAVE

    def patience(self, fact: Running, wish: IfNotRunning | None = None, *, first: bool = True) -> timedelta:
        """How long to wait for the tasks of a job: short for one in trouble, unless the caller said otherwise.

        After an attempt of ours that failed, Flink may just be bringing the job back.
        """
        if wish is IfNotRunning.WAIT:
            return timedelta.max
        if not (fact.ailment and first):
            return self.start_patience
        return timedelta(0) if wish is IfNotRunning.CANCEL else self.ailing_patience


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Attempt):
    """One accepted stop, and its latest attempt."""

    savepoint: bool  # False: a plain cancel
    root: str  # the directory (URI) under which every attempt of this stop has its own
    token: str  # 32 hex digits; the trigger ids of all attempts follow from it
    phase: StopPhase
    batch_id: int | None = None
    policy: StopPolicy = PLAIN
    wave: int = 0
    held: bool = False  # until its batch releases it
    attempt: int = 1
    retry_at: datetime | None = None
    idle_since: datetime | None = None  # since when nothing could be sent because not all tasks run
    abandoned: bool = False  # a cancel whose savepoint was given up while its attempt was in flight
    cancel_on_failure: bool = False  # a savepoint that fails does not keep the job (it was deleted meanwhile)
    foreign_savepoint: str | None = None  # somebody else's, that overtook this stop's own and is kept in its place
    checkpoint_path: str | None = None  # the checkpoint that a cancel keeps in place of a savepoint
    restarted: str = ""  # what failed attempts have done to the job, in words
    claim: str | None = None  # where Flink says that the savepoint of this attempt lies

    @property
    def trigger(self) -> str:
        """This attempt's trigger id, 32 hex digits. One id per attempt and per kind (Flink contract, rule 3)."""
        return _trigger(self.token, self.attempt)

    @property
    def target(self) -> str:
        """This attempt's own directory, so that storage alone can show its outcome.

        For a cancel that gave up a savepoint it is that savepoint's.
        """
        return f"{self.root}/{_trigger(self.token, self.attempt if self.savepoint else self.attempt - 1)}"

    @property
    def weighs(self) -> bool:
        """Whether the last checkpoint decides about a cancel, now that the savepoint failed."""
        keeping = self.policy.resort is Resort.CANCEL_KEEPING_CHECKPOINT and not self.cancel_on_failure
        gave_up = not self.savepoint and self.attempt > 1
        return gave_up and keeping and self.sent_at is None and self.checkpoint_path is None

    @property
    def begun(self) -> bool:
        """Whether a command ever reached the cluster, or may have."""
        return self.sent_at is not None or self.attempt > 1

    @property
    def command(self) -> StopCommand:
        """This stop's command to the cluster."""
        if not self.savepoint:
            return Cancel()
        return StopWithSavepoint(self.trigger, self.target, self.policy.drain, self.format or SavepointFormat.NATIVE)


@lru_cache(maxsize=1 << 15)  # each look asks for those of all open stops, several times
def _trigger(token: str, attempt: int) -> str:
    return hashlib.blake2b(f"{token}/{attempt}".encode(), digest_size=16).hexdigest()


def rearm(stop: Stop, *, savepoint: bool, deadline: datetime) -> Stop:
    """A second request for a stop that is overdue, or unsent: a new deadline, or a cancel without a savepoint."""
    if savepoint or not stop.savepoint:
        return replace(stop, phase=StopPhase.SENT if stop.sent_at else StopPhase.WAITING, deadline=deadline, reason="")
    named = f" Flink had reported it at {stop.claim}." if stop.claim else ""
    return replace(
        give_up(stop, in_flight=stop.sent_at is not None),
        policy=replace(stop.policy, resort=Resort.CANCEL),
        held=False,
        deadline=deadline,
        reason=f"The savepoint was given up by a later request without one.{named}",
    )


def give_up(stop: Stop, *, in_flight: bool) -> Stop:
    """Cancel the job instead of saving it; an attempt that is in flight may yet complete."""
    return replace(next_attempt(stop), savepoint=False, abandoned=in_flight, settled_at=None)


def next_attempt(stop: Stop) -> Stop:
    """A fresh attempt. Only for a stop whose last attempt is known to be over: two in flight restart the job."""
    return replace(
        stop,
        phase=StopPhase.WAITING,
        attempt=stop.attempt + 1,
        sent_at=None,
        acknowledged=False,
        retry_at=None,
        doubt_since=None,
        forgotten_since=None,
        idle_since=None,
        claim=None,
    )


def settle(stop: Stop, phase: StopPhase, why: str, now: datetime) -> Stop:
    """The stop at its end, always with what its attempts have done to the job."""
    told = why if stop.restarted in why else f"{why} {stop.restarted}".strip()
    return replace(stop, phase=phase, reason=told, settled_at=now, held=False, retry_at=None, doubt_since=None)


def contradicted(stop: Stop, now: datetime) -> Stop:
    """A settled stop whose job runs all the same: its JobManager recovered very late."""
    if stop.phase not in SETTLED or stop.phase in {StopPhase.FAILED, StopPhase.WITHDRAWN}:
        return stop
    kept = f" Its savepoint, which is not its last state, lies at {stop.savepoint_path}." if stop.savepoint_path else ""
    why = f"The job was seen running again after its stop ended as {stop.phase}.{kept}"
    blank = replace(
        stop, savepoint_path=None, savepoint_size=None, checkpoint_path=None, verified=False, unproven="", claim=None
    )
    return settle(blank, StopPhase.FAILED, why, now)
