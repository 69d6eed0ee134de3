"""What goes over the wire to make and change Jar jobs. `null` is the same as absent, and unknown keys are ignored."""

from msgspec import Struct

from sluiceway.api.dli.wire import ResourceConfig, Tag


class _JarJobFields(Struct, frozen=True, kw_only=True):
    desc: str | None = None
    queue_name: str | None = None
    cu_number: int | None = None
    manager_cu_number: int | None = None
    parallel_number: int | None = None
    checkpoint_enabled: bool | None = None
    checkpoint_mode: int | str | None = None
    checkpoint_interval: int | None = None
    checkpoint_path: str | None = None
    log_enabled: bool | None = None
    obs_bucket: str | None = None
    smn_topic: str | None = None
    main_class: str | None = None
    entrypoint_args: str | None = None
    restart_when_exception: bool | None = None
    entrypoint: str | None = None
    dependency_jars: list[str] | None = None
    dependency_files: list[str] | None = None
    tm_cus: int | None = None
    tm_slot_num: int | None = None
    feature: str | None = None
    flink_version: str | None = None
    image: str | None = None
    resume_checkpoint: bool | None = None
    resume_max_num: int | None = None
    runtime_config: str | None = None
    flink_log_config: str | None = None
    execution_agency_urn: str | None = None
    resource_config_version: str | None = None
    resource_config: ResourceConfig | None = None
    job_type: str | None = None


class CreateJarJob(_JarJobFields, frozen=True, kw_only=True):
    """A new Jar job."""

    name: str
    tags: list[Tag] | None = None


class UpdateJarJob(_JarJobFields, frozen=True, kw_only=True):
    """What to change of a Jar job; what is absent stays."""

    name: str | None = None


JarJob = CreateJarJob | UpdateJarJob
