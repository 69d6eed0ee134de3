"""Opens the users, keys and rights in a data directory, for the commands of `sluiceway access`."""

import asyncio
import os
import pwd
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from sluiceway.assembly.clock import clock
from sluiceway.cli.language import heard, t
from sluiceway.cli.output import Failed, complain
from sluiceway.control.access import Access, BadRequest, Missing
from sluiceway.control.vault import BadKeyFile, Vault
from sluiceway.settings import DATABASE, KEY_FILE
from sluiceway.store.database import Database
from sluiceway.store.migrating import BadDatabase, migrate
from sluiceway.store.private import make_directory
from sluiceway.store.trouble import DatabaseUnavailable

T = TypeVar("T")


def do(what: Callable[[Access], Awaitable[T]], data: Path, key_file: Path | None, *, first: bool) -> T:
    """Do it, and close the database, which only a `first` step creates. Raises `Failed`."""
    try:
        made = not (data / DATABASE).exists()
        if made and not first:
            raise Failed(t("{data} holds no data of a service. Check --data.", data=data), code=2)
        make_directory(data)
        migrate(data / DATABASE)
        if made:
            complain(t("{data} held no data of a service; it does now. Was another --data meant?", data=data))
        return asyncio.run(_do(what, data, (key_file or data / KEY_FILE).expanduser()))
    except OSError as error:
        raise Failed(t("--data {data} cannot be used: {why}", data=data, why=error.strerror), code=2) from error
    except (BadKeyFile, BadRequest) as error:
        raise Failed(heard(str(error)), code=2) from error
    except (BadDatabase, Missing) as error:
        raise Failed(heard(str(error))) from error
    except DatabaseUnavailable as error:
        raise Failed(
            t(
                "Nothing is known to have been done: {error}. Do it again when that has changed.",
                error=heard(str(error)),
            )
        ) from error


async def _do(what: Callable[[Access], Awaitable[T]], data: Path, key_file: Path) -> T:
    db = Database(data / DATABASE)
    try:
        return await what(Access(db, Vault(key_file), clock, f"{_os_user()}@console"))
    finally:
        await db.close()


def _os_user() -> str:
    """The administrator's name in the system; the environment could say anything."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
