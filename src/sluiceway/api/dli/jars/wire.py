"""The wire form of Jar jobs. `null` is the same as absent; unknown keys are ignored."""

from msgspec import Struct

from sluiceway.api.dli.fields import (
    Arguments,
    Attempts,
    Bucket,
    CheckpointModeIn,
    ConfigVersion,
    Cu,
    Desc,
    Feature,
    Files,
    Jar,
    JarInterval,
    Jars,
    JarType,
    JobName,
    MainClass,
    ManagerCu,
    MaybeJobName,
    Parallelism,
    Queue,
    Slots,
    TaskManagerCu,
    Text,
)
from sluiceway.api.dli.jobs.wire import ResourceConfig
from sluiceway.api.dli.tags.wire import Tags


class _JarJobFields(Struct, frozen=True, kw_only=True):
    desc: Desc = None
    queue_name: Queue = None
    cu_number: Cu = None
    manager_cu_number: ManagerCu = None
    parallel_number: Parallelism = None
    checkpoint_enabled: bool | None = None
    checkpoint_mode: CheckpointModeIn = None
    checkpoint_interval: JarInterval = None
    checkpoint_path: Text = None
    log_enabled: bool | None = None
    obs_bucket: Bucket = None
    smn_topic: Text = None
    main_class: MainClass = None
    entrypoint_args: Arguments = None
    restart_when_exception: bool | None = None
    entrypoint: Jar = None
    dependency_jars: Jars = None
    dependency_files: Files = None
    tm_cus: TaskManagerCu = None
    tm_slot_num: Slots = None
    feature: Feature = None
    flink_version: Text = None
    image: Text = None
    resume_checkpoint: bool | None = None
    resume_max_num: Attempts = None
    runtime_config: Text = None
    flink_log_config: Text = None
    execution_agency_urn: Text = None
    resource_config_version: ConfigVersion = None
    resource_config: ResourceConfig | None = None
    job_type: JarType = None


class CreateJarJob(_JarJobFields, frozen=True, kw_only=True):
    """A new Jar job."""

    name: JobName
    tags: Tags = None


class UpdateJarJob(_JarJobFields, frozen=True, kw_only=True):
    """What to change of a Jar job; what is absent stays."""

    name: MaybeJobName = None
