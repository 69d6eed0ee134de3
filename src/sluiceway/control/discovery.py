"""Clusters that files name: looked at again and again, as nobody tells of a change on every kind of disk."""

import asyncio
import glob
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from sluiceway.control.cluster_files import BadFile, Entry, read
from sluiceway.domain.clusters import Credentials, Listed, Source

LOOK_EVERY: Final = 2.0  # seconds between two looks at the files
MOST_FILES: Final = 200

log = structlog.get_logger(__name__)

Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class ClusterFile:
    """A file of clusters as it was last read."""

    path: str
    entries: Sequence[Entry] = ()  # of the last time that it could be taken
    trouble: str = ""  # why it cannot be taken now
    since: datetime | None = None  # the same
    stamp: Stamp | None = field(default=None, compare=False)  # by which a change is seen
    reading: int = field(default=0, compare=False)  # counts how often it was taken


class Discovery:
    """The files, and what is in them."""

    def __init__(self, patterns: Sequence[str], clock: Callable[[], datetime]) -> None:
        """`patterns` are paths; `*`, `?` and `**` stand for many."""
        self._patterns = [str(Path(each).expanduser().absolute()) for each in patterns]
        self._clock = clock
        self.files: Mapping[str, ClusterFile] = {}

    async def look(self) -> bool:
        """Read what has changed; whether anything has."""
        if not self._patterns:
            return False
        found = await asyncio.to_thread(self._look)
        changed = dict(found) != dict(self.files)
        for path, file in found.items():
            _tell(self.files.get(path), file)
        self.files = found
        return changed

    @property
    def listed(self) -> list[Listed]:
        """The clusters of all files."""
        return [Listed(each.cluster, Source.FILE, file.path) for file in self.files.values() for each in file.entries]

    def credentials(self) -> dict[str, tuple[str, Credentials]]:
        """What opens each that is protected, by its name, with a key of which another reading has another."""
        return {
            each.cluster.name: (f"{file.path}.{file.reading}", each.credentials)
            for file in reversed([*self.files.values()])  # of two of one name the first has it
            for each in file.entries
            if each.credentials
        }

    def _look(self) -> dict[str, ClusterFile]:
        paths = [path for pattern in self._patterns for path in self._matching(pattern)]
        return {path: self._read(path) for path in list(dict.fromkeys(paths))[:MOST_FILES]}

    def _matching(self, pattern: str) -> list[str]:
        """A path itself stays, also when nothing is there: a disk may not be mounted."""
        return sorted(glob.glob(pattern, recursive=True)) if glob.has_magic(pattern) else [pattern]

    def _read(self, path: str) -> ClusterFile:
        known = self.files.get(path, ClusterFile(path))
        try:
            stamp = _stamp(path)
            if stamp == known.stamp and not known.trouble:
                return known
            return ClusterFile(path, tuple(read(Path(path))), stamp=stamp, reading=known.reading + 1)
        except BadFile as error:
            since = known.since if known.trouble else self._clock()
            return replace(known, trouble=str(error), since=since)


def _stamp(path: str) -> Stamp:
    try:
        details = Path(path).stat()
    except OSError as error:
        raise BadFile(f"{Path(path).name} cannot be read: {error.strerror}") from error
    return details.st_mtime_ns, details.st_size, details.st_ino


def _tell(before: ClusterFile | None, now: ClusterFile) -> None:
    """Log what has changed."""
    trouble = before.trouble if before else ""
    if now.trouble and now.trouble != trouble:
        log.error("clusters_file_not_taken", file=now.path, why=now.trouble, kept=len(now.entries))
    elif trouble and not now.trouble:
        log.info("clusters_file_taken_again", file=now.path, clusters=len(now.entries))
