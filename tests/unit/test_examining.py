"""What ails a job, from what its cluster answers beyond the list."""

from dataclasses import replace

import pytest
from tests.support.doubles.answers import NO, Answers, weigh

from sluiceway.domain.examining import WINDOW, weigh_exam
from sluiceway.domain.facts import JobState
from sluiceway.domain.health import Condition, Exam, Health, Proof, Vitals
from sluiceway.domain.observed import (
    CHECKPOINTS,
    FAILURES,
    SETTINGS,
    WIDTHS,
    CheckpointList,
    CheckpointSettings,
    Failures,
    ListedCheckpoint,
)
from sluiceway.domain.run import Run, RunPhase

KNOWN = Health(condition=Condition.RUNNING, proof=Proof.NONE)
RUN = Run(1, 7, "a" * 32, RunPhase.RUNNING, acknowledged=True, health=KNOWN)
WELL = Vitals(JobState.RUNNING, 4, 4)
LOOPS = Vitals(JobState.RESTARTING, 4, 0)
WAITS = Vitals(JobState.RUNNING, 4, 0, scheduled=4)
CREATED = Vitals(JobState.CREATED, 4, 0)
FAILED = Failures([9 * WINDOW, 9 * WINDOW - 5, 8 * WINDOW], "/ by zero")
NEVER = Failures([], "")
FIRST: Answers = {
    SETTINGS: CheckpointSettings(7000),
    CHECKPOINTS: CheckpointList(completed=ListedCheckpoint(1, "file:/c/chk-1", complete=True)),
}


@pytest.mark.parametrize(
    ("health", "seen", "free", "answers", "exam"),
    [
        (KNOWN, WELL, None, {}, Exam(proof=Proof.NONE)),
        (Health(), WELL, None, FIRST, Exam(proof=Proof.GIVEN)),
        (Health(), WELL, None, {SETTINGS: NO}, None),
        (KNOWN, LOOPS, None, {FAILURES: FAILED}, Exam("/ by zero", 2, proof=Proof.NONE)),
        (KNOWN, LOOPS, None, {FAILURES: NO}, None),
        (replace(KNOWN, condition=Condition.RESTARTING), WELL, 9, {FAILURES: NEVER}, Exam("", 0, proof=Proof.NONE)),
        (KNOWN, WAITS, 1, {FAILURES: NEVER, WIDTHS: [1, 3]}, Exam("", 0, 3, 1, Proof.NONE)),
        (KNOWN, replace(WAITS, scheduled=2), 1, {FAILURES: NEVER, WIDTHS: [1, 3]}, Exam("", 0, 2, 1, Proof.NONE)),
        (KNOWN, WAITS, None, {FAILURES: NEVER}, Exam("", 0, proof=Proof.NONE)),
        (KNOWN, WAITS, 1, {FAILURES: NEVER, WIDTHS: None}, Exam("", 0, proof=Proof.NONE)),
        (KNOWN, WAITS, 1, {FAILURES: NEVER, WIDTHS: []}, Exam("", 0, proof=Proof.NONE)),
        (KNOWN, WAITS, 1, {FAILURES: NEVER, WIDTHS: NO}, None),
        (Health(), CREATED, 1, {FAILURES: NEVER, WIDTHS: [4]}, Exam("", 0, 4, 1, Proof.UNKNOWN)),
    ],
    ids=[
        "it does its work",
        "its first checkpoint",
        "it does not say how it takes checkpoints",
        "it fails again and again",
        "it does not say why",
        "it runs again, and nobody knows for how long",
        "it lacks slots",
        "it has some of them",
        "nobody knows how many are free",
        "its graph is not known",
        "its graph is empty",
        "its graph is not answered",
        "it has only been created",
    ],
)
def test_an_exam_says_what_ails_a_job(
    health: Health, seen: Vitals, free: int | None, answers: Answers, exam: Exam | None
) -> None:
    told, asked = weigh(weigh_exam(replace(RUN, health=health), seen, free), answers)
    assert told == exam
    assert asked == list(answers), "it asks no more than it needs"


@pytest.mark.parametrize(
    ("exam", "short"),
    [(Exam(), False), (Exam(slots_wanted=2, slots_free=1), True), (Exam(slots_wanted=2, slots_free=2), False)],
)
def test_a_cluster_is_short_of_slots_where_it_has_fewer_than_a_job_lacks(exam: Exam, short: bool) -> None:
    assert exam.short is short
