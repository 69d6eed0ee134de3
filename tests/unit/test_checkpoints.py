"""What a job's list of checkpoints tells of a stop, case by case."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sluiceway.domain.facts import Checkpoint
from sluiceway.engines.jobmanager.rest import CheckpointInfo, Checkpoints, LatestCheckpoints
from sluiceway.engines.session.checkpoints import (
    has_own,
    last_kept,
    moved_on_after,
    overtaken_by,
    ran_on_after,
    tells_of,
)

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


@pytest.mark.parametrize(
    ("history", "path"),
    [
        ([], None),
        ([stop()], None),
        ([savepoint(6), stop()], PATH),
        ([savepoint(7, "file:/s/newest"), savepoint(6), stop()], "file:/s/newest"),
        ([stop(), savepoint(4)], None),
        ([savepoint(6), stop(num_acknowledged_subtasks=1)], None),
        ([savepoint(6, status="IN_PROGRESS"), stop()], None),
        ([savepoint(6, status="FAILED", path=""), stop()], None),
        ([savepoint(6), stop(status="FAILED")], None),
        ([savepoint(6), stop(checkpoint_type="SAVEPOINT")], None),
    ],
    ids=[
        "no checkpoints",
        "under way",
        "overtaken",
        "overtaken twice: the newest is the last state",
        "one that was complete before the stop began",
        "its savepoint is being written",
        "the other is still being written",
        "the other failed",
        "the stop failed by itself",
        "no stop at all",
    ],
)
def test_a_stop_hangs_when_a_newer_savepoint_is_complete_and_nobody_acknowledged_its_own(
    history: list[CheckpointInfo], path: str | None
) -> None:
    assert overtaken_by(listed(*history)) == path


@pytest.mark.parametrize(
    ("found", "moved_on"),
    [
        (None, True),
        (listed(), True),
        (listed(savepoint(6)), False),
        (listed(savepoint(6), stop(5)), False),
        (listed(savepoint(6, f"{PATH}/")), False),
        (listed(savepoint(6, "file:///s/savepoint-f-1")), False),
        (listed(savepoint(6, "file:/s/another")), True),
        (listed(savepoint(7, "file:/c/chk-7"), savepoint(6)), True),
        (listed(savepoint(7, "", status="FAILED"), savepoint(6)), False),
    ],
    ids=[
        "Flink no longer tells",
        "an empty list",
        "it is the last",
        "the stop's own is older",
        "with a slash",
        "written as another URI",
        "it is not in the list",
        "a checkpoint came after it",
        "what came after it failed",
    ],
)
def test_a_job_has_moved_on_unless_the_list_shows_that_it_has_not(found: Checkpoints | None, moved_on: bool) -> None:
    assert moved_on_after(found, PATH) is moved_on


@pytest.mark.parametrize(
    ("path", "usable"),
    [
        ("file:/c/chk-7", True),
        ("s3://bucket/c/chk-7", True),
        ("<checkpoint-not-externally-addressable>", False),
        ("", False),
    ],
)
def test_a_cancel_keeps_only_a_checkpoint_that_lies_somewhere(path: str, usable: bool) -> None:
    found = listed(completed=savepoint(7, path, trigger_timestamp=1_000))
    kept = Checkpoint(path, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), retained=True)
    assert last_kept(found, retained=True) == (kept if usable else None)


def test_without_a_checkpoint_there_is_nothing_to_keep() -> None:
    assert last_kept(None, retained=True) is None
    assert last_kept(listed(savepoint=savepoint(3)), retained=True) is None, (
        "a savepoint is not the cluster's to remove"
    )


@pytest.mark.parametrize(
    ("path", "running_since", "ran_on"),
    [("file:/s/savepoint-1", 0, False), ("file:///s/savepoint-1", 999, False), ("file:/s/savepoint-1", 1000, True)],
    ids=["never restarted", "restarted before", "restarted after"],
)
def test_running_anew_counts_against_a_savepoint_only_after_it(path: str, running_since: int, ran_on: bool) -> None:
    mine = CheckpointInfo(7, is_savepoint=True, status="COMPLETED", trigger_timestamp=1000, external_path=path)
    found = Checkpoints({}, LatestCheckpoints(), [mine])
    assert ran_on_after(found, "file:/s/savepoint-1", running_since) is ran_on
    assert ran_on_after(found, "file:/s/savepoint-2", running_since) is None, "it is not listed yet"


OWN, OTHERS = "file:/c/7/" + "a" * 32 + "/chk-3", "file:/c/7/" + "b" * 32 + "/chk-9"


@pytest.mark.parametrize(
    ("found", "own"),
    [
        (listed(), False),
        (listed(completed=CheckpointInfo(3, external_path=OWN)), True),
        (listed(savepoint=savepoint(3)), False),
        (listed(restored=CheckpointInfo(3, external_path=OWN)), True),
        (listed(restored=CheckpointInfo(9, external_path=OTHERS)), False),
        (listed(restored=CheckpointInfo(3, is_savepoint=True, external_path=OWN)), False),
    ],
    ids=[
        "none",
        "listed",
        "a savepoint",
        "goes on from it",
        "was started from another run's",
        "began from a savepoint",
    ],
)
def test_a_run_has_completed_a_checkpoint_if_it_is_listed_or_was_gone_on_from(found: Checkpoints, own: bool) -> None:
    assert has_own(found, "a" * 32) == own


@pytest.mark.parametrize(
    ("history", "told"),
    [([], False), ([stop()], False), ([savepoint(4, "file:/t/savepoint-f-1")], False), ([savepoint(4)], True)],
    ids=["none", "it is under way", "another's", "its own"],
)
def test_a_list_is_from_after_a_savepoint_when_it_has_that(history: list[CheckpointInfo], told: bool) -> None:
    assert tells_of(listed(*history), "file:///any/where/s") is told
