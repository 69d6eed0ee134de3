"""Every error code of DLI's API, provoked through the vendor's SDK and read there, in both languages."""

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from tests.integration.test_sdk_batches import REFUSED
from tests.support.people import users
from tests.support.people.sdk import Sdk, refusal
from tests.support.people.wording import WAYS, check_words
from tests.support.services.site import NO_ID, OTHER, SQL, Site, site

from sluiceway.api.dli.jobs import savepoint_routes as savepoints
from sluiceway.api.dli.jobs.verdicts import UNREGISTERED
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_texts import TABLE
from sluiceway.api.errors.language import Language, Text
from sluiceway.control.queries import Queries

ROOT: Final = Path(__file__).parents[2]

# What cannot be provoked through the SDK, why, and where it is tested instead.
BESIDE: Final = {
    Code.NO_APIG_SINKS: (
        "the SDK has no call for it",
        "tests/integration/test_edge.py::test_no_job_has_sinks_of_api_gateway",
    ),
}

Call = Callable[[Site, Sdk], Any]


@dataclass(frozen=True)
class Case:
    """A call that is refused with a code, and with its words unless it has others there."""

    code: Code
    operation: str
    call: Call
    words: Text | None = None
    foreign: bool = False  # what is wrong in detail is told in English


# --- by what is sent ------------------------------------------------------------------------------------------------

