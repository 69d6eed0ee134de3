"""`python -m tests.fuzz_readers TARGET --seconds 600 --seed S`: feed one reader, or all of them one after the other."""

import argparse
import sys
import time

import tests.fuzz_readers.flink_sql
import tests.fuzz_readers.planning
import tests.fuzz_readers.storage_targets  # noqa: F401 - all of them register targets
from tests.fuzz_readers.run import feed
from tests.fuzz_readers.targets import TARGETS


def main() -> int:
    """Exit code 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=[*TARGETS, "all"], nargs="?", default="all")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=None, help="of the first input")
    parser.add_argument("--inputs", type=int, default=None, help="at most so many; 1 replays the input of a seed")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else time.time_ns() // 1_000_000 * 1000
    failed = False
    for name in TARGETS if given.target == "all" else [given.target]:
        say(f"{name}: from seed {seed} on, {given.seconds:g} s")
        figures = feed(TARGETS[name], given.seconds, seed, given.inputs)
        say("\n  ".join([f"{name}: {figures}", *figures.problems]))
        failed = failed or bool(figures.problems)
    return int(failed)


def say(line: str) -> None:
    """A line of output, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
