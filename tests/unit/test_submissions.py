"""Which submissions to a cluster begin, when there are more than may be under way."""

import asyncio
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from sluiceway.reconcile.submissions import AT_ONCE, Submissions


def submissions(*under_way: int) -> Submissions:
    made = Submissions(cast("Any", None))
    made._tasks = {run: asyncio.get_running_loop().create_future() for run in under_way}  # type: ignore[misc]
    return made


async def test_one_project_with_many_does_not_hold_up_another_with_few() -> None:
    made = submissions()
    assert made.admit({**dict.fromkeys(range(100), "busy"), 100: "other"}) == {*range(AT_ONCE - 1), 100}


async def test_a_place_that_comes_free_goes_to_the_project_with_the_fewest() -> None:
    made = submissions()
    first = made.admit(dict.fromkeys(range(100), "busy"))
    assert first == set(range(AT_ONCE))
    made._tasks = submissions(*list(first)[1:])._tasks
    assert made.admit({**dict.fromkeys(range(100), "busy"), 200: "other", 201: "third"}) == {200}


@given(
    st.dictionaries(st.integers(0, 50), st.sampled_from("abc"), max_size=30), st.sets(st.integers(0, 50), max_size=12)
)
def test_no_place_stays_free_while_somebody_waits(wanted: dict[int, str], under_way: set[int]) -> None:
    async def play() -> set[int]:
        return submissions(*under_way).admit(wanted)

    admitted = asyncio.run(play())
    new = wanted.keys() - under_way
    assert admitted <= new
    assert len(admitted) == min(len(new), max(AT_ONCE - len(under_way), 0))
