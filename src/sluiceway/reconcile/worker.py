"""The workers: a turn at each cluster whenever it is due, while its lease is held. A cluster at rest has no task."""

import asyncio
import contextlib
import math
import os
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import takewhile
from typing import Protocol

import structlog

from sluiceway.domain.place import Place
from sluiceway.domain.turn_counts import TurnCounts
from sluiceway.reconcile.agenda import Agenda
from sluiceway.reconcile.clocks import compare
from sluiceway.reconcile.pace import Load, Pace, spread
from sluiceway.reconcile.turn import Clock, Outlook
from sluiceway.store import deadlines, leases
from sluiceway.store.database import Database
from sluiceway.store.leases import Lease
from sluiceway.store.trouble import DatabaseUnavailable

log = structlog.get_logger()

CALMING = 0.9  # of what was under way is still reckoned with in the next turn
LEASE = timedelta(seconds=5)  # how long a crashed service holds up the next one
STUCK_AFTER = 60.0  # seconds without a turn; the slowest that ends by itself is a cluster's time-out a few times over
AT_ONCE = 100  # turns under way, apart from slow ones
SLOW = 1.0  # seconds from which on a turn waits for a cluster that does not answer, and holds up no other
TICK = 0.005  # seconds within which turns begin together
GOLDEN = 0.618_033_988_75  # multiples of it, modulo 1, lie evenly between 0 and 1, however many they are


Hear = Callable[[str, Outlook], Awaitable[None]]


class TakesTurns(Protocol):
    """One turn at a cluster, again and again."""

    def __call__(self, cluster: Place | None, lease: Lease) -> Awaitable[Outlook]:
        """Take it; tells how soon the next should follow. The cluster is None where nobody knows where it is now."""
        ...

    def close(self) -> Awaitable[None]:
        """Give up what outlasts a turn."""
        ...


@dataclass(slots=True)
class _Watch:
    name: str
    shift: TurnCounts
    take_turn: TakesTurns
    share: float = 0.0  # see `spread`
    woken: bool = False  # there is something new since its last turn began
    lease: Lease | None = None
    crowd: float = 0.0  # how many jobs are, or just were, under way
    turned_at: float = 0.0  # when its last turn ended
    stirred_at: float = 0.0  # when there last was something to watch closely
    known: int | None = None  # the number of the changes that its last turn knew of
    turn: asyncio.Task[None] | None = None  # the one under way


async def _nobody_hears(_: str, __: Outlook) -> None:
    pass


