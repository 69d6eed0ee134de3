"""Makes one jar of a program and everything that it depends on. Blocks; reads and writes local files only."""

import hashlib
import struct
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from sluiceway import zips
from sluiceway.domain.engine import Unusable
from sluiceway.domain.job import PACKAGE
from sluiceway.wanted import ALWAYS, Beat

LIBRARIES: Final = (
    "lib/"  # Flink puts the jars that lie there in a jar on the program's class path, and sends them along
)
FILES: Final = "userData/"  # where programs written for DLI look for their files
# Each takes some 700 bytes of memory where something is added to the jar. The largest fat jars that are in use, those
# with a whole cloud SDK in them, have about as many as 150,000 entries; most have fewer than 65,535.
MOST_ENTRIES: Final = 200_000
_PIECE: Final = 1 << 20  # bytes
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the same files make the same package, whenever that is


def pack(jar: Path, jars: Sequence[Path], files: Sequence[Path], beat: Beat = ALWAYS) -> str:
    """Add `jars` and `files` to `jar` in place. Returns its name in the cluster, a hash of its content.

    Calls `beat` for each piece, which may raise to end it. Raises `Unusable` when one of them is no jar, or when two
    would be at the same place in it.
    """
    for each in (jar, *jars):
        _check_jar(each, beat)
    inner = {f"{LIBRARIES}{number}-{path.name}": path for number, path in enumerate(jars)}
    for path in files:
        if inner.setdefault(FILES + path.name, path) is not path:
            raise Unusable(f"Two of the job's dependency files are called {path.name}.")
    if inner:
        _add(jar, inner, beat)
    digest = hashlib.sha256()
    with jar.open("rb") as content:
        for piece in _pieces(content, beat):
            digest.update(piece)
    return f"{PACKAGE}{digest.hexdigest()}.jar"


def _pieces(content: IO[bytes], beat: Beat) -> Iterator[bytes]:
    while piece := content.read(_PIECE):
        beat()
        yield piece


def _check_jar(path: Path, beat: Beat) -> None:
    try:
        with path.open("rb") as file:
            zips.count(file, MOST_ENTRIES, beat)
    except zips.BadZip as error:
        raise Unusable(f"{path.name} is not a jar that is taken: {error}.") from error


def _add(jar: Path, inner: dict[str, Path], beat: Beat) -> None:
    try:
        with zipfile.ZipFile(jar, "a") as package:
            for taken in sorted(inner.keys() & package.NameToInfo.keys()):
                raise Unusable(f"The jar {jar.name} has a file {taken} of its own.")
            for name, path in inner.items():
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.file_size = path.stat().st_size
                with path.open("rb") as source, package.open(entry, "w") as target:
                    target.writelines(_pieces(source, beat))
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError) as error:
        raise Unusable(f"{jar.name} is not a jar that files can be added to: {str(error)[:100]}.") from error
