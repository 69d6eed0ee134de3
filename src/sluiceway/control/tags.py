"""Tags of jobs and of resources, after they were made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sluiceway.control.errors import TooMany, UnknownJob, UnknownResource
from sluiceway.store import resource_tags
from sluiceway.store import tags as store
from sluiceway.store.database import Database

MOST: Final = 20  # of one job, or of one resource

Change = Callable[[Mapping[str, str]], Mapping[str, str]]


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
        await self._change(project, job_id, _with(tags), who)

    async def remove(self, project: str, job_id: int, tags: Sequence[tuple[str, str | None]], who: str) -> None:
        """Take tags away by key, or only where they have a certain value. Others are let be. Raises `UnknownJob`."""
        await self._change(project, job_id, _without(tags), who)

    async def _change(self, project: str, job_id: int, change: Change, who: str) -> None:
        if not await store.change_tags(self.db, project, job_id, change, self.clock(), who):
            raise UnknownJob


@dataclass(frozen=True, slots=True)
class ResourceTags:
    """The same of resources, by group and name. An empty group is none."""

    db: Database
    clock: Callable[[], datetime]

    async def show(self, project: str, group: str, name: str) -> Mapping[str, str]:
        """The tags of a resource by key. Raises `UnknownResource`."""
        found = await resource_tags.tags(self.db, project, group, name)
        if found is None:
            raise UnknownResource
        return found

    async def add(self, project: str, group: str, name: str, tags: Mapping[str, str], who: str) -> None:
        """Give a resource more tags. Raises `UnknownResource`, `TooMany`."""
        await self._change(project, group, name, _with(tags), who)

    async def remove(
        self, project: str, group: str, name: str, tags: Sequence[tuple[str, str | None]], who: str
    ) -> None:
        """Take tags away by key, or only where they have a certain value. Raises `UnknownResource`."""
        await self._change(project, group, name, _without(tags), who)

    async def _change(self, project: str, group: str, name: str, change: Change, who: str) -> None:
        if not await resource_tags.change_tags(self.db, project, group, name, change, self.clock(), who):
            raise UnknownResource


def _with(tags: Mapping[str, str]) -> Change:
    def change(before: Mapping[str, str]) -> Mapping[str, str]:
        after = {**before, **tags}
        if len(after) > MOST:
            raise TooMany
        return after

    return change


def _without(tags: Sequence[tuple[str, str | None]]) -> Change:
    def change(before: Mapping[str, str]) -> Mapping[str, str]:
        gone = {key for key, value in tags if value is None or before.get(key) == value}
        return {key: value for key, value in before.items() if key not in gone}

    return change
