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

HEAD = 4  # lines of the table above its rows


async def test_what_is_said_of_a_change_is_what_flink_does(real_flink: RealFlink, tmp_path: Path) -> None:
    """And the how-to says the same; `python -m tests.changes --write` writes it anew."""
    found = await asyncio.to_thread(lambda: real_flink.run(run(real_flink, tmp_path / "state", CHANGES)))
    for number in range(2):
        found = await asyncio.to_thread(_again, found, tmp_path / f"again-{number}")
    assert len(found) >= 40
    wrong = [tried for tried in found if right(tried) is False]
    assert not [_told(tried) for tried in wrong if _fits(tried)], "never fits where Flink fails, or drops state"
    refused = [tried for tried in found if not _fits(tried) and right(tried) is not None]
    assert len([tried for tried in refused if right(tried)]) >= 0.95 * len(refused), [_told(tried) for tried in wrong]
    assert table(found) == written()


def _again(found: list[Tried], root: Path) -> list[Tried]:
    """Try once more, on another cluster and from other savepoints, what has come out otherwise than the page says.

    A window of processing time that closes while its savepoint is taken leaves no state behind.
    """
    rows = zip(found, table(found).splitlines()[HEAD:], written().splitlines()[HEAD:], strict=False)
    odd = [tried.change for tried, now, before in rows if now != before]
    if not odd:
        return found
    flink = RealFlink(root / "flink").start()
    try:
        anew = {_named(tried): tried for tried in flink.run(run(flink, root / "state", odd))}
    finally:
        flink.stop()
    return [anew.get(_named(tried), tried) for tried in found]


def _named(tried: Tried) -> tuple[str, str]:
    return tried.change.base, tried.change.what


def _fits(tried: Tried) -> bool:
    return tried.fit.kind in {FitKind.SAME, FitKind.NEW_OPERATORS, FitKind.OTHER_MEANING}


def _told(tried: Tried) -> tuple[str, str, str, str, str]:
    return tried.change.base, tried.change.what, tried.fit.text, tried.outcome, tried.cause[:1000]
