"""What observations prove, case by case: single answers first, then whole weighings with all that they ask."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.doubles.answers import NO, Answers, weigh

from sluiceway.domain.asking import Attempted, Canceling
from sluiceway.domain.facts import (
    Alive,
    Checkpoint,
    Ended,
    Gone,
    Hung,
    JobState,
    Lingering,
    Missing,
    Recovering,
    Refusal,
    Refused,
    Restart,
    Running,
    Saved,
    Seen,
    Silent,
    Stopping,
    Weighed,
)
from sluiceway.domain.health import Proof
from sluiceway.domain.observed import (
    ATTEMPT,
    CAUSE,
    CHECKPOINTS,
    FAILURE,
    FRESH,
    SETTINGS,
    STATE,
    TIMELINE,
    AttemptCompleted,
    AttemptFailed,
    AttemptInProgress,
    AttemptUnknown,
    CheckpointList,
    CheckpointSettings,
    LastFailure,
    ListedCheckpoint,
    ListedJob,
    NoSuchJob,
    Timeline,
)
from sluiceway.domain.proving import (
    SETTLE,
    Memory,
    has_own,
    last_kept,
    moved_on_after,
    overtaken_by,
    ran_on_after,
    retains,
    tells_of,
    weigh_proof,
)
from sluiceway.domain.run import Run, RunPhase
from sluiceway.domain.weighing import (
    ENDED_WITH_CLUSTER,
    NOT_SHOWN,
    UNTOLD,
    at_rest,
    unasked,
    weigh_cancel,
    weigh_run,
    weigh_save,
    weigh_stop,
)

PATH = "file:/s/savepoint-f-1"
KEEPS = CheckpointSettings(7000, externalized=True, deleted_on_cancel=False)


def stop(id_: int = 5, **fields: Any) -> ListedCheckpoint:
    """A stop's own savepoint, which nobody has acknowledged."""
    return ListedCheckpoint(id_, **({"is_savepoint": True, "under_way": True, "of_stop": True} | fields))


def savepoint(id_: int, path: str = PATH, **fields: Any) -> ListedCheckpoint:
    """A complete one."""
    return ListedCheckpoint(id_, path, **({"is_savepoint": True, "complete": True} | fields))


def listed(*history: ListedCheckpoint, **latest: ListedCheckpoint) -> CheckpointList:
    return CheckpointList(list(history), **latest)


@pytest.mark.parametrize(
    ("history", "path"),
    [
        ([], None),
        ([stop()], None),
        ([savepoint(6), stop()], PATH),
        ([savepoint(7, "file:/s/newest"), savepoint(6), stop()], "file:/s/newest"),
        ([stop(), savepoint(4)], None),
        ([savepoint(6), stop(acknowledged=1)], None),
        ([savepoint(6, complete=False, under_way=True), stop()], None),
        ([savepoint(6, complete=False, path=""), stop()], None),
        ([savepoint(6), stop(under_way=False)], None),
        ([savepoint(6), stop(of_stop=False)], None),
    ],
    ids=[
        "no checkpoints",
        "under way",
        "overtaken",
        "overtaken twice: the newest is the last state",
        "one that was complete before the stop began",
        "its savepoint is being written",
        "the other is still being written",
        "the other failed",
        "the stop failed by itself",
        "no stop at all",
    ],
)
def test_a_stop_hangs_when_a_newer_savepoint_is_complete_and_nobody_acknowledged_its_own(
    history: list[ListedCheckpoint], path: str | None
) -> None:
    assert overtaken_by(listed(*history)) == path


