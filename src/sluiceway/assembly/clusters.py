"""The clusters to work on: those that settings name, and an embedded Flink of one's own."""

import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sluiceway.assembly.beside import beside
from sluiceway.domain.place import Place
from sluiceway.engines.embedded.flink import EmbeddedFlink, EmbeddedSettings
from sluiceway.engines.planning.distributions import Distribution, Distributions
from sluiceway.engines.planning.planner import PlannerJvm
from sluiceway.engines.planning.planners import Planners
from sluiceway.engines.planning.submit import JvmProvider, PlannerOf
from sluiceway.settings import DISTRIBUTIONS, BadSettings, Settings

EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Clusters:
    """Where jobs run, and what plans their SQL."""

    names: tuple[str, ...]  # the default one first
    locate: Callable[[str], Place | None]  # None: registered, and nowhere to be reached right now
    planner: JvmProvider  # the usual one
    planner_of: PlannerOf  # by place and version

    @property
    def addresses(self) -> dict[str, str]:
        """The URL of each that can be reached, by name."""
        return {name: place.url for name in self.names if (place := self.locate(name))}


def parse_clusters(settings: Settings) -> dict[str, Place]:
    """The registered clusters by name, in the order given. Raises `BadSettings`."""
    clusters: dict[str, Place] = {}
    for given in settings.cluster:
        name, _, url = given.partition("=")
        if not re.fullmatch(r"[\w.\-]{1,128}", name) or not _is_address(url):
            raise BadSettings(f"--cluster {given} is not NAME=URL; write for example prod=http://jobmanager:8081")
        if name in clusters or name == EMBEDDED:
            raise BadSettings(f"--cluster {given}: the name {name} is taken; give each cluster its own")
        clusters[name] = Place(name, url.rstrip("/"))
    if settings.embedded is False and not clusters:
        raise BadSettings("No cluster to work on: give --cluster NAME=URL, or --embedded for a Flink of its own.")
    return clusters


async def begin_clusters(
    settings: Settings, registered: dict[str, Place], data: Path, stack: AsyncExitStack
) -> Clusters:
    """The registered ones, and an embedded Flink if one is wanted, which runs until the stack is closed."""
    jars = _jars(settings.jars)
    # Its process starts with the first SQL to plan.
    here = Distributions(data / DISTRIBUTIONS)
    planner = PlannerJvm(data / "planner", jars=jars, flink=here.usual)

    def make(flink: Distribution) -> PlannerJvm:
        theirs = _jars_for(settings.jars, flink.minor) or jars
        return PlannerJvm(data / f"planner-{flink.version}", jars=theirs, flink=lambda: flink)

    planners = Planners(here, planner, make)
    stack.push_async_callback(planners.close)
    await stack.enter_async_context(beside(planners.tend(), "planners"))
    if not (settings.embedded if settings.embedded is not None else not settings.cluster):
        return Clusters(tuple(registered), registered.get, planners.usual, planners.of)
    embedded = _embedded(settings, data, jars)
    await embedded.start()
    stack.push_async_callback(embedded.close)
    # Well before anybody's first job, it hopes.
    await stack.enter_async_context(beside(planner.warm_up(), "planner"))

    def locate(name: str) -> Place | None:
        return embedded.place if name == EMBEDDED else registered.get(name)

    return Clusters((EMBEDDED, *registered), locate, planners.usual, planners.of)


def _embedded(settings: Settings, data: Path, jars: list[Path]) -> EmbeddedFlink:
    how = EmbeddedSettings(
        port=settings.embedded_port,
        slots=settings.embedded_slots,
        heap_mb=settings.embedded_heap,
        managed_mb=settings.embedded_managed,
        jars=jars,
    )
    return EmbeddedFlink(data / "flink", how, EMBEDDED)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    complete = parts.scheme in {"http", "https"} and re.fullmatch(r"[\w.:%\-]+", host) and port != 0
    return bool(complete) and not parts.query and not parts.fragment


def _jars_for(directory: Path | None, minor: str) -> list[Path]:
    """Jars for one version of Flink alone: connectors are made for one."""
    return sorted((directory.expanduser().absolute() / minor).glob("*.jar")) if directory else []


def _jars(directory: Path | None) -> list[Path]:
    if directory is None:
        return []
    found = sorted(directory.expanduser().absolute().glob("*.jar"))
    if not found and not any(directory.expanduser().glob("*/*.jar")):
        raise BadSettings(f"--jars {directory} has no jars in it")
    return found
