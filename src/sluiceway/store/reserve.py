"""Room on the disk that is kept for what makes room: a file that is given up when the disk is full.

SQLite needs room to delete, too: what is deleted is written to the log first.
"""

import os
from contextlib import suppress
from enum import Enum
from pathlib import Path
from threading import Lock
from typing import Any, Final

SIZE: Final = 16 << 20  # bytes: deleting 10,000 jobs in one request writes some 3 MB
LITTLE: Final = 1 << 20  # bytes; a disk with less left counts as full


class Use(Enum):
    """What a transaction is for, which says when it may have the room that is kept back."""

    ORDINARY = "what somebody asks for"  # never: it is refused while the room is given up
    UPKEEP = "what goes on without being asked for"  # when it does not work without
    MAKES_ROOM = "what makes room"  # as soon as there is little left


class Reserve:
    """The file. All methods may wait for the disk; none raises."""

    def __init__(self, path: Path, size: int = SIZE) -> None:
        """It is made by `take`."""
        self._path = path
        self._size = size
        self._turn = Lock()  # for they are called in threads
        self._told = False  # why it cannot be made
        self.held = False

    def take(self) -> bool:
        """Keep the room back, if there is twice as much; whether it is held now."""
        with self._turn:
            try:
                self.held = self.held or self._is_there() or (self.room() >= 2 * self._size and self._make())
                self._told = False
            except OSError as error:
                if not self._told:
                    log_of(__name__).warning("no_room_kept_back", why=error.strerror)
                self._told = True
            return self.held

    def make_way(self) -> None:
        """Give up what a service before this one has kept, where there is too little to start with."""
        if self.room() < LITTLE:
            self.give()

    def give(self) -> None:
        """Give it up."""
        with self._turn, suppress(OSError):
            if self.held:
                log_of(__name__).warning(
                    "room_given_up", bytes=self._size, why="the disk is full; what makes room is still done"
                )
            self.held = False
            self._path.unlink(missing_ok=True)

    def room(self) -> int:
        """Bytes that are left for us on the disk."""
        try:
            disk = os.statvfs(self._path.parent)
        except OSError:
            return 0
        return disk.f_bavail * disk.f_frsize

    def _is_there(self) -> bool:
        with suppress(OSError):
            found = self._path.stat()
            return found.st_size == self._size and found.st_blocks * 512 >= self._size
        return False

    def _make(self) -> bool:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._size)
        except OSError:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)  # half of it would be room that nobody can use
            raise
        finally:
            os.close(descriptor)
        return True


def log_of(module: str) -> Any:
    """The log of a module. It takes a while to load, and commands that open a database have nothing to say there."""
    import structlog

    return structlog.get_logger(module)
