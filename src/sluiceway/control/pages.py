"""Pages of events as bytes, which all who follow an order share, and how many of them stay in memory."""

from array import array
from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sluiceway.store.audit import Event

Encode = Callable[[Event], bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """All events of an order between where the page before it ended and `upto`, that id included; maybe none."""

    upto: int
    ids: "array[int]"
    ends: "array[int]"  # of each event in the data
    data: bytes

    @classmethod
    def of(cls, events: Sequence[Event], upto: int, encode: Encode) -> "Page":
        """Encode events, the oldest first, none of them newer than `upto`."""
        pieces, ends, end = list(map(encode, events)), array("q"), 0
        for piece in pieces:
            ends.append(end := end + len(piece))
        return cls(upto, array("q", [event.id for event in events]), ends, b"".join(pieces))

    @property
    def size(self) -> int:
        """Bytes in memory, about."""
        return len(self.data) + 16 * len(self.ids) + 400

    def after(self, last: int) -> bytes:
        """Its events after an id."""
        passed = bisect_right(self.ids, last)
        return self.data[self.ends[passed - 1] :] if passed else self.data


class Shelf:
    """The pages of all orders that are in memory: the oldest ones make room for new ones."""

    def __init__(self, most: int) -> None:
        """`most` bytes stay, or one page that is larger."""
        self._most = most
        self._held: OrderedDict[Page, Callable[[], object]] = OrderedDict()
        self.size = 0

    def put(self, page: Page, let_go: Callable[[], object]) -> None:
        """Keep a page until there is no room; whoever shows it is told by `let_go`."""
        self._held[page] = let_go
        self.size += page.size
        while self.size > self._most and len(self._held) > 1:
            oldest, gone = self._held.popitem(last=False)
            self.size -= oldest.size
            gone()

    def remove(self, page: Page) -> None:
        """Nobody needs it any more. Tells nobody."""
        if self._held.pop(page, None) is not None:
            self.size -= page.size


@dataclass(slots=True, eq=False)
class Tail:
    """The events of one order in memory, for all who follow it: all after the id `since`, and what was read of older
    ones.

    Events are only ever added, each with an id above all that there are: what lies between two ids never changes.
    """

    shelf: Shelf
    since: int
    pages: deque[Page] = field(default_factory=deque)
    older: dict[int, Page] = field(default_factory=dict)  # by the id that they follow
    closed: bool = False  # nobody follows the order any more

    def add(self, page: Page) -> None:
        """What follows the pages that are here."""
        if not self.closed:
            self.pages.append(page)
            self.shelf.put(page, self._forget)

    def _forget(self) -> None:
        self.since = self.pages.popleft().upto

    def add_older(self, last: int, page: Page) -> None:
        """What followed an id long ago."""
        if not self.closed:
            self.older[last] = page
            self.shelf.put(page, lambda: self.older.pop(last))

    def knows(self, last: int) -> bool:
        """Whether the events that follow this id are in memory, as far as they have happened."""
        return last >= self.since

    def after(self, last: int) -> Page | None:
        """The page with the events that follow an id, where that is known; None where nothing has happened since."""
        place = bisect_right(self.pages, last, key=lambda page: page.upto)
        return self.pages[place] if place < len(self.pages) else None

    def close(self) -> None:
        """Give up what is in memory."""
        self.closed = True
        for page in (*self.pages, *self.older.values()):
            self.shelf.remove(page)
        self.pages.clear()
        self.older.clear()
