"""The registered clusters. DLI calls a cluster that takes jobs a queue."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sluiceway.domain.clusters import Cluster, Kind
from sluiceway.domain.place import Place


@dataclass(slots=True)
class Queues:
    """The registered clusters: their names, the default one first, and how to reach each at this moment.

    They come and go: `publish` puts others in their place.
    """

    names: tuple[str, ...]
    locate: Callable[[str], Place | None]  # None: registered, but nowhere to be reached right now
    wake: Callable[[Iterable[str]], None]  # tell the clusters' workers that there is something to do
    known: Mapping[str, Cluster] = field(default_factory=dict)  # what each is, by its name

    def publish(self, known: Mapping[str, Cluster]) -> None:
        """From now on there are these, the default one first."""
        self.known, self.names = known, tuple(known)

    def names_for(self, project: str) -> tuple[str, ...]:
        """Those that the project may use, the default one first."""
        return tuple(name for name in self.names if name not in self.known or self.known[name].serves(project))

    def resolve(self, queue: str | None, project: str) -> str | None:
        """The cluster that a queue name means in a project; None when there is none. No name means the first one."""
        names = self.names_for(project)
        if not queue:
            return names[0] if names else None
        return queue if queue in names else None

    def labels(self, name: str) -> Mapping[str, str]:
        """Those of a cluster; none of one that is not known."""
        cluster = self.known.get(name)
        return cluster.labels if cluster else {}

    def why_no_start(self, name: str) -> str:
        """Why no job may be started on a cluster now, whoever asks; empty where they may."""
        cluster = self.known.get(name)
        if cluster is None:
            return ""
        if cluster.draining:
            return f"Cluster {name} is being drained, and takes no new starts."
        if cluster.kind is Kind.APPLICATION:
            return f"Cluster {name} is an application cluster: it runs what it was made for, and takes no other jobs."
        return ""


def unregistered(name: str) -> str:
    """Why nothing comes from a cluster that is no longer registered."""
    return f"cluster {name} is no longer registered; register it again under this name, and this goes on"
