"""Denied calls in the audit. The first of a kind is stored at once, those after it as a count once a minute."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog

from sluiceway.domain.access import PROJECT
from sluiceway.store import accounts, audit, kept, views
from sluiceway.store.audit import Denial
from sluiceway.store.database import Database
from sluiceway.store.trouble import DatabaseUnavailable

PERIOD: Final = 60.0  # seconds within which denials of a kind are counted instead of stored
# Of one caller in one project within one period; all others are one kind: a flood must not fill the database. Nobody
# can use up what is kept for others: those who are not signed in are one caller, and all projects not known are one.
KINDS: Final = 100
_OTHERS: Final = "Further calls of other kinds were denied."

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Denials:
    """Calls without the right, or without a valid credential."""

    db: Database
    clock: Callable[[], datetime]
    _more: dict[Denial, int] = field(default_factory=dict)
    _kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    _projects: frozenset[str] | None = None  # those there were when the first denial of the period came

    async def record(self, project: str, who: str, detail: str) -> None:
        """Remember one, also when the caller has hung up."""
        kept.keep()
        denial = Denial(project if PROJECT.fullmatch(project) else "", who, detail)
        if self._projects is None:
            self._projects = await self._known_projects()
        if denial not in self._more:
            denial = self._within_bounds(denial)
        known = denial in self._more
        self._more[denial] = self._more.get(denial, -1) + 1
        if not known:
            await self._store([denial])

    async def flush(self) -> None:
        """Store the counts, and start again at zero."""
        counted, self._more = self._more, {}
        self._kinds, self._projects = Counter(), None
        await self._store([d.again(times) for d, times in counted.items() if times])

    async def run(self) -> None:
        """Flush for as long as the service runs, and at its end."""
        try:
            while True:
                await asyncio.sleep(PERIOD)
                await self.flush()
        finally:
            await asyncio.shield(self.flush())

    def _within_bounds(self, denial: Denial) -> Denial:
        """It, or what it is counted as when there are too many kinds."""
        project = denial.project if self._projects and denial.project in self._projects else ""
        self._kinds[project, denial.who] += 1
        return denial if self._kinds[project, denial.who] <= KINDS else Denial(project, denial.who, _OTHERS)

    async def _known_projects(self) -> frozenset[str]:
        try:
            return frozenset(await views.projects(self.db)) | await accounts.projects(self.db)
        except DatabaseUnavailable:
            return frozenset()

    async def _store(self, denials: list[Denial]) -> None:
        """A database that stores nothing now must not turn a refusal into a fault."""
        try:
            await audit.add_denials(self.db, denials, self.clock())
        except DatabaseUnavailable as error:
            log.error("denied calls are missing in the audit", count=len(denials), error=str(error))
