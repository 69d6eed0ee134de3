"""The database in memory: real SQLite and the product's real statements, without threads and files.

Every transaction of the product is serialisable: a writer holds the lock from its first line, a reader sees one
snapshot. So each is run here as one undisturbed step, with pauses, faults and crashes before it and after it: a late
answer is a stale one, a crash before the commit is a transaction that never was, one after it an answer that is lost.
"""

import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from sluiceway.store.database import Database, migrate

if TYPE_CHECKING:
    from tests.simulation.service import Service


class InjectedError(OperationalError):
    """A database error out of the blue."""


def trouble(words: str) -> InjectedError:
    """The error that a full disk or a foreign lock makes."""
    return InjectedError("-", {}, sqlite3.OperationalError(words))


@cache
def _template() -> bytes:
    """A migrated, empty database."""
    with tempfile.TemporaryDirectory() as directory:
        migrate(Path(directory) / "t.db")
        raw = sqlite3.connect(Path(directory) / "t.db")
        raw.execute("PRAGMA journal_mode=DELETE")
        image = raw.serialize()
        raw.close()
        return image


_next: list[sqlite3.Connection] = []
_ENGINE = create_engine("sqlite://", creator=lambda: _next[-1], poolclass=NullPool)


class Memory:
    """One database. It outlives the services that use it."""

    def __init__(self, randomness: Callable[[int], bytes], committed: Callable[[], None]) -> None:
        """An empty one; `randomness` stands in for SQLite's own, `committed` is called after every change."""
        self.raw = sqlite3.connect(":memory:", isolation_level=None)
        self.raw.deserialize(_template())
        self.raw.create_function("randomblob", 1, randomness)
        _next.append(self.raw)
        self.connection = _ENGINE.connect()
        _next.pop()
        self.version = 0  # moves with every change
        self.committed = committed

    def close(self) -> None:
        """Forget everything."""
        self.connection.close()
        self.raw.close()


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
        self._memory.raw.execute("BEGIN")
        try:
            yield self._inline
        finally:
            self._memory.raw.execute("ROLLBACK")
        await self._service.pause("has read")

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Any]:
        """See `Database`."""
        await self._service.pause("write")
        fault = self._service.world.weather.write_fault()
        if fault == "locked":
            await self._service.sleep(20.0)
            raise trouble("database is locked")
        raw, before = self._memory.raw, self._memory.raw.total_changes
        raw.execute("BEGIN IMMEDIATE")
        try:
            yield self._inline
            if fault == "full":
                raise trouble("database or disk is full")
            raw.execute("COMMIT")
        except BaseException:
            raw.execute("ROLLBACK")
            raise
        if raw.total_changes != before:
            self._memory.committed()
        if fault == "unsure":
            raise trouble("disk I/O error")
        await self._service.pause("written")

    async def close(self) -> None:
        """See `Database`."""
