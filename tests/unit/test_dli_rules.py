"""DLI's rules: what may be asked of a job, in which words it is refused, and that nothing else can happen."""

import json
import re
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluiceway.api.dli import parameters
from sluiceway.api.dli.answers import Truth
from sluiceway.api.dli.decoding import decode
from sluiceway.api.dli.fields import MAX_ID
from sluiceway.api.dli.jobs import rules, runtime_config, views
from sluiceway.api.dli.jobs.listing import ListQuery, listing
from sluiceway.api.dli.jobs.status import NAMES, NEVER_HERE, STATUSES
from sluiceway.api.dli.jobs.verdicts import ACCEPTED, REFUSED, Batch, outcomes
from sluiceway.api.dli.jobs.verdicts import refusal as refused_as
from sluiceway.api.dli.jobs.wire import CreateSqlJob, StopRequest, UpdateSqlJob
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError
from sluiceway.api.errors.dli_texts import TABLE, Entry
from sluiceway.api.errors.language import Language, Text
from sluiceway.domain.admission import EDITABLE, Refusal, Verdict
from sluiceway.domain.job import CheckpointMode, Job, JobDraft, JobSpec, JobStatus
from sluiceway.settings import MAX_JOB_IDS

DOC = Path(__file__).parents[2] / "docs" / "reference" / "dli.md"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def create(**body: Any) -> JobDraft:
    return rules.create(decode(json.dumps({"name": "orders", **body}).encode(), CreateSqlJob))


def job(status: JobStatus = JobStatus.DRAFT, draft: JobDraft | None = None) -> Job:
    return Job(7, "proj0123", draft or create(sql_body="SELECT 1"), status, "", "local", NOW, NOW)


def update(status: JobStatus = JobStatus.DRAFT, draft: JobDraft | None = None, **body: Any) -> JobDraft:
    return rules.update(job(status, draft), decode(json.dumps(body).encode(), UpdateSqlJob))


def code_of(error: pytest.ExceptionInfo[DliError]) -> str:
    return str(error.value.code)


# --- defaults and meaning -------------------------------------------------------------------------------------------


def test_a_name_alone_makes_a_job_with_dlis_defaults() -> None:
    draft = create()
    assert draft == JobDraft("orders", JobSpec(""), config=draft.config)
    expected = {
        "checkpoint_enabled": False,
        "checkpoint_mode": "exactly_once",
        "checkpoint_interval": 10,
        "cu_number": 2,
        "manager_cu_number": 1,
        "parallel_number": 1,
        "tm_cus": 1,
        "tm_slot_num": None,
        "idle_state_retention": 3600,
        "resume_max_num": -1,
        "dirty_data_strategy": "0",
        "root_id": -1,
        "run_mode": "shared_cluster",
        "resource_config_version": "v1",
    }
    assert {key: draft.config[key] for key in expected} == expected
    assert json.loads(json.dumps(draft.config)) == draft.config


def test_null_is_absent_and_unknown_keys_are_ignored() -> None:
    assert create(desc=None, cu_number=None, tags=None, checkpoint_mode=None, manager_cu_number=None, x=1) == create()


def test_what_terraform_always_sends_is_accepted() -> None:
    draft = create(
        job_type="flink_sql_job",
        run_mode="shared_cluster",
        checkpoint_mode=1,
        tm_slot_num=0,
        resume_max_num=-1,
        idle_state_retention=1,
        operator_config="",
        static_estimator_config="",
        tags=None,
    )
    assert draft.config["tm_slot_num"] is None
    assert draft.kind == "flink_sql_job"


def test_dlis_own_example_is_accepted() -> None:
    draft = create(checkpoint_enabled=False, checkpoint_mode="exactly_once", checkpoint_interval=0)
    assert draft.spec.checkpoint_interval is None


def test_everything_that_flink_understands_reaches_the_spec() -> None:
    draft = create(
        sql_body="INSERT INTO a SELECT * FROM b",
        parallel_number=4,
        checkpoint_enabled=True,
        checkpoint_mode=2,
        checkpoint_interval=60,
        restart_when_exception=True,
        resume_max_num=5,
        idle_state_retention=7200,
        runtime_config='[{"key":"table.exec.mini-batch.enabled","value":"true"}]',
    )
    assert draft.spec == JobSpec(
        sql="INSERT INTO a SELECT * FROM b",
        parallelism=4,
        checkpoint_interval=timedelta(seconds=60),
        checkpoint_mode=CheckpointMode.AT_LEAST_ONCE,
        restart_on_failure=True,
        restart_attempts=5,
        state_retention=timedelta(hours=2),
        options={"table.exec.mini-batch.enabled": "true"},
    )


