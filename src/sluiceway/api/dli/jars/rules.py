"""What a Jar job may be, beyond what it has in common with SQL jobs. Pure."""

from dataclasses import replace
from typing import Final

import msgspec

from sluiceway.api.dli.fields import ARGS_BYTES, CLASS_BYTES, FILE_LIMIT, JAR_CHECKPOINT_SECONDS, LIST_LIMIT
from sluiceway.api.dli.jars.wire import CreateJarJob, UpdateJarJob
from sluiceway.api.dli.jobs import notes, rules
from sluiceway.api.dli.jobs.checks import checked, job_desc, job_name, queue_of
from sluiceway.api.dli.jobs.settings import Settings, bucket_of, overlay, settings_of, spec_of
from sluiceway.api.dli.parameters import short_list, text_of
from sluiceway.api.dli.tags import rules as tag_rules
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad, unsupported
from sluiceway.domain.job import IN_CLUSTER, JAR_JOB, JarProgram, Job, JobDraft, JobSpec

# It runs on whole clusters only, which is what DLI calls exclusive. As the cloud reads such a job back.
DEFAULTS: Final = Settings(run_mode="exclusive_cluster", checkpoint_interval=30)
# What somebody may say at any time of a job whose program nobody knows here: it was adopted, and runs from elsewhere.
OF_PROGRAM: Final = frozenset(
    {
        *("entrypoint", "main_class", "entrypoint_args", "dependency_jars", "dependency_files"),
        *("parallel_number", "cu_number", "manager_cu_number", "tm_cus", "tm_slot_num", "runtime_config"),
        *("checkpoint_enabled", "checkpoint_interval", "checkpoint_mode", "restart_when_exception"),
    }
)


def create(body: CreateJarJob) -> JobDraft:
    """The draft that a create asks for."""
    if body.cu_number is None and body.manager_cu_number is not None:
        raise DliError(Code.BOTH_CU)
    settings = _settings(DEFAULTS, body)
    return JobDraft(
        name=job_name(body.name),
        desc=job_desc(body.desc or ""),
        kind=JAR_JOB,
        queue=queue_of(body.queue_name or ""),
        spec=_spec(settings),
        config=msgspec.to_builtins(settings),
        tags=tag_rules.checked(body.tags or ()),
        bucket=bucket_of(settings),
    )


def update(job: Job, body: UpdateJarJob) -> JobDraft:
    """The stored draft with what an update names in its place. Refuses what the job's status forbids."""
    old = job.draft
    if old.kind != JAR_JOB:
        raise DliError(Code.UPDATE_KIND, kind=old.kind, path="sql-jobs")
    before = settings_of(old)
    settings = _settings(before, body)
    # What a job was made with means what it meant then, until somebody writes it anew.
    args = old.spec.program.args if old.spec.program and settings.entrypoint_args == before.entrypoint_args else None
    draft = replace(
        old,
        name=old.name if body.name is None else job_name(body.name),
        desc=old.desc if body.desc is None else job_desc(body.desc),
        queue=queue_of(body.queue_name) if body.queue_name else old.queue,
        spec=_spec(settings, args),
        config=msgspec.to_builtins(settings),
        bucket=bucket_of(settings),
    )
    rules.refuse_in_status(job, draft, frozenset() if old.spec.program and old.spec.program.jar else OF_PROGRAM)
    return draft


def _settings(base: Settings, body: CreateJarJob | UpdateJarJob) -> Settings:
    if body.job_type not in {None, "", JAR_JOB}:
        raise bad("job_type", f"it must be {JAR_JOB}", f"必须为 {JAR_JOB}")
    settings = checked(overlay(base, body), JAR_CHECKPOINT_SECONDS)
    _check_program(settings)
    _check_image(settings)
    return settings


def _spec(settings: Settings, args: tuple[str, ...] | None = None) -> JobSpec:
    program = JarProgram(
        jar=settings.entrypoint or "",
        main_class=settings.main_class or "",
        args=notes.split_arguments(settings.entrypoint_args or "") if args is None else args,
        dependency_jars=tuple(settings.dependency_jars or ()),
        dependency_files=tuple(settings.dependency_files or ()),
    )
    return replace(spec_of(settings, ""), program=program)


def _check_program(settings: Settings) -> None:
    main_class, args = settings.main_class or "", settings.entrypoint_args or ""
    if (size := len(main_class.encode())) > CLASS_BYTES:
        raise DliError(Code.CLASS_TOO_LONG, size=size, limit=CLASS_BYTES)
    if any(letter.isspace() for letter in main_class):
        raise DliError(Code.CLASS_SPACES)
    if (size := len(args.encode())) > ARGS_BYTES:
        raise DliError(Code.ARGS_TOO_LONG, size=size, limit=ARGS_BYTES)
    for field in ("entrypoint", "dependency_jars", "dependency_files"):
        given = getattr(settings, field) or ()
        for name in (given,) if isinstance(given, str) else short_list(field, given, LIST_LIMIT):
            check_file(field, name)
    if (settings.entrypoint or "").startswith(IN_CLUSTER) and (settings.dependency_jars or settings.dependency_files):
        raise bad(
            "entrypoint",
            "a jar that the cluster has is run as it is, without dependency_jars and dependency_files",
            "集群已有的 jar 包按原样运行，不支持 dependency_jars 和 dependency_files",
        )


def check_file(field: str, name: str) -> None:
    """Refuse what cannot be the name of a jar, or of a file."""
    if not text_of(field, name, FILE_LIMIT).strip():
        raise bad(field, "a name in it is empty", "其中的名称不能为空")
    if field != "dependency_files" and not name.lower().endswith(".jar"):
        raise DliError(Code.NOT_A_JAR, field=field, file=name[:100])


def _check_image(settings: Settings) -> None:
    if settings.feature == "custom":
        raise unsupported(
            "This service runs jobs on clusters as they are, without custom images. Use feature basic.",
            "本服务在已有集群上运行作业，不支持自定义镜像。请使用 feature basic。",
        )
    if settings.feature not in {None, "basic"}:
        raise bad("feature", "it must be basic or custom", "必须为 basic 或 custom")
