"""The heads of tables: what a column is called, and what may become of it where there is little room."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Head:
    """A column of a table."""

    text: str
    path: bool = False  # its cells are paths
    spare: bool = False  # it is left out where there is no room
