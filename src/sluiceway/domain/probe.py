"""What works at a cluster: seen by asking it once, before anybody relies on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Seen(StrEnum):
    """Whether the cluster sees the service's storage."""

    YES = "yes"  # its JobManager has read there what the service has written
    NO = "no"  # it says that nothing is there
    UNKNOWN = "unknown"  # it could not be proven


@dataclass(frozen=True, slots=True)
class At:
    """What one address answered."""

    address: str
    answers: bool
    why: str = ""  # it does not, or is not asked for anything but this
    flink_version: str = ""
    high_availability: str = ""  # its kind; empty: it has none
    jobs: int = 0  # that run there, by whomever


@dataclass(frozen=True, slots=True)
class Probe:
    """What works at a cluster."""

    addresses: Sequence[At]
    same: bool  # all that answer are of one cluster
    flink_version: str = ""
    submits: bool | None = None  # it takes jars (`web.submit.enable`); None: it does not tell
    taskmanagers: int = 0
    slots: int = 0
    free_slots: int = 0
    storage: Seen = Seen.UNKNOWN
    storage_why: str = ""

    @property
    def answers(self) -> bool:
        """Whether at least one of its JobManagers does."""
        return any(at.answers for at in self.addresses)
