"""A job as its owner knows it: its task, and the one status that sums up its run and its stop."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from sluiceway.domain.copies import replace
from sluiceway.domain.health import told
from sluiceway.domain.operations.save import Save, SavePhase
from sluiceway.domain.operations.stop import Stop, StopPhase
from sluiceway.domain.run import Run, RunPhase

JAR_JOB = "flink_jar_job"  # the kind of a job that is made by a program
IN_CLUSTER = "cluster://"  # before the name of a jar that the job's cluster has already
PACKAGE = "sluiceway-"  # before the names under which clusters have the jars that were brought from here


class JobStatus(StrEnum):
    """Where a job stands. Each has exactly one name in DLI (see `api/dli`)."""

    DRAFT = "draft"
    SUBMITTING = "submitting"
    SUBMIT_FAILED = "submit_failed"
    RUNNING = "running"
    UNWELL = "unwell"  # it lives, and has not run steadily for a time
    FAILED = "failed"
    SAVEPOINTING = "savepointing"
    CANCELING = "canceling"
    STOPPED = "stopped"
    STOP_FAILED = "stop_failed"
    FINISHED = "finished"


class CheckpointMode(StrEnum):
    """The guarantee that checkpoints give."""

    EXACTLY_ONCE = "exactly_once"
    AT_LEAST_ONCE = "at_least_once"


@dataclass(frozen=True, slots=True)
class JarProgram:
    """A program whose main method makes the job. It runs in the cluster.

    Files are `obs://bucket/directory/name`, or the names of resources, perhaps with their groups: `group/name`. The jar
    may also be one that somebody else has uploaded to the cluster: `cluster://name`.
    """

    jar: str  # with the main class in it; empty: none was named yet
    main_class: str = ""  # empty: the one that the jar itself names
    args: tuple[str, ...] = ()
    dependency_jars: tuple[str, ...] = ()
    dependency_files: tuple[str, ...] = ()  # the program finds them among its class loader's resources

    @property
    def in_cluster(self) -> str | None:
        """The name or id of its jar among those that its cluster has; None where the jar is brought from here."""
        return self.jar.removeprefix(IN_CLUSTER) if self.jar.startswith(IN_CLUSTER) else None


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What a job should do, in terms that Flink understands."""

    sql: str  # empty beside a program
    parallelism: int = 1
    checkpoint_interval: timedelta | None = None  # None: no periodic checkpoints
    checkpoint_mode: CheckpointMode = CheckpointMode.EXACTLY_ONCE
    restart_on_failure: bool = False
    restart_attempts: int | None = None  # within an hour; None: as often as it takes
    state_retention: timedelta = timedelta(hours=1)
    options: Mapping[str, str] = field(default_factory=dict)  # Flink options, verbatim
    program: JarProgram | None = None
    resume_checkpoint: bool = False  # a start after a failure that does not say begins from its newest state
    checkpoint_path: str | None = None  # where the program itself puts its checkpoints, as Flink or DLI names it


