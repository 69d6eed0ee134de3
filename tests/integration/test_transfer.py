"""Jobs as files, through the vendor's SDK on the whole service. That nothing is lost is in `test_round_trips.py`."""

import json
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkdli.v1 import (
    ExportFlinkJobsRequest,
    ExportFlinkJobsRequestBody,
    ImportFlinkJobsRequest,
    ImportFlinkJobsRequestBody,
)
from tests.support.people.archives import pack
from tests.support.services.thread import BASE, ServiceThread, code_of

from sluiceway.control import transfer
from sluiceway.control.transfer import MARK, VERSION
from sluiceway.domain.job import JobStatus

# --- on the service -------------------------------------------------------------------------------------------------


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceThread]:
    with ServiceThread(tmp_path) as running:
        yield running


def put(tmp_path: Path, name: str, data: bytes) -> str:
    """A file in a bucket; its name as DLI has it."""
    path = tmp_path / "storage" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return name


def archive(*jobs: dict[str, Any]) -> bytes:
    documents = {
        f"jobs/{n}.json": json.dumps({"job_id": n, "job_type": "flink_sql_job", **job}).encode()
        for n, job in enumerate(jobs, 1)
    }
    return pack({MARK: VERSION, **documents})


def export(service: ServiceThread, *jobs: int, directory: str = "bucket/out", project: str = "proj0123") -> list[str]:
    body = ExportFlinkJobsRequestBody(obs_dir=directory, is_selected=bool(jobs), job_selected=list(jobs) or None)
    answer = service.sdk(project).export_flink_jobs(ExportFlinkJobsRequest(body))
    assert answer.is_success == "true"
    return list(answer.zip_file or ())


def bring_in(
    service: ServiceThread, path: str, *, cover: bool | None = None, project: str = "proj0123"
) -> list[tuple[int, int, str]]:
    body = ImportFlinkJobsRequestBody(zip_file=path, is_cover=cover)
    answer = service.sdk(project).import_flink_jobs(ImportFlinkJobsRequest(body))
    assert answer.is_success == "true"
    return [(each.old_job_id, each.new_job_id, each.remark) for each in answer.job_mapping]


def detail(service: ServiceThread, job: int, project: str = "proj0123") -> dict[str, Any]:
    found: dict[str, Any] = service.http.get(f"/v1.0/{project}/streaming/jobs/{job}").json()["job_detail"]
    return found


def tags_of(service: ServiceThread, job: int, project: str = "proj0123") -> Any:
    return service.http.get(f"/v3/{project}/dli_flink_job/{job}/tags").json()["tags"]


def set_status(tmp_path: Path, job: int, status: str) -> None:
    with sqlite3.connect(tmp_path / "sluiceway.db", timeout=20) as db:
        db.execute("UPDATE jobs SET status = ? WHERE id = ?", [status, job])
    db.close()


def refused(service: ServiceThread, path: str, says: str = "") -> None:
    """It is refused in both languages, and nothing has changed."""
    before = service.http.get(f"{BASE}/jobs").json()
    for language in ("en-us", "zh-cn"):
        body = {"zip_file": path, "is_cover": True}
        answer = service.http.post(f"{BASE}/jobs/import", json=body, headers={"X-Language": language})
        assert (answer.status_code, answer.json()["error_code"]) == (400, "DLI.29002"), answer.text
        assert says in answer.json()["error_msg"]
    assert service.http.get(f"{BASE}/jobs").json() == before


def test_the_sdk_moves_jobs_to_another_project(service: ServiceThread) -> None:
    fields = {
        "sql_body": "SELECT '订单'",
        "desc": "d",
        "runtime_config": "pipeline.max-parallelism=1",
        "parallel_number": 4,
        "cu_number": 5,
    }
    first = service.create("订单", tags=[{"key": "env", "value": "prod"}], **fields)
    second = service.create("other")
    service.create("stays")
    [name] = export(service, first, second)
    assert name.startswith("bucket/out/")
    mapping = bring_in(service, name, project="new")
    assert [old for old, _, _ in mapping] == [first, second]
    mine = mapping[0][1]
    own = ("job_id", "project_id", "create_time", "update_time")
    before, after = (
        {key: value for key, value in shown.items() if key not in own}
        for shown in (detail(service, first), detail(service, mine, "new"))
    )
    assert after == before
    assert tags_of(service, mine, "new") == [{"key": "env", "value": "prod"}]


