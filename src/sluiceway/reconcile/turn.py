"""One turn at one cluster: look, plan, record, send. What was asked is learned in the same way as everything else."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sluiceway.domain import cluster_turn
from sluiceway.domain.adoption import Adopts, Stranger
from sluiceway.domain.awaited import awaited, calm
from sluiceway.domain.cluster_turn import Plan, Situation, Where
from sluiceway.domain.engine import Engine, NobodyListens, Sighting, Unreachable
from sluiceway.domain.facts import Departed, Evidence
from sluiceway.domain.health import HealthRules
from sluiceway.domain.job import JobSpec
from sluiceway.domain.operations.stop import StopRules
from sluiceway.domain.place import Place
from sluiceway.domain.pulses import Pulses
from sluiceway.domain.watched import Change, Watched
from sluiceway.reconcile import parking
from sluiceway.reconcile.adopting import Adopting, Labels, Locate
from sluiceway.reconcile.clocks import compare
from sluiceway.reconcile.errands import Errands
from sluiceway.reconcile.memory import Memory
from sluiceway.reconcile.returning import Returning
from sluiceway.reconcile.sends import Sends
from sluiceway.reconcile.submissions import Submissions
from sluiceway.storage.savepoints import Storage
from sluiceway.store import deadlines, leases, resumes
from sluiceway.store import work as store
from sluiceway.store.database import Database
from sluiceway.store.leases import Lease
from sluiceway.store.ledger import Means
from sluiceway.store.work import Records

Clock = Callable[[], datetime]

LOOK_LIMIT = 330.0  # seconds for one look at storage, which gives up by itself before, and says why


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """What a turn must know besides the rows."""

    rules: StopRules
    max_savepoints: int  # under way in one cluster at once
    max_requests: int = 40  # commands under way at one cluster at once
    resend_after: float = 2.0  # seconds before a command that was not confirmed is sent again
    health: HealthRules = field(default_factory=HealthRules)
    adopts: Adopts | None = None  # which jobs are taken in that nobody made here
    labels: Labels = lambda _: {}  # of a cluster, by its name
    locate: Locate = lambda _: None  # where a cluster is now, by its name
    absent: Callable[[str], str] = lambda name: f"cluster {name} cannot be reached now"  # why, of one without a place


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a turn leaves behind."""

    answered: bool = True  # the cluster did
    under_way: int = 0  # stops, starts and savepoints whose result is awaited soon
    restarts: int = 0  # of jobs, that this turn saw
    calm: bool = False  # every job does its work, and nothing is open
    number: int | None = None  # of the changes that it knows of; see `Database.changes`
    asked: bool = False  # the cluster was, for something
    why: str = ""  # it gave no answer
    flink_version: str = ""  # that it was seen to run; empty where nobody knows