class Reconciler:
    """Works on clusters until it is closed. They come and go meanwhile: see `follow`."""

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
        self._held: dict[str, Lease] = {}  # as they were last claimed
        self._agenda = Agenda()
        self._begun: dict[str, float] = {}  # when the turns under way began, the oldest first
        self._busy: set[str] = set()  # clusters on which something is under way
        self._rests_until = -math.inf  # when the next turns begin, unless `_news` tells of earlier ones
        self._news = asyncio.Event()
        self._born = 0  # clusters so far
        self._running: list[asyncio.Task[None]] = []
        self._ending: set[asyncio.Task[None]] = set()  # of clusters that are gone
        self._claimed_at = 0.0  # when the leases were last asked for

    def start(self, names: Iterable[str]) -> None:
        """Begin to work on these clusters."""
        self._claimed_at = _now()
        works = {"leases": self._keep_leases(), "turns": self._begin_turns(), "changes": self._follow_changes()}
        self._running = [asyncio.create_task(work, name=name) for name, work in works.items()]
        self.follow(tuple(names))

    def follow(self, names: Collection[str]) -> None:
        """Work on these clusters from now on, and on no others. Does nothing before the start, or after the end."""
        if not self._running:
            return
        for name in self._watches.keys() - set(names):
            self._end(self._watches.pop(name))
        for name in sorted(names):  # in an order that no hash decides
            if name not in self._watches:
                self._watches[name] = _Watch(
                    name,
                    TurnCounts(name),
                    self._turns(name),
                    share=self._born * GOLDEN % 1,
                    turned_at=_now(),
                    stirred_at=_now(),
                )
                self._born += 1

    def _end(self, watch: _Watch) -> None:
        """Have a cluster's turns end; its lease is given back with the next claim."""
        self._agenda.drop(watch.name)
        self._busy.discard(watch.name)
        self._begun.pop(watch.name, None)
        if watch.turn is not None:
            watch.turn.cancel()
        task = asyncio.create_task(_give_up(watch), name=f"end of {watch.name}")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def wake(self, names: Iterable[str]) -> None:
        """There is something new for these clusters: take the next turn now."""
        for name in names:
            if name in self._watches:
                self._watches[name].woken = True
                self._put(self._watches[name], _now())

    def shifts(self) -> list[TurnCounts]:
        """What was done and seen so far, by cluster."""
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
        running, self._running = self._running, []
        for task in running:
            task.cancel()
        for watch in self._watches.values():
            self._end(watch)
        await asyncio.gather(*running, *self._ending, return_exceptions=True)
        try:
            await leases.release(self._db, self._owner)
        except Exception:
            log.exception("release_failed")  # they run out by themselves

    # When turns begin. ------------------------------------------------------------------------------------------------

    async def _begin_turns(self) -> None:
        while True:
            self._news.clear()
            now = _now()
            for name in self._agenda.take(now, self._room(now)):
                self._begin(self._watches[name], now)
            # Without room a turn that ends makes some, or one that becomes slow.
            self._rests_until = max(self._agenda.next_at, now + TICK) if self._room(now) > 0 else now + SLOW / 2
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._rests_until if self._rests_until < math.inf else None):
                    await self._news.wait()

    def _room(self, now: float) -> int:
        """How many more turns may begin. Slow ones wait for their clusters, and take nobody's place."""
        return AT_ONCE - sum(1 for _ in takewhile(lambda begun: begun > now - SLOW, reversed(self._begun.values())))

    def _begin(self, watch: _Watch, now: float) -> None:
        watch.woken = False
        self._begun[watch.name] = now
        watch.turn = asyncio.create_task(self._take_turn(watch), name=f"turn of {watch.name}")

    async def _take_turn(self, watch: _Watch) -> None:
        pause = await self._safely(self._one_turn(watch), "turn_failed", watch.name)
        if self._watches.get(watch.name) is not watch:
            return  # its cluster has gone meanwhile
        watch.turn, watch.turned_at = None, _now()
        if len(self._begun) >= AT_ONCE:
            self._news.set()
        del self._begun[watch.name]
        if watch.woken or pause < self._pace.idle:
            self._put(watch, watch.turned_at + (0.0 if watch.woken else pause))
        else:
            self._put(watch, spread(watch.turned_at, pause, watch.share))

    def _put(self, watch: _Watch, at: float) -> None:
        """Have a turn begin then. After one that is under way the time of the next is chosen anew."""
        if watch.turn is None and watch.lease is not None:
            self._agenda.put(watch.name, at)
            if at < self._rests_until:
                self._news.set()

    async def _follow_changes(self) -> None:
        """Wake clusters of which another process has changed something."""
        while True:
            await asyncio.sleep(self._pace.idle)
            numbers = self._db.numbers()
            if numbers is not None:
                self.wake([name for name, watch in self._watches.items() if _is_news(watch, numbers.get(name, 0))])

    async def _one_turn(self, watch: _Watch) -> float:
        if watch.lease is None:
            return self._pace.busy
        began, shift, watch.known = _now(), watch.shift, None
        try:
            outlook = await watch.take_turn(self._clusters(watch.name), watch.lease)
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
        (self._busy.add if outlook.under_way else self._busy.discard)(watch.name)
        if not outlook.calm:
            watch.stirred_at = _now()
        load = Load(len(self._held), len(self._busy))
        return self._pace.after(outlook, watch.crowd, _now() - watch.stirred_at, load)

    # Whose clusters they are. -----------------------------------------------------------------------------------------

    async def _keep_leases(self) -> None:
        while True:
            pause = await self._safely(self._claim(), "lease_failed", "all")
            self._claimed_at = _now()
            await asyncio.sleep(pause)

    async def _claim(self) -> float:
        """Take or renew the leases of all clusters at once; the seconds until the next time."""
        claimed = await leases.claim(self._db, list(self._watches), self._owner, LEASE, self._held)
        if new := [lease for name, lease in claimed.items() if lease != self._held.get(name)]:
            clocks = compare(self._clock())
            await deadlines.take_over(self._db, new, clocks)
            claimed |= {lease.cluster: replace(lease, offset=clocks.offset) for lease in new}
        self._held = claimed
        for name, watch in self._watches.items():
            self._give(watch, claimed.get(name))
        return LEASE.total_seconds() / (4 if len(claimed) >= len(self._watches) else 20)

    def _give(self, watch: _Watch, lease: Lease | None) -> None:
        before, watch.lease = watch.lease, lease
        watch.shift.owned = lease is not None
        if lease is None:
            self._agenda.drop(watch.name)
            self._busy.discard(watch.name)
        elif before is None:
            watch.turned_at = _now()
            self._put(watch, _now())

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


async def _give_up(watch: _Watch) -> None:
    """Wait for the end of the turn under way, which was canceled, and end what outlasts it."""
    if watch.turn is not None:
        await asyncio.gather(watch.turn, return_exceptions=True)
    await watch.take_turn.close()


def _is_news(watch: _Watch, number: int) -> bool:
    """Whether the last turn did not know of all changes. Nobody can tell after one that broke, or during one."""
    return watch.turn is None and watch.lease is not None and watch.known not in {None, number}


def _now() -> float:
    return asyncio.get_running_loop().time()
