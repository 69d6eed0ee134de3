"""Random jobs, as the bodies of DLI's create and update say them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from sluiceway.api.dli.decoding import decode
from sluiceway.api.dli.fields import SQL_TYPES
from sluiceway.api.dli.jars import rules as jar_rules
from sluiceway.api.dli.jars.wire import CreateJarJob, UpdateJarJob
from sluiceway.api.dli.jobs import rules
from sluiceway.api.dli.jobs.wire import CreateSqlJob, UpdateSqlJob
from sluiceway.api.errors.dli_error import DliError
from sluiceway.domain.job import JAR_JOB, Job, JobDraft, JobStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)
QUEUE = "q"

Body = dict[str, Any]
Fields = Mapping[str, st.SearchStrategy[Any]]

names = st.from_regex(r"[A-Za-z0-9_\-一-亿]{1,19}", fullmatch=True)
text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
word = st.from_regex(r"[A-Za-z0-9.$é]{0,20}", fullmatch=True)
files = st.from_regex(r"(obs://bucket/|group/)?[a-zé]{1,9}", fullmatch=True)
jars = files.map(lambda file: f"{file}.jar")
spec = st.fixed_dictionaries({"cpu": st.floats(0.5, 100), "memory": st.sampled_from(["2GB", "4096 MB", "8G"])})
resources = st.fixed_dictionaries(
    {},
    optional={"max_slot": st.integers(1, 9), "parallel_number": st.integers(1, 9), "taskmanager_resource_spec": spec},
)
tags = st.dictionaries(st.from_regex(r"[a-z.:@一-亿]{1,9}", fullmatch=True), st.sampled_from(["", "v", "a=b"]))

SHARED: Fields = {
    "desc": text,
    "queue_name": st.sampled_from(["", QUEUE]),
    "parallel_number": st.integers(1, 8),
    "tm_cus": st.integers(1, 9),
    "tm_slot_num": st.integers(0, 9),
    "checkpoint_enabled": st.booleans(),
    "checkpoint_mode": st.sampled_from([1, 2, "at_least_once", ""]),
    "checkpoint_interval": st.integers(1, 1000),
    "checkpoint_path": text,
    "obs_bucket": st.sampled_from(["", "bucket", "other-bucket"]),
    "log_enabled": st.booleans(),
    "smn_topic": text,
    "restart_when_exception": st.booleans(),
    "resume_checkpoint": st.booleans(),
    "resume_max_num": st.sampled_from([-1, 1, 7]),
    "runtime_config": st.sampled_from(
        [
            "",
            "pipeline.max-parallelism=1\nstate.backend.type=x y",
            '{"table.sql-dialect":true}',
            '[{"key":"table.sql-dialect","value":"é"}]',
        ]
    ),
    "flink_log_config": text,
    "flink_version": text,
    "execution_agency_urn": text,
}
OF_SQL: Fields = {
    **SHARED,
    "sql_body": text,
    "run_mode": st.sampled_from(["shared_cluster", "exclusive_cluster", ""]),
    "idle_state_retention": st.integers(0, 10_000),
    "edge_group_ids": st.lists(text, max_size=2),
    "dirty_data_strategy": st.sampled_from(["0", "1", "2:dir", ""]),
    "udf_jar_url": text,
}
OF_JAR: Fields = {
    **SHARED,
    "main_class": word,
    "entrypoint_args": text,
    "entrypoint": st.one_of(jars, st.just("")),
    "dependency_jars": st.lists(jars, max_size=3),
    "dependency_files": st.lists(files, max_size=3),
    "feature": st.sampled_from(["", "basic"]),
    "image": text,
    "job_type": st.just(JAR_JOB),
}
CU: Fields = {"cu_number": st.integers(6, 400), "manager_cu_number": st.integers(1, 4)}
V2: Fields = {"resource_config_version": st.just("v2"), "resource_config": resources}


def _all_or_none(together: Fields) -> st.SearchStrategy[Body]:
    return st.one_of(st.just({}), st.fixed_dictionaries(dict(together)))


def _bodies(some: Fields, required: Fields = {}) -> st.SearchStrategy[Body]:  # noqa: B006 - it is only read
    parts = st.fixed_dictionaries(dict(required), optional=dict(some)), _all_or_none(CU), _all_or_none(V2)
    return st.tuples(*parts).map(lambda found: found[0] | found[1] | found[2])


_new: Fields = {"name": names}
_tagged: Fields = {"tags": tags.map(lambda given: [{"key": key, "value": value} for key, value in given.items()])}
sql_bodies = _bodies({**OF_SQL, **_tagged, "job_type": st.sampled_from(SQL_TYPES)}, _new)
jar_bodies = _bodies({**OF_JAR, **_tagged}, _new)
sql_updates = _bodies({**OF_SQL, "operator_config": text, "static_estimator_config": text})
jar_updates = _bodies(OF_JAR)


def sql_job(body: Body, change: Body | None = None) -> Job:
    """The job that comes of a creation and an update. Raises `DliError` where the rules refuse one of them."""
    job = _job(rules.create(decode(json.dumps(body).encode(), CreateSqlJob)))
    return replace(job, draft=rules.update(job, decode(json.dumps(change or {}).encode(), UpdateSqlJob)))


def jar_job(body: Body, change: Body | None = None) -> Job:
    """The same of a Jar job."""
    job = _job(jar_rules.create(decode(json.dumps(body).encode(), CreateJarJob)))
    return replace(job, draft=jar_rules.update(job, decode(json.dumps(change or {}).encode(), UpdateJarJob)))


def _job(draft: JobDraft) -> Job:
    return Job(7, "p", draft, JobStatus.DRAFT, "", "local", NOW, NOW)


def _allowed(make: Any, body: Body, change: Body) -> Job | None:
    try:
        return make(body, change)  # type: ignore[no-any-return]
    except DliError:
        return None  # job_type and run_mode may not fit, and arguments be too long


def _jobs(make: Any, bodies: st.SearchStrategy[Body], updates: st.SearchStrategy[Body]) -> st.SearchStrategy[Job]:
    made = st.tuples(bodies, updates).map(lambda given: _allowed(make, *given))
    return made.filter(lambda job: job is not None)  # type: ignore[return-value]


jobs = st.one_of(_jobs(sql_job, sql_bodies, sql_updates), _jobs(jar_job, jar_bodies, jar_updates))
