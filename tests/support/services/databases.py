"""Migrated, empty databases: made once in a process, and copied. What migrations do is tested in `test_store.py`."""

import sqlite3
import tempfile
from functools import cache
from pathlib import Path

from sluiceway.store.migrating import migrate


def make(path: Path) -> None:
    """A database at `path` as `migrate` leaves it. One that is there is brought to the present schema.

    Raises `BadDatabase`.
    """
    try:
        path.touch(0o600, exist_ok=False)
    except OSError:  # it is there, or there is something wrong, which `migrate` tells
        migrate(path)
    else:
        path.write_bytes(image())


@cache
def image() -> bytes:
    """The bytes of a migrated, empty database."""
    with tempfile.TemporaryDirectory() as directory:
        migrate(Path(directory) / "t.db")
        raw = sqlite3.connect(Path(directory) / "t.db")
        raw.execute("PRAGMA journal_mode=DELETE")
        found = raw.serialize()
        raw.close()
        return found
