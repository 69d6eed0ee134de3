"""DLI's rules for Jar jobs: fields, defaults, limits, codes, and what may change while one runs."""

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluiceway.api.dli.decoding import decode
from sluiceway.api.dli.jars import rules as jar_rules
from sluiceway.api.dli.jars.wire import CreateJarJob, UpdateJarJob
from sluiceway.api.dli.jobs import rules, views
from sluiceway.api.dli.jobs.rules import RUNTIME_FIELDS
from sluiceway.api.dli.jobs.wire import CreateSqlJob, UpdateSqlJob
from sluiceway.api.errors.dli_error import DliError
from sluiceway.api.errors.language import Language
from sluiceway.domain.admission import EDITABLE
from sluiceway.domain.job import CheckpointMode, JarProgram, Job, JobDraft, JobSpec, JobStatus

DOC = Path(__file__).parents[2] / "docs" / "reference" / "dli.md"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIELDS = sorted({field.name for cls in (CreateJarJob, UpdateJarJob) for field in msgspec.structs.fields(cls)})


def create(**body: Any) -> JobDraft:
    return jar_rules.create(decode(json.dumps({"name": "orders", **body}).encode(), CreateJarJob))


def job(status: JobStatus = JobStatus.DRAFT, draft: JobDraft | None = None) -> Job:
    return Job(7, "proj0123", draft or create(entrypoint="a.jar"), status, "", "local", NOW, NOW)


def update(status: JobStatus = JobStatus.DRAFT, draft: JobDraft | None = None, **body: Any) -> JobDraft:
    return jar_rules.update(job(status, draft), decode(json.dumps(body).encode(), UpdateJarJob))


def refused(error: pytest.ExceptionInfo[DliError]) -> str:
    return str(error.value.code)


# --- defaults and meaning -------------------------------------------------------------------------------------------


def test_a_name_alone_makes_a_draft_with_dlis_defaults() -> None:
    draft = create()
    assert draft == JobDraft("orders", JobSpec("", program=JarProgram("")), kind="flink_jar_job", config=draft.config)
    shown = views.detail(job(draft=draft), NOW)
    assert (shown.job_type, shown.run_mode, shown.main_class) == ("flink_jar_job", "exclusive_cluster", None)
    config = shown.job_config
    assert (config.cu_number, config.manager_cu_number, config.parallel_number) == (2, 1, 1)
    assert (config.checkpoint_enabled, config.checkpoint_mode, config.checkpoint_interval) == (
        False,
        "exactly_once",
        30,
    )
    assert (config.resume_max_num, config.tm_cus, config.tm_slot_num) == (-1, 1, 1)
    spec = {"cpu": 1.0, "memory": "4G"}
    assert config.resource_config_version == "v1"
    assert msgspec.to_builtins(config.resource_config) == {
        "max_slot": 1,
        "parallel_number": 1,
        "jobmanager_resource_spec": spec,
        "taskmanager_resource_spec": spec,
    }
    assert (config.entrypoint, config.dependency_jars, config.restart_when_exception) == (None, None, False)


def test_everything_of_a_program_reaches_the_spec_and_is_shown() -> None:
    given_ = {
        "entrypoint": "obs://bucket/dir/app.jar",
        "dependency_jars": ["libs/a.jar", "b.JAR"],
        "dependency_files": ["libs/rules.csv"],
        "flink_version": "1.15",
        "feature": "basic",
    }
    draft = create(
        **given_,
        main_class="com.example.Main",
        entrypoint_args="--rate 3  --name x",
        cu_number=4,
        manager_cu_number=2,
        parallel_number=8,
        checkpoint_enabled=True,
        checkpoint_mode=2,
        checkpoint_interval=3600,
        restart_when_exception=True,
        resume_max_num=5,
        runtime_config="pipeline.max-parallelism=1",
        job_type="flink_jar_job",
        tags=[{"key": "team", "value": "a"}],
    )
    assert draft.spec == JobSpec(
        sql="",
        parallelism=8,
        checkpoint_interval=timedelta(hours=1),
        checkpoint_mode=CheckpointMode.AT_LEAST_ONCE,
        restart_on_failure=True,
        restart_attempts=5,
        options={"pipeline.max-parallelism": "1"},
        program=JarProgram(
            jar="obs://bucket/dir/app.jar",
            main_class="com.example.Main",
            args=("--rate", "3", "--name", "x"),
            dependency_jars=("libs/a.jar", "b.JAR"),
            dependency_files=("libs/rules.csv",),
        ),
    )
    shown = views.detail(job(draft=draft), NOW)
    assert (shown.main_class, shown.entrypoint_args) == ("com.example.Main", "--rate 3  --name x")
    config = msgspec.to_builtins(shown.job_config)
    assert {name: config[name] for name in given_} == given_


