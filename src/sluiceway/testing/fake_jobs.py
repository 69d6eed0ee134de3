"""The jobs of a fake Flink: what stops, savepoints, cancels and a lost JobManager do to them (Flink contract).

It knows no HTTP. Timers and the disk come from outside, and two stops at once are as destructive as they are in the
real thing. The module is long because one job's states, timers and disk move together: its parts would call each other.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from sluiceway.domain.facts import JobState
from sluiceway.testing.fake_disk import Disk
from sluiceway.testing.fake_failures import (
    FAILURES,
    REFUSALS,
    TOO_LARGE,
    UNSUPPORTED_SAVE,
    Failure,
    no_such_job,
    stopping_failed,
)

STORE_SECONDS = 300.0  # `rest.async.store-duration`
MEMORY_LIMIT = 5_242_880  # bytes of state of one task that a JobManager keeps in its memory
HANG_SECONDS = 600.0  # a checkpoint's time-out, after which a stop that hangs is given up


def _now() -> float:
    return time.time()  # looked up at every call, so that another clock can be put in its place


class Timer(Protocol):
    """What `later` answers; asyncio's handles are ones."""

    def cancel(self) -> None:
        """Never call it."""


Later = Callable[[float, Callable[[], None]], Timer]


class Truth(StrEnum):
    """What the loss of a JobManager in the middle of a stop leaves of the job (contract, "JobManager lost")."""

    RUNS_AGAIN = "runs_again"  # the stop never happened: a folder without `_metadata`
    FINISHED = "finished"  # stopped; the path is known from the directory alone
    GONE = "gone"  # stopped, and the cluster does not even know the job


@dataclass(slots=True)
class Attempt:
    """One savepoint or stop, by its trigger id."""

    kind: Literal["stop", "savepoint"]
    trigger: str
    cancel_job: bool = False
    native: bool = False
    number: int = 0  # among the job's checkpoints
    folder: str | None = None
    location: str | None = None
    failure: Failure | None = None
    begun_at: float = field(default_factory=_now)
    ended_at: float | None = None  # on the monotonic clock
    timer: Timer | None = None
    read: bool = False  # somebody has seen its result

    @property
    def in_flight(self) -> bool:
        """Whether it has no result yet."""
        return self.ended_at is None


@dataclass(frozen=True, slots=True)
class FakeCheckpoint:
    """A job's latest periodic checkpoint."""

    path: str
    at: float = field(default_factory=_now)  # when it was triggered
    seconds: float = 1.0  # that it took
    size: int = 1000  # bytes of the whole state
    written: int = 1000  # bytes that it had to write


