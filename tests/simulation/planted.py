"""Bugs to plant: each breaks one rule or one order of steps, and the simulation must notice.

Random weather notices most of them. The others need so many things in a row that a scene plays them (`scenes.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import false, select
from tests.simulation import memory
from tests.simulation.disk import SimStorage

from sluiceway.control import preflight
from sluiceway.control.way_back import WaysBack
from sluiceway.domain import cluster_options, cluster_turn, health, judging, places, proving, savepoint_format, weighing
from sluiceway.domain import run as runs
from sluiceway.domain.admission import Refusal, Verdict
from sluiceway.domain.batch import Limits, Tally
from sluiceway.domain.facts import (
    Complete,
    Ended,
    JobState,
    Lingering,
    Recovering,
    Refused,
    Saved,
    Silent,
    Stopping,
    Unreadable,
    Weighed,
)
from sluiceway.domain.health import Condition
from sluiceway.domain.operations import attempt, stop_decide, stop_endings
from sluiceway.domain.operations import save as saves
from sluiceway.domain.operations import stop as stops
from sluiceway.domain.operations.stop import Stop, StopPhase
from sluiceway.domain.places import Release
from sluiceway.domain.policy import IfNotRunning, SavepointFormat
from sluiceway.domain.proving import AttemptCase, Unanswered
from sluiceway.domain.savepoint_failure import Outcome
from sluiceway.domain.savepoint_format import Choice
from sluiceway.reconcile import turn
from sluiceway.reconcile.submissions import Submissions
from sluiceway.reconcile.turn import Turn
from sluiceway.store import batches, leases, ledger, views, work
from sluiceway.store.bulk import guarded_update
from sluiceway.store.leases import Lease
from sluiceway.store.schema import stops as stop_rows

Plant = Callable[[Callable[[Any, str, Any], None]], None]
PLANTED: dict[str, tuple[Plant, int | None]] = {}  # by name; with a seed that notices it; None: a scene does


def plant(seed: int | None = None) -> Callable[[Plant], Plant]:
    """A bug, by its name; it is given `setattr`. Without a seed it has to have a scene."""

    def add(function: Plant) -> Plant:
        PLANTED[function.__name__] = function, seed
        return function

    return add


@plant(214)
def a_new_trigger_id_at_every_resend(put: Any) -> None:
    """Two ids at once restart the job."""
    before = stop_decide._running

    def running(stop: Stop, fact: Any, now: datetime, rules: Any) -> Any:
        if stop.sent_at is not None and not stop.acknowledged:
            stop = replace(stop, attempt=stop.attempt + 1)
            return stop, stop.command
        return before(stop, fact, now, rules)

    put(stop_decide, "_running", running)


@plant(1)
def canonical_for_everybody(put: Any) -> None:
    """Whatever it does to the job."""

    def chosen(*_: Any) -> Choice:
        return Choice(SavepointFormat.CANONICAL, "as ever")

    put(attempt, "choose", chosen)


@plant(42)
def canonical_where_nobody_knows(put: Any) -> None:
    """As if no answer were a yes."""
    before = savepoint_format.choose

    def chosen(traits: Any, wish: Any) -> Choice:
        return before(replace(traits, backend="hashmap", asynchronous=False) if not traits.backend else traits, wish)

    put(attempt, "choose", chosen)


@plant(32)
def a_restart_from_nothing_is_no_news(put: Any) -> None:
    """It is tried again, and what is left is saved."""

    def failure(_: Any, failed: Any, __: float) -> Any:
        yield from ()
        return Refused(failed.refusal, failed.text)

    put(AttemptCase, "failure", failure)


@plant()
def a_failure_that_is_not_remembered(put: Any) -> None:
    """Until it is known what it did, it might be forgotten."""
    before = stop_decide._judge

    def judge(stop: Stop, fact: Any, evidence: Any, now: datetime, rules: Any) -> Any:
        fact = replace(fact, failed=False) if isinstance(fact, Recovering) else fact
        return before(stop, fact, evidence, now, rules)

    put(stop_decide, "_judge", judge)


@plant()
def a_failure_is_nothing_without_its_aftermath(put: Any) -> None:
    """Flink has told that an attempt failed, and does not answer what that did."""
    before = AttemptCase.failure

    def failure(*about: Any) -> Any:
        try:
            return (yield from before(*about))
        except Unanswered as error:
            raise TimeoutError from error  # which is told as no answer at all

    put(AttemptCase, "failure", failure)


@plant()
def a_checkpoint_is_taken_on_trust(put: Any) -> None:
    """Flink may tell for a while what was the last checkpoint before the cancel."""
    before = stop_endings._kept

    def kept(stop: Stop, fact: Ended, evidence: Any, now: datetime, rules: Any) -> Stop:
        if isinstance(evidence, Unreadable):
            return stop_endings._kept_unread(stop, fact, evidence.why, now)
        return before(stop, fact, evidence, now, rules)

    put(stop_endings, "_kept", kept)


@plant()
def a_restart_is_seen_in_an_old_answer(put: Any) -> None:
    """Flink tells of a job from a cache."""
    put(proving, "FRESH", 0.0)
    put(proving, "SETTLE", 0.0)


@plant(0)
def asked_before_it_is_stored(put: Any) -> None:
    """The order of a turn."""

    async def take(self: Any, cluster: Any, lease: Lease) -> Any:
        found = await self._watched(lease)
        if not found:
            return turn.Outlook()
        sighting = self._submissions.amend(found, await self._observe(cluster, lease.cluster, found))
        plan = await self._plan(found, sighting, None)
        hoped = {change.after.run.id: change.after for change in plan.changes}
        if cluster is not None:
            await self._send(cluster, lease, hoped, plan)
        stored = await self._memory.record(lease, plan.changes, self._clock())
        return turn.Outlook(sighting.answered, self._under_way(stored.values()))

    put(Turn, "__call__", take)


@plant(66)
def absence_is_gone_at_once(put: Any) -> None:
    """A JobManager that recovers does not know its jobs."""
    before = stop_endings.missing

    def missing(stop: Stop, evidence: Any, now: datetime, rules: Any) -> Stop:
        return before(stop, evidence, now, replace(rules, gone_after=timedelta(0)))

    put(stop_decide, "missing", missing)


@plant(66)
def a_run_that_is_absent_is_lost_at_once(put: Any) -> None:
    """The same for a job that nobody stops."""
    before = runs._missing
    put(runs, "_missing", lambda run, now, _, life: before(run, now, timedelta(0), life))


@plant(3)
def silence_begins_a_new_attempt(put: Any) -> None:
    """No answer is not a no."""
    before = stop_decide._judge

    def judge(stop: Stop, fact: Any, evidence: Any, now: datetime, rules: Any) -> Any:
        if isinstance(fact, Silent) and stop.sent_at is not None and stop.savepoint:
            return stops.next_attempt(stop), None
        return before(stop, fact, evidence, now, rules)

    put(stop_decide, "_judge", judge)


@plant()
def all_attempts_share_a_directory(put: Any) -> None:
    """So that an older attempt's savepoint passes for this one's."""
    put(Stop, "target", property(lambda stop: f"{stop.root}/all"))


@plant(3)
def saved_without_a_terminal_job(put: Any) -> None:
    """A location alone is no success."""
    before = weighing._Stop.fact

    def fact(self: Any) -> Any:
        found = yield from before(self)
        return Saved("file:/somewhere", JobState.FINISHED) if isinstance(found, Stopping) and found.saved else found

    put(weighing._Stop, "fact", fact)


@plant()
def a_result_that_never_comes_is_waited_for(put: Any) -> None:
    """Flink goes on showing an attempt as under way whose job is over."""
    before = weighing._Stop.fact

    def fact(self: Any) -> Any:
        found = yield from before(self)
        return Stopping() if isinstance(found, Lingering) else found

    put(weighing._Stop, "fact", fact)


@plant()
def the_last_savepoint_is_the_end(put: Any) -> None:
    """Although its job may have run on after it."""

    def ended_with(found: Any, target: str, _: Any) -> Any:
        yield from ()
        return proving.last_in(found, target) is not None

    put(weighing, "ended_with", ended_with)


@plant()
def a_failed_stop_with_a_savepoint_is_a_success(put: Any) -> None:
    """Although its job restarts."""
    before = weighing._Stop._failed

    def of_failure(self: Any, failed: Any, now: float) -> Any:
        if failed.location and self.run.state.terminal:
            return Saved(failed.location, self.run.state)
        return (yield from before(self, failed, now))

    put(weighing._Stop, "_failed", of_failure)


@plant()
def everybody_gets_the_lease(put: Any) -> None:
    """Two services work on one cluster."""

    async def claim(_: Any, clusters: Sequence[str], owner: str, *__: Any) -> dict[str, Lease]:
        return {cluster: Lease(cluster, owner, 1) for cluster in clusters}

    def held(*_: Any) -> bool:
        return True

    put(memory, "_CLAIM", claim)
    put(work, "_FORESTALLED", work._of_forestalled(false()))
    put(leases, "still_held", held)


@plant(1)
def the_deadline_is_a_failure(put: Any) -> None:
    """A deadline answers the caller; it does not change the truth."""

    def overdue(stop: Stop, why: str, now: datetime) -> Stop:
        return stop if now < stop.deadline else stops.settle(stop, StopPhase.FAILED, why, now)

    put(stop_decide, "_overdue", overdue)


@plant(6)
def a_savepoint_that_fails_costs_the_job(put: Any) -> None:
    """Cancel what could not be saved, though nobody said so."""
    before = stop_decide._refused

    def refused(stop: Stop, fact: Refused, now: datetime, rules: Any) -> Any:
        moved, command = before(stop, fact, now, rules)
        if moved.phase is StopPhase.FAILED and stop.savepoint:
            return stops.give_up(stop, in_flight=False), None
        return moved, command

    put(stop_decide, "_refused", refused)


@plant(28)
def lost_is_told_as_stopped(put: Any) -> None:
    """A false success."""
    before = stops.settle

    def settle(stop: Stop, phase: StopPhase, why: str, now: datetime) -> Stop:
        return before(stop, StopPhase.STOPPED if phase is StopPhase.LOST else phase, why, now)

    put(stop_decide, "settle", settle)
    put(stop_endings, "settle", settle)


@plant()
def a_restart_unnoticed(put: Any) -> None:
    """A complete savepoint counts although its job was seen running after it."""
    before = stop_endings.gone

    def gone(stop: Stop, why: str, evidence: Any, now: datetime) -> Stop:
        return before(replace(stop, forgotten_since=None), why, evidence, now)

    put(stop_decide, "gone", gone)
    put(stop_endings, "gone", gone)
    judged = stop_endings._with_evidence
    put(
        stop_endings,
        "_with_evidence",
        lambda stop, fact, evidence, now: judged(
            replace(stop, forgotten_since=None), replace(fact, refusal=None), evidence, now
        ),
    )


@plant(1)
def no_cap_on_savepoints(put: Any) -> None:
    """All at once."""

    def admit(_: Any, facts: Mapping[int, Any], __: int) -> Mapping[int, Any]:
        return facts

    put(places, "admit_stops", admit)


@plant(8)
def submitted_under_a_new_id(put: Any) -> None:
    """A start that is not exactly-once."""
    before = Submissions._submit

    async def submit(self: Any, cluster: Any, run: Any, load: Any) -> Any:
        return await before(
            self, cluster, replace(run, flink_job_id=f"{run.flink_job_id[:24]}{id(self) % 10**8:08d}"), load
        )

    put(Submissions, "_submit", submit)


@plant()
def a_withdrawn_start_never_arrives(put: Any) -> None:
    """A submission without an answer may arrive later."""
    before = runs._withdrawn
    put(runs, "_withdrawn", lambda run, certain, now, gone_after: before(run, True, now, gone_after))


@plant(97)
def no_guard_on_the_version(put: Any) -> None:
    """Who was forestalled writes all the same."""

    async def nobody(*_: Any) -> set[int]:
        return set()

    async def write(connection: Any, table: Any, rows: Any, match: Any = ("id",)) -> set[int]:
        return await guarded_update(connection, table, rows, match=match)

    put(work, "_forestalled", nobody)
    put(work, "guarded_update", write)
    put(ledger, "guarded_update", write)


@plant(3)
def a_wave_does_not_wait(put: Any) -> None:
    """For the one before it."""

    def release(limits: Limits, tally: Sequence[Tally]) -> Release | None:
        held = [t.wave for t in tally if t.held]
        return Release(max(held), None) if held else None

    put(batches, "release_stops", release)


@plant(125)
def more_at_once_than_was_asked(put: Any) -> None:
    """A batch's own limit."""
    before = places.release_stops

    def release(limits: Limits, tally: Sequence[Tally]) -> Release | None:
        return before(replace(limits, max_parallel=None), tally)

    put(batches, "release_stops", release)


