"""What all calls of the service have in common: one connection, and one project."""

from pathlib import Path

from sluiceway.cli.connection import Connection
from sluiceway.cli.signing import Signer


class Calls:
    """Calls in one project. All raise `Failed`; `Unreachable` when no answer came."""

    def __init__(
        self, server: str, project: str, credential: Signer | None = None, authority: Path | None = None
    ) -> None:
        """See `Connection`."""
        self._http = Connection(server, credential, authority)
        self.project = project

    def _dli(self, path: str) -> str:
        return f"/v1.0/{self.project}/streaming{path}"

    def _own(self, path: str) -> str:
        return f"/api/v1/projects/{self.project}{path}"
