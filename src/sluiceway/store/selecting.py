"""Finds the jobs that a selection means. Each condition is one that an index, or one look at each job, answers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text, true

from sluiceway.domain.health import AILING, Condition
from sluiceway.domain.job import JobStatus
from sluiceway.domain.run import LIVE
from sluiceway.domain.selection import Selection
from sluiceway.domain.selector import Operator, Requirement
from sluiceway.store.bulk import listed
from sluiceway.store.database import Database
from sluiceway.store.schema import AILING_RUN, OPEN_SAVE, UNSETTLED, job_tags, jobs, run_tables, runs, saves, stops

# Where a job is: a run is where it runs, whatever queue the job names for its next start.
cluster_of_job = func.coalesce(jobs.c.cluster, jobs.c.queue)


async def job_ids(db: Database, project: str, which: Selection, clusters: Sequence[str] | None) -> list[int]:
    """The ids of all jobs that are selected, in order. `clusters`: the selection's, by name; None: all."""
    there = (jobs.c.project == project, jobs.c.deleted_at.is_(None))
    wanted = select(jobs.c.id).where(*there, *conditions(project, which, clusters)).order_by(jobs.c.id)
    async with db.read() as connection:
        return list((await connection.execute(wanted)).scalars())


async def unjudged(db: Database, project: str, which: Selection, clusters: Sequence[str] | None) -> int:
    """Of how many jobs nobody can tell whether they are selected: what they read and write is not all known."""
    if not which.by_tables:
        return 0
    others = replace(which, match=None, reads=None, writes=None)
    known = select(run_tables.c.run_id).where(run_tables.c.run_id == jobs.c.run_id, run_tables.c.whole).exists()
    there = (jobs.c.project == project, jobs.c.deleted_at.is_(None), jobs.c.run_id.is_not(None), ~known)
    chosen = ~and_(*_of_tables(which))
    wanted = select(func.count()).select_from(jobs).where(*there, *conditions(project, others, clusters), chosen)
    async with db.read() as connection:
        return int((await connection.execute(wanted)).scalar_one())


async def has_jobs_on(db: Database, project: str, cluster: str) -> bool:
    """Whether any job of the project is there."""
    there = select(jobs.c.id).where(jobs.c.project == project, jobs.c.deleted_at.is_(None), cluster_of_job == cluster)
    async with db.read() as connection:
        return bool((await connection.execute(select(there.exists()))).scalar_one())


def conditions(project: str, which: Selection, clusters: Sequence[str] | None) -> list[ColumnElement[bool]]:
    """The conditions on the jobs of a project."""
    found = list[ColumnElement[bool]]()
    if which.by_state:
        found.append(_in_status(which))
    if clusters is not None:
        found.append(cluster_of_job.in_(_values(clusters)))
    if which.name is not None:
        found.append(jobs.c.name.op("GLOB")(_pattern(which.name)))
    found += [_of_tag(project, requirement) for requirement in which.labels]
    if which.health:
        found.append(_in_health(which.health))
    return found + _of_tables(which)


def _in_status(which: Selection) -> ColumnElement[bool]:
    there: ColumnElement[bool] = jobs.c.status.in_(sorted(which.statuses))
    if which.faring:
        there |= jobs.c.status.in_((JobStatus.RUNNING, JobStatus.UNWELL)) & _in_health(which.faring)
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


def _in_health(wanted: frozenset[Condition]) -> ColumnElement[bool]:
    theirs = runs.alias("theirs")
    such = select(theirs.c.id).where(theirs.c.condition.in_(sorted(wanted)), theirs.c.phase.in_(sorted(LIVE)))
    if wanted <= AILING:
        return jobs.c.run_id.in_(such.where(text(f"theirs.{AILING_RUN}")))  # few, and they have an index
    return such.where(theirs.c.id == jobs.c.run_id).exists()


def _of_tables(which: Selection) -> list[ColumnElement[bool]]:
    ends = (run_tables.c.sources, run_tables.c.sinks)
    asked = ((which.match, ends), (which.reads, ends[:1]), (which.writes, ends[1:]))
    return [or_(*(_named(column, text) for column in columns)) for text, columns in asked if text is not None]


def _named(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Whether one of the names fits a pattern, or has whole words of this text."""
    each = func.json_each(column).table_valued("value").alias("each_name")
    if "*" in text or "?" in text:
        fits = each.c.value.op("GLOB")(_pattern(text))
    else:
        fits = (" " + each.c.value + " ").op("GLOB")(_of_words(text))
    found = select(run_tables.c.run_id).select_from(run_tables.join(each, true()))
    return found.where(run_tables.c.run_id == jobs.c.run_id, fits).exists()


def _pattern(text: str) -> str:
    return text.replace("[", "[[]")


def _of_words(text: str) -> str:
    before = "[^A-Za-z0-9_]" if text[0] == "_" or text[0].isalnum() else ""
    after = "[^A-Za-z0-9_]" if text[-1] == "_" or text[-1].isalnum() else ""
    return f"*{before}{_pattern(text)}{after}*"


def _values(values: Sequence[str]) -> Select[Any]:
    return select(listed(values).c.value)
