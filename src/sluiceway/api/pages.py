"""Lists whose items have large bodies: a small page is answered whole, a large one as it is read, a piece at a time."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, TypeVar, cast

import msgspec
from litestar import MediaType, Response
from litestar.response import Stream
from msgspec import Struct

from sluiceway.store.pages import PIECE, Sized, pieces

T = TypeVar("T", bound=Struct)
Item = TypeVar("Item", bound=Struct)

WHOLE: Final = PIECE  # bytes of bodies up to which an answer is made at once, and has a Content-Length


async def answer(
    frame: Callable[[Sequence[Item]], T],
    read: Callable[[Sequence[int]], Awaitable[Sequence[Item]]],
    page: Sequence[Sized],
) -> Response[T]:
    """The page in its frame, which holds no other list. `read` gives the items of some ids, in their order.

    An item that has gone since the page was looked up is left out.
    """
    if sum(row.size for row in page) <= WHOLE:
        return Response(frame(await read([row.id for row in page])))
    stream = Stream(_written(frame([]), read, page), media_type=MediaType.JSON)
    return cast("Response[T]", stream)


async def _written(
    frame: Struct, read: Callable[[Sequence[int]], Awaitable[Sequence[Struct]]], page: Sequence[Sized]
) -> AsyncIterator[bytes]:
    """The same bytes that the whole would be.

    The next piece is read when the caller has taken most of this one. An item is encoded here and not in a thread:
    the encoder holds the interpreter either way, and a thread's time would be in nobody's budget.
    """
    before, after = msgspec.json.encode(frame).split(b"[]")
    yield before + b"["
    comma = b""
    for ids in pieces(page):
        for item in await read(ids):
            yield comma + msgspec.json.encode(item)
            comma = b","
    yield b"]" + after