@pytest.mark.parametrize(
    ("found", "moved_on"),
    [
        (None, True),
        (listed(), True),
        (listed(savepoint(6)), False),
        (listed(savepoint(6), stop(5)), False),
        (listed(savepoint(6, f"{PATH}/")), False),
        (listed(savepoint(6, "file:///s/savepoint-f-1")), False),
        (listed(savepoint(6, "file:/s/another")), True),
        (listed(savepoint(7, "file:/c/chk-7"), savepoint(6)), True),
        (listed(savepoint(7, "", complete=False), savepoint(6)), False),
    ],
    ids=[
        "Flink no longer tells",
        "an empty list",
        "it is the last",
        "the stop's own is older",
        "with a slash",
        "written as another URI",
        "it is not in the list",
        "a checkpoint came after it",
        "what came after it failed",
    ],
)
def test_a_job_has_moved_on_unless_the_list_shows_that_it_has_not(found: CheckpointList | None, moved_on: bool) -> None:
    assert moved_on_after(found, PATH) is moved_on


@pytest.mark.parametrize(
    ("path", "usable"),
    [
        ("file:/c/chk-7", True),
        ("s3://bucket/c/chk-7", True),
        ("<checkpoint-not-externally-addressable>", False),
        ("", False),
    ],
)
def test_a_cancel_keeps_only_a_checkpoint_that_lies_somewhere(path: str, usable: bool) -> None:
    found = listed(completed=savepoint(7, path, triggered=1_000))
    kept = Checkpoint(path, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), retained=True)
    assert last_kept(found, KEEPS) == (kept if usable else None)


def test_without_a_checkpoint_there_is_nothing_to_keep() -> None:
    assert last_kept(None, KEEPS) is None
    assert last_kept(listed(savepoint=savepoint(3)), KEEPS) is None, "a savepoint is not the cluster's to remove"


@pytest.mark.parametrize(
    ("settings", "outlives"),
    [
        (KEEPS, True),
        (CheckpointSettings(7000, externalized=True, deleted_on_cancel=True), False),
        (CheckpointSettings(7000, externalized=False, deleted_on_cancel=False), False),
        (None, False),
    ],
)
def test_a_checkpoint_outlives_a_cancel_where_the_job_says_so(
    settings: CheckpointSettings | None, outlives: bool
) -> None:
    assert retains(settings) is outlives


@pytest.mark.parametrize(
    ("path", "running_since", "ran_on"),
    [("file:/s/savepoint-1", 0, False), ("file:///s/savepoint-1", 999, False), ("file:/s/savepoint-1", 1000, True)],
    ids=["never restarted", "restarted before", "restarted after"],
)
def test_running_anew_counts_against_a_savepoint_only_after_it(path: str, running_since: int, ran_on: bool) -> None:
    mine = savepoint(7, path, triggered=1000)
    found = listed(mine)
    assert ran_on_after(found, "file:/s/savepoint-1", running_since) is ran_on
    assert ran_on_after(found, "file:/s/savepoint-2", running_since) is None, "it is not listed yet"


OWN, OTHERS = "file:/c/7/" + "a" * 32 + "/chk-3", "file:/c/7/" + "b" * 32 + "/chk-9"


@pytest.mark.parametrize(
    ("found", "own"),
    [
        (listed(), False),
        (listed(completed=ListedCheckpoint(3, OWN)), True),
        (listed(savepoint=savepoint(3)), False),
        (listed(restored=ListedCheckpoint(3, OWN)), True),
        (listed(restored=ListedCheckpoint(9, OTHERS)), False),
        (listed(restored=ListedCheckpoint(3, OWN, is_savepoint=True)), False),
    ],
    ids=[
        "none",
        "listed",
        "a savepoint",
        "goes on from it",
        "was started from another run's",
        "began from a savepoint",
    ],
)
def test_a_run_has_completed_a_checkpoint_if_it_is_listed_or_was_gone_on_from(found: CheckpointList, own: bool) -> None:
    assert has_own(found, "a" * 32) == own


@pytest.mark.parametrize(
    ("history", "told"),
    [([], False), ([stop()], False), ([savepoint(4, "file:/t/savepoint-f-1")], False), ([savepoint(4)], True)],
    ids=["none", "it is under way", "another's", "its own"],
)
def test_a_list_is_from_after_a_savepoint_when_it_has_that(history: list[ListedCheckpoint], told: bool) -> None:
    assert tells_of(listed(*history), "file:///any/where/s") is told


