"""A fake Flink for load: it answers what the service asks in these scenarios, at as little CPU as Python allows.

The shapes are those of `sluiceway.testing.fake_flink`, which the contract's tests hold against real Flink, and
`tests/unit/test_lean_flink.py` holds this one against that. It knows jobs that run, have completed a checkpoint and end
in a stop with a savepoint, and jobs that are told to fail; nothing else. Whatever else it is asked it counts as `other`
and answers 404; a second stop of a job counts as `rival`. A benchmark in which there were any does not count. As in
Flink, the duration of a running job differs in every overview. As an application cluster's (`--goes-after`), a
JobManager that has shown the result of its stop goes soon after.

Alone: `python -m bench.lean_flink --clusters 10 --jobs 100` prints the addresses, one a line.
"""

import argparse
import asyncio
import hashlib
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
import uvloop

from bench.lean_http import Answer, Connection
from sluiceway.testing.fake_failures import error
from sluiceway.testing.fake_metadata import written

VERTEX = "bc764cd8ddf7a0cff126f51c16239658"
VERSION = "2.3.0"
_MOVING = b"@@"  # stands for the duration of a job that runs
_NOWHERE = b'{"errors":["Unable to load requested file."]}'
_IN_PROGRESS = b'{"status":{"id":"IN_PROGRESS"},"operation":null}'
_STATES = ("created", "scheduled", "deploying", "reconciling", "initializing", "canceling")
_JOB_STATES = (
    *("INITIALIZING", "CREATED", "RUNNING", "FAILING", "FAILED", "CANCELLING", "CANCELED", "FINISHED"),
    *("RESTARTING", "SUSPENDED", "RECONCILING"),
)

encode = msgspec.json.encode


def job_id(cluster: int, number: int) -> str:
    """The Flink job id of a job, by which both sides know it without a word."""
    return hashlib.md5(f"{cluster}/{number}".encode(), usedforsecurity=False).hexdigest()


class Stop(msgspec.Struct):
    """What the body of a stop says."""

    trigger: str = msgspec.field(name="triggerId")
    target: str = msgspec.field(name="targetDirectory")


