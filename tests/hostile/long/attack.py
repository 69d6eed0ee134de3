"""An attack by its name, and the table that all of them stand in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tests.hostile.long.stage import Scene, Stage

Act = Callable[[Stage], None]

MOST_P99: Final = 0.25  # seconds that another caller waits for `/healthz`, on two cores
MOST_GROWTH: Final = 64.0  # MB
SMALL: Final = 1 << 20  # bytes of one input, up to which these limits hold


@dataclass(frozen=True)
class Attack:
    """What is sent, and on what scene. A `large` one has inputs above 1 MB: its memory is told, not judged."""

    name: str
    act: Act
    row: str  # of the threat model
    scene: Scene = field(default_factory=Scene)
    large: bool = False
    judged: bool = True  # whether p99 and memory are: an input may be meant for what `Stage.wrong` tells alone


ATTACKS: dict[str, Attack] = {}


def attack(
    name: str, row: str, scene: Scene | None = None, *, large: bool = False, judged: bool = True
) -> Callable[[Act], Act]:
    """Puts a function into the table."""

    def put(act: Act) -> Act:
        if name in ATTACKS:
            raise ValueError(f"two attacks are called {name}")
        ATTACKS[name] = Attack(name, act, row, scene or Scene(), large, judged)
        return act

    return put
