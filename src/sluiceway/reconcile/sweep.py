"""Retention: removing savepoints that are older or more than is to be kept, and that nobody needs."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from sluiceway.storage.errors import NotASavepoint, OnlyRead, StorageUnreadable
from sluiceway.storage.savepoints import Storage
from sluiceway.store import catalogue
from sluiceway.store.catalogue import Retention, Savepoint
from sluiceway.store.database import Database
from sluiceway.store.trouble import DatabaseUnavailable

log = structlog.get_logger()

EVERY: Final = 600.0  # seconds
PAGE: Final = 100
WHO: Final = "retention"


class Sweeper:
    """Sweeps again and again. Two services may do it at once: each savepoint is told of as removed only once."""

    def __init__(
        self,
        db: Database,
        storage: Storage,
        clock: Callable[[], datetime],
        max_age: timedelta | None,
        most: int | None,
    ) -> None:
        """`max_age` and `most` (of each job) say what is kept; None keeps all."""
        self._db = db
        self._storage = storage
        self._clock = clock
        self._max_age = max_age
        self._most = most
        self._left: set[int] = set()  # savepoints where nothing is ever removed, which was told

    async def run(self) -> None:
        """Sweep now, and then every ten minutes, until it is canceled."""
        while True:
            try:
                await self.sweep()
            except DatabaseUnavailable:
                pass  # the database has told of it
            except Exception:
                log.exception("sweep_failed")
            await asyncio.sleep(EVERY)

    async def sweep(self) -> int:
        """Remove what is beyond retention; how many it was."""
        now = self._clock()
        oldest = None if self._max_age is None else now - self._max_age
        keep, after, count = Retention(oldest, self._most), 0, 0
        while page := await catalogue.dispensable(self._db, keep, after, PAGE, now=now):
            for savepoint in page:
                count += await self._remove(savepoint)
            after = page[-1].id
        return count

    async def _remove(self, savepoint: Savepoint) -> bool:
        try:
            await self._storage.remove(savepoint.path)
        except OnlyRead as error:
            if savepoint.id not in self._left:
                log.warning("savepoint_not_removed", savepoint=savepoint.id, why=str(error))
            self._left.add(savepoint.id)
            return False
        except (NotASavepoint, StorageUnreadable) as error:
            log.warning("savepoint_not_removed", savepoint=savepoint.id, why=str(error))
            return False
        await catalogue.removed(self._db, savepoint, self._clock(), WHO)
        return True
