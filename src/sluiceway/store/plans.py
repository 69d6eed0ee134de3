"""Dry runs, kept for a while, so that they can be carried out as shown."""

import zlib
from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, insert, select

from sluiceway.domain.plan import Plan, PlanKind, Shown
from sluiceway.store.database import Database, epoch_ms, instant
from sluiceway.store.schema import plans

MOST = 100  # of a project; the oldest make way


async def keep(db: Database, plan: Plan) -> int:
    """Store a plan, and drop those that have expired or are too many; its new id. Its present one is ignored."""
    row = {
        "project": plan.project,
        "kind": plan.kind,
        "who": plan.who,
        "created_at": epoch_ms(plan.created_at),
        "expires_at": epoch_ms(plan.expires_at),
        "request": plan.request,
        "jobs": _packed(plan.jobs),
    }
    async with db.write() as connection:
        await connection.execute(delete(plans).where(plans.c.expires_at <= row["created_at"]))
        made = int((await connection.execute(insert(plans).values(row).returning(plans.c.id))).scalar_one())
        latest = select(plans.c.id).where(plans.c.project == plan.project).order_by(plans.c.id.desc()).limit(MOST)
        mine = plans.c.project == plan.project
        await connection.execute(delete(plans).where(mine, plans.c.id.not_in(latest)))
    return made


async def find(db: Database, project: str, plan_id: int) -> Plan | None:
    """A plan of a project, also one that has expired and is still there."""
    wanted = select(plans).where(plans.c.project == project, plans.c.id == plan_id)
    async with db.read() as connection:
        row = (await connection.execute(wanted)).one_or_none()
    if row is None:
        return None
    created, expires = instant(row.created_at), instant(row.expires_at)
    jobs = _unpacked(row.jobs)
    return Plan(row.id, row.project, PlanKind(row.kind), row.who, created, expires, row.request, jobs)


def _packed(shown: Sequence[Shown]) -> bytes:
    """Ten thousand jobs take some hundred kilobytes."""
    return zlib.compress(msgspec.json.encode([(one.job_id, one.verdict, one.subject, one.about) for one in shown]), 1)


def _unpacked(packed: bytes) -> list[Shown]:
    rows = msgspec.json.decode(zlib.decompress(packed), type=list[tuple[int, str, str, tuple[str, ...]]])
    return [Shown(*row) for row in rows]
