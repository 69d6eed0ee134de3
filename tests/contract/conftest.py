"""A Flink cluster for each test of the contract: once the fake, once the real one."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.contract.clusters import Cluster, FakePlace, RealPlace
from tests.support.flink import jar_job

from sluiceway.testing.fake_flink import FakeFlink


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real)])
def real(request: pytest.FixtureRequest) -> Any:
    """The real cluster, or None for the fake."""
    return request.getfixturevalue("real_flink") if request.param == "real" else None


@pytest.fixture
async def flink(real: Any, tmp_path: Path) -> AsyncIterator[Cluster]:
    """A cluster. Whatever the test started on it is canceled afterwards."""
    async with FakeFlink() as fake, aiohttp.ClientSession() as session:
        cluster = Cluster(RealPlace(real) if real is not None else FakePlace(fake), session, tmp_path)
        yield cluster
        for jid in cluster.started:
            await cluster.rest.cancel(jid)
        for jid in cluster.started:
            await cluster.ends(jid)


@pytest.fixture
def program(real: Any) -> bytes:
    """The jar of `tests.support.flink.jar_job`; for the fake one that looks like it."""
    return jar_job.STUB if real is None else jar_job.compiled(real)
