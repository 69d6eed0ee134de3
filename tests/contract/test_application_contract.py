"""What the service relies on of application clusters, on the fake of two versions and on the installed Flink.

On a real 1.20 it runs in `test_older_flink.py`, where that is at work already.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.applications import Application, goes_with_its_job
from tests.support.doubles.applications import Applications
from tests.support.flink.application import started


@pytest.fixture(params=["2.3.0", "1.20.5", pytest.param("real", marks=pytest.mark.real)])
def application(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Application]:
    if request.param == "real":
        with started(request.getfixturevalue("real_flink"), tmp_path) as flink:
            yield Application(flink.url)
        return
    fakes = Applications(tmp_path)
    yield Application(fakes.add("counter", version=request.param, stop_seconds=0.2))
    fakes.close()


def test_it_goes_with_its_job(application: Application, tmp_path: Path) -> None:
    goes_with_its_job(application, tmp_path / "savepoints")
