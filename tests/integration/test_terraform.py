"""What the Terraform provider and golangsdk do, on the service with sign-in on: every apply ends with an empty plan."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from tests.golang import provider
from tests.golang.golangsdk import Key, Unexpected, sign
from tests.golang.provider import Failed, JarJob, Package, SqlJob
from tests.golang.stage import Stage
from tests.support.services.plane import PROJECT

from sluiceway.domain.access import Grant, Role
from sluiceway.domain.job import JobStatus

SQL = {"name": "orders", "sql": "INSERT INTO a SELECT * FROM b"}
JAR = {"name": "program", "entrypoint": "obs://bucket/app.jar", "cu_num": 2}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("data"), clusters=3) as made:
        yield made


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The other way round in what is a setting."""
    with Stage(tmp_path_factory.mktemp("strict"), refuse_replays=True, stop_at_rest="accept") as made:
        yield made


@pytest.fixture(scope="module")
def moments() -> Iterator[datetime]:
    """A second each, and none twice in this file: equal calls of one second have equal signatures."""
    began = datetime.now(UTC) - timedelta(minutes=10)
    return (began + timedelta(seconds=n) for n in count())


@pytest.fixture
def site(here: Stage) -> Iterator[Stage]:
    yield here
    here.clear()


# --- signing in ------------------------------------------------------------------------------------------------------


def test_the_signature_is_that_of_a_request_that_was_worked_out_by_hand() -> None:
    """So that signer and service cannot be wrong together."""
    headers = {"Accept": "application/json", "User-Agent": "golangsdk/2.0.0", "Content-Type": "application/json"}
    target = sign(
        Key("AK", "SK"), "POST", "/v1.0/p/x%23y?b=2&a=%20", headers, b"{}\n", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    )
    assert target == "/v1.0/p/x%23y?a=%20&b=2"
    assert headers["Authorization"] == (
        "SDK-HMAC-SHA256 Access=AK, SignedHeaders=accept;content-type;user-agent;x-sdk-date, Signature="
        "ecce28446d05f33dc1340c10af6081cf1d8fe9a68f99bea88c4d843e50bd9053"
    )


def test_the_bytes_are_those_of_go(site: Stage) -> None:
    client = site.golangsdk(clock=lambda: datetime.now(UTC))
    client.call("POST", f"/v1.0/{PROJECT}/streaming/jobs/stop", None, {"job_ids": [1]}, ok=(400,))
    head, _, body = client.http.sent[0].partition(b"\r\n\r\n")
    names = [line.partition(b":")[0].decode() for line in head.split(b"\r\n")[1:]]
    assert names[:3] == ["Host", "User-Agent", "Content-Length"]
    assert names[3:-1] == sorted(names[3:-1])
    assert (names[-1], body) == ("Accept-Encoding", b'{"job_ids":[1]}\n')
    [signed] = [line for line in head.split(b"\r\n") if line.startswith(b"Authorization")]
    assert b"SignedHeaders=accept;content-type;user-agent;x-sdk-date," in signed, "no host, and no project"


def test_an_access_key_finds_project_and_domain(site: Stage) -> None:
    client = site.golangsdk()
    found = client.send("GET", f"/v3/projects?name={PROJECT}")
    assert (found.status, b'"id":"%s"' % PROJECT.encode() in found.body) == (200, True)
    domains = client.send("GET", "/v3/auth/domains")
    assert (domains.status, b'"id":"sluiceway"' in domains.body) == (200, True)


def test_a_temporary_key_and_a_wrong_one(site: Stage) -> None:
    made = site.run(site.access.add_key("ann", timedelta(hours=1)))
    assert made.security_token
    good = site.golangsdk(key=Key(made.access, made.secret, made.security_token), domain="sluiceway")
    assert (good.list())["is_success"] is True
    for key in (Key(made.access, made.secret), Key(made.access, "wrong", made.security_token), Key("x", "y")):
        with pytest.raises(Unexpected) as error:
            site.golangsdk(key=key).list()
        assert error.value.status == 401


def test_the_same_signed_read_twice_within_a_second(strict: Stage) -> None:
    """The provider reads a job twice for a plan; also where replays are refused."""
    moment = datetime.now(UTC)
    client = strict.golangsdk(clock=lambda: moment)
    for _ in range(2):
        assert client.list()["is_success"] is True
    assert client.http.sent[0] == client.http.sent[1]
    for status in (400, 401):
        with pytest.raises(Unexpected) as error:
            client.stop(999)
        assert error.value.status == status


