"""How Flink's list of checkpoints is read, word by word."""

from typing import Any

import pytest

from sluiceway.domain.observed import ListedCheckpoint
from sluiceway.engines.jobmanager.rest import CheckpointInfo, Checkpoints, LatestCheckpoints
from sluiceway.engines.session.questions import seen_checkpoints


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ({"checkpoint_type": "SYNC_SAVEPOINT", "status": "IN_PROGRESS"}, {"of_stop": True, "under_way": True}),
        ({"checkpoint_type": "SAVEPOINT", "status": "IN_PROGRESS"}, {"under_way": True}),
        ({"checkpoint_type": "CHECKPOINT", "status": "COMPLETED"}, {"complete": True}),
        ({"checkpoint_type": "SAVEPOINT", "status": "FAILED"}, {}),
        ({"is_savepoint": True, "num_acknowledged_subtasks": 3}, {"is_savepoint": True, "acknowledged": 3}),
        ({"trigger_timestamp": 5, "restore_timestamp": 7}, {"triggered": 5, "restored": 7}),
        ({"external_path": "file:/c/chk-7"}, {"path": "file:/c/chk-7"}),
    ],
)
def test_a_checkpoint_is_seen_as_flink_tells_it(said: dict[str, Any], seen: dict[str, Any]) -> None:
    told, line = CheckpointInfo(7, **said), ListedCheckpoint(7, **seen)
    found = seen_checkpoints(Checkpoints({}, LatestCheckpoints(told, told, None, told), [told]))
    assert (list(found.history), found.completed, found.savepoint, found.restored) == ([line], line, line, line)
