"""Taking savepoints of jobs that run on: every job gets its verdict, and what is accepted is stored first."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sluiceway.control.errors import UnusablePath
from sluiceway.control.queues import Queues
from sluiceway.domain.admission import UNKNOWN
from sluiceway.domain.judging import Reach
from sluiceway.domain.orders import Placed, SaveOrder
from sluiceway.storage.errors import BadPath
from sluiceway.storage.savepoints import Storage
from sluiceway.store import saves
from sluiceway.store.database import Database
from sluiceway.store.saves import SaveMeans


@dataclass(frozen=True, slots=True)
class TakeSavepoints:
    """The use case. Call it; it answers as soon as the intent is stored."""

    db: Database
    queues: Queues
    storage: Storage
    clock: Callable[[], datetime]
    timeout: timedelta

    async def __call__(self, order: SaveOrder) -> Placed:
        """Accept a savepoint of each job that runs, and of which nothing else is being saved or stopped.

        Raises `UnusablePath`.
        """
        triggers = {job: secrets.token_hex(16) for job in dict.fromkeys(order.jobs)}
        target = None if order.path is None else self._target(order.path)
        means = SaveMeans(self.timeout, self.storage.uri, self.clock(), triggers, target)
        verdicts, clusters = await saves.accept(self.db, order, Reach(frozenset(self.queues.names)), means)
        self.queues.wake(clusters)
        return Placed(None, order.jobs, {job: verdicts.get(job, UNKNOWN) for job in triggers})

    def _target(self, path: str) -> str:
        try:
            directory = self.storage.target(path)
        except BadPath as error:
            raise UnusablePath(str(error)) from error
        if self.storage.owner(directory) is not None:
            # What lies there counts as state of the job that it is named after.
            raise UnusablePath(f"{path} is among the service's own directories; name another, or none.")
        return directory
