"""The database itself: opening it, migrating it, and the two ways into it, to read and to write."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from sluiceway.store import kept

_WRITE = "sluiceway_write"  # a transaction that writes, and the seconds that it waits for the lock
BUSY_TIMEOUT = 20.0  # seconds that a writer waits for all others, of this process or another, before it gives up


class BadDatabase(Exception):  # noqa: N818 - it is what it is
    """The file in the data directory is no database that this release can work with."""


def epoch_ms(at: datetime) -> int:
    """A moment as the tables hold it."""
    return round(at.timestamp() * 1000)


def moment(ms: int | None) -> datetime | None:
    """A moment back from the tables."""
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)


def migrate(path: Path) -> None:
    """Bring the database at `path` to the present schema, making it if there is none. Raises `BadDatabase`.

    All of it is one transaction: a crash leaves the schema as it was, and of two services that start at once one waits.
    """
    with contextlib.suppress(OSError):  # what is wrong with the path is told below
        path.touch(0o600, exist_ok=False)  # hashes and sealed secrets are nobody else's to read
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_TIMEOUT})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    try:
        with engine.connect().execution_options(**{_WRITE: 3 * BUSY_TIMEOUT}) as connection, connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise BadDatabase(f"The database {path} cannot be used: {error.orig}.") from error
    except CommandError as error:
        raise BadDatabase(f"The database {path} is not of this release, nor of an earlier one: {error}.") from error
    finally:
        engine.dispose()


class Database:
    """One SQLite file: many readers, one writer at a time."""

    def __init__(self, path: Path) -> None:
        """Open the (migrated) database at `path`."""
        self._engine: AsyncEngine = create_async_engine(
            URL.create("sqlite+aiosqlite", database=str(path)),
            connect_args={"timeout": BUSY_TIMEOUT, "factory": _Connection},
            pool_size=4,
            max_overflow=0,
        )
        event.listen(self._engine.sync_engine, "connect", _prepare)
        event.listen(self._engine.sync_engine, "begin", _begin)
        self._writing = asyncio.Lock()

    async def close(self) -> None:
        """Close every connection. What was committed stays."""
        await self._engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view; it waits for no writer."""
        async with self._engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that holds the write lock from its first line, so what it reads is what it changes.

        Raises `OperationalError` when others have held the lock for `BUSY_TIMEOUT`. What is asked for over HTTP is
        refused before the caller has hung up, so that nothing is carried out that nobody waits for.
        """
        async with self._next_to_write() as patience, self._engine.connect() as connection:
            await connection.execution_options(**{_WRITE: patience})
            async with connection.begin():
                kept.keep()
                yield connection

    @asynccontextmanager
    async def _next_to_write(self) -> AsyncIterator[float]:
        """Hold this process's turn to write. What is left of the patience is for other processes, in seconds."""
        now = asyncio.get_running_loop().time
        until = now() + BUSY_TIMEOUT
        try:
            async with asyncio.timeout_at(until):
                await self._writing.acquire()
        except TimeoutError:
            raise OperationalError("BEGIN IMMEDIATE", None, sqlite3.OperationalError("database is busy")) from None
        try:
            yield max(0.0, until - now())
        finally:
            self._writing.release()


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


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions by itself: it would take the write lock too late.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-8000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    patience = connection.get_execution_options().get(_WRITE)
    if patience is None:
        connection.exec_driver_sql("BEGIN")
        return
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {round(patience * 1000)}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