@dataclass(slots=True)
class FakeJob:
    """One job. Durations are seconds."""

    jid: str
    name: str = "job"
    state: JobState = JobState.RUNNING
    chain: str = "Source: s[1] -> Calc[2] -> b[3]: Writer"  # the name of its one vertex
    tasks: int = 2
    running_tasks: int | None = None  # None: all of them, as long as the job runs
    parallelism: int = 1
    batch: bool = False
    restartable: bool = True  # has a restart strategy; without one a stop that fails in flight kills the job
    recoverable: bool = True  # has completed checkpoints, which it restarts from
    backend: str = "HashMapStateBackend"
    asynchronous: bool = False  # its state is: a canonical savepoint fails it
    changelog: bool = False
    checkpoint_dir: bool = True  # without one state stays in the JobManager's memory
    state_bytes: int = 1000  # in one task
    timeout_seconds: float = 600.0  # of a checkpoint
    unaligned: bool = False
    after_finish: bool = True  # checkpoints are taken although some tasks have finished
    finished_tasks: int = 0
    stop_seconds: float = 0.0  # until a savepoint is complete
    finish_seconds: float = 0.0  # from then until a stopped job is FINISHED
    cancel_seconds: float = 0.0
    restart_seconds: float = 0.02
    loops: str = ""  # the failure that it meets again and again, for ever
    comes_up: bool = False  # all of its tasks run for a moment before each failure; else none does
    up_seconds: float = 0.05  # from a restart to the next failure
    failing: list[str] = field(default_factory=list)  # names of `FAILURES`, one for each of the next attempts
    restored: str | None = None  # the savepoint it was started from
    brought_back: str | None = None  # what its latest restart was from; None when that was from nothing
    brought_back_at: float = 0.0
    restarts: int = 0
    from_nothing: int = 0  # restarts that have lost its state
    history: list[Attempt] = field(default_factory=list)  # the savepoints that were begun, the oldest first
    unshown: int = 0  # of these, so many were begun under a JobManager that was lost: `/checkpoints` leaves them out
    finishing: list[Attempt] = field(default_factory=list)  # stops with whole savepoints whose job has yet to end
    drained: bool = False  # the sources have ended: no record is processed any more
    checkpoint: FakeCheckpoint | None = None
    retains_checkpoints: bool = False  # beyond a cancel
    lingers: bool = False  # nobody ends its attempts when it fails or finishes: they are shown as under way for ever
    records: int = 0  # that came out of its source, and went into its sink
    corrupted: int = 0  # that its sink could not write
    rate: float = 0.0  # of records a second
    failure: str = ""
    changed_at: float = field(default_factory=_now)  # when a task last changed its state
    application_failure: str = ""  # what only its application tells
    failures: list[tuple[float, str]] = field(default_factory=list)  # each that it restarted after, the oldest first
    interval: float | None = None  # seconds between its checkpoints
    forgotten_checkpoints: bool = False  # after a failover `/checkpoints` answers 404
    started_at: float = field(default_factory=_now)
    running_since: float = field(default_factory=_now)
    restarted_at: float = 0.0  # the latest time
    ended_at: float | None = None

    @property
    def savepoints(self) -> list[str]:
        """Where its complete savepoints lie, the oldest first."""
        return [attempt.location for attempt in self.history if attempt.location]

    @property
    def processing(self) -> bool:
        """Whether records flow."""
        return self.state is JobState.RUNNING and not self.drained and not self.loops

    @property
    def running(self) -> int:
        """How many of its tasks run."""
        if self.state is not JobState.RUNNING or (self.loops and not self.comes_up):
            return 0
        return self.tasks - self.finished_tasks if self.running_tasks is None else self.running_tasks

    @property
    def deadly(self) -> bool:
        """Whether a canonical savepoint fails it."""
        return self.asynchronous or self.backend == "ForStStateBackend"


