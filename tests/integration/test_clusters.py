"""Clusters that are registered while the service runs: worked on at once, changed, drained and removed."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import text
from tests.support.patience import PATIENCE
from tests.support.services.guarded import guarded
from tests.support.services.native_api import Api, native_api, served
from tests.support.services.plane import PROJECT, plane

from sluiceway.cli.main import run
from sluiceway.domain.access import Grant, Role
from sluiceway.domain.adoption import Adopts
from sluiceway.domain.job import JobStatus
from sluiceway.settings import Settings
from sluiceway.store.views import JobFilter
from sluiceway.testing.fake_flink import FakeFlink

pytestmark = pytest.mark.process

CLUSTERS = f"/api/v1/projects/{PROJECT}/clusters"


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with native_api(tmp_path) as made:
        yield made


async def another(api: Api, name: str, **fields: Any) -> FakeFlink:
    """A Flink that nobody knows yet, registered."""
    fake = api.plane.fakes[name] = FakeFlink()
    made = await api.http.post(CLUSTERS, json={"name": name, "addresses": [await fake.start()], **fields})
    assert made.status_code == 201, made.text
    return fake


async def running_on(api: Api, cluster: str, name: str = "orders") -> int:
    job = await api.plane.create(name, queue=cluster)
    await api.plane.start(PROJECT, [job], resume=False)
    await api.plane.until(job, JobStatus.RUNNING)
    return job


async def shown(api: Api, name: str) -> dict[str, Any]:
    return await api.get(f"clusters/{name}")


async def until(api: Api, name: str, **fields: Any) -> dict[str, Any]:
    """Wait until a cluster's health is like that."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await shown(api, name)
            if found["health"] and all(found["health"][key] == value for key, value in fields.items()):
                return found
            await asyncio.sleep(0.02)


async def test_a_cluster_is_added_used_and_shown_without_a_restart(api: Api) -> None:
    await another(api, "new", labels={"env": "prod"}, max_savepoints=3)
    listed = (await api.get("clusters"))["clusters"]
    assert [(each["name"], each["source"], each["default"]) for each in listed] == [
        ("c0", "settings", True),
        ("new", "database", False),
    ]
    assert listed[1]["health"] is None, "nobody looks at a cluster without jobs"

    job = await running_on(api, "new")
    found = await until(api, "new", answers=True)
    assert (found["runs"], found["labels"], found["version"], found["created_by"]) == (1, {"env": "prod"}, 1, "local")
    assert (await api.stopped(job))["phases"] == {"stopped": 1}
    events = await api.plane.queries.events(PROJECT, 0, 100)
    assert [(event.kind, event.who) for event in events if event.kind.startswith("cluster_")] == [
        ("cluster_added", "local")
    ]


async def test_the_kind_that_was_found_is_shown_beside_the_registered_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with native_api(tmp_path, adopts=Adopts(PROJECT)) as api:
        fake = await another(api, "new")
        fake.of_application(leaves_after=0.1)
        await another(api, "said", kind="application")

        async def kinds() -> dict[str, tuple[str, str | None]]:
            listed = (await api.get("clusters"))["clusters"]
            return {each["name"]: (each["kind"], each["kind_seen"]) for each in listed}

        assert await kinds() == {"c0": ("session", None), "new": ("session", None), "said": ("application", None)}
        for name, each in api.plane.fakes.items():
            each.add_job(name=f"on-{name}")
        found = {"c0": ("session", "session"), "new": ("session", "application"), "said": ("application", "session")}
        async with asyncio.timeout(PATIENCE):
            while await kinds() != found:
                await asyncio.sleep(0.05)

        _, jobs = await api.plane.queries.jobs(PROJECT, JobFilter(name="on-new"), offset=0, limit=1, descending=False)
        assert (await api.stopped(jobs[0].id))["phases"] == {"stopped": 1}
        await api.plane.eventually(lambda: fake._runner is None)
        assert await kinds() == found, "it is known of a cluster that has gone with its job, too"
        async with served(api.plane, Settings(data=tmp_path)) as address:
            shown = ["clusters", "list", "--server", address, "--project", PROJECT]
            assert await asyncio.to_thread(run, shown) == 0
        said = capsys.readouterr().out
        assert "application (found)" in said
        assert "application (its JobManager says: session)" in said