def test_resources_in_the_second_form_set_the_parallelism() -> None:
    draft = create(resource_config_version="v2", resource_config={"parallel_number": 16})
    assert draft.spec.parallelism == 16
    assert draft.config["resource_config"] == {
        "max_slot": 1,
        "parallel_number": 16,
        "jobmanager_resource_spec": {"cpu": 1.0, "memory": "4GB"},
        "taskmanager_resource_spec": {"cpu": 1.0, "memory": "4GB"},
    }


@pytest.mark.parametrize("mode", [2, "2", "at_least_once"])
def test_a_checkpoint_mode_is_stored_as_text(mode: int | str) -> None:
    assert create(checkpoint_mode=mode).config["checkpoint_mode"] == "at_least_once"


def test_the_sql_wins_over_a_template() -> None:
    assert create(template_id=5, sql_body="SELECT 1").spec.sql == "SELECT 1"
    assert create(template_id=0).spec.sql == ""


def test_an_empty_queue_is_the_default_one() -> None:
    assert create(queue_name="").queue is None
    assert create(queue_name="q").queue == "q"


# --- limits ---------------------------------------------------------------------------------------------------------

REFUSALS = [
    ({"name": ""}, "DLI.11007"),
    ({"name": "a b"}, "DLI.11015"),
    ({"name": "a\n"}, "DLI.11015"),
    ({"name": "х"}, "DLI.11015"),  # a Cyrillic letter
    ({"name": "a" * 58}, "DLI.11006"),
    ({"name": "作" * 20}, "DLI.11006"),
    ({"desc": "x" * 2049}, "DLI.11014"),
    ({"sql_body": "x" * (1024 * 1024 + 1)}, "DLI.11001"),
    ({"queue_name": "q" * 129}, "DLI.0001"),
    ({"run_mode": "elsewhere"}, "DLI.0001"),
    ({"run_mode": "edge_node"}, "DLI.0007"),
    ({"job_type": "flink_sql_edge_job"}, "DLI.0007"),
    ({"job_type": "flink_jar_job"}, "DLI.0001"),
    ({"job_type": "flink_opensource_sql_job", "run_mode": "shared_cluster"}, "DLI.11024"),
    ({"cu_number": 1}, "DLI.11027"),
    ({"cu_number": 401}, "DLI.11027"),
    ({"manager_cu_number": 0}, "DLI.11028"),
    ({"manager_cu_number": 5, "cu_number": 9}, "DLI.11028"),
    ({"manager_cu_number": 2}, "DLI.11025"),
    ({"parallel_number": 0}, "DLI.11013"),
    ({"parallel_number": 2001, "cu_number": 400}, "DLI.11013"),
    ({"parallel_number": 5}, "DLI.11022"),
    ({"checkpoint_mode": 3}, "DLI.11009"),
    ({"checkpoint_mode": "at_most_once"}, "DLI.11009"),
    ({"checkpoint_enabled": True, "checkpoint_interval": 0}, "DLI.11008"),
    ({"checkpoint_interval": -1}, "DLI.11008"),
    ({"checkpoint_interval": 86401}, "DLI.11008"),
    ({"idle_state_retention": -1}, "DLI.11036"),
    ({"idle_state_retention": 10**12}, "DLI.11036"),
    ({"dirty_data_strategy": "3"}, "DLI.11039"),
    ({"dirty_data_strategy": "2:"}, "DLI.11039"),
    ({"resume_max_num": 0}, "DLI.0001"),
    ({"resume_max_num": -2}, "DLI.0001"),
    ({"tm_cus": 0}, "DLI.0001"),
    ({"tm_slot_num": -1}, "DLI.0001"),
    ({"resource_config_version": "v3"}, "DLI.0001"),
    ({"resource_config": {}}, "DLI.0001"),
    ({"resource_config_version": "v2", "resource_config": {"parallel_number": 2001}}, "DLI.11013"),
    ({"resource_config_version": "v2", "resource_config": {"max_slot": -1}}, "DLI.0001"),
    ({"resource_config_version": "v2", "resource_config": {"jobmanager_resource_spec": {"cpu": 0.4}}}, "DLI.0001"),
    (
        {"resource_config_version": "v2", "resource_config": {"taskmanager_resource_spec": {"memory": "1GB"}}},
        "DLI.0001",
    ),
    (
        {"resource_config_version": "v2", "resource_config": {"taskmanager_resource_spec": {"memory": "lots"}}},
        "DLI.0001",
    ),
    ({"runtime_config": "no equals sign"}, "DLI.0001"),
    ({"runtime_config": "[{]"}, "DLI.0001"),
    ({"runtime_config": '[{"key":"a"}]'}, "DLI.0001"),
    ({"runtime_config": '{"a":{}}'}, "DLI.0001"),
    ({"runtime_config": '{"a":null}'}, "DLI.0001"),
    ({"runtime_config": "=v"}, "DLI.0001"),
    ({"runtime_config": '{"execution.savepoint.path":"/x"}'}, "DLI.0001"),
    ({"smn_topic": "x" * 70_000}, "DLI.0001"),
    ({"desc": "a\0b"}, "DLI.0001"),
    ({"tags": [{"key": ""}]}, "DLI.0001"),
    ({"tags": [{"key": "k" * 129}]}, "DLI.0001"),
    ({"tags": [{"key": "a=b"}]}, "DLI.0001"),
    ({"tags": [{"key": " k"}]}, "DLI.0001"),
    ({"tags": [{"key": "_sys_k"}]}, "DLI.0001"),
    ({"tags": [{"key": "k", "value": "a,b"}]}, "DLI.0001"),
    ({"tags": [{"key": "k", "value": "v "}]}, "DLI.0001"),
    ({"tags": [{"key": "k"}, {"key": "k", "value": "v"}]}, "DLI.0001"),
    ({"tags": [{"key": "k", "value": "v" * 256}]}, "DLI.0001"),
    ({"tags": [{"key": str(n), "value": ""} for n in range(21)]}, "DLI.0001"),
    ({"edge_group_ids": ["g"] * 101}, "DLI.0001"),
]


