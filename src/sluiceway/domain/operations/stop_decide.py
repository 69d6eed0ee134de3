"""The rule that moves a stop, while its job lives; `stop_endings` is its part for a job that is over, or missing.

The sources of each case are in the Flink contract.
"""

from datetime import datetime, timedelta
from typing import assert_never

from sluiceway.domain.commands import StopCommand
from sluiceway.domain.copies import replace
from sluiceway.domain.doubt import shown
from sluiceway.domain.facts import (
    Acknowledged,
    Alive,
    Blocked,
    Complete,
    Departed,
    Ended,
    Evidence,
    Gone,
    Hung,
    Lingering,
    Missing,
    NeverRan,
    Queued,
    Recovering,
    Refusal,
    Refused,
    Restart,
    Running,
    Saved,
    Silent,
    StopFact,
    Stopping,
    Weighed,
)
from sluiceway.domain.operations.attempt import Never, NotYet, being_forgotten, confirmed, prepared
from sluiceway.domain.operations.stop import SETTLED, Stop, StopPhase, StopRules, give_up, next_attempt, settle
from sluiceway.domain.operations.stop_endings import departed, ended, gone, left_open, lingering, missing, saved
from sluiceway.domain.policy import IfNotRunning, Resort
from sluiceway.domain.savepoint_risk import restarted

LONGEST_BACKOFF = timedelta(minutes=1)
LONGEST_STORY = 2000  # characters of what attempts have done to a job

_WAYS = (
    "Nothing was sent, and the job was left as it is. Fix the cause and stop it again, or stop it without a"
    " savepoint. A stop from the command line (--if-not-running cancel) or by Sluiceway's own API (if_not_running) can"
    " cancel it and keep its last checkpoint."
)

Move = tuple[Stop, StopCommand | None]


def decide(stop: Stop, fact: StopFact, evidence: Evidence | None, now: datetime, rules: StopRules) -> Move:
    """The next state, and what to ask of the cluster once that state is stored.

    `evidence` is what storage shows where `evidence_at` says to look; None when nobody looked. Directories of earlier
    attempts prove nothing: the job was seen running after each of them.
    """
    if stop.phase in SETTLED:
        return stop, None
    moved, command = _judge(stop, fact, evidence, now, rules)
    return (moved, command) if command else (_last_resort(moved), None)


def _last_resort(stop: Stop) -> Stop:
    """The last resort for a job whose savepoint failed for good."""
    if not stop.savepoint:
        return stop
    if stop.cancel_on_failure and stop.phase in {StopPhase.FAILED, StopPhase.OVERDUE}:
        # Its job was deleted: nobody is left to ask for it again, and it must not run on unseen.
        return give_up(stop, in_flight=stop.phase is StopPhase.OVERDUE and stop.sent_at is not None)
    if stop.policy.resort is not Resort.KEEP_RUNNING and stop.phase is StopPhase.FAILED:
        return replace(give_up(stop, in_flight=False), reason=f"Savepoint failed: {stop.reason}")
    return stop


def _judge(  # noqa: C901, PLR0912 - one case a fact
    stop: Stop, fact: StopFact, evidence: Evidence | None, now: datetime, rules: StopRules
) -> Move:
    match fact:
        case Running(ready):
            if stop.savepoint and stop.sent_at is None and not ready:
                return _idle(shown(stop), fact, now, rules), None
            return _running(shown(stop), fact, now, rules)
        case Queued():  # all of its tasks run, or its time has not begun
            stop = shown(stop)
            return (stop if stop.idle_since is None else replace(stop, idle_since=None)), None
        case Blocked(why):
            return _overdue(replace(stop, doubt_since=None, reason=why), why, now), None
        case Alive():
            return _overdue(shown(stop), "the cluster has not finished the attempt", now), None
        case Stopping(is_saved, path):
            return _stopping(stop if path is None else replace(stop, claim=path), is_saved, now), None
        case Hung(path):
            return _hung(stop, path, evidence, now)
        case Weighed():
            return _weighed(stop, fact, now, rules)
        case Recovering(why, failed):
            told = f"the attempt has failed ({why}), and Flink has yet to show its effect" if failed else why
            # Should the cluster forget all of this, a savepoint of an attempt that failed proves nothing.
            since = stop.forgotten_since or (now if failed else None)
            return _overdue(replace(stop, doubt_since=None, forgotten_since=since), told, now), None
        case Acknowledged():
            return replace(stop, acknowledged=True), None
        case Refused():
            return _refused(stop, fact, now, rules)
        case Saved():
            return saved(stop, fact, evidence, now, rules), None
        case Ended():
            return ended(stop, fact, evidence, now, rules), None
        case Lingering():
            return lingering(stop, fact, evidence, now, rules), None
        case Missing():
            return missing(stop, evidence, now, rules), None
        case Departed():
            return _departed(stop, evidence, now, rules), None
        case Gone(why):
            return gone(stop, why, evidence, now), None
        case NeverRan(why):
            return settle(stop, StopPhase.ENDED if stop.savepoint else StopPhase.STOPPED, why, now), None
        case Silent(why):
            return _overdue(shown(stop), why, now), None
        case _:
            assert_never(fact)


