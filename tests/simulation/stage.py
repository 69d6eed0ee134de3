"""A stage for scenes: a world in which nothing goes wrong but what a scene says, with the words to say it in.

A scene is a seed without dice. It is played with the same services, clusters and storage, and the same is watched.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.cluster import SimCluster
from tests.simulation.faults import Weather
from tests.simulation.loop import EPOCH
from tests.simulation.registry import Registry
from tests.simulation.scenario import PROJECT, Scenario
from tests.simulation.service import Service
from tests.simulation.setting import ALONE, Setting
from tests.simulation.world import World

from sluiceway.domain.facts import JobState
from sluiceway.testing.fake_jobs import FakeJob

Row = dict[str, Any]
LONG = 300.0  # virtual seconds within which whatever a scene waits for has come
BEAT = 0.1  # virtual seconds between two looks at whether it has
PLAIN: dict[str, Any] = {
    "stop_seconds": 3.0,
    "finish_seconds": 0.0,
    "cancel_seconds": 0.0,
    "restart_seconds": 2.0,
    "restartable": True,
    "retains_checkpoints": True,
    "batch": False,
    "backend": "HashMapStateBackend",
    "checkpoint_dir": True,
    "state_bytes": 1000,
    "after_finish": True,
}


class Script(Weather):
    """Calm weather, but for what was said to befall the next request of a kind."""

    def __init__(self) -> None:
        """Nothing befalls anything."""
        super().__init__(0)
        self.calm = True
        self._next: dict[str, float] = {}
        self._late = 0.0
        self.full = False  # the disk that the database is on
        self.slow = 0.0  # seconds that a look at storage takes
        self.muted = ""  # answers to requests of which this is part do not arrive; empty: all do

    def arrive_late(self, kind: str, seconds: float) -> None:
        """Hold the next request whose kind begins so; its sender may have given up when it arrives."""
        self._next[kind] = seconds

    @property
    def is_late(self) -> bool:
        """Whether what was to be late is on its way."""
        return not self._next

    def request_fault(self, kind: str) -> str | None:
        """See `Weather`."""
        if self.muted and self.muted in kind:
            return "lose_answer"
        held = next((said for said in self._next if kind.startswith(said)), None)
        if held is not None:
            self._late = self._next.pop(held)
        return None if held is None else "late"

    def late(self) -> float:
        """See `Weather`."""
        return self._late

    def slow_look(self) -> float:
        """See `Weather`."""
        return self.slow

    def write_fault(self) -> str | None:
        """See `Weather`."""
        return "full" if self.full else None


class Stage(World):
    """One cluster, whose jobs are as the scene says."""

    def __init__(
        self, *, ha: bool, application: bool, habits: dict[str, Any], tracing: bool, setting: Setting = ALONE
    ) -> None:
        super().__init__(0, tracing=tracing, setting=setting)
        self.script = self.weather = Script()
        self.cluster = SimCluster(self, "c0", ha=ha, application=application)
        self.clusters = {"c0": self.cluster}
        if setting.registered:
            self.clusters["c1"] = SimCluster(self, "c1", ha=ha)
        else:
            self.registry = Registry(self)
        self.said = PLAIN | habits
        self._waiting: list[tuple[Callable[[], bool], Callable[[], None]]] = []

    def habits(self, job_id: int) -> dict[str, Any]:
        """See `World`."""
        return {**self.said, "failing": []}

    def at_the_commit(self, that: Callable[[], bool], call: Callable[[], None]) -> None:
        """Call back once, within the transaction after which `that` is so, before whoever wrote it goes on."""
        self._waiting.append((that, call))

    def _committed(self) -> None:
        super()._committed()
        due = [one for one in self._waiting if one[0]()]
        self._waiting = [one for one in self._waiting if one not in due]
        for _, call in due:
            call()


@dataclass
class Play(Scenario):
    """What a scene is given: what people do, as in `Scenario`, and what befalls the world."""

    world: Stage
    dice: random.Random = field(default_factory=lambda: random.Random("scene"))

    @property
    def cluster(self) -> SimCluster:
        """The one that there is."""
        return self.world.cluster

    @property
    def script(self) -> Script:
        """What befalls requests."""
        return self.world.script

    def whom(self) -> Service:
        """The first service; see `Scenario`."""
        return self.world.services[0]

    @property
    def first(self) -> tuple[int, FakeJob]:
        """The job that runs already."""
        return self.jobs[0], self.flink(self.jobs[0])

    def begin(self, jobs: int) -> None:
        """So many jobs run already, and a service begins to work."""
        self._found(jobs)
        self.world.spawn()

    def flink(self, job: int) -> FakeJob:
        """The newest Flink job of a job."""
        return self.world.watch.jobs[self.world.watch.latest(job)["flink_job_id"]]

    @property
    def plain(self) -> dict[str, Any]:
        """The habits of the jobs of this scene."""
        return self.world.said

    async def taken_in(self, name: str) -> tuple[int, FakeJob]:
        """Others have started a job; what it is here, once it was taken in."""
        flink = self.cluster.take_up(name, None, **self.plain)
        await self.until(lambda: bool(self.world.watch.others.adopted()))
        return self.world.watch.others.adopted()[-1], flink

    def seen(self) -> list[tuple[str, str]]:
        """What lives in the cluster, as the first service was last told."""
        return self.world.services[0].overviews.get("c0", [])

    def newest(self, flink: FakeJob) -> str | None:
        """The last savepoint of a job."""
        return flink.savepoints[-1] if flink.savepoints else None

    def stop_of(self, job: int) -> Row:
        """Its latest stop; an empty one when there was none."""
        mine = [row for row in self.world.watch.rows("stops") if row["job_id"] == job]
        return max(mine, key=lambda row: int(row["id"]), default={"phase": "", "attempt": 0})

    def under_way(self, flink: FakeJob) -> bool:
        """Whether Flink is at an attempt to save its state."""
        return bool(self.cluster.state.in_flight_of(flink.jid))

    def has_run(self, flink: FakeJob, seconds: float) -> bool:
        """Whether it has run for so long since its latest restart."""
        return flink.state is JobState.RUNNING and self.world.time.time() - flink.running_since >= seconds

    def seen_to_run(self, flink: FakeJob) -> bool:
        """Whether somebody who could store it was told that it runs, since its latest restart."""
        return self.world.watch.known.get(flink.jid, 0.0) + EPOCH >= flink.running_since

    def freeze(self, service: Service, seconds: float) -> None:
        """It stands still, wherever it is."""
        service.frozen_until = self.world.now + seconds

    async def look(self, job: int) -> None:
        """See what Flink says of a job."""
        await self.ask(lambda service: service.queries.graph(PROJECT, job))

    def lose(self, *, away: float = 0.2, recovery: float = 0.0) -> None:
        """Kill the JobManager: it answers again after `away`, and shows its jobs `recovery` later, if it ever does."""
        self.cluster.lose(away, recovery, {})

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """No service reaches the cluster."""
        for service in self.world.services:
            service.cut_off.add(self.cluster.name)
        yield
        for service in self.world.services:
            service.cut_off.discard(self.cluster.name)

    async def until(self, that: Callable[[], bool]) -> None:
        """Wait for something that is sure to come."""
        last = self.world.now + LONG
        while not that() and not self.world.violations:
            if self.world.now > last:
                self.world.violate("the scene waits for what never comes")
            await asyncio.sleep(BEAT)

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)


Scene = Callable[[Play], Awaitable[None]]


@dataclass(frozen=True)
class Staged:
    """A scene, and what it needs."""

    act: Scene
    notices: dict[str, str]  # by the bug that ends it in a violation: words of that
    jobs: int  # that run already
    ha: bool
    application: bool  # the cluster is one
    habits: dict[str, Any]
    setting: Setting

    def play(self, *, tracing: bool = False) -> World:
        """From the beginning until all has come to rest."""
        world = Stage(
            ha=self.ha, application=self.application, habits=self.habits, tracing=tracing, setting=self.setting
        )
        world.run(self._all_of(Play(world)))
        return world

    async def _all_of(self, play: Play) -> None:
        play.begin(self.jobs)
        await self.act(play)
        if not play.world.violations:
            await play.rest()
        if play.world.violations:
            return
        if why := play.world.watch.unrest():
            play.world.violate(f"not settled: {why}")
        else:
            play.world.watch.at_rest()


SCENES: dict[str, Staged] = {}


def scene(
    *,
    notices: dict[str, str],
    jobs: int = 1,
    ha: bool = True,
    application: bool = False,
    setting: Setting = ALONE,
    **habits: Any,
) -> Callable[[Scene], Scene]:
    """A scene that is clean, and notices these bugs by these words. `habits` are those of its jobs."""

    def add(function: Scene) -> Scene:
        SCENES[function.__name__] = Staged(function, notices, jobs, ha, application, habits, setting)
        return function

    return add