class LeanFlink:
    """One cluster. Its jobs began together, a minute ago."""

    def __init__(
        self, jids: list[str], stop_seconds: float, counts: Counter[str], goes_after: float | None = None
    ) -> None:
        """`counts` counts requests by kind, perhaps of many clusters together.

        With `goes_after` it is an application cluster: so many seconds after it has shown the result of a stop it goes.
        """
        self.began = _now() - 60_000
        self.ended: dict[str, tuple[str, int]] = {}  # state and moment, by id
        self.lines = {jid: self._line(jid, "RUNNING") for jid in jids}
        self.attempts: dict[tuple[str, str], bytes] = {}
        self.stopped: dict[str, bytes] = {}  # the line of its savepoint in `/checkpoints`, by id
        self.looked_at: float | None = None  # when its list was last asked for, by the steady clock
        self.unseen = 0.0  # the longest time between two such questions
        self.connections: set[Connection] = set()
        self.server: asyncio.Server | None = None
        self._goes_after = goes_after
        self._stop_seconds = stop_seconds
        self._counts = counts
        self._overview: list[bytes] | None = None  # cut where the duration goes
        self._metadata = written(1, of_stop=True)

    def answer(self, method: bytes, path: bytes, body: bytes) -> Answer:
        """Do what a request asks for."""
        kind, jid, trigger = route(method, path)
        self._counts[kind] += 1
        if kind == "jobs":
            self._is_seen()
            return 200, self.overview()
        if kind == "poll":
            found = self.attempts.get((jid, trigger))
            if self._goes_after is not None and jid in self.ended:
                asyncio.get_running_loop().call_later(self._goes_after, self._go)
            return (404, _no_attempt(jid, trigger)) if found is None else (200, found)
        if kind in _OF_CLUSTER:
            return 200, _OF_CLUSTER[kind](self)
        if kind == "stop":
            return self._stop(jid, body)
        if kind in _OF_JOB:
            return (200, _OF_JOB[kind](self, jid)) if jid in self.lines else _no_job(kind, jid)
        return 404, _NOWHERE

    def _is_seen(self) -> None:
        now = time.monotonic()
        if self.looked_at is not None:
            self.unseen = max(self.unseen, now - self.looked_at)
        self.looked_at = now

    def _go(self) -> None:
        if self.server is not None:
            self.server.close()
        for connection in list(self.connections):
            connection.abort()

    def overview(self) -> bytes:
        """`GET /jobs/overview`. It is put together anew only when a job has changed, the durations aside."""
        if self._overview is None:
            self._overview = (b'{"jobs":[' + b",".join(self.lines.values()) + b"]}").split(_MOVING)
        return str(_now() - self.began).encode().join(self._overview)

    def end(self, jid: str, state: str) -> None:
        """Bring a job to its end."""
        self.ended[jid] = (state, _now())
        self.lines[jid] = self._line(jid, state)
        self._overview = None

    def _stop(self, jid: str, body: bytes) -> Answer:
        asked = msgspec.json.decode(body, type=Stop)
        if (jid, asked.trigger) not in self.attempts:
            if jid not in self.lines or jid in self.ended or jid in self.stopped:
                self._counts["rival"] += 1  # what no build may send; real Flink would answer with a failed attempt
                return 404, _NOWHERE
            folder = f"{asked.target.removeprefix('file:').rstrip('/')}/savepoint-{jid[:6]}-{os.urandom(6).hex()}"
            folder = "/" + folder.lstrip("/")
            os.makedirs(folder)
            self.attempts[jid, asked.trigger] = _IN_PROGRESS
            self.stopped[jid] = _savepoint(None, _now())
            asyncio.get_running_loop().call_later(self._stop_seconds, self._complete, jid, asked.trigger, folder)
        return 202, b'{"request-id":"%b"}' % asked.trigger.encode()

    def _complete(self, jid: str, trigger: str, folder: str) -> None:
        with open(f"{folder}/_metadata", "wb", buffering=0) as file:
            file.write(self._metadata)
        self.attempts[jid, trigger] = encode(
            {"status": {"id": "COMPLETED"}, "operation": {"location": f"file:{folder}"}}
        )
        self.stopped[jid] = _savepoint(f"file:{folder}", _now() - round(1000 * self._stop_seconds))
        self.end(jid, "FINISHED")

    def _line(self, jid: str, state: str) -> bytes:
        end = self.ended.get(jid, ("", -1))[1]
        line = {
            "jid": jid,
            "name": f"job-{jid[:8]}",
            "jobType": "STREAMING",
            "schedulerType": "Default",
            "start-time": self.began,
            "end-time": end,
            "duration": msgspec.Raw(_MOVING) if end < 0 else end - self.began,
            "state": state,
            "last-modification": self.began if end < 0 else end,
            "tasks": _tasks(state),
            "pending-operators": 0,
        }
        return encode(line)

    # What is asked seldom. ----------------------------------------------------------------------------------------

    def state(self, jid: str) -> str:
        """The state of a job that is known."""
        return self.ended.get(jid, ("RUNNING", 0))[0]

    def cluster(self) -> bytes:
        """`GET /overview`."""
        states = Counter(state for state, _ in self.ended.values())
        running = len(self.lines) - len(self.ended)
        return encode(
            {
                "taskmanagers": 1,
                "slots-total": 100_000,
                "slots-available": 100_000 - running,
                "jobs-running": running,
                "jobs-finished": states["FINISHED"],
                "jobs-cancelled": 0,
                "jobs-failed": states["FAILED"],
                "flink-version": VERSION,
                "flink-commit": "c0f8d1a",
            }
        )

    def cluster_config(self) -> bytes:
        """`GET /jobmanager/config`."""
        return encode([{"key": "execution.checkpointing.interval", "value": "1min"}])

    def jars(self) -> bytes:
        """`GET /jars`, which is asked when a service looks at its first clusters."""
        return encode({"address": "", "files": []})

    def job(self, jid: str) -> bytes:
        """`GET /jobs/:id`."""
        state, end = self.ended.get(jid, ("RUNNING", -1))
        times = {"start-time": self.began, "end-time": end}
        counts = {name.upper(): count for name, count in _tasks(state).items() if name != "total"}
        vertex = {"id": VERTEX, "name": "Source: s[1] -> Calc[2] -> b[3]: Writer", "parallelism": 1, "status": state}
        return encode(
            {
                "jid": jid,
                "name": f"job-{jid[:8]}",
                "isStoppable": False,
                "state": state,
                "job-type": "STREAMING",
                **times,
                "duration": (_now() if end < 0 else end) - self.began,
                "now": _now(),
                "timestamps": dict.fromkeys(_JOB_STATES, 0) | {"RUNNING": self.began},
                "vertices": [vertex | times | {"metrics": {"read-records": 0, "write-records": 0}}],
                "status-counts": counts,
                "plan": {"jid": jid, "name": f"job-{jid[:8]}", "type": "STREAMING", "nodes": []},
            }
        )

    def status(self, jid: str) -> bytes:
        """`GET /jobs/:id/status`."""
        return encode({"status": self.state(jid)})

    def exceptions(self, jid: str) -> bytes:
        """`GET /jobs/:id/exceptions`."""
        entries = []
        if self.state(jid) == "FAILED":
            outer = "org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy"
            trace = f"{outer}\n\tat org.apache.flink.Some.frame(Some.java:1)\nCaused by: java.io.IOException: lost\n"
            name = outer.partition(":")[0]
            entries = [{"exceptionName": name, "stacktrace": trace, "timestamp": self.ended[jid][1]}]
        return encode({"exceptionHistory": {"entries": entries, "truncated": False}})

    def checkpoints(self, jid: str) -> bytes:
        """`GET /jobs/:id/checkpoints`."""
        taken = [msgspec.Raw(self.stopped[jid])] if jid in self.stopped else []
        complete = taken if self.state(jid) == "FINISHED" else []
        counts = {"restored": 0, "total": len(taken), "in_progress": len(taken) - len(complete)}
        latest = {"completed": self._checkpoint(jid), "savepoint": complete[0] if complete else None}
        return encode(
            {
                "counts": counts | {"completed": 1 + len(complete), "failed": 0},
                "summary": {},
                "latest": latest | {"failed": None, "restored": None},
                "history": taken,
            }
        )

    def _checkpoint(self, jid: str) -> dict[str, Any]:
        return {
            "className": "completed",
            "id": 1_000_000,
            "status": "COMPLETED",
            "is_savepoint": False,
            "trigger_timestamp": self.began,
            "end_to_end_duration": 1000,
            "state_size": 1000,
            "checkpointed_size": 1000,
            "num_subtasks": 2,
            "num_acknowledged_subtasks": 2,
            "checkpoint_type": "CHECKPOINT",
            "external_path": f"file:/checkpoints/{jid}/chk-1",
            "discarded": False,
        }

    def checkpoint_config(self, _: str) -> bytes:
        """`GET /jobs/:id/checkpoints/config`."""
        return _CHECKPOINT_CONFIG

    def job_config(self, jid: str) -> bytes:
        """`GET /jobs/:id/config`."""
        strategy = "Restart with exponential delay: starting at PT1S, increasing by 1.500000, with maximum PT1M."
        config = {"restart-strategy": strategy, "job-parallelism": 1, "object-reuse-mode": False, "user-config": {}}
        return encode({"jid": jid, "name": f"job-{jid[:8]}", "execution-config": config})


