"""The database in memory: real SQLite and the product's real statements, without threads and files.

Every transaction of the product is serialisable: a writer holds the lock from its first line, a reader sees one
save. So each is run here as one undisturbed step, with pauses, faults and crashes before it and after it: a late
answer is a stale one, a crash before the commit is a transaction that never was, one after it an answer that is lost.
"""

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool
from tests.support.services import databases

from sluiceway.domain.watched import Change
from sluiceway.store import leases, work
from sluiceway.store.database import Database
from sluiceway.store.leases import Lease
from sluiceway.store.reserve import Use
from sluiceway.store.work import Recorded

if TYPE_CHECKING:
    from tests.simulation.service import Service


class InjectedError(OperationalError):
    """A database error out of the blue."""


def trouble(words: str) -> InjectedError:
    """The error that a full disk or a foreign lock makes."""
    return InjectedError("-", {}, sqlite3.OperationalError(words))


_CLAIM, _RECORD = leases.claim, work.Records.__call__
BEGIN, COMMIT = "SAVEPOINT ours", "RELEASE ours"
_randomness: list[Callable[[int], bytes]] = []  # of the world that is being played
_times: list[Callable[[], float]] = []


# Both are defined once: SQLite prepares everything anew after a function is defined.
def _random(count: int) -> bytes:
    return _randomness[-1](count)


def _julian_day(_: str) -> float:
    return _times[-1]() / 86_400 + 2_440_587.5


@cache
def _opened() -> tuple[sqlite3.Connection, Connection]:
    """One connection for all the seeds of a process: SQLite and SQLAlchemy need prepare each statement only once."""
    raw = sqlite3.connect(":memory:", isolation_level=None, cached_statements=1000)
    raw.deserialize(databases.image())
    raw.create_function("randomblob", 1, _random)
    raw.create_function("julianday", 1, _julian_day)
    return raw, create_engine("sqlite://", creator=lambda: raw, poolclass=NullPool).connect()


class Memory:
    """One database. It outlives the services that use it.

    All of it is one transaction that is taken back in the end; each transaction of the product is a savepoint in it.
    """

    def __init__(
        self, randomness: Callable[[int], bytes], time: Callable[[], float], committed: Callable[[], None]
    ) -> None:
        """An empty one; the first two stand in for SQLite's own, `committed` is called after every change.

        Its clock is right, whatever those of the services show.
        """
        self.raw, self.connection = _opened()
        self.raw.execute("BEGIN IMMEDIATE")
        _randomness.append(randomness)
        _times.append(time)
        self.committed = committed

    def take_back(self) -> None:
        """End a transaction of the product without a trace."""
        self.raw.execute("ROLLBACK TO ours")
        self.raw.execute(COMMIT)

    def close(self) -> None:
        """Forget everything."""
        self.raw.execute("ROLLBACK")
        _randomness.pop()
        _times.pop()


class _Inline:
    """Stands in for SQLAlchemy's asynchronous connection."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def execute(self, statement: Any, parameters: Any = None) -> Any:
        """Run a statement, at once."""
        return self._memory.connection.execute(statement, parameters)


class SimDatabase(Database):
    """The two ways into the database, as one service has them."""

    def __init__(self, memory: Memory, service: "Service") -> None:
        self._memory = memory
        self._service = service
        self._inline: Any = _Inline(memory)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        """See `Database`."""
        await self._service.pause("read")
        self._memory.raw.execute(BEGIN)
        try:
            yield self._inline
        finally:
            self._memory.take_back()
        await self._service.pause("has read")

    @asynccontextmanager
    async def write(self, use: Use = Use.ORDINARY, *, lease_only: bool = False) -> AsyncIterator[Any]:
        """See `Database`."""
        await self._service.pause("write")
        fault = self._service.world.weather.write_fault()
        if fault is not None:
            self._service.heard.clear()  # what it was about to store, it must learn anew
        if fault == "locked":
            await self._service.sleep(20.0)
            raise trouble("database is locked")
        raw, before = self._memory.raw, self._memory.raw.total_changes
        raw.execute(BEGIN)
        try:
            yield self._inline
            if fault == "full":
                raise trouble("database or disk is full")
            raw.execute(COMMIT)
        except BaseException:
            self._memory.take_back()
            raise
        if raw.total_changes != before and not lease_only:
            self._memory.committed()
        if fault == "unsure":
            raise trouble("disk I/O error")
        await self._service.pause("written")

    def glance(self, sql: str, *about: str | int) -> list[Any] | None:
        """See `Database`."""
        return self._memory.raw.execute(sql, about).fetchall()

    async def close(self) -> None:
        """See `Database`."""

    def has_kept(self, heard: dict[str, float], kept: set[str], decided: set[str]) -> None:
        """A turn has stored what it heard of these jobs. Of those whom somebody forestalled it must learn anew."""
        self._service.world.watch.known |= {jid: at for jid, at in heard.items() if jid in kept}
        for jid in decided:
            self._service.heard.pop(jid, None)

    @property
    def heard(self) -> dict[str, float]:
        """When the service was told of a job that it runs on without its attempt."""
        return dict(self._service.heard)


class _LeaseOnly:
    """A database of which only the leases are changed."""

    def __init__(self, db: SimDatabase) -> None:
        self.write = partial(db.write, lease_only=True)


async def claim(db: Database, *about: Any) -> dict[str, Lease]:
    """Stands in for the product's."""
    return await _CLAIM(cast("Database", _LeaseOnly(cast("SimDatabase", db))), *about)


async def record(records: work.Records, lease: Lease, changes: Sequence[Change], now: datetime) -> Recorded:
    """Stands in for the product's."""
    of = cast("SimDatabase", records.db)
    heard = of.heard
    stored = await _RECORD(records, lease, changes, now)
    decided = {change.after.run.flink_job_id for change in changes}
    of.has_kept(heard, {each.run.flink_job_id for each in stored.by_run.values()}, decided)
    return stored
