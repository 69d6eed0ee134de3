"""Makes one jar of a program and everything that it depends on. Blocks; reads and writes local files only."""

import hashlib
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

from sluiceway.domain.engine import Unusable

LIBRARIES = "lib/"  # Flink puts the jars that lie there in a jar on the program's class path, and sends them along
FILES = "userData/"  # where programs written for DLI look for their files
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same files make the same package, whenever that is


def pack(jar: Path, jars: Sequence[Path], files: Sequence[Path]) -> str:
    """Add `jars` and `files` to `jar` in place; the name that the cluster is to know it by, which tells its content.

    Raises `Unusable` when one of them is no jar, or when two would be at the same place in it.
    """
    for each in (jar, *jars):
        _check_jar(each)
    inner = {f"{LIBRARIES}{number}-{path.name}": path for number, path in enumerate(jars)}
    for path in files:
        if inner.setdefault(FILES + path.name, path) is not path:
            raise Unusable(f"Two of the job's dependency files are called {path.name}.")
    if inner:
        _add(jar, inner)
    with jar.open("rb") as content:
        return f"sluiceway-{hashlib.file_digest(content, 'sha256').hexdigest()}.jar"


def _check_jar(path: Path) -> None:
    try:
        zipfile.ZipFile(path).close()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Unusable(f"{path.name} is not a jar.") from error


def _add(jar: Path, inner: dict[str, Path]) -> None:
    with zipfile.ZipFile(jar, "a") as package:
        for taken in sorted(inner.keys() & set(package.namelist())):
            raise Unusable(f"The jar {jar.name} has a file {taken} of its own.")
        for name, path in inner.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.file_size = path.stat().st_size
            with path.open("rb") as source, package.open(entry, "w") as target:
                shutil.copyfileobj(source, target, 1 << 20)
