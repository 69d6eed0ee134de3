"""A job in a real application cluster: adopted, and stopped by a service that dies as it hears of the result."""

from pathlib import Path

import pytest
from tests.support.flink.application import started
from tests.support.flink.real import RealFlink
from tests.support.services.process import ServiceProcess, wait_for

pytestmark = pytest.mark.real

PATH = "/api/v1/projects/default"


def test_an_application_cluster_is_stopped_and_the_service_is_killed_as_it_hears_of_it(
    tmp_path: Path, real_flink: RealFlink
) -> None:
    with started(real_flink, tmp_path) as flink:
        # Asked for a checkpoint, it would wait for somebody to read the result of that, too, before it goes.
        wait_for(lambda: any(job["tasks"]["running"] == job["tasks"]["total"] > 0 for job in flink.jobs().values()))
        serves = (f"--cluster=counting={flink.url}", "--gone-after", "15")
        doomed = ServiceProcess(tmp_path / "data", *serves, crash="after_result_is_heard")
        wait_for(lambda: bool(doomed.call("GET", f"{PATH}/jobs")["jobs"]))
        tried = doomed.call("POST", f"{PATH}/clusters/counting/test")
        assert (tried["kind"], tried["storage"]) == ("application", "yes")
        stop = doomed.call("POST", f"{PATH}/stops", {"all": True})["id"]
        assert doomed.process.wait(120) == -9, "it died when the result had been read, and was not stored"
        wait_for(lambda: not flink.jobmanager.alive)

    service = ServiceProcess(tmp_path / "data", *serves)
    wait_for(lambda: bool(service.call("GET", f"{PATH}/stops/{stop}")["settled"]))
    [entry] = service.call("GET", f"{PATH}/stops/{stop}")["jobs"]
    [metadata] = (tmp_path / "data").rglob("savepoint-*/_metadata")
    assert (entry["phase"], entry["savepoint"], entry["verified"]) == ("stopped", metadata.parent.as_uri(), True)
    assert entry["start_again"].startswith(
        f"flink run --target TARGET-application --fromSavepoint {entry['savepoint']}"
    )
    assert service.end() == 0
