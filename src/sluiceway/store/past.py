"""What is known of jobs before they are resumed, beside where they could be resumed from: many at once."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Select, case, func, or_, select

from sluiceway.domain.job import JobSpec
from sluiceway.domain.run import LIVE
from sluiceway.domain.way_back import Owner
from sluiceway.store.bulk import given, given_ids, ids, listed
from sluiceway.store.catalogue import OWNS
from sluiceway.store.database import Database, moment
from sluiceway.store.rows import to_json, to_spec
from sluiceway.store.schema import jobs, past_specs, runs, savepoints, specs

_ASK = 500  # specifications in memory at once


@dataclass(frozen=True, slots=True)
class Before:
    """What a job is to do, and how its latest run went. `spec` has its SQL only where that may set an option."""

    spec: JobSpec
    hints: bool  # its SQL says STATE_TTL somewhere
    zone: str | None  # that its latest run was planned under
    worked: bool  # its latest run was seen to do its work


@dataclass(frozen=True, slots=True)
class Kept:
    """What the catalogue knows of a savepoint."""

    run_id: int
    created_at: datetime | None
    removed_at: datetime | None
    drained: bool
    flink_version: str  # that has written it; empty where that is not known


async def of_jobs(db: Database, wanted: Sequence[int], setting: Sequence[str]) -> dict[int, Before]:
    """Of these jobs; `setting` are the names of options, and SQL that has none of them in it is left out."""
    found: dict[int, Before] = {}
    for first in range(0, len(wanted), _ASK):
        some = {"ids": to_json(wanted[first : first + _ASK])}
        async with db.read() as connection:
            for row in await connection.execute(_before(tuple(setting)), some):
                spec = to_spec(row.spec)
                found[row.job_id] = Before(spec, bool(row.hints), row.zone, row.up_at is not None)
    return found


@lru_cache(maxsize=8)
def _before(setting: tuple[str, ...]) -> Select[Any]:
    sql = func.json_extract(specs.c.spec, "$.sql")
    told = case((or_(*(func.instr(sql, name) > 0 for name in setting)), sql), else_="")
    hints = func.instr(func.upper(sql), "STATE_TTL") > 0
    asked = select(
        specs.c.job_id,
        func.json_set(specs.c.spec, "$.sql", told).label("spec"),
        hints.label("hints"),
        runs.c.zone,
        runs.c.up_at,
    )
    joined = specs.join(jobs, jobs.c.id == specs.c.job_id).outerjoin(runs, runs.c.id == jobs.c.run_id)
    return asked.select_from(joined).where(specs.c.job_id.in_(given_ids()))


async def specs_of_jobs(db: Database, wanted: Sequence[int]) -> dict[int, JobSpec]:
    """What these jobs are to do, whole."""
    asked = select(specs.c.job_id, specs.c.spec).where(specs.c.job_id.in_(ids(wanted)))
    async with db.read() as connection:
        return {row.job_id: to_spec(row.spec) for row in await connection.execute(asked)}


async def specs_with(db: Database, wanted: Sequence[int], marks: Sequence[str]) -> AsyncIterator[dict[int, JobSpec]]:
    """What those jobs are to do in whose SQL one of these texts stands, in any case of letters; some at a time."""
    sql = func.upper(func.json_extract(specs.c.spec, "$.sql"))
    marked = or_(*(func.instr(sql, mark.upper()) > 0 for mark in marks))
    asked = select(specs.c.job_id, specs.c.spec).where(marked)
    for first in range(0, len(wanted), _ASK):
        async with db.read() as connection:
            rows = await connection.execute(asked.where(specs.c.job_id.in_(ids(wanted[first : first + _ASK]))))
            found = {row.job_id: to_spec(row.spec) for row in rows}
        if found:
            yield found


async def changed_since(db: Database, made_by: Mapping[int, int]) -> set[int]:
    """The jobs, of those with a run of each, that were changed after that run began."""
    latest = select(past_specs.c.job_id, func.max(past_specs.c.run_id).label("run_id"))
    latest = latest.where(past_specs.c.job_id.in_(ids(sorted(made_by)))).group_by(past_specs.c.job_id)
    async with db.read() as connection:
        return {row.job_id for row in await connection.execute(latest) if row.run_id >= made_by[row.job_id]}


async def kept_at(db: Database, paths: Sequence[str]) -> dict[str, Kept]:
    """What the catalogue knows of what lies there, by path; of several the latest."""
    async with db.read() as connection:
        return {
            row.path: Kept(row.run_id, moment(row.created_at), moment(row.removed_at), row.drained, row.flink_version)
            for row in await connection.execute(_kept(), {"ids": to_json(paths)})
        }


@cache
def _kept() -> Select[Any]:
    asked = given()
    return select(savepoints).join(asked, asked.c.value == savepoints.c.path).order_by(savepoints.c.id)


async def owners_of(db: Database, paths: Sequence[str]) -> dict[str, Owner]:
    """The jobs that own what lies there, by path: see `catalogue.claim`."""
    async with db.read() as connection:
        rows = await connection.execute(_owners(), {"ids": to_json(paths)})
        return {row.restore: Owner(row.job_id, bool(row.live)) for row in rows}


@cache
def _owners() -> Select[Any]:
    asked = given()
    live = case((runs.c.phase.in_(sorted(LIVE)), 1), else_=0)
    wanted = select(runs.c.restore, runs.c.job_id, func.max(live).label("live"))
    return wanted.join(asked, asked.c.value == runs.c.restore).where(*OWNS).group_by(runs.c.restore)


async def runs_of(db: Database, restores: Collection[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """The runs whose directories of checkpoints these lie in, by the Flink job ids in their paths.

    Each comes with the job that it is for: where several runs have had that id, its own latest one is meant.
    """
    named = {(job, path): parts[-2] for job, path in restores if len(parts := path.split("/")) > 2}
    asked = listed(sorted(set(named.values())))
    wanted = select(runs.c.flink_job_id, runs.c.job_id, runs.c.id).join(asked, asked.c.value == runs.c.flink_job_id)
    async with db.read() as connection:
        found = list(await connection.execute(wanted.order_by(runs.c.id)))
    latest = {row.flink_job_id: row.id for row in found}
    own = {(row.job_id, row.flink_job_id): row.id for row in found}
    return {(job, path): own.get((job, jid), latest[jid]) for (job, path), jid in named.items() if jid in latest}
