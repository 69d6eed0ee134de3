"""A short round of each reader; `make fuzz-readers` runs long ones."""

import pytest
import tests.fuzz_readers.planning
import tests.fuzz_readers.storage_targets  # noqa: F401 - both register their targets
from tests.fuzz_readers import flink_sql
from tests.fuzz_readers.run import feed
from tests.fuzz_readers.targets import TARGETS
from tests.support.flink.real import RealFlink


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "sql"])
def test_whatever_is_read_is_answered_or_refused(name: str) -> None:
    _round(name)


@pytest.mark.real
def test_whatever_sql_is_read_by_flink_is_answered_or_refused(real_flink: RealFlink) -> None:
    flink_sql.FLINK.use(real_flink.jvm)
    try:
        _round("sql")
    finally:
        flink_sql.FLINK.use(None)


def _round(name: str) -> None:
    figures = feed(TARGETS[name], 60, seed=1, most=60)
    assert figures.problems == []
    assert figures.inputs == 60
