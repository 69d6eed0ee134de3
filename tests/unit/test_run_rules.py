"""The rule that moves a run, and the status that a job shows for its run and stop."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sluiceway.domain.commands import Submit
from sluiceway.domain.facts import Gone, JobState, Missing, RunFact, Seen, Silent, SubmitRefused, Submitted, Withdrawn
from sluiceway.domain.health import Condition, Health, told
from sluiceway.domain.job import JobStatus, standing
from sluiceway.domain.operations.stop import Stop, StopPhase
from sluiceway.domain.run import Run, RunPhase, decide

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GRACE = timedelta(seconds=30)
NEW = Run(id=1, job_id=7, flink_job_id="f" * 32, phase=RunPhase.ACCEPTED)
SENT = replace(NEW, phase=RunPhase.SUBMITTING)
TAKEN = replace(SENT, acknowledged=True)
RUNNING = replace(TAKEN, phase=RunPhase.RUNNING, started_at=NOW)
LOST = replace(RUNNING, phase=RunPhase.LOST, ended_at=NOW)

CASES: list[tuple[str, Run, RunFact, RunPhase, bool]] = [
    ("the first send", NEW, Missing(), RunPhase.SUBMITTING, True),
    ("sent again after a crash", SENT, Missing(), RunPhase.SUBMITTING, True),
    ("taken, not yet to be seen", TAKEN, Missing(), RunPhase.SUBMITTING, False),
    ("taken", SENT, Submitted(), RunPhase.SUBMITTING, False),
    ("being set up", SENT, Seen(JobState.CREATED), RunPhase.SUBMITTING, False),
    ("it runs", SENT, Seen(JobState.RUNNING), RunPhase.RUNNING, False),
    ("SQL that does not compile", SENT, SubmitRefused("no such table"), RunPhase.REJECTED, False),
    ("refused, but an earlier one may arrive", SENT, SubmitRefused("-", certain=False), RunPhase.SUBMITTING, False),
    ("withdrawn before it was sent", NEW, Withdrawn(), RunPhase.CANCELED, False),
    ("withdrawn with its cluster", SENT, Withdrawn(), RunPhase.CANCELED, False),
    ("withdrawn, but it may still arrive", SENT, Withdrawn(certain=False), RunPhase.SUBMITTING, False),
    ("no answer is not a failure", NEW, Silent("down"), RunPhase.ACCEPTED, False),
    ("the cluster that may have had it is gone", SENT, Gone("-"), RunPhase.SUBMITTING, True),
    ("it restarts", RUNNING, Seen(JobState.RESTARTING), RunPhase.RUNNING, False),
    ("it fails", RUNNING, Seen(JobState.FAILED, "boom"), RunPhase.FAILED, False),
    ("it finishes", RUNNING, Seen(JobState.FINISHED), RunPhase.FINISHED, False),
    ("canceled in Flink's page", RUNNING, Seen(JobState.CANCELED), RunPhase.CANCELED, False),
    ("not listed once", RUNNING, Missing(), RunPhase.RUNNING, False),
    ("its cluster is gone", RUNNING, Gone("-"), RunPhase.LOST, False),
    ("lost and not seen", LOST, Missing(), RunPhase.LOST, False),
    ("lost and seen again", LOST, Seen(JobState.RUNNING), RunPhase.RUNNING, False),
]


@pytest.mark.parametrize(("run", "fact", "phase", "submits"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_how_a_run_moves(run: Run, fact: RunFact, phase: RunPhase, submits: bool) -> None:
    after, command = decide(run, fact, NOW, GRACE, "life")
    assert (after.phase, command) == (phase, Submit() if submits else None)
    assert after.flink_job_id == run.flink_job_id, "the identity never changes"


def test_a_run_that_was_submitted_before_is_rejected_only_after_a_while_of_not_being_seen() -> None:
    doubted, _ = decide(SENT, SubmitRefused("no such table", certain=False), NOW, GRACE, None)
    again, command = decide(doubted, Missing(), NOW + timedelta(seconds=10), GRACE, None)
    assert command == Submit()
    late = NOW + timedelta(seconds=31)
    assert decide(again, SubmitRefused("no such table", certain=False), late, GRACE, None)[0].phase is RunPhase.REJECTED
    assert decide(again, Seen(JobState.RUNNING), late, GRACE, None)[0].phase is RunPhase.RUNNING


def test_a_run_is_lost_only_after_a_while_without_silence() -> None:
    doubted, _ = decide(RUNNING, Missing(), NOW, GRACE, None)
    silent, _ = decide(doubted, Silent("down"), NOW + timedelta(seconds=20), GRACE, None)
    again, _ = decide(silent, Missing(), NOW + timedelta(seconds=40), GRACE, None)
    assert again.phase is RunPhase.RUNNING
    assert decide(again, Missing(), NOW + timedelta(seconds=71), GRACE, None)[0].phase is RunPhase.LOST


def test_a_withdrawn_submission_that_does_not_arrive_for_a_while_is_given_up() -> None:
    waiting, command = decide(SENT, Withdrawn(certain=False), NOW, GRACE, None)
    given_up, _ = decide(waiting, Withdrawn(certain=False), NOW + timedelta(seconds=31), GRACE, None)
    assert (waiting.phase, command, given_up.phase) == (RunPhase.SUBMITTING, None, RunPhase.LOST)
    late, _ = decide(given_up, Seen(JobState.RUNNING), NOW + timedelta(seconds=60), GRACE, None)
    assert late.phase is RunPhase.RUNNING, "and it is told when it arrives all the same"


def test_a_submission_remembers_the_life_of_its_cluster() -> None:
    assert decide(NEW, Missing(), NOW, GRACE, "abc")[0].life == "abc"


def a_stop(phase: StopPhase, *, savepoint: bool = True) -> Stop:
    return Stop(
        id=1,
        job_id=7,
        flink_job_id="f" * 32,
        savepoint=savepoint,
        root="root",
        token="0" * 32,
        phase=phase,
        deadline=NOW,
        reason="because",
    )


STANDINGS: list[tuple[Run | None, Stop | None, JobStatus]] = [
    (None, None, JobStatus.DRAFT),
    (NEW, None, JobStatus.SUBMITTING),
    (RUNNING, None, JobStatus.RUNNING),
    (replace(SENT, phase=RunPhase.REJECTED), None, JobStatus.SUBMIT_FAILED),
    (replace(RUNNING, phase=RunPhase.FINISHED), None, JobStatus.FINISHED),
    (replace(RUNNING, phase=RunPhase.CANCELED), None, JobStatus.STOPPED),
    (LOST, None, JobStatus.FAILED),
    (RUNNING, a_stop(StopPhase.WAITING), JobStatus.SAVEPOINTING),
    (RUNNING, a_stop(StopPhase.WAITING, savepoint=False), JobStatus.CANCELING),
    (RUNNING, a_stop(StopPhase.ENDING), JobStatus.CANCELING),
    (RUNNING, a_stop(StopPhase.OVERDUE), JobStatus.STOP_FAILED),
    (RUNNING, a_stop(StopPhase.FAILED), JobStatus.STOP_FAILED),
    (replace(RUNNING, phase=RunPhase.FINISHED), a_stop(StopPhase.FAILED), JobStatus.FINISHED),
    (replace(RUNNING, phase=RunPhase.FINISHED), a_stop(StopPhase.STOPPED), JobStatus.STOPPED),
    (replace(RUNNING, phase=RunPhase.FINISHED), a_stop(StopPhase.ENDED), JobStatus.FINISHED),
    (replace(RUNNING, phase=RunPhase.CANCELED), a_stop(StopPhase.ENDED), JobStatus.FAILED),
    (LOST, a_stop(StopPhase.LOST), JobStatus.FAILED),
    (LOST, a_stop(StopPhase.STOPPED), JobStatus.STOPPED),
]


@pytest.mark.parametrize(("run", "stop", "status"), STANDINGS)
def test_the_status_that_a_job_shows(run: Run | None, stop: Stop | None, status: JobStatus) -> None:
    assert standing(run, stop).status is status


LOOPS = Health(Condition.RESTARTING, NOW, tasks=2, restarts=3, cause="java.lang.ArithmeticException: / by zero")
AILS = replace(RUNNING, health=LOOPS)


@pytest.mark.parametrize("phase", [StopPhase.WAITING, StopPhase.FAILED, StopPhase.OVERDUE])
def test_a_stop_that_may_be_the_last_word_for_long_hides_nothing_that_ails_the_job(phase: StopPhase) -> None:
    said = standing(AILS, a_stop(phase)).why
    assert said == f"because {told(LOOPS)}"
    assert standing(replace(AILS, health=Health(Condition.RUNNING, NOW)), a_stop(phase)).why == "because"
    assert standing(replace(AILS, note="Two jobs did not start."), a_stop(phase)).why.endswith(
        " Two jobs did not start."
    )


def test_what_ails_a_job_is_told_once() -> None:
    failed = replace(a_stop(StopPhase.FAILED), reason=f"{told(LOOPS)} Nothing was sent.")
    assert standing(AILS, failed).why == failed.reason
    later = standing(replace(AILS, health=replace(LOOPS, restarts=9)), failed).why
    assert later.startswith(failed.reason)
    assert "at least 9 restarts" in later
    assert later.count("/ by zero") == 1
