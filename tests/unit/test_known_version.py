"""When a cluster is asked for its version again: once another JobManager may have come."""

from dataclasses import dataclass, field

import pytest

from sluiceway.domain.engine import Unreachable
from sluiceway.engines.jobmanager.rest import JobOverview
from sluiceway.engines.session.known_version import EVERY, KnownVersion

A, B, C = "a" * 32, "b" * 32, "c" * 32


def job(jid: str, began: int = 1000, state: str = "RUNNING") -> JobOverview:
    return JobOverview(jid, "", state, start_time=began)


@dataclass
class World:
    """A cluster, and one look at it after another, a second apart."""

    runs: str | None = "2.2.1"
    known: KnownVersion = field(default_factory=KnownVersion)
    asked: int = 0
    now: float = 0.0

    async def _answer(self) -> str:
        self.asked += 1
        if self.runs is None:
            raise Unreachable("no answer")
        return self.runs

    async def look(self, *listed: JobOverview, asks: bool = True, after: float = 1.0) -> str:
        self.now += after
        self.known.see(listed)
        return await self.known.ask(self._answer, listed, self.now) if asks else self.known.text


async def test_a_job_that_goes_on_proves_that_nobody_has_come_in_between() -> None:
    at = World()
    for _ in range(3):
        assert await at.look(job(A), job(B), after=EVERY) == "2.2.1"
    assert await at.look(job(A, state="FINISHED"), job(B), after=EVERY) == "2.2.1"
    assert await at.look(job(B), after=EVERY) == "2.2.1", "one job after the other proves it"
    assert await at.look(job(B, state="FINISHED"), job(C), after=EVERY) == "2.2.1"
    assert await at.look(job(C), after=EVERY) == "2.2.1"
    assert at.asked == 1


@pytest.mark.parametrize(
    "then", [[job(A, 2000), job(B, 2000)], [job(C, 2000)], []], ids=["with-ha", "without", "empty"]
)
async def test_another_jobmanager_is_asked_at_once(then: list[JobOverview]) -> None:
    at = World()
    await at.look(job(A), job(B))
    at.runs = "2.3.0"
    assert await at.look(*then, asks=False) == "2.2.1", "nobody needs it yet"
    assert [await at.look(*then), await at.look(*then)] == ["2.3.0", "2.3.0"]
    assert at.asked == 2


async def test_one_that_came_between_the_list_and_the_answer_is_noticed_at_the_next_look() -> None:
    at = World(runs="2.3.0")
    assert await at.look(job(A, 1000)) == "2.3.0"
    at.runs = "2.3.1"
    assert await at.look(job(A, 2000)) == "2.3.1"


async def test_where_no_job_proves_anything_it_is_asked_now_and_then() -> None:
    at = World()
    for listed in ([], [job(A, began=-1)]):
        for _ in range(3):
            await at.look(*listed, after=EVERY / 4)
    assert at.asked == 2


async def test_no_answer_is_followed_by_another_question() -> None:
    at = World(runs=None)
    assert [await at.look(job(A)), await at.look(job(A))] == ["", ""]
    at.runs = "1.20.1"
    assert await at.look(job(A)) == "1.20.1"
    at.runs = None
    assert [await at.look(job(A, 2000)), await at.look(job(A, 2000))] == ["1.20.1", "1.20.1"], "the last that was told"
    assert at.asked == 5
