"""What is kept of what clusters answer: since when, why, and how seldom it is written."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.support.services import databases

from sluiceway.domain.clusters import Health
from sluiceway.reconcile.hearing import WORDS_EVERY, Hearing, heard
from sluiceway.reconcile.turn import Outlook
from sluiceway.store import clusters
from sluiceway.store.database import Database

T0 = datetime(2026, 11, 28, tzinfo=UTC)
T1 = T0 + timedelta(seconds=10)
UP = Outlook(asked=True, flink_version="2.3.0")
DOWN = Outlook(asked=True, answered=False, why="no connection")


@pytest.mark.parametrize(
    ("before", "outlook", "after"),
    [
        (None, UP, Health(True, T1, "", "2.3.0")),
        (None, DOWN, Health(False, T1, "no connection", "")),
        (Health(True, T0, "", "2.3.0"), UP, Health(True, T0, "", "2.3.0")),
        (Health(True, T0, "", "2.3.0"), Outlook(asked=True), Health(True, T0, "", "2.3.0")),  # it did not say
        (Health(True, T0, "", "2.2.1"), UP, Health(True, T0, "", "2.3.0")),
        (Health(True, T0, "", "2.3.0"), DOWN, Health(False, T1, "no connection", "2.3.0")),
        (Health(False, T0, "timeout", "2.3.0"), DOWN, Health(False, T0, "no connection", "2.3.0")),
        (Health(False, T0, "timeout", "2.3.0"), UP, Health(True, T1, "", "2.3.0")),
    ],
)
def test_since_when_and_why(before: Health | None, outlook: Outlook, after: Health) -> None:
    assert heard(before, outlook, T1) == after


async def test_it_is_written_when_it_changes_and_other_words_once_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    databases.make(tmp_path / "test.db")
    db = Database(tmp_path / "test.db")
    now, written = T0, list[str]()
    note = clusters.note_health

    async def counted(to: Database, seen: Mapping[str, Health]) -> None:
        written.extend(f"{each.answers} {each.reason}".strip() for each in seen.values())
        await note(to, seen)

    monkeypatch.setattr(clusters, "note_health", counted)
    hearing = Hearing(db, lambda: now)
    for outlook in [UP, UP, DOWN, DOWN, Outlook(asked=True, answered=False, why="no answer in time"), UP, UP]:
        await hearing("c", outlook)
    assert written == ["True", "False no connection", "True"]
    now = T0 + WORDS_EVERY
    await hearing("c", DOWN)
    now += WORDS_EVERY
    await hearing("c", Outlook(asked=True, answered=False, why="no answer in time"))
    assert written[3:] == ["False no connection", "False no answer in time"]
    assert (await clusters.health(db))["c"] == Health(False, T0 + WORDS_EVERY, "no answer in time", "2.3.0")

    another = Hearing(db, lambda: now)  # of a service that has just begun
    await another("c", Outlook(asked=True, answered=False, why="no answer in time"))
    assert len(written) == 5, "it is known already"
    await db.close()


async def test_the_log_tells_of_silence_once_and_of_its_end(tmp_path: Path) -> None:
    databases.make(tmp_path / "test.db")
    now = T0
    hearing = Hearing(Database(tmp_path / "test.db"), lambda: now)
    with capture_logs() as logs:
        for seconds, outlook in [(0, UP), (2, DOWN), (2, UP), (2, DOWN), (5, DOWN), (2, DOWN), (2, UP), (2, UP)]:
            now += timedelta(seconds=seconds)
            await hearing("c", outlook)
    assert [line["event"] for line in logs] == ["cluster_silent", "cluster_answers_again"], "one lost answer is none"
