"""Plans SQL in a confined process of its own, and ends that when somebody's SQL takes too long.

Only the script that ends the process, or has it ended, fails for that: everything else is planned again. That is
harmless, as a job keeps its own id however often it is submitted.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

import structlog

from sluiceway.domain.engine import Unreachable
from sluiceway.engines.planning.distributions import Distribution, installed
from sluiceway.engines.planning.java import NoFlink, NoJava
from sluiceway.engines.planning.jvm import JavaGone
from sluiceway.engines.planning.jvm_process import JvmFailed
from sluiceway.engines.planning.sql import Script, SqlRefused
from sluiceway.engines.planning.sql_jvm import SqlJvm
from sluiceway.engines.planning.turns import FairTurns, TooManyWaiting

HEAP_MB = 1024
PLANNING_SECONDS = 120.0  # for one script, from its turn to a plan
PLANS = 2  # of jobs at once, and as many graphs: planning keeps a core busy, and more only makes each slower
GRAPHS_EACH = 1  # at once, for one project
GRAPHS_WAITING = 20  # of one project
FITS_WAITING = 5000  # of one project: as many jobs as are asked about at once
JOBS_WAITING = FITS_WAITING  # whose SQL is read first; of one cluster the reconciler sends far fewer at once

TOO_LONG = (
    "Planning took longer than {seconds:g} s and was ended. Split the SQL into smaller jobs, or simplify its joins, "
    "views and statements."
)
ENDED = (
    "Planning this SQL ended the planner twice, the second time with nothing else in it. Most likely it ran out of "
    "memory: split the SQL into smaller jobs."
)
TOO_MANY = "Too many plans of the same caller are waiting already. Try again when they have been made."

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Plans(Protocol):
    """A planner that callers share."""

    @property
    def flink_version(self) -> str:
        """The version of Flink that plans, for example "2.3.0"."""

    async def read_sql(self, body: str, *, caller: str, runs: bool) -> Script:
        """Find the statements of a body for a caller, of a job that runs or of a graph; see `SqlJvm.read_sql`."""

    async def submit_sql(self, rest_url: str, script: Script, options: Mapping[str, str]) -> None:
        """Plan a script and hand it to a cluster; see `SqlJvm.submit_sql`."""

    async def pack_sql(self, script: Script, options: Mapping[str, str], *, caller: str) -> bytes:
        """Plan a script for whoever sends it; see `SqlJvm.pack_sql`."""

    async def plan_sql(self, script: Script, options: Mapping[str, str], *, chained: bool, caller: str = "") -> str:
        """Draw a script for a caller; see `SqlJvm.plan_sql`."""

    async def operators(self, script: Script, options: Mapping[str, str], *, caller: str) -> str:
        """The operators of a script for a caller; see `SqlJvm.operators`."""

    async def readable(self, pairs: Sequence[tuple[str, str]], *, caller: str) -> list[str]:
        """See `SqlJvm.readable`."""


_Work = Callable[[SqlJvm, Callable[[], None]], Coroutine[None, None, T]]


class _Lost(Exception):
    """The process ended while it planned."""


@dataclass(frozen=True, slots=True)
class _Plan(Generic[T]):
    """Something to plan. `work` gets the process, and a function to call when all that is left is to send a job."""

    caller: str
    work: _Work[T]
    sends_unseen: bool  # a job may have been sent without that call

    def ended(self, why: str) -> Exception:
        """The error when there will be no plan."""
        return Unreachable(why) if self.sends_unseen else SqlRefused(why)


class PlannerJvm:
    """The planner, shared by all. Its process starts with the first request, and again after it ended."""

    def __init__(
        self,
        directory: Path,
        heap_mb: int = HEAP_MB,
        jars: Sequence[Path] = (),
        seconds: float = PLANNING_SECONDS,
        flink: Callable[[], Distribution] = installed,
    ) -> None:
        """`directory` is its own: logs, and what it writes. `seconds` bound the planning of one script.

        `flink` says what it plans with, and may raise `NoFlink`; it is asked whenever the process starts.
        """
        self._directory = directory
        self._heap_mb = heap_mb
        self._jars = jars
        self._seconds = seconds
        self._flink = flink
        self._working = 0  # requests
        self._needed_at = 0.0  # when it was last needed, on the loop's clock
        self._jvm: SqlJvm | None = None
        self._starting = asyncio.Lock()
        self._aside = asyncio.Lock()
        self._jobs = FairTurns(PLANS, PLANS, JOBS_WAITING)
        self._graphs = FairTurns(PLANS, GRAPHS_EACH, GRAPHS_WAITING)
        self._fits = FairTurns(PLANS, GRAPHS_EACH, FITS_WAITING)
        self._tasks: set[asyncio.Task[Any]] = set()
        self.flink_version = ""  # known once it has been started

    @property
    def pid(self) -> int | None:
        """The id of the Java process; None while there is none."""
        return self._jvm.pid if self._jvm else None

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self._jvm is not None and self._jvm.alive

    @property
    def idle_for(self) -> float:
        """Seconds since it was last needed; 0 while it works."""
        return 0.0 if self._working else asyncio.get_running_loop().time() - self._needed_at

    async def rest(self) -> None:
        """End the process, unless it works; the next request starts another."""
        async with self._starting:
            if not self._working:
                await self._drop()

    async def jvm(self) -> Self:
        """Itself, able to plan. Raises `NoJava`, `NoFlink` and `JvmFailed`."""
        self._needed_at = asyncio.get_running_loop().time()
        await asyncio.shield(self._kept(self._process()))  # whoever waited for it may have gone; the next one has not
        return self

    async def warm_up(self) -> None:
        """Start the process and load the planner, which would take the first submission several seconds."""
        try:
            await (await self._process()).warm_up()
        except (NoJava, NoFlink, JvmFailed) as error:
            log.warning("planner_not_started", why=str(error))

    async def read_sql(self, body: str, *, caller: str, runs: bool) -> Script:
        """The statements of a body; see `SqlJvm.read_sql`. It takes a turn, of jobs that run or of graphs."""

        def work(jvm: SqlJvm, _: Callable[[], None]) -> Coroutine[None, None, Script]:
            return jvm.read_sql(body)

        return await self._planned(self._jobs if runs else self._graphs, _Plan(caller, work, sends_unseen=False))

    async def submit_sql(self, rest_url: str, script: Script, options: Mapping[str, str]) -> None:
        """Plan the script and hand it over; see `SqlJvm.submit_sql`. Clusters take turns."""

        def work(jvm: SqlJvm, planned: Callable[[], None]) -> Coroutine[None, None, None]:
            return jvm.submit_sql(rest_url, script, options, planned)

        await self._planned(self._jobs, _Plan(rest_url, work, script.creates_from_query))

    async def pack_sql(self, script: Script, options: Mapping[str, str], *, caller: str) -> bytes:
        """The script as one job that is yet to be sent; see `SqlJvm.pack_sql`. Clusters take turns."""

        def work(jvm: SqlJvm, _: Callable[[], None]) -> Coroutine[None, None, bytes]:
            return jvm.pack_sql(script, options)

        return await self._planned(self._jobs, _Plan(caller, work, sends_unseen=False))

    async def plan_sql(self, script: Script, options: Mapping[str, str], *, chained: bool, caller: str = "") -> str:
        """The graph of the script; see `SqlJvm.plan_sql`. Callers take turns, apart from those of jobs."""

        def work(jvm: SqlJvm, _: Callable[[], None]) -> Coroutine[None, None, str]:
            return jvm.plan_sql(script, options, chained=chained)

        return await self._planned(self._graphs, _Plan(caller, work, sends_unseen=False))

    async def operators(self, script: Script, options: Mapping[str, str], *, caller: str) -> str:
        """What the script would run as; see `SqlJvm.operators`. Callers take turns, apart from those of jobs."""

        def work(jvm: SqlJvm, _: Callable[[], None]) -> Coroutine[None, None, str]:
            return jvm.operators(script, options)

        return await self._planned(self._fits, _Plan(caller, work, sends_unseen=False))

    async def readable(self, pairs: Sequence[tuple[str, str]], *, caller: str) -> list[str]:
        """See `SqlJvm.readable`. Callers take turns."""

        def work(jvm: SqlJvm, _: Callable[[], None]) -> Coroutine[None, None, list[str]]:
            return jvm.readable(pairs)

        return await self._planned(self._fits, _Plan(caller, work, sends_unseen=False))

    async def close(self) -> None:
        """End it. The jobs that it submitted run on in their clusters."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        async with self._starting:
            await self._drop()

    async def _planned(self, turns: FairTurns, plan: _Plan[T]) -> T:
        self._working += 1
        try:
            return await self._in_order(turns, plan)
        finally:
            self._working -= 1
            self._needed_at = asyncio.get_running_loop().time()

    async def _in_order(self, turns: FairTurns, plan: _Plan[T]) -> T:
        try:
            await turns.take(plan.caller)
        except TooManyWaiting:
            raise Unreachable(TOO_MANY) from None
        # Java goes on when a caller has gone, and so does its turn.
        try:
            return await asyncio.shield(self._kept(self._in_turn(turns, plan)))
        except _Lost:
            return await self._beside(plan)

    async def _in_turn(self, turns: FairTurns, plan: _Plan[T]) -> T:
        try:
            sending = await self._until_planned(await self._process(), plan)
        finally:
            turns.give_back(plan.caller)
        return await sending

    async def _until_planned(self, jvm: SqlJvm, plan: _Plan[T]) -> "asyncio.Task[T]":
        """Return the rest of the work. Raises `_Lost`, and what the plan says when it takes too long."""
        loop = asyncio.get_running_loop()
        planned = asyncio.Event()
        call = asyncio.create_task(plan.work(jvm, lambda: _threadsafe(loop, planned.set)))
        seen = asyncio.create_task(planned.wait())
        try:
            await asyncio.wait({call, seen}, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
            if call.done() or planned.is_set():
                if not planned.is_set() and isinstance(call.exception(), JavaGone):
                    raise _Lost(str(call.exception()))
                return call
            await self._end(jvm)
            await asyncio.wait({call})
            call.exception()
            raise plan.ended(TOO_LONG.format(seconds=self._seconds))
        finally:
            seen.cancel()

    async def _beside(self, plan: _Plan[T]) -> T:
        """Plan in a process used for nothing else: a script that ends it harms no other."""
        async with self._aside:
            jvm = await self._launch(self._directory.with_name(f"{self._directory.name}-aside"))
            try:
                return await (await self._until_planned(jvm, plan))
            except _Lost as lost:
                raise plan.ended(f"{ENDED} {lost}"[:1000]) from lost
            finally:
                await jvm.close()

    async def _process(self) -> SqlJvm:
        async with self._starting:
            if self._jvm is None or not self._jvm.alive:
                await self._drop()
                self._jvm = await self._launch(self._directory)
            return self._jvm

    async def _launch(self, directory: Path) -> SqlJvm:
        flink = await asyncio.to_thread(self._flink)
        jvm = await SqlJvm.launch(directory, self._heap_mb, self._jars, confine=True, flink=flink)
        self.flink_version = jvm.flink_version
        log.info("planner_started", version=jvm.flink_version, confined=str(jvm.confinement))
        return jvm

    async def _end(self, jvm: SqlJvm) -> None:
        jvm.kill()
        if self._jvm is jvm:
            await self._drop()

    async def _drop(self) -> None:
        jvm, self._jvm = self._jvm, None
        if jvm is not None:
            jvm.kill()  # it has nothing to put in order
            await jvm.close()

    def _kept(self, work: Coroutine[None, None, T]) -> "asyncio.Task[T]":
        """Start work that outlasts its callers, until this is closed."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # nobody may be left to hear of it


def _threadsafe(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(call)
