"""The codes of the native API, and the HTTP status that each comes with."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

ALREADY_STOPPED: Final = "already_stopped"  # of a single job, which is accepted


class Code(StrEnum):
    """Why a request was refused. Why a job of a request was is a `Refusal`."""

    BAD_REQUEST = "bad_request"
    FORBIDDEN = "APIGW.0302"  # as the gate before all routes says it
    UNKNOWN_JOB = "unknown_job"
    UNKNOWN_STOP = "unknown_stop"
    UNKNOWN_RESUME = "unknown_resume"
    UNKNOWN_MOVE = "unknown_move"
    NOT_RESUMED = "not_resumed"
    UNKNOWN_QUEUE = "unknown_queue"
    UNKNOWN_CLUSTER = "unknown_cluster"
    CLUSTER_EXISTS = "cluster_exists"
    CLUSTER_ELSEWHERE = "cluster_registered_elsewhere"
    CLUSTER_CHANGED = "cluster_changed"
    CLUSTER_IN_USE = "cluster_in_use"
    SECRETS_UNUSABLE = "secrets_unusable"
    UNKNOWN_SAVEPOINT = "unknown_savepoint"
    UNKNOWN_RESOURCE = "unknown_resource"
    UNKNOWN_PLAN = "unknown_plan"
    PLAN_OUTDATED = "plan_outdated"
    UNUSABLE_PATH = "unusable_path"
    NO_WHOLE_SAVEPOINT = "no_whole_savepoint"
    SAVEPOINT_TOO_LARGE = "savepoint_too_large"
    ANOTHER_JOBS = "savepoint_of_another_job"
    JOB_MAY_RUN = "job_may_run"
    SAVEPOINT_NEEDED = "savepoint_needed"
    SAVEPOINT_REMOVED = "savepoint_removed"
    SAVEPOINT_UNREMOVABLE = "savepoint_unremovable"
    TOO_LARGE = "too_large"
    KEY_REUSED = "idempotency_key_reused"
    STORAGE_UNREADABLE = "storage_unreadable"
    DATABASE_UNAVAILABLE = "database_unavailable"
    TOO_MANY_STREAMS = "too_many_streams"
    NO_LOG = "no_log"


STATUS: Final[Mapping[Code, int]] = {
    Code.BAD_REQUEST: 400,
    Code.FORBIDDEN: 403,
    Code.UNKNOWN_JOB: 404,
    Code.UNKNOWN_STOP: 404,
    Code.UNKNOWN_RESUME: 404,
    Code.UNKNOWN_MOVE: 404,
    Code.NOT_RESUMED: 409,
    Code.UNKNOWN_QUEUE: 404,
    Code.UNKNOWN_CLUSTER: 404,
    Code.CLUSTER_EXISTS: 409,
    Code.CLUSTER_ELSEWHERE: 409,
    Code.CLUSTER_CHANGED: 409,
    Code.CLUSTER_IN_USE: 409,
    Code.SECRETS_UNUSABLE: 503,
    Code.UNKNOWN_SAVEPOINT: 404,
    Code.UNKNOWN_RESOURCE: 404,
    Code.UNKNOWN_PLAN: 404,
    Code.PLAN_OUTDATED: 409,
    Code.UNUSABLE_PATH: 400,
    Code.NO_WHOLE_SAVEPOINT: 400,
    Code.SAVEPOINT_TOO_LARGE: 400,
    Code.ANOTHER_JOBS: 409,
    Code.JOB_MAY_RUN: 409,
    Code.SAVEPOINT_NEEDED: 409,
    Code.SAVEPOINT_REMOVED: 409,
    Code.SAVEPOINT_UNREMOVABLE: 409,
    Code.TOO_LARGE: 413,
    Code.KEY_REUSED: 422,
    Code.STORAGE_UNREADABLE: 503,
    Code.DATABASE_UNAVAILABLE: 503,
    Code.TOO_MANY_STREAMS: 429,
    Code.NO_LOG: 409,
}
