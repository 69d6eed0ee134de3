"""Resources over HTTP, with a real store and real storage: uploading, naming, and what jobs find under the names."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.di import Provide
from sqlalchemy import update
from tests.support.people.openapi import Description
from tests.support.services import databases

from sluiceway.api import dli, native
from sluiceway.api.errors.handlers import FOR_APPLICATION
from sluiceway.api.permit import Permit
from sluiceway.assembly.clock import clock
from sluiceway.control import programs
from sluiceway.control.edit_jobs import EditJobs
from sluiceway.control.programs import Fetch
from sluiceway.control.queues import Queues
from sluiceway.control.resources import Resources
from sluiceway.control.start_jobs import StartJobs
from sluiceway.control.tags import ResourceTags
from sluiceway.domain.access import LOCAL
from sluiceway.domain.engine import Unreachable, Unusable
from sluiceway.domain.job import JAR_JOB, JarProgram, JobDraft, JobSpec, JobStatus
from sluiceway.domain.orders import StartOrder
from sluiceway.domain.place import Place
from sluiceway.storage.savepoints import Storage
from sluiceway.store import audit
from sluiceway.store.database import Database
from sluiceway.store.schema import jobs

P = "proj0123"
DLI = f"/v2.0/{P}/resources"
OURS = f"/api/v1/projects/{P}/resources"


class World:
    """Both APIs over a store and a storage root."""

    def __init__(self, directory: Path) -> None:
        databases.make(directory / "test.db")
        self.directory = directory
        self.root = directory / "storage"
        self.db = Database(directory / "test.db")
        self.storage = Storage(str(self.root))
        self.resources = Resources(self.db, self.storage.files, clock, directory / "uploads", limit=1000)
        queues = Queues(("c",), lambda name: Place(name, "http://c"), lambda _: None)
        self.edit = EditJobs(self.db, queues, self.storage, clock, clock() - clock())
        self.start = StartJobs(self.db, queues, self.storage, clock)
        USE_CASES.update(resources=self.resources, edit_jobs=self.edit, start_jobs=self.start)
        USE_CASES.update(resource_tags=ResourceTags(self.db, clock))
        app, self.described = application()
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")  # type: ignore[arg-type]

    def put(self, path: str, content: bytes = b"PK") -> str:
        """A file of storage; its name in OBS."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(content)
        return f"obs://{path}"

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        answer = await self.http.request(method, path, **more)
        self.described.check(answer)
        return answer.status_code, answer.json()

    def uploaded(self) -> list[bytes]:
        """What lies in storage of uploads."""
        found = (self.root / "sluiceway-resources").rglob("*")
        return sorted(path.read_bytes() for path in found if path.is_file())

    async def told(self, kind: str) -> list[str]:
        return [event.detail for event in await audit.of_project(self.db, P, 0, 100) if event.kind == kind]


ELSEWHERE = (
    "take_savepoints",
    "import_savepoint",
    "going_back",
    "register_savepoint",
    "stop_jobs",
    "retry_stops",
    "resume_jobs",
    "job_diffs",
    "queries",
    "following",
    "savepoints",
    "plans",
    "preflight",
    "templates",
    "variables",
    "job_tags",
    "queues",
    "clusters",
    "try_clusters",
    "cluster_jars",
    "move_jobs",
    "metrics",
    "graphs",
    "check_jobs",
    "job_logs",
    "transfer",
)
USE_CASES: dict[str, Any] = dict.fromkeys((*ELSEWHERE, "buckets", "resource_tags")) | {"permit": Permit(LOCAL, P)}


@cache
def application() -> tuple[Litestar, Description]:
    """Both APIs, before whatever `USE_CASES` holds at the time; made once, as that takes longer than any test."""

    def provide(name: str) -> Provide:
        return Provide(lambda: USE_CASES[name], sync_to_thread=False)

    app = Litestar(
        [*dli.routes("object"), native.routes()],
        dependencies={name: provide(name) for name in USE_CASES},
        exception_handlers=dict(FOR_APPLICATION),
    )
    return app, Description(app.openapi_schema.to_schema())


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    await made.http.aclose()
    await made.db.close()


# --- uploading ------------------------------------------------------------------------------------------------------


