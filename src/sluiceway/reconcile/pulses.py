"""The health of the runs of one cluster from turn to turn, and what it means for their stops and savepoints."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sluiceway.domain import health as healths
from sluiceway.domain.engine import Sighting
from sluiceway.domain.facts import Ended, Running, Saved, SnapshotFact, StopFact
from sluiceway.domain.health import AILING, HealthRules, Proof, Pulse
from sluiceway.domain.run import Run
from sluiceway.domain.snapshot import Snapshot
from sluiceway.domain.stop import Stop

Kept = TypeVar("Kept", Stop | None, Snapshot | None)


class Pulses:
    """Remembers how each live run was seen last. It is not stored: a service that starts anew notices loops anew."""

    def __init__(self, rules: HealthRules) -> None:
        """Judge by these rules."""
        self._rules = rules
        self._pulses: dict[int, Pulse] = {}
        self.restarts = 0  # that the last look showed
        self.failing: dict[int, int] = {}  # by run that the last look showed failing: its restarts lately

    def clear(self) -> None:
        """Forget all: what was seen so far was seen by another clock."""
        self._pulses.clear()

    def follow(self, runs: Sequence[Run], sighting: Sighting, now: datetime) -> list[Run]:
        """The same runs, each with how it fares now."""
        pulses, self._pulses = self._pulses, {}
        followed, self.restarts, self.failing = [], 0, {}
        for run in runs:
            vitals, pulse, health = sighting.vitals.get(run.id), pulses.get(run.id, Pulse()), run.health
            if vitals is not None and run.live:
                before = pulse
                health, pulse = healths.follow(health, pulse, vitals, now, self._rules)
                self.restarts += pulse is not before and healths.just_restarted(pulse, now)
                if restarts := healths.falls(pulse, vitals, now):
                    self.failing[run.id] = restarts
            if run.live:
                self._pulses[run.id] = pulse
            followed.append(run if health is run.health else replace(run, health=health))
        return followed


def with_ailment(fact: Running, run: Run) -> Running:
    """The fact, with what keeps the tasks of its run from running."""
    ails = not fact.ready and run.health.condition in AILING
    proven = run.health.proof in {Proof.GIVEN, Proof.UNKNOWN}
    return replace(fact, ailment=healths.told(run.health) if ails else "", proven=proven)


def as_proven(run: Run, *facts: StopFact | SnapshotFact | None) -> Run:
    """The run, with the proof that its stop or savepoint has come with. It may be over, and there is no other look."""
    if run.health.proof is Proof.GIVEN or not any(isinstance(fact, Saved | Ended) and fact.proven for fact in facts):
        return run
    return replace(run, health=replace(run.health, proof=Proof.GIVEN))


def with_proof(run: Run, now: Kept, before: Stop | Snapshot | None) -> Kept:
    """What has just kept a savepoint, with why it must not take the place of what its run was started from."""
    if now is None or now.savepoint_path is None or (before is not None and before.savepoint_path is not None):
        return now
    why = healths.unproven(run.health, run.restore)
    return replace(now, unproven=why) if why else now