# A job whose tasks do not all run: Flink would refuse its savepoint. One that starts will run in a moment. One that
# loops may never, and a stop that waits for it in silence serves nobody.


def _idle(stop: Stop, fact: Running, now: datetime, rules: StopRules) -> Stop:
    """Wait for the tasks, and no longer than asked. Nothing of this attempt was sent."""
    since = stop.idle_since if stop.idle_since is not None and stop.idle_since <= now else now
    idle = replace(stop, idle_since=since, reason=_waiting(stop, fact))
    if stop.cancel_on_failure:
        return give_up(idle, in_flight=False)  # its job was deleted, and nobody waits for a savepoint of it
    wish = stop.policy.if_not_running or rules.if_not_running
    if now - since < min(rules.patience(fact, wish, first=stop.attempt == 1), _most(stop, since, rules)):
        return idle
    if wish is IfNotRunning.CANCEL:
        return _cancel_idle(idle, fact)
    why = fact.ailment or "Its tasks were not all running in time."
    return settle(idle, StopPhase.FAILED, f"{_before(stop)}{why} {_WAYS}", now)


def _most(stop: Stop, since: datetime, rules: StopRules) -> timedelta:
    """The longest patience. Of a first attempt it counts from that look: its deadline may have gone by in a queue."""
    left = stop.deadline - since
    return max(left, stop.policy.timeout or rules.timeout) if stop.attempt == 1 else left


def _waiting(stop: Stop, fact: Running) -> str:
    return f"{_before(stop)}Waiting until all of its tasks run. {fact.ailment}".strip()


def _before(stop: Stop) -> str:
    """Why the attempt before failed."""
    return f"{stop.reason.partition(' Waiting until ')[0]} " if stop.attempt > 1 and stop.reason else ""


def _cancel_idle(stop: Stop, fact: Running) -> Stop:
    """Cancel it. Of a run that never completed a checkpoint, nothing is lost that it was not started from."""
    resort = Resort.CANCEL_KEEPING_CHECKPOINT if fact.proven else Resort.CANCEL
    policy = replace(stop.policy, resort=resort, checkpoint_age=None)
    why = fact.ailment or "Its tasks were not all running."
    return replace(
        give_up(stop, in_flight=False), policy=policy, reason=f"It was to be canceled if it did not run. {why}"
    )


# A job that takes a savepoint, or is being canceled.


def _running(stop: Stop, fact: Running, now: datetime, rules: StopRules) -> Move:
    if stop.sent_at is None:
        return _first_send(stop, fact, now, rules)
    if not stop.acknowledged:
        # It may never have arrived. The same id again is harmless, a new one is not. The reason names a loss meanwhile.
        stop = _restarted(stop, fact.restart)
        stop = replace(stop, stable_since=fact.changed_at) if fact.restart else stop
        return _overdue(stop, "the cluster has not confirmed the request", now), stop.command
    if forgotten := being_forgotten(stop, now, rules.forgotten_after):
        return forgotten, None
    if not stop.savepoint:
        again = replace(stop, acknowledged=False, forgotten_since=None)
        return _overdue(again, "the job runs on although its cancel was confirmed", now), stop.command
    stop = _restarted(stop, fact.restart)
    if stop.attempt >= _attempts(stop, rules) or now >= stop.deadline or _from_nothing(fact.restart):
        return settle(stop, StopPhase.FAILED, "The cluster forgot the attempt; the job runs on.", now), None
    return next_attempt(stop), None


def _first_send(stop: Stop, fact: Running, now: datetime, rules: StopRules) -> Move:
    if stop.retry_at is not None and now < stop.retry_at:
        return stop, None
    if stop.savepoint:
        ready = prepared(stop, fact, stop.policy.format)
        if isinstance(ready, NotYet):
            return _overdue(replace(stop, reason=f"Waiting: {ready.why}."), ready.why, now), None
        if isinstance(ready, Never):
            return settle(stop, StopPhase.FAILED, f"{ready.why} Nothing was sent; the job runs on.", now), None
        stop = ready
    timeout = stop.policy.timeout or rules.timeout
    sent = replace(
        stop,
        phase=StopPhase.SENT,
        sent_at=now,
        retry_at=None,
        idle_since=None,
        reason="" if stop.attempt == 1 else stop.reason,  # what it waited for is over
        deadline=max(stop.deadline, now + timeout) if stop.attempt == 1 else stop.deadline,
    )
    return sent, sent.command


