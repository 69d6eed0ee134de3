"""Sources and sinks, found among the metrics of operators as Flink 2.3 names them."""

import pytest

from sluiceway.domain.engine import Flow
from sluiceway.engines.jobmanager.rest import FlinkRest
from sluiceway.engines.session.traffic import traffic


class Flink(FlinkRest):
    """Answers from a table: the metrics of each vertex."""

    def __init__(self, vertices: dict[str, dict[str, float]]) -> None:
        self.vertices = vertices
        self.asked: list[str] = []

    async def job(self, jid: str) -> dict[str, object] | None:
        return {"jid": jid, "vertices": [{"id": vertex} for vertex in self.vertices]}

    async def metric_names(self, jid: str, vertex: str) -> list[str]:
        return list(self.vertices[vertex])

    async def metric_sums(self, jid: str, vertex: str, names: object) -> dict[str, float]:
        assert isinstance(names, list)
        self.asked += names
        return {name: self.vertices[vertex][name] for name in names}


def operator(name: str, came: float = 0, went: float = 0, **errors: float) -> dict[str, float]:
    metrics = {"numRecordsIn": came, "numRecordsInPerSecond": came / 10, "numRecordsOut": went}
    metrics |= {"numRecordsOutPerSecond": went / 10, "numBytesIn": 9.0, **errors}
    return {f"{name}.{metric}": value for metric, value in metrics.items()}


CASES: list[tuple[list[dict[str, float]], list[Flow], list[Flow]]] = [
    (
        [operator("Source__orders[1]", went=70), operator("GroupAggregate[5]", 70, 60) | operator("b[6]__Writer", 60)],
        [Flow("orders", 70, 0, 7.0)],
        [Flow("b", 60, 0, 6.0)],
    ),
    (
        [operator("Source__s[7]", went=50) | operator("Calc[8]", 50, 40) | operator("Sink__b[9]", 40)],
        [Flow("s", 50, 0, 5.0)],
        [Flow("b", 40, 0, 4.0)],
    ),
    (
        [operator("Source__s[1]", went=50) | operator("StreamingFileWriter", 50, 2), operator("end__Writer", 2)],
        [Flow("s", 50, 0, 5.0)],
        [Flow("StreamingFileWriter", 50, 0, 5.0)],
    ),
    (
        [operator("Source__s[1]", went=10) | operator("Source__s[3]", went=20) | operator("Source__a[2]", went=1)],
        [Flow("a", 1, 0, 0.1), Flow("s", 30, 0, 3.0)],
        [],
    ),
    (
        [operator("Source__s", went=10, numRecordsInErrors=3), operator("k__Writer", 9, numRecordsSendErrors=2)],
        [Flow("s", 10, 3, 1.0)],
        [Flow("k", 9, 2, 0.9)],
    ),
    ([{"numRecordsIn": 5.0, "Shuffle.Netty.numBytes": 1.0}, {}], [], []),
    ([], [], []),
]


@pytest.mark.parametrize(("vertices", "sources", "sinks"), CASES)
async def test_what_flows_where(vertices: list[dict[str, float]], sources: list[Flow], sinks: list[Flow]) -> None:
    found = await traffic(Flink({str(number): metrics for number, metrics in enumerate(vertices)}), "j")
    assert found is not None
    assert [*found.sources] == sources
    assert [*found.sinks] == sinks


async def test_only_what_is_needed_is_asked_for() -> None:
    flink = Flink({"v": operator("Source__s[1]", went=1) | operator("Calc[2]", 1, 1) | {"numRecordsIn": 0.0}})
    await traffic(flink, "j")
    assert flink.asked == ["Source__s[1].numRecordsOut", "Source__s[1].numRecordsOutPerSecond"]
