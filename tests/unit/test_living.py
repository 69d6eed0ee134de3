"""What is told of single jobs: one of which nobody can tell hides no other, and is not taken for one that is over."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

import pytest

from sluiceway.domain.adoption import Stranger
from sluiceway.domain.engine import Unreachable
from sluiceway.domain.facts import JobState
from sluiceway.domain.place import Place
from sluiceway.engines.jobmanager.jobmanagers import JobManagers
from sluiceway.engines.jobmanager.shapes import JobOverview
from sluiceway.engines.session.engine import SessionEngine

JID = "a" * 32
AT = datetime(2026, 1, 1, tzinfo=UTC)


class Cluster:
    """It lists one job, or none, and tells one state when it is asked."""

    def __init__(self, listed: str | None, state: JobState | Exception | None) -> None:
        self._listed, self._state = listed, state

    def at(self, _: Place) -> "Cluster":
        return self

    async def jobs(self, _: object) -> list[JobOverview]:
        began = int(AT.timestamp() * 1000)
        return [] if self._listed is None else [JobOverview(JID, "orders", self._listed, start_time=began)]

    async def job_state(self, _: str) -> JobState | None:
        if isinstance(self._state, Exception):
            raise self._state
        return self._state


UNLISTED = Stranger(JID, "")
TOLD: list[tuple[str, str | None, JobState | Exception | None, Mapping[str, Stranger | None]]] = [
    ("it is listed, and lives", "RUNNING", None, {JID: Stranger(JID, "orders", AT)}),
    ("it is listed, and over", "FINISHED", None, {}),
    ("the list leaves it out", None, JobState.RUNNING, {JID: UNLISTED}),
    ("it is not there", None, None, {}),
    ("it is over, and no longer listed", None, JobState.CANCELED, {}),
    ("its line contradicts itself, and it lives", "(contradictory)", JobState.RUNNING, {JID: UNLISTED}),
    ("its line contradicts itself, and it is over", "(contradictory)", JobState.FINISHED, {}),
    ("it gives no answer", None, Unreachable("It is silent."), {JID: None}),
]


@pytest.mark.parametrize(("listed", "state", "told"), [row[1:] for row in TOLD], ids=[row[0] for row in TOLD])
async def test_a_job_lives_is_over_or_nobody_can_tell(
    listed: str | None, state: JobState | Exception | None, told: Mapping[str, Stranger | None]
) -> None:
    engine = SessionEngine(cast("JobManagers", Cluster(listed, state)), cast("object", None))  # type: ignore[arg-type]
    assert await engine.living(cast("Place", None), [JID]) == told
