"""Files and directories that are nobody else's to read, whatever the umask says and earlier releases did."""

import os
from contextlib import suppress
from pathlib import Path


def keep_private(*files: Path) -> None:
    """Give files that are there the mode 0600. One of somebody else's stays as they made it."""
    for file in files:
        with suppress(OSError):
            os.chmod(file, 0o600)


def make_directory(path: Path) -> None:
    """Make a directory that is missing, with the mode 0700; one that is there stays as it is.

    Raises `OSError`, as `FileExistsError` for a file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        path.mkdir(exist_ok=True)  # raises for a file
    else:
        path.chmod(0o700)
