"""Flink's distributions on this machine: the one that was installed with us, and those that were added beside it.

SQL is planned by a distribution of the minor version of the cluster that is to run it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sluiceway.engines.jobmanager.versions import minor
from sluiceway.engines.planning.java import INSTALL, NoFlink, flink_jars

_DIST = re.compile(r"flink-dist-([0-9]{1,4}\.[0-9]{1,4}[\w.\-]{0,40}?)\.jar")


@dataclass(frozen=True, slots=True)
class Distribution:
    """The jars of one version of Flink, the planner's among them."""

    version: str  # for example "1.20.5"
    jars: tuple[Path, ...]

    @property
    def minor(self) -> str:
        """For example "1.20": what plans and savepoints have to agree in."""
        return minor_of(self.version)


def minor_of(version: str) -> str:
    """The first two numbers of a version of Flink, for example "1.20"; the whole text where it has none."""
    found = minor(version)
    return f"{found[0]}.{found[1]}" if found else version


def installed() -> Distribution:
    """The one that was installed with us. Raises `NoFlink`."""
    jars = flink_jars()
    if (version := version_of(jars)) is None:
        raise NoFlink(f"The installed Flink does not say its version. Install it anew: {INSTALL}")
    return Distribution(version, tuple(jars))


def version_of(jars: Iterable[Path]) -> str | None:
    """Which version these jars are of; None where none of them is Flink itself."""
    return next((found[1] for jar in jars if (found := _DIST.fullmatch(jar.name))), None)


def lying_in(directory: Path) -> Distribution | None:
    """The distribution whose jars lie right in a directory; None where there is none."""
    jars = tuple(sorted(directory.glob("*.jar")))
    version = version_of(jars)
    return Distribution(version, jars) if version else None