# Whole weighings. -----------------------------------------------------------------------------------------------------

JID, TRIGGER, TARGET = "a" * 32, "7" * 32, "file:/t/" + "7" * 32
SENT = datetime(2026, 1, 1, tzinfo=UTC)
AT = round(SENT.timestamp() * 1000)  # ms
SAVED = savepoint(9, f"{TARGET}/savepoint-7", triggered=AT + 1000)
CHK = ListedCheckpoint(8, f"file:/c/{JID}/chk-8", complete=True, triggered=AT)
ABORTED = AttemptFailed(Refusal.ABORTED, "Task has failed.")
STARTED = ListedJob(JobState.RUNNING, "RUNNING", 1, 1, changed=AT + 5)  # a task has changed since
STEADY = ListedJob(JobState.RUNNING, "RUNNING", 1, 1, changed=AT)
FALLING = ListedJob(JobState.RESTARTING, "RESTARTING", changed=AT + 5)
LEFT: Answers = {ATTEMPT: AttemptUnknown(), TIMELINE: Timeline("FINISHED", AT)}
ANEW = Timeline("FINISHED", SAVED.triggered)
BY_ITSELF = "nothing. The job did not end with this stop's savepoint."
NOTHING = Memory()


def attempted(**fields: Any) -> Attempted:
    return Attempted(1, JID, TRIGGER, TARGET, **({"stable_since": SENT} | fields))


def told_of_stop(
    state: JobState,
    answers: Answers,
    job: ListedJob | None = STEADY,
    memory: Memory = NOTHING,
    *,
    suspect: bool = False,
    **about: Any,
) -> object:
    """The fact of a stop."""
    run = Seen(state, "it was lost" if state is JobState.FAILED else "")
    (fact, _), _ = weigh(weigh_stop(attempted(**about), run, job, memory, suspect=suspect), answers)
    return fact


FINISHED, FAILED, RUNNING, CANCELED = JobState.FINISHED, JobState.FAILED, JobState.RUNNING, JobState.CANCELED


@pytest.mark.parametrize(
    ("run", "fact"),
    [
        (None, NOT_SHOWN),
        (Missing(), Missing()),
        (Gone("over"), Gone("over")),
        (Silent("no"), Silent("no")),
        (Seen(FAILED, "why"), Ended(FAILED, cause="why")),
        (Seen(RUNNING), Running(ready=True, finished=0, changed_at=SENT)),
    ],
)
def test_of_what_has_sent_nothing_its_run_tells_all(run: Any, fact: object) -> None:
    assert at_rest(run, STEADY) == fact


@pytest.mark.parametrize(
    ("run", "asked", "fact"),
    [
        (None, True, NOT_SHOWN),
        (Missing(), True, Missing()),
        (Seen(RUNNING), False, Alive()),
        (Seen(RUNNING), True, None),
        (Seen(FINISHED), False, None),
    ],
)
def test_an_attempt_whose_job_lives_is_asked_about_only_when_it_is_its_turn(run: Any, asked: bool, fact: Any) -> None:
    assert unasked(attempted(), run, asked=asked) == fact


