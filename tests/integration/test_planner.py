"""The planner's process on real Flink: what it cannot reach, whatever it is told to do, and how its time is bounded."""

import asyncio
import json
import os
import signal
import stat
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support import processes
from tests.support.doubles import scripts
from tests.support.flink.jar_job import compiled
from tests.support.flink.real import RealFlink

from sluiceway.domain.job import JobSpec
from sluiceway.domain.variables import Filled, Variable, fill
from sluiceway.engines.planning.jvm import JavaGone
from sluiceway.engines.planning.jvm_process import Confinement
from sluiceway.engines.planning.operators import SqlOperators
from sluiceway.engines.planning.planner import PlannerJvm, _Plan
from sluiceway.engines.planning.reading import SqlReading
from sluiceway.engines.planning.sql import SqlRefused
from sluiceway.engines.planning.sql_jvm import SqlJvm

pytestmark = pytest.mark.real

GRAPH = scripts.script(
    "CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen');"
    "CREATE TABLE b (n BIGINT) WITH ('connector' = 'blackhole');"
    "INSERT INTO b SELECT n FROM s"
)
SECRET = "nobody else's business"


@dataclass
class Machine:
    """A planner in a data directory, and files of ours around it."""

    planner: PlannerJvm
    files: list[Path]

    async def java(self, work: Callable[[Any], Any]) -> Any:
        """Do something in the process itself, past everything that reads SQL and options."""
        jvm = await self.planner._process()
        return await jvm._call(lambda: work(jvm._java.java))


def about(pid: int | None, what: str) -> str:
    """What the system tells of a process."""
    return Path(f"/proc/{pid}/{what}").read_text()


