"""Turns are shared out fairly between those who wait."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluiceway.engines.planning.turns import FairTurns, TooManyWaiting


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Room:
    """Who is in, in the order in which they came in."""

    def __init__(self, turns: FairTurns) -> None:
        self.turns = turns
        self.came: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    def ask(self, caller: str) -> asyncio.Task[None]:
        async def come() -> None:
            await self.turns.take(caller)
            self.came.append(caller)

        self.tasks.append(asyncio.create_task(come()))
        return self.tasks[-1]


async def test_one_who_asks_often_does_not_hold_up_the_others() -> None:
    room = Room(FairTurns(most=1, each=1, waiting=100))
    for caller in ["busy"] * 5 + ["a", "b", "a"]:
        room.ask(caller)
    await settle()
    for _ in range(8):
        await settle()
        room.turns.give_back(room.came[-1])
    assert room.came == ["busy", "a", "b", "busy", "a", "busy", "busy", "busy"]


async def test_one_caller_never_has_more_than_its_share() -> None:
    room = Room(FairTurns(most=3, each=2, waiting=100))
    for _ in range(3):
        room.ask("busy")
    await settle()
    assert room.came == ["busy", "busy"]
    room.ask("late")
    await settle()
    assert room.came == ["busy", "busy", "late"], "at once: there was a turn left"


async def test_more_than_may_wait_are_turned_away_and_others_are_not() -> None:
    room = Room(FairTurns(most=1, each=1, waiting=2))
    for _ in range(3):
        room.ask("busy")
    await settle()
    with pytest.raises(TooManyWaiting):
        await room.turns.take("busy")
    room.ask("other")
    room.turns.give_back("busy")
    await settle()
    room.turns.give_back("busy")
    await settle()
    assert "other" in room.came


async def test_who_goes_away_leaves_its_place() -> None:
    room = Room(FairTurns(most=1, each=1, waiting=10))
    first, gone = room.ask("a"), room.ask("b")
    await settle()
    gone.cancel()
    room.ask("c")
    await settle()
    room.turns.give_back("a")
    gone_too = room.ask("d")
    await settle()
    assert room.came == ["a", "c"]
    room.turns.give_back("c")
    gone_too.cancel()  # in the moment in which it gets its turn
    await settle()
    await asyncio.wait_for(room.turns.take("e"), 5)
    assert first.done()


@given(
    st.lists(st.sampled_from(["a", "b", "c", "back", "away"]), max_size=60),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_no_more_than_there_are_and_none_unused_while_somebody_waits(steps: list[str], most: int, each: int) -> None:
    async def play() -> None:
        room = Room(FairTurns(most, each, 100))
        inside: list[str] = []
        for step in steps:
            if step == "back" and inside:
                room.turns.give_back(inside.pop(0))
            elif step == "away" and room.tasks:
                room.tasks[-1].cancel()
            elif step in "abc":
                room.ask(step)
            came = len(room.came)
            await settle()
            inside += room.came[came:]
            waiting = sum(not task.done() for task in room.tasks)
            assert len(inside) <= most
            assert all(inside.count(caller) <= each for caller in inside)
            assert not waiting or len(inside) == most or any(inside.count(caller) == each for caller in inside)
        for task in room.tasks:
            task.cancel()
        await asyncio.gather(*room.tasks, return_exceptions=True)

    asyncio.run(play())
