"""The commands of a maintenance window against the service itself, over a fake Flink."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.flink import jar_job
from tests.support.patience import PATIENCE
from tests.support.services.native_api import served
from tests.support.services.plane import PROJECT, Plane, plane

from sluiceway.cli.main import run
from sluiceway.domain.adoption import Adopts
from sluiceway.domain.job import JarProgram, JobStatus
from sluiceway.settings import Settings
from sluiceway.store.views import JobFilter

Command = Callable[..., Coroutine[Any, Any, int]]


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Plane]:
    async with plane(tmp_path) as made:
        yield made


@pytest.fixture
async def command(at: Plane, tmp_path: Path) -> AsyncIterator[Command]:
    """Runs a command line to its end; its exit code."""
    async with served(at, Settings(data=tmp_path)) as address:

        async def line(*words: str) -> int:
            return await asyncio.to_thread(run, [*words, "--server", address, "--project", PROJECT])

        yield line


async def lasting(at: Plane, job: int, seconds: float) -> None:
    at.fake.jobs[await at.flink_id(job)].stop_seconds = seconds


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


async def test_a_dry_run_tells_what_would_be_and_touches_nothing(
    at: Plane, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    running, draft = *await at.run(), await at.create("draft")
    assert await command("stop", str(running), str(draft), "--dry-run", "--json") == 1, "one of them would not stop"
    told = {job["job_id"]: job for job in printed(capsys)["jobs"]}
    assert (told[running]["accepted"], told[draft]["accepted"]) == (True, False)
    assert told[running]["finding"]["running_tasks"] > 0
    assert at.fake.count("stop") == 0
    assert (await at.job(running)).status is JobStatus.RUNNING
    assert await command("stops", "list", "--json") == 0
    assert printed(capsys)["stops"] == []


async def test_waves_are_followed_to_their_end_and_brought_back(
    at: Plane, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    sources, sinks = await at.run(2, "source"), await at.run(2, "sink")
    for job in sources:
        await lasting(at, job, 0.3)
    waves = [f"--wave={','.join(map(str, wave))}" for wave in (sources, sinks)]
    assert await command("stop", *waves, "--reason", "kernel upgrade", "--json") == 0
    stop = printed(capsys)["id"]

    assert await command("stops", "watch", str(stop), "--json") == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["id"] for event in told] == sorted(event["id"] for event in told)
    order = [event["job_id"] for event in told if event["kind"] == "stop_stopped"]
    assert (set(order[:2]), set(order[2:])) == (set(sources), set(sinks)), "the second wave waits for the first"

    assert await command("stops", "show", str(stop)) == 0
    shown = capsys.readouterr().out
    assert shown.count("stopped") == 4
    assert str(at.savepoints(sinks[0])[0].parent) in shown.replace("\n", "")
    assert await command("resume", str(stop), "--wait") == 0
    assert {(await at.job(job)).status for job in sources + sinks} == {JobStatus.RUNNING}
    for job in sources + sinks:
        assert at.fake.jobs[await at.flink_id(job)].restored == f"file://{at.savepoints(job)[0].parent}"


async def test_what_was_not_sent_is_withdrawn_and_the_watch_says_so(
    at: Plane, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = await at.run(2)
    await lasting(at, first, 1.0)
    assert await command("stop", f"--wave={first}", f"--wave={second}", "--json") == 0
    stop = str(printed(capsys)["id"])
    watching = asyncio.create_task(command("stops", "watch", stop))
    await at.eventually(lambda: at.fake.count("stop") == 1)
    assert await command("stops", "abort", stop) == 0
    assert await watching == 1, "not every job has stopped"
    out = capsys.readouterr().out
    assert "Withdrawn: 1 job." in out
    assert f"stop_withdrawn job {second}" in out
    assert (await at.job(first)).status is JobStatus.STOPPED
    assert (await at.job(second)).status is JobStatus.RUNNING


async def test_a_stop_that_pauses_itself_says_how_it_goes_on(
    at: Plane, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = await at.run(2)
    at.fake.jobs[await at.flink_id(first)].failing = ["storage"]
    assert await command("stop", f"--wave={first}", f"--wave={second}", "--abort-when", "1", "--json") == 0
    stop = str(printed(capsys)["id"])
    assert await command("stops", "watch", stop) == 1
    assert f"sluiceway stops proceed {stop}" in capsys.readouterr().err
    assert await command("stops", "proceed", stop) == 0
    assert await command("stops", "watch", stop) == 1, "the first job did not stop with a savepoint"
    said = capsys.readouterr()
    assert f"stop_stopped job {second}" in said.out, "it goes on past the pause that is over"
    assert "The time is up" not in said.err
    assert (await at.job(second)).status is JobStatus.STOPPED


@pytest.mark.parametrize("words", [["--tag", "team=a", "--tag", "team=b"], ["--wave", "queue="], ["--wave", ","]])
async def test_what_can_mean_nothing_is_refused_before_anything_is_asked(
    at: Plane, command: Command, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    [job] = await at.run()
    assert await command("stop", *words) == 2
    assert capsys.readouterr().err
    assert (await at.job(job)).status is JobStatus.RUNNING


async def test_a_cluster_that_does_not_answer_is_named_wherever_its_jobs_are_shown(
    at: Plane, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    [job] = await at.run()
    await at.fake.close()
    silent = "Cluster c0 has not answered for "
    async with asyncio.timeout(PATIENCE):
        while silent not in capsys.readouterr().err:
            assert await command("jobs", "list") == 0
    assert await command("jobs", "show", str(job)) == 0
    assert silent in capsys.readouterr().out
    assert await command("jobs", "health", str(job)) == 1, "nobody knows how it fares"
    assert silent in capsys.readouterr().out
    assert await command("jobs", "health", str(job), "--json") == 1
    assert "no connection" in printed(capsys)["jobs"][0]["silence"]["reason"]
    await at.fake.start()
    async with asyncio.timeout(PATIENCE):
        while await command("jobs", "health", str(job)) == 1:
            await asyncio.sleep(0.05)
    capsys.readouterr()
    assert await command("jobs", "list") == 0
    assert silent not in capsys.readouterr().err


async def test_a_job_of_others_is_told_its_program_and_started_from_a_jar_that_its_cluster_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with plane(tmp_path, adopts=Adopts(PROJECT)) as at, served(at, Settings(data=tmp_path)) as address:

        async def command(*words: str) -> int:
            end = words.index("--") if "--" in words else len(words)
            line = [*words[:end], "--server", address, "--project", PROJECT, *words[end:]]
            return await asyncio.to_thread(run, line)

        async def listed() -> list[str]:
            _, found = await at.queries.jobs(PROJECT, JobFilter(), offset=0, limit=9, descending=False)
            return [job.name for job in found]

        at.fake.add_job("a" * 32, name="orders", parallelism=2)
        async with asyncio.timeout(PATIENCE):
            while await listed() != ["orders"]:
                await asyncio.sleep(0.05)
        assert at.fake.jars is not None
        at.fake.jars.upload("orders.jar", jar_job.STUB)
        at.fake.jars.upload("sluiceway-0123.jar", jar_job.STUB)
        assert await command("stop", "orders", "--wait", "--yes") == 0
        said = capsys.readouterr().out
        assert "orders: flink run --detached --fromSavepoint" in said
        assert "c0 has orders.jar\n" in said, "and not what this service has put there"
        assert await command("resume", "1") == 1
        assert "sluiceway jobs program" in capsys.readouterr().err

        told = ("--jar-of-cluster", "orders.jar", "--class", jar_job.MAIN, "--", "--topic", "two words")
        assert await command("jobs", "program", "orders", *told) == 0
        program = (await at.job(1)).draft.spec.program
        assert program == JarProgram("cluster://orders.jar", jar_job.MAIN, ("--topic", "two words"))
        assert (await at.job(1)).draft.spec.parallelism == 2, "as Flink shows it"
        assert await command("stops", "show", "1") == 0
        assert "flink run" not in capsys.readouterr().out
        assert await command("clusters", "jars", "c0", "--json") == 0
        assert [jar["name"] for jar in printed(capsys)["jars"]] == ["orders.jar"]

        assert await command("resume", "1", "--wait") == 0
        assert (await at.job(1)).status is JobStatus.RUNNING
        assert at.fake.jobs[await at.flink_id(1)].restored == f"file://{at.savepoints(1)[0].parent}"
        assert await listed() == ["orders"], "it is the job that it was"

        # The JobManager is a new one, and has lost what was uploaded.
        assert await command("stop", "orders", "--wait", "--yes") == 0
        at.fake.jars.clear()
        assert await command("jobs", "run", "orders", "--resume") == 1
        assert "Cluster c0 has no jar orders.jar any more; it has none." in capsys.readouterr().err


async def test_what_a_job_of_others_is_made_of_can_be_said_while_it_runs_and_nothing_else(tmp_path: Path) -> None:
    async with plane(tmp_path, adopts=Adopts(PROJECT)) as at, served(at, Settings(data=tmp_path)) as address:
        at.fake.add_job("a" * 32, name="orders")
        async with httpx.AsyncClient(base_url=f"{address}/v1.0/{PROJECT}/streaming") as http:
            async with asyncio.timeout(PATIENCE):
                while not (await http.get("/jobs")).json()["job_list"]["jobs"]:
                    await asyncio.sleep(0.05)

            async def put(**body: object) -> int:
                return (await http.put("/flink-jobs/1", json=body)).status_code

            jar = "cluster://a.jar"
            assert await put(name="other") == 400
            assert await put(entrypoint=jar, desc="mine") == 400
            assert await put(entrypoint=jar, dependency_jars=["b.jar"]) == 400
            assert await put(entrypoint=jar, main_class="a.B", parallel_number=2, runtime_config="") == 200
            assert await put(entrypoint="cluster://b.jar") == 400, "it is told, and the job runs"
