"""The database itself: opening it, and the two ways into it, to read and to write."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from sluiceway.store import driver, kept
from sluiceway.store.reserve import LITTLE, Reserve, Use, log_of
from sluiceway.store.trouble import DatabaseUnavailable, Trouble, translated

WRITE = "sluiceway_write"  # a transaction that writes, and the seconds that it waits for the lock
BUSY_TIMEOUT = 20.0  # seconds that a writer waits for all others, of this process or another, before it gives up
TRY_EVERY: Final = 3.0  # seconds between two writes that only show whether writing works
TRY_FOR: Final = 1.0  # seconds that a question for our health waits for such a write
TELL_EVERY: Final = 60.0  # seconds between two equal lines in the log
TAKE_EVERY: Final = 1.0  # seconds between two tries to keep room back again


def epoch_ms(at: datetime) -> int:
    """A moment as the tables hold it."""
    return round(at.timestamp() * 1000)


def moment(ms: int | None) -> datetime | None:
    """A moment back from the tables."""
    return None if ms is None else instant(ms)


@lru_cache(maxsize=1 << 13)
def instant(ms: int) -> datetime:
    """A moment back from a column that is NOT NULL. What one turn has stored of many jobs is one object for all."""
    return datetime.fromtimestamp(ms / 1000, UTC)


class Database:
    """One SQLite file: many readers, one writer at a time."""

    def __init__(self, path: Path, reserve: Reserve | None = None) -> None:
        """Open the (migrated) database at `path`; with a reserve, what makes room works on a full disk."""
        self._engine: AsyncEngine = create_async_engine(
            URL.create("sqlite+aiosqlite", database=str(path)),
            connect_args={"timeout": BUSY_TIMEOUT, "factory": _Connection, "async_creator_fn": driver.connect},
            pool_size=4,
            hide_parameters=True,  # jobs' SQL and hashes of passwords have no place in a log
            max_overflow=0,
            pool_use_lifo=True,  # each one that has been used keeps 8 MB of pages: few are used
        )
        event.listen(self._engine.sync_engine, "connect", prepare)
        event.listen(self._engine.sync_engine, "begin", begin)
        self._path = path
        self._glance: sqlite3.Connection | None = None  # a connection of the event loop's own
        self._writing = asyncio.Lock()
        self._taking = asyncio.Lock()
        self._reserve = reserve
        self._health = _Health()
        self._trying: asyncio.Task[None] | None = None

    def changes(self, cluster: str) -> int | None:
        """The number of changes so far of what workers watch of a cluster, by whomever; None when it cannot be read."""
        found = self.glance("SELECT number FROM changes WHERE cluster = ?", cluster)
        return None if found is None else (found[0][0] if found else 0)

    def numbers(self) -> Mapping[str, int] | None:
        """The same of all clusters that have had any."""
        found = self.glance("SELECT cluster, number FROM changes")
        return None if found is None else dict(found)

    def glance(self, sql: str, *about: str | int) -> list[Any] | None:
        """Rows of a few pages, as they were last committed; None when they cannot be read.

        They are read where they are asked for, on the event loop: the pages are in memory, and no reader waits for a
        writer.
        """
        try:
            if self._glance is None:
                self._glance = sqlite3.connect(self._path, timeout=0, isolation_level=None)
                self._glance.execute("PRAGMA query_only=ON")
            return self._glance.execute(sql, about).fetchall()
        except sqlite3.Error:
            self._close_glance()
            return None

    def _close_glance(self) -> None:
        if self._glance is not None:
            self._glance.close()
            self._glance = None

    async def close(self) -> None:
        """Close every connection. What was committed stays."""
        self._close_glance()
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.gather(self._trying, return_exceptions=True)
        await self._engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view; it waits for no writer. Raises `DatabaseUnavailable`."""
        with translated():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def write(self, use: Use = Use.ORDINARY) -> AsyncIterator[AsyncConnection]:
        """One transaction that holds the write lock from its first line, so what it reads is what it changes.

        Raises `DatabaseUnavailable`, also when others have held the lock for `BUSY_TIMEOUT`. What is asked for over
        HTTP is refused before the caller has hung up, so that nothing is carried out that nobody waits for.
        """
        try:
            await self._admit(use)
            with translated():
                async with self._next_to_write() as patience, self._engine.connect() as connection:
                    await connection.execution_options(**{WRITE: patience})
                    async with connection.begin():
                        kept.keep()
                        yield connection
        except DatabaseUnavailable as unavailable:
            self._health.failed(unavailable)
            if self._reserve and use is not Use.ORDINARY and unavailable.trouble in {Trouble.FULL, Trouble.BROKEN}:
                await asyncio.to_thread(self._reserve.give)
            raise
        self._health.worked(use)

    async def ailment(self) -> Trouble | None:
        """What keeps us from writing, as far as is known now. Tries it where nothing has been written for a while."""
        if self._trying is None and asyncio.get_running_loop().time() >= self._health.try_at:
            self._trying = asyncio.create_task(self._try(), name="try to write")
        if self._trying is not None:
            await asyncio.wait([self._trying], timeout=TRY_FOR)
        if self._reserve and (not self._reserve.held or self._reserve.room() < LITTLE):
            return Trouble.FULL
        return self._health.trouble

    async def _try(self) -> None:
        try:
            with contextlib.suppress(DatabaseUnavailable):
                async with self.write() as connection:
                    # Nobody reads this number. It lies in the first page, so that page is written.
                    await connection.exec_driver_sql("PRAGMA user_version = 1")
        finally:
            self._trying = None

    async def _admit(self, use: Use) -> None:
        """Let a transaction begin, as far as there is room for it. Raises `DatabaseUnavailable`."""
        reserve = self._reserve
        if reserve is None:
            return
        if not reserve.held:
            await self._take(reserve)
        if use is Use.MAKES_ROOM and reserve.held and reserve.room() < LITTLE:
            await asyncio.to_thread(reserve.give)
        if use is Use.ORDINARY and not reserve.held:
            raise DatabaseUnavailable(Trouble.FULL)

    async def _take(self, reserve: Reserve) -> None:
        """Keep room back, every so often. Whoever comes meanwhile waits for it, and is not told of a full disk."""
        async with self._taking:
            now = asyncio.get_running_loop().time()
            if not reserve.held and now - self._health.took_at >= TAKE_EVERY:
                self._health.took_at = now
                await asyncio.to_thread(reserve.take)

    @asynccontextmanager
    async def _next_to_write(self) -> AsyncIterator[float]:
        """Hold this process's turn to write. What is left of the patience is for other processes, in seconds."""
        now = asyncio.get_running_loop().time
        until = now() + BUSY_TIMEOUT
        try:
            async with asyncio.timeout_at(until):
                await self._writing.acquire()
        except TimeoutError:
            raise DatabaseUnavailable(Trouble.BUSY) from None
        try:
            yield max(0.0, until - now())
        finally:
            self._writing.release()


