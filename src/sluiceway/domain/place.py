"""Where Flink runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A Flink cluster that jobs are sent to; DLI calls it a queue."""

    name: str
    url: str  # of its REST API, without a trailing slash; of the first JobManager, where there are several
    life: str | None = None  # changes whenever the cluster is certainly a new one; None where that is unknown
    others: tuple[str, ...] = ()  # the same of its other JobManagers, of which one leads at a time
    max_savepoints: int | None = None  # that may be under way there at once; None: as many as anywhere
    key: str = ""  # what opens its door goes by this name (see `clusters.Credentials`); empty: it is open
    application: bool = False  # it is registered as one that goes with its jobs

    @property
    def embedded(self) -> bool:
        """Whether this service runs it. Only then does it know when the cluster is a new one."""
        return self.life is not None

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses of all its JobManagers, in the order given."""
        return (self.url, *self.others)
