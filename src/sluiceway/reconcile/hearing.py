"""What clusters are heard to say of themselves, stored for everybody to see: when it changes, and never oftener."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from sluiceway.domain.clusters import Health
from sluiceway.reconcile.turn import Clock, Outlook
from sluiceway.store import clusters as store
from sluiceway.store.database import Database
from sluiceway.store.joint import Joint

WORDS_EVERY = timedelta(minutes=1)  # between two writes of another reason for the same silence
LONGEST = 500  # characters of a reason
SILENT_AFTER = timedelta(seconds=5)  # without an answer; one that is lost now and then is no silence

log = structlog.get_logger(__name__)


class Hearing:
    """Told of each turn. One process at a time hears of a cluster: the one that has its lease."""

    def __init__(self, db: Database, clock: Clock) -> None:
        """What was stored is read when it is first needed."""
        self._db = db
        self._clock = clock
        self._known: dict[str, Health] = {}
        self._written: dict[str, datetime] = {}
        self._silent: set[str] = set()  # those of which the log says so
        self._reads = True
        self._joint: Joint[tuple[str, Health], None] = Joint(self._store, lambda part: part[0])

    async def __call__(self, name: str, outlook: Outlook) -> None:
        """A turn has asked a cluster. Raises `DatabaseUnavailable`."""
        if self._reads:
            self._known = await store.health(self._db)
            self._reads = False
        now, before = self._clock(), self._known.get(name)
        after = heard(before, outlook, now)
        self._tell(name, after, now)
        if before == after or (before and _only_other_words(before, after) and not self._rested(name, now)):
            return
        await self._joint((name, after))
        self._known[name], self._written[name] = after, now

    def _tell(self, name: str, seen: Health, now: datetime) -> None:
        """Log a cluster once when it has been silent for a while, and once when it answers again."""
        if seen.answers and name in self._silent:
            self._silent.remove(name)
            log.info("cluster_answers_again", cluster=name)
        elif not seen.answers and name not in self._silent and now - seen.since >= SILENT_AFTER:
            self._silent.add(name)
            log.warning("cluster_silent", cluster=name, since=seen.since.isoformat(), why=seen.reason)

    async def _store(self, parts: Sequence[tuple[str, Health]]) -> Sequence[None]:
        await store.note_health(self._db, dict(parts))
        return [None] * len(parts)

    def _rested(self, name: str, now: datetime) -> bool:
        at = self._written.get(name)
        return at is None or not at <= now < at + WORDS_EVERY


def heard(before: Health | None, outlook: Outlook, now: datetime) -> Health:
    """What is known of a cluster after a turn."""
    changed = before is None or before.answers is not outlook.answered
    since = now if before is None or changed else before.since
    version = outlook.flink_version or (before.flink_version if before else "")
    return Health(outlook.answered, since, outlook.why[:LONGEST], version)


def _only_other_words(before: Health, after: Health) -> bool:
    return before.answers is after.answers and before.flink_version == after.flink_version
