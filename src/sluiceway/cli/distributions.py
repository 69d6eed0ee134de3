"""`sluiceway distributions`: which versions of Flink plan SQL here. Works on the data directory of the service."""

from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter

from sluiceway.cli import tables
from sluiceway.cli.columns import Column, Kind
from sluiceway.cli.data_directory import Here, data_directory
from sluiceway.cli.language import heard, t
from sluiceway.cli.options import commands
from sluiceway.cli.output import Failed, complain
from sluiceway.cli.output_options import ColumnNames
from sluiceway.engines.planning import fetching
from sluiceway.engines.planning.distributions import Distribution, Distributions
from sluiceway.settings import DISTRIBUTIONS
from sluiceway.store.private import make_directory

distributions_app = commands("distributions", "Versions of Flink that plan SQL, each for clusters of its own version.")


def _state(row: dict[str, Any]) -> str:
    return "can be added" if "installed" not in row else "installed" if row["installed"] else "added"


_VERSIONS: Final = Kind(
    dict[str, Any],
    (
        Column("version", lambda row: row["version"]),
        Column("state", _state),
        Column("size", lambda row: tables.size(row.get("bytes")), spare=True),
        Column("plans for", lambda row: f"clusters of Flink {row['plans_for']}" if "plans_for" in row else ""),
    ),
    lambda row: str(row["version"]),
)


def _distributions(here: Here) -> Distributions:
    """In the data directory, which nobody else may read where it is made here. Raises `Failed`."""
    data = data_directory(here.data)
    try:
        make_directory(data)
    except OSError as error:
        raise Failed(t("--data {data} cannot be used: {why}", data=data, why=error.strerror), code=2) from error
    return Distributions(data / DISTRIBUTIONS)


@distributions_app.command
def add(
    version: str,
    /,
    *,
    file: Annotated[Path | None, Parameter(name="--from")] = None,
    here: Here | None = None,
) -> int:
    """Add a version of Flink, so that SQL can be planned for clusters that run it. A running service sees it at once.

    It is fetched with pip, from the package index that pip is set up for, and checked: 230 to 330 MB.

    Example: `sluiceway distributions add 1.20`

    Parameters
    ----------
    version
        As clusters say it, with or without the patch version: 1.20, or 1.20.5.
    file
        The package, where there is no index: a wheel or source package of apache-flink-libraries, or Flink's own
        archive.
    """
    here = (here or Here()).begin()
    try:
        if file is None:
            added = fetching.fetch(_distributions(here), version, quiet=here.json)
        else:
            added = fetching.take(_distributions(here), file.expanduser(), version)
    except fetching.NotAdded as error:
        raise Failed(heard(str(error))) from error
    if not added.known:
        complain(t("Its digest is not the one that is known here of this version: be sure where it comes from."))
    found = added.distribution
    told = (
        t(
            "Flink {version} is here. It plans SQL for clusters of Flink {minor}.",
            version=found.version,
            minor=found.minor,
        )
        if added.fresh
        else t(
            "Flink {version} was here already. It plans SQL for clusters of Flink {minor}.",
            version=found.version,
            minor=found.minor,
        )
    )
    return here.told({**_told(found), "added": added.fresh}, told, found.version)


@distributions_app.command(name="list")
def list_(*, columns: ColumnNames = None, here: Here | None = None) -> int:
    """List the versions of Flink that plan SQL here, and those that can be added.

    Example: `sluiceway distributions list`
    """
    here = (here or Here()).begin()
    found, added = _distributions(here).all(), _distributions(here).added()
    minors = {each.minor for each in found}
    lacking = [version for minor, (version, _) in fetching.KNOWN.items() if minor not in minors]
    shown = [{**_told(each), "installed": each not in added} for each in found]
    rows = [*shown, *({"version": version} for version in lacking)]
    return here.show(_VERSIONS, rows, {"distributions": shown, "can_be_added": lacking}, columns)


@distributions_app.command
def remove(version: str, /, *, here: Here | None = None) -> int:
    """Remove a version that was added. Jobs run on; their SQL cannot be planned any more.

    Example: `sluiceway distributions remove 1.20`

    Parameters
    ----------
    version
        With or without the patch version.
    """
    here = (here or Here()).begin()
    gone = fetching.remove(_distributions(here), version)
    if not gone:
        raise Failed(t("No Flink {version} was added. What was: sluiceway distributions list", version=version))
    return here.told({"removed": gone}, t("Flink {versions} is removed.", versions=t(" and ").join(gone)), *gone)


def _told(found: Distribution) -> dict[str, Any]:
    return {"version": found.version, "plans_for": found.minor, "bytes": _size(found)}


def _size(found: Distribution) -> int:
    return sum(jar.stat().st_size for jar in found.jars)
