"""Where savepoints of running jobs are accepted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, case, exists, select, text

from sluiceway.domain import judging
from sluiceway.domain.admission import Verdict
from sluiceway.domain.job import JobStatus
from sluiceway.domain.judging import Reach, Savable
from sluiceway.domain.operations.save import SavePhase
from sluiceway.domain.orders import SaveOrder
from sluiceway.store import ledger
from sluiceway.store.bulk import ids
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.events import event
from sluiceway.store.ledger import Means
from sluiceway.store.rows import to_traits
from sluiceway.store.schema import OPEN_SAVE, jobs, runs, saves
from sluiceway.store.stop_intents import known


@dataclass(frozen=True, slots=True)
class SaveMeans(Means):
    """What a savepoint needs besides what its order says."""

    triggers: Mapping[int, str]  # of jobs by id, chosen before anything is stored
    target: str | None = None  # a directory (URI) for these savepoints, whatever the jobs' own


async def accept(db: Database, order: SaveOrder, reach: Reach, means: SaveMeans) -> tuple[dict[int, Verdict], set[str]]:
    """Accept the savepoint of each job that may have one, in one transaction.

    Gives back the verdict on every job that the project has, and the clusters to wake. A job that is shown as running
    while a savepoint of it is overdue counts as one that is being saved.
    """
    at = epoch_ms(means.now)
    async with db.write() as connection:
        asked = _savable().where(*known(order.project), jobs.c.id.in_(ids(sorted(means.triggers))))
        found = list(await connection.execute(asked))
        verdicts = {row.id: judging.judge_save(_to_savable(row), order, reach) for row in found}
        taken = [row for row in found if verdicts[row.id].accepted]
        if taken:
            await ledger.add_saves(connection, [_fresh(row, order, means) for row in taken])
            told = [event("snapshot_accepted", at, order.project, job_id=row.id, who=order.who) for row in taken]
            await ledger.tell(connection, told)
    return verdicts, {row.cluster for row in taken}


def _savable() -> Select[Any]:
    open_ = exists().where(saves.c.run_id == jobs.c.run_id, text(f"saves.{OPEN_SAVE}"))
    status = case((open_ & (jobs.c.status == JobStatus.RUNNING), JobStatus.SAVEPOINTING), else_=jobs.c.status)
    own = (jobs.c.id, status.label("status"), jobs.c.cluster, jobs.c.run_id, jobs.c.flink_job_id, jobs.c.bucket)
    return select(*own, runs.c.traits).select_from(jobs.outerjoin(runs, runs.c.id == jobs.c.run_id))


def _to_savable(row: Row[Any]) -> Savable:
    return Savable(row.id, JobStatus(row.status), row.cluster, to_traits(row.traits))


def _fresh(job: Row[Any], order: SaveOrder, means: SaveMeans) -> dict[str, Any]:
    home = f"{means.home}/{job.bucket}" if job.bucket else means.home  # see `Storage.home`
    directory = means.target or f"{home}/jobs/savepoint"
    trigger, stamp = means.triggers[job.id], means.now.strftime("%Y%m%dT%H%M%S.%f")[:-3]
    return {
        "job_id": job.id,
        "run_id": job.run_id,
        "cluster": job.cluster,
        "flink_job_id": job.flink_job_id,
        "trigger": trigger,
        "wish": order.format,
        "target": f"{directory}/{job.id}/{stamp}/{trigger}",
        "phase": SavePhase.WAITING,
        "deadline": epoch_ms(means.now + means.timeout),
        "created_at": epoch_ms(means.now),
    }