def test_a_token_is_exchanged_for_the_project_and_for_the_domain(site: Stage) -> None:
    site.run(site.access.grant("ann", Grant(Role.OWNER, "other")))
    signed_in = site.golangsdk(key=None)
    user = {"name": "ann", "password": "correct horse", "domain": {"name": "mine"}}
    password = {"identity": {"methods": ["password"], "password": {"user": user}}}
    scopes: list[dict[str, Any]] = [{"project": {"id": PROJECT}}, {"domain": {"name": "mine"}}]
    first, second = [
        (signed_in.send("POST", "/v3/auth/tokens", {"auth": {**password, "scope": scope}})) for scope in scopes
    ]
    assert (first.status, second.status) == (201, 201)
    held = first.headers["x-subject-token"]
    project, domain = provider.token_clients(signed_in, held)
    assert (site.golangsdk(token=project).list())["is_success"] is True
    answer = site.golangsdk(token=domain).send("GET", "/v3/auth/domains")
    assert answer.status == 200


# --- SQL jobs --------------------------------------------------------------------------------------------------------


def test_a_sql_job_with_the_providers_defaults(site: Stage) -> None:
    job = SqlJob(site.golangsdk())
    job.create(SQL)
    assert job.plan(SQL) == {}
    assert job.state["status"] == "job_running"
    assert job.state["idle_state_retention"] == 1, "as it was given; it means an hour"
    spec = site.run(site.at.job(job.id)).draft.spec
    assert spec.state_retention.total_seconds() == 3600
    job.update(SQL)
    assert job.plan(SQL) == {}
    job.delete()
    assert job.read() is False


FULL = {
    **SQL,
    "description": "d",
    "queue_name": "c0",
    "checkpoint_enabled": True,
    "checkpoint_mode": "at_least_once",
    "checkpoint_interval": 60,
    "obs_bucket": "bucket",
    "log_enabled": True,
    "smn_topic": "t",
    "restart_when_exception": True,
    "idle_state_retention": 2,
    "parallel_number": 4,
    "cu_number": 3,
    "resume_max_num": 3,
    "runtime_config": {"pipeline.max-parallelism": "8", "table.local-time-zone": "x=y z"},
    "tags": {"team": "x", "env": ""},
    "operator_config": "{}",
    "static_estimator_config": "{}",
    "flink_version": "1.15",
}


def test_a_sql_job_with_everything_is_changed_between_a_stop_and_a_start(site: Stage) -> None:
    job = SqlJob(site.golangsdk())
    job.create(FULL)
    assert job.plan(FULL) == {}
    changed = {**FULL, "description": "e", "parallel_number": 2, "tags": {"team": "y"}, "operator_config": ""}
    job.update(changed)
    assert job.plan(changed) == {}, "and what is empty now is cleared"
    calls = [(method, target.rpartition("/")[2]) for method, target, _ in job.client.statuses]
    assert calls.index(("POST", "delete")) < calls.index(("POST", "stop")) < len(calls)
    bare = {key: value for key, value in changed.items() if key != "tags"}
    job.update(bare)
    assert job.plan(bare) == {}


def test_what_may_change_while_it_runs_does_not_stop_it(site: Stage) -> None:
    job = SqlJob(site.golangsdk())
    job.create(FULL)
    flink = site.run(site.at.flink_id(job.id))
    changed = {**FULL, "smn_topic": "other", "resume_max_num": 9, "restart_when_exception": False}
    job.update(changed)
    assert job.plan(changed) == {}
    assert site.run(site.at.flink_id(job.id)) == flink, "the provider always sends operator_config empty there"


def test_a_job_that_is_gone_is_told_as_the_provider_knows_it(site: Stage) -> None:
    job = SqlJob(site.golangsdk(), id=999)
    assert job.read() is False


@pytest.mark.parametrize("end", ["fail", "finish"])
def test_an_update_repairs_a_job_that_has_ended_where_that_is_set(
    site: Stage, strict: Stage, moments: Iterator[datetime], end: str
) -> None:
    changed = {**SQL, "sql": "INSERT INTO a SELECT * FROM c"}
    for where in (site, strict):
        # The provider waits 20 s between two equal starts, so their signatures differ.
        job = SqlJob(where.golangsdk(clock=lambda: next(moments)))
        job.create(SQL)
        where.end(job.id, end)
        job.read()
        if where is strict:
            job.update(changed)
            assert (job.plan(changed), job.state["status"]) == ({}, "job_running")
            where.clear()
        else:
            with pytest.raises(Unexpected, match=r"DLI\.15002"):
                job.update(changed)


