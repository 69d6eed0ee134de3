"""One seed, from the beginning to the end."""

import random

from tests.simulation import happenings, others, setting, ways_back
from tests.simulation.scenario import Scenario
from tests.simulation.world import World

__all__ = ["happenings", "play"]  # what may happen is there once its module is loaded


def play(seed: int, *, tracing: bool = False) -> World:
    """One seed, from the beginning to the end."""
    world = World(seed, tracing=tracing, setting=setting.of(seed))
    dice = random.Random(f"scenario {seed}")
    world.run(Scenario(world, dice, then=ways_back.happen, beside=others.happen).play())
    return world
