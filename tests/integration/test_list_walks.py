"""Walks through lists of random jobs by random filters, page by page, while jobs are made, changed and deleted.

Each page is held against a plain model of the moment; what a walk as a whole promises follows from what happened.
"""

import asyncio
import itertools
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.test_lists import KINDS, STATUS_NAMES, Row, fill, matches
from tests.support.services.thread import PROJECT

from sluiceway.api.dli.jobs.listing import ListQuery, listing
from sluiceway.domain.job import JobStatus
from sluiceway.store.database import Database
from sluiceway.store.job_pages import job_list
from sluiceway.store.migrating import migrate

Query = Mapping[str, str]

# --- what there may be ----------------------------------------------------------------------------------------------

# Few of each, so that filters match; among them what a pattern or a prefix would confuse.
QUEUES = (None, "c0", "C0", "c%")
USERS = ("local", "ann", "Ann", "an")
NAMES = ("ab", "aB", "a_b", "订单", "1-a")
PARTS = ("a", "ab", "B", "_", "%", "订", "-", "a*", "1-")
VALUES = ("", "x", "X", "x=y")
KEYS = ("env", "团队")


def row(luck: Random) -> Row:
    """A job of any sort. Its id and its project come later."""
    return Row(
        0,
        "",
        luck.choice(NAMES),
        luck.choice(KINDS),
        luck.choice((JobStatus.RUNNING, JobStatus.RUNNING, *JobStatus)),
        luck.choice(USERS),
        luck.choice(QUEUES),
        luck.choice(QUEUES),
        {key: luck.choice(VALUES) for key in KEYS if luck.random() < 0.6},
        luck.random() < 0.15,
    )


def query(luck: Random) -> dict[str, str]:
    """Some filters. Seldom more than two at once: hardly a job would match."""
    tags = row(luck).tags.items()
    values = {
        "job_type": luck.choice((*KINDS, "flink_sql_edge_job")),
        "status": luck.choice(("job_running", *STATUS_NAMES)),
        "queue_name": luck.choice(QUEUES[1:]) or "",
        "user_name": luck.choice(USERS),
        "name": luck.choice(PARTS),
        "tags": ",".join(f"{key}={value}" for key, value in tags),
        "sys_enterprise_project_name": luck.choice(("default", "default", "other")),
        "root_job_id": luck.choice(("", "", "1")),
    }
    names = luck.sample(sorted(values), luck.choice((0, 1, 1, 1, 2, 2, 3)))
    return {name: values[name] for name in names}


# What Hypothesis itself would draw is mostly the same few values, and a filter then matches all jobs or none.
anything = st.randoms(use_true_random=True)
rows, filters = anything.map(row), anything.map(query)
orders = st.sampled_from(["asc", "desc"])
limits = st.integers(1, 7)


@dataclass(frozen=True)
class Make:
    """A job comes."""

    row: Row


@dataclass(frozen=True)
class Delete:
    """One goes; which, by its place."""

    place: int


@dataclass(frozen=True)
class Change:
    """One becomes something else."""

    place: int
    row: Row


making, deleting = st.builds(Make, rows), st.builds(Delete, st.integers(0, 30))
changing = st.builds(Change, st.integers(0, 30), rows)


# --- the jobs, and the model of them --------------------------------------------------------------------------------


@dataclass
class Jobs:
    """The jobs of one project, in the database and as the model has them."""

    path: Path
    db: Database
    project: str
    numbers: Iterator[int]
    rows: dict[int, Row] = field(default_factory=dict)

    def make(self, *rows: Row) -> None:
        numbered = ((next(self.numbers), row) for row in rows)
        made = [replace(row, id=n, project=self.project, name=f"{row.name}-{n}") for n, row in numbered]
        fill(self.path, made)
        self.rows |= {row.id: row for row in made}

    def happen(self, what: Make | Delete | Change) -> None:
        if isinstance(what, Make):
            self.make(what.row)
        elif self.rows:
            number = list(self.rows)[what.place % len(self.rows)]
            self._set(
                replace(self.rows[number], deleted=True) if isinstance(what, Delete) else self._as(number, what.row)
            )

    def _as(self, number: int, row: Row) -> Row:
        old = self.rows[number]
        return replace(row, id=number, project=self.project, name=old.name, tags=old.tags, deleted=old.deleted)

    def _set(self, row: Row) -> None:
        self.rows[row.id] = row
        values = (row.kind, row.status, row.user, row.queue, row.cluster, 1 if row.deleted else None, row.id)
        with sqlite3.connect(self.path, timeout=20) as db:
            db.execute("UPDATE jobs SET kind=?, status=?, user=?, queue=?, cluster=?, deleted_at=? WHERE id=?", values)
            if row.deleted:
                db.execute("DELETE FROM job_tags WHERE job_id=?", [row.id])
        db.close()

    def matching(self, query: Query) -> list[int]:
        found = [row.id for row in self.rows.values() if matches(replace(row, project=PROJECT), query)]
        return sorted(found, reverse=query["order"] != "asc")

    async def page(self, query: Query, offset: int) -> list[int]:
        """One page, which is what the model says."""
        asked = listing(ListQuery(**query, offset=str(offset)))
        count, ids = 0, []
        if asked.where is not None:
            count, found = await job_list(
                self.db,
                self.project,
                asked.where,
                offset=asked.offset,
                limit=asked.limit,
                descending=asked.descending,
            )
            ids = [job.id for job in found]
        wanted = self.matching(query)
        assert (count, ids) == (len(wanted), wanted[offset : offset + int(query["limit"])])
        return ids

    async def walk(self, query: Query, meanwhile: list[Any]) -> list[int]:
        """All pages; something happens after each, as long as there is something."""
        seen: list[int] = []
        while ids := await self.page(query, len(seen)):
            seen += ids
            if meanwhile:
                self.happen(meanwhile.pop(0))
        return seen


