"""A job's specification in Flink's options, and the options that are not the job's to set."""

from datetime import timedelta

import pytest
from tests.support.doubles.scripts import script

from sluiceway.domain.job import CheckpointMode, JarProgram, JobSpec
from sluiceway.engines.planning.options import check_options, flink_options, leaves_state, named_for
from sluiceway.engines.planning.sql import SqlRefused
from sluiceway.engines.planning.submit import effective

ALWAYS = {
    "parallelism.default": "1",
    "pipeline.name": "orders",
    "table.exec.state.ttl": "3600000 ms",
    "execution.checkpointing.mode": "EXACTLY_ONCE",
    "restart-strategy.type": "none",
    "$internal.pipeline.job-id": "ab" * 16,
    "execution.checkpointing.dir": "s3://b/jobs/checkpoint/7",
    "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
}
CHECKPOINTS = {"execution.checkpointing.interval": "10000 ms"}


@pytest.mark.parametrize(
    ("version", "known"),
    [("1.18.1", "execution.savepoint.path"), ("1.19.3", "execution.savepoint.path")]
    + [(version, "execution.state-recovery.path") for version in ("1.20.0", "2.3.0", "2.4-SNAPSHOT", "", "odd")],
)
def test_options_have_the_names_that_the_version_knows(version: str, known: str) -> None:
    named = named_for(version, {"execution.state-recovery.path": "s3://b/savepoint-1", "pipeline.name": "orders"})
    assert named == {known: "s3://b/savepoint-1", "pipeline.name": "orders"}


def test_of_two_names_for_one_option_the_newer_wins_as_it_does_in_flink() -> None:
    both = {"execution.checkpointing.dir": "file:///ours", "state.checkpoints.dir": "file:///theirs"}
    assert named_for("1.19.3", both) == {"state.checkpoints.dir": "file:///ours"}
    assert named_for("2.3.0", both) == both


def options_of(spec: JobSpec, restore: str | None = None) -> dict[str, str]:
    return flink_options(
        spec, flink_job_id="ab" * 16, name="orders", restore=restore, checkpoint_dir="s3://b/jobs/checkpoint/7"
    )


@pytest.mark.parametrize(
    ("spec", "more"),
    [
        (JobSpec("x"), {}),
        (JobSpec("x", parallelism=4), {"parallelism.default": "4"}),
        (JobSpec("x", state_retention=timedelta(0)), {"table.exec.state.ttl": "0 ms"}),
        (JobSpec("x", checkpoint_interval=timedelta(seconds=10)), CHECKPOINTS),
        (
            JobSpec("x", checkpoint_mode=CheckpointMode.AT_LEAST_ONCE),
            {"execution.checkpointing.mode": "AT_LEAST_ONCE"},
        ),
        (
            JobSpec("x", restart_on_failure=True),
            {
                "restart-strategy.type": "exponential-delay",
                "restart-strategy.exponential-delay.initial-backoff": "1 s",
                "restart-strategy.exponential-delay.max-backoff": "1 min",
            },
        ),
        (
            JobSpec("x", restart_on_failure=True, restart_attempts=3),
            {
                "restart-strategy.type": "failure-rate",
                "restart-strategy.failure-rate.max-failures-per-interval": "3",
                "restart-strategy.failure-rate.failure-rate-interval": "3600000 ms",
                "restart-strategy.failure-rate.delay": "10000 ms",
            },
        ),
        (JobSpec("x", restart_attempts=3), {}),
        (
            JobSpec("x", options={"parallelism.default": "9", "table.sql-dialect": "x"}),
            {"parallelism.default": "9", "table.sql-dialect": "x"},
        ),
        (JobSpec("x", options={"execution.checkpointing.interval": "10000 ms"}), CHECKPOINTS),
        (JobSpec("x", options={"restart-strategy": "fixed-delay"}), {"restart-strategy.type": "fixed-delay"}),
        (
            JobSpec("x", checkpoint_interval=timedelta(seconds=10), options={"state.checkpoints.dir": "file:/c"}),
            CHECKPOINTS,
        ),
        (JobSpec("x", options={"$internal.pipeline.job-id": "cd" * 16, "rest.address": "elsewhere"}), {}),
    ],
)
def test_a_specification_in_flinks_options(spec: JobSpec, more: dict[str, str]) -> None:
    assert options_of(spec) == {**ALWAYS, **more}


def test_a_program_that_asks_for_checkpoints_itself_has_them_where_they_are_looked_for() -> None:
    made = options_of(JobSpec("", program=JarProgram("obs://b/job.jar")))
    assert made["execution.checkpointing.dir"] == ALWAYS["execution.checkpointing.dir"]
    assert made["execution.checkpointing.externalized-checkpoint-retention"] == "RETAIN_ON_CANCELLATION"
    assert "execution.checkpointing.interval" not in made


def test_a_run_that_restores() -> None:
    assert options_of(JobSpec("x"), "s3://b/sp") == {**ALWAYS, "execution.state-recovery.path": "s3://b/sp"}