@pytest.mark.parametrize(
    ("state", "answers", "fact"),
    [
        (RUNNING, {ATTEMPT: AttemptInProgress()}, Stopping()),
        (RUNNING, {ATTEMPT: AttemptCompleted(PATH)}, Stopping(saved=True, path=PATH)),
        (FINISHED, {ATTEMPT: AttemptCompleted(PATH)}, Saved(PATH, FINISHED)),
        (RUNNING, {ATTEMPT: NO}, Silent("it does not answer")),
        (RUNNING, {ATTEMPT: NoSuchJob("no job")}, Silent("no job")),
        (CANCELED, {ATTEMPT: NoSuchJob("no job")}, Ended(CANCELED, "no job")),
        (FAILED, {ATTEMPT: AttemptInProgress()}, Lingering(Ended(FAILED, cause="it was lost"))),
        (FINISHED, {ATTEMPT: AttemptUnknown(), CHECKPOINTS: None}, Ended(FINISHED)),
        (FINISHED, {**LEFT, CHECKPOINTS: listed(SAVED)}, Ended(FINISHED)),
        (FINISHED, {**LEFT, CHECKPOINTS: listed(SAVED, completed=CHK)}, Ended(FINISHED, proven=True)),
        (FINISHED, {ATTEMPT: AttemptUnknown(), CHECKPOINTS: listed(CHK)}, Ended(FINISHED, BY_ITSELF)),
        (FINISHED, {**LEFT, CHECKPOINTS: listed(SAVED), TIMELINE: ANEW}, Ended(FINISHED, BY_ITSELF)),
        (FINISHED, {**LEFT, CHECKPOINTS: listed(SAVED), TIMELINE: Timeline("RUNNING", AT)}, UNTOLD),
        (FINISHED, {**LEFT, ATTEMPT: AttemptInProgress(), CHECKPOINTS: listed(SAVED)}, Lingering(Ended(FINISHED))),
        (FINISHED, {ATTEMPT: AttemptUnknown(), CHECKPOINTS: NO}, Silent("it does not answer")),
        (FINISHED, {ATTEMPT: ABORTED}, Ended(FINISHED, "Task has failed.")),
        (FAILED, {ATTEMPT: ABORTED, FAILURE: LastFailure(AT, "no room")}, Ended(FAILED, "no room")),
        (FAILED, {ATTEMPT: ABORTED, FAILURE: NO}, Recovering("Task has failed")),
        (FAILED, {ATTEMPT: ABORTED, FAILURE: None}, Recovering("Task has failed")),
    ],
    ids=[
        "at it",
        "saved, the job has yet to end",
        "saved",
        "no answer",
        "a JobManager that recovers",
        "a job that is over and unknown",
        "a result that never comes",
        "forgotten, and the checkpoints too",
        "forgotten, and it was the last checkpoint",
        "forgotten, and the run has one of its own",
        "forgotten, and it was not the last",
        "forgotten, and the job ran on after it",
        "forgotten, and an answer from before the end",
        "a result that never comes of a job that ended with it",
        "forgotten, and no answer",
        "failed and finished",
        "failed with its job",
        "failed, and no answer why",
        "failed, and Flink has yet to tell why",
    ],
)
def test_what_a_stop_shows(state: JobState, answers: Answers, fact: object) -> None:
    assert told_of_stop(state, answers) == fact


@pytest.mark.parametrize(
    ("answers", "fact"),
    [
        ({CHECKPOINTS: listed(savepoint(6), stop())}, Hung(PATH)),
        ({CHECKPOINTS: listed(stop())}, Stopping()),
        ({CHECKPOINTS: None}, Stopping()),
        ({CHECKPOINTS: NO}, Stopping()),
    ],
)
def test_a_stop_is_told_to_hang_only_when_it_is_suspected_and_the_list_shows_it(answers: Answers, fact: object) -> None:
    assert told_of_stop(RUNNING, {ATTEMPT: AttemptInProgress(), **answers}, suspect=True) == fact


FELL = AttemptFailed(Refusal.ABORTED, "It fell.", SAVED.path)
WHY: Answers = {ATTEMPT: FELL, FAILURE: LastFailure(AT, "It fell.")}


