"""A whole service with sign-in on, in this process, over fake Flinks, and who calls it with the vendor's SDK."""

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Self

import pytest
from huaweicloudsdkdli.v1 import DliClient
from tests.support.doubles import scripts
from tests.support.doubles.fleet import CLUSTER, FakeCluster, Fleet
from tests.support.people import users
from tests.support.people.sdk import PROJECT, Key, Sdk, client
from tests.support.services.process import wait_for
from tests.support.services.thread import ServiceThread

from sluiceway.domain.engine import Unreachable
from sluiceway.engines.planning.options import JOB_ID, NAME, RESTORE
from sluiceway.engines.planning.sql import Script

SQL = """
CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen');
CREATE TABLE b (n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO b SELECT n FROM s;
"""
GRAPH = '{"nodes":[]}'
OTHER = "c1"  # the second queue
NO_ID = 987654321  # of no job, and of nothing else


class FakePlanner:
    """In place of the Java process that plans SQL: each job begins on the fake that it is for, whatever its SQL."""

    flink_version = "2.3.0"

    def __init__(self, *clusters: FakeCluster) -> None:
        self._clusters = {cluster.fake.url: cluster for cluster in clusters}
        self.down = False

    async def jvm(self) -> Self:
        if self.down:
            raise Unreachable("The Java process has ended.")
        return self

    async def close(self) -> None:
        """There is no process to end."""

    async def read_sql(self, body: str, *, caller: str, runs: bool) -> Script:
        return scripts.script(body)

    async def submit_sql(self, url: str, _: Script, options: dict[str, str]) -> None:
        cluster, jid = self._clusters[url], options[JOB_ID]
        fields = self.fields(options[NAME]) | {"name": options[NAME], "restored": options.get(RESTORE)}
        await asyncio.to_thread(cluster.do, lambda fake: fake.jobs.get(jid) or fake.add_job(jid, **fields))

    def fields(self, _name: str) -> dict[str, Any]:
        """What the Flink job of this name is like, as fields of `FakeJob`."""
        return {"retains_checkpoints": True}

    async def plan_sql(self, _script: Script, _options: Mapping[str, str], *, chained: bool, caller: str = "") -> str:
        return GRAPH


class Site:
    """The service. Its first queue is the default one; `owner` may do everything in the project."""

    def __init__(self, data: Path, clusters: Sequence[FakeCluster], planner: FakePlanner, **settings: Any) -> None:
        self.data = data
        self.planner = planner
        self.refused_form = settings.get("refused_form", "array")
        self.fleet = Fleet(data, clusters[0])  # jobs that run already
        self._numbers = count(1)
        self.owner = users.user(data, "owner", "owner", PROJECT)
        options = [f"{name}={cluster.fake.url}" for name, cluster in zip((CLUSTER, OTHER), clusters, strict=False)]
        self.service = ServiceThread(data, *options, auth=True, **settings)

    def sdk(self, key: Key | None = None, kind: Any = DliClient, project: str | None = PROJECT, **headers: str) -> Sdk:
        """The vendor's client with this key, the owner's if there is none."""
        return Sdk(client(self.service.url, key or self.owner, kind, project), **headers)

    def like(self, sdk: Sdk, key: Key, project: str | None = PROJECT, **headers: str) -> Sdk:
        """The same kind of client in the same language, with another key."""
        return self.sdk(key, type(sdk.client), project, **sdk.headers, **headers)

    def user(self, role: str, *more: str, project: str = PROJECT) -> Key:
        """Somebody new with a role."""
        return users.user(self.data, self.name("user"), role, project, *more)

    def name(self, word: str = "job") -> str:
        """A name that nothing has yet."""
        return f"{word}-{next(self._numbers)}"

    def put(self, path: str, content: bytes = b"PK") -> str:
        """A file in storage, as `obs://…`."""
        file = self.data / "storage" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return f"obs://{path}"

    def draft(self, **fields: Any) -> int:
        """A job that has never run."""
        made = self.sdk()("create_flink_sql_job", **{"name": self.name(), "sql_body": SQL, **fields})
        return int(made.job.job_id)

    def jar_draft(self, entrypoint: str | None = None, **fields: Any) -> int:
        """A Jar job that has never run."""
        made = self.sdk()("create_flink_jar_job", name=self.name("jar"), entrypoint=entrypoint, **fields)
        return int(made.job.job_id)

    def on_a_lost_queue(self) -> int:
        """A job whose cluster is not registered any more."""
        job = self.draft()
        self._set(job, "queue = 'lost'")
        return job

    def running_nowhere(self) -> int:
        """A job that ran on a cluster when that was unregistered."""
        job = self.running()
        self._set(job, "cluster = 'lost'")
        return job

    def running(self, **fields: Any) -> int:
        """A job that runs on the default queue, and has no SQL; `fields` are those of `FakeJob`."""
        [job] = self.fleet.run(**fields)
        return job

    def running_on(self, queue: str) -> int:
        """A job that was started on this queue."""
        job = self.draft(queue_name=queue)
        assert self.sdk()("batch_run_flink_jobs", job_ids=[job]).body[0].is_success == "true"
        self.until(job, "job_running")
        return job

    def stopped(self) -> int:
        """A job that was stopped with a savepoint."""
        job = self.running_on(CLUSTER)
        self.sdk()("batch_stop_flink_jobs", job_ids=[job], trigger_savepoint=True)
        self.until(job, "job_cancel_success")
        return job

    def stopping(self) -> int:
        """A job whose savepoint takes its time."""
        job = self.running(stop_seconds=600)
        self.sdk()("batch_stop_flink_jobs", job_ids=[job], trigger_savepoint=True)
        return job

    def until(self, job: int, status: str) -> Any:
        """Wait until a job has this status; its details."""
        sdk = self.sdk()
        wait_for(lambda: sdk("show_flink_job", job_id=job).job_detail.status == status, pause=0.02)
        return sdk("show_flink_job", job_id=job).job_detail

    def templates(self, project: str, many: int) -> None:
        """So many templates of a project, unless it has them already."""
        self._fill(
            "templates (project, name, desc, kind, sql, tags, created_at, updated_at)",
            "'', '', '', '[]'",
            project,
            many,
        )

    def variables(self, project: str, many: int) -> None:
        """So many variables of a project, unless it has them already."""
        self._fill(
            "variables (project, name, value, sensitive, user, created_at, updated_at)", "'x', 0, ''", project, many
        )

    def _fill(self, columns: str, values: str, project: str, many: int) -> None:
        with sqlite3.connect(self.fleet.path, timeout=20) as db:
            db.executemany(
                f"INSERT OR IGNORE INTO {columns} VALUES (?, ?, {values}, 0, 0)",
                [(project, f"v_{n}") for n in range(many)],
            )
        db.close()

    def _set(self, job: int, what: str) -> None:
        with sqlite3.connect(self.fleet.path, timeout=20) as db:
            db.execute(f"UPDATE jobs SET {what} WHERE id = ?", [job])
        db.close()


@contextmanager
def site(data: Path, queues: int = 1, **settings: Any) -> Iterator[Site]:
    """A service of its own."""
    with ExitStack() as stack:
        clusters = [stack.enter_context(FakeCluster()) for _ in range(queues)]
        planner = FakePlanner(*clusters)
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("sluiceway.assembly.clusters.PlannerJvm", lambda *_, **__: planner)
        made = Site(data, clusters, planner, **settings)
        stack.enter_context(made.service)
        yield made
