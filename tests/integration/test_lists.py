"""Lists of jobs: every filter against a plain model, pages that keep still, and queries that never sort all jobs."""

import itertools
import random
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkdli.v1 import ListFlinkJobsRequest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.dialects import sqlite
from tests.support.services.thread import BASE, PROJECT, ServiceThread, code_of

from sluiceway.api.dli.jobs.status import STATUSES
from sluiceway.domain.admission import STOPPABLE
from sluiceway.domain.health import Condition
from sluiceway.domain.job import JobSpec, JobStatus
from sluiceway.domain.selection import Selection
from sluiceway.domain.selector import parse
from sluiceway.store import selecting
from sluiceway.store.migrating import migrate
from sluiceway.store.rows import to_json
from sluiceway.store.schema import jobs
from sluiceway.store.views import JobFilter, listing

KINDS = ("flink_sql_job", "flink_opensource_sql_job", "flink_jar_job")
QUEUES = (None, "c0", "c1", "50%")
USERS = ("local", "ann", "订单员")
NAMES = ("orders", "Orders", "订单", "a_b", "a%b", "x")
TAGS: tuple[dict[str, str], ...] = ({}, {"env": "prod"}, {"env": "test"}, {"env": "prod", "team": "a=b"}, {"团队": ""})


@dataclass(frozen=True)
class Row:
    """A job, as the model has it."""

    id: int
    project: str
    name: str
    kind: str
    status: JobStatus
    user: str
    queue: str | None
    cluster: str | None
    tags: Mapping[str, str]
    deleted: bool


def population() -> list[Row]:
    """Jobs of all sorts; the same every time."""
    luck = random.Random(7)
    return [
        Row(
            number,
            luck.choice((PROJECT, PROJECT, PROJECT, "other")),
            f"{luck.choice(NAMES)}-{number}",
            luck.choice(KINDS),
            luck.choice((JobStatus.RUNNING, JobStatus.RUNNING, *JobStatus)),
            luck.choice(USERS),
            luck.choice(QUEUES),
            luck.choice((None, "c0", "c1")),
            luck.choice(TAGS),
            luck.random() < 0.1,
        )
        for number in range(1, 301)
    ]


ROWS = population()


def fill(path: Path, rows: list[Row]) -> None:
    spec = to_json(JobSpec("SELECT 1"))
    with sqlite3.connect(path) as db:
        for row in rows:
            gone = 1 if row.deleted else None
            values = (row.id, row.project, row.name, row.kind, row.queue, row.user, row.status, row.id, row.cluster)
            db.execute(
                "INSERT INTO jobs (id, project, name, desc, kind, queue, user, status, created_at, updated_at, cluster,"
                " deleted_at) VALUES (?, ?, ?, '', ?, ?, ?, ?, ?, 0, ?, ?)",
                [*values, gone],
            )
            db.execute("INSERT INTO specs VALUES (?, ?, '{}')", [row.id, spec])
            tags = [(row.id, *tag, row.project) for tag in row.tags.items() if not row.deleted]
            db.executemany("INSERT INTO job_tags VALUES (?, ?, ?, ?)", tags)
    db.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceThread]:
    data = tmp_path_factory.mktemp("data")
    migrate(data / "sluiceway.db")
    fill(data / "sluiceway.db", ROWS)
    with ServiceThread(data) as running:
        yield running


# --- the model ------------------------------------------------------------------------------------------------------

