"""A world of one seed: clusters, storage, a database, and the services that come and go."""

import asyncio
import contextlib
import random
import sys
import types
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from tests.simulation import memory
from tests.simulation.cluster import SimCluster
from tests.simulation.disk import SimDisk
from tests.simulation.faults import Weather
from tests.simulation.invariants import Watch
from tests.simulation.loop import Time, VirtualLoop
from tests.simulation.memory import InjectedError, Memory
from tests.simulation.registry import Registry
from tests.simulation.service import OWNER, Service
from tests.simulation.setting import ALONE, Setting

from sluiceway.control import clusters, discovery, roster, start_jobs, take_savepoints
from sluiceway.engines.session import engine, look, questions, traits
from sluiceway.reconcile import adopting, clocks, errands, hearing, returning, sends, submissions, turn, worker
from sluiceway.store import leases, work
from sluiceway.testing import fake_answers, fake_jobs, fake_rest

LEASE = worker.LEASE * 8  # renewals are most of the transactions of a quiet time
CLOCKED = (
    engine,
    look,
    questions,
    traits,
    turn,
    clocks,
    sends,
    submissions,
    returning,
    fake_jobs,
    fake_answers,
    fake_rest,
)
FAILINGS: tuple[list[str], ...] = (
    [],
    [],
    [],
    ["expired"],
    ["declined"],
    ["stopping"],
    ["not_ready", "expired"],
    ["stopping", "expired"],
    ["declined"] * 5,
)
LOGGING = (look, worker, errands, submissions, adopting, hearing, roster, discovery)
THREADED = (roster, discovery, clusters)


