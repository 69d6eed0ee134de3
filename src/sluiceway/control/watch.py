"""The numbers for a monitoring system, about the service and all its jobs. They never name a job."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sluiceway import __version__
from sluiceway.domain.health import Condition
from sluiceway.domain.operations.stop import SETTLED, UNSETTLED
from sluiceway.domain.turn_counts import TurnCounts
from sluiceway.store import gauges
from sluiceway.store.database import Database
from sluiceway.store.gauges import Mark, Standing

KEPT_FOR: Final = 1.0  # seconds for which one count is good for everybody who asks
MOST_PROJECTS: Final = 100  # with numbers of their own, those with the most jobs; the others are counted together
THE_OTHERS: Final = ""  # the label of their project

Labels = tuple[tuple[str, str], ...]


class Kind(StrEnum):
    """What a number means when it moves."""

    GAUGE = "gauge"
    COUNTER = "counter"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True)
class Sample:
    """One number. `suffix` follows the name of its family."""

    value: float
    labels: Labels = ()
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """Numbers of one name."""

    name: str
    kind: Kind
    text: str
    samples: Sequence[Sample]


@dataclass
class Watch:
    """The use case. Counts once a second at most, however many ask."""

    db: Database
    shifts: Callable[[], Sequence[TurnCounts]]
    mark: Mark | None = None  # up to where events are in the totals
    totals: Counter[str] = field(default_factory=Counter)  # events by kind, since the service began
    saved: Counter[str] = field(default_factory=Counter)
    _found: Sequence[Family] = ()
    _until: float = 0.0
    _counting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def begin(self) -> None:
        """Count what happens from now on. Raises `DatabaseUnavailable`."""
        self.mark = await gauges.now(self.db)

    async def __call__(self) -> Sequence[Family]:
        """All numbers. Raises `DatabaseUnavailable`."""
        async with self._counting:
            if time.monotonic() >= self._until:
                await self._count()
                self._until = time.monotonic() + KEPT_FOR
            return self._found

    async def _count(self) -> None:
        if self.mark is None:
            await self.begin()
        assert self.mark is not None, "it has just begun"
        stand = await gauges.standing(self.db)
        new = await gauges.happened(self.db, self.mark)
        self.mark = new.until
        self.totals.update(new.events)
        self.saved.update(count=new.savepoints, bytes=new.savepoint_bytes, ms=round(new.savepoint_seconds * 1000))
        self._found = [*_of_jobs(stand), *self._of_happenings(), *_of_workers(self.shifts())]

    def _of_happenings(self) -> Iterator[Family]:
        ends = [Sample(self.totals[f"stop_{phase}"], (("outcome", phase),)) for phase in sorted(SETTLED)]
        yield Family("sluiceway_stops_settled", Kind.COUNTER, "Stops that are over, by outcome.", ends)
        told = [Sample(number, (("kind", kind),)) for kind, number in sorted(self.totals.items())]
        yield Family("sluiceway_events", Kind.COUNTER, "Events of the audit, by their kind.", told)
        count, size, ms = self.saved["count"], self.saved["bytes"], self.saved["ms"]
        text = "Bytes of the savepoints that were kept."
        yield Family("sluiceway_savepoint_bytes", Kind.SUMMARY, text, _summary(size, count))
        text = "Seconds from asking Flink for a savepoint until it was kept."
        yield Family("sluiceway_savepoint_seconds", Kind.SUMMARY, text, _summary(ms / 1000, count))


def _summary(total: float, count: int, labels: Labels = ()) -> list[Sample]:
    return [Sample(total, labels, "_sum"), Sample(count, labels, "_count")]


def _of_jobs(stand: Standing) -> Iterator[Family]:
    name = _naming(stand.jobs)
    status: Counter[Labels] = Counter()
    for (project, shown), number in stand.jobs.items():
        status[("project", name(project)), ("status", shown)] += number
    yield _gauge("sluiceway_jobs", "Jobs, by the status that they show.", status)
    health: Counter[Labels] = Counter()
    unwell: Counter[Labels] = Counter()
    for (project, cluster, condition, is_unwell), number in stand.live.items():
        where = ("project", name(project)), ("cluster", cluster)
        health[*where, ("health", condition)] += number
        unwell[where] += number if is_unwell else 0
    text = "Jobs that live in Flink, by the state of their tasks: " + ", ".join(Condition) + "."
    yield _gauge("sluiceway_jobs_health", text, health)
    yield _gauge("sluiceway_jobs_unwell", "Jobs that have not run steadily for --unwell-after.", unwell)
    phases = ", ".join(sorted(UNSETTLED))
    yield _gauge("sluiceway_stops_open", f"Stops that are under way: {phases}.", _by_phase(stand.stops))
    text = "Savepoints of running jobs that are under way."
    yield _gauge("sluiceway_savepoints_open", text, _by_phase(stand.saves))


def _by_phase(counted: Mapping[tuple[str, str], int]) -> Mapping[Labels, int]:
    return {(("cluster", cluster), ("phase", phase)): number for (cluster, phase), number in counted.items()}


def _gauge(name: str, text: str, counted: Mapping[Labels, int]) -> Family:
    return Family(name, Kind.GAUGE, text, [Sample(number, labels) for labels, number in sorted(counted.items())])


def _naming(counted: Mapping[tuple[str, str], int]) -> Callable[[str], str]:
    """The name under which a project's jobs are counted: its own, or that of the others."""
    sizes: Counter[str] = Counter()
    for (project, _), number in counted.items():
        sizes[project] += number
    if len(sizes) <= MOST_PROJECTS:
        return lambda project: project
    large = {project for project, _ in sizes.most_common(MOST_PROJECTS)}
    return lambda project: project if project in large else THE_OTHERS


def _of_workers(shifts: Sequence[TurnCounts]) -> Iterator[Family]:
    owned = [shift for shift in shifts if shift.owned]

    def each(
        name: str, kind: Kind, text: str, of: Sequence[TurnCounts], number: Callable[[TurnCounts], float]
    ) -> Family:
        return Family(name, kind, text, [Sample(number(shift), (("cluster", shift.cluster),)) for shift in of])

    text = "Whether this service works on the cluster (another one may)."
    yield each("sluiceway_cluster_owned", Kind.GAUGE, text, shifts, lambda s: s.owned)
    text = "Whether the cluster answered the last request. One without jobs to watch gets none."
    yield each("sluiceway_cluster_up", Kind.GAUGE, text, owned, lambda s: s.answered)
    text = "Restarts of jobs."
    yield each("sluiceway_job_restarts", Kind.COUNTER, text, shifts, lambda s: s.restarts)
    text = "Turns at a cluster that ended with an error."
    yield each("sluiceway_turns_failed", Kind.COUNTER, text, shifts, lambda s: s.broken)
    took = [s for shift in shifts for s in _summary(shift.seconds, shift.turns, (("cluster", shift.cluster),))]
    yield Family("sluiceway_turn_seconds", Kind.SUMMARY, "Seconds that turns at a cluster took.", took)
    built = [Sample(1, (("version", __version__),))]
    yield Family("sluiceway_build_info", Kind.GAUGE, "The release of the service.", built)
