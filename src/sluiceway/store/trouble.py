"""What keeps the database from doing what it is asked: SQLite's errors, translated once."""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from enum import StrEnum
from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class Trouble(StrEnum):
    """Why nothing can be stored, or read, now."""

    FULL = "the disk of the data directory is full"
    BUSY = "other writers hold the database"
    READ_ONLY = "the database may only be read"
    BROKEN = "the disk of the data directory fails, or its quota is used up"
    DAMAGED = "the database file is damaged"


class DatabaseUnavailable(Exception):
    """Nothing was stored, or it is not known what is. Trying again is safe, and may work once there is room."""

    def __init__(self, trouble: Trouble, detail: str = "") -> None:
        """`detail` is what SQLite says, for the log."""
        super().__init__(f"{trouble.value} ({detail})" if detail else trouble.value)
        self.trouble = trouble


# SQLite's primary result codes, which are the low byte of every code: sqlite.org/rescode.html. What else it says is a
# fault of ours, and goes on as it is.
_TROUBLES: Final[Mapping[int, Trouble]] = {
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_BUSY: Trouble.BUSY,
    sqlite3.SQLITE_LOCKED: Trouble.BUSY,
    sqlite3.SQLITE_READONLY: Trouble.READ_ONLY,
    sqlite3.SQLITE_IOERR: Trouble.BROKEN,
    sqlite3.SQLITE_CANTOPEN: Trouble.BROKEN,
    sqlite3.SQLITE_CORRUPT: Trouble.DAMAGED,
    sqlite3.SQLITE_NOTADB: Trouble.DAMAGED,
}
_NO_ROOM_FOR_THE_INDEX: Final = 4874  # SQLITE_IOERR_SHMSIZE, which is how a full disk shows in the file beside the WAL


def trouble_of(error: DBAPIError) -> Trouble | None:
    """What an error of the driver means; None for one that is no trouble of the database's."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if not isinstance(code, int):
        return None
    return Trouble.FULL if code == _NO_ROOM_FOR_THE_INDEX else _TROUBLES.get(code & 0xFF)


@contextmanager
def translated() -> Iterator[None]:
    """Raise `DatabaseUnavailable` for what keeps the database from working."""
    try:
        yield
    except DBAPIError as error:
        trouble = trouble_of(error)
        if trouble is None:
            raise
        raise DatabaseUnavailable(trouble, str(error.orig)[:200]) from error
    except PoolTimeout as error:
        raise DatabaseUnavailable(Trouble.BUSY, "no connection is free") from error


@asynccontextmanager
async def unique_name(table: str, taken: type[Exception]) -> AsyncIterator[None]:
    """Raise `taken` where another row of the table has the name, and every other error as it is."""
    try:
        yield
    except IntegrityError as error:
        if f"{table}.name" not in str(error.orig):
            raise
        raise taken from error
