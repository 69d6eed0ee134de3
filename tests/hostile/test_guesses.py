"""Guesses at passwords: fair turns, few that wait, and nobody at another address who is kept out."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.services.guarded import Guarded, guarded
from tests.support.services.plane import PROJECT

from sluiceway.control import passwords
from sluiceway.control.sign_in import TRIES, TRIES_IN_ALL, NotLetIn, TooManyAsk, TooManyTries, Tries
from sluiceway.control.turns import NoTurn, Turns
from sluiceway.domain.access import Grant, Role

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Line:
    """Callers of turns, and the order in which they had theirs."""

    def __init__(self, **limits: int) -> None:
        self.turns = Turns(**limits)
        self.had: list[str] = []
        self.go_on = asyncio.Event()
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def join(self, *who: str) -> None:
        """Each is `address/name` with something after it that tells them apart."""
        for each in who:
            self.tasks[each] = asyncio.create_task(self._call(each))
            await asyncio.sleep(0)

    async def _call(self, who: str) -> None:
        address, name, *_ = who.split("/")
        async with self.turns.turn(address, name):
            await self.go_on.wait()
            self.had.append(who)

    async def end(self) -> list[Any]:
        self.go_on.set()
        return await asyncio.gather(*self.tasks.values(), return_exceptions=True)


async def test_addresses_take_turns_however_many_wait_at_one() -> None:
    line = Line()
    await line.join("a/x/0", *(f"a/x/{n}" for n in range(1, 7)), "b/x/1", "b/x/2", "c/x/1")
    await line.end()
    assert line.had[:6] == ["a/x/0", "a/x/1", "b/x/1", "c/x/1", "a/x/2", "b/x/2"]
    assert len(line.had) == 10


async def test_at_an_address_names_take_turns() -> None:
    line = Line()
    await line.join("a/x/0", "a/x/1", "a/x/2", "a/x/3", "a/y/1")
    await line.end()
    assert line.had == ["a/x/0", "a/x/1", "a/y/1", "a/x/2", "a/x/3"]


async def test_few_wait_at_an_address_and_when_all_places_are_taken_those_with_most_give_way() -> None:
    line = Line(at_address=3, waiting=6)
    await line.join("a/x/0", *(f"a/x/{n}" for n in range(1, 5)), *(f"b/x/{n}" for n in range(1, 4)))
    with pytest.raises(NoTurn):
        await line.tasks["a/x/4"]
    await line.join("c/x/1", "c/x/2", "c/x/3")
    told = dict(zip(line.tasks, await line.end(), strict=True))
    assert {who for who, error in told.items() if isinstance(error, NoTurn)} == {"a/x/4", "a/x/3", "b/x/3", "c/x/3"}


async def test_whoever_hangs_up_leaves_the_line_and_passes_on_a_turn() -> None:
    line = Line()
    await line.join("a/x/0", "a/x/1", "b/x/1", "c/x/1")
    line.tasks["a/x/1"].cancel()
    await asyncio.sleep(0)
    line.tasks["a/x/0"].cancel()
    line.tasks["b/x/1"].cancel()  # in the same moment in which it has its turn
    await line.end()
    assert line.had == ["c/x/1"]
    await line.join("d/x/1")
    await line.end()
    assert line.had == ["c/x/1", "d/x/1"]


def test_guesses_count_where_they_come_from_and_many_addresses_together() -> None:
    tries = Tries()
    for _ in range(TRIES):
        tries.failed("ann", "a", NOW)
    with pytest.raises(TooManyTries):
        tries.check("ann", "a", NOW)
    tries.check("ann", "b", NOW)
    tries.worked("ann", "home")
    for n in range(TRIES_IN_ALL):
        tries.failed("ann", f"address {n}", NOW)
    with pytest.raises(TooManyTries):
        tries.check("ann", "b", NOW)
    tries.check("ann", "home", NOW)
    tries.check("ben", "b", NOW)


async def test_a_flood_of_guesses_holds_up_a_right_password_elsewhere_by_a_check_or_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    def matches(password: str, _: str | None) -> bool:
        checked.append(password)
        return password == "right"

    monkeypatch.setattr(passwords, "matches", matches)
    async with guarded(tmp_path) as api:
        await api.user("ann", Grant(Role.VIEWER, PROJECT))
        flood = [asyncio.create_task(issue(api, "ann", f"{n}", "bad")) for n in range(50)]
        await asyncio.sleep(0)
        before = len(checked)
        assert (await api.door.sign_in.issue("ann", "right", PROJECT, "good")).caller.user == "ann"
        assert checked.index("right") - before <= 2
        refused = await asyncio.gather(*flood)
        assert refused.count(TooManyAsk) >= 50 - 9
        assert set(refused) <= {TooManyAsk, TooManyTries, NotLetIn}


async def issue(api: Guarded, name: str, password: str, address: str) -> type[Exception] | None:
    try:
        await api.door.sign_in.issue(name, password, PROJECT, address)
    except (TooManyAsk, TooManyTries, NotLetIn) as error:
        return type(error)
    return None
