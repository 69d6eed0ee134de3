"""What a job looks like before it is stopped, and what follows from that."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.doubles.answers import NO, Answers, weigh

from sluiceway.domain.engine import LastCheckpoint, RestorePoint, Survey
from sluiceway.domain.facts import JobState
from sluiceway.domain.observed import (
    CHECKPOINTS,
    RESTARTS,
    SETTINGS,
    CheckpointList,
    CheckpointSettings,
    ListedCheckpoint,
    ListedJob,
)
from sluiceway.domain.savepoint_failure import Outcome, estimate, hazards, outcome
from sluiceway.domain.surveying import weigh_survey
from sluiceway.domain.traits import UNKNOWN, Traits

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUNNING = JobState.RUNNING
TRAITS = Traits("forst", None, changelog=True, in_memory=True, after_finish=False)
SETTINGS_OF_IT = CheckpointSettings(7000, timeout=5000, unaligned=True, traits=TRAITS)
NOTHING: Answers = {CHECKPOINTS: NO, SETTINGS: NO, RESTARTS: NO}
JOB = ListedJob(RUNNING, "RUNNING", 3, 2, 1)


def savepoint(id_: int, path: str = "file:/s/savepoint-f-1", **fields: Any) -> ListedCheckpoint:
    """A complete one."""
    return ListedCheckpoint(id_, path, **({"is_savepoint": True, "complete": True} | fields))


def checkpoint_at(id_: int, path: str, **fields: Any) -> ListedCheckpoint:
    return savepoint(id_, path, **({"is_savepoint": False} | fields))


def at(seconds: int) -> datetime:
    return datetime(1970, 1, 1, 0, 0, seconds, tzinfo=UTC)


def survey_of(job: ListedJob = JOB, answers: Answers = NOTHING) -> Survey:
    """The survey; what `answers` leaves out gives no answer."""
    return weigh(weigh_survey(job, job.state or RUNNING, "f"), {**NOTHING, **answers})[0]


@pytest.mark.parametrize(
    ("tasks", "running", "finished", "ready"),
    [(2, 2, 0, True), (2, 1, 1, True), (2, 1, 0, False), (2, 0, 0, False), (2, 0, 2, False), (0, 0, 0, False)],
)
def test_a_job_is_ready_when_all_its_tasks_run_or_have_finished_and_some_run(
    tasks: int, running: int, finished: int, ready: bool
) -> None:
    assert ListedJob(RUNNING, "RUNNING", tasks, running, finished).ready is ready
    assert not ListedJob(JobState.RESTARTING, "RESTARTING", tasks, running, finished).ready


def test_a_survey_has_the_tasks_the_operation_and_the_newest_state() -> None:
    newer = checkpoint_at(4, "file:/c/chk-4", triggered=2_000, took=1_500, size=40, written=10)
    stop = ListedCheckpoint(5, is_savepoint=True, of_stop=True, under_way=True)
    found = CheckpointList([stop], newer, savepoint(3, triggered=1_000))
    seen = survey_of(JOB, {CHECKPOINTS: found})
    assert (seen.tasks, seen.running, seen.finished, seen.ready, seen.batch) == (3, 2, 1, True, False)
    assert seen.operation == "sync_savepoint"
    assert seen.checkpoint == LastCheckpoint(at(2), timedelta(seconds=1.5), 40, 10)


def test_only_a_savepoint_under_way_is_an_operation() -> None:
    periodic = ListedCheckpoint(5, under_way=True)
    assert survey_of(JOB, {CHECKPOINTS: CheckpointList([periodic, savepoint(4)])}).operation is None
    ours = replace(periodic, is_savepoint=True)
    assert survey_of(JOB, {CHECKPOINTS: CheckpointList([periodic, ours])}).operation == "savepoint"


@pytest.mark.parametrize(
    ("told", "state", "settings", "batch"),
    [
        (True, "RUNNING", NO, True),
        (False, "RUNNING", None, False),
        (None, "RUNNING", None, True),
        (None, "RUNNING", NO, False),
        (None, "CREATED", None, False),  # it has yet to begin
    ],
)
def test_before_flink_2_3_a_batch_job_is_one_that_takes_no_checkpoints(
    told: bool | None, state: str, settings: object, batch: bool
) -> None:
    job = ListedJob(JobState(state), state, batch=told)
    assert survey_of(job, {SETTINGS: settings}).batch is batch


def test_a_survey_of_a_job_of_which_nothing_is_answered_says_what_the_list_does() -> None:
    seen = survey_of(ListedJob(JobState.RESTARTING, "RESTARTING"))
    assert seen == Survey(JobState.RESTARTING, 0, 0, ready=False, batch=False, traits=UNKNOWN)


def test_a_survey_has_how_it_takes_checkpoints() -> None:
    last = checkpoint_at(4, "file:/c/chk-4", triggered=2_000)
    failed = ListedCheckpoint(5, why="Checkpoint expired.")
    restored = ListedCheckpoint(1, "file:/s/before", is_savepoint=True)
    found = CheckpointList((), last, restored=restored, failed=failed)
    seen = survey_of(JOB, {CHECKPOINTS: found, SETTINGS: SETTINGS_OF_IT, RESTARTS: False})
    assert (seen.traits, seen.timeout, seen.unaligned) == (TRAITS, timedelta(seconds=5), True)
    assert (seen.restarts, seen.restore) == (False, RestorePoint("file:/c/chk-4", at(2)))
    assert seen.last_failure == "Checkpoint expired."
    begun = survey_of(JOB, {CHECKPOINTS: CheckpointList(restored=restored), RESTARTS: True})
    assert (begun.restore, begun.restarts) == (RestorePoint("file:/s/before", None), True)


@pytest.mark.parametrize(
    ("failed", "told"),
    [
        (ListedCheckpoint(5, why="x" * 400), "x" * 299 + "…"),
        (ListedCheckpoint(5), "Flink does not say why."),
        (ListedCheckpoint(3, why="no"), ""),  # one was complete after it
        (ListedCheckpoint(5, why="no", is_savepoint=True), ""),
        (None, ""),
    ],
)
def test_the_last_failure_counts_until_a_checkpoint_is_complete_after_it(
    failed: ListedCheckpoint | None, told: str
) -> None:
    found = CheckpointList((), checkpoint_at(4, "file:/c/chk-4"), failed=failed)
    assert survey_of(JOB, {CHECKPOINTS: found}).last_failure == told


KEEPS = CheckpointSettings(7000, externalized=True, deleted_on_cancel=False)
LAST = checkpoint_at(4, "file:/c/f/chk-4", triggered=2_000)
IN_MEMORY = replace(LAST, path="<checkpoint-not-externally-addressable>")


@pytest.mark.parametrize(
    ("settings", "last", "retained"),
    [
        (KEEPS, LAST, True),
        (NO, LAST, None),
        (CheckpointSettings(), LAST, False),
        (KEEPS, IN_MEMORY, False),
        (KEEPS, None, True),
    ],
    ids=["kept", "Flink does not tell", "deleted", "it ends with its JobManager", "none yet"],
)
def test_a_survey_tells_what_outlives_a_cancel(
    settings: object, last: ListedCheckpoint | None, retained: bool | None
) -> None:
    seen = survey_of(JOB, {CHECKPOINTS: CheckpointList((), last), SETTINGS: settings})
    assert (seen.retained, seen.own is None) == (retained, last is None)


def test_a_survey_tells_what_the_job_would_go_on_from() -> None:
    def seen(**latest: Any) -> Survey:
        return survey_of(JOB, {CHECKPOINTS: CheckpointList(**latest)})

    both = seen(
        completed=LAST, savepoint=savepoint(3, "file:/s/3", triggered=1_000), restored=savepoint(1, "file:/s/1")
    )
    assert (both.own, both.restore) == (RestorePoint("file:/c/f/chk-4", at(2)),) * 2
    assert (both.saved, both.began) == (RestorePoint("file:/s/3", at(1)), RestorePoint("file:/s/1", None))
    back = seen(restored=checkpoint_at(4, "file:/c/f/chk-4"))
    assert (back.own, back.began) == (RestorePoint("file:/c/f/chk-4", None), None), "its JobManager has recovered"
    others = seen(restored=checkpoint_at(1, "file:/c/other/chk-9"))
    assert (others.own, others.began) == (None, RestorePoint("file:/c/other/chk-9", None))


RUNS = Survey(RUNNING, 2, 2, ready=True, batch=False, restarts=True)
FROM = replace(RUNS, own=RestorePoint("file:/c/chk-4", NOW - timedelta(seconds=90)))


@pytest.mark.parametrize(
    ("survey", "expected", "told"),
    [
        (replace(FROM, batch=True), Outcome.RUNS_ON, "runs on"),
        (replace(FROM, ready=False), Outcome.RUNS_ON, "runs on"),
        (replace(FROM, finished=1, traits=Traits(after_finish=False)), Outcome.RUNS_ON, "runs on"),
        (replace(FROM, finished=1, traits=Traits(after_finish=True)), Outcome.RESTARTS_FROM_CHECKPOINT, "90 s old"),
        (FROM, Outcome.RESTARTS_FROM_CHECKPOINT, "file:/c/chk-4, 90 s old"),
        (replace(RUNS, began=RestorePoint("file:/s", None)), Outcome.RESTARTS_FROM_CHECKPOINT, "file:/s."),
        (RUNS, Outcome.RESTARTS_FROM_NOTHING, "Its state is lost"),
        (replace(FROM, restarts=False), Outcome.ENDS, "not restarted"),
        (replace(FROM, restarts=None), Outcome.UNKNOWN, "does not say"),
    ],
)
def test_what_a_failing_savepoint_would_do(survey: Survey, expected: Outcome, told: str) -> None:
    found, words = outcome(survey, NOW)
    assert found is expected
    assert told in words


def checkpoint(seconds: float, size: int = 100, written: int = 100) -> LastCheckpoint:
    return LastCheckpoint(NOW, timedelta(seconds=seconds), size, written)


@pytest.mark.parametrize(
    ("survey", "seconds"),
    [
        (RUNS, None),
        (replace(RUNS, checkpoint=checkpoint(2.0)), 2.0),
        (replace(RUNS, checkpoint=checkpoint(2.0, 400, 100)), 8.0),
        (replace(RUNS, checkpoint=checkpoint(2.0, 400, 0)), 2.0),
        (replace(RUNS, checkpoint=checkpoint(0.03), unaligned=True), None),
        (replace(RUNS, checkpoint=checkpoint(0.03), savepoint=checkpoint(7.0), unaligned=True), 7.0),
    ],
)
def test_an_unaligned_checkpoint_is_no_estimate(survey: Survey, seconds: float | None) -> None:
    assert estimate(survey) == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("survey", "told"),
    [
        (RUNS, ""),
        (replace(RUNS, traits=Traits(in_memory=True)), "no directory for checkpoints"),
        (replace(RUNS, traits=Traits(in_memory=True), checkpoint=checkpoint(1.0, 6_000_000)), "no directory"),
        (replace(RUNS, traits=Traits(in_memory=True), checkpoint=checkpoint(1.0)), ""),
        (replace(RUNS, traits=Traits(in_memory=False)), ""),
        (replace(RUNS, checkpoint=checkpoint(8.6), timeout=timedelta(seconds=5)), "expires after 5.0 s"),
        (replace(RUNS, checkpoint=checkpoint(2.0), timeout=timedelta(seconds=5)), ""),
        (replace(RUNS, last_failure="Checkpoint expired."), "Checkpoint expired."),
    ],
)
def test_what_makes_a_savepoint_likely_to_fail(survey: Survey, told: str) -> None:
    found = hazards(survey)
    assert bool(found) == bool(told)
    assert told in " ".join(found)
