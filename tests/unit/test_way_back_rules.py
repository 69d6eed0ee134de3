"""What resuming a job comes to: the rules, case by case."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sluiceway.domain.behind import Known, behind
from sluiceway.domain.cancel_loss import before_a_cancel
from sluiceway.domain.engine import RestorePoint, Survey
from sluiceway.domain.facts import JobState
from sluiceway.domain.fit import KIND_OF, Fit, FitKind, Left, Reason, Why, fit_of
from sluiceway.domain.job import JobStatus
from sluiceway.domain.misfit import left_behind, misfit
from sluiceway.domain.plan import Shown, differences
from sluiceway.domain.policy import SavepointFormat
from sluiceway.domain.savepoint_format import Choice
from sluiceway.domain.savepoint_version import of_another_version
from sluiceway.domain.traits import Traits
from sluiceway.domain.way_back import (
    Allowed,
    Kind,
    Owner,
    PassedOver,
    Past,
    Source,
    State,
    Terms,
    Trouble,
    Weight,
    before_a_stop,
    judge,
    length,
    told,
)

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
KEPT = State("s3://b/savepoint-1", Source.STOPPED_WITH, Kind.SAVEPOINT, 4, NOW - 100 * MINUTE, whole=True)
CLEAN = Past(7, JobStatus.STOPPED, KEPT, worked=True)
LEFT = replace(KEPT, source=Source.LEFT, kind=Kind.CHECKPOINT, path="s3://b/chk-9")
BEGAN = replace(KEPT, source=Source.BEGAN_FROM)
OVER = (PassedOver("s3://b/chk-10", "a.sst is missing"),)

NEVER = tuple(why for why in Why if why is not Why.SLOTS and KIND_OF[why] is FitKind.WOULD_NOT_START)
R, L, U, N = Weight.REFUSED, Weight.LOSS, Weight.UNKNOWN, Weight.NOTE


def past(state: State | None = KEPT, terms: Terms | None = None, **fields: object) -> Past:
    return replace(CLEAN, state=state, terms=terms or Terms(), **fields)  # type: ignore[arg-type]


_SAYS = {why: f"{why} is what is wrong." for why in Why}


def fit(*whys: Why, drops: bool = False) -> Fit:
    return replace(fit_of(*(Reason(why, _SAYS[why], "Join") for why in whys)), drops=drops)


LEAVE, MEAN = Allowed.NON_RESTORED_STATE, Allowed.OTHER_MEANING


@pytest.mark.parametrize(
    ("found", "allowed", "weight", "says"),
    [
        (fit(), (), None, ""),
        (fit(Why.NEW_OPERATOR), (), N, ""),
        (fit(Why.OPERATOR_GONE), (), R, "--allow-non-restored-state"),
        (fit(Why.STATE_GONE), (), R, "--allow-non-restored-state"),
        (fit(Why.OPERATOR_GONE), {LEAVE}, L, ""),
        (fit(Why.OPERATOR_GONE), {MEAN, Allowed.DRAINED}, R, "--allow-non-restored-state"),
        (fit(Why.OPERATOR_GONE, drops=True), (), L, ""),
        (fit(Why.MEANING_CHANGED), (), R, "--other-meaning"),
        (fit(Why.MEANING_CHANGED), {MEAN}, L, ""),
        (fit(Why.MEANING_CHANGED), {LEAVE}, R, "--other-meaning"),
        # Who leaves one operator's state behind has not agreed that another goes on from what a third has counted.
        (fit(Why.MEANING_CHANGED, Why.OPERATOR_GONE), {LEAVE}, R, "--other-meaning"),
        (fit(Why.MEANING_CHANGED, Why.OPERATOR_GONE), {LEAVE, MEAN}, L, ""),
        *((fit(why), {LEAVE, MEAN}, R, "without resuming") for why in NEVER),
        (fit(Why.TYPE_CHANGED, Why.OPERATOR_GONE), {LEAVE}, R, "without resuming"),
        (fit(Why.SLOTS), (), L, ""),
        (fit(Why.SLOTS, Why.OPERATOR_GONE), (), R, "--allow-non-restored-state"),
        (fit(Why.NOT_TOLD), (), U, ""),
        (fit(Why.NOT_PLANNED), {MEAN}, U, ""),
        (fit(Why.NOT_TOLD), {LEAVE}, U, "does not say which"),
        (fit(Why.PROGRAM), (), N, ""),
        (fit(Why.PROGRAM), {LEAVE}, U, "does not say which"),
    ],
)
def test_what_becomes_of_a_state_that_may_not_fit(
    found: Fit, allowed: Collection[Allowed], weight: Weight | None, says: str
) -> None:
    concern = misfit(found, allowed)
    assert (concern.weight if concern else None) is weight
    if concern is not None:
        assert concern.trouble is Trouble.FIT
        assert found.text in concern.text
        assert says in concern.text
        assert bool(says) is (concern.text != found.text), "where nothing can be done, nothing is said"


def test_the_audit_names_what_is_left_behind() -> None:
    left = tuple(Left(f"op{number}", "a" * 32, number) for number in range(7))
    gone = replace(fit(Why.OPERATOR_GONE), left=left)
    told = left_behind(gone, drops=True)
    assert told.startswith("It leaves behind the state of op0 (0 bytes), op1 (1 bytes)")
    assert told.endswith("op4 (4 bytes) and 2 more.")
    assert left_behind(gone, drops=False) == told, "and where the job's own options allow it"
    assert "may leave state behind" in left_behind(fit(Why.PROGRAM), drops=True)
    assert left_behind(fit(), drops=True) == left_behind(None, drops=False) == ""


@pytest.mark.parametrize(
    ("case", "found"),
    [
        pytest.param(past(), [], id="a savepoint of a clean stop"),
        pytest.param(past(None), [], id="nothing is known, which is no concern but a refusal of its own"),
        # Whether it is there, and whole.
        pytest.param(past(replace(KEPT, whole=False, fault="x is missing")), [(Trouble.DAMAGED, R)], id="damaged"),
        pytest.param(past(replace(KEPT, whole=False, removed_at=NOW)), [(Trouble.GONE, R)], id="disposed of"),
        pytest.param(past(replace(KEPT, whole=None)), [(Trouble.UNREADABLE, U)], id="out of reach"),
        pytest.param(past(None, unreadable="no disk"), [(Trouble.UNREADABLE, R)], id="a newer one may be there"),
        # What lies between it and the end of the run.
        pytest.param(past(LEFT), [], id="the newest checkpoint"),
        pytest.param(past(LEFT, passed=OVER), [(Trouble.PASSED_OVER, L)], id="a newer one is damaged"),
        pytest.param(past(None, passed=OVER), [(Trouble.DAMAGED, R)], id="all are damaged"),
        pytest.param(past(BEGAN), [(Trouble.OLDER, L)], id="the run has left nothing"),
        pytest.param(past(BEGAN, worked=False), [], id="the run has never worked, and lost nothing"),
        # What the past has done.
        pytest.param(past(replace(KEPT, drained=True)), [(Trouble.DRAINED, R)], id="drained"),
        pytest.param(past(LEFT, status=JobStatus.FINISHED), [(Trouble.FINISHED, R)], id="finished"),
        pytest.param(
            past(replace(KEPT, source=Source.CHOSEN), status=JobStatus.FINISHED), [], id="finished, and chosen since"
        ),
        pytest.param(past(LEFT, status=JobStatus.FAILED), [], id="failed"),
        pytest.param(past(replace(KEPT, owner=Owner(8, live=True))), [(Trouble.CLAIMED, R)], id="another runs on it"),
        pytest.param(past(replace(KEPT, owner=Owner(7, live=False))), [(Trouble.CLAIMED, N)], id="Flink owns it"),
        # What time has done: the savepoint is 100 minutes old.
        pytest.param(past(terms=Terms(HOUR)), [(Trouble.RETENTION, L)], id="past its retention"),
        pytest.param(past(terms=Terms(100 * MINUTE)), [(Trouble.RETENTION, L)], id="to the second"),
        pytest.param(past(terms=Terms(2 * HOUR)), [], id="within it"),
        pytest.param(past(terms=Terms(timedelta())), [], id="kept for ever"),
        pytest.param(past(terms=Terms(None)), [], id="a program says itself"),
        pytest.param(past(replace(KEPT, holders=()), Terms(HOUR)), [], id="nothing in it has an age"),
        pytest.param(past(replace(KEPT, at=None), Terms(HOUR)), [], id="nobody knows how old it is"),
        pytest.param(past(terms=Terms(zone="UTC", zone_then="UTC")), [], id="the same zone"),
        pytest.param(
            past(terms=Terms(zone="Asia/Shanghai", zone_then="UTC", shift=8 * HOUR)),
            [(Trouble.TIME_ZONE, L)],
            id="another zone",
        ),
        pytest.param(past(terms=Terms(zone="Asia/Shanghai", shift=8 * HOUR)), [], id="an old run's zone is not known"),
        pytest.param(past(LEFT, Terms(elsewhere="s3://x")), [(Trouble.ELSEWHERE, U)], id="checkpoints out of reach"),
        pytest.param(past(KEPT, Terms(elsewhere="s3://x")), [], id="which do not matter after a stop"),
    ],
)
def test_what_a_resume_comes_to(case: Past, found: list[tuple[Trouble, Weight]]) -> None:
    back = judge(case, (), NOW)
    assert [(concern.trouble, concern.weight) for concern in back.concerns] == found
    assert (back.refused is not None) == (R in [weight for _, weight in found])
    assert all(concern.text.endswith((".", ")")) for concern in back.concerns)


@pytest.mark.parametrize(
    ("case", "name"),
    [(past(replace(KEPT, drained=True)), Allowed.DRAINED), (past(LEFT, status=JobStatus.FINISHED), Allowed.FINISHED)],
)
def test_what_is_asked_for_by_name_is_told_and_done(case: Past, name: Allowed) -> None:
    other = next(each for each in Allowed if each is not name)
    assert judge(case, {other}, NOW).refused
    back = judge(case, {name}, NOW)
    assert back.refused is None
    assert [concern.weight for concern in back.concerns] == [L]


@pytest.mark.parametrize(
    "case",
    [
        past(replace(KEPT, whole=False, fault="x is missing")),
        past(replace(KEPT, whole=False, removed_at=NOW)),
        past(None, passed=OVER),
        past(LEFT, Terms(elsewhere="s3://other/chk")),
    ],
    ids=["damaged", "removed", "none is whole", "elsewhere"],
)
def test_words_name_what_each_caller_can_choose_another_state_with(case: Past) -> None:
    [concern] = judge(case, (), NOW).concerns
    assert "sluiceway savepoints choose, or DLI's import-savepoint" in concern.text


def test_words_name_the_operators_the_ages_and_what_to_do() -> None:
    state = replace(KEPT, holders=("GroupAggregate[3]", "Join[5]"))
    [concern] = judge(past(state, Terms(MINUTE, hints=True)), (), NOW).concerns
    for word in ("GroupAggregate[3], Join[5]", "1 min", "1 h 40 min", "idle_state_retention", "STATE_TTL"):
        assert word in concern.text
    [moved] = judge(past(terms=Terms(zone="Asia/Shanghai", zone_then="UTC", shift=8 * HOUR)), (), NOW).concerns
    assert "+8 hours" in moved.text
    [passed] = judge(past(LEFT, passed=OVER), (), NOW).concerns
    assert "s3://b/chk-10 is newer and not whole: a.sst is missing" in passed.text
    assert told(judge(CLEAN, (), NOW)) == "It starts from s3://b/savepoint-1, a savepoint, 1 h 40 min old."


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3661, "1 h 1 min"), (90_061, "1 d 1 h"), (-5, "0 s")],
)
def test_a_length_of_time_in_words(seconds: float, shown: str) -> None:
    assert length(timedelta(seconds=seconds)) == shown


SURVEY = Survey(JobState.RUNNING, 2, 2, ready=True, batch=False, own=RestorePoint("chk-1", NOW))
NATIVE = Choice(SavepointFormat.NATIVE, "-")


@pytest.mark.parametrize(
    ("terms", "window", "survey", "choice", "drain", "found"),
    [
        (Terms(HOUR), HOUR * 2, SURVEY, None, False, [(Trouble.RETENTION, L)]),
        (Terms(HOUR), HOUR / 2, SURVEY, None, False, []),
        (Terms(HOUR), None, SURVEY, None, False, []),
        (Terms(timedelta()), HOUR * 2, SURVEY, None, False, []),
        (Terms(), None, replace(SURVEY, own=None), None, False, [(Trouble.NO_FALLBACK, N)]),
        (Terms(), None, replace(SURVEY, traits=Traits(backend="forst")), NATIVE, False, [(Trouble.FORMAT, N)]),
        (Terms(), None, SURVEY, None, True, [(Trouble.DRAINED, L)]),
        (Terms(), None, None, NATIVE, False, []),
    ],
)
def test_what_a_stop_knows_of_the_way_back(
    terms: Terms,
    window: timedelta | None,
    survey: Survey | None,
    choice: Choice | None,
    drain: bool,
    found: list[tuple[Trouble, Weight]],
) -> None:
    concerns = before_a_stop(terms, window, survey, choice, drain=drain)
    assert [(concern.trouble, concern.weight) for concern in concerns] == found


CHK, TAKEN, ORIGIN = (RestorePoint(f"s3://b/{name}", NOW) for name in ("chk-1", "savepoint-1", "before"))
BARE = replace(SURVEY, own=None)
KEEPS = replace(SURVEY, own=CHK, retained=True)
BEFORE = replace(CHK, at=NOW - HOUR)


@pytest.mark.parametrize(
    ("survey", "weight", "lost"),
    [
        (BARE, L, "everything that this run has done: no checkpoint"),
        (replace(BARE, began=ORIGIN), L, "since it began from s3://b/before: no checkpoint"),
        (KEEPS, L, "since its checkpoint of 2026-11-27 12:00:00Z, s3://b/chk-1: its checkpoints outlive a cancel"),
        (replace(KEEPS, own=RestorePoint("s3://b/chk-1", None)), L, "since its checkpoint, s3://b/chk-1:"),
        (replace(KEEPS, retained=False), L, "everything that this run has done: its checkpoints do not outlive"),
        (replace(KEEPS, retained=False, began=ORIGIN), L, "began from s3://b/before: its checkpoints do not outlive"),
        (replace(KEEPS, retained=None), U, "whether its checkpoints outlive a cancel is not known"),
        (replace(KEEPS, retained=False, saved=TAKEN), L, "since its savepoint of 2026-11-27 12:00:00Z"),
        (replace(KEEPS, own=BEFORE, saved=TAKEN), L, "s3://b/savepoint-1: its checkpoints outlive"),
        (replace(KEEPS, saved=replace(TAKEN, at=NOW - HOUR)), L, "s3://b/chk-1"),
        (replace(KEEPS, retained=None, own=BEFORE, saved=TAKEN), L, "s3://b/savepoint-1"),
    ],
)
def test_what_a_cancel_loses(survey: Survey, weight: Weight, lost: str) -> None:
    [concern] = before_a_cancel(Terms(HOUR), None, survey)
    assert (concern.trouble, concern.weight) == (Trouble.NO_SAVEPOINT, weight)
    assert lost in concern.text


def test_what_a_cancel_keeps_may_not_live_as_long_as_the_pause() -> None:
    assert [one.trouble for one in before_a_cancel(Terms(HOUR), HOUR * 2, KEEPS)][1:] == [Trouble.RETENTION]
    assert len(before_a_cancel(Terms(HOUR), HOUR * 2, BARE)) == 1, "there is nothing to keep"
    assert before_a_cancel(Terms(HOUR), HOUR * 2, None) == [], "the cluster does not show it, and that is told"


# Plans. ---------------------------------------------------------------------------------------------------------------

SHOWN = [Shown(1, "accepted", "s3://b/1"), Shown(2, "not_whole", "s3://b/2", ("damaged",))]


@pytest.mark.parametrize(
    ("now", "differ"),
    [
        (SHOWN, []),
        (SHOWN[::-1], []),
        ([SHOWN[0], replace(SHOWN[1], about=())], [2]),
        ([replace(SHOWN[0], subject="s3://b/9"), SHOWN[1]], [1]),
        ([replace(SHOWN[0], verdict="wrong_state"), replace(SHOWN[1], verdict="accepted")], [1, 2]),
        (SHOWN[:1], [2]),
        ([*SHOWN, Shown(3, "accepted")], [3]),
    ],
)
def test_a_plan_differs_by_job(now: list[Shown], differ: list[int]) -> None:
    found = differences(SHOWN, now)
    assert [one.job_id for one in found] == differ
    assert all(one.was != one.now for one in found)


# What a state of somebody's choosing goes back behind. ---------------------------------------------------------------

A, B = Known("s3://b/a", Kind.SAVEPOINT, NOW - HOUR), Known("s3://b/b", Kind.CHECKPOINT, NOW)


@pytest.mark.parametrize(
    ("path", "at", "newer", "by"),
    [
        ("s3://b/x", NOW - 2 * HOUR, [B, A], 2 * HOUR),
        ("s3://b/x", NOW - MINUTE, [B], MINUTE),
        ("s3://b/x", NOW, [], timedelta()),
        ("s3://b/x", NOW + HOUR, [], timedelta()),
        (B.path, NOW - 2 * HOUR, [A], HOUR),  # a state is never behind itself, whatever its times
    ],
)
def test_what_a_state_goes_back_behind(path: str, at: datetime, newer: list[Known], by: timedelta) -> None:
    found = behind(path, at, [A, B, A])
    assert (list(found.newer), found.by) == (newer, by)
    assert (found.told == "") == (not newer)


def test_what_is_newer_is_named_up_to_a_bound_and_what_nobody_knows_is_told() -> None:
    many = [Known(f"s3://b/{n}", None, NOW - n * MINUTE) for n in range(9)]
    told_ = behind("s3://b/x", NOW - HOUR, many).told
    assert told_.startswith(
        "It is 1 h older than the newest state of the job. Newer: s3://b/0 (2026-11-27 12:00:00Z); "
    )
    assert "s3://b/4 (" in told_
    assert "; and 4 more. The work since then is repeated." in told_
    assert "s3://b/5 (" not in told_
    assert behind("s3://b/x", NOW, [], "storage does not answer").told.endswith("job: storage does not answer")


@pytest.mark.parametrize(
    ("wrote", "theirs", "expected"),
    [
        ("2.3.0", "2.3.1", None),
        ("1.18.1", "1.20.5", None),
        ("2.0.2", "2.3.0", None),
        ("", "2.3.0", None),
        ("2.3.0", "", None),
        ("1.20.5", "2.3.0", Weight.UNKNOWN),
        ("1.20.5", "1.18.1", Weight.UNKNOWN),
        ("2.3.0", "2.2.1", Weight.UNKNOWN),
        ("2.0.2", "1.20.5", Weight.REFUSED),
        ("2.3.0", "1.18.1", Weight.REFUSED),
        ("2.3.0", "2.0.2", Weight.REFUSED),
    ],
)
def test_state_of_another_version_is_told_or_refused(wrote: str, theirs: str, expected: Weight | None) -> None:
    concern = of_another_version(replace(KEPT, flink_version=wrote), theirs)
    assert (concern and concern.weight) == expected
    if concern is not None:
        assert f"was written by Flink {wrote}, and the cluster runs {theirs}" in concern.text
