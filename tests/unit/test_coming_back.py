"""How far a job has come on its way back, who may begin, and who is parked: case by case."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluiceway.domain.batch import Limits
from sluiceway.domain.coming_back import (
    BACK,
    COMING,
    DONE,
    MISSED,
    BackPhase,
    BackPolicy,
    BackTally,
    BackWish,
    Begun,
    Bound,
    Signs,
    faltering,
    parked,
    parking,
    pauses,
    phase_of,
    why,
)
from sluiceway.domain.facts import Checkpoint, Weighed
from sluiceway.domain.health import Condition, Health, Proof
from sluiceway.domain.operations.stop import Stop, StopPhase, StopRules
from sluiceway.domain.operations.stop_decide import decide
from sluiceway.domain.places import Release, release_starts
from sluiceway.domain.policy import Resort
from sluiceway.domain.run import Run, RunPhase

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ACCEPTED, SUBMITTING, RUNNING = RunPhase.ACCEPTED, RunPhase.SUBMITTING, RunPhase.RUNNING
LOOPS, WELL = Condition.RESTARTING, Condition.RUNNING
HELD, PROVEN, PARKED = BackPhase.HELD, BackPhase.PROVEN, BackPhase.PARKED

PHASES: list[tuple[str, Signs, BackPhase]] = [
    ("it waits", Signs(ACCEPTED, held=True), HELD),
    ("stored", Signs(ACCEPTED), BackPhase.SUBMITTED),
    ("on its way", Signs(SUBMITTING), BackPhase.SUBMITTED),
    ("the cluster has it", Signs(SUBMITTING, acknowledged=True), BackPhase.RESTORING),
    ("it runs as far as Flink says", Signs(RUNNING, began=True), BackPhase.RESTORING),
    ("some tasks run", Signs(RUNNING, began=True, condition=Condition.STARTING), BackPhase.RESTORING),
    ("it lacks slots", Signs(RUNNING, began=True, condition=Condition.NO_SLOTS), BackPhase.RESTORING),
    ("it fails", Signs(RUNNING, began=True, condition=LOOPS), BackPhase.RESTARTING),
    ("all tasks run", Signs(RUNNING, began=True, condition=WELL), BackPhase.RUNNING),
    ("a checkpoint, too", Signs(RUNNING, began=True, up=True, condition=WELL), PROVEN),
    ("proven, and fails later", Signs(RUNNING, began=True, up=True, condition=LOOPS), PROVEN),
    ("proven, and stopped later", Signs(RunPhase.FINISHED, began=True, up=True, stop=StopPhase.STOPPED), PROVEN),
    ("it read all there was", Signs(RunPhase.FINISHED, began=True), BackPhase.FINISHED),
    ("it could not be started", Signs(RunPhase.REJECTED), BackPhase.FAILED),
    ("it failed for good", Signs(RunPhase.FAILED, began=True), BackPhase.FAILED),
    ("its cluster lost it", Signs(RunPhase.LOST, began=True), BackPhase.FAILED),
    ("somebody stops it", Signs(RUNNING, began=True, stop=StopPhase.SENT), BackPhase.RESTORING),
    ("somebody stopped it", Signs(RunPhase.FINISHED, began=True, stop=StopPhase.STOPPED), BackPhase.STOPPED),
    ("somebody canceled it in Flink", Signs(RunPhase.CANCELED, began=True), BackPhase.STOPPED),
    ("withdrawn", Signs(RunPhase.CANCELED), BackPhase.WITHDRAWN),
    ("it is to be parked", Signs(RUNNING, condition=LOOPS, stop=StopPhase.WAITING, parks=True), BackPhase.PARKING),
    ("the cancel has no answer", Signs(RUNNING, stop=StopPhase.OVERDUE, parks=True), BackPhase.PARKING),
    ("it is parked", Signs(RunPhase.CANCELED, began=True, stop=StopPhase.STOPPED, parks=True), PARKED),
    ("it failed before it was", Signs(RunPhase.FAILED, stop=StopPhase.ENDED, parks=True), BackPhase.FAILED),
    ("it could not be", Signs(RUNNING, condition=LOOPS, stop=StopPhase.FAILED, parks=True), BackPhase.FAILED),
    ("it could not be, and came up", Signs(RUNNING, up=True, stop=StopPhase.FAILED, parks=True), PROVEN),
]


@pytest.mark.parametrize(("signs", "phase"), [row[1:] for row in PHASES], ids=[row[0] for row in PHASES])
def test_how_far_it_has_come(signs: Signs, phase: BackPhase) -> None:
    assert phase_of(signs) is phase


def test_every_phase_is_one_of_a_few_kinds() -> None:
    assert {phase for _, _, phase in PHASES} == set(BackPhase)
    assert set(BackPhase) == {HELD} | COMING | DONE
    assert BACK | MISSED < DONE


# Who may begin. ------------------------------------------------------------------------------------------------------


def tally(phase: BackPhase, count: int = 1, wave: int = 0, *, unwell: bool = False) -> BackTally:
    return BackTally(wave, phase, count, unwell)


SUBMITTED, RESTORING, RESTARTING = BackPhase.SUBMITTED, BackPhase.RESTORING, BackPhase.RESTARTING
FREE, TWO = BackPolicy(), BackPolicy(Limits(max_parallel=2))
SLOW, FAST = BackPolicy(pace=6), BackPolicy(pace=600)
LONG_AGO, JUST_NOW = timedelta(hours=1), timedelta(seconds=9)

RELEASING: list[tuple[str, BackPolicy, list[BackTally], Begun, Release | None]] = [
    ("nothing is held", FREE, [tally(SUBMITTED)], Begun(), None),
    ("the last wave first", FREE, [tally(HELD, wave=w) for w in (0, 1, 2)], Begun(), Release(2, None)),
    ("it is under way", FREE, [tally(SUBMITTED, wave=1), tally(HELD)], Begun(), None),
    ("it runs, and is not proven", FREE, [tally(BackPhase.RUNNING, wave=1), tally(HELD)], Begun(), None),
    ("it is proven", FREE, [tally(PROVEN, wave=1), tally(HELD)], Begun(), Release(0, None)),
    ("it is parked", FREE, [tally(PARKED, wave=1), tally(HELD)], Begun(), Release(0, None)),
    ("it failed", FREE, [tally(BackPhase.FAILED, wave=1), tally(HELD)], Begun(), Release(0, None)),
    ("it fails on and on", FREE, [tally(RESTARTING, wave=1, unwell=True), tally(HELD)], Begun(), Release(0, None)),
    ("it fails for a moment", FREE, [tally(RESTARTING, wave=1), tally(HELD)], Begun(), None),
    ("all places are free", TWO, [tally(HELD, 5)], Begun(), Release(0, 2)),
    ("one place is free", TWO, [tally(RESTORING), tally(HELD, 5), tally(PROVEN, 9)], Begun(), Release(0, 1)),
    ("no place is free", TWO, [tally(RESTORING), tally(BackPhase.PARKING), tally(HELD, 5)], Begun(), None),
    ("who may never come has no place", TWO, [tally(RESTORING, 4, unwell=True), tally(HELD)], Begun(), Release(0, 2)),
    ("the first of a pace", SLOW, [tally(HELD, 5)], Begun(), Release(0, 1)),
    ("too early", SLOW, [tally(HELD, 5)], Begun(1, JUST_NOW), None),
    ("it is time", SLOW, [tally(HELD, 5)], Begun(1, timedelta(seconds=10)), Release(0, 1)),
    ("a time of waiting is not made up for", SLOW, [tally(HELD, 5)], Begun(0, LONG_AGO), Release(0, 1)),
    ("many a second", FAST, [tally(HELD, 99)], Begun(9, timedelta(seconds=0.5)), Release(0, 5)),
    ("no more than in a second", FAST, [tally(HELD, 99)], Begun(0, LONG_AGO), Release(0, 10)),
    ("no more than in a minute", FAST, [tally(HELD, 99)], Begun(598, LONG_AGO), Release(0, 2)),
    ("the minute is full", FAST, [tally(HELD, 99)], Begun(600, LONG_AGO), None),
    ("a clock that went back", SLOW, [tally(HELD, 5)], Begun(1, -LONG_AGO), None),
    ("the pace has no place", replace(TWO, pace=600), [tally(RESTORING, 2), tally(HELD)], Begun(0, LONG_AGO), None),
]


@pytest.mark.parametrize(
    ("policy", "tallies", "begun", "next_"), [row[1:] for row in RELEASING], ids=[row[0] for row in RELEASING]
)
def test_whom_a_way_back_lets_begin(
    policy: BackPolicy, tallies: list[BackTally], begun: Begun, next_: Release | None
) -> None:
    assert release_starts(policy, tallies, begun) == next_


@given(st.integers(1, 5000), st.lists(st.floats(0, 40), max_size=60))
def test_a_pace_is_never_passed_in_any_minute(pace: int, pauses_: list[float]) -> None:
    at, starts = 0.0, list[tuple[float, int]]()
    for pause in pauses_:
        at += pause
        lately = sum(count for when, count in starts if when > at - 60)
        since = timedelta(seconds=at - starts[-1][0]) if starts else None
        next_ = release_starts(BackPolicy(pace=pace), [tally(HELD, 10**6)], Begun(lately, since))
        if next_ is not None and next_.places:
            starts.append((at, next_.places))
    for end, _ in starts:
        assert sum(count for when, count in starts if end - 60 < when <= end) <= pace


def test_a_way_back_pauses_at_so_many_that_did_not_come() -> None:
    came = [tally(PROVEN, 6), tally(PARKED), tally(BackPhase.FAILED), tally(BackPhase.PARKING), tally(HELD)]
    assert pauses(Limits(abort_failures=3), came) == "3 of 10 jobs did not come back; the limit is 3."
    assert pauses(Limits(abort_share=0.3), came) == "3 of 10 jobs did not come back; the limit is 30%."
    assert pauses(Limits(abort_failures=4), came) is None
    assert pauses(Limits(abort_failures=1), [tally(RESTARTING, 9), tally(BackPhase.WITHDRAWN, 3)]) is None


def test_what_a_request_leaves_open_is_as_it_was_before() -> None:
    before = BackWish(max_parallel=2, abort_failures=3, pace=30, park_restarts=9).over()
    assert before == BackPolicy(Limits(2, 3), 30, Bound(timedelta(minutes=3), 9))
    assert BackWish().over(before) == before
    assert BackWish(abort_share=0.5, park_after=timedelta(1)).over(before) == BackPolicy(
        Limits(2, None, 0.5), 30, Bound(timedelta(1), 9)
    )
    assert BackWish(park=False).over(before).bound == Bound(None, None)


# Who is parked. ------------------------------------------------------------------------------------------------------


def run_that(
    condition: Condition = LOOPS, since: float | None = 200, phase: RunPhase = RUNNING, **fields: object
) -> Run:
    """A run that has been failing for so many seconds."""
    health = Health(condition, cause="/ by zero")
    falters = None if since is None else NOW - timedelta(seconds=since)
    run = Run(1, 1, "f" * 32, phase, "file:/s", started_at=NOW, health=health, falters_since=falters)
    return replace(run, **fields)  # type: ignore[arg-type]


UP = Health(LOOPS, up_at=NOW)
BY_COUNT = Bound(None, 3)

PARKING: list[tuple[str, Run, int, Bound, bool]] = [
    ("it has failed for long enough", run_that(), 1, Bound(), True),
    ("not yet", run_that(since=179), 99, Bound(), False),
    ("often enough", run_that(since=1), 3, BY_COUNT, True),
    ("not often enough", run_that(since=9999), 2, BY_COUNT, False),
    ("whichever comes first", run_that(since=1), 3, replace(BY_COUNT, after=timedelta(minutes=3)), True),
    ("nobody bounds it", run_that(since=9999), 99, Bound(None, None), False),
    ("it starts slowly", run_that(Condition.STARTING), 1, Bound(), False),
    ("it lacks slots", run_that(Condition.NO_SLOTS), 1, Bound(), False),
    ("it runs again", run_that(WELL), 1, Bound(), False),
    ("nobody has seen it fail", run_that(), 0, Bound(), False),
    ("since when is not known", run_that(since=None), 9, BY_COUNT, False),
    ("it was proven before", run_that(health=UP), 9, Bound(), False),
    ("it is over", run_that(phase=RunPhase.FAILED), 9, Bound(), False),
    ("it may be lost", run_that(phase=RunPhase.LOST), 9, Bound(), False),
]


@pytest.mark.parametrize(
    ("run", "restarts", "bound", "is_parked"), [row[1:] for row in PARKING], ids=[row[0] for row in PARKING]
)
def test_who_is_parked(run: Run, restarts: int, bound: Bound, is_parked: bool) -> None:
    told = parked(run, restarts, bound, NOW)
    assert (told is not None) == is_parked
    if told:
        assert "/ by zero" in told
        assert "file:/s" in told
        assert f"{restarts} restart" in told


def test_the_time_counts_from_the_first_failure_until_it_is_proven() -> None:
    run = faltering(run_that(WELL, None), NOW)
    assert run.falters_since is None
    run = faltering(run_that(LOOPS, None), NOW)
    assert run.falters_since == NOW
    later = NOW + timedelta(minutes=1)
    assert faltering(replace(run, health=Health(WELL)), later).falters_since == NOW, "it may only be between two"
    assert faltering(replace(run, health=UP), later).falters_since is None
    assert faltering(replace(run, phase=RunPhase.LOST), later).falters_since is None


def test_a_job_is_parked_without_losing_anything() -> None:
    """What it has completed is kept, or it is not canceled; where it has completed nothing, nothing is lost."""
    rules = StopRules(timedelta(1), 1, timedelta(0), timedelta(0), timedelta(0))
    stop = Stop(
        id=1,
        job_id=1,
        flink_job_id="f" * 32,
        savepoint=False,
        root="r",
        token="t",
        phase=StopPhase.WAITING,
        deadline=NOW,
        policy=parking(run_that()),
        attempt=2,
        reason="P.",
    )
    assert stop.weighs

    def weighed(*about: object, claims: bool = False) -> tuple[StopPhase, str | None]:
        policy = parking(run_that(claims=claims))
        moved, command = decide(replace(stop, policy=policy), Weighed(*about), None, NOW, rules)  # type: ignore[arg-type]
        assert (command is not None) == (moved.phase is StopPhase.SENT)
        assert moved.reason.startswith("P.")
        return moved.phase, moved.checkpoint_path

    kept = Checkpoint("file:/c", NOW - timedelta(1), True)
    assert weighed(kept) == (StopPhase.SENT, "file:/c")
    assert weighed(replace(kept, retained=False)) == (StopPhase.FAILED, None)
    assert weighed(None, True) == (StopPhase.SENT, None)
    assert weighed(None, False) == (StopPhase.FAILED, None), "nobody says that it has completed none"
    assert weighed(None, True, claims=True) == (StopPhase.FAILED, None), "Flink may remove what it owns"
    assert parking(run_that()).resort is Resort.CANCEL_KEEPING_CHECKPOINT


def test_what_is_told_beside_a_phase() -> None:
    run = run_that(WELL)
    assert "first checkpoint" in why(BackPhase.RUNNING, replace(run, health=Health(WELL, proof=Proof.AWAITED)), None)
    assert "no checkpoints" in why(PROVEN, replace(run, health=Health(WELL, proof=Proof.NONE)), None)
    assert why(PROVEN, replace(run, health=Health(WELL, proof=Proof.GIVEN)), None) == ""
    assert "/ by zero" in why(RESTARTING, run_that(), None)
    assert why(BackPhase.FAILED, replace(run, phase=RunPhase.REJECTED, reason="No jar."), None) == "No jar."
