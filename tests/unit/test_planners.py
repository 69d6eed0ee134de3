"""Which planner plans for which cluster, how many run at once, and when one is ended."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from sluiceway.assembly.api import by_version
from sluiceway.control.queues import Queues
from sluiceway.domain.engine import Unreachable
from sluiceway.domain.place import Place
from sluiceway.engines.planning import planners as module
from sluiceway.engines.planning.distributions import Distribution, Distributions, NoDistribution
from sluiceway.engines.planning.planners import MOST, Planners

PLACE = Place("prod", "http://c:1")


@dataclass
class Planner:
    """One that counts its starts, and idles for as long as it is told to."""

    version: str
    running: bool = False
    idle_for: float = 1.0
    starts: int = 0

    async def jvm(self) -> "Planner":
        self.starts += not self.running
        self.running = True
        return self

    async def rest(self) -> None:
        self.running = False

    async def close(self) -> None:
        self.running = False


class Stage:
    """Flink 2.3 as the usual one, and others beside it."""

    def __init__(self, directory: Path, *versions: str) -> None:
        for version in versions:
            (directory / version).mkdir()
            (directory / version / f"flink-dist-{version}.jar").touch()
        self.usual = Planner("2.3.0")
        self.made: dict[str, Planner] = {}
        self.planners = Planners(Distributions(directory), cast("Any", self.usual), self._make)

    def _make(self, flink: Distribution) -> Any:
        self.made[flink.version] = made = Planner(flink.version)
        return made

    async def of(self, version: str) -> str:
        return cast("Any", await self.planners.of(PLACE, version)).version  # type: ignore[no-any-return]


async def test_each_cluster_has_the_planner_of_its_minor_version(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "1.20.5", "1.18.1")
    assert [await stage.of(v) for v in ("2.3.7", "1.20.0", "1.20.5", "1.18.1")] == [
        "2.3.0",
        "1.20.5",
        "1.20.5",
        "1.18.1",
    ]
    assert (stage.usual.starts, stage.made["1.20.5"].starts) == (1, 1), "one process for all of a version"
    with pytest.raises(NoDistribution, match=r"sluiceway distributions add 2\.0"):
        await stage.of("2.0.1")


async def test_one_that_was_added_meanwhile_plans_at_once_and_one_that_was_removed_no_more(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    with pytest.raises(NoDistribution):
        await stage.of("1.20.5")
    jar = tmp_path / "1.20.5" / "flink-dist-1.20.5.jar"
    jar.parent.mkdir()
    jar.touch()
    assert await stage.of("1.20.5") == "1.20.5"
    jar.unlink()
    with pytest.raises(NoDistribution):
        await stage.of("1.20.5")


async def test_the_one_that_has_idled_for_longest_makes_room(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "1.18.1", "1.19.3", "1.20.5")
    assert MOST == 2
    await stage.of("1.18.1")
    await stage.of("1.19.3")
    stage.made["1.19.3"].idle_for = 5.0
    await stage.of("1.20.5")
    assert {v: planner.running for v, planner in stage.made.items()} == {
        "1.18.1": True,
        "1.19.3": False,
        "1.20.5": True,
    }
    for planner in stage.made.values():
        planner.idle_for = 0.0
    with pytest.raises(Unreachable, match=r"none of them plans for Flink 1\.19\.3\. It is tried again"):
        await stage.of("1.19.3")
    assert await stage.of("1.20.5") == "1.20.5", "what runs is not kept from anybody"


async def test_one_that_nobody_needs_is_ended_and_starts_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.001)
    stage = Stage(tmp_path, "1.20.5", "1.18.1")
    for version in ("1.20.5", "1.18.1", "2.3.0"):
        await stage.of(version)
    idle, busy = stage.made["1.20.5"], stage.made["1.18.1"]
    idle.idle_for = stage.usual.idle_for = module.IDLE
    tending = asyncio.create_task(stage.planners.tend())
    async with asyncio.timeout(10):
        while idle.running:
            await asyncio.sleep(0.001)
    tending.cancel()
    assert (busy.running, stage.usual.running) == (True, True), "the usual one stays"
    await stage.of("1.20.5")
    assert idle.starts == 2
    await stage.planners.close()
    assert [each.running for each in (idle, busy, stage.usual)] == [False] * 3


async def test_a_graph_is_drawn_by_the_clusters_own_version_where_that_is_here(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "1.20.5")
    versions = {"old": "1.20.1", "older": "1.18.1", "new": "2.3.1"}

    class Engine:
        async def version(self, place: Place) -> str:
            if place.name not in versions:
                raise Unreachable("gone")
            return versions[place.name]

    names = (*versions, "silent")
    queues = Queues(names, {name: Place(name, "http://c:1") for name in names}.get, lambda _: None)
    find = by_version(stage.planners.usual, stage.planners.of, queues, cast("Any", Engine()))
    drawn_by = {name: cast("Any", await find(name)).version for name in (*names, "unknown", None)}
    assert drawn_by == {"old": "1.20.5", **dict.fromkeys(("older", "new", "silent", "unknown", None), "2.3.0")}
