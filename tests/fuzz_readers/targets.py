"""What is fuzzed. A target reads one input, made up by `make`; whatever it raises that is no refusal is a bug.

To add one, `register` it in a module of its own, and import that in `__main__` and in the test.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """One reader."""

    name: str
    make: Callable[[random.Random, int], Any]  # an input of about so many bytes or characters
    read: Callable[[Any], None]  # raises nothing but what it documents, which it catches itself
    largest: int  # size of an input that is worth trying
    seconds_a_megabyte: float  # CPU time that it may take at most; generous, since machines differ
    size: Callable[[Any], int] = len  # of an input
    clock: Callable[[], float] = time.process_time  # CPU seconds, of whatever reads


TARGETS: dict[str, Target] = {}


def register(target: Target) -> None:
    """Make a target known by its name."""
    assert target.name not in TARGETS, target.name
    TARGETS[target.name] = target
