"""The wire models of moves. Times are ISO 8601 in UTC."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from sluiceway.api.native.resume_wire import Allow
from sluiceway.api.native.wire import AbortWhen, Ids, JobAnswer, Name, Seconds, Selection, Tags, Wave, Words


class MoveRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which jobs to move, by ids or by what they have in common, where to, and how."""

    to: Name  # the cluster that they are started on
    job_ids: Ids | None = None
    all: bool = False
    queue: Name | None = None  # those that are on this cluster
    name: Name | None = None  # a pattern of the whole name: * for any characters, ? for one
    tags: Tags | None = None
    status: Words | None = None
    select: Selection | None = None  # in the place of queue, name, tags and status
    format: Literal["auto", "canonical", "native"] = "auto"  # of the savepoints
    if_not_running: Literal["wait", "cancel", "leave"] | None = None  # the service's setting when left out
    timeout_seconds: Seconds | None = None  # until a stop without a result is overdue
    waves: Annotated[list[Wave], Meta(min_length=1, max_length=100)] | None = None  # each once the one before arrived
    max_parallel: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None  # jobs that are down or on their way at once
    abort_when: AbortWhen | None = None  # when to pause what has not begun
    pace: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None  # starts a minute
    park: bool = True
    park_after_seconds: Seconds | None = None
    park_restarts: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    allow: Allow = []  # what a start does only where it is asked for by name
    dry_run: bool = False
    reason: Annotated[str, Meta(max_length=500)] = ""


class MoveAccepted(Struct, frozen=True, omit_defaults=True):
    """The answer to a request to move jobs. `id` is null when no job was accepted, and after a dry run."""

    id: int | None
    accepted: int
    refused: int
    jobs: list[JobAnswer]
    dry_run: bool = False
    slots_free: int | None = None  # of a dry run: on the cluster that they go to, where it tells
    slots_wanted: int | None = None  # of a dry run: by those jobs of which that is known
    unjudged: int = 0  # jobs that may be meant: what they read and write is not all known


class MoveView(Struct, frozen=True):
    """What has become of one job of a move."""

    job_id: int
    name: str
    from_queue: str  # the cluster that it was on
    queue: str | None  # that it was last started on
    job_status: str
    phase: str
    why: str
    wave: int
    savepoint: str | None  # that it was stopped with; or the checkpoint that a cancel has kept in its place
    verified: bool
    accepted_at: datetime
    stopped_at: datetime | None
    started_at: datetime | None  # when it was first seen to run again
    proven_at: datetime | None  # when it was first seen to do its work


class MoveHead(Struct, frozen=True, kw_only=True):
    """One request to move jobs, without its jobs."""

    id: int
    to: str
    stop_id: int  # its first half
    resume_id: int | None  # its second half, from the first start on
    who: str
    reason: str
    created_at: datetime
    state: Literal["open", "paused", "aborted"]
    state_reason: str
    max_parallel: int | None
    pace: int | None
    jobs_total: int
    jobs_settled: int
    settled: bool  # every job has arrived, or will not without anybody's doing
    phases: dict[str, int]


class Move(MoveHead, frozen=True, kw_only=True):
    """One request to move jobs, with what has become of each."""

    jobs: list[MoveView]


class MoveList(Struct, frozen=True):
    """The latest moves, newest first."""

    moves: list[MoveHead]


class MoveProceeded(Struct, frozen=True):
    """The state that the move had before, and how many jobs whose start was refused are tried again."""

    was: Literal["open", "paused", "aborted"]
    tried_again: int
