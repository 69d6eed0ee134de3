"""The calls about clusters."""

from collections.abc import Mapping
from urllib.parse import quote

from sluiceway.cli.calls import Calls
from sluiceway.cli.connection import Reply


class ClusterCalls(Calls):
    """As they are in `Client`."""

    def clusters(self) -> Reply:
        """The clusters that the project may use."""
        return self._http.ok("GET", self._own("/clusters"))

    def cluster(self, name: str) -> Reply:
        """One of them."""
        return self._http.ok("GET", self._own(f"/clusters/{quote(name, safe='')}"))

    def cluster_jars(self, name: str) -> Reply:
        """The jars that others have uploaded to one of them."""
        return self._http.ok("GET", self._own(f"/clusters/{quote(name, safe='')}/jars"))

    def add_cluster(self, body: Mapping[str, object]) -> Reply:
        """Register a cluster."""
        return self._http.ok("POST", self._own("/clusters"), body)

    def edit_cluster(self, name: str, body: Mapping[str, object]) -> Reply:
        """Change a cluster."""
        return self._http.ok("PATCH", self._own(f"/clusters/{quote(name, safe='')}"), body)

    def try_cluster(self, name: str) -> Reply:
        """What works at a registered cluster."""
        return self._http.ok("POST", self._own(f"/clusters/{quote(name, safe='')}/test"))

    def try_addresses(self, body: Mapping[str, object]) -> Reply:
        """What works at a cluster that need not be registered."""
        return self._http.ok("POST", self._own("/clusters/test"), body)

    def remove_cluster(self, name: str, *, force: bool) -> Reply:
        """End a cluster's registration; with `force` also while jobs may run there."""
        path = f"/clusters/{quote(name, safe='')}"
        return self._http.ok("DELETE", self._own(f"{path}{'?force=true' if force else ''}"))
