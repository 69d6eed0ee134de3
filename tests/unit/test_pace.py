"""When which cluster is looked at: the rules of the pace, and the list of what is due."""

import math
from dataclasses import replace

import pytest

from sluiceway.reconcile.agenda import Agenda
from sluiceway.reconcile.pace import CALM_AFTER, Load, Pace, spread
from sluiceway.reconcile.turn import Outlook

FEW = Load(clusters=3, busy=1)
QUIET, BUSY, SILENT = Outlook(calm=True), Outlook(under_way=1), Outlook(answered=False)


@pytest.mark.parametrize(
    ("outlook", "crowd", "calm_for", "load", "pause"),
    [
        (QUIET, 0.0, 0.0, FEW, 2.0),
        (QUIET, 0.0, CALM_AFTER, FEW, 8.0),
        (QUIET, 0.0, 0.0, replace(FEW, clusters=1000), 4.0),
        (QUIET, 0.0, 0.0, replace(FEW, clusters=50_000), 8.0),
        (SILENT, 0.0, 0.0, FEW, 2.0),
        (SILENT, 0.0, CALM_AFTER, replace(FEW, clusters=50_000), 8.0),
        (BUSY, 1.0, 0.0, FEW, 0.2),
        (BUSY, 1.0, 0.0, replace(FEW, clusters=50_000), 0.2),
        (BUSY, 1000.0, 0.0, FEW, 0.1),
        (BUSY, 1.0, 0.0, Load(clusters=2000, busy=1000), 2.5),
        (BUSY, 1.0, 0.0, Load(clusters=50_000, busy=50_000), 8.0),
    ],
)
def test_the_pause_after_a_turn(outlook: Outlook, crowd: float, calm_for: float, load: Load, pause: float) -> None:
    assert Pace().after(outlook, crowd, calm_for, load) == pause


def test_each_of_many_clusters_has_a_moment_of_its_own_in_every_pause() -> None:
    first = [spread(100.0, 8.0, share) for share in (0.0, 0.25, 0.5, 0.99)]
    assert all(100.0 < at <= 108.0 for at in first), "soon"
    assert len(set(first)) == 4
    assert [spread(at + 0.003, 8.0, share) for at, share in zip(first, (0.0, 0.25, 0.5, 0.99), strict=True)] == [
        pytest.approx(at + 8.0) for at in first
    ], "from then on once in each"


@pytest.mark.parametrize("off", [0.0, -1e-9, 1e-9])
def test_a_turn_that_ends_at_its_moment_is_followed_by_one_a_pause_later(off: float) -> None:
    """However sums of times are rounded: without any time between them, turns would follow each other for ever."""
    for number in range(1, 200):
        at = spread(1000.0, 5.0, number * 0.618_033_988_75 % 1)
        for _ in range(20):
            after = spread(at + off, 5.0, number * 0.618_033_988_75 % 1)
            assert after - at == pytest.approx(5.0)
            at = after


def test_what_is_due_is_taken_in_its_order_and_once() -> None:
    agenda = Agenda()
    assert agenda.next_at == math.inf
    for name, at in (("b", 2.0), ("a", 1.0), ("late", 9.0), ("c", 2.0)):
        agenda.put(name, at)
    assert agenda.take(0.5, 10) == []
    assert agenda.take(2.0, 2) == ["a", "b"]
    assert agenda.take(2.0, 10) == ["c"], "what there was no room for is still due"
    assert (agenda.take(2.0, 10), agenda.next_at) == ([], 9.0)


def test_what_was_put_elsewhere_or_dropped_is_not_due_where_it_was() -> None:
    agenda = Agenda()
    for name, at in (("a", 1.0), ("b", 1.0), ("a", 3.0)):
        agenda.put(name, at)
    agenda.drop("b")
    agenda.drop("unknown")
    assert agenda.next_at == 3.0
    assert agenda.take(2.0, 10) == []
    agenda.put("a", 2.0)
    assert (agenda.take(5.0, 10), agenda.next_at) == (["a"], math.inf)
