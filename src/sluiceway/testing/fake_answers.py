"""The shapes of a fake Flink's answers, as Flink 2.3 words them."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from sluiceway.domain.facts import JobState
from sluiceway.testing.fake_jobs import Attempt, FakeCheckpoint, FakeJob

VERTEX = "bc764cd8ddf7a0cff126f51c16239658"  # the only one: everything is chained
_TASK_STATES = ("created", "scheduled", "deploying", "reconciling", "initializing", "canceling")
_TASKS_AT_END = {JobState.FINISHED: "finished", JobState.CANCELED: "canceled", JobState.FAILED: "failed"}


def overview_answer(jobs: Iterable[FakeJob], free_slots: int | None = None, flink_version: str = "2.3.0") -> bytes:
    """`GET /overview`; by default there are slots enough."""
    states = [job.state for job in jobs]
    return msgspec.json.encode(
        {
            "taskmanagers": 1,
            "slots-total": 100_000,
            "slots-available": 100_000 - states.count(JobState.RUNNING) if free_slots is None else free_slots,
            "jobs-running": states.count(JobState.RUNNING),
            "jobs-finished": states.count(JobState.FINISHED),
            "jobs-cancelled": states.count(JobState.CANCELED),
            "jobs-failed": states.count(JobState.FAILED),
            "flink-version": flink_version,
            "flink-commit": "c0f8d1a",
        }
    )


def overview_line(job: FakeJob, *, kinds: bool = True) -> dict[str, Any]:
    """One job of `GET /jobs/overview`; which kind it is of is told since Flink 2.3."""
    kind = {"jobType": _job_type(job), "schedulerType": "AdaptiveBatch" if job.batch else "Default"} if kinds else {}
    return {
        "jid": job.jid,
        "name": job.name,
        **kind,
        "start-time": _milliseconds(job.started_at),
        "end-time": _milliseconds(job.ended_at),
        "duration": _milliseconds((job.ended_at or time.time()) - job.started_at),
        "state": job.state,
        "last-modification": _milliseconds(job.ended_at or job.changed_at),
        "tasks": _tasks(job),
        "pending-operators": 0,
    }


def job_answer(job: FakeJob) -> bytes:
    """`GET /jobs/:id`, without the vertices' metrics."""
    return msgspec.json.encode(
        {
            "jid": job.jid,
            "name": job.name,
            "isStoppable": False,
            "state": job.state,
            "job-type": _job_type(job),
            "start-time": _milliseconds(job.started_at),
            "end-time": _milliseconds(job.ended_at),
            "duration": _milliseconds((job.ended_at or time.time()) - job.started_at),
            "now": _milliseconds(time.time()),
            "timestamps": _timestamps(job),
            "vertices": [_vertex(job)],
            "status-counts": {name.upper(): count for name, count in _tasks(job).items() if name != "total"},
            "plan": {"jid": job.jid, "name": job.name, "type": _job_type(job), "nodes": []},
        }
    )


def metrics_answer(job: FakeJob, wanted: list[str]) -> bytes:
    """`GET /jobs/:id/vertices/:vertex/subtasks/metrics`: the names of the metrics, or the sums of those that are asked
    for. A job that has ended has none."""
    known = _metrics(job) if job.state is JobState.RUNNING else {}
    if not wanted:
        return msgspec.json.encode([{"id": name} for name in known])
    return msgspec.json.encode([{"id": name, "sum": known[name]} for name in wanted if name in known])


def _timestamps(job: FakeJob) -> dict[str, int]:
    """When the job came into each state last; 0 for never. Of the others nobody asks."""
    known = {JobState.RUNNING: job.running_since, JobState.RESTARTING: job.restarted_at}
    return {state: _milliseconds(known.get(state, 0.0)) for state in JobState}


