"""When a worker may look rarely: every job does its work, and nothing of it is open."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sluiceway.domain.awaited import calm
from sluiceway.domain.health import Condition, Health, Proof
from sluiceway.domain.operations.stop import Stop, StopPhase
from sluiceway.domain.run import Run, RunPhase
from sluiceway.domain.watched import Watched

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WELL = Health(Condition.RUNNING, proof=Proof.GIVEN, up_at=NOW)
RUNS = Run(id=1, job_id=1, flink_job_id="f", phase=RunPhase.RUNNING, acknowledged=True, health=WELL)
LOST = replace(RUNS, phase=RunPhase.LOST)
OPEN = Stop(
    id=1,
    job_id=1,
    flink_job_id="f",
    deadline=NOW + timedelta(seconds=9),
    savepoint=True,
    phase=StopPhase.OVERDUE,
    root="file:///s/1",
    token="00",
)


@pytest.mark.parametrize(
    ("watched", "expected"),
    [
        (Watched(RUNS), True),
        (Watched(LOST), True),
        (Watched(RUNS, OPEN), False),
        (Watched(LOST, OPEN), False),
        (Watched(RUNS, replace(OPEN, phase=StopPhase.STOPPED)), True),
        (Watched(replace(RUNS, doubt_since=NOW)), False),
        (Watched(replace(RUNS, phase=RunPhase.SUBMITTING)), False),
        (Watched(replace(RUNS, health=replace(WELL, proof=Proof.AWAITED))), False),
        (Watched(replace(RUNS, health=replace(WELL, condition=Condition.RESTARTING))), False),
        (Watched(replace(RUNS, health=replace(WELL, up_at=None))), False),
    ],
    ids=[
        "it does its work",
        "lost",
        "a stop is overdue",
        "lost, and its stop is overdue",
        "its stop is settled",
        "it was not seen",
        "it starts",
        "it has proven nothing",
        "it restarts",
        "it was never up",
    ],
)
def test_it_is_calm_where_nothing_is_to_be_watched_closely(watched: Watched, expected: bool) -> None:
    assert calm([Watched(RUNS), watched]) is expected
