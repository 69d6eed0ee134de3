"""The addresses of a cluster's JobManagers, of which one leads at a time.

A standby of Flink asks its leader and passes on what that says; without a leader it answers 503 (*ongoing leader
election*). So any answer of a JobManager of the cluster is as good as the leader's, and none of another cluster's is:
an address that takes over has to show the same high availability in its configuration as the one before it.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import ClientConnectorError

from sluiceway.domain.engine import Unreachable
from sluiceway.engines.jobmanager.answers import Answer, errors_of

Identity = tuple[str, ...]

_ELECTION: Final = "ongoing leader election"
_NO_TRUTH: Final = frozenset({502, 503, 504})  # of a proxy, or of a JobManager without a leader
_NONE: Final = {"", "none"}
_OF_HA: Final = (
    "high-availability.cluster-id",
    "high-availability.storageDir",
    "high-availability.zookeeper.path.root",
    "kubernetes.cluster-id",
    "kubernetes.namespace",
)


class Addresses:
    """The addresses of one place, and which of them answered last."""

    def __init__(self, urls: Sequence[str]) -> None:
        """`urls` in the order in which they are tried."""
        self.urls = tuple(url.rstrip("/") for url in urls)
        self.current = self.urls[0]
        self.identity: Identity | None = None  # of the cluster, as the current address showed it

    @property
    def others(self) -> tuple[str, ...]:
        """Those that may take over, the next one first."""
        at = self.urls.index(self.current)
        return self.urls[at + 1 :] + self.urls[:at]

    def takes_over(self, url: str, options: Mapping[str, str]) -> str:
        """Let an address be asked from now on, if it is of the same cluster; else why it is not."""
        found = identity(options)
        if self.identity is None and found[0] in _NONE:
            return "it has no high availability, so it stands in for no other JobManager"
        if self.identity not in {None, found}:
            return "it is a JobManager of another cluster, or of one without high availability"
        self.current, self.identity = url, found
        return ""


def identity(options: Mapping[str, str]) -> Identity:
    """What all JobManagers of a cluster show alike, and no others, of their configuration.

    Without high availability each is a cluster of its own, told by the directory that it made for itself when it began.
    """
    kind = options.get("high-availability.type", options.get("high-availability", "")).lower()
    if kind in _NONE:
        return ("none", options.get("web.tmpdir", ""), options.get("jobmanager.rpc.address", ""))
    return (kind, *(options.get(key, "") for key in _OF_HA))


def is_no_truth(answer: Answer) -> bool:
    """Whether another address may know what this answer does not tell."""
    return answer.status in _NO_TRUTH


def was_not_heard(failure: Answer | Unreachable) -> bool:
    """Whether the JobManager certainly did nothing about the request, so that another one may be asked."""
    if isinstance(failure, Unreachable):
        return isinstance(failure.__cause__, ClientConnectorError)
    return failure.status == 503 and any(_ELECTION in error for error in errors_of(failure))
