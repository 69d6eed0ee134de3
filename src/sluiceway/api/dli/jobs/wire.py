"""The wire form of jobs, field for field. `null` is the same as absent; unknown keys are ignored."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from msgspec import UNSET, Struct, UnsetType

from sluiceway.api.dli.answers import Success
from sluiceway.api.dli.fields import (
    Attempts,
    Bucket,
    CheckpointModeIn,
    ConfigVersion,
    Cpu,
    Cu,
    Desc,
    DirtyData,
    EdgeGroups,
    IdIn,
    Interval,
    JobName,
    ManagerCu,
    MaybeId,
    MaybeJobName,
    Memory,
    Parallelism,
    Queue,
    Retention,
    RunMode,
    Slots,
    Sql,
    SqlType,
    TaskManagerCu,
    Text,
    of_ids,
)
from sluiceway.api.dli.tags.wire import Tags
from sluiceway.settings import MAX_JOB_IDS

JobIds = Annotated[
    list[IdIn],
    of_ids(MAX_JOB_IDS, description=f"1 to {MAX_JOB_IDS} job ids. Texts that are numbers are taken too."),
]


# --- requests -------------------------------------------------------------------------------------------------------


class StopRequest(Struct, frozen=True):
    """Which jobs to stop."""

    job_ids: JobIds
    trigger_savepoint: bool | None = None


class RunRequest(Struct, frozen=True):
    """Which jobs to start."""

    job_ids: JobIds
    resume_savepoint: bool | None = None


class DeleteRequest(Struct, frozen=True):
    """Which jobs to delete."""

    job_ids: JobIds


class ResourceSpec(Struct, frozen=True):
    """What one Flink process gets."""

    cpu: Cpu = 1.0
    memory: Memory = "4GB"


class ResourceConfig(Struct, frozen=True):
    """Resources in the form of `resource_config_version` v2."""

    max_slot: Slots = 1
    parallel_number: Slots = 1
    jobmanager_resource_spec: ResourceSpec | None = None
    taskmanager_resource_spec: ResourceSpec | None = None


class _SqlJobFields(Struct, frozen=True, kw_only=True):
    desc: Desc = None
    queue_name: Queue = None
    sql_body: Sql = None
    run_mode: RunMode = None
    cu_number: Cu = None
    parallel_number: Parallelism = None
    checkpoint_enabled: bool | None = None
    checkpoint_mode: CheckpointModeIn = None
    checkpoint_interval: Interval = None
    checkpoint_path: Text = None
    obs_bucket: Bucket = None
    log_enabled: bool | None = None
    smn_topic: Text = None
    restart_when_exception: bool | None = None
    idle_state_retention: Retention = None
    idle_state_retention_unit: Text = None  # ours: what it counts, seconds or hours
    edge_group_ids: EdgeGroups = None
    dirty_data_strategy: DirtyData = None
    udf_jar_url: Text = None
    manager_cu_number: ManagerCu = None
    tm_cus: TaskManagerCu = None
    tm_slot_num: Slots = None
    resume_checkpoint: bool | None = None
    resume_max_num: Attempts = None
    runtime_config: Text = None
    flink_log_config: Text = None
    flink_version: Text = None
    execution_agency_urn: Text = None
    resource_config_version: ConfigVersion = None
    resource_config: ResourceConfig | None = None


class CreateSqlJob(_SqlJobFields, frozen=True, kw_only=True):
    """A new SQL job."""

    name: JobName
    template_id: MaybeId = None
    job_type: SqlType = None
    tags: Tags = None


class UpdateSqlJob(_SqlJobFields, frozen=True, kw_only=True):
    """What to change of a SQL job; what is absent stays."""

    name: MaybeJobName = None
    operator_config: Text = None
    static_estimator_config: Text = None


SqlJob = CreateSqlJob | UpdateSqlJob


# --- answers --------------------------------------------------------------------------------------------------------


class Outcome(Struct, frozen=True):
    """The outcome of one position of a batch."""

    is_success: Success
    message: str
    error_code: str | UnsetType = UNSET  # only of a refused position
    # Ours, of a start that resumes: the state that it begins from.
    restore_path: str | UnsetType = UNSET
    restore_kind: str | UnsetType = UNSET  # savepoint or checkpoint
    restore_age_seconds: int | UnsetType = UNSET


class JobStatusView(Struct, frozen=True):
    """A job just created."""

    job_id: int
    status_name: str
    status_desc: str


class Created(Struct, frozen=True):
    """Answer to create."""

    message: str
    job: JobStatusView
    is_success: Literal["true"] = "true"


class UpdateTime(Struct, frozen=True):
    """When a job was changed, in epoch milliseconds."""

    update_time: int


class Updated(Struct, frozen=True):
    """Answer to update."""

    message: str
    job: UpdateTime
    is_success: Literal["true"] = "true"


class JobConfig(Struct, frozen=True, kw_only=True):
    """How a job is configured, with DLI's defaults. Fields that a SQL job never has are null."""

    checkpoint_enabled: bool = False
    checkpoint_mode: str = "exactly_once"
    checkpoint_interval: int = 10
    checkpoint_path: str | None = None
    log_enabled: bool = False
    obs_bucket: str | None = None
    smn_topic: str | None = None
    edge_group_ids: list[str] | None = None
    root_id: int = -1
    manager_cu_number: int = 1
    cu_number: int = 2
    parallel_number: int = 1
    restart_when_exception: bool = False
    resume_checkpoint: bool = False
    resume_max_num: int = -1
    idle_state_retention: int = 3600
    idle_state_retention_unit: str = "seconds"  # ours: what it counts
    udf_jar_url: str | None = None
    dirty_data_strategy: str = "0"
    entrypoint: str | None = None
    dependency_jars: list[str] | None = None
    dependency_files: list[str] | None = None
    executor_number: int | None = None
    executor_cu_number: int | None = None
    execution_agency_urn: str | None = None
    runtime_config: str | None = None
    flink_log_config: str | None = None
    graph_editor_enabled: bool = False
    graph_editor_data: str | None = None
    config_url: str | None = None
    tm_cus: int = 1
    tm_slot_num: int | None = None
    image: str | None = None
    feature: str | None = None
    flink_version: str | None = None
    operator_config: str | None = None
    static_estimator_config: str | None = None
    real_cu_number: int = 0
    resource_config: ResourceConfig | None = None
    resource_config_version: str = "v1"
    auto_scaling_enable: bool | None = None
    auto_scaling_interval: int | None = None
    max_parallelism: int | None = None


