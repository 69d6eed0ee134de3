"""Brings distributions of Flink onto this machine: from the package index that pip is set up for, or from a file.

What comes from the index has a digest that is known here. Everything blocks.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from sluiceway.engines.planning.distributions import Distribution, Distributions, lying_in, minor_of

PACKAGE = "apache-flink-libraries"
ROOM = 1 << 30  # bytes that must be free: the package has up to 330 MB, and what is unpacked of it as much again
MOST_JARS = 200
_STANDARD_ERROR = 2
LARGEST = 1 << 30  # bytes of all jars; 2.3.0 has 283 MB

# The newest of each minor version, with the SHA-256 of its package.
KNOWN = {
    "1.18": ("1.18.1", "369ce11ab33e5e15cdd349db2f5412dcc2fad163b6a87aa93b927a3631bcca7f"),
    "1.19": ("1.19.3", "4a58e3a1fb7d83340bc96b6c080624c6d792d69fae5d294b96224775204a9c60"),
    "1.20": ("1.20.5", "e6aee62ea1a1fe7b32e28894ad079f3f1a50a372a4caac3df52405267f4228c8"),
    "2.0": ("2.0.2", "64dced9d0324a5f23f84e9cdf444d3fd64632169e477f001c21b422f39b995ba"),
    "2.1": ("2.1.3", "b48d3944755b9303f99d205ea1a9bcb798fc563a872c782393fb466f16d4f91c"),
    "2.2": ("2.2.1", "74dc5546fbd9add8fbcdf1222a237e09491f9b80296241aef8676ec56f8e686e"),
    "2.3": ("2.3.0", "38ece876553286b3a285cf344c2d2038f8a7ca10da5df54d5107250386d64151"),
}


class NotAdded(Exception):
    """The distribution was not added, and nothing has changed. Its text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Added:
    """A distribution that is here now."""

    distribution: Distribution
    known: bool  # its digest is the one that is known here
    fresh: bool = True  # it was not here before


def pinned(wanted: str) -> str:
    """The version that a wish such as "1.20" or "1.20.5" stands for. Raises `NotAdded`."""
    version, _ = KNOWN.get(minor_of(wanted), ("", ""))
    if wanted in {version, minor_of(version)} and version:
        return version
    known = (
        f"of Flink {minor_of(wanted)} only {version} is" if version else f"there are {', '.join(KNOWN)}, and it is not"
    )
    raise NotAdded(f"{wanted[:40]} is not known here: {known}. Give its package with --from FILE.")


def fetch(here: Distributions, wanted: str, *, quiet: bool) -> Added:
    """Fetch the package of a version, and add it; pip shows how far it is on standard error, unless `quiet`.

    Raises `NotAdded`.
    """
    version = pinned(wanted)
    if (found := _there(here, version)) is not None:
        return Added(found, known=True, fresh=False)
    with _aside(here) as aside:
        return _add(here, _downloaded(version, aside, quiet=quiet), version, aside)


def take(here: Distributions, file: Path, wanted: str) -> Added:
    """Add the distribution in a file: a wheel or source package of `PACKAGE`, or Flink's own archive.

    Raises `NotAdded`.
    """
    if not file.is_file():
        raise NotAdded(f"There is no file {file}.")
    with _aside(here) as aside:
        return _add(here, file, wanted, aside)


def remove(here: Distributions, wanted: str) -> list[str]:
    """Remove what was added of a version, or of a minor version; the versions. What runs with it goes on."""
    gone = [each for each in here.added() if wanted in {each.version, each.minor}]
    for each in gone:
        aside = Path(tempfile.mkdtemp(prefix=f".{os.getpid()}-", dir=here.directory))
        each.jars[0].parent.rename(aside / "gone")
        shutil.rmtree(aside)
    return [each.version for each in gone]


def _there(here: Distributions, version: str) -> Distribution | None:
    return next((each for each in here.all() if each.version == version), None)


