"""The vendor's own SDK drives Jar jobs against real Flink: made, run, stopped with savepoints, changed and resumed."""

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from huaweicloudsdkdli.v1 import DliAsyncClient
from tests.acceptance.test_sdk_life import Signed, run, show, stop, until
from tests.support.flink import jar_job
from tests.support.flink.real import RealFlink
from tests.support.people import users
from tests.support.people.sdk import PROJECT, Sdk, code_of, refusal
from tests.support.services.process import ServiceProcess, wait_for

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signed]:
    started = Signed.start(tmp_path_factory.mktemp("data"))
    yield started
    assert started.service.end() == 0


@pytest.fixture
def service(signed: Signed) -> ServiceProcess:
    return signed.service


@pytest.fixture
def sdk(signed: Signed) -> Sdk:
    return signed.sdk()


@pytest.fixture(scope="module")
def counter(signed: Signed, real_flink: RealFlink) -> str:
    """The program's jar, in the service's storage; its path in OBS."""
    return put(signed.service, "bucket/apps/counter.jar", jar_job.compiled(real_flink))


def put(service: ServiceProcess, name: str, content: bytes) -> str:
    place = service.data / "storage" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return f"obs://{name}"


def upload(signed: Signed, name: str, content: bytes) -> None:
    """Through our own API; with a token, since what is signed has at most 12 MB."""
    url = f"{signed.service.url}/api/v1/projects/{PROJECT}/resources/{name}"
    users.set_password(signed.service.data, "owner", "correct horse")
    token = users.token(signed.service.url, "owner", "correct horse")
    answer = httpx.put(url, content=content, headers={"X-Auth-Token": token}, timeout=60)
    assert answer.json()["size"] == len(content)


def create(sdk: Sdk, name: str, **fields: Any) -> int:
    answer = sdk("create_flink_jar_job", name=name, **fields)
    assert (answer.is_success, answer.job.status_name) == ("true", "job_init")
    return int(answer.job.job_id)


def update(sdk: Sdk, job: int, **fields: Any) -> str:
    return str(sdk("update_flink_jar_job", job_id=job, **fields).is_success)


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


def test_a_jar_job_counts_on_from_its_savepoint(signed: Signed, counter: str, tmp_path: Path) -> None:
    sdk = signed.sdk(DliAsyncClient)
    out = tmp_path / "out"
    job = create(
        sdk,
        "counter",
        entrypoint=counter,
        main_class=jar_job.MAIN,
        entrypoint_args=f"run {out}",
        checkpoint_enabled=True,
        checkpoint_interval=1,
        checkpoint_mode=1,
        restart_when_exception=True,
    )
    assert run(sdk, [job]) == ["true"]
    running = until(sdk, job, "job_running")
    assert (running.job_type, running.main_class, running.entrypoint_args) == (
        "flink_jar_job",
        jar_job.MAIN,
        f"run {out}",
    )
    assert running.job_config.entrypoint == counter
    wait_for(lambda: bool(lines(out)))
    assert code_of(update, sdk, job, entrypoint_args="other") == (400, "DLI.12003")
    assert update(sdk, job, smn_topic="alarms") == "true"

    assert stop(sdk, [job], savepoint=True) == ["true"]
    assert until(sdk, job, "job_cancel_success").has_savepoint
    before = counted(out)
    assert before > 0

    assert update(sdk, job, desc="resumed", entrypoint_args=f"run {out} again") == "true"
    assert (show(sdk, job).desc, show(sdk, job).entrypoint_args) == ("resumed", f"run {out} again")
    assert run(sdk, [job], resume=True) == ["true"]
    until(sdk, job, "job_running")
    wait_for(lambda: len(lines(out)) > before)
    stop(sdk, [job], savepoint=True)
    until(sdk, job, "job_cancel_success")
    assert counted(out) > before, "it carried on: nothing twice, nothing missing, and its own count with it"
    listed = sdk("list_flink_jobs", job_type="flink_jar_job", name="counter").job_list
    assert [each.job_id for each in listed.jobs] == [job]


def test_jobs_of_one_jar_share_one_upload_whatever_they_call_it(
    sdk: Sdk, service: ServiceProcess, counter: str, tmp_path: Path
) -> None:
    named = sdk("upload_jar_job_resources", paths=[counter], group="apps")
    assert (named.group_name, named.status, named.resources) == ("apps", "READY", ["counter.jar"])
    before = set(packages(service))
    jobs = [
        create(sdk, f"shared-{number}", entrypoint=jar, main_class=jar_job.MAIN, entrypoint_args=f"run {tmp_path}")
        for number, jar in enumerate((counter, "apps/counter.jar", counter))
    ]
    assert run(sdk, jobs) == ["true"] * 3
    for job in jobs:
        until(sdk, job, "job_running")
    assert len(packages(service)) == len(before | set(packages(service))) == max(len(before), 1)
    assert stop(sdk, jobs) == ["true"] * 3
    for job in jobs:
        until(sdk, job, "job_cancel_success")