class _Health:
    """Whether writing works. Told in the log when it changes, and not more than once a minute."""

    def __init__(self) -> None:
        self.trouble: Trouble | None = None
        self.try_at = self.took_at = float("-inf")
        self._told: dict[Trouble | None, float] = {}

    def failed(self, unavailable: DatabaseUnavailable) -> None:
        """Something could not be written."""
        if self.trouble is not unavailable.trouble and self._is_news(unavailable.trouble):
            log_of(__name__).error("database_unavailable", why=str(unavailable))
        self.trouble = unavailable.trouble
        self._is_known()

    def worked(self, use: Use) -> None:
        """Something was written. On a full disk, what has the room kept back works on, which is no recovery."""
        if use is not Use.ORDINARY and self.trouble is not None:
            return
        if self.trouble is not None and self._is_news(None):
            log_of(__name__).info("database_available_again")
        self.trouble = None
        self._is_known()

    def _is_known(self) -> None:
        self.try_at = asyncio.get_running_loop().time() + TRY_EVERY

    def _is_news(self, what: Trouble | None) -> bool:
        now = asyncio.get_running_loop().time()
        is_news = now - self._told.get(what, float("-inf")) >= TELL_EVERY
        if is_news:
            self._told[what] = now
        return is_news


class _Connection(sqlite3.Connection):
    """A connection that leaves no lock behind when it is closed in the middle of a transaction.

    A caller that is canceled has its connection closed. SQLite keeps one that still has an open cursor, and its write
    lock with it, until the last cursor is collected; and the cursors hang on the traceback of the cancellation.
    """

    def close(self) -> None:
        try:
            if self.in_transaction:
                self.rollback()
        finally:
            super().close()


def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Make a new connection ours."""
    # The driver must not begin transactions by itself: it would take the write lock too late.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-8000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def begin(connection: Connection) -> None:
    """Begin a transaction. One that has `WRITE` takes the lock, and waits so many seconds for it."""
    patience = connection.get_execution_options().get(WRITE)
    if patience is None:
        connection.exec_driver_sql("BEGIN")
        return
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {round(patience * 1000)}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
