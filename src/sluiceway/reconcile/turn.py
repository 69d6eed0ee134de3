"""One turn at one cluster: look, decide, save, ask. What was asked is learned in the same way as everything else."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from sluiceway.domain import run as runs
from sluiceway.domain import snapshot as snapshots
from sluiceway.domain import stop as stops
from sluiceway.domain import stop_decide, stop_endings
from sluiceway.domain.async_state import asynchronous
from sluiceway.domain.coming_back import faltering
from sluiceway.domain.commands import JobCommand, Submit
from sluiceway.domain.engine import Cluster, Engine, Sighting, Unreachable
from sluiceway.domain.facts import (
    Acknowledged,
    Evidence,
    Gone,
    Missing,
    NeverRan,
    Preempted,
    Queued,
    Refused,
    RunFact,
    Running,
    Seen,
    Silent,
    SnapshotFact,
    StopFact,
    Submitting,
    Withdrawn,
)
from sluiceway.domain.health import HealthRules
from sluiceway.domain.job import JobSpec
from sluiceway.domain.run import Run, RunPhase
from sluiceway.domain.snapshot import Snapshot, SnapshotPhase
from sluiceway.domain.stop import Stop, StopPhase, StopRules
from sluiceway.domain.traits import Traits
from sluiceway.reconcile import parking
from sluiceway.reconcile.errands import Errands
from sluiceway.reconcile.pulses import Pulses, as_proven, with_ailment, with_proof
from sluiceway.reconcile.submissions import Submissions
from sluiceway.storage.savepoints import Storage
from sluiceway.store import leases, resumes
from sluiceway.store import work as store
from sluiceway.store.database import Database
from sluiceway.store.leases import Lease
from sluiceway.store.ledger import Means
from sluiceway.store.work import Change, Work

Clock = Callable[[], datetime]
Answer = Acknowledged | Refused | Silent
Fact = TypeVar("Fact", StopFact, SnapshotFact)
_Begun = tuple[Run, Submit | None]

LOOK_LIMIT = 330.0  # seconds for one look at storage, which gives up by itself before, and says why
SEND_LIMIT = 30.0  # seconds for one command, with the wait for its place
JUMP = timedelta(seconds=2)  # from here on a difference between the clocks is a jump of the wall clock
GAP = 2.0  # seconds; two looks that are less apart have nothing between them that lasts
STARTS_WITHIN = 10.0  # seconds for which a run that its cluster has taken is expected to start at any moment


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """What a turn must know besides the rows."""

    rules: StopRules
    max_savepoints: int  # under way in one cluster at once
    max_requests: int = 100  # commands under way at one cluster at once
    resend_after: float = 2.0  # seconds before a command that was not confirmed is sent again
    health: HealthRules = field(default_factory=HealthRules)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a turn leaves behind."""

    answered: bool = True  # the cluster did
    under_way: int = 0  # stops, starts and savepoints whose result is awaited soon
    restarts: int = 0  # of jobs, that this turn saw


