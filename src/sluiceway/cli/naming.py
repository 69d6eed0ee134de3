"""The names of jobs beside their ids, in messages."""

from collections.abc import Iterable
from typing import Final

from sluiceway.cli.client import Client
from sluiceway.cli.output import Failed

MOST: Final = 100  # jobs whose names are asked for: one request


class Names:
    """The names of some jobs; of those that nobody knows, and of too many, only the ids."""

    def __init__(self, client: Client, job_ids: Iterable[int]) -> None:
        """Asks for them, where there are any. It does not fail: they only stand beside."""
        wanted = list(dict.fromkeys(job_ids))[:MOST]
        try:
            self._names = client.names(wanted) if wanted else {}
        except Failed:
            self._names = {}

    def __call__(self, job_id: int) -> str:
        """As in `12 (orders)`."""
        name = self._names.get(job_id)
        return f"{job_id} ({name})" if name else str(job_id)
