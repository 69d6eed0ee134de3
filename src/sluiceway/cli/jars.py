"""Uploads the jars of jobs. A jar that other jobs use is never replaced."""

import hashlib
from pathlib import Path
from typing import Final

from msgspec import Struct

from sluiceway.cli import tables
from sluiceway.cli.answers import read
from sluiceway.cli.client import Client
from sluiceway.cli.language import t
from sluiceway.cli.output import Failed, complain
from sluiceway.settings import MAX_RESOURCE

TOLD: Final = 10_000_000  # bytes, from which on an upload is told of
_TAIL: Final = 12  # letters of a digest, that tell one jar of a name from another


class _Resource(Struct, frozen=True):
    name: str
    group: str
    sha256: str | None = None


class _Resources(Struct, frozen=True):
    resources: list[_Resource]


def named_jar(client: Client, given: str, *, quiet: bool) -> str:
    """What jobs call a jar: its address as it is given, or the name of a file that is uploaded now. Raises `Failed`.

    A file keeps its name where that is free, or means the same bytes. Otherwise it gets a name of its own beside it:
    jobs that are made of the other one would start with this one.
    """
    if "://" in given:
        return given
    path = Path(given)
    _check(path, given)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Failed(t("--jar {given} cannot be read: {why}", given=given, why=error.strerror), code=2) from error
    known = {one.name: one.sha256 for one in read(client.resources().data, _Resources).resources if not one.group}
    own = f"{path.stem}-{digest[:_TAIL]}.jar"
    name = path.name if known.get(path.name, digest) == digest else own
    if name not in known:
        if not quiet and path.stat().st_size >= TOLD:
            complain(t("uploading {given} ({size})", given=given, size=tables.size(path.stat().st_size)))
        client.upload(name, path)
    return name


def _check(path: Path, given: str) -> None:
    if not path.is_file():
        raise Failed(t("--jar {given} is no file on this machine.", given=given), code=2)
    if path.suffix.lower() != ".jar":
        raise Failed(t("--jar {given} is no jar: its name has to end with .jar.", given=given), code=2)
    if path.stat().st_size > MAX_RESOURCE:
        raise Failed(
            t(
                "--jar {given} has more than {most}, which is the most of a jar.",
                given=given,
                most=tables.size(MAX_RESOURCE),
            ),
            code=2,
        )