@plant()
def checkpoints_that_nobody_keeps(put: Any) -> None:
    """A cancel removes them, unless the job says otherwise."""
    before = stop_decide._weighed

    def weighed(stop: Stop, fact: Weighed, now: datetime, rules: Any) -> Any:
        if fact.checkpoint is not None:
            fact = replace(fact, checkpoint=replace(fact.checkpoint, retained=True))
        return before(stop, fact, now, rules)

    put(stop_decide, "_weighed", weighed)


@plant()
def a_resurrection_is_ignored(put: Any) -> None:
    """A settled stop whose job runs again."""
    put(stops, "contradicted", lambda stop, _: stop)


@plant(0)
def events_are_forgotten(put: Any) -> None:
    """Where a stop settles."""
    before = work._told

    def told(change: Any, now: datetime) -> Sequence[Any]:
        return [event for event in before(change, now) if event["kind"] != "stop_stopped"]

    put(work, "_told", told)


@plant(0)
def the_job_does_not_show_it(put: Any) -> None:
    """Its status stays behind."""

    async def show(*_: Any) -> None:
        pass

    put(work, "_show", show)


@plant()
def resumed_from_an_older_state(put: Any) -> None:
    """A savepoint that a failed stop has left behind is overlooked."""

    async def roots(*_: Any) -> Mapping[int, Sequence[str]]:
        return {}

    put(views, "roots", roots)


