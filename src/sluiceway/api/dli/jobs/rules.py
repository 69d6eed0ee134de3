"""What a SQL job may be: turns the body of create or update into a draft of the domain. Pure."""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec.structs import fields, replace

from sluiceway.api.dli.fields import SQL_LIMIT, SQL_TYPES
from sluiceway.api.dli.jobs import retention
from sluiceway.api.dli.jobs.checks import checked, job_desc, job_name, no_edge, queue_of
from sluiceway.api.dli.jobs.settings import (
    EMPTY_IS_ABSENT,
    Settings,
    bucket_of,
    overlay,
    settings_of,
    slots_of,
    spec_of,
)
from sluiceway.api.dli.jobs.status import dli_status
from sluiceway.api.dli.jobs.wire import CreateSqlJob, SqlJob, UpdateSqlJob
from sluiceway.api.dli.parameters import text_of
from sluiceway.api.dli.tags import rules as tag_rules
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad
from sluiceway.domain.admission import EDITABLE, RUNS
from sluiceway.domain.job import JAR_JOB, Job, JobDraft, JobStatus
from sluiceway.settings import RetentionUnit

DEFAULT_TYPE: Final = "flink_opensource_sql_job"
MODES_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "flink_sql_job": ("shared_cluster", "exclusive_cluster"),
    "flink_opensource_sql_job": ("exclusive_cluster",),
}
RUNTIME_FIELDS: Final = (
    "smn_topic",
    "restart_when_exception",
    "resume_checkpoint",
    "resume_max_num",
    "obs_bucket",
    "checkpoint_path",
)
# Go's clients send these empty with every update. Of a job that runs that says nothing, since they cannot be changed.
ALWAYS_SENT: Final = frozenset({"operator_config", "static_estimator_config"})


def create(body: CreateSqlJob, unit: RetentionUnit = "auto") -> JobDraft:
    """The draft that a create asks for. `unit` is that of its retention, unless the body names one."""
    kept, counted = retention.default(unit)
    base = Settings(idle_state_retention=kept, idle_state_retention_unit=counted)
    settings = checked(_in_one_form(_counted(overlay(base, body), body, unit), body))
    return JobDraft(
        name=job_name(body.name),
        desc=job_desc(body.desc or ""),
        kind=_kind(body),
        queue=queue_of(body.queue_name or ""),
        spec=spec_of(settings, _sql(body)),
        config=msgspec.to_builtins(settings),
        tags=tag_rules.checked(body.tags or ()),
        bucket=bucket_of(settings),
    )


def update(job: Job, body: UpdateSqlJob, unit: RetentionUnit = "auto") -> JobDraft:
    """The stored draft with what an update names in its place. Refuses what the job's status forbids."""
    old = job.draft
    if old.kind == JAR_JOB:
        raise DliError(Code.UPDATE_KIND, kind=old.kind, path="flink-jobs")
    before, at_rest = settings_of(old), job.status in EDITABLE
    after = overlay(before, body, EMPTY_IS_ABSENT if at_rest else EMPTY_IS_ABSENT | ALWAYS_SENT)
    if at_rest or after.idle_state_retention != before.idle_state_retention:
        after = _counted(after, body, unit)
    settings = checked(_in_one_form(after, body))
    draft = JobDraft(
        name=old.name if body.name is None else job_name(body.name),
        desc=old.desc if body.desc is None else job_desc(body.desc),
        kind=old.kind,
        queue=queue_of(body.queue_name) if body.queue_name else old.queue,
        spec=spec_of(settings, old.spec.sql if body.sql_body is None else _sql(body)),
        config=msgspec.to_builtins(settings),
        tags=old.tags,
        bucket=bucket_of(settings),
    )
    refuse_in_status(job, draft)
    return draft


def refuse_update(status: JobStatus, changed: list[str]) -> DliError:
    """Why a job in this status cannot be changed like that."""
    if status in RUNS | {JobStatus.SUBMITTING}:
        return DliError(
            Code.UPDATE_RUNNING,
            status=dli_status(status),
            fields=", ".join(changed) or "-",
            allowed=", ".join(RUNTIME_FIELDS),
        )
    return DliError(Code.UPDATE_STATE, status=dli_status(status))


