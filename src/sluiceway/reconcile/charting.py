"""Learns what jobs read and write, so that people can choose them by it: each run is asked about once in its life.

It is no part of a turn: nothing waits for it, and no stop may be held up by it. While stops are under way on a cluster,
nothing is asked there. Two services may ask about the same run; what comes first is kept.
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
LATER: Final = 5  # rounds before a run is thought of anew whose cluster has stops to do


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
        fresh, self._after = await tables.uncharted(self._db, self._after, MOST)
        due = [run for run, at in self._waiting.items() if at <= self._round][: MOST - len(fresh)]
        self._waiting |= {each.run_id: self._round for each in fresh}  # should what follows fail
        there = fresh + (await tables.still_uncharted(self._db, due) if due else [])
        learned = await self._learn([each for each in there if each.begun and not each.stopping])
        await tables.keep(self._db, learned)
        for run in (*due, *(each.run_id for each in fresh)):
            del self._waiting[run]
        self._waiting |= {e.run_id: self._round + _pause(e) for e in there if e.run_id not in learned}
        return len(learned)

    async def _learn(self, asked: Sequence[Uncharted]) -> dict[int, Tables]:
        gate = asyncio.Semaphore(AT_ONCE)
        answers = await asyncio.gather(*(self._of(each, gate) for each in asked))
        return {each.run_id: found for each, found in zip(asked, answers, strict=True) if found is not None}

    async def _of(self, run: Uncharted, gate: asyncio.Semaphore) -> Tables | None:
        place = self._locate(run.cluster)
        if place is None:
            return None
        async with gate:
            try:
                return await self._engine.tables(place, run.flink_job_id)
            except Unreachable:
                return None


def _pause(run: Uncharted) -> int:
    """Rounds until a run of which nothing was learned is due again."""
    if run.stopping:
        return LATER
    return AGAIN if run.begun else 1