@pytest.mark.parametrize(
    ("answers", "fact"),
    [
        (
            {TIMELINE: Timeline("FAILED", AT), CHECKPOINTS: listed(SAVED)},
            Saved(SAVED.path, FAILED, "The job ended as FAILED after its savepoint was complete: It fell."),
        ),
        ({TIMELINE: Timeline("FAILED", AT + 1000), CHECKPOINTS: listed(SAVED)}, Ended(FAILED, "It fell.")),
        ({TIMELINE: Timeline("RUNNING", AT), CHECKPOINTS: listed(SAVED)}, Recovering("It fell")),
        ({TIMELINE: Timeline("FAILED", AT), CHECKPOINTS: listed()}, Recovering("It fell")),
        ({TIMELINE: Timeline("FAILED", AT), CHECKPOINTS: None}, Ended(FAILED, "It fell.")),
        ({TIMELINE: NO}, Recovering("It fell")),
    ],
    ids=[
        "it never ran on",
        "it ran anew after it",
        "an answer from before it failed",
        "a list from before the savepoint",
        "nobody knows",
        "no answer",
    ],
)
def test_a_savepoint_counts_although_the_stop_failed_if_its_job_did_not_run_on(answers: Answers, fact: object) -> None:
    assert told_of_stop(FAILED, {**WHY, **answers}) == fact


RESTORED = ListedCheckpoint(8, CHK.path, restored=AT + 50)
NOWHERE = ListedCheckpoint(8, CHK.path, restored=AT - 50)  # from before
BEGAN: Answers = {TIMELINE: Timeline("RUNNING", AT + 40)}
LONG_AGO = Memory(failed=0.0, back=0.0)


@pytest.mark.parametrize(
    ("job", "memory", "answers", "fact"),
    [
        (None, LONG_AGO, {}, Recovering("Task has failed")),
        (STEADY, Memory(), {}, Recovering("Task has failed")),
        (STEADY, Memory(failed=100 - SETTLE), {}, Refused(Refusal.ABORTED, "Task has failed.")),
        (FALLING, LONG_AGO, {TIMELINE: Timeline("RESTARTING", AT - 40)}, Recovering("Task has failed")),
        (STARTED, Memory(failed=99.0), {TIMELINE: Timeline("RESTARTING", AT + 4)}, Recovering("Task has failed")),
        (STARTED, LONG_AGO, {TIMELINE: Timeline("RUNNING", AT - 40)}, Refused(Refusal.ABORTED, "Task has failed.")),
        (
            STARTED,
            Memory(failed=99.0),
            {**BEGAN, CHECKPOINTS: listed(CHK, restored=RESTORED), FAILURE: LastFailure(AT + 1, "no room")},
            Refused(Refusal.ABORTED, "no room", Restart(SENT + timedelta(milliseconds=40), CHK.path, SENT)),
        ),
        (STARTED, Memory(failed=99.0), {**BEGAN, CHECKPOINTS: listed(restored=NOWHERE)}, Recovering("Task has failed")),
        (
            STARTED,
            Memory(failed=90.0, anew=100 - FRESH),
            {**BEGAN, CHECKPOINTS: listed(), FAILURE: LastFailure(AT - 1, "long ago")},
            Refused(Refusal.ABORTED, "Task has failed.", Restart(SENT + timedelta(milliseconds=40), None)),
        ),
        (STARTED, LONG_AGO, {TIMELINE: NO}, Recovering("Task has failed")),
    ],
    ids=[
        "the list leaves it out",
        "it may yet restart",
        "it did not",
        "it is about to",
        "an answer from before it ran again",
        "it ran on",
        "from a checkpoint",
        "what it was restored from may be an old answer",
        "from nothing",
        "no answer",
    ],
)
def test_what_a_failed_attempt_did_to_its_job(
    job: ListedJob | None, memory: Memory, answers: Answers, fact: object
) -> None:
    assert told_of_stop(RUNNING, {ATTEMPT: ABORTED, **answers}, job, memory) == fact
    (of_save, _), _ = weigh(weigh_save(attempted(), Seen(RUNNING), job, memory), {ATTEMPT: ABORTED, **answers})
    assert of_save == fact or answers.get(TIMELINE) == NO, "a savepoint's is judged in the same way"