class Turn:
    """Looks once at a cluster and moves everything of it by one step. The rules are in `domain/cluster_turn`."""

    def __init__(
        self,
        db: Database,
        engine: Engine,
        storage: Storage,
        submissions: Submissions,
        settings: TurnSettings,
        clock: Clock,
        records: Records,
    ) -> None:
        """Connect a turn to what it reads, asks and writes. The turns at all clusters have the same `records`."""
        self._db = db
        self._engine = engine
        self._storage = storage
        self._submissions = submissions
        self._settings = settings
        adopts, known = settings.adopts, (settings.labels, settings.locate)
        self._adopting = Adopting(db, engine, adopts, *known) if adopts else None
        self._returning = Returning(engine)
        self._clock = clock
        # All of this only spares requests and time: a service that starts anew without it asks once more.
        self._looks: Errands[Where, Evidence] = Errands("storage_look", LOOK_LIMIT)
        self._looked_at: dict[Where, float] = {}  # see `_due`
        self._sends = Sends(engine, settings.max_requests, settings.resend_after)
        self._fence = 0  # of the lease that the last turn was taken under
        self._memory = Memory(db, records)
        self._began = clock(), time.monotonic()  # the present turn, by two clocks
        self._offset: int | None = None  # of the clocks when its deadlines were last seen to be right
        self._looked: float | None = None  # when the last look began that has seen the cluster and was stored
        self._looked_refused = False  # whether it refused connections then
        self._observed: Sighting | None = None  # what the last look showed
        self._calm = False  # whether nothing is left to do about that
        self._pulses = Pulses()
        self._starting: Mapping[int, float] = {}  # see `awaited`

    async def __call__(self, cluster: Place | None, lease: Lease) -> Outlook:
        """Take one turn; tells how soon the next should follow. Without a cluster it still tells of deadlines."""
        await self._keep_time(lease)
        watched = await self._watched(lease)
        if not watched and self._adopting is None:
            return Outlook(calm=True, number=self._memory.number)
        began = time.monotonic()  # what is seen is from after it, however late this process hears of it
        observed = await self._observe(cluster, lease.cluster, watched)
        seen_at = self._now()
        if self._adopting is not None:
            observed = await self._adopted(self._adopting, cluster, lease, watched, observed)
        if observed is self._observed and self._calm:
            self._looked = began
            version = observed.flink_version
            return Outlook(asked=True, flink_version=version, calm=True, number=self._memory.number)
        self._observed, self._calm = observed, False
        sighting = self._submissions.amend(watched, observed)
        plan = await self._plan(watched, sighting, cluster)
        stored = dict(await self._memory.record(lease, plan.changes, self._now()))
        # Where somebody has forestalled a change, what this look has made of old doubts is not stored either.
        if len(stored) == len(plan.changes) and (sighting.answered or sighting.refused):
            self._looked, self._looked_refused = began, sighting.refused
        if cluster is not None:
            stored |= await self._send(cluster, lease, stored, plan)
        if self._pulses.failing:
            # The database may have kept this turn waiting, and nobody knows how the jobs have fared since the look.
            means = Means(self._settings.rules.timeout, self._storage.uri, seen_at)
            await parking.park(self._db, lease, stored.values(), self._pulses.failing, means)
        left = stored.values()
        self._calm = sighting.answered and calm(left)
        awaits = self._under_way(left)
        return Outlook(
            answered=observed.answered,
            why=observed.why,
            asked=True,
            flink_version=observed.flink_version,
            under_way=awaits,
            restarts=self._pulses.restarts,
            calm=self._calm,
            number=self._memory.number,
        )

    async def close(self) -> None:
        """Give up what is under way. What was sent stays sent."""
        await asyncio.gather(self._looks.close(), self._sends.close(), self._submissions.close())

    def _now(self) -> datetime:
        """What the wall clock shows, unless it has jumped since this turn began: deadlines have not, until the next."""
        wall, steady = self._began
        return wall + timedelta(seconds=time.monotonic() - steady)

    async def _keep_time(self, lease: Lease) -> None:
        """Deadlines go by the wall clock; when that jumps, they jump with it."""
        wall = self._clock()
        self._began, clocks = (wall, time.monotonic()), compare(wall)
        if lease.fence != self._fence:
            self._fence, self._offset, self._pulses = lease.fence, lease.offset, Pulses()
        if self._offset is not None and not clocks.jumped(self._offset):
            return
        if await deadlines.keep_time(self._db, lease, clocks):
            self._pulses = Pulses()
        self._offset = clocks.offset

    async def _watched(self, lease: Lease) -> Sequence[Watched]:
        """All that there is to watch, after whoever waits for the rest of an order was let begin, if it is time."""
        watched = await self._memory.watched(lease)
        stopping = {w.stop_waits_for for w in watched if w.stop_waits_for}
        starting = {w.start_waits_for for w in watched if w.start_waits_for}
        if (stopping or starting) and await resumes.advance(self._db, stopping, starting, self._now()):
            return await self._memory.watched(lease)
        return watched

    async def _observe(self, cluster: Place | None, name: str, watched: Sequence[Watched]) -> Sighting:
        if cluster is None:
            return cluster_turn.silence(watched, self._settings.absent(name))
        try:
            runs, (stops, saves) = [w.run for w in watched], cluster_turn.inquiries(watched)
            return await self._engine.observe(cluster, runs, stops, saves, strangers=self._adopting is not None)
        except NobodyListens as error:
            why = f"cluster {name} refuses connections: {error}"
            return cluster_turn.refused(watched, why, application=cluster.application)
        except Unreachable as error:
            return cluster_turn.silence(watched, f"cluster {name} does not answer: {error}")

    async def _adopted(
        self, adopting: Adopting, cluster: Place | None, lease: Lease, watched: Sequence[Watched], seen: Sighting
    ) -> Sighting:
        """Take in what others have started; what is seen of the rest."""
        anew: Mapping[int, Stranger] = {}
        if cluster is not None:
            seen, anew = await self._returning(cluster, watched, seen)
        await adopting(lease, [*seen.strangers, *anew.values()], self._now(), anew.keys())
        return seen

    async def _plan(self, watched: Sequence[Watched], sighting: Sighting, cluster: Place | None) -> Plan:
        now, gap = self._now(), self._gap(refused=sighting.refused)
        specs = await store.specs_of_runs(self._db, list(sighting.traits)) if sighting.traits else {}
        situation = Situation(
            watched=watched,
            sighting=sighting,
            now=now,
            rules=self._settings.rules,
            max_savepoints=(cluster and cluster.max_savepoints) or self._settings.max_savepoints,
            life=cluster.life if cluster else None,
            traits=cluster_turn.learn(sighting, specs),
            submitting=self._submissions.under_way,
            submitted=self._submissions.over,
            pulses=self._pulses,
            health=self._settings.health,
            gap=gap,
        )
        findings = cluster_turn.find(situation)
        self._pulses = findings.pulses
        due = {look: partial(self._storage.look, look[0]) for look in self._due(findings.looks)}
        evidence = await self._looks.answers(due, keep=findings.looks)
        return cluster_turn.decide(situation, findings, evidence)

    def _due(self, looks: Sequence[Where]) -> Sequence[Where]:
        """Where to look now. Beside a cluster that has gone nothing is written any more: it is looked at now and then.

        It may be gone for days, and so many looks at an object store have their price.
        """
        now, pause = time.monotonic(), self._settings.rules.gone_after.total_seconds() / 3
        self._looked_at = {look: at for look, at in self._looked_at.items() if look in looks and now - at < pause}
        due = [look for look in looks if look not in self._looked_at]
        self._looked_at |= {look: now for look in due if look[1] is Departed}
        return due

    def _gap(self, *, refused: bool) -> timedelta | None:
        """Since the last look of this kind began: what was not shown, and that connections were refused, are two.

        Since it began, as a process that stands still in the middle of a look hears late what it has seen early.
        """
        if self._looked is None:
            return None
        same = self._looked_refused is refused
        return timedelta(seconds=time.monotonic() - self._looked) if same else timedelta.max

    async def _send(
        self, cluster: Place, lease: Lease, stored: Mapping[int, Watched], plan: Plan
    ) -> Mapping[int, Watched]:
        """Send what is now stored, unless somebody else has the cluster by now; what was answered, as it was stored."""
        unconfirmed = {trigger: each for each in stored.values() for trigger in each.unconfirmed}
        submits = [each for run_id, each in stored.items() if run_id in plan.submits]
        sends = bool(submits) or not unconfirmed.keys().isdisjoint(plan.commands)
        if sends and not leases.still_held(self._db, lease):
            await self._sends.close()
            return {}
        answers = await self._sends.send(cluster, unconfirmed, plan.commands)
        now, rules = self._now(), self._settings.rules
        told: dict[int, Watched] = {}
        for trigger, answer in answers.items():
            each = unconfirmed[trigger]
            told[each.run.id] = cluster_turn.answered(told.get(each.run.id, each), trigger, answer, now, rules)
        changes = [Change(stored[run_id], each) for run_id, each in told.items()]
        answered = await self._memory.record(lease, changes, now)
        for each in submits:
            load = partial(self._spec, each.run.job_id)
            self._submissions.begin(cluster, each.run, each.project, load, first=plan.submits[each.run.id])
        return answered

    async def _spec(self, job_id: int) -> tuple[str, JobSpec]:
        return (await store.specs(self._db, [job_id]))[job_id]

    def _under_way(self, watched: Collection[Watched]) -> int:
        count, self._starting = awaited(watched, self._starting, time.monotonic())
        return count
