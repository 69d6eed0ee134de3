"""Tags of jobs and of resources, after they were made."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sluiceway.control.errors import TooMany, UnknownJob, UnknownResource
from sluiceway.domain.tags import TagChange, TooManyTags
from sluiceway.store import resource_tags
from sluiceway.store import tags as store
from sluiceway.store.database import Database


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
        await self._change(project, job_id, TagChange(add=tags), who)

    async def remove(self, project: str, job_id: int, tags: Sequence[tuple[str, str | None]], who: str) -> None:
        """Remove tags by key, or only those with a certain value. Others stay. Raises `UnknownJob`."""
        await self._change(project, job_id, TagChange(remove=tags), who)

    async def _change(self, project: str, job_id: int, change: TagChange, who: str) -> None:
        with _few():
            found = await store.change_tags(self.db, project, job_id, change, self.clock(), who)
        if not found:
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
        await self._change(project, group, name, TagChange(add=tags), who)

    async def remove(
        self, project: str, group: str, name: str, tags: Sequence[tuple[str, str | None]], who: str
    ) -> None:
        """Remove tags by key, or only those with a certain value. Raises `UnknownResource`."""
        await self._change(project, group, name, TagChange(remove=tags), who)

    async def _change(self, project: str, group: str, name: str, change: TagChange, who: str) -> None:
        with _few():
            found = await resource_tags.change_tags(self.db, project, group, name, change, self.clock(), who)
        if not found:
            raise UnknownResource


@contextmanager
def _few() -> Iterator[None]:
    """Raises `TooMany` where there would be too many."""
    try:
        yield
    except TooManyTags:
        raise TooMany from None