# --- limits ---------------------------------------------------------------------------------------------------------

REFUSALS = [
    ({"name": ""}, "DLI.11007"),
    ({"name": "a b"}, "DLI.11015"),
    ({"entrypoint": "obs://bucket/app.zip"}, "DLI.11017"),
    ({"entrypoint": " "}, "DLI.0001"),
    ({"dependency_jars": ["a.jar", "b.txt"]}, "DLI.11017"),
    ({"dependency_files": [""]}, "DLI.0001"),
    ({"dependency_files": ["f"] * 101}, "DLI.0001"),
    ({"entrypoint": "x" * 1200 + ".jar"}, "DLI.0001"),
    ({"main_class": "c" * 513}, "DLI.11018"),
    ({"main_class": "类" * 171}, "DLI.11018"),
    ({"main_class": "a b"}, "DLI.11020"),
    ({"main_class": "a\t"}, "DLI.11020"),
    ({"entrypoint_args": "x" * 1025}, "DLI.11019"),
    ({"manager_cu_number": 1}, "DLI.11026"),
    ({"cu_number": 1, "manager_cu_number": 1}, "DLI.11027"),
    ({"cu_number": 9, "manager_cu_number": 5}, "DLI.11028"),
    ({"cu_number": 2, "manager_cu_number": 2}, "DLI.11025"),
    ({"parallel_number": 5}, "DLI.11022"),
    ({"parallel_number": 0}, "DLI.11013"),
    ({"checkpoint_enabled": True, "checkpoint_interval": 0}, "DLI.11008"),
    ({"checkpoint_interval": 3601}, "DLI.11008"),
    ({"checkpoint_mode": 3}, "DLI.11009"),
    ({"feature": "custom", "image": "org/name:tag"}, "DLI.0007"),
    ({"feature": "other"}, "DLI.0001"),
    ({"job_type": "flink_sql_job"}, "DLI.0001"),
    ({"runtime_config": "pipeline.jars=file:///etc/x.jar"}, "DLI.0001"),
]


@pytest.mark.parametrize(("body", "code"), REFUSALS, ids=lambda v: str(v)[:60])
def test_what_is_refused_with_which_code(body: dict[str, Any], code: str) -> None:
    with pytest.raises(DliError) as error:
        create(**body)
    assert refused(error) == code


@pytest.mark.parametrize(
    ("given", "args", "told"),
    [
        (None, (), False),
        ("", (), False),
        ("--topic orders  --n 3", ("--topic", "orders", "--n", "3"), False),
        ("--name 'two words' \"\"", ("--name", "two words", ""), True),
        (r"a\ b 'it'\''s'", ("a b", "it's"), True),
        ("--where \"a = 'x'\"", ("--where", "a = 'x'"), True),
        ("# no comment", ("#", "no", "comment"), False),
    ],
)
def test_quotes_of_arguments_mean_what_they_mean_to_a_shell(
    given: str | None, args: tuple[str, ...], told: bool
) -> None:
    body = {} if given is None else {"entrypoint_args": given}
    program = create(**body).spec.program
    assert program is not None
    assert program.args == args
    asked = CreateJarJob(name="job", entrypoint_args=given)
    for say in (views.created, views.updated):
        said = say(job(), Language.ENGLISH, asked).message
        assert (f"as {len(args)} arguments: {shlex.join(args)}." in said) is told
        assert ("shell" in said) is told


