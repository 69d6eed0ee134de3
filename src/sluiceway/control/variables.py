"""Variables of a project: texts that stand in the SQL of its jobs under a name, as `{{name}}`."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sluiceway.control.errors import NameTaken, TooMany, UnknownVariable
from sluiceway.control.vault import BadKeyFile, Vault
from sluiceway.domain.variables import Filled, Undefined, Unfilled, Variable, fill, names_in, undefined
from sluiceway.store import variables as store
from sluiceway.store.database import Database
from sluiceway.store.variables import StoredVariable, VariableNameInUse, VariablesFull

__all__ = ["MOST", "StoredVariable", "Variables"]

MOST: Final = 500  # in a project
MOST_USED: Final = 100  # in one job


@dataclass(frozen=True, slots=True)
class Variables:
    """The use cases around variables. Values of sensitive ones are sealed, and leave only into SQL that runs."""

    db: Database
    vault: Vault
    clock: Callable[[], datetime]

    async def create(self, project: str, name: str, value: str, who: str, *, sensitive: bool) -> None:
        """Store a new variable. Raises `NameTaken`, and `TooMany` when the project has 500 already."""
        kept = await self._sealed(project, name, value) if sensitive else value
        try:
            await store.create_variable(self.db, project, name, kept, MOST, self.clock(), who, sensitive=sensitive)
        except VariableNameInUse as error:
            raise NameTaken from error
        except VariablesFull as error:
            raise TooMany from error

    async def page(self, project: str, *, offset: int, limit: int) -> tuple[int, Sequence[StoredVariable]]:
        """How many there are, and one page of them by name."""
        return await store.variables_page(self.db, project, offset=offset, limit=limit)

    async def update(self, project: str, name: str, value: str, who: str) -> None:
        """Give a variable another value; jobs have it from their next start. Raises `UnknownVariable`."""
        found = await store.variable(self.db, project, name)
        if found is None:
            raise UnknownVariable
        kept = await self._sealed(project, name, value) if found.sensitive else value
        if not await store.update_variable(self.db, project, name, kept, self.clock(), who):
            raise UnknownVariable

    async def delete(self, project: str, name: str, who: str) -> None:
        """Delete a variable. Running jobs keep its value. Raises `UnknownVariable`."""
        if not await store.delete_variable(self.db, project, name, self.clock(), who):
            raise UnknownVariable

    async def fill(self, project: str, sql: str) -> Filled:
        """SQL with the project's variables in their places. Raises `Unfilled`."""
        names = names_in(sql) if "{{" in sql else []
        if len(names) > MOST_USED:
            raise Unfilled(f"The SQL uses {len(names)} variables; at most {MOST_USED} are filled in.")
        found = await store.variables_named(self.db, project, names) if names else []
        known = {each.name: await self._opened(project, each) for each in found}
        defined = await store.variable_names(self.db, project) if len(known) < len(names) else ()
        return await asyncio.to_thread(fill, sql, known, defined) if names else Filled(sql)

    async def undefined(self, project: str, texts: Mapping[int, str]) -> dict[int, Undefined]:
        """The texts that use unknown variables, with the names."""
        using = {key: text for key, text in texts.items() if "{{" in text}
        defined = await store.variable_names(self.db, project) if using else set()

        def look() -> dict[int, Undefined]:
            return {key: found for key, text in using.items() if (found := undefined(text, defined)) is not None}

        return await asyncio.to_thread(look) if using else {}

    async def settled_at(self, project: str) -> Mapping[str, int]:
        """For each variable the newest run at the time of its value."""
        return await store.settled_at(self.db, project)

    async def fill_of_job(self, job_id: int, sql: str) -> Filled:
        """The same for a job. Raises `Unfilled`."""
        if "{{" not in sql:
            return Filled(sql)
        project = await store.project_of(self.db, job_id)
        return Filled(sql) if project is None else await self.fill(project, sql)

    async def _opened(self, project: str, stored: StoredVariable) -> Variable:
        if not stored.sensitive:
            return Variable(stored.value)
        try:
            value = await asyncio.to_thread(self.vault.open, stored.value, _bound(project, stored.name))
        except BadKeyFile as error:
            raise Unfilled(f"The value of {{{{{stored.name}}}}} cannot be restored: {error} Set it again.") from error
        return Variable(value, sensitive=True)

    async def _sealed(self, project: str, name: str, value: str) -> str:
        return await asyncio.to_thread(self.vault.seal, value, _bound(project, name))


def _bound(project: str, name: str) -> str:
    """The name that a sealed value is bound to, so that none can replace another."""
    return f"variable {project} {name}"
