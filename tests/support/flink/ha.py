"""A real Flink of several processes, each of which can be killed: ZooKeeper, a JobManager, TaskManagers.

Everything comes from the wheels and listens on loopback only. Without high availability there is no ZooKeeper.
"""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support import processes
from tests.support.services.process import wait_for

from sluiceway.engines.planning.java import MODULE_FLAGS, find_java, flink_jars

HOST = "127.0.0.1"
_ZOOKEEPER = "org.apache.flink.runtime.zookeeper.FlinkZooKeeperQuorumPeer"
_JOBMANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_APPLICATION = "org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint"
_TASKMANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"

# Quick to start rather than quick to run; what is killed every minute never gets warm.
_FLAGS = (
    *MODULE_FLAGS,
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
)
_TASKMANAGER_MEMORY = {
    "taskmanager.cpu.cores": "2",
    "taskmanager.memory.framework.heap.size": "128mb",
    "taskmanager.memory.framework.off-heap.size": "64mb",
    "taskmanager.memory.task.heap.size": "512mb",
    "taskmanager.memory.task.off-heap.size": "0mb",
    "taskmanager.memory.managed.size": "64mb",
    "taskmanager.memory.network.min": "64mb",
    "taskmanager.memory.network.max": "64mb",
    "taskmanager.memory.jvm-metaspace.size": "256mb",
    "taskmanager.memory.jvm-overhead.min": "64mb",
    "taskmanager.memory.jvm-overhead.max": "64mb",
}
_LOG = """\
rootLogger.level = WARN
rootLogger.appenderRef.file.ref = file
logger.flink.name = org.apache.flink
logger.flink.level = INFO
appender.file.name = file
appender.file.type = File
appender.file.fileName = ${sys:log.file}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{HH:mm:ss,SSS} %-5p %-60c %x - %m%n
"""
# What Flink writes of a job, and of the application around it, when it has ended; None stands for the job's id.
_TIMES = {"start-time": 1, "end-time": 2}
_RESULTS: Mapping[str, Mapping[str, Any]] = {
    "job-result-store": {
        "id": None,
        "name": "mended",
        "application-status": "SUCCEEDED",
        "accumulator-results": {},
        "net-runtime": 1,
        "application-id": None,
        **_TIMES,
    },
    "application-result-store": {
        "application-id": None,
        "application-state": "FINISHED",
        "application-name": "mended",
        **_TIMES,
    },
}


