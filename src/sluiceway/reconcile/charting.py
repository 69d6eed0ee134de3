"""Learns what jobs read and write, so that people can choose them by it: each run is asked about once in its life.

It is no part of a turn: nothing waits for it, and no stop may be held up by it. Two services may ask about the same
run; what comes first is kept.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from sluiceway.domain.engine import Engine, Unreachable
from sluiceway.domain.place import Place
from sluiceway.domain.tables import Tables
from sluiceway.store import tables
from sluiceway.store.database import Database
from sluiceway.store.tables import Uncharted
from sluiceway.store.trouble import DatabaseUnavailable

log = structlog.get_logger()

EVERY: Final = 2.0  # seconds
MOST: Final = 100  # runs that are asked about at once
AT_ONCE: Final = 4  # requests
AGAIN: Final = 15  # rounds before a run is asked about anew that gave no answer


class Charting:
    """Asks again and again about runs that began since."""

    def __init__(self, db: Database, engine: Engine, locate: Callable[[str], Place | None]) -> None:
        """`locate` tells where a cluster is now."""
        self._db = db
        self._engine = engine
        self._locate = locate
        self._after = 0  # all runs up to this one are known, or wait
        self._waiting: dict[int, int] = {}  # runs by id, with the round in which to ask
        self._round = 0

    async def run(self) -> None:
        """Ask now, and then every two seconds, until it is canceled."""
        while True:
            try:
                await self.ask()
            except DatabaseUnavailable:
                pass  # the database has told of it
            except Exception:
                log.exception("tables_unread")
            await asyncio.sleep(EVERY)

    async def ask(self) -> int:
        """Ask about some runs; of how many it is known now."""
        self._round += 1
        for new in await tables.uncharted(self._db, self._after):
            self._waiting[new.run_id] = self._round
            self._after = max(self._after, new.run_id)
        due = [run for run, at in self._waiting.items() if at <= self._round][:MOST]
        if not due:
            return 0
        there = await tables.still_uncharted(self._db, due)
        learned = await self._learn(there)
        await tables.keep(self._db, learned)
        for run in due:
            del self._waiting[run]
        for each in there:
            if each.run_id not in learned:
                self._waiting[each.run_id] = self._round + (AGAIN if each.begun else 1)
        return len(learned)

    async def _learn(self, there: Sequence[Uncharted]) -> dict[int, Tables]:
        gate = asyncio.Semaphore(AT_ONCE)
        begun = [each for each in there if each.begun]
        answers = await asyncio.gather(*(self._of(each, gate) for each in begun))
        return {each.run_id: found for each, found in zip(begun, answers, strict=True) if found is not None}

    async def _of(self, run: Uncharted, gate: asyncio.Semaphore) -> Tables | None:
        place = self._locate(run.cluster)
        if place is None:
            return None
        async with gate:
            try:
                return await self._engine.tables(place, run.flink_job_id)
            except Unreachable:
                return None
