"""`make chaos` in short: everything that can be killed is killed once, and no row is lost or doubled."""

from pathlib import Path

import pytest
from tests.chaos.__main__ import chaos

pytestmark = pytest.mark.real

SEED = 76  # and 77: a TaskManager and the JobManager; the service and the other TaskManager


def test_nothing_is_lost_doubled_or_untrue(tmp_path: Path) -> None:
    assert chaos(tmp_path, rounds=2, seed=SEED, jobs=6) == []
