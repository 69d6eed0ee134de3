"""What it costs to let many watch: one stop of a large fleet with nobody, with one and with many viewers, side by side.

The service, the fakes, the viewers and the sender are processes of their own. CPU is the service process's alone, user
and system. What it takes to send the same bytes in the same pieces to as many, with nothing behind it
(`bench.sender`), is measured beside each run and taken off.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.fleet import BEFORE, Figure, builds_of, report
from bench.fleet_service import PROJECT, Build, Fleet, Shape, cpu_of, running

JOBS, CLUSTERS, VIEWERS, ROUNDS = 10_000, 100, 200, 3
SAVEPOINT = 2.0  # seconds that each takes

# The targets, of the sizes above.
CPU_TIMES = 1.2  # CPU with all viewers over CPU with one, both beyond sending the bytes
TIME_TIMES = 1.05  # time of the stop with all viewers over time with none


@dataclass(frozen=True, slots=True)
class Run:
    """One stop with so many viewers."""

    viewers: int
    took: float  # seconds until all jobs had settled
    cpu: float  # seconds
    sending: float = 0.0  # seconds of CPU that sending the same bytes to as many takes
    size: int = 0  # bytes that each got
    pieces: int = 0  # in which they came

    @property
    def beyond(self) -> float:
        """Seconds of CPU beyond sending the bytes."""
        return self.cpu - self.sending


class Crowd:
    """Viewers in a process of their own."""

    def __init__(self, count: int) -> None:
        command = [sys.executable, "-m", "bench.crowd", str(count)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._line()

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line, "the viewers have ended"
        return line

    def follow(self, port: int, path: str) -> None:
        """Let all of them ask for it."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"127.0.0.1 {port} {path}\n")
        self.process.stdin.flush()

    def seen(self) -> list[dict[str, Any]]:
        """What each of them got, once the last one has ended."""
        found: list[dict[str, Any]] = json.loads(self._line())
        return found

    def end(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(30)


@contextmanager
def crowd(count: int) -> Iterator[Crowd]:
    """So many viewers."""
    made = Crowd(count)
    try:
        yield made
    finally:
        made.end()


def stopped(fleet: Fleet, count: int) -> Run:
    """Stop the fleet while so many watch. Raises `AssertionError` where one of them misses something."""
    with crowd(count) as viewers:
        cpu, begun = fleet.cpu(), time.perf_counter()
        order, _ = fleet.stop(fleet.ids)
        if count:
            viewers.follow(fleet.service.port, f"/api/v1/projects/{PROJECT}/stops/{order}/events")
        fleet.until_settled(order)
        took = time.perf_counter() - begun
        seen = viewers.seen() if count else []
        run = Run(count, took, fleet.cpu() - cpu)
    missed = fleet.shape.total - fleet.showing("job_cancel_success")
    assert not missed, f"{missed} jobs were not stopped with a savepoint"
    return _checked(run, seen) if count else run


def _checked(run: Run, seen: Sequence[dict[str, Any]]) -> Run:
    alike = {(one["status"], one["size"], one["digest"], one["settled"]) for one in seen}
    assert len(alike) == 1, f"viewers of one stop saw {len(alike)} different ones: {sorted(alike)[:3]}"
    [(status, size, _, settled)] = alike
    assert (status, settled) == (200, True), f"the stream did not end as it should: {status}, {size} bytes"
    pieces = seen[0]["pieces"]
    return Run(run.viewers, run.took, run.cpu, sent(pieces, run.viewers, size), size, len(pieces))


def sent(pieces: Sequence[tuple[float, int]], count: int, size: int) -> float:
    """Seconds of CPU that it takes to send these pieces to so many at the same pace, and nothing else."""
    with tempfile.TemporaryDirectory() as directory, crowd(count) as viewers:
        file = Path(directory) / "pieces.json"
        file.write_text(json.dumps(pieces))
        command = [sys.executable, "-m", "bench.sender", str(file), str(count)]
        sender = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert sender.stdout is not None
            port, cpu = int(sender.stdout.readline()), cpu_of(sender.pid)
            viewers.follow(port, "/")
            got = {one["size"] for one in viewers.seen()}
            cpu = cpu_of(sender.pid) - cpu
        finally:
            sender.terminate()
            sender.wait(30)
    assert got == {size}, f"the sender has sent {got} bytes to each, and not {size}"
    return cpu


def measure(build: Build, shape: Shape, viewers: int, rounds: int) -> list[Run]:
    """All three in turn, each over a fleet of its own, in another order each round."""
    counts, runs = [0, 1, viewers], []
    for number in range(rounds):
        for count in counts[number % 3 :] + counts[: number % 3]:
            with running(build, shape) as fleet:
                runs.append(run := stopped(fleet, count))
            told = ", ".join(f"{name} {value:.2f}" for name, value in asdict(run).items())
            print(f"{build.name}, round {number + 1}: {told}", flush=True)
    return runs


def figures(runs: Sequence[Run], shape: Shape) -> list[Figure]:
    """The medians and their ratios."""
    many = max(run.viewers for run in runs)
    size = f"{shape.total} jobs on {shape.clusters} clusters"
    bounded = (shape.total, many) == (JOBS, VIEWERS)

    def median(count: int, what: str) -> float:
        return float(statistics.median(getattr(run, what) for run in runs if run.viewers == count))

    found = []
    for count in (0, 1, many):
        scene = f"{count} viewers" if count != 1 else "1 viewer"
        found.append(Figure(scene, size, "seconds", median(count, "took")))
        found.append(Figure(scene, size, "CPU s", median(count, "cpu")))
        if count:
            found.append(Figure(scene, size, "CPU s of sending alone", median(count, "sending")))
            found.append(Figure(scene, size, "MB to each", median(count, "size") / 2**20))
            found.append(Figure(scene, size, "pieces to each", median(count, "pieces")))
    cpu = median(many, "beyond") / median(1, "beyond")
    added = [median(count, "beyond") - median(0, "cpu") for count in (1, many)]
    took = median(many, "took") / median(0, "took")
    return [
        *found,
        Figure(f"{many} / 1", size, "CPU beyond sending", cpu, CPU_TIMES if bounded else None),
        Figure(f"{many} / 0", size, "time of the stop", took, TIME_TIMES if bounded else None),
        Figure("1 - 0", size, "CPU s that it adds beyond sending", added[0]),
        Figure(f"{many} - 0", size, "CPU s that they add beyond sending", added[1]),
    ]


def main(arguments: Sequence[str] | None = None) -> bool:
    """Measure and print; whether the targets are met."""
    parser = argparse.ArgumentParser(prog="python -m bench viewers", description=__doc__)
    parser.add_argument("--jobs", type=int, default=JOBS, metavar="N", help="of the stop (default: %(default)s)")
    parser.add_argument("--clusters", type=int, default=CLUSTERS, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--viewers", type=int, default=VIEWERS, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help="medians of so many")
    parser.add_argument("--before", metavar="COMMIT", help=f"an older build beside it, such as {BEFORE}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    given = parser.parse_args(arguments)
    shape = Shape(given.clusters, given.jobs // given.clusters, SAVEPOINT)
    with tempfile.TemporaryDirectory() as directory:
        builds = builds_of(given.before, Path(directory))
        runs = {build.name: measure(build, shape, given.viewers, given.rounds) for build in builds}
    found = {name: figures(of, shape) for name, of in runs.items()}
    if given.json is not None:
        told = {name: [asdict(one) for one in of] for name, of in found.items()}
        given.json.write_text(json.dumps(told, indent=1))
    return report(builds, found)