async def test_every_process_on_the_database_works_with_it(api: Api, tmp_path: Path) -> None:
    """Another service, with the same clusters of settings, takes over what the first one has begun."""
    async with plane(tmp_path, fakes=api.plane.fakes, storage=api.plane.storage) as second:
        await another(api, "new")
        async with asyncio.timeout(PATIENCE):
            while "new" not in second.queues.names:
                await asyncio.sleep(0.05)
        job = await running_on(api, "new")
        await api.plane.reconciler.close()
        [entry] = await second.stop_and_wait([job])
        assert entry.stop.savepoint_path


async def test_what_does_not_answer_says_so_since_when_and_why(api: Api) -> None:
    fake = await another(api, "new")
    await running_on(api, "new")
    up = await until(api, "new", answers=True)
    await fake.close()
    down = await until(api, "new", answers=False)
    assert down["health"]["since"] > up["health"]["since"]
    assert "no connection to the cluster" in down["health"]["reason"]
    await fake.start()
    await until(api, "new", answers=True, reason="")


async def test_a_drained_cluster_takes_no_starts_and_its_jobs_can_be_stopped(api: Api) -> None:
    await another(api, "new")
    job, waiting = await running_on(api, "new"), await api.plane.create("waiting", queue="new")
    edited = await api.http.patch(f"{CLUSTERS}/new", json={"draining": True})
    assert (edited.status_code, edited.json()["draining"], edited.json()["version"]) == (200, True, 2)
    [refused] = (await api.post("resumes", job_ids=[waiting]))["jobs"]
    assert (refused["accepted"], refused["code"]) == (False, "no_starts")
    assert "being drained" in refused["message"]
    stop = await api.stopped(job)
    assert stop["phases"] == {"stopped": 1}
    [again] = (await api.resume(stop["id"]))["jobs"]
    assert again["code"] == "no_starts"
    await api.http.patch(f"{CLUSTERS}/new", json={"draining": False})
    assert (await api.resume(stop["id"]))["accepted"] == 1


async def test_a_cluster_that_moves_is_followed_where_it_is_now(api: Api) -> None:
    fake = await another(api, "new")
    job = await running_on(api, "new")
    await fake.close()
    fake._port = 0  # it comes back elsewhere
    edited = await api.http.patch(f"{CLUSTERS}/new", json={"addresses": [await fake.start()]})
    assert edited.status_code == 200, edited.text
    assert (await api.stopped(job))["phases"] == {"stopped": 1}


async def test_two_who_change_it_at_once_do_not_undo_each_other(api: Api) -> None:
    await another(api, "new")
    first = await api.http.patch(f"{CLUSTERS}/new", json={"version": 1, "labels": {"a": "b"}})
    second = await api.http.patch(f"{CLUSTERS}/new", json={"version": 1, "draining": True})
    assert (first.status_code, second.status_code, second.json()["error_code"]) == (200, 409, "cluster_changed")
    third = await api.http.patch(f"{CLUSTERS}/new", json={"draining": True})
    assert (third.json()["labels"], third.json()["draining"], third.json()["version"]) == ({"a": "b"}, True, 3)
    same = await api.http.patch(f"{CLUSTERS}/new", json={"draining": True})
    assert same.json()["version"] == 3, "nothing was changed"


