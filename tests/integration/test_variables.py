"""Variables of a project through the vendor's SDK, and what becomes of them in the SQL of a job."""

import asyncio
import io
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkdli.v1 import (
    CreateFlinkSqlJobGraphRequest,
    CreateFlinkSqlJobGraphRequestBody,
    CreateGlobalVariableRequest,
    CreateGlobalVariableRequestBody,
    DeleteGlobalVariableRequest,
    ListGlobalVariablesRequest,
    UpdateGlobalVariableRequest,
    UpdateGlobalVariableRequestBody,
)
from tests import scripts
from tests.plane import PROJECT as AT_HOME
from tests.plane import plane
from tests.service_thread import PROJECT, ServiceThread, code_of

from sluiceway.assembly.clock import clock
from sluiceway.cli.main import run
from sluiceway.control.variables import Variables
from sluiceway.control.vault import Vault
from sluiceway.domain.engine import Cluster
from sluiceway.domain.facts import SubmitRefused, Submitted
from sluiceway.domain.job import JobSpec
from sluiceway.domain.run import Run, RunPhase
from sluiceway.domain.variables import Filled, Unfilled, Variable, fill
from sluiceway.engines.sql import Script, SqlRefused
from sluiceway.engines.submit import SqlSubmitter

SECRET = "hush; it's s3cret"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def service(data: Path) -> Iterator[ServiceThread]:
    with ServiceThread(data) as running:
        yield running


def create(service: ServiceThread, name: str, value: str, project: str | None = None, **fields: Any) -> Any:
    client = service.sdk(project) if project else service.sdk()
    body = CreateGlobalVariableRequestBody(var_name=name, var_value=value, **fields)
    return client.create_global_variable(CreateGlobalVariableRequest(body))


def shown(service: ServiceThread, **page: int) -> dict[str, Any]:
    found = service.sdk().list_global_variables(ListGlobalVariablesRequest(**page))
    return {each.var_name: each for each in found.global_vars}


def test_the_life_of_a_variable(service: ServiceThread) -> None:
    assert create(service, "topic", "orders").is_success is True
    assert create(service, "pw", SECRET, is_sensitive=True).is_success is True
    listed = shown(service)
    assert (listed["topic"].var_value, listed["topic"].is_sensitive) == ("orders", False)
    assert (listed["pw"].var_value, listed["pw"].is_sensitive) == ("", True)
    assert listed["pw"].create_time <= listed["pw"].update_time
    assert list(shown(service, limit=1, offset=1)) == ["topic"]

    body = UpdateGlobalVariableRequestBody(var_value="returns")
    service.sdk().update_global_variable(UpdateGlobalVariableRequest("topic", body))
    assert shown(service)["topic"].var_value == "returns"
    service.sdk().delete_global_variable(DeleteGlobalVariableRequest("topic"))
    assert set(shown(service)) == {"pw"}


def test_a_sensitive_value_is_nowhere_in_the_database(service: ServiceThread, data: Path) -> None:
    create(service, "hidden", SECRET, is_sensitive=True)
    update = UpdateGlobalVariableRequestBody(var_value=f"{SECRET} again")
    service.sdk().update_global_variable(UpdateGlobalVariableRequest("hidden", update))
    with sqlite3.connect(data / "sluiceway.db") as db:
        dump = "\n".join(db.iterdump())
    db.close()
    assert "hidden" in dump
    assert "s3cret" not in dump
    assert "variable_updated" in dump


def test_a_project_has_its_own(service: ServiceThread) -> None:
    create(service, "mine", "1")
    create(service, "mine", "2", project="other")
    assert shown(service)["mine"].var_value == "1"


def test_what_cannot_be_has_its_code(service: ServiceThread) -> None:
    create(service, "there", "1")
    body = CreateGlobalVariableRequestBody(var_name="there", var_value="2")
    sdk = service.sdk()
    assert code_of(sdk.create_global_variable, CreateGlobalVariableRequest(body)) == (400, "DLI.0006")
    for name, value in (("_a", "1"), ("12", "1"), ("a-b", "1"), ("a" * 129, "1"), ("a", ""), ("a", "x" * 65_537)):
        bad = CreateGlobalVariableRequest(CreateGlobalVariableRequestBody(var_name=name, var_value=value))
        assert code_of(sdk.create_global_variable, bad) == (400, "DLI.0001")
    assert code_of(sdk.delete_global_variable, DeleteGlobalVariableRequest("nothing")) == (400, "DLI.0002")
    update = UpdateGlobalVariableRequest("nothing", UpdateGlobalVariableRequestBody(var_value="1"))
    assert code_of(sdk.update_global_variable, update) == (400, "DLI.0002")


async def test_a_value_that_was_sealed_with_a_lost_key_refuses_the_run(tmp_path: Path) -> None:
    async with plane(tmp_path) as at:
        first, second = (Variables(at.db, Vault(tmp_path / name), clock) for name in ("one.key", "two.key"))
        await first.create(AT_HOME, "pw", SECRET, "somebody", sensitive=True)
        assert (await first.fill(AT_HOME, "{{pw}}")).text == SECRET
        with pytest.raises(Unfilled, match=r"The value of \{\{pw\}\} cannot be had back: .* Set it anew"):
            await second.fill(AT_HOME, "{{pw}}")
        job = await at.create("job")
        assert (await first.fill_of_job(job, "{{pw}}")).text == SECRET, "its project's"
        with pytest.raises(Unfilled, match="is no variable"):
            await first.fill("elsewhere", "{{pw}}")
        many = " ".join(f"{{{{a{n}}}}}" for n in range(101))
        with pytest.raises(Unfilled, match="uses 101 variables; at most 100"):
            await first.fill(AT_HOME, many)