NAME = {"name": "x"}
JOB = {"name": "x", "sql_body": SQL}
SENT: Final[tuple[tuple[Code, str, Mapping[str, Any]], ...]] = (
    (Code.UNKNOWN_PATH, "list_databases", {}),
    (Code.TOO_LARGE, "create_flink_sql_job", {"name": "x", "sql_body": "x" * (13 << 20)}),
    (Code.BAD_PARAMETER, "batch_stop_flink_jobs", {}),
    (Code.BAD_PARAMETER, "batch_stop_flink_jobs", {"body": {}}),
    (Code.BAD_PARAMETER, "batch_stop_flink_jobs", {"body": [1]}),
    (Code.BAD_PARAMETER, "batch_stop_flink_jobs", {"job_ids": []}),
    (Code.BAD_PARAMETER, "batch_stop_flink_jobs", {"job_ids": ["x"]}),
    (Code.BAD_PARAMETER, "batch_stop_flink_jobs", {"job_ids": [2**63]}),
    (Code.BAD_PARAMETER, "batch_stop_flink_jobs", {"job_ids": [1], "trigger_savepoint": "yes"}),
    (Code.BAD_PARAMETER, "create_flink_sql_job", {}),
    (Code.BAD_PARAMETER, "create_flink_sql_job", {"body": {"desc": "no name"}}),
    (Code.BAD_PARAMETER, "create_flink_sql_job", {**JOB, "tm_cus": 0}),
    (Code.BAD_PARAMETER, "create_flink_sql_job", {**JOB, "job_type": "flink_jar_job"}),
    (Code.BAD_PARAMETER, "create_flink_sql_job", {**JOB, "run_mode": "elsewhere"}),
    (Code.BAD_PARAMETER, "create_flink_sql_job", {**JOB, "resume_max_num": 0}),
    (Code.BAD_PARAMETER, "create_flink_sql_job", {**JOB, "runtime_config": "[1]"}),
    (Code.BAD_PARAMETER, "create_flink_sql_job", {**JOB, "resource_config": {"max_slot": 1}}),
    (Code.BAD_PARAMETER, "create_flink_sql_job", {**JOB, "tags": [{"key": "a=b"}]}),
    (Code.BAD_PARAMETER, "create_flink_sql_job", {**JOB, "queue_name": "q" * 129}),
    (Code.BAD_PARAMETER, "create_flink_jar_job", {"name": "x", "entrypoint": " .jar\0"}),
    (Code.BAD_PARAMETER, "list_flink_jobs", {"status": "no"}),
    (Code.BAD_PARAMETER, "list_flink_jobs", {"limit": -1}),
    (Code.BAD_PARAMETER, "list_flink_jobs", {"tags": "x"}),
    (Code.BAD_PARAMETER, "create_flink_sql_job_template", {"name": "a\nb"}),
    (Code.BAD_PARAMETER, "list_job_resources", {"kind": "no"}),
    (Code.BAD_PARAMETER, "upload_job_resources", {"paths": ["obs://bucket/x.csv"], "kind": "jar"}),
    (Code.BAD_PARAMETER, "upload_job_resources", {"paths": ["obs://UPPER/x.jar"], "kind": "jar"}),
    (Code.BAD_PARAMETER, "upload_jar_job_resources", {"paths": ["obs://bucket/x.jar"], "group": "a b"}),
    (Code.NO_OBJECT, "upload_job_resources", {"paths": ["obs://bucket/none.jar"], "kind": "jar"}),
    (Code.NO_OBJECT, "delete_global_variable", {"var_name": "none"}),
    (Code.BAD_PARAMETER, "create_global_variable", {"var_name": "_", "var_value": "x"}),
    (Code.NOT_SUPPORTED, "create_ief_message_channel", {"node_id": "n"}),
    (Code.NOT_SUPPORTED, "create_flink_sql_job", {**JOB, "job_type": "flink_sql_edge_job"}),
    (Code.NOT_SUPPORTED, "create_flink_sql_job", {**JOB, "run_mode": "edge_node"}),
    (Code.NOT_SUPPORTED, "create_flink_jar_job", {"name": "x", "feature": "custom", "image": "o/n:t"}),
    (Code.TOO_MANY, "batch_stop_flink_jobs", {"job_ids": list(range(1, 100_002))}),
    (Code.TOO_MANY, "show_flink_metric", {"job_ids": list(range(1, 102))}),
    (Code.NOT_FOUND, "show_job_resource", {"resource_name": "none.jar"}),
    (Code.NOT_FOUND, "delete_job_resource", {"resource_name": "none.jar", "group": "g"}),
    (Code.NOT_FOUND, "update_job_resource_owner", {"new_owner": "anna_b", "group_name": "none"}),
    (Code.NOT_JSON, "create_flink_sql_job", {"name": "\ud800"}),  # half of a character, which the SDK sends
    (Code.SQL_TOO_LONG, "create_flink_sql_job", {"name": "x", "sql_body": "x" * (1024 * 1024 + 1)}),
    (Code.NAME_TOO_LONG, "create_flink_sql_job", {"name": "n" * 58}),
    (Code.NAME_TOO_LONG, "create_flink_jar_job", {"name": "名" * 20}),
    (Code.NAME_EMPTY, "create_flink_sql_job", {"name": ""}),
    (Code.BAD_CHECKPOINT_INTERVAL, "create_flink_sql_job", {**JOB, "checkpoint_interval": 86_401}),
    (Code.BAD_CHECKPOINT_INTERVAL, "create_flink_jar_job", {"name": "x", "checkpoint_interval": 3601}),
    (Code.BAD_CHECKPOINT_MODE, "create_flink_sql_job", {**JOB, "checkpoint_mode": 3}),
    (Code.BAD_BUCKET, "create_flink_sql_job", {**JOB, "obs_bucket": "UPPER"}),
    (Code.BAD_BUCKET, "register_bucket", {"obs_buckets": ["jobs"]}),
    (Code.BAD_PARALLELISM, "create_flink_sql_job", {**JOB, "parallel_number": 2001, "cu_number": 400}),
    (Code.DESC_TOO_LONG, "create_flink_sql_job", {**JOB, "desc": "d" * 2049}),
    (Code.BAD_NAME, "create_flink_sql_job", {"name": "a b"}),
    (Code.NOT_A_JAR, "create_flink_jar_job", {"name": "x", "entrypoint": "obs://bucket/x.zip"}),
    (Code.CLASS_TOO_LONG, "create_flink_jar_job", {"name": "x", "main_class": "c" * 513}),
    (Code.ARGS_TOO_LONG, "create_flink_jar_job", {"name": "x", "entrypoint_args": "a" * 1025}),
    (Code.CLASS_SPACES, "create_flink_jar_job", {"name": "x", "main_class": "a b"}),
    (Code.NO_SUCH_JAR, "create_flink_jar_job", {"name": "x", "entrypoint": "obs://bucket/none.jar"}),
    (Code.TOO_PARALLEL, "create_flink_sql_job", {**JOB, "parallel_number": 5}),
    (
        Code.TYPE_AND_MODE,
        "create_flink_sql_job",
        {**JOB, "job_type": "flink_opensource_sql_job", "run_mode": "shared_cluster"},
    ),
    (Code.NO_CU_LEFT, "create_flink_sql_job", {**JOB, "cu_number": 2, "manager_cu_number": 2}),
    (Code.BOTH_CU, "create_flink_jar_job", {"name": "x", "manager_cu_number": 1}),
    (Code.BAD_CU, "create_flink_sql_job", {**JOB, "cu_number": 401}),
    (Code.BAD_MANAGER_CU, "create_flink_sql_job", {**JOB, "cu_number": 9, "manager_cu_number": 5}),
    (Code.BAD_RETENTION, "create_flink_sql_job", {**JOB, "idle_state_retention": -1}),
    (Code.BAD_DIRTY_DATA, "create_flink_sql_job", {**JOB, "dirty_data_strategy": "3"}),
    (Code.BAD_ID, "show_flink_job", {"job_id": 0}),
    (Code.BAD_ID, "batch_run_flink_jobs", {"job_ids": [-1]}),
    (Code.BAD_ID, "update_flink_sql_job", {"job_id": "x", "desc": "d"}),
    (Code.UPDATE_UNKNOWN, "update_flink_sql_job", {"job_id": NO_ID, "desc": "d"}),
    (Code.UPDATE_UNKNOWN, "update_flink_jar_job", {"job_id": NO_ID, "desc": "d"}),
    (Code.NO_GRAPH, "show_flink_job_execution_graph", {"job_id": NO_ID}),
    (Code.STOP_UNKNOWN, "execute_flink_job_savepoint", {"job_id": NO_ID, "action": "TRIGGER"}),
    (Code.STOP_UNKNOWN, "import_flink_job_savepoint", {"job_id": NO_ID, "savepoint_path": "bucket/x"}),
    (Code.SHOW_UNKNOWN, "show_flink_job", {"job_id": NO_ID}),
    (Code.SHOW_UNKNOWN, "show_flink_metric", {"job_ids": [NO_ID]}),
    (Code.SHOW_UNKNOWN, "create_flink_sql_job_graph", {"job_id": NO_ID, "sql_body": SQL}),
    (Code.SHOW_UNKNOWN, "show_resource_tags", {"resource_type": "dli_flink_job", "resource_id": NO_ID}),
    (Code.SHOW_UNKNOWN, "export_flink_jobs", {"obs_dir": "bucket/x", "is_selected": True, "job_selected": [NO_ID]}),
    (Code.DELETE_UNKNOWN, "delete_flink_job", {"job_id": NO_ID}),
    (Code.NO_BUCKET, "register_bucket", {"obs_buckets": []}),
    (Code.TEMPLATE_NAME_EMPTY, "create_flink_sql_job_template", {"name": " "}),
    (Code.TEMPLATE_UNKNOWN, "delete_flink_sql_job_template", {"template_id": NO_ID}),
    (Code.TEMPLATE_UNKNOWN, "create_flink_sql_job", {"name": "x", "template_id": NO_ID}),
    (Code.TEMPLATE_DESC_TOO_LONG, "create_flink_sql_job_template", {"name": "x", "desc": "d" * 2049}),
    (Code.TEMPLATE_SQL_TOO_LONG, "create_flink_sql_job_template", {"name": "x", "sql_body": "x" * (1024 * 1024 + 1)}),
    (Code.TEMPLATE_TYPE, "create_flink_sql_job_template", {"name": "x", "job_type": "flink_jar_job"}),
    (Code.TEMPLATE_BAD_ID, "delete_flink_sql_job_template", {"template_id": "x"}),
    (Code.TEMPLATE_NAME_TOO_LONG, "create_flink_sql_job_template", {"name": "n" * 65}),
    (Code.UPDATE_TEMPLATE_UNKNOWN, "update_flink_sql_job_template", {"template_id": NO_ID, "desc": "d"}),
    (Code.BAD_TEMPLATE_PAGE, "list_flink_sql_job_templates", {"offset": -1}),
    (Code.QUEUE_UNKNOWN, "create_flink_sql_job", {**JOB, "queue_name": "none"}),
    (Code.BAD_OFFSET, "list_flink_jobs", {"offset": -1}),
    (Code.BAD_ROOT, "list_flink_jobs", {"root_job_id": 0}),
    (Code.BAD_EXPORT, "export_flink_jobs", {"obs_dir": "UPPER/x", "is_selected": False}),
    (Code.BAD_EXPORT, "export_flink_jobs", {"obs_dir": "bucket/../x", "is_selected": False}),
    (Code.BAD_IMPORT, "import_flink_jobs", {"zip_file": "bucket/none.zip"}),
)