@pytest.mark.parametrize(("body", "code"), REFUSALS, ids=lambda v: str(v)[:60])
def test_what_is_refused_with_which_code(body: dict[str, Any], code: str) -> None:
    with pytest.raises(DliError) as error:
        create(**body)
    assert code_of(error) == code


def test_what_is_just_allowed() -> None:
    draft = create(
        name="作业_-9" + "a" * 48,
        desc="字" * 2048,
        sql_body="x" * 1024 * 1024,
        cu_number=400,
        manager_cu_number=4,
        parallel_number=4 * 396,
        dirty_data_strategy="2:bucket/dir",
        job_type="flink_opensource_sql_job",
        run_mode="exclusive_cluster",
        tags=[{"key": "team", "value": None}],
        runtime_config="",
        resume_max_num=1,
    )
    assert len(draft.name.encode()) == 57
    assert draft.spec.parallelism == 1584


# --- runtime_config -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '[{"key":"a.b","value":"1"},{"key":"c","value":"x=y z"}]',
        '{"a.b":1,"c":"x=y z"}',
        "a.b=1\nc = x=y z\n\n",
        ' [{"key":"c","value":"x=y z"},{"key":"a.b","value":0},{"key":"a.b","value":1}] ',
    ],
)
def test_options_in_all_forms(text: str) -> None:
    assert runtime_config.parse(text) == {"a.b": "1", "c": "x=y z"}


def test_options_are_shown_in_one_form() -> None:
    assert (
        create(runtime_config="pipeline.max-parallelism=1").config["runtime_config"]
        == '[{"key":"pipeline.max-parallelism","value":"1"}]'
    )
    assert runtime_config.parse('{"a":true,"b":1.5}') == {"a": "true", "b": "1.5"}


# --- update ---------------------------------------------------------------------------------------------------------


def test_an_update_changes_what_it_names_and_nothing_else() -> None:
    before = create(
        sql_body="SELECT 1",
        desc="d",
        queue_name="q",
        runtime_config="pipeline.max-parallelism=1",
        cu_number=8,
        tags=[{"key": "t"}],
    )
    after = update(draft=before, parallel_number=8, queue_name="", flink_version=None)
    assert after == replace(
        before, spec=replace(before.spec, parallelism=8), config={**before.config, "parallel_number": 8}
    )


@pytest.mark.parametrize("bucket", ["data", "my-data.2", "a1b", "0" * 63])
def test_a_bucket_is_where_the_state_goes(bucket: str) -> None:
    draft = create(obs_bucket=bucket)
    assert (draft.bucket, draft.config["obs_bucket"]) == (bucket, bucket)
    assert update(draft=draft, desc="other").bucket == bucket
    assert update(JobStatus.RUNNING, draft, obs_bucket="more").bucket == "more"
    cleared = update(draft=draft, obs_bucket="")
    assert (cleared.bucket, cleared.config["obs_bucket"]) == (None, "")


