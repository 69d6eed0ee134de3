"""Every operation of the vendor's SDK: those for Flink jobs by both of its clients, signed, and the rest refused.

What must run on real Flink is in `tests/acceptance`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest
from huaweicloudsdkdli.v1 import DliAsyncClient, Tag
from tests.support.flink import jar_job
from tests.support.people.sdk import KINDS, Sdk, code_of, operations
from tests.support.services.site import GRAPH, SQL, Site, site

TAGS: Final = {"resource_type": "dli_flink_job"}
# What is not about Flink jobs, by the beginnings of its paths.
OUTSIDE: Final[Mapping[str, str]] = {
    "/v1.0/{project_id}/jobs": "SQL jobs of DLI's own engine",
    "/v1/{project_id}/jobs": "SQL jobs",
    "/v1.0/{project_id}/sqls": "templates of SQL jobs",
    "/v1/{project_id}/sql-defend": "rules for SQL jobs",
    "/v2.0/{project_id}/batches": "Spark jobs",
    "/v3/{project_id}/templates": "templates of Spark jobs",
    "/v1.0/{project_id}/databases": "databases and tables of DLI's own engine",
    "/v3/{project_id}/catalogs": "catalogs of them",
    "/v1.0/{project_id}/authorization": "rights to them",
    "/v1.0/{project_id}/user-authorization": "rights to them",
    "/v1.0/{project_id}/queues": "queues are registered clusters, which are looked at alone",
    "/v1/{project_id}/queues": "queues",
    "/v3/{project_id}/queues": "queues",
    "/v3/{project_id}/elastic-resource-pools": "machines that queues are made of",
    "/v3/{project_id}/orders": "buying them",
    "/v3/{project_id}/quotas": "how many of them",
    "/v2.0/{project_id}/datasource": "networks between DLI and data sources",
    "/v3/{project_id}/datasource": "networks and passwords of data sources",
    "/v2/{project_id}/agency": "rights of DLI in other services of the cloud",
    "/v3/{project_id}/{resource_type}/tags": "tags of everything; those of a job are there, and lists of jobs by tags",
    "/v3/{project_id}/{resource_type}/resource-instances": "everything by its tags; jobs are listed by theirs",
}


@dataclass(frozen=True)
class At:
    """A client of one kind, and what it calls."""

    site: Site
    sdk: Sdk


OPERATIONS: Final[dict[str, Callable[[At], None]]] = {}


def operation(calls: Callable[[At], None]) -> Callable[[At], None]:
    """One that calls the operation that it is called like."""
    OPERATIONS[calls.__name__] = calls
    return calls


# --- jobs -----------------------------------------------------------------------------------------------------------


@operation
def batch_stop_flink_jobs(at: At) -> None:
    saved, plain = at.site.running(), at.site.running()
    for job, savepoint in ((saved, True), (plain, None)):
        [answer] = at.sdk("batch_stop_flink_jobs", job_ids=[job], trigger_savepoint=savepoint).body
        assert (answer.is_success, bool(answer.message)) == ("true", True)
    assert at.site.until(saved, "job_cancel_success").has_savepoint is True
    assert at.site.until(plain, "job_cancel_success").has_savepoint is False


@operation
def batch_run_flink_jobs(at: At) -> None:
    first, second = at.site.draft(), at.site.draft()
    answers = at.sdk("batch_run_flink_jobs", job_ids=[first, second]).body
    assert [answer.is_success for answer in answers] == ["true", "true"]
    assert at.site.until(first, "job_running").start_time
    at.site.until(second, "job_running")
    stopped = at.site.stopped()
    [answer] = at.sdk("batch_run_flink_jobs", job_ids=[stopped], resume_savepoint=True).body
    assert answer.is_success == "true"
    detail = at.site.until(stopped, "job_running")
    assert at.site.fleet.flink_job(stopped).restored == detail.savepoint_path, "it began where it was stopped"


@operation
def batch_delete_flink_jobs(at: At) -> None:
    jobs = [at.site.draft(), at.site.running()]
    answers = at.sdk("batch_delete_flink_jobs", job_ids=jobs).body
    assert [answer.is_success for answer in answers] == ["true", "true"]
    for job in jobs:
        assert code_of(at.sdk, "show_flink_job", job_id=job) == (400, "DLI.16001")


@operation
def delete_flink_job(at: At) -> None:
    job = at.site.running()
    answer = at.sdk("delete_flink_job", job_id=job)
    assert (answer.is_success, bool(answer.message)) == ("true", True)
    assert code_of(at.sdk, "show_flink_job", job_id=job) == (400, "DLI.16001")


@operation
def list_flink_jobs(at: At) -> None:
    word = at.site.name("listed")
    first, second = (at.site.draft(name=f"{word}-{n}", tags=[Tag("n", str(n))]) for n in range(2))
    common = {"name": word, "status": "job_init", "job_type": "flink_opensource_sql_job", "user_name": "owner"}

    def listed(**more: Any) -> list[int]:
        found = at.sdk("list_flink_jobs", **common, **more)
        assert found.is_success == "true"
        return [job.job_id for job in found.job_list.jobs]

    assert listed() == [second, first], "the newest first"
    assert listed(order="asc", limit=1, offset=1) == [second]
    assert listed(tags="n=0") == [first]
    assert listed(queue_name="c0") == listed(root_job_id=first) == []
    [job] = at.sdk("list_flink_jobs", **common, tags="n=1", show_detail=True).job_list.jobs
    assert (job.sql_body, job.job_config.parallel_number, job.project_id) == (SQL, 1, "proj0123")


@operation
def show_flink_job(at: At) -> None:
    shown = at.sdk("show_flink_job", job_id=at.site.draft(desc="描述", checkpoint_mode=2))
    detail = shown.job_detail
    assert (shown.is_success, detail.status, detail.desc, detail.start_time) == ("true", "job_init", "描述", None)
    assert (detail.job_config.checkpoint_mode, detail.user_name) == ("at_least_once", "owner")


@operation
def show_flink_job_execution_graph(at: At) -> None:
    job = at.site.running()
    shown = at.sdk("show_flink_job_execution_graph", job_id=job)
    graph = shown.execute_graph
    assert (shown.is_success, graph.state, graph.end_time) == ("true", "RUNNING", -1)
    assert graph.jid == at.site.fleet.flink_job(job).jid


@operation
def create_flink_sql_job(at: At) -> None:
    made = at.sdk("create_flink_sql_job", name=at.site.name("作业"), sql_body="SELECT '中文'", desc="über")
    assert (made.is_success, made.job.status_name, made.job.status_desc) == ("true", "job_init", "")
    assert at.sdk("show_flink_job", job_id=made.job.job_id).job_detail.sql_body == "SELECT '中文'"


@operation
def update_flink_sql_job(at: At) -> None:
    job = at.site.draft()
    changed = at.sdk("update_flink_sql_job", job_id=job, desc="new", parallel_number=2, operator_config="")
    detail = at.sdk("show_flink_job", job_id=job).job_detail
    assert (changed.is_success, changed.job.update_time) == ("true", detail.update_time)
    assert (detail.desc, detail.job_config.parallel_number, detail.sql_body) == ("new", 2, SQL)


@operation
def create_flink_jar_job(at: At) -> None:
    jar = at.site.put("apps/counter.jar", jar_job.STUB)
    name = at.site.name("jar")
    made = at.sdk(
        "create_flink_jar_job", name=name, entrypoint=jar, main_class=jar_job.MAIN, entrypoint_args="run /out"
    )
    assert (made.is_success, made.job.status_name) == ("true", "job_init")
    at.sdk("batch_run_flink_jobs", job_ids=[made.job.job_id])
    detail = at.site.until(made.job.job_id, "job_running")
    assert (detail.job_type, detail.main_class, detail.job_config.entrypoint) == ("flink_jar_job", jar_job.MAIN, jar)


@operation
def update_flink_jar_job(at: At) -> None:
    job = at.sdk("create_flink_jar_job", name=at.site.name("jar")).job.job_id
    changed = at.sdk("update_flink_jar_job", job_id=job, entrypoint_args="run /elsewhere")
    detail = at.sdk("show_flink_job", job_id=job).job_detail
    assert (changed.is_success, changed.job.update_time) == ("true", detail.update_time)
    assert detail.entrypoint_args == "run /elsewhere"


@operation
def create_flink_sql_job_graph(at: At) -> None:
    drawn = at.sdk("create_flink_sql_job_graph", job_id=str(at.site.draft()), sql_body=SQL, graph_type="job_graph")
    assert (drawn.is_success, drawn.error_code, json.loads(drawn.stream_graph)) == (True, "", json.loads(GRAPH))


@operation
def show_flink_metric(at: At) -> None:
    job = at.site.running(records=700, rate=12.5)
    shown = at.sdk("show_flink_metric", job_ids=[job])
    [one] = shown.metrics.jobs
    assert (shown.is_success, one.job_id, one.metrics.total_read_rate) == (True, job, 12.5)
    assert [source.records for source in one.metrics.sources] == [700]


# --- savepoints, and jobs as files ----------------------------------------------------------------------------------


@operation
def execute_flink_job_savepoint(at: At) -> None:
    job = at.site.running()
    taken = at.sdk("execute_flink_job_savepoint", job_id=str(job), action="TRIGGER", savepoint_path="bucket/nightly/")
    assert (taken.is_success, bool(taken.message)) == ("true", True)
    assert "/bucket/nightly/" in at.site.until(job, "job_running").savepoint_path
    assert at.sdk("show_flink_job_execution_graph", job_id=job).execute_graph.state == "RUNNING", "it has run on"


@operation
def import_flink_job_savepoint(at: At) -> None:
    path = at.site.until(at.site.stopped(), "job_cancel_success").savepoint_path
    job = at.site.draft()
    brought = at.sdk("import_flink_job_savepoint", job_id=job, savepoint_path=path)
    assert (brought.is_success, bool(brought.message)) == ("true", True)
    assert at.sdk("show_flink_job", job_id=job).job_detail.savepoint_path == path


@operation
def export_flink_jobs(at: At) -> None:
    job = at.site.draft()
    written = at.sdk("export_flink_jobs", obs_dir="bucket/some", is_selected=True, job_selected=[job])
    [file] = written.zip_file
    assert (written.is_success, (at.site.data / "storage" / file).is_file()) == ("true", True)
    mine = at.site.sdk(at.site.user("owner", project="mine"), type(at.sdk.client), project="mine")
    mine("create_flink_sql_job", name=at.site.name())
    assert len(mine("export_flink_jobs", obs_dir="bucket/all", is_selected=False).zip_file) == 1


@operation
def import_flink_jobs(at: At) -> None:
    name = at.site.name("moved")
    job = at.site.draft(name=name, desc="as it was")
    [file] = at.sdk("export_flink_jobs", obs_dir="bucket/x", is_selected=True, job_selected=[job]).zip_file
    at.sdk("update_flink_sql_job", job_id=job, desc="changed")
    for cover, new, desc in ((None, -1, "changed"), (True, job, "as it was")):
        answer = at.sdk("import_flink_jobs", zip_file=file, is_cover=cover)
        [moved] = answer.job_mapping
        assert (answer.is_success, moved.old_job_id, moved.new_job_id) == ("true", job, new)
        assert moved.remark
        assert at.sdk("show_flink_job", job_id=job).job_detail.desc == desc


# --- templates, tags and buckets ------------------------------------------------------------------------------------


@operation
def create_flink_sql_job_template(at: At) -> None:
    name = at.site.name("模板")
    made = at.sdk("create_flink_sql_job_template", name=name, desc="d", sql_body=SQL, tags=[Tag("k", "v")])
    assert (made.is_success, made.template.name, made.template.desc) == (True, name, "d")
    job = at.sdk("create_flink_sql_job", name=at.site.name(), template_id=made.template.template_id).job.job_id
    assert at.sdk("show_flink_job", job_id=job).job_detail.sql_body == SQL


def template(at: At, word: str = "template") -> tuple[str, int]:
    name = at.site.name(word)
    return name, at.sdk("create_flink_sql_job_template", name=name).template.template_id


@operation
def list_flink_sql_job_templates(at: At) -> None:
    name, number = template(at)
    found = at.sdk("list_flink_sql_job_templates", name=name, limit=1, offset=0, order="asc")
    assert (found.is_success, found.template_list.total_count) == (True, 1)
    assert [each.template_id for each in found.template_list.templates] == [number]


@operation
def update_flink_sql_job_template(at: At) -> None:
    name, number = template(at)
    assert at.sdk("update_flink_sql_job_template", template_id=number, desc="new").is_success is True
    [found] = at.sdk("list_flink_sql_job_templates", name=name).template_list.templates
    assert (found.name, found.desc) == (name, "new")


@operation
def delete_flink_sql_job_template(at: At) -> None:
    name, number = template(at)
    gone = at.sdk("delete_flink_sql_job_template", template_id=number)
    assert (gone.is_success, gone.template.template_id) == (True, number)
    assert at.sdk("list_flink_sql_job_templates", name=name).template_list.total_count == 0


# --- variables ------------------------------------------------------------------------------------------------------


def variable(at: At, **fields: Any) -> str:
    name = at.site.name("variable").replace("-", "_")
    made = at.sdk("create_global_variable", var_name=name, var_value="订单", **fields)
    assert (made.is_success, bool(made.message)) == (True, True)
    return name


def the_variable(at: At, name: str) -> Any:
    found = at.sdk("list_global_variables", limit=100, offset=0)
    assert (found.is_success, found.count) == (True, len(found.global_vars))
    return next((each for each in found.global_vars if each.var_name == name), None)


@operation
def create_global_variable(at: At) -> None:
    assert the_variable(at, variable(at, is_sensitive=True)).is_sensitive is True


@operation
def list_global_variables(at: At) -> None:
    found = the_variable(at, variable(at))
    assert (found.var_value, found.is_sensitive, found.user_name) == ("订单", False, found.user_id)


@operation
def update_global_variable(at: At) -> None:
    name = variable(at)
    assert at.sdk("update_global_variable", var_name=name, var_value="new").is_success is True
    assert the_variable(at, name).var_value == "new"


@operation
def delete_global_variable(at: At) -> None:
    name = variable(at)
    assert at.sdk("delete_global_variable", var_name=name).is_success is True
    assert the_variable(at, name) is None


def tags(at: At, job: int) -> dict[str, str]:
    shown = at.sdk("show_resource_tags", **TAGS, resource_id=str(job))
    assert shown.count == len(shown.tags)
    return {tag.key: tag.value for tag in shown.tags}


@operation
def show_resource_tags(at: At) -> None:
    assert tags(at, at.site.draft()) == {}
    assert tags(at, at.site.draft(tags=[Tag("环境", "生产"), Tag("a", "b")])) == {"环境": "生产", "a": "b"}


@operation
def batch_create_resource_tags(at: At) -> None:
    job = at.site.draft(tags=[Tag("a", "old")])
    at.sdk("batch_create_resource_tags", **TAGS, resource_id=str(job), tags=[Tag("a", "new"), Tag("b", "")])
    assert tags(at, job) == {"a": "new", "b": ""}


@operation
def batch_delete_resource_tags(at: At) -> None:
    job = at.site.draft(tags=[Tag("a", "1"), Tag("b", "2")])
    at.sdk("batch_delete_resource_tags", **TAGS, resource_id=str(job), tags=[Tag("a", "1")])
    assert tags(at, job) == {"b": "2"}


@operation
def list_queues(at: At) -> None:
    found = at.sdk("list_queues", queue_type="all", with_priv=True, with_charge_info=False)
    assert found.is_success is True
    assert {queue.queue_type for queue in found.queues} == {"general"}
    assert at.sdk("list_queues", queue_type="sql").queues == []
    at.sdk("show_queue", queue_name=found.queues[0].queue_name)


@operation
def show_queue(at: At) -> None:
    for queue in at.sdk("list_queues").queues:
        shown = at.sdk("show_queue", queue_name=queue.queue_name)
        assert (shown.is_success, shown.queue_name, shown.queue_id) == (True, queue.queue_name, queue.queue_id)
    assert code_of(at.sdk, "show_queue", queue_name="none") == (404, "DLI.0023")


@operation
def register_bucket(at: At) -> None:
    for _ in range(2):
        assert at.sdk("register_bucket", obs_buckets=["bucket"]).is_success is True, "also the second time"


# --- resources ------------------------------------------------------------------------------------------------------


@operation
def upload_job_resources(at: At) -> None:
    name = f"{at.site.name()}.py"
    stored = at.sdk("upload_job_resources", paths=[at.site.put(f"bucket/{name}")], kind="pyFile")
    assert (stored.status, stored.details[0].resource_name, stored.is_async) == ("READY", name, False)


def in_a_group(at: At, call: str, ending: str) -> None:
    group = at.site.name("group")
    stored = at.sdk(call, paths=[at.site.put(f"bucket/x{ending}")], group=group)
    assert (stored.group_name, stored.status, stored.resources) == (group, "READY", [f"x{ending}"])


@operation
def upload_jar_job_resources(at: At) -> None:
    in_a_group(at, "upload_jar_job_resources", ".jar")


@operation
def upload_python_file_job_resources(at: At) -> None:
    in_a_group(at, "upload_python_file_job_resources", ".py")


@operation
def upload_file_job_resources(at: At) -> None:
    in_a_group(at, "upload_file_job_resources", ".csv")


def resource(at: At) -> str:
    name = f"{at.site.name()}.csv"
    at.sdk("upload_job_resources", paths=[at.site.put(f"bucket/{name}")], kind="file")
    return name


@operation
def list_job_resources(at: At) -> None:
    name = resource(at)
    assert name in [each.resource_name for each in at.sdk("list_job_resources", kind="file").resources]
    assert name not in [each.resource_name for each in at.sdk("list_job_resources", kind="jar").resources]


@operation
def show_job_resource(at: At) -> None:
    name = resource(at)
    shown = at.sdk("show_job_resource", resource_name=name)
    assert (shown.resource_name, shown.resource_type, shown.owner) == (name, "file", "owner")


@operation
def update_job_resource_owner(at: At) -> None:
    name = resource(at)
    assert at.sdk("update_job_resource_owner", new_owner="anna_b", resource_name=name).is_success is True
    assert at.sdk("show_job_resource", resource_name=name).owner == "anna_b"


@operation
def delete_job_resource(at: At) -> None:
    name = resource(at)
    assert at.sdk("delete_job_resource", resource_name=name).status_code == 200
    assert code_of(at.sdk, "show_job_resource", resource_name=name) == (404, "DLI.0023")


# --- edge nodes -----------------------------------------------------------------------------------------------------


def refused_as_not_supported(at: At, call: str) -> None:
    assert code_of(at.sdk, call, body={"node_id": "n"}) == (400, "DLI.0007")


@operation
def create_ief_message_channel(at: At) -> None:
    refused_as_not_supported(at, "create_ief_message_channel")


@operation
def create_ief_system_events(at: At) -> None:
    refused_as_not_supported(at, "create_ief_system_events")


@operation
def run_ief_job_action_call_back(at: At) -> None:
    refused_as_not_supported(at, "run_ief_job_action_call_back")


@operation
def update_flink_job_status_report(at: At) -> None:
    refused_as_not_supported(at, "update_flink_job_status_report")


# --- all of them ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("data")) as made:
        yield made


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_operation_is_answered_as_the_sdk_reads_it(here: Site, kind: Any, subtests: pytest.Subtests) -> None:
    for name, calls in OPERATIONS.items():
        with subtests.test(name):
            sdk = here.sdk(kind=kind)
            calls(At(here, sdk))
            assert name in sdk.called


def test_no_operation_of_the_sdk_is_left_out() -> None:
    found = operations()
    looks = {"list_queues", "show_queue"}  # under the path of what changes queues
    beyond = {name for name, (_, path) in found.items() if path.startswith(tuple(OUTSIDE))} - looks
    assert set(OPERATIONS) | beyond == set(found), "each is called above, or is outside with a reason"
    assert not set(OPERATIONS) & beyond
    for start in OUTSIDE:
        assert any(path.startswith(start) for _, path in found.values()), f"nothing begins with {start}"
    named = {name.removesuffix("_async_invoker") for name in dir(DliAsyncClient) if name.endswith("_async_invoker")}
    assert named == set(found), "and both clients have the same"
    flink = {name for name, (_, path) in found.items() if "/streaming/" in path or "flink" in name}
    assert flink <= set(OPERATIONS)


def test_what_is_outside_is_answered_as_an_unknown_path(here: Site, subtests: pytest.Subtests) -> None:
    sdk = here.sdk()
    for name in sorted(set(operations()) - set(OPERATIONS)):
        with subtests.test(name):
            assert code_of(sdk, name) == (404, "APIGW.0101")