def test_an_update_that_keeps_the_state(site: Stage) -> None:
    """The provider stops SQL jobs without a savepoint, and starts from the newest state where it is told to resume."""
    config = {**SQL, "resume_checkpoint": True}
    job = SqlJob(site.golangsdk())
    job.create(config)
    site.run(site.at.stop_and_wait([job.id]))
    job.client.run(job.id, resume=True)
    site.until(job.id, JobStatus.RUNNING)
    changed = {**config, "parallel_number": 2}
    job.update(changed)
    assert job.plan(changed) == {}
    assert site.flink(job.id).restored


# --- Jar jobs --------------------------------------------------------------------------------------------------------


def test_the_default_jar_job_reads_back_as_the_acceptance_test_expects(site: Stage) -> None:
    (site.bucket / "app.jar").write_bytes(b"PK")
    job = JarJob(site.golangsdk())
    job.create(JAR)
    assert job.plan(JAR) == {}
    spec = {"cpu": 1.0, "memory": "4G"}
    wanted: dict[str, Any] = {
        "checkpoint_enabled": False,
        "checkpoint_interval": 30,
        "checkpoint_mode": 1,
        "manager_cu_num": 1,
        "parallel_num": 1,
        "tm_cu_num": 1,
        "resume_max_num": -1,
        "resource_config_version": "v1",
    }
    assert {name: job.state[name] for name in wanted} == wanted
    resources = job.state["resource_config"]
    assert (resources["jobmanager_resource_spec"], resources["taskmanager_resource_spec"]) == (spec, spec)
    imported = JarJob(site.golangsdk(), id=job.id)
    imported.read()
    assert imported.state == job.state


def test_cus_alone_are_enough(site: Stage) -> None:
    """As clients send it that leave out what is 0."""
    made = site.golangsdk().create_jar_job(name="x", cu_number=2)
    shown = site.golangsdk().show(made["job"]["job_id"])
    assert shown["job_detail"]["job_config"]["manager_cu_number"] == 1


BIG = {
    **JAR,
    "description": "d",
    "queue_name": "c0",
    "obs_bucket": "bucket",
    "log_enabled": True,
    "feature": "basic",
    "flink_version": "1.15",
    "cu_num": 6,
    "manager_cu_num": 2,
    "parallel_num": 2,
    "tm_cu_num": 2,
    "tm_slot_num": 1,
    "smn_topic": "t",
    "restart_when_exception": True,
    "resume_checkpoint": True,
    "resume_max_num": 2,
    "checkpoint_path": "bucket/",
    "runtime_config": {"pipeline.max-parallelism": "10"},
    "tags": {"foo": "bar"},
}
SECOND_FORM = {
    **JAR,
    "checkpoint_enabled": True,
    "checkpoint_mode": 2,
    "checkpoint_interval": 60,
    "resource_config_version": "v2",
    "resource_config": {
        "max_slot": 4,
        "parallel_number": 3,
        "jobmanager_resource_spec": {"cpu": 1.0, "memory": "8G"},
        "taskmanager_resource_spec": {"cpu": 2.0, "memory": "6G"},
    },
}


@pytest.mark.parametrize(
    ("config", "change"),
    [
        (JAR, {"parallel_num": 2}),
        (JAR, {"entrypoint_args": "--a b"}),
        (
            BIG,
            {"description": "e", "runtime_config": {"pipeline.max-parallelism": "5"}, "tags": {"owner": "terraform"}},
        ),
        (SECOND_FORM, {"checkpoint_interval": 30}),
        (SECOND_FORM, {"resource_config": {**SECOND_FORM["resource_config"], "max_slot": 3, "parallel_number": 2}}),  # type: ignore[dict-item]
    ],
    ids=["default", "arguments", "all", "second form", "its resources"],
)
def test_a_jar_job_is_updated_and_the_plan_is_empty(
    site: Stage, config: dict[str, Any], change: dict[str, Any]
) -> None:
    (site.bucket / "app.jar").write_bytes(b"PK")
    job = JarJob(site.golangsdk())
    job.create(config)
    assert job.plan(config) == {}
    changed = {**config, **change}
    job.update(changed)
    assert job.plan(changed) == {}
    assert job.state["status"] == "job_running"
    if config.get("resume_checkpoint"):
        assert site.flink(job.id).restored, "it was stopped with a savepoint"
    job.delete()
    assert job.read() is False