_OF_CLUSTER: dict[str, Callable[[LeanFlink], bytes]] = {
    "cluster": LeanFlink.cluster,
    "cluster_config": LeanFlink.cluster_config,
    "jars": LeanFlink.jars,
}
_OF_JOB: dict[str, Callable[[LeanFlink, str], bytes]] = {
    "job": LeanFlink.job,
    "status": LeanFlink.status,
    "exceptions": LeanFlink.exceptions,
    "checkpoints": LeanFlink.checkpoints,
    "checkpoint_config": LeanFlink.checkpoint_config,
    "job_config": LeanFlink.job_config,
}
_CHECKPOINT_CONFIG = encode(
    {
        "mode": "exactly_once",
        "interval": 60_000,
        "timeout": 600_000,
        "min_pause": 0,
        "max_concurrent": 1,
        "externalization": {"enabled": False, "delete_on_cancellation": True},
        "state_backend": "HashMapStateBackend",
        "checkpoint_storage": "FileSystemCheckpointStorage",
        "unaligned_checkpoints": False,
        "tolerable_failed_checkpoints": 0,
        "aligned_checkpoint_timeout": 0,
        "checkpoints_after_tasks_finish": True,
        "state_changelog_enabled": False,
        "changelog_periodic_materialization_interval": 600_000,
        "changelog_storage": "memory",
    }
)


def route(method: bytes, path: bytes) -> tuple[str, str, str]:
    """What a request is about, the job's id and the trigger's, where there are any."""
    parts = path.partition(b"?")[0].decode().strip("/").split("/")
    match method, parts:
        case b"GET", ["jobs", "overview"]:
            return "jobs", "", ""
        case b"GET", ["jobs", jid, "savepoints", trigger]:
            return "poll", jid, trigger
        case b"POST", ["jobs", jid, "stop"]:
            return "stop", jid, ""
        case b"GET", ["jobs", jid]:
            return "job", jid, ""
        case b"GET", ["jobs", jid, "status" | "exceptions" | "checkpoints" as what]:
            return what, jid, ""
        case b"GET", ["jobs", jid, "checkpoints", "config"]:
            return "checkpoint_config", jid, ""
        case b"GET", ["jobs", jid, "config"]:
            return "job_config", jid, ""
        case b"GET", ["overview" | "config"]:
            return "cluster", "", ""
        case b"GET", ["jobmanager", "config"]:
            return "cluster_config", "", ""
        case b"GET", ["jars"]:
            return "jars", "", ""
        case _:
            return "other", "", ""