# What a filter asks of a job. What nothing can match is there, too.
STATUS_NAMES = [*STATUSES, "job_idle"]
queries = st.fixed_dictionaries(
    {},
    optional={
        "job_type": st.sampled_from([*KINDS, "flink_sql_edge_job", ""]),
        "status": st.sampled_from([*STATUS_NAMES, ""]),
        "queue_name": st.sampled_from(["c0", "c1", "50%", "5", "nowhere", ""]),
        "user_name": st.sampled_from([*USERS, "an", ""]),
        "name": st.sampled_from(["orders", "rders-1", "订", "_", "%", "a%b", "-2", "ORDERS", "x" * 57, ""]),
        "tags": st.sampled_from(["env=prod", "env=prod,team=a=b", "团队=", "env=", "env=prod,env=test", ""]),
        "sys_enterprise_project_name": st.sampled_from(["default", "else", ""]),
        "root_job_id": st.sampled_from(["1", ""]),
        "order": st.sampled_from(["asc", "desc", ""]),
        "limit": st.one_of(st.integers(0, 100), st.sampled_from([101, 10**6])).map(str),
        "offset": st.one_of(st.integers(0, 40), st.integers(0, 10**9)).map(str),
        "show_detail": st.sampled_from(["true", "false", ""]),
    },
)


def matches(row: Row, query: Mapping[str, str]) -> bool:
    def equal(field: str, value: str | None) -> bool:
        return not query.get(field) or query[field] == value

    tags = [tuple(tag.split("=", 1)) for tag in query.get("tags", "").split(",") if tag]
    return (
        row.project == PROJECT
        and not row.deleted
        and equal("job_type", row.kind)
        and equal("queue_name", row.queue or row.cluster)
        and equal("user_name", row.user)
        and (not query.get("status") or row.status in STATUSES.get(query["status"], ()))
        and query.get("name", "") in row.name
        and all(row.tags.get(key) == value for key, value in tags)
        and query.get("sys_enterprise_project_name") in {None, "", "default"}
        and not query.get("root_job_id")
    )


def expected(query: Mapping[str, str]) -> tuple[int, list[int]]:
    found = sorted((row.id for row in ROWS if matches(row, query)), reverse=query.get("order") != "asc")
    first, most = int(query.get("offset", "0")), min(100, int(query.get("limit", "10")))
    return len(found), found[first : first + most]


@settings(max_examples=100, deadline=None)
@given(queries)
def test_a_list_is_what_a_plain_model_says(service: ServiceThread, query: dict[str, str]) -> None:
    answer = service.http.get(f"{BASE}/jobs", params=query)
    assert answer.status_code == 200, answer.text
    found = answer.json()["job_list"]
    assert (found["total_count"], [job["job_id"] for job in found["jobs"]]) == expected(query)
    assert all(("sql_body" in job) == (query.get("show_detail") == "true") for job in found["jobs"])


def test_the_sdk_walks_through_all_pages(service: ServiceThread) -> None:
    client = service.sdk()
    seen: list[int] = []
    while True:
        request = ListFlinkJobsRequest(limit=100, offset=len(seen), show_detail=True, status="job_running")
        page = client.list_flink_jobs(request).job_list
        if not page.jobs:
            break
        seen += [job.job_id for job in page.jobs]
        assert page.total_count == expected({"status": "job_running"})[0]
    assert seen == sorted((row.id for row in ROWS if matches(row, {"status": "job_running"})), reverse=True)
    for query, code in (({"offset": -1}, "DLI.23001"), ({"root_job_id": -5}, "DLI.23003"), ({"limit": -1}, "DLI.0001")):
        assert code_of(client.list_flink_jobs, ListFlinkJobsRequest(**query)) == (400, code)


# --- while jobs change ----------------------------------------------------------------------------------------------


def walk(service: ServiceThread, order: str, between: Any) -> list[int]:
    """The ids of all jobs, page by page; something happens after each."""
    seen: list[int] = []
    while True:
        page = service.http.get(f"{BASE}/jobs", params={"order": order, "limit": 7, "offset": len(seen)}).json()
        if not page["job_list"]["jobs"]:
            return seen
        seen += [job["job_id"] for job in page["job_list"]["jobs"]]
        between()


def test_a_walk_meets_each_job_once_while_others_are_made_and_changed(tmp_path: Path) -> None:
    with ServiceThread(tmp_path) as service:
        jobs = [service.create(f"job-{number}") for number in range(40)]
        made: list[int] = []

        def change() -> None:
            if len(made) < 10:
                made.append(service.create(f"new-{len(made)}"))
            old = jobs[len(made) * 3 % 40]
            assert service.http.put(f"{BASE}/sql-jobs/{old}", json={"name": f"renamed-{len(made)}"}).status_code == 200

        assert walk(service, "asc", change) == jobs + made


