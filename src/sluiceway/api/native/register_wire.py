"""The wire models of registering a savepoint or checkpoint of others."""

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta, Struct

from sluiceway.api.native import wire
from sluiceway.api.native.savepoint_wire import Contents

LONGEST: Final = 2000  # characters of a path
_TEN_YEARS: Final = 10 * 365 * 86_400


class RegisterRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Which savepoint or checkpoint to put into the catalogue, for which job, and for how long it is kept."""

    path: Annotated[
        str, Meta(min_length=1, max_length=LONGEST)
    ]  # its directory, in the service's storage or under a root that it reads
    job_id: wire.JobId
    protect: bool = True  # retention leaves it alone, and it is deleted by force only
    keep_seconds: Annotated[int, Meta(ge=1, le=_TEN_YEARS)] | None = (
        None  # for how long it is protected; null: for good
    )
    choose: bool | None = None  # the next resume begins from it; null: where it is the newest that is known
    dry_run: bool = False


class Newer(Struct, frozen=True):
    """A state of the job that is newer."""

    path: str
    kind: str  # savepoint or checkpoint; empty where it is unknown
    kept_at: datetime


class Registered(Struct, frozen=True):
    """The findings, and the outcome."""

    id: int | None  # in the catalogue; null in a dry run of one that is not there yet
    job_id: int
    path: str
    kind: str  # savepoint or checkpoint
    format: str  # of a savepoint; empty of a checkpoint
    bytes: int
    drained: bool
    kept_at: datetime  # when its `_metadata` was written
    run_id: int | None  # that has made it; null where that is no run of this service
    fresh: bool  # the catalogue did not have it as one of this job
    protected: bool
    protected_until: datetime | None  # null: for good, or it is not protected
    whole: bool  # every file could be looked for
    unchecked: int  # files that cannot be looked for from here
    contents: Contents | None
    chosen: bool  # the job's next resume begins from it
    message: str  # what that resume does, and what it goes back behind
    behind_seconds: float  # how much older than the newest state of the job it is
    newer: list[Newer]  # states of the job, the newest first; at most 100
    only_read: bool  # it lies under a root of --read-root: nothing is ever removed there
    dry_run: bool = False
