"""The data directory that the commands of `sluiceway access` work on."""

import asyncio
import os
import pwd
import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from cyclopts import Parameter

from sluiceway.assembly.clock import clock
from sluiceway.cli.output import Failed, complain
from sluiceway.cli.output_options import Output
from sluiceway.control.access import Access, BadRequest, Missing
from sluiceway.control.vault import KEY_FILE, BadKeyFile, Vault
from sluiceway.settings import DATABASE, Settings
from sluiceway.store.database import BadDatabase, Database, migrate
from sluiceway.store.private import make_directory
from sluiceway.store.trouble import DatabaseUnavailable

T = TypeVar("T")


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class DataDirectory(Output):
    """A service's data directory, and the form of the answer. The service may run meanwhile, and need not."""

    data: Annotated[Path | None, Parameter(name=["--data", "-d"], env_var="SLUICEWAY_DATA")] = None
    """The service's data directory. Default: as sluiceway.toml says, else sluiceway-data."""

    secret_key_file: Annotated[Path | None, Parameter(env_var="SLUICEWAY_SECRET_KEY_FILE")] = None
    """The service's --secret-key-file. Default: as sluiceway.toml says, else secret.key in the data directory."""

    def do(self, what: Callable[[Access], Awaitable[T]], *, first: bool = False) -> T:
        """Do it, and close the database, which only a `first` step creates. Raises `Failed`."""
        data = data_directory(self.data)
        key_file = self.secret_key_file or _from_file("secret_key_file") or data / KEY_FILE
        try:
            made = not (data / DATABASE).exists()
            if made and not first:
                raise Failed(f"{data} holds no data of a service. Check --data.", code=2)
            make_directory(data)
            migrate(data / DATABASE)
            if made:
                complain(f"{data} held no data of a service; it does now. Was another --data meant?")
            return asyncio.run(_do(what, data, key_file.expanduser()))
        except OSError as error:
            raise Failed(f"--data {data} cannot be used: {error.strerror}", code=2) from error
        except (BadKeyFile, BadRequest) as error:
            raise Failed(str(error), code=2) from error
        except (BadDatabase, Missing) as error:
            raise Failed(str(error)) from error
        except DatabaseUnavailable as error:
            raise Failed(f"Nothing is known to have been done: {error}. Do it again when that has changed.") from error


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Here(Output):
    """A service's data directory, without anything of it opened. The service may run meanwhile, and need not."""

    data: Annotated[Path | None, Parameter(name=["--data", "-d"], env_var="SLUICEWAY_DATA")] = None
    """The service's data directory. Default: as sluiceway.toml says, else sluiceway-data."""


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


def data_directory(given: Path | None) -> Path:
    """The service's, as it is given here, in its file of settings, or by default. Raises `Failed`."""
    return (given or _from_file("data") or Settings().data).expanduser().absolute()


def _from_file(name: str) -> Path | None:
    """A setting of the service's file in the current directory."""
    try:
        found = tomllib.loads(Path("sluiceway.toml").read_text(encoding="utf-8")).get(name)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Failed(f"sluiceway.toml cannot be read: {error}", code=2) from error
    return Path(found) if isinstance(found, str) else None
