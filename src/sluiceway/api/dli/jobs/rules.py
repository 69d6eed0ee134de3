"""What a job may look like: checks and defaults, from the body of create or update to a draft of the domain. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, TypeVar

import msgspec
from msgspec.structs import fields, replace

from sluiceway.api.dli.fields import (
    CHECKPOINT_SECONDS,
    CU,
    DESC_LIMIT,
    GROUP_LIMIT,
    LIST_LIMIT,
    MANAGER_CU,
    MIN_CPU,
    MODES,
    NAME_BYTES,
    PARALLELISM,
    QUEUE_LIMIT,
    SQL_LIMIT,
    SQL_TYPES,
    TEXT_LIMIT,
)
from sluiceway.api.dli.jobs import retention, runtime_config
from sluiceway.api.dli.jobs.status import dli_status
from sluiceway.api.dli.jobs.wire import CreateSqlJob, JobConfig, ResourceConfig, ResourceSpec, SqlJob, UpdateSqlJob
from sluiceway.api.dli.tags import rules as tag_rules
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad, unsupported
from sluiceway.domain.admission import EDITABLE, RUNS
from sluiceway.domain.job import JAR_JOB, CheckpointMode, Job, JobDraft, JobSpec, JobStatus
from sluiceway.engines.options import check_options
from sluiceway.settings import RetentionUnit
from sluiceway.storage.files import is_bucket

MIN_MEMORY_GB: Final = 2

DEFAULT_TYPE: Final = "flink_opensource_sql_job"
MODES_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "flink_sql_job": ("shared_cluster", "exclusive_cluster"),
    "flink_opensource_sql_job": ("exclusive_cluster",),
}
CHECKPOINT_MODES: Final[Mapping[int | str, str]] = {
    1: "exactly_once",
    2: "at_least_once",
    "1": "exactly_once",
    "2": "at_least_once",
    "exactly_once": "exactly_once",
    "at_least_once": "at_least_once",
}
RUNTIME_FIELDS: Final = (
    "smn_topic",
    "restart_when_exception",
    "resume_checkpoint",
    "resume_max_num",
    "obs_bucket",
    "checkpoint_path",
)
# An empty text in these says nothing; in any other it clears the field.
EMPTY_IS_ABSENT: Final = frozenset(
    {
        "run_mode",
        "checkpoint_mode",
        "dirty_data_strategy",
        "flink_version",
        "execution_agency_urn",
        "feature",
        "resource_config_version",
        "idle_state_retention_unit",
    }
)
# Go's clients send these empty with every update. Of a job that runs that says nothing, since they cannot be changed.
ALWAYS_SENT: Final = frozenset({"operator_config", "static_estimator_config"})

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z0-9_\-\u3400-\u4dbf\u4e00-\u9fff]+")
_DIRTY = re.compile(r"0|1|2:\S+")
_MEMORY = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?(GB|G|MB|M)", re.IGNORECASE)


class Settings(JobConfig, frozen=True, kw_only=True):
    """All that is stored of a job in DLI's terms: its job_config, and what DLI shows beside it."""

    run_mode: str = "shared_cluster"
    main_class: str | None = None
    entrypoint_args: str | None = None


_SETTINGS: Final = frozenset(field.name for field in fields(Settings))


def create(body: CreateSqlJob, unit: RetentionUnit = "auto") -> JobDraft:
    """The draft that a create asks for. `unit` is what its retention counts, unless the body says that itself."""
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
    """The draft that an update asks for: what it names, over what is stored. Refuses what the job's status forbids."""
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


