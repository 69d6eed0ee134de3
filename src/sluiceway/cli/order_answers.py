"""Answers about stops, ways back and moves, as far as commands need them."""

from typing import Any

from msgspec import Struct, field

from sluiceway.cli.answers import Answers
from sluiceway.cli.reasons import Reason


class StopView(Struct, frozen=True):
    """One job of a stop."""

    job_id: int
    name: str
    queue: str
    phase: str
    savepoint: str | None
    size: int | None
    verified: bool
    reason: Reason
    accepted_at: str
    settled_at: str | None
    wave: int = 0
    held: bool = False
    checkpoint: str | None = None
    unproven: Reason = ""
    start_again: str | None = None


class Stop(Struct, frozen=True):
    """A stop with all its jobs."""

    id: int
    savepoint: bool
    reason: str
    created_at: str
    settled: bool
    phases: dict[str, int]
    jobs: list[StopView]
    state: str = "open"
    state_reason: Reason = ""
    who: str = ""
    plan: int | None = None
    planned_by: str = ""


class Story(Struct, frozen=True):
    """An order and its retries as one."""

    orders: list[int]
    jobs_total: int
    phases: dict[str, int]


class StopHead(Struct, frozen=True):
    """A stop without its jobs."""

    id: int
    savepoint: bool
    reason: str
    created_at: str
    jobs_total: int | None = None
    phases: dict[str, int] = field(default_factory=dict)
    retried_by: int | None = None
    story: Story | None = None
    state: str = ""
    who: str = ""
    jobs_settled: int = 0
    settled: bool = True
    drain: bool = False


class BackView(Struct, frozen=True):
    """One job on its way back."""

    job_id: int
    name: str
    queue: str
    phase: str
    why: Reason
    wave: int
    restored_from: str | None
    restarts: int
    accepted_at: str
    released_at: str | None
    proven_at: str | None
    unwell: bool


class ResumeHead(Struct, frozen=True):
    """A way back without its jobs."""

    id: int
    stop_id: int | None
    created_at: str
    state: str
    state_reason: Reason
    phases: dict[str, int]
    retried_by: int | None
    story: Story | None
    settled: bool
    park_after_seconds: float | None
    park_restarts: int | None
    who: str = ""
    plan: int | None = None
    planned_by: str = ""


class Resume(ResumeHead, frozen=True, kw_only=True):
    """A way back with all its jobs."""

    jobs: list[BackView]


class Resumes(Struct, frozen=True):
    """The latest ways back."""

    resumes: list[dict[str, Any]]  # each a `ResumeHead`


class MoveAnswers(Answers, frozen=True):
    """The answer to each job of a request to move some, and of its dry run what there is room for."""

    slots_free: int | None = None
    slots_wanted: int | None = None


class MoveView(Struct, frozen=True):
    """One job on its move."""

    job_id: int
    name: str
    from_queue: str
    queue: str | None
    phase: str
    why: Reason
    wave: int
    savepoint: str | None
    stopped_at: str | None
    proven_at: str | None


class MoveHead(Struct, frozen=True):
    """A move without its jobs."""

    id: int
    to: str
    stop_id: int
    resume_id: int | None
    created_at: str
    state: str
    state_reason: Reason
    jobs_total: int
    phases: dict[str, int]
    settled: bool
    reason: str = ""
    who: str = ""


class Move(MoveHead, frozen=True, kw_only=True):
    """A move with all its jobs."""

    jobs: list[MoveView]


class Moves(Struct, frozen=True):
    """The latest moves."""

    moves: list[dict[str, Any]]  # each a `MoveHead`


class MoveProceeded(Struct, frozen=True):
    """The former state of a move that goes on."""

    was: str
    tried_again: int


class Aborted(Struct, frozen=True):
    """The withdrawn jobs of a stop."""

    withdrawn: list[int]


class Proceeded(Struct, frozen=True):
    """The former state of a stop that goes on."""

    was: str


class Stops(Struct, frozen=True):
    """The latest stops."""

    stops: list[dict[str, Any]]  # each a `StopHead`
