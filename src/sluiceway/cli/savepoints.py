"""`sluiceway savepoints`: look into savepoints and checkpoints."""

import asyncio
from pathlib import Path
from typing import Any

from sluiceway.cli import tables
from sluiceway.cli.options import Flag, commands
from sluiceway.cli.output import Failed, complain, say
from sluiceway.storage.inspection import Inspection
from sluiceway.storage.metadata import Metadata
from sluiceway.storage.paths import local_path
from sluiceway.storage.savepoints import Storage, StorageUnreadable

savepoints_app = commands("savepoints", "Look at savepoints.")


@savepoints_app.command
def inspect(path: str, /, *, json: Flag = False) -> int:
    """Show what a savepoint or checkpoint on this machine's disks consists of, and whether it is whole.

    Its _metadata is read to the end, and every file that it references is looked for. No service is needed. Exits with
    0 when all is there, and with 1 when something is missing, broken, or cannot be looked at from here.

    Example: `sluiceway savepoints inspect /mnt/flink/savepoints/savepoint-5fcd4f-f32d6b224036`

    Parameters
    ----------
    path
        Its directory or its _metadata, as a path or a file: URI.
    json
        Print one JSON document on standard output, and nothing else there.
    """
    found = local_path(path)
    if found is None:
        raise Failed(f"{path} is not on a file system of this machine; give a path or a file: URI.", code=2)
    try:
        inspection = asyncio.run(Storage("/").inspect(str(Path(found).absolute())))
    except StorageUnreadable as error:
        raise Failed(str(error)) from error
    if json:
        tables.document(_document(inspection))
    elif inspection.metadata is not None:
        _show(inspection, inspection.metadata)
    for wrong in inspection.wrong:
        complain(_printable(f"{inspection.path}: {wrong}"))
    if inspection.more_wrong:
        complain(f"{inspection.path}: {inspection.more_wrong} more of its files are missing or have another size")
    if inspection.unchecked:
        complain(f"{inspection.unchecked} of its files are on another storage and cannot be looked for from here")
    return 1 if inspection.wrong or inspection.unchecked else 0


def _show(inspection: Inspection, metadata: Metadata) -> None:
    what = " ".join(filter(None, (metadata.format, metadata.kind or "savepoint or checkpoint")))
    files = len(metadata.references)
    say(
        f"{inspection.path}: {what} {metadata.checkpoint_id}, format version {metadata.version}, "
        f"{tables.size(inspection.size)} ({inspection.size} bytes), {files} file{'' if files == 1 else 's'} of state"
    )
    rows = [
        (
            _printable(operator.name or ""),
            _printable(operator.uid or ""),
            operator.id,
            str(operator.parallelism),
            str(operator.max_parallelism),
            str(operator.bytes),
            tables.yes(operator.finished) if operator.finished else "",
        )
        for operator in metadata.operators
    ]
    tables.table(("operator", "uid", "id", "parallelism", "max parallelism", "bytes", "finished"), rows)


def _document(inspection: Inspection) -> dict[str, Any]:
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


def _printable(text: str) -> str:
    """What a file says may be meant for the terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)