@dataclass(frozen=True, slots=True)
class _Step:
    """What one piece of work comes to, and what is to be asked once that is stored."""

    change: Change
    submit: Submit | None = None
    commands: Mapping[str, JobCommand] = field(default_factory=dict)  # by trigger id


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
        # All of this only spares requests and time: a service that starts anew without it asks once more.
        self._gate = asyncio.Semaphore(settings.max_requests)
        self._looks: Errands[tuple[str, type], Evidence] = Errands("storage_look", LOOK_LIMIT)
        self._sends: Errands[str, Answer] = Errands("command", SEND_LIMIT)
        self._sent_at: dict[str, float] = {}  # when a command was last sent, by its trigger id
        self._before: tuple[datetime, float] | None = None  # the wall clock and the steady one at the last turn
        self._looked: float | None = None  # when the cluster was last seen, and what was seen was stored
        self._pulses = Pulses(settings.health)
        self._starting: dict[int, float] = {}  # since when a run has been with its cluster without running

    async def __call__(self, cluster: Cluster | None, lease: Lease) -> Outlook:
        """Take one turn; tells how soon the next should follow. Without a cluster it still tells of deadlines."""
        await self._notice_jumps(lease.cluster)
        work = await self._work(lease.cluster)
        if not work:
            return Outlook()
        sighting = self._submissions.amend(work, await self._observe(cluster, lease.cluster, work))
        steps = await self._decide(work, sighting, cluster.life if cluster else None)
        looked = time.monotonic()
        stored = await store.save(self._db, lease, [step.change for step in steps], self._clock())
        if sighting.answered:
            self._looked = looked
        if cluster is not None:
            stored |= await self._act(cluster, lease, stored, steps)
        if self._pulses.failing:
            means = Means(self._settings.rules.timeout, self._storage.uri, self._clock())
            await parking.park(self._db, lease, stored.values(), self._pulses.failing, means)
        return Outlook(sighting.answered, self._under_way(stored.values()), self._pulses.restarts)

    async def _work(self, cluster: str) -> Sequence[Work]:
        """What there is to do, after whoever waits for the rest of a batch was let begin, if it is time."""
        work = await store.unsettled(self._db, cluster)
        stopping = {w.stop.batch_id for w in work if w.open_stop and w.stop and w.stop.held and w.stop.batch_id}
        starting = {w.starts_batch for w in work if w.run.held and w.starts_batch}
        if (stopping or starting) and await resumes.advance(self._db, stopping, starting, self._clock()):
            return await store.unsettled(self._db, cluster)
        return work

    async def _notice_jumps(self, cluster: str) -> None:
        """Deadlines go by the wall clock; when that jumps, they jump with it."""
        now, steady = self._clock(), time.monotonic()
        if self._before is not None:
            jump = (now - self._before[0]) - timedelta(seconds=steady - self._before[1])
            if abs(jump) > JUMP:
                self._pulses.clear()
                await store.shift(self._db, cluster, jump)
        self._before = now, steady

    async def close(self) -> None:
        """Give up what is under way. What was sent stays sent."""
        await asyncio.gather(self._looks.close(), self._sends.close(), self._submissions.close())

    async def _observe(self, cluster: Cluster | None, name: str, work: Sequence[Work]) -> Sighting:
        stops_to_see, snapshots_to_see = _open(work)
        if cluster is None:
            return _no_sighting(work, f"cluster {name} cannot be reached now")
        try:
            return await self._engine.observe(cluster, [w.run for w in work], stops_to_see, snapshots_to_see)
        except Unreachable as error:
            return _no_sighting(work, f"cluster {name} does not answer: {error}")

    async def _decide(self, work: Sequence[Work], sighting: Sighting, life: str | None) -> list[_Step]:
        now, rules = self._clock(), self._settings.rules
        stored, work = work, self._still_doubted(work)
        traits = await self._learn(sighting)
        begun = self._admit(
            work, [runs.decide(w.run, _run_fact(w, sighting), now, rules.gone_after, life) for w in work]
        )
        begun = [(_with_traits(run, traits.get(run.id)), submit) for run, submit in begun]
        fared = self._pulses.follow([run for run, _ in begun], sighting, now)
        fared = [
            faltering(run, now) if w.starts_batch and run.id in sighting.vitals else run
            for w, run in zip(work, fared, strict=True)
        ]
        begun = [(run, submit) for run, (_, submit) in zip(fared, begun, strict=True)]
        facts, snapshot_facts = self._facts(work, [run for run, _ in begun], sighting, traits)
        evidence, snapshot_evidence = await self._evidence(work, facts)
        steps = []
        for before, known, (fared_run, submit) in zip(stored, work, begun, strict=True):
            run = as_proven(fared_run, *_told(known, facts, snapshot_facts))
            stop, snapshot = known.stop, known.snapshot
            commands: dict[str, JobCommand] = {}
            if stop and run.phase is RunPhase.RUNNING and isinstance(sighting.runs.get(run.id), Seen):
                stop = stops.contradicted(stop, now)
            if open_stop := known.open_stop:
                fact = facts[open_stop.id]
                stop, command = stop_decide.decide(open_stop, fact, evidence.get(open_stop.id), now, rules)
                commands |= {stop.trigger: command} if command else {}
            if saving := known.open_snapshot:
                seen, found = snapshot_facts[saving.id], snapshot_evidence.get(saving.id)
                snapshot, take = snapshots.decide(saving, seen, found, now, rules)
                commands |= {saving.trigger: take} if take else {}
            stop, snapshot = with_proof(run, stop, before.stop), with_proof(run, snapshot, before.snapshot)
            after = replace(before, run=run, stop=stop, snapshot=snapshot)
            steps.append(_Step(Change(before, after, sighting.flink_version), submit, commands))
        return steps

    async def _learn(self, sighting: Sighting) -> Mapping[int, Traits]:
        """How runs keep their state, by what their cluster and their specification tell."""
        if not sighting.traits:
            return {}
        specs = await store.specs_of_runs(self._db, list(sighting.traits))
        told = {}
        for run_id, traits in sighting.traits.items():
            spec, changed = specs.get(run_id, (None, True))
            is_async = asynchronous(spec, sighting.flink_version) if spec else None
            # What was changed since it began may say less than what runs.
            told[run_id] = replace(traits, asynchronous=None if changed and not is_async else is_async)
        return told

    def _still_doubted(self, work: Sequence[Work]) -> Sequence[Work]:
        """A job that was missing before a long gap between two looks may have been back in between, and gone again."""
        longest = max(GAP, self._settings.rules.gone_after.total_seconds() / 3)
        if self._looked is None or time.monotonic() - self._looked <= longest:
            return work
        return [each.undoubted for each in work]

    def _facts(
        self, work: Sequence[Work], moved: Sequence[Run], sighting: Sighting, traits: Mapping[int, Traits]
    ) -> tuple[Mapping[int, StopFact], Mapping[int, SnapshotFact]]:
        """What to make of each open stop and savepoint, once it is known who has to wait for whom."""
        open_stops, open_snapshots = _open(work)
        facts = {
            w.open_stop.id: _once_known(_stop_fact(w, run, sighting), run.traits or traits.get(run.id))
            for w, run in zip(work, moved, strict=True)
            if w.open_stop
        }
        places = self._settings.max_savepoints - sum(s.takes_place for s in open_snapshots)
        facts = stops.admit(open_stops, facts, places)
        places -= sum(_takes_place(stop, facts[stop.id]) for stop in open_stops)
        seen = {
            w.open_snapshot.id: _once_known(_snapshot_fact(w, run, sighting), run.traits or traits.get(run.id))
            for w, run in zip(work, moved, strict=True)
            if w.open_snapshot
        }
        return facts, snapshots.admit(open_snapshots, seen, places)

    def _admit(self, work: Sequence[Work], begun: Sequence[_Begun]) -> Sequence[_Begun]:
        """The same, with the runs that there is no room to submit now left as they are."""
        wanted = {run.id: w.project for w, (run, submit) in zip(work, begun, strict=True) if submit}
        admitted = self._submissions.admit(wanted)
        return [
            (before.run, None) if submit and run.id not in admitted else (run, submit)
            for before, (run, submit) in zip(work, begun, strict=True)
        ]

    async def _evidence(
        self, work: Sequence[Work], facts: Mapping[int, StopFact]
    ) -> tuple[dict[int, Evidence], dict[int, Evidence]]:
        """What storage shows of stops and of savepoints; nothing where it has not answered yet."""
        open_stops, open_snapshots = _open(work)
        # A look that began before the cluster showed what it shows now proves nothing about it: hence the fact's kind.
        wanted = {
            stop.id: (place, type(facts[stop.id]))
            for stop in open_stops
            if (place := stop_endings.evidence_at(stop, facts[stop.id])) is not None
        }
        saved = {s.id: (place, Snapshot) for s in open_snapshots if (place := snapshots.evidence_at(s)) is not None}
        asked = {key: partial(self._storage.look, key[0]) for key in (*wanted.values(), *saved.values())}
        found = await self._looks.answers(asked)
        return (
            {stop_id: found[key] for stop_id, key in wanted.items() if key in found},
            {snapshot_id: found[key] for snapshot_id, key in saved.items() if key in found},
        )

    async def _act(
        self, cluster: Cluster, lease: Lease, stored: Mapping[int, Work], steps: Sequence[_Step]
    ) -> dict[int, Work]:
        """Ask for what is now stored, unless somebody else has the cluster by now."""
        kept = [(stored[step.change.after.run.id], step) for step in steps if step.change.after.run.id in stored]
        asks = any(step.submit or step.commands for _, step in kept)
        if asks and not await leases.still_held(self._db, lease):
            await self._sends.close()
            return {}
        commands = {trigger: command for _, step in kept for trigger, command in step.commands.items()}
        answered = await self._send(cluster, lease, stored, commands)
        for work, step in kept:
            if step.submit:
                first = step.change.before.run.phase is RunPhase.ACCEPTED
                self._submissions.begin(cluster, work.run, partial(self._spec, work.run.job_id), first=first)
        return answered

    async def _spec(self, job_id: int) -> tuple[str, JobSpec]:
        return (await store.specs(self._db, [job_id]))[job_id]

    async def _send(
        self, cluster: Cluster, lease: Lease, stored: Mapping[int, Work], commands: Mapping[str, JobCommand]
    ) -> dict[int, Work]:
        """Ask, and store what has been answered by now; what has not is looked for in the next turn."""
        unanswered = {trigger: work for work in stored.values() for trigger in _unconfirmed(work)}
        now = time.monotonic()
        self._sent_at = {trigger: at for trigger, at in self._sent_at.items() if trigger in unanswered}
        asked = {}
        for trigger, work in unanswered.items():
            command = commands.get(trigger)
            rested = trigger not in self._sent_at or now - self._sent_at[trigger] >= self._settings.resend_after
            if command and rested and trigger not in self._sends:
                self._sent_at[trigger] = now
                asked[trigger] = partial(self._ask, cluster, work.run.flink_job_id, command)
        answers = await self._sends.answers(asked, keep=unanswered)
        told: dict[int, Work] = {}
        for trigger, answer in answers.items():
            work = unanswered[trigger]
            told[work.run.id] = self._told(told.get(work.run.id, work), trigger, answer)
        changes = [Change(stored[run_id], work) for run_id, work in told.items()]
        return await store.save(self._db, lease, changes, self._clock())

    async def _ask(self, cluster: Cluster, flink_job_id: str, command: JobCommand) -> Answer:
        async with self._gate:
            return await self._engine.send(cluster, flink_job_id, command)

    def _told(self, work: Work, trigger: str, answer: Answer) -> Work:
        now, rules = self._clock(), self._settings.rules
        if work.snapshot and work.snapshot.trigger == trigger:
            return replace(work, snapshot=snapshots.decide(work.snapshot, answer, None, now, rules)[0])
        assert work.stop is not None, "only stops and savepoints have commands"
        return replace(work, stop=stop_decide.decide(work.stop, answer, None, now, rules)[0])

    def _under_way(self, work: Collection[Work]) -> int:
        now = time.monotonic()
        starting = [w.run.id for w in work if w.run.acknowledged and _is_coming(w.run)]
        self._starting = {run_id: self._starting.get(run_id, now) for run_id in starting}
        soon = sum(now - since < STARTS_WITHIN for since in self._starting.values())
        return soon + sum(map(_is_busy, work))