def test_a_jar_job_moves_too_and_replaces_a_sql_job_of_its_name(service: ServiceThread, tmp_path: Path) -> None:
    jar = "obs://" + put(tmp_path, "bucket/app.jar", b"no job reads it")
    body = {
        "name": "orders",
        "entrypoint": jar,
        "main_class": "a.B",
        "entrypoint_args": "--a  1",
        "obs_bucket": "bucket",
    }
    made = service.http.post(f"{BASE}/flink-jobs", json=body | {"dependency_files": ["group/rules.csv"]})
    job = made.json()["job"]["job_id"]
    there = service.http.post("/v1.0/new/streaming/sql-jobs", json={"name": "orders", "obs_bucket": "other"})
    [name] = export(service, job)
    (tmp_path / "storage/bucket/app.jar").unlink()
    [(_, new, _)] = bring_in(service, name, cover=True, project="new")
    assert new == there.json()["job"]["job_id"]
    before, after = detail(service, job), detail(service, new, "new")
    own = ("job_id", "project_id", "create_time", "update_time")
    assert {**after, **{key: before[key] for key in own}} == before


def test_all_jobs_of_the_project_are_exported_and_a_directory_is_imported(service: ServiceThread) -> None:
    jobs = [service.create(f"job-{number}") for number in range(3)]
    gone = service.create("gone")
    service.http.delete(f"{BASE}/jobs/{gone}")
    export(service, *jobs)
    more = service.create("more")
    export(service, more)
    assert len(export(service, directory="bucket/all")) == 1
    mapping = bring_in(service, "obs://bucket/out/", project="new")
    assert sorted(old for old, _, _ in mapping) == [*jobs, more]
    assert all(new > 0 for _, new, _ in mapping)
    again = bring_in(service, "bucket/all", project="new")
    assert [(old, new) for old, new, _ in again] == [(job, -1) for job in (*jobs, more)]


def test_an_export_of_nothing_is_no_file(service: ServiceThread) -> None:
    assert export(service) == []


def test_the_wire_form_is_as_documented(service: ServiceThread) -> None:
    job = service.create("job")
    body = {"obs_dir": "bucket", "is_selected": True, "job_selected": [str(job)]}
    answer = service.http.post(f"{BASE}/jobs/export", json=body)
    assert set(answer.json()) == {"is_success", "message", "zip_file"}
    found = service.http.post(f"{BASE}/jobs/import", json={"zip_file": answer.json()["zip_file"][0], "is_cover": None})
    assert set(found.json()) == {"is_success", "message", "job_mapping"}
    assert found.json()["is_success"] == "true"
    [one] = found.json()["job_mapping"]
    assert set(one) == {"old_job_id", "new_job_id", "remark"}
    assert (one["old_job_id"], one["new_job_id"]) == (job, -1)


def test_a_name_that_is_there_is_covered_only_when_that_is_asked_for(service: ServiceThread, tmp_path: Path) -> None:
    job = service.create("job", sql_body="SELECT 'old'", tags=[{"key": "old", "value": "1"}])
    path = put(tmp_path, "bucket/jobs.zip", archive({"name": "job", "sql_body": "SELECT 'new'", "desc": "n"}))
    set_status(tmp_path, job, "stopped")
    [(_, new, remark)] = bring_in(service, path)
    assert (new, detail(service, job)["sql_body"]) == (-1, "SELECT 'old'")
    assert str(job) in remark
    [(_, new, remark)] = bring_in(service, path, cover=True)
    shown = detail(service, job)
    assert (new, shown["sql_body"], shown["desc"], shown["status"]) == (job, "SELECT 'new'", "n", "job_init")
    assert tags_of(service, job) == []
    assert "replaced" in remark


