"""`sluiceway savepoints`: take, list, verify and remove savepoints, and look into any savepoint or checkpoint."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sluiceway.cli import tables
from sluiceway.cli.answers import Answers, read
from sluiceway.cli.asking import Deed, agree
from sluiceway.cli.choice import Choice, JobNames, nothing, tell_unjudged
from sluiceway.cli.client import Client
from sluiceway.cli.language import heard, t
from sluiceway.cli.options import Common, Flag, PositiveInt, commands, ids_or_names, once, or_default
from sluiceway.cli.outcomes import report, warn
from sluiceway.cli.output import Failed, complain, one_line, say
from sluiceway.cli.output_options import ColumnNames, Output
from sluiceway.cli.register import choose, register
from sluiceway.cli.savepoint_answers import SavepointView, SavepointViews, Verification
from sluiceway.cli.savepoint_columns import OPERATORS, SAVEPOINTS

if TYPE_CHECKING:
    from sluiceway.storage.inspection import Inspection
    from sluiceway.storage.metadata import Metadata
    from sluiceway.storage.savepoints import Storage

savepoints_app = commands("savepoints", "Take savepoints, look at them, register those of others, and remove them.")
savepoints_app.command(register)
savepoints_app.command(choose)


@savepoints_app.command(name="list")
def list_(
    *,
    job: str | None = None,
    stop: PositiveInt | None = None,
    removed: Flag = False,
    limit: PositiveInt = 100,
    columns: ColumnNames = None,
    common: Common | None = None,
) -> int:
    """List the savepoints that were kept or registered, the newest first.

    Example: `sluiceway savepoints list --job orders`

    Parameters
    ----------
    job
        Those of one job: its id or exact name.
    stop
        Those of one stop: the id that it was accepted under.
    removed
        Also those that were removed.
    limit
        How many to list; 1000 at most.
    """
    common = or_default(common)
    client = common.client()
    query: dict[str, object] = {"limit": limit, "removed": str(removed).lower()}
    if job is not None:
        (query["job_id"],) = ids_or_names(client, [job])
    if stop is not None:
        query["stop_id"] = stop
    data = client.savepoints(**query).data
    return common.show(SAVEPOINTS, read(data, SavepointViews).savepoints, data, columns)


@savepoints_app.command
def take(
    jobs: JobNames = (),
    /,
    *,
    choice: Choice | None = None,
    target: str | None = None,
    format: Literal["auto", "canonical", "native"] = "auto",  # noqa: A002 - the option's name
    common: Common | None = None,
) -> int:
    """Take a savepoint of each job, which runs on.

    Exits with 0 when every savepoint is accepted, and with 3 when no job is meant. Each is in the list once it is
    whole; `sluiceway jobs show` tells when one has failed.

    Example: `sluiceway savepoints take orders payments`

    Parameters
    ----------
    target
        The directory for them, in the service's storage: bucket/dir, or a path or URI.
    format
        Flink's format of the savepoints; auto takes for each job one that does it no harm.
    """
    common = or_default(common)
    client = common.client()
    choice = choice or Choice()
    choice.check(jobs)
    which: dict[str, object] = {"select": choice.body()} if choice else {"job_ids": once(client, jobs)}
    given = {} if target is None else {"target": target}
    given |= {} if format == "auto" else {"format": format}
    reply = client.take_savepoints(which | given)
    answers = read(reply.data, Answers)
    if common.json:
        common.document(reply.data)
    elif not common.words:
        common.names(*(answer.job_id for answer in answers.jobs if answer.accepted))
    elif answers.accepted:
        say(
            t("1 savepoint accepted.")
            if answers.accepted == 1
            else t("{accepted} savepoints accepted.", accepted=answers.accepted)
        )
    if not common.json:
        warn(client, answers)
    tell_unjudged(answers.unjudged)
    if not answers.jobs:
        nothing(client, choice, t("can be saved now"))
    return report(client, answers, quiet=common.json)


@savepoints_app.command
def verify(savepoint_id: PositiveInt, /, *, common: Common | None = None) -> int:
    """Have the service read a savepoint to its end, look for all its files, and record its findings.

    Exits with 0 when all is there, and with 1 when something is missing, broken, or cannot be looked at from there.

    Example: `sluiceway savepoints verify 12`

    Parameters
    ----------
    savepoint_id
        Its id; `sluiceway savepoints list` shows the latest.
    """
    common = or_default(common)
    reply = common.client().verify_savepoint(savepoint_id)
    found = read(reply.data, Verification)
    if common.json:
        common.document(reply.data)
    elif not common.words:
        common.names(*([savepoint_id] if found.whole else []))
    elif found.whole:
        say(t("Savepoint {savepoint_id} is whole: {path}", savepoint_id=savepoint_id, path=found.savepoint.path))
    _complain(found.savepoint.path, found.wrong, found.more_wrong, found.unchecked)
    return 0 if found.whole else 1


@savepoints_app.command
def delete(
    savepoint_id: PositiveInt, /, *, force: Flag = False, yes: Flag = False, common: Common | None = None
) -> int:
    """Remove the files of a savepoint for good. One that a job still needs is refused.

    On a terminal it shows the savepoint, and asks first. Elsewhere it needs --yes.

    Example: `sluiceway savepoints delete 12`

    Parameters
    ----------
    savepoint_id
        Its id; `sluiceway savepoints list` shows the latest.
    force
        Also where a job still needs it: the job cannot be resumed from it any more.
    yes
        Ask nothing.
    """
    common = or_default(common)
    client = common.client()
    if not yes:
        _ask(client, savepoint_id)
    reply = client.delete_savepoint(savepoint_id, force=force)
    path = read(reply.data, SavepointView).path
    return common.told(reply.data, t("Removed: {path}", path=path), savepoint_id)


def _ask(client: Client, savepoint_id: int) -> None:
    """Have somebody agree to its end. Raises `Failed`."""
    Deed(t("removed"), why="sluiceway savepoints delete").check()
    view = read(client.savepoint(savepoint_id).data, SavepointView)
    at, size = tables.moment(view.created_at), tables.size(view.bytes)
    told = [t("{path} of job {job_id}, of {at}, {size}", path=view.path, job_id=view.job_id, at=at, size=size)]
    agree(
        [
            t("savepoint {savepoint_id} would be removed for good", savepoint_id=savepoint_id),
            *told,
            *filter(None, [view.needed_by]),
        ],
        "yes",
    )


@savepoints_app.command
def inspect(path: str, /, *, columns: ColumnNames = None, output: Output | None = None) -> int:
    """Show the content of a savepoint or checkpoint, and whether it is whole.

    Its _metadata is read to the end, and every file that it references is looked for. No service is needed. Exits with
    0 when all is there, and with 1 when something is missing, broken, or cannot be looked at from here.

    Example: `sluiceway savepoints inspect /mnt/flink/savepoints/savepoint-5fcd4f-f32d6b224036`

    Parameters
    ----------
    path
        Its directory or its _metadata: a path or a file: URI on this machine's disks, or an s3: URI. Where the object
        store is, and the keys for it, are in the variables AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and
        AWS_SECRET_ACCESS_KEY.
    """
    import asyncio  # loaded, as the storage is, for this command alone

    from sluiceway.storage.errors import BadStorage, StorageUnreadable

    output = (output or Output()).begin()
    try:
        storage, place = _opened(path)
        inspection = asyncio.run(storage.inspect(place))
    except BadStorage as error:
        raise Failed(heard(str(error)), code=2) from error
    except StorageUnreadable as error:
        raise Failed(heard(str(error))) from error
    data = _document(inspection)
    if inspection.metadata is not None and output.words and columns is None:
        _say(inspection, inspection.metadata)
    if inspection.metadata is not None or output.json:
        output.show(OPERATORS, data["operators"], data, columns)
    _complain(inspection.path, inspection.wrong, inspection.more_wrong, inspection.unchecked)
    return 1 if inspection.wrong or inspection.unchecked else 0


def _opened(path: str) -> "tuple[Storage, str]":
    """The storage of a path, and the path within it."""
    from sluiceway.storage.errors import BadStorage
    from sluiceway.storage.paths import local_path
    from sluiceway.storage.s3 import bucket_root
    from sluiceway.storage.savepoints import Storage

    if bucket := bucket_root(path):
        return Storage(bucket), path
    found = local_path(path)
    if found is None:
        raise BadStorage(
            t("{path} is neither on a file system of this machine nor in S3; give a path or a URI.", path=path)
        )
    # The caller looks with their own rights, so links lead wherever they lead.
    return Storage("/", links=True), str(Path(found).absolute())


def _complain(path: str, wrong: Sequence[str], more_wrong: int, unchecked: int) -> None:
    for fault in wrong:
        complain(one_line(f"{path}: {heard(fault)}"))
    if more_wrong:
        complain(
            t(
                "{path}: {more_wrong} more of its files are missing or have another size",
                path=path,
                more_wrong=more_wrong,
            )
        )
    if unchecked:
        complain(
            t("{unchecked} of its files are on another storage and cannot be looked for from here", unchecked=unchecked)
        )


def _say(inspection: "Inspection", metadata: "Metadata") -> None:
    what = " ".join(filter(None, (metadata.format, metadata.kind or t("savepoint or checkpoint"))))
    count = len(metadata.references)
    files = t("1 file of state") if count == 1 else t("{count} files of state", count=count)
    size, count = tables.size(inspection.size), inspection.size
    say(
        t(
            "{path}: {what} {checkpoint_id}, format version {version}, {size} ({count} bytes), {files}",
            path=inspection.path,
            what=what,
            checkpoint_id=metadata.checkpoint_id,
            version=metadata.version,
            size=size,
            count=count,
            files=files,
        )
    )


def _document(inspection: "Inspection") -> dict[str, Any]:
    metadata = inspection.metadata
    known = {
        "version": metadata and metadata.version,
        "checkpoint_id": metadata and metadata.checkpoint_id,
        "kind": metadata and metadata.kind,
        "format": metadata and metadata.format,
    }
    operators = [
        {
            "id": operator.id,
            "name": operator.name,
            "uid": operator.uid,
            "parallelism": operator.parallelism,
            "max_parallelism": operator.max_parallelism,
            "bytes": operator.bytes,
            "finished": operator.finished,
        }
        for operator in (metadata.operators if metadata else ())
    ]
    return {
        "path": inspection.path,
        "whole": not inspection.wrong and not inspection.unchecked,
        "wrong": list(inspection.wrong),
        "more_wrong": inspection.more_wrong,
        "unchecked": inspection.unchecked,
        "size": inspection.size,
        "files": len(metadata.references) if metadata else None,
        **known,
        "operators": operators,
    }
