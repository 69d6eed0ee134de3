"""The workers: one for each cluster, each holding the cluster's lease while it takes turns."""

import asyncio
import contextlib
import os
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import structlog

from sluiceway.domain.place import Place
from sluiceway.domain.turn_counts import TurnCounts
from sluiceway.reconcile.turn import Clock, Outlook
from sluiceway.store import deadlines, leases
from sluiceway.store.database import Database
from sluiceway.store.leases import Lease
from sluiceway.store.trouble import DatabaseUnavailable

log = structlog.get_logger()

ENOUGH = 25  # jobs under way, from which on looks follow each other faster
CALMING = 0.9  # of what was under way is still reckoned with in the next turn
CALM_AFTER = 30.0  # seconds without anything to watch closely, from which on looks follow each other slowly
LEASE = timedelta(seconds=5)  # how long a crashed service holds up the next one
STUCK_AFTER = 60.0  # seconds without a turn; the slowest that ends by itself is a cluster's time-out a few times over


Hear = Callable[[str, Outlook], Awaitable[None]]


class TakesTurns(Protocol):
    """One turn at a cluster, again and again."""

    def __call__(self, cluster: Place | None, lease: Lease) -> Awaitable[Outlook]:
        """Take it; tells how soon the next should follow. The cluster is None where nobody knows where it is now."""
        ...

    def close(self) -> Awaitable[None]:
        """Give up what outlasts a turn."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between turns."""

    busy: float = 0.2  # something is on its way
    quick: float = 0.1  # so much is on its way that one more look costs little for each
    idle: float = 2.0  # only states to follow
    calm: float = 8.0  # all has been well for a while; no status is to be older than 10 s
    trouble: float = 2.0  # the cluster does not answer, or the turn broke

    def after(self, outlook: Outlook, crowd: float, calm_for: float) -> float:
        """How long to wait after a turn, unless there is something new; all has been calm for so many seconds.

        The more is under way, the sooner: a look costs one request, whatever the number of jobs.
        """
        if not outlook.answered:
            return self.trouble
        if not outlook.under_way:
            return self.calm if calm_for >= CALM_AFTER else self.idle
        return max(self.quick, self.busy * min(1.0, ENOUGH / crowd))


@dataclass(slots=True)
class _Watch:
    name: str
    shift: TurnCounts
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    lease: Lease | None = None
    crowd: float = 0.0  # how many jobs are, or just were, under way
    turned_at: float = 0.0  # when its loop last came round
    stirred_at: float = 0.0  # when there last was something to watch closely
    known: int | None = None  # the number of the changes that its last turn knew of
    task: asyncio.Task[None] | None = None


async def _nobody_hears(_: str, __: Outlook) -> None:
    pass


