"""Read-only queries: jobs, their graphs, stops and ways back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sluiceway.control import selecting
from sluiceway.control.errors import Gap, NoGraph, UnknownBatch, UnknownJob, UnknownResume
from sluiceway.control.queues import Queues, unregistered
from sluiceway.domain.batch import Kind
from sluiceway.domain.engine import Engine, Unreachable
from sluiceway.domain.job import Job, JobLine
from sluiceway.domain.selection import Selection
from sluiceway.store import audit, back_views, batch_views, fares, job_pages, move_views, stories, views
from sluiceway.store.audit import ALL, Event, Sought
from sluiceway.store.back_views import Resume
from sluiceway.store.batch_views import Batch, BatchEntry
from sluiceway.store.database import Database
from sluiceway.store.fares import Fare, Which
from sluiceway.store.move_views import Move
from sluiceway.store.pages import Sized
from sluiceway.store.stories import Story
from sluiceway.store.views import JobFilter

__all__ = ["JobFilter", "Queries"]

Graph = dict[str, object]


@dataclass(frozen=True, slots=True)
class Queries:
    """The use cases that only read."""

    db: Database
    queues: Queues
    engine: Engine

    async def job(self, project: str, job_id: int) -> Job:
        """One job. Raises `UnknownJob`."""
        job = await views.job(self.db, project, job_id)
        if job is None:
            raise UnknownJob
        return job

    async def jobs(
        self, project: str, where: JobFilter, *, offset: int, limit: int, descending: bool
    ) -> tuple[int, Sequence[JobLine]]:
        """How many jobs match, and one page of them by time of creation."""
        return await job_pages.job_list(self.db, project, where, offset=offset, limit=limit, descending=descending)

    async def job_sizes(
        self, project: str, where: JobFilter, *, offset: int, limit: int, descending: bool
    ) -> tuple[int, Sequence[Sized]]:
        """The same page as ids and sizes; `jobs_of` then reads the whole jobs."""
        return await job_pages.job_sizes(self.db, project, where, offset=offset, limit=limit, descending=descending)

    async def jobs_of(self, project: str, job_ids: Sequence[int]) -> Sequence[Job]:
        """The jobs with these ids, in their order, without those that are gone."""
        return await job_pages.jobs_of(self.db, project, job_ids)

    async def moves(self, project: str, limit: int, before: int | None) -> Sequence[Move]:
        """The latest moves, newest first, without their jobs."""
        return await move_views.move_list(self.db, project, limit, before)

    async def resume(self, project: str, order: int) -> Resume:
        """A way back with all its jobs. Raises `UnknownResume`."""
        found = await back_views.resume(self.db, project, order)
        if found is None:
            raise UnknownResume(f"There is no resume {order} in this project.")
        return found

    async def resumes(self, project: str, limit: int, before: int | None) -> Sequence[Resume]:
        """The latest ways back, newest first, without their jobs."""
        return await back_views.resume_list(self.db, project, limit, before)

    async def stories(self, kind: Kind, firsts: Sequence[int]) -> Mapping[int, Story]:
        """The stories that these orders begin, by their first; those without a retry are left out."""
        return await stories.told(self.db, kind, firsts)

    async def fares(self, project: str, which: Which, limit: int, before: int | None = None) -> Sequence[Fare]:
        """The health of jobs, the highest ids first; unknown ids are left out. Raises `UnknownQueue`."""
        return await fares.fares(self.db, project, await self._placed(project, which), limit, before)

    async def count(self, project: str, which: Which) -> int:
        """How many jobs these are. Raises `UnknownQueue`."""
        return await fares.count(self.db, project, await self._placed(project, which))

    async def chosen(self, project: str, which: Selection) -> Sequence[int]:
        """The ids of all jobs that are meant, in order. Raises `UnknownQueue`."""
        return await selecting.select(self.db, self.queues, project, which)

    async def unjudged(self, project: str, which: Selection) -> int:
        """Of how many jobs nobody can tell whether they are meant. Raises `UnknownQueue`."""
        return await selecting.unjudged(self.db, self.queues, project, which)

    async def _placed(self, project: str, which: Which) -> Which:
        clusters = await selecting.clusters(self.db, self.queues, project, which.selection)
        return replace(which, clusters=clusters)

    async def graph(self, project: str, job_id: int) -> Graph:
        """The execution graph of the job's latest run, in Flink's own form. Raises `UnknownJob`, `NoGraph`."""
        found = await views.locate(self.db, project, job_id)
        if found is None:
            raise UnknownJob
        name, flink_job_id = found
        if name is None or flink_job_id is None:
            raise NoGraph(Gap.NEVER_RUN)
        cluster = self.queues.locate(name)
        if cluster is None:
            raise NoGraph(Gap.UNREACHABLE, name)
        try:
            graph = await self.engine.flink_job(cluster, flink_job_id)
        except Unreachable as error:
            raise NoGraph(Gap.SILENT, name, str(error)) from error
        if graph is None:
            raise NoGraph(Gap.FORGOTTEN, name)
        return graph

    async def batch(self, project: str, batch_id: int) -> Batch:
        """One batch of stops with all its jobs. Raises `UnknownBatch`."""
        batch = await batch_views.batch(self.db, project, batch_id)
        if batch is None:
            raise UnknownBatch(f"There is no stop {batch_id} in this project.")
        gone = {entry.cluster for entry in batch.entries}.difference(self.queues.names)
        return replace(batch, entries=[_waiting(entry, gone) for entry in batch.entries]) if gone else batch

    async def events(
        self,
        project: str,
        after: int,
        limit: int,
        sought: Sought = ALL,
        *,
        denials: bool = True,
        users: bool = True,
    ) -> Sequence[Event]:
        """The events of a project that follow an id, the oldest first; see `audit.of_project`."""
        return await audit.of_project(self.db, project, after, limit, sought, denials=denials, users=users)

    async def batches(self, project: str, limit: int, before: int | None = None) -> Sequence[Batch]:
        """The latest batches (before one, if it is given), newest first, without their jobs."""
        return await batch_views.batch_list(self.db, project, limit, before)


def _waiting(entry: BatchEntry, gone: Collection[str]) -> BatchEntry:
    """The same; a stop that waits for a cluster that is gone says so."""
    if entry.stop.settled_at is not None or entry.cluster not in gone:
        return entry
    why = f"It waits: {unregistered(entry.cluster)}."
    return replace(entry, stop=replace(entry.stop, reason=" ".join(filter(None, [entry.stop.reason, why]))))
