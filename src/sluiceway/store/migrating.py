"""Bringing a database to the present schema. One that has it already is not kept waiting for Alembic to load."""

import contextlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from sluiceway.store.private import keep_private

MIGRATIONS: Final = Path(__file__).parent / "migrations"


class BadDatabase(Exception):
    """The file in the data directory is no database that this release can work with."""


def migrate(path: Path) -> None:
    """Bring the database at `path` to the present schema, making it if there is none. Raises `BadDatabase`.

    All of it is one transaction: a crash leaves the schema as it was, and of two services that start at once one waits.
    """
    with contextlib.suppress(OSError):  # what is wrong with the path is told below
        path.touch(0o600)
    # Hashes and sealed secrets. SQLite gives the files beside it the mode that the database has.
    keep_private(*(Path(f"{path}{suffix}") for suffix in ("", "-wal", "-shm")))
    if _revision(path) != newest():
        _upgrade(path)


def newest() -> str:
    """The revision of the present schema: migrations have it at the beginning of their names."""
    return max(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _revision(path: Path) -> str | None:
    """That of a database; None where it has none, or cannot be read."""
    with contextlib.suppress(sqlite3.Error), closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        return str(found[0][0]) if len(found) == 1 else None
    return None


def _upgrade(path: Path) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError
    from sqlalchemy import URL, create_engine, event
    from sqlalchemy.exc import DBAPIError

    from sluiceway.store.database import BUSY_TIMEOUT, WRITE, begin, prepare

    engine = create_engine(
        URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_TIMEOUT}, hide_parameters=True
    )
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        with engine.connect().execution_options(**{WRITE: 3 * BUSY_TIMEOUT}) as connection, connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise BadDatabase(f"The database {path} cannot be used: {error.orig}.") from error
    except CommandError as error:
        raise BadDatabase(f"The database {path} is not of this release, nor of an earlier one: {error}.") from error
    finally:
        engine.dispose()
