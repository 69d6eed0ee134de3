"""Whose plan is ended, and whose is made again, when the planner's process ends. Without a process."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import pytest
from tests.support.doubles import scripts
from tests.support.patience import PATIENCE

from sluiceway.domain.engine import Unreachable
from sluiceway.engines.planning import planner as planner_module
from sluiceway.engines.planning.jvm import JavaGone
from sluiceway.engines.planning.planner import PLANS, PlannerJvm
from sluiceway.engines.planning.sql import Script, SqlRefused

INTO = "INSERT INTO b SELECT n FROM s"
KINDS = ("quick", "slow", "deadly", "hanging", "refused")


def script(kind: str) -> Script:
    return scripts.script(f"CREATE VIEW {kind} AS SELECT 1; {INTO}")


class FakeJvm:
    """Plans, depending on a word in the script, at once, never, or not without dying; or it hangs while it sends."""

    launched: list["FakeJvm"]

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.flink_version = "2.3.0"
        self.confinement = "well"
        self.pid = len(self.launched)
        self.begun: list[str] = []
        self.released = asyncio.Event()
        self._end = asyncio.Event()

    @classmethod
    async def launch(cls, directory: Path, heap_mb: int, jars: object, *, confine: bool, flink: object) -> Self:
        assert confine
        jvm = cls(directory)
        cls.launched.append(jvm)
        return jvm

    @property
    def alive(self) -> bool:
        return not self._end.is_set()

    def kill(self) -> None:
        self._end.set()

    async def close(self) -> None:
        self._end.set()

    async def submit_sql(
        self, url: str, script: Script, options: Mapping[str, str], planned: Callable[[], None]
    ) -> None:
        await self._plan(script)
        planned()
        if "hanging" in script.statements[0].text:
            await self._end.wait()
            raise JavaGone("ended while it sent")

    async def read_sql(self, body: str) -> Script:
        read = scripts.script(body)
        await self._plan(read)
        return read

    async def plan_sql(self, script: Script, options: Mapping[str, str], *, chained: bool) -> str:
        await self._plan(script)
        return "{}"

    async def operators(self, script: Script, options: Mapping[str, str]) -> str:
        await self._plan(script)
        return "[]"

    async def _plan(self, script: Script) -> None:
        kind = next(kind for kind in KINDS if kind in script.statements[0].text or kind == KINDS[-1])
        self.begun.append(kind)
        await asyncio.sleep(0)
        if kind == "deadly":
            self.kill()
        if kind == "refused":
            raise SqlRefused("no such table")
        if kind == "slow":
            await asyncio.wait(
                {asyncio.ensure_future(e.wait()) for e in (self._end, self.released)}, return_when="FIRST_COMPLETED"
            )
        if not self.alive:
            raise JavaGone("ended")


@pytest.fixture
def jvms(monkeypatch: pytest.MonkeyPatch) -> list[FakeJvm]:
    FakeJvm.launched = []
    monkeypatch.setattr(planner_module, "SqlJvm", FakeJvm)
    return FakeJvm.launched


def a_planner(seconds: float = 60) -> Any:
    return PlannerJvm(Path("planner"), seconds=seconds)


async def draw(planner: PlannerJvm, kind: str, caller: str = "p") -> str:
    return await planner.plan_sql(script(kind), {}, chained=True, caller=caller)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.001)


async def test_a_plan_that_takes_too_long_is_ended_and_the_next_is_made(jvms: list[FakeJvm]) -> None:
    planner = a_planner(0.05)
    for submits in (False, True):
        with pytest.raises(SqlRefused, match=r"took longer than 0\.05 s and was ended\. Split the SQL"):
            await (planner.submit_sql("http://c", script("slow"), {}) if submits else draw(planner, "slow"))
    assert await draw(planner, "quick") == "{}"
    assert [jvm.alive for jvm in jvms] == [False, False, True]
    await planner.close()
    assert not jvms[-1].alive


async def test_what_was_planned_beside_a_plan_that_ended_the_process_is_planned_again(jvms: list[FakeJvm]) -> None:
    planner = a_planner()
    innocent = asyncio.create_task(draw(planner, "slow", "innocent"))
    await until(lambda: jvms and jvms[0].begun)
    with pytest.raises(SqlRefused, match="ended the planner twice"):
        await draw(planner, "deadly", "culprit")
    await until(lambda: len(jvms) == 3)  # one for each, with nothing else in it
    jvms[-1].released.set()
    assert await innocent == "{}"
    assert sorted(jvm.begun for jvm in jvms[1:]) == [["deadly"], ["slow"]]
    assert [jvm.directory.name for jvm in jvms] == ["planner", "planner-aside", "planner-aside"]
    assert not any(jvm.alive for jvm in jvms), "those beside end with what they planned"


async def test_what_was_being_sent_when_the_process_ended_may_have_arrived(jvms: list[FakeJvm]) -> None:
    planner = a_planner(0.05)
    sending = asyncio.create_task(planner.submit_sql("http://c", script("hanging"), {}))
    await until(lambda: jvms and jvms[0].begun)
    await asyncio.sleep(0.2)
    assert not sending.done(), "only planning is bounded; how long it sends is the cluster's doing"
    jvms[0].kill()
    with pytest.raises(Unreachable):
        await sending
    assert len(jvms) == 1


async def test_a_table_made_from_a_query_may_have_been_sent_when_planning_was_ended(jvms: list[FakeJvm]) -> None:
    making = scripts.script(f"CREATE VIEW slow AS SELECT 1; CREATE TABLE t AS SELECT 1; {INTO}")
    with pytest.raises(Unreachable, match="took longer"):
        await a_planner(0.05).submit_sql("http://c", making, {})


async def test_what_is_refused_is_refused_and_ends_nothing(jvms: list[FakeJvm]) -> None:
    planner = a_planner()
    with pytest.raises(SqlRefused, match="no such table"):
        await draw(planner, "refused")
    assert len(jvms) == 1
    assert jvms[0].alive


async def test_clusters_that_do_not_answer_hold_up_no_planning(jvms: list[FakeJvm]) -> None:
    planner = a_planner()
    for _ in range(3 * PLANS):
        planner._tasks.add(asyncio.create_task(planner.submit_sql("http://dead", script("hanging"), {})))
    await until(lambda: jvms and len(jvms[0].begun) == 3 * PLANS)
    await planner.submit_sql("http://well", script("quick"), {})
    await planner.close()


async def test_graphs_hold_up_no_jobs_and_one_project_not_the_graphs_of_another(jvms: list[FakeJvm]) -> None:
    planner = a_planner()
    many = [asyncio.create_task(draw(planner, "slow", "busy")) for _ in range(10)]
    await until(lambda: jvms and jvms[0].begun)
    assert await draw(planner, "quick", "other") == "{}"
    await planner.submit_sql("http://c", script("quick"), {})
    assert jvms[0].begun.count("slow") == 1
    for task in many:
        task.cancel()
    await planner.close()


async def test_reading_that_takes_too_long_is_ended_and_holds_up_no_jobs(jvms: list[FakeJvm]) -> None:
    planner = a_planner(0.2)
    body = f"CREATE VIEW slow AS SELECT 1; {INTO}"
    many = [asyncio.create_task(planner.read_sql(body, caller="busy", runs=False)) for _ in range(5)]
    await until(lambda: jvms and jvms[0].begun)
    quick = body.replace("slow", "quick")
    assert (await planner.read_sql(quick, caller="http://c", runs=True)).inserts == (INTO,)
    assert (await planner.read_sql(quick, caller="other", runs=False)).inserts == (INTO,)
    assert jvms[0].begun.count("slow") == 1, "of one project one at a time is read"
    with pytest.raises(SqlRefused, match=r"was ended\. Split the SQL"):
        await many[0]
    for task in many:
        task.cancel()
    await planner.close()


async def test_many_jobs_of_one_project_are_judged_while_others_are_judged_drawn_and_submitted(
    jvms: list[FakeJvm],
) -> None:
    planner = a_planner()
    many = [asyncio.create_task(planner.operators(script("slow"), {}, caller="busy")) for _ in range(100)]
    await until(lambda: jvms and jvms[0].begun)
    assert await planner.operators(script("quick"), {}, caller="other") == "[]"
    assert await draw(planner, "quick", "busy") == "{}"
    await planner.submit_sql("http://c", script("quick"), {})
    assert jvms[0].begun.count("slow") == 1
    jvms[0].released.set()
    assert await asyncio.gather(*many) == ["[]"] * 100
    await planner.close()


async def test_one_project_may_not_have_any_number_wait(jvms: list[FakeJvm]) -> None:
    planner = a_planner()
    many = [asyncio.create_task(draw(planner, "slow")) for _ in range(30)]
    await until(lambda: any(task.done() for task in many))
    with pytest.raises(Unreachable, match="Try again"):
        await next(task for task in many if task.done())
    for task in many:
        task.cancel()
    await planner.close()


async def test_a_caller_that_goes_away_keeps_its_turn_until_java_has_done_with_it(jvms: list[FakeJvm]) -> None:
    planner = a_planner()
    gone = asyncio.create_task(draw(planner, "slow"))
    await until(lambda: jvms and jvms[0].begun)
    gone.cancel()
    next_one = asyncio.create_task(draw(planner, "quick"))
    await asyncio.sleep(0.05)
    assert jvms[0].begun == ["slow"]
    jvms[0].released.set()
    assert await next_one == "{}"
    await planner.close()
