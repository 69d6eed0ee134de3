"""Fixtures that let no process outlive the tests that have started it, and name those that would."""

import os
import signal
import time
from collections.abc import Iterator

import pytest
from tests.support import processes
from tests.support.patience import PATIENCE


@pytest.fixture(scope="module", autouse=True)
def ended_with_its_module(request: pytest.FixtureRequest) -> Iterator[None]:
    """End what the tests of a module have left. Those fail for it, unless one of them has failed anyway."""
    failed, started = request.session.testsfailed, processes.started()
    yield
    left = processes.end_since(started)
    assert not left or request.session.testsfailed > failed, f"processes were left: {'; '.join(left)}"


@pytest.fixture(scope="session", autouse=True)
def ended_with_the_run() -> Iterator[None]:
    """Nothing is below this process when the run is over: no Java, and nothing that was started past `processes`."""
    yield
    end = time.monotonic() + PATIENCE
    while (left := list(processes.descendants())) and time.monotonic() < end:
        time.sleep(0.05)  # what was ended takes a moment
    named = [processes.name_of(pid) for pid in left]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left, f"processes were left: {'; '.join(named)}"