class JavaProcess:
    """One process of the cluster; it can be killed and started again, as often as one likes."""

    def __init__(
        self, directory: Path, name: str, flags: Sequence[str], main: Sequence[str], jars: Sequence[Path] = ()
    ) -> None:
        self.name = name
        self._output = directory / f"{name}.out"
        log = (f"-Dlog4j2.configurationFile={directory}/log4j2.properties", f"-Dlog.file={directory}/{name}.log")
        classpath = os.pathsep.join(str(jar.resolve()) for jar in jars or flink_jars())
        self._command = [str(find_java()), *_FLAGS, *flags, *log, "-cp", classpath, *main]
        self._process: subprocess.Popen[str] | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    def start(self) -> None:
        """Start it; what it says goes to files. A process group of its own keeps our terminal's Ctrl-C from it."""
        assert not self.alive, f"{self.name} runs already"
        with self._output.open("ab") as output:
            self._process = processes.start(
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0
            )

    def kill(self) -> None:
        """End it as a crash does. Harmless when it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """Let it hang."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def carry_on(self) -> None:
        """End a pause."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


class HaFlink:
    """A cluster in `directory`. A context manager: whatever happens, its processes have ended when the context has.

    With a `program` (what `standalone-job.sh` takes: its class, its jar, its arguments) it is an application cluster;
    with `jars` it is of another version of Flink than the installed one.
    """

    def __init__(
        self,
        directory: Path,
        *,
        ha: bool = True,
        taskmanagers: int = 1,
        slots: int = 40,
        program: Sequence[str] = (),
        jars: Sequence[Path] = (),
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.mended: list[str] = []  # the jobs whose results had to be mended
        rest, rpc, zookeeper = free_ports(3)
        self.url = f"http://{HOST}:{rest}"
        (directory / "log4j2.properties").write_text(_LOG)
        options = {**_options(directory, rest, rpc, slots, ha=ha), **(_ha_options(directory, zookeeper) if ha else {})}
        (directory / "config.yaml").write_text("".join(f"{key}: {value}\n" for key, value in options.items()))
        at = ("--configDir", str(directory))
        main = (_APPLICATION, *at, *program) if program else (_JOBMANAGER, *at)
        self.jobmanager = JavaProcess(directory, "jobmanager", ("-Xmx768m",), main, jars)
        memory = [part for key, value in _TASKMANAGER_MEMORY.items() for part in ("-D", f"{key}={value}")]
        self.taskmanagers = [
            JavaProcess(directory, f"taskmanager-{n}", ("-Xmx768m",), (_TASKMANAGER, *at, *memory), jars)
            for n in range(taskmanagers)
        ]
        self._zookeeper = [_zookeeper(directory, zookeeper)] if ha else []

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.end()

    def start(self) -> None:
        """Start whatever does not run, and wait until the cluster is complete."""
        for process in (*self._zookeeper, self.jobmanager, *self.taskmanagers):
            if not process.alive:
                process.start()
        self.until_complete()

    def tend(self) -> None:
        """Start what has ended by itself, as whoever runs a cluster does."""
        for process in (self.jobmanager, *self.taskmanagers):
            if not process.alive:
                if process is self.jobmanager:
                    self.mended += _mend(self.directory / "ha")
                process.start()

    def end(self) -> None:
        """Kill everything. Nothing of the cluster is worth an orderly end."""
        for process in (*self.taskmanagers, self.jobmanager, *self._zookeeper):
            process.kill()

    def until_complete(self) -> None:
        """Wait until the JobManager answers and has all of its TaskManagers."""

        def complete() -> bool:
            self.tend()
            return bool(self.overview().get("taskmanagers") == len(self.taskmanagers))

        wait_for(complete)

    def overview(self) -> dict[str, Any]:
        """What the cluster says of itself; nothing while no JobManager answers."""
        with contextlib.suppress(OSError, ValueError):
            found: dict[str, Any] = self.ask("/overview")
            return found
        return {}

    def ask(self, path: str, body: object = None, method: str | None = None) -> Any:
        """One request to Flink's REST API; the decoded answer. Raises `OSError`, and `ValueError` for no JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def checkpoint(self, jid: str) -> None:
        """Wait until a job has taken a checkpoint, asking for one again and again: then all its tasks are ready."""

        def complete() -> bool:
            asked = self.ask(f"/jobs/{jid}/checkpoints", {})["request-id"]
            time.sleep(0.5)
            return "checkpointId" in (self.ask(f"/jobs/{jid}/checkpoints/{asked}").get("operation") or {})

        wait_for(complete)

    def jobs(self) -> dict[str, dict[str, Any]]:
        """Every job that the cluster lists, by its id."""
        return {job["jid"]: job for job in self.ask("/jobs/overview")["jobs"]}

    def state(self, jid: str) -> str | None:
        """A job's state; None for one that the cluster does not know. Waits while a JobManager is being elected."""
        told: list[str | None] = []

        def answers() -> bool:
            try:
                told.append(str(self.ask(f"/jobs/{jid}/status")["status"]))
            except urllib.error.HTTPError as error:
                if error.code == HTTPStatus.SERVICE_UNAVAILABLE:
                    return False
                if b"FlinkJobNotFoundException" not in error.read():
                    raise
                told.append(None)
            return True

        wait_for(answers)
        return told[0]

    def restarts(self, jid: str) -> int:
        """How often a job has failed, and so was restarted."""
        return len(self.ask(f"/jobs/{jid}/exceptions")["exceptionHistory"]["entries"])

    def cancel(self, jid: str) -> None:
        """Cancel a job, as somebody does in Flink's own page."""
        self.ask(f"/jobs/{jid}?mode=cancel", method="PATCH")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on.

    Below those that the system gives to outgoing connections: the port of a JobManager that is down is tried again and
    again, and one of those tries would sooner or later connect to itself.
    """
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(12_000, 30_000)
        with contextlib.suppress(OSError), socket.socket() as tried:
            tried.bind((HOST, port))
            found += [port] if port not in found else []
    return found


def _mend(storage: Path) -> list[str]:
    """Complete the results that were being written when their JobManager was killed; the ids of their jobs.

    Flink 2.3.0 makes the file of a result before it writes it, and that of a job before that of its application. Over
    an empty one, or one of a job without that of its application, no JobManager starts any more; without any it would
    run the job again, although that has ended.
    """
    jobs, applications = (storage / kind for kind in _RESULTS)
    mended = [_write(result) for result in storage.glob("*/*/*_DIRTY.json") if result.stat().st_size == 0]
    for result in jobs.glob("*/*_DIRTY.json"):
        application = json.loads(result.read_text())["result"]["application-id"]
        beside = applications / result.parent.name
        if beside.is_dir() and not any(beside.glob(f"{application}*")):
            mended.append(_write(beside / f"{application}_DIRTY.json"))
    return mended


def _write(result: Path) -> str:
    jid = result.name.partition("_")[0]
    named = {key: jid if value is None else value for key, value in _RESULTS[result.parent.parent.name].items()}
    result.write_text(json.dumps({"result": named, "version": 1}))
    return jid


def _options(directory: Path, rest: int, rpc: int, slots: int, *, ha: bool) -> Mapping[str, object]:
    return {
        "jobmanager.rpc.address": HOST,
        "jobmanager.rpc.port": rpc,
        "jobmanager.bind-host": HOST,
        "taskmanager.host": HOST,
        "taskmanager.bind-host": HOST,
        "rest.address": HOST,
        "rest.bind-address": HOST,
        "rest.port": rest,
        "rest.bind-port": f'"{rest}"',
        "web.submit.enable": "false",
        "io.tmp.dirs": directory / "tmp",
        "user.artifacts.base-dir": directory / "artifacts",  # a program's jar, which is copied
        "taskmanager.numberOfTaskSlots": slots,
        # A killed process is noticed by its connection, a hanging one by its heartbeat.
        "heartbeat.interval": 1000,
        # Without high availability a TaskManager finds a new JobManager at the old address only after this time.
        "heartbeat.timeout": 30_000 if ha else 4_000,
        "taskmanager.registration.initial-backoff": "200 ms",
        "cluster.registration.initial-timeout": "200 ms",
        "cluster.registration.error-delay": "1 s",
        "cluster.registration.refused-registration-delay": "1 s",
    }


def _ha_options(directory: Path, zookeeper: int) -> Mapping[str, object]:
    return {
        "high-availability.type": "zookeeper",
        "high-availability.storageDir": (directory / "ha").as_uri(),
        "high-availability.zookeeper.quorum": f"{HOST}:{zookeeper}",
        # How long a killed JobManager stays the leader. A machine that is busy must not look like a dead one.
        "high-availability.zookeeper.client.session-timeout": "4000 ms",
        "high-availability.zookeeper.client.tolerate-suspended-connections": "true",
        "high-availability.zookeeper.client.retry-wait": "500 ms",
        "high-availability.zookeeper.client.max-retry-attempts": 20,
    }


def _zookeeper(directory: Path, port: int) -> JavaProcess:
    properties = directory / "zookeeper.properties"
    properties.write_text(
        f"dataDir={directory}/zookeeper\nclientPort={port}\nclientPortAddress={HOST}\n"
        "tickTime=500\nadmin.enableServer=false\n"
    )
    main = (_ZOOKEEPER, "--zkConfigFile", str(properties), "--peerId", "1")
    return JavaProcess(directory, "zookeeper", ("-Xmx128m",), main)
