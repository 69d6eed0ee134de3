"""What the service relies on of application clusters, of any version: they say what they are, wait, and go."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.services.process import wait_for

from sluiceway.engines.jobmanager.answers import is_no_endpoint
from sluiceway.engines.jobmanager.kinds import is_application
from sluiceway.storage.metadata import parse

TRIGGER = "ab" * 16
LOOKS = 10  # at a cluster whose result nobody has read


@dataclass(frozen=True)
class Application:
    """A cluster whose one job runs, or will soon."""

    url: str

    def ask(self, path: str, body: object = None) -> Any:
        """One request; the decoded answer. Raises `URLError`."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def takes_no_jars(self) -> bool:
        """Whether it says that there is no such thing."""
        try:
            self.ask("/jars")
        except urllib.error.HTTPError as error:
            return is_no_endpoint(json.load(error)["errors"])
        return False

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


def goes_with_its_job(at: Application, target: Path) -> None:
    """The way of one from its start to its end, which comes when the result of its stop was read."""
    jid = at.until_it_runs()
    assert is_application({each["key"]: each["value"] for each in at.ask("/jobmanager/config")})
    assert at.takes_no_jars()
    at.ask(f"/jobs/{jid}/stop", {"targetDirectory": target.as_uri(), "triggerId": TRIGGER})
    at.until_it_has_finished()
    for _ in range(LOOKS):
        assert at.jobs()[0]["state"] == "FINISHED"
        time.sleep(0.2)
    said = at.ask(f"/jobs/{jid}/savepoints/{TRIGGER}")
    [metadata] = target.rglob("_metadata")
    assert said["operation"]["location"].endswith(metadata.parent.name)
    assert parse(metadata.read_bytes()).of_stop
    wait_for(at.refuses)