def _add(here: Distributions, package: Path, wanted: str, aside: Path) -> Added:
    unpacked = aside / "jars"
    unpacked.mkdir(mode=0o755)
    try:
        digest = _digest(package)
        _unpack(package, unpacked)
    except (OSError, tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise NotAdded(f"{package.name} cannot be unpacked: {error}") from error
    found = lying_in(unpacked)
    if found is None:
        raise NotAdded(f"{package.name} has no flink-dist jar in a folder lib: it is no distribution of Flink.")
    if wanted not in {found.version, found.minor}:
        raise NotAdded(f"{package.name} is Flink {found.version}, and not {wanted[:40]}.")
    known = digest == KNOWN.get(found.minor, ("", ""))[1]
    if (there := _there(here, found.version)) is not None:
        return Added(there, known, fresh=False)
    place = here.directory / found.version
    try:
        unpacked.rename(place)
    except OSError as error:
        raise NotAdded(f"{place} cannot be made: {error.strerror}") from error
    made = lying_in(place)
    assert made is not None
    return Added(made, known)


@contextmanager
def _aside(here: Distributions) -> Iterator[Path]:
    """A directory to work in, gone at the end; those of others that were killed go, too."""
    try:
        here.directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        free = shutil.disk_usage(here.directory).free
    except OSError as error:
        raise NotAdded(f"{here.directory} cannot be used: {error.strerror}") from error
    if free < ROOM:
        raise NotAdded(f"{here.directory} has {free >> 20} MB free, and {ROOM >> 20} MB are needed.")
    for left in here.directory.glob(".*-*"):
        if not _lives(left.name[1:].partition("-")[0]):
            shutil.rmtree(left, ignore_errors=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{os.getpid()}-", dir=here.directory))
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _lives(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def _downloaded(version: str, aside: Path, *, quiet: bool) -> Path:
    """The package, as pip has brought it and checked its digest."""
    _, digest = KNOWN[minor_of(version)]
    wish = aside / "wanted.txt"
    wish.write_text(f"{PACKAGE}=={version} --hash=sha256:{digest}\n")
    options = ["--require-hashes", "--no-deps", "--no-cache-dir", "--no-input", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "download", *options, "-r", str(wish), "-d", str(aside / "package")]
    said = subprocess.run(
        [*command, "--quiet"] if quiet else command,
        stdout=subprocess.DEVNULL if quiet else _STANDARD_ERROR,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(aside)},  # whatever ends it, nothing of it is left elsewhere
        text=True,
        errors="replace",
        check=False,
    )
    found = list((aside / "package").glob("*")) if said.returncode == 0 else []
    if not found:
        why = "; ".join(line for line in said.stderr.splitlines() if line.startswith("ERROR") or "No module" in line)
        raise NotAdded(
            f"pip did not bring {PACKAGE} {version}: {why[:500] or said.stderr[-300:].strip()}. Its package index is "
            "set as for any other package (pip config, PIP_INDEX_URL). Or bring the file yourself, and give it with "
            "--from."
        )
    return found[0]


def _digest(package: Path) -> str:
    with package.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unpack(package: Path, into: Path) -> None:
    """The jars that lie right in a folder `lib`, by their bare names."""
    if zipfile.is_zipfile(package):
        with zipfile.ZipFile(package) as archive:
            room = LARGEST
            for number, name in enumerate(filter(_wanted, archive.namelist())):
                with archive.open(name) as jar:
                    room = _copied(jar, into / PurePosixPath(name).name, number, room)
        return
    with tarfile.open(package) as tar:
        number, room = 0, LARGEST
        for member in tar:
            if member.isfile() and _wanted(member.name) and (content := tar.extractfile(member)) is not None:
                room = _copied(content, into / PurePosixPath(member.name).name, number, room)
                number += 1


def _wanted(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix == ".jar" and path.parent.name == "lib"


def _copied(content: IO[bytes], into: Path, number: int, room: int) -> int:
    """Copy one jar, and return how much room is left. Raises `NotAdded`."""
    if number >= MOST_JARS:
        raise NotAdded(f"The package has more than {MOST_JARS} jars: it is no distribution of Flink.")
    with into.open("xb") as out:
        while chunk := content.read(1 << 20):
            room -= len(chunk)
            if room < 0:
                raise NotAdded(f"The jars have more than {LARGEST >> 20} MB: it is no distribution of Flink.")
            out.write(chunk)
    return room
