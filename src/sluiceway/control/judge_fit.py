"""Whether a job would start from a state, as it would be submitted now. Nothing is stored, and nothing runs."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.fit import Fit, Held, Plan, Readable, Reason, Why, fit_of
from sluiceway.domain.fitting import Case, Pair, judge, questions
from sluiceway.domain.job import JobSpec
from sluiceway.domain.place import Place
from sluiceway.domain.variables import changed
from sluiceway.engines.jobmanager.restore_words import bare
from sluiceway.engines.planning.distributions import minor_of
from sluiceway.engines.planning.operators import NoPlan
from sluiceway.engines.planning.sql import SqlRefused
from sluiceway.storage.errors import StorageUnreadable
from sluiceway.storage.metadata import VERSIONS, Format, Metadata
from sluiceway.storage.savepoints import Storage

_SHOWN = 5  # variables in one sentence
NEWEST = VERSIONS[-1]  # of `_metadata`, as Flink 2.3 writes it, which plans
OF_A_PROGRAM = "What a program's job consists of is known when it runs: whether the state fits is seen when it starts."


@dataclass(frozen=True, slots=True)
class StateFrom:
    """A savepoint or checkpoint that a job is to start from."""

    path: str  # URI of its directory
    spec: JobSpec | None = None  # of the run that has made it; None: nobody knows
    metadata: Metadata | None = None  # where it has been read already
    flink_version: str = ""  # that has written it, for example "2.3.0"; empty: not known
    run_id: int | None = None  # that has made it


class Plans(Protocol):
    """What plans a job without running it."""

    @property
    def flink_version(self) -> str:
        """That plans; empty before the first plan."""

    async def plan(self, spec: JobSpec, caller: str) -> Plan:
        """What the job would run as. Raises `SqlRefused`, `NoPlan`, `Unreachable`."""

    async def readable(self, pairs: Collection[Pair], caller: str) -> Mapping[Pair, Readable]:
        """Whether what the first serializer of each has written can be read by the second. Raises `Unreachable`."""


async def nothing_settled(_: str) -> Mapping[str, int]:
    """Of no variable it is known since when it has its value."""
    return {}


async def judges_all(_: Place) -> str:
    """Nothing keeps anybody from judging."""
    return ""


@dataclass(frozen=True, slots=True)
class JudgeFit:
    """The use case."""

    storage: Storage
    plans: Plans
    free_slots: Callable[[Place], Awaitable[int | None]]  # None where nobody knows
    settled_at: Callable[[str], Awaitable[Mapping[str, int]]] = nothing_settled  # see `domain.variables.changed`
    unjudged: Callable[[Place], Awaitable[str]] = judges_all  # why nothing here can judge for a cluster; empty: it can

    async def judge(
        self, spec: JobSpec, state: StateFrom, cluster: Place | None, *, caller: str, slots: bool = True
    ) -> Fit:
        """Compare the state with the job. An unknown fit is a `Fit` too; callers take turns at the planner.

        Without a cluster, and without `slots`, nobody counts its slots.
        """
        if spec.program is not None:
            return fit_of(Reason(Why.PROGRAM, OF_A_PROGRAM))
        if cluster is not None and (why := await self.unjudged(cluster)):
            return fit_of(Reason(Why.NOT_PLANNED, f"Whether the state fits is seen when it starts: {why}."))
        try:
            now = await self.plans.plan(spec, caller)
        except SqlRefused as error:
            return fit_of(Reason(Why.REFUSED, f"The job would be refused: {error}"))
        except (NoPlan, Unreachable) as error:
            return fit_of(Reason(Why.NOT_PLANNED, f"What the job would run as is not known: {error}"))
        try:
            metadata = state.metadata or await self.storage.metadata(state.path)
        except StorageUnreadable as error:
            return fit_of(Reason(Why.NOT_READ, f"The state cannot be read from here: {error}."), slots=now.slots)
        before, unknown = await self._before(state, metadata, caller)
        free = await self.free_slots(cluster) if cluster and slots else None
        native = metadata.format is not Format.CANONICAL
        case = Case(_held(metadata), before, now, free, native, unknown)
        return replace(judge(case, await self._verdicts(case, caller)), drops=now.drops)

    async def _before(self, state: StateFrom, metadata: Metadata, caller: str) -> tuple[Plan | None, str]:
        """The job that made the state, or why it is unknown."""
        if state.spec is None or state.spec.program is not None:
            return None, "nobody knows the SQL that has made it"
        ours = self.plans.flink_version
        if metadata.version < NEWEST or (state.flink_version and minor_of(state.flink_version) != minor_of(ours)):
            return None, f"another version of Flink has made it than {ours}, which would run it"
        if other := await self._revalued(state, caller):
            return None, f"the SQL that has made it has {_listed(other)} in it, which may have had another value then"
        try:
            return await self.plans.plan(state.spec, caller), ""
        except (SqlRefused, NoPlan, Unreachable) as error:
            return None, f"the SQL that has made it cannot be planned any more ({str(error).rstrip('.')})"

    async def _revalued(self, state: StateFrom, project: str) -> list[str]:
        """The variables of the SQL that made a state which may have had other values then."""
        if state.spec is None or "{{" not in state.spec.sql:
            return []
        settled = await self.settled_at(project) if state.run_id is not None else {}
        return await asyncio.to_thread(changed, state.spec.sql, settled, state.run_id or 0)

    async def _verdicts(self, case: Case, caller: str) -> Mapping[Pair, Readable]:
        pairs = questions(case)
        try:
            return await self.plans.readable(pairs, caller) if pairs else {}
        except Unreachable:
            return {}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"{{{{{name}}}}}" for name in names[:_SHOWN]) + ("…" if len(names) > _SHOWN else "")


def _held(metadata: Metadata) -> list[Held]:
    return [
        Held(
            each.id,
            bare(each.name or ""),
            each.max_parallelism,
            each.bytes,
            each.stateful,
            each.finished,
            each.in_flight,
        )
        for each in metadata.operators
    ]
