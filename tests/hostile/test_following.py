"""Many who follow one stop: one look for all, a limit for each, nobody who sees more than they may."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.patience import PATIENCE
from tests.support.services.guarded import guarded
from tests.support.services.native_api import STOPS, Api, native_api
from tests.support.services.plane import PROJECT

from sluiceway.api.native import events as api_events
from sluiceway.api.permit import Permit
from sluiceway.assembly import api as assembly
from sluiceway.assembly.clock import clock
from sluiceway.control import following
from sluiceway.control.errors import TooManyStreams, UnknownBatch
from sluiceway.control.following import PAGE, STREAMS, Following, Piece
from sluiceway.domain.access import LOCAL, Grant, Role
from sluiceway.domain.batch import Kind
from sluiceway.store import batch_views, feed
from sluiceway.store.audit import Event
from sluiceway.store.feed import News

NOW = clock()


class Database:
    """The events of stops, without a database; and how often it was asked for what."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[Event] = []
        self.settled = False
        self.asked: Counter[str] = Counter()
        for name in ("newest", "news", "history", "is_known"):
            monkeypatch.setattr(feed, name, getattr(self, f"_{name}"))
        monkeypatch.setattr(batch_views, "is_settled", self._is_settled)
        monkeypatch.setattr(following, "LOOK_EVERY", 0.001)
        monkeypatch.setattr(following, "SETTLED_EVERY", 0.0)

    def happen(self, count: int = 1) -> None:
        for _ in range(count):
            self.events.append(Event(10 + 2 * len(self.events), NOW, "k", 1, 7, "w", ""))

    @property
    def ids(self) -> list[int]:
        return [event.id for event in self.events]

    async def _newest(self, _: object) -> int:
        self.asked["looks"] += 1
        return self.events[-1].id if self.events else 0

    async def _news(
        self, _: object, after: int, upto: int, orders: list[int], moves: list[int], most: int
    ) -> list[News]:
        self.asked["pages"] += 1
        assert not moves
        found = [event for event in self.events if after < event.id <= upto and event.batch_id in orders]
        return [News(event, [7], None) for event in found[:most]]

    async def _history(self, _: object, kind: Kind, order: int, after: int, upto: int, most: int) -> list[Event]:
        self.asked["older pages"] += 1
        assert (kind, order) == (Kind.STOP, 7)
        await asyncio.sleep(0)
        return [event for event in self.events if after < event.id <= upto][:most]

    async def _is_known(self, _: object, project: str, kind: Kind, order: int) -> bool:
        self.asked["known"] += 1
        return (project, kind, order) == (PROJECT, Kind.STOP, 7)

    async def _is_settled(self, _: object, project: str, batch: int) -> bool | None:
        return self.settled if (project, batch) == (PROJECT, 7) else None


def number(event: Event) -> bytes:
    """What followers get of an event here."""
    return b"%d " % event.id


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Database:
    return Database(monkeypatch)


@pytest.fixture
def stops(db: Database) -> Following:
    return Following(db, number)  # type: ignore[arg-type]


async def ids(stops: Following, caller: str, after: int = 0, project: str = PROJECT, stop: int = 7) -> list[int]:
    pieces = await stops.follow(project, stop, after, caller)
    return [int(told) async for piece in pieces for told in piece.data.split()]


async def test_480_who_follow_a_stop_are_one_look_at_the_database(db: Database, stops: Following) -> None:
    db.happen(3)
    many = [asyncio.create_task(ids(stops, f"caller {n % 20}")) for n in range(480)]
    while not db.asked["older pages"]:
        await asyncio.sleep(0)
    for _ in range(20):
        db.happen()
        await asyncio.sleep(0.002)
    db.settled = True
    assert await asyncio.gather(*many) == [db.ids] * 480
    assert db.asked["pages"] <= db.asked["looks"], "not one for each"
    assert db.asked["older pages"] == 1, "and what was before is read once"


@pytest.mark.parametrize("count", [0, 3, PAGE - 1, PAGE, 3 * PAGE + 1])
@pytest.mark.parametrize("missed", [0, 2, PAGE + 5])
async def test_each_goes_on_from_where_it_was(db: Database, stops: Following, count: int, missed: int) -> None:
    db.happen(count)
    after = db.ids[min(missed, count) - 1] if count and missed else 0
    reading = asyncio.create_task(ids(stops, "a", after))
    await asyncio.sleep(0.005)
    db.happen(2 * PAGE)
    await asyncio.sleep(0.005)
    db.settled = True
    assert await asyncio.wait_for(reading, PATIENCE) == [each for each in db.ids if each > after]


async def test_one_caller_follows_so_many_and_others_are_not_kept_out(db: Database, stops: Following) -> None:
    reading = [asyncio.create_task(ids(stops, "a")) for _ in range(STREAMS)]
    await asyncio.sleep(0)
    db.asked.clear()
    with pytest.raises(TooManyStreams, match="You follow 32 stops already"):
        await stops.follow(PROJECT, 7, 0, "a")
    assert not db.asked, "a refusal costs no question"
    await stops.follow(PROJECT, 7, 0, "b")
    reading[0].cancel()
    await asyncio.gather(reading[0], return_exceptions=True)
    await stops.follow(PROJECT, 7, 0, "a")
    db.settled = True
    await asyncio.gather(*reading[1:])


