"""Buckets that projects may use."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sluiceway.store import audit
from sluiceway.store.database import Database


@dataclass(frozen=True, slots=True)
class Buckets:
    """The use case around buckets. Every project may use every bucket, so this only tells who wanted which."""

    db: Database
    clock: Callable[[], datetime]

    async def authorize(self, project: str, buckets: Sequence[str], *, who: str = "") -> None:
        """Record that the project is to use these buckets. It can be repeated."""
        await audit.record(self.db, "bucket_authorized", project, list(dict.fromkeys(buckets)), self.clock(), who)
