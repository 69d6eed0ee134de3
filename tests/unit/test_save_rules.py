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
    SaveFact,
    Silent,
    Stopping,
    Unreadable,
)
from sluiceway.domain.job import JobStatus, Standing, standing
from sluiceway.domain.operations.save import SETTLED, Save, SavePhase, decide, evidence_at
from sluiceway.domain.operations.stop import Stop, StopPhase, StopRules
from sluiceway.domain.operations.stop_decide import decide as decide_stop
from sluiceway.domain.places import admit_saves, hold_back
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


def waiting(**changes: object) -> Save:
    save = Save(
        id=1,
        job_id=7,
        flink_job_id="f" * 32,
        trigger="0" * 32,
        target="file:///s/7/000",
        phase=SavePhase.WAITING,
        deadline=NOW + RULES.timeout,
    )
    return replace(save, **changes)  # type: ignore[arg-type]


def sent(**changes: object) -> Save:
    return waiting(**({"phase": SavePhase.SENT, "sent_at": NOW, "acknowledged": True} | changes))


def checking(**changes: object) -> Save:
    return waiting(**({"phase": SavePhase.CHECKING, "sent_at": NOW, "acknowledged": True} | changes))


LONG = NOW - RULES.gone_after
NO = Refused(Refusal.ABORTED, "expired")
MOVES: list[tuple[str, Save, SaveFact, datetime, SavePhase]] = [
    ("a job that runs", waiting(), Running(), NOW, SavePhase.SENT),
    ("even after its deadline", waiting(), Running(), LATE, SavePhase.SENT),
    ("tasks that do not all run", waiting(), Running(ready=False), NOW, SavePhase.WAITING),
    ("tasks that never all run", waiting(), Running(ready=False), LATE, SavePhase.FAILED),
    ("no answer", waiting(), Silent("-"), NOW, SavePhase.WAITING),
    ("no answer in time", waiting(), Silent("-"), LATE, SavePhase.FAILED),
    ("others first", waiting(), Queued(), NOW, SavePhase.WAITING),
    ("others first for too long", waiting(), Queued(), LATE, SavePhase.FAILED),
    ("a stop came before it was begun", waiting(), Preempted(), NOW, SavePhase.FAILED),
    ("a stop came after it was begun", sent(), Preempted(), NOW, SavePhase.SENT),
    ("the job ended before it was begun", waiting(), Ended(JobState.FINISHED), NOW, SavePhase.FAILED),
    ("not known, for a moment", waiting(), Missing(), NOW, SavePhase.WAITING),
    ("not known, for long", waiting(doubt_since=LONG), Missing(), NOW, SavePhase.FAILED),
    ("the cluster is gone before it was begun", waiting(), Gone("-"), NOW, SavePhase.FAILED),
    ("being written", sent(), Stopping(), NOW, SavePhase.SENT),
    ("not asked about", sent(), Alive(), NOW, SavePhase.SENT),
    ("being written, beyond the deadline", sent(), Stopping(), LATE, SavePhase.OVERDUE),
    ("not asked about, beyond the deadline", sent(), Alive(), LATE, SavePhase.OVERDUE),
    ("no answer, beyond the deadline", sent(), Silent("-"), LATE, SavePhase.OVERDUE),
    ("never confirmed, beyond the deadline", sent(acknowledged=False), Running(), LATE, SavePhase.OVERDUE),
    ("confirmed", sent(acknowledged=False), Acknowledged(), NOW, SavePhase.SENT),
    ("forgotten, for a moment", sent(), Running(), NOW, SavePhase.SENT),
    ("forgotten", sent(forgotten_since=LONG), Running(), NOW, SavePhase.CHECKING),
    ("written", sent(), SAVED, NOW, SavePhase.CHECKING),
    ("written late", sent(phase=SavePhase.OVERDUE), SAVED, LATE, SavePhase.CHECKING),
    ("refused", sent(), NO, NOW, SavePhase.FAILED),
    ("the job ended, and nobody tells", sent(), Ended(JobState.CANCELED), NOW, SavePhase.CHECKING),
    ("the job ended, and it failed", sent(), Ended(JobState.CANCELED, "no"), NOW, SavePhase.FAILED),
    ("the job ended, and its result may come", sent(), Lingering(Ended(JobState.FAILED)), NOW, SavePhase.SENT),
    ("and never comes", sent(doubt_since=LONG), Lingering(Ended(JobState.FAILED)), NOW, SavePhase.CHECKING),
    ("the job is not known, for a moment", sent(), Missing(), NOW, SavePhase.SENT),
    ("the job is gone", sent(doubt_since=LONG), Missing(), NOW, SavePhase.CHECKING),
    ("the cluster is gone", sent(), Gone("-"), NOW, SavePhase.CHECKING),
]