class World:
    """Everything of one seed. `note` writes the trace."""

    def __init__(self, seed: int, *, tracing: bool = False, setting: Setting = ALONE) -> None:
        """A world without jobs and services."""
        self.seed = seed
        self.setting = setting
        self.dice = random.Random(f"world {seed}")
        self._ids = random.Random(f"ids {seed}")
        self.loop = VirtualLoop()
        self.loop.set_task_factory(_owned)
        self.loop.set_exception_handler(lambda _, context: self.note("loop:", context["message"]))
        self.time = Time(self.loop)
        self.weather = Weather(seed)
        self.trace: list[str] = []
        self._tracing = tracing
        self.violations: list[str] = []
        self.memory = Memory(self._ids.randbytes, self.time.time, self._committed)
        self.disk = SimDisk(self)
        self.watch = Watch(self)
        count = self.dice.choice((1, 1, 1, 2))
        ha = self.dice.random() < 0.7 or setting.standby
        self.clusters = {f"c{n}": SimCluster(self, f"c{n}", ha=ha) for n in range(setting.clusters or count)}
        self.registry = Registry(self)
        self.counts: Counter[str] = Counter()  # how often what happened that not every seed has
        self.heard_at: dict[str, float] = {}  # when a whole answer of a cluster last reached somebody
        self.left_at: dict[str, float] = {}  # when a name was last seen to mean no cluster any more
        self.launched_in: dict[str, SimCluster] = {}  # by Flink job id
        self.services: list[Service] = []
        self._failings = FAILINGS if self.dice.random() < 0.5 else self.dice.choices(FAILINGS, k=2)
        self._retaining = self.dice.choice((0.8, 0.8, 0.2))  # share of jobs whose checkpoints outlive a cancel
        self.cursed: set[int] = set()  # jobs whose runs from now on fail again and again
        self.launched_at: dict[str, float] = {}  # virtual seconds, by Flink job id
        self._born = 0
        self._habits: dict[int, dict[str, Any]] = {}
        self.changelogs: set[int] = set()  # jobs that keep one, by their specification
        self.stillborn: set[int] = set()  # jobs whose runs from now on fail while they initialize
        self.notes: dict[int, str] = {}  # what goes wrong beside the starts of these jobs
        self.asynchronous: set[int] = set()  # jobs whose state is, by their specification

    @property
    def now(self) -> float:
        """Virtual seconds since the beginning."""
        return self.loop.time()

    def note(self, what: str, *about: object) -> None:
        """Add to the trace."""
        if self._tracing:
            self.trace.append(f"{self.now:9.3f} {what} {' '.join(map(str, about))}")

    def violate(self, what: str) -> None:
        """Something is not as promised."""
        self.note("VIOLATION", what)
        self.violations.append(f"at {self.now:.3f}: {what}")

    def later(self, seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        """Call back, whichever service is at work."""
        return self.loop.call_later(seconds, call)

    def token(self) -> str:
        """32 hex digits."""
        return self._ids.randbytes(16).hex()

    def habits(self, job_id: int) -> dict[str, Any]:
        """How a job behaves: how long its stops last, how they fail, whether it restarts."""
        if job_id not in self._habits:
            dice = self.dice
            self._habits[job_id] = {
                "stop_seconds": dice.choice((0.0, 0.5, 3.0, 3.0, 15.0, 50.0)),
                "finish_seconds": dice.choice((0.0, 0.0, 1.0, 4.0, 12.0)),
                "cancel_seconds": dice.choice((0.0, 0.0, 1.0, 10.0, 55.0)),
                "restart_seconds": dice.choice((0.1, 2.0, 8.0)),
                "restartable": dice.random() < 0.85,
                "retains_checkpoints": dice.random() < self._retaining,
                "batch": dice.random() < 0.03,
                "backend": dice.choice(("HashMapStateBackend", "EmbeddedRocksDBStateBackend", "ForStStateBackend")),
                "checkpoint_dir": dice.random() < 0.95,
                "state_bytes": dice.choice((1000, 6_000_000)),
                "after_finish": dice.random() < 0.8,
            }
        failing = self.dice.choice(self._failings)
        return {**self._habits[job_id], "failing": [] if self.weather.calm else list(failing)}

    def at(self, host: str) -> SimCluster:
        """The cluster of which a JobManager is there."""
        return next(cluster for cluster in self.clusters.values() if host in cluster.hosts)

    def cluster_of(self, jid: str) -> SimCluster | None:
        """The cluster that shows a job now."""
        return next((cluster for cluster in self.clusters.values() if jid in cluster.jobs), None)

    def spawn(self) -> Service:
        """A new service begins to work."""
        self._born += 1
        service = Service(self, f"s{self._born}")
        self.services.append(service)
        service.start()
        return service

    def died(self, service: Service) -> None:
        """A service is no more; another takes its place after a while."""
        if service in self.services:
            self.services.remove(service)
        if not self.services:
            self.later(self.dice.choice((0.5, 3.0, 20.0, 45.0)), self._replace)

    def _replace(self) -> None:
        if not self.services:
            self.spawn()

    def _committed(self) -> None:
        self.watch.committed()

    def run(self, story: Coroutine[Any, Any, None]) -> None:
        """Let it happen."""
        with _installed(self):
            asyncio.set_event_loop(self.loop)
            try:
                self.loop.run_until_complete(story)
            finally:
                for service in list(self.services):
                    service.alive = False
                left = asyncio.all_tasks(self.loop)
                for task in left:
                    task.cancel()
                self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
                asyncio.set_event_loop(None)
                self.loop.close()
                self.memory.close()


def _owned(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    """Tasks know the service that they are part of."""
    task = asyncio.Task(work, loop=loop, **options)
    owner = OWNER.get()
    if owner is not None:
        if len(owner.tasks) > 100:
            owner.tasks = [other for other in owner.tasks if not other.done()]
        owner.tasks.append(task)
        if not owner.alive:
            task.cancel()
    return task


class _Log:
    """Stands in for the product's logs: what nobody foresaw is a finding."""

    def __init__(self, world: World) -> None:
        self._world = world

    def info(self, event: str, **about: object) -> None:
        self._world.note("log", event, about)

    warning = info

    def exception(self, event: str, **about: object) -> None:
        self._told(event, sys.exc_info()[1])

    def error(self, event: str, **about: object) -> None:
        error = about.get("exc_info")
        self._told(event, error if isinstance(error, BaseException) else None)

    def _told(self, event: str, error: BaseException | None) -> None:
        self._world.note("log", event, repr(error)[:300])
        owner = OWNER.get()
        expected = isinstance(error, InjectedError | TimeoutError | asyncio.CancelledError)
        if not expected and (owner is None or owner.alive):
            self._world.violate(f"nobody foresaw {event}: {error!r}")


class _NoThreads:
    """Stands in for the module `asyncio` where the product uses threads: there are none here."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def to_thread(self, work: Callable[..., Any], *about: Any) -> Any:
        return work(*about)


@contextlib.contextmanager
def _installed(world: World) -> Iterator[None]:
    """Put the world's clocks, dice and eyes where the product's are."""
    put: list[tuple[Any, str, Any]] = [(module, "time", world.time) for module in CLOCKED]
    put += [(module, "log", _Log(world)) for module in LOGGING]
    put += [(module, "asyncio", _NoThreads()) for module in THREADED]
    tokens = types.SimpleNamespace(token_hex=lambda _: world.token())
    put += [(start_jobs, "secrets", tokens), (take_savepoints, "secrets", tokens)]
    put.append((worker, "uuid", types.SimpleNamespace(uuid4=lambda: types.SimpleNamespace(hex=world.token()))))
    put.append((worker, "os", types.SimpleNamespace(getpid=lambda: 1)))
    put += [(worker, "LEASE", LEASE), (leases, "claim", memory.claim)]
    put.append((work.Records, "__call__", memory.record))
    before = [(module, name, getattr(module, name)) for module, name, _ in put]
    for module, name, value in put:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
