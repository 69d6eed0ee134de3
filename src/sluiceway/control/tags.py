"""Tags of jobs, after they were made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sluiceway.control.errors import TooMany, UnknownJob
from sluiceway.store import tags as store
from sluiceway.store.database import Database

MOST: Final = 20  # of one job


@dataclass(frozen=True, slots=True)
class Tags:
    """The use cases around tags. They go with a job in any status, and touch nothing else of it."""

    db: Database
    clock: Callable[[], datetime]

    async def show(self, project: str, job_id: int) -> Mapping[str, str]:
        """The tags of a job by key. Raises `UnknownJob`."""
        found = await store.tags(self.db, project, job_id)
        if found is None:
            raise UnknownJob
        return found

    async def add(self, project: str, job_id: int, tags: Mapping[str, str], who: str) -> None:
        """Give a job more tags; a key that it has gets the new value. Raises `UnknownJob`, `TooMany`."""

        def change(before: Mapping[str, str]) -> Mapping[str, str]:
            after = {**before, **tags}
            if len(after) > MOST:
                raise TooMany
            return after

        await self._change(project, job_id, change, who)

    async def remove(self, project: str, job_id: int, tags: Sequence[tuple[str, str | None]], who: str) -> None:
        """Take tags away by key, or only where they have a certain value. Others are let be. Raises `UnknownJob`."""

        def change(before: Mapping[str, str]) -> Mapping[str, str]:
            gone = {key for key, value in tags if value is None or before.get(key) == value}
            return {key: value for key, value in before.items() if key not in gone}

        await self._change(project, job_id, change, who)

    async def _change(
        self, project: str, job_id: int, change: Callable[[Mapping[str, str]], Mapping[str, str]], who: str
    ) -> None:
        if not await store.change_tags(self.db, project, job_id, change, self.clock(), who):
            raise UnknownJob