class Reconciler:
    """Runs a worker for each cluster until it is closed. Clusters come and go meanwhile: see `follow`."""

    def __init__(
        self,
        db: Database,
        clusters: Callable[[str], Place | None],
        turns: Callable[[str], TakesTurns],
        clock: Clock,
        pace: Pace | None = None,
        hear: Hear = _nobody_hears,
    ) -> None:
        """`clusters` tells where a cluster is now (None: nowhere, try again); `turns` makes its turns.

        `hear` is told of each turn that asked its cluster for something.
        """
        self._db = db
        self._clusters = clusters
        self._turns = turns
        self._clock = clock
        self._pace = pace or Pace()
        self._owner = f"{os.getpid()}-{uuid.uuid4().hex}"
        self._hear = hear
        self._watches: dict[str, _Watch] = {}
        self._ending: set[asyncio.Task[None]] = set()  # workers of clusters that are gone
        self._leases: asyncio.Task[None] | None = None
        self._claimed_at = 0.0  # when the leases were last asked for

    def start(self, names: Iterable[str]) -> None:
        """Begin to work on these clusters."""
        self._claimed_at = _now()
        self._leases = asyncio.create_task(self._keep_leases(), name="leases")
        self.follow(frozenset(names))

    def follow(self, names: Collection[str]) -> None:
        """Work on these clusters from now on, and on no others. Does nothing before the start, or after the end."""
        if self._leases is None:
            return
        for name in self._watches.keys() - set(names):
            self._end(self._watches.pop(name))
        for name in names:
            if name not in self._watches:
                watch = self._watches[name] = _Watch(name, TurnCounts(name), turned_at=_now(), stirred_at=_now())
                watch.task = asyncio.create_task(self._work(watch), name=f"turns of {name}")

    def _end(self, watch: _Watch) -> None:
        """Have a worker end; its lease runs out by itself."""
        if watch.task is not None:
            watch.task.cancel()
            self._ending.add(watch.task)
            watch.task.add_done_callback(self._ending.discard)

    def wake(self, names: Iterable[str]) -> None:
        """There is something new for these clusters: take the next turn now."""
        for name in names:
            if name in self._watches:
                self._watches[name].wake.set()

    def shifts(self) -> list[TurnCounts]:
        """What each worker has done and seen so far."""
        return [watch.shift for watch in self._watches.values()]

    def stuck(self) -> str:
        """The clusters that are ours and have had no turn for a while; empty when there are none."""
        since = _now() - STUCK_AFTER
        return ", ".join(
            watch.name
            for watch in self._watches.values()
            if self._claimed_at < since or (watch.lease is not None and watch.turned_at < since)
        )

    async def close(self) -> None:
        """Stop working and give the leases back. A turn that is cut off is carried on by whoever comes next."""
        keeping, self._leases = self._leases, None
        tasks = [keeping, *(watch.task for watch in self._watches.values()), *self._ending]
        for task in tasks:
            if task is not None:
                task.cancel()
        await asyncio.gather(*filter(None, tasks), return_exceptions=True)
        try:
            await leases.release(self._db, self._owner)
        except Exception:
            log.exception("release_failed")  # they run out by themselves

    async def _work(self, watch: _Watch) -> None:
        take_turn = self._turns(watch.name)
        try:
            while True:
                watch.wake.clear()
                pause = await self._safely(self._one_turn(watch, take_turn), "turn_failed", watch.name)
                watch.turned_at = _now()
                await self._pause(watch, pause)
        finally:
            await take_turn.close()

    async def _pause(self, watch: _Watch, seconds: float) -> None:
        """Wait, unless somebody wakes us up, or another process has changed something of the cluster."""
        until = _now() + seconds
        while (left := until - _now()) > 0 and not self._is_news(watch):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, self._pace.idle)):
                    await watch.wake.wait()
                    return

    def _is_news(self, watch: _Watch) -> bool:
        """Whether the last turn did not know of all changes. Nobody can tell after one that broke."""
        if watch.lease is None or watch.known is None:
            return False
        return self._db.changes(watch.name) not in {watch.known, None}

    async def _one_turn(self, watch: _Watch, take_turn: TakesTurns) -> float:
        if watch.lease is None:
            return self._pace.busy
        began, shift, watch.known = _now(), watch.shift, None
        try:
            outlook = await take_turn(self._clusters(watch.name), watch.lease)
        except Exception:
            shift.broken += 1
            raise
        finally:
            shift.turns += 1
            shift.seconds += _now() - began
        shift.answered, watch.known = outlook.answered, outlook.number
        shift.restarts += outlook.restarts
        if outlook.asked:
            await self._hear(watch.name, outlook)
        # The last of many are awaited as keenly as the first, for a while.
        watch.crowd = max(float(outlook.under_way), watch.crowd * CALMING)
        if not outlook.calm:
            watch.stirred_at = _now()
        return self._pace.after(outlook, watch.crowd, _now() - watch.stirred_at)

    async def _keep_leases(self) -> None:
        while True:
            pause = await self._safely(self._claim(), "lease_failed", "all")
            self._claimed_at = _now()
            await asyncio.sleep(pause)

    async def _claim(self) -> float:
        """Take or renew the leases of all clusters at once; the seconds until the next time."""
        claimed = await leases.claim(self._db, list(self._watches), self._owner, LEASE)
        new = [lease for name, lease in claimed.items() if lease != self._lease_of(name)]
        if new:
            await deadlines.forget_doubts(self._db, new)
        for name, watch in self._watches.items():
            watch.lease = claimed.get(name)
            watch.shift.owned = watch.lease is not None
        return LEASE.total_seconds() / (4 if len(claimed) >= len(self._watches) else 20)

    def _lease_of(self, name: str) -> Lease | None:
        """The one that is held now; also None of a cluster that has just gone."""
        return watch.lease if (watch := self._watches.get(name)) else None

    async def _safely(self, step: Awaitable[float], trouble: str, cluster: str) -> float:
        """Take a step; the seconds to wait after it. Nothing that goes wrong in it may end its worker."""
        try:
            return await step
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise  # it is we who are to end
            log.exception(trouble, cluster=cluster)
        except DatabaseUnavailable:
            pass  # the database has told of it, once for all workers
        except Exception:
            log.exception(trouble, cluster=cluster)
        return self._pace.trouble


def _now() -> float:
    return asyncio.get_running_loop().time()