@pytest.mark.parametrize("status", JobStatus)
def test_only_a_job_that_may_be_changed_is_covered(service: ServiceThread, tmp_path: Path, status: JobStatus) -> None:
    job = service.create("job", sql_body="SELECT 'old'")
    path = put(tmp_path, "bucket/jobs.zip", archive({"name": "job", "sql_body": "SELECT 'new'"}, {"name": "free"}))
    set_status(tmp_path, job, status)
    may = status in {"draft", "submit_failed", "failed", "stopped", "finished"}
    (_, new, _), (_, other, _) = bring_in(service, path, cover=True)
    assert new == (job if may else -1)
    assert other > job, "the other job of the file comes in all the same"
    assert detail(service, job)["sql_body"] == ("SELECT 'new'" if may else "SELECT 'old'")


def test_of_two_with_one_name_the_first_comes_in_and_with_cover_the_last(
    service: ServiceThread, tmp_path: Path
) -> None:
    path = put(tmp_path, "bucket/jobs.zip", archive({"name": "job", "desc": "1"}, {"name": "job", "desc": "2"}))
    first, second = bring_in(service, path)
    assert (detail(service, first[1])["desc"], second[1]) == ("1", -1)
    first, second = bring_in(service, path, cover=True)
    assert (first[1], detail(service, second[1])["desc"]) == (-1, "2")


def test_a_queue_that_is_not_here_keeps_out_only_its_job(service: ServiceThread, tmp_path: Path) -> None:
    jobs = archive({"name": "a", "queue_name": "nowhere"}, {"name": "b", "queue_name": "c0"}, {"name": "a"})
    first, second, third = bring_in(service, put(tmp_path, "bucket/jobs.zip", jobs))
    assert first[1] == -1
    assert "nowhere" in first[2]
    assert min(second[1], third[1]) > 0


def test_many_jobs_are_several_files_that_go_in_together(
    service: ServiceThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "PAGE", 3)
    monkeypatch.setattr(transfer, "JOBS_IN_FILE", 4)
    jobs = [service.create(f"job-{number}", sql_body="x" * number) for number in range(10)]
    assert len(export(service)) == 3
    mapping = bring_in(service, "bucket/out", project="new")
    assert sorted(old for old, _, _ in mapping) == jobs
    assert {detail(service, new, "new")["name"] for _, new, _ in mapping} == {f"job-{n}" for n in range(10)}
    monkeypatch.setattr(transfer, "BYTES_IN_FILE", 1)
    assert len(export(service, *jobs[:2], directory="bucket/small")) == 2


def test_what_is_no_export_is_not_imported(service: ServiceThread, tmp_path: Path) -> None:
    good = archive({"name": "good"})
    put(tmp_path, "bucket/good.zip", good)
    refused(service, "bucket/nothing.zip", says="bucket/nothing.zip")
    refused(service, put(tmp_path, "bucket/text.zip", b"hello"))
    many = pack({MARK: VERSION, **{f"d{number}/": b"" for number in range(10_200)}})
    refused(service, put(tmp_path, "bucket/many.zip", many), says="many.zip")
    refused(service, put(tmp_path, "bucket/cut.zip", good[:-30]))
    refused(service, put(tmp_path, "bucket/foreign.zip", pack({"readme.txt": b"x"})))
    refused(service, put(tmp_path, "bucket/newer.zip", pack({MARK: b'{"version":2}'})))
    refused(service, put(tmp_path, "bucket/bomb.zip", pack({MARK: VERSION, "jobs/1.json": b" " * (9 << 20)})))
    refused(service, put(tmp_path, "bucket/json.zip", pack({MARK: VERSION, "jobs/1.json": b"{"})), says="jobs/1.json")
    wrong = archive({"name": "a"}, {"name": "b", "cu_number": "2"})
    refused(service, put(tmp_path, "bucket/wrong.zip", wrong), says="jobs/2.json")
    refused(service, put(tmp_path, "bucket/rules.zip", archive({"name": "a"}, {"name": "b!"})), says="jobs/2.json")
    options = archive({"name": "a", "runtime_config": "rest.port=1"})
    refused(service, put(tmp_path, "bucket/options.zip", options), says="rest.port")
    refused(service, put(tmp_path, "bucket/edge.zip", archive({"name": "a", "job_type": "flink_sql_edge_job"})))
    odd = pack({MARK: VERSION, "\n" + "x" * 50_000: b"{"})
    refused(service, put(tmp_path, "bucket/odd.zip", odd), says="\\nxxx")
    huge = archive({"name": "a", "job_id": 10**30})
    refused(service, put(tmp_path, "bucket/huge.zip", huge), says="jobs/1.json")
    put(tmp_path, "bucket/mixed/a.zip", good)
    put(tmp_path, "bucket/mixed/b.zip", b"hello")
    refused(service, "bucket/mixed", says="b.zip")


