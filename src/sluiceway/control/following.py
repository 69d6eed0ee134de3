"""Following stops, ways back and moves as they go on. One task reads what is new, once for all who follow anything;
each follower has a place in the pages that it makes, and nothing else, so that nobody waits for one who is slow.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

from sluiceway.control.errors import ControlError, TooManyStreams, UnknownBatch, UnknownMove, UnknownResume
from sluiceway.control.pages import Encode, Page, Shelf, Tail
from sluiceway.domain.batch import Kind
from sluiceway.store import back_views, batch_views, feed, move_views
from sluiceway.store.audit import Event
from sluiceway.store.database import Database

LOOK_EVERY: Final = 0.25  # seconds
IDLE: Final = 3  # times as long as the looks have taken, at least, there are none
SETTLED_EVERY: Final = 2.0  # seconds after which it is asked whether an order has settled, though nothing has happened
ASKING: Final = 10  # times as long as that question has taken, at least, an order is not asked it again
PAGE: Final = 500  # events that are read at once
KEPT: Final = 16 * 2**20  # bytes of pages in memory, of all orders; who is further behind reads from the database
SIGN_OF_LIFE: Final = 15.0  # seconds without an event, after which a follower hears that there is none
STREAMS: Final = 32  # that one caller may have
_VIEWS: Final = {Kind.STOP: batch_views, Kind.RESUME: back_views, Kind.MOVE: move_views}
_UNKNOWN: Final[Mapping[Kind, type[ControlError]]] = {
    Kind.STOP: UnknownBatch,
    Kind.RESUME: UnknownResume,
    Kind.MOVE: UnknownMove,
}


class Order(NamedTuple):
    """What somebody follows."""

    project: str
    kind: Kind
    id: int

    def unknown(self) -> ControlError:
        """That there is no such one."""
        return _UNKNOWN[self.kind](f"There is no {self.kind} {self.id} in this project.")


class Piece(NamedTuple):
    """Events for one follower, encoded; none of them is a sign of life."""

    data: bytes
    last: int  # id of the last event so far


@dataclass(slots=True, eq=False)
class _Followed:
    """An order that somebody follows."""

    order: Order
    tail: Tail | None = None  # none before the first look
    followers: int = 0
    settled: bool = False
    stirred: bool = True  # something has happened since it was asked whether it has settled
    asked: float = 0.0
    rests: float = 0.0  # seconds after which it may be asked again
    fault: Exception | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def is_due(self, now: float) -> bool:
        """Whether to ask if it has settled."""
        return now - self.asked >= (self.rests if self.stirred else SETTLED_EVERY)

    def add(self, page: Page) -> None:
        """Further events."""
        assert self.tail is not None
        self.tail.add(page)
        self.stirred = True
        self.tell()

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
    """The followers of orders, and the one task that looks for all of them."""

    def __init__(self, db: Database, encode: Encode) -> None:
        """`encode` makes of an event what followers get; it is asked once for all of them."""
        self._db = db
        self._encode = encode
        self._all: dict[Order, _Followed] = {}
        self._taken: Counter[str] = Counter()  # seats, by caller
        self._at = 0  # id up to which all that happened has been read
        self._news = asyncio.Event()  # somebody follows what nobody did, or nobody follows anything
        self._shelf = Shelf(KEPT)
        self._past = _Past(db, encode)
        self._looking: asyncio.Task[None] | None = None

    async def follow(
        self, project: str, order: int, after: int, caller: str, kind: Kind = Kind.STOP
    ) -> AsyncGenerator[Piece, None]:
        """The events after an id, past and future, until every job has settled.

        Raises `TooManyStreams` before it asks the database, `UnknownBatch`, `UnknownResume` and `UnknownMove`; as it
        goes on, also what the database raises.
        """
        if self._taken[caller] >= STREAMS:
            raise TooManyStreams(STREAMS)
        seat, which = _Seat(self._taken, caller), Order(project, kind, order)
        if which not in self._all and not await feed.is_known(self._db, project, kind, order):
            raise which.unknown()
        return self._follow(which, after, seat)

    async def _follow(self, order: Order, after: int, seat: _Seat) -> AsyncGenerator[Piece, None]:
        followed, last = self._join(order), after
        try:
            while True:
                changed, settled = followed.changed, followed.settled
                page = await self._page(followed, after)
                if page is not None:
                    data, after = page.after(after), page.upto
                    if data:
                        last = page.ids[-1]
                        yield Piece(data, last)
                elif followed.fault is not None:
                    raise followed.fault
                elif settled:
                    return
                elif not await _set_within(changed, SIGN_OF_LIFE):
                    yield Piece(b"", last)
        finally:
            self._leave(followed)
            seat.give_back()

    async def _page(self, followed: _Followed, after: int) -> Page | None:
        """The events after an id: from memory, or older ones from the database."""
        tail = followed.tail
        if tail is None:
            return None
        if tail.knows(after):
            return tail.after(after)
        return await self._past.read(followed.order, tail, after)

    def _join(self, order: Order) -> _Followed:
        followed = self._all.get(order)
        if followed is None:
            followed = self._all[order] = _Followed(order)
            self._news.set()
        followed.followers += 1
        if self._looking is None or self._looking.done():
            # In a context of its own: it is no part of the request that happens to be the first.
            self._looking = asyncio.create_task(self._look_out(), name="following", context=Context())
        return followed

    def _leave(self, followed: _Followed) -> None:
        followed.followers -= 1
        if not followed.followers:
            self._drop(followed)

    def _fail(self, followed: _Followed, error: Exception) -> None:
        self._drop(followed)
        followed.fault = error
        followed.tell()

    def _drop(self, followed: _Followed) -> None:
        if self._all.get(followed.order) is followed:
            del self._all[followed.order]
        if followed.tail is not None:
            followed.tail.close()
        if not self._all:
            self._news.set()

    # The one task. ----------------------------------------------------------------------------------------------------

    async def _look_out(self) -> None:
        """Look for as long as somebody follows."""
        now, begun = asyncio.get_running_loop().time, False
        while self._all:
            self._news.clear()
            began, all_ = now(), list(self._all.values())
            try:
                if not begun:
                    self._at, begun = await feed.newest(self._db), True
                await self._look_once(all_)
            except Exception as error:
                for followed in all_:
                    self._fail(followed, error)
            await _set_within(self._news, max(LOOK_EVERY, IDLE * (now() - began)))

    async def _look_once(self, all_: Sequence[_Followed]) -> None:
        for followed in all_:
            if followed.tail is None:
                followed.tail = Tail(self._shelf, self._at)
                followed.tell()
        await self._read_on(all_)
        settled = [(followed, await self._ask(followed)) for followed in all_ if self._is_due(followed)]
        if any(has for _, has in settled):
            await self._read_on(all_)  # also what has led to it
        for followed, has in settled:
            followed.settled = has
            if has:
                followed.tell()

    def _is_due(self, followed: _Followed) -> bool:
        return followed.followers > 0 and followed.is_due(asyncio.get_running_loop().time())

    async def _ask(self, followed: _Followed) -> bool:
        """Whether an order has settled."""
        now, order = asyncio.get_running_loop().time, followed.order
        followed.stirred, followed.asked = False, now()
        has: bool | None = await _VIEWS[order.kind].is_settled(self._db, order.project, order.id)
        followed.rests = min(ASKING * (now() - followed.asked), SETTLED_EVERY)
        if has is None:
            self._fail(followed, order.unknown())
        return bool(has)

    async def _read_on(self, all_: Sequence[_Followed]) -> None:
        """Read what has happened since the last time, a page after the other, and hand it to those whom it is about."""
        upto = await feed.newest(self._db)
        batches = {followed.order.id: followed for followed in all_ if followed.order.kind is not Kind.MOVE}
        moves = {followed.order.id: followed for followed in all_ if followed.order.kind is Kind.MOVE}
        while self._at < upto:
            found = await feed.news(self._db, self._at, upto, list(batches), list(moves), PAGE)
            self._at = found[-1].event.id if len(found) == PAGE else upto
            told: dict[_Followed, list[Event]] = {}
            for one in found:
                for followed in (*map(batches.get, one.orders), moves.get(one.move or 0)):
                    if followed is not None:
                        told.setdefault(followed, []).append(one.event)
            for followed, events in told.items():
                followed.add(Page.of(events, self._at, self._encode))


class _Past:
    """Reads what happened before, each page once for all who need it at about the same time."""

    def __init__(self, db: Database, encode: Encode) -> None:
        self._db = db
        self._encode = encode
        self._reading: dict[tuple[Tail, int], asyncio.Task[Page]] = {}
        self._at_once = asyncio.Semaphore(2)

    async def read(self, order: Order, tail: Tail, after: int) -> Page:
        """The first page of what followed an id, of what the tail has no longer."""
        if (found := tail.older.get(after)) is not None:
            return found
        reading = self._reading.get((tail, after))
        if reading is None:
            # It goes on when the one who happens to be the first hangs up.
            reading = asyncio.create_task(self._read(order, after, tail.since), name="past", context=Context())
            self._reading[tail, after] = reading
            reading.add_done_callback(partial(self._done, tail, after))
        return await asyncio.shield(reading)

    async def _read(self, order: Order, after: int, upto: int) -> Page:
        async with self._at_once:
            events = await feed.history(self._db, order.kind, order.id, after, upto, PAGE)
        return Page.of(events, events[-1].id if len(events) == PAGE else upto, self._encode)

    def _done(self, tail: Tail, after: int, reading: asyncio.Task[Page]) -> None:
        del self._reading[tail, after]
        if not reading.cancelled() and reading.exception() is None:
            tail.add_older(after, reading.result())


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
