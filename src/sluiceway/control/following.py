"""Following stops, ways back and moves as they go on: one look at the database serves all who follow the same one,
however many they are."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final

from sluiceway.control.errors import ControlError, TooManyStreams, UnknownBatch, UnknownMove, UnknownResume
from sluiceway.domain.batch import Kind
from sluiceway.store import audit, back_views, batch_views, move_views
from sluiceway.store.audit import Event
from sluiceway.store.database import Database

LOOK_EVERY: Final = 0.25  # seconds
IDLE: Final = 3  # times as long as the looks have taken, at least, there are none
SETTLED_EVERY: Final = 2.0  # seconds after which it is asked whether a stop has settled, though nothing has happened
PAGE: Final = 500  # events that are read at once, and that are in memory of each stop
SIGN_OF_LIFE: Final = 15.0  # seconds without an event, after which a follower hears that there is none
STREAMS: Final = 32  # that one caller may have
_VIEWS: Final = {Kind.STOP: batch_views, Kind.RESUME: back_views, Kind.MOVE: move_views}
_UNKNOWN: Final[Mapping[Kind, type[ControlError]]] = {
    Kind.STOP: UnknownBatch,
    Kind.RESUME: UnknownResume,
    Kind.MOVE: UnknownMove,
}


@dataclass(slots=True)
class _Tail:
    """What is in memory of one stop: its events after the id `since`, as far as they have been read."""

    project: str
    batch_id: int
    kind: Kind = Kind.STOP
    since: int = 0
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=PAGE))
    known: bool = False  # it has been looked at
    settled: bool = False
    asked: float = 0.0
    followers: int = 0
    fault: Exception | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def newest(self) -> int:
        """The id up to which events are known."""
        return self.events[-1].id if self.events else self.since

    def add(self, events: Sequence[Event]) -> None:
        """Further events. Of too many, the oldest are no longer in memory."""
        for event in events:
            if len(self.events) == PAGE:
                self.since = self.events[0].id
            self.events.append(event)

    def after(self, last: int) -> list[Event] | None:
        """The events after an id; None where they are not all in memory."""
        if last < self.since:
            return None
        found = list(takewhile(lambda event: event.id > last, reversed(self.events)))
        return found[::-1]

    def tell(self) -> None:
        """Wake those who follow."""
        self.changed.set()
        self.changed = asyncio.Event()


class _Seat:
    """One of the streams that a caller has. One that nobody begins to read gives it back when it is forgotten."""

    def __init__(self, taken: Counter[str], caller: str) -> None:
        self._taken: Counter[str] | None = taken
        self._caller = caller
        taken[caller] += 1

    def give_back(self) -> None:
        """Give the seat back. A second call changes nothing."""
        taken, self._taken = self._taken, None
        if taken is not None:
            taken[self._caller] -= 1
            if not taken[self._caller]:
                del taken[self._caller]

    __del__ = give_back


class Following:
    """The followers of stops, and the one task that looks for all of them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._tails: dict[tuple[str, int, Kind], _Tail] = {}
        self._taken: Counter[str] = Counter()  # seats, by caller
        self._last = -1  # id of the newest event of all
        self._new = asyncio.Event()  # somebody follows what nobody did
        self._catching_up = asyncio.Semaphore(2)
        self._looking: asyncio.Task[None] | None = None

    async def follow(
        self, project: str, batch_id: int, after: int, caller: str, kind: Kind = Kind.STOP
    ) -> AsyncGenerator[Sequence[Event], None]:
        """The events after an id, past and future, until every job has settled.

        An empty page is a sign of life. Raises `TooManyStreams` before it asks the database, `UnknownBatch`,
        `UnknownResume` and `UnknownMove`; as it goes on, also what the database raises.
        """
        if self._taken[caller] >= STREAMS:
            raise TooManyStreams(STREAMS)
        seat = _Seat(self._taken, caller)
        if (project, batch_id, kind) not in self._tails:
            await self._settled(project, batch_id, kind)
        return self._followed(project, batch_id, after, seat, kind)

    async def _followed(
        self, project: str, batch_id: int, after: int, seat: _Seat, kind: Kind
    ) -> AsyncGenerator[Sequence[Event], None]:
        tail = self._join(project, batch_id, kind)
        try:
            while True:
                changed, settled, known = tail.changed, tail.settled, tail.known
                page = await self._page(tail, after) if known else []
                if page:
                    after = page[-1].id
                    yield page
                elif tail.fault is not None:
                    raise tail.fault
                elif known and settled:
                    return
                elif not await _set_within(changed, SIGN_OF_LIFE):
                    yield []
        finally:
            self._leave(tail)
            seat.give_back()

    async def _page(self, tail: _Tail, after: int) -> Sequence[Event]:
        """The events after an id: from memory, or older ones from the database."""
        since = tail.since
        page: Sequence[Event] | None = tail.after(after)
        if page is None:
            async with self._catching_up:
                page = await self._events(tail, after)
            page = page or tail.after(since) or []
        return page

    def _join(self, project: str, batch_id: int, kind: Kind) -> _Tail:
        tail = self._tails.get((project, batch_id, kind))
        if tail is None:
            tail = self._tails[project, batch_id, kind] = _Tail(project, batch_id, kind)
            self._new.set()
        tail.followers += 1
        if self._looking is None or self._looking.done():
            # In a context of its own: it is no part of the request that happens to be the first.
            self._looking = asyncio.create_task(self._look_out(), name="following", context=Context())
        return tail

    def _leave(self, tail: _Tail) -> None:
        tail.followers -= 1
        if not tail.followers:
            self._drop(tail)

    def _fail(self, tail: _Tail, error: Exception) -> None:
        self._drop(tail)
        tail.fault, tail.known = error, True
        tail.tell()

    def _drop(self, tail: _Tail) -> None:
        if self._tails.get((tail.project, tail.batch_id, tail.kind)) is tail:
            del self._tails[tail.project, tail.batch_id, tail.kind]

    async def _look_out(self) -> None:
        """Look for as long as somebody follows."""
        now = asyncio.get_running_loop().time
        while self._tails:
            self._new.clear()
            began = now()
            tails = list(self._tails.values())
            try:
                await self._look_once(tails, began)
            except Exception as error:
                for tail in tails:
                    self._fail(tail, error)
            await _set_within(self._new, max(LOOK_EVERY, IDLE * (now() - began)))

    async def _look_once(self, tails: Sequence[_Tail], now: float) -> None:
        last = await audit.last_id(self._db)
        happened, self._last = last != self._last, last
        for tail in tails:
            if happened or not tail.known or now - tail.asked >= SETTLED_EVERY:
                tail.asked = now
                try:
                    await self._look(tail, last)
                except (UnknownBatch, UnknownResume, UnknownMove) as unknown:
                    self._fail(tail, unknown)

    async def _look(self, tail: _Tail, last: int) -> None:
        # Asked before the events are read, so that none that led to it is missing.
        settled = await self._settled(tail.project, tail.batch_id, tail.kind)
        found = await self._events(tail, tail.newest)
        news = bool(found) or not tail.known or settled
        if not tail.known and len(found) == PAGE:
            tail.since = last  # too many for memory: a follower who is behind reads on from the database
            found = await self._events(tail, last)
        while found:
            tail.add(found)
            found = await self._events(tail, tail.newest) if len(found) == PAGE else []
        tail.known, tail.settled = True, settled
        if news:
            tail.tell()

    async def _events(self, tail: _Tail, after: int) -> Sequence[Event]:
        of = audit.of_move if tail.kind is Kind.MOVE else audit.of_batch
        return await of(self._db, tail.batch_id, after, PAGE)

    async def _settled(self, project: str, batch_id: int, kind: Kind) -> bool:
        settled: bool | None = await _VIEWS[kind].is_settled(self._db, project, batch_id)
        if settled is None:
            raise _UNKNOWN[kind](f"There is no {kind} {batch_id} in this project.")
        return settled


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