def _tasks(state: str) -> dict[str, int]:
    counts = dict.fromkeys((*_STATES, "running", "finished", "canceled", "failed"), 0)
    counts[state.lower()] = 2
    return {**counts, "total": 2}


def _savepoint(location: str | None, begun: int) -> bytes:
    status = "COMPLETED" if location else "IN_PROGRESS"
    line: dict[str, Any] = {
        "className": status.lower(),
        "id": 1,
        "status": status,
        "is_savepoint": True,
        "savepointFormat": "CANONICAL",
        "trigger_timestamp": begun,
        "num_subtasks": 2,
        "num_acknowledged_subtasks": 2 if location else 0,
        "checkpoint_type": "SYNC_SAVEPOINT",
    }
    return encode(line | ({"external_path": location, "discarded": False} if location else {}))


def _no_attempt(jid: str, trigger: str) -> bytes:
    why = f"There is no savepoint operation with triggerId={trigger} for job {jid}."
    return encode({"errors": [error("runtime.rest.handler.RestHandlerException", why)]})


def _no_job(kind: str, jid: str) -> Answer:
    if kind == "status":
        lost = error("runtime.messages.FlinkJobNotFoundException", f"Could not find Flink job ({jid})")
        page = f"<Exception on server side:\n{lost}\nEnd of exception on server side>"
        return 500, encode({"errors": ["Internal server error.", page]})
    return 404, encode({"errors": [error("runtime.rest.NotFoundException", f"Job {jid} not found")]})


def _now() -> int:
    return int(time.time() * 1000)


class Control:
    """What the benchmark itself asks: the counts, and failures of jobs. It has an address of its own."""

    def __init__(self, clusters: list[LeanFlink], counts: Counter[str]) -> None:
        self._clusters = clusters
        self._counts = counts

    def answer(self, method: bytes, path: bytes, _: bytes) -> Answer:
        """`GET /counts`; `POST /fail/CLUSTER/JID` fails a job.

        `GET /unseen`: the longest time between two looks at any cluster, in seconds, since this was last asked.
        """
        parts = path.decode().strip("/").split("/")
        if method == b"POST" and parts[0] == "fail":
            self._clusters[int(parts[1])].end(parts[2], "FAILED")
        return 200, encode(self._unseen() if parts[0] == "unseen" else self._counts)

    def _unseen(self) -> float:
        now = time.monotonic()
        longest = max(max(flink.unseen, now - (flink.looked_at or now)) for flink in self._clusters)
        for flink in self._clusters:
            flink.unseen = 0.0
        return longest


async def serve(clusters: int, jobs: int, stop_seconds: float, goes_after: float | None) -> None:
    """Print the address of the control and of each cluster, and serve for as long as whoever has started this lives."""
    loop, counts, parent = asyncio.get_running_loop(), Counter[str](), os.getppid()
    flinks = [
        LeanFlink([job_id(number, job) for job in range(jobs)], stop_seconds, counts, goes_after)
        for number in range(clusters)
    ]
    control = await loop.create_server(lambda: Connection(Control(flinks, counts).answer), "127.0.0.1", 0)
    for flink in flinks:
        connect = partial(Connection, flink.answer, flink.connections)
        flink.server = await loop.create_server(connect, "127.0.0.1", 0, backlog=1024)
    servers = [control, *(flink.server for flink in flinks if flink.server)]
    addresses = [f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in servers]
    sys.stdout.write("\n".join(addresses) + "\n")
    sys.stdout.flush()
    while os.getppid() == parent:
        await asyncio.sleep(1)


def main() -> None:
    """Serve until it is ended."""
    parser = argparse.ArgumentParser(prog="python -m bench.lean_flink", description=__doc__)
    parser.add_argument("--clusters", type=int, default=1, metavar="N", help="clusters to serve (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=100, metavar="N", help="jobs in each (default: %(default)s)")
    parser.add_argument("--stop-seconds", type=float, default=2.0, metavar="S", help="that each savepoint takes")
    told = "let a JobManager go so long after it has shown the result of a stop, as an application cluster's does"
    parser.add_argument("--goes-after", type=float, metavar="S", help=told)
    given = parser.parse_args()
    with suppress(KeyboardInterrupt):
        uvloop.run(serve(given.clusters, given.jobs, given.stop_seconds, given.goes_after))


if __name__ == "__main__":
    main()