@pytest.mark.parametrize(
    "failed",
    [AttemptFailed(Refusal.NOT_READY, "no"), AttemptFailed(Refusal.UNSUPPORTED, "no")],
)
def test_what_was_refused_at_once_did_nothing_to_its_job(failed: AttemptFailed) -> None:
    assert told_of_stop(RUNNING, {ATTEMPT: failed}, STARTED) == Refused(failed.refusal, "no")


@pytest.mark.parametrize(
    ("job", "about", "answers", "fact"),
    [
        (STEADY, {}, {}, Running(changed_at=SENT)),
        (STEADY, {"acknowledged": True}, {}, Running()),
        (None, {}, {}, Recovering("the cluster does not know the attempt, and its list leaves out the job", False)),
        (
            STARTED,
            {"acknowledged": True, "forgotten": True},
            {TIMELINE: None},
            Recovering("the cluster does not know the attempt, and has restarted the job", False),
        ),
        (
            STARTED,
            {},
            {**BEGAN, CHECKPOINTS: listed(restored=RESTORED)},
            Running(
                changed_at=SENT + timedelta(milliseconds=5),
                restart=Restart(SENT + timedelta(milliseconds=40), CHK.path),
            ),
        ),
    ],
    ids=["it never arrived", "it is forgotten", "the list leaves it out", "an old answer", "it has restarted the job"],
)
def test_what_an_unknown_attempt_did_to_its_job(
    job: ListedJob | None, about: dict[str, Any], answers: Answers, fact: object
) -> None:
    assert told_of_stop(RUNNING, {ATTEMPT: AttemptUnknown(), **answers}, job, **about) == fact


@pytest.mark.parametrize(
    ("found", "over", "proven"),
    [
        (None, None, False),
        (listed(completed=CHK), None, True),
        (listed(SAVED), None, False),
        (listed(), None, None),
        (listed(), 100 - FRESH, False),
    ],
    ids=["Flink does not tell", "it has", "it has none", "an old answer", "no old answer is left"],
)
def test_a_run_without_a_checkpoint_is_told_so_by_a_list_that_is_young_enough(
    found: CheckpointList | None, over: float | None, proven: bool | None
) -> None:
    answers: Answers = {ATTEMPT: AttemptCompleted(PATH), CHECKPOINTS: found}
    expected = Stopping(saved=True, path=PATH) if proven is None else Saved(PATH, FINISHED, proven=proven)
    assert told_of_stop(FINISHED, answers, memory=Memory(over=over), unproven=True) == expected


def test_a_question_without_an_answer_does_not_cost_what_was_told_before_it() -> None:
    """The JobManager of an application cluster tells of the savepoint about once, and may be gone by then."""
    answers: Answers = {ATTEMPT: AttemptCompleted(PATH), CHECKPOINTS: NO}
    assert told_of_stop(FINISHED, answers, unproven=True) == Stopping(saved=True, path=PATH)


def test_what_a_stop_came_to_is_asked_once_as_long_as_the_list_shows_the_same() -> None:
    (fact, memory), _ = weigh(
        weigh_stop(attempted(), Seen(FINISHED), STEADY, Memory()), {ATTEMPT: AttemptCompleted(PATH)}
    )
    (again, _), asked = weigh(weigh_stop(attempted(), Seen(FINISHED), STEADY, memory), {})
    assert (again, asked) == (fact, [])
    (_, _), asked = weigh(
        weigh_stop(attempted(), Seen(FINISHED), STARTED, memory), {ATTEMPT: AttemptInProgress(), CHECKPOINTS: None}
    )
    assert ATTEMPT in asked


