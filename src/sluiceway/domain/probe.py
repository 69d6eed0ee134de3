"""What works at a cluster: seen by asking it once, before anybody relies on it."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_MAGIC: Final = 0x4960672D  # that a savepoint's `_metadata` begins with (contract)


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
    application: bool = False  # it is an application cluster: it goes with its jobs
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


@dataclass(frozen=True, slots=True)
class Trace:
    """A file that the service has written, for the cluster to find: a savepoint of a version that there is not."""

    uri: str
    version: int  # by which what Flink says of the file shows that it has read it

    @property
    def content(self) -> bytes:
        """What is in it. Flink reads no further than the version, and removes nothing."""
        return struct.pack(">ii", _MAGIC, self.version)