def _is_coming(run: Run) -> bool:
    """Whether a run that its cluster has may come to run, or prove itself, at any moment."""
    return run.phase is RunPhase.SUBMITTING or (run.phase is RunPhase.RUNNING and run.health.up_at is None)


def _run_fact(work: Work, sighting: Sighting) -> RunFact:
    """What to make of a run; a stop that comes before the cluster has shown it withdraws it."""
    seen = sighting.runs.get(work.run.id, Silent("the look at the cluster left it out"))
    if work.run.held and not work.open_stop:
        return Submitting()
    if work.open_stop and not work.run.acknowledged:
        if work.run.phase is RunPhase.ACCEPTED or (work.run.phase is RunPhase.SUBMITTING and isinstance(seen, Gone)):
            return Withdrawn()
        if work.run.phase is RunPhase.SUBMITTING and isinstance(seen, Missing):
            return Withdrawn(certain=False)
    return seen


def _with_traits(run: Run, traits: Traits | None) -> Run:
    """Whoever gave no answer is asked again."""
    return run if traits is None or traits.backend is None else replace(run, traits=traits)


def _once_known(fact: Fact, traits: Traits | None) -> Fact | Queued:
    """Nothing is saved before it is known how, or known that nobody tells."""
    if not isinstance(fact, Running):
        return fact
    if traits is None:
        return Queued() if fact.ready else fact
    return replace(fact, traits=traits)


