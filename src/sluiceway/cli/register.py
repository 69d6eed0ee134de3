"""`sluiceway savepoints register` and `choose`: savepoints of others in the catalogue, and the choice of a state."""

from typing import Annotated, Any

from cyclopts import Parameter

from sluiceway.cli import tables
from sluiceway.cli.answers import Done, read
from sluiceway.cli.language import t
from sluiceway.cli.options import Common, Flag, ids_or_names, or_default, seconds_of
from sluiceway.cli.output import Failed, complain, one_line, say
from sluiceway.cli.savepoint_answers import Registered


def register(
    path: str,
    /,
    *,
    job: str,
    choose: Annotated[bool | None, Parameter(show_default=False)] = None,
    protect: bool = True,
    keep_for: str | None = None,
    dry_run: Flag = False,
    common: Common | None = None,
) -> int:
    """Put a savepoint or retained checkpoint of others into the catalogue, for a job.

    The service reads it to its end and looks for all its files; one that is not whole is refused. The answer
    names newer states of the job, and how much older this one is. It can be repeated. Exits with 0 when it is
    registered, and with 1 when it is not, or when some of its files are out of the service's reach.

    Example: `sluiceway savepoints register obs://archive/orders/savepoint-5fcd4f-f32d6b224036 --job orders`

    Parameters
    ----------
    path
        Its directory, or the _metadata in it: bucket/dir in the service's storage, or a path or URI there or under one
        of its --read-root.
    job
        The job that it is for: its id or exact name.
    choose
        Make the job's next resume begin from it, whatever newer state there is; --no-choose does not. By default it is
        chosen where it is the job's newest known state.
    protect
        Retention leaves it alone, and only --force deletes it. --no-protect puts it under the service's retention,
        which removes files, but never under a --read-root.
    keep_for
        Protect it for so long only, for example 12h or 30d.
    dry_run
        Only say what would be registered.
    """
    common = or_default(common)
    client = common.client()
    (job_id,) = ids_or_names(client, [job])
    body: dict[str, object] = {"path": path, "job_id": job_id, "choose": choose, "dry_run": dry_run}
    reply = client.register_savepoint(body | _wished(keep_for, protect=protect))
    found = read(reply.data, Registered)
    _tell(found, reply.data, common)
    for text in _warnings(found):
        complain(one_line(text))
    return 1 if found.unchecked else 0


def _tell(found: Registered, data: Any, common: Common) -> None:
    common.names(found.id)
    if common.json:
        common.document(data)
    elif common.words:
        _show(found)


def _wished(keep_for: str | None, *, protect: bool) -> dict[str, object]:
    if keep_for is not None and not protect:
        raise Failed(t("--keep-for is how long it is protected; leave out --no-protect."), code=2)
    return {"protect": protect} | ({} if keep_for is None else {"keep_seconds": seconds_of("--keep-for", keep_for)})


def choose(path: str, /, *, job: str, common: Common | None = None) -> int:
    """Make a job's next resume begin from a savepoint or checkpoint, whatever newer state the job has.

    It may be one of another job of the project, which keeps it. The service reads it to its end and looks for all its
    files; one that is not whole is refused. A job that may be running is refused, too.

    Example: `sluiceway savepoints choose obs://archive/orders/savepoint-5fcd4f-f32d6b224036 --job orders-copy`

    Parameters
    ----------
    path
        Its directory, or the _metadata in it, in the service's storage: bucket/dir, or a path or URI.
    job
        The job that is to begin from it: its id or exact name.
    """
    common = or_default(common)
    client = common.client()
    (job_id,) = ids_or_names(client, [job])
    reply = client.choose_savepoint(job_id, path)

    def show() -> None:
        say(one_line(read(reply.data, Done).message))
        say(t("Look first with: sluiceway resume --job {job_id} --dry-run", job_id=job_id))

    return common.told(reply.data, show, job_id)


def _show(found: Registered) -> None:
    number = "" if found.id is None else f" {found.id}"
    what = " ".join(filter(None, (found.format, found.kind)))
    operators = found.contents.operators if found.contents else []
    state, path = f"{found.kind.capitalize()}{number}", one_line(found.path)
    if found.dry_run:
        say(t("{state} would be registered for job {job_id}: {path}", state=state, job_id=found.job_id, path=path))
    elif found.fresh:
        say(t("{state} is registered for job {job_id}: {path}", state=state, job_id=found.job_id, path=path))
    else:
        say(t("{state} is registered already for job {job_id}: {path}", state=state, job_id=found.job_id, path=path))
    rows = [
        ("kind", what),
        ("kept", tables.moment(found.kept_at)),
        ("size", tables.size(found.bytes)),
        ("operators", one_line(", ".join(one.name or one.id for one in operators))),
        ("drained", "yes" if found.drained else ""),
        ("protected", _protection(found)),
        ("removed", t("never: what lies there is only read") if found.only_read else ""),
    ]
    tables.table(("savepoint", "" if found.id is None else str(found.id)), [row for row in rows if row[1]])
    say(one_line(found.message))


def _protection(found: Registered) -> str:
    if not found.protected:
        return "no" if found.only_read else t("no, retention may remove it")
    return t("for good") if found.protected_until is None else t("until {at}", at=tables.moment(found.protected_until))


def _warnings(found: Registered) -> list[str]:
    told = []
    if found.chosen and found.newer:
        count = len(found.newer)
        told.append(
            t("the next resume leaves out 1 newer state of the job")
            if count == 1
            else t("the next resume leaves out {count} newer states of the job", count=count)
        )
    if found.drained:
        told.append(t("it was drained: windows were cut, and are written twice when a job is resumed from it"))
    if found.unchecked:
        told.append(
            t(
                "{unchecked} of its files are on another storage and out of the service's reach",
                unchecked=found.unchecked,
            )
        )
    return told
