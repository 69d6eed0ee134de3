"""The one seam that truly varies: a place where Flink jobs run.

Engines translate and nothing else: they never decide, retry, sleep or touch rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sluiceway.domain.adoption import Stranger
from sluiceway.domain.asking import SaveInquiry, StopInquiry
from sluiceway.domain.commands import JobCommand
from sluiceway.domain.facts import (
    Acknowledged,
    JobState,
    MustClaim,
    Refused,
    RunFact,
    SaveFact,
    Silent,
    StopFact,
    SubmitRefused,
    Submitted,
)
from sluiceway.domain.health import Vitals
from sluiceway.domain.job import JobSpec
from sluiceway.domain.place import Place
from sluiceway.domain.run import Run
from sluiceway.domain.tables import Tables
from sluiceway.domain.traits import UNKNOWN, Traits


class Unreachable(Exception):
    """The cluster gave no usable answer. Whatever was sent may or may not have arrived."""


class NobodyListens(Unreachable):
    """Each address of the cluster refuses connections. Whatever was sent has certainly not arrived."""


class Unusable(Exception):
    """A part of the job is missing or unusable. The text is for its author."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """The result of one look at a cluster: a fact for each row, by its id."""

    stops: Mapping[int, StopFact] = field(default_factory=dict)
    runs: Mapping[int, RunFact] = field(default_factory=dict)
    saves: Mapping[int, SaveFact] = field(default_factory=dict)
    traits: Mapping[int, Traits] = field(default_factory=dict)  # of runs that were asked for them, by the run's id
    vitals: Mapping[int, Vitals] = field(default_factory=dict)  # of the runs that are seen to live, by their ids
    strangers: Sequence[Stranger] = ()  # jobs that live there and were not asked about, where that is wanted
    answered: bool = True  # False: the cluster as a whole gave no answer
    why: str = ""  # the same: for this reason
    refused: bool = False  # the same, as each of its addresses refuses connections
    flink_version: str = ""  # empty where it is not known


@dataclass(frozen=True, slots=True)
class LastCheckpoint:
    """The latest complete checkpoint or savepoint of a job, as the cluster reports it."""

    at: datetime  # when it was triggered
    duration: timedelta  # from the trigger to the last acknowledgement
    size: int  # bytes of the whole state
    written: int  # bytes that had to be written for it; less than `size` where it was incremental


@dataclass(frozen=True, slots=True)
class RestorePoint:
    """What Flink would restart a job from."""

    path: str
    at: datetime | None  # when it was triggered, where the cluster tells


@dataclass(frozen=True, slots=True)
class Survey:
    """A job as the cluster shows it, before any command. None: the cluster does not say."""

    state: JobState
    tasks: int
    running: int  # of the tasks
    ready: bool  # a savepoint can be taken now
    batch: bool  # a batch job, which refuses savepoints
    operation: str | None = None  # another savepoint or stop that is in flight
    checkpoint: LastCheckpoint | None = None
    savepoint: LastCheckpoint | None = None
    finished: int = 0  # of the tasks
    traits: Traits = UNKNOWN  # as far as the cluster alone can tell
    unaligned: bool = False  # its checkpoints are; savepoints never are
    timeout: timedelta | None = None  # after which a checkpoint or savepoint expires
    restarts: bool | None = None  # it has a restart strategy
    own: RestorePoint | None = None  # the latest checkpoint of its own
    retained: bool | None = None  # its checkpoints outlive a cancel
    began: RestorePoint | None = None  # what it was last restored from, unless that is a checkpoint of its own
    saved: RestorePoint | None = None  # the latest savepoint of it
    last_failure: str = ""  # of a checkpoint, when none was complete after it

    @property
    def restore(self) -> RestorePoint | None:
        """What Flink would restart it from. Savepoints of it do not count."""
        return self.own or self.began


@dataclass(frozen=True, slots=True)
class ClusterJar:
    """A jar that was uploaded to a cluster, by whomever. No Flink tells which job was started from which."""

    id: str  # one for each upload
    name: str  # that it was uploaded under; several may have one
    uploaded_at: datetime | None
    classes: tuple[str, ...]  # that it names as its main ones


@dataclass(frozen=True, slots=True)
class JobFailure:
    """One failure of a job, as Flink tells it."""

    at: datetime | None
    text: str  # with its stack trace


@dataclass(frozen=True, slots=True)
class LogTail:
    """The end of the log of one of a cluster's processes."""

    text: str
    cut: bool  # whether there is more before it