async def test_an_upload_is_kept_as_it_is_and_listed_by_both_apis(world: World) -> None:
    content = bytes(range(256)) * 3
    status, said = await world.call("PUT", f"{OURS}/app.jar", content=content)
    assert status == 200
    assert (said["kind"], said["size"], said["sha256"]) == ("jar", 768, hashlib.sha256(content).hexdigest())
    assert world.uploaded() == [content]
    assert await world.call("GET", OURS) == (200, {"resources": [said]})
    status, shown = await world.call("GET", f"{DLI}/app.jar")
    assert (shown["resource_type"], shown["status"], shown["owner"]) == ("jar", "READY", "local")
    assert list((world.directory / "uploads").iterdir()) == []
    assert await world.told("resource_stored") == [f"app.jar from {said['path']}"]


async def test_a_name_passes_on_to_new_content_and_the_old_goes(world: World) -> None:
    _, first = await world.call("PUT", f"{OURS}/app.jar", content=b"old")
    _, second = await world.call("PUT", f"{OURS}/app.jar", content=b"new")
    _, other = await world.call("PUT", f"{OURS}/app.jar?group=libs", content=b"old")
    assert (first["created_at"], first["path"]) != (second["created_at"], second["path"])
    assert second["created_at"] == first["created_at"] or second["updated_at"] > first["updated_at"]
    assert world.uploaded() == [b"new", b"old"]
    assert (await world.call("GET", OURS))[1]["resources"] == [second, other]


async def test_a_deleted_upload_is_gone(world: World) -> None:
    _, said = await world.call("PUT", f"{OURS}/rules.csv?group=g", content=b"a,b")
    assert await world.call("DELETE", f"{OURS}/rules.csv", params={"group": "g"}) == (200, said)
    assert world.uploaded() == []
    assert await world.told("resource_removed") == [f"g/rules.csv from {said['path']}"]
    status, no = await world.call("DELETE", f"{OURS}/rules.csv", params={"group": "g"})
    assert (status, no["error_code"]) == (404, "unknown_resource")


@pytest.mark.parametrize(
    ("path", "content", "status", "code"),
    [
        (f"{OURS}/big.jar", b"x" * 1001, 413, "too_large"),
        (f"{OURS}/app.jar?group=a b", b"", 400, "bad_request"),
        (f"{OURS}/{'x' * 125}.jar", b"", 400, "bad_request"),
        (f"{OURS}/a%5Cb.jar", b"", 400, "bad_request"),
        (f"{OURS}/a%0Ab.jar", b"", 400, "bad_request"),
        ("/api/v1/projects/x_y/resources/a.jar", b"", 400, "bad_request"),
    ],
)
async def test_uploads_that_are_refused_leave_nothing(
    world: World, path: str, content: bytes, status: int, code: str
) -> None:
    said = await world.call("PUT", path, content=content)
    assert (said[0], said[1]["error_code"]) == (status, code)
    assert world.uploaded() == []
    assert not (world.directory / "uploads").exists() or list((world.directory / "uploads").iterdir()) == []


async def test_an_upload_is_told_its_own_limit_and_not_that_of_other_requests(world: World) -> None:
    status, no = await world.call("PUT", f"{OURS}/big.jar", headers={"Content-Length": str(2**30 + 1)}, content=b"")
    assert (status, no["error_code"]) == (413, "too_large")
    assert f"at most {2**30} bytes" in no["error_msg"]
    assert "jobs" not in no["error_msg"]


async def test_an_upload_that_breaks_off_leaves_nothing(world: World) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    await world.resources.upload(P, "", "app.jar", _chunks(b"old"), "me")
    with pytest.raises(ConnectionResetError):
        await world.resources.upload(P, "", "app.jar", broken(), "me")
    assert world.uploaded() == [b"old"]


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_uploaded_content_stays_as_long_as_a_name_leads_to_it(world: World) -> None:
    _, said = await world.call("PUT", f"{OURS}/app.jar", content=b"the content")
    again = {"paths": [said["path"] + "/"], "kind": "jar"}
    assert (await world.call("POST", DLI, json=again))[0] == 200
    [same] = (await world.call("GET", OURS))[1]["resources"]
    assert [same[key] for key in ("path", "sha256", "size")] == [said[key] for key in ("path", "sha256", "size")]
    assert (await world.call("POST", f"{DLI}/jars", json={"paths": [said["path"]], "group": "g"}))[0] == 200
    assert (await world.call("POST", "/v2.0/other/resources", json=again))[0] == 200
    await world.call("PUT", f"{OURS}/app.jar", content=b"other")
    assert world.uploaded() == [b"other", b"the content"]
    await world.call("DELETE", f"{DLI}/app.jar", params={"group": "g"})
    assert world.uploaded() == [b"other", b"the content"]
    await world.call("DELETE", "/v2.0/other/resources/app.jar")
    assert world.uploaded() == [b"other"]


