"""`sluiceway database`: copies of the service's database, and putting one back. Works on its data directory."""

from datetime import UTC, datetime
from pathlib import Path

from sluiceway.cli import tables
from sluiceway.cli.data_directory import Here, data_directory
from sluiceway.cli.language import heard, t
from sluiceway.cli.options import commands
from sluiceway.cli.output import Failed, complain
from sluiceway.settings import DATABASE, KEY_FILE

database_app = commands("database", "Back up the service's database, and restore it.")


@database_app.command
def backup(file: Path, /, *, here: Here | None = None) -> int:
    """Copy the database to a new file that only you can read. The service may run meanwhile.

    Example: `sluiceway database backup /backup/sluiceway-monday.db --data /var/lib/sluiceway`

    Parameters
    ----------
    file
        The copy. It must not be there yet.
    """
    from sluiceway.store import copying
    from sluiceway.store.migrating import BadDatabase

    here = (here or Here()).begin()
    data = data_directory(here.data)
    file = file.expanduser().absolute()
    try:
        size = copying.back_up(data / DATABASE, file)
    except BadDatabase as error:
        raise Failed(heard(str(error))) from error
    except FileExistsError as error:
        raise Failed(t("{file} is there already; nothing was done. Give another name.", file=file), code=2) from error
    except OSError as error:
        raise Failed(t("{file} cannot be written: {why}", file=file, why=error.strerror)) from error
    key = data / KEY_FILE
    beside = [str(key)] if key.exists() else []
    shown = tables.size(size)
    told = (
        t(
            "{file} holds the database ({shown}). Also keep the storage with its savepoints, and, "
            "apart from this copy, {key}, which opens the secrets in it.",
            file=file,
            shown=shown,
            key=key,
        )
        if beside
        else t(
            "{file} holds the database ({shown}). Also keep the storage with its savepoints.", file=file, shown=shown
        )
    )
    return here.told({"file": str(file), "bytes": size, "also_keep": beside}, told, file)


@database_app.command
def restore(file: Path, /, *, here: Here | None = None) -> int:
    """Put a copy in place of the database. Stop the service first; the database before it is kept beside it.

    Ids of jobs, stops and savepoints go on after the highest ones that were ever issued, so that none means two things.

    Example: `sluiceway database restore /backup/sluiceway-monday.db --data /var/lib/sluiceway`

    Parameters
    ----------
    file
        A copy that `sluiceway database backup` has made, of this release or an earlier one.
    """
    from sluiceway.store import copying
    from sluiceway.store.migrating import BadDatabase

    here = (here or Here()).begin()
    data = data_directory(here.data)
    try:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        done = copying.restore(file.expanduser().absolute(), data / DATABASE, stamp)
    except (BadDatabase, copying.InUse) as error:
        raise Failed(t("{error} Nothing was done.", error=heard(str(error)))) from error
    except OSError as error:
        raise Failed(t("--data {data} cannot be used: {why}", data=data, why=error.strerror), code=2) from error
    if done.kept is None:
        complain(
            t(
                "No database was there before, so ids jump: those of jobs begin after {jobs_from}.",
                jobs_from=done.jobs_from,
            )
        )
    told = [t("{database} is as {file} was.", database=data / DATABASE, file=file)]
    told += [t("The one before it is {kept}.", kept=done.kept)] if done.kept else []
    told.append(t("Start the service with the same clusters and storage; then compare: sluiceway jobs list --all"))
    return here.told(
        {"file": str(data / DATABASE), "kept": done.kept and str(done.kept)}, " ".join(told), data / DATABASE
    )
