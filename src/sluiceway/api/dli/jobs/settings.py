"""The settings of a job as DLI names them: how a body changes them, and what Flink makes of them. Pure."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec
from msgspec.structs import fields, replace

from sluiceway.api.dli.fields import CU, MIN_CPU
from sluiceway.api.dli.jobs import retention, runtime_config
from sluiceway.api.dli.jobs.wire import JobConfig, ResourceConfig, ResourceSpec
from sluiceway.api.dli.parameters import text_of
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad
from sluiceway.domain.job import CheckpointMode, JobDraft, JobSpec
from sluiceway.engines.planning.options import check_options
from sluiceway.storage.files import is_bucket

MIN_MEMORY_GB: Final = 2
CHECKPOINT_MODES: Final[Mapping[int | str, str]] = {
    1: "exactly_once",
    2: "at_least_once",
    "1": "exactly_once",
    "2": "at_least_once",
    "exactly_once": "exactly_once",
    "at_least_once": "at_least_once",
}
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
_MEMORY = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?(GB|G|MB|M)", re.IGNORECASE)


class Settings(JobConfig, frozen=True, kw_only=True):
    """All that is stored of a job in DLI's terms: its job_config, and what DLI shows beside it."""

    run_mode: str = "shared_cluster"
    main_class: str | None = None
    entrypoint_args: str | None = None


_SETTINGS: Final = frozenset(field.name for field in fields(Settings))


def settings_of(draft: JobDraft) -> Settings:
    """The stored settings of a job, or those that say the same as its spec where another API made it."""
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


def slots_of(settings: Settings) -> int:
    """The slots of a TaskManager: those given, or as many as the CUs beside the JobManager's need."""
    free = max(1, settings.cu_number - settings.manager_cu_number)
    return settings.tm_slot_num or -(-settings.parallel_number * settings.tm_cus // free)


def overlay(base: Settings, body: msgspec.Struct, empty_is_absent: frozenset[str] = EMPTY_IS_ABSENT) -> Settings:
    """The stored settings with what a body names in their place. Raises `DliError`."""
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
    """The settings as Flink understands them."""
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
