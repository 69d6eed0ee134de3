"""How a request wants its jobs stopped: the caller's words, which never change."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class SavepointFormat(StrEnum):
    """Flink's binary formats of a savepoint. A native one is quicker to write and to read, and less portable."""

    CANONICAL = "canonical"
    NATIVE = "native"


class Resort(StrEnum):
    """What to do with a job whose savepoint failed for good."""

    KEEP_RUNNING = "keep_running"
    CANCEL_KEEPING_CHECKPOINT = "cancel_keeping_checkpoint"  # if its last checkpoint is young enough; else it runs on
    CANCEL = "cancel"


class IfNotRunning(StrEnum):
    """What a stop with a savepoint does about a job whose tasks do not all run."""

    WAIT = "wait"  # for as long as the stop may take
    CANCEL = "cancel"  # keeping its last checkpoint
    LEAVE = "leave"  # alone, after a while


@dataclass(frozen=True, slots=True)
class StopPolicy:
    """A request's wishes for its stops; None where it has none."""

    drain: bool = False  # send the last watermark first: the job's end, not a pause (Flink's `drain`)
    format: SavepointFormat | None = None  # None: whichever does the job no harm
    attempts: int | None = None  # at most; given, a directory that cannot be written is tried again, too
    backoff: timedelta | None = None  # before the first retry; each further one waits twice as long
    resort: Resort = Resort.KEEP_RUNNING
    checkpoint_age: timedelta | None = None  # the oldest checkpoint that `CANCEL_KEEPING_CHECKPOINT` takes
    if_not_running: IfNotRunning | None = None
    timeout: timedelta | None = None  # until a stop without a result is overdue
    parks: bool = False  # it is parked: where no checkpoint was completed, nothing is lost that it was not started from


PLAIN = StopPolicy()
