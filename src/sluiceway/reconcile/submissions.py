"""Submissions under way. Planning takes seconds, so it goes on beside the turns and is seen by the next of them."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from sluiceway.domain.engine import Cluster, Engine, Sighting
from sluiceway.domain.facts import RunFact, Seen, Silent, SubmitRefused, Submitted, Submitting
from sluiceway.domain.job import JobSpec
from sluiceway.domain.run import Run
from sluiceway.store.work import Work

RETRY_AFTER = 3.0  # seconds before a submission without an answer is sent again


class Submissions:
    """The submissions of one cluster. They are not kept: after a crash the same id is simply sent again."""

    def __init__(self, engine: Engine) -> None:
        """Submit through this engine."""
        self._engine = engine
        self._tasks: dict[int, asyncio.Task[Submitted | SubmitRefused | Silent]] = {}
        self._not_before: dict[int, float] = {}

    def begin(self, cluster: Cluster, run: Run, name: str, spec: JobSpec) -> None:
        """Start submitting a run, unless that is being done."""
        if run.id not in self._tasks:
            self._tasks[run.id] = asyncio.create_task(self._engine.submit(cluster, run, name, spec))

    def amend(self, work: Sequence[Work], sighting: Sighting) -> Sighting:
        """The sighting, with what is known of our own submissions where the cluster shows nothing yet."""
        told = {w.run.id: self._fact(w.run.id, sighting.runs.get(w.run.id)) for w in work}
        return replace(sighting, runs={run_id: fact for run_id, fact in told.items() if fact is not None})

    async def close(self) -> None:
        """Give up waiting. What was sent stays sent."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()

    def _fact(self, run_id: int, seen: RunFact | None) -> RunFact | None:
        task = self._tasks.get(run_id)
        if task is None:
            return Submitting() if self._resting(run_id) and not isinstance(seen, Seen) else seen
        if not task.done():
            return seen if isinstance(seen, Seen) else Submitting()
        del self._tasks[run_id]
        answer = task.result() if task.exception() is None else Silent(f"submitting failed: {task.exception()}")
        if isinstance(answer, Silent):
            self._not_before[run_id] = time.monotonic() + RETRY_AFTER
        return seen if isinstance(seen, Seen) else answer

    def _resting(self, run_id: int) -> bool:
        if self._not_before.get(run_id, 0.0) > time.monotonic():
            return True
        self._not_before.pop(run_id, None)
        return False