# --- naming what lies in storage ------------------------------------------------------------------------------------


async def test_files_of_storage_are_named_in_groups(world: World) -> None:
    paths = [world.put("bucket/dir/a.jar"), "https://bucket.obs.cn-north-1.myhuaweicloud.com/dir/b.jar"]
    world.put("bucket/dir/b.jar")
    status, said = await world.call("POST", f"{DLI}/jars", json={"paths": paths, "group": "libs"})
    assert status == 200
    assert (said["group_name"], said["status"], said["resources"]) == ("libs", "READY", ["a.jar", "b.jar"])
    assert (said["module_name"], said["module_type"]) == ("libs", "jar")
    body = {"paths": [world.put("bucket/m.py")], "kind": "pyfile", "is_async": True, "tags": [{"key": "k"}]}
    assert (await world.call("POST", DLI, json=body))[0] == 200
    status, listed = await world.call("GET", DLI)
    assert (listed["total"], listed["modules"]) == (3, [])
    assert [each["resource_name"] for each in listed["resources"]] == ["m.py"]
    assert [(group["group_name"], group["resources"]) for group in listed["groups"]] == [("libs", ["a.jar", "b.jar"])]
    assert (await world.call("GET", DLI, params={"kind": "jar"}))[1]["total"] == 2
    shown = (await world.call("GET", f"{DLI}/b.jar", params={"group": "libs"}))[1]
    assert shown["underlying_name"] == "libs/b.jar"


@pytest.mark.parametrize("kind", ["jars", "pyfiles", "files"])
async def test_files_of_storage_need_no_group(world: World, kind: str) -> None:
    """The names come apart from the group then, where Terraform reads them."""
    status, said = await world.call("POST", f"{DLI}/{kind}", json={"paths": [world.put("bucket/a.jar")]})
    assert (status, said["group_name"], said["resource_names"]) == (200, "", ["a.jar"])
    assert (await world.call("GET", f"{DLI}/a.jar"))[1]["underlying_name"] == "a.jar"


async def test_whoever_is_shown_as_owner_may_be_given_it(world: World) -> None:
    """As the provider does with each update, whatever has changed."""
    await world.call("POST", f"{DLI}/jars", json={"paths": [world.put("bucket/a.jar")]})
    for owner in ("ann", "x", "root@example.com", "1.2-3_4", "_anna", "x" * 64):
        body = {"new_owner": owner, "resource_name": "a.jar"}
        assert (await world.call("PUT", f"{DLI}/owner", json=body))[0] == 200
        assert (await world.call("GET", f"{DLI}/a.jar"))[1]["owner"] == owner


async def test_two_files_do_not_get_one_name_in_one_request(world: World) -> None:
    paths = [world.put("bucket/one/x.jar"), world.put("bucket/two/x.jar")]
    for url, more in ((DLI, {"kind": "jar"}), (f"{DLI}/jars", {"group": "g"})):
        status, no = await world.call("POST", url, json={"paths": paths, **more})
        assert (status, no["error_code"]) == (400, "DLI.0001")
        assert "2 of them would be called x.jar" in no["error_msg"]
    said = await world.call("POST", DLI, json={"paths": paths, "kind": "jar"}, headers={"X-Language": "zh-cn"})
    assert "x.jar；名称不能重复" in said[1]["error_msg"]
    assert (await world.call("GET", DLI))[1]["total"] == 0


async def test_a_deleted_name_leaves_its_file(world: World) -> None:
    path = world.put("bucket/a.jar")
    await world.call("POST", f"{DLI}/files", json={"paths": [path], "group": "g"})
    assert await world.call("DELETE", f"{DLI}/a.jar", params={"group": "g"}) == (200, {})
    assert (world.root / "bucket/a.jar").exists()
    for method in ("GET", "DELETE"):
        status, no = await world.call(method, f"{DLI}/a.jar", params={"group": "g"})
        assert (status, no["error_code"]) == (404, "DLI.0023")


