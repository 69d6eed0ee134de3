"""Whoever follows an order gets exactly its events after the one they name, in order, whatever goes on beside it."""

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import pytest
from tests.support.services import databases

from sluiceway.control import following
from sluiceway.control.following import Following
from sluiceway.control.pages import Page, Shelf, Tail
from sluiceway.domain.batch import Kind
from sluiceway.store import back_views, batch_views, feed, move_views
from sluiceway.store.audit import Event
from sluiceway.store.database import Database, instant
from sluiceway.store.feed import News

ORDERS = ((Kind.STOP, 1), (Kind.RESUME, 2), (Kind.MOVE, 1))
SMALL = 3  # events of a page


def event(number: int, batch: int | None = 1) -> Event:
    return Event(number, instant(0), "k", 1, batch, "w", "")


def encoded(told: Event) -> bytes:
    return b"%d " % told.id


def page(*numbers: int) -> Page:
    return Page.of(list(map(event, numbers)), numbers[-1], encoded)


# Pages. ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "rest"),
    [(0, b"4 6 100 "), (3, b"4 6 100 "), (4, b"6 100 "), (5, b"6 100 "), (99, b"100 "), (100, b""), (7000, b"")],
)
def test_a_page_is_cut_at_any_id(last: int, rest: bytes) -> None:
    assert page(4, 6, 100).after(last) == rest


def test_a_page_without_events_says_how_far_nothing_has_happened() -> None:
    empty = Page.of([], 17, encoded)
    assert (empty.upto, empty.after(0)) == (17, b"")


def test_the_oldest_pages_of_all_orders_make_room_and_their_orders_know() -> None:
    shelf = Shelf(3 * page(10, 11).size)
    one, other = Tail(shelf, 5), Tail(shelf, 5)
    one.add(page(10, 11))
    other.add(page(12, 13))
    one.add(page(14, 15))
    assert [tail.knows(5) for tail in (one, other)] == [True, True]
    other.add(page(16, 17))
    assert [tail.knows(5) for tail in (one, other)] == [False, True], "the oldest of all has gone"
    assert (one.knows(11), one.knows(10)) == (True, False)
    found = one.after(11)
    assert found is not None
    assert found.data == b"14 15 "
    other.close()
    assert shelf.size == found.size, "what nobody follows takes no room"
    one.close()
    assert shelf.size == 0


def test_one_page_stays_however_large_it_is() -> None:
    tail = Tail(Shelf(1), 0)
    tail.add(page(1, 2))
    tail.add(page(3))
    assert (tail.knows(0), tail.knows(2)) == (False, True)
    assert tail.after(2) is not None
    assert tail.after(3) is None


# Whatever the interleaving. -------------------------------------------------------------------------------------------


