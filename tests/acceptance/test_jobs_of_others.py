"""A newcomer's way: a Flink with jobs that somebody else has started, a service beside it, and one stop of them all."""

import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest
from tests.support.flink.real import ENDLESS, RealFlink
from tests.support.services.process import ServiceProcess, wait_for

pytestmark = pytest.mark.real

NAMES = ("newcomer-orders", "newcomer-clicks", "newcomer-bills")
BILLS = ENDLESS.replace("TABLE b ", "TABLE bills ").replace("INTO b ", "INTO bills ")


def test_four_commands_stop_what_somebody_else_has_started(tmp_path: Path, real_flink: RealFlink) -> None:
    sql = {"newcomer-bills": BILLS}
    started = {name: real_flink.submit(sql.get(name, ENDLESS), **{"pipeline.name": name}) for name in NAMES}
    service = ServiceProcess(tmp_path, "--cluster", f"old={real_flink.url}", "--adopt", "matching newcomer-*")

    def told(*command: str, codes: Collection[int] = (0,)) -> str:
        where = ("--server", service.url, "--project", "default")
        done = subprocess.run(
            [sys.executable, "-m", "sluiceway", *command, *where], capture_output=True, text=True, timeout=120
        )
        assert done.returncode in codes, done.stderr
        return done.stdout

    def writing(table: str) -> set[str]:
        shown = told("jobs", "list", "--status", "running", "--writes", table, codes=(0, 3))
        return {name for name in NAMES if name in shown}

    wait_for(lambda: all(name in told("jobs", "list") for name in NAMES))
    assert "somebody else has started it" in told("jobs", "show", "newcomer-orders")
    wait_for(lambda: writing("b") == {"newcomer-orders", "newcomer-clicks"})
    assert writing("bills") == {"newcomer-bills"}
    assert told("stop", "--writes", "bills", "--dry-run", "--json", codes=(0, 1)).count('"accepted": true') == 1
    stopped = told("stop", "--all", "--wait", "--yes")
    again = dict(line.strip().split(": ", 1) for line in stopped.splitlines() if "flink run" in line)
    assert set(again) == set(NAMES)
    paths = {name: command.split("--fromSavepoint ")[1].split()[0] for name, command in again.items()}
    assert all((Path(path.removeprefix("file://")) / "_metadata").is_file() for path in paths.values())

    # Somebody starts one of them again, from there: it is the same job here, and is stopped as before.
    path = paths["newcomer-orders"]
    back = real_flink.submit(ENDLESS, **{"pipeline.name": "newcomer-orders", "execution.savepoint.path": path})
    assert back != started["newcomer-orders"]
    wait_for(lambda: "running" in told("jobs", "show", "newcomer-orders"))
    assert told("jobs", "list").count("newcomer-orders") == 1
    assert path not in told("stop", "newcomer-orders", "--wait", "--yes")
    assert service.end() == 0
