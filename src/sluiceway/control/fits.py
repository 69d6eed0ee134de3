"""Whether the states of resumes fit the jobs as they are now."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from sluiceway.control.judge_fit import StateFrom
from sluiceway.domain.fit import Fit, Reason, Why, fit_of
from sluiceway.domain.job import JobSpec
from sluiceway.domain.misfit import misfit
from sluiceway.domain.place import Place
from sluiceway.domain.variables import changed
from sluiceway.domain.way_back import Allowed, Back
from sluiceway.store import past, past_specs
from sluiceway.store.database import Database
from sluiceway.store.intents import Start
from sluiceway.store.variables import settled_at

PATIENCE: Final = 20.0  # seconds for all jobs of a start that is meant; a dry run takes as long as it takes
_TOO_LATE: Final = "Whether the state fits was not found out in time; a dry run waits for it."


_Case = tuple[JobSpec, StateFrom]  # a job as it is now, and the state for it


class Judge(Protocol):
    """Compares a state with a job, as `JudgeFit.judge` does."""

    async def __call__(
        self, spec: JobSpec, state: StateFrom, cluster: Place | None, *, caller: str, slots: bool
    ) -> Fit:
        """Never raises for anything about the job."""
        ...


@dataclass(frozen=True, slots=True)
class Fits:
    """The use case. Call it."""

    db: Database
    judge: Judge
    locate: Callable[[str], Place | None]
    allowed: Collection[Allowed] = ()  # what the request has asked for by name

    async def __call__(
        self, project: str, starts: Sequence[Start], backs: Mapping[int, Back], *, dry_run: bool
    ) -> dict[int, Back]:
        """The same ways back, with how the states fit.

        A start that is meant has a bounded time, and looks only at jobs that were changed since their state was made.
        """
        resumed = [start for start in starts if start.restore is not None]
        cases = await self._cases(resumed if dry_run else await self._worth_a_look(project, resumed, backs), backs)
        found = await (self._all(project, cases, slots=True) if dry_run else self._in_time(project, cases))
        return {
            **backs,
            **{start.job_id: _with(backs[start.job_id], fit, self.allowed) for start, fit in found.items()},
        }

    async def _worth_a_look(self, project: str, starts: Sequence[Start], backs: Mapping[int, Back]) -> list[Start]:
        """Those that were changed since their state was made; and those that nobody knows, where they may lose some."""
        made_by = {start.job_id: run for start in starts if (run := _run_of(backs[start.job_id])) is not None}
        wanted = await past.changed_since(self.db, made_by) | await self._revalued(project, made_by)
        if Allowed.NON_RESTORED_STATE in self.allowed:
            specs = await past.specs_of_jobs(self.db, [start.job_id for start in starts])
            wanted |= {job for job, spec in specs.items() if spec.program or job not in made_by}
        return [start for start in starts if start.job_id in wanted]

    async def _revalued(self, project: str, made_by: Mapping[int, int]) -> set[int]:
        """Those in whose SQL variables have other values than in the runs that their states are of."""
        settled = await settled_at(self.db, project)
        found: set[int] = set()

        def look(specs: Mapping[int, JobSpec]) -> set[int]:
            return {job for job, spec in specs.items() if changed(spec.sql, settled, made_by[job])}

        async for specs in past.specs_with(self.db, sorted(made_by), ("{{",)):
            found |= await asyncio.to_thread(look, specs)
        return found

    async def _cases(self, starts: Sequence[Start], backs: Mapping[int, Back]) -> dict[Start, _Case]:
        specs = await past.specs_of_jobs(self.db, [start.job_id for start in starts])
        made_by = {start: _run_of(backs[start.job_id]) for start in starts}
        before = await past_specs.specs_of(self.db, sorted({run for run in made_by.values() if run is not None}))

        def state(start: Start, run: int | None) -> StateFrom:
            seen = backs[start.job_id].state
            version = seen.flink_version if seen else ""
            return StateFrom(start.restore or "", before.get(run or 0), flink_version=version, run_id=run)

        known = {start: run for start, run in made_by.items() if start.job_id in specs}
        return {start: (specs[start.job_id], state(start, run)) for start, run in known.items()}

    async def _all(self, project: str, cases: Mapping[Start, _Case], *, slots: bool) -> dict[Start, Fit]:
        async def one(start: Start, spec: JobSpec, state: StateFrom) -> Fit:
            return await self.judge(spec, state, self.locate(start.cluster), caller=project, slots=slots)

        found = await asyncio.gather(*(one(start, *case) for start, case in cases.items()))
        return dict(zip(cases, found, strict=True))

    async def _in_time(self, project: str, cases: Mapping[Start, _Case]) -> dict[Start, Fit]:
        if not cases:
            return {}
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._all(project, cases, slots=False)
        except TimeoutError:
            return dict.fromkeys(cases, fit_of(Reason(Why.NOT_PLANNED, _TOO_LATE)))


def _run_of(back: Back) -> int | None:
    return back.state.run_id if back.state else None


def _with(back: Back, fit: Fit, allowed: Collection[Allowed]) -> Back:
    concern = misfit(fit, allowed)
    return replace(back, fit=fit, concerns=back.concerns if concern is None else (*back.concerns, concern))