async def test_a_removed_cluster_keeps_its_open_stops_and_history(api: Api) -> None:
    fake = await another(api, "new")
    job = await running_on(api, "new")
    flink_id = await api.plane.flink_id(job)
    fake.jobs[flink_id].stop_seconds = 1.5
    stop = (await api.stop(job_ids=[job]))["id"]
    await api.plane.eventually(lambda: fake.count("stop") == 1)

    kept = await api.http.delete(f"{CLUSTERS}/new")
    assert (kept.status_code, kept.json()["error_code"]) == (409, "cluster_in_use")
    gone = await api.http.delete(f"{CLUSTERS}/new", params={"force": "true"})
    assert gone.status_code == 200, gone.text
    assert (await api.http.get(f"{CLUSTERS}/new")).status_code == 404
    [refused] = (await api.stop(job_ids=[await api.plane.create("x")], dry_run=True))["jobs"]
    assert not refused["accepted"]
    async with asyncio.timeout(PATIENCE):
        while "no longer registered" not in json.dumps(await api.show(stop)):
            await asyncio.sleep(0.02)
    assert not (await api.show(stop))["settled"]

    back = await api.http.post(CLUSTERS, json={"name": "new", "addresses": [fake.url]})
    assert back.status_code == 201
    assert (await api.settled(stop))["phases"] == {"stopped": 1}
    assert (await api.plane.job(job)).status is JobStatus.STOPPED


async def test_clusters_of_settings_stay_as_they_are(api: Api) -> None:
    for answer in (
        await api.http.patch(f"{CLUSTERS}/c0", json={"draining": True}),
        await api.http.delete(f"{CLUSTERS}/c0"),
    ):
        assert (answer.status_code, answer.json()["error_code"]) == (409, "cluster_registered_elsewhere")
        assert "--cluster" in answer.json()["error_msg"]
    taken = await api.http.post(CLUSTERS, json={"name": "c0", "addresses": ["http://127.0.0.1:9"]})
    assert (taken.status_code, taken.json()["error_code"]) == (409, "cluster_exists")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"name": "x", "addresses": ["file:///etc/passwd"]}, "begins with http"),
        ({"name": "x", "addresses": ["http://ann:secret@a"]}, "no place in it"),
        ({"name": "x/y", "addresses": ["http://a"]}, "name"),
        ({"name": "x", "addresses": []}, "addresses"),
        ({"name": "x", "addresses": ["http://a"], "headers": {"Host": "b"}}, "not yours to set"),
        ({"name": "x", "addresses": ["https://a"], "ca": "-----BEGIN "}, "no certificate"),
        ({"name": "x", "addresses": ["http://a"], "more": 1}, "unknown field"),
    ],
)
async def test_what_cannot_be_registered_is_refused_and_leaves_nothing(
    api: Api, body: dict[str, Any], why: str
) -> None:
    answer = await api.http.post(CLUSTERS, json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "bad_request")
    assert why in answer.json()["error_msg"]
    assert "secret" not in answer.text
    assert len((await api.get("clusters"))["clusters"]) == 1


async def test_secrets_are_sealed_and_never_shown(api: Api, tmp_path: Path) -> None:
    opens = {"headers": {"X-Token": "s3cr3t-1"}, "basic": {"user": "ann", "password": "s3cr3t-2"}}
    await another(api, "new", **opens)
    found = await api.http.get(f"{CLUSTERS}/new")
    assert found.json()["guards"] == {"headers": ["X-Token"], "user": "ann", "ca": False, "certificate": False}
    edited = await api.http.patch(f"{CLUSTERS}/new", json={"labels": {"a": "b"}})
    assert edited.json()["guards"]["user"] == "ann", "what is left out stays"
    assert "s3cr3t" not in found.text + edited.text
    async with api.plane.db.read() as connection:
        for table in ("clusters", "events"):
            rows = (await connection.execute(text(f"SELECT * FROM {table}"))).all()
            assert "s3cr3t" not in repr(rows), table
    opened = await api.http.patch(f"{CLUSTERS}/new", json={"headers": {}, "basic": None})
    assert opened.json()["guards"] == {"headers": [], "user": "", "ca": False, "certificate": False}