@dataclass(frozen=True, slots=True)
class JobDraft:
    """A job as somebody asks for it, already checked."""

    name: str
    spec: JobSpec
    desc: str = ""
    kind: str = "flink_opensource_sql_job"
    queue: str | None = None  # the name of a cluster; None: the default one, found when the job is run
    config: Mapping[str, object] = field(default_factory=dict)  # what the caller's API shows of it; opaque to us
    tags: Mapping[str, str] = field(default_factory=dict)
    bucket: str | None = None  # in which its savepoints and checkpoints go; None: beside all buckets


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job as a list shows it: without its specification, which may be large."""

    id: int
    name: str
    desc: str
    kind: str
    status: JobStatus
    why: str
    user: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    savepoint_path: str | None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is stored."""

    id: int
    project: str
    draft: JobDraft
    status: JobStatus
    why: str  # explains the status; empty when there is nothing to explain
    user: str
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None  # of the latest run; None before the first
    ended_at: datetime | None = None
    flink_job_id: str | None = None  # of the latest run
    savepoint_path: str | None = None  # the newest savepoint of this job that is known, or the one it is to start from
    savepoint_size: int | None = None  # bytes

    @property
    def line(self) -> JobLine:
        """It in a list."""
        draft = self.draft
        return JobLine(
            id=self.id,
            name=draft.name,
            desc=draft.desc,
            kind=draft.kind,
            status=self.status,
            why=self.why,
            user=self.user,
            created_at=self.created_at,
            started_at=self.started_at,
            ended_at=self.ended_at,
            savepoint_path=self.savepoint_path,
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """A job's status and the words that explain it."""

    status: JobStatus
    why: str = ""


def standing(run: Run | None, stop: Stop | None, save: Save | None = None) -> Standing:
    """Sum up a job's latest run, and the latest stop and the latest savepoint of that run.

    An unsettled stop speaks for the job.
    """
    if run is None:
        return Standing(JobStatus.DRAFT)
    if stop is None:
        return _of_run(run, save)
    match stop.phase:
        case StopPhase.WAITING:
            return _with_ailment(_under_way(stop), stop, run)
        case StopPhase.SENT:
            return Standing(_under_way(stop), stop.reason)
        case StopPhase.ENDING:
            return Standing(JobStatus.CANCELING, stop.reason)
        case StopPhase.OVERDUE:
            return _with_ailment(JobStatus.STOP_FAILED, stop, run)
        case StopPhase.STOPPED:
            return Standing(JobStatus.STOPPED, stop.reason)
        case StopPhase.FAILED:
            live = run.live
            return _with_ailment(JobStatus.STOP_FAILED, stop, run) if live else _of_run(run, save)
        case StopPhase.ENDED:
            return _of_ended(run, stop)
        case StopPhase.LOST:
            return Standing(JobStatus.FAILED, stop.reason)
        case StopPhase.WITHDRAWN:
            return _of_run(run, save)
        case _:
            assert_never(stop.phase)


def _under_way(stop: Stop) -> JobStatus:
    return JobStatus.SAVEPOINTING if stop.savepoint else JobStatus.CANCELING


def _with_ailment(status: JobStatus, stop: Stop, run: Run) -> Standing:
    """The stop's words, and the job's trouble now: a stop that waits or has failed may be the last word for long."""
    return Standing(status, " ".join(filter(None, (stop.reason, _ailment(run, stop.reason), run.note))))


def _ailment(run: Run, said: str) -> str:
    """The job's trouble, unless it was said already."""
    health = replace(run.health, cause="") if run.health.cause in said else run.health
    ailment = told(health)
    return "" if ailment in said else ailment


def _of_run(run: Run, save: Save | None) -> Standing:
    match run.phase:
        case RunPhase.ACCEPTED | RunPhase.SUBMITTING:
            return Standing(JobStatus.SUBMITTING, run.reason or told(run.health))
        case RunPhase.RUNNING:
            return _of_running(run, save)
        case RunPhase.REJECTED:
            return Standing(JobStatus.SUBMIT_FAILED, run.reason)
        case RunPhase.FINISHED:
            return Standing(JobStatus.FINISHED, f"{run.reason} {run.note}".strip())
        case RunPhase.CANCELED:
            return Standing(JobStatus.STOPPED, run.reason)
        case RunPhase.FAILED | RunPhase.LOST:
            return Standing(JobStatus.FAILED, f"{run.reason} {run.note}".strip())
        case _:
            assert_never(run.phase)


def _of_running(run: Run, save: Save | None) -> Standing:
    # Of one that runs there are words of its own only where its cluster has gone, perhaps with it.
    status = JobStatus.UNWELL if run.health.unwell or run.reason else JobStatus.RUNNING
    if save is not None and save.phase is not SavePhase.OVERDUE and save.settled_at is None:
        return Standing(JobStatus.SAVEPOINTING, save.reason)
    return Standing(status, " ".join(filter(None, (run.reason, told(run.health), run.note, _of_save(save)))))


def _of_save(save: Save | None) -> str:
    """The words about a savepoint that has ended."""
    if save is None or save.phase is SavePhase.SAVED:
        return ""
    # One that is overdue may hang for ever, and must not keep anybody from stopping the job.
    overdue = save.phase is SavePhase.OVERDUE
    return save.reason if overdue else f"Its last savepoint failed: {save.reason}"


def _of_ended(run: Run, stop: Stop) -> Standing:
    # "Stopped" would promise the savepoint that was asked for, so a job canceled by somebody else has failed instead.
    if run.phase is RunPhase.FINISHED:
        return Standing(JobStatus.FINISHED, stop.reason)
    return Standing(JobStatus.FAILED, stop.reason)
