"""Both APIs answer as `/openapi.json` says, whatever schemathesis asks: a small part of `make fuzz`, always equal."""

from pathlib import Path

import httpx
import pytest
from tests.fuzz.stage import Stage

pytestmark = pytest.mark.process


@pytest.mark.parametrize("sign_in", [True, False], ids=["signed in", "open"])
def test_every_operation_answers_as_it_is_described(tmp_path: Path, sign_in: bool) -> None:
    from tests.fuzz.run import Report, fuzz  # with schemathesis, for which no other process of a run has to wait

    report = Report()
    with Stage(tmp_path, sign_in=sign_in) as stage:
        fuzz(stage, report, seed=1, examples=3, phases=["fuzzing"])
        described = httpx.get(f"{stage.url}/openapi.json", timeout=60).json()["paths"]
    assert len(report.cases) == sum(map(len, described.values()))
    assert not report.faults, "\n".join(f"{where}: {words}" for where, words in report.faults.items())
