"""Pages of what has large bodies: which rows there are and how large each is come first, the bodies a few at a time."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, LargeBinary, cast, func

PIECE: Final = 1 << 20  # bytes of bodies that are in memory at once; a single one may be larger
MOST: Final = 10  # bodies at once: any of them may have grown since it was measured


class Sized(NamedTuple):
    """A row by its id, and the bytes that its bodies have in the database."""

    id: int
    size: int


def size_of(*bodies: ColumnElement[str]) -> ColumnElement[int]:
    """The bytes of these columns of a row. The database looks at them; none of them comes into memory here."""
    total: ColumnElement[int] = func.length(cast(bodies[0], LargeBinary))
    for body in bodies[1:]:
        total += func.length(cast(body, LargeBinary))
    return total.label("size")


def pieces(page: Sequence[Sized]) -> Iterator[list[int]]:
    """The ids in their order, as many at a time as may be in memory."""
    piece: list[int] = []
    left = PIECE
    for row in page:
        if piece and (row.size > left or len(piece) == MOST):
            yield piece
            piece, left = [], PIECE
        piece.append(row.id)
        left -= row.size
    if piece:
        yield piece
