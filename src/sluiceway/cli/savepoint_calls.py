"""The calls about savepoints."""

from collections.abc import Mapping
from urllib.parse import urlencode

from sluiceway.cli.calls import Calls
from sluiceway.cli.connection import Reply


class SavepointCalls(Calls):
    """As they are in `Client`."""

    def savepoints(self, **query: object) -> Reply:
        """The latest savepoints that match."""
        return self._http.ok("GET", f"{self._own('/savepoints')}?{urlencode(query)}")

    def savepoint(self, savepoint_id: int) -> Reply:
        """One of them."""
        return self._http.ok("GET", self._own(f"/savepoints/{savepoint_id}"))

    def take_savepoints(self, body: Mapping[str, object]) -> Reply:
        """Take savepoints of running jobs."""
        return self._http.ok("POST", self._own("/savepoints"), body)

    def register_savepoint(self, body: Mapping[str, object]) -> Reply:
        """Put a savepoint of others into the catalogue; it can be repeated."""
        return self._http.ok("POST", self._own("/savepoints/register"), body)

    def choose_savepoint(self, job_id: int, path: str) -> Reply:
        """Make a job's next resume begin from a savepoint, also from one of another job."""
        return self._http.ok("POST", self._dli(f"/jobs/{job_id}/import-savepoint"), {"savepoint_path": path})

    def verify_savepoint(self, savepoint_id: int) -> Reply:
        """Have the service read a savepoint."""
        return self._http.ok("POST", self._own(f"/savepoints/{savepoint_id}/verify"))

    def delete_savepoint(self, savepoint_id: int, *, force: bool) -> Reply:
        """Remove a savepoint's files; with `force` also where a job still needs it."""
        return self._http.ok("DELETE", self._own(f"/savepoints/{savepoint_id}{'?force=true' if force else ''}"))
