"""`python -m tests.simulation --seeds 1000 --first 0 --processes 2`; with `--seed 7` that seed alone, and its trace.

With `--scene NAME` that scene is played in place of a seed.

With `--plant BUG` that bug is planted first: what finds something then are the seeds that notice it.
Exits with 0 when nothing was found, 1 when something was, and 130 when it was interrupted before either.
"""

import argparse
import gc
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import tests.simulation.planted_back
import tests.simulation.planted_others
import tests.simulation.scenes
import tests.simulation.scenes_others  # noqa: F401 - likewise
from tests.simulation.planted import PLANTED
from tests.simulation.play import play
from tests.simulation.stage import SCENES
from tests.simulation.world import World

BATCH = 25  # seeds that a process plays before it tells of them and collects its garbage
TELL_EVERY = 15.0  # seconds between two lines of progress
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Played:
    """What the seeds of a batch have come to."""

    seeds: int
    cpu: float  # seconds
    found: list[tuple[int, str]]  # by seed: the first thing that was not as promised
    met: Counter[str]  # in how many of them what happened that not every seed has


@dataclass(slots=True)
class Tally:
    """What has been played so far, of how many seeds."""

    wanted: int
    first: int
    began: float = field(default_factory=time.monotonic)
    told_at: float = field(default_factory=time.monotonic)
    seeds: int = 0
    cpu: float = 0.0
    found: list[tuple[int, str]] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)

    def add(self, played: Played) -> None:
        """Count a batch. What it found is told at once, how far it is every so often."""
        self.seeds, self.cpu = self.seeds + played.seeds, self.cpu + played.cpu
        self.found += played.found
        self.met += played.met
        for seed, why in played.found:
            _tell(f"seed {seed}: {why}")
        now = time.monotonic()
        if now - self.told_at >= TELL_EVERY and self.seeds < self.wanted:
            self.told_at = now
            left = (now - self.began) / self.seeds * (self.wanted - self.seeds)
            share = f"{self.seeds} of {self.wanted} seeds ({self.seeds / self.wanted:.0%})"
            _tell(f"{share}, {self._pace}, {left:.0f} s left, {len(self.found)} found something")

    @property
    def _pace(self) -> str:
        return f"{self.seeds / max(1e-3, time.monotonic() - self.began):.1f} a second"

    def summary(self) -> str:
        """All of it, with what replays it."""
        seconds, last = time.monotonic() - self.began, self.first + self.wanted - 1
        cpu = f"{1000 * self.cpu / max(1, self.seeds):.0f} ms of CPU each"
        lines = [f"Seeds {self.first} to {last}: {self.seeds} played in {seconds:.1f} s, {self._pace}, {cpu}."]
        lines += [f"  in {seeds}: {what.replace('_', ' ')}" for what, seeds in self.met.most_common()]
        lines.append(f"{len(self.found) or 'None'} found something.")
        lines += [f"  make simulate SEED={seed}  # {why}" for seed, why in sorted(self.found)]
        return "\n".join(lines)


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def outcome(seed: int, met: Counter[str]) -> str:
    """The first thing that a seed has found; empty when there is none. What it `met` is counted once."""
    try:
        world = play(seed)
    except Exception:
        return traceback.format_exc().strip().replace("\n", " | ")
    met.update(world.counts.keys())
    return next(iter(world.violations), "")


def _batch(seeds: range) -> Played:
    gc.disable()
    began, met = time.process_time(), Counter[str]()
    found = [(seed, why) for seed in seeds if (why := outcome(seed, met))]
    gc.enable()
    gc.collect()
    return Played(len(seeds), time.process_time() - began, found, met)


def _begin(bug: str | None) -> None:
    """A process of the pool begins. Interrupts are its parent's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _plant(bug)


def _plant(bug: str | None) -> None:
    if bug is not None:
        PLANTED[bug][0](setattr)


def replay(world: World) -> int:
    """What was played, with its trace; the exit code."""
    sys.stdout.write("\n".join(world.trace) + "\n")
    return bool(world.violations)


def run(first: int, seeds: int, processes: int, bug: str | None = None) -> int:
    """Many seeds, with a bug planted if one is named; the exit code. Ctrl-C ends it with what was found until then."""
    tally, last = Tally(seeds, first), first + seeds
    batches: Iterable[range] = [range(n, min(n + BATCH, last)) for n in range(first, last, BATCH)]
    interrupted = False
    with multiprocessing.Pool(processes, _begin, (bug,)) as pool:
        try:
            for played in pool.imap_unordered(_batch, batches):
                tally.add(played)
        except KeyboardInterrupt:
            interrupted = True
            _tell("interrupted")
    sys.stdout.write(tally.summary() + "\n")
    return 1 if tally.found else INTERRUPTED if interrupted else 0


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def main() -> int:
    """Run them, and tell how fast."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=_at_least_one, default=1000, metavar="N", help="how many (1000)")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first of them (0)")
    parser.add_argument("--seed", type=int, help="play this one alone, and print its trace")
    parser.add_argument("--scene", choices=SCENES, metavar="NAME", help="play this one of scenes.py, with its trace")
    parser.add_argument(
        "--processes", type=_at_least_one, default=os.cpu_count(), metavar="N", help="at once (one for each core)"
    )
    parser.add_argument("--plant", choices=PLANTED, metavar="BUG", help="a bug of planted.py, to see who notices it")
    given = parser.parse_args()
    if given.scene is None and given.seed is None:
        return run(given.first, given.seeds, given.processes, given.plant)
    _plant(given.plant)
    return replay(SCENES[given.scene].play(tracing=True) if given.scene else play(given.seed, tracing=True))


if __name__ == "__main__":
    sys.exit(main())