def checkpoints_answer(job: FakeJob) -> bytes:
    """`GET /jobs/:id/checkpoints`."""
    history = [_savepoint(attempt) for attempt in job.history[job.unshown :]]
    complete = [line for line in history if line["status"] == "COMPLETED"]
    failed = [line for line in history if line["status"] == "FAILED"]
    restored = _restored(job)
    latest = {
        "completed": _checkpoint(job.checkpoint) if job.checkpoint else None,
        "savepoint": complete[-1] if complete else None,
        "failed": failed[-1] if failed else None,
        "restored": restored,
    }
    counts = {
        "restored": job.restarts + bool(job.restored),
        "total": len(history),
        "in_progress": len(history) - len(complete) - len(failed),
        "completed": len(complete) + bool(job.checkpoint),
        "failed": len(failed),
    }
    return msgspec.json.encode({"counts": counts, "summary": {}, "latest": latest, "history": history[::-1]})


def checkpoint_config_answer(job: FakeJob) -> bytes:
    """`GET /jobs/:id/checkpoints/config`."""
    kept = {"enabled": job.retains_checkpoints, "delete_on_cancellation": not job.retains_checkpoints}
    storage = "FileSystemCheckpointStorage" if job.checkpoint_dir else "JobManagerCheckpointStorage"
    return msgspec.json.encode(
        {
            "mode": "exactly_once",
            "interval": 2**63 - 1 if job.interval is None else _milliseconds(job.interval),
            "timeout": _milliseconds(job.timeout_seconds),
            "min_pause": 0,
            "max_concurrent": 1,
            "externalization": kept,
            "state_backend": job.backend,
            "checkpoint_storage": storage,
            "unaligned_checkpoints": job.unaligned,
            "tolerable_failed_checkpoints": 0,
            "aligned_checkpoint_timeout": 0,
            "checkpoints_after_tasks_finish": job.after_finish,
            "state_changelog_enabled": job.changelog,
            "changelog_periodic_materialization_interval": 600_000,
            "changelog_storage": "memory",
        }
    )


def job_config_answer(job: FakeJob) -> bytes:
    """`GET /jobs/:id/config`."""
    some = "Restart with exponential delay: starting at PT1S, increasing by 1.500000, with maximum PT1M."
    strategy = some if job.restartable else "Restart deactivated."
    execution = {"restart-strategy": strategy, "job-parallelism": 1, "object-reuse-mode": False, "user-config": {}}
    return msgspec.json.encode({"jid": job.jid, "name": job.name, "execution-config": execution})


def cluster_config_answer(options: Mapping[str, str]) -> bytes:
    """`GET /jobmanager/config`."""
    return msgspec.json.encode([{"key": key, "value": value} for key, value in options.items()])


def _restored(job: FakeJob) -> dict[str, Any] | None:
    """What the job was last restored from."""
    path, at = (job.brought_back, job.brought_back_at) if job.brought_back else (job.restored, job.started_at)
    if path is None:
        return None
    taken = path == job.restored
    return {"id": 1, "restore_timestamp": _milliseconds(at), "is_savepoint": taken, "external_path": path}


def exceptions_answer(job: FakeJob) -> bytes:
    """`GET /jobs/:id/exceptions`: what ended it, and what it has restarted after, the latest first and 16 at most."""
    entries = [_exception(why, at) for at, why in job.failures[-16:]]
    if job.failure and job.state.terminal:
        if job.tasks:
            outer = "org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy"
        else:
            outer = "org.apache.flink.runtime.client.JobInitializationException: Could not start the JobMaster."
        entries.append(_exception(outer, job.ended_at or 0.0, job.failure))
    return msgspec.json.encode({"exceptionHistory": {"entries": entries[::-1], "truncated": False}})


def application_exceptions_answer(job: FakeJob) -> bytes:
    """`GET /applications/:id/exceptions`, for the application that a job is."""
    why = job.application_failure
    entries = [_exception(why, job.ended_at or 0.0)] if why else []
    return msgspec.json.encode({"exceptionHistory": {"entries": entries}})


def _exception(outer: str, at: float, cause: str = "") -> dict[str, Any]:
    trace = f"{outer}\n\tat org.apache.flink.Some.frame(Some.java:1)\n" + (f"Caused by: {cause}\n" if cause else "")
    return {"exceptionName": outer.partition(":")[0], "stacktrace": trace, "timestamp": _milliseconds(at)}


