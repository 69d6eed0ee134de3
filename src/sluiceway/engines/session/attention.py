"""Chooses which attempts and jobs of a cluster to ask about, and when: as few requests as the truth allows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import is_

from sluiceway.domain.adoption import Stranger
from sluiceway.domain.asking import Attempted, Resting, SaveInquiry, StopInquiry
from sluiceway.domain.engine import Sighting
from sluiceway.domain.facts import Refused, StopFact
from sluiceway.domain.proving import SETTLE, Memory
from sluiceway.domain.run import Run, RunPhase
from sluiceway.engines.jobmanager.rest import JobOverview
from sluiceway.engines.session import vitals
from sluiceway.engines.session.known_version import KnownVersion
from sluiceway.engines.session.traits import Configs, Curiosity, KindOfCluster

SAMPLE_EVERY = 1.0  # seconds between questions about attempts whose jobs still run
UNSURE_EVERY = 0.5  # seconds between questions about one that was not confirmed: mostly the answer is on its way
SAMPLE = 2  # attempts asked about then; as soon as one has failed, all are
SAVE_EVERY = 1.0  # seconds between questions about one savepoint of a running job; nothing else shows its end
HANG_AFTER = 10.0  # seconds from which on an attempt that is under way is suspected to hang
HANG_AT_ONCE = 5  # suspects that are looked at in one turn


@dataclass(frozen=True, slots=True)
class Quiet:
    """A look that showed nothing to ask about. The next one that finds the same list shows the same."""

    runs: Sequence[Run]
    listed: Mapping[str, JobOverview]
    sighting: Sighting

    def lasts(self, runs: Sequence[Run], listed: Mapping[str, JobOverview], others: Sequence[Stranger]) -> bool:
        """Whether nothing has changed since, neither in the list nor in what is known of the runs."""
        same = len(runs) == len(self.runs) and all(map(is_, runs, self.runs))
        return same and listed == self.listed and others == self.sighting.strangers


@dataclass(slots=True)
class Attention:
    """When attempts of a cluster were last asked about. It only saves requests: losing it costs some."""

    asked: dict[int, float] = field(default_factory=dict)  # when last, by stop id; at first when it was first seen
    next_sample: float = 0.0
    alarmed: bool = False  # the last sample met a failure, so the others are likely to have failed too
    suspected: dict[int, float] = field(default_factory=dict)  # when a stop was last suspected to hang, by its id
    saves: dict[int, float] = field(default_factory=dict)  # when a savepoint was last asked about, by its id
    memories: dict[str, Memory] = field(default_factory=dict)  # of attempts, by trigger id
    configs: Configs = field(default_factory=Configs)
    traits: Curiosity = field(default_factory=Curiosity)
    kind: KindOfCluster = field(default_factory=KindOfCluster)
    rounds: vitals.Rounds = field(default_factory=vitals.Rounds)
    quiet: Quiet | None = None
    version: KnownVersion = field(default_factory=KnownVersion)

    def to_ask(self, stops: Sequence[StopInquiry], listed: Mapping[str, JobOverview], now: float) -> set[int]:
        """The attempts to ask about: those of ended jobs always, of the others some, the longest unasked first.

        Failures come in herds (a full disk, a directory that cannot be written), so one in the sample brings all in.
        """
        sent = [stop for stop in stops if isinstance(stop, Attempted)]
        over = {stop.id for stop in sent if (job := listed.get(stop.flink_job_id)) and job.over}
        unclear = [stop.id for stop in sent if not stop.acknowledged or stop.in_doubt]
        unsure = {i for i in unclear if now - self.asked.setdefault(i, now) >= UNSURE_EVERY}
        if failed := {trigger for trigger, memory in self.memories.items() if memory.failed is not None}:
            rested = {stop.id for stop in sent if now - self.asked.get(stop.id, 0.0) >= SETTLE}
            unsure |= {stop.id for stop in sent if stop.id in rested and stop.trigger in failed}
        going_on = [stop.id for stop in sent if stop.id not in over | unsure]
        if self.alarmed:
            return over | unsure | set(going_on)
        due = [i for i in going_on if now - self.asked.setdefault(i, now) >= SAMPLE_EVERY]
        if not due or now < self.next_sample:
            return over | unsure
        self.next_sample = now + SAMPLE_EVERY
        due.sort(key=lambda stop_id: self.asked[stop_id])
        return over | unsure | set(due[:SAMPLE])

    def suspects(self, stops: Sequence[StopInquiry], now: float) -> set[int]:
        """The attempts under way for so long that they may hang, which is worth a request."""
        sent = {stop.id for stop in stops if isinstance(stop, Attempted) and stop.acknowledged}
        self.suspected = {i: self.suspected.get(i, now) for i in sent}
        due = sorted((at, i) for i, at in self.suspected.items() if now - at >= HANG_AFTER)[:HANG_AT_ONCE]
        self.suspected |= {i: now for _, i in due}
        return {i for _, i in due}

    def saves_to_ask(self, saves: Sequence[SaveInquiry], now: float) -> set[int]:
        """The savepoints of running jobs to ask about."""
        sent = [save for save in saves if isinstance(save, Attempted)]
        last = {s.id: self.saves.get(s.id, float("-inf")) for s in sent}
        asked = {s.id for s in sent if not s.acknowledged or s.in_doubt or now - last[s.id] >= SAVE_EVERY}
        self.saves = last | dict.fromkeys(asked, now)
        return asked

    def note(self, asked: set[int], stops: Sequence[StopInquiry], facts: Iterable[StopFact], now: float) -> None:
        """Remember that these were asked about, and what came of it."""
        open_stops = {stop.id for stop in stops}
        self.asked = {i: at for i, at in self.asked.items() if i in open_stops} | dict.fromkeys(asked, now)
        self.alarmed = any(isinstance(fact, Refused) for fact in facts)

    def is_quiet(self, runs: Sequence[Run], listed: Mapping[str, JobOverview]) -> bool:
        """Whether no question is due about these runs, now or later, as long as the list stays as it is."""
        living = {jid for jid, job in listed.items() if job.lives}
        told = all(run.flink_job_id in living or run.phase is RunPhase.LOST for run in runs)
        known = all(run.traits is not None or run.phase is RunPhase.LOST for run in runs)
        return told and known and not self.rounds.due

    def forget(self, stops: Sequence[StopInquiry], saves: Sequence[SaveInquiry]) -> None:
        """Drop what was remembered of attempts that are settled."""
        if self.memories:
            left = {each.trigger for each in (*stops, *saves) if not isinstance(each, Resting)}
            self.memories = {trigger: memory for trigger, memory in self.memories.items() if trigger in left}


def about_to_save(stops: Sequence[StopInquiry], saves: Sequence[SaveInquiry]) -> list[str]:
    """The jobs of which a savepoint may be asked for next, by their Flink job ids."""
    return [each.flink_job_id for each in (*stops, *saves) if isinstance(each, Resting) and each.soon]
