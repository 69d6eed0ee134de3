"""Backups of the database: a copy while the service runs, and putting one back."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sluiceway.store.migrating import BadDatabase, migrate

JUMP: Final = 1_000_000  # ids go on from the next multiple of it, where nobody knows which were issued since a backup
PAGES: Final = 2000  # that are copied at once; writers wait for no more
WAIT: Final = 5.0  # seconds for others to close the database

Ids = Mapping[str, int]  # the highest one issued, by table


class InUse(Exception):
    """A service works on the database."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A database that was put in place of another."""

    kept: Path | None  # where the one before it is now; None where there was none
    jobs_from: int  # ids of jobs that are made from now on begin after it


def back_up(path: Path, to: Path) -> int:
    """Copy the database at `path` to a new file with the mode 0600, also while a service writes; its bytes.

    Raises `BadDatabase`, `OSError`, and `FileExistsError` where there is such a file.
    """
    os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        _copy(path, to)
        _sync(to)
    except BaseException:
        to.unlink(missing_ok=True)
        raise
    return to.stat().st_size


def restore(backup: Path, path: Path, stamp: str) -> Restored:
    """Put a backup in place of the database at `path`, brought to the present schema. The one before it is kept.

    No id that was issued since the backup is issued again. A crash leaves the old database, or the new one. Raises
    `BadDatabase`, `InUse`, `OSError`.
    """
    made = path.with_name(f"{path.name}.restoring")
    made.unlink(missing_ok=True)
    os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        _copy(backup, made)
        migrate(made)
        issued = _let_go(path) if path.exists() else None
        jobs_from = _jump(made, issued)
        _sync(made)
        kept = path.with_name(f"{path.name}.before-{stamp}") if issued is not None else None
        if kept is not None:
            os.link(path, kept)  # until the last step the database is where it was
        made.replace(path)
        _sync(path.parent)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{made}{suffix}").unlink(missing_ok=True)
    return Restored(kept, jobs_from)


def _copy(path: Path, to: Path) -> None:
    with _told(path), closing(_reading(path)) as source:
        if source.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is None:
            raise BadDatabase(f"{path} is no database of this service.")
        with closing(sqlite3.connect(to)) as target:
            source.backup(target, pages=PAGES)
            if (found := target.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise BadDatabase(f"The database {path} is damaged: {found}.")
            target.execute("PRAGMA journal_mode = DELETE")  # all of it in one file


def _reading(path: Path) -> sqlite3.Connection:
    """Raises `BadDatabase` where there is no such file, which SQLite would make."""
    if not path.is_file():
        raise BadDatabase(f"There is no file {path}.")
    return sqlite3.connect(path, timeout=WAIT)


def _let_go(path: Path) -> Ids:
    """Have all of a database in its one file; the ids that it has issued. Raises `InUse` while anybody has it open."""
    with _told(path), closing(_reading(path)) as old:
        try:
            # Fails as long as there is another connection, also one that does nothing.
            old.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError as error:
            raise InUse(f"A service works on {path}. Stop it first.") from error
        return _issued(old)


def _issued(connection: sqlite3.Connection) -> Ids:
    with contextlib.suppress(sqlite3.OperationalError):  # nothing was ever issued
        return dict(connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    return {}


def _jump(path: Path, issued: Ids | None) -> int:
    """Have ids go on after all that were issued, as far as that is known; where those of jobs go on."""
    with _told(path), closing(sqlite3.connect(path)) as made, made:
        before = _issued(made)
        for table, highest in before.items():
            last = -(-(highest + 1) // JUMP) * JUMP if issued is None else max(highest, issued.get(table, 0))
            made.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (last, table))
        for table in (issued or {}).keys() - before.keys():
            made.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, (issued or {})[table]))
        jobs = _issued(made).get("jobs", 0)
    with closing(sqlite3.connect(path)) as made:
        made.execute("PRAGMA journal_mode = DELETE")
    return jobs


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise BadDatabase(f"The database {path} cannot be used: {error}.") from error


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