def sending(operation: str, given: Mapping[str, Any]) -> Call:
    return lambda _, sdk: sdk(operation, **given)


CASES: Final = [Case(code, operation, sending(operation, given)) for code, operation, given in SENT]


# --- by how things are ----------------------------------------------------------------------------------------------


def case(code: Code, operation: str, words: Text | None = None, *, foreign: bool = False) -> Callable[[Call], Call]:
    """A call that needs something before it."""

    def add(call: Call) -> Call:
        CASES.append(Case(code, operation, call, words, foreign))
        return call

    return add


@case(Code.NOT_SIGNED_IN, "list_flink_jobs")
def _(at: Site, sdk: Sdk) -> Any:
    return at.like(sdk, {**at.owner, "secret": "wrong"})("list_flink_jobs")


@case(Code.FORBIDDEN, "batch_stop_flink_jobs")
def _(at: Site, sdk: Sdk) -> Any:
    return at.like(sdk, at.user("viewer"))("batch_stop_flink_jobs", job_ids=[at.running()])


@case(Code.FORBIDDEN, "list_flink_jobs")
def _(at: Site, sdk: Sdk) -> Any:
    return at.like(sdk, at.owner, project="another")("list_flink_jobs")


@case(Code.OTHER_PROJECT, "list_flink_jobs")
def _(at: Site, sdk: Sdk) -> Any:
    name = at.name("token")
    users.user(at.data, name, "viewer", "*")
    users.set_password(at.data, name, "correct horse")
    token = users.token(at.service.url, name, "correct horse")
    return at.like(sdk, at.owner, project="another", X_Auth_Token=token)("list_flink_jobs")


