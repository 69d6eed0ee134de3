"""How many slots a cluster has free, and where nobody can say."""

from typing import Any

import pytest

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.place import Place
from sluiceway.engines.jobmanager.shapes import ClusterOverview
from sluiceway.engines.session import slots as module
from sluiceway.engines.session.slots import Slots

CLUSTER = Place("c", "http://c")


class Rest:
    """A JobManager with these options."""

    def __init__(self, options: dict[str, str], *, silent: bool = False) -> None:
        self.options = options
        self.silent = silent
        self.asked = 0

    async def overview(self) -> ClusterOverview:
        self.asked += 1
        if self.silent:
            raise Unreachable("no answer")
        return ClusterOverview("2.3.0", slots_total=8, slots_available=3)

    async def cluster_options(self) -> dict[str, str]:
        return self.options


def slots_of(rest: Any) -> Slots:
    return Slots(lambda _: rest)


@pytest.mark.parametrize(
    ("options", "free"),
    [
        ({}, 3),
        ({"jobmanager.scheduler": "Default"}, 3),
        ({"jobmanager.scheduler": "Adaptive"}, None),
        ({"scheduler-mode": "reactive"}, None),
        ({"kubernetes.cluster-id": "a"}, None),
    ],
)
async def test_free_slots_are_the_end_of_it_only_where_no_more_can_come(options: dict[str, str], free: int) -> None:
    assert await slots_of(Rest(options)).free(CLUSTER) == free


async def test_a_cluster_is_asked_once_for_many_jobs_and_its_silence_is_no_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rest = Rest({})
    slots = slots_of(rest)
    assert [await slots.free(CLUSTER) for _ in range(3)] == [3, 3, 3]
    assert rest.asked == 1
    monkeypatch.setattr(module, "FRESH", 0)
    rest.silent = True
    assert await slots.free(CLUSTER) is None
