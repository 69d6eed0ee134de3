"""Bugs of the way back, planted on purpose."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import null
from tests.simulation.planted import plant

from sluiceway.control import resume_jobs, retry_stops
from sluiceway.domain import coming_back, places, pulses
from sluiceway.domain.batch import Limits
from sluiceway.domain.coming_back import DONE, BackPhase, BackPolicy, BackTally, Begun, Bound
from sluiceway.domain.operations.stop import StopPhase
from sluiceway.domain.places import Release
from sluiceway.domain.policy import Resort, StopPolicy
from sluiceway.domain.pulses import Pulses
from sluiceway.domain.run import Run
from sluiceway.domain.watched import Watched
from sluiceway.store import catalogue, resumes


@plant(72)
def parked_by_a_plain_cancel(put: Any) -> None:
    """Which removes the checkpoints of jobs that do not keep them."""
    put(coming_back, "parking", lambda _: StopPolicy(resort=Resort.CANCEL, parks=True))


@plant(8)
def parked_at_the_first_failure(put: Any) -> None:
    """Whatever was asked for."""
    before = coming_back.parked

    def parked(run: Run, restarts: int, _: Bound, now: datetime) -> str | None:
        return before(run, restarts, Bound(timedelta(0)), now)

    put(coming_back, "parked", parked)


@plant()
def parked_by_what_was_seen_before(put: Any) -> None:
    """Although the JobManager does not answer now."""
    before = pulses.follow

    def follow(earlier: Pulses, *about: Any) -> Any:
        followed, later = before(earlier, *about)
        return followed, replace(later, failing={**earlier.failing, **later.failing})

    put(pulses, "follow", follow)
    undoubted: Any = vars(Watched)["undoubted"].fget

    def remembers(watched: Watched) -> Watched:
        fresh: Watched = undoubted(watched)
        return replace(fresh, run=replace(fresh.run, falters_since=watched.run.falters_since))

    put(Watched, "undoubted", property(remembers))


@plant(8)
def more_back_at_once_than_was_asked(put: Any) -> None:
    """Whoever is held may begin."""
    before = places.release_starts

    def release(policy: BackPolicy, tally: Sequence[BackTally], begun: Begun) -> Release | None:
        return before(replace(policy, limits=Limits()), tally, begun)

    put(resumes, "release_starts", release)


@plant(44)
def nobody_keeps_the_pace(put: Any) -> None:
    """All of them in the same minute."""
    put(places, "_paced", lambda *_: 1000)


@plant(113)
def a_wave_on_the_way_back_does_not_wait(put: Any) -> None:
    """For the one before it to be proven."""

    before = places.release_starts

    def release(policy: BackPolicy, tally: Sequence[BackTally], begun: Begun) -> Release | None:
        wave = max((t.wave for t in tally if t.phase is BackPhase.HELD), default=0)
        return before(policy, [t for t in tally if t.wave <= wave], begun)

    put(resumes, "release_starts", release)


@plant(8)
def running_counts_as_proven(put: Any) -> None:
    """Although it has completed no checkpoint."""
    put(places, "COMING", coming_back.COMING - {BackPhase.RUNNING, BackPhase.RESTORING})


@plant(34)
def a_retry_takes_everybody(put: Any) -> None:
    """Those that came back, too."""
    put(resume_jobs, "MISSED", DONE)


@plant(1)
def a_retry_of_a_stop_takes_everybody(put: Any) -> None:
    """Those that have stopped, too."""
    put(retry_stops, "FAILURES", frozenset(StopPhase))


@plant(8)
def parked_beside_a_stop(put: Any) -> None:
    """Two of ours at once."""
    put(Watched, "may_be_parked", property(lambda watched: bool(watched.current and watched.run.falters_since)))


@plant(72)
def nobody_needs_what_a_parked_job_was_started_from(put: Any) -> None:
    """So that it may be removed."""
    put(catalogue, "_need", null)