async def test_streams_that_open_at_once_are_counted_before_any_begins(db: Database, stops: Following) -> None:
    opened = [await stops.follow(PROJECT, 7, 0, "a") for _ in range(STREAMS)]
    with pytest.raises(TooManyStreams):
        await stops.follow(PROJECT, 7, 0, "a")
    opened.pop()  # whoever asked for it was gone before it began
    db.settled = True
    assert await ids(stops, "a") == []


async def test_an_event_is_encoded_once_for_all_who_follow(db: Database) -> None:
    encoded: Counter[int] = Counter()

    def told(event: Event) -> bytes:
        encoded[event.id] += 1
        return number(event)

    stops = Following(db, told)  # type: ignore[arg-type]
    db.happen(PAGE + 8)
    many = [asyncio.create_task(ids(stops, f"caller {n % 20}")) for n in range(200)]
    await asyncio.sleep(0.005)
    db.happen(3)
    await asyncio.sleep(0.005)
    db.settled = True
    await asyncio.gather(*many)
    assert encoded == dict.fromkeys(db.ids, 1)


async def test_a_page_is_one_piece_and_silence_a_sign_of_life() -> None:
    events = [api_events.message(Event(n, NOW, "k", 1, 7, "w", "")) for n in range(1, 9)]

    async def pieces() -> AsyncGenerator[Piece, None]:
        yield Piece(b"".join(events), 8)
        yield Piece(b"", 8)

    told = [piece async for piece in api_events._stream(pieces(), 0, Permit(LOCAL, PROJECT))]
    assert [piece.count(b"\n\n") + piece.count(b"\r\n\r\n") for piece in told] == [8, 1, 1]
    assert told[-1].startswith(b"id: 8"), "where the end is"


async def test_a_stop_of_another_project_is_unknown_also_while_it_is_followed(db: Database, stops: Following) -> None:
    reading = asyncio.create_task(ids(stops, "a"))
    await asyncio.sleep(0)
    for project, stop in (("other", 7), (PROJECT, 8)):
        with pytest.raises(UnknownBatch):
            await ids(stops, "b", 0, project, stop)
    db.settled = True
    await asyncio.wait_for(reading, PATIENCE)


async def test_a_database_that_fails_ends_the_streams_and_the_next_ones_work(
    db: Database, stops: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> int:
        raise OSError("on purpose")

    with monkeypatch.context() as broken:
        broken.setattr(feed, "newest", fails)
        with pytest.raises(OSError, match="on purpose"):
            await ids(stops, "a")
    db.happen(2)
    db.settled = True
    assert await asyncio.wait_for(ids(stops, "a"), PATIENCE) == db.ids


async def test_a_stream_ends_when_the_caller_may_no_longer_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_events, "CHECK_EVERY", 0.0)
    stands = [True, True, False, True]

    async def still() -> bool:
        return stands.pop(0)

    async def pieces() -> AsyncGenerator[Piece, None]:
        for last in range(1, 9):
            yield Piece(b"id: %d\n\n" % last, last)

    told = [piece async for piece in api_events._stream(pieces(), 0, Permit(LOCAL, PROJECT, still))]
    assert told == [b"id: 1\n\n", b"id: 2\n\n"], "and not that it has settled"


@pytest.mark.parametrize("by", ["token", "key"])
async def test_who_is_let_in_no_more_hears_no_more(by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_events, "CHECK_EVERY", 0.0)
    monkeypatch.setattr(following, "SIGN_OF_LIFE", 0.01)
    heard = asyncio.Event()

    def told(event: Event) -> bytes:
        heard.set()
        return api_events.message(event)

    monkeypatch.setattr(assembly, "message", told)
    async with guarded(tmp_path) as api:
        [job] = await api.plane.run()
        api.plane.fake.jobs[await api.plane.flink_id(job)].stop_seconds = 60.0
        stop = (await api.plane.stop(PROJECT, [job], savepoint=True)).id
        who = await api.user("ann", Grant(Role.VIEWER, PROJECT))
        await api.access.set_password("ann", "a good password")
        token = (await api.door.sign_in.issue("ann", "a good password", PROJECT)).token
        how: Any = {"auth": who} if by == "key" else {"headers": {"X-Auth-Token": token}}
        asked = asyncio.create_task(api.http.get(f"{STOPS}/{stop}/events", **how))
        async with asyncio.timeout(PATIENCE):
            await heard.wait()
        assert not asked.done(), "it is followed"
        await (api.access.revoke_key(who.access) if by == "key" else api.access.revoke_tokens("ann"))
        answer = await asyncio.wait_for(asked, PATIENCE)
    assert "event: stop_accepted" in answer.text
    assert "settled" not in answer.text


async def test_too_many_streams_are_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "STREAMS", 0)
    async with native_api(tmp_path) as api:
        answer = await refused(api)
    assert (answer.status_code, answer.json()["error_code"]) == (429, "too_many_streams")
    assert "Close a stream first." in answer.json()["error_msg"]


async def refused(api: Api) -> Any:
    [job] = await api.plane.run()
    return await api.http.get(f"{STOPS}/{(await api.stop(job_ids=[job]))['id']}/events")


def test_it_is_looked_at_most_four_times_a_second() -> None:
    assert timedelta(seconds=following.LOOK_EVERY) >= timedelta(milliseconds=250)
