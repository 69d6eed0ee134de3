"""Variables of a project through the vendor's SDK, and what becomes of them in the SQL of a job."""

import asyncio
import io
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
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
from tests.support.doubles import scripts
from tests.support.services.native_api import Api, native_api, no_planner
from tests.support.services.plane import PROJECT as AT_HOME
from tests.support.services.plane import plane
from tests.support.services.thread import PROJECT, ServiceThread, code_of

from sluiceway.assembly.clock import clock
from sluiceway.cli.main import run
from sluiceway.control import sql_checks
from sluiceway.control.sql_checks import SqlChecks
from sluiceway.control.variables import Variables
from sluiceway.control.vault import Vault
from sluiceway.domain.admission import Refusal
from sluiceway.domain.engine import Unreachable
from sluiceway.domain.facts import SubmitRefused, Submitted
from sluiceway.domain.job import JobDraft, JobSpec, JobStatus
from sluiceway.domain.orders import StartOrder
from sluiceway.domain.place import Place
from sluiceway.domain.run import Run, RunPhase
from sluiceway.domain.variables import Filled, Unfilled, Variable, fill
from sluiceway.engines.planning.sql import Script, SqlRefused
from sluiceway.engines.planning.submit import SqlSubmitter
from sluiceway.store import views

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
        with pytest.raises(Unfilled, match=r"The value of \{\{pw\}\} cannot be restored: .* Set it again"):
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


# --- a run that would be refused --------------------------------------------------------------------------------------


class Reader:
    """Reads SQL, and plans none; `held` keeps it from answering."""

    flink_version = "2.3.0"

    def __init__(self, *, held: bool = False) -> None:
        self.read: list[str] = []
        self._free = asyncio.Event()
        if not held:
            self._free.set()

    async def read_sql(self, body: str, **_: object) -> Script:
        self.read.append(body)
        await self._free.wait()
        return scripts.script(body)

    async def operators(self, *_: object, **__: object) -> str:
        raise Unreachable("nothing is planned here")

    async def provider(self) -> Any:
        return self


GOOD = "INSERT INTO {{sink}} SELECT 1"
UNDEFINED = "INSERT INTO {{sinc}} SELECT '{{nothing_like_it}}'"
MISSPELT = "SET 'table.exec.stat.ttl' = '1 h'; INSERT INTO {{sink}} SELECT 1"
HIDDEN = "{{options}} INSERT INTO {{sink}} SELECT 1"  # a sensitive value that sets an option


async def drafts(api: Api, *sqls: str) -> list[int]:
    """Jobs, and the variables that some of them use."""
    for name, value, sensitive in (("sink", "out", False), ("options", "SET 'pasword' = 'h';", True)):
        body = {"var_name": name, "var_value": value, "is_sensitive": sensitive}
        assert (await api.http.post(f"/v1.0/{AT_HOME}/variables", json=body)).is_success
    made = [await api.plane.edit.create(AT_HOME, JobDraft(f"j{at}", JobSpec(sql)), "me") for at, sql in enumerate(sqls)]
    return [job.id for job in made]


async def run_call(api: Api, *jobs: int) -> httpx.Response:
    return await api.http.post(f"/v1.0/{AT_HOME}/streaming/jobs/run", json={"job_ids": list(jobs)})


async def test_a_run_is_refused_at_once_with_the_name_and_what_was_meant(tmp_path: Path) -> None:
    reader = Reader()
    async with native_api(tmp_path, reader.provider) as api:
        jobs = await drafts(api, GOOD, UNDEFINED, MISSPELT, HIDDEN)
        answers = (await run_call(api, *jobs)).json()
        assert [each["is_success"] for each in answers] == ["true", "false", "false", "false"]
        assert [each.get("error_code") for each in answers[1:]] == ["DLI.0005"] * 3
        undefined, misspelt, hidden = (each["message"] for each in answers[1:])
        assert "{{sinc}} (did you mean {{sink}}?), {{nothing_like_it}}, which are no variables" in undefined
        assert "'table.exec.stat.ttl' cannot be set for a job" in misspelt
        assert "Did you mean 'table.exec.state.ttl'?" in misspelt
        assert "The option '{{options}}' cannot be set for a job" in hidden
        assert "pasword" not in hidden, "which is a part of a sensitive value"
        assert (await api.plane.job(jobs[1])).status is JobStatus.DRAFT, "nothing was done"
        assert [body.split("'")[1] for body in reader.read] == ["table.exec.stat.ttl", "pasword"], (
            "no other SQL is read"
        )
        assert "pasword" not in repr(api.plane.life.start_jobs)

        one = await run_call(api, jobs[1])
        assert (one.status_code, one.json()[0]["error_code"]) == (400, "DLI.0005")
        assert (
            "SQL 不能作为作业运行"
            in (
                await api.http.post(
                    f"/v1.0/{AT_HOME}/streaming/jobs/run", json={"job_ids": jobs[1:2]}, headers={"X-Language": "zh-cn"}
                )
            ).text
        )


