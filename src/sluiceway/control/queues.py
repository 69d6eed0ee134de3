"""The registered clusters. DLI calls a cluster that takes jobs a queue."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sluiceway.domain.place import Place


@dataclass(frozen=True, slots=True)
class Queues:
    """The registered clusters: their names, the default one, and how to reach each at this moment."""

    names: tuple[str, ...]
    locate: Callable[[str], Place | None]  # None: registered, but nowhere to be reached right now
    wake: Callable[[Iterable[str]], None]  # tell the clusters' workers that there is something to do

    def resolve(self, queue: str | None) -> str | None:
        """The cluster that a queue name means; None when there is none. No name means the first one."""
        if not queue:
            return self.names[0] if self.names else None
        return queue if queue in self.names else None