@pytest.mark.parametrize("given", ["it's", '"open', "ends with \\"])
def test_a_quote_that_is_never_closed_is_refused(given: str) -> None:
    with pytest.raises(DliError) as error:
        create(entrypoint_args=given)
    assert "never closed" in error.value.message(Language.ENGLISH)


def test_arguments_of_old_keep_their_meaning_until_they_are_written_anew() -> None:
    old = create(entrypoint="a.jar", entrypoint_args="--name 'x y'")
    assert old.spec.program is not None
    stored = replace(old, spec=replace(old.spec, program=replace(old.spec.program, args=("--name", "'x", "y'"))))
    bodies: list[dict[str, Any]] = [{"desc": "new"}, {"entrypoint_args": "--name 'x y'"}]
    for body in bodies:
        program = update(draft=stored, **body).spec.program
        assert program is not None
        assert program.args == ("--name", "'x", "y'")
    anew = update(draft=stored, entrypoint_args="--name  'x y'").spec.program
    assert anew is not None
    assert anew.args == ("--name", "x y")
    assert update(JobStatus.RUNNING, stored, smn_topic="t").spec.program == stored.spec.program


def test_what_is_just_allowed() -> None:
    draft = create(
        main_class="c" * 512,
        entrypoint_args="x" * 1024,
        cu_number=400,
        manager_cu_number=4,
        parallel_number=4 * 396,
        checkpoint_enabled=True,
        checkpoint_interval=3600,
        feature="",
        job_type="",
        dependency_jars=["a.jar"] * 100,
    )
    assert draft.spec.parallelism == 1584


@pytest.mark.parametrize("cus", [2, 4, 400])
def test_the_cus_alone_leave_one_to_the_jobmanager(cus: int) -> None:
    """As the provider makes its default job."""
    config = views.detail(job(draft=create(cu_number=cus)), NOW).job_config
    assert (config.cu_number, config.manager_cu_number) == (cus, 1)


def test_what_is_shown_of_the_resources_may_be_sent_back_and_changes_nothing() -> None:
    """Terraform keeps what it has read, and sends it with every update, whatever the version of the form."""
    draft = create(entrypoint="a.jar", parallel_number=2)
    shown = msgspec.to_builtins(views.detail(job(draft=draft), NOW).job_config)
    echoed = {name: shown[name] for name in ("resource_config", "resource_config_version", "tm_slot_num")}
    for status in (JobStatus.RUNNING, JobStatus.STOPPED):
        after = update(status, draft, **echoed)
        assert after.spec == draft.spec
        assert msgspec.to_builtins(views.detail(job(draft=after), NOW).job_config) == shown
    more = update(JobStatus.STOPPED, update(JobStatus.STOPPED, draft, **echoed), **echoed, parallel_number=4)
    assert more.spec.parallelism == 4, "in the first form the resources have no say"


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(("field", "code"), [("parallel_number", "DLI.11013"), ("max_slot", "DLI.0001")])
def test_resources_that_cannot_be_are_refused_in_either_form(version: str, field: str, code: str) -> None:
    with pytest.raises(DliError) as error:
        create(resource_config_version=version, resource_config={field: -1})
    assert refused(error) == code


def test_resources_in_the_second_form_count() -> None:
    draft = create(resource_config_version="v2", resource_config={"parallel_number": 3, "max_slot": 4})
    assert draft.spec.parallelism == 3
    with pytest.raises(DliError) as error:
        update(JobStatus.RUNNING, draft, resource_config={"parallel_number": 4})
    assert refused(error) == "DLI.12003"


# --- update ---------------------------------------------------------------------------------------------------------


