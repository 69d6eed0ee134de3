"""The health of the runs of one cluster from turn to turn, and what it means for their stops and savepoints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from sluiceway.domain import health as healths
from sluiceway.domain.copies import replace
from sluiceway.domain.facts import Ended, Running, Saved, SaveFact, StopFact
from sluiceway.domain.health import AILING, HealthRules, Proof, Pulse, Vitals
from sluiceway.domain.operations.save import Save
from sluiceway.domain.operations.stop import Stop
from sluiceway.domain.run import Run

Kept = TypeVar("Kept", Stop | None, Save | None)


@dataclass(frozen=True, slots=True)
class Pulses:
    """Each live run at the last look. It is not stored: a restarted service notices loops anew."""

    of: Mapping[int, Pulse] = field(default_factory=dict)  # by run
    restarts: int = 0  # that the last look showed
    failing: Mapping[int, int] = field(default_factory=dict)  # by run that it showed failing: its restarts lately


def follow(
    pulses: Pulses, runs: Sequence[Run], vitals: Mapping[int, Vitals], now: datetime, rules: HealthRules
) -> tuple[list[Run], Pulses]:
    """The same runs, each with its health now, and the memory for the next look."""
    followed: list[Run] = []
    felt: dict[int, Pulse] = {}
    failing: dict[int, int] = {}
    restarts = 0
    for run in runs:
        before, seen = pulses.of.get(run.id, Pulse()), vitals.get(run.id)
        health, pulse = run.health, before
        if seen is not None and run.live:
            health, pulse = healths.follow(health, before, seen, now, rules)
            restarts += pulse is not before and healths.just_restarted(pulse, now)
            if falls := healths.falls(pulse, seen, now):
                failing[run.id] = falls
        if run.live:
            felt[run.id] = pulse
        followed.append(run if health is run.health else replace(run, health=health))
    return followed, Pulses(felt, restarts, failing)


def with_ailment(fact: Running, run: Run) -> Running:
    """The fact, with the trouble of its run."""
    ails = not fact.ready and run.health.condition in AILING
    proven = run.health.proof in {Proof.GIVEN, Proof.UNKNOWN}
    return replace(fact, ailment=healths.told(run.health) if ails else "", proven=proven)


def as_proven(run: Run, *facts: StopFact | SaveFact | None) -> Run:
    """The run, with the proof that its stop or savepoint brought. It may be over, without another look."""
    if run.health.proof is Proof.GIVEN or not any(isinstance(fact, Saved | Ended) and fact.proven for fact in facts):
        return run
    return replace(run, health=replace(run.health, proof=Proof.GIVEN))


def with_proof(run: Run, now: Kept, before: Stop | Save | None) -> Kept:
    """What has just kept a savepoint, with why that must not replace the state that its run started from."""
    if now is None or now.savepoint_path is None or (before is not None and before.savepoint_path is not None):
        return now
    why = healths.unproven(run.health, run.restore)
    return replace(now, unproven=why) if why else now
