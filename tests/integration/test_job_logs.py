"""Looks at a job: why it failed, whose log may be told, and what is wrong with one that is still being written."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.services.native_api import Api, native_api, served
from tests.support.services.plane import PROJECT, SQL

from sluiceway.cli.main import run
from sluiceway.control.errors import Forbidden, NoLog
from sluiceway.control.job_logs import JobLogs
from sluiceway.control.variables import Variables
from sluiceway.domain.place import Place
from sluiceway.settings import Settings

pytestmark = pytest.mark.process
LINES = b"".join(b"line %d\n" % number for number in range(1, 301))


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with native_api(tmp_path) as made:
        made.plane.fake.logs = {"jobmanager": LINES, "10.0.0.7:41331-5c2a11": b"first\nsecond\n"}
        yield made


async def failing(api: Api) -> int:
    [job] = await api.plane.run(1)
    jid = await api.plane.flink_id(job)
    api.plane.fake.fail(jid, "java.lang.ArithmeticException: / by zero\n\tat com.shop.Orders.main(Orders.java:7)")
    return job


async def test_failures_and_the_ends_of_logs_are_told(api: Api) -> None:
    job = await failing(api)
    told = await api.get(f"jobs/{job}/logs")
    assert "/ by zero" in told["failures"][0]["text"]
    assert "Orders.java:7" in told["failures"][0]["text"], "with its stack trace"
    assert told["processes"] == ["jobmanager", "10.0.0.7:41331-5c2a11"]
    assert (told["withheld"], told["log"]) == ("", None)
    told = await api.get(f"jobs/{job}/logs?process=jobmanager&lines=2")
    assert told["log"] == {"process": "jobmanager", "lines": ["line 299", "line 300"], "cut": True}
    told = await api.get(f"jobs/{job}/logs?process=10.0.0.7:41331-5c2a11")
    assert told["log"] == {"process": "10.0.0.7:41331-5c2a11", "lines": ["first", "second"], "cut": False}


async def test_what_is_not_there_is_refused_with_the_reason(api: Api) -> None:
    job, draft = await failing(api), await api.plane.create("draft")
    api.plane.fake.logs = {"tm-1": b""}
    for path, status, said in (
        ("999/logs", 404, "There is no job 999"),
        (f"{draft}/logs", 409, "never run"),
        (f"{job}/logs?process=tm-2", 409, "has no TaskManager tm-2"),
        (f"{job}/logs?process=jobmanager", 409, "no log file"),
        (f"{job}/logs?process=..%2F..%2Fjobs", 400, "process"),
        (f"{job}/logs?lines=10001", 400, "lines"),
    ):
        answer = await api.http.get(f"/api/v1/projects/{PROJECT}/jobs/{path}")
        assert (answer.status_code, said in answer.text) == (status, True), answer.text
    assert (await api.get(f"jobs/{job}/logs?process=tm-1"))["log"]["lines"] == []


async def test_a_log_that_others_print_into_is_an_admins_alone(api: Api) -> None:
    at, job = api.plane, await failing(api)
    asked = list[str]()

    def locate(name: str) -> Place:
        asked.append(name)
        return replace(at.clusters[name], application=application)

    logs = JobLogs(at.db, locate, at.engine, Variables(at.db, None, at.ground.clock))  # type: ignore[arg-type]
    application = False
    told = await logs(PROJECT, job, None, 10, everywhere=False)
    assert told.failures, "those are the job's own"
    assert (told.processes, told.log) == ([], None)
    assert "only an admin of every project" in told.withheld
    with pytest.raises(Forbidden, match="print into the same logs"):
        await logs(PROJECT, job, "jobmanager", 10, everywhere=False)
    assert (await logs(PROJECT, job, "jobmanager", 10, everywhere=True)).log

    application = True
    told = await logs(PROJECT, job, "jobmanager", 3, everywhere=False)
    assert told.log is not None
    assert told.log.lines == ["line 298", "line 299", "line 300"]
    theirs = await at.create("theirs", project="theirs")
    await at.start("theirs", [theirs], resume=False)
    with pytest.raises(Forbidden):
        await logs(PROJECT, job, "jobmanager", 3, everywhere=False)
    await at.edit.delete("theirs", [theirs])
    with pytest.raises(Forbidden):
        await logs(PROJECT, job, "jobmanager", 3, everywhere=False)
    await at.fake.close()
    with pytest.raises(NoLog, match="does not answer"):
        await logs(PROJECT, job, None, 3, everywhere=True)


async def test_the_command(api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = await failing(api)
    async with served(api.plane, Settings(data=tmp_path)) as address:

        async def logs(*words: str) -> int:
            where = ("--server", address, "--project", PROJECT)
            return await asyncio.to_thread(run, ["jobs", "logs", str(job), *words, *where])

        assert await logs() == 0
        out, err = capsys.readouterr()
        assert "/ by zero" in out
        assert "--taskmanagers show the logs" in err
        assert await logs("--jobmanager", "--lines", "1") == 0
        assert capsys.readouterr().out == "==> jobmanager <==  (the end of it)\nline 300\n"
        assert await logs("--taskmanagers") == 0
        assert capsys.readouterr().out == "==> 10.0.0.7:41331-5c2a11 <==\nfirst\nsecond\n"
        assert await logs("--taskmanagers", "--json") == 0
        assert [log["lines"] for log in json.loads(capsys.readouterr().out)["logs"]] == [["first", "second"]]
        assert await logs("--taskmanager", "tm-9") == 1
        assert await logs("--jobmanager", "--taskmanagers") == 2


# --- before there is a job ------------------------------------------------------------------------------------------


async def test_options_are_looked_at_even_where_nothing_compiles(api: Api) -> None:
    told = await api.post("jobs/check", 200, sql=SQL, options={"rest.port": "1"})
    assert told["ok"] is False
    assert [fault["about"] for fault in told["faults"]] == ["options"]
    told = await api.post("jobs/check", 200, sql=SQL)
    assert (told["ok"], told["faults"]) == (None, [])
    assert "could not be compiled now: nothing is planned here" in told["unchecked"]
    told = await api.post("jobs/check", 200, sql="INSERT INTO a SELECT '{{nobody}}'")
    assert [fault["about"] for fault in told["faults"]] == ["variables"]
    assert (await api.post("jobs/check", 200, options={}, sql=" "))["ok"] is None
    answer = await api.http.post(f"/api/v1/projects/{PROJECT}/jobs/check", json={"sql": SQL, "queue": "nope"})
    assert (answer.status_code, answer.json()["error_code"]) == (404, "unknown_queue")
    answer = await api.http.post(f"/api/v1/projects/{PROJECT}/jobs/check", json={"sql": "x" * (1024 * 1024 + 1)})
    assert answer.status_code == 400
