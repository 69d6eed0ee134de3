"""A move: jobs that stop on one cluster and start on another, each as soon as its own stop is proven.

A move is a stop that says where its jobs go then. Its second half is a way back to another cluster, and its own way
back is that of the stop: each job where it was stopped. Here is what becomes of each job, from both halves; and how it
counts in the stop, whose waves and limits are those of the move.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, assert_never

from sluiceway.domain.admission import Refusal
from sluiceway.domain.coming_back import BACK, COMING, BackPhase, BackPolicy
from sluiceway.domain.operations.stop import StopPhase
from sluiceway.domain.way_back import Allowed


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the jobs of a stop go once they have stopped, and how they are started there."""

    cluster: str
    back: BackPolicy = field(default_factory=BackPolicy)  # limits of its own it has none: those of the stop hold
    allow: frozenset[Allowed] = frozenset()  # what a start does only where it is asked for by name


class MovePhase(StrEnum):
    """The phase of a job on its move."""

    WAITING = "waiting"  # it runs where it was, until its turn has come
    STOPPING = "stopping"
    STOPPED = "stopped"  # with its savepoint; it is about to be started there
    STARTING = "starting"  # it is on its way there
    MOVED = "moved"  # proven there, or finished
    RETURNING = "returning"  # it is on its way back to where it was
    RETURNED = "returned"  # proven where it was
    STAYED = "stayed"  # its stop failed or was withdrawn: it runs where it was
    ENDED = "ended"  # it ended in another way than by its stop
    NOT_STARTED = "not_started"  # stopped with its savepoint, and not started: it waits for somebody to say what next
    OVERTAKEN = "overtaken"  # others have started or stopped it since


UNDER_WAY: Final = frozenset(
    {MovePhase.WAITING, MovePhase.STOPPING, MovePhase.STOPPED, MovePhase.STARTING, MovePhase.RETURNING}
)
# What mends itself: the start is tried again until it succeeds, or somebody ends the move.
PASSING: Final = frozenset({Refusal.UNREADABLE, Refusal.NO_QUEUE, Refusal.WRONG_STATE})


@dataclass(frozen=True, slots=True)
class Second:
    """The second half of a job's move: its latest start under it."""

    phase: BackPhase
    there: bool = True  # where it is to go; False: back where it was
    unwell: bool = False  # it has not run steadily for a time
    latest: bool = True  # the job has had no later start


@dataclass(frozen=True, slots=True)
class Marks:
    """What is known of a job's move."""

    stop: StopPhase
    held: bool = False  # its stop waits for its turn
    second: Second | None = None
    refused: bool = False  # its start was, for good
    aborted: bool = False  # the move was
    latest: bool = True  # the job has had no later start than the one that is stopped


def phase_of(marks: Marks) -> MovePhase:
    """Its phase. What was proven stays so, whatever happens later."""
    if marks.second is not None:
        return _of_second(marks.second)
    match marks.stop:
        case StopPhase.WAITING | StopPhase.SENT | StopPhase.ENDING | StopPhase.OVERDUE:
            return MovePhase.WAITING if marks.held else MovePhase.STOPPING
        case StopPhase.FAILED | StopPhase.WITHDRAWN:
            return MovePhase.STAYED
        case StopPhase.ENDED | StopPhase.LOST:
            return MovePhase.ENDED
        case StopPhase.STOPPED if not marks.latest:
            return MovePhase.OVERTAKEN
        case StopPhase.STOPPED:
            return MovePhase.NOT_STARTED if marks.refused or marks.aborted else MovePhase.STOPPED
        case _:
            assert_never(marks.stop)


def _of_second(second: Second) -> MovePhase:
    if second.phase in BACK:
        return MovePhase.MOVED if second.there else MovePhase.RETURNED
    if not second.latest or second.phase is BackPhase.STOPPED:
        return MovePhase.OVERTAKEN
    if second.phase in COMING or second.phase is BackPhase.HELD:
        return MovePhase.STARTING if second.there else MovePhase.RETURNING
    return MovePhase.NOT_STARTED


def counts_as(marks: Marks) -> StopPhase:
    """How its stop counts among those of the order: as one that has settled only once the job runs again.

    So a wave begins when the one before it has arrived, and as many jobs are down at once as the order allows.
    """
    match phase_of(marks):
        case MovePhase.STOPPED:
            return StopPhase.ENDING
        case MovePhase.STARTING | MovePhase.RETURNING:
            # As a stop that is overdue: it may stay so for ever, and must not keep its place from the others.
            return StopPhase.OVERDUE if marks.second and marks.second.unwell else StopPhase.ENDING
        case MovePhase.NOT_STARTED:
            return StopPhase.FAILED
        case MovePhase.MOVED | MovePhase.RETURNED | MovePhase.OVERTAKEN:
            return StopPhase.STOPPED
        case _:
            return marks.stop


def why(phase: MovePhase, of_stop: str, of_start: str | None) -> str:
    """The words beside a phase: those of its stop, or of its latest start. Why there is none stands elsewhere."""
    match phase:
        case MovePhase.WAITING | MovePhase.STOPPING | MovePhase.STAYED | MovePhase.ENDED:
            return of_stop
        case MovePhase.STOPPED:
            return ""
        case MovePhase.NOT_STARTED if of_start is None:
            return "The move was aborted before it was started there."
        case MovePhase.OVERTAKEN:
            return "Others have started or stopped it since."
        case _:
            return of_start or ""
