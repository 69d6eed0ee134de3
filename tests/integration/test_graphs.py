"""The graph of SQL that is not run, from Flink's own planner and through the vendor's SDK."""

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from huaweicloudsdkdli.v1 import CreateFlinkSqlJobGraphRequest, CreateFlinkSqlJobGraphRequestBody
from tests.support.flink.real import RealFlink
from tests.support.services.thread import PROJECT, ServiceThread, code_of

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.job import JobSpec
from sluiceway.engines.planning.graphs import SqlGrapher
from sluiceway.engines.planning.java import NoJava
from sluiceway.engines.planning.planner import Plans
from sluiceway.engines.planning.sql import SqlRefused, SqlSyntax

COUNT = """
CREATE TABLE orders (n BIGINT) WITH ('connector' = 'datagen');
CREATE TABLE counts (n BIGINT, c BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO counts SELECT n, COUNT(*) FROM orders GROUP BY n;
"""
real = pytest.mark.real


# --- the planner ----------------------------------------------------------------------------------------------------


def plan(flink: RealFlink, sql: str, *, chained: bool = False, parallelism: int = 1) -> Any:
    options = {"parallelism.default": str(parallelism)}
    return json.loads(flink.run(flink.jvm.plan_sql(flink.read(sql), options, chained=chained)))


def jobs(flink: RealFlink) -> set[str]:
    with urllib.request.urlopen(f"{flink.url}/jobs/overview") as answer:
        return {job["jid"] for job in json.load(answer)["jobs"]}


@real
def test_operators_are_drawn_with_what_comes_before_them(real_flink: RealFlink) -> None:
    before = jobs(real_flink)
    nodes = plan(real_flink, COUNT, parallelism=3)["nodes"]
    assert [node["type"].partition("[")[0] for node in nodes] == ["Source: orders", "GroupAggregate", "counts"]
    assert {node["parallelism"] for node in nodes} == {3}
    assert [[each["id"] for each in node.get("predecessors", ())] for node in nodes] == [
        [],
        [nodes[0]["id"]],
        [nodes[1]["id"]],
    ]
    assert jobs(real_flink) == before, "nothing runs"


@real
def test_tasks_are_drawn_as_the_running_job_has_them(real_flink: RealFlink) -> None:
    before = jobs(real_flink)
    drawn = plan(real_flink, COUNT, chained=True)
    assert jobs(real_flink) == before, "nothing runs"
    assert len(drawn["nodes"]) == 2, "the sink is chained"
    jid = real_flink.submit(COUNT, **{"parallelism.default": "1"})
    with urllib.request.urlopen(f"{real_flink.url}/jobs/{jid}") as answer:
        running = json.load(answer)["plan"]
    shapes = [
        sorted((node["id"], node["parallelism"], len(node.get("inputs", ()))) for node in each["nodes"])
        for each in (drawn, running)
    ]
    assert shapes[0] == shapes[1]


@real
def test_all_inserts_are_one_graph(real_flink: RealFlink) -> None:
    more = COUNT + "INSERT INTO counts SELECT n, 1 FROM orders;"
    kinds = [node["pact"] for node in plan(real_flink, more)["nodes"]]
    assert (kinds.count("Data Source"), len(kinds)) == (1, 5)


@real
def test_what_was_drawn_leaves_nothing_behind(real_flink: RealFlink) -> None:
    plan(real_flink, COUNT)
    assert plan(real_flink, COUNT), "its tables are not there any more"
    with pytest.raises(SqlRefused, match="orders"):
        plan(real_flink, "INSERT INTO counts SELECT * FROM orders")


@real
@pytest.mark.parametrize(
    ("sql", "kind", "says"),
    [
        ("INSERT INTO b SELEKT 1", SqlSyntax, "parse failed"),
        ("INSERT INTO nowhere SELECT 1", SqlRefused, "nowhere"),
        (COUNT.replace("COUNT(*)", "missing"), SqlRefused, "missing"),
        (COUNT.replace("blackhole", "kafkaesque"), SqlRefused, "kafkaesque"),
    ],
)
def test_what_is_wrong_is_said(real_flink: RealFlink, sql: str, kind: type[SqlRefused], says: str) -> None:
    with pytest.raises(SqlRefused, match=says) as refused:
        plan(real_flink, sql)
    assert type(refused.value) is kind
    assert "Exception" not in str(refused.value)