def test_an_update_changes_what_it_names_and_nothing_else() -> None:
    before = create(entrypoint="a.jar", main_class="A", entrypoint_args="1 2", desc="d", tags=[{"key": "t"}])
    after = update(draft=before, entrypoint_args="3", cu_number=None, queue_name="", job_type="flink_jar_job")
    assert before.spec.program is not None
    assert after == replace(
        before,
        spec=replace(before.spec, program=replace(before.spec.program, args=("3",))),
        config={**before.config, "entrypoint_args": "3"},
    )


def test_an_update_may_clear_what_may_be_empty() -> None:
    before = create(entrypoint="a.jar", main_class="A", entrypoint_args="1", dependency_jars=["b.jar"], desc="d")
    after = update(draft=before, main_class="", entrypoint_args="", dependency_jars=[], desc="")
    assert (after.spec.program, after.desc) == (JarProgram("a.jar"), "")


@pytest.mark.parametrize("status", sorted(EDITABLE))
def test_a_job_that_does_not_run_may_be_changed(status: JobStatus) -> None:
    program = update(status, entrypoint="b.jar").spec.program
    assert program is not None
    assert program.jar == "b.jar"


def test_a_running_job_may_change_how_it_is_watched() -> None:
    values: dict[str, Any] = {
        "smn_topic": "t",
        "restart_when_exception": True,
        "resume_checkpoint": True,
        "resume_max_num": 3,
        "obs_bucket": "bucket",
        "checkpoint_path": "p",
    }
    draft = update(JobStatus.RUNNING, **values, entrypoint="a.jar")
    assert {name: draft.config[name] for name in RUNTIME_FIELDS} == values


@pytest.mark.parametrize(
    "body", [{"entrypoint": "b.jar"}, {"main_class": "B"}, {"entrypoint_args": "1"}, {"dependency_jars": ["b.jar"]}]
)
def test_a_running_job_may_change_nothing_else(body: dict[str, Any]) -> None:
    with pytest.raises(DliError) as error:
        update(JobStatus.RUNNING, **body)
    assert refused(error) == "DLI.12003"
    assert next(iter(body)) in str(error.value)


@pytest.mark.parametrize(("status", "code"), [(JobStatus.SUBMITTING, "DLI.12003"), (JobStatus.CANCELING, "DLI.12005")])
def test_a_job_on_its_way_may_not_be_changed_at_all(status: JobStatus, code: str) -> None:
    with pytest.raises(DliError) as error:
        update(status, smn_topic="t")
    assert refused(error) == code


def test_a_job_of_the_other_kind_is_changed_by_its_own_path() -> None:
    sql = rules.create(CreateSqlJob(name="sql"))
    with pytest.raises(DliError) as error:
        update(draft=sql, desc="x")
    assert refused(error) == "DLI.12002"
    with pytest.raises(DliError) as error:
        rules.update(job(), UpdateSqlJob(desc="x"))
    assert refused(error) == "DLI.12002"


# --- any body -------------------------------------------------------------------------------------------------------

VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-1, 5000)
    | st.sampled_from(["", "a", "a.jar", "obs://b/c.jar", "flink_jar_job", "basic", "a b", "\0.jar", "x" * 1100])
    | st.lists(st.sampled_from(["a.jar", "", "x", "\0.jar"]), max_size=3)
)


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6).map(lambda d: {"name": "ok"} | d))
def test_any_body_makes_a_draft_or_a_refusal(body: dict[str, Any]) -> None:
    raw = json.dumps(body).encode()
    makers: tuple[Callable[[], JobDraft], ...] = (
        lambda: jar_rules.create(decode(raw, CreateJarJob)),
        lambda: jar_rules.update(job(), decode(raw, UpdateJarJob)),
    )
    for make in makers:
        try:
            draft = make()
        except DliError:
            continue
        assert views.detail(job(draft=draft), NOW).job_config.parallel_number == draft.spec.parallelism


def test_the_reference_lists_every_field() -> None:
    section = DOC.read_text(encoding="utf-8").split("## Fields of a Jar job", 1)[1].split("\n## ", 1)[0]
    assert [name for name in FIELDS if f"`{name}`" not in section] == []
