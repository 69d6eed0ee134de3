"""The answers of the service to a request about many jobs, and how each answer is read; other modules have the rest."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from sluiceway.cli.language import t
from sluiceway.cli.output import Failed
from sluiceway.cli.reasons import Reason, heard_in

T = TypeVar("T")


class Concern(Struct, frozen=True):
    """One pitfall of a way back."""

    about: str
    weight: str
    text: Reason


class Fit(Struct, frozen=True):
    """Whether a state fits the job as it is now."""

    kind: str


class WayBack(Struct, frozen=True):
    """A job's way back."""

    path: str = ""
    kind: str = ""
    source: str = ""
    run_id: int | None = None
    kept_at: str = ""
    age_seconds: float | None = None
    whole: bool | None = None
    fit: Fit | None = None
    concerns: list[Concern] = []


class Answer(Struct, frozen=True):
    """The answer to one job of a request."""

    job_id: int
    accepted: bool
    code: str = ""
    message: Reason = ""
    wave: int = 0
    finding: "Finding | None" = None
    way_back: WayBack | None = None


class LastCheckpoint(Struct, frozen=True):
    """A job's latest complete checkpoint."""

    at: str
    duration_seconds: float
    size: int


class Finding(Struct, frozen=True):
    """What a dry run found of a job."""

    state: str = ""
    tasks: int = 0
    running_tasks: int = 0
    last_checkpoint: LastCheckpoint | None = None
    estimate_seconds: float | None = None
    format: str = ""
    format_reason: Reason = ""
    if_savepoint_fails: str = ""
    if_savepoint_fails_reason: Reason = ""
    problems: list[Reason] = []
    way_back: list[Concern] = []


class Answers(Struct, frozen=True):
    """The answer to each job of a request, in its order. `id` names the stop, where one was accepted."""

    accepted: int
    refused: int
    jobs: list[Answer]
    id: int | None = None
    plan: int | None = None  # of a dry run
    unjudged: int = 0  # jobs of which nobody can tell whether they are meant


class Done(Struct, frozen=True):
    """A success, in DLI's sentence."""

    message: str


def read(data: Any, wanted: type[T]) -> T:
    """What a service answered, as a type. Raises `Failed` where it does not fit."""
    try:
        return heard_in(msgspec.convert(data, wanted))
    except msgspec.ValidationError as error:
        why = str(error)[:300]
        raise Failed(
            t("The answer of the service was not understood: {why}. Is it another version?", why=why)
        ) from error


def each(data: Sequence[Any], wanted: type[T]) -> Iterator[T]:
    """Every item of a list, as a type."""
    return (read(item, wanted) for item in data)
