"""What a submission hands over, without a Java process to hand it to."""

import asyncio
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from sluiceway.domain.engine import Cluster, Unreachable
from sluiceway.domain.facts import Submitted
from sluiceway.domain.job import JobSpec
from sluiceway.domain.run import Run, RunPhase
from sluiceway.engines.sql import SqlRefused
from sluiceway.engines.submit import READERS_WAITING, SHORT, Reader, SqlSubmitter, effective_spec

SPEC = JobSpec("INSERT INTO sink SELECT * FROM source", checkpoint_interval=timedelta(seconds=10))


@dataclass
class Planner:
    """Takes whatever it is given."""

    flink_version: str = "2.3.0"
    options: dict[str, str] = field(default_factory=dict)

    async def submit_sql(self, url: str, script: object, options: dict[str, str]) -> None:
        self.options = options


@pytest.mark.parametrize(
    ("checkpoints", "expected"),
    [
        ("s3://company/flink/data/jobs/checkpoint/7", "s3://company/flink/data/jobs/checkpoint/7"),
        (None, "s3://company/flink/jobs/checkpoint/7"),
    ],
)
async def test_checkpoints_go_where_the_run_says(checkpoints: str | None, expected: str) -> None:
    planner = Planner()

    async def jvm() -> Any:
        return planner

    async def version_of(_: str) -> str:
        return "2.3.1"

    submitter = SqlSubmitter(jvm, version_of, "s3://company/flink")
    run = Run(1, 7, "ab" * 16, RunPhase.SUBMITTING, checkpoints=checkpoints)
    assert await submitter.submit(Cluster("c", "http://c:1"), run, "orders", SPEC) == Submitted()
    assert planner.options["execution.checkpointing.dir"] == expected


# Reading -------------------------------------------------------------------------------------------------------------

LONG = JobSpec("-- " + "x" * SHORT + "\nINSERT INTO sink SELECT * FROM source")


async def test_long_sql_is_read_beside_the_loop_and_holds_up_no_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, read_in = threading.Event(), []

    def slowly(spec: JobSpec) -> Any:
        read_in.append(threading.current_thread())
        if len(spec.sql) > SHORT:
            assert go_on.wait(20)
        return read(spec)

    read = effective_spec
    monkeypatch.setattr("sluiceway.engines.submit.effective_spec", slowly)
    reader = Reader()
    long = [asyncio.create_task(reader.read("busy", LONG)) for _ in range(3)]
    await asyncio.sleep(0.01)
    assert (await reader.read("other", SPEC))[0].inserts == (SPEC.sql,)
    assert read_in.count(threading.current_thread()) == 1
    assert len(read_in) == 2, "of the long ones one at a time is read"
    go_on.set()
    assert all((script.inserts == (SPEC.sql,)) for script, _ in await asyncio.gather(*long))


async def test_one_caller_may_not_have_any_number_of_long_texts_wait() -> None:
    reader = Reader()
    many = [asyncio.create_task(reader.read("busy", LONG)) for _ in range(READERS_WAITING + 2)]
    done = await asyncio.gather(*many, return_exceptions=True)
    assert sum(isinstance(answer, Unreachable) for answer in done) == 1
    await reader.read("busy", LONG)


async def test_what_cannot_be_read_is_refused_whether_it_is_long_or_short() -> None:
    reader = Reader()
    for sql in ("DROP VIEW a;", "DROP VIEW IF EXISTS a;" * 45_000):
        with pytest.raises(SqlRefused):
            await reader.read("p", JobSpec(sql))