@plant(1)
def no_evidence_is_looked_for(put: Any) -> None:
    """A stop waits for what nobody asks."""
    put(stop_endings, "evidence_at", lambda *_: None)


@plant(10)
def a_stop_beside_a_savepoint(put: Any) -> None:
    """It does not wait until the savepoint has ended."""
    put(places, "hold_back", lambda _, fact, __: fact)


@plant()
def a_savepoint_beside_a_stop(put: Any) -> None:
    """What has not begun does not make way."""
    before = cluster_turn._save_fact

    def fact(found: Any, run: Any, sighting: Any) -> Any:
        return before(replace(found, stop=None), run, sighting)

    put(cluster_turn, "_save_fact", fact)


@plant(51)
def a_savepoint_on_flinks_word(put: Any) -> None:
    """Nobody looks whether it is there."""
    before = saves._check

    def check(save: Any, evidence: Any, now: datetime, rules: Any) -> Any:
        return before(save, Complete(save.claim or save.target, 1), now, rules)

    put(saves, "_check", check)


@plant(10)
def a_savepoint_is_over_at_its_deadline(put: Any) -> None:
    """And a stop goes on, while Flink is still at it."""

    def overdue(save: Any, why: str, now: datetime) -> Any:
        late = now >= save.deadline
        return saves._settle(save, saves.SavePhase.FAILED, why, now) if late else save

    put(saves, "_overdue", overdue)


