"""What a job looks like before it is stopped, and what follows from that."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sluiceway.domain.engine import LastCheckpoint, RestorePoint, Survey
from sluiceway.domain.facts import JobState
from sluiceway.domain.savepoint_failure import Outcome, estimate, hazards, outcome
from sluiceway.domain.traits import Traits
from sluiceway.engines.jobmanager.rest import CheckpointInfo, Checkpoints, JobOverview, LatestCheckpoints
from sluiceway.engines.jobmanager.shapes import CheckpointConfig, Externalization, Tasks
from sluiceway.engines.session.surveys import survey_of

PATH = "file:/s/savepoint-f-1"


def stop(id_: int = 5, **fields: Any) -> CheckpointInfo:
    """A stop's own savepoint, which nobody has acknowledged."""
    shape: dict[str, Any] = {"is_savepoint": True, "status": "IN_PROGRESS", "checkpoint_type": "SYNC_SAVEPOINT"}
    return CheckpointInfo(id_, **(shape | fields))


def savepoint(id_: int, path: str = PATH, **fields: Any) -> CheckpointInfo:
    """A complete one."""
    shape: dict[str, Any] = {"is_savepoint": True, "status": "COMPLETED", "checkpoint_type": "SAVEPOINT"}
    shape["external_path"] = path
    return CheckpointInfo(id_, **(shape | fields))


def listed(*history: CheckpointInfo, **latest: CheckpointInfo) -> Checkpoints:
    return Checkpoints({}, LatestCheckpoints(**latest), list(history))


NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONFIG = CheckpointConfig(
    Externalization(),
    state_backend="ForStStateBackend",
    checkpoint_storage="JobManagerCheckpointStorage",
    timeout=5000,
    unaligned_checkpoints=True,
    checkpoints_after_tasks_finish=False,
    state_changelog_enabled=True,
)


def test_a_survey_has_the_tasks_the_operation_and_the_newest_state() -> None:
    job = JobOverview("f", "job", "RUNNING", tasks=Tasks(total=3, running=2, finished=1))
    older = savepoint(3, trigger_timestamp=1_000)
    shape: dict[str, Any] = {"end_to_end_duration": 1_500, "state_size": 40, "checkpointed_size": 10}
    newer = savepoint(4, trigger_timestamp=2_000, is_savepoint=False, **shape)
    seen = survey_of(
        job, JobState.RUNNING, listed(stop(), completed=newer, savepoint=older), CONFIG, "Restart deactivated."
    )
    assert (seen.tasks, seen.running, seen.ready, seen.batch) == (3, 2, True, False)
    assert seen.operation == "sync_savepoint"
    assert seen.checkpoint is not None
    assert seen.checkpoint.at == datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)
    assert seen.checkpoint.duration == timedelta(seconds=1.5)
    assert (seen.checkpoint.size, seen.checkpoint.written) == (40, 10)


def test_a_periodic_checkpoint_under_way_is_no_operation() -> None:
    job = JobOverview("f", "job", "RUNNING", tasks=Tasks(total=1, running=1), job_type="BATCH")
    seen = survey_of(job, JobState.RUNNING, listed(stop(is_savepoint=False, checkpoint_type="CHECKPOINT")), None, None)
    assert (seen.operation, seen.batch) == (None, True)


@pytest.mark.parametrize(
    ("kind", "state", "takes_none", "expected"),
    [
        (None, "RUNNING", True, True),
        (None, "RUNNING", False, False),
        (None, "CREATED", True, False),  # it has yet to begin
        ("STREAMING", "RUNNING", True, False),
    ],
)
def test_before_flink_2_3_a_batch_job_is_one_that_takes_no_checkpoints(
    kind: str | None, state: str, takes_none: bool, expected: bool
) -> None:
    job = JobOverview("f", "job", state, job_type=kind)
    assert survey_of(job, JobState(state), None, None, None, takes_none=takes_none).batch is expected


def test_a_survey_of_a_job_without_checkpoints_says_what_is_known() -> None:
    seen = survey_of(JobOverview("f", "job", "RESTARTING"), JobState.RESTARTING, None, None, None)
    assert (seen.state, seen.ready, seen.operation, seen.checkpoint) == (JobState.RESTARTING, False, None, None)


def test_a_survey_has_how_it_takes_checkpoints() -> None:
    job = JobOverview("f", "job", "RUNNING", tasks=Tasks(total=3, running=2, finished=1))
    last = savepoint(4, "file:/c/chk-4", trigger_timestamp=2_000, is_savepoint=False)
    failed = savepoint(5, "", status="FAILED", is_savepoint=False, failure_message="Checkpoint expired.")
    restored = savepoint(1, "file:/s/before", status="")
    seen = survey_of(
        job, JobState.RUNNING, listed(completed=last, failed=failed, restored=restored), CONFIG, "Restart deactivated."
    )
    assert seen.traits == Traits("forst", None, changelog=True, in_memory=True, after_finish=False)
    assert (seen.timeout, seen.unaligned, seen.restarts, seen.finished) == (timedelta(seconds=5), True, False, 1)
    assert seen.restore == RestorePoint("file:/c/chk-4", datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC))
    assert seen.last_failure == "Checkpoint expired."
    begun = survey_of(job, JobState.RUNNING, listed(restored=restored), None, "Restart with fixed delay (PT1S).")
    assert (begun.restore, begun.restarts) == (RestorePoint("file:/s/before", None), True)
    assert survey_of(job, JobState.RUNNING, listed(), None, "something new").restarts is None


def test_a_survey_tells_what_outlives_a_cancel() -> None:
    job = JobOverview("f", "job", "RUNNING", tasks=Tasks(total=1, running=1))
    keeps = CheckpointConfig(Externalization(enabled=True, delete_on_cancellation=False))
    last = savepoint(4, "file:/c/f/chk-4", trigger_timestamp=2_000, is_savepoint=False)
    saved = savepoint(3, "file:/s/3", trigger_timestamp=1_000)

    def seen(config: CheckpointConfig | None, **latest: Any) -> Survey:
        return survey_of(job, JobState.RUNNING, listed(**latest), config, None)

    both = seen(keeps, completed=last, savepoint=saved, restored=savepoint(1, "file:/s/1", status=""))
    assert (both.own, both.restore) == (RestorePoint("file:/c/f/chk-4", datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)),) * 2
    assert both.saved == RestorePoint("file:/s/3", datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    assert (both.began, both.retained) == (RestorePoint("file:/s/1", None), True)
    assert seen(None, completed=last).retained is None, "Flink does not tell"
    assert seen(CheckpointConfig(Externalization()), completed=last).retained is False
    back = seen(keeps, restored=savepoint(4, "file:/c/f/chk-4", status="", is_savepoint=False))
    assert (back.own, back.began) == (RestorePoint("file:/c/f/chk-4", None), None), "its JobManager has recovered"
    others = seen(keeps, restored=savepoint(1, "file:/c/other/chk-9", status="", is_savepoint=False))
    assert (others.own, others.began) == (None, RestorePoint("file:/c/other/chk-9", None))
    memory = seen(keeps, completed=savepoint(4, "<checkpoint-not-externally-addressable>", is_savepoint=False))
    assert (memory.own is not None, memory.retained) == (True, False), "it ends with its JobManager"


RUNS = Survey(JobState.RUNNING, 2, 2, ready=True, batch=False, restarts=True)
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
