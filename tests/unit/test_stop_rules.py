"""The rule that moves a stop, case by case, and what must hold whatever the world shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluiceway.domain.commands import Cancel, StopWithSavepoint
from sluiceway.domain.facts import (
    Absent,
    Acknowledged,
    Alive,
    Broken,
    Checkpoint,
    Complete,
    Ended,
    Evidence,
    Gone,
    Hung,
    JobState,
    Lingering,
    Missing,
    NeverRan,
    Queued,
    Recovering,
    Refusal,
    Refused,
    Restart,
    Running,
    Saved,
    Silent,
    StopFact,
    Stopping,
    Unreadable,
    Weighed,
)
from sluiceway.domain.operations.stop import (
    SETTLED,
    Stop,
    StopPhase,
    StopRules,
    contradicted,
    rearm,
)
from sluiceway.domain.operations.stop_decide import decide
from sluiceway.domain.operations.stop_endings import evidence_at
from sluiceway.domain.places import admit_stops
from sluiceway.domain.policy import IfNotRunning, Resort, SavepointFormat, StopPolicy
from sluiceway.domain.traits import UNKNOWN, Traits

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RULES = StopRules(
    timeout=timedelta(seconds=600),
    attempts=3,
    backoff=timedelta(seconds=2),
    gone_after=timedelta(seconds=30),
    forgotten_after=timedelta(seconds=2),
)
LATE = NOW + timedelta(hours=1)
SAVEPOINT = Complete("file:///s/savepoint-1", 17)
NAMED, NEWER = "file:/s/savepoint-1", "file:/s/savepoint-2"  # as Flink writes it, and one of a further try


def waiting(**changes: object) -> Stop:
    stop = Stop(
        id=1,
        job_id=7,
        flink_job_id="f" * 32,
        savepoint=True,
        root="file:///s/7",
        token="0" * 32,
        phase=StopPhase.WAITING,
        deadline=NOW + RULES.timeout,
    )
    return replace(stop, **changes)  # type: ignore[arg-type]


def sent(**changes: object) -> Stop:
    return waiting(**({"phase": StopPhase.SENT, "sent_at": NOW, "acknowledged": True} | changes))


def cancel(**changes: object) -> Stop:
    return waiting(**({"savepoint": False} | changes))


def doubted() -> Stop:
    return sent(doubt_since=NOW - RULES.gone_after)


def doubting(stop: Stop) -> Stop:
    return replace(stop, doubt_since=NOW - RULES.gone_after)


def forgotten() -> Stop:
    return sent(forgotten_since=NOW)


def given_up() -> Stop:
    return replace(rearm(sent(phase=StopPhase.OVERDUE), savepoint=False, deadline=NOW), sent_at=NOW)


def gave_up_for_good() -> Stop:
    """A cancel by policy, after a savepoint that failed: what that attempt may have left behind counts for nothing."""
    return decide(sent(policy=StopPolicy(resort=Resort.CANCEL)), IO, None, NOW, RULES)[0]


def canceled_for_theirs() -> Stop:
    return decide(sent(), HUNG, THEIRS, NOW, RULES)[0]


def canceled_for_checkpoint() -> Stop:
    return decide(weighing(), Weighed(YOUNG), None, NOW, RULES)[0]


def weighing() -> Stop:
    """A stop whose savepoint has failed for good, and that is to look at the last checkpoint next."""
    return decide(sent(policy=KEEPING), IO, None, NOW, RULES)[0]


IO = Refused(Refusal.STORAGE, "cannot write")
HUNG = Hung("file:///theirs/savepoint-2")
THEIRS = Complete("file:///theirs/savepoint-2", 18)
KEEPING = StopPolicy(resort=Resort.CANCEL_KEEPING_CHECKPOINT, checkpoint_age=timedelta(minutes=5))
YOUNG = Checkpoint("file:///c/chk-7", NOW - timedelta(minutes=5), retained=True)
CANCELED = Ended(JobState.CANCELED)
MOVED_ON = replace(CANCELED, moved_on=True)
RAN_ON = Ended(JobState.FINISHED, moved_on=True)
FAILED_MEANWHILE = Lingering(Ended(JobState.FAILED, cause="IOException: gone"))
FINISHED_UNTOLD = Lingering(Ended(JobState.FINISHED))
PERISHABLE, OLD = replace(YOUNG, retained=False), replace(YOUNG, at=NOW - timedelta(minutes=6))
SETTLING: list[tuple[str, Stop, StopFact, Evidence | None, StopPhase]] = [
    ("a verified savepoint", sent(), Saved(NAMED, JobState.FINISHED), SAVEPOINT, StopPhase.STOPPED),
    ("storage that cannot be read", sent(), Saved(NAMED, JobState.FINISHED), Unreadable("p", "-"), StopPhase.STOPPED),
    ("only an older one is there", doubted(), Saved(NEWER, JobState.FINISHED), SAVEPOINT, StopPhase.LOST),
    ("Flink says saved, storage stays empty", doubted(), Saved(NAMED, JobState.FINISHED), Absent("p"), StopPhase.LOST),
    ("Flink says saved, storage is broken", sent(), Saved(NAMED, JobState.FINISHED), Broken("p", "-"), StopPhase.LOST),
    ("failed while finishing, savepoint whole", sent(), Saved(NAMED, JobState.FAILED), SAVEPOINT, StopPhase.STOPPED),
    ("forgotten, but found on storage", sent(), Ended(JobState.FINISHED), SAVEPOINT, StopPhase.STOPPED),
    ("forgotten, and not on storage", doubted(), Ended(JobState.FINISHED), Absent("p"), StopPhase.LOST),
    ("forgotten, and storage unreadable", doubted(), Ended(JobState.CANCELED), Unreadable("p", "-"), StopPhase.LOST),
    ("found, but the job failed after it", sent(), Ended(JobState.FAILED), SAVEPOINT, StopPhase.LOST),
    ("found, but canceled by somebody", sent(), Ended(JobState.CANCELED), SAVEPOINT, StopPhase.LOST),
    ("found, but the job ran on after it", forgotten(), Ended(JobState.FINISHED), SAVEPOINT, StopPhase.LOST),
    ("gone, and the job ran on after it", forgotten(), Gone("-"), SAVEPOINT, StopPhase.LOST),
    ("saved before the cancel came", given_up(), Ended(JobState.FINISHED), SAVEPOINT, StopPhase.STOPPED),
    ("saved before the cancel came, but it ran on", given_up(), RAN_ON, SAVEPOINT, StopPhase.ENDED),
    ("over by itself after its savepoint failed", gave_up_for_good(), Ended(JobState.FINISHED), None, StopPhase.ENDED),
    ("refused, the job then over", sent(), Ended(JobState.FINISHED, "no"), Absent("p"), StopPhase.ENDED),
    ("refused, yet a savepoint", sent(), Ended(JobState.FAILED, "no"), SAVEPOINT, StopPhase.LOST),
    ("canceled by somebody else", sent(), Ended(JobState.CANCELED), Absent("p"), StopPhase.ENDED),
    ("over, and no result for long", doubted(), FAILED_MEANWHILE, Absent("p"), StopPhase.ENDED),
    ("over, no result for long, yet a savepoint", doubted(), FAILED_MEANWHILE, SAVEPOINT, StopPhase.LOST),
    ("finished, and no result for long", doubted(), FINISHED_UNTOLD, SAVEPOINT, StopPhase.STOPPED),
    ("finished, no result for long, no savepoint", doubted(), FINISHED_UNTOLD, Absent("p"), StopPhase.LOST),
    ("over before it was sent", waiting(), Ended(JobState.FINISHED), None, StopPhase.ENDED),
    ("cannot be written", sent(), IO, None, StopPhase.FAILED),
    ("a batch job", sent(), Refused(Refusal.UNSUPPORTED, "-"), None, StopPhase.FAILED),
    ("the last attempt", sent(attempt=3), Refused(Refusal.ABORTED, "-"), None, StopPhase.FAILED),
    ("the cluster is gone, savepoint found", sent(), Gone("-"), SAVEPOINT, StopPhase.STOPPED),
    ("the cluster is gone, nothing found", sent(), Gone("-"), Absent("p"), StopPhase.LOST),
    ("the cluster is gone before it was sent", waiting(), Gone("-"), None, StopPhase.ENDED),
    ("never ran", waiting(), NeverRan("-"), None, StopPhase.ENDED),
    ("a cancel that worked", cancel(), Ended(JobState.CANCELED), None, StopPhase.STOPPED),
    ("a cancel too late", cancel(), Ended(JobState.FINISHED), None, StopPhase.ENDED),
    ("a cancel of what never ran", cancel(), NeverRan("-"), None, StopPhase.STOPPED),
    ("a cancel, the cluster gone", cancel(), Gone("-"), None, StopPhase.STOPPED),
    ("canceled for a foreign savepoint", canceled_for_theirs(), CANCELED, THEIRS, StopPhase.STOPPED),
    ("the job moved on after that", canceled_for_theirs(), MOVED_ON, THEIRS, StopPhase.LOST),
    ("that one is gone", doubting(canceled_for_theirs()), CANCELED, Absent("p"), StopPhase.LOST),
    ("that one is unreadable", doubting(canceled_for_theirs()), CANCELED, Unreadable("p", "-"), StopPhase.LOST),
    ("that one's cluster is gone", canceled_for_theirs(), Gone("-"), None, StopPhase.LOST),
    ("no checkpoint to keep", weighing(), Weighed(None), None, StopPhase.FAILED),
    ("one that a cancel removes", weighing(), Weighed(PERISHABLE), None, StopPhase.FAILED),
    ("one that is too old", weighing(), Weighed(OLD), None, StopPhase.FAILED),
    ("canceled for its checkpoint", canceled_for_checkpoint(), CANCELED, SAVEPOINT, StopPhase.STOPPED),
    (
        "a checkpoint unreadable from here",
        doubting(canceled_for_checkpoint()),
        CANCELED,
        Unreadable("p", "-"),
        StopPhase.STOPPED,
    ),
    (
        "unreadable, and not the last",
        doubting(canceled_for_checkpoint()),
        MOVED_ON,
        Unreadable("p", "-"),
        StopPhase.LOST,
    ),
    ("a checkpoint that is cut", doubting(canceled_for_checkpoint()), CANCELED, Broken("p", "-"), StopPhase.LOST),
    ("a checkpoint, the cluster gone", canceled_for_checkpoint(), Gone("-"), None, StopPhase.LOST),
]


@pytest.mark.parametrize(
    ("stop", "fact", "evidence", "phase"), [row[1:] for row in SETTLING], ids=[r[0] for r in SETTLING]
)
def test_how_a_stop_settles(stop: Stop, fact: StopFact, evidence: Evidence | None, phase: StopPhase) -> None:
    assert (evidence_at(stop, fact) is None) is (evidence is None), "it goes by what is looked for, and nothing else"
    after, command = decide(stop, fact, evidence, NOW, RULES)
    assert (after.phase, command) == (phase, None)
    assert after.settled_at == NOW
    assert decide(after, Running(), SAVEPOINT, LATE, RULES) == (after, None), "what is settled stays settled"


def test_a_savepoint_of_an_earlier_try_is_not_taken_for_the_one_that_flink_names() -> None:
    """A JobManager forgot the attempt, it was sent again, and storage shows late what came of that."""
    waiting, _ = decide(sent(), Saved(NEWER, JobState.FINISHED), SAVEPOINT, NOW, RULES)
    assert (waiting.settled_at, waiting.savepoint_path) == (None, None)
    stopped, _ = decide(waiting, Saved(NEWER, JobState.FINISHED), Complete(NEWER, 18), NOW, RULES)
    assert (stopped.phase, stopped.savepoint_path) == (StopPhase.STOPPED, NEWER)


def test_a_stop_that_hangs_is_canceled_once_the_savepoint_that_overtook_it_is_seen_whole() -> None:
    assert evidence_at(sent(), HUNG) == HUNG.path
    for nothing in (None, Absent("p"), Broken("p", "cut"), Unreadable("p", "denied")):
        watched, command = decide(sent(), HUNG, nothing, NOW, RULES)
        assert (watched.phase, watched.attempt, command) == (StopPhase.SENT, 1, None)
        assert HUNG.path in watched.reason
    assert decide(sent(), HUNG, None, LATE, RULES)[0].phase is StopPhase.OVERDUE
    canceled, command = decide(sent(), HUNG, THEIRS, NOW, RULES)
    assert (canceled.phase, canceled.foreign_savepoint, command) == (StopPhase.SENT, THEIRS.path, Cancel())
    assert evidence_at(canceled, CANCELED) == THEIRS.path
    stopped, _ = decide(canceled, CANCELED, THEIRS, NOW, RULES)
    assert (stopped.savepoint_path, stopped.savepoint_size, stopped.verified) == (THEIRS.path, THEIRS.size, True)
    assert "somebody else" in stopped.reason


def test_a_job_is_canceled_for_a_checkpoint_that_is_complete_kept_and_young() -> None:
    failed = weighing()
    assert (failed.phase, failed.weighs, failed.settled_at) == (StopPhase.WAITING, True, None)
    canceled, command = decide(failed, Weighed(YOUNG), None, NOW, RULES)
    assert (canceled.phase, canceled.weighs, command) == (StopPhase.SENT, False, Cancel())
    assert evidence_at(canceled, CANCELED) == "file:///c", "where a newer one may have come to lie, too"
    newer = Complete("file:///c/chk-8", 19)
    stopped, _ = decide(canceled, CANCELED, newer, NOW, RULES)
    assert (stopped.savepoint_path, stopped.checkpoint_path, stopped.savepoint_size) == (None, newer.path, 19)
    assert "cannot write" in stopped.reason, "why there is no savepoint"


def test_what_is_kept_in_place_of_a_savepoint_is_looked_at_before_it_is_called_kept() -> None:
    for canceled in (canceled_for_theirs(), canceled_for_checkpoint()):
        assert decide(canceled, CANCELED, None, NOW, RULES)[0].phase is StopPhase.SENT
        assert decide(canceled, CANCELED, Absent("p"), NOW, RULES)[0].phase is StopPhase.SENT, "storage may be late"


def test_a_job_is_canceled_when_its_savepoint_fails_for_good_and_not_before() -> None:
    stop = sent(policy=StopPolicy(resort=Resort.CANCEL))
    retried, _ = decide(stop, Refused(Refusal.ABORTED, "expired"), None, NOW, RULES)
    assert (retried.savepoint, retried.attempt) == (True, 2)
    given_up, _ = decide(stop, IO, None, NOW, RULES)
    assert (given_up.savepoint, given_up.weighs, given_up.settled_at) == (False, False, None)
    assert decide(given_up, Running(), None, NOW, RULES)[1] == Cancel()


def test_a_request_says_how_often_and_after_how_long_it_is_tried_again() -> None:
    stop = sent(policy=StopPolicy(attempts=3, backoff=timedelta(seconds=10)))
    second, _ = decide(stop, IO, None, NOW, RULES)
    assert (second.attempt, second.retry_at) == (2, NOW + timedelta(seconds=10))
    third, _ = decide(replace(second, sent_at=NOW), IO, None, NOW, RULES)
    assert (third.attempt, third.retry_at) == (3, NOW + timedelta(seconds=20))
    assert decide(replace(third, sent_at=NOW), IO, None, NOW, RULES)[0].phase is StopPhase.FAILED
    assert decide(sent(policy=StopPolicy(attempts=1)), IO, None, NOW, RULES)[0].phase is StopPhase.FAILED


@pytest.mark.parametrize("fact", [Running(), Ended(JobState.FINISHED), Gone("-")])
def test_what_was_withdrawn_stays_withdrawn(fact: StopFact) -> None:
    withdrawn = waiting(phase=StopPhase.WITHDRAWN, settled_at=NOW)
    assert decide(withdrawn, fact, SAVEPOINT, LATE, RULES) == (withdrawn, None)
    assert contradicted(withdrawn, LATE) == withdrawn


def test_one_that_is_held_waits_whatever_room_there_is() -> None:
    held = [waiting(id=1, held=True), cancel(id=2, held=True)]
    facts: dict[int, StopFact] = {1: Running(), 2: Running()}
    assert admit_stops(held, facts, 100) == {1: Queued(), 2: Queued()}
    assert admit_stops(held[:1], {1: Ended(JobState.FINISHED)}, 100) == {1: Ended(JobState.FINISHED)}
    assert decide(held[0], Queued(), None, LATE, RULES) == (held[0], None), "its deadline has not begun"


def test_it_is_sent_first_and_again_by_the_same_line() -> None:
    first, command = decide(waiting(), Running(), None, NOW, RULES)
    assert command == StopWithSavepoint(first.trigger, first.target)
    again, resent = decide(first, Running(), None, NOW, RULES)
    assert (again, resent) == (first, command), "unconfirmed: the same id once more"


def test_a_cancel_is_sent_until_it_is_confirmed() -> None:
    first, command = decide(cancel(), Running(), None, NOW, RULES)
    assert command == Cancel()
    confirmed, _ = decide(first, Acknowledged(), None, NOW, RULES)
    assert decide(confirmed, Stopping(), None, NOW, RULES)[1] is None


def test_a_job_that_is_not_ready_is_waited_for() -> None:
    held, command = decide(waiting(), Running(ready=False), None, NOW, RULES)
    assert (held.phase, command) == (StopPhase.WAITING, None)
    assert decide(held, Running(ready=False), None, LATE, RULES)[0].phase is StopPhase.FAILED
    assert decide(held, Running(), None, NOW, RULES)[1] is not None


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


IDLE = Running(ready=False)


@pytest.mark.parametrize("first", [0, 61, 7200])
def test_patience_counts_from_the_first_look_that_shows_it_idle(first: float) -> None:
    """However long others went before it: its deadline has not begun."""
    queued, _ = decide(waiting(), Queued(), None, NOW, RULES)
    idle, _ = decide(queued, IDLE, None, at(first), RULES)
    assert (idle.phase, idle.idle_since) == (StopPhase.WAITING, at(first))
    assert decide(idle, IDLE, None, at(first + 59), RULES)[0].phase is StopPhase.WAITING
    assert decide(idle, IDLE, None, at(first + 60), RULES)[0].phase is StopPhase.FAILED
    assert decide(idle, Queued(), None, at(first + 59), RULES)[0].idle_since is None, "its tasks have run since"


def test_whoever_waits_does_so_for_as_long_as_a_stop_may_take() -> None:
    patient = waiting(policy=StopPolicy(if_not_running=IfNotRunning.WAIT, timeout=timedelta(seconds=100)))
    idle, _ = decide(replace(patient, deadline=at(100)), IDLE, None, at(7200), RULES)
    assert decide(idle, IDLE, None, at(7299), RULES)[0].phase is StopPhase.WAITING
    assert decide(idle, IDLE, None, at(7300), RULES)[0].phase is StopPhase.FAILED


def test_retries_have_to_fit_in() -> None:
    idle, _ = decide(waiting(attempt=2, deadline=at(30)), IDLE, None, NOW, RULES)
    assert decide(idle, IDLE, None, at(29), RULES)[0].phase is StopPhase.WAITING
    assert decide(idle, IDLE, None, at(30), RULES)[0].phase is StopPhase.FAILED


@pytest.mark.parametrize("fact", [Running(), Running(ready=False), Queued(), Alive(), Stopping(), Silent("no answer")])
@pytest.mark.parametrize(
    "stop", [waiting(), waiting(retry_at=LATE), sent(), sent(acknowledged=True), sent(forgotten_since=NOW)]
)
def test_a_job_that_is_there_again_or_nowhere_to_be_seen_is_doubted_anew(stop: Stop, fact: StopFact) -> None:
    """A job that is back is not gone, and its next absence counts from its own beginning."""
    missed, _ = decide(stop, Missing(), None, NOW, RULES)
    assert missed.doubt_since == NOW
    assert decide(missed, fact, None, NOW + timedelta(seconds=29), RULES)[0].doubt_since is None


def test_a_retry_has_a_new_id_and_a_directory_of_its_own_and_waits() -> None:
    over, command = decide(sent(), Refused(Refusal.ABORTED, "expired"), None, NOW, RULES)
    assert (over.phase, over.attempt, command) == (StopPhase.WAITING, 2, None)
    assert over.trigger != sent().trigger
    assert over.target != sent().target
    assert decide(over, Running(), None, NOW, RULES)[1] is None, "not before its time"
    later = NOW + timedelta(seconds=3)
    assert decide(over, Running(), None, later, RULES)[1] == StopWithSavepoint(over.trigger, over.target)


BACK = Restart(NOW, "file:/c/chk-7", NOW - timedelta(seconds=9))
FROM_NOTHING = Restart(NOW, None)
LOST_IT = Refused(Refusal.ABORTED, "UnsupportedOperationException", FROM_NOTHING)


def test_an_attempt_that_restarted_the_job_from_a_checkpoint_is_followed_by_another_and_told_in_the_end() -> None:
    over, _ = decide(sent(), Refused(Refusal.ABORTED, "expired", BACK), None, NOW, RULES)
    assert (over.phase, over.attempt) == (StopPhase.WAITING, 2)
    again, _ = decide(over, Running(), None, LATE, RULES)
    stopped, _ = decide(again, Saved(NAMED, JobState.FINISHED), SAVEPOINT, LATE, RULES)
    assert stopped.phase is StopPhase.STOPPED
    for shown in (over, again, stopped):
        assert "After attempt 1 was sent, Flink restarted the job" in shown.reason
        assert "chk-7" in shown.reason


def test_a_job_that_restarted_from_nothing_is_never_stopped_as_if_nothing_had_happened() -> None:
    for stop in (sent(), sent(attempt=3), sent(policy=StopPolicy(attempts=9))):
        failed, command = decide(stop, LOST_IT, None, NOW, RULES)
        assert (failed.phase, command) == (StopPhase.FAILED, None)
        assert failed.attempt == stop.attempt, "another attempt would save what is left, and look like a success"
        assert "UnsupportedOperationException" in failed.reason
        assert "from nothing" in failed.reason
    canceled, _ = decide(sent(policy=StopPolicy(resort=Resort.CANCEL)), LOST_IT, None, NOW, RULES)
    ended, _ = decide(replace(canceled, sent_at=NOW), CANCELED, None, NOW, RULES)
    assert (ended.phase, "from nothing" in ended.reason) == (StopPhase.STOPPED, True), "who said cancel is told, too"


def test_nor_after_its_cluster_has_forgotten_the_attempt() -> None:
    for restart, phase in ((None, StopPhase.WAITING), (BACK, StopPhase.WAITING), (FROM_NOTHING, StopPhase.FAILED)):
        after, _ = decide(forgotten(), Running(restart=restart), None, NOW + RULES.forgotten_after, RULES)
        assert after.phase is phase


def test_what_becomes_of_the_job_is_awaited_before_anything_is_decided() -> None:
    waits, command = decide(sent(acknowledged=False), Recovering("expired"), None, NOW, RULES)
    assert (waits.phase, waits.attempt, command) == (StopPhase.SENT, 1, None)
    gone, _ = decide(waits, Gone("-"), SAVEPOINT, NOW, RULES)
    assert gone.phase is StopPhase.LOST, "what an attempt that failed has left proves nothing"
    unknown, _ = decide(sent(), Recovering("not known", failed=False), None, NOW, RULES)
    assert decide(unknown, Gone("-"), SAVEPOINT, NOW, RULES)[0].phase is StopPhase.STOPPED
    late, _ = decide(sent(), Recovering("expired"), None, LATE, RULES)
    assert (late.phase, "expired" in late.reason) == (StopPhase.OVERDUE, True)


SYNC, FORST = Traits("hashmap", False), Traits("forst", False)


@pytest.mark.parametrize(
    ("traits", "wish", "expected"),
    [
        (SYNC, None, SavepointFormat.CANONICAL),
        (SYNC, SavepointFormat.NATIVE, SavepointFormat.NATIVE),
        (FORST, None, SavepointFormat.NATIVE),
        (UNKNOWN, None, SavepointFormat.NATIVE),
        (Traits(""), SavepointFormat.CANONICAL, SavepointFormat.CANONICAL),
        (FORST, SavepointFormat.CANONICAL, None),
    ],
)
def test_the_format_is_chosen_with_the_attempt_and_never_one_that_kills(
    traits: Traits, wish: SavepointFormat | None, expected: SavepointFormat | None
) -> None:
    stop = waiting(policy=StopPolicy(format=wish))
    after, command = decide(stop, Running(traits=traits), None, NOW, RULES)
    if expected is None:
        assert (after.phase, after.sent_at, command) == (StopPhase.FAILED, None, None)
        assert "would make the job fail" in after.reason
        return
    assert command == StopWithSavepoint(after.trigger, after.target, format=expected)
    assert (after.format, bool(after.format_why)) == (expected, True)
    assert decide(after, Running(traits=UNKNOWN), None, NOW, RULES)[1] == command, "what is stored is sent again"


def test_a_canonical_savepoint_that_was_asked_for_waits_for_an_answer_that_might_refuse_it() -> None:
    stop = waiting(policy=StopPolicy(format=SavepointFormat.CANONICAL))
    after, command = decide(stop, Running(traits=UNKNOWN), None, NOW, RULES)
    assert (after.phase, after.sent_at, command) == (stop.phase, None, None)
    assert "has not said yet how the job keeps its state" in after.reason
    late, command = decide(stop, Running(traits=UNKNOWN), None, LATE, RULES)
    assert (late.phase, late.sent_at, command) == (StopPhase.OVERDUE, None, None)
    assert decide(late, Running(traits=FORST), None, LATE, RULES)[0].phase is StopPhase.FAILED
    assert decide(late, Running(traits=SYNC), None, LATE, RULES)[1] is not None


@pytest.mark.parametrize(
    ("finished", "after_finish", "sends"), [(0, False, True), (1, False, False), (1, True, True), (1, None, True)]
)
def test_a_job_that_takes_no_checkpoints_any_more_is_not_asked_for_one(
    finished: int, after_finish: bool | None, sends: bool
) -> None:
    fact = Running(finished=finished, traits=replace(SYNC, after_finish=after_finish))
    after, command = decide(waiting(), fact, None, NOW, RULES)
    assert (command is not None) == sends
    assert sends or (after.phase is StopPhase.FAILED and "checkpoints-after-tasks-finish" in after.reason)
    assert decide(cancel(), fact, None, NOW, RULES)[1] == Cancel(), "without a savepoint it can be stopped"


def test_a_forgotten_attempt_is_looked_at_twice_before_a_new_one() -> None:
    doubted, command = decide(sent(), Running(), None, NOW, RULES)
    assert (doubted.attempt, command) == (1, None)
    soon, command = decide(doubted, Running(), None, NOW + timedelta(seconds=1), RULES)
    assert (soon.attempt, command) == (1, None)
    over, _ = decide(doubted, Running(), None, NOW + timedelta(seconds=3), RULES)
    assert (over.attempt, over.phase) == (2, StopPhase.WAITING)
    reassured, _ = decide(doubted, Stopping(), None, NOW + timedelta(seconds=3), RULES)
    assert (reassured.attempt, reassured.forgotten_since) == (1, None)


def test_gone_needs_an_answering_cluster_for_a_while() -> None:
    doubted, _ = decide(sent(), Missing(), SAVEPOINT, NOW, RULES)
    soon, _ = decide(doubted, Missing(), SAVEPOINT, NOW + timedelta(seconds=29), RULES)
    assert soon.phase is StopPhase.SENT
    silent, _ = decide(doubted, Silent("no answer"), None, NOW + timedelta(seconds=29), RULES)
    again, _ = decide(silent, Missing(), SAVEPOINT, NOW + timedelta(seconds=31), RULES)
    assert again.phase is StopPhase.SENT, "silence in between starts the wait anew"
    gone, _ = decide(again, Missing(), SAVEPOINT, NOW + timedelta(seconds=62), RULES)
    assert (gone.phase, gone.savepoint_path) == (StopPhase.STOPPED, SAVEPOINT.path)


def test_a_result_may_come_a_moment_after_the_jobs_end() -> None:
    doubted, _ = decide(sent(), FAILED_MEANWHILE, SAVEPOINT, NOW, RULES)
    soon, _ = decide(doubted, FAILED_MEANWHILE, SAVEPOINT, NOW + timedelta(seconds=29), RULES)
    assert soon.phase is StopPhase.SENT
    told, _ = decide(soon, Saved(NAMED, JobState.FAILED), SAVEPOINT, NOW + timedelta(seconds=30), RULES)
    assert told.phase is StopPhase.STOPPED
    never, _ = decide(soon, FAILED_MEANWHILE, Absent("p"), NOW + timedelta(seconds=30), RULES)
    assert (never.phase, "IOException: gone" in never.reason) == (StopPhase.ENDED, True)


@pytest.mark.parametrize("fact", [Stopping(), Alive(), Silent("no answer"), Running()])
def test_a_deadline_answers_the_caller_and_changes_nothing_else(fact: StopFact) -> None:
    stop = sent(acknowledged=not isinstance(fact, Running))
    overdue, _ = decide(stop, fact, None, LATE, RULES)
    assert overdue.phase is StopPhase.OVERDUE
    assert stop.target in overdue.reason, "it says where the answer lies"
    late, _ = decide(overdue, Saved(NAMED, JobState.FINISHED), SAVEPOINT, LATE, RULES)
    assert late.phase is StopPhase.STOPPED, "what comes late is recorded"


@pytest.mark.parametrize(
    ("stop", "fact"),
    [
        (sent(), IO),
        (sent(attempt=3), Refused(Refusal.ABORTED, "expired")),
        (waiting(), Running(ready=False)),
        (sent(), Stopping()),
        (sent(phase=StopPhase.OVERDUE), Alive()),
        (sent(attempt=3, forgotten_since=NOW), Running()),
    ],
)
def test_a_deleted_job_is_canceled_when_its_savepoint_comes_to_nothing(stop: Stop, fact: StopFact) -> None:
    after, _ = decide(replace(stop, cancel_on_failure=True), fact, None, LATE, RULES)
    assert (after.savepoint, after.phase) == (False, StopPhase.WAITING)
    assert decide(after, Running(), None, LATE, RULES)[1] == Cancel()


def test_a_cancel_that_was_confirmed_and_did_nothing_is_sent_again() -> None:
    idle = cancel(phase=StopPhase.SENT, sent_at=NOW, acknowledged=True, forgotten_since=NOW)
    again, command = decide(idle, Running(), None, NOW + timedelta(seconds=3), RULES)
    assert (again.attempt, command) == (1, Cancel())
    assert decide(idle, Running(), None, LATE, RULES)[0].phase is StopPhase.OVERDUE


def test_an_attempt_forgotten_after_the_deadline_is_not_followed_by_another() -> None:
    after, command = decide(sent(forgotten_since=NOW), Running(), None, LATE, RULES)
    assert (after.phase, command) == (StopPhase.FAILED, None)


def test_a_savepoint_that_was_given_up_is_looked_for_where_it_was_to_be() -> None:
    assert given_up().target == sent().target
    assert evidence_at(given_up(), Ended(JobState.FINISHED))
    assert not evidence_at(cancel(), Ended(JobState.FINISHED))


def test_a_stop_contradicted_by_the_world_is_taken_back() -> None:
    stopped, _ = decide(sent(), Saved(NAMED, JobState.FINISHED), SAVEPOINT, NOW, RULES)
    after = contradicted(stopped, LATE)
    assert (after.phase, after.savepoint_path) == (StopPhase.FAILED, None)
    assert SAVEPOINT.path in after.reason
    failed, _ = decide(sent(), IO, None, NOW, RULES)
    assert contradicted(failed, LATE) == failed
    assert contradicted(sent(), LATE) == sent()


def test_asking_again_for_an_overdue_stop_keeps_its_attempt() -> None:
    overdue = sent(phase=StopPhase.OVERDUE)
    again = rearm(overdue, savepoint=True, deadline=LATE)
    assert (again.phase, again.trigger, again.deadline) == (StopPhase.SENT, overdue.trigger, LATE)
    given_up = rearm(overdue, savepoint=False, deadline=LATE)
    assert decide(given_up, Running(), None, NOW, RULES)[1] == Cancel()


def test_at_most_so_many_savepoints_at_once_and_the_oldest_first() -> None:
    under_way = [sent(id=1), sent(id=2), sent(id=7, phase=StopPhase.OVERDUE)]
    fresh = [waiting(id=5), waiting(id=4), waiting(id=3)]
    cancels = [cancel(id=6)]
    facts: dict[int, StopFact] = {s.id: Running() for s in [*under_way, *fresh, *cancels]}
    admitted = admit_stops([*under_way, *fresh, *cancels], facts, 3)
    assert {i for i, fact in admitted.items() if isinstance(fact, Queued)} == {4, 5}


states = st.sampled_from(list(JobState))
terminal = st.sampled_from([s for s in JobState if s.terminal])
evidence_of = st.one_of(
    st.just(SAVEPOINT), st.just(Absent("p")), st.just(Broken("p", "cut")), st.just(Unreadable("p", "denied"))
)
facts_of = st.one_of(
    st.builds(Running, st.booleans()),
    st.builds(Alive),
    st.builds(Queued),
    st.builds(Stopping, st.booleans()),
    st.builds(Acknowledged),
    st.builds(Refused, st.sampled_from(list(Refusal)), st.just("why")),
    st.builds(Saved, st.just("p"), terminal),
    st.builds(Ended, terminal, st.sampled_from([None, "no"]), st.booleans()),
    st.builds(Lingering, st.builds(Ended, terminal)),
    st.just(HUNG),
    st.builds(Weighed, st.sampled_from([None, YOUNG, PERISHABLE, OLD])),
    st.builds(Missing),
    st.builds(Gone, st.just("gone")),
    st.builds(Silent, st.just("nothing")),
)
steps = st.lists(st.tuples(facts_of, evidence_of, st.integers(0, 700)), max_size=30)


policies = st.sampled_from([StopPolicy(), StopPolicy(attempts=2), StopPolicy(resort=Resort.CANCEL), KEEPING])


def can_be_seen(stop: Stop, fact: StopFact) -> bool:
    """Whether an engine can come to this fact of a stop as it stands."""
    if isinstance(fact, Hung):
        return stop.savepoint and stop.sent_at is not None
    return isinstance(fact, Weighed) == stop.weighs or not isinstance(fact, Weighed | Running)


@given(steps, st.booleans(), policies)
def test_whatever_is_seen_no_false_success_and_one_attempt_at_a_time(
    seen: list[tuple[StopFact, Evidence, int]], cancel_on_failure: bool, policy: StopPolicy
) -> None:
    stop, now = waiting(cancel_on_failure=cancel_on_failure, policy=policy), NOW
    for fact, evidence, seconds in seen:
        if not can_be_seen(stop, fact):
            continue
        now += timedelta(seconds=seconds)
        looked = evidence if evidence_at(stop, fact) else None
        after, command = decide(stop, fact, looked, now, RULES)
        if after.phase is StopPhase.STOPPED and stop.phase is not StopPhase.STOPPED and stop.savepoint:
            assert isinstance(fact, Saved | Ended | Lingering | Missing | Gone), "only of a job seen at its end"
            assert after.savepoint_path, "with a savepoint that was found"
            assert after.verified == isinstance(looked, Complete)
        if command is not None:
            assert after.phase not in SETTLED
            assert isinstance(fact, Running | Hung | Weighed), "commands go only to jobs that live"
            assert command == after.command
        if after.attempt > stop.attempt:
            over = isinstance(fact, Refused | Running) or not after.savepoint
            assert over, "a new attempt only when the last is known to be over, or to cancel a deleted job"
            assert after.sent_at is None or isinstance(fact, Hung)
        if after.phase is StopPhase.STOPPED and (stop.checkpoint_path or stop.foreign_savepoint):
            assert isinstance(looked, Complete | Unreadable), "what was to be kept was looked at"
        if stop.phase in SETTLED:
            assert after == stop
        stop = after
