"""What lists show: for each kind of thing its columns, how it is named to other commands, and how its rows are read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar

from sluiceway.cli.answers import read
from sluiceway.cli.heads import Head
from sluiceway.cli.language import t
from sluiceway.cli.output import Failed

T = TypeVar("T")
_SAME: Final = str.maketrans("_-", "  ")


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A column of a list."""

    header: str
    cell: Callable[[T], str]
    wide: bool = False  # only with -o wide, or by its name
    spare: bool = False  # left out where a terminal has no room
    path: bool = False  # its cells are paths

    @property
    def head(self) -> Head:
        """It as a table has it."""
        return Head(self.header, self.path, self.spare)


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A kind of thing in lists."""

    of: type[T]  # what an answer is read as
    columns: Sequence[Column[T]]
    name: Callable[[T], str]  # as other commands take it

    def read(self, raw: Any) -> T:
        """A row as it was answered. Raises `Failed`."""
        return read(raw, self.of)

    def without(self, header: str) -> "Kind[T]":
        """The same, but for one column."""
        return replace(self, columns=[column for column in self.columns if column.header != header])

    def chosen(self, names: str | None, *, wide: bool) -> Sequence[Column[T]]:
        """The columns with these names, in their order; None: the usual ones, or with `wide` all. Raises `Failed`."""
        if names is None:
            return [column for column in self.columns if wide or not column.wide]
        known = {column.header: column for column in self.columns}
        wanted = same(names)
        for name in wanted:
            if name not in known:
                there = ", ".join(header.replace(" ", "_") for header in known)
                raise Failed(
                    t("--columns: there is no column {name!r}; there are {there}.", name=name, there=there), code=2
                )
        # One that was asked for by name is never left out.
        return [Column(name, known[name].cell, path=known[name].path) for name in wanted]


def same(names: str) -> list[str]:
    """Names of columns as they are typed, as headers have them."""
    return list(dict.fromkeys(name.translate(_SAME).strip().lower() for name in names.split(",")))


def number(value: int | None) -> str:
    """A number, or nothing."""
    return "" if value is None else str(value)