def _changed(old: Row, new: Row) -> Row:
    return replace(new, id=old.id, project=old.project, name=old.name, tags=old.tags, deleted=old.deleted)


Play = Callable[[list[Row], Callable[[Jobs], Awaitable[None]]], None]


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """Does something with the jobs of a new project; those of earlier ones stay beside it."""
    path = tmp_path_factory.mktemp("data") / "test.db"
    migrate(path)
    numbers = itertools.count(1)  # of jobs and projects
    with asyncio.Runner() as runner:
        db = Database(path)

        def scene(population: list[Row], act: Callable[[Jobs], Awaitable[None]]) -> None:
            jobs = Jobs(path, db, f"p{next(numbers)}", numbers)
            jobs.make(*population)
            runner.run(act(jobs))  # type: ignore[arg-type]

        yield scene
        runner.run(db.close())


populations = anything.map(lambda luck: [row(luck) for _ in range(luck.choice((1, 10, 20, 30)))])
modest = settings(max_examples=40, deadline=None)


def asked(filters: Query, order: str, limit: int) -> dict[str, str]:
    return {**filters, "order": order, "limit": str(limit)}


# --- walks ----------------------------------------------------------------------------------------------------------


@modest
@given(populations, filters, orders, limits)
def test_a_walk_meets_each_job_that_matches_once_and_in_order(
    play: Play, population: list[Row], filters: Query, order: str, limit: int
) -> None:
    async def act(jobs: Jobs) -> None:
        query = asked(filters, order, limit)
        assert await jobs.walk(query, []) == jobs.matching(query)

    play(population, act)


@modest
@given(populations, filters, orders, limits, st.lists(st.one_of(making, deleting, changing), max_size=8))
def test_every_page_is_right_at_its_moment_whatever_happens_in_between(
    play: Play, population: list[Row], filters: Query, order: str, limit: int, meanwhile: list[Any]
) -> None:
    async def act(jobs: Jobs) -> None:
        await jobs.walk(asked(filters, order, limit), meanwhile)  # `page` looks at each

    play(population, act)


@modest
@given(populations, filters, orders, limits, st.lists(making, max_size=8))
def test_a_walk_from_the_oldest_meets_also_new_jobs_once_and_one_from_the_newest_misses_none(
    play: Play, population: list[Row], filters: Query, order: str, limit: int, meanwhile: list[Any]
) -> None:
    async def act(jobs: Jobs) -> None:
        query = asked(filters, order, limit)
        before = jobs.matching(query)
        seen = await jobs.walk(query, meanwhile)
        if order == "asc":
            assert seen[: len(before)] == before
            assert len(seen) == len(set(seen))
            assert jobs.matching(query)[: len(seen)] == seen, "and of the new ones none is left out in between"
        else:
            assert list(dict.fromkeys(seen)) == before, "a new one pushes others to the next page, and none away"

    play(population, act)


@modest
@given(populations, filters, limits, st.lists(st.one_of(making, deleting), max_size=8))
def test_a_walk_from_the_oldest_meets_no_job_twice_and_misses_no_more_than_were_deleted(
    play: Play, population: list[Row], filters: Query, limit: int, meanwhile: list[Any]
) -> None:
    async def act(jobs: Jobs) -> None:
        query = asked(filters, "asc", limit)
        before = jobs.matching(query)
        seen = await jobs.walk(query, meanwhile)
        stayed = set(jobs.matching(query))
        assert seen == sorted(set(seen))
        missed = [job for job in before if job in stayed and job not in seen]
        assert len(missed) <= len(set(before) - stayed)

    play(population, act)
