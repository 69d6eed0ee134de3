"""What an attack is tried on: the service as a process of its own, the clusters beside it, and another caller."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.hostile.long.wire import Wire
from tests.support import processes
from tests.support.doubles.fleet import CLUSTER, PROJECT, FakeCluster, Fleet
from tests.support.services.process import ServiceProcess

OTHER_CALLER = "127.0.0.3"  # loopback is a network: each caller has an address of its own
END_WITHIN = 10.0  # seconds from SIGTERM to the end of the process
LONGEST_END = 40.0  # seconds after which it is killed
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Stage:
    """The scene of one attack."""

    service: ServiceProcess
    fleet: Fleet
    root: Path  # the data directory
    wire: Wire  # how attackers speak, from an address of theirs
    jobs: list[int]  # that run
    random: random.Random
    over: threading.Event = field(default_factory=threading.Event)  # the service is being ended: no more is sent
    problems: list[str] = field(default_factory=list)  # what the attack itself found wrong

    @property
    def storage(self) -> Path:
        """The storage root."""
        return self.root / "storage"

    def wrong(self, what: str) -> None:
        """Something that the attack was to hold did not hold. It does not count while the service is being ended."""
        if not self.over.is_set():
            self.problems.append(what)

    def wait(self, seconds: float) -> None:
        """Let time pass, unless the service is being ended."""
        self.over.wait(seconds)


@dataclass(frozen=True)
class Scene:
    """What an attack needs to be there before it begins."""

    options: tuple[str, ...] = ()
    jobs: int = 5
    stop_seconds: float = 0.2
    planner: bool = False  # a real one, warm
    cluster: type[FakeCluster] = FakeCluster
    users: bool = False
    before: Callable[[], object] = lambda: None  # what is made once, before any clock runs
    small_disk: bool = False  # 64 MB, where this user may mount one: with less no room is kept back


@contextlib.contextmanager
def staged(scene: Scene, directory: Path, seed: int) -> Iterator[Stage]:
    """A service that has been used a little, with jobs that run."""
    root = directory / "data"
    with contextlib.ExitStack() as stack:
        if scene.small_disk:
            stack.enter_context(_small_disk(root))
        cluster = stack.enter_context(scene.cluster())
        fleet = Fleet(root, cluster)
        jobs = fleet.run(scene.jobs, stop_seconds=scene.stop_seconds)
        options = [option.format(root=root, directory=directory) for option in scene.options]
        if scene.users:
            _make_users(root)
            options.append("--auth")
        service = ServiceProcess(root, cluster.option, *options)
        try:
            wire = Wire(service.url)
            stage = Stage(service, fleet, root, wire, jobs, random.Random(seed))
            _warm_up(stage, planner=scene.planner, users=scene.users)
            yield stage
        finally:
            _kill(service)


class NotHere(Exception):
    """This machine, or this user, has not what the scene needs."""


@contextlib.contextmanager
def _small_disk(directory: Path) -> Iterator[None]:
    directory.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(directory)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        raise NotHere("a small disk needs the right to mount one")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], capture_output=True)


def _make_users(root: Path) -> None:
    from tests.support.people.users import set_password, user

    user(root, "good", "owner", PROJECT)
    set_password(root, "good", "a quite good password")


def _warm_up(stage: Stage, *, planner: bool, users: bool) -> None:
    """Once whatever is loaded or computed at its first use, so that no growth is told that has to be."""
    if users:
        return
    for path in ("/openapi.json", "/docs", "/docs/errors", "/nowhere", stage.wire.dli("/jobs")):
        stage.wire.ask("GET", path, patience=60)
    if planner:
        sql = (
            "CREATE TABLE a (n INT) WITH ('connector'='datagen'); CREATE TABLE b (n INT) WITH ('connector'='print');"
            " INSERT INTO b SELECT n FROM a"
        )
        status, said = stage.wire.graph(stage.jobs[0], sql, patience=180)
        if status != 200:
            raise AssertionError(f"no planner: {status} {said[:300]!r}")


def _kill(service: ServiceProcess) -> None:
    if service.process.poll() is None:
        service.kill()


def end(service: ServiceProcess) -> float:
    """Tell it to end; how long it took. It is killed when it does not."""
    began = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    try:
        service.process.wait(LONGEST_END)
    except subprocess.TimeoutExpired:
        service.kill()
        return float("inf")
    return time.monotonic() - began


class OtherCaller:
    """A process that asks `/healthz`; see `prober`."""

    def __init__(self, url: str) -> None:
        command = [sys.executable, "-m", "tests.hostile.long.prober", url, OTHER_CALLER]
        self._process = processes.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def end(self) -> list[float]:
        """Seconds for each answer, the shortest first; infinite where none came."""
        said, _ = self._process.communicate("", 120)
        found: list[tuple[float, float | None]] = json.loads(said)
        return sorted(float("inf") if took is None else took for _, took in found)


class Memory:
    """The most memory that a process had (and that its children had, all together) since it was first looked at."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = threading.Event()
        self.first, self.first_children = rss(pid), sum(map(rss, children(pid)))
        self.most, self.most_children = self.first, self.first_children
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> tuple[float, float]:
        """How much it grew by, and its children, in MB."""
        self._ended.set()
        self._thread.join()
        return (self.most - self.first) / 2**20, (self.most_children - self.first_children) / 2**20

    def _look(self) -> None:
        while not self._ended.wait(0.05):
            self.most = max(self.most, rss(self._pid))
            self.most_children = max(self.most_children, sum(map(rss, children(self._pid))))


def rss(pid: int) -> int:
    """Bytes of a process in memory; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def children(pid: int) -> Sequence[int]:
    """The processes that a process, or one of these, has begun."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return [*found, *(one for each in found for one in children(each))]


def stop_all(stage: Stage, jobs: Sequence[int]) -> int:
    """Stop jobs with savepoints, as a good caller; the id of the stop."""
    status, said = stage.wire.ask("POST", stage.wire.own("/stops"), {"job_ids": list(jobs)}, patience=60)
    if status != 202:
        raise AssertionError(f"a good stop was answered {status}: {said[:200]!r}")
    made: dict[str, Any] = json.loads(said)
    return int(made["id"])


__all__ = ["CLUSTER", "PROJECT", "Memory", "NotHere", "OtherCaller", "Scene", "Stage", "end", "staged", "stop_all"]
