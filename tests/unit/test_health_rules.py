"""How a job is told to fare: a table of what looks at its cluster show, one after the other."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluiceway.domain.facts import JobState
from sluiceway.domain.health import (
    NOTHING_KNOWN,
    Condition,
    Exam,
    Health,
    HealthRules,
    Proof,
    Pulse,
    Vitals,
    follow,
    told,
    unproven,
)

START = datetime(2026, 11, 27, 12, tzinfo=UTC)
RULES = HealthRules()
RUNNING, RESTARTING, CREATED = JobState.RUNNING, JobState.RESTARTING, JobState.CREATED
UNKNOWN, STARTING, WELL = Condition.UNKNOWN, Condition.STARTING, Condition.RUNNING
LOOPS, STARVES = Condition.RESTARTING, Condition.NO_SLOTS
SHORT = Exam(slots_wanted=12, slots_free=0)
NO_CHECKPOINTS, FIRST_CHECKPOINT = Exam(proof=Proof.NONE), Exam(proof=Proof.GIVEN)


def whole(moved: int = 1, exam: Exam | None = None, finished: int = 0) -> Vitals:
    return Vitals(RUNNING, 2, 2, finished, 0, moved, exam)


def none_of(state: JobState = RUNNING, exam: Exam | None = None, waiting: int = 0, running: int = 0) -> Vitals:
    return Vitals(state, 2, running, 0, waiting, 1, exam)


FALLS = none_of(RESTARTING)
Look = tuple[float, Vitals, Condition]  # seconds after the start, what is seen, and how the job is told to fare then

COURSES: dict[str, Sequence[Look]] = {
    "a start": [(0, none_of(), UNKNOWN), (1, whole(), WELL), (600, whole(), WELL)],
    "a slow start": [(0, none_of(), UNKNOWN), (4, none_of(), STARTING), (9, whole(), WELL)],
    "a loop that never comes up": [
        (0, none_of(), UNKNOWN),
        (1, FALLS, LOOPS),
        (2, none_of(), LOOPS),
        (3, FALLS, LOOPS),
    ],
    "a loop that comes up for moments": [
        (0, whole(1), WELL),
        (2, FALLS, LOOPS),
        (3, whole(2), LOOPS),
        (4, FALLS, LOOPS),
    ],
    "restarts between two looks": [(0, whole(1), WELL), (2, whole(7), LOOPS), (4, whole(9), LOOPS)],
    "tasks that fall one by one": [(0, whole(), WELL), (2, none_of(running=1), LOOPS)],
    "one restart": [
        (0, whole(1), WELL),
        (2, FALLS, LOOPS),
        (4, whole(2), LOOPS),
        (9, whole(2), LOOPS),
        (15, whole(2), WELL),
    ],
    "calm takes the longer, the more restarts": [
        *[(i * 2, whole(i), LOOPS if i else WELL) for i in range(6)],
        (25, whole(5), LOOPS),
        (61, whole(5), WELL),
        (62, whole(5), WELL),
    ],
    "well again, and once more ill": [
        (0, whole(1), WELL),
        (2, whole(2), LOOPS),
        (13, whole(2), WELL),
        (14, FALLS, LOOPS),
    ],
    "restarts that no look meets": [
        (0, none_of(), UNKNOWN),
        (2, none_of(exam=Exam("/ by zero", failures=3)), LOOPS),
        (4, none_of(), LOOPS),
    ],
    "a task that finishes": [(0, whole(1), WELL), (2, whole(5, finished=1), WELL)],
    "no slots": [
        (0, none_of(waiting=2), UNKNOWN),
        (3, none_of(waiting=2, exam=SHORT), STARVES),
        (9, none_of(waiting=2), STARVES),
    ],
    "no slots, and then some": [(3, none_of(waiting=2, exam=SHORT), STARVES), (5, whole(), WELL)],
    "slots that are free after all": [
        (3, none_of(waiting=2, exam=SHORT), STARVES),
        (9, none_of(waiting=2, exam=Exam(slots_wanted=2, slots_free=9)), STARTING),
    ],
    "the adaptive scheduler without slots": [(0, none_of(CREATED), UNKNOWN), (5, none_of(CREATED, SHORT, 2), STARVES)],
    "a job that is being canceled keeps what ailed it": [(1, FALLS, LOOPS), (2, none_of(JobState.CANCELLING), LOOPS)],
}


@pytest.mark.parametrize("course", COURSES)
def test_how_a_job_is_told_to_fare(course: str) -> None:
    health, pulse = NOTHING_KNOWN, Pulse()
    for seconds, vitals, condition in COURSES[course]:
        health, pulse = follow(health, pulse, vitals, START + timedelta(seconds=seconds), RULES)
        assert health.condition is condition, f"after {seconds} s: {health}"


def after(looks: Sequence[tuple[float, Vitals]], health: Health = NOTHING_KNOWN) -> Health:
    pulse = Pulse()
    for seconds, vitals in looks:
        health, pulse = follow(health, pulse, vitals, START + timedelta(seconds=seconds), RULES)
    return health


def test_it_is_up_with_all_tasks_and_the_first_checkpoint() -> None:
    awaited = whole(exam=Exam(proof=Proof.AWAITED))
    assert after([(0, awaited), (60, awaited)]).up_at is None
    assert after([(0, awaited), (9, whole(exam=FIRST_CHECKPOINT))]).up_at == START + timedelta(seconds=9)


def test_without_checkpoints_it_is_up_once_it_has_run_for_a_moment() -> None:
    assert after([(0, whole(exam=NO_CHECKPOINTS)), (2, whole())]).up_at is None
    assert after([(0, whole(exam=NO_CHECKPOINTS)), (4, whole())]).up_at is not None
    assert after([(0, whole(1, NO_CHECKPOINTS)), (2, whole(2)), (4, whole(3)), (6, whole(4))]).up_at is None, "it loops"


def test_its_status_says_so_only_when_it_lasts() -> None:
    assert not after([(0, FALLS), (60, FALLS)]).unwell
    assert after([(0, FALLS), (60, none_of()), (121, FALLS)]).unwell
    assert after([(0, none_of()), (4, none_of()), (124, none_of())]).unwell, "one that never starts"
    assert not after([(0, FALLS), (121, FALLS), (125, whole(2)), (140, whole(2))]).unwell


def test_a_service_that_starts_anew_takes_nothing_back() -> None:
    ill = after([(0, FALLS)])
    assert after([(100, whole())], ill).condition is LOOPS
    assert after([(100, whole()), (111, whole())], ill).condition is WELL


def test_a_loop_is_not_written_at_every_look() -> None:
    health, pulse, writes = NOTHING_KNOWN, Pulse(), 0
    for seconds in range(600):
        vitals = FALLS if seconds % 2 else none_of()
        new, pulse = follow(health, pulse, vitals, START + timedelta(seconds=seconds), RULES)
        writes, health = writes + (new is not health), new
    assert health.restarts >= 60
    assert writes <= 12, "one for each doubling"


@pytest.mark.parametrize(
    ("health", "words"),
    [
        (Health(LOOPS, START, restarts=7, cause="/ by zero"), "since 2026-11-27 12:00:00Z: at least 7 restarts"),
        (Health(LOOPS, START, restarts=1, cause="/ by zero"), "1 restart in 10 minutes. Cause: / by zero"),
        (Health(STARVES, START, slots_wanted=12, slots_free=0), "it lacks 12, and the cluster has 0 free."),
        (Health(STARTING, START, tasks=20, running=3), "3 of its 20 tasks run"),
    ],
)
def test_what_ails_it_is_said_in_words(health: Health, words: str) -> None:
    assert words in told(health)


def test_nothing_is_said_of_one_that_is_well() -> None:
    assert told(Health(WELL, START, tasks=2, running=2)) == told(NOTHING_KNOWN) == ""


UP = START


@pytest.mark.parametrize(
    ("health", "restore", "counts"),
    [
        (Health(LOOPS), "file:/s", False),
        (Health(STARVES), "file:/s", False),
        (Health(LOOPS), None, True),  # it began from nothing: there is nothing better
        (Health(LOOPS, proof=Proof.GIVEN), "file:/s", True),
        (Health(LOOPS, up_at=UP), "file:/s", True),
        (Health(WELL), "file:/s", True),
        (NOTHING_KNOWN, "file:/s", True),
    ],
)
def test_which_savepoints_a_resume_does_not_take(health: Health, restore: str | None, counts: bool) -> None:
    assert (unproven(health, restore) == "") == counts


SEEN = st.builds(
    Vitals,
    st.sampled_from([s for s in JobState if not s.terminal]),
    st.just(2),
    st.integers(0, 2),
    st.integers(0, 1),
    st.integers(0, 2),
    st.integers(0, 3),
    st.sampled_from([None, SHORT, NO_CHECKPOINTS, FIRST_CHECKPOINT, Exam("why", 3)]),
)


@given(st.lists(st.tuples(st.floats(-5, 200), SEEN), max_size=30))
def test_whatever_is_seen(looks: list[tuple[float, Vitals]]) -> None:
    health, pulse, now, up = NOTHING_KNOWN, Pulse(), START, None
    for seconds, vitals in looks:
        now += timedelta(seconds=seconds)
        health, pulse = follow(health, pulse, vitals, now, RULES)
        assert not (health.unwell and health.condition in {WELL, UNKNOWN})
        assert health.cause == "" or health.condition not in {WELL, UNKNOWN}
        assert up is None or health.up_at == up, "once it was up it has been up"
        assert len(pulse.restarts) <= 100
        up = health.up_at
