"""One turn at one cluster, decided: what a look at it means for each run with its stop and its savepoint. Pure.

A turn asks twice. `find` says what the look means, and which directories to read before anybody can judge it; `decide`
makes a plan of that and of what storage shows there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sluiceway.domain import asking, places, pulses
from sluiceway.domain import run as runs
from sluiceway.domain.asking import SaveInquiry, StopInquiry
from sluiceway.domain.async_state import asynchronous
from sluiceway.domain.coming_back import faltering
from sluiceway.domain.commands import JobCommand, Submit
from sluiceway.domain.copies import replace
from sluiceway.domain.doubt import outdated
from sluiceway.domain.engine import Sighting
from sluiceway.domain.facts import (
    Acknowledged,
    Departed,
    Ended,
    Evidence,
    Gone,
    JobState,
    Lingering,
    Missing,
    NeverRan,
    Preempted,
    Queued,
    Refused,
    RunFact,
    Running,
    Saved,
    SaveFact,
    Seen,
    Silent,
    StopFact,
    Submitting,
    Withdrawn,
)
from sluiceway.domain.health import HealthRules
from sluiceway.domain.job import JobSpec
from sluiceway.domain.operations import save as saves
from sluiceway.domain.operations import stop as stops
from sluiceway.domain.operations import stop_decide, stop_endings
from sluiceway.domain.operations.save import Save
from sluiceway.domain.operations.stop import Stop, StopRules
from sluiceway.domain.pulses import Pulses, as_proven, with_ailment, with_proof
from sluiceway.domain.run import Run, RunPhase
from sluiceway.domain.traits import Traits
from sluiceway.domain.watched import Change, Watched

Answer = Acknowledged | Refused | Silent
Where = tuple[str, type]  # a directory to read, and the kind of what was seen before
Fact = TypeVar("Fact", StopFact, SaveFact)
_Begun = tuple[Run, Submit | None]

_ENDED_AS: Final = {
    RunPhase.FINISHED: JobState.FINISHED,
    RunPhase.FAILED: JobState.FAILED,
    RunPhase.CANCELED: JobState.CANCELED,
}
_LEFT_OUT: Final = Silent("the look at the cluster left it out")


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a turn goes by, but for what storage shows."""

    watched: Sequence[Watched]
    sighting: Sighting
    now: datetime
    rules: StopRules
    max_savepoints: int  # under way in the cluster at once
    life: str | None = None  # of the cluster, where that can be told
    traits: Mapping[int, Traits] = field(default_factory=dict)  # of the runs that the look asked for them; see `learn`
    submitting: Mapping[int, str] = field(default_factory=dict)  # runs whose submissions are under way: their projects
    submitted: frozenset[int] = frozenset()  # runs whose submissions are over, but for what the next look makes of it
    pulses: Pulses = field(default_factory=Pulses)
    health: HealthRules = field(default_factory=HealthRules)
    gap: timedelta | None = None  # since the cluster was last seen as it is now, and that was stored; None: never yet


@dataclass(frozen=True, slots=True)
class Found:
    """What a look means for one run with its stop and its savepoint."""

    before: Watched
    known: Watched  # the same, without the doubts that nobody can rely on any more
    run: Run  # what it has come to
    submit: Submit | None
    stop_fact: StopFact | None  # None: it has no open stop
    save_fact: SaveFact | None

    @property
    def stop_look(self) -> Where | None:
        """Where to look before its stop is judged.

        A look that began before the cluster showed what it shows now proves nothing about it: hence the fact's kind.
        """
        if self.known.open_stop is None or self.stop_fact is None:
            return None
        place = stop_endings.evidence_at(self.known.open_stop, self.stop_fact)
        return None if place is None else (place, type(self.stop_fact))

    @property
    def save_look(self) -> Where | None:
        """The same for its savepoint."""
        place = saves.evidence_at(self.known.open_save) if self.known.open_save else None
        return None if place is None else (place, Save)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a look means for everything that is watched, and the memory for the next look."""

    each: Sequence[Found]
    pulses: Pulses

    @property
    def looks(self) -> Sequence[Where]:
        """Where to look in storage before this is judged."""
        looks = [*(found.stop_look for found in self.each), *(found.save_look for found in self.each)]
        return list(dict.fromkeys(look for look in looks if look is not None))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a turn records, and what it sends of that which it has recorded."""

    changes: Sequence[Change]
    submits: Mapping[int, bool]  # the runs to submit, by id; whether certainly nothing of it was submitted before
    commands: Mapping[str, JobCommand]  # by trigger id


