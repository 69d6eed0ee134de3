"""The way back of many jobs as one thing: the phase of each, which may begin, and which to park.

A job is back when it has *proven* itself: all of its tasks ran, and a checkpoint was completed since. One that fails
again and again instead is *parked* after a bound: canceled, with its state as it was before. Nothing is judged of a job
that its cluster does not show.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sluiceway.domain.batch import Limits, too_many
from sluiceway.domain.health import Condition, Proof, told
from sluiceway.domain.operations.stop import SETTLED, Stop, StopPhase
from sluiceway.domain.policy import Resort, StopPolicy
from sluiceway.domain.run import Run, RunPhase

PATIENCE = timedelta(minutes=3)  # how long a job may fail on its way back before it is parked, where nobody has said


class BackPhase(StrEnum):
    """The phase of a job on its way back."""

    HELD = "held"  # it waits for its wave, its place, or its minute
    SUBMITTED = "submitted"  # stored, and on its way to the cluster
    RESTORING = "restoring"  # the cluster has it; not all of its tasks have run yet
    RESTARTING = "restarting"  # it fails again and again; it is parked if that goes on
    RUNNING = "running"  # all of its tasks run; it has yet to prove itself
    PARKING = "parking"  # it failed for too long, and is being canceled
    PROVEN = "proven"  # all tasks ran, and a checkpoint was completed since; without checkpoints, they ran for a time
    FINISHED = "finished"  # it has read all that there was
    PARKED = "parked"  # it failed for too long, and was canceled; its state is what it was
    FAILED = "failed"  # it could not be started, or ended, before it was proven
    STOPPED = "stopped"  # somebody stopped it before it was proven
    WITHDRAWN = "withdrawn"  # taken back before anything was sent


BACK = frozenset({BackPhase.PROVEN, BackPhase.FINISHED})
MISSED = frozenset({BackPhase.PARKED, BackPhase.FAILED})  # what counts as a failure, and what a retry takes
DONE = BACK | MISSED | {BackPhase.STOPPED, BackPhase.WITHDRAWN}
COMING = frozenset(BackPhase) - DONE - {BackPhase.HELD}


@dataclass(frozen=True, slots=True)
class Bound:
    """How long a job may fail on its way back before it is parked. None means no bound."""

    after: timedelta | None = PATIENCE  # since it was first seen to fail
    restarts: int | None = None  # within ten minutes


@dataclass(frozen=True, slots=True)
class BackPolicy:
    """What a request says of a way back as a whole."""

    limits: Limits = field(default_factory=Limits)
    pace: int | None = None  # starts a minute, over all clusters
    bound: Bound = field(default_factory=Bound)

    @property
    def gated(self) -> bool:
        """Whether its starts wait for their release, instead of beginning at once."""
        return self.limits != Limits() or self.pace is not None


@dataclass(frozen=True, slots=True)
class BackWish:
    """A request's wishes for a way back; None where it has none."""

    max_parallel: int | None = None
    abort_failures: int | None = None
    abort_share: float | None = None
    pace: int | None = None
    park: bool = True
    park_after: timedelta | None = None
    park_restarts: int | None = None

    def over(self, base: BackPolicy | None = None) -> BackPolicy:
        """The policy, where `base` was said before."""
        base = base or BackPolicy()
        aborts = self.abort_failures is not None or self.abort_share is not None
        kept = Limits(None, self.abort_failures, self.abort_share) if aborts else base.limits
        most = base.limits.max_parallel if self.max_parallel is None else self.max_parallel
        bound = Bound(
            base.bound.after if self.park_after is None else self.park_after,
            base.bound.restarts if self.park_restarts is None else self.park_restarts,
        )
        pace = base.pace if self.pace is None else self.pace
        return BackPolicy(replace(kept, max_parallel=most), pace, bound if self.park else Bound(None, None))


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs of one start of a way back."""

    phase: RunPhase
    held: bool = False
    acknowledged: bool = False  # the cluster took the submission
    began: bool = False  # it was once seen to run
    up: bool = False  # it was seen to do its work: `Health.up_at`
    condition: Condition = Condition.UNKNOWN
    stop: StopPhase | None = None  # of the latest stop of it
    parks: bool = False  # that stop parks it


def phase_of(signs: Signs) -> BackPhase:
    """Its phase. A proven job stays proven, whatever happens later."""
    if signs.parks and signs.stop is StopPhase.STOPPED:
        return BackPhase.PARKED
    if signs.parks and signs.stop not in SETTLED:
        return BackPhase.PARKING
    if signs.up:
        return BackPhase.PROVEN
    if signs.stop is StopPhase.STOPPED:
        return BackPhase.STOPPED
    match signs.phase:
        case RunPhase.ACCEPTED:
            return BackPhase.HELD if signs.held else BackPhase.SUBMITTED
        case RunPhase.SUBMITTING if not signs.acknowledged:
            return BackPhase.SUBMITTED
        case RunPhase.SUBMITTING | RunPhase.RUNNING:
            return BackPhase.FAILED if signs.parks else _of_live(signs.condition)
        case RunPhase.FINISHED:
            return BackPhase.FINISHED
        case RunPhase.CANCELED:
            return BackPhase.STOPPED if signs.began or signs.stop else BackPhase.WITHDRAWN
        case RunPhase.FAILED | RunPhase.REJECTED | RunPhase.LOST:
            return BackPhase.FAILED


def _of_live(condition: Condition) -> BackPhase:
    if condition is Condition.RUNNING:
        return BackPhase.RUNNING
    return BackPhase.RESTARTING if condition is Condition.RESTARTING else BackPhase.RESTORING


def signs_of(run: Run, stop: Stop | None, order: int) -> Signs:
    """The signs of a run of a way back with this id, and of the latest stop of that run."""
    return Signs(
        run.phase,
        run.held,
        run.acknowledged,
        run.started_at is not None,
        run.health.up_at is not None,
        run.health.condition,
        stop.phase if stop else None,
        stop is not None and stop.batch_id == order,
    )


def why(phase: BackPhase, run: Run, stop: Stop | None) -> str:
    """The words beside a phase."""
    match phase:
        case BackPhase.PARKING | BackPhase.PARKED | BackPhase.STOPPED if stop:
            return stop.reason
        case BackPhase.RUNNING:
            awaits = run.health.proof is Proof.AWAITED
            return "It waits for its first checkpoint." if awaits else "It has yet to show that it lasts."
        case BackPhase.PROVEN if run.health.proof is Proof.NONE:
            return "It takes no checkpoints; all of its tasks have run for a time."
        case BackPhase.FAILED if stop and run.live:
            return stop.reason
        case BackPhase.PROVEN | BackPhase.HELD:
            return ""
        case _:
            return run.reason or told(run.health)


# Which may begin. ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BackTally:
    """How many starts of a way back are alike."""

    wave: int
    phase: BackPhase
    count: int
    unwell: bool = False  # it has not run steadily for a time


@dataclass(frozen=True, slots=True)
class Begun:
    """The latest released starts of a way back."""

    lately: int = 0  # within the last minute
    since: timedelta | None = None  # the last of all; None: there was none


def pauses(limits: Limits, tally: Sequence[BackTally]) -> str | None:
    """Why a way back has to pause now; None when it may go on."""
    missed = sum(t.count for t in tally if t.phase in {*MISSED, BackPhase.PARKING})
    return too_many(limits, missed, sum(t.count for t in tally), "did not come back")


# Which to park. ------------------------------------------------------------------------------------------------------


def faltering(run: Run, now: datetime) -> Run:
    """The same run of a way back, with the moment since when it has been seen to fail without having proven itself."""
    if not run.live or run.health.up_at is not None:
        return run if run.falters_since is None else replace(run, falters_since=None)
    if run.health.condition is not Condition.RESTARTING or run.falters_since is not None:
        return run
    return replace(run, falters_since=now)


def parked(run: Run, restarts: int, bound: Bound, now: datetime) -> str | None:
    """Why to park a job now; None for one that may yet come back.

    `restarts` are those that were seen lately. Only asked for at a look that shows it failing.
    """
    loops = run.phase is RunPhase.RUNNING and run.health.condition is Condition.RESTARTING and restarts > 0
    if not loops or run.falters_since is None or run.health.up_at is not None:
        return None
    lasts = now - run.falters_since
    over = bound.after is not None and lasts >= bound.after
    if not over and (bound.restarts is None or restarts < bound.restarts):
        return None
    cause = f" Cause: {run.health.cause}" if run.health.cause else ""
    times = f"{restarts} restart{'' if restarts == 1 else 's'} in {max(lasts.total_seconds(), 0):.0f} s"
    kept = f" The state that it started from is intact: {run.restore}." if run.restore else ""
    return f"Parked: it did not come back; at least {times}.{cause}{kept}"


def parking(run: Run) -> StopPolicy:
    """How a job is parked: by a cancel that loses nothing. Its last checkpoint is kept, if it has completed one.

    Flink owns what a claimed run was started from, and may remove it with the job: there a checkpoint must be kept.
    """
    return StopPolicy(resort=Resort.CANCEL_KEEPING_CHECKPOINT, parks=not run.claims)


def withdrawn(run: Run, who: str, now: datetime) -> Run:
    """An unsent start, taken back for good."""
    why = f"Its start was withdrawn by {who or 'a request'}."
    return replace(run, phase=RunPhase.CANCELED, held=False, ended_at=now, reason=why)