@pytest.mark.parametrize(
    "bucket",
    ["ab", "0" * 64, "Data", "my_data", "a..b", "a.-b", "-ab", "ab.", "jobs", "obs://data", "data/dir", "数据"],
)
def test_what_cannot_be_a_bucket_is_refused(bucket: str) -> None:
    for asked in (create, update):
        with pytest.raises(DliError) as refused:
            asked(obs_bucket=bucket)
        assert code_of(refused) == "DLI.11011"


def test_a_bucket_of_an_older_version_that_cannot_be_is_kept_and_shown_and_not_used() -> None:
    old = create(sql_body="SELECT 1")
    old = replace(old, config={**old.config, "obs_bucket": "My_Bucket"})
    draft = update(draft=old, desc="other")
    assert (draft.bucket, draft.config["obs_bucket"]) == (None, "My_Bucket")


def test_checkpoints_need_no_bucket() -> None:
    assert create(checkpoint_enabled=True, log_enabled=True).bucket is None


def test_an_update_may_clear_a_description() -> None:
    assert update(draft=create(desc="d"), desc="").desc == ""


@pytest.mark.parametrize("status", sorted(EDITABLE))
def test_a_job_that_does_not_run_may_be_changed(status: JobStatus) -> None:
    assert update(status, sql_body="SELECT 2").spec.sql == "SELECT 2"


def test_a_running_job_may_change_how_it_is_watched() -> None:
    draft = update(
        JobStatus.RUNNING,
        smn_topic="t",
        restart_when_exception=True,
        resume_checkpoint=True,
        resume_max_num=3,
        obs_bucket="bbb",
        checkpoint_path="p",
        manager_cu_number=None,
        operator_config="",
        cu_number=2,
    )
    assert draft.spec.restart_attempts == 3


@pytest.mark.parametrize("field", ["operator_config", "static_estimator_config"])
def test_an_empty_text_clears_what_go_always_sends_unless_the_job_runs(field: str) -> None:
    before = update(draft=None, **{field: "x"})  # type: ignore[arg-type]
    assert before.config[field] == "x"
    for status in EDITABLE:
        assert update(status, before, **{field: ""}).config[field] == ""
    assert update(JobStatus.RUNNING, before, **{field: "", "smn_topic": "t"}).config[field] == "x"
    with pytest.raises(DliError) as error:
        update(JobStatus.RUNNING, before, **{field: "y"})
    assert code_of(error) == "DLI.12003"


@pytest.mark.parametrize(
    ("before", "body"),
    [
        ({}, {"udf_jar_url": "", "runtime_config": "", "edge_group_ids": [], "execution_agency_urn": ""}),
        ({"udf_jar_url": "", "edge_group_ids": []}, {"udf_jar_url": "", "runtime_config": "", "desc": ""}),
        ({"parallel_number": 4, "cu_number": 3}, {"tm_slot_num": 2, "parallel_number": 4}),
        ({"tm_slot_num": 2, "parallel_number": 4, "cu_number": 3}, {"tm_slot_num": 0}),
        ({"idle_state_retention": 5}, {"idle_state_retention": 5}),
        (
            {"runtime_config": "pipeline.max-parallelism=8"},
            {"runtime_config": '[{"key":"pipeline.max-parallelism","value":"8"}]'},
        ),
    ],
)
def test_naming_what_is_stored_or_shown_is_no_change_of_a_running_job(
    before: dict[str, Any], body: dict[str, Any]
) -> None:
    draft = create(sql_body="SELECT 1", **before)
    after = update(JobStatus.RUNNING, draft, **body)
    assert after.spec == draft.spec
    shown = [views.detail(job(draft=each), NOW).job_config for each in (draft, after)]
    assert shown[0].tm_slot_num == shown[1].tm_slot_num


@pytest.mark.parametrize(
    "body", [{"udf_jar_url": "x"}, {"edge_group_ids": ["g"]}, {"tm_slot_num": 3}, {"idle_state_retention": 7200}]
)
def test_a_real_change_of_a_running_job_is_refused_all_the_same(body: dict[str, Any]) -> None:
    with pytest.raises(DliError) as error:
        update(JobStatus.RUNNING, **body)
    assert code_of(error) == "DLI.12003"
    assert next(iter(body)) in str(error.value)


