"""Answers about savepoints, as far as commands need them."""

from msgspec import Struct

from sluiceway.cli.reasons import Reason


class SavepointView(Struct, frozen=True):
    """A savepoint that was kept, or registered."""

    id: int
    job_id: int
    stop_id: int | None
    path: str
    bytes: int | None
    created_at: str
    verified_at: str | None
    fault: Reason
    removed_at: str | None
    needed: bool
    needed_by: Reason
    format: str = ""
    unproven: Reason = ""
    kind: str = "savepoint"
    protected: bool = False
    protected_until: str | None = None
    job_name: str | None = None


class NewerState(Struct, frozen=True):
    """A state of a job that is newer than one that is registered."""

    path: str
    kind: str
    kept_at: str


class Operator(Struct, frozen=True):
    """An operator whose state a savepoint holds."""

    id: str
    name: str | None
    bytes: int


class Contents(Struct, frozen=True):
    """What a savepoint's `_metadata` says."""

    version: int
    operators: list[Operator]


class Registered(Struct, frozen=True):
    """The outcome of registering a savepoint of others."""

    id: int | None
    job_id: int
    path: str
    kind: str
    format: str
    bytes: int
    drained: bool
    kept_at: str
    fresh: bool
    protected: bool
    protected_until: str | None
    unchecked: int
    contents: Contents | None
    chosen: bool
    message: Reason
    behind_seconds: float
    newer: list[NewerState]
    dry_run: bool
    only_read: bool = False


class SavepointViews(Struct, frozen=True):
    """The latest savepoints."""

    savepoints: list[SavepointView]


class Verification(Struct, frozen=True):
    """What the service found when it read a savepoint."""

    savepoint: SavepointView
    whole: bool
    wrong: list[Reason]
    more_wrong: int
    unchecked: int
