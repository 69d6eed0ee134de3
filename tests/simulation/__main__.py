"""`python -m tests.simulation --seeds 1000 --first 0 --processes 2`; with `--seed 7` that seed alone, and its trace."""

import argparse
import gc
import multiprocessing
import os
import sys
import time
import traceback

from tests.simulation.play import play


def outcome(seed: int) -> tuple[int, list[str]]:
    """What a seed has found."""
    try:
        return seed, play(seed).violations
    except Exception:
        return seed, [traceback.format_exc()]


def _batch(seeds: range) -> list[tuple[int, list[str]]]:
    gc.disable()
    found = [outcome(seed) for seed in seeds]
    gc.enable()
    gc.collect()
    return [(seed, why) for seed, why in found if why]


def replay(seed: int) -> int:
    """One seed with its trace; the exit code."""
    world = play(seed, tracing=True)
    sys.stdout.write("\n".join(world.trace) + "\n")
    return bool(world.violations)


def main() -> int:
    """Run them, and tell how fast."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args()
    if given.seed is not None:
        return replay(given.seed)
    began, failed = time.monotonic(), 0
    last = given.first + given.seeds
    batches = [range(n, min(n + 50, last)) for n in range(given.first, last, 50)]
    with multiprocessing.Pool(given.processes) as pool:
        for done, found in enumerate(pool.imap(_batch, batches), start=1):
            for seed, why in found:
                failed += 1
                sys.stdout.write(f"seed {seed}: {why[0]}\n")
                sys.stdout.flush()
            if done % 20 == 0:
                sys.stderr.write(f"{done * 50} seeds in {time.monotonic() - began:.0f} s\n")
    seconds = time.monotonic() - began
    pace = given.seeds / seconds
    sys.stdout.write(f"{given.seeds} seeds in {seconds:.1f} s: {pace:.1f} a second. {failed} found something.\n")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
