"""One seed, from the beginning to the end."""

import random

from tests.simulation import happenings, ways_back
from tests.simulation.scenario import Scenario
from tests.simulation.world import World

__all__ = ["happenings", "play"]  # what may happen is there once its module is loaded


def play(seed: int, *, tracing: bool = False) -> World:
    """One seed, from the beginning to the end."""
    world = World(seed, tracing=tracing)
    world.run(Scenario(world, random.Random(f"scenario {seed}"), then=ways_back.happen).play())
    return world
