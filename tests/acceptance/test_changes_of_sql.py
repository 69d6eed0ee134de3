"""Changes of SQL: what is said of each before it is started from the state of the job before, and what Flink does."""

import asyncio
from pathlib import Path

import pytest
from tests.changes.cases import CHANGES
from tests.changes.run import Tried, run
from tests.changes.table import right, table, written
from tests.support.flink.real import RealFlink

from sluiceway.domain.fit import FitKind

pytestmark = pytest.mark.real


async def test_what_is_said_of_a_change_is_what_flink_does(real_flink: RealFlink, tmp_path: Path) -> None:
    """And the how-to says the same; `python -m tests.changes --write` writes it anew."""
    found = await asyncio.to_thread(lambda: real_flink.run(run(real_flink, tmp_path / "state", CHANGES)))
    assert len(found) >= 40
    wrong = [tried for tried in found if right(tried) is False]
    assert not [_told(tried) for tried in wrong if _fits(tried)], "never fits where Flink fails, or drops state"
    refused = [tried for tried in found if not _fits(tried) and right(tried) is not None]
    assert len([tried for tried in refused if right(tried)]) >= 0.95 * len(refused), [_told(tried) for tried in wrong]
    assert table(found) == written()


def _fits(tried: Tried) -> bool:
    return tried.fit.kind in {FitKind.SAME, FitKind.NEW_OPERATORS, FitKind.OTHER_MEANING}


def _told(tried: Tried) -> tuple[str, str, str, str, str]:
    return tried.change.base, tried.change.what, tried.fit.text, tried.outcome, tried.cause[:1000]
