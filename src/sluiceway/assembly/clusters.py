"""The clusters to work on: those that settings name, and an embedded Flink of one's own."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from sluiceway.assembly.beside import beside
from sluiceway.control.roster import Fixed
from sluiceway.domain import tags
from sluiceway.domain.access import PROJECT
from sluiceway.domain.adoption import Adopts, TagRule
from sluiceway.domain.clusters import EMBEDDED, BadCluster, Cluster, Listed, Source, checked, shown
from sluiceway.domain.place import Place
from sluiceway.engines.embedded.flink import EmbeddedFlink, EmbeddedSettings
from sluiceway.engines.planning.distributions import Distribution, Distributions
from sluiceway.engines.planning.planner import PlannerJvm
from sluiceway.engines.planning.planners import Planners
from sluiceway.engines.planning.submit import JvmProvider, PlannerOf
from sluiceway.settings import DISTRIBUTIONS, BadSettings, Settings


@dataclass(frozen=True, slots=True)
class Clusters:
    """The clusters of settings, and what plans SQL for all."""

    fixed: Fixed
    planner: JvmProvider  # the usual one
    planner_of: PlannerOf  # by place and version


def parse_clusters(settings: Settings) -> dict[str, Cluster]:
    """The registered clusters by name, in the order given. Raises `BadSettings`."""
    clusters: dict[str, Cluster] = {}
    for given in settings.cluster:
        name, _, urls = given.partition("=")
        if name in clusters or name == EMBEDDED:
            raise BadSettings(f"--cluster {given}: the name {name} is taken; give each cluster its own")
        try:
            clusters[name] = checked(Cluster(name=name, addresses=tuple(urls.split(","))))
        except BadCluster as error:
            raise BadSettings(
                f"--cluster {shown(given)} is not NAME=URL; write for example prod=http://jobmanager:8081 ({error})"
            ) from error
    return clusters


def parse_adoption(settings: Settings) -> Adopts | None:
    """Which jobs of others are taken in. Raises `BadSettings`."""
    how, _, pattern = settings.adopt.partition(" ")
    if settings.adopt not in {"all", "none"} and not (how == "matching" and pattern.strip()):
        raise BadSettings(f"--adopt {settings.adopt} is not all, none, or 'matching GLOB', as in 'matching orders-*'")
    if not PROJECT.fullmatch(settings.adopt_into):
        raise BadSettings(f"--adopt-into {settings.adopt_into} is no project: it has 1 to 64 letters and digits")
    rules = tuple(map(_tag_rule, settings.adopt_tag))
    return None if settings.adopt == "none" else Adopts(settings.adopt_into, pattern.strip() or "*", rules)


def _tag_rule(given: str) -> TagRule:
    name, equals, value = given.partition("=")
    pattern, _, key = name.rpartition(":")
    if not pattern or not equals or not tags.fits(key, value):
        raise BadSettings(
            f"--adopt-tag {given} is not GLOB:KEY=VALUE, as in 'orders-*:team=orders', with a key and a value as tags"
            " of jobs have them: letters, digits, blanks within and _ . : + - @"
        )
    return TagRule(pattern, key, value)


async def begin_clusters(
    settings: Settings, registered: Mapping[str, Cluster], data: Path, stack: AsyncExitStack
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
    of_settings = [Listed(each, Source.SETTINGS) for each in registered.values()]
    places = {name: each.place() for name, each in registered.items()}
    if not (settings.embedded if settings.embedded is not None else not (settings.cluster or settings.clusters_from)):
        return Clusters(Fixed(of_settings, places.get), planners.usual, planners.of)
    embedded = _embedded(settings, data, jars)
    await embedded.start()
    stack.push_async_callback(embedded.close)
    # Well before anybody's first job, it hopes.
    await stack.enter_async_context(beside(planner.warm_up(), "planner"))

    def locate(name: str) -> Place | None:
        return embedded.place if name == EMBEDDED else places.get(name)

    own = Listed(Cluster(name=EMBEDDED, addresses=()), Source.EMBEDDED)
    return Clusters(Fixed([own, *of_settings], locate), planners.usual, planners.of)


def _embedded(settings: Settings, data: Path, jars: list[Path]) -> EmbeddedFlink:
    how = EmbeddedSettings(
        port=settings.embedded_port,
        slots=settings.embedded_slots,
        heap_mb=settings.embedded_heap,
        managed_mb=settings.embedded_managed,
        jars=jars,
    )
    return EmbeddedFlink(data / "flink", how, EMBEDDED)


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