# --- how long state is kept -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "value", "length", "counted"),
    [
        ("auto", 0, timedelta(0), "seconds"),
        ("auto", 1, timedelta(hours=1), "hours"),
        ("auto", 59, timedelta(hours=59), "hours"),
        ("auto", 60, timedelta(minutes=1), "seconds"),
        ("auto", 3600, timedelta(hours=1), "seconds"),
        ("seconds", 1, timedelta(seconds=1), "seconds"),
        ("seconds", 59, timedelta(seconds=59), "seconds"),
        ("hours", 60, timedelta(hours=60), "hours"),
        ("hours", 87_600, timedelta(days=3650), "hours"),
        ("auto", None, timedelta(hours=1), "seconds"),
        ("hours", None, timedelta(hours=1), "hours"),
    ],
)
def test_what_a_retention_counts_is_a_setting(unit: Any, value: int | None, length: timedelta, counted: str) -> None:
    body = decode(json.dumps({"name": "x", "idle_state_retention": value}).encode(), CreateSqlJob)
    draft = rules.create(body, unit)
    assert draft.spec.state_retention == length
    config = views.detail(job(draft=draft), NOW).job_config
    assert config.idle_state_retention_unit == counted
    assert value is None or config.idle_state_retention == value, "it is read back as it was given"


@pytest.mark.parametrize(("unit", "value"), [("hours", 87_601), ("seconds", 315_360_001), ("auto", -1)])
def test_ten_years_in_any_unit_are_the_most(unit: Any, value: int) -> None:
    with pytest.raises(DliError) as error:
        rules.create(CreateSqlJob(name="x", idle_state_retention=value), unit)
    assert code_of(error) == "DLI.11036"
    assert ("hours" if unit == "hours" else "seconds") in str(error.value)


def test_what_an_old_retention_counts_stays_until_it_is_named_again() -> None:
    """Jobs of older versions counted seconds, whatever they were."""
    old = rules.create(CreateSqlJob(name="x", idle_state_retention=30), "seconds")
    old = replace(old, config={k: v for k, v in old.config.items() if k != "idle_state_retention_unit"})
    assert update(draft=old, desc="d").spec.state_retention == timedelta(seconds=30)
    assert update(JobStatus.RUNNING, old, idle_state_retention=30).spec.state_retention == timedelta(seconds=30)
    assert update(draft=old, idle_state_retention=30).spec.state_retention == timedelta(hours=30)


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        (1, "idle_state_retention 1 is taken as hours.", "按小时计算"),
        (60, "idle_state_retention 60 is taken as seconds.", "按秒计算"),
        (0, "idle_state_retention 0 keeps state for ever.", "永久保留"),
    ],
)
def test_the_answer_says_what_was_understood(value: int, en: str, zh: str) -> None:
    stored = job(draft=create(idle_state_retention=value))
    asked = CreateSqlJob(name="orders", idle_state_retention=value)
    for say in (views.created, views.updated):
        assert say(stored, Language.ENGLISH, asked).message.endswith(en)
        assert zh in say(stored, Language.CHINESE, asked).message
        assert "idle" not in say(stored, Language.ENGLISH).message, "where nothing was asked nothing is said"


def test_the_answer_names_the_fields_that_do_nothing_here() -> None:
    asked = CreateSqlJob(name="orders", udf_jar_url="obs://b/f.jar", log_enabled=True, edge_group_ids=[])
    said = views.created(job(), Language.ENGLISH, asked).message
    assert said.endswith("Kept, but without effect here: log_enabled, udf_jar_url.")
    assert "udf_jar_url" in views.updated(job(), Language.CHINESE, asked).message
    options = '{"execution.checkpointing.savepoint-dir": "s3://mine", "pipeline.name": "x"}'
    said = views.created(job(), Language.ENGLISH, CreateSqlJob(name="orders", runtime_config=options)).message
    assert said.endswith(
        "Without effect here, in runtime_config: 'execution.checkpointing.savepoint-dir' (Sluiceway gives each "
        "savepoint a place of its own)."
    )
    plain = CreateSqlJob(name="orders", log_enabled=False, smn_topic="", queue_name="q")
    assert "effect" not in views.created(job(), Language.ENGLISH, plain).message


# --- resources in two forms -----------------------------------------------------------------------------------------


def test_a_job_may_go_back_to_the_first_form() -> None:
    second = create(resource_config_version="v2", resource_config={"parallel_number": 16})
    first = update(draft=second, resource_config_version="v1")
    assert (first.config["resource_config"], first.spec.parallelism) == (None, 1)