def test_what_a_program_depends_on_is_there_in_the_job(
    sdk: Sdk, signed: Signed, service: ServiceProcess, real_flink: RealFlink, tmp_path: Path
) -> None:
    upload(signed, "needy.jar", jar_job.compiled(real_flink, jar_job.NEEDY))
    upload(signed, "helper.jar?group=libs", jar_job.compiled(real_flink, jar_job.HELPER))
    job = create(
        sdk,
        "needy",
        entrypoint="needy.jar",
        main_class=jar_job.MAIN,
        entrypoint_args=f"run {tmp_path / 'out'}",
        dependency_jars=["libs/helper.jar"],
        dependency_files=[put(service, "bucket/suffix.txt", b"!")],
        checkpoint_enabled=True,
        checkpoint_interval=1,
    )
    assert run(sdk, [job]) == ["true"]
    until(sdk, job, "job_running")
    wait_for(lambda: bool(lines(tmp_path / "out")))
    assert all(line.endswith("!") for line in lines(tmp_path / "out"))
    stop(sdk, [job])
    until(sdk, job, "job_cancel_success")


def test_what_is_wrong_with_a_jar_is_told(sdk: Sdk, service: ServiceProcess, counter: str, tmp_path: Path) -> None:
    for fields, code in (
        ({"entrypoint": "obs://bucket/none.jar"}, "DLI.11021"),
        ({"entrypoint": "none/counter.jar"}, "DLI.11021"),
        ({"entrypoint": "obs://bucket/apps/counter.zip"}, "DLI.11017"),
        ({"main_class": "a b"}, "DLI.11020"),
        ({"manager_cu_number": 1}, "DLI.11026"),
    ):
        assert code_of(create, sdk, "wrong", **fields) == (400, code)
    gone = put(service, "bucket/gone.jar", b"PK")
    job = create(sdk, "gone", entrypoint=gone)
    (service.data / "storage" / "bucket" / "gone.jar").unlink()
    assert "DLI.13013" in refusal(run, sdk, [job]).error_msg
    put(service, "bucket/gone.jar", b"no jar at all")
    assert run(sdk, [job]) == ["true"]
    assert "gone.jar is not a jar" in until(sdk, job, "job_submit_fail").status_desc


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
    sdk: Sdk, counter: str, tmp_path: Path, main_class: str | None, mode: str, says: str
) -> None:
    job = create(sdk, f"broken-{time.monotonic_ns()}", entrypoint=counter, main_class=main_class, entrypoint_args=mode)
    run(sdk, [job])
    failed = until(sdk, job, "job_submit_fail")
    assert says in failed.status_desc
    assert "\tat " not in failed.status_desc


def test_a_program_that_fails_after_its_start_runs_on(sdk: Sdk, counter: str, tmp_path: Path) -> None:
    job = create(sdk, "late", entrypoint=counter, main_class=jar_job.MAIN, entrypoint_args=f"late {tmp_path}")
    run(sdk, [job])
    until(sdk, job, "job_running")
    assert stop(sdk, [job], savepoint=True) == ["true"]
    assert until(sdk, job, "job_cancel_success").has_savepoint


def test_what_a_program_sets_itself_goes_before_the_jobs_fields(
    sdk: Sdk, service: ServiceProcess, counter: str, tmp_path: Path
) -> None:
    fields = {"entrypoint": counter, "main_class": jar_job.MAIN, "checkpoint_enabled": True, "checkpoint_interval": 3}
    jobs = [create(sdk, f"sets-{m}", entrypoint_args=f"{m} {tmp_path}/{m}", **fields) for m in ("run", "own")]
    run(sdk, jobs)
    told = {}
    for job in jobs:
        until(sdk, job, "job_running")
        graph = sdk("show_flink_job_execution_graph", job_id=job).execute_graph
        with urllib.request.urlopen(f"{service.flink}/jobs/{graph.jid}/checkpoints/config", timeout=10) as answer:
            config = json.load(answer)
        told[graph.name] = (config["interval"], config["externalization"]["delete_on_cancellation"])
    assert told == {"sets-run": (3000, False), "its own name": (7000, False)}
    stop(sdk, jobs)
    for job in jobs:
        until(sdk, job, "job_cancel_success")


def test_no_page_from_elsewhere_can_read_what_the_embedded_flink_says(service: ServiceProcess) -> None:
    asked = urllib.request.Request(f"{service.flink}/jars", headers={"Origin": "https://example.com"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "http://127.0.0.1"


def test_the_sdk_reads_every_answer_about_resources(sdk: Sdk, signed: Signed) -> None:
    upload(signed, "large.bin", bytes(13 << 20))  # more than any other request may have
    stored = sdk("upload_job_resources", paths=[put(signed.service, "bucket/m.py", b"1")], kind="pyFile")
    assert (stored.status, stored.details[0].resource_name, stored.is_async) == ("READY", "m.py", False)
    shown = sdk("show_job_resource", resource_name="m.py")
    assert (shown.resource_type, shown.owner) == ("pyFile", "owner")
    assert sdk("update_job_resource_owner", new_owner="anna_b", resource_name="m.py").is_success is True
    listed = sdk("list_job_resources", kind="pyFile")
    assert [(each.resource_name, each.owner) for each in listed.resources] == [("m.py", "anna_b")]
    assert sdk("delete_job_resource", resource_name="m.py").status_code == 200
    assert code_of(sdk, "show_job_resource", resource_name="m.py") == (404, "DLI.0023")
