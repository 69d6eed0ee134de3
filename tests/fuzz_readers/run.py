"""Feeds a target for some time, and tells what it cost."""

import random
import time
from dataclasses import dataclass, field

from tests.fuzz_readers.targets import Target

SMALL = 4096
LARGE_SHARE = 0.02  # of the inputs
FIXED = 0.5  # CPU seconds that any input may take: a machine may be busy
AGAIN = 2  # times that a cost is taken that seems too high; the least of them counts


@dataclass(slots=True)
class Figures:
    """What was seen."""

    inputs: int = 0
    bytes: int = 0
    cpu: float = 0.0
    worst: float = 0.0  # CPU seconds of one input
    worst_size: int = 0
    worst_seed: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """One line."""
        rate = self.bytes / self.cpu / 1e6 if self.cpu else 0.0
        each = self.worst / self.worst_size * 1e6 if self.worst_size else 0.0
        return (
            f"{self.inputs} inputs, {self.bytes / 1e6:.1f} MB, {self.cpu:.1f} s CPU ({rate:.1f} MB/s); the worst took "
            f"{self.worst:.3f} s for {self.worst_size} characters ({each:.2f} s/MB), seed {self.worst_seed}; "
            f"{len(self.problems)} problems"
        )


def feed(target: Target, seconds: float, seed: int, most: int | None = None) -> Figures:
    """Feed inputs of the seeds from `seed` on until so many seconds, or inputs, have passed."""
    figures = Figures()
    end = time.monotonic() + seconds
    while time.monotonic() < end and (most is None or figures.inputs < most) and len(figures.problems) < 10:
        one(target, seed + figures.inputs, figures)
    return figures


def one(target: Target, seed: int, figures: Figures) -> None:
    """One input. The same seed makes the same input."""
    draw = random.Random(seed)
    large = draw.random() < LARGE_SHARE
    given = target.make(draw, draw.randrange(target.largest if large else SMALL))
    size = target.size(given)
    took, why = _cost(target, given)
    if why:
        figures.problems.append(f"seed {seed}: {why}")
    figures.inputs += 1
    figures.bytes += size
    figures.cpu += took
    if took > figures.worst:
        figures.worst, figures.worst_size, figures.worst_seed = took, size, seed
    most = FIXED + target.seconds_a_megabyte * size / 1e6
    if took > most and min(_cost(target, given)[0] for _ in range(AGAIN)) > most:
        figures.problems.append(f"seed {seed}: {took:.1f} s CPU for {size} characters")


def _cost(target: Target, given: object) -> tuple[float, str]:
    """CPU seconds, and what it raised that it should not."""
    begun = target.clock()
    why = ""
    try:
        target.read(given)
    except Exception as error:
        why = f"{type(error).__name__}: {str(error)[:200]}"
    return target.clock() - begun, why