def refuse_in_status(job: Job, draft: JobDraft, free: frozenset[str] = frozenset()) -> None:
    """Refuse what the job's status forbids to change; `free` fields are not used yet, and may change in any."""
    if job.status in EDITABLE:
        return
    changed = [name for name in _changes(job.draft, draft) if name not in free]
    if free and not changed:
        return
    if job.status not in RUNS or set(changed) - set(RUNTIME_FIELDS):
        raise refuse_update(job.status, [name for name in changed if name not in RUNTIME_FIELDS])


def _changes(old: JobDraft, new: JobDraft) -> list[str]:
    """What differs, by the names that DLI gives it. Naming a value that is stored, or shown, changes nothing."""
    before, after = _effective(settings_of(old)), _effective(settings_of(new))
    beside = {
        "name": old.name != new.name,
        "desc": old.desc != new.desc,
        "queue_name": old.queue != new.queue,
        "sql_body": old.spec.sql != new.spec.sql,
    }
    within = (field.name for field in fields(Settings) if getattr(before, field.name) != getattr(after, field.name))
    return [name for name, differs in beside.items() if differs] + list(within)


def _effective(settings: Settings) -> Settings:
    """The same settings in one form: none in place of an empty text or list, and the computed value in place of one
    that the service chooses.
    """
    empty = {field.name: None for field in fields(settings) if getattr(settings, field.name) in ("", [])}
    unused = {"resource_config": None} if settings.resource_config_version == "v1" else {}
    return replace(settings, **empty | unused, tm_slot_num=slots_of(settings))


def _counted(settings: Settings, body: msgspec.Struct, unit: RetentionUnit) -> Settings:
    """The same settings, with the unit of the retention that the body gives. An export names it itself."""
    value, unit_given = (getattr(body, f"idle_state_retention{part}", None) for part in ("", "_unit"))
    if unit_given:
        _check_unit(unit_given, value)
        return settings
    if value is None:
        return settings
    return replace(settings, idle_state_retention_unit=retention.unit_of(settings.idle_state_retention, unit))


def _check_unit(given: str, value: int | None) -> None:
    if given not in retention.UNITS:
        units = sorted(retention.UNITS)
        raise bad("idle_state_retention_unit", f"it must be {' or '.join(units)}", f"必须为 {' 或 '.join(units)}")
    if value is None:
        # Alone it would make another length of a value that somebody else has given.
        raise bad("idle_state_retention_unit", "it goes with idle_state_retention", "需要同时填写 idle_state_retention")


def _in_one_form(settings: Settings, body: SqlJob) -> Settings:
    """The same settings, without resources that their version does not use."""
    if settings.resource_config_version != "v1":
        return settings
    if body.resource_config is not None:
        raise bad("resource_config", "it needs resource_config_version v2", "需要 resource_config_version 为 v2")
    return replace(settings, resource_config=None)


def _sql(body: SqlJob) -> str:
    sql = body.sql_body or ""
    if len(sql) > SQL_LIMIT:
        raise DliError(Code.SQL_TOO_LONG, size=len(sql), limit=SQL_LIMIT)
    return text_of("sql_body", sql, SQL_LIMIT)


def _kind(body: CreateSqlJob) -> str:
    kind = body.job_type or DEFAULT_TYPE
    if kind == "flink_sql_edge_job":
        raise no_edge()
    if kind not in SQL_TYPES:
        raise bad("job_type", f"it must be one of {', '.join(SQL_TYPES)}", f"必须为 {'、'.join(SQL_TYPES)} 之一")
    if body.job_type and body.run_mode and body.run_mode not in MODES_OF[kind]:
        raise DliError(Code.TYPE_AND_MODE, job_type=kind, run_mode=body.run_mode, fitting=", ".join(MODES_OF[kind]))
    return kind
