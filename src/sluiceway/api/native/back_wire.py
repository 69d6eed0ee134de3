"""The wire models of a job's way back. Times are ISO 8601 in UTC, sizes bytes."""

from datetime import datetime
from typing import Literal

from msgspec import Struct


class Concern(Struct, frozen=True):
    """One pitfall of a way back."""

    about: str  # gone, damaged, unreadable, passed_over, older, drained, finished, claimed, retention, time_zone, …
    weight: Literal["refused", "loss", "unknown", "note"]
    text: str


class PassedOver(Struct, frozen=True):
    """A newer state that is not whole."""

    path: str
    why: str


class LeftBehind(Struct, frozen=True):
    """State that no operator of the job would take."""

    operator: str
    id: str  # 32 hex digits
    bytes: int


class Fit(Struct, frozen=True, omit_defaults=True):
    """Whether a state fits the job as it would be submitted now."""

    kind: str  # same, new_operators, other_meaning, unknown, left_behind or would_not_start
    text: str = ""
    left: list[LeftBehind] = []
    fresh: list[str] = []  # operators that begin without state
    slots: int | None = None  # that the job needs


class WayBack(Struct, frozen=True, omit_defaults=True):
    """A job's way back. Unknown fields are left out."""

    path: str = ""  # the state that it starts from
    kind: str = ""  # savepoint or checkpoint
    source: str = ""  # why this one: chosen, stopped_with, left, began_from or kept_before
    run_id: int | None = None  # whose it is
    kept_at: datetime | None = None
    age_seconds: float | None = None
    whole: bool | None = None  # as it was just read
    drained: bool = False
    passed_over: list[PassedOver] = []
    concerns: list[Concern] = []
    fit: Fit | None = None  # left out where nobody has looked


class Difference(Struct, frozen=True):
    """How a job differs from what a plan shows."""

    job_id: int
    was: str
    now: str
