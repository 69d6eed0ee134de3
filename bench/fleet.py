"""What a fleet costs: many jobs on many clusters, stopped at once and at rest, beside an older build in the same run.

The service runs as a process of its own over fakes that are as cheap as they can be made, in processes of their own
(`bench.lean_flink`), and both builds do the same one after the other. CPU is the service process's alone, user and
system. Its jobs are rows put into the database (`bench.fleet_service` says how), so nothing here measures starts.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.fleet_service import Build, Fleet, Shape, running
from bench.lean_flink import job_id
from bench.performance_page import write

BEFORE = "b55cf5e"  # the build to compare with
STOPS, CLUSTERS = 10_000, (10, 50, 100, 500)
RESTS = ((100, 100), (100, 1000))  # clusters and jobs in each
SAVEPOINT = 2.0  # seconds that each takes
CPU = "CPU ms a stop"
WAITED = 5.0  # seconds of rest after all is settled
RESTED = (
    45.0  # seconds before a rest is measured: looks follow each other more slowly once all has been calm for a while
)
FAILING = 10  # jobs that fail while the fleet rests, to see when the service shows it

# The targets, of the sizes that they are said of.
SETTLED_SECONDS, STOP_CPU_MS, MEMORY_MB = 20.0, 1.5, 250.0
FLAT = 1.2  # the dearest stop over the cheapest, from the fewest clusters to the most
ONE_CLUSTER_SECONDS = 1.1 * 20
REST_SHARE = {100: 3.0, 1000: 20.0}  # percent of a core, by jobs in each of 100 clusters
OLDEST_STATUS = 10.0  # seconds
REQUESTS = 2.1  # to Flink for each stopped job
ACCEPT_TIMES = 1.5  # p99 while as many others are under way, over p99 at rest


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number of one build. `at_most` is the target, where there is one for this size."""

    scene: str
    size: str
    what: str
    value: float
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Sizes:
    """What was asked for on the command line."""

    stops: int
    clusters: Sequence[int]
    one: int
    rest: Sequence[tuple[int, int]]
    window: float
    rounds: int


@dataclass
class Bench:
    """The builds, and what was found."""

    builds: Sequence[Build]
    sizes: Sizes
    figures: dict[str, list[Figure]] = field(default_factory=dict)  # by build

    def each(self, shape: Shape, measure: Callable[[Fleet], list[Figure]]) -> None:
        """Measure the same fleet on each build in turn."""
        for build in self.builds:
            with running(build, shape) as fleet:
                found = measure(fleet)
            self.figures.setdefault(build.name, []).extend(found)
            told = ", ".join(f"{one.what} {one.value:.2f}" for one in found)
            print(f"{build.name}: {found[0].scene}, {found[0].size}: {told}", flush=True)


