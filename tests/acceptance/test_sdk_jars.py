"""The vendor's own SDK drives Jar jobs against real Flink: made, run, stopped with savepoints, changed and resumed."""

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkdli.v1 import (
    CreateFlinkJarJobRequest,
    CreateFlinkJarJobRequestBody,
    DeleteJobResourceRequest,
    DliClient,
    ListFlinkJobsRequest,
    ListJobResourcesRequest,
    ShowJobResourceRequest,
    UpdateFlinkJarJobRequest,
    UpdateFlinkJarJobRequestBody,
    UpdateJobResourceOwnerRequest,
    UpdateJobResourceOwnerRequestBody,
    UploadJarJobResourcesRequest,
    UploadJobResourcesRequest,
    UploadJobResourcesRequestBody,
    UploadResourcesRequestBody,
)
from tests import jar_job
from tests.acceptance.test_sdk_life import run, show, stop, until
from tests.real_flink import RealFlink
from tests.service import ServiceProcess, wait_for

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    process = ServiceProcess(tmp_path_factory.mktemp("data"), "--embedded")
    yield process
    assert process.end() == 0


@pytest.fixture(scope="module")
def client(service: ServiceProcess) -> Any:
    credentials = BasicCredentials("ak", "sk", service.project)
    return DliClient.new_builder().with_credentials(credentials).with_endpoint(service.url).build()


@pytest.fixture(scope="module")
def counter(service: ServiceProcess, real_flink: RealFlink) -> str:
    """The program's jar, in the service's storage; its path in OBS."""
    return put(service, "bucket/apps/counter.jar", jar_job.compiled(real_flink))


def put(service: ServiceProcess, name: str, content: bytes) -> str:
    place = service.data / "storage" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return f"obs://{name}"


def upload(service: ServiceProcess, name: str, content: bytes) -> None:
    url = f"{service.url}/api/v1/projects/{service.project}/resources/{name}"
    with urllib.request.urlopen(urllib.request.Request(url, content, method="PUT"), timeout=30) as answer:
        assert json.load(answer)["size"] == len(content)


def create(client: Any, name: str, **fields: Any) -> int:
    body = CreateFlinkJarJobRequestBody(name=name, **fields)
    answer = client.create_flink_jar_job(CreateFlinkJarJobRequest(body=body))
    assert (answer.is_success, answer.job.status_name) == ("true", "job_init")
    return int(answer.job.job_id)


def update(client: Any, job: int, **fields: Any) -> str:
    body = UpdateFlinkJarJobRequestBody(**fields)
    return str(client.update_flink_jar_job(UpdateFlinkJarJobRequest(job_id=job, body=body)).is_success)


def lines(directory: Path) -> list[str]:
    """What the job has committed: files under other names are still being written."""
    files = [path for path in directory.rglob("part-*") if path.is_file() and "inprogress" not in path.name]
    return [line for path in files for line in path.read_text().split()]


def counted(directory: Path) -> int:
    """How far the job has counted; every number must be there once, with the count that goes with it."""
    numbers = sorted(tuple(map(int, line.split(","))) for line in lines(directory))
    assert numbers == [(n, n) for n in range(1, len(numbers) + 1)]
    return len(numbers)


def packages(service: ServiceProcess) -> list[str]:
    """The names of the jars that the service has uploaded to its Flink."""
    with urllib.request.urlopen(f"{service.flink}/jars", timeout=10) as answer:
        return sorted(each["name"] for each in json.load(answer)["files"])