@pytest.mark.parametrize(
    ("state", "answers", "fact"),
    [
        (RUNNING, {ATTEMPT: AttemptCompleted(PATH)}, Saved(PATH, RUNNING)),
        (RUNNING, {ATTEMPT: AttemptInProgress()}, Stopping()),
        (FINISHED, {ATTEMPT: AttemptInProgress()}, Lingering(Ended(FINISHED))),
        (RUNNING, {ATTEMPT: AttemptUnknown()}, Running()),
        (FAILED, {ATTEMPT: AttemptUnknown()}, Ended(FAILED)),
        (RUNNING, {ATTEMPT: NoSuchJob("no job")}, Refused(Refusal.OTHER, "no job")),
        (FINISHED, {ATTEMPT: NoSuchJob("no job")}, Ended(FINISHED, "no job")),
        (FINISHED, {ATTEMPT: ABORTED}, Refused(Refusal.ABORTED, "Task has failed.")),
        (FAILED, {ATTEMPT: ABORTED, FAILURE: LastFailure(AT, "no room")}, Refused(Refusal.ABORTED, "no room")),
        (FAILED, {ATTEMPT: ABORTED, FAILURE: None}, Recovering("Task has failed")),
        (FAILED, {ATTEMPT: ABORTED, FAILURE: NO}, Silent("it does not answer")),
    ],
)
def test_what_a_savepoint_of_a_running_job_shows(state: JobState, answers: Answers, fact: object) -> None:
    (told, _), _ = weigh(weigh_save(attempted(), Seen(state), STEADY, Memory()), answers)
    assert told == fact


KEPT = Canceling(1, JID, TRIGGER, keeps=CHK.path)
FOREIGN = Canceling(1, JID, TRIGGER, keeps=SAVED.path, foreign=True)
GAVE_UP = Canceling(1, JID, TRIGGER, gave_up=TARGET)
WEIGHS = Canceling(1, JID, TRIGGER, weighs=True)
OLD = Memory(over=100 - FRESH)
RAN: Answers = {CHECKPOINTS: listed(SAVED)}


@pytest.mark.parametrize(
    ("about", "state", "memory", "answers", "fact"),
    [
        (Canceling(1, JID, TRIGGER), RUNNING, Memory(), {}, Running()),
        (Canceling(1, JID, TRIGGER), JobState.CANCELLING, Memory(), {}, Stopping()),
        (Canceling(1, JID, TRIGGER), CANCELED, Memory(), {}, Ended(CANCELED)),
        (KEPT, CANCELED, Memory(), {CHECKPOINTS: listed(CHK)}, Ended(CANCELED)),
        (KEPT, CANCELED, Memory(), {CHECKPOINTS: listed(SAVED, CHK)}, Ended(CANCELED, moved_on=True)),
        (KEPT, CANCELED, Memory(), {CHECKPOINTS: NO}, Silent("it does not answer")),
        (FOREIGN, CANCELED, OLD, {**RAN, TIMELINE: Timeline("CANCELED", AT)}, Ended(CANCELED)),
        (FOREIGN, CANCELED, OLD, {**RAN, TIMELINE: Timeline("CANCELED", AT + 2000)}, Ended(CANCELED, moved_on=True)),
        (GAVE_UP, FINISHED, Memory(), {**LEFT, CHECKPOINTS: listed(SAVED)}, Ended(FINISHED)),
        (GAVE_UP, FINISHED, Memory(), {CHECKPOINTS: listed(SAVED), TIMELINE: ANEW}, Ended(FINISHED, moved_on=True)),
        (GAVE_UP, FINISHED, Memory(), {CHECKPOINTS: listed(SAVED), TIMELINE: Timeline("RUNNING", AT)}, UNTOLD),
        (GAVE_UP, FINISHED, Memory(), {CHECKPOINTS: listed(CHK)}, Ended(FINISHED, moved_on=True)),
        (GAVE_UP, FINISHED, Memory(), {CHECKPOINTS: None}, Ended(FINISHED)),
        (
            WEIGHS,
            RUNNING,
            Memory(),
            {CHECKPOINTS: listed(completed=CHK), SETTINGS: KEEPS},
            Weighed(Checkpoint(CHK.path, SENT, retained=True)),
        ),
        (WEIGHS, RUNNING, Memory(), {CHECKPOINTS: None, SETTINGS: KEEPS}, Weighed(None)),
        (WEIGHS, RUNNING, OLD, {CHECKPOINTS: listed(), SETTINGS: KEEPS}, Weighed(None, fresh=True)),
        (WEIGHS, FAILED, Memory(), {}, Ended(FAILED)),
    ],
)
def test_what_a_cancel_shows(about: Canceling, state: JobState, memory: Memory, answers: Answers, fact: object) -> None:
    (told, _), _ = weigh(weigh_cancel(about, state, memory, 100.0), answers)
    assert told == fact