@case(Code.BAD_PROJECT, "list_flink_jobs")
def _(at: Site, sdk: Sdk) -> Any:
    return at.like(sdk, at.user("admin", project="*"), "a-b")("list_flink_jobs")


@case(Code.BAD_PROJECT, "list_flink_jobs")
def _(at: Site, sdk: Sdk) -> Any:
    return at.like(sdk, at.owner, None)("list_flink_jobs")  # as the SDK sends it without a project


@case(Code.SERVER_FAULT, "show_flink_job")
def _(at: Site, sdk: Sdk) -> Any:
    async def broken(*_: object) -> None:
        raise RuntimeError("the disk is gone")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Queries, "job", broken)
        return sdk("show_flink_job", job_id=1)


@case(Code.UNAVAILABLE, "create_flink_sql_job_graph", foreign=True)
def _(at: Site, sdk: Sdk) -> Any:
    job = at.draft()
    at.planner.down = True
    try:
        return sdk("create_flink_sql_job_graph", job_id=job, sql_body=SQL)
    finally:
        at.planner.down = False


@case(Code.SQL_SYNTAX, "create_flink_sql_job_graph", foreign=True)
def _(at: Site, sdk: Sdk) -> Any:
    return sdk("create_flink_sql_job_graph", job_id=at.draft(), sql_body="SELECT 'a")


@case(Code.SQL_SEMANTICS, "create_flink_sql_job_graph", foreign=True)
def _(at: Site, sdk: Sdk) -> Any:
    return sdk("create_flink_sql_job_graph", job_id=at.draft(), sql_body="SELECT 1")


@case(Code.NAME_EXISTS, "create_flink_sql_job")
def _(at: Site, sdk: Sdk) -> Any:
    name = at.name()
    at.draft(name=name)
    return sdk("create_flink_sql_job", name=name)