def test_a_jar_job_counts_on_from_its_savepoint(
    client: Any, service: ServiceProcess, counter: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    job = create(
        client,
        "counter",
        entrypoint=counter,
        main_class=jar_job.MAIN,
        entrypoint_args=f"run {out}",
        checkpoint_enabled=True,
        checkpoint_interval=1,
        checkpoint_mode=1,
        restart_when_exception=True,
    )
    assert run(client, [job]) == ["true"]
    running = until(client, job, "job_running")
    assert (running.job_type, running.main_class, running.entrypoint_args) == (
        "flink_jar_job",
        jar_job.MAIN,
        f"run {out}",
    )
    assert running.job_config.entrypoint == counter
    wait_for(lambda: bool(lines(out)))
    with pytest.raises(ClientRequestException) as refused:
        update(client, job, entrypoint_args="other")
    assert refused.value.error_code == "DLI.12003"
    assert update(client, job, smn_topic="alarms") == "true"

    assert stop(client, [job], savepoint=True) == ["true"]
    assert until(client, job, "job_cancel_success").has_savepoint
    before = counted(out)
    assert before > 0

    assert update(client, job, desc="resumed", entrypoint_args=f"run {out} again") == "true"
    assert (show(client, job).desc, show(client, job).entrypoint_args) == ("resumed", f"run {out} again")
    assert run(client, [job], resume=True) == ["true"]
    until(client, job, "job_running")
    wait_for(lambda: len(lines(out)) > before)
    stop(client, [job], savepoint=True)
    until(client, job, "job_cancel_success")
    assert counted(out) > before, "it carried on: nothing twice, nothing missing, and its own count with it"
    listed = client.list_flink_jobs(ListFlinkJobsRequest(job_type="flink_jar_job", name="counter")).job_list
    assert [each.job_id for each in listed.jobs] == [job]


def test_jobs_of_one_jar_share_one_upload_whatever_they_call_it(
    client: Any, service: ServiceProcess, counter: str, tmp_path: Path
) -> None:
    body = UploadResourcesRequestBody(paths=[counter], group="apps")
    named = client.upload_jar_job_resources(UploadJarJobResourcesRequest(body=body))
    assert (named.group_name, named.status, named.resources) == ("apps", "READY", ["counter.jar"])
    before = set(packages(service))
    jobs = [
        create(client, f"shared-{number}", entrypoint=jar, main_class=jar_job.MAIN, entrypoint_args=f"run {tmp_path}")
        for number, jar in enumerate((counter, "apps/counter.jar", counter))
    ]
    assert run(client, jobs) == ["true"] * 3
    for job in jobs:
        until(client, job, "job_running")
    assert len(packages(service)) == len(before | set(packages(service))) == max(len(before), 1)
    assert stop(client, jobs) == ["true"] * 3
    for job in jobs:
        until(client, job, "job_cancel_success")


def test_what_a_program_depends_on_is_there_in_the_job(
    client: Any, service: ServiceProcess, real_flink: RealFlink, tmp_path: Path
) -> None:
    upload(service, "needy.jar", jar_job.compiled(real_flink, jar_job.NEEDY))
    upload(service, "helper.jar?group=libs", jar_job.compiled(real_flink, jar_job.HELPER))
    job = create(
        client,
        "needy",
        entrypoint="needy.jar",
        main_class=jar_job.MAIN,
        entrypoint_args=f"run {tmp_path / 'out'}",
        dependency_jars=["libs/helper.jar"],
        dependency_files=[put(service, "bucket/suffix.txt", b"!")],
        checkpoint_enabled=True,
        checkpoint_interval=1,
    )
    assert run(client, [job]) == ["true"]
    until(client, job, "job_running")
    wait_for(lambda: bool(lines(tmp_path / "out")))
    assert all(line.endswith("!") for line in lines(tmp_path / "out"))
    stop(client, [job])
    until(client, job, "job_cancel_success")


def test_what_is_wrong_with_a_jar_is_told(client: Any, service: ServiceProcess, counter: str, tmp_path: Path) -> None:
    for fields, code in (
        ({"entrypoint": "obs://bucket/none.jar"}, "DLI.11021"),
        ({"entrypoint": "none/counter.jar"}, "DLI.11021"),
        ({"entrypoint": "obs://bucket/apps/counter.zip"}, "DLI.11017"),
        ({"main_class": "a b"}, "DLI.11020"),
        ({"cu_number": 4}, "DLI.11026"),
    ):
        with pytest.raises(ClientRequestException) as refused:
            create(client, "wrong", **fields)
        assert refused.value.error_code == code
    gone = put(service, "bucket/gone.jar", b"PK")
    job = create(client, "gone", entrypoint=gone)
    (service.data / "storage" / "bucket" / "gone.jar").unlink()
    with pytest.raises(ClientRequestException) as refused:
        run(client, [job])
    assert "DLI.13013" in refused.value.error_msg
    put(service, "bucket/gone.jar", b"no jar at all")
    assert run(client, [job]) == ["true"]
    assert "gone.jar is not a jar" in until(client, job, "job_submit_fail").status_desc


@pytest.mark.parametrize(
    ("main_class", "mode", "says"),
    [
        (jar_job.MAIN, "throw", "the author made a mistake"),
        (jar_job.MAIN, "none", "No jobs included"),
        ("demo.Nowhere", "run", "demo.Nowhere"),
        (None, "run", "Main-Class"),
    ],
)
def test_a_program_that_cannot_run_says_so_in_plain_words(
    client: Any, counter: str, tmp_path: Path, main_class: str | None, mode: str, says: str
) -> None:
    job = create(
        client, f"broken-{time.monotonic_ns()}", entrypoint=counter, main_class=main_class, entrypoint_args=mode
    )
    run(client, [job])
    failed = until(client, job, "job_submit_fail")
    assert says in failed.status_desc
    assert "\tat " not in failed.status_desc


def test_a_program_that_fails_after_its_start_runs_on(client: Any, counter: str, tmp_path: Path) -> None:
    job = create(client, "late", entrypoint=counter, main_class=jar_job.MAIN, entrypoint_args=f"late {tmp_path}")
    run(client, [job])
    until(client, job, "job_running")
    assert stop(client, [job], savepoint=True) == ["true"]
    assert until(client, job, "job_cancel_success").has_savepoint


def test_what_a_program_sets_itself_goes_before_the_jobs_fields(
    client: Any, service: ServiceProcess, counter: str, tmp_path: Path
) -> None:
    fields = {"entrypoint": counter, "main_class": jar_job.MAIN, "checkpoint_enabled": True, "checkpoint_interval": 3}
    jobs = [create(client, f"sets-{m}", entrypoint_args=f"{m} {tmp_path}/{m}", **fields) for m in ("run", "own")]
    run(client, jobs)
    told = {}
    for job in jobs:
        until(client, job, "job_running")
        graph = service.dli("GET", f"/jobs/{job}/execute-graph")["execute_graph"]
        with urllib.request.urlopen(f"{service.flink}/jobs/{graph['jid']}/checkpoints/config", timeout=10) as answer:
            config = json.load(answer)
        told[graph["name"]] = (config["interval"], config["externalization"]["delete_on_cancellation"])
    assert told == {"sets-run": (3000, False), "its own name": (7000, False)}
    stop(client, jobs)
    for job in jobs:
        until(client, job, "job_cancel_success")


def test_no_page_from_elsewhere_can_read_what_the_embedded_flink_says(service: ServiceProcess) -> None:
    asked = urllib.request.Request(f"{service.flink}/jars", headers={"Origin": "https://example.com"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "http://127.0.0.1"


def test_the_sdk_reads_every_answer_about_resources(client: Any, service: ServiceProcess) -> None:
    upload(service, "large.bin", bytes(13 << 20))  # more than any other request may have
    body = UploadJobResourcesRequestBody(paths=[put(service, "bucket/m.py", b"1")], kind="pyFile")
    stored = client.upload_job_resources(UploadJobResourcesRequest(body=body))
    assert (stored.status, stored.details[0].resource_name, stored.is_async) == ("READY", "m.py", False)
    shown = client.show_job_resource(ShowJobResourceRequest(resource_name="m.py"))
    assert (shown.resource_type, shown.owner) == ("pyFile", "local")
    give = UpdateJobResourceOwnerRequestBody(new_owner="anna_b", resource_name="m.py")
    assert client.update_job_resource_owner(UpdateJobResourceOwnerRequest(body=give)).is_success is True
    listed = client.list_job_resources(ListJobResourcesRequest(kind="pyFile"))
    assert [(each.resource_name, each.owner) for each in listed.resources] == [("m.py", "anna_b")]
    assert client.delete_job_resource(DeleteJobResourceRequest(resource_name="m.py")).status_code == 200
    with pytest.raises(ClientRequestException) as gone:
        client.show_job_resource(ShowJobResourceRequest(resource_name="m.py"))
    assert (gone.value.status_code, gone.value.error_code) == (404, "DLI.0023")
