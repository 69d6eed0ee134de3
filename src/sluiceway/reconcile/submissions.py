"""Submissions under way. Planning takes seconds, so it goes on beside the turns and is seen by the next of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from sluiceway.domain.engine import Engine, Sighting, SubmitAnswer
from sluiceway.domain.facts import RunFact, Seen, Silent, SubmitRefused, Submitted, Submitting
from sluiceway.domain.job import JobSpec
from sluiceway.domain.place import Place
from sluiceway.domain.run import Run
from sluiceway.domain.watched import Watched

log = structlog.get_logger()

RETRY_AFTER = 3.0  # seconds before a submission without an answer is sent again

Answer = SubmitAnswer
LoadSpec = Callable[[], Awaitable[tuple[str, JobSpec]]]


class Submissions:
    """The submissions of one cluster. They are not kept: after a crash the same id is simply sent again."""

    def __init__(self, engine: Engine) -> None:
        """Submit through this engine."""
        self._engine = engine
        self._tasks: dict[int, asyncio.Task[Answer]] = {}
        self._projects: dict[int, str] = {}  # of the runs that have a task
        self._not_before: dict[int, float] = {}
        self._again: set[int] = set()  # runs of which an earlier submission may have arrived

    @property
    def under_way(self) -> dict[int, str]:
        """The runs that are being submitted, with their projects."""
        return {run_id: self._projects[run_id] for run_id, task in self._tasks.items() if not task.done()}

    @property
    def over(self) -> frozenset[int]:
        """The runs whose submissions have ended, which no look has been told of yet."""
        return frozenset(run_id for run_id, task in self._tasks.items() if task.done())

    def begin(self, cluster: Place, run: Run, project: str, load: LoadSpec, *, first: bool) -> None:
        """Start submitting a run, unless that is being done. `load` gives the job's name and spec.

        `first`: certainly nothing of the run was submitted before.
        """
        if not first:
            self._again.add(run.id)
        if run.id not in self._tasks:
            self._tasks[run.id] = asyncio.create_task(self._submit(cluster, run, load))
            self._projects[run.id] = project

    def amend(self, watched: Sequence[Watched], sighting: Sighting) -> Sighting:
        """The sighting, with what is known of our own submissions where the cluster shows nothing yet."""
        told = {w.run.id: self._fact(w.run.id, sighting.runs.get(w.run.id)) for w in watched}
        self._tasks = {i: task for i, task in self._tasks.items() if i in told or not task.done()}
        self._projects = {i: project for i, project in self._projects.items() if i in self._tasks}
        self._again &= told.keys()
        return replace(sighting, runs={run_id: fact for run_id, fact in told.items() if fact is not None})

    async def close(self) -> None:
        """Give up waiting. What was sent stays sent."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()

    async def _submit(self, cluster: Place, run: Run, load: LoadSpec) -> Answer:
        # Loading is part of it, so that a spec that cannot be read is the trouble of its own job alone.
        name, spec = await load()
        return await self._engine.submit(cluster, run, name, spec)

    def _fact(self, run_id: int, seen: RunFact | None) -> RunFact | None:
        task = self._tasks.get(run_id)
        if task is None:
            return Submitting() if self._resting(run_id) and not isinstance(seen, Seen) else seen
        if not task.done():
            # How a submission went is heard before its job is told to be over: nobody would ask afterwards.
            return seen if isinstance(seen, Seen) and not seen.state.terminal else Submitting()
        del self._tasks[run_id]
        answer = _answer(run_id, task)
        if isinstance(answer, SubmitRefused) and run_id in self._again:
            answer = replace(answer, certain=False)
        if isinstance(answer, Silent) or (isinstance(answer, SubmitRefused) and not answer.certain):
            self._not_before[run_id] = time.monotonic() + RETRY_AFTER
        if isinstance(seen, Seen):
            return replace(seen, note=answer.note) if isinstance(answer, Submitted) else seen
        return answer

    def _resting(self, run_id: int) -> bool:
        if self._not_before.get(run_id, 0.0) > time.monotonic():
            return True
        self._not_before.pop(run_id, None)
        return False


def _answer(run_id: int, task: asyncio.Task[Answer]) -> Answer:
    if task.cancelled():
        return Silent("submitting was broken off")
    if (error := task.exception()) is not None:
        log.error("submission_failed", run=run_id, exc_info=error)
        return Silent(f"submitting failed: {error}")
    return task.result()
