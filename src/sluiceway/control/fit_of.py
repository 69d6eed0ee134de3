"""Whether a job would start from a state, as it would be submitted now. Nothing is stored, and nothing runs."""

import re
from collections.abc import Awaitable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from sluiceway.domain.engine import Cluster, Unreachable
from sluiceway.domain.fit import Fit, Held, Plan, Readable, Reason, Why, fit_of
from sluiceway.domain.fitting import Case, Pair, judge, questions
from sluiceway.domain.job import JobSpec
from sluiceway.engines.operators import NoPlan
from sluiceway.engines.sql import SqlRefused
from sluiceway.storage.errors import StorageUnreadable
from sluiceway.storage.metadata import Metadata
from sluiceway.storage.savepoints import Storage

_NUMBER = re.compile(r"\[[0-9]{1,9}\]")  # of an operator in its plan, which the next plan counts anew
OF_A_PROGRAM = "What a program's job consists of is known when it runs: whether the state fits is seen when it starts."


@dataclass(frozen=True, slots=True)
class StateFrom:
    """A savepoint or checkpoint that a job is to start from."""

    path: str  # URI of its directory
    spec: JobSpec | None = None  # of the run that has made it; None: nobody knows
    metadata: Metadata | None = None  # where it has been read already


class Plans(Protocol):
    """What plans a job without running it."""

    async def plan(self, spec: JobSpec, caller: str) -> Plan:
        """What the job would run as. Raises `SqlRefused`, `NoPlan`, `Unreachable`."""

    async def readable(self, pairs: Collection[Pair], caller: str) -> Mapping[Pair, Readable]:
        """Whether what the first serializer of each has written can be read by the second. Raises `Unreachable`."""


class FreeSlots(Protocol):
    """What knows clusters."""

    def __call__(self, cluster: Cluster) -> Awaitable[int | None]:
        """How many slots are free; None where nobody knows."""


@dataclass(frozen=True, slots=True)
class FitOf:
    """The use case."""

    storage: Storage
    plans: Plans
    free_slots: FreeSlots

    async def judge(self, spec: JobSpec, state: StateFrom, cluster: Cluster | None, *, caller: str) -> Fit:
        """Hold the state against the job. What cannot be found out is a `Fit` too; callers take turns at the planner.

        Without a cluster nobody counts its slots.
        """
        if spec.program is not None:
            return fit_of(Reason(Why.NOT_PLANNED, OF_A_PROGRAM))
        try:
            now = await self.plans.plan(spec, caller)
        except SqlRefused as error:
            return fit_of(Reason(Why.REFUSED, f"The job would be refused: {error}"))
        except (NoPlan, Unreachable) as error:
            return fit_of(Reason(Why.NOT_PLANNED, f"What the job would run as is not known: {error}"))
        try:
            held = _held(state.metadata or await self.storage.metadata(state.path))
        except StorageUnreadable as error:
            return fit_of(Reason(Why.NOT_READ, f"The state cannot be read from here: {error}."), slots=now.slots)
        case = Case(held, await self._before(state, caller), now, await self.free_slots(cluster) if cluster else None)
        return judge(case, await self._verdicts(case, caller))

    async def _before(self, state: StateFrom, caller: str) -> Plan | None:
        if state.spec is None or state.spec.program is not None:
            return None
        try:
            return await self.plans.plan(state.spec, caller)
        except (SqlRefused, NoPlan, Unreachable):
            return None

    async def _verdicts(self, case: Case, caller: str) -> Mapping[Pair, Readable]:
        pairs = questions(case)
        try:
            return await self.plans.readable(pairs, caller) if pairs else {}
        except Unreachable:
            return {}


def _held(metadata: Metadata) -> list[Held]:
    return [
        Held(each.id, _NUMBER.sub("", each.name or ""), each.max_parallelism, each.bytes, each.stateful, each.finished)
        for each in metadata.operators
    ]
