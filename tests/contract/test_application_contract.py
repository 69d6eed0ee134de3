"""What the service relies on of application clusters: they say what they are, wait until a result was read, and go."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.doubles.applications import Applications
from tests.support.flink.application import started
from tests.support.services.process import wait_for

from sluiceway.engines.jobmanager.kinds import is_application
from sluiceway.storage.metadata import parse

TRIGGER = "ab" * 16
LOOKS = 10  # at a cluster whose result nobody has read


@dataclass(frozen=True)
class Application:
    """A cluster whose one job runs."""

    url: str

    def ask(self, path: str, body: object = None) -> Any:
        """One request; the decoded answer. Raises `URLError`."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def refuses(self) -> bool:
        """Whether nothing listens there any more."""
        try:
            self.ask("/overview")
        except OSError as error:
            return isinstance(error, urllib.error.URLError) and isinstance(error.reason, ConnectionRefusedError)
        return False

    def until_it_runs(self) -> str:
        """Wait until all tasks of its job run; its id."""
        wait_for(lambda: any(job["tasks"]["running"] == job["tasks"]["total"] > 0 for job in self.jobs()))
        return str(self.jobs()[0]["jid"])

    def until_it_has_finished(self) -> None:
        """Wait for the end of its job."""
        wait_for(lambda: self.jobs()[0]["state"] == "FINISHED")

    def jobs(self) -> list[dict[str, Any]]:
        """Those that it lists, of which there is one before long."""
        found: list[dict[str, Any]] = self.ask("/jobs/overview")["jobs"]
        return found


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real)])
def application(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Application]:
    if request.param == "real":
        with started(request.getfixturevalue("real_flink"), tmp_path) as flink:
            yield Application(flink.url)
        return
    fakes = Applications(tmp_path)
    yield Application(fakes.add("counter", stop_seconds=0.2))
    fakes.close()


def test_it_says_what_it_is_waits_until_its_result_was_read_and_refuses_connections(
    application: Application, tmp_path: Path
) -> None:
    jid = application.until_it_runs()
    assert is_application({each["key"]: each["value"] for each in application.ask("/jobmanager/config")})
    target = tmp_path / "savepoints"
    application.ask(f"/jobs/{jid}/stop", {"targetDirectory": target.as_uri(), "triggerId": TRIGGER})
    application.until_it_has_finished()
    for _ in range(LOOKS):
        assert application.jobs()[0]["state"] == "FINISHED"
        time.sleep(0.2)
    said = application.ask(f"/jobs/{jid}/savepoints/{TRIGGER}")
    [metadata] = target.rglob("_metadata")
    assert said["operation"]["location"].endswith(metadata.parent.name)
    assert parse(metadata.read_bytes()).of_stop
    wait_for(application.refuses)
