"""Templates of jobs: SQL under a name, for making jobs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sluiceway.control.errors import NameTaken, TooMany, UnknownTemplate
from sluiceway.store import templates as store
from sluiceway.store.database import Database
from sluiceway.store.pages import Sized
from sluiceway.store.templates import Template, TemplateDraft, TemplateFilter, TemplateNameInUse, TemplatesFull

__all__ = ["MOST", "Template", "TemplateDraft", "TemplateFilter", "Templates"]

MOST: Final = 100  # in a project


@dataclass(frozen=True, slots=True)
class Templates:
    """The use cases around templates."""

    db: Database
    clock: Callable[[], datetime]

    async def create(self, project: str, draft: TemplateDraft, who: str) -> Template:
        """Store a new template. Raises `NameTaken`, and `TooMany` when the project has 100 already."""
        try:
            return await store.create_template(self.db, project, draft, MOST, self.clock(), who)
        except TemplateNameInUse as error:
            raise NameTaken from error
        except TemplatesFull as error:
            raise TooMany from error

    async def show(self, project: str, template_id: int) -> Template:
        """One template. Raises `UnknownTemplate`."""
        found = await store.template(self.db, project, template_id)
        if found is None:
            raise UnknownTemplate
        return found

    async def sizes(
        self, project: str, where: TemplateFilter, *, offset: int, limit: int, descending: bool
    ) -> tuple[int, Sequence[Sized]]:
        """How many templates match, and one page of them by time of creation, as ids and sizes."""
        return await store.template_sizes(self.db, project, where, offset=offset, limit=limit, descending=descending)

    async def some(self, project: str, template_ids: Sequence[int]) -> Sequence[Template]:
        """The templates with these ids, in their order, without those that are gone."""
        return await store.templates_of(self.db, project, template_ids)

    async def update(self, project: str, template_id: int, changes: Mapping[str, str], who: str) -> None:
        """Change some of `name`, `desc` and `sql`. Raises `UnknownTemplate`, `NameTaken`."""
        try:
            found = await store.update_template(self.db, project, template_id, changes, self.clock(), who)
        except TemplateNameInUse as error:
            raise NameTaken from error
        if not found:
            raise UnknownTemplate

    async def delete(self, project: str, template_id: int, who: str) -> None:
        """Delete a template, also one that jobs were made from. Raises `UnknownTemplate`."""
        if not await store.delete_template(self.db, project, template_id, self.clock(), who):
            raise UnknownTemplate
