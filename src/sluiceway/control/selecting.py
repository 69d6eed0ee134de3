"""Selections of jobs, seen from what clusters are registered now."""

from collections.abc import Sequence

from sluiceway.control.errors import UnknownQueue
from sluiceway.control.queues import Queues
from sluiceway.domain.selection import Selection
from sluiceway.domain.selector import holds
from sluiceway.store import selecting
from sluiceway.store.database import Database


async def select(db: Database, queues: Queues, project: str, which: Selection) -> list[int]:
    """The ids of all jobs that are selected, in order. Raises `UnknownQueue`."""
    return await selecting.job_ids(db, project, which, await clusters(db, queues, project, which))


async def unjudged(db: Database, queues: Queues, project: str, which: Selection) -> int:
    """Of how many jobs nobody can tell whether they are selected. Raises `UnknownQueue`."""
    return await selecting.unjudged(db, project, which, await clusters(db, queues, project, which))


async def clusters(db: Database, queues: Queues, project: str, which: Selection) -> Sequence[str] | None:
    """The clusters that a selection means, by name; None where it means all. Raises `UnknownQueue`.

    Labels are those of registered clusters: of one that is gone, nobody knows them.
    """
    for name in which.clusters:
        # A slip of the pen must not look like a cluster without such jobs.
        if name not in queues.names and not await selecting.has_jobs_on(db, project, name):
            raise UnknownQueue(name)
    if not which.cluster_labels:
        return which.clusters or None
    wanted = frozenset(which.clusters)
    labelled = [name for name in queues.names if holds(which.cluster_labels, queues.labels(name))]
    return [name for name in labelled if not wanted or name in wanted]