class JobItem(Struct, frozen=True, kw_only=True):
    """A job in a list. Times are epoch milliseconds; `start_time` 0 means never."""

    job_id: int
    name: str
    desc: str
    user_name: str
    username: str
    job_type: str
    status: str
    status_desc: str
    create_time: int
    start_time: int | None
    duration: int
    root_id: int = -1
    graph_editor_enabled: bool = False
    has_savepoint: bool


class JobDetail(JobItem, frozen=True, kw_only=True):
    """A job with everything about it. `start_time` is null before the first start."""

    update_time: int
    user_id: str
    queue_name: str | None
    project_id: str
    sql_body: str
    run_mode: str
    main_class: str | None = None
    entrypoint_args: str | None = None
    execution_graph: str | None = None
    savepoint_path: str | None
    restart_times: int | None = None
    edge_group_ids: list[str] | None
    feature: str | None
    flink_version: str | None
    image: str | None
    job_config: JobConfig


class Shown(Struct, frozen=True):
    """Answer to show."""

    job_detail: JobDetail
    is_success: Literal["true"] = "true"
    message: str = ""


class JobList(Struct, frozen=True):
    """One page of jobs; the count is of all that match."""

    total_count: int
    jobs: Sequence[JobItem]


class Listed(Struct, frozen=True):
    """Answer to list."""

    job_list: JobList
    is_success: Literal["true"] = "true"
    message: str = ""


class JobDetailList(Struct, frozen=True):
    """One page of jobs with everything about them."""

    total_count: int
    jobs: Sequence[JobDetail]


class ListedInDetail(Struct, frozen=True):
    """Answer to list with `show_detail`."""

    job_list: JobDetailList
    is_success: Literal["true"] = "true"
    message: str = ""


class Graph(Struct, frozen=True):
    """Answer to execute-graph: Flink's own description of the job."""

    execute_graph: Mapping[str, object]
    is_success: Literal["true"] = "true"
    message: str = ""
