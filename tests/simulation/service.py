"""One process of the service: the real use cases and the real reconciler, on seams that can die and doze."""

import asyncio
import contextvars
import errno
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from tests.simulation.disk import SimStorage
from tests.simulation.in_calm import submitted
from tests.simulation.memory import SimDatabase

from sluiceway.assembly.ground import Ground, lifecycle, workers
from sluiceway.control.roster import Roster
from sluiceway.domain.engine import Unreachable
from sluiceway.domain.facts import Silent, SubmitRefused, Submitted
from sluiceway.domain.job import JobSpec
from sluiceway.domain.operations.stop import StopRules
from sluiceway.domain.place import Place
from sluiceway.domain.run import Run
from sluiceway.engines.jobmanager.jobmanagers import JobManagers
from sluiceway.engines.session.engine import SessionEngine
from sluiceway.reconcile.pace import Pace
from sluiceway.reconcile.turn import TurnSettings

if TYPE_CHECKING:
    from tests.simulation.cluster import SimCluster
    from tests.simulation.world import World

OWNER: contextvars.ContextVar["Service | None"] = contextvars.ContextVar("owner", default=None)
RULES = StopRules(
    timeout=timedelta(seconds=40),
    attempts=3,
    backoff=timedelta(seconds=2),
    gone_after=timedelta(seconds=30),
    forgotten_after=timedelta(seconds=2),
)
MAX_SAVEPOINTS = 2
PACE = Pace(busy=1.0, quick=1.0, idle=5.0, trouble=2.0)
REQUEST_TIMEOUT = 10.0
_NOBODY = ConnectionKey("c0", 80, False, True, None, None, None)


