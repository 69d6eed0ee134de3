"""The weather of one seed: how often what goes wrong. Every kind of trouble draws from dice of its own."""

import random
from collections.abc import Sequence

REQUEST_FAULTS = (
    *("lose_request",) * 3,
    *("lose_answer",) * 3,
    *("late",) * 3,
    "hang",
    "hang_after",
    "garbage",
    "html_503",
    "html_404",
    "reset",
    "empty",
)
WRITE_FAULTS = ("locked", "full", "full", "unsure")


class Weather:
    """Drawn once from the seed; `calm` ends all of it."""

    def __init__(self, seed: int) -> None:
        """The weather of this seed."""
        dice = random.Random(f"weather {seed}")
        self._requests, self._pauses, self._crashes = (random.Random(f"{what} {seed}") for what in "rpc")
        self._others = random.Random(f"others {seed}")
        self.calm = False
        self._p_request = dice.choice((0.0, 0.0, 0.03, 0.1, 0.3))
        self._only_commands = dice.random() < 0.25  # what is asked for gets lost, and what is looked at does not
        if self._only_commands:
            self._p_request = dice.choice((0.2, 0.5))
        self._faults = REQUEST_FAULTS if dice.random() < 0.5 else dice.sample(REQUEST_FAULTS, 2)
        self._p_latency = dice.choice((0.0, 0.0, 0.1, 0.5))
        self._latency = dice.choice((0.2, 2.0))
        self._p_pause = dice.choice((0.0, 0.0, 0.02, 0.1))
        self._pause = dice.choice((0.1, 1.0, 4.0))
        self._p_crash = dice.choice((0.0, 0.0, 0.004, 0.02))
        self._crashes_left = dice.choice((1, 2, 4))
        self._p_write = dice.choice((0.0, 0.0, 0.0, 0.02, 0.1))
        self._p_unreadable = dice.choice((0.0, 0.0, 0.0, 0.1, 0.5))
        self._p_slow = dice.choice((0.0, 0.0, 0.0, 0.2))
        self._p_refuse = dice.choice((0.0, 0.0, 0.1))

    def request_fault(self, kind: str) -> str | None:
        """What befalls a request, if anything; `kind` begins with its method."""
        if self.calm or self._p_request == 0.0 or (self._only_commands and kind.startswith("GET ")):
            return None
        return self._requests.choice(self._faults) if self._requests.random() < self._p_request else None

    def latency(self) -> float:
        """Seconds until an answer comes that nothing has befallen."""
        return self._draw(self._requests, self._p_latency, self._latency)

    def late(self) -> float:
        """Seconds by which a late request is late; the client may give up before."""
        return self._requests.choice((1.0, 4.0, 9.5, 12.0, 18.0, 25.0))

    def pause(self) -> float:
        """Seconds that a service dozes between two steps."""
        return self._draw(self._pauses, self._p_pause, self._pause)

    def crash(self) -> bool:
        """Whether a service dies here and now."""
        if self.calm or self._p_crash == 0.0 or self._crashes_left == 0 or self._crashes.random() >= self._p_crash:
            return False
        self._crashes_left -= 1
        return True

    def write_fault(self) -> str | None:
        """What befalls a transaction, if anything."""
        if self.calm or self._p_write == 0.0 or self._others.random() >= self._p_write:
            return None
        return self._others.choice(WRITE_FAULTS)

    def unreadable(self) -> bool:
        """Whether a look at storage fails."""
        return not self.calm and self._p_unreadable > 0 and self._others.random() < self._p_unreadable

    def slow_look(self) -> float:
        """Seconds that a look at storage takes."""
        return self._draw(self._others, self._p_slow, 15.0)

    def refuses_start(self) -> bool:
        """Whether a submission is refused for good."""
        return not self.calm and self._p_refuse > 0 and self._others.random() < self._p_refuse

    def _draw(self, dice: random.Random, chance: float, most: float) -> float:
        if self.calm or chance == 0.0 or dice.random() >= chance:
            return 0.0
        return dice.random() * most


def some(dice: random.Random, of: Sequence[int]) -> list[int]:
    """One or more of them, in any order."""
    return dice.sample(of, dice.randint(1, len(of))) if of else []