def settings_of(draft: JobDraft) -> Settings:
    """What is stored of a job in DLI's terms; drawn from what it should do, where another API made it."""
    if "cu_number" in draft.config:
        return msgspec.convert(dict(draft.config), Settings)
    spec = draft.spec
    interval = spec.checkpoint_interval
    return Settings(
        cu_number=min(max(CU[0], 1 - -spec.parallelism // 4), CU[1]),
        parallel_number=spec.parallelism,
        checkpoint_enabled=interval is not None,
        checkpoint_interval=10 if interval is None else max(1, round(interval.total_seconds())),
        checkpoint_mode=str(spec.checkpoint_mode),
        restart_when_exception=spec.restart_on_failure,
        resume_max_num=spec.restart_attempts or -1,
        resume_checkpoint=spec.resume_checkpoint,
        checkpoint_path=spec.checkpoint_path,
        idle_state_retention=round(spec.state_retention.total_seconds()),
        runtime_config=runtime_config.render(dict(spec.options)) if spec.options else None,
    )


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


def refuse_in_status(job: Job, draft: JobDraft) -> None:
    """Refuse what the job's status forbids to change."""
    if job.status in EDITABLE:
        return
    changed = _changes(job.draft, draft)
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
    """The same settings, with one way of saying the same: an empty text or list is none, and what is computed stands
    for what was left to the service.
    """
    empty = {field.name: None for field in fields(settings) if getattr(settings, field.name) in ("", [])}
    unused = {"resource_config": None} if settings.resource_config_version == "v1" else {}
    return replace(settings, **empty | unused, tm_slot_num=slots_of(settings))


def slots_of(settings: Settings) -> int:
    """The slots of a TaskManager: those given, or as many as the CUs beside the JobManager's need."""
    free = max(1, settings.cu_number - settings.manager_cu_number)
    return settings.tm_slot_num or -(-settings.parallel_number * settings.tm_cus // free)


# --- from the body to what is stored --------------------------------------------------------------------------------


def overlay(base: Settings, body: msgspec.Struct, empty_is_absent: frozenset[str] = EMPTY_IS_ABSENT) -> Settings:
    """What is stored, with what a body names in its place."""
    given = {
        field.name: value
        for field in fields(body)
        if field.name in _SETTINGS and (value := getattr(body, field.name)) is not None
        if not (value == "" and field.name in empty_is_absent)
    }
    if (bucket := given.get("obs_bucket")) and not is_bucket(bucket):
        raise DliError(Code.BAD_BUCKET, bucket=bucket[:80])
    if "checkpoint_mode" in given:
        given["checkpoint_mode"] = _checkpoint_mode(given["checkpoint_mode"])
    if "runtime_config" in given:
        given["runtime_config"] = _runtime_config(given["runtime_config"])
    if "resource_config" in given:
        given["resource_config"] = _resource_config(given["resource_config"])
    if given.get("tm_slot_num") == 0:
        given["tm_slot_num"] = None  # Terraform's way of leaving it to the service
    return replace(base, **given)


def _counted(settings: Settings, body: msgspec.Struct, unit: RetentionUnit) -> Settings:
    """The same settings, with what a retention that the body gives counts. An export says that itself."""
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
    """The same settings, without resources in a form that their version does not use."""
    if settings.resource_config_version != "v1":
        return settings
    if body.resource_config is not None:
        raise bad("resource_config", "it needs resource_config_version v2", "需要 resource_config_version 为 v2")
    return replace(settings, resource_config=None)


def _checkpoint_mode(given: int | str) -> str:
    if (mode := CHECKPOINT_MODES.get(given)) is None:
        raise DliError(Code.BAD_CHECKPOINT_MODE)
    return mode


def _runtime_config(text: str) -> str:
    text_of("runtime_config", text)
    options = runtime_config.parse(text)
    if (problem := check_options(options)) is not None:
        raise bad("runtime_config", problem, problem)
    return runtime_config.render(options) if options else ""


def _resource_config(given: ResourceConfig) -> ResourceConfig:
    default = ResourceConfig()
    return ResourceConfig(
        max_slot=given.max_slot or default.max_slot,
        parallel_number=given.parallel_number or default.parallel_number,
        jobmanager_resource_spec=_resource_spec(given.jobmanager_resource_spec or ResourceSpec()),
        taskmanager_resource_spec=_resource_spec(given.taskmanager_resource_spec or ResourceSpec()),
    )


def _resource_spec(given: ResourceSpec) -> ResourceSpec:
    cpu = ResourceSpec().cpu if given.cpu is None else given.cpu
    memory = given.memory or ResourceSpec().memory
    if cpu is None or cpu < MIN_CPU or cpu > CU[1]:
        raise bad("resource_config", f"cpu must be {MIN_CPU} to {CU[1]}", f"cpu 必须为 {MIN_CPU} 到 {CU[1]}")
    if memory is None or _gigabytes(memory) < MIN_MEMORY_GB:
        raise bad(
            "resource_config",
            f"memory must be {MIN_MEMORY_GB} GB or more, for example 4GB",
            f"memory 必须大于等于 {MIN_MEMORY_GB} GB，例如 4GB",
        )
    return ResourceSpec(cpu, memory)


def _gigabytes(memory: str) -> float:
    found = _MEMORY.fullmatch(memory.strip())
    if found is None:
        return 0
    return float(found[1]) / (1 if found[2].upper().startswith("G") else 1024)


def spec_of(settings: Settings, sql: str) -> JobSpec:
    """What of it Flink understands."""
    interval = timedelta(seconds=settings.checkpoint_interval) if settings.checkpoint_enabled else None
    return JobSpec(
        sql=sql,
        parallelism=_parallelism(settings),
        checkpoint_interval=interval,
        checkpoint_mode=CheckpointMode(settings.checkpoint_mode),
        restart_on_failure=settings.restart_when_exception,
        restart_attempts=settings.resume_max_num if settings.resume_max_num > 0 else None,
        state_retention=retention.length(settings.idle_state_retention, settings.idle_state_retention_unit),
        options=runtime_config.parse(settings.runtime_config),
        resume_checkpoint=settings.resume_checkpoint,
        checkpoint_path=settings.checkpoint_path or None,
    )


def bucket_of(settings: Settings) -> str | None:
    """The bucket that a job's state goes to. Older versions kept any text, and looked at none."""
    bucket = settings.obs_bucket
    return bucket if bucket and is_bucket(bucket) else None


def _parallelism(settings: Settings) -> int:
    config = settings.resource_config if settings.resource_config_version == "v2" else None
    return settings.parallel_number if config is None or config.parallel_number is None else config.parallel_number


# --- checks ---------------------------------------------------------------------------------------------------------


def checked(settings: Settings, longest_interval: int = CHECKPOINT_SECONDS[1]) -> Settings:
    """The same settings, if they are good. `longest_interval` is of checkpoints, in seconds."""
    _check_texts(settings)
    _check_resources(settings)
    low = CHECKPOINT_SECONDS[0] if settings.checkpoint_enabled else 0  # DLI's own example sends 0 when it is off
    _within(Code.BAD_CHECKPOINT_INTERVAL, settings.checkpoint_interval, (low, longest_interval))
    retention.check(settings.idle_state_retention, settings.idle_state_retention_unit)
    if not _DIRTY.fullmatch(settings.dirty_data_strategy):
        raise DliError(Code.BAD_DIRTY_DATA)
    if settings.run_mode == "edge_node":
        raise no_edge()
    if settings.run_mode not in MODES:
        raise bad("run_mode", f"it must be one of {', '.join(MODES)}", f"必须为 {'、'.join(MODES)} 之一")
    if settings.resume_max_num != -1 and not 0 < settings.resume_max_num < 2**31:
        raise bad("resume_max_num", "it must be -1 (no limit) or above 0", "必须为 -1（不限制）或大于 0")
    return settings


def _check_resources(settings: Settings) -> None:
    _within(Code.BAD_CU, settings.cu_number, CU)
    _within(Code.BAD_MANAGER_CU, settings.manager_cu_number, MANAGER_CU)
    _within(Code.BAD_PARALLELISM, settings.parallel_number, PARALLELISM)
    _number("tm_cus", settings.tm_cus, (1, CU[1]))
    _number("tm_slot_num", settings.tm_slot_num or 1, PARALLELISM)
    free = settings.cu_number - settings.manager_cu_number
    if free < 1:
        raise DliError(Code.NO_CU_LEFT, manager=settings.manager_cu_number, total=settings.cu_number)
    match settings.resource_config_version, settings.resource_config:
        case "v1", config:
            if settings.parallel_number > 4 * free:
                raise DliError(Code.TOO_PARALLEL, parallel=settings.parallel_number, free=free, limit=4 * free)
            _check_resource_config(config or ResourceConfig())  # of no effect, and shown all the same
        case "v2", config:
            _check_resource_config(config or ResourceConfig())
        case _:
            raise bad("resource_config_version", "it must be v1 or v2", "必须为 v1 或 v2")


def _check_resource_config(config: ResourceConfig) -> None:
    _within(Code.BAD_PARALLELISM, config.parallel_number or 1, PARALLELISM)
    _number("resource_config.max_slot", config.max_slot or 1, PARALLELISM)


def _check_texts(settings: Settings) -> None:
    for field in fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, str):
            text_of(field.name, value)
    for group in short_list("edge_group_ids", settings.edge_group_ids or [], LIST_LIMIT):
        text_of("edge_group_ids", group, GROUP_LIMIT)


def short_list(field: str, items: Sequence[T], limit: int) -> Sequence[T]:
    """The same list, if it is no longer than that."""
    if len(items) > limit:
        raise bad(field, f"it holds more than {limit} items", f"不能超过 {limit} 项")
    return items


def _within(code: Code, value: int, bounds: tuple[int, int]) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise DliError(code, low=bounds[0], high=bounds[1])


def _number(field: str, value: int, bounds: tuple[int, int]) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise bad(field, f"it must be {bounds[0]} to {bounds[1]}", f"必须为 {bounds[0]} 到 {bounds[1]}")


def text_of(field: str, value: str, limit: int = TEXT_LIMIT) -> str:
    """The same text, if it can be stored."""
    if "\0" in value:
        raise bad(field, "it holds a NUL character", "包含 NUL 字符")
    if len(value) > limit:
        raise bad(field, f"it has more than {limit} characters", f"超过 {limit} 个字符")
    return value


def job_name(name: str) -> str:
    """The same name, if a job may have it."""
    size = len(name.encode())
    if not name:
        raise DliError(Code.NAME_EMPTY)
    if not _NAME.fullmatch(name):
        raise DliError(Code.BAD_NAME)
    if size > NAME_BYTES:
        raise DliError(Code.NAME_TOO_LONG, size=size, limit=NAME_BYTES)
    return name


def job_desc(desc: str) -> str:
    """The same description, if a job may have it."""
    if len(desc) > DESC_LIMIT:
        raise DliError(Code.DESC_TOO_LONG, size=len(desc), limit=DESC_LIMIT)
    return text_of("desc", desc)


def queue_of(queue: str) -> str | None:
    """The queue that is named; None for the default one."""
    return text_of("queue_name", queue, QUEUE_LIMIT) or None


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


def no_edge() -> DliError:
    """What all that concerns edge nodes is refused with."""
    return unsupported(
        "This service runs no jobs on edge nodes. Use run_mode shared_cluster or exclusive_cluster.",
        "本服务不支持边缘节点作业。请使用 run_mode shared_cluster 或 exclusive_cluster。",
    )
