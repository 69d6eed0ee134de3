"""Fixtures that any test may ask for."""

from collections.abc import Iterator

import pytest
from tests.real_flink import RealFlink


@pytest.fixture(scope="session")
def real_flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealFlink]:
    """One real Flink for the whole run. Its jobs are nobody's in particular: look only at your own."""
    flink = RealFlink(tmp_path_factory.mktemp("flink"))
    flink.start()
    yield flink
    flink.stop()