class FakeJobs:
    """All jobs of one cluster and the results of its asynchronous operations."""

    def __init__(
        self,
        later: Later,
        disk: Disk,
        store_seconds: float = STORE_SECONDS,
        hang_seconds: float = HANG_SECONDS,
    ) -> None:
        """`later(seconds, call)` calls back; results are forgotten `store_seconds` after their operation's end."""
        self.jobs: dict[str, FakeJob] = {}
        self.in_flight = 0  # attempts now
        self.peak = 0  # and the most that there ever were
        self.version = 0  # moves with every change of a job
        self._disk = disk
        self._timers = later
        self._life = 0  # of the JobManager
        self._store_seconds = store_seconds
        self._hang_seconds = hang_seconds
        self._kept: set[str] = set()  # ids of jobs that a highly available JobManager remembers without showing them
        self.recovering: dict[str, FakeJob] = {}  # jobs that it will show again
        self._attempts: dict[tuple[str, str], Attempt] = {}
        self._in_flight: dict[str, list[Attempt]] = {}
        self.when_over: Callable[[], None] = lambda: None  # called whenever a job has ended

    def add(self, job: FakeJob) -> FakeJob:
        """Take up the job. Raises `ValueError` for an id that the cluster has seen: a start is exactly-once too."""
        if job.jid in self.jobs or job.jid in self._kept:
            raise ValueError(f"DuplicateApplicationSubmissionException: {job.jid}")
        self.jobs[job.jid] = job
        self.version += 1
        if job.state is JobState.RUNNING:
            self._fails_again(job)
        return job

    @property
    def all_over(self) -> bool:
        """Whether all jobs have ended, and somebody has seen the result of each attempt that has one."""
        unread = any(not attempt.read and attempt.ended_at is not None for attempt in self._attempts.values())
        return bool(self.jobs) and not unread and all(job.state.terminal for job in self.jobs.values())

    def attempt(self, jid: str, trigger: str) -> Attempt | None:
        """The attempt with this id, whatever its kind; None when it is unknown or its result was forgotten."""
        attempt = self._attempts.get((jid, trigger))
        if attempt and attempt.ended_at is not None and time.monotonic() - attempt.ended_at >= self._store_seconds:
            del self._attempts[jid, trigger]
            return None
        return attempt

    def trigger(
        self,
        jid: str,
        kind: Literal["stop", "savepoint"],
        trigger: str,
        target: str,
        *,
        cancel_job: bool = False,
        native: bool = False,
    ) -> None:
        """Begin the attempt, unless its id is known: the same id again does nothing (FLINK-24208)."""
        if self.attempt(jid, trigger) is not None:
            return
        attempt = Attempt(kind, trigger, cancel_job, native)
        self._attempts[jid, trigger] = attempt
        job = self.jobs.get(jid)
        refusal = no_such_job(jid) if job is None or job.state.terminal else self._refusal(job, attempt, target)
        if job is None or refusal is not None:
            self._end(jid, attempt, refusal)
        else:
            self._begin(job, attempt)

    def cancel(self, jid: str) -> JobState | None:
        """Cancel the job; the state it was in, None for an unknown one."""
        job = self.jobs.get(jid)
        if job is None:
            return None
        before = job.state
        if not before.terminal and before is not JobState.CANCELLING:
            self._abort(job)
            self._spoil(job)
            self._move(job, JobState.CANCELLING)
            self._later(job.cancel_seconds, lambda: self.end(jid, JobState.CANCELED))
        return before

    def end(self, jid: str, state: JobState, failure: str = "") -> None:
        """Bring the job to a terminal state; attempts in flight fail."""
        job = self.jobs.get(jid)
        if job is None or job.state.terminal:
            return
        if job.lingers:
            self._leave(job)
        self._abort(job)
        self._spoil(job)
        job.failure, job.ended_at = failure, time.time()
        self._move(job, state)

    def lose_taskmanager(self, jid: str) -> None:
        """The machine under the job is lost: attempts in flight fail, and the job restarts if it can."""
        job = self.jobs.get(jid)
        if job is not None and job.state is JobState.RUNNING:
            self._restart(job, "org.apache.flink.util.FlinkException: TaskManager is no longer reachable.")

    def lose_jobmanager(self, truths: Mapping[str, Truth] | Truth | None, recovery_seconds: float = 0.0) -> None:
        """Forget every result. `truths` is None without high availability: then every job is forgotten, too.

        With it, each job that was being stopped meets its truth, and the others run again. Until `recovery_seconds`
        are over, jobs that run again are unknown.
        """
        jobs, self.jobs, self._attempts = {**self.jobs, **self.recovering}, {}, {}
        self.recovering = {}
        flights, self._in_flight, self.in_flight = self._in_flight, {}, 0
        self._life += 1
        self._kept = self._kept | jobs.keys() if truths is not None else set()
        for attempt in (a for attempts in flights.values() for a in attempts):
            attempt.ended_at = time.monotonic()
        self.version += 1
        for job in jobs.values():
            if truths is None:
                self._died(job)
                continue
            truth = truths.get(job.jid, Truth.RUNS_AGAIN) if isinstance(truths, Mapping) else truths
            self._recover(job, flights.get(job.jid, []), truth, recovery_seconds)

    def _died(self, job: FakeJob) -> None:
        if not job.state.terminal:
            job.ended_at = time.time()
            self._move(job, JobState.FAILED)

    def _recover(self, job: FakeJob, attempts: list[Attempt], truth: Truth, seconds: float) -> None:
        stopping = [attempt for attempt in attempts if attempt.kind == "stop"]
        if (stopping or job.finishing) and truth is not Truth.RUNS_AGAIN:
            for attempt in stopping:
                self._write(attempt)
            job.ended_at = time.time()
            self._move(job, JobState.FINISHED)
        if job.state.terminal and truth is Truth.GONE:
            return
        self.recovering[job.jid] = job
        job.forgotten_checkpoints = job.state.terminal
        job.finishing = []
        if job.state.terminal:
            self._later(0.0, lambda: self._found(job))
            return
        job.restarts, job.drained, job.unshown = job.restarts + 1, False, len(job.history)
        job.started_at = time.time()  # each JobManager tells when it took the job up
        self._bring_back(job)
        self._move(job, JobState.RESTARTING)
        self._later(seconds, lambda: self._found_again(job))

    def _found_again(self, job: FakeJob) -> None:
        self._move(job, JobState.RUNNING)
        self._found(job)
        self._fails_again(job)

    def _found(self, job: FakeJob) -> None:
        self.jobs[job.jid] = self.recovering.pop(job.jid)
        self._kept.discard(job.jid)
        self.version += 1

    def _refusal(self, job: FakeJob, attempt: Attempt, target: str) -> Failure | None:
        """Why Flink refuses before it touches the job (contract, rules 5 to 7)."""
        if job.batch:
            return FAILURES["batch"]
        if job.running + job.finished_tasks < job.tasks:
            return FAILURES["not_ready"]
        if job.finished_tasks and not job.after_finish:
            return FAILURES["finished"]
        if job.failing and job.failing[0] in REFUSALS:
            return FAILURES[job.failing.pop(0)]
        folder = self._disk.begin(target, job.jid)
        if isinstance(folder, Failure):
            return folder
        attempt.folder = folder
        return None

    def _begin(self, job: FakeJob, attempt: Attempt) -> None:
        flights = self._in_flight.setdefault(job.jid, [])
        rival = next((other for other in flights if other.kind == "stop"), None)
        for other in [other for other in flights if other.kind == "savepoint" and attempt.kind == "stop"]:
            self._end(job.jid, other, FAILURES["suspending"])
        flights = self._in_flight.setdefault(job.jid, [])
        flights.append(attempt)
        job.history.append(attempt)
        attempt.number = len(job.history)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        if rival is not None and attempt.kind == "stop":
            self._restart(job, "Stop-with-savepoint failed.")
            return
        if rival is not None and rival.timer:
            rival.timer.cancel()  # the sources have ended: it hangs until it expires, or the job is canceled (rule 4)
            job.drained = True
            rival.timer = self._later(self._hang_seconds, lambda: self._expire(job, rival))
        attempt.timer = self._later(job.stop_seconds, lambda: self._complete(job, attempt))

    def _expire(self, job: FakeJob, attempt: Attempt) -> None:
        self._end(job.jid, attempt, FAILURES["expired"])
        self._restart(job, FAILURES["expired"].words)

    def _complete(self, job: FakeJob, attempt: Attempt) -> None:
        if (cause := _dies_of(job, attempt)) is not None:
            self._end(job.jid, attempt, FAILURES["suspending"])
            self._restart(job, cause)
            return
        name = job.failing.pop(0) if job.failing else None
        if name is not None and (name != "stopping" or attempt.kind == "savepoint"):
            self._end(job.jid, attempt, FAILURES["declined" if name == "stopping" else name])
            if attempt.kind == "stop":
                self._restart(job, FAILURES[name].words)
            return
        self._write(attempt)
        if name == "stopping":
            self._end(job.jid, attempt, stopping_failed(attempt.location or "", job.jid))
            self._restart(job, "Inconsistent execution state after stopping with savepoint.")
            return
        self._end(job.jid, attempt, None)
        if attempt.kind == "stop":
            job.finishing, job.drained = [*job.finishing, attempt], True
            self._after(job.finish_seconds, lambda: self._finish(job, attempt))
        elif attempt.cancel_job:
            self.cancel(job.jid)

    def _finish(self, job: FakeJob, attempt: Attempt) -> None:
        if attempt in job.finishing:
            job.finishing = []
            self.end(job.jid, JobState.FINISHED)

    def _spoil(self, job: FakeJob) -> None:
        """Whatever befalls a job that has its savepoint but has not ended yet fails its stop (contract, rule 8)."""
        for attempt in job.finishing:
            attempt.failure = stopping_failed(attempt.location or "", job.jid)
        job.finishing = []

    def _after(self, seconds: float, call: Callable[[], None]) -> None:
        if seconds > 0:
            self._later(seconds, call)
        else:
            call()

    def _restart(self, job: FakeJob, why: str) -> None:
        """What a failure in flight does to a job (contract, rules 2 and 5)."""
        if not job.restartable:
            self.end(job.jid, JobState.FAILED, why)
            return
        self._abort(job)
        self._spoil(job)
        job.failure = why
        job.restarts += 1
        self._bring_back(job)
        job.failures.append((time.time(), why))
        self._move(job, JobState.RESTARTING)
        self._later(job.restart_seconds, lambda: self._again(job))

    def _bring_back(self, job: FakeJob) -> None:
        """What the job restarts from: its last checkpoint, else what it was started from, else nothing."""
        found = self._checkpoint_of(job) or job.restored
        if found is None:
            job.from_nothing += 1
        else:
            job.brought_back, job.brought_back_at = found, time.time()

    def _checkpoint_of(self, job: FakeJob) -> str | None:
        if job.checkpoint is not None:
            return job.checkpoint.path
        return f"file:/checkpoints/{job.jid}/chk-1" if job.recoverable else None

    def _again(self, job: FakeJob) -> None:
        if job.state is JobState.RESTARTING:
            job.drained = False
            self._move(job, JobState.RUNNING)
            self._fails_again(job)

    def _fails_again(self, job: FakeJob) -> None:
        if job.loops:
            self._later(job.up_seconds, lambda: self._restart(job, job.loops) if _still_loops(job) else None)

    def loop(self, jid: str, why: str) -> None:
        """From now on the job fails again and again; with no words it runs steadily from its next restart on."""
        job = self.jobs[jid]
        looped, job.loops = job.loops, why
        self.version += 1
        if why and not looped and job.state is JobState.RUNNING:
            self._restart(job, why)

    def _abort(self, job: FakeJob) -> None:
        for attempt in list(self._in_flight.get(job.jid, ())):
            self._end(job.jid, attempt, FAILURES["suspending"])

    def _end(self, jid: str, attempt: Attempt, failure: Failure | None) -> None:
        self._land(jid, attempt)
        attempt.failure, attempt.ended_at = failure, time.monotonic()

    def _leave(self, job: FakeJob) -> None:
        """Whoever was to give the results ends with the job."""
        for attempt in list(self._in_flight.get(job.jid, ())):
            self._land(job.jid, attempt)

    def _land(self, jid: str, attempt: Attempt) -> None:
        if attempt.timer:
            attempt.timer.cancel()
        flights = self._in_flight.get(jid, [])
        if attempt in flights:
            flights.remove(attempt)
            self.in_flight -= 1
        if not flights:
            self._in_flight.pop(jid, None)
        if attempt.folder and attempt.location is None:
            self._disk.discard(attempt.folder)

    def _write(self, attempt: Attempt) -> None:
        if attempt.folder is not None:
            attempt.location = self._disk.complete(attempt.folder, attempt.number, of_stop=attempt.kind == "stop")

    def _later(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Call back, unless the JobManager is lost before."""
        life = self._life
        return self._timers(seconds, lambda: call() if life == self._life else None)

    def _move(self, job: FakeJob, state: JobState) -> None:
        job.state = state
        job.changed_at = time.time()
        if state is JobState.RUNNING:
            job.running_since = time.time()
        if state is JobState.RESTARTING:
            job.restarted_at = time.time()
        self.version += 1
        if state.terminal:
            self.when_over()


def _dies_of(job: FakeJob, attempt: Attempt) -> str | None:
    """What a savepoint does to its job that only the job's own failure tells (contract, "Formats")."""
    if job.deadly and not attempt.native:
        return UNSUPPORTED_SAVE
    if not job.checkpoint_dir and job.state_bytes > MEMORY_LIMIT:
        return TOO_LARGE.format(size=job.state_bytes)
    return None


def _still_loops(job: FakeJob) -> bool:
    return bool(job.loops) and job.state is JobState.RUNNING
