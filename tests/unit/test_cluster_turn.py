"""One turn at one cluster, decided: several jobs at once, and what each has to wait for."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sluiceway.domain import cluster_turn
from sluiceway.domain.awaited import STARTS_WITHIN, awaited
from sluiceway.domain.catalogue import entries
from sluiceway.domain.cluster_turn import Findings, Plan, Situation, Where
from sluiceway.domain.commands import StopWithSavepoint, TakeSavepoint
from sluiceway.domain.copies import replace
from sluiceway.domain.engine import Sighting
from sluiceway.domain.facts import (
    Absent,
    Acknowledged,
    Complete,
    Evidence,
    JobState,
    Missing,
    Refusal,
    Refused,
    RunFact,
    Running,
    Saved,
    SaveFact,
    Seen,
    StopFact,
    Submitting,
)
from sluiceway.domain.happenings import happenings
from sluiceway.domain.job import JobSpec
from sluiceway.domain.operations import attempt
from sluiceway.domain.operations.save import Save, SavePhase
from sluiceway.domain.operations.stop import Stop, StopPhase, StopRules
from sluiceway.domain.policy import SavepointFormat, StopPolicy
from sluiceway.domain.run import Run, RunPhase
from sluiceway.domain.traits import Traits
from sluiceway.domain.watched import Change, Watched

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RULES = StopRules(
    timeout=timedelta(seconds=600),
    attempts=3,
    backoff=timedelta(seconds=2),
    gone_after=timedelta(seconds=30),
    forgotten_after=timedelta(seconds=2),
)
HASHMAP = Traits(backend="hashmap", asynchronous=False)


def running(number: int, *, stop: Stop | None = None, save: Save | None = None) -> Watched:
    run = Run(number, number, f"{number:032x}", RunPhase.RUNNING, acknowledged=True, started_at=NOW, traits=HASHMAP)
    return Watched(run, stop, project="p", save=save)


def accepted(number: int, *, held: bool = False) -> Watched:
    return Watched(Run(number, number, f"{number:032x}", RunPhase.ACCEPTED, held=held, traits=HASHMAP))


def stop(number: int, phase: StopPhase = StopPhase.WAITING) -> Stop:
    return Stop(
        id=number,
        job_id=number,
        flink_job_id=f"{number:032x}",
        savepoint=True,
        root=f"file:///s/{number}",
        token=f"{number:032x}",
        phase=phase,
        deadline=NOW + RULES.timeout,
        sent_at=None if phase is StopPhase.WAITING else NOW,
    )


def save(number: int) -> Save:
    return Save(
        id=number,
        job_id=number,
        flink_job_id=f"{number:032x}",
        trigger="a" * 32,
        target=f"file:///s/{number}/own",
        phase=SavePhase.WAITING,
        deadline=NOW + RULES.timeout,
    )


def shown(
    watched: Sequence[Watched],
    stops: Mapping[int, StopFact] | None = None,
    saves: Mapping[int, SaveFact] | None = None,
    runs: Mapping[int, RunFact] | None = None,
) -> Situation:
    """A look that shows all jobs running, but for what is said otherwise."""
    opened, saving = cluster_turn.opened(watched)
    sighting = Sighting(
        {each.id: Running() for each in opened} | dict(stops or {}),
        {each.run.id: Seen(JobState.RUNNING) for each in watched} | dict(runs or {}),
        {each.id: Running() for each in saving} | dict(saves or {}),
        flink_version="2.2.0",
    )
    return Situation(watched, sighting, NOW, RULES, max_savepoints=2)


def decided(situation: Situation, evidence: Mapping[Where, Evidence] | None = None) -> Plan:
    return cluster_turn.decide(situation, cluster_turn.find(situation), evidence or {})


def found(situation: Situation) -> Findings:
    return cluster_turn.find(situation)


def test_what_is_sent_is_recorded_as_sent() -> None:
    plan = decided(shown([running(1, stop=stop(1)), running(2)]))
    [sent, idle] = plan.changes
    assert sent.after.stop is not None
    assert sent.after.stop.phase is StopPhase.SENT
    assert not idle.moved
    [(trigger, command)] = plan.commands.items()
    assert isinstance(command, StopWithSavepoint)
    assert trigger == command.trigger == sent.after.stop.trigger
    assert sent.after.unconfirmed == [trigger]


def test_the_oldest_stops_take_the_places_of_their_cluster() -> None:
    plan = decided(shown([running(number, stop=stop(number)) for number in (3, 1, 2)]))
    assert [change.after.run.id for change in plan.changes if change.moved] == [1, 2]
    assert len(plan.commands) == 2


def test_a_savepoint_gets_the_place_that_stops_leave() -> None:
    both = [running(1, stop=stop(1)), running(2, save=save(2)), running(3, save=save(3))]
    commands = decided(shown(both)).commands.values()
    assert [type(command) for command in commands] == [StopWithSavepoint, TakeSavepoint]


def test_a_savepoint_that_has_not_begun_makes_way_for_a_stop_of_its_job() -> None:
    plan = decided(shown([running(1, stop=stop(1), save=save(1))]))
    assert plan.changes[0].after.save is not None
    assert plan.changes[0].after.save.phase is SavePhase.FAILED
    assert [type(command) for command in plan.commands.values()] == [StopWithSavepoint]


def test_nothing_is_saved_before_it_is_known_how_its_state_is_kept() -> None:
    unknown = running(1, stop=stop(1))
    situation = shown([replace(unknown, run=replace(unknown.run, traits=None))])
    assert not decided(situation).commands
    asked = replace(situation, sighting=replace(situation.sighting, traits={1: Traits(backend="hashmap")}))
    plan = decided(replace(asked, traits=cluster_turn.learn(asked.sighting, {1: (JobSpec("SELECT 1"), False)})))
    assert plan.commands
    assert plan.changes[0].after.run.traits == HASHMAP


def test_a_cluster_without_an_answer_proves_nothing() -> None:
    watched = [running(1, stop=stop(1, StopPhase.SENT)), running(2, save=save(2)), running(3)]
    silent = replace(shown(watched), sighting=cluster_turn.silence(watched, "away"))
    plan = decided(silent)
    assert [change.after.run for change in plan.changes] == [change.before.run for change in plan.changes]
    assert not plan.commands
    assert not plan.submits


def test_a_stop_is_judged_once_storage_has_answered() -> None:
    over = Saved("file:///s/1/savepoint", JobState.FINISHED)
    situation = shown([running(1, stop=stop(1, StopPhase.SENT))], {1: over}, runs={1: Seen(JobState.FINISHED)})
    findings = found(situation)
    [look] = findings.looks
    assert look == (stop(1).target, Saved)
    waits = cluster_turn.decide(situation, findings, {}).changes[0].after
    assert waits.stop is not None
    assert waits.stop.phase is StopPhase.SENT
    plan = cluster_turn.decide(situation, findings, {look: Complete("file:///s/1/savepoint", 17)})
    [change] = plan.changes
    [entry] = entries(change, NOW)
    assert (entry.project, entry.run_id, entry.stop_id, entry.path) == ("p", 1, 1, "file:///s/1/savepoint")
    assert (entry.size, entry.verified_at, entry.flink_version) == (17, NOW, "2.2.0")
    assert change.after.newest_savepoint == ("file:///s/1/savepoint", 17)
    assert [each.kind for each in happenings(change)] == ["run_finished", "stop_stopped"]


def test_what_a_stop_kept_follows_what_was_saved_before_it_in_the_catalogue() -> None:
    policy = StopPolicy(drain=True, format=SavepointFormat.NATIVE)
    before = running(1, stop=replace(stop(1), policy=policy, batch_id=4), save=save(1))
    assert before.stop is not None
    assert before.save is not None
    unread = attempt.kept_unverified(before.stop, "s3://b/stop")
    saved = attempt.kept(before.save, Complete("file:///s/1/own/savepoint", 5))
    both = Change(before, replace(before, stop=unread, save=saved))
    first, last = entries(both, NOW)
    assert (first.path, first.save_id, first.stop_id, first.batch_id) == ("file:///s/1/own/savepoint", 1, None, None)
    assert (first.format, first.drained, first.verified_at) == ("canonical", False, NOW)
    assert (last.path, last.save_id, last.stop_id, last.batch_id) == ("s3://b/stop", None, 1, 4)
    assert (last.format, last.drained, last.verified_at) == ("native", True, None)
    assert not list(entries(Change(both.after, both.after), NOW)), "it is put there once"


@pytest.mark.parametrize("value", [running(1).run, stop(1), save(1), running(1, stop=stop(1))])
def test_what_is_moved_is_what_dataclasses_would_make_of_it(value: Any) -> None:
    before = dataclasses.replace(value)
    name = dataclasses.fields(value)[1].name
    moved = replace(value, **{name: None})
    assert moved == dataclasses.replace(value, **{name: None})
    assert (type(moved), getattr(moved, name)) == (type(value), None)
    assert value == before, "and what it was made of stays as it was"
    assert not hasattr(value, "__post_init__"), "which nobody would call"
    with pytest.raises(KeyError):
        replace(value, nothing_of_that_name=1)


def test_what_was_seen_before_a_gap_is_no_doubt_any_more() -> None:
    missing = running(1)
    doubted = replace(missing, run=replace(missing.run, doubt_since=NOW - RULES.gone_after))
    situation = shown([doubted], runs={1: Missing()})
    assert decided(situation).changes[0].after.run.phase is RunPhase.LOST
    later = decided(replace(situation, gap=RULES.gone_after)).changes[0].after.run
    assert (later.phase, later.doubt_since) == (RunPhase.RUNNING, NOW)


def test_a_run_is_submitted_where_there_is_room() -> None:
    waiting = [accepted(1), accepted(2, held=True), accepted(3)]
    situation = shown(waiting, runs={each.run.id: Missing() for each in waiting})
    plan = decided(situation)
    assert plan.submits == {1: True, 3: True}, "certainly for the first time, and none that is held"
    full = decided(replace(situation, submitting=dict.fromkeys(range(10, 18), "p")))
    assert not full.submits
    assert not any(change.moved for change in full.changes)


def test_a_stop_withdraws_a_start_that_was_not_sent() -> None:
    plan = decided(shown([replace(accepted(1), stop=stop(1))], {1: Missing()}, runs={1: Submitting()}))
    after = plan.changes[0].after
    assert after.run.phase is RunPhase.CANCELED
    assert after.stop is not None
    assert after.stop.phase is StopPhase.ENDED
    assert not plan.submits


def test_an_answer_moves_what_it_answers() -> None:
    plan = decided(shown([running(1, stop=stop(1))]))
    sent = plan.changes[0].after
    [trigger] = plan.commands
    known = cluster_turn.answered(sent, trigger, Acknowledged(), NOW, RULES)
    assert known.unconfirmed == []
    refused = cluster_turn.answered(sent, trigger, Refused(Refusal.OTHER, "no"), NOW, RULES)
    assert refused.stop is not None
    assert refused.stop.phase is StopPhase.FAILED


def test_an_empty_directory_is_no_success() -> None:
    over = Saved("file:///s/1/savepoint", JobState.FINISHED)
    situation = shown([running(1, stop=stop(1, StopPhase.SENT))], {1: over}, runs={1: Seen(JobState.FINISHED)})
    [look] = found(situation).looks
    after = decided(situation, {look: Absent(look[0])}).changes[0].after
    assert after.stop is not None
    assert (after.stop.phase, after.stop.doubt_since) == (StopPhase.SENT, NOW)


def test_what_is_overdue_is_not_awaited_soon() -> None:
    late = running(1, stop=stop(1, StopPhase.OVERDUE))
    soon, starting = awaited([late, running(2, stop=stop(2)), accepted(3)], {}, 100.0)
    assert soon == 4, "two that have yet to be seen at work, one stop and one start"
    assert awaited([late], starting, 100.0 + STARTS_WITHIN)[0] == 0


def test_a_change_without_a_move_tells_nothing() -> None:
    assert list(happenings(Change(running(1), running(1)))) == []
