"""What is killed when in a round. It follows from the round's seed alone."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

LATEST = 2.0  # seconds after the stop was asked for; by then an undisturbed batch has its savepoints
LONGEST_DOWN = 3.0  # seconds until it is started again


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill."""

    victim: str
    at: float  # seconds after the stop was accepted
    down: float  # seconds until it is started again

    def __str__(self) -> str:
        return f"{self.victim} at {self.at:.2f} s"


def kills(seed: int, victims: Sequence[str]) -> list[Kill]:
    """One kill, or two of different victims, in order of time."""
    chance = random.Random(seed)
    chosen = chance.sample(list(victims), k=chance.choice((1, 2)))
    return sorted(
        (Kill(victim, chance.uniform(0.0, LATEST), chance.uniform(0.0, LONGEST_DOWN)) for victim in chosen),
        key=lambda kill: kill.at,
    )
