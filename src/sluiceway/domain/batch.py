"""When the stops of one request may begin: waves, caps, and when to pause. Its way back is in `coming_back`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sluiceway.domain.operations.stop import SETTLED, Stop, StopPhase, settle

FAILURES = frozenset({StopPhase.FAILED, StopPhase.LOST, StopPhase.ENDED, StopPhase.OVERDUE})


class Kind(StrEnum):
    """What an order asks for."""

    STOP = "stop"
    RESUME = "resume"
    MOVE = "move"  # a stop and a resume as one: it is no order of its own


class BatchState(StrEnum):
    """Whether what has not begun of an order may begin."""

    OPEN = "open"
    PAUSED = "paused"  # too many failed; somebody has to say how it goes on
    ABORTED = "aborted"  # nothing of it will begin any more


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a batch as a whole; None where the request gave none."""

    max_parallel: int | None = None  # stops under way at once, over all clusters
    abort_failures: int | None = None  # pause at so many failures
    abort_share: float | None = None  # pause when this share of all jobs has failed, 0 to 1


@dataclass(frozen=True, slots=True)
class Tally:
    """How many stops of a batch are alike."""

    wave: int
    phase: StopPhase
    held: bool
    count: int


def pauses(limits: Limits, tally: Sequence[Tally], what: str = "did not stop") -> str | None:
    """Why a batch has to pause now; None when it may go on. `what` names its failures."""
    failures = sum(t.count for t in tally if t.phase in FAILURES)
    return too_many(limits, failures, sum(t.count for t in tally), what)


def too_many(limits: Limits, failures: int, total: int, what: str) -> str | None:
    """Why so many failures are too many; None when they are not. `what` names the failure."""
    if limits.abort_failures is not None and failures >= limits.abort_failures:
        return f"{failures} of {total} jobs {what}; the limit is {limits.abort_failures}."
    if limits.abort_share is not None and failures and failures >= limits.abort_share * total:
        return f"{failures} of {total} jobs {what}; the limit is {limits.abort_share:.0%}."
    return None


def withdrawn(stop: Stop, who: str, now: datetime) -> Stop | None:
    """The stop, taken back for good; None where part of it was sent, or where its job is deleted."""
    # A cancel that gave up a savepoint may have that one still in flight.
    untouched = stop.sent_at is None and (stop.savepoint or stop.attempt == 1)
    if stop.phase in SETTLED or stop.cancel_on_failure or not untouched:
        return None
    return settle(stop, StopPhase.WITHDRAWN, f"Withdrawn by {who or 'a request'}.", now)
