"""Admits connections: how many in all and of one address, and which one leaves first when there is no room."""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from enum import Enum, auto
from typing import Final, Protocol

SILENT: Final = 5.0  # seconds after which a connection that has asked nothing makes room for others


class Member(Protocol):
    """A connection, as far as it matters here."""

    def leave(self) -> None:
        """Close it; nothing is under way on it."""


class Admission(Enum):
    """The answer to a new connection."""

    INSIDE = auto()
    FULL = auto()  # it hears that there are too many
    SHARE = auto()  # it hears that its address has too many
    CUT = auto()  # it hears nothing


class Admissions:
    """The connections of one server. `most` may be inside, half of them of one address, and `most` more hear no.

    Proxies are many callers in one: for them the share does not count.
    """

    def __init__(
        self, most: int, is_proxy: Callable[[str], bool] = lambda _: False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._share = max(1, most // 2)
        self._is_proxy = is_proxy
        self._clock = clock
        self._inside: dict[Member, str] = {}
        self._outside: dict[Member, str] = {}
        self._of: Counter[str] = Counter()  # inside, by address
        self._refused: Counter[str] = Counter()  # outside
        self._idle: dict[str, OrderedDict[Member, float]] = {}  # when each may be closed, the first one first

    def enter(self, who: Member, address: str) -> Admission:
        """Let in, or not."""
        share = self._most if self._is_proxy(address) else self._share
        if self._of[address] >= share and not self._make_room(address):
            return self._refuse(who, address, Admission.SHARE)
        if len(self._inside) >= self._most and not self._make_room():
            return self._refuse(who, address, Admission.FULL)
        self._inside[who] = address
        self._of[address] += 1
        return Admission.INSIDE

    def left(self, who: Member) -> None:
        """The connection is closed, or nearly."""
        self.busy(who)
        if (address := self._inside.pop(who, None)) is not None:
            self._less(self._of, address)
        elif (address := self._outside.pop(who, None)) is not None:
            self._less(self._refused, address)

    def idle(self, who: Member, *, asked: bool) -> None:
        """Nothing is under way on it. One that has been answered makes room at once, one that is new after a while."""
        if (address := self._inside.get(who)) is not None:
            waiting = self._idle.setdefault(address, OrderedDict())
            waiting[who] = self._clock() + (0.0 if asked else SILENT)
            waiting.move_to_end(who, last=not asked)

    def busy(self, who: Member) -> None:
        """Something is under way on it."""
        address = self._inside.get(who, "")
        if (waiting := self._idle.get(address)) is not None:
            waiting.pop(who, None)
            if not waiting:
                del self._idle[address]

    def __len__(self) -> int:
        """How many are inside."""
        return len(self._inside)

    def _make_room(self, address: str | None = None) -> bool:
        """Close one that is idle: of this address, or of that which has most of them."""
        now = self._clock()
        due = [
            each
            for each, waiting in self._idle.items()
            if address in {None, each} and next(iter(waiting.values())) <= now
        ]
        if not due:
            return False
        who = next(iter(self._idle[max(due, key=lambda each: len(self._idle[each]))]))
        self.left(who)
        who.leave()
        return True

    def _refuse(self, who: Member, address: str, why: Admission) -> Admission:
        if len(self._outside) >= self._most or self._refused[address] >= max(1, self._most * 3 // 4):
            return Admission.CUT
        self._outside[who] = address
        self._refused[address] += 1
        return why

    @staticmethod
    def _less(counted: Counter[str], address: str) -> None:
        counted[address] -= 1
        if not counted[address]:
            del counted[address]
