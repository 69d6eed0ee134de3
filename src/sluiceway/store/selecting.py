"""Finds the jobs that a selection means. Each condition is one that an index, or one look at each job, answers."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, text

from sluiceway.domain.health import AILING
from sluiceway.domain.job import JobStatus
from sluiceway.domain.run import LIVE
from sluiceway.domain.selection import Selection
from sluiceway.domain.selector import Operator, Requirement
from sluiceway.store.bulk import listed
from sluiceway.store.database import Database
from sluiceway.store.schema import AILING_RUN, OPEN_SAVE, UNSETTLED, job_tags, jobs, runs, saves, stops

# Where a job is: a run is where it runs, whatever queue the job names for its next start.
cluster_of_job = func.coalesce(jobs.c.cluster, jobs.c.queue)


async def job_ids(db: Database, project: str, which: Selection, clusters: Sequence[str] | None) -> list[int]:
    """The ids of all jobs that are selected, in order. `clusters`: the selection's, by name; None: all."""
    there = (jobs.c.project == project, jobs.c.deleted_at.is_(None))
    wanted = select(jobs.c.id).where(*there, *conditions(project, which, clusters)).order_by(jobs.c.id)
    async with db.read() as connection:
        return list((await connection.execute(wanted)).scalars())


async def has_jobs_on(db: Database, project: str, cluster: str) -> bool:
    """Whether any job of the project is there."""
    there = select(jobs.c.id).where(jobs.c.project == project, jobs.c.deleted_at.is_(None), cluster_of_job == cluster)
    async with db.read() as connection:
        return bool((await connection.execute(select(there.exists()))).scalar_one())


def conditions(project: str, which: Selection, clusters: Sequence[str] | None) -> list[ColumnElement[bool]]:
    """The conditions on the jobs of a project."""
    found = list[ColumnElement[bool]]()
    if which.statuses:
        found.append(_in_status(which))
    if clusters is not None:
        found.append(cluster_of_job.in_(_values(clusters)))
    if which.name is not None:
        found.append(jobs.c.name.op("GLOB")(which.name.replace("[", "[[]")))
    found += [_of_tag(project, requirement) for requirement in which.labels]
    if which.health:
        found.append(_in_health(which))
    return found


def _in_status(which: Selection) -> ColumnElement[bool]:
    there = jobs.c.status.in_(sorted(which.statuses))
    if not which.saving:
        return there
    saving = select(saves.c.run_id).where(text(f"saves.{OPEN_SAVE}"))
    stopping = select(stops.c.run_id).where(text(f"stops.{UNSETTLED}"))
    runs_on = jobs.c.run_id.in_(saving) & jobs.c.run_id.not_in(stopping)
    return there | (runs_on & (jobs.c.status == JobStatus.SAVEPOINTING))


def _of_tag(project: str, requirement: Requirement) -> ColumnElement[bool]:
    tagged = select(job_tags.c.job_id).where(job_tags.c.project == project, job_tags.c.key == requirement.key)
    if requirement.operator in {Operator.IN, Operator.NOT_IN}:
        tagged = tagged.where(job_tags.c.value.in_(_values(requirement.values)))
    has = requirement.operator in {Operator.IN, Operator.EXISTS}
    return jobs.c.id.in_(tagged) if has else jobs.c.id.not_in(tagged)


def _in_health(which: Selection) -> ColumnElement[bool]:
    theirs = runs.alias("theirs")
    such = select(theirs.c.id).where(theirs.c.condition.in_(sorted(which.health)), theirs.c.phase.in_(sorted(LIVE)))
    if which.health <= AILING:
        return jobs.c.run_id.in_(such.where(text(f"theirs.{AILING_RUN}")))  # few, and they have an index
    return such.where(theirs.c.id == jobs.c.run_id).exists()


def _values(values: Sequence[str]) -> Select[Any]:
    return select(listed(values).c.value)