async def test_a_resource_or_a_group_changes_hands(world: World) -> None:
    paths = [world.put("bucket/a.jar"), world.put("bucket/b.jar")]
    await world.call("POST", f"{DLI}/jars", json={"paths": paths, "group": "g"})
    body = {"new_owner": "anna_b", "group_name": "g", "resource_name": "a.jar"}
    assert (await world.call("PUT", f"{DLI}/owner", json=body))[1]["is_success"] is True
    owners = [each["owner"] for each in (await world.call("GET", DLI))[1]["groups"][0]["details"]]
    assert owners == ["anna_b", "local"]
    await world.call("PUT", f"{DLI}/owner", json={"new_owner": "bruno", "group_name": "g"})
    owners = [each["owner"] for each in (await world.call("GET", DLI))[1]["groups"][0]["details"]]
    assert owners == ["bruno", "bruno"]
    status, no = await world.call("PUT", f"{DLI}/owner", json={"new_owner": "bruno", "group_name": "x"})
    assert (status, no["error_code"]) == (404, "DLI.0023")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/jars", {"paths": ["obs://bucket/none.jar"], "group": "g"}, "DLI.0002"),
        ("/jars", {"paths": ["obs://bucket/a.txt"], "group": "g"}, "DLI.0001"),
        ("/jars", {"paths": ["obs://bucket/../a.jar"], "group": "g"}, "DLI.0001"),
        ("/jars", {"paths": ["https://elsewhere.example/a.jar"], "group": "g"}, "DLI.0001"),
        ("/jars", {"paths": ["http://[/a.jar"], "group": "g"}, "DLI.0001"),
        ("/jars", {"paths": ["/etc/a.jar"], "group": "g"}, "DLI.0001"),
        ("/jars", {"paths": [], "group": "g"}, "DLI.0001"),
        ("/jars", {"paths": ["obs://bucket/a.jar"] * 101, "group": "g"}, "DLI.0001"),
        ("/jars", {"group": "g"}, "DLI.0001"),
        ("/files", {"paths": ["obs://bucket/a.txt"], "group": "a/b"}, "DLI.0001"),
        ("", {"paths": ["obs://bucket/a.txt"], "kind": "thing"}, "DLI.0001"),
        ("", {"paths": "obs://bucket/a.txt", "kind": "file"}, "DLI.0001"),
    ],
)
async def test_what_cannot_be_named(world: World, path: str, body: dict[str, Any], code: str) -> None:
    world.put("bucket/a.txt")
    world.put("bucket/a.jar")
    status, no = await world.call("POST", DLI + path, json=body)
    assert (status, no["error_code"]) == (400, code)
    assert (await world.call("GET", DLI))[1]["total"] == 0


@pytest.mark.parametrize("owner", ["", ".anna", "an na", "@anna", "x" * 65])
async def test_owners_have_names(world: World, owner: str) -> None:
    body = {"new_owner": owner, "group_name": "g"}
    assert (await world.call("PUT", f"{DLI}/owner", json=body))[1]["error_code"] == "DLI.0001"


async def test_projects_do_not_see_each_others(world: World) -> None:
    await world.call("PUT", f"{OURS}/app.jar", content=b"x")
    status, _ = await world.call("GET", "/v2.0/other/resources/app.jar")
    assert status == 404
    assert (await world.call("GET", "/api/v1/projects/other/resources"))[1] == {"resources": []}


# --- what jobs find -------------------------------------------------------------------------------------------------


async def job(world: World, **fields: Any) -> int:
    """A job with a program, and a project of which nothing else is known."""
    draft = JobDraft("orders", JobSpec("", program=replace(JarProgram(""), **fields)), kind=JAR_JOB)
    return (await world.edit.create(P, draft, "me")).id


