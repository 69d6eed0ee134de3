"""`make fuzz`: so many requests that schemathesis makes up, over both APIs, with sign-in on and off in turn."""

import argparse
import os
import random
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context

from tests.fuzz.run import Report, one_round


def main() -> int:
    """1 when anything is to be mended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--examples", type=int, default=60, help="of each operation in a round")
    asked = parser.parse_args()
    begun = time.monotonic()
    say(f"seed {asked.seed}")
    report = rounds(asked.cases, asked.seed, asked.examples, begun)
    show(report, time.monotonic() - begun, asked.seed)
    return 1 if report.faults else 0


def rounds(cases: int, seed: int, examples: int, begun: float) -> Report:
    """Rounds on all processors, each with a service of its own, until there were so many cases."""
    report, number, cores = Report(), 0, os.cpu_count() or 1
    running: set[Future[Report]] = set()
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        while running or report.cases.total() < cases:
            while len(running) < cores and report.cases.total() < cases:
                running.add(pool.submit(one_round, number, seed + number, examples))
                number += 1
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for each in done:
                report.join(each.result())
            say(f"{report.cases.total()} cases, {len(report.faults)} faults, {time.monotonic() - begun:.0f} s")
    return report


def say(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def show(report: Report, seconds: float, seed: int) -> None:
    """What was asked, and what is to be mended."""
    for label, count in sorted(report.cases.items()):
        say(f"{count:6} {label}")
    for (label, *what), words in sorted(report.faults.items()):
        say(f"\n{label}: {': '.join(what)}\n{words}")
    answers = ", ".join(f"{status}: {count}" for status, count in sorted(report.statuses.items()))
    total = report.cases.total()
    say(f"{total} cases of {len(report.cases)} operations in {seconds:.0f} s, {total / seconds:.1f} a second")
    say(f"answers {answers}; {len(report.faults)} kinds of faults, seed {seed}")


if __name__ == "__main__":
    sys.exit(main())
