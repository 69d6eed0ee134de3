"""Denied calls in the audit. The first of a kind is stored at once, those after it as a count once a minute."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from sluiceway.domain.access import PROJECT
from sluiceway.store import audit
from sluiceway.store.audit import Denial
from sluiceway.store.database import Database

PERIOD: Final = 60.0  # seconds within which denials of a kind are counted instead of stored
KINDS: Final = 100  # within one period; all others are one kind: a flood must not fill the database
_OTHERS: Final = Denial("", "", "Further calls of other kinds were denied.")

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Denials:
    """Calls that were refused for want of a right, or of a good credential."""

    db: Database
    clock: Callable[[], datetime]
    _more: dict[Denial, int] = field(default_factory=dict)

    async def record(self, project: str, who: str, detail: str) -> None:
        """Remember one."""
        denial = Denial(project if PROJECT.fullmatch(project) else "", who, detail)
        if denial not in self._more and len(self._more) >= KINDS:
            denial = _OTHERS
        known = denial in self._more
        self._more[denial] = self._more.get(denial, -1) + 1
        if not known:
            await self._store([denial])

    async def flush(self) -> None:
        """Store the counts, and begin anew."""
        counted, self._more = self._more, {}
        await self._store([d.again(times) for d, times in counted.items() if times])

    async def run(self) -> None:
        """Flush for as long as the service runs, and at its end."""
        try:
            while True:
                await asyncio.sleep(PERIOD)
                await self.flush()
        finally:
            await asyncio.shield(self.flush())

    async def _store(self, denials: list[Denial]) -> None:
        """A database that takes nothing now must not turn a refusal into a fault."""
        try:
            await audit.add_denials(self.db, denials, self.clock())
        except DBAPIError as error:
            log.error("denied calls are missing in the audit", count=len(denials), error=str(error.orig))