def _told(
    work: Work, facts: Mapping[int, StopFact], snapshot_facts: Mapping[int, SnapshotFact]
) -> tuple[StopFact | None, SnapshotFact | None]:
    """What was seen of a run's stop and of its savepoint."""
    stop, snapshot = work.open_stop, work.open_snapshot
    return facts.get(stop.id) if stop else None, snapshot_facts.get(snapshot.id) if snapshot else None


def _open(work: Sequence[Work]) -> tuple[list[Stop], list[Snapshot]]:
    return [w.open_stop for w in work if w.open_stop], [w.open_snapshot for w in work if w.open_snapshot]


def _stop_fact(work: Work, run: Run, sighting: Sighting) -> StopFact:
    """What to make of a stop, given what its run has just come to."""
    assert work.open_stop is not None, "only asked for open stops"
    if run.phase is RunPhase.REJECTED or (run.phase in {RunPhase.CANCELED, RunPhase.LOST} and run.started_at is None):
        return NeverRan(run.reason)
    if run.phase is RunPhase.SUBMITTING and not isinstance(sighting.runs.get(run.id), Seen | Silent):
        return Queued()
    fact = sighting.stops.get(work.open_stop.id, Silent("the look at the cluster left it out"))
    if isinstance(fact, Running):
        fact = with_ailment(fact, run)
    return snapshots.hold_back(work.open_stop, fact, work.open_snapshot)