def attempt_answer(attempt: Attempt) -> bytes:
    """`GET /jobs/:id/savepoints/:trigger`: a failure is COMPLETED, too."""
    if attempt.in_flight:
        return b'{"status":{"id":"IN_PROGRESS"},"operation":null}'
    failure = attempt.failure
    operation: dict[str, Any] = (
        {"location": attempt.location} if failure is None else {"failure-cause": failure.cause()}
    )
    return msgspec.json.encode({"status": {"id": "COMPLETED"}, "operation": operation})


def _vertex(job: FakeJob) -> dict[str, Any]:
    return {
        "id": VERTEX,
        "name": job.chain,
        "parallelism": job.parallelism,
        "status": job.state if job.state in _TASKS_AT_END else "RUNNING",
        "start-time": _milliseconds(job.started_at),
        "end-time": _milliseconds(job.ended_at),
        "metrics": {"read-records": 0, "write-records": 0},  # all that flows stays within the chain
    }


def _metrics(job: FakeJob) -> dict[str, float]:
    flows = {"In": float(job.records), "InPerSecond": job.rate, "Out": float(job.records), "OutPerSecond": job.rate}
    nothing = dict.fromkeys(flows, 0.0)
    operators = {
        "Source__s[1].": flows | {"In": 0.0, "InPerSecond": 0.0},
        "Calc[2].": flows,
        "b[3]__Writer.": flows | {"Out": 0.0, "OutPerSecond": 0.0, "SendErrors": float(job.corrupted)},
        "": nothing,
    }
    return {
        f"{operator}numRecords{way}": value for operator, values in operators.items() for way, value in values.items()
    }


def _savepoint(attempt: Attempt) -> dict[str, Any]:
    status = "COMPLETED" if attempt.location else "IN_PROGRESS" if attempt.in_flight else "FAILED"
    line: dict[str, Any] = {
        "className": status.lower(),
        "id": attempt.number,
        "status": status,
        "is_savepoint": True,
        "savepointFormat": "NATIVE" if attempt.native else "CANONICAL",
        "trigger_timestamp": _milliseconds(attempt.begun_at),
        "num_subtasks": 2,
        "num_acknowledged_subtasks": 2 if attempt.location else 0,
        "checkpoint_type": "SYNC_SAVEPOINT" if attempt.kind == "stop" else "SAVEPOINT",
    }
    if attempt.location:
        line |= {"external_path": attempt.location, "discarded": False}
    elif attempt.failure:
        line |= {"failure_message": attempt.failure.words}
    return line


def _checkpoint(made: FakeCheckpoint) -> dict[str, Any]:
    return {
        "className": "completed",
        "id": 1_000_000,
        "status": "COMPLETED",
        "is_savepoint": False,
        "trigger_timestamp": _milliseconds(made.at),
        "end_to_end_duration": _milliseconds(made.seconds),
        "state_size": made.size,
        "checkpointed_size": made.written,
        "num_subtasks": 2,
        "num_acknowledged_subtasks": 2,
        "checkpoint_type": "CHECKPOINT",
        "external_path": made.path,
        "discarded": False,
    }


def _tasks(job: FakeJob) -> dict[str, int]:
    counts = dict.fromkeys((*_TASK_STATES, "running", "finished", "canceled", "failed"), 0)
    rest = _TASKS_AT_END.get(job.state, "scheduled")
    if job.state is JobState.RESTARTING:
        rest = "canceled"
    counts["running"] = job.running
    counts[rest] += job.tasks - job.running - job.finished_tasks
    counts["finished"] += job.finished_tasks
    return {**counts, "total": job.tasks}


def _job_type(job: FakeJob) -> str:
    return "BATCH" if job.batch else "STREAMING"


def _milliseconds(seconds: float | None) -> int:
    return -1 if seconds is None else int(seconds * 1000)
