"""When the stops of one request may begin, and the starts of one way back: waves, caps, and when to pause."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sluiceway.domain.run import RunPhase
from sluiceway.domain.stop import SETTLED, StopPhase

FAILURES = frozenset({StopPhase.FAILED, StopPhase.LOST, StopPhase.ENDED, StopPhase.OVERDUE})


class BatchState(StrEnum):
    """Whether stops of a batch that have not begun may begin."""

    OPEN = "open"
    PAUSED = "paused"  # too many failed; somebody has to say how it goes on
    ABORTED = "aborted"  # nothing of it will begin any more


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request said of its batch as a whole; None where it said nothing."""

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


@dataclass(frozen=True, slots=True)
class Release:
    """Whom to let begin now: at most `places` of the stops that are held in `wave`; None for all of them."""

    wave: int
    places: int | None


def pauses(limits: Limits, tally: Sequence[Tally]) -> str | None:
    """Why a batch has to pause now; None when it may go on."""
    failures = sum(t.count for t in tally if t.phase in FAILURES)
    total = sum(t.count for t in tally)
    if limits.abort_failures is not None and failures >= limits.abort_failures:
        return f"{failures} of {total} jobs did not stop; the limit is {limits.abort_failures}."
    if limits.abort_share is not None and failures and failures >= limits.abort_share * total:
        return f"{failures} of {total} jobs did not stop; the limit is {limits.abort_share:.0%}."
    return None


def release(limits: Limits, tally: Sequence[Tally]) -> Release | None:
    """Whom to let begin now: the wave after the last one has settled, as far as there is room."""
    unsettled = [t for t in tally if t.phase not in SETTLED]
    if not any(t.held for t in unsettled):
        return None
    wave = min(t.wave for t in unsettled)
    if not any(t.held and t.wave == wave for t in unsettled):
        return None
    if limits.max_parallel is None:
        return Release(wave, None)
    # One that is overdue may stay so for ever; it must not keep its place from the others.
    begun = sum(t.count for t in unsettled if not t.held and t.phase is not StopPhase.OVERDUE)
    places = limits.max_parallel - begun
    return Release(wave, places) if places > 0 else None


@dataclass(frozen=True, slots=True)
class StartTally:
    """How many starts of a way back are alike."""

    wave: int
    phase: RunPhase
    held: bool
    count: int
    coming: bool = False  # it runs as far as Flink says, and has yet to do its work


def release_starts(tally: Sequence[StartTally]) -> int | None:
    """The wave whose starts may begin now: what was stopped last is started first; None when nobody may."""
    starting = {RunPhase.ACCEPTED, RunPhase.SUBMITTING}
    open_ = [t for t in tally if t.phase in starting or (t.phase is RunPhase.RUNNING and t.coming)]
    if not any(t.held for t in open_):
        return None
    wave = max(t.wave for t in open_)
    return wave if any(t.held and t.wave == wave for t in open_) else None