@pytest.mark.parametrize(("save", "fact", "now", "phase"), [row[1:] for row in MOVES], ids=[row[0] for row in MOVES])
def test_how_a_savepoint_moves(save: Save, fact: SaveFact, now: datetime, phase: SavePhase) -> None:
    after, command = decide(save, fact, None, now, RULES)
    assert after.phase is phase
    assert (after.settled_at == now) == (phase in SETTLED)
    assert after.reason or phase not in SETTLED, "who is refused is told why"
    assert (command is not None) == (isinstance(fact, Running) and fact.ready and not save.acknowledged)


CLAIMED = {"claim": "file:///s/7/savepoint-1"}
NEWER = {"claim": "file:/s/7/savepoint-2"}  # of a further try, after a JobManager forgot the first
CHECKS: list[tuple[str, Save, Evidence | None, SavePhase, bool]] = [
    ("nobody has looked", checking(), None, SavePhase.CHECKING, False),
    ("whole", checking(**CLAIMED), WHOLE, SavePhase.SAVED, True),
    ("whole, and Flink forgot it", checking(), WHOLE, SavePhase.SAVED, True),
    ("whole, as far as can be seen", checking(), replace(WHOLE, unchecked=1), SavePhase.SAVED, False),
    ("an older one is shown first", checking(**NEWER), WHOLE, SavePhase.CHECKING, False),
    ("only an older one is there", checking(doubt_since=LONG, **NEWER), WHOLE, SavePhase.LOST, False),
    ("nothing yet", checking(**CLAIMED), Absent("p"), SavePhase.CHECKING, False),
    ("nothing", checking(doubt_since=LONG, **CLAIMED), Absent("p"), SavePhase.LOST, False),
    ("not whole yet", checking(**CLAIMED), Broken("p", "-"), SavePhase.CHECKING, False),
    ("not whole", checking(doubt_since=LONG, **CLAIMED), Broken("p", "-"), SavePhase.LOST, False),
    ("unreadable now", checking(**CLAIMED), Unreadable("p", "-"), SavePhase.CHECKING, False),
    ("Flink's word alone", checking(doubt_since=LONG, **CLAIMED), Unreadable("p", "-"), SavePhase.SAVED, False),
    ("nobody's word", checking(doubt_since=LONG), Unreadable("p", "-"), SavePhase.LOST, False),
]


@pytest.mark.parametrize(
    ("save", "evidence", "phase", "verified"), [row[1:] for row in CHECKS], ids=[row[0] for row in CHECKS]
)
def test_what_storage_shows_decides(save: Save, evidence: Evidence | None, phase: SavePhase, verified: bool) -> None:
    assert evidence_at(save) == save.target
    after, command = decide(save, Running(), evidence, NOW, RULES)
    assert (after.phase, after.verified, command) == (phase, verified, None)
    assert (after.savepoint_path is not None) == (phase is SavePhase.SAVED)


def test_a_request_that_was_not_confirmed_is_repeated_under_the_same_id() -> None:
    first, command = decide(waiting(), Running(), None, NOW, RULES)
    assert command == TakeSavepoint(first.trigger, first.target)
    assert decide(first, Running(), None, NOW, RULES) == (first, command)
    confirmed, _ = decide(first, Acknowledged(), None, NOW, RULES)
    assert decide(confirmed, Running(), None, NOW, RULES)[1] is None


THERE = [Running(), Running(ready=False), Silent("no answer")]