@plant()
def what_somebody_brought_is_forgotten(put: Any) -> None:
    """The newest state is taken instead."""
    before = WaysBack._look

    async def look(self: Any, origin: Any, *about: Any) -> Any:
        return await before(self, replace(origin, chosen=None), *about)

    put(WaysBack, "_look", look)


@plant(114)
def a_loop_that_nobody_notices(put: Any) -> None:
    """A job that restarts counts as one that starts."""
    before = health._condition

    def condition(*about: Any) -> Any:
        found = before(*about)
        return Condition.STARTING if found is Condition.RESTARTING else found

    put(health, "_condition", condition)


@plant(114)
def a_loop_that_is_told_for_ever(put: Any) -> None:
    """What runs steadily again is not seen to."""
    put(health, "_steady", lambda fares, *_: fares.condition is not Condition.RESTARTING)


@plant(149)
def a_savepoint_from_inside_a_loop_is_taken(put: Any) -> None:
    """What the run was started from is forgotten for one that proves nothing."""
    put(health, "unproven", lambda *_: "")


@plant(149)
def an_unproven_savepoint_is_resumed_from(put: Any) -> None:
    """It is marked, and taken all the same."""
    before = WaysBack._look

    async def look(self: Any, origin: Any, *about: Any) -> Any:
        found = select(stop_rows.c.savepoint_path).where(
            stop_rows.c.unproven != "", stop_rows.c.job_id == origin.job_id
        )
        async with self.db.read() as connection:
            rows = list((await connection.execute(found.order_by(stop_rows.c.id.desc()))).scalars())
        return await before(self, replace(origin, chosen=rows[0]) if rows else origin, *about)

    put(WaysBack, "_look", look)


@plant(7)
def a_stop_that_has_sent_nothing_is_in_the_way(put: Any) -> None:
    """Of a cancel."""
    before = judging.judge_stop

    def judge(obstacle: Any, *about: Any, **more: Any) -> Any:
        found = before(obstacle, *about, **more)
        return Verdict(Refusal.WRONG_STATE, obstacle.status) if found is judging.TAKES_ITS_PLACE else found

    put(judging, "judge_stop", judge)


# What a stop must never do to a job, and what must be seen: rows that had no bug of their own. -----------------


