"""The runs that bear the Flink job ids of strangers; see `domain/identity`."""

from collections.abc import Collection, Sequence

from sqlalchemy import case, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.adoption import Stranger
from sluiceway.domain.identity import Namesake, Stage
from sluiceway.domain.run import LIVE, RunPhase
from sluiceway.store.bulk import listed
from sluiceway.store.database import moment
from sluiceway.store.schema import OPEN_SAVE, UNSETTLED, jobs, runs, saves, stops

IS_OPEN = exists().where(stops.c.job_id == jobs.c.id, text(f"stops.{UNSETTLED}")) | exists().where(
    saves.c.job_id == jobs.c.id, text(f"saves.{OPEN_SAVE}")
)
_ENDED = {phase.value for phase in RunPhase if phase not in LIVE and phase is not RunPhase.LOST}


async def namesakes(
    connection: AsyncConnection, strangers: Sequence[Stranger], followed: Collection[int]
) -> dict[str, list[Namesake]]:
    """The latest run in each cluster that bears one of their Flink job ids, by that id.

    `followed` are runs that were lost, and that are proven to be over by what follows them.
    """
    asked = select(listed([each.flink_job_id for each in strangers]).c.value)
    last = select(func.max(runs.c.id)).where(runs.c.flink_job_id.in_(asked))
    latest = runs.alias("latest")
    over = latest.c.phase.not_in(sorted(LIVE))
    wanted = select(
        runs.c.flink_job_id,
        runs.c.job_id,
        runs.c.id,
        runs.c.cluster,
        runs.c.phase,
        # Only what we have started has a directory of ours for its checkpoints.
        case((runs.c.checkpoints.is_(None), runs.c.started_at)).label("started_at"),
        jobs.c.adopted_as,
        (jobs.c.run_id == runs.c.id).label("latest"),
        over.label("over"),
        IS_OPEN.label("open"),
        jobs.c.deleted_at.is_not(None).label("gone"),
    )
    joined = runs.join(jobs, jobs.c.id == runs.c.job_id).join(latest, latest.c.id == jobs.c.run_id)
    mine = runs.c.id.in_(last.group_by(runs.c.flink_job_id, runs.c.cluster))
    found: dict[str, list[Namesake]] = {each.flink_job_id: [] for each in strangers}
    for row in await connection.execute(wanted.select_from(joined).where(mine).order_by(runs.c.id)):
        found[row.flink_job_id].append(
            Namesake(
                row.job_id,
                row.id,
                row.cluster,
                Stage.ENDED if row.id in followed else _stage(row.phase),
                row.adopted_as,
                moment(row.started_at),
                latest=bool(row.latest),
                over=bool(row.over),
                open=bool(row.open),
                gone=bool(row.gone),
            )
        )
    return found


def _stage(phase: str) -> Stage:
    if phase in _ENDED:
        return Stage.ENDED
    return Stage.LOST if phase == RunPhase.LOST else Stage.LIVES
