"""What becomes of jars in a JobManager, on real Flink and on the fake: uploading, running, and every way to fail."""

from pathlib import Path
from typing import Any

import pytest
from tests.contract.clusters import Cluster, fresh_id, is_ready
from tests.support.flink import jar_job

from sluiceway.domain.facts import JobState
from sluiceway.engines.jobmanager.submit_errors import already_submitted, causes_of, explain, jar_lost, stillborn
from sluiceway.engines.jobmanager.versions import TELLS_SECOND


@pytest.fixture
async def jar(flink: Cluster, program: bytes, tmp_path: Path) -> str:
    """The id of the program, uploaded."""
    return await upload(flink, tmp_path, "program.jar", program)


async def upload(flink: Cluster, directory: Path, name: str, content: bytes) -> str:
    (directory / "upload").write_bytes(content)
    return await flink.rest.upload_jar(name, directory / "upload")


def request(flink: Cluster, jid: str, mode: str = "run", **fields: Any) -> dict[str, Any]:
    return {
        "jobId": jid,
        "entryClass": jar_job.MAIN,
        "programArgsList": [mode, f"{flink.root}/out-{jid}"],
        "parallelism": 1,
        "flinkConfiguration": {"pipeline.name": "as it was called", "restart-strategy.type": "none"},
        **fields,
    }


async def run(flink: Cluster, jar: str, mode: str = "run", jid: str | None = None, **fields: Any) -> str | None:
    """Run it; Flink's no, if it was one. Whatever job it started is remembered, to be canceled."""
    jid = jid or fresh_id()
    said = await flink.rest.run_jar(jar, request(flink, jid, mode, **fields))
    if jid not in flink.started and await flink.rest.job_state(jid) is not None:
        flink.started.append(jid)
    return said


async def test_an_uploaded_jar_is_listed_under_its_name_until_it_is_deleted(
    flink: Cluster, jar: str, program: bytes, tmp_path: Path
) -> None:
    again = await upload(flink, tmp_path, "program.jar", program)
    jars = {each.id: each.name for each in await flink.rest.jars() or []}
    assert jar != again
    assert (jars[jar], jars[again]) == ("program.jar", "program.jar")
    assert (await flink.raw("DELETE", f"/jars/{again}"))[0] == 200
    assert again not in {each.id for each in await flink.rest.jars() or []}
    assert (await flink.raw("DELETE", f"/jars/{again}"))[0] == 400


async def test_it_runs_under_the_id_and_the_name_that_it_is_given(flink: Cluster, jar: str) -> None:
    jid = fresh_id()
    assert await flink.raw("POST", f"/jars/{jar}/run", request(flink, jid)) == (
        200,
        {"jobid": jid, **({"applicationId": jid} if flink.since((2, 3)) else {})},
    )
    flink.started.append(jid)
    job = await flink.until(jid, lambda job: job.state is JobState.RUNNING)
    assert job.name == "as it was called"


async def test_the_same_id_starts_one_job_even_after_its_end(flink: Cluster, jar: str) -> None:
    jid = fresh_id()
    assert await run(flink, jar, jid=jid) is None
    for _ in range(2):
        said = await run(flink, jar, jid=jid)
        assert said is not None
        assert already_submitted(causes_of(said))
        await flink.rest.cancel(jid)
        await flink.ends(jid)
    assert [job.jid for job in await flink.rest.jobs()].count(jid) == 1


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("throw", "The main method caused an error: the author made a mistake."),
        ("none", "No jobs included in application."),
    ],
)
async def test_a_main_method_that_starts_nothing_leaves_nothing(flink: Cluster, jar: str, mode: str, says: str) -> None:
    jid = fresh_id()
    said = await run(flink, jar, mode, jid)
    assert said is not None
    assert explain(causes_of(said)) == says
    assert await flink.rest.job_state(jid) is None


async def test_a_main_method_that_fails_after_its_start_has_started_its_job(flink: Cluster, jar: str) -> None:
    jid = fresh_id()
    said = await run(flink, jar, "late", jid)
    assert said is not None
    assert not already_submitted(causes_of(said))
    assert "a mistake after the start" in explain(causes_of(said))
    await flink.until(jid, lambda job: job.state is JobState.RUNNING)


async def test_of_two_jobs_in_one_main_method_the_first_runs_and_the_second_counts_as_the_same(
    flink: Cluster, jar: str
) -> None:
    jid = fresh_id()
    before = {job.jid for job in await flink.rest.jobs()}
    said = await run(flink, jar, "twice", jid)
    assert {job.jid for job in await flink.rest.jobs()} - before == {jid}
    if flink.since(TELLS_SECOND):
        assert said is not None
        assert already_submitted(causes_of(said))
    else:
        assert said is None, "and nobody is told that the second one never started"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"entryClass": "demo.Nowhere"}, "The program's entry point class 'demo.Nowhere' was not found in the jar"),
        ({"entryClass": None}, "Neither a 'Main-Class', nor a 'program-class' entry was found in the jar file"),
    ],
)
async def test_a_class_that_is_not_there_is_told(flink: Cluster, jar: str, fields: dict[str, Any], says: str) -> None:
    status, body = await flink.raw("POST", f"/jars/{jar}/run", request(flink, fresh_id(), **fields))
    assert status == 500
    assert says in explain(causes_of("\n".join(body["errors"])))


async def test_a_jar_that_is_none_is_taken_and_told_only_when_it_runs(flink: Cluster, tmp_path: Path) -> None:
    jar = await upload(flink, tmp_path, "broken.jar", b"not a zip file")
    said = await run(flink, jar)
    assert said is not None
    assert "Error while opening jar file" in explain(causes_of(said))
    await flink.raw("DELETE", f"/jars/{jar}")


async def test_a_jar_that_is_gone_is_told_as_gone(flink: Cluster, jar: str) -> None:
    await flink.raw("DELETE", f"/jars/{jar}")
    said = await run(flink, jar)
    assert said is not None
    assert jar_lost(causes_of(said))


async def test_a_savepoint_that_is_not_there_leaves_a_failed_job(flink: Cluster, jar: str) -> None:
    jid = fresh_id()
    said = await run(flink, jar, jid=jid, savepointPath=f"file://{flink.root}/none")
    assert said is not None
    assert stillborn(causes_of(said))
    assert f"Cannot find checkpoint or savepoint file/directory 'file://{flink.root}/none'" in explain(causes_of(said))
    assert await flink.ends(jid) is JobState.FAILED
    assert "Cannot find checkpoint or savepoint file/directory" in await flink.rest.exceptions(jid)


async def test_a_stop_with_savepoint_can_be_run_on_from(flink: Cluster, jar: str) -> None:
    jid = fresh_id()
    assert await run(flink, jar, jid=jid) is None
    await flink.until(jid, is_ready)
    _, attempt = await flink.stop(jid)
    location = getattr(attempt, "location", None)
    second = fresh_id()
    assert await run(flink, jar, jid=second, savepointPath=location) is None
    await flink.until(second, lambda job: job.state is JobState.RUNNING)
    checkpoints = await flink.rest.checkpoints(second)
    assert checkpoints is not None
    assert checkpoints.latest.restored is not None
    assert checkpoints.latest.restored.external_path == location


async def test_a_malformed_job_id_is_refused(flink: Cluster, jar: str) -> None:
    assert (await flink.raw("POST", f"/jars/{jar}/run", request(flink, "xyz")))[0] == 400
