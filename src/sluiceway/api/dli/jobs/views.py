"""Jobs in DLI's words. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from sluiceway.api.dli.answers import millis
from sluiceway.api.dli.jobs import notes, retention, wire
from sluiceway.api.dli.jobs.settings import Settings, settings_of, slots_of
from sluiceway.api.dli.jobs.status import dli_status
from sluiceway.api.errors.language import Language, Text
from sluiceway.domain.job import JAR_JOB, Job, JobLine

CREATED: Final = Text("The job is created. Start it with run.", "作业已创建。请调用启动接口运行。")
UPDATED: Final = Text("The job is updated.", "作业已更新。")

_JAR_MEMORY: Final = "4G"  # of each Flink process of a Jar job


def created(job: Job, language: Language, asked: Any = None, more: Sequence[str] = ()) -> wire.Created:
    """The answer to a create. It has notes on the fields of the request, `asked`, and says `more` behind them."""
    return wire.Created(
        _with_notes(CREATED, job, language, asked, more), wire.JobStatusView(job.id, dli_status(job.status), job.why)
    )


def updated(job: Job, language: Language, asked: Any = None, more: Sequence[str] = ()) -> wire.Updated:
    """The answer to an update. It has notes on the fields of the request, `asked`, and says `more` behind them."""
    return wire.Updated(_with_notes(UPDATED, job, language, asked, more), wire.UpdateTime(millis(job.updated_at)))


def _with_notes(text: Text, job: Job, language: Language, asked: Any, more: Sequence[str]) -> str:
    said = [text.in_(language)]
    if (named := getattr(asked, "idle_state_retention", None)) is not None:
        said.append(retention.told(named, settings_of(job.draft).idle_state_retention_unit, language))
    return " ".join([*said, *notes.of(asked, language), *more])


def item(job: JobLine, now: datetime) -> wire.JobItem:
    """A job in a list."""
    return wire.JobItem(
        job_id=job.id,
        name=job.name,
        desc=job.desc,
        user_name=job.user,
        username=job.user,
        job_type=job.kind,
        status=dli_status(job.status),
        status_desc=job.why,
        create_time=millis(job.created_at),
        start_time=0 if job.started_at is None else millis(job.started_at),
        duration=_duration(job, now),
        has_savepoint=job.savepoint_path is not None,
    )


def detail(job: Job, now: datetime) -> wire.JobDetail:
    """A job with everything about it."""
    settings = settings_of(job.draft)
    config = _job_config(settings, job.draft.kind)
    short = msgspec.structs.asdict(item(job.line, now))
    return wire.JobDetail(
        **short | {"start_time": None if job.started_at is None else millis(job.started_at)},
        update_time=millis(job.updated_at),
        user_id=job.user,
        queue_name=job.draft.queue,
        project_id=job.project,
        sql_body=job.draft.spec.sql,
        run_mode=settings.run_mode,
        main_class=settings.main_class,
        entrypoint_args=settings.entrypoint_args,
        savepoint_path=job.savepoint_path,
        edge_group_ids=config.edge_group_ids,
        feature=config.feature,
        flink_version=config.flink_version,
        image=config.image,
        job_config=config,
    )


def _duration(job: JobLine, now: datetime) -> int:
    if job.started_at is None:
        return 0
    return max(0, millis(job.ended_at or now) - millis(job.started_at))


def _job_config(settings: Settings, kind: str) -> wire.JobConfig:
    shown = msgspec.structs.asdict(settings)
    fields = {name: shown[name] for name in wire.JobConfig.__struct_fields__}
    resources = _jar_resources(settings) if kind == JAR_JOB else settings.resource_config
    return wire.JobConfig(**fields | {"tm_slot_num": slots_of(settings), "resource_config": resources})


def _jar_resources(settings: Settings) -> wire.ResourceConfig:
    """The resources of a Jar job. In the first form (v1) they have no effect, and are shown all the same: clients keep
    what they read, and send it back with an update.
    """
    if settings.resource_config is not None:
        return settings.resource_config
    spec = wire.ResourceSpec(memory=_JAR_MEMORY)
    return wire.ResourceConfig(1, settings.parallel_number, spec, spec)
