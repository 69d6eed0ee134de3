"""The data directory that the commands of `sluiceway access` work on, as options. `accounts` opens what is in it."""

import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from cyclopts import Parameter

from sluiceway.cli.language import t
from sluiceway.cli.output import Failed
from sluiceway.cli.output_options import Output
from sluiceway.settings import Settings

if TYPE_CHECKING:
    from sluiceway.control.access import Access

T = TypeVar("T")


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class DataDirectory(Output):
    """A service's data directory, and the form of the answer. The service may run meanwhile, and need not."""

    data: Annotated[Path | None, Parameter(name=["--data", "-d"], env_var="SLUICEWAY_DATA")] = None
    """The service's data directory. Default: as sluiceway.toml says, else sluiceway-data."""

    secret_key_file: Annotated[Path | None, Parameter(env_var="SLUICEWAY_SECRET_KEY_FILE")] = None
    """The service's --secret-key-file. Default: as sluiceway.toml says, else secret.key in the data directory."""

    def do(self, what: "Callable[[Access], Awaitable[T]]", *, first: bool = False) -> T:
        """Do it, and close the database, which only a `first` step creates. Raises `Failed`."""
        from sluiceway.cli import accounts

        key_file = self.secret_key_file or _from_file("secret_key_file")
        return accounts.do(what, data_directory(self.data), key_file, first=first)


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Here(Output):
    """A service's data directory, without anything of it opened. The service may run meanwhile, and need not."""

    data: Annotated[Path | None, Parameter(name=["--data", "-d"], env_var="SLUICEWAY_DATA")] = None
    """The service's data directory. Default: as sluiceway.toml says, else sluiceway-data."""


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
        raise Failed(t("sluiceway.toml cannot be read: {error}", error=error), code=2) from error
    return Path(found) if isinstance(found, str) else None
