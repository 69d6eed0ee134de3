"""The driver's connection, with one visit to its thread for each statement.

By itself it makes four: for a cursor, for the statement, for the rows and to close the cursor. Each of them wakes a
thread and then the event loop, which costs more than most of our statements.
"""

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import aiosqlite

_CHUNK: Final = 64  # rows that are iterated over at once, which nobody does

_Statement = Callable[[sqlite3.Cursor], object]
_Done = tuple[sqlite3.Cursor, list[Any]]


def connect(database: str, **settings: Any) -> aiosqlite.Connection:
    """A connection to be awaited; `settings` are those of `sqlite3.connect`."""
    return _Connection(partial(sqlite3.connect, database, **settings), _CHUNK)


class _Connection(aiosqlite.Connection):
    def __init__(self, connector: Callable[[], sqlite3.Connection], chunk: int) -> None:
        super().__init__(connector, chunk)
        self._thread.daemon = True  # as SQLAlchemy has it

    def cursor(self) -> "_Cursor":  # type: ignore[override]
        """SQLAlchemy enters it, and does not await it."""
        return _Cursor(self)

    async def rollback(self) -> None:
        """SQLAlchemy asks for it whenever it is done with a connection, also after what was committed."""
        if self.in_transaction:
            await super().rollback()

    async def do(self, statement: _Statement) -> _Done:
        """The cursor, which still knows what the statement did, and all rows."""
        done: _Done = await self._execute(_done, self._conn, statement)  # type: ignore[no-untyped-call]
        return done


class _Cursor(aiosqlite.Cursor):
    """A statement at a time, with all of its rows; what SQLite holds for it is given back before it returns."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []

    async def execute(self, sql: str, parameters: Any = None) -> "_Cursor":
        return await self._do(lambda cursor: cursor.execute(sql, parameters or ()))

    async def executemany(self, sql: str, parameters: Any) -> "_Cursor":
        return await self._do(lambda cursor: cursor.executemany(sql, parameters))

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        self._rows = []

    async def _do(self, statement: _Statement) -> "_Cursor":
        self._cursor, self._rows = await self._connection.do(statement)
        return self


def _done(connection: sqlite3.Connection, statement: _Statement) -> _Done:
    cursor = connection.cursor()
    try:
        statement(cursor)
        return cursor, cursor.fetchall() if cursor.description else []
    finally:
        cursor.close()
