"""Where readers of the docs live: fake Flinks by name, a service that nobody has to sign in to, and jobs with names."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.doubles.fleet import FakeCluster
from tests.support.services.process import wait_for
from tests.support.services.site import SQL, FakePlanner
from tests.support.services.thread import ServiceThread

from sluiceway.engines.planning.options import NAME
from sluiceway.engines.planning.sql import Script, SqlRefused
from sluiceway.testing.fake_jobs import FakeCheckpoint, FakeJob

JOBS = "/v1.0/default/streaming"


def rows(data: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """What a statement finds in the database of a service."""
    with sqlite3.connect(data / "sluiceway.db", timeout=20) as db:
        found = db.execute(sql, values).fetchall()
    db.close()
    return found


def next_id(data: Path, table: str, number: int) -> None:
    """The id that the next row of a table gets: pages call their stops and jobs by numbers."""
    rows(data, "DELETE FROM sqlite_sequence WHERE name = ?", table)
    rows(data, "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", table, number - 1)


class Town:
    """The service, and the Flinks that it works with."""

    def __init__(
        self, data: Path, clusters: Mapping[str, FakeCluster], planner: "Planner", service: ServiceThread
    ) -> None:
        self.data = data
        self.clusters = clusters
        self.planner = planner
        self.service = service

    @property
    def url(self) -> str:
        """The service's address."""
        return self.service.url

    def flink(self, name: str) -> str:
        """A cluster's address."""
        return self.clusters[name].fake.url

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The decoded answer to a request that has to succeed."""
        answer = self.service.http.request(method, path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def job(self, name: str, *, run: bool = True, **fields: object) -> int:
        """A job of this name, which runs unless told otherwise; `fields` are DLI's."""
        body = {"name": name, "sql_body": SQL, "checkpoint_enabled": True, "checkpoint_interval": 60, **fields}
        job = int(self.call("POST", f"{JOBS}/sql-jobs", body)["job"]["job_id"])
        if run:
            self.call("POST", f"{JOBS}/jobs/run", {"job_ids": [job]})
            self.until(job, "job_running")
            self.flink_job(job).checkpoint = FakeCheckpoint(f"file://{self.data}/storage/{job}/chk-1")
        return job

    def status(self, job: int) -> str:
        """As DLI's API has it."""
        return str(self.call("GET", f"{JOBS}/jobs/{job}")["job_detail"]["status"])

    def until(self, job: int, status: str) -> None:
        """Wait until it has this status."""
        wait_for(lambda: self.status(job) == status, pause=0.05)

    def flink_job(self, job: int) -> FakeJob:
        """What runs of it."""
        [(jid,)] = rows(self.data, "SELECT flink_job_id FROM jobs WHERE id = ?", job)
        return next(each.fake.jobs[jid] for each in self.clusters.values() if jid in each.fake.jobs)

    def next_id(self, table: str, number: int) -> None:
        """See `next_id`."""
        next_id(self.data, table, number)


class Planner(FakePlanner):
    """Each SQL is one operator: that whose state is in the savepoints of the fake."""

    def __init__(self, like: Mapping[str, Mapping[str, Any]], clusters: Mapping[str, FakeCluster]) -> None:
        super().__init__(*clusters.values())
        self.refused: dict[str, str] = {}  # jobs that a cluster does not take, by name, with its address
        self._like = like

    def fields(self, name: str) -> dict[str, Any]:
        """See `FakePlanner`."""
        return {**super().fields(name), **self._like.get(name, {})}

    async def submit_sql(self, url: str, script: Script, options: dict[str, str]) -> None:
        """See `Plans`."""
        if self.refused.get(options[NAME]) == url:
            raise SqlRefused("The connector 'kafka' is not known there.")
        await super().submit_sql(url, script, options)

    async def operators(self, *_: object, **__: object) -> str:
        """See `Plans`."""
        counts = {"id": bytes(range(16)).hex(), "name": "Count", "kind": "", "content": "", "description": ""}
        return json.dumps(
            {"batch": False, "slots": 1, "operators": [counts | {"parallelism": 1, "max_parallelism": -1}]}
        )


@contextmanager
def town(
    data: Path,
    *names: str,
    like: Mapping[str, Mapping[str, Any]] | None = None,
    labels: Mapping[str, str] | None = None,
    **settings: Any,
) -> Iterator[Town]:
    """One with these clusters; the first is the default queue.

    `like` says by the names of jobs what these are like, as fields of `FakeJob`. With `labels` the clusters are
    registered with them while the service runs, and none is the default.
    """
    with ExitStack() as stack:
        clusters = {name: stack.enter_context(FakeCluster()) for name in names}
        planner = Planner(like or {}, clusters)
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("sluiceway.assembly.clusters.PlannerJvm", lambda *_, **__: planner)
        given = [] if labels is not None else [f"{name}={each.fake.url}" for name, each in clusters.items()]
        made = Town(data, clusters, planner, ServiceThread(data, *given, **settings))
        stack.enter_context(made.service)
        for name in names if labels is not None else ():
            body = {"name": name, "addresses": [made.flink(name)], "labels": labels}
            made.call("POST", "/api/v1/projects/default/clusters", body)
        yield made
