"""What the settings of a job of any kind may be. Pure."""

import re

from msgspec.structs import fields

from sluiceway.api.dli.fields import (
    CHECKPOINT_SECONDS,
    CU,
    DESC_LIMIT,
    GROUP_LIMIT,
    LIST_LIMIT,
    MANAGER_CU,
    MODES,
    NAME_BYTES,
    PARALLELISM,
    QUEUE_LIMIT,
)
from sluiceway.api.dli.jobs import retention
from sluiceway.api.dli.jobs.settings import Settings
from sluiceway.api.dli.jobs.wire import ResourceConfig
from sluiceway.api.dli.parameters import short_list, text_of
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad, unsupported

_NAME = re.compile(r"[A-Za-z0-9_\-\u3400-\u4dbf\u4e00-\u9fff]+")
_DIRTY = re.compile(r"0|1|2:\S+")


def checked(settings: Settings, longest_interval: int = CHECKPOINT_SECONDS[1]) -> Settings:
    """The same settings, if they are good. `longest_interval` of checkpoints is in seconds. Raises `DliError`."""
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


def _within(code: Code, value: int, bounds: tuple[int, int]) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise DliError(code, low=bounds[0], high=bounds[1])


def _number(field: str, value: int, bounds: tuple[int, int]) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise bad(field, f"it must be {bounds[0]} to {bounds[1]}", f"必须为 {bounds[0]} 到 {bounds[1]}")


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
    """The queue that a body names; None for the default one."""
    return text_of("queue_name", queue, QUEUE_LIMIT) or None


def no_edge() -> DliError:
    """Refuses what concerns edge nodes."""
    return unsupported(
        "This service runs no jobs on edge nodes. Use run_mode shared_cluster or exclusive_cluster.",
        "本服务不支持边缘节点作业。请使用 run_mode shared_cluster 或 exclusive_cluster。",
    )
