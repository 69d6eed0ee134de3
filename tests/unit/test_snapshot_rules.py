"""The rule that moves a savepoint of a running job, case by case, and what must hold whatever the world shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluiceway.domain.commands import TakeSavepoint
from sluiceway.domain.facts import (
    Absent,
    Acknowledged,
    Alive,
    Blocked,
    Broken,
    Complete,
    Ended,
    Evidence,
    Gone,
    JobState,
    Lingering,
    Missing,
    Preempted,
    Queued,
    Refusal,
    Refused,
    Running,
    Saved,
    Silent,
    SnapshotFact,
    Stopping,
    Unreadable,
)
from sluiceway.domain.job import JobStatus, Standing, standing
from sluiceway.domain.operations.snapshot import SETTLED, Snapshot, SnapshotPhase, decide, evidence_at
from sluiceway.domain.operations.stop import Stop, StopPhase, StopRules
from sluiceway.domain.operations.stop_decide import decide as decide_stop
from sluiceway.domain.places import admit_snapshots, hold_back
from sluiceway.domain.run import Run, RunPhase

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RULES = StopRules(
    timeout=timedelta(seconds=600),
    attempts=3,
    backoff=timedelta(seconds=2),
    gone_after=timedelta(seconds=30),
    forgotten_after=timedelta(seconds=2),
)
LATE = NOW + timedelta(hours=1)
SOON = NOW + timedelta(seconds=61)  # later than anybody waits for tasks
WHOLE = Complete("file:///s/7/savepoint-1", 17)
SAVED = Saved("file:///s/7/savepoint-1", JobState.RUNNING)


def waiting(**changes: object) -> Snapshot:
    snapshot = Snapshot(
        id=1,
        job_id=7,
        flink_job_id="f" * 32,
        trigger="0" * 32,
        target="file:///s/7/000",
        phase=SnapshotPhase.WAITING,
        deadline=NOW + RULES.timeout,
    )
    return replace(snapshot, **changes)  # type: ignore[arg-type]


def sent(**changes: object) -> Snapshot:
    return waiting(**({"phase": SnapshotPhase.SENT, "sent_at": NOW, "acknowledged": True} | changes))


def checking(**changes: object) -> Snapshot:
    return waiting(**({"phase": SnapshotPhase.CHECKING, "sent_at": NOW, "acknowledged": True} | changes))


LONG = NOW - RULES.gone_after
NO = Refused(Refusal.ABORTED, "expired")
MOVES: list[tuple[str, Snapshot, SnapshotFact, datetime, SnapshotPhase]] = [
    ("a job that runs", waiting(), Running(), NOW, SnapshotPhase.SENT),
    ("even after its deadline", waiting(), Running(), LATE, SnapshotPhase.SENT),
    ("tasks that do not all run", waiting(), Running(ready=False), NOW, SnapshotPhase.WAITING),
    ("tasks that never all run", waiting(), Running(ready=False), LATE, SnapshotPhase.FAILED),
    ("no answer", waiting(), Silent("-"), NOW, SnapshotPhase.WAITING),
    ("no answer in time", waiting(), Silent("-"), LATE, SnapshotPhase.FAILED),
    ("others first", waiting(), Queued(), NOW, SnapshotPhase.WAITING),
    ("others first for too long", waiting(), Queued(), LATE, SnapshotPhase.FAILED),
    ("a stop came before it was begun", waiting(), Preempted(), NOW, SnapshotPhase.FAILED),
    ("a stop came after it was begun", sent(), Preempted(), NOW, SnapshotPhase.SENT),
    ("the job ended before it was begun", waiting(), Ended(JobState.FINISHED), NOW, SnapshotPhase.FAILED),
    ("not known, for a moment", waiting(), Missing(), NOW, SnapshotPhase.WAITING),
    ("not known, for long", waiting(doubt_since=LONG), Missing(), NOW, SnapshotPhase.FAILED),
    ("the cluster is gone before it was begun", waiting(), Gone("-"), NOW, SnapshotPhase.FAILED),
    ("being written", sent(), Stopping(), NOW, SnapshotPhase.SENT),
    ("not asked about", sent(), Alive(), NOW, SnapshotPhase.SENT),
    ("being written, beyond the deadline", sent(), Stopping(), LATE, SnapshotPhase.OVERDUE),
    ("not asked about, beyond the deadline", sent(), Alive(), LATE, SnapshotPhase.OVERDUE),
    ("no answer, beyond the deadline", sent(), Silent("-"), LATE, SnapshotPhase.OVERDUE),
    ("never confirmed, beyond the deadline", sent(acknowledged=False), Running(), LATE, SnapshotPhase.OVERDUE),
    ("confirmed", sent(acknowledged=False), Acknowledged(), NOW, SnapshotPhase.SENT),
    ("forgotten, for a moment", sent(), Running(), NOW, SnapshotPhase.SENT),
    ("forgotten", sent(forgotten_since=LONG), Running(), NOW, SnapshotPhase.CHECKING),
    ("written", sent(), SAVED, NOW, SnapshotPhase.CHECKING),
    ("written late", sent(phase=SnapshotPhase.OVERDUE), SAVED, LATE, SnapshotPhase.CHECKING),
    ("refused", sent(), NO, NOW, SnapshotPhase.FAILED),
    ("the job ended, and nobody tells", sent(), Ended(JobState.CANCELED), NOW, SnapshotPhase.CHECKING),
    ("the job ended, and it failed", sent(), Ended(JobState.CANCELED, "no"), NOW, SnapshotPhase.FAILED),
    ("the job ended, and its result may come", sent(), Lingering(Ended(JobState.FAILED)), NOW, SnapshotPhase.SENT),
    ("and never comes", sent(doubt_since=LONG), Lingering(Ended(JobState.FAILED)), NOW, SnapshotPhase.CHECKING),
    ("the job is not known, for a moment", sent(), Missing(), NOW, SnapshotPhase.SENT),
    ("the job is gone", sent(doubt_since=LONG), Missing(), NOW, SnapshotPhase.CHECKING),
    ("the cluster is gone", sent(), Gone("-"), NOW, SnapshotPhase.CHECKING),
]


@pytest.mark.parametrize(
    ("snapshot", "fact", "now", "phase"), [row[1:] for row in MOVES], ids=[row[0] for row in MOVES]
)
def test_how_a_savepoint_moves(snapshot: Snapshot, fact: SnapshotFact, now: datetime, phase: SnapshotPhase) -> None:
    after, command = decide(snapshot, fact, None, now, RULES)
    assert after.phase is phase
    assert (after.settled_at == now) == (phase in SETTLED)
    assert after.reason or phase not in SETTLED, "who is refused is told why"
    assert (command is not None) == (isinstance(fact, Running) and fact.ready and not snapshot.acknowledged)


CLAIMED = {"claim": "file:///s/7/savepoint-1"}
CHECKS: list[tuple[str, Snapshot, Evidence | None, SnapshotPhase, bool]] = [
    ("nobody has looked", checking(), None, SnapshotPhase.CHECKING, False),
    ("whole", checking(**CLAIMED), WHOLE, SnapshotPhase.SAVED, True),
    ("whole, and Flink forgot it", checking(), WHOLE, SnapshotPhase.SAVED, True),
    ("whole, as far as can be seen", checking(), replace(WHOLE, unchecked=1), SnapshotPhase.SAVED, False),
    ("nothing yet", checking(**CLAIMED), Absent("p"), SnapshotPhase.CHECKING, False),
    ("nothing", checking(doubt_since=LONG, **CLAIMED), Absent("p"), SnapshotPhase.LOST, False),
    ("not whole yet", checking(**CLAIMED), Broken("p", "-"), SnapshotPhase.CHECKING, False),
    ("not whole", checking(doubt_since=LONG, **CLAIMED), Broken("p", "-"), SnapshotPhase.LOST, False),
    ("unreadable now", checking(**CLAIMED), Unreadable("p", "-"), SnapshotPhase.CHECKING, False),
    ("Flink's word alone", checking(doubt_since=LONG, **CLAIMED), Unreadable("p", "-"), SnapshotPhase.SAVED, False),
    ("nobody's word", checking(doubt_since=LONG), Unreadable("p", "-"), SnapshotPhase.LOST, False),
]


@pytest.mark.parametrize(
    ("snapshot", "evidence", "phase", "verified"), [row[1:] for row in CHECKS], ids=[row[0] for row in CHECKS]
)
def test_what_storage_shows_decides(
    snapshot: Snapshot, evidence: Evidence | None, phase: SnapshotPhase, verified: bool
) -> None:
    assert evidence_at(snapshot) == snapshot.target
    after, command = decide(snapshot, Running(), evidence, NOW, RULES)
    assert (after.phase, after.verified, command) == (phase, verified, None)
    assert (after.savepoint_path is not None) == (phase is SnapshotPhase.SAVED)


def test_a_request_that_was_not_confirmed_is_repeated_under_the_same_id() -> None:
    first, command = decide(waiting(), Running(), None, NOW, RULES)
    assert command == TakeSavepoint(first.trigger, first.target)
    assert decide(first, Running(), None, NOW, RULES) == (first, command)
    confirmed, _ = decide(first, Acknowledged(), None, NOW, RULES)
    assert decide(confirmed, Running(), None, NOW, RULES)[1] is None


THERE = [Running(), Running(ready=False), Silent("no answer")]


@pytest.mark.parametrize(
    ("snapshot", "fact"),
    [
        *((waiting(), fact) for fact in (*THERE, Queued())),
        *((begun, fact) for begun in (sent(), sent(acknowledged=True)) for fact in (*THERE, Alive(), Stopping())),
    ],
)
def test_a_job_that_is_there_again_is_doubted_anew(snapshot: Snapshot, fact: SnapshotFact) -> None:
    missed, _ = decide(snapshot, Missing(), None, NOW, RULES)
    assert missed.doubt_since == NOW
    assert decide(missed, fact, None, NOW + timedelta(seconds=29), RULES)[0].doubt_since is None


IDLE = Running(ready=False)


def test_patience_counts_from_the_first_look_that_shows_it_idle() -> None:
    """And anew once all of its tasks have run, whatever went first."""
    queued, _ = decide(waiting(), Queued(), None, NOW, RULES)
    idle, _ = decide(queued, IDLE, None, SOON, RULES)
    assert (idle.phase, idle.idle_since) == (SnapshotPhase.WAITING, SOON)
    unseen, _ = decide(idle, Silent("-"), None, SOON, RULES)
    assert unseen.idle_since == SOON, "no answer says nothing of it"
    assert decide(idle, Queued(), None, SOON, RULES)[0].idle_since is None
    assert decide(idle, IDLE, None, NOW, RULES)[0].idle_since == NOW, "the clock was set back"
    begun, _ = decide(idle, Running(), None, SOON, RULES)
    assert (begun.phase, begun.forgotten_since) == (SnapshotPhase.SENT, None)
    assert decide(idle, IDLE, None, SOON + timedelta(seconds=59), RULES)[0].phase is SnapshotPhase.WAITING
    failed, _ = decide(idle, IDLE, None, SOON + timedelta(seconds=60), RULES)
    assert failed.phase is SnapshotPhase.FAILED
    assert "not all of its tasks run" in failed.reason


def test_one_that_is_known_to_ail_is_waited_for_less_long() -> None:
    loops = replace(IDLE, ailment="It loops.")
    idle, _ = decide(waiting(), loops, None, SOON, RULES)
    assert decide(idle, loops, None, SOON + timedelta(seconds=14), RULES)[0].phase is SnapshotPhase.WAITING
    failed, _ = decide(idle, loops, None, SOON + timedelta(seconds=15), RULES)
    assert failed.phase is SnapshotPhase.FAILED
    assert "It loops" in failed.reason


def test_the_deadline_counts_from_its_beginning() -> None:
    begun, _ = decide(waiting(deadline=NOW), Running(), None, LATE, RULES)
    assert begun.deadline == LATE + RULES.timeout


# --- beside stops ---------------------------------------------------------------------------------------------------

STOP = Stop(
    id=1,
    job_id=7,
    flink_job_id="f" * 32,
    savepoint=True,
    root="file:///s/7",
    token="0" * 32,
    phase=StopPhase.WAITING,
    deadline=NOW + RULES.timeout,
    batch_id=1,
)
CANCEL = replace(STOP, savepoint=False)
DELETION = replace(CANCEL, batch_id=None)
OVERDUE = sent(phase=SnapshotPhase.OVERDUE)


@pytest.mark.parametrize(
    ("stop", "snapshot", "waits"),
    [
        (STOP, sent(), True),
        (STOP, sent(acknowledged=False), True),
        (STOP, OVERDUE, True),
        (STOP, waiting(), False),
        (STOP, checking(), False),
        (STOP, None, False),
        (replace(STOP, sent_at=NOW), sent(), False),
        (CANCEL, sent(), False),
        (DELETION, sent(), True),
        (DELETION, OVERDUE, False),
    ],
)
def test_who_waits_for_a_savepoint_that_is_under_way(stop: Stop, snapshot: Snapshot | None, waits: bool) -> None:
    assert isinstance(hold_back(stop, Running(), snapshot), Blocked) == waits
    for fact in (Ended(JobState.FINISHED), Missing(), Silent("-")):
        assert hold_back(stop, fact, snapshot) == fact, "what it learns by itself, it learns"


def test_a_stop_that_waits_for_a_savepoint_says_so_and_its_deadline_is_told() -> None:
    blocked = hold_back(STOP, Running(), sent())
    waits, command = decide_stop(STOP, blocked, None, NOW, RULES)
    assert (waits.phase, command) == (StopPhase.WAITING, None)
    assert "savepoint" in waits.reason
    late, command = decide_stop(waits, blocked, None, LATE, RULES)
    assert (late.phase, command) == (StopPhase.OVERDUE, None)
    begun, command = decide_stop(late, Running(), None, LATE, RULES)
    assert (begun.phase, begun.reason) == (StopPhase.SENT, "")
    assert command == begun.command


def test_places_are_given_to_the_oldest_that_are_ready() -> None:
    snapshots = [waiting(id=i) for i in range(4)]
    facts: dict[int, SnapshotFact] = {0: Running(), 1: Running(ready=False), 2: Running(), 3: Running()}
    assert admit_snapshots(snapshots, facts, 2) == {**facts, 3: Queued()}
    assert admit_snapshots(snapshots, facts, -1) == {**facts, 0: Queued(), 2: Queued(), 3: Queued()}
    assert admit_snapshots([sent(id=0)], {0: Running()}, 0) == {0: Running()}, "what has begun goes on"


def test_the_jobs_status_while_and_after() -> None:
    run = Run(1, 7, "f" * 32, RunPhase.RUNNING)
    failed, _ = decide(sent(), NO, None, NOW, RULES)
    saved, _ = decide(checking(), SAVED, WHOLE, NOW, RULES)
    for open_ in (waiting(), sent(), checking()):
        assert standing(run, None, open_).status is JobStatus.SAVEPOINTING
    late, _ = decide(sent(), Stopping(), None, LATE, RULES)
    assert standing(run, None, late) == Standing(JobStatus.RUNNING, late.reason), "so that it can be stopped"
    assert late.reason
    assert standing(run, None, saved).status is JobStatus.RUNNING
    told = standing(run, None, failed)
    assert told.status is JobStatus.RUNNING
    assert "expired" in told.why
    assert standing(run, CANCEL, sent()).status is JobStatus.CANCELING, "a stop speaks for the job"
    assert standing(replace(run, phase=RunPhase.FINISHED), None, sent()).status is JobStatus.FINISHED


# --- whatever comes -------------------------------------------------------------------------------------------------

states = st.sampled_from(list(JobState))
terminal = st.sampled_from([s for s in JobState if s.terminal])
evidence_of = st.sampled_from([WHOLE, Absent("p"), Broken("p", "cut"), Unreadable("p", "denied"), None])
facts_of = st.one_of(
    st.builds(Running, st.booleans()),
    st.builds(Alive),
    st.builds(Queued),
    st.builds(Preempted),
    st.builds(Stopping),
    st.builds(Acknowledged),
    st.builds(Refused, st.sampled_from(list(Refusal)), st.just("why")),
    st.builds(Saved, st.just("p"), states),
    st.builds(Ended, terminal, st.sampled_from([None, "no"])),
    st.builds(Missing),
    st.builds(Gone, st.just("gone")),
    st.builds(Silent, st.just("nothing")),
)
steps = st.lists(st.tuples(facts_of, evidence_of, st.integers(0, 700)), max_size=30)


@given(steps)
def test_whatever_is_seen_no_false_success_and_nothing_is_sent_but_to_a_job_that_runs(
    seen: list[tuple[SnapshotFact, Evidence | None, int]],
) -> None:
    snapshot, now = waiting(), NOW
    for fact, evidence, seconds in seen:
        now += timedelta(seconds=seconds)
        looked = evidence if evidence_at(snapshot) else None
        after, command = decide(snapshot, fact, looked, now, RULES)
        if after.phase is SnapshotPhase.SAVED and snapshot.phase is not SnapshotPhase.SAVED:
            assert isinstance(looked, Complete | Unreadable), "storage was looked at"
            assert after.verified == isinstance(looked, Complete)
            assert after.savepoint_path
        if command is not None:
            assert isinstance(fact, Running)
            assert after.in_flight, "a stop waits for it"
        if snapshot.in_flight and not after.in_flight:
            assert not isinstance(fact, Silent | Alive | Queued), "no answer is not an end"
        if snapshot.phase in SETTLED:
            assert after == snapshot
        snapshot = after
