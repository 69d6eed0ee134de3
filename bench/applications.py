"""Thousands of application clusters, each one JobManager with one job: what they cost at rest, and stopped in one call.

The service runs as a process of its own over lean fakes (`bench.lean_flink`), each with a port of its own, as real ones
have; they are registered from a file as application clusters, and go once they have shown the result of a stop. As
many jobs on ten session clusters are stopped in the same run. CPU and memory are the service process's alone.

Both sides need a file descriptor for each port or connection: see `ulimit -n`.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from bench.fleet import CPU, Figure, builds_of, report
from bench.fleet_service import Build, Fleet, Shape, running
from bench.lean_flink import job_id

BEFORE = "0d79be0"  # the build to compare with
AT_REST, STOPPED, SESSIONS = 2000, 1000, 10
GOES_AFTER = 2.0  # seconds; real ones take as long
RESTED = 45.0  # as in `bench.fleet`: looks follow each other more slowly once all has been calm for a while
FAILING = 10  # jobs that fail while all rest, to see when the service shows it

# The targets, of the sizes above.
REST_SHARE, MEMORY_MB, OLDEST_STATUS = 20.0, 300.0, 10.0  # percent of a core, MB, seconds
TIMES_AS_LONG = 1.5


def at_rest(fleet: Fleet, window: float, *, bounded: bool) -> list[Figure]:
    """What it costs to watch them, how old a status gets, and how soon a failure is shown."""
    time.sleep(RESTED)
    fleet.asked()
    fleet.fakes.unseen()
    cpu, written, begun = fleet.cpu(), fleet.written(), time.perf_counter()
    time.sleep(window)
    took, cpu, written = time.perf_counter() - begun, fleet.cpu() - cpu, fleet.written() - written
    looks = fleet.asked()["jobs"]
    size = f"{fleet.shape.clusters} application clusters"
    return [
        Figure("rest", size, "% of a core", 100 * cpu / took, REST_SHARE if bounded else None),
        Figure("rest", size, "MB at most", fleet.memory("VmHWM"), MEMORY_MB if bounded else None),
        Figure("rest", size, "CPU ms a look", 1000 * cpu / looks),
        Figure("rest", size, "seconds between looks", took * fleet.shape.clusters / looks),
        Figure("rest", size, "seconds, the longest", fleet.fakes.unseen(), OLDEST_STATUS if bounded else None),
        Figure("rest", size, "seconds until a failure is shown", _shown(fleet), OLDEST_STATUS if bounded else None),
        Figure("rest", size, "sockets", fleet.sockets()),
        Figure("rest", size, "KB written a second", written / took),
    ]


def _shown(fleet: Fleet) -> float:
    """Seconds until the last of some failures is shown: of the last clusters, which nobody stops afterwards."""
    failing = range(fleet.shape.clusters - FAILING, fleet.shape.clusters)
    begun = time.perf_counter()
    for cluster in failing:
        fleet.fakes.fail(cluster, job_id(cluster, 0))
    while fleet.showing("job_running") > fleet.shape.total - FAILING:
        time.sleep(0.1)
        assert time.perf_counter() - begun < 60, "a failure is never shown"
    return time.perf_counter() - begun


def stopped(fleet: Fleet, count: int) -> tuple[float, float]:
    """Stop the first so many in one call; seconds until all are settled, and of CPU."""
    cpu, begun = fleet.cpu(), time.perf_counter()
    order, _ = fleet.stop(fleet.ids[:count])
    fleet.until_settled(order)
    took, cpu = time.perf_counter() - begun, fleet.cpu() - cpu
    assert (kept := fleet.showing("job_cancel_success")) == count, f"{count - kept} were not stopped with a savepoint"
    return took, cpu


def measured(build: Build, given: argparse.Namespace) -> list[Figure]:
    """All figures of one build."""
    clusters, count = given.clusters, given.stops
    size, bounded = f"{count} jobs", (clusters, count) == (AT_REST, STOPPED)
    with running(build, Shape(clusters, 1, goes_after=given.goes_after)) as fleet:
        found = at_rest(fleet, given.window, bounded=bounded)
        took, cpu = stopped(fleet, count)
        most = fleet.memory("VmHWM")
    with running(build, Shape(SESSIONS, count // SESSIONS)) as fleet:
        least, spent = stopped(fleet, count)
    return [
        *found,
        Figure("stop", f"{size} on {SESSIONS} session clusters", "seconds", least),
        Figure("stop", f"{size} on {SESSIONS} session clusters", CPU, 1000 * spent / count),
        Figure("stop", f"{size} on a cluster each", "seconds", took),
        Figure("stop", f"{size} on a cluster each", CPU, 1000 * cpu / count),
        Figure("stop", f"{size} on a cluster each", "MB at most", most, MEMORY_MB if bounded else None),
        Figure("stop", size, "times as long", took / least, TIMES_AS_LONG if bounded else None),
        Figure("stop", size, "times the CPU", cpu / spent),
    ]


def _given(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench applications", description=__doc__)
    parser.add_argument("--clusters", type=int, default=AT_REST, metavar="N", help="at rest (default: %(default)s)")
    parser.add_argument("--stops", type=int, default=STOPPED, metavar="N", help="of these (default: %(default)s)")
    parser.add_argument("--window", type=float, default=30.0, metavar="S", help="seconds for which a rest is measured")
    told = "from when a JobManager has shown the result of its stop until it goes (default: %(default)s)"
    parser.add_argument("--goes-after", type=float, default=GOES_AFTER, metavar="S", help=told)
    parser.add_argument("--before", default=BEFORE, metavar="COMMIT", help="the build beside (default: %(default)s)")
    parser.add_argument("--only-new", action="store_true", help="measure this tree alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    given = parser.parse_args(arguments)
    if not SESSIONS <= given.stops <= given.clusters - FAILING or given.stops % SESSIONS:
        parser.error(f"--stops is a multiple of {SESSIONS}, and at least {FAILING} less than --clusters")
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < 2 * given.clusters + 500:
        parser.error(f"{given.clusters} clusters need `ulimit -n {2 * given.clusters + 500}`; it is {most}")
    return given


def main(arguments: Sequence[str] | None = None) -> bool:
    """Measure and print; whether the targets are met."""
    given = _given(arguments)
    figures: dict[str, list[Figure]] = {}
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        builds = builds_of(None if given.only_new else given.before, directory)
        for build in builds:
            figures[build.name] = measured(build, given)
            told = ", ".join(f"{one.what} {one.value:.2f}" for one in figures[build.name])
            print(f"{build.name}: {told}", flush=True)
    if given.json is not None:
        told_all = {name: [asdict(one) for one in found] for name, found in figures.items()}
        given.json.write_text(json.dumps(told_all, indent=1))
    return report(builds, figures)
