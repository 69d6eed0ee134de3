"""What a seed is set in, beside its weather: whether others start jobs, whether clusters come, go and change leader.

It is drawn from dice of its own, and most seeds have nothing of it: no other seed is changed by it.
"""

import random
from dataclasses import dataclass

from sluiceway.domain.adoption import Adopts

PROJECT = "p"
SHARE = 0.25  # of the seeds have others in them
PATTERNS = ("*", "*", "[ojs]*")


@dataclass(frozen=True, slots=True)
class Setting:
    """Of a seed."""

    adopts: Adopts | None = None  # which jobs of others are taken in; None: there are no others
    registered: str = ""  # where clusters are, that come and go: database or file; empty: they are fixed
    standby: bool = False  # each cluster has two JobManagers, of which one leads

    @property
    def clusters(self) -> int | None:
        """How many there are; None: as many as the dice say."""
        return 2 if self.registered else None


ALONE = Setting()


def of(seed: int) -> Setting:
    """The setting of a seed."""
    dice = random.Random(f"setting {seed}")
    if dice.random() >= SHARE:
        return ALONE
    return Setting(
        adopts=Adopts(PROJECT, dice.choice(PATTERNS)),
        registered=dice.choice(("", "database", "database", "file")),
        standby=dice.random() < 0.5,
    )
