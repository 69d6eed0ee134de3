"""Which run a job is that bears a Flink job id that was seen before: a new one, the same one, or another job's."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sluiceway.domain.adoption import Adopted, Adoption, Stranger
from sluiceway.domain.engine import RestorePoint
from sluiceway.domain.identity import (
    Answers,
    Fresh,
    Known,
    Moved,
    Namesake,
    Recognised,
    Shown,
    Spot,
    Stage,
    Unsure,
    follows,
    is_derived,
    may_be_followed,
    recognise,
    returning,
    vouched,
)
from sluiceway.domain.operations.stop import Stop, StopPhase
from sluiceway.domain.run import Run, RunPhase
from sluiceway.domain.watched import Watched

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
LATER, LATEST = FIRST + timedelta(hours=1), FIRST + timedelta(hours=2)
RANDOM, DERIVED = "5b1c" * 8, "000000006e6b13320000000000000000"  # the second from the cluster id "/default"
NEW = Stranger(DERIVED, "orders", LATER)
ENDED = Namesake(7, 70, "c0", Stage.ENDED, "orders", FIRST)
LIVES = replace(ENDED, stage=Stage.LIVES, over=False)
LOST = replace(ENDED, stage=Stage.LOST)
JOB = Adopted(7, 70, "orders", rests=True)
ASK = Unsure((Spot("c1", DERIVED),))


Told = Mapping[str, Shown | None]  # by cluster


def of(flink_job_id: str, told: Told) -> Answers:
    return {Spot(cluster, flink_job_id): shown for cluster, shown in told.items()}


def there(run: Namesake) -> Namesake:
    return replace(run, cluster="c1")


HERE: list[tuple[str, Namesake, Recognised]] = [
    ("its run has ended", ENDED, Fresh(JOB)),
    ("it lives: a recovery shows a later start, too", LIVES, Known()),
    ("it was lost, and may be back", LOST, Known()),
    ("it has ended, and this is no later one", replace(ENDED, started_at=LATER), Known()),
    ("the one before was started here", replace(ENDED, started_at=None), Known()),
    ("a stop of it has not settled", replace(ENDED, open=True), Known()),
    ("its job has come back under another id", replace(ENDED, latest=False, over=False), Fresh()),
    ("its job came back under another id, and that run is over, too", replace(ENDED, latest=False), Fresh(JOB)),
    ("its job was deleted", replace(ENDED, gone=True), Fresh()),
    ("its job was deleted, and its cancel is open", replace(ENDED, gone=True, open=True), Known()),
    ("its job was deleted, and is being canceled", replace(LIVES, gone=True, open=True), Known()),
    ("its job was made here", replace(ENDED, flink_name=None), Known()),
]


@pytest.mark.parametrize(("run", "told"), [row[1:] for row in HERE], ids=[row[0] for row in HERE])
def test_a_job_runs_anew_under_its_id_only_after_its_run_has_ended(run: Namesake, told: Recognised) -> None:
    assert recognise(NEW, "c0", [run], {}) == told


def test_an_id_that_nobody_has_had_is_no_known_run() -> None:
    assert recognise(NEW, "c0", [], {}) == Fresh()


def test_without_its_start_nobody_can_tell() -> None:
    assert recognise(replace(NEW, started_at=None), "c0", [ENDED], {}) == Known()


ELSEWHERE: list[tuple[str, Namesake, Told, Recognised]] = [
    ("nobody has asked", LIVES, {}, ASK),
    ("it did not answer", LIVES, {"c1": None}, Known()),
    ("one lives there that its list leaves out", LIVES, {"c1": Shown(unlisted=True)}, Known()),
    ("it shows another one", LIVES, {"c1": Shown(LATEST)}, Fresh()),
    ("it shows the same one: two names of one cluster", LIVES, {"c1": Shown(LATER)}, Known()),
    ("it does not show its own any more", LIVES, {"c1": Shown()}, Known()),
    ("it was removed, and other clusters may have that id", LIVES, {"c1": Shown(nowhere=True)}, Fresh()),
    ("it was removed while a stop is open", replace(LIVES, open=True), {"c1": Shown(nowhere=True)}, Known()),
    ("the same start is the same job", replace(LIVES, started_at=LATER), {}, Known()),
    ("its run has ended", ENDED, {"c1": Shown()}, Fresh()),
    ("its run has ended, and it was removed", ENDED, {"c1": Shown(nowhere=True)}, Fresh()),
    ("its run has ended, and both show the next one", ENDED, {"c1": Shown(LATER)}, Known()),
    ("it was lost there: the id says nothing", LOST, {"c1": Shown()}, Fresh()),
    ("it was lost there, with the same start", replace(LOST, started_at=LATER), {}, Moved(JOB)),
    ("it was lost there, and its job has come back", replace(LOST, latest=False), {"c1": Shown()}, Fresh()),
    ("it was made here", replace(LIVES, flink_name=None), {"c1": Shown(LATEST)}, Known()),
]


@pytest.mark.parametrize(("run", "answers", "told"), [row[1:] for row in ELSEWHERE], ids=[row[0] for row in ELSEWHERE])
def test_one_id_on_two_clusters_are_two_jobs_once_both_are_seen(run: Namesake, answers: Told, told: Recognised) -> None:
    assert recognise(NEW, "c0", [there(run)], of(DERIVED, answers)) == told


UNIQUE: list[tuple[str, Namesake, Told, Recognised]] = [
    ("it was lost there, and recovered here", LOST, {}, Moved(JOB)),
    ("it was lost there under another name", replace(LOST, flink_name="clicks"), {}, ASK),
    ("it was lost there, recovered here, and a stop is open", replace(LOST, open=True), {"c1": Shown()}, Known()),
    ("it was lost there, and its job was deleted", replace(LOST, started_at=LATER, gone=True), {}, Fresh()),
    ("that cluster was removed", LIVES, {"c1": Shown(nowhere=True)}, Known()),
    ("that cluster shows another one all the same", LIVES, {"c1": Shown(LATEST)}, Fresh()),
]


@pytest.mark.parametrize(("run", "answers", "told"), [row[1:] for row in UNIQUE], ids=[row[0] for row in UNIQUE])
def test_an_id_of_its_own_is_that_job_wherever_it_is_seen(run: Namesake, answers: Told, told: Recognised) -> None:
    seen = recognise(replace(NEW, flink_job_id=RANDOM), "c0", [there(run)], of(RANDOM, answers))
    assert seen == (Unsure((Spot("c1", RANDOM),)) if told == ASK else told)


def test_a_job_that_runs_anew_here_may_be_seen_under_another_name_as_well() -> None:
    both = [ENDED, there(replace(LIVES, job_id=8, run_id=80))]
    assert recognise(NEW, "c0", both, {}) == ASK
    assert recognise(NEW, "c0", both, of(DERIVED, {"c1": Shown(LATER)})) == Known()
    assert recognise(NEW, "c0", both, of(DERIVED, {"c1": Shown(LATEST)})) == Fresh(JOB)


SPOT, SPOT_ELSEWHERE = Spot("c0", RANDOM), Spot("c1", RANDOM)
BY_NAME, BY_ID = Adoption(NEW, replace(JOB, flink_job_id=RANDOM)), Adoption(NEW, JOB, by_id=True)
VOUCHED: list[tuple[str, Adoption, Answers, list[Adoption], tuple[Spot, ...]]] = [
    ("nobody was taken in under that name", Adoption(NEW), {}, [Adoption(NEW)], ()),
    ("it bears the id itself", BY_ID, {}, [BY_ID], ()),
    ("nobody has asked whether its last id lives", BY_NAME, {}, [], (SPOT,)),
    ("nothing lives under its last id", BY_NAME, {SPOT: Shown()}, [BY_NAME], ()),
    ("its last id lives: it was deployed anew", BY_NAME, {SPOT: Shown(LATER)}, [Adoption(NEW)], ()),
    ("its last id lives, and the list leaves it out", BY_NAME, {SPOT: Shown(unlisted=True)}, [Adoption(NEW)], ()),
    ("its cluster did not answer", BY_NAME, {SPOT: None}, [], ()),
]


@pytest.mark.parametrize(
    ("known", "answers", "sure", "asked"), [row[1:] for row in VOUCHED], ids=[row[0] for row in VOUCHED]
)
def test_nobody_is_known_by_name_again_while_a_job_lives_under_the_id_that_it_had(
    known: Adoption, answers: Answers, sure: list[Adoption], asked: tuple[Spot, ...]
) -> None:
    found = vouched([known], "c0", {NEW: answers})
    assert found.sure == sure
    assert found.unsure == ({NEW: Unsure(asked)} if asked else {})


MOVED = there(replace(LOST, job_id=8, run_id=80))
AFTER_ITS_END: list[tuple[str, str, Namesake, Recognised]] = [
    ("lost after that, with the same start", DERIVED, replace(MOVED, started_at=LATER), Moved(MOVED.job)),
    ("lost after that, and recovered since", RANDOM, MOVED, Moved(MOVED.job)),
    ("lost after that: the id says nothing", DERIVED, MOVED, ASK),
    ("lost before", RANDOM, replace(MOVED, run_id=60), Unsure((SPOT_ELSEWHERE,))),
]


@pytest.mark.parametrize(
    ("jid", "lost", "told"), [row[1:] for row in AFTER_ITS_END], ids=[row[0] for row in AFTER_ITS_END]
)
def test_the_next_run_was_seen_under_another_name_for_a_while(jid: str, lost: Namesake, told: Recognised) -> None:
    """Its cluster had that name, and has its own again."""
    assert recognise(replace(NEW, flink_job_id=jid), "c0", [ENDED, lost], {}) == told


def test_of_one_job_only_one_run_comes_back() -> None:
    older = replace(JOB, run_id=60)
    assert returning({"a": Fresh(JOB), "b": Fresh(older), "c": Fresh(), "d": Known()}) == {"a": JOB}


@pytest.mark.parametrize(
    ("jid", "derived"),
    [
        ("0" * 32, True),
        (DERIVED, True),
        (f"ffffffff8e2d96d9{0:016}", True),
        (RANDOM, False),
        ("0" * 15 + "a" * 17, False),
    ],
)
def test_an_id_that_flink_has_derived_has_an_empty_half(jid: str, derived: bool) -> None:
    assert is_derived(jid) is derived


KEPT = "file:///s/7/t/savepoint-6e6b13-2f0c"
STOP = Stop(
    id=7,
    job_id=7,
    flink_job_id=DERIVED,
    savepoint=True,
    root="file:///s/7",
    token="0" * 32,
    phase=StopPhase.STOPPED,
    deadline=FIRST,
    savepoint_path=KEPT,
)
WATCHED = Watched(Run(70, 7, DERIVED, RunPhase.LOST), STOP)


@pytest.mark.parametrize(
    ("watched", "may"),
    [
        (WATCHED, True),
        (replace(WATCHED, run=replace(WATCHED.run, phase=RunPhase.RUNNING)), False),
        (replace(WATCHED, run=replace(WATCHED.run, checkpoints="file:///c")), False),
        (replace(WATCHED, current=False), False),
        (replace(WATCHED, stop=None), False),
        (replace(WATCHED, stop=replace(STOP, phase=StopPhase.OVERDUE)), False),
        (replace(WATCHED, stop=replace(STOP, savepoint_path=None)), False),
    ],
    ids=["stopped", "it runs", "ours", "its job runs elsewhere", "no stop", "the stop is open", "no savepoint"],
)
def test_only_a_run_whose_stop_was_settled_without_its_cluster_may_have_been_followed(
    watched: Watched, may: bool
) -> None:
    assert may_be_followed(watched) is may


@pytest.mark.parametrize(
    ("began", "told"),
    [
        (RestorePoint(KEPT, None), True),
        (RestorePoint("file:/s/7/t/savepoint-6e6b13-2f0c/", None), True),
        (RestorePoint("file:///s/7/t/savepoint-6e6b13-0000", None), False),
        (None, False),
    ],
    ids=["its savepoint", "as Flink writes it", "another one", "a checkpoint of its own, or nothing"],
)
def test_what_began_from_the_stops_savepoint_is_another_run(began: RestorePoint | None, told: bool) -> None:
    assert follows(WATCHED, began) is told
