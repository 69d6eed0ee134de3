"""The form of answers: the options that every command has, and the one place where each form is made."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from cyclopts import Parameter

from sluiceway.cli import documents, tables
from sluiceway.cli.columns import Column, Kind, same
from sluiceway.cli.documents import Document
from sluiceway.cli.language import Language, quote, t
from sluiceway.cli.output import Failed, one_line, say

T = TypeVar("T")
Form = Literal["table", "wide", "name", "json", "yaml", "jsonl"]
ColumnNames = Annotated[
    str | None, Parameter(name="--columns", help="Show these columns, with commas between them, in this order.")
]
_DOCUMENTS: Final[dict[str, Document]] = {"json": "json", "yaml": "yaml", "jsonl": "jsonl"}


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """The form of the answer."""

    output: Annotated[Form, Parameter(name=("--output", "-o"))] = "table"
    """table; wide, with all columns; name, one a line as other commands take it, also of what was made or changed;
    json; yaml; or jsonl, one JSON document a line for each row."""

    as_json: Annotated[bool, Parameter(name="--json", negative=(), show_default=False)] = False
    """The same as -o json: one JSON document on standard output, and nothing else there."""

    utc: Annotated[bool, Parameter(negative=(), show_default=False)] = False
    """Show moments in UTC, and not in the zone of this machine. Documents always have UTC."""

    def begin(self) -> Self:
        """From now on, have moments in the zone that is wanted, and what the service says in the language of the form.

        Raises `Failed` for two forms at once.
        """
        if self.as_json and self.output not in {"table", "json"}:
            raise Failed(t("--json is -o json, and not -o {output}; give one of them.", output=self.output), code=2)
        if self.json:
            quote(Language.ENGLISH)
        tables.zone.set(UTC if self.utc else None)
        return self

    @property
    def json(self) -> bool:
        """Whether a program reads the answer: it is a document, and no sentence."""
        return self._form is not None

    @property
    def words(self) -> bool:
        """Whether people read the answer, with what is said beside a table."""
        return self._form is None and self.output != "name"

    @property
    def head(self) -> bool:
        """Whether they do so on a terminal, where lines may stand above a table. Through a pipe it begins with it."""
        return self.words and sys.stdout.isatty()

    @property
    def _form(self) -> Document | None:
        return "json" if self.as_json else _DOCUMENTS.get(self.output)

    def document(self, data: Any) -> None:
        """One document, and nothing added to it."""
        documents.write(data, self._form or "json")

    def line(self, data: Any, text: str) -> None:
        """One of several answers, at once: as a document of its own, or in words."""
        if self._form is None:
            say(one_line(text))
        else:
            documents.write_next(data, self._form)

    def names(self, *names: object) -> None:
        """With -o name, what was made or changed, one a line as other commands take it; nothing with other forms.

        None is nothing that was.
        """
        if self.output == "name" and not self.json:
            for name in names:
                if name is not None:
                    say(one_line(str(name)))

    def told(self, data: Any, shown: str | Callable[[], object], *names: object) -> int:
        """What was done or found: as a document, by its names, or for people. Gives back the exit code of a success.

        For people it is a sentence, or whatever a function prints, which is called only then. Where nothing has a
        name, the same stands for it.
        """
        if self.json:
            self.document(data)
        elif self.output == "name" and names:
            self.names(*names)
        elif isinstance(shown, str):
            say(shown)
        else:
            shown()
        return 0

    def show(self, kind: Kind[T], rows: Sequence[Any], data: Any, columns: str | None = None) -> int:
        """A list: the document that has it, or its rows. Gives back the exit code of a success. Raises `Failed`."""
        chosen = self.chosen(kind, columns)
        if self._form == "jsonl":
            for row in rows:
                documents.write(row, "jsonl")
        elif self._form is not None:
            self.document(data)
        else:
            self.table(kind, [kind.read(row) for row in rows], chosen)
        return 0

    def chosen(self, kind: Kind[T], columns: str | None) -> Sequence[Column[T]]:
        """The columns of a table. Raises `Failed` where there are none of this name, or there is no table."""
        if columns is not None and (self.json or self.output == "name"):
            raise Failed(t("--columns is for tables: leave out --json, or the -o beside it."), code=2)
        return kind.chosen(columns, wide=self.output == "wide")

    def table(self, kind: Kind[T], things: Sequence[T], chosen: Sequence[Column[T]] | None = None) -> None:
        """The table of a list, or with -o name its names."""
        if self.output == "name":
            for thing in things:
                say(one_line(kind.name(thing)))
            return
        columns = self.chosen(kind, None) if chosen is None else chosen
        rows = [[column.cell(thing) for column in columns] for thing in things]
        tables.table([column.head for column in columns], rows, wide=self.output == "wide")

    def one(
        self,
        data: Any,
        title: tuple[str, str],
        lines: Callable[[], Sequence[tuple[str, str]]],
        columns: str | None = None,
    ) -> bool:
        """One object: the document, or its lines under a title. Whether people read all of it. Raises `Failed`."""
        if self.json:
            self.document(data)
        elif self.output == "name":
            say(one_line(title[1]))
        else:
            tables.table(title, _chosen(lines(), columns), wide=self.output == "wide")
        return self.words and columns is None


def _chosen(lines: Sequence[tuple[str, str]], names: str | None) -> Sequence[tuple[str, str]]:
    if names is None:
        return lines
    known = dict(lines)
    return [(name, known.get(name, "")) for name in same(names)]