def test_a_run_that_owns_what_it_restores_says_so() -> None:
    made = flink_options(
        JobSpec("x"), flink_job_id="ab" * 16, name="o", restore="s3://b/sp", checkpoint_dir="s3://c", claims=True
    )
    assert made["execution.state-recovery.claim-mode"] == "CLAIM"


def test_a_run_that_may_leave_state_behind_says_so_where_it_restores() -> None:
    key = "execution.state-recovery.ignore-unclaimed-state"

    def made(restore: str | None, **options: str) -> dict[str, str]:
        spec = JobSpec("x", options=options)
        where = {"restore": restore, "checkpoint_dir": "s3://c", "drops_state": True}
        return flink_options(spec, flink_job_id="ab" * 16, name="o", **where)  # type: ignore[arg-type]

    assert made("s3://b/sp")[key] == "true"
    assert made("s3://b/sp", **{key: "false"})[key] == "true"
    assert key not in made(None)
    old = made(None, **{"execution.savepoint.ignore-unclaimed-state": "true"})
    assert (leaves_state(old), leaves_state({}), leaves_state({key: "no"})) == (True, False, False)


@pytest.mark.parametrize(
    "key",
    [
        "$internal.pipeline.job-id",
        "$internal.anything",
        "rest.address",
        "rest.port",
        "web.port",
        "execution.target",
        "execution.attached",
        "table.dml-sync",
        "execution.state-recovery.path",
        "execution.state-recovery.claim-mode",
        "execution.savepoint.path",
        "high-availability",
        "high-availability.type",
        "jobmanager.rpc.address",
        "taskmanager.numberOfTaskSlots",
        "security.ssl.enabled",
        "client.timeout",
        "execution.checkpointing.dir",
        "state.checkpoints.dir",
        "state.backend.fs.checkpointdir",
        "pipeline.jars",
        "pipeline.classpaths",
        "pipeline.cached-files",
        "python.executable",
        "kubernetes.cluster-id",
        "table.catalog-store.kind",
        "table.catalog-store.file.path",
        "table.resources.download-dir",
        "table.catalog-modification.listeners",
        "execution.job-status-changed-listeners",
        "taskmanager.state.local.root-dirs",
        "metrics.reporters",
        "webster",
        "",
        "two words",
    ],
)
def test_refuses_what_is_not_the_jobs_to_set(key: str) -> None:
    why = check_options({"parallelism.default": "2", key: "x"})
    assert why is not None
    assert repr(key) in why


@pytest.mark.parametrize(
    "key",
    [
        "parallelism.default",
        "pipeline.name",
        "pipeline.max-parallelism",
        "execution.checkpointing.interval",
        "execution.state-recovery.ignore-unclaimed-state",
        "execution.runtime-mode",
        "state.backend.type",
        "table.exec.mini-batch.enabled",
        "restart-strategy",
        "state.backend.rocksdb.memory.managed",
        "state.backend.incremental",
        "table.exec.emit.early-fire.enabled",
        "metrics.latency.interval",
        "pipeline.global-job-parameters",
        "pipeline.global-job-parameters.topic",
        "pipeline.registered-kryo-types",
        "table.exec.iceberg.infer-source-parallelism",
    ],
)
def test_leaves_the_job_its_own_options(key: str) -> None:
    assert check_options({key: "x"}) is None


def test_the_settings_of_the_sql_win_over_the_jobs_options() -> None:
    name, other = "pipeline.max-parallelism", "state.backend.type"
    spec = JobSpec(f"SET '{name}' = '2'; INSERT INTO b SELECT 1;", options={name: "1", other: "3"})
    read, whole = effective(script(spec.sql), spec)
    assert whole.options == {name: "2", other: "3"}
    assert read.inserts == ("INSERT INTO b SELECT 1",)


def test_sql_may_not_set_what_a_job_may_not() -> None:
    with pytest.raises(SqlRefused, match=r"'rest\.address' cannot be set for a job"):
        effective(script("SET 'rest.address' = 'x'; INSERT INTO b SELECT 1;"), JobSpec(""))


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("table.exec.mini-batch.enable", "Did you mean 'table.exec.mini-batch.enabled'?"),
        ("execution.checkpoint.interval", "Did you mean 'execution.checkpointing.interval'?"),
        ("parallelism.defaults", "Did you mean 'parallelism.default'?"),
        ("properties.bootstrap.servers", "WITH"),
        ("x" * 100_000, "x…'"),
        ('"parallelism.default"', "has quotation marks in it, as Flink reads it. Write 'parallelism.default' instead"),
        ("sql-client.execution.result-mode", "the screen of Flink's SQL client"),
    ],
)
def test_an_unknown_option_is_refused_with_the_one_that_was_meant(key: str, says: str) -> None:
    why = check_options({key: "x"})
    assert why is not None
    assert says in why
    assert len(why) < 400


def test_what_a_job_may_not_set_never_reaches_flink() -> None:
    spec = JobSpec("x", options={"table.catalog-store.kind": "file", "unheard.of": "1", "table.sql-dialect": "default"})
    assert set(options_of(spec)) - set(ALWAYS) == {"table.sql-dialect"}