def silence(watched: Sequence[Watched], why: str) -> Sighting:
    """What a cluster shows that gives no answer."""
    silent, (open_stops, open_saves) = Silent(why), opened(watched)
    return Sighting(
        {stop.id: silent for stop in open_stops},
        {w.run.id: silent for w in watched},
        {save.id: silent for save in open_saves},
        answered=False,
        why=why,
    )


def refused(watched: Sequence[Watched], why: str, *, application: bool) -> Sighting:
    """What a cluster shows of which each address refuses connections: no more than silence, but of an application's.

    `application`: it is registered as an application cluster.
    """
    silent = silence(watched, why)
    alone = [w for w in watched if application or (w.run.traits is not None and w.run.traits.application)]
    departed, (open_stops, open_saves) = Departed(why), opened(alone)
    return replace(
        silent,
        stops={**silent.stops, **{stop.id: departed for stop in open_stops}},
        runs={**silent.runs, **{w.run.id: departed for w in alone}},
        saves={**silent.saves, **{save.id: departed for save in open_saves}},
        refused=True,
    )


def opened(watched: Sequence[Watched]) -> tuple[list[Stop], list[Save]]:
    """The stops and the savepoints that have not settled."""
    return [w.open_stop for w in watched if w.open_stop], [w.open_save for w in watched if w.open_save]


def inquiries(watched: Sequence[Watched]) -> tuple[list[StopInquiry], list[SaveInquiry]]:
    """What to ask about the stops and the savepoints that have not settled."""
    return (
        [asking.about_stop(w.open_stop, w.run) for w in watched if w.open_stop],
        [asking.about_save(w.open_save, w.run) for w in watched if w.open_save],
    )


def learn(sighting: Sighting, specs: Mapping[int, tuple[JobSpec, bool]]) -> Mapping[int, Traits]:
    """How runs keep their state, by what their cluster tells and by the specs of their jobs.

    `specs` also tells whether each may have been changed since its run began.
    """
    told = {}
    for run_id, traits in sighting.traits.items():
        spec, changed = specs.get(run_id, (None, True))
        is_async = asynchronous(spec, sighting.flink_version) if spec else None
        # What was changed since it began may say less than what runs.
        told[run_id] = replace(traits, asynchronous=None if changed and not is_async else is_async)
    return told


# What was found. -----------------------------------------------------------------------------------------------------


def find(at: Situation) -> Findings:
    """What the look means for each, once it is known who has to wait for whom."""
    known = _believed(at)
    begun = [runs.decide(w.run, _run_fact(w, at.sighting), at.now, at.rules.gone_after, at.life) for w in known]
    begun = _as_far_as_there_is_room(at, known, begun)
    moved, pulse = _fare(at, known, [run for run, _ in begun])
    facts, save_facts = _facts(at, known, moved)
    each = [
        Found(
            before,
            w,
            run,
            submit,
            facts[w.open_stop.id] if w.open_stop else None,
            save_facts[w.open_save.id] if w.open_save else None,
        )
        for before, w, run, (_, submit) in zip(at.watched, known, moved, begun, strict=True)
    ]
    return Findings(each, pulse)


def _believed(at: Situation) -> Sequence[Watched]:
    """What is watched, with the doubts that still count."""
    return [each.undoubted for each in at.watched] if outdated(at.gap, at.rules.gone_after) else at.watched