def stops(bench: Bench) -> None:
    """Stop all jobs in one call, over few clusters and over many."""
    sizes = bench.sizes
    for clusters in sizes.clusters:
        shape = Shape(clusters, sizes.stops // clusters, SAVEPOINT)
        bounded = clusters == 100 and shape.total == STOPS
        bench.each(shape, partial(_stopped, "stops", SETTLED_SECONDS if bounded else None))
    size = f"{sizes.stops} jobs on {'/'.join(map(str, sizes.clusters))} clusters"
    at_most = FLAT if (sizes.stops, tuple(sizes.clusters)) == (STOPS, CLUSTERS) else None
    for name, figures in bench.figures.items():
        dear = _stop_costs(bench, name)
        figures.append(Figure("stops", size, "dearest / cheapest", max(dear) / min(dear), at_most))


def _stop_costs(bench: Bench, build: str) -> list[float]:
    """CPU of each stop in ms, from the fewest clusters to the most as they were asked for."""
    return [one.value for one in bench.figures[build] if one.scene == "stops" and one.what == CPU]


def one(bench: Bench) -> None:
    """Stop many jobs of one cluster, a hundred at once."""
    shape = Shape(1, bench.sizes.one, SAVEPOINT)
    bench.each(shape, partial(_stopped, "one", ONE_CLUSTER_SECONDS if shape.jobs == 1000 else None))


def _stopped(scene: str, seconds: float | None, fleet: Fleet) -> list[Figure]:
    cpu, begun = fleet.cpu(), time.perf_counter()
    order, _ = fleet.stop(fleet.ids)
    fleet.until_settled(order)
    took, cpu = time.perf_counter() - begun, fleet.cpu() - cpu
    count, asked = fleet.shape.total, fleet.asked().total()
    stopped = fleet.showing("job_cancel_success")
    assert stopped == count, f"{count - stopped} of {count} jobs were not stopped with a savepoint"
    size = f"{count} jobs on {fleet.shape.clusters} {'cluster' if fleet.shape.clusters == 1 else 'clusters'}"
    bounded = seconds is not None
    return [
        Figure(scene, size, "seconds", took, seconds),
        Figure(scene, size, CPU, 1000 * cpu / count, STOP_CPU_MS if bounded else None),
        Figure(scene, size, "MB at most", fleet.memory("VmHWM"), MEMORY_MB if bounded else None),
        Figure(scene, size, "requests a stop", asked / count, REQUESTS if bounded else None),
    ]


def rest(bench: Bench) -> None:
    """Let a fleet run, and see what watching it costs, and how soon a failure is shown."""
    for clusters, jobs in bench.sizes.rest:
        target = REST_SHARE.get(jobs) if clusters == 100 else None
        bench.each(Shape(clusters, jobs), partial(_rested, bench.sizes.window, target))


def _rested(window: float, target: float | None, fleet: Fleet) -> list[Figure]:
    time.sleep(RESTED)
    fleet.asked()
    cpu, begun = fleet.cpu(), time.perf_counter()
    time.sleep(window)
    took, cpu = time.perf_counter() - begun, fleet.cpu() - cpu
    asked = fleet.asked()
    size = f"{fleet.shape.clusters} clusters of {fleet.shape.jobs} jobs"
    bounded = target is not None
    return [
        Figure("rest", size, "% of a core", 100 * cpu / took, target),
        Figure("rest", size, "MB at most", fleet.memory("VmHWM"), MEMORY_MB if bounded else None),
        Figure("rest", size, "seconds between looks", took * fleet.shape.clusters / asked["jobs"]),
        Figure("rest", size, "requests a look", asked.total() / asked["jobs"]),
        Figure("rest", size, "seconds until a failure is shown", _shown(fleet), OLDEST_STATUS if bounded else None),
    ]


def _shown(fleet: Fleet) -> float:
    """Seconds until the last of some failures is shown."""
    step = max(1, fleet.shape.clusters // FAILING)
    failing = [(cluster, job_id(cluster, 0)) for cluster in range(0, fleet.shape.clusters, step)]
    begun = time.perf_counter()
    for cluster, jid in failing:
        fleet.fakes.fail(cluster, jid)
    while fleet.showing("job_running") > fleet.shape.total - len(failing):
        time.sleep(0.1)
        assert time.perf_counter() - begun < 60, "a failure is never shown"
    return time.perf_counter() - begun


def accept(bench: Bench) -> None:
    """Accept a call at rest, and another one while the jobs of the first are being stopped; a fleet for each pair."""
    count, clusters = bench.sizes.stops, max(c for c in bench.sizes.clusters if c <= 100)
    for build in bench.builds:
        calm, busy = [], []
        for _ in range(bench.sizes.rounds):  # each begins at rest: stopping what was accepted would take far longer
            with running(build, Shape(clusters, 2 * count // clusters + 1, SAVEPOINT)) as fleet:
                first, second = _pair(fleet, count)
            calm.append(first)
            busy.append(second)
        size = f"{count} ids, {bench.sizes.rounds} times"
        found = [
            Figure("accept", size, "ms at rest, median", 1000 * statistics.median(calm)),
            Figure("accept", size, "ms at rest, p99", 1000 * _p99(calm)),
            Figure("accept", size, "ms beside others, median", 1000 * statistics.median(busy)),
            Figure("accept", size, "ms beside others, p99", 1000 * _p99(busy)),
            Figure(
                "accept",
                size,
                "p99 beside others / at rest",
                _p99(busy) / _p99(calm),
                ACCEPT_TIMES if count == STOPS else None,
            ),
        ]
        bench.figures.setdefault(build.name, []).extend(found)
        print(f"{build.name}: accept, {size}: " + ", ".join(f"{f.what} {f.value:.1f}" for f in found), flush=True)


def _pair(fleet: Fleet, count: int) -> tuple[float, float]:
    ids = fleet.ids
    fleet.until_settled(fleet.stop(ids[2 * count :])[0])  # the first call of all is dearer
    order, calm = fleet.stop(ids[:count])
    time.sleep(SAVEPOINT / 2)
    _, busy = fleet.stop(ids[count : 2 * count])
    assert fleet.under_way(order), "the others have all been stopped too soon"
    return calm, busy


def _p99(seconds: Sequence[float]) -> float:
    """The 99th percentile; of fewer than a hundred it is the greatest, or close to it."""
    return max(seconds) if len(seconds) < 2 else statistics.quantiles(seconds, n=100, method="inclusive")[98]


SCENES = {"stops": stops, "one": one, "rest": rest, "accept": accept}


def report(builds: Sequence[Build], figures: dict[str, list[Figure]]) -> bool:
    """Print all figures side by side; whether the newest build keeps the targets."""
    table = Table(title="A fleet, build beside build", caption="CPU and memory are the service process's alone")
    for name in ("scene", "size", "figure"):
        table.add_column(name)
    for name in (*(build.name for build in builds), "ratio", "at most", ""):
        table.add_column(name, justify="right")
    kept = []
    for row in zip(*(figures[build.name] for build in builds), strict=True):
        last = row[-1]
        told = "" if last.at_most is None else f"{last.at_most:g}"
        good = last.at_most is None or last.value <= last.at_most
        kept.append(good)
        ratio = f"{last.value / row[0].value:.2f}" if len(row) > 1 and row[0].value else ""
        values = [f"{one.value:.2f}" for one in row]
        table.add_row(last.scene, last.size, last.what, *values, ratio, told, told and ("ok" if good else "MISS"))
    Console(width=160).print(table)
    return all(kept)


def checked_out(commit: str, directory: Path) -> Path:
    """The source of a commit of this repository, unpacked. Raises `SystemExit` where it has none."""
    archive = subprocess.run(["git", "archive", commit, "src"], capture_output=True, check=False)
    if archive.returncode:
        raise SystemExit(f"The build {commit} cannot be had: {archive.stderr.decode().strip()}. Give --only-new.")
    directory.mkdir()
    subprocess.run(["tar", "-x", "-C", str(directory)], input=archive.stdout, check=True)
    return directory / "src"


def builds_of(before: str | None, directory: Path) -> list[Build]:
    """This tree, after the build of an older commit where one is named. Raises `SystemExit` where there is none."""
    builds = [] if before is None else [Build(before, checked_out(before, directory / "before"))]
    return [*builds, Build("this tree", Path(__file__).parents[1] / "src")]


def _pairs(text: str) -> tuple[int, int]:
    clusters, _, jobs = text.partition("x")
    return int(clusters), int(jobs)


def _given(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench fleet", description=__doc__)
    told = "; ".join(f"{name}: {scene.__doc__}" for name, scene in SCENES.items())
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"which to play; all by default. {told}")
    parser.add_argument("--stops", type=int, default=STOPS, metavar="N", help="jobs of stops and ids of accept")
    parser.add_argument("--clusters", type=int, nargs="+", default=CLUSTERS, metavar="N", help="of stops, in turn")
    parser.add_argument("--one", type=int, default=1000, metavar="N", help="jobs of one")
    parser.add_argument("--rest", type=_pairs, nargs="+", default=RESTS, metavar="NxM", help="clusters x jobs in each")
    parser.add_argument("--window", type=float, default=30.0, metavar="S", help="seconds for which a rest is measured")
    parser.add_argument("--rounds", type=int, default=10, metavar="N", help="fleets of accept: one pair of calls each")
    parser.add_argument("--before", default=BEFORE, metavar="COMMIT", help="the build beside (default: %(default)s)")
    parser.add_argument("--only-new", action="store_true", help="measure this tree alone")
    parser.add_argument("--write", action="store_true", help="write docs/reference/performance.md and its plot")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    given = parser.parse_args(arguments)
    if given.write and (given.only_new or given.scenes):
        parser.error("--write needs all scenes and both builds")
    if unknown := sorted(set(given.scenes) - set(SCENES)):
        parser.error(f"no scene is called {', '.join(unknown)}; there are {', '.join(SCENES)}")
    return given


def main(arguments: Sequence[str] | None = None) -> bool:
    """Measure and print; whether the targets are met."""
    given = _given(arguments)
    sizes = Sizes(given.stops, given.clusters, given.one, given.rest, given.window, given.rounds)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bench = Bench(builds_of(None if given.only_new else given.before, directory), sizes)
        for name in given.scenes or SCENES:
            SCENES[name](bench)
    if given.json is not None:
        told = {name: [asdict(one) for one in figures] for name, figures in bench.figures.items()}
        given.json.write_text(json.dumps(told, indent=1))
    if given.write:
        curves = {name: list(zip(sizes.clusters, _stop_costs(bench, name), strict=True)) for name in bench.figures}
        write(bench.figures, curves)
    return report(bench.builds, bench.figures)
