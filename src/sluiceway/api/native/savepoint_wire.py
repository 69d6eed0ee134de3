"""The wire models of savepoints and what is in them. Times are ISO 8601 in UTC, sizes bytes."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from sluiceway.api.native.wire import Ids, JobAnswer, Selection


class SavepointRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Of which running jobs to take a savepoint, and under which directory of the service's storage."""

    job_ids: Ids | None = None
    select: Selection | None = None  # in their place; unless it names statuses, of the jobs that run
    target: Annotated[str, Meta(min_length=1, max_length=2000)] | None = None
    format: Literal["auto", "canonical", "native"] = "auto"  # auto: for each job one that does it no harm


class SavepointsAccepted(Struct, frozen=True):
    """The answer to a request for savepoints."""

    accepted: int
    refused: int
    jobs: list[JobAnswer]
    unjudged: int = 0  # jobs that may be meant: what they read and write is not all known


class Savepoint(Struct, frozen=True):
    """A savepoint that was kept, or registered."""

    id: int
    job_id: int
    job_name: str | None
    run_id: int | None  # null of one that no run of this service has made
    stop_id: int | None  # of the batch
    path: str
    bytes: int | None
    format: str
    format_reason: str  # why it has that one
    drained: bool
    flink_version: str  # empty where it is not known
    reason: str  # of the stop
    created_at: datetime
    verified_at: datetime | None  # when it was last read and found whole
    fault: str  # what was wrong when it was last read
    unproven: str  # why a resume does not take it: its run never did its work; empty when it does
    removed_at: datetime | None
    needed: bool
    needed_by: str  # which job, and what for
    kind: str  # savepoint or checkpoint
    registered_at: datetime | None  # when somebody has put it here by its path
    protected: bool  # somebody has asked for it to be kept,
    protected_until: datetime | None  # until then; null: for good, or not at all


class SavepointList(Struct, frozen=True):
    """Savepoints, the newest first."""

    savepoints: list[Savepoint]


class Operator(Struct, frozen=True):
    """An operator whose state a savepoint holds."""

    id: str
    name: str | None
    uid: str | None
    parallelism: int
    max_parallelism: int
    bytes: int
    finished: bool


class Contents(Struct, frozen=True):
    """What a savepoint's `_metadata` says."""

    version: int  # of its format
    checkpoint_id: int
    files: int  # that hold its state
    operators: list[Operator]


class Verification(Struct, frozen=True):
    """What was found when a savepoint was read."""

    savepoint: Savepoint
    whole: bool  # nothing is wrong, and every file could be looked for
    wrong: list[str]  # at most 20 findings
    more_wrong: int  # beyond these
    unchecked: int  # files that cannot be looked for from here
    contents: Contents | None  # null where `_metadata` cannot be read to its end