@pytest.mark.parametrize(
    ("save", "fact"),
    [
        *((waiting(), fact) for fact in (*THERE, Queued())),
        *((begun, fact) for begun in (sent(), sent(acknowledged=True)) for fact in (*THERE, Alive(), Stopping())),
    ],
)
def test_a_job_that_is_there_again_is_doubted_anew(save: Save, fact: SaveFact) -> None:
    missed, _ = decide(save, Missing(), None, NOW, RULES)
    assert missed.doubt_since == NOW
    assert decide(missed, fact, None, NOW + timedelta(seconds=29), RULES)[0].doubt_since is None


IDLE = Running(ready=False)


def test_patience_counts_from_the_first_look_that_shows_it_idle() -> None:
    """And anew once all of its tasks have run, whatever went first."""
    queued, _ = decide(waiting(), Queued(), None, NOW, RULES)
    idle, _ = decide(queued, IDLE, None, SOON, RULES)
    assert (idle.phase, idle.idle_since) == (SavePhase.WAITING, SOON)
    unseen, _ = decide(idle, Silent("-"), None, SOON, RULES)
    assert unseen.idle_since == SOON, "no answer says nothing of it"
    assert decide(idle, Queued(), None, SOON, RULES)[0].idle_since is None
    assert decide(idle, IDLE, None, NOW, RULES)[0].idle_since == NOW, "the clock was set back"
    begun, _ = decide(idle, Running(), None, SOON, RULES)
    assert (begun.phase, begun.forgotten_since) == (SavePhase.SENT, None)
    assert decide(idle, IDLE, None, SOON + timedelta(seconds=59), RULES)[0].phase is SavePhase.WAITING
    failed, _ = decide(idle, IDLE, None, SOON + timedelta(seconds=60), RULES)
    assert failed.phase is SavePhase.FAILED
    assert "not all of its tasks run" in failed.reason


def test_one_that_is_known_to_ail_is_waited_for_less_long() -> None:
    loops = replace(IDLE, ailment="It loops.")
    idle, _ = decide(waiting(), loops, None, SOON, RULES)
    assert decide(idle, loops, None, SOON + timedelta(seconds=14), RULES)[0].phase is SavePhase.WAITING
    failed, _ = decide(idle, loops, None, SOON + timedelta(seconds=15), RULES)
    assert failed.phase is SavePhase.FAILED
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
OVERDUE = sent(phase=SavePhase.OVERDUE)


@pytest.mark.parametrize(
    ("stop", "save", "waits"),
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
def test_who_waits_for_a_savepoint_that_is_under_way(stop: Stop, save: Save | None, waits: bool) -> None:
    assert isinstance(hold_back(stop, Running(), save), Blocked) == waits
    for fact in (Ended(JobState.FINISHED), Missing(), Silent("-")):
        assert hold_back(stop, fact, save) == fact, "what it learns by itself, it learns"


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
    saves = [waiting(id=i) for i in range(4)]
    facts: dict[int, SaveFact] = {0: Running(), 1: Running(ready=False), 2: Running(), 3: Running()}
    assert admit_saves(saves, facts, 2) == {**facts, 3: Queued()}
    assert admit_saves(saves, facts, -1) == {**facts, 0: Queued(), 2: Queued(), 3: Queued()}
    assert admit_saves([sent(id=0)], {0: Running()}, 0) == {0: Running()}, "what has begun goes on"


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
    seen: list[tuple[SaveFact, Evidence | None, int]],
) -> None:
    save, now = waiting(), NOW
    for fact, evidence, seconds in seen:
        now += timedelta(seconds=seconds)
        looked = evidence if evidence_at(save) else None
        after, command = decide(save, fact, looked, now, RULES)
        if after.phase is SavePhase.SAVED and save.phase is not SavePhase.SAVED:
            assert isinstance(looked, Complete | Unreadable), "storage was looked at"
            assert after.verified == isinstance(looked, Complete)
            assert after.savepoint_path
        if command is not None:
            assert isinstance(fact, Running)
            assert after.in_flight, "a stop waits for it"
        if save.in_flight and not after.in_flight:
            assert not isinstance(fact, Silent | Alive | Queued), "no answer is not an end"
        if save.phase in SETTLED:
            assert after == save
        save = after