def _run_fact(watched: Watched, sighting: Sighting) -> RunFact:
    """What to make of a run; a stop that comes before the cluster has shown it withdraws it."""
    run, seen = watched.run, sighting.runs.get(watched.run.id, _LEFT_OUT)
    if run.held and not watched.open_stop:
        return Submitting()
    if watched.open_stop and not run.acknowledged:
        if run.phase is RunPhase.ACCEPTED or (run.phase is RunPhase.SUBMITTING and isinstance(seen, Gone)):
            return Withdrawn()
        if run.phase is RunPhase.SUBMITTING and isinstance(seen, Missing):
            return Withdrawn(certain=False)
    return seen


def _as_far_as_there_is_room(at: Situation, known: Sequence[Watched], begun: Sequence[_Begun]) -> list[_Begun]:
    """The same, with the runs that there is no room to submit now left as they are."""
    wanted = {run.id: w.project for w, (run, submit) in zip(known, begun, strict=True) if submit}
    admitted = places.to_submit(wanted, at.submitting, at.submitted)
    return [
        (w.run, None) if submit and run.id not in admitted else (run, submit)
        for w, (run, submit) in zip(known, begun, strict=True)
    ]


def _fare(at: Situation, known: Sequence[Watched], moved: Sequence[Run]) -> tuple[list[Run], Pulses]:
    """The runs, with how they keep their state and how they fare."""
    told = [_with_traits(run, at.traits.get(run.id)) for run in moved]
    fared, pulse = pulses.follow(at.pulses, told, at.sighting.vitals, at.now, at.health)
    back = [
        faltering(run, at.now) if w.starts_batch and run.id in at.sighting.vitals else run
        for w, run in zip(known, fared, strict=True)
    ]
    return back, pulse


def _with_traits(run: Run, traits: Traits | None) -> Run:
    """Whoever gave no answer is asked again."""
    return run if traits is None or traits.backend is None else replace(run, traits=traits)


def _facts(
    at: Situation, known: Sequence[Watched], moved: Sequence[Run]
) -> tuple[Mapping[int, StopFact], Mapping[int, SaveFact]]:
    """What to make of each open stop and savepoint: stops take their places first."""
    open_stops, open_saves = opened(known)
    each = list(zip(known, moved, strict=True))
    facts: Mapping[int, StopFact] = {
        w.open_stop.id: _once_known(_stop_fact(w, run, at.sighting), run.traits or at.traits.get(run.id))
        for w, run in each
        if w.open_stop
    }
    seen = {
        w.open_save.id: _once_known(_save_fact(w, run, at.sighting), run.traits or at.traits.get(run.id))
        for w, run in each
        if w.open_save
    }
    return places.share(open_stops, facts, open_saves, seen, at.max_savepoints)


def _once_known(fact: Fact, traits: Traits | None) -> Fact | Queued:
    """Nothing is saved before it is known how, or known that nobody tells."""
    if not isinstance(fact, Running):
        return fact
    if traits is None:
        return Queued() if fact.ready else fact
    return replace(fact, traits=traits)


def _stop_fact(watched: Watched, run: Run, sighting: Sighting) -> StopFact:
    """What to make of a stop, given what its run has just come to."""
    assert watched.open_stop is not None, "only asked for open stops"
    if run.phase is RunPhase.REJECTED or (run.phase in {RunPhase.CANCELED, RunPhase.LOST} and run.started_at is None):
        return NeverRan(run.reason)
    if run.phase is RunPhase.SUBMITTING and not isinstance(sighting.runs.get(run.id), Seen | Silent | Departed):
        return Queued()
    fact = _seen_before(watched.open_stop, run, sighting.stops.get(watched.open_stop.id, _LEFT_OUT))
    if isinstance(fact, Running):
        fact = with_ailment(fact, run)
    return places.hold_back(watched.open_stop, fact, watched.open_save)


