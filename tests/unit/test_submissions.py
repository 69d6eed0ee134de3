"""Which submissions to a cluster begin, when there are more than may be under way."""

from hypothesis import given
from hypothesis import strategies as st

from sluiceway.domain.places import SUBMISSIONS, to_submit


def test_one_project_with_many_does_not_hold_up_another_with_few() -> None:
    assert to_submit({**dict.fromkeys(range(100), "busy"), 100: "other"}, {}) == {*range(SUBMISSIONS - 1), 100}


def test_a_place_that_comes_free_goes_to_the_project_with_the_fewest() -> None:
    wanted = dict.fromkeys(range(100), "busy")
    first = to_submit(wanted, {})
    assert first == set(range(SUBMISSIONS))
    under_way = dict.fromkeys(list(first)[1:], "busy")
    assert to_submit({**wanted, 200: "other", 201: "third"}, under_way) == {200}


def test_what_has_ended_needs_no_place_and_does_not_begin_again() -> None:
    assert to_submit({0: "a", 1: "a"}, {}, {0}) == {1}


@given(
    st.dictionaries(st.integers(0, 50), st.sampled_from("abc"), max_size=30),
    st.dictionaries(st.integers(0, 50), st.sampled_from("abc"), max_size=12),
)
def test_no_place_stays_free_while_somebody_waits(wanted: dict[int, str], under_way: dict[int, str]) -> None:
    admitted = to_submit(wanted, under_way)
    new = wanted.keys() - under_way
    assert admitted <= new
    assert len(admitted) == min(len(new), max(SUBMISSIONS - len(under_way), 0))
