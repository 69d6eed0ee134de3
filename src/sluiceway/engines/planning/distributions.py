"""Flink's distributions on this machine: the one that was installed with us, and those that were added beside it.

SQL is planned by a distribution of the minor version of the cluster that is to run it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sluiceway.domain.flink_version import minor
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


class NoDistribution(NoFlink):
    """No Flink of the cluster's minor version is here. Its text says how to add one."""


class Distributions:
    """The one that was installed with us, and those in `directory`, each in a folder that its version names."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def added(self) -> list[Distribution]:
        """Those that were added, in the order of their versions."""
        folders = self.directory.iterdir() if self.directory.is_dir() else ()
        found = [lying_in(folder) for folder in folders if not folder.name.startswith(".")]
        return sorted((each for each in found if each), key=lambda each: numbers(each.version))

    def all(self) -> list[Distribution]:
        """All of them, the installed one first."""
        try:
            return [installed(), *self.added()]
        except NoFlink:
            return self.added()

    def of(self, version: str, whose: str) -> Distribution:
        """What plans for a cluster, `whose` name it is, of this version. Of two patch versions the newest does.

        Raises `NoDistribution`.
        """
        fitting = [each for each in self.all() if each.minor == minor_of(version)]
        if not fitting:
            raise NoDistribution(
                f"The cluster {whose} runs Flink {version}, and no Flink {minor_of(version)} is here to plan its SQL. "
                f"Add one on the service's machine: sluiceway distributions add {minor_of(version)}"
            )
        return max(fitting, key=lambda each: numbers(each.version))

    def usual(self) -> Distribution:
        """What plans where no cluster is meant: the installed one, else the newest. Raises `NoFlink`."""
        try:
            return installed()
        except NoFlink:
            if added := self.added():
                return added[-1]
            raise


def numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version, to order it by."""
    return tuple(int(part) for part in re.findall("[0-9]{1,9}", version)[:3])
