"""The commands of a maintenance window against the service itself, over a fake Flink."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.support.patience import PATIENCE
from tests.support.services.native_api import served
from tests.support.services.plane import PROJECT, Plane, plane

from sluiceway.cli.main import run
from sluiceway.domain.job import JobStatus
from sluiceway.settings import Settings

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
