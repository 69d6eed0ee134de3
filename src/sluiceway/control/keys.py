"""Orders that may be sent again under the same key."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sluiceway.control.errors import KeyReused
from sluiceway.domain.orders import Key
from sluiceway.store import answers
from sluiceway.store.answers import AnsweredBefore
from sluiceway.store.database import Database


async def check_key(db: Database, project: str, key: Key, now: datetime) -> None:
    """Raises `AnsweredBefore` and `KeyReused` for a key that is known."""
    with same_request(key):
        await answers.refuse_answered(db, project, key, now)


@contextmanager
def same_request(key: Key | None) -> Iterator[None]:
    """Raises `KeyReused` in place of an answer that another request was given."""
    try:
        yield
    except AnsweredBefore as before:
        if key is not None and before.digest != key.digest:
            raise KeyReused(key.name) from None
        raise