@dataclass(frozen=True, slots=True)
class Flow:
    """The records of one source or sink since the job last started or restarted."""

    name: str
    records: int
    corrupted: int  # records that failed, as far as the connector counts them
    rate: float  # records a second, over the last minute


@dataclass(frozen=True, slots=True)
class Traffic:
    """The records and rates of a job. Nothing, while it does not run."""

    sources: Sequence[Flow] = ()
    sinks: Sequence[Flow] = ()


SubmitAnswer = Submitted | MustClaim | SubmitRefused | Silent


class Engine(Protocol):
    """A place where Flink jobs run."""

    async def observe(
        self,
        place: Place,
        runs: Sequence[Run],
        stops: Sequence[StopInquiry],
        saves: Sequence[SaveInquiry],
        *,
        strangers: bool,
    ) -> Sighting:
        """Look once, with as few requests as the cluster allows; at other jobs too where `strangers` are wanted.

        Raises `Unreachable` when the whole cluster gives no answer; a single odd job is a `Silent` fact of its own.
        """
        ...

    async def living(self, place: Place, flink_job_ids: Sequence[str]) -> Mapping[str, Stranger | None]:
        """Those of these jobs that live in the cluster, whoever has started them. Raises `Unreachable`.

        One that the list of jobs leaves out has no name and no start; of None nobody can tell whether it lives.
        """
        ...

    async def survey(self, place: Place, flink_job_ids: Sequence[str]) -> Mapping[str, Survey]:
        """Look at jobs before a stop; leaves out those that the cluster does not show.

        Raises `Unreachable`.
        """
        ...

    async def send(self, place: Place, flink_job_id: str, command: JobCommand) -> Acknowledged | Refused | Silent:
        """Ask once. Safe to repeat. No answer is `Silent`: the command may have arrived."""
        ...

    async def submit(self, place: Place, run: Run, name: str, spec: JobSpec) -> SubmitAnswer:
        """Plan the job and hand it to the cluster under the run's own Flink job id. May take many seconds."""
        ...

    async def version(self, place: Place) -> str:
        """The version of Flink that runs there, for example "2.3.0". Raises `Unreachable`."""
        ...

    async def jars(self, place: Place) -> Sequence[ClusterJar] | None:
        """The jars that were uploaded there, the newest first; None where none are taken. Raises `Unreachable`."""
        ...

    async def failures(self, place: Place, flink_job_id: str) -> Sequence[JobFailure]:
        """The latest failures of a job, the newest first; none where Flink does not know it. Raises `Unreachable`."""
        ...

    async def task_managers(self, place: Place) -> Sequence[str]:
        """The ids of the TaskManagers there. Raises `Unreachable`."""
        ...

    async def log(self, place: Place, task_manager: str | None, most: int) -> LogTail | None:
        """At most so many bytes from the end of the log of a TaskManager, or of the JobManager.

        None where the process has no log file, or is not there. Raises `Unreachable`, also for a log that is too long.
        """
        ...

    async def free_slots(self, place: Place) -> int | None:
        """How many slots are free; None where nobody knows, and where the place may grow."""
        ...

    async def flink_job(self, place: Place, flink_job_id: str) -> dict[str, object] | None:
        """Flink's own description of a job, with its graph; None when Flink knows no such job. Raises `Unreachable`."""
        ...

    async def traffic(self, place: Place, flink_job_id: str) -> Traffic | None:
        """What flows through a job; None when Flink knows no such job. Raises `Unreachable`."""
        ...

    async def tables(self, place: Place, flink_job_id: str) -> Tables | None:
        """What a job reads and writes; None where Flink does not tell yet, or not any more. Raises `Unreachable`."""
        ...