def test_the_count_and_the_page_are_of_the_same_moment(tmp_path: Path) -> None:
    with ServiceThread(tmp_path) as service, ServiceThreadClient(service) as busy:
        for _ in range(100):
            page = service.http.get(f"{BASE}/jobs?limit=100").json()["job_list"]
            assert page["total_count"] == len(page["jobs"])
        assert busy.rounds > 0, "something was made and deleted meanwhile"


class ServiceThreadClient:
    """Makes and deletes jobs as fast as it can."""

    def __init__(self, service: ServiceThread) -> None:
        self.service = service
        self.rounds = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> "ServiceThreadClient":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)

    def _work(self) -> None:
        kept: list[int] = []
        while not self._over.is_set():
            kept.append(self.service.create(f"busy-{self.rounds}"))
            if len(kept) > 5:
                self.service.http.delete(f"{BASE}/jobs/{kept.pop(0)}")
            self.rounds += 1


# --- how the database finds them ------------------------------------------------------------------------------------

FILTERS: dict[str, Any] = {
    "kind": "flink_sql_job",
    "statuses": (JobStatus.RUNNING,),
    "queue": "c0",
    "user": "local",
    "name": "orders",
}
TAGGED: list[dict[str, str]] = [{}, {"env": "prod"}, {"env": "prod", "team": "a"}]
CHOICES = [chosen for count in range(len(FILTERS) + 1) for chosen in itertools.combinations(FILTERS, count)]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("plans") / "plans.db"
    migrate(path)
    fill(path, ROWS)
    with sqlite3.connect(path) as db:
        yield db
    db.close()


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("tags", TAGGED, ids=len)
@pytest.mark.parametrize("chosen", CHOICES, ids="-".join)
def test_a_page_is_read_from_an_index_in_its_order(
    database: sqlite3.Connection, chosen: tuple[str, ...], tags: dict[str, str], descending: bool
) -> None:
    where = JobFilter(**{name: FILTERS[name] for name in chosen}, tags=tags)
    count, page = listing(PROJECT, where, offset=50_000, limit=100, descending=descending)
    for query in (count, page):
        sql = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
        plan = [line[3] for line in database.execute(f"EXPLAIN QUERY PLAN {sql}")]
        assert all(step.startswith("SEARCH ") for step in plan), plan
        assert "TEMP B-TREE" not in " ".join(plan), plan


@pytest.mark.parametrize(
    "which",
    [
        Selection(labels=parse("tier in (source,sink),team!=x,env,!paused")),
        Selection(name="in-*", statuses=STOPPABLE, saving=True),
        Selection(health=frozenset({Condition.RESTARTING})),
        Selection(statuses=frozenset({JobStatus.STOPPED}), faring=frozenset({Condition.STARTING})),
        Selection(health=frozenset({Condition.RUNNING})),
        Selection(writes="orders", reads="raw*", match="x"),
    ],
    ids=["labels", "status", "ailing", "state", "health", "tables"],
)
def test_a_selection_is_one_search_that_reads_no_table_as_a_whole(
    database: sqlite3.Connection, which: Selection
) -> None:
    there = (jobs.c.project == PROJECT, jobs.c.deleted_at.is_(None))
    query = select(jobs.c.id).where(*there, *selecting.conditions(PROJECT, which, ["c0"])).order_by(jobs.c.id)
    sql = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    plan = [line[3] for line in database.execute(f"EXPLAIN QUERY PLAN {sql}")]
    scans = [step for step in plan if step.startswith("SCAN ") and "VIRTUAL TABLE" not in step]
    assert all("USING" in step and "INDEX" in step for step in scans), plan  # of the few that ail, or are being stopped
    assert not any(step.startswith(("SCAN jobs", "SCAN job_tags", "SCAN run_tables")) for step in plan), plan