async def test_a_key_that_is_lost_makes_a_cluster_unreachable_and_harms_no_other(tmp_path: Path) -> None:
    async with native_api(tmp_path) as api:
        await another(api, "new", headers={"X-Token": "s3cr3t-1"})
        fakes = api.plane.fakes
        (tmp_path / "secret.key").write_text("ab" * 32)
        async with plane(tmp_path, fakes={"c0": fakes["c0"]}) as second:
            assert second.queues.names == ("c0", "new")
            assert second.queues.locate("new") is None
            assert "cannot be opened" in second.roster.why_absent("new")
            assert second.queues.locate("c0") is not None


async def test_who_may_change_clusters_and_who_sees_which(tmp_path: Path) -> None:
    async with guarded(tmp_path) as at:
        root, mine = await at.admin(), await at.user("mine", Grant(Role.ADMIN, PROJECT))
        theirs = await at.user("theirs", Grant(Role.VIEWER, "theirs"))
        body = {"name": "new", "addresses": ["http://127.0.0.1:9"], "projects": ["theirs"]}
        barred = await at.http.post(CLUSTERS, json=body, auth=mine)
        assert (barred.status_code, barred.json()["error_code"]) == (403, "APIGW.0302")
        assert ("mine", "POST /api/v1/projects/{project_id}/clusters: no right to sluiceway:clusters:manage") in (
            await at.denied(PROJECT)
        )
        assert (await at.http.post(CLUSTERS, json=body, auth=root)).status_code == 201

        async def names(who: Any, project: str) -> list[str]:
            listed = await at.http.get(f"/api/v1/projects/{project}/clusters", auth=who)
            queues = await at.http.get(f"/v1.0/{project}/queues", auth=who)
            if who is not root:
                assert [each["queue_name"] for each in queues.json()["queues"]] == [
                    each["name"] for each in listed.json()["clusters"]
                ]
            return [each["name"] for each in listed.json()["clusters"]]

        assert await names(root, PROJECT) == ["c0", "new"]
        assert await names(mine, PROJECT) == ["c0"]
        assert await names(theirs, "theirs") == ["c0", "new"]
        assert (await at.http.get(f"{CLUSTERS}/new", auth=mine)).status_code == 404
        job = {"name": "orders", "sql_body": "SELECT 1", "queue_name": "new"}
        refused = await at.http.post(f"/v1.0/{PROJECT}/streaming/sql-jobs", json=job, auth=mine)
        assert refused.status_code == 400


# What works there. ----------------------------------------------------------------------------------------------------


async def tried(api: Api, path: str = "test", **body: Any) -> dict[str, Any]:
    answer = await api.http.post(f"{CLUSTERS}/{path}", json=body or None)
    assert answer.status_code == 200, answer.text
    return cast("dict[str, Any]", answer.json())


async def test_what_works_at_a_cluster_is_told_before_it_is_registered(api: Api, tmp_path: Path) -> None:
    found = await tried(api, addresses=[api.plane.fake.url])
    assert (found["answers"], found["same_cluster"], found["submits"], found["flink_version"]) == (
        True,
        True,
        True,
        "2.3.0",
    )
    assert (found["storage"], found["slots"] > 0) == ("yes", True), found["storage_reason"]
    assert not list((tmp_path / "storage" / "sluiceway-probe").iterdir()), "the probe is gone"
    assert await tried(api, "c0/test") == found
    assert [each["name"] for each in (await api.get("clusters"))["clusters"]] == ["c0"]


async def test_a_cluster_with_storage_of_its_own_is_told(api: Api) -> None:
    api.plane.fake.sees_storage, api.plane.fake.jars = False, None
    found = await tried(api, addresses=[api.plane.fake.url])
    assert (found["answers"], found["storage"], found["submits"]) == (True, "no", False)
    assert "finds nothing there" in found["storage_reason"]


async def test_what_does_not_answer_is_told_of_each_address(api: Api) -> None:
    found = await tried(api, addresses=["http://127.0.0.1:9", api.plane.fake.url])
    assert [each["answers"] for each in found["addresses"]] == [False, True]
    assert "no connection" in found["addresses"][0]["reason"]
    silent = await tried(api, addresses=["http://127.0.0.1:9"])
    assert (silent["answers"], silent["storage"], silent["submits"]) == (False, "unknown", None)
    api.plane.fake.fault("any", "html_404", times=None)
    proxy = await tried(api, addresses=[api.plane.fake.url])
    assert not proxy["answers"]
    missing = await api.http.post(f"{CLUSTERS}/none/test")
    assert missing.status_code == 404


