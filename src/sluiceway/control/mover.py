"""Carries out the second half of moves: starts each job where it goes, once its stop is proven.

All that it goes by is stored, and so is all that it does: a service that was killed goes on where it was, and several
on one database do each thing once.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from sluiceway.control.start_jobs import StartJobs
from sluiceway.domain.orders import StartOrder
from sluiceway.store import landings, moves
from sluiceway.store.moves import ToStart
from sluiceway.store.trouble import DatabaseUnavailable

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Mover:
    """The work. `run` it beside the workers, which carry out what it stores."""

    start: StartJobs
    busy: float = 0.5  # seconds between two looks while there is a move
    idle: float = 1.0
    again: timedelta = timedelta(seconds=10)  # until what was refused for a reason that passes is tried again

    async def run(self) -> None:
        """Look for what there is to do, for ever."""
        while True:
            try:
                pause = self.busy if await self.step() else self.idle
            except DatabaseUnavailable:
                pause = self.idle  # the database has told of it
            except Exception:
                log.exception("move_failed")
                pause = self.idle
            await asyncio.sleep(pause)

    async def step(self) -> bool:
        """Start whatever is to be started now; whether there is any move that is not over."""
        now = self.start.clock()
        found = await moves.to_start(self.start.db, now - self.again)
        # One that cannot be carried out now holds up no other.
        results = await asyncio.gather(*(self._carry_on(move) for move in found), return_exceptions=True)
        for trouble in results:
            if isinstance(trouble, BaseException):
                raise trouble
        return bool(found)

    async def _carry_on(self, todo: ToStart) -> None:
        if not todo.jobs:
            if not todo.left:
                await moves.finish(self.start.db, todo.move, self.start.clock())
            return
        places = dict.fromkeys(todo.jobs, todo.to.cluster)
        order = StartOrder(todo.project, list(todo.jobs), who=todo.who, places=places, allow=todo.to.allow)
        plans = await self.start.plan(order)
        # Whoever has started a job since decides about it; the next look shows that.
        starts = [start for start in plans.starts if start.seen_run == todo.jobs[start.job_id]]
        refused = {job: verdict for job, verdict in plans.verdicts.items() if not verdict.accepted}
        if await landings.land(self.start.db, todo, starts, refused, self.start.clock()):
            self.start.queues.wake({todo.to.cluster})
