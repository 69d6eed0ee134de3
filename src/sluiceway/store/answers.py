"""First answers, kept for whoever sends a request with the same Idempotency-Key again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.schema import answers

KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Key:
    """What a caller names a request, and a digest of the request itself. The names of others are not looked at: what
    they were answered is not what this caller would be."""

    name: str
    digest: str
    who: str

    @property
    def stored(self) -> str:
        """The name among those of all callers, in whose own names there is no blank."""
        return f"{self.who} {self.name}"


class AnsweredBefore(Exception):  # noqa: N818 - a finding
    """The request was answered before, and this is the answer."""

    def __init__(self, answer: str, digest: str) -> None:
        """`digest` is of the request that the answer was given to."""
        super().__init__("answered before")
        self.answer = answer
        self.digest = digest


async def refuse_known(connection: AsyncConnection, project: str, key: Key, now: datetime) -> None:
    """Let go of the answers that are too old. Raises `AnsweredBefore` if one to this key is left."""
    await connection.execute(delete(answers).where(answers.c.created_at < epoch_ms(now - KEPT)))
    wanted = select(answers.c.answer, answers.c.digest).where(answers.c.project == project, answers.c.key == key.stored)
    row = (await connection.execute(wanted)).one_or_none()
    if row is not None:
        raise AnsweredBefore(row.answer, row.digest)


async def refuse_answered(db: Database, project: str, key: Key, now: datetime) -> None:
    """Raises `AnsweredBefore` for a key that has an answer already; changes nothing."""
    mine = (answers.c.project == project, answers.c.key == key.stored, answers.c.created_at >= epoch_ms(now - KEPT))
    async with db.read() as connection:
        row = (await connection.execute(select(answers.c.answer, answers.c.digest).where(*mine))).one_or_none()
    if row is not None:
        raise AnsweredBefore(row.answer, row.digest)


async def keep(connection: AsyncConnection, project: str, key: Key, answer: str, now: datetime) -> None:
    """Keep an answer."""
    row = {"project": project, "key": key.stored, "digest": key.digest, "answer": answer, "created_at": epoch_ms(now)}
    await connection.execute(insert(answers).values(row))
