"""What a stop with a savepoint does about a job whose tasks do not all run.

Such a savepoint would be refused. A job that starts will run in a moment; one that loops may never, and a stop that
waits for it in silence serves nobody.
"""

from datetime import datetime, timedelta

from sluiceway.domain.copies import replace
from sluiceway.domain.facts import Running
from sluiceway.domain.operations.stop import Stop, StopPhase, StopRules, give_up, settle
from sluiceway.domain.policy import IfNotRunning, Resort


def wait(stop: Stop, fact: Running, now: datetime, rules: StopRules) -> Stop:
    """The stop after a look that showed not all of its tasks running; nothing of this attempt was sent."""
    since = stop.idle_since if stop.idle_since is not None and stop.idle_since <= now else now
    idle = replace(stop, idle_since=since, reason=_waiting(stop, fact))
    if stop.cancel_on_failure:
        return give_up(idle, in_flight=False)  # its job was deleted, and nobody waits for a savepoint of it
    wish = stop.policy.if_not_running or rules.if_not_running
    if now - since < min(patience(fact, rules, wish, first=stop.attempt == 1), _most(stop, since, rules)):
        return idle
    if wish is IfNotRunning.CANCEL:
        return _cancel(idle, fact)
    why = fact.ailment or "Its tasks were not all running in time."
    return settle(idle, StopPhase.FAILED, f"{_before(stop)}{why} {_WAYS}", now)


def patience(fact: Running, rules: StopRules, wish: IfNotRunning | None = None, *, first: bool = True) -> timedelta:
    """How long to wait for the tasks of a job: short for one in trouble, unless the caller said otherwise.

    After an attempt of ours that failed, Flink may just be bringing the job back.
    """
    if wish is IfNotRunning.WAIT:
        return timedelta.max
    if not (fact.ailment and first):
        return rules.start_patience
    return timedelta(0) if wish is IfNotRunning.CANCEL else rules.ailing_patience


def _most(stop: Stop, since: datetime, rules: StopRules) -> timedelta:
    """The longest patience. Of a first attempt it counts from that look: its deadline may have gone by in a queue."""
    left = stop.deadline - since
    return max(left, stop.policy.timeout or rules.timeout) if stop.attempt == 1 else left


_WAYS = (
    "Nothing was sent, and the job was left as it is. Fix the cause and stop it again, or stop it without a"
    " savepoint. A stop from the command line (--if-not-running cancel) or by Sluiceway's own API (if_not_running) can"
    " cancel it and keep its last checkpoint."
)


def _waiting(stop: Stop, fact: Running) -> str:
    return f"{_before(stop)}Waiting until all of its tasks run. {fact.ailment}".strip()


def _before(stop: Stop) -> str:
    """Why the attempt before failed."""
    return f"{stop.reason.partition(' Waiting until ')[0]} " if stop.attempt > 1 and stop.reason else ""


def _cancel(stop: Stop, fact: Running) -> Stop:
    """Cancel it. Of a run that never completed a checkpoint, nothing is lost that it was not started from."""
    resort = Resort.CANCEL_KEEPING_CHECKPOINT if fact.proven else Resort.CANCEL
    policy = replace(stop.policy, resort=resort, checkpoint_age=None)
    why = fact.ailment or "Its tasks were not all running."
    return replace(
        give_up(stop, in_flight=False), policy=policy, reason=f"It was to be canceled if it did not run. {why}"
    )