@pytest.mark.parametrize("body", [{"sql_body": "x"}, {"name": "n"}, {"cu_number": 3}, {"queue_name": "q"}])
def test_a_running_job_may_change_nothing_else(body: dict[str, Any]) -> None:
    with pytest.raises(DliError) as error:
        update(JobStatus.RUNNING, **body)
    assert code_of(error) == "DLI.12003"
    assert next(iter(body)) in error.value.message(Language.ENGLISH)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (JobStatus.SUBMITTING, "DLI.12003"),
        (JobStatus.SAVEPOINTING, "DLI.12005"),
        (JobStatus.CANCELING, "DLI.12005"),
        (JobStatus.STOP_FAILED, "DLI.12005"),
    ],
)
def test_a_job_on_its_way_may_not_be_changed_at_all(status: JobStatus, code: str) -> None:
    with pytest.raises(DliError) as error:
        update(status, smn_topic="t")
    assert code_of(error) == code


@given(
    st.builds(
        JobSpec,
        sql=st.just("SELECT 1"),
        parallelism=st.integers(1, 1500),
        checkpoint_interval=st.none() | st.integers(1, 86400).map(lambda s: timedelta(seconds=s)),
        checkpoint_mode=st.sampled_from(CheckpointMode),
        restart_on_failure=st.booleans(),
        restart_attempts=st.none() | st.integers(1, 100),
        state_retention=st.integers(0, 10**6).map(lambda s: timedelta(seconds=s)),
        options=st.dictionaries(
            st.sampled_from(["pipeline.max-parallelism", "state.backend.type"]), st.sampled_from(["1", "x=y"])
        ),
    )
)
def test_a_job_of_another_api_keeps_its_meaning_through_an_update(spec: JobSpec) -> None:
    draft = update(draft=JobDraft("native", spec), desc="new")
    assert draft.spec == spec
    assert views.detail(job(draft=draft), NOW).job_config.parallel_number == spec.parallelism


# --- any body -------------------------------------------------------------------------------------------------------

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
SENSIBLE = st.one_of(
    ANY_JSON,
    st.sampled_from(["v2", "", "1", "exactly_once", "edge_node", "flink_sql_job", "[]", "{}", "a=b", "2:x", "\0"]),
    st.integers(-2, 500),
)
FIELDS = sorted({field.name for cls in (CreateSqlJob, UpdateSqlJob) for field in msgspec.structs.fields(cls)})
ANY_BODY = st.one_of(
    ANY_JSON,
    st.dictionaries(st.sampled_from(FIELDS), SENSIBLE, max_size=6),
    st.dictionaries(st.sampled_from(FIELDS), SENSIBLE, max_size=4).map(lambda d: d | {"name": "ok"}),
)


@settings(max_examples=400, deadline=None)
@given(ANY_BODY)
def test_any_body_makes_a_draft_or_a_refusal(body: object) -> None:
    raw = json.dumps(body).encode()
    kinds: tuple[type[CreateSqlJob] | type[UpdateSqlJob], ...] = (CreateSqlJob, UpdateSqlJob)
    for kind in kinds:
        try:
            decoded = decode(raw, kind)
            draft = rules.create(decoded) if isinstance(decoded, CreateSqlJob) else rules.update(job(), decoded)
        except DliError as error:
            check_message(error)
        else:
            assert json.loads(json.dumps(draft.config))["cu_number"] >= 2
            views.detail(job(draft=draft), NOW)


@given(st.binary(max_size=60))
def test_any_bytes_make_a_request_or_a_refusal(raw: bytes) -> None:
    try:
        parameters.job_ids(decode(raw, StopRequest).job_ids)
    except DliError as error:
        check_message(error)


@given(st.text(max_size=40))
def test_any_runtime_config_makes_options_or_a_refusal(text: str) -> None:
    try:
        runtime_config.parse(text)
    except DliError as error:
        check_message(error)


def check_message(error: DliError) -> None:
    assert error.status == 400
    for language in Language:
        assert error.message(language).strip()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "DLI.10004"),
        (b"hello", "DLI.10004"),
        (b'{"job_ids":[1],}', "DLI.10004"),
        (b'{"job_ids":["\xff"]}', "DLI.10004"),
        (b'{"job_ids":"x", oops', "DLI.10004"),
        (b'{"job_ids":[1],"z":' + b"[" * 5000, "DLI.10004"),
        (b"null", "DLI.0001"),
        (b"[1]", "DLI.0001"),
        (b"{}", "DLI.0001"),
        (b'{"job_ids":null}', "DLI.0001"),
        (b'{"job_ids":[1.5]}', "DLI.0001"),
        (b'{"job_ids":[true]}', "DLI.0001"),
        (b'{"job_ids":[1],"trigger_savepoint":"true"}', "DLI.0001"),
        (b'{"job_ids":[1],"trigger_savepoint":1}', "DLI.0001"),
    ],
)
def test_what_is_not_json_and_what_is_not_right(raw: bytes, code: str) -> None:
    with pytest.raises(DliError) as error:
        decode(raw, StopRequest)
    assert code_of(error) == code


