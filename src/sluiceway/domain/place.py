"""Where Flink runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A Flink cluster that jobs are sent to; DLI calls it a queue."""

    name: str
    url: str  # of its REST API, without a trailing slash
    life: str | None = None  # changes whenever the cluster is certainly a new one; None where that is unknown

    @property
    def embedded(self) -> bool:
        """Whether this service runs it. Only then does it know when the cluster is a new one."""
        return self.life is not None