@case(Code.UPDATE_NAME_EXISTS, "update_flink_sql_job")
def _(at: Site, sdk: Sdk) -> Any:
    name = at.name()
    at.draft(name=name)
    return sdk("update_flink_sql_job", job_id=at.draft(), name=name)


@case(Code.QUEUE_UNKNOWN, "update_flink_sql_job")
def _(at: Site, sdk: Sdk) -> Any:
    return sdk("update_flink_sql_job", job_id=at.draft(), queue_name="none")


@case(Code.UPDATE_KIND, "update_flink_jar_job")
def _(at: Site, sdk: Sdk) -> Any:
    return sdk("update_flink_jar_job", job_id=at.draft(), desc="d")


@case(Code.UPDATE_RUNNING, "update_flink_sql_job")
def _(at: Site, sdk: Sdk) -> Any:
    return sdk("update_flink_sql_job", job_id=at.running(), sql_body=SQL)


@case(Code.UPDATE_STATE, "update_flink_sql_job")
def _(at: Site, sdk: Sdk) -> Any:
    return sdk("update_flink_sql_job", job_id=at.stopping(), desc="d")


@case(Code.NO_GRAPH, "show_flink_job_execution_graph")
def _(at: Site, sdk: Sdk) -> Any:
    return sdk("show_flink_job_execution_graph", job_id=at.draft())


@case(Code.STOP_STATE, "execute_flink_job_savepoint", savepoints.NOT_RUNNING)
def _(at: Site, sdk: Sdk) -> Any:
    return sdk("execute_flink_job_savepoint", job_id=at.draft(), action="TRIGGER")


@case(Code.STOP_STATE, "execute_flink_job_savepoint", UNREGISTERED)
def _(at: Site, sdk: Sdk) -> Any:
    return sdk("execute_flink_job_savepoint", job_id=at.running_nowhere(), action="TRIGGER")


@case(Code.BAD_PARAMETER, "execute_flink_job_savepoint")
def _(at: Site, sdk: Sdk) -> Any:
    return sdk("execute_flink_job_savepoint", job_id=at.running(), action="CANCEL")


@case(Code.BAD_PARAMETER, "execute_flink_job_savepoint")
def _(at: Site, sdk: Sdk) -> Any:
    return sdk("execute_flink_job_savepoint", job_id=at.running(), action="TRIGGER", savepoint_path="file:///etc")


@case(Code.BAD_PARAMETER, "import_flink_job_savepoint")
def _(at: Site, sdk: Sdk) -> Any:
    body = {"job_id": NO_ID, "savepoint_path": "bucket/x"}
    return sdk("import_flink_job_savepoint", job_id=at.draft(), body=body)


@case(Code.STOP_STATE, "import_flink_job_savepoint", savepoints.RUNNING)
def _(at: Site, sdk: Sdk) -> Any:
    return sdk("import_flink_job_savepoint", job_id=at.running(), savepoint_path="bucket/x")


@case(Code.NO_SAVEPOINT, "import_flink_job_savepoint", savepoints.NONE_THERE, foreign=True)
def _(at: Site, sdk: Sdk) -> Any:
    return sdk("import_flink_job_savepoint", job_id=at.draft(), savepoint_path="bucket/none")


@case(Code.NO_SAVEPOINT, "import_flink_job_savepoint", savepoints.NONE_THERE, foreign=True)
def _(at: Site, sdk: Sdk) -> Any:
    at.put("bucket/cut-short/_metadata", b"\x49\x60\x67\x2d")
    return sdk("import_flink_job_savepoint", job_id=at.draft(), savepoint_path="obs://bucket/cut-short/")


@case(Code.DELETE_UNKNOWN, "delete_flink_job")
def _(at: Site, sdk: Sdk) -> Any:
    return at.like(sdk, at.user("owner", project="apart"), project="apart")("delete_flink_job", job_id=at.draft())


@case(Code.JOB_FORBIDDEN, "delete_flink_job")
def _(at: Site, sdk: Sdk) -> Any:
    return at.like(sdk, at.user("owner", "--queue", "c0"))("delete_flink_job", job_id=at.running_on(OTHER))