async def test_a_jar_must_be_there_when_it_is_named_and_when_it_is_run(world: World) -> None:
    streaming = f"/v1.0/{P}/streaming"
    body = {"name": "orders", "entrypoint": "obs://bucket/app.jar"}
    assert (await world.call("POST", f"{streaming}/flink-jobs", json=body))[1]["error_code"] == "DLI.11021"
    world.put("bucket/app.jar")
    made = (await world.call("POST", f"{streaming}/flink-jobs", json=body))[1]["job"]["job_id"]
    path = f"{streaming}/flink-jobs/{made}"
    assert (await world.call("PUT", path, json={"entrypoint": "libs/app.jar"}))[1]["error_code"] == "DLI.11021"
    await world.call("PUT", f"{OURS}/app.jar?group=libs", content=b"PK")
    assert (await world.call("PUT", path, json={"entrypoint": "libs/app.jar"}))[0] == 200
    await world.call("PUT", path, json={"dependency_jars": ["libs/other.jar"]})

    run = {"job_ids": [made]}
    assert (await world.call("POST", f"{streaming}/jobs/run", json=run))[1]["error_code"] == "DLI.13018"
    await world.call("PUT", f"{OURS}/other.jar?group=libs", content=b"PK")
    await world.call("DELETE", f"{OURS}/app.jar?group=libs")
    no = (await world.call("POST", f"{streaming}/jobs/run", json=run))[1]
    assert no["error_code"] == "DLI.13013"
    assert "libs/app.jar" in no["error_msg"]
    await world.call("PUT", f"{OURS}/app.jar?group=libs", content=b"PK")
    assert (await world.call("POST", f"{streaming}/jobs/run", json=run))[0] == 200


async def test_a_job_that_runs_is_updated_with_its_whole_body_though_its_jar_has_left_storage(world: World) -> None:
    path = f"/v1.0/{P}/streaming/flink-jobs"
    body = {"name": "orders", "entrypoint": "obs://bucket/app.jar"}
    world.put("bucket/other.jar")
    world.put("bucket/app.jar")
    made = (await world.call("POST", path, json=body))[1]["job"]["job_id"]
    async with world.db.write() as connection:
        await connection.execute(update(jobs).values(status=JobStatus.RUNNING))
    (world.root / "bucket/app.jar").unlink()
    said = await world.call("PUT", f"{path}/{made}", json={**body, "restart_when_exception": True})
    assert said[0] == 200, said
    refused = {"entrypoint": "obs://bucket/gone.jar"}
    assert (await world.call("PUT", f"{path}/{made}", json=refused))[1]["error_code"] == "DLI.12003"
    assert (await world.call("PUT", f"{path}/{made + 1}", json=body))[1]["error_code"] == "DLI.12004"


async def test_a_job_without_a_jar_cannot_be_run(world: World) -> None:
    [verdict] = (await world.start(StartOrder(P, [await job(world)], resume=False))).verdicts
    assert verdict.refusal == "no_program"


async def test_one_look_is_enough_for_many_jobs_of_one_jar(world: World) -> None:
    asked: list[str] = []

    async def exists(name: str) -> bool:
        asked.append(name)
        return True

    files = world.storage.files
    world.storage.files = type("Files", (), {"exists": staticmethod(exists)})()
    jar = JarProgram("obs://bucket/app.jar")
    made = [
        (await world.edit.create(P, JobDraft(f"j{n}", JobSpec("", program=jar), kind=JAR_JOB), "me")).id
        for n in range(20)
    ]
    assert all(verdict.accepted for verdict in (await world.start(StartOrder(P, made, resume=False))).verdicts)
    world.storage.files = files
    assert asked == ["obs://bucket/app.jar"]


async def test_what_a_job_names_is_copied_for_it(world: World) -> None:
    fetch = Fetch(world.db, world.storage.files)
    number = await job(world)
    await world.call("PUT", f"{OURS}/app.jar?group=libs", content=b"uploaded")
    path = world.put("bucket/app.jar", b"stored")
    for name, content in (("libs/app.jar", b"uploaded"), (path, b"stored")):
        await fetch(number, name, world.directory / "copy")
        assert (world.directory / "copy").read_bytes() == content
    for name in ("app.jar", "obs://bucket/none.jar", "obs://bucket/../../etc/passwd", "obs:///x.jar"):
        with pytest.raises(Unusable):
            await fetch(number, name, world.directory / "copy")
    with pytest.raises(Unusable):
        await fetch(99, "libs/app.jar", world.directory / "copy")


async def test_storage_that_cannot_be_read_is_not_storage_without_the_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, path = await job(world), world.put("bucket/app.jar")

    def away(*_: object) -> None:
        raise OSError("the disk is away")

    monkeypatch.setattr("sluiceway.storage.disk.Disk._open_root", away)
    assert not await programs.absent(world.db, world.storage.files, P, {path})
    with pytest.raises(Unreachable):
        await Fetch(world.db, world.storage.files)(number, path, world.directory / "copy")
    status, no = await world.call("POST", f"{DLI}/jars", json={"paths": [path], "group": "g"})
    assert (status, no["error_code"]) == (400, "DLI.0012")