@plant(8)
def a_start_without_a_directory(put: Any) -> None:
    """Its checkpoints stay in the JobManager's memory, and a savepoint of more than 5 MB kills it."""
    put(SimStorage, "checkpoints", lambda *_: None)


@plant(0)
def a_dry_run_that_promises_that_jobs_run_on(put: Any) -> None:
    """Whatever a savepoint that fails would do to them."""
    put(preflight, "outcome", lambda *_: (Outcome.RUNS_ON, "It runs on."))


@plant(768)
def a_dry_run_without_finished_sources(put: Any) -> None:
    """It does not say that Flink takes no savepoint any more."""
    put(preflight, "never_again", lambda _: "")


@plant()
def what_flink_refuses_for_ever_is_sent(put: Any) -> None:
    """A source has finished, and the job takes no checkpoints after that."""
    before = attempt.prepared
    put(stop_decide, "prepared", lambda stop, fact, wish: before(stop, replace(fact, finished=0), wish))


@plant()
def a_savepoint_that_flink_refuses_for_ever_is_sent(put: Any) -> None:
    """The same of a job that is to run on."""
    before = attempt.prepared
    put(saves, "prepared", lambda save, fact, wish: before(save, replace(fact, finished=0), wish))


@plant(12)
def a_changelog_is_resumed_like_any_other(put: Any) -> None:
    """It fails at its first checkpoint."""
    put(cluster_options, "CHANGELOG", ())


@plant(52)
def a_start_that_fails_without_a_word(put: Any) -> None:
    """Where the cause stands, nobody looks."""

    before = weighing._shown

    def shown(job: Any) -> Any:
        fact: Any = yield from before(job)
        return replace(fact, why="")

    put(weighing, "_shown", shown)


@plant(58)
def a_deletion_waits_for_a_stop_that_has_sent_nothing(put: Any) -> None:
    """As long as that may take."""
    before = stop_decide._idle

    def wait(stop: Stop, *about: Any) -> Stop:
        patient = replace(stop.policy, if_not_running=IfNotRunning.WAIT)
        waits = before(replace(stop, cancel_on_failure=False, policy=patient), *about)
        return replace(waits, cancel_on_failure=stop.cancel_on_failure, policy=stop.policy)

    put(stop_decide, "_idle", wait)


@plant(28)
def what_went_wrong_beside_a_start_is_dropped(put: Any) -> None:
    """The job runs, so all is well."""
    before = runs.decide

    def decide(*about: Any, **more: Any) -> Any:
        run, command = before(*about, **more)
        return replace(run, note=""), command

    put(runs, "decide", decide)


@plant(0)
def up_before_it_has_proven_anything(put: Any) -> None:
    """All of its tasks run: that will do."""

    def risen(fares: Any, _pulse: Any, now: datetime, _rules: Any) -> Any:
        runs_now = fares.up_at is None and fares.condition is Condition.RUNNING
        return replace(fares, up_at=now) if runs_now else fares

    put(health, "_risen", risen)


@plant()
def the_end_of_a_cluster_is_silence(put: Any) -> None:
    """Nobody ever says what became of a job that went with its cluster."""

    def refused(watched: Any, why: str, *, application: bool) -> Any:
        return cluster_turn.silence(watched, why)

    put(cluster_turn, "refused", refused)


@plant()
def an_end_that_need_not_last(put: Any) -> None:
    """A JobManager that is being restarted refuses connections, too."""

    def departed(stop: Stop, evidence: Any, now: datetime, rules: Any) -> Stop:
        return stop_endings.gone(stop, "-", evidence, now)

    put(stop_decide, "departed", departed)


@plant()
def what_flink_said_is_dropped(put: Any) -> None:
    """Where the savepoint lies is judged when it is heard, and not kept."""
    before = stop_decide.decide

    def decide(*args: Any) -> Any:
        after, command = before(*args)
        return replace(after, claim=None), command

    put(stop_decide, "decide", decide)


@plant()
def a_look_counts_that_was_not_stored(put: Any) -> None:
    """Old doubts then count on from it, as if they had begun anew."""
    before, module = Turn.__call__, vars(turn)

    async def take(self: Turn, *about: Any) -> Any:
        outlook = await before(self, *about)
        if outlook.answered:
            self._looked = module["time"].monotonic()
        return outlook

    put(Turn, "__call__", take)


@plant()
def the_clock_is_read_in_the_middle_of_a_turn(put: Any) -> None:
    """Deadlines have not jumped with it yet."""
    put(Turn, "_now", lambda turn: turn._clock())