async def test_the_commands(api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake = api.plane.fakes["new"] = FakeFlink()
    url = await fake.start()
    async with served(api.plane, Settings(data=tmp_path)) as address:

        async def command(*words: str) -> tuple[int, Any]:
            done = await asyncio.to_thread(run, ["clusters", *words, "--server", address, "--project", PROJECT])
            return done, capsys.readouterr()

        assert (await command("test", url))[0] == 0
        assert (await command("test", "http://127.0.0.1:9"))[0] == 1
        done, said = await command("add", "new", url, "--label", "env=prod", "--json")
        assert (done, json.loads(said.out[said.out.index("{") :])["labels"]) == (0, {"env": "prod"})
        await running_on(api, "new")
        done, said = await command("drain", "new")
        assert done == 0
        assert "sluiceway stop --queue new" in said.out
        done, said = await command("list")
        assert ("draining" in said.out, "env=prod" in said.out, "settings" in said.out) == (True, True, True)
        assert (await command("drain", "new", "--undo"))[0] == 0
        assert "for our own" in (await command("edit", "new", "--label", "note=for our own"))[1].out
        assert (await command("edit", "new"))[0] == 2
        assert (await command("show", "c0"))[0] == 0
        done, said = await command("remove", "new")
        assert (done, "cluster_in_use" in said.err) == (1, True)
        assert (await command("remove", "new", "--force"))[0] == 0
        done, said = await command("show", "new")
        assert (done, "unknown_cluster" in said.err) == (1, True)
        assert (await command("add", "x", "ftp://a"))[0] == 2
        assert (await command("add", "x", url, "--label", "nothing"))[0] == 2
        assert (await command("add", "x", url, "--ca", str(tmp_path / "none.pem")))[0] == 2


# Files. ---------------------------------------------------------------------------------------------------------------


async def test_clusters_of_a_file_are_worked_on_and_go_with_it(tmp_path: Path) -> None:
    file = tmp_path / "all.json"
    file.write_text("[]")
    async with native_api(tmp_path, clusters_from=[str(file)]) as api:
        fake = api.plane.fakes["found"] = FakeFlink()
        entry = {"name": "found", "addresses": [await fake.start()], "labels": {"env": "prod"}}
        file.write_text(json.dumps([entry, {"name": "c0", "addresses": ["http://127.0.0.1:9"]}]))
        async with asyncio.timeout(PATIENCE):
            while "found" not in api.plane.queues.names:
                await asyncio.sleep(0.05)
        job = await running_on(api, "found")
        listed = await api.get("clusters")
        assert [(each["name"], each["source"], each["origin"]) for each in listed["clusters"]] == [
            ("c0", "settings", ""),
            ("found", "file", str(file)),
        ]
        barred = await api.http.patch(f"{CLUSTERS}/found", json={"draining": True})
        assert (barred.status_code, str(file) in barred.json()["error_msg"]) == (409, True)

        file.write_text("[{")
        async with asyncio.timeout(PATIENCE):
            while not (await api.get("clusters"))["files"][0]["trouble"]:
                await asyncio.sleep(0.05)
        assert api.plane.queues.locate("found") is not None, "what it held stays"
        assert (await api.stopped(job))["phases"] == {"stopped": 1}
        file.write_text("[]")
        async with asyncio.timeout(PATIENCE):
            while "found" in api.plane.queues.names:
                await asyncio.sleep(0.05)
        assert (await api.plane.job(job)).status is JobStatus.STOPPED
        assert [shift.cluster for shift in api.plane.reconciler.shifts()] == ["c0"], "its worker has gone with it"
        assert "found" not in api.plane.engine._attention