def _snapshot_fact(work: Work, run: Run, sighting: Sighting) -> SnapshotFact:
    """What to make of a savepoint of a running job. What has not begun makes way for a stop."""
    assert work.open_snapshot is not None, "only asked for open ones"
    if work.open_stop and work.open_snapshot.sent_at is None:
        return Preempted()
    fact = sighting.snapshots.get(work.open_snapshot.id, Silent("the look at the cluster left it out"))
    return with_ailment(fact, run) if isinstance(fact, Running) else fact


def _takes_place(stop: Stop, fact: StopFact) -> bool:
    """Whether a stop counts among the savepoints under way, or is about to."""
    if stop.sent_at is None:
        return stop.savepoint and isinstance(fact, Running)
    return stop.savepoint and stop.phase is not StopPhase.OVERDUE


def _unconfirmed(work: Work) -> list[str]:
    """The trigger ids of what was asked, or may have been, and has had no answer."""
    pending = [one for one in (work.open_stop, work.open_snapshot) if one is not None and not one.acknowledged]
    return [one.trigger for one in pending]


def _no_sighting(work: Sequence[Work], why: str) -> Sighting:
    silent, (open_stops, open_snapshots) = Silent(why), _open(work)
    return Sighting(
        {stop.id: silent for stop in open_stops},
        {w.run.id: silent for w in work},
        {snapshot.id: silent for snapshot in open_snapshots},
        answered=False,
    )


def _is_busy(work: Work) -> bool:
    """Whether something is about to happen. What is overdue may stay so for ever."""
    if work.open_stop is not None and work.open_stop.phase is not StopPhase.OVERDUE:
        return True  # also one that is held: the rest of its batch may be on another cluster
    if work.open_snapshot is not None and work.open_snapshot.phase is not SnapshotPhase.OVERDUE:
        return True
    return work.run.phase is RunPhase.ACCEPTED or (work.run.phase is RunPhase.SUBMITTING and not work.run.acknowledged)