# --- ids, paths, queries --------------------------------------------------------------------------------------------


def test_ids_may_be_texts() -> None:
    assert parameters.job_ids([3, "128", " 7 ", 3]) == [3, 128, 7, 3]
    assert parameters.job_ids([MAX_ID, str(MAX_ID)]) == [MAX_ID, MAX_ID]


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        ([], "DLI.0001"),
        (["x"], "DLI.0001"),
        ([""], "DLI.0001"),
        (["١"], "DLI.0001"),  # a digit, but not one of ours
        (["9" * 5000], "DLI.0001"),
        ([2**63], "DLI.0001"),
        ([str(2**63)], "DLI.0001"),
        ([10**400], "DLI.0001"),
        ([5, 0], "DLI.12001"),
        ([5, "-1"], "DLI.12001"),
        ([-(10**30)], "DLI.12001"),
        ([1] * (MAX_JOB_IDS + 1), "DLI.0009"),
    ],
    ids=lambda v: str(v)[:30],
)
def test_ids_that_are_refused(ids: list[int | str], code: str) -> None:
    with pytest.raises(DliError) as error:
        parameters.job_ids(ids)
    assert code_of(error) == code


@pytest.mark.parametrize("segment", ["0", "-1", "abc", "", "1.0", str(2**63), "9" * 50, "١"])
def test_ids_in_paths_are_whole_numbers(segment: str) -> None:
    with pytest.raises(DliError) as error:
        parameters.job_id(segment)
    assert code_of(error) == "DLI.12001"


@pytest.mark.parametrize("segment", ["{project_id}", "", "a" * 65, "a-b", "a\n", "项目"])
def test_projects_are_letters_and_digits(segment: str) -> None:
    with pytest.raises(DliError) as error:
        parameters.project(segment)
    assert code_of(error) == "DLI.10010"


def test_a_listing_has_dlis_defaults() -> None:
    asked = listing(ListQuery())
    assert (asked.offset, asked.limit, asked.descending, asked.detail) == (0, 10, True, False)
    assert asked.where is not None
    assert asked.where.statuses == ()


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", {}),
        ("k=v", {"k": "v"}),
        ("k=v,团队=订单", {"k": "v", "团队": "订单"}),
        (" k=v , k2=,", {"k": "v", "k2": ""}),
        ("k=a=b", {"k": "a=b"}),
        ("k=v,k=v", {"k": "v"}),
    ],
)
def test_a_listing_reads_tags(text: str, tags: dict[str, str]) -> None:
    where = listing(ListQuery(tags=text)).where
    assert where is not None
    assert where.tags == tags


def test_no_job_has_one_tag_with_two_values() -> None:
    assert listing(ListQuery(tags="k=v,k=w")).where is None


def test_a_listing_caps_its_limit() -> None:
    assert listing(ListQuery(limit="1000")).limit == 100
    assert listing(ListQuery(limit="0")).limit == 0


@pytest.mark.parametrize(
    "query",
    [
        *(ListQuery(status=status) for status in sorted(NEVER_HERE)),
        ListQuery(root_job_id="5"),
        ListQuery(sys_enterprise_project_name="other"),
        ListQuery(name="a\0"),
    ],
)
def test_what_dli_has_and_we_have_not_matches_nothing(query: ListQuery) -> None:
    assert listing(query).where is None


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (ListQuery(offset="-1"), "DLI.23001"),
        (ListQuery(offset="x"), "DLI.23001"),
        (ListQuery(offset=str(2**63)), "DLI.23001"),
        (ListQuery(root_job_id="0"), "DLI.23003"),
        (ListQuery(root_job_id="x"), "DLI.23003"),
        (ListQuery(limit="-1"), "DLI.0001"),
        (ListQuery(limit="many"), "DLI.0001"),
        (ListQuery(order="up"), "DLI.0001"),
        (ListQuery(status="running"), "DLI.0001"),
        (ListQuery(job_type="spark"), "DLI.0001"),
        (ListQuery(show_detail="yes"), "DLI.0001"),
        (ListQuery(tags="a"), "DLI.0001"),
        (ListQuery(tags="=b"), "DLI.0001"),
        (ListQuery(tags=",".join(f"k{n}=v" for n in range(21))), "DLI.0001"),
    ],
)
def test_listings_that_are_refused(query: ListQuery, code: str) -> None:
    with pytest.raises(DliError) as error:
        listing(query)
    assert code_of(error) == code


