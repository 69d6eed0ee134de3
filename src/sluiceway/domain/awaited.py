"""How much will happen soon, and whether anything needs a close watch: a worker sets its pace by this."""

from collections.abc import Collection, Mapping

from sluiceway.domain.health import UNSEEN, Condition
from sluiceway.domain.operations.save import SavePhase
from sluiceway.domain.operations.stop import StopPhase
from sluiceway.domain.run import Run, RunPhase
from sluiceway.domain.watched import Watched

STARTS_WITHIN = 10.0  # seconds for which a run that its cluster has taken is expected to start at any moment


def awaited(watched: Collection[Watched], starting: Mapping[int, float], now: float) -> tuple[int, Mapping[int, float]]:
    """How many stops, starts and savepoints are due soon, and the memory for the next turn.

    `starting` is that memory: since when, by a steady clock in seconds, each run has been with its cluster without
    having come to run.
    """
    coming = {w.run.id: starting.get(w.run.id, now) for w in watched if w.run.acknowledged and _is_coming(w.run)}
    soon = sum(now - since < STARTS_WITHIN for since in coming.values())
    return soon + sum(map(_is_busy, watched)), coming


def calm(watched: Collection[Watched]) -> bool:
    """Whether every job does its work, has proven itself, and nothing of it is open or doubted."""
    return all(map(_is_calm, watched))


def _is_calm(watched: Watched) -> bool:
    run, health = watched.run, watched.run.health
    if watched.open_stop is not None or watched.open_save is not None:
        return False
    if run.phase is RunPhase.LOST:
        return True  # should its cluster show it again, that is early enough
    steady = health.condition is Condition.RUNNING and health.proof not in UNSEEN and health.up_at is not None
    return steady and run.phase is RunPhase.RUNNING and run.doubt_since is None


def _is_coming(run: Run) -> bool:
    """Whether a run that its cluster has may begin to run, or prove itself, at any moment."""
    return run.phase is RunPhase.SUBMITTING or (run.phase is RunPhase.RUNNING and run.health.up_at is None)


def _is_busy(watched: Watched) -> bool:
    """Whether something is about to happen. An overdue operation may stay so for ever."""
    stop, save, run = watched.open_stop, watched.open_save, watched.run
    if stop is not None and stop.phase is not StopPhase.OVERDUE:
        return True  # also one that is held: the rest of its batch may be on another cluster
    if save is not None and save.phase is not SavePhase.OVERDUE:
        return True
    return run.phase is RunPhase.ACCEPTED or (run.phase is RunPhase.SUBMITTING and not run.acknowledged)