class Service:
    """It lives until it is told to close, or dies."""

    def __init__(self, world: "World", name: str) -> None:
        """Not started yet."""
        self.world = world
        self.name = name
        self.alive = True
        self.frozen_until = 0.0
        self.heard: dict[str, float] = {}  # when it was told that a job runs on without its attempt
        self.cut_off: set[str] = set()  # clusters that it cannot reach; and `host x` for one JobManager
        self.tasks: list[asyncio.Task[Any]] = []
        self.overviews: dict[str, list[tuple[str, str]]] = {}  # by cluster: ids and names of what it last told to live
        session: Any = SimSession(self)
        self._jobmanagers = JobManagers(session, REQUEST_TIMEOUT)
        engine = SessionEngine(self._jobmanagers, self.submit)
        db = SimDatabase(world.memory, self)
        ground = Ground(db, SimStorage(world.disk, self), engine, world.time.wall)
        turns = TurnSettings(RULES, MAX_SAVEPOINTS, adopts=world.setting.adopts)
        self._roster: Roster | None = None
        if world.setting.registered:
            self._roster, self.clusters = world.registry.roster(db, world.time.wall)
            turns = replace(turns, absent=self._roster.why_absent)
            self.reconciler, queues = workers(ground, self._roster.locate, (), turns, PACE)
        else:
            at = world.registry.fixed
            self.reconciler, queues = workers(ground, at.get, at, turns, PACE)
        # Not in the order of a set of texts, which no seed decides.
        queues = replace(queues, wake=lambda names: self.reconciler.wake(sorted(names)))
        if self._roster is not None:
            follow = (lambda names: self.reconciler.follow(sorted(names)), self._jobmanagers.keep, engine.keep)
            self._roster.publish_to(queues, *follow)
        life = lifecycle(ground, queues, RULES.timeout)
        self.stop, self.retry = life.stop_jobs, life.retry_stops
        self.start_jobs, self.resume = life.start_jobs, life.resume_jobs
        self.edit, self.queries, self.preflight = life.edit_jobs, life.queries, life.preflight
        self.take, self.bring = life.take_savepoints, life.import_savepoint

    def start(self) -> None:
        """Begin to work."""
        self.world.note("starts", self.name)
        if self._roster is not None:
            self.begin(self._come_up(self._roster))
        else:
            self._context().run(self._follow, tuple(self.world.clusters))

    def _follow(self, names: Sequence[str]) -> None:
        """In this order, and not in that of a set of texts, which no seed decides."""
        self.reconciler.start(())
        self.reconciler.follow(names)

    async def _come_up(self, roster: Roster) -> None:
        await roster.begin()
        self._follow(sorted(roster.worked_on))
        await roster.run()

    def begin(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Do something in this process."""
        return self._context().run(asyncio.ensure_future, work)

    def die(self) -> None:
        """No task of it goes on, nothing is tidied up, and it has no further effect."""
        if not self.alive:
            return
        self.world.note("dies", self.name)
        self.alive = False
        for task in self.tasks:
            task.cancel()
        self.world.died(self)

    async def close(self) -> None:
        """End in good order."""
        await asyncio.wait([self.begin(self.reconciler.close())])
        self.world.note("closed", self.name)
        self.alive = False
        for task in self.tasks:
            task.cancel()

    async def pause(self, seam: str) -> None:
        """Between two steps: the place to doze, to be frozen, and to die."""
        self.check()
        weather = self.world.weather
        if weather.crash():
            self.world.note("crash at", seam)
            self.die()
            raise asyncio.CancelledError
        if (seconds := weather.pause()) > 0:
            await asyncio.sleep(seconds)
            self.check()
        while self.frozen_until > self.world.now:
            await asyncio.sleep(self.frozen_until - self.world.now)
            self.check()

    async def sleep(self, seconds: float) -> None:
        """Wait for something slow."""
        await asyncio.sleep(seconds)
        self.check()

    def check(self) -> None:
        """What is dead does nothing more."""
        if not self.alive:
            raise asyncio.CancelledError

    async def submit(self, cluster: Place, run: Run, name: str, spec: JobSpec) -> Submitted | SubmitRefused | Silent:
        """Stands in for planning SQL, which takes a while, and for handing the job over."""
        await self.pause("plan")
        if self.world.weather.refuses_start():
            return SubmitRefused("it does not compile")
        host = self._jobmanagers.address(cluster).removeprefix("http://")
        target = self.world.at(host)
        try:
            status, _ = await exchange(self, target, "SUBMIT", lambda: target.submitted(run), host)
            if status == ELECTION[0]:
                return Silent("there is no leader")
        except (Unreachable, aiohttp.ClientError, TimeoutError) as error:
            return Silent(str(error))
        return submitted(self.world, run.job_id)

    def _context(self) -> contextvars.Context:
        context = contextvars.copy_context()
        context.run(OWNER.set, self)
        return context


async def exchange(service: Service, cluster: "SimCluster", kind: str, act: Any, host: str) -> tuple[int, bytes]:
    """One request over a bad network; `act` is what the cluster does when it arrives at the host."""
    weather = service.world.weather
    await service.pause(kind)
    life = cluster.life
    if cluster.down and cluster.application and cluster.name not in service.cut_off:
        raise aiohttp.ClientConnectorError(_NOBODY, OSError(errno.ECONNREFUSED, "connection refused"))
    if host in cluster.dead or f"host {host}" in service.cut_off:
        await _unheard(service)
    if cluster.down and len(cluster.hosts) > 1 and cluster.name not in service.cut_off:
        return ELECTION
    if cluster.down or cluster.name in service.cut_off:
        if service.world.dice.random() < 0.3:
            await service.sleep(REQUEST_TIMEOUT)
            raise TimeoutError
        raise aiohttp.ServerDisconnectedError
    fault = weather.request_fault(kind)
    if fault is not None:
        service.world.note(fault, kind)
        return await _misfortune(service, cluster, fault, act)
    answer: tuple[int, bytes] = act()
    if (seconds := weather.latency()) > 0:
        await service.sleep(seconds)
        if life != cluster.life:
            raise aiohttp.ServerDisconnectedError
    return answer


PAGE = b"<html><h1>nginx</h1></html>"
# What a standby says that finds no leader: `AbstractHandler` of Flink, while its gateway cannot be retrieved.
ELECTION = 503, b'{"errors":["Service temporarily unavailable due to an ongoing leader election. Please refresh."]}'


async def _unheard(service: Service) -> None:
    """Nobody is there: that is told at once, or no answer comes."""
    if service.world.dice.random() < 0.3:
        await service.sleep(REQUEST_TIMEOUT)
        raise TimeoutError
    raise aiohttp.ClientConnectorError(_NOBODY, ConnectionRefusedError(111, "Connection refused"))


async def _misfortune(service: Service, cluster: "SimCluster", fault: str, act: Any) -> tuple[int, bytes]:
    life = cluster.life
    match fault:
        case "late":
            seconds = service.world.weather.late()
            arrived = asyncio.get_running_loop().create_future()

            def arrive() -> None:
                if life == cluster.life and not arrived.cancelled():
                    arrived.set_result(act())

            service.world.loop.call_later(seconds, arrive)
            try:
                async with asyncio.timeout(REQUEST_TIMEOUT):
                    answer: tuple[int, bytes] = await asyncio.shield(arrived)
            finally:
                service.check()
            return answer
        case "lose_answer":
            act()
            raise aiohttp.ServerDisconnectedError
        case "hang_after" | "hang":
            if fault == "hang_after":
                act()
            await service.sleep(REQUEST_TIMEOUT)
            raise TimeoutError
        case "reset":
            act()
            raise aiohttp.ClientPayloadError("half an answer")
        case "garbage":
            return 200, b'\x00\xff{"jobs": ['
        case "html_503" | "html_404":
            return int(fault[-3:]), PAGE
        case "empty":
            return 200, b""
        case _:
            raise aiohttp.ServerDisconnectedError


class SimSession:
    """Stands in for aiohttp's session."""

    closed = False

    def __init__(self, service: Service) -> None:
        self._service = service

    def request(self, method: str, url: str, *, data: bytes | None, **_: Any) -> "_Exchange":
        """As aiohttp has it."""
        host, path = url.removeprefix("http://").split("/", 1)
        return _Exchange(self._service, self._service.world.at(host), host, method, f"/{path}", data)


@dataclass(slots=True)
class _Exchange:
    service: Service
    cluster: "SimCluster"
    host: str
    method: str
    path: str
    data: bytes | None
    status: int = 0
    body: bytes = b""
    said: bytes | None = None  # by the cluster, whatever has become of it on the way
    said_at: float = 0.0
    showed: str | None = None  # the job that ran on without its attempt when that was said
    living: list[tuple[str, str]] | None = None  # what was listed then

    async def __aenter__(self) -> "_Exchange":
        about = f"{self.method} {self.path}"
        self.status, self.body = await exchange(self.service, self.cluster, about, self._act, self.host)
        whole = self.body == self.said
        if whole:
            self.service.world.heard_at[self.cluster.name] = self.service.world.now
        if whole and self.living is not None:
            self.service.overviews[self.cluster.name] = self.living
        if self.status == HTTPStatus.OK and whole and self.showed is not None:
            self.service.heard[self.showed] = self.said_at
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def _act(self) -> tuple[int, bytes]:
        status, self.said = self.cluster.asked(self.method, self.path, self.data)
        self.said_at, self.showed = self.service.world.now, self.cluster.shows_running(self.path)
        if self.service.world.setting.adopts is not None and self.path == "/jobs/overview":
            self.living = self.cluster.living()
        return status, self.said

    @property
    def content(self) -> "_Exchange":
        """The body, as a stream."""
        return self

    async def iter_any(self) -> AsyncIterator[bytes]:
        """All of it in one piece."""
        yield self.body

    def close(self) -> None:
        """Nothing to close."""