# --- views ----------------------------------------------------------------------------------------------------------


def test_every_status_has_one_name() -> None:
    assert set(NAMES) == set(JobStatus)
    assert STATUSES["job_running_exception"] == (JobStatus.UNWELL, JobStatus.FAILED), "DLI has one name for both"
    assert all(len(statuses) == 1 for name, statuses in STATUSES.items() if name != "job_running_exception")


def test_every_refusal_has_a_code_in_every_operation() -> None:
    assert set(REFUSED) == set(ACCEPTED) == set(Batch)
    for batch in Batch:
        for refusal in Refusal:
            error = refused_as(Verdict(refusal, JobStatus.RUNNING, "why."), batch)
            assert error is not None
            check_message(error)


def test_shared_verdicts_are_rendered_once() -> None:
    ok, gone = Verdict(), Verdict(Refusal.UNKNOWN)
    accepted, answers = outcomes([ok, gone, ok, gone], Batch.STOP, Language.ENGLISH, Truth(""))
    assert accepted
    assert answers[0] is answers[2]
    assert answers[1] is answers[3]


def test_slots_follow_from_the_parallelism_unless_given() -> None:
    assert views.detail(job(draft=create(cu_number=3, parallel_number=5)), NOW).job_config.tm_slot_num == 3
    assert views.detail(job(draft=create(tm_slot_num=7)), NOW).job_config.tm_slot_num == 7


def test_a_duration_runs_until_the_end_or_now() -> None:
    begun = replace(job(JobStatus.RUNNING), started_at=NOW)
    assert views.item(job().line, NOW).duration == 0
    assert views.item(begun.line, NOW + timedelta(seconds=3)).duration == 3000
    assert (
        views.item(replace(begun, ended_at=NOW + timedelta(seconds=1)).line, NOW + timedelta(hours=1)).duration == 1000
    )


# --- words ----------------------------------------------------------------------------------------------------------


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("code", Code)
def test_every_code_speaks_both_languages_of_the_same_things(code: Code) -> None:
    entry: Entry = TABLE[code]
    assert places(entry.text.en) == places(entry.text.zh)
    assert entry.text.en.isascii()
    assert code is Code.NOT_SUPPORTED or re.search("[\u4e00-\u9fff]", entry.text.zh)
    assert entry.status in {400, 401, 403, 404, 413, 429, 500, 503}


def test_what_a_client_sent_is_never_taken_for_a_template() -> None:
    error = DliError(Code.BAD_PARAMETER, field="{why.__class__}", why=Text("{x} {0}", "{x}"))
    assert "{why.__class__}" in error.message(Language.ENGLISH)
    assert "{x} {0}" in error.message(Language.ENGLISH)


@pytest.mark.parametrize(
    ("header", "language"),
    [(None, Language.ENGLISH), ("en-us", Language.ENGLISH), ("fr", Language.ENGLISH), ("ZH-CN", Language.CHINESE)],
)
def test_anything_but_chinese_is_english(header: str | None, language: Language) -> None:
    assert Language.of(header) is language


def test_the_reference_lists_every_field_of_a_job() -> None:
    text = DOC.read_text(encoding="utf-8")
    assert [name for name in FIELDS if f"`{name}`" not in text] == []


def test_a_format_that_would_kill_the_job_is_refused_with_the_setting_to_change() -> None:
    verdict = Verdict(Refusal.DEADLY, note="its state backend is ForSt.")
    refused = refused_as(verdict, Batch.STOP)
    assert refused is not None
    assert refused.code == "DLI.15002"
    for language in Language:
        said = refused.message(language)
        assert "its state backend is ForSt" in said
        assert "--dli-savepoint-format" in said


@pytest.mark.parametrize("language", Language)
def test_the_answer_to_run_names_every_end_of_a_start(language: Language) -> None:
    said = ACCEPTED[Batch.RUN].in_(language)
    for end in ("job_running", "job_finish", "job_submit_fail", "job_running_exception"):
        assert re.search(rf"\b{end}(?!\w)", said, re.ASCII)
    assert "status_desc" in said