@pytest.fixture(params=["open", "closed"])
async def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Machine]:
    """In a data directory that every user of the machine may go through, and in one that is its owner's alone."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("SLUICEWAY_MARKER", SECRET)
    # Not in pytest's own place, which it closes to other users whenever it starts.
    with tempfile.TemporaryDirectory(prefix="sluiceway-") as place:
        data = Path(place) / "data"
        files = [data / "sluiceway.db", data / "storage" / "state", Path(place) / "elsewhere" / "file"]
        for file in files:
            file.parent.mkdir()
            file.write_text(SECRET)
            file.chmod(0o666)
            file.parent.chmod(0o777)
        os.chmod(place, 0o755)
        if request.param == "closed":
            data.chmod(0o700)
        planner = PlannerJvm(data / "planner", heap_mb=256)
        yield Machine(planner, files)
        await planner.close()
        assert all(file.read_text() == SECRET for file in files)


async def nothing_of_ours_is_read_written_or_deleted(machine: Machine) -> None:
    """Also by who gets past our own guards; the files are those that every user of the machine may write."""
    confinement = (await machine.planner._process()).confinement
    assert confinement is not None
    if not confinement.landlock:
        pytest.fail("this machine has no Landlock, without which files that are open to all are open to the planner")
    for file in machine.files:
        path, beside = str(file), str(file.with_name("new"))
        for work in (
            lambda java, path=path: java.nio.file.Files.readString(java.nio.file.Paths.get(path, [])),
            lambda java, path=path: java.io.FileOutputStream(path),
            lambda java, path=beside: java.io.FileOutputStream(path),
            lambda java, path=path: java.nio.file.Files.delete(java.nio.file.Paths.get(path, [])),
            lambda java, path=path: java.io.FileOutputStream(path, True),
        ):
            assert isinstance(await machine.java(work), Exception), file
        assert not file.with_name("new").exists()
    assert not await machine.java(lambda java: java.io.File(str(machine.files[0])).renameTo(java.io.File("moved")))


async def sql_that_keeps_catalogs_in_files_gets_nowhere_without_our_guards(machine: Machine) -> None:
    directory = machine.files[0].parent
    options = {"table.catalog-store.kind": "file", "table.catalog-store.file.path": str(directory)}
    victim = directory / "mine.yaml"
    victim.write_text(SECRET)
    create = "CREATE CATALOG fresh WITH ('type' = 'generic_in_memory');"
    for statement in (create, "USE CATALOG mine;", "DROP CATALOG mine;"):
        sink = "default_catalog.default_database.b"
        sql = f"{statement} CREATE TABLE {sink} (n INT) WITH ('connector'='blackhole'); INSERT INTO {sink} SELECT 1"
        try:
            said = await machine.planner.plan_sql(scripts.script(sql), options, chained=True)
        except SqlRefused as error:
            said = str(error)
        else:
            assert "DROP" in statement, "Flink does not look whether a file was deleted"
        assert SECRET not in said
    assert victim.read_text() == SECRET
    assert not (directory / "fresh.yaml").exists()


async def a_table_whose_partitions_lie_on_our_disk_is_refused_with_the_reason(machine: Machine) -> None:
    directory = machine.files[1].parent
    sql = (
        "CREATE TABLE s (n INT, d INT) PARTITIONED BY (d) WITH "
        f"('connector'='filesystem', 'format'='csv', 'path'='{directory.as_uri()}');"
        "CREATE TABLE b (n INT) WITH ('connector'='blackhole'); INSERT INTO b SELECT n FROM s WHERE d = 1"
    )
    with pytest.raises(SqlRefused, match=r"Fetch partitions fail.*cannot read or write files of the machine"):
        await machine.planner.plan_sql(scripts.script(sql), {}, chained=True)


async def it_has_nothing_of_our_environment_and_no_rights_to_spare(machine: Machine) -> None:
    environment = await machine.java(lambda java: dict(java.lang.System.getenv()))
    assert SECRET not in environment.values()
    assert set(environment) <= {"HOME", "TMPDIR", "LANG", "LC_ALL", "TZ"}
    status = dict(line.split(":\t", 1) for line in about(machine.planner.pid, "status").splitlines())
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert "Max core file size        0 " in about(machine.planner.pid, "limits")


async def it_becomes_another_user_where_it_can(machine: Machine, place: str) -> None:
    jvm = await machine.planner._process()
    assert isinstance(jvm.confinement, Confinement)
    other = jvm.confinement.user
    uid = about(jvm.pid, "status").partition("Uid:")[2].split()[0]
    assert (int(uid) != os.getuid()) == bool(other)
    if place == "closed":
        assert other == "", "nobody cannot come to where it would write"


async def it_starts_and_ends_no_process(machine: Machine) -> None:
    with processes.start(["sleep", "60"]) as ours:
        await machine.java(lambda java: java.lang.ProcessHandle.of(ours.pid).get().destroyForcibly())
        with pytest.raises(subprocess.TimeoutExpired):
            ours.wait(0.5)
        ours.kill()
    started = await machine.java(lambda java: java.lang.Runtime.getRuntime().exec("/bin/true"))
    assert isinstance(started, Exception)


async def test_what_the_planner_cannot_reach(machine: Machine, request: pytest.FixtureRequest) -> None:
    """One process for all of it, as starting one takes seconds."""
    await it_becomes_another_user_where_it_can(machine, request.node.callspec.params["machine"])
    await it_has_nothing_of_our_environment_and_no_rights_to_spare(machine)
    await nothing_of_ours_is_read_written_or_deleted(machine)
    await it_starts_and_ends_no_process(machine)
    await sql_that_keeps_catalogs_in_files_gets_nowhere_without_our_guards(machine)
    await a_table_whose_partitions_lie_on_our_disk_is_refused_with_the_reason(machine)


async def test_it_is_started_when_needed_and_its_directory_emptied_of_all_but_logs(tmp_path: Path) -> None:
    directory = tmp_path / "planner"
    (directory / "left" / "behind").mkdir(parents=True)
    (directory / "left" / "file").touch()
    (directory / "flink.log").write_text("what was said before\n")
    (directory / "log4j2.properties").symlink_to(tmp_path / "mine")
    (tmp_path / "mine").write_text(SECRET)
    planner = PlannerJvm(directory, heap_mb=256)
    assert planner.pid is None, "it is started when it is first needed"
    await asyncio.gather(planner.jvm(), planner.jvm())
    first = planner._jvm
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    assert await first.exited() == -signal.SIGKILL
    assert json.loads(await planner.plan_sql(GRAPH, {}, chained=True)), "and again after it died"
    assert planner.pid != first.pid
    await planner.close()
    assert not (directory / "left").exists()
    assert (directory / "flink.log").read_text().startswith("what was said before")
    assert (tmp_path / "mine").read_text() == SECRET
    assert stat.S_ISREG((directory / "log4j2.properties").lstat().st_mode)


def sleeping(milliseconds: int) -> _Plan[Any]:
    async def work(jvm: SqlJvm, _: Callable[[], None]) -> Any:
        answer = await jvm._call(lambda: jvm._java.java.lang.Thread.sleep(milliseconds))
        if isinstance(answer, JavaGone):
            raise answer
        return answer

    return _Plan("somebody", work, sends_unseen=False)


async def test_what_takes_too_long_is_ended_with_its_process(tmp_path: Path) -> None:
    planner = PlannerJvm(tmp_path / "planner", heap_mb=256, seconds=1)
    await planner.jvm()
    first = planner.pid
    with pytest.raises(SqlRefused, match="Planning took longer than 1 s"):
        await planner._planned(planner._graphs, sleeping(600_000))
    await planner.jvm()
    assert planner.pid != first
    await planner.close()
    assert planner.pid is None


async def test_what_was_planned_when_the_process_ended_is_planned_again(tmp_path: Path) -> None:
    planner = PlannerJvm(tmp_path / "planner", heap_mb=256)
    await planner.jvm()
    planning = asyncio.create_task(planner._planned(planner._graphs, sleeping(3000)))
    await asyncio.sleep(0.5)
    assert planner.pid is not None
    os.kill(planner.pid, signal.SIGKILL)
    await planning
    await planner.close()


FUNCTION = """
package demo;
public class Differ extends org.apache.flink.table.functions.ScalarFunction {
  public void open(org.apache.flink.table.functions.FunctionContext context) { System.setProperty("opened", "yes"); }
  public boolean eval(long a, long b) { return a != b; }
}
"""
JOINED = """
CREATE FUNCTION differ AS 'demo.Differ';
CREATE TABLE s (n BIGINT NOT NULL, v BIGINT NOT NULL) WITH ('connector' = 'datagen');
CREATE TABLE r (n BIGINT NOT NULL, v BIGINT NOT NULL) WITH ('connector' = 'datagen');
CREATE TABLE b (n BIGINT, c BIGINT) WITH ('connector' = 'print');
INSERT INTO b SELECT s.n, COUNT(*) FROM s JOIN r ON s.n = r.n AND {condition} GROUP BY s.n;
"""


async def test_the_state_of_operators_is_told_and_no_function_of_a_user_is_opened_for_it(
    real_flink: RealFlink, tmp_path: Path
) -> None:
    (tmp_path / "function.jar").write_bytes(compiled(real_flink, FUNCTION))
    planner = PlannerJvm(tmp_path / "planner", heap_mb=512, jars=[tmp_path / "function.jar"])

    async def provider() -> PlannerJvm:
        return await planner.jvm()

    async def filled(_: str, sql: str) -> Filled:
        return fill(sql, {"pw": Variable("s3cr3t", sensitive=True)})

    operators = SqlOperators(SqlReading(provider, filled))
    try:
        states = {}
        for condition in ("differ(s.v, r.v)", "s.v <> r.v"):
            plan = await operators.plan(JobSpec(JOINED.format(condition=condition), parallelism=2), "p")
            assert (plan.slots, plan.batch) == (2, False)
            states[condition] = {each.name: each.states for each in plan.operators if each.keyed}
            assert set(states[condition]) == {"Join", "GroupAggregate"}
            assert "accState" in (states[condition]["GroupAggregate"] or {})
        assert states["differ(s.v, r.v)"]["Join"] is None
        assert set(states["s.v <> r.v"]["Join"] or {}) == {"left-records", "right-records"}
        opened = await Machine(planner, []).java(lambda java: java.lang.System.getProperty("opened"))
        assert opened is None
        assert await operators.plan(JobSpec(JOINED.format(condition="s.v <> r.v"), parallelism=2), "q") is plan
        # Flink tries to make a constant of it, fails, and would say so with the value.
        told = await operators.plan(JobSpec(JOINED.format(condition="s.v > CAST('hush {{pw}}' AS INT)")), "p")
        log = (tmp_path / "planner" / "flink.log").read_text()
        assert "s3cr3t" not in repr((told, operators._plans, operators._reading._scripts)) + log
    finally:
        await planner.close()
