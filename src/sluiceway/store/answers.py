"""First answers, kept for repeats of an order with the same Idempotency-Key."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.orders import Key, Placed
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.rows import to_json
from sluiceway.store.schema import answers

KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer as it is stored."""

    placed: Placed | None = None  # None: it is of an earlier release, which kept the text that its API answered


class AnsweredBefore(Exception):
    """The order was placed before; this is its outcome."""

    def __init__(self, answer: Placed | str, digest: str) -> None:
        """`digest` is of the request that placed it. A text is the answer that an earlier release gave."""
        super().__init__("answered before")
        self.answer = answer
        self.digest = digest


async def refuse_known(connection: AsyncConnection, project: str, key: Key, now: datetime) -> None:
    """Let go of the answers that are too old. Raises `AnsweredBefore` if one to this key is left."""
    await connection.execute(delete(answers).where(answers.c.created_at < epoch_ms(now - KEPT)))
    wanted = select(answers.c.answer, answers.c.digest).where(answers.c.project == project, answers.c.key == key.stored)
    row = (await connection.execute(wanted)).one_or_none()
    if row is not None:
        raise _before(row)


async def refuse_answered(db: Database, project: str, key: Key, now: datetime) -> None:
    """Raises `AnsweredBefore` for a key that has an answer already; changes nothing."""
    mine = (answers.c.project == project, answers.c.key == key.stored, answers.c.created_at >= epoch_ms(now - KEPT))
    async with db.read() as connection:
        row = (await connection.execute(select(answers.c.answer, answers.c.digest).where(*mine))).one_or_none()
    if row is not None:
        raise _before(row)


async def keep(connection: AsyncConnection, project: str, key: Key, placed: Placed, now: datetime) -> None:
    """Keep the outcome of an order."""
    text = to_json(_Kept(placed))
    row = {"project": project, "key": key.stored, "digest": key.digest, "answer": text, "created_at": epoch_ms(now)}
    await connection.execute(insert(answers).values(row))


def _before(row: Row[Any, Any]) -> AnsweredBefore:
    return AnsweredBefore(msgspec.json.decode(row.answer, type=_Kept).placed or row.answer, row.digest)