def _departed(stop: Stop, evidence: Evidence | None, now: datetime, rules: StopRules) -> Stop:
    moved = departed(stop, evidence, now, rules)
    if moved.phase in SETTLED or (stop.phase is StopPhase.OVERDUE and evidence is None and stop.begun):
        return moved
    # One that is overdue already says from now on what to do about this.
    unsaid = replace(moved, phase=StopPhase.SENT) if moved.phase is StopPhase.OVERDUE else moved
    return _overdue(unsaid, left_open(moved, evidence), now)


def _stopping(stop: Stop, is_saved: bool, now: datetime) -> Stop:
    known = confirmed(stop)
    if is_saved and stop.phase is not StopPhase.OVERDUE:
        known = replace(known, phase=StopPhase.ENDING)
    return _overdue(known, "the savepoint is still being written" if not is_saved else "the job has yet to end", now)


def _hung(stop: Stop, path: str, evidence: Evidence | None, now: datetime) -> Move:
    """Only a cancel ends it, in the same turn in which the newer savepoint was found whole."""
    told = f"a savepoint that somebody else triggered, {path}, has overtaken this stop, which cannot end any more"
    if not isinstance(evidence, Complete):
        return _overdue(replace(_stopping(stop, False, now), reason=f"Hanging: {told}."), told, now), None
    canceled = replace(
        give_up(stop, in_flight=False),
        phase=StopPhase.SENT,
        sent_at=now,
        foreign_savepoint=evidence.path,
        reason=f"A savepoint that somebody else triggered, {path}, overtook this stop; it was kept, the job canceled.",
    )
    return canceled, canceled.command


def _weighed(stop: Stop, fact: Weighed, now: datetime, rules: StopRules) -> Move:
    """Cancel the job if its last checkpoint is good enough; the savepoint has failed for good."""
    checkpoint, oldest = fact.checkpoint, stop.policy.checkpoint_age
    if checkpoint is None and fact.fresh and stop.policy.parks:
        return _first_send(replace(stop, policy=replace(stop.policy, resort=Resort.CANCEL)), Running(), now, rules)
    if checkpoint is None:
        against = "it has no complete checkpoint"
    elif not checkpoint.retained:
        against = "its checkpoints do not outlive a cancel"
    elif oldest is not None and now - checkpoint.at > oldest:
        against = f"its last checkpoint is {(now - checkpoint.at).total_seconds():.0f} s old"
    else:
        return _first_send(replace(stop, checkpoint_path=checkpoint.path), Running(), now, rules)
    return settle(stop, StopPhase.FAILED, f"{stop.reason} The job runs on: {against}.", now), None


def _refused(stop: Stop, fact: Refused, now: datetime, rules: StopRules) -> Move:
    if not stop.savepoint:
        return _overdue(replace(stop, reason=fact.text), fact.text, now), None
    stop = _restarted(stop, fact.restart)
    # A request for retries covers a directory that may be writable again, too.
    again = fact.refusal.retryable or (stop.policy.attempts is not None and fact.refusal is Refusal.STORAGE)
    if again and not _from_nothing(fact.restart) and stop.attempt < _attempts(stop, rules) and now < stop.deadline:
        first = rules.backoff if stop.policy.backoff is None else stop.policy.backoff
        wait = min(first * 2 ** min(stop.attempt - 1, 10), max(first, LONGEST_BACKOFF))
        told = fact.text if fact.restart is None else f"{fact.text} {stop.restarted}"
        return replace(next_attempt(stop), retry_at=now + wait, reason=told), None
    return settle(stop, StopPhase.FAILED, fact.text, now), None


def _from_nothing(restart: Restart | None) -> bool:
    """Whether the job has lost its state. Another attempt would save what is left, and look like a success."""
    return restart is not None and restart.restored is None


def _restarted(stop: Stop, restart: Restart | None) -> Stop:
    """The same, and it remembers what its attempt has done to the job."""
    if restart is None:
        return stop
    told = f"{stop.restarted} {restarted(f'After attempt {stop.attempt} was sent,', restart)}".strip()
    return replace(stop, restarted=told[-LONGEST_STORY:])


def _attempts(stop: Stop, rules: StopRules) -> int:
    return rules.attempts if stop.policy.attempts is None else stop.policy.attempts


def _overdue(stop: Stop, why: str, now: datetime) -> Stop:
    """Tell the caller that time is up. The stop itself goes on, and late results are still recorded."""
    if now < stop.deadline or stop.phase is StopPhase.OVERDUE:
        return stop
    if stop.sent_at is None:
        next_ = "Nothing was sent yet; it will be when that is possible."
    else:
        where = f" Its savepoint, if any, will lie under {stop.target}." if stop.savepoint else ""
        where = f" Flink has reported its savepoint at {stop.claim}." if stop.claim else where
        next_ = f"It is still watched.{where}"
    text = f"No result in time: {why}. {next_}"
    return replace(stop, phase=StopPhase.OVERDUE, reason=text)
