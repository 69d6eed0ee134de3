"""Where readers of the docs live: Flinks by name, a service that nobody has to sign in to, and jobs with names."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.flink.real import ENDLESS, RealFlink
from tests.support.services.process import wait_for
from tests.support.services.thread import ServiceThread

JOBS = "/v1.0/default/streaming"
NATIVE = "/api/v1/projects/default"
KEPT = {"checkpoint_enabled": True, "checkpoint_interval": 1, "restart_when_exception": True}


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

    def __init__(self, data: Path, flinks: Mapping[str, RealFlink], service: ServiceThread) -> None:
        self.data = data
        self.flinks = flinks
        self.service = service

    @property
    def url(self) -> str:
        """The service's address."""
        return self.service.url

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The decoded answer to a request that has to succeed."""
        answer = self.service.http.request(method, path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def job(self, name: str, *, sql: str = ENDLESS, run: bool = True, **fields: object) -> int:
        """A job of this name, which runs unless told otherwise; `fields` are DLI's."""
        body = {"name": name, "sql_body": sql, **KEPT, **fields}
        job = int(self.call("POST", f"{JOBS}/sql-jobs", body)["job"]["job_id"])
        if run:
            self.run(job)
        return job

    def program(self, name: str, jar: bytes, entry: str, arguments: str, **fields: object) -> int:
        """A job that is made of a jar, and does not run yet; `fields` are DLI's."""
        answer = self.service.http.put(f"{NATIVE}/resources/{name}.jar", content=jar)
        assert answer.status_code < 300, answer.text
        made = {"name": name, "entrypoint": f"{name}.jar", "main_class": entry, "entrypoint_args": arguments}
        body = {**made, **KEPT, **fields}
        return int(self.call("POST", f"{JOBS}/flink-jobs", body)["job"]["job_id"])

    def run(self, *jobs: int, resume: bool = False) -> None:
        """Start jobs, and wait until all of their tasks run and each has completed a checkpoint."""
        self.call("POST", f"{JOBS}/jobs/run", {"job_ids": jobs, "resume_savepoint": resume})
        which = "&".join(f"job_id={job}" for job in jobs)

        def proven() -> bool:
            fares = self.call("GET", f"{NATIVE}/jobs?{which}")["jobs"]
            return all((fare["health"] or {}).get("proof") == "given" for fare in fares)

        wait_for(proven)

    def status(self, job: int) -> str:
        """As DLI's API has it."""
        return str(self.call("GET", f"{JOBS}/jobs/{job}")["job_detail"]["status"])

    def until(self, job: int, status: str) -> None:
        """Wait until it has this status."""
        wait_for(lambda: self.status(job) == status)

    def flink_id(self, job: int) -> str:
        """The Flink job id of its latest run."""
        [(found,)] = rows(self.data, "SELECT flink_job_id FROM jobs WHERE id = ?", job)
        return str(found)

    def next_id(self, table: str, number: int) -> None:
        """See `next_id`."""
        next_id(self.data, table, number)


@contextmanager
def town(data: Path, labels: Mapping[str, str] | None = None, **flinks: RealFlink) -> Iterator[Town]:
    """One with these clusters; the first is the default queue.

    With `labels` they are registered with these while the service runs, and none is the default.
    """
    given = [] if labels is not None else [f"{name}={flink.url}" for name, flink in flinks.items()]
    with ServiceThread(data, *given) as service:
        made = Town(data, flinks, service)
        for name, flink in flinks.items() if labels is not None else ():
            made.call("POST", f"{NATIVE}/clusters", {"name": name, "addresses": [flink.url], "labels": labels})
        yield made