def test_a_failed_jar_job_is_repaired_with_and_without_the_setting(site: Stage) -> None:
    """The provider goes on when the stop of a Jar job is refused."""
    (site.bucket / "app.jar").write_bytes(b"PK")
    job = JarJob(site.golangsdk())
    job.create(JAR)
    site.end(job.id, "fail")
    changed = {**JAR, "entrypoint_args": "--repaired"}
    job.update(changed)
    assert (job.plan(changed), job.state["status"]) == ({}, "job_running")


def test_a_job_that_cannot_be_started_is_tainted_with_the_reason(site: Stage) -> None:
    with pytest.raises(Unexpected, match=r"DLI\.13013"):
        JarJob(site.golangsdk()).create({"name": "x", "cu_num": 2})
    with pytest.raises(Unexpected, match=r"DLI\.11021"):
        JarJob(site.golangsdk()).create({**JAR, "entrypoint": "obs://bucket/none.jar"})


# --- packages, queues, lists -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["", "libs"])
def test_a_package_comes_changes_hands_and_goes(site: Stage, group: str) -> None:
    (site.bucket / "app one.jar").write_bytes(b"PK")
    config = {"type": "jar", "object_path": "obs://bucket/app one.jar", "tags": {"team": "x"}}
    config |= {"group_name": group} if group else {}
    package = Package(site.golangsdk())
    package.create(config)
    assert package.id == ("libs#app one.jar" if group else "app one.jar")
    assert (package.state["owner"], package.state["tags"]) == ("ann", {"team": "x"})
    package.update({**config, "tags": {"team": "y", "env": "prod"}})
    assert (package.state["owner"], package.state["tags"]) == ("ann", {"team": "y", "env": "prod"})
    package.update({**config, "owner": "bob", "tags": {}})
    assert (package.state["owner"], package.state["tags"]) == ("bob", {})
    package.delete()
    assert package.read() is False


@pytest.mark.parametrize("kind", ["jars", "pyfiles", "files"])
def test_older_versions_name_files_by_their_kind(site: Stage, kind: str) -> None:
    (site.bucket / "a.jar").write_bytes(b"PK")
    client = site.golangsdk()
    made = client.upload(f"/{kind}", paths=["obs://bucket/a.jar"])
    assert (made["resource_names"], made["resources"], made["group_name"]) == (["a.jar"], ["a.jar"], "")


def test_the_data_source_finds_every_queue_page_by_page(site: Stage) -> None:
    client, names = site.golangsdk(), ["c0", "c1", "c2"]
    for size in (1, 2, 3, 100):
        found = provider.queues(client, size)
        assert [each["queue_name"] for each in found] == names, size
    assert {each["queue_type"] for each in found} == {"general"}
    assert len({each["resource_id"] for each in found}) == 3
    for query, many in (("queue_type=sql", 0), ("queue_type=all&with-priv=true", 3), ("tags=a%3Db", 0)):
        assert len(client.queues(f"?{query}")["queues"]) == many
    shown = client.queue("c2")
    assert (shown["queueName"], shown["queueType"]) == ("c2", "general")
    for query in ("page-size=0", f"page-size={2**63}", "current-page=x", "queue_type=other"):
        with pytest.raises(Unexpected, match=r"DLI\.0001"):
            client.queues(f"?{query}")
    with pytest.raises(Unexpected, match="404"):
        client.queue("none")


def test_the_data_source_of_jobs_reads_every_page(site: Stage) -> None:
    job = SqlJob(site.golangsdk())
    job.create(FULL)
    found = job.client.list("?&show_detail=true&limit=100&offset=0")
    [listed] = found["job_list"]["jobs"]
    assert (listed["job_id"], listed["username"], listed["sql_body"]) == (job.id, "ann", SQL["sql"])
    assert (job.client.list("?show_detail=true&offset=100"))["job_list"]["jobs"] == []


def test_a_wrong_plan_is_noticed(site: Stage) -> None:
    """The comparison itself: an attribute that reads back otherwise is a difference."""
    job = SqlJob(site.golangsdk())
    job.create(SQL)
    assert job.plan({**SQL, "idle_state_retention": 3600}) == {"idle_state_retention": (1, 3600)}
    assert set(job.plan({**SQL, "tags": {"a": "b"}, "description": "d"})) == {"tags", "description"}
    with pytest.raises(Failed, match="unexpected state"):
        job._wait("stopped", set(), {"job_init"})
