"""How often a cluster is asked for its free slots."""

from typing import Any

import pytest

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.place import Place
from sluiceway.engines.jobmanager.shapes import ClusterOverview
from sluiceway.engines.session import slots as module
from sluiceway.engines.session.slots import Slots

CLUSTER = Place("c", "http://c")


class Rest:
    """A JobManager without options."""

    def __init__(self) -> None:
        self.silent = False
        self.asked = 0

    async def overview(self) -> ClusterOverview:
        self.asked += 1
        if self.silent:
            raise Unreachable("no answer")
        return ClusterOverview("2.3.0", slots_total=8, slots_available=3)

    async def cluster_options(self) -> dict[str, str]:
        return {}


def slots_of(rest: Any) -> Slots:
    return Slots(lambda _: rest)


async def test_a_cluster_is_asked_once_for_many_jobs_and_its_silence_is_no_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rest = Rest()
    slots = slots_of(rest)
    assert [await slots.free(CLUSTER) for _ in range(3)] == [3, 3, 3]
    assert rest.asked == 1
    monkeypatch.setattr(module, "FRESH", 0)
    rest.silent = True
    assert await slots.free(CLUSTER) is None
