"""Orders and what became of them are plain data; and who may write what happened."""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

import sluiceway
from sluiceway.domain.admission import ACCEPTED, UNKNOWN, Refusal, Verdict
from sluiceway.domain.batch import Limits
from sluiceway.domain.coming_back import BackWish
from sluiceway.domain.fit import Left, Reason, Why, fit_of
from sluiceway.domain.job import JobStatus
from sluiceway.domain.judging import Fate, Obstacle, Reach, fate, judge_stop
from sluiceway.domain.orders import Key, Placed, ResumeOrder, SaveOrder, StartOrder, StopOrder
from sluiceway.domain.plan import PlanRef, Shown
from sluiceway.domain.policy import Resort, SavepointFormat, StopPolicy
from sluiceway.domain.way_back import (
    Allowed,
    Back,
    Concern,
    Kind,
    Owner,
    PassedOver,
    Source,
    State,
    Trouble,
    Weight,
)

KEY = Key("tonight", "d" * 64, "ann")
SHOWN = Shown(3, "accepted", "file:///s", ("retention",))
ORDERS = [
    StopOrder("p", [1, 2, 1]),
    StopOrder(
        "p",
        [1, 2],
        savepoint=False,
        reason="kernel",
        policy=StopPolicy(True, SavepointFormat.CANONICAL, 3, timedelta(seconds=1.5), Resort.CANCEL, parks=True),
        limits=Limits(4, None, 0.25),
        waves={1: 0, 2: 1},
        plan=PlanRef(7, "bob"),
        shown={1: "a" * 32},
        key=KEY,
        retry_of=9,
    ),
    StartOrder("p", [3], resume=None, allow=frozenset(Allowed), plan=PlanRef(1, ""), shown=[SHOWN]),
    ResumeOrder("p", stop=5, failed=True, wish=BackWish(park_after=timedelta(minutes=1)), key=KEY),
    SaveOrder("p", [1], "obs://b/nightly", "ann", SavepointFormat.NATIVE),
]
STATE = State(
    "file:///s", Source.LEFT, Kind.CHECKPOINT, 4, datetime(2026, 1, 2, 3, 4, 5, 678901, UTC), owner=Owner(1, True)
)
BACK = Back(
    STATE,
    timedelta(days=1, microseconds=1),
    (PassedOver("file:///t", "damaged"),),
    (Concern(Trouble.RETENTION, Weight.LOSS, "It is old."),),
    fit_of(Reason(Why.OPERATOR_GONE, "Join[5] would be left behind."), left=(Left("Join", "a" * 32, 40),), slots=2),
)
PLACED = Placed(
    12,
    [1, 2, 3, 3, 99],
    {2: Verdict(Refusal.FORBIDDEN, JobStatus.RUNNING, "c1"), 3: Verdict(note="A note.", back=BACK), 99: UNKNOWN},
    {2: 1},
)


@pytest.mark.parametrize("said", [*ORDERS, PLACED, Placed(None, [])])
def test_what_is_stored_of_an_order_is_read_as_the_same(said: Any) -> None:
    assert msgspec.json.decode(msgspec.json.encode(said), type=type(said)) == _lists(said)


def _lists(said: Any) -> Any:
    """It as it is read: what has an order is a list."""
    return msgspec.convert(msgspec.to_builtins(said, builtin_types=(datetime, timedelta)), type(said))


def test_every_position_of_an_order_is_answered_and_shares_its_verdict() -> None:
    verdicts = PLACED.verdicts
    assert [verdicts[0], verdicts[4]] == [ACCEPTED, UNKNOWN]
    assert verdicts[2] is verdicts[3]
    assert PLACED.by_job == {1: ACCEPTED, **PLACED.odd}
    assert PLACED.barred == {"c1"}


@pytest.mark.parametrize(
    ("status", "cluster", "refusal", "comes_to"),
    [
        (None, None, Refusal.UNKNOWN, Fate.LEAVE),
        (JobStatus.RUNNING, "elsewhere", Refusal.FORBIDDEN, Fate.LEAVE),
        (JobStatus.RUNNING, "gone", Refusal.NO_QUEUE, Fate.LEAVE),
        (JobStatus.RUNNING, "c0", None, Fate.STOP),
        (JobStatus.FAILED, "c0", Refusal.WRONG_STATE, Fate.LEAVE),
        (JobStatus.SUBMITTING, "c0", Refusal.WRONG_STATE, Fate.LEAVE),
    ],
)
def test_what_a_stop_comes_to_follows_from_how_its_job_stands(
    status: JobStatus | None, cluster: str | None, refusal: Refusal | None, comes_to: Fate
) -> None:
    reach = Reach(frozenset({"c0", "elsewhere"}), frozenset({"c0", "gone"}))
    verdict = judge_stop(Obstacle(1, status, cluster, None), StopOrder("p", [1]), reach)
    assert (verdict.refusal, fate(verdict)) == (refusal, comes_to)


def test_a_job_at_rest_is_marked_where_that_is_a_success() -> None:
    order = StopOrder("p", [1], at_rest_is_done=True)
    verdict = judge_stop(Obstacle(1, JobStatus.FAILED, None, None), order, Reach(frozenset()))
    assert (verdict.accepted, fate(verdict)) == (True, Fate.MARK)


# What happened has one writer. ---------------------------------------------------------------------------------------

WRITERS = {
    "runs": {"deadlines", "ledger"},
    "stops": {"ledger"},
    "saves": {"ledger"},
    "events": {"ledger"},
    "savepoints": {"ledger"},
}
WRITES = {"insert", "update", "delete", "guarded_update"}


def written(module: Path) -> Iterator[str]:
    """The tables of which a module writes rows, by any name that it has for them."""
    tree = ast.parse(module.read_text())
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "sluiceway.store.schema":
            names |= {each.asname or each.name: each.name for each in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WRITES:
            for given in node.args[:2]:
                if isinstance(given, ast.Name | ast.Attribute):
                    yield names.get(given.id, "") if isinstance(given, ast.Name) else given.attr


def test_what_happened_is_written_by_the_ledger_alone() -> None:
    found: dict[str, set[str]] = {table: set() for table in WRITERS}
    for module in Path(sluiceway.__file__).parent.rglob("*.py"):
        for table in set(written(module)) & WRITERS.keys():
            found[table].add(module.stem)
    assert found == WRITERS


def test_nothing_from_outside_is_handed_to_the_store_to_be_called() -> None:
    store = Path(sluiceway.__file__).parent / "store"
    taking = {
        module.stem
        for module in store.glob("*.py")
        # Which hand functions of the store's own to a thread, and to a transaction of several parts.
        if module.stem not in {"driver", "joint"}
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.ImportFrom) and {"Callable", "Awaitable"} & {each.name for each in node.names}
    }
    assert taking == set()