@case(Code.TEMPLATE_NAME_EXISTS, "create_flink_sql_job_template")
def _(at: Site, sdk: Sdk) -> Any:
    name = at.name()
    sdk("create_flink_sql_job_template", name=name)
    return sdk("create_flink_sql_job_template", name=name)


@case(Code.TEMPLATES_FULL, "create_flink_sql_job_template")
def _(at: Site, sdk: Sdk) -> Any:
    at.templates("full", 100)
    full = at.like(sdk, at.user("owner", project="full"), project="full")
    return full("create_flink_sql_job_template", name=at.name())


@case(Code.VARIABLE_EXISTS, "create_global_variable")
def _(at: Site, sdk: Sdk) -> Any:
    name = at.name("variable").replace("-", "_")
    sdk("create_global_variable", var_name=name, var_value="x")
    return sdk("create_global_variable", var_name=name, var_value="x")


@case(Code.VARIABLES_FULL, "create_global_variable")
def _(at: Site, sdk: Sdk) -> Any:
    at.variables("full", 500)
    full = at.like(sdk, at.user("owner", project="full"), project="full")
    return full("create_global_variable", var_name="one_more", var_value="x")


@case(Code.BAD_IMPORT, "import_flink_jobs")
def _(at: Site, sdk: Sdk) -> Any:
    return sdk("import_flink_jobs", zip_file=at.put("bucket/broken.zip"))


# --- all of them ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("data"), queues=2) as made:
        made.put("bucket/something")  # an empty storage root counts as one that is not mounted
        yield made


@pytest.mark.parametrize(("language", "kind"), WAYS)
def test_each_error_is_read_through_the_sdk(
    here: Site, language: Language, kind: Any, subtests: pytest.Subtests
) -> None:
    for each in CASES:
        with subtests.test(f"{each.code} {each.operation}"):
            refused = refusal(each.call, here, here.sdk(kind=kind, X_Language=language))
            assert (refused.error_code, refused.status_code) == (each.code, TABLE[each.code].status)
            check_words(refused.error_msg, each.words or TABLE[each.code].text, language, foreign=each.foreign)


def test_who_asks_too_often_or_too_much_at_once_is_told_so(tmp_path: Path) -> None:
    with site(tmp_path, rate_limit=0.001, max_connections=20) as narrow, ExitStack() as stack:
        for language, kind in WAYS:
            sdk = narrow.sdk(narrow.user("viewer"), kind, X_Language=language)
            assert sdk("list_flink_jobs").is_success == "true"
            often = refusal(sdk, "show_flink_metric", job_ids=[1])  # of a GET the SDK hides the code behind its retries
            assert (often.status_code, often.error_code) == (429, Code.THROTTLED)
            check_words(often.error_msg, TABLE[Code.THROTTLED].text, language)
        at = urlsplit(narrow.service.url)
        for _ in range(20):
            stack.enter_context(socket.create_connection((at.hostname, at.port), 30))
        for language, kind in WAYS:
            busy = refusal(narrow.sdk(kind=kind, X_Language=language), "show_flink_metric", job_ids=[1])
            assert (busy.status_code, busy.error_code) == (503, Code.BUSY)
            check_words(busy.error_msg, TABLE[Code.BUSY].text, language)


@pytest.mark.parametrize(("language", "kind"), WAYS)
def test_an_address_that_is_too_long_is_told_so(here: Site, language: Language, kind: Any) -> None:
    refused = refusal(here.sdk(kind=kind, X_Language=language), "list_flink_jobs", name="x" * (1 << 16))
    assert (refused.status_code in {400, 431}, refused.error_code) == (True, Code.TOO_LARGE)


def test_no_code_is_left_out() -> None:
    provoked = {each.code for each in CASES} | {code for _, code in REFUSED} | {Code.THROTTLED, Code.BUSY}
    assert provoked | set(BESIDE) == set(Code), "each is provoked here, or there is a reason"
    assert not provoked & set(BESIDE)
    for why, where in BESIDE.values():
        path, _, function = where.partition("::")
        assert why
        assert f"def {function}(" in (ROOT / path).read_text()