class World:
    """Events of two orders and a move, and of others; each question takes a while, and things happen meanwhile."""

    def __init__(self, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.random = random.Random(seed)
        self.events: list[tuple[Event, frozenset[tuple[Kind, int]]]] = []
        self.settled = False
        self.asked: Counter[str] = Counter()
        for name in ("newest", "news", "history", "is_known"):
            monkeypatch.setattr(feed, name, getattr(self, f"_{name}"))
        for view in (batch_views, back_views, move_views):
            monkeypatch.setattr(view, "is_settled", self._is_settled)
        for name, value in {"LOOK_EVERY": 0.0, "IDLE": 0, "SETTLED_EVERY": 0.0, "ASKING": 0, "PAGE": SMALL}.items():
            monkeypatch.setattr(following, name, value)
        monkeypatch.setattr(following, "KEPT", self.random.choice([1, 1500, 6000, 10**6]))

    async def pause(self) -> None:
        for _ in range(self.random.choice([0, 0, 1, 2, 9])):
            await asyncio.sleep(0)

    def happen(self) -> None:
        last = self.events[-1][0].id if self.events else 0
        for number in range(last + 1, last + 1 + self.random.choice([1, 2, SMALL, 4 * SMALL])):
            if self.random.random() < 0.1:
                continue  # an id that nothing has
            of = frozenset(which for which in ORDERS if self.random.random() < 0.4)
            self.events.append((event(number, None), of))

    def of(self, which: tuple[Kind, int], after: int = 0) -> list[int]:
        return [told.id for told, of in self.events if which in of and told.id > after]

    async def _newest(self, _: object) -> int:
        self.asked["newest"] += 1
        await self.pause()
        return self.events[-1][0].id if self.events else 0

    async def _news(
        self, _: object, after: int, upto: int, orders: Sequence[int], moves: Sequence[int], most: int
    ) -> list[News]:
        await self.pause()
        found = []
        for told, of in self.events:
            batches = [number for kind, number in of if kind is not Kind.MOVE and number in orders]
            move = next((number for kind, number in of if kind is Kind.MOVE), None)
            if after < told.id <= upto and (batches or move in moves):
                found.append(News(told, batches, move))
        await self.pause()
        return found[:most]

    async def _history(self, _: object, kind: Kind, order: int, after: int, upto: int, most: int) -> list[Event]:
        self.asked["history"] += 1
        await self.pause()
        found = [told for told, of in self.events if (kind, order) in of and after < told.id <= upto]
        await self.pause()
        return found[:most]

    async def _is_known(self, *_: object) -> bool:
        await self.pause()
        return True

    async def _is_settled(self, *_: object) -> bool:
        settled = self.settled
        await self.pause()
        return settled


async def follower(world: World, them: Following, name: int) -> int:
    """Somebody who follows an order from somewhere, at some time, at some pace; how many events they get."""
    for _ in range(world.random.randrange(200)):
        await asyncio.sleep(0)
    which = world.random.choice(ORDERS)
    after, leaves = world.random.choice([0, 0, *world.of(which)]), name % 4 == 0
    got: list[int] = []
    async with aclosing(await them.follow("p", which[1], after, f"caller {name}", which[0])) as pieces:
        async for piece in pieces:
            got += map(int, piece.data.split())
            assert piece.last == (got[-1] if got else after)
            for _ in range(world.random.choice([0, 0, 0, 30])):
                await asyncio.sleep(0)
            if leaves and world.random.random() < 0.1:
                break
    expected = world.of(which, after)
    assert got == (expected[: len(got)] if leaves else expected), "no gap, no double, nobody else's"
    return len(got)


@pytest.mark.parametrize("seed", range(30))
async def test_each_gets_exactly_what_follows_in_order(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(seed, monkeypatch)
    them = Following(None, encoded)  # type: ignore[arg-type]  # nothing asks it
    following_ = [asyncio.create_task(follower(world, them, name)) for name in range(12)]
    for _ in range(80):
        world.happen()
        await asyncio.sleep(0)
        await world.pause()
    world.settled = True
    assert sum(await asyncio.gather(*following_)) > 12
    assert (them._all, them._shelf.size) == ({}, 0)


async def test_nothing_is_asked_when_nobody_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(1, monkeypatch)
    them = Following(None, encoded)  # type: ignore[arg-type]  # nothing asks it
    pieces = await them.follow("p", 1, 0, "a")
    world.happen()
    world.events = [(told, frozenset(ORDERS)) for told, _ in world.events]
    async for _ in pieces:
        break
    await pieces.aclose()
    looking = them._looking
    assert looking is not None
    await looking
    asked = world.asked["newest"]
    await asyncio.sleep(0.01)
    assert world.asked["newest"] == asked


async def test_one_who_does_not_read_holds_up_nobody_and_misses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(1, monkeypatch)
    monkeypatch.setattr(following, "KEPT", 1)
    them = Following(None, encoded)  # type: ignore[arg-type]  # nothing asks it
    world.events = [(event(1, None), frozenset(ORDERS))]
    slow, quick = await them.follow("p", 1, 0, "a"), await them.follow("p", 1, 0, "b")
    assert (await anext(slow)).data == b"1 "
    for number in range(2, 60):
        world.events.append((event(number, None), frozenset(ORDERS)))
        while (await anext(quick)).last < number:
            pass
    assert them._shelf.size < 1000, "and takes no memory"
    world.settled = True
    assert b"".join([piece.data async for piece in slow]).split() == [b"%d" % n for n in range(2, 60)]
    await quick.aclose()


# What the database is asked. ------------------------------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path: Path) -> Database:
    """Stops 1 and 2 and a resume 3; 2 also counts a stop of 1, and 1 and 3 are a move."""
    path = tmp_path / "sluiceway.db"
    databases.make(path)
    with sqlite3.connect(path) as raw:
        raw.executemany(
            "INSERT INTO batches (id, project, savepoint, reason, created_at, kind, move_id) VALUES (?,?,1,'',0,?,?)",
            [(1, "p", "stop", 9), (2, "p", "stop", None), (3, "p", "resume", 9), (4, "p", "stop", None)],
        )
        raw.execute(
            "INSERT INTO moves (id, project, cluster, back, allow, stop_id, created_at)"
            " VALUES (9, 'p', 'c', '{}', '[]', 1, 0)"
        )
        raw.execute("INSERT INTO rejoined (batch_id, stop_id) VALUES (2, 77)")
        raw.executemany(
            "INSERT INTO events (id, at, kind, project, batch_id, stop_id) VALUES (?, 0, 'k', 'p', ?, ?)",
            [(1, 1, None), (2, 2, None), (3, 1, 77), (4, 4, None), (5, None, None), (6, 3, None), (7, 2, 78)],
        )
    raw.close()
    return Database(path)


OF = {(Kind.STOP, 1): [1, 3], (Kind.STOP, 2): [2, 3, 7], (Kind.RESUME, 3): [6], (Kind.MOVE, 9): [1, 3, 6]}


async def test_what_is_new_for_all_is_what_each_has_had(stored: Database) -> None:
    found = await feed.news(stored, 0, 7, [1, 2, 3], [9], 100)
    told = {which: [one.event.id for one in found if _is_of(one, *which)] for which in OF}
    past = {which: [one.id for one in await feed.history(stored, *which, 0, 7, 100)] for which in OF}
    await stored.close()
    assert told == past == OF
    assert [one.event.resumes for one in found] == [False, False, False, True, False]


def _is_of(one: News, kind: Kind, order: int) -> bool:
    return one.move == order if kind is Kind.MOVE else order in one.orders


async def test_both_end_where_they_are_told_to(stored: Database) -> None:
    news = [one.event.id for one in await feed.news(stored, 1, 6, [2], [9], 2)]
    past = [one.id for one in await feed.history(stored, Kind.STOP, 2, 2, 6, 9)]
    newest = await feed.newest(stored)
    nobody = await feed.news(stored, 0, 7, [], [], 9)
    await stored.close()
    assert (news, past, newest, nobody) == ([2, 3], [3], 7, [])


@pytest.mark.parametrize(
    ("project", "kind", "order", "known"),
    [
        ("p", Kind.STOP, 1, True),
        ("p", Kind.RESUME, 3, True),
        ("p", Kind.MOVE, 9, True),
        ("p", Kind.STOP, 3, False),
        ("p", Kind.MOVE, 1, False),
        ("other", Kind.STOP, 1, False),
        ("other", Kind.MOVE, 9, False),
    ],
)
async def test_an_order_is_known_in_its_project_as_what_it_is(
    stored: Database, project: str, kind: Kind, order: int, known: bool
) -> None:
    assert await feed.is_known(stored, project, kind, order) is known
    await stored.close()
