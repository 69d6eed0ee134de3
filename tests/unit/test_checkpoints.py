"""How Flink's words for checkpoints, and for how a job takes them, are read."""

import asyncio
from typing import Any

import pytest

from sluiceway.domain.observed import RESTARTS, CheckpointList, CheckpointSettings, ListedCheckpoint
from sluiceway.domain.traits import Traits
from sluiceway.engines.jobmanager.rest import CheckpointConfig, CheckpointInfo, Checkpoints, LatestCheckpoints
from sluiceway.engines.jobmanager.shapes import Externalization
from sluiceway.engines.session.questions import Means, Subject, seen_checkpoints
from sluiceway.engines.session.traits import NO_INTERVAL, Configs, settings_of


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
        ({"end_to_end_duration": 5, "state_size": 9, "checkpointed_size": 3}, {"took": 5, "size": 9, "written": 3}),
        ({"failure_message": "Checkpoint expired."}, {"why": "Checkpoint expired."}),
    ],
)
def test_a_checkpoint_is_seen_as_flink_tells_it(said: dict[str, Any], seen: dict[str, Any]) -> None:
    told, line = CheckpointInfo(7, **said), ListedCheckpoint(7, **seen)
    found = seen_checkpoints(Checkpoints({}, LatestCheckpoints(told, told, told, told), [told]))
    assert found == CheckpointList([line], line, line, line, line)


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ({}, {"traits": Traits("")}),
        ({"interval": 7000}, {"interval": 7000, "traits": Traits("")}),
        ({"interval": NO_INTERVAL}, {"traits": Traits("")}),
        ({"timeout": 5, "unaligned_checkpoints": True}, {"timeout": 5, "unaligned": True, "traits": Traits("")}),
        ({"state_backend": "EmbeddedRocksDBStateBackend"}, {"traits": Traits("rocksdb")}),
        ({"state_backend": "a.b.MyBackend"}, {"traits": Traits("a.b.mybackend")}),
        ({"checkpoint_storage": "JobManagerCheckpointStorage"}, {"traits": Traits("", in_memory=True)}),
        ({"checkpoint_storage": "FileSystemCheckpointStorage"}, {"traits": Traits("", in_memory=False)}),
        (
            {"state_changelog_enabled": True, "checkpoints_after_tasks_finish": False},
            {"traits": Traits("", changelog=True, after_finish=False)},
        ),
        (
            {"externalization": Externalization(enabled=True, delete_on_cancellation=False)},
            {"externalized": True, "deleted_on_cancel": False, "traits": Traits("")},
        ),
    ],
)
def test_settings_are_seen_as_flink_tells_them(said: dict[str, Any], seen: dict[str, Any]) -> None:
    assert settings_of(CheckpointConfig(**({"externalization": Externalization()} | said))) == CheckpointSettings(
        **seen
    )


@pytest.mark.parametrize(
    ("words", "restarts"),
    [
        ("Restart deactivated.", False),
        ("Restart with fixed delay (PT1S). #3 restart attempts.", True),
        ("Cluster level default restart strategy", None),
        ("", None),
        (None, None),
    ],
)
async def test_whether_a_job_is_restarted_is_read_from_flinks_words(words: str | None, restarts: bool | None) -> None:
    class Rest:
        async def restart_strategy(self, _: str) -> str | None:
            return words

    rest: Any = Rest()
    assert await Subject(Means(rest, Configs(), asyncio.Semaphore()), "f").ask(RESTARTS) is restarts