TABLES = """
CREATE TABLE s (n STRING) WITH ('connector' = 'datagen');
CREATE TABLE {{sink}} (n STRING) WITH ('connector' = '{{connector}}');
"""


@pytest.mark.real
def test_a_graph_is_drawn_with_the_values_and_told_without_the_sensitive_ones(service: ServiceThread) -> None:
    job = service.create("job")

    def draw(sql: str) -> Any:
        body = CreateFlinkSqlJobGraphRequestBody(sql_body=sql)
        return service.sdk().create_flink_sql_job_graph(CreateFlinkSqlJobGraphRequest(str(job), body))

    create(service, "sink", "sunk")
    create(service, "connector", "blackhole")
    create(service, "word", "s3cr3t", is_sensitive=True)
    nodes = json.loads(draw(TABLES + "INSERT INTO {{sink}} SELECT n FROM s WHERE n = '{{word}}'").stream_graph)["nodes"]
    assert [node["type"].partition("[")[0] for node in nodes][-1] == "sunk"
    assert "{{word}}" in json.dumps(nodes)
    assert "s3cr3t" not in json.dumps(nodes)

    for sql, says in (
        ("INSERT INTO {{nowhere}} SELECT 1", "{{nowhere}}, which is no variable of the project"),
        (TABLES + "INSERT INTO {{sink}} SELECT {{word}} FROM s", "{{word}}"),
    ):
        path = f"/v3/{PROJECT}/streaming/jobs/{job}/gen-graph"
        answer = service.http.post(path, json={"sql_body": sql})
        assert answer.status_code == 400
        assert says in answer.text
        assert "s3cr3t" not in answer.text


# --- the commands ---------------------------------------------------------------------------------------------------


def test_the_commands(
    service: ServiceThread, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(*words: str) -> tuple[int, str]:
        code = run(["variables", *words, "--server", service.url, "--project", "cli"])
        said = capsys.readouterr()
        return code, said.out + said.err

    assert command("set", "topic", "orders")[0] == 0
    assert "changed" in command("set", "topic", "returns")[1]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))
    assert command("set", "pw", "--sensitive")[0] == 0
    code, said = command("set", "topic", "x", "--sensitive")
    assert code != 0
    assert "Delete it, then set it as a sensitive one" in said
    code, said = command("list")
    assert (code, "returns" in said, "(sealed)" in said, SECRET in said) == (0, True, True, False)
    listed = json.loads(command("list", "--json")[1])["variables"]
    assert [(each["var_name"], each["var_value"]) for each in listed] == [("pw", ""), ("topic", "returns")]
    assert command("delete", "topic")[0] == 0
    code, said = command("delete", "topic")
    assert code != 0
    assert "There is no variable topic in this project" in said
    assert "digits and underscores" in command("set", "_a", "1")[1]


# --- a run ----------------------------------------------------------------------------------------------------------


class Planner:
    """Keeps what it is given, and refuses it with all that it has read."""

    flink_version = "2.3.0"

    def __init__(self) -> None:
        self.read: list[str] = []

    async def read_sql(self, body: str, *, caller: str, runs: bool) -> Script:
        self.read.append(body)
        return scripts.script(body)

    async def submit_sql(self, url: str, script: Script, options: dict[str, str]) -> None:
        if "refuse" in script.inserts[0]:
            raise SqlRefused(f"Unexpected {script.inserts[0]}")


KNOWN = {"sink": Variable("out"), "pw": Variable("s3cr3t", sensitive=True)}


def submit(sql: str) -> tuple[Planner, object]:
    planner = Planner()

    async def jvm() -> Any:
        return planner

    async def version_of(_: str) -> str:
        return "2.3.1"

    async def filled(job_id: int, text: str) -> Filled:
        assert job_id == 7
        return fill(text, KNOWN)

    submitter = SqlSubmitter(jvm, version_of, "s3://company", filled)
    starting = Run(1, 7, "ab" * 16, RunPhase.SUBMITTING)
    return planner, asyncio.run(submitter.submit(Cluster("c", "http://c:1"), starting, "orders", JobSpec(sql)))


def test_a_run_has_the_values() -> None:
    planner, answer = submit("INSERT INTO {{sink}} SELECT '{{pw}}'")
    assert answer == Submitted()
    assert planner.read == ["INSERT INTO out SELECT 's3cr3t'"]


def test_a_name_that_is_not_defined_refuses_the_run() -> None:
    planner, answer = submit("INSERT INTO {{sinc}} SELECT 1")
    assert isinstance(answer, SubmitRefused)
    assert "{{sinc}}, which is no variable of the project" in answer.text
    assert planner.read == []


def test_a_refusal_does_not_tell_a_sensitive_value() -> None:
    _, answer = submit("INSERT INTO {{sink}} SELECT 'refuse {{pw}}'")
    assert answer == SubmitRefused("Unexpected INSERT INTO out SELECT 'refuse {{pw}}'")