# --- the path -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceThread]:
    with ServiceThread(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture(scope="module")
def job(service: ServiceThread) -> int:
    return service.create("job")


def request(job: int | str, **fields: Any) -> CreateFlinkSqlJobGraphRequest:
    return CreateFlinkSqlJobGraphRequest(str(job), CreateFlinkSqlJobGraphRequestBody(**fields))


@real
def test_the_sdk_reads_both_graphs(service: ServiceThread, job: int) -> None:
    client = service.sdk()
    drawn = client.create_flink_sql_job_graph(
        request(job, sql_body=COUNT, graph_type="simple_graph", parallel_number=4, cu_number=3, static_estimator=False)
    )
    assert (drawn.is_success, drawn.message, drawn.error_code) == (True, "", "")
    assert {node["parallelism"] for node in json.loads(drawn.stream_graph)["nodes"]} == {4}
    chained = client.create_flink_sql_job_graph(request(job, sql_body=COUNT, graph_type="job_graph"))
    assert len(json.loads(chained.stream_graph)["nodes"]) == 2

    answer = service.http.post(f"/v3/{PROJECT}/streaming/jobs/{job}/gen-graph", json={"sql_body": COUNT}).json()
    assert set(answer) == {"is_success", "message", "error_code", "stream_graph"}
    assert answer["is_success"] is True
    assert isinstance(answer["stream_graph"], str)

    for sql, code in (("INSERT INTO b SELEKT 1", "DLI.0004"), ("INSERT INTO nowhere SELECT 1", "DLI.0005")):
        bad = request(job, sql_body=sql)
        assert code_of(client.create_flink_sql_job_graph, bad) == (400, code)


@real
def test_a_job_is_compiled_before_there_is_one(service: ServiceThread) -> None:
    def check(sql: str) -> Any:
        path = f"/api/v1/projects/{PROJECT}/jobs/check"
        return service.http.post(path, json={"sql": sql, "parallelism": 2}).json()

    told = check(COUNT)
    assert told == {"ok": True, "faults": [], "notes": [], "unchecked": ""}
    for sql, about in (
        ("INSERT INTO b SELEKT 1", "syntax"),
        ("INSERT INTO nowhere SELECT 1", "sql"),
        ("SET 'rest.port' = '1'; " + COUNT, "sql"),
    ):
        told = check(sql)
        assert (told["ok"], [fault["about"] for fault in told["faults"]]) == (False, [about])
    told = check("CREATE TABLE t WITH ('connector' = 'blackhole') AS SELECT 1")
    assert (told["ok"], "only when the job starts" in told["unchecked"]) == (None, True)


@real
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"sql_body": ""}, "DLI.0001"),
        ({"sql_body": "x" * (1024 * 1024 + 1)}, "DLI.11001"),
        ({"sql_body": "SELECT 'a"}, "DLI.0004"),
        ({"sql_body": "SELECT 1"}, "DLI.0005"),
        ({"sql_body": "SET 'rest.port' = '1'; " + COUNT}, "DLI.0005"),
        ({"sql_body": "SET 'table.catalog-store.kind' = 'file'; " + COUNT}, "DLI.0005"),
        ({"sql_body": "DROP VIEW IF EXISTS a;" * 45_000 + COUNT}, "DLI.0005"),
        ({"sql_body": "CREATE TABLE t AS SELECT 1"}, "DLI.0005"),
        ({"sql_body": COUNT, "graph_type": "tree"}, "DLI.0001"),
        ({"sql_body": COUNT, "job_type": "flink_jar_job"}, "DLI.0001"),
        ({"sql_body": COUNT, "parallel_number": 0}, "DLI.11013"),
        ({"sql_body": COUNT, "parallel_number": 5}, "DLI.11022"),
        ({"sql_body": COUNT, "cu_number": 1}, "DLI.11027"),
        ({}, "DLI.0001"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_drawn_has_its_code(service: ServiceThread, job: int, fields: dict[str, Any], code: str) -> None:
    answer = service.http.post(f"/v3/{PROJECT}/streaming/jobs/{job}/gen-graph", json=fields)
    assert (answer.status_code, answer.json()["error_code"]) == (400, code), answer.text


def test_an_unknown_job_has_no_graph(service: ServiceThread, job: int) -> None:
    for client, number, code in (
        (service.sdk(), 999, "DLI.16001"),
        (service.sdk("other"), job, "DLI.16001"),
        (service.sdk(), "x", "DLI.12001"),
    ):
        drawing = request(number, sql_body=COUNT)
        assert code_of(client.create_flink_sql_job_graph, drawing) == (400, code)


def test_without_java_nothing_can_be_drawn() -> None:
    async def no_jvm(_: str | None) -> Plans:
        raise NoJava("There is no Java.")

    with pytest.raises(Unreachable, match="no Java"):
        asyncio.run(SqlGrapher(no_jvm).draw(JobSpec(COUNT), chained=False))