def _seen_before(stop: Stop, run: Run, fact: StopFact) -> StopFact:
    """What is known of a stop whose job was seen to end before its application cluster went: not to be seen again.

    A job that finished after Flink had named the savepoint needs no more of that cluster. One that only gives no answer
    now is asked again: the job may have restarted after its savepoint, and have finished by itself.
    """
    state = _ENDED_AS.get(run.phase)
    if state is None or not isinstance(fact, Departed):
        return fact
    if stop.claim is not None and stop.forgotten_since is None and state is JobState.FINISHED:
        return Saved(stop.claim, state)
    return Lingering(Ended(state, cause=run.reason))


def _save_fact(watched: Watched, run: Run, sighting: Sighting) -> SaveFact:
    """What to make of a savepoint of a running job. What has not begun makes way for a stop."""
    assert watched.open_save is not None, "only asked for open ones"
    if places.makes_way(watched.open_save, watched.open_stop):
        return Preempted()
    fact = sighting.saves.get(watched.open_save.id, _LEFT_OUT)
    return with_ailment(fact, run) if isinstance(fact, Running) else fact


# What to do about it. ------------------------------------------------------------------------------------------------


def decide(at: Situation, findings: Findings, evidence: Mapping[Where, Evidence]) -> Plan:
    """The next step of everything. `evidence` is what storage shows; where it has not answered yet there is none."""
    changes: list[Change] = []
    submits: dict[int, bool] = {}
    commands: dict[str, JobCommand] = {}
    for found in findings.each:
        run = as_proven(found.run, found.stop_fact, found.save_fact)
        stop, stop_command = _stop(at, found, run, evidence)
        run = _without_its_cluster(found, run, stop, at.now)
        save, take = _save(at, found, evidence)
        before = found.before
        stop, save = with_proof(run, stop, before.stop), with_proof(run, save, before.save)
        same = run is before.run and stop is before.stop and save is before.save
        after = before if same else replace(before, run=run, stop=stop, save=save)
        changes.append(Change(before, after, at.sighting.flink_version))
        if found.submit:
            submits[run.id] = before.run.phase is RunPhase.ACCEPTED
        if stop and stop_command:
            commands[stop.trigger] = stop_command
        if save and take:
            commands[save.trigger] = take
    return Plan(changes, submits, commands)


def _stop(
    at: Situation, found: Found, run: Run, evidence: Mapping[Where, Evidence]
) -> tuple[Stop | None, JobCommand | None]:
    stop, look = found.known.stop, found.stop_look
    if stop is not None and found.stop_fact is not None:
        return stop_decide.decide(stop, found.stop_fact, evidence.get(look) if look else None, at.now, at.rules)
    if stop is not None and run.phase is RunPhase.RUNNING and isinstance(at.sighting.runs.get(run.id), Seen):
        return stops.contradicted(stop, at.now), None
    return stop, None


def _without_its_cluster(found: Found, run: Run, stop: Stop | None, now: datetime) -> Run:
    """The run, which goes where the end of its application cluster has just settled its stop."""
    settled = found.known.open_stop is not None and stop is not None and stop.phase in stops.SETTLED
    went = settled and isinstance(found.stop_fact, Departed) and run.phase is RunPhase.RUNNING
    return runs.went_with_its_stop(run, now) if went else run


def _save(at: Situation, found: Found, evidence: Mapping[Where, Evidence]) -> tuple[Save | None, JobCommand | None]:
    save, look = found.known.save, found.save_look
    if save is None or found.save_fact is None:
        return save, None
    return saves.decide(save, found.save_fact, evidence.get(look) if look else None, at.now, at.rules)


def answered(watched: Watched, trigger: str, answer: Answer, now: datetime, rules: StopRules) -> Watched:
    """The same, after the cluster has answered the command of its stop or of its savepoint, whichever it was."""
    if watched.save and watched.save.trigger == trigger:
        return replace(watched, save=saves.decide(watched.save, answer, None, now, rules)[0])
    assert watched.stop is not None, "only stops and savepoints have commands"
    return replace(watched, stop=stop_decide.decide(watched.stop, answer, None, now, rules)[0])