@pytest.mark.parametrize(
    ("about", "state", "answers"),
    [
        (FOREIGN, CANCELED, {}),
        (WEIGHS, RUNNING, {CHECKPOINTS: listed(), SETTINGS: KEEPS}),
    ],
)
def test_an_answer_that_may_be_old_proves_nothing_yet(about: Canceling, state: JobState, answers: Answers) -> None:
    (told, memory), _ = weigh(weigh_cancel(about, state, Memory(), 100.0), answers)
    assert isinstance(told, Silent)
    assert memory.over == 100.0
    answers = {**answers, **RAN, TIMELINE: Timeline("CANCELED", AT)} if about is FOREIGN else answers
    (told, _), _ = weigh(weigh_cancel(about, state, memory, 100 + FRESH), answers, 100 + FRESH)
    assert not isinstance(told, Silent)


def run(**fields: Any) -> Run:
    return Run(1, 1, JID, RunPhase.RUNNING, **({"acknowledged": True} | fields))


@pytest.mark.parametrize(
    ("of", "job", "answers", "fact"),
    [
        (run(), STEADY, {}, Seen(RUNNING)),
        (run(), ListedJob(FAILED, "FAILED"), {CAUSE: "no room"}, Seen(FAILED, "no room")),
        (run(), ListedJob(FAILED, "FAILED"), {CAUSE: NO}, Seen(FAILED)),
        (run(), ListedJob(None, "ODD"), {}, Silent("the cluster shows the state ODD, which is not known")),
        (run(), None, {STATE: RUNNING}, Seen(RUNNING)),
        (run(), None, {STATE: None}, Missing()),
        (run(), None, {STATE: NO}, Silent("it does not answer")),
        (run(acknowledged=False), None, {}, Missing()),
        (run(life="before"), None, {}, Gone(ENDED_WITH_CLUSTER)),
        (run(life="now"), None, {STATE: None}, Missing()),
    ],
)
def test_what_a_run_shows(of: Run, job: ListedJob | None, answers: Answers, fact: object) -> None:
    assert weigh(weigh_run(of, job, "now"), answers)[0] == fact


@pytest.mark.parametrize(
    ("known", "well", "answers", "proof"),
    [
        (Proof.GIVEN, True, {}, Proof.GIVEN),
        (Proof.UNKNOWN, True, {SETTINGS: CheckpointSettings()}, Proof.NONE),
        (Proof.UNKNOWN, True, {SETTINGS: None}, Proof.NONE),
        (Proof.UNKNOWN, True, {SETTINGS: NO}, None),
        (Proof.UNKNOWN, True, {SETTINGS: KEEPS, CHECKPOINTS: listed()}, Proof.AWAITED),
        (Proof.AWAITED, False, {CHECKPOINTS: listed(completed=CHK)}, Proof.GIVEN),
        (Proof.AWAITED, True, {CHECKPOINTS: listed(savepoint=SAVED)}, Proof.GIVEN),
        (Proof.AWAITED, False, {CHECKPOINTS: listed(savepoint=SAVED)}, Proof.AWAITED),
        (Proof.AWAITED, True, {CHECKPOINTS: None}, Proof.AWAITED),
    ],
)
def test_what_proves_the_state_of_a_run(known: Proof, well: bool, answers: Answers, proof: Proof | None) -> None:
    assert weigh(weigh_proof(known, JID, well=well), answers)[0] == proof
