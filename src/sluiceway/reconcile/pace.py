"""How soon a cluster is looked at again: the more is under way there the sooner, and all together no more than fits."""

import math
from dataclasses import dataclass
from typing import Final

from sluiceway.reconcile.turn import Outlook

ENOUGH: Final = 25  # jobs under way, from which on looks follow each other faster
CALM_AFTER: Final = 30.0  # seconds without anything to watch closely, from which on looks follow each other slowly
LOOKS: Final = 250.0  # a second, at all clusters together on which nothing is under way
KEEN_LOOKS: Final = 400.0  # a second, at all others


@dataclass(frozen=True, slots=True)
class Load:
    """How many clusters there are to look at."""

    clusters: int
    busy: int  # of them: something is under way there


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between turns."""

    busy: float = 0.2  # something is on its way
    quick: float = 0.1  # so much is on its way that one more look costs little for each
    idle: float = 2.0  # only states to follow
    calm: float = 8.0  # all has been well for a while; no status is to be older than 10 s
    trouble: float = 2.0  # the cluster does not answer, or the turn broke

    def after(self, outlook: Outlook, crowd: float, calm_for: float, load: Load) -> float:
        """How long to wait after a turn, unless there is something new; all has been calm for so many seconds.

        The more is under way, the sooner: a look costs one request, whatever the number of jobs. But a look at each of
        a thousand clusters is a thousand requests, so the more clusters there are, the later, and never after `calm`.
        """
        least = min(self.calm, load.clusters / LOOKS)
        if not outlook.answered:
            return max(self.trouble, least)
        if not outlook.under_way:
            return self.calm if calm_for >= CALM_AFTER else max(self.idle, least)
        keen = max(self.quick, self.busy * min(1.0, ENOUGH / crowd))
        return max(keen, min(self.calm, load.busy / KEEN_LOOKS))


def spread(now: float, pause: float, share: float) -> float:
    """When a pause of about that length ends, so that many clusters with `share`s of their own take turns.

    A share lies between 0 and 1. Each has its own moment in every such pause, so the first one ends early. At that very
    moment, as far as clocks and sums are exact, the next one is a whole pause away.
    """
    moment = share * pause
    at = moment + math.floor((now + pause - moment) / pause) * pause
    return at if at - now > pause / 100 else at + pause
