"""Who may begin now: what is under way at once has a limit, and others go first.

The operations of one job never overlap (`hold_back`); a cluster has room for some savepoints (`share`) and submissions
(`to_submit`); an order has waves, and room for some stops or starts (`release_stops`, `release_starts`). Whether a job
accepts an order at all stands in `admission`.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sluiceway.domain.batch import Limits, Tally
from sluiceway.domain.coming_back import COMING, BackPhase, BackPolicy, BackTally, Begun
from sluiceway.domain.facts import (
    Blocked,
    Departed,
    Ended,
    Gone,
    Missing,
    Queued,
    Running,
    Saved,
    SaveFact,
    Silent,
    StopFact,
    Weighed,
)
from sluiceway.domain.operations.save import Save, SavePhase
from sluiceway.domain.operations.stop import SETTLED, Stop, StopPhase

MINUTE = timedelta(minutes=1)
SUBMISSIONS = 8  # under way at one cluster at once


def to_submit(wanted: Mapping[int, str], under_way: Mapping[int, str], begun: Collection[int] = ()) -> set[int]:
    """Those of the wanted runs that there is room for now. Both mappings tell the project of each run.

    The project with the fewest under way comes first, so that no project's many hold up another's few. Of one project
    the first come first. `begun` are further runs whose submissions need no place and must not begin again.
    """
    busy = Counter(under_way.values())
    waiting: dict[str, list[int]] = {}
    for run_id, project in wanted.items():
        if run_id not in under_way and run_id not in begun:
            waiting.setdefault(project, []).append(run_id)
    for of_project in waiting.values():
        of_project.reverse()
    admitted: set[int] = set()
    while waiting and len(under_way) + len(admitted) < SUBMISSIONS:
        project = min(waiting, key=busy.__getitem__)
        admitted.add(waiting[project].pop())
        busy[project] += 1
        if not waiting[project]:
            del waiting[project]
    return admitted


# Savepoints in a cluster. ---------------------------------------------------------------------------------------------


def share(
    stops: Sequence[Stop],
    facts: Mapping[int, StopFact],
    saves: Sequence[Save],
    save_facts: Mapping[int, SaveFact],
    limit: int,
) -> tuple[dict[int, StopFact], dict[int, SaveFact]]:
    """The same facts, with what has to wait for its turn marked `Queued`. Stops take their places first.

    At most `limit` savepoints are under way in a cluster at once.
    """
    # One that is overdue may hang for ever, and takes no place from the others.
    free = limit - sum(each.phase is SavePhase.SENT for each in saves)
    admitted = admit_stops(stops, facts, free)
    free -= sum(_takes_place(stop, admitted[stop.id]) for stop in stops)
    return admitted, admit_saves(saves, save_facts, free)


def admit_stops(stops: Iterable[Stop], facts: Mapping[int, StopFact], limit: int) -> dict[int, StopFact]:
    """The same facts, with stops that have to wait for their turn marked `Queued`.

    At most `limit` savepoints are under way in a cluster at once; the oldest go first. Cancels wait for nobody but
    their batch.
    """
    admitted = dict(facts)
    waiting = []
    free = limit
    for stop in sorted(stops, key=lambda s: s.id):
        fact = facts.get(stop.id)
        if stop.held and isinstance(fact, Running | Weighed | Blocked | Silent | Departed):
            admitted[stop.id] = Queued()
            continue
        if not stop.savepoint or stop.phase in SETTLED:
            continue
        if stop.sent_at is not None:
            # One that is overdue may hang for ever; it must not keep its place from the others.
            over = stop.phase is StopPhase.OVERDUE or isinstance(fact, Saved | Ended | Missing | Departed | Gone)
            free -= 0 if over else 1
        elif isinstance(fact, Running) and fact.ready:
            waiting.append(stop.id)
    for stop_id in waiting[max(free, 0) :]:
        admitted[stop_id] = Queued()
    return admitted


def admit_saves(saves: Iterable[Save], facts: Mapping[int, SaveFact], places: int) -> dict[int, SaveFact]:
    """The same facts, with those marked `Queued` that have to wait for a place in their cluster."""
    ready = sorted(s.id for s in saves if s.sent_at is None and _is_ready(facts.get(s.id)))
    return {**facts, **dict.fromkeys(ready[max(places, 0) :], Queued())}


def _is_ready(fact: SaveFact | None) -> bool:
    return isinstance(fact, Running) and fact.ready


def _takes_place(stop: Stop, fact: StopFact) -> bool:
    """Whether a stop counts among the savepoints under way, or is about to."""
    if stop.sent_at is None:
        return stop.savepoint and isinstance(fact, Running)
    return stop.savepoint and stop.phase is not StopPhase.OVERDUE


# Operations of a job. -------------------------------------------------------------------------------------------------


def hold_back(stop: Stop, fact: StopFact, save: Save | None) -> StopFact:
    """What to make of a stop of a job that has a savepoint in flight: never two operations of ours on one state.

    A cancel waits for nobody, except one that a deletion brings about: what was accepted is let finish, in its time.
    """
    if save is None or not save.in_flight or not isinstance(fact, Running) or stop.sent_at:
        return fact
    deletion = stop.batch_id is None and save.phase is not SavePhase.OVERDUE
    return Blocked("a savepoint of the job is under way, and ends first") if stop.savepoint or deletion else fact


def makes_way(save: Save, stop: Stop | None) -> bool:
    """Whether a savepoint makes way for an open stop of its job: what has not begun does."""
    return stop is not None and save.sent_at is None


# Stops and starts of an order. ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Release:
    """What may begin now: at most `places` of what is held in `wave`; None for all of it."""

    wave: int
    places: int | None


def release_stops(limits: Limits, tally: Sequence[Tally]) -> Release | None:
    """The stops that may begin now: those of a wave once the wave before it has settled, as far as there is room."""
    unsettled = [t for t in tally if t.phase not in SETTLED]
    if not any(t.held for t in unsettled):
        return None
    wave = min(t.wave for t in unsettled)
    if not any(t.held and t.wave == wave for t in unsettled):
        return None
    if limits.max_parallel is None:
        return Release(wave, None)
    # One that is overdue may stay so for ever; it must not keep its place from the others.
    begun = sum(t.count for t in unsettled if not t.held and t.phase is not StopPhase.OVERDUE)
    places = limits.max_parallel - begun
    return Release(wave, places) if places > 0 else None


def release_starts(policy: BackPolicy, tally: Sequence[BackTally], begun: Begun) -> Release | None:
    """The starts that may begin now: the last wave first, as far as there is room and time.

    A job that has not run steadily for a time holds up nobody any longer: it may never.
    """
    open_ = [t for t in tally if t.phase is BackPhase.HELD or (t.phase in COMING and not t.unwell)]
    wave = max((t.wave for t in open_), default=0)
    if not any(t.phase is BackPhase.HELD and t.wave == wave for t in open_):
        return None
    most = policy.limits.max_parallel
    coming = sum(t.count for t in open_ if t.phase in COMING)
    rooms = [] if most is None else [most - coming]
    rooms += [] if policy.pace is None else [_paced(policy.pace, begun)]
    if not rooms:
        return Release(wave, None)
    return Release(wave, min(rooms)) if min(rooms) > 0 else None


def _paced(pace: int, begun: Begun) -> int:
    """How many may begin now: evenly, so that a time of waiting is not made up for at once."""
    if begun.since is None:
        return 1
    due = int(begun.since / (MINUTE / pace))
    return min(due, math.ceil(pace / 60), pace - begun.lately)
