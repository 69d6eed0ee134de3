"""A short round of each reader; `make fuzz-readers` runs long ones."""

import pytest
import tests.fuzz_readers.planning
import tests.fuzz_readers.storage_targets  # noqa: F401 - both register their targets
from tests.fuzz_readers.run import feed
from tests.fuzz_readers.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_is_read_is_answered_or_refused(name: str) -> None:
    figures = feed(TARGETS[name], 60, seed=1, most=60)
    assert figures.problems == []
    assert figures.inputs == 60