@pytest.mark.parametrize(
    "path",
    [
        *["", "/etc", "../../etc", "bucket/../..", "file:///etc", "http://h/x", "jobs/savepoint", "bucket/jobs"],
        *[f"bucket/jobs/savepoint/{number}/t" for number in (7, "9" * 30, "-1", "x")],
    ],
)
def test_a_path_never_leads_out_of_the_storage_root(service: ServiceThread, path: str) -> None:
    service.create("job")
    client = service.sdk()
    out = ExportFlinkJobsRequest(ExportFlinkJobsRequestBody(obs_dir=path, is_selected=False))
    into = ImportFlinkJobsRequest(ImportFlinkJobsRequestBody(zip_file=path))
    assert code_of(client.export_flink_jobs, out) == (400, "DLI.29001")
    assert code_of(client.import_flink_jobs, into) == (400, "DLI.29002")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"obs_dir": "bucket", "is_selected": True}, "DLI.0001"),
        ({"obs_dir": "bucket", "is_selected": True, "job_selected": []}, "DLI.0001"),
        ({"obs_dir": "bucket", "is_selected": True, "job_selected": [0]}, "DLI.12001"),
        ({"obs_dir": "bucket", "is_selected": True, "job_selected": [1, 99]}, "DLI.16001"),
        ({"obs_dir": "bucket", "is_selected": "true"}, "DLI.0001"),
        ({"obs_dir": "bucket"}, "DLI.0001"),
        ({"is_selected": False}, "DLI.0001"),
    ],
)
def test_bad_exports_write_nothing(service: ServiceThread, tmp_path: Path, body: dict[str, Any], code: str) -> None:
    service.create("job")
    answer = service.http.post(f"{BASE}/jobs/export", json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)
    assert not (tmp_path / "storage" / "bucket").exists()


def test_nothing_is_exported_to_where_uploads_lie(service: ServiceThread) -> None:
    service.create("job")
    out = ExportFlinkJobsRequest(ExportFlinkJobsRequestBody(obs_dir="sluiceway-resources/other", is_selected=False))
    assert code_of(service.sdk().export_flink_jobs, out) == (400, "DLI.29001")


def test_what_is_exported_is_for_nobody_else_on_the_machine_to_read(service: ServiceThread, tmp_path: Path) -> None:
    service.create("job")
    out = ExportFlinkJobsRequest(ExportFlinkJobsRequestBody(obs_dir="bucket/d", is_selected=False))
    service.sdk().export_flink_jobs(out)
    [written] = (tmp_path / "storage/bucket/d").iterdir()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (written, written.parent)] == [0o600, 0o700]


def test_a_job_of_another_project_is_not_exported(service: ServiceThread) -> None:
    job = service.create("job")
    request = ExportFlinkJobsRequest(ExportFlinkJobsRequestBody(obs_dir="bucket", is_selected=True, job_selected=[job]))
    assert code_of(service.sdk("other").export_flink_jobs, request) == (400, "DLI.16001")
    assert export(service, project="other") == []
