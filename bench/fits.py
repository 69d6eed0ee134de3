"""What it costs to say of 100 SQL jobs whether their states fit, with a warm planner, and to say it again."""

import asyncio
import tempfile
import time
from pathlib import Path

from tests.changes.cases import BASES, sql_of

from bench.stops import met
from sluiceway.control.fit_of import FitOf, StateFrom
from sluiceway.domain.engine import Cluster
from sluiceway.domain.fit import FitKind
from sluiceway.domain.job import JobSpec
from sluiceway.engines.operators import SqlOperators
from sluiceway.engines.planner import PlannerJvm
from sluiceway.engines.reading import SqlReading
from sluiceway.storage.savepoints import Storage
from sluiceway.testing.fake_metadata import metadata

JOBS = 100
WARM_UP = 60

# The targets.
SECONDS = 0.25  # a job
AGAIN = 0.1  # of the first time


def main() -> bool:
    """Print both; whether the targets are met."""
    with tempfile.TemporaryDirectory() as name:
        first, second = asyncio.run(_both(Path(name)))
    kept = met(f"whether the states of {JOBS} SQL jobs fit, warm planner, seconds a job", first, SECONDS)
    return met("the same jobs once more, seconds a job", second, AGAIN * first) and kept


async def _both(root: Path) -> tuple[float, float]:
    savepoint = root / "storage" / "savepoint"
    savepoint.mkdir(parents=True)
    (savepoint / "_metadata").write_bytes(metadata())
    planner = PlannerJvm(root / "planner")
    plans = SqlOperators(SqlReading(planner.jvm))
    fit_of = FitOf(Storage(str(root / "storage")), plans, _nobody_knows)
    specs = [JobSpec(sql_of(BASES[n % len(BASES)], f"job-{n}"), parallelism=n + 1) for n in range(WARM_UP + JOBS)]
    try:
        await planner.warm_up()
        for spec in specs[:WARM_UP]:
            await plans.plan(spec, "p")
        return await _judged(fit_of, specs[WARM_UP:], savepoint), await _judged(fit_of, specs[WARM_UP:], savepoint)
    finally:
        await planner.close()


async def _judged(fit_of: FitOf, specs: list[JobSpec], savepoint: Path) -> float:
    begun = time.monotonic()
    fits = await asyncio.gather(*(fit_of.judge(s, StateFrom(str(savepoint), s), None, caller="p") for s in specs))
    assert all(fit.kind is not FitKind.UNKNOWN for fit in fits)
    return (time.monotonic() - begun) / len(specs)


async def _nobody_knows(_: Cluster) -> int | None:
    return None