async def test_a_run_tells_options_without_effect_and_starts(tmp_path: Path) -> None:
    sql = (
        "SET 'state.savepoints.dir' = 's3://mine'; SET 'pipeline.name' = 'x'; INSERT INTO {{sink}} SELECT 1; RESET;"
        "SET 'table.exec.state.ttl' = '1 d'"
    )
    async with native_api(tmp_path, Reader().provider) as api:
        [job] = await drafts(api, sql)
        [told] = (await run_call(api, job)).json()
        assert told["is_success"] == "true"
        assert told["message"].endswith(
            "Without effect here: 'state.savepoints.dir' (Sluiceway gives each savepoint a place of its own), "
            "'table.exec.state.ttl' (it is set behind all that it could change)."
        )


async def test_a_resume_a_dry_run_and_a_plan_refuse_it_too(tmp_path: Path) -> None:
    async with native_api(tmp_path, Reader().provider) as api:
        [job] = await drafts(api, GOOD)
        await run_call(api, job)
        await api.plane.until(job, JobStatus.RUNNING)
        stop = (await api.stopped(job))["id"]
        [fine] = (shown := await api.post(f"stops/{stop}/resume", dry_run=True))["jobs"]
        assert fine["accepted"]
        assert (await api.http.delete(f"/v1.0/{AT_HOME}/variables/sink")).is_success
        for ask in ({"dry_run": True}, {}):
            [said] = (await api.post(f"stops/{stop}/resume", **ask))["jobs"]
            assert (said["accepted"], said["code"]) == (False, "bad_sql")
            assert "{{sink}}, which is no variable of the project" in said["message"]
        outdated = await api.post("resumes", status=409, plan=shown["plan"])
        assert [(each["was"].split(",")[0], each["now"].split(",")[0]) for each in outdated["differences"]] == [
            ("accepted", "bad_sql")
        ]


async def test_where_nothing_reads_sql_in_time_a_run_is_accepted_and_its_submission_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_checks, "PATIENCE", 0.01)
    for number, planner in enumerate((no_planner, Reader(held=True).provider)):
        (tmp_path / str(number)).mkdir()
        async with native_api(tmp_path / str(number), planner) as api:
            undefined, misspelt = await drafts(api, UNDEFINED, MISSPELT)
            first, second = (await run_call(api, undefined, misspelt)).json()
            assert (first["is_success"], second["is_success"]) == ("false", "true"), "names need no planner"


async def test_sql_for_a_cluster_of_another_flink_is_refused_at_once_where_that_is_known(tmp_path: Path) -> None:
    told = "The cluster c1 runs Flink 1.20.3, and SQL is planned here by Flink 2.3.0."

    async def misplaced(cluster: str) -> str | None:
        if cluster == "c2":
            raise Unreachable("no answer")
        return told if cluster == "c1" else None

    async def nothing(project: str, spec: JobSpec) -> tuple[str | None, str]:
        return None, ""

    async with plane(tmp_path, clusters=3) as at:
        checks = SqlChecks(at.db, Variables(at.db, Vault(tmp_path / "a.key"), clock), nothing, misplaced)
        start = replace(at.life.start_jobs, check_sql=checks)
        jobs = [await at.create(name, queue=name) for name in ("c0", "c1", "c2")]
        found = (await start(StartOrder(AT_HOME, jobs, resume=False))).verdicts
        assert [verdict.refusal for verdict in found] == [None, Refusal.OTHER_FLINK, None]
        assert found[1].note == told


async def test_a_draft_may_use_what_is_yet_to_be_made_and_is_told_so(service: ServiceThread) -> None:
    path = f"/v1.0/{PROJECT}/streaming/sql-jobs"
    made = service.http.post(path, json={"name": "early", "sql_body": "INSERT INTO {{not_yet}} SELECT 1"}).json()
    assert "The SQL uses {{not_yet}}, not among the project's variables yet" in made["message"]
    job = f"{path}/{made['job']['job_id']}"
    body = {"sql_body": "INSERT INTO {{never}} SELECT 1"}
    assert "尚未定义的变量：{{never}}" in service.http.put(job, json=body, headers={"X-Language": "zh-cn"}).text
    assert "variables" not in service.http.put(job, json={"desc": "x"}).json()["message"]
    assert "variables" not in service.http.put(job, json={"sql_body": "SELECT 1"}).json()["message"]


async def test_it_is_known_which_runs_had_a_value(tmp_path: Path) -> None:
    async with plane(tmp_path) as at:
        variables = Variables(at.db, Vault(tmp_path / "a.key"), clock)
        await variables.create(AT_HOME, "old", "1", "me", sensitive=False)
        await variables.create(AT_HOME, "pw", "1", "me", sensitive=True)
        [job] = await at.run()
        run = (await views.origins(at.db, AT_HOME, [job]))[job].run_id
        assert run is not None
        assert await variables.settled_at(AT_HOME) == {"old": 0, "pw": 0}
        await variables.update(AT_HOME, "pw", "2", "me")
        await variables.create(AT_HOME, "new", "1", "me", sensitive=False)
        assert await variables.settled_at(AT_HOME) == {"old": 0, "pw": run, "new": run}


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

    async def planner_of(*_: object) -> Any:
        return planner

    async def version_of(_: Place) -> str:
        return "2.3.1"

    async def filled(job_id: int, text: str) -> Filled:
        assert job_id == 7
        return fill(text, KNOWN)

    submitter = SqlSubmitter(planner_of, version_of, "s3://company", filled)
    starting = Run(1, 7, "ab" * 16, RunPhase.SUBMITTING)
    return planner, asyncio.run(submitter.submit(Place("c", "http://c:1"), starting, "orders", JobSpec(sql)))


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
