"""Where a fake Flink puts its savepoints: real directories, unless it is given another disk."""

import os
import shutil
from pathlib import Path
from typing import Protocol

from sluiceway.testing.fake_failures import FAILURES, Failure
from sluiceway.testing.fake_metadata import written


class Disk(Protocol):
    """What a fake Flink needs of a file system. Folders are what `begin` answered."""

    def begin(self, target: str, jid: str) -> str | Failure:
        """A new savepoint folder under the target directory, as Flink names it; why there can be none."""
        ...

    def complete(self, folder: str, number: int, *, of_stop: bool = False) -> str:
        """Write the `_metadata` of the job's checkpoint of that number; where Flink says that it lies.

        `of_stop`: it is taken to end the job.
        """
        ...

    def discard(self, folder: str) -> None:
        """Remove a folder without a savepoint."""
        ...

    def dispose(self, location: str) -> bool:
        """Remove a savepoint; whether there was one."""
        ...


class LocalDisk:
    """The machine's own file system."""

    def begin(self, target: str, jid: str) -> str | Failure:
        """See `Disk`."""
        if not target:
            return FAILURES["no_path"]
        scheme, separator, rest = target.partition(":")
        if separator and scheme != "file":
            return Failure(FAILURES["scheme"].chain, scheme)
        root = Path("/" + (rest if separator else target).lstrip("/"))
        folder = root / f"savepoint-{jid[:6]}-{os.urandom(6).hex()}"
        try:
            folder.mkdir(parents=True)
        except OSError:
            return Failure(FAILURES["storage"].chain, str(root))
        return str(folder)

    def complete(self, folder: str, number: int, *, of_stop: bool = False) -> str:
        """See `Disk`."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / "_metadata").write_bytes(written(number, of_stop=of_stop))
        return f"file:{folder}"

    def discard(self, folder: str) -> None:
        """See `Disk`."""
        shutil.rmtree(folder, ignore_errors=True)

    def dispose(self, location: str) -> bool:
        """See `Disk`."""
        folder = Path(location.removeprefix("file:"))
        complete = (folder / "_metadata").is_file()
        if complete:
            shutil.rmtree(folder)
        return complete
