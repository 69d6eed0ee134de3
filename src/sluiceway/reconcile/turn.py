"""One turn at one cluster: look, decide, save, ask. What was asked is learned in the same way as everything else."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto

from sluiceway.domain import run as runs
from sluiceway.domain import stop as stops
from sluiceway.domain.commands import StopCommand, Submit
from sluiceway.domain.engine import Cluster, Engine, Sighting, Unreachable
from sluiceway.domain.facts import Evidence, NeverRan, Queued, RunFact, Seen, Silent, StopFact, Withdrawn
from sluiceway.domain.run import Run, RunPhase
from sluiceway.domain.stop import Stop, StopRules
from sluiceway.reconcile.submissions import Submissions
from sluiceway.storage.savepoints import Storage
from sluiceway.store import work as store
from sluiceway.store.database import Database
from sluiceway.store.leases import Lease
from sluiceway.store.work import Change, Work

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """What a turn must know besides the rows."""

    rules: StopRules
    max_savepoints: int  # under way in one cluster at once
    max_requests: int = 100  # commands under way at one cluster at once


class Outlook(Enum):
    """What a turn leaves behind."""

    IDLE = auto()  # only states to follow
    BUSY = auto()  # something is on its way
    TROUBLED = auto()  # the cluster does not answer


@dataclass(frozen=True, slots=True)
class _Step:
    """What one piece of work comes to, and what is to be asked once that is stored."""

    change: Change
    submit: Submit | None = None
    command: StopCommand | None = None


class Turn:
    """Looks once at a cluster and moves everything of it by one step."""

    def __init__(
        self,
        db: Database,
        engine: Engine,
        storage: Storage,
        submissions: Submissions,
        settings: TurnSettings,
        clock: Clock,
    ) -> None:
        """Connect a turn to what it reads, asks and writes."""
        self._db = db
        self._engine = engine
        self._storage = storage
        self._submissions = submissions
        self._settings = settings
        self._clock = clock

    async def __call__(self, cluster: Cluster, lease: Lease) -> Outlook:
        """Take one turn; tells how soon the next should follow."""
        work = await store.unsettled(self._db, cluster.name)
        if not work:
            return Outlook.IDLE
        sighting = self._submissions.amend(work, await self._observe(cluster, work))
        steps = await self._decide(cluster, work, sighting)
        stored = await store.save(self._db, lease, [step.change for step in steps], self._clock())
        kept = [step for step in steps if step.change.after.run.id in stored]
        await self._submit(cluster, [stored[step.change.after.run.id] for step in kept if step.submit])
        asked = [(stored[s.change.after.run.id], s.command) for s in kept if s.command]
        stored |= await self._send(cluster, lease, asked)
        if not sighting.answered:
            return Outlook.TROUBLED
        return Outlook.BUSY if any(_busy(w) for w in stored.values()) else Outlook.IDLE

    async def _observe(self, cluster: Cluster, work: Sequence[Work]) -> Sighting:
        stops_to_see = [w.open_stop for w in work if w.open_stop]
        try:
            return await self._engine.observe(cluster, [w.run for w in work], stops_to_see)
        except Unreachable as error:
            silent = Silent(f"cluster {cluster.name} does not answer: {error}")
            return Sighting({s.id: silent for s in stops_to_see}, {w.run.id: silent for w in work}, answered=False)

    async def _decide(self, cluster: Cluster, work: Sequence[Work], sighting: Sighting) -> list[_Step]:
        now, rules = self._clock(), self._settings.rules
        begun = [runs.decide(w.run, _run_fact(w, sighting), now, rules.gone_after, cluster.life) for w in work]
        facts = {
            w.open_stop.id: _stop_fact(w.open_stop, run, sighting)
            for w, (run, _) in zip(work, begun, strict=True)
            if w.open_stop
        }
        facts = stops.admit([w.open_stop for w in work if w.open_stop], facts, self._settings.max_savepoints)
        evidence = await self._evidence([w.open_stop for w in work if w.open_stop], facts)
        steps = []
        for before, (run, submit) in zip(work, begun, strict=True):
            stop, command = before.stop, None
            if before.open_stop:
                fact = facts[before.open_stop.id]
                stop, command = stops.decide(before.open_stop, fact, evidence.get(before.open_stop.id), now, rules)
            steps.append(_Step(Change(before, replace(before, run=run, stop=stop)), submit, command))
        return steps

    async def _evidence(self, open_stops: Sequence[Stop], facts: Mapping[int, StopFact]) -> dict[int, Evidence]:
        wanted = [stop for stop in open_stops if stops.wants_evidence(stop, facts[stop.id])]
        found = await asyncio.gather(*(self._storage.look(stop.target) for stop in wanted))
        return {stop.id: evidence for stop, evidence in zip(wanted, found, strict=True)}

    async def _submit(self, cluster: Cluster, work: Sequence[Work]) -> None:
        if work:
            specs = await store.specs(self._db, [w.run.job_id for w in work])
            for w in work:
                self._submissions.begin(cluster, w.run, *specs[w.run.job_id])

    async def _send(self, cluster: Cluster, lease: Lease, asked: Sequence[tuple[Work, StopCommand]]) -> dict[int, Work]:
        """Ask, and store what was answered at once; what was not answered is looked for in the next turn."""
        gate = asyncio.Semaphore(self._settings.max_requests)

        async def ask(work: Work, command: StopCommand) -> Change:
            assert work.stop is not None, "only stops have commands"
            async with gate:
                answer = await self._engine.send(cluster, work.stop, command)
            told, _ = stops.decide(work.stop, answer, None, self._clock(), self._settings.rules)
            return Change(work, replace(work, stop=told))

        changes = await asyncio.gather(*(ask(work, command) for work, command in asked))
        return await store.save(self._db, lease, changes, self._clock())


def _run_fact(work: Work, sighting: Sighting) -> RunFact:
    """What to make of a run; a stop that comes before its submission withdraws it."""
    if work.open_stop and work.run.phase is RunPhase.ACCEPTED:
        return Withdrawn()
    return sighting.runs.get(work.run.id, Silent("the look at the cluster left it out"))


def _stop_fact(stop: Stop, run: Run, sighting: Sighting) -> StopFact:
    """What to make of a stop, given what its run has just come to."""
    if run.phase is RunPhase.REJECTED or (run.phase is RunPhase.CANCELED and run.started_at is None):
        return NeverRan(run.reason)
    if run.phase is RunPhase.SUBMITTING and not isinstance(sighting.runs.get(run.id), Seen | Silent):
        return Queued()
    return sighting.stops.get(stop.id, Silent("the look at the cluster left it out"))


def _busy(work: Work) -> bool:
    return work.open_stop is not None or work.run.phase in {RunPhase.ACCEPTED, RunPhase.SUBMITTING}
