"""The demo as a newcomer runs it, on real Flink."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support import processes

pytestmark = pytest.mark.real

SECONDS = 150


def start(directory: Path, *options: str) -> "subprocess.Popen[str]":
    """A demo in a session of its own, by which all that it starts is known, with its files under `directory`."""
    return processes.start(
        [sys.executable, "-m", "sluiceway", "demo", *options],
        dying=signal.SIGTERM,  # at which it ends what it has started
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(directory), "SLUICEWAY_PORT": "1"},  # of another service: not for this one
        start_new_session=True,
    )


def of_session(session: int) -> list[int]:
    """The processes that belong to a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def nothing_left(session: int, directory: Path) -> bool:
    """Whether no process and no file is left; the system takes a moment to forget a process."""
    for _ in range(50):
        if not of_session(session) and not list(directory.iterdir()):
            return True
        time.sleep(0.1)
    return False


def test_the_demo_holds_and_leaves_nothing_behind(tmp_path: Path) -> None:
    process = start(tmp_path, "--jobs", "3")
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    rows = [line.split() for line in out.splitlines() if line.startswith("demo-")]
    assert [row[0] for row in rows] == ["demo-01", "demo-02", "demo-03"]
    for row in rows:
        assert row[1] == "stopped"
        assert row[5] == "yes"  # verified; the size before it is a number and a unit
        assert int(row[-1]) > int(row[-3]) > 0  # rows after the resume, and before
    assert "3 of 3 jobs stopped with a verified savepoint and carried on from it" in out
    assert "the dry run of its resume refuses it: " in out
    assert "it would begin anew without a word" in out
    assert "Changed back, it fits again" in out
    assert "Next:" in out
    assert nothing_left(process.pid, tmp_path)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=str)
def test_a_demo_that_is_ended_cleans_up(tmp_path: Path, sent: signal.Signals) -> None:
    process = start(tmp_path, "--jobs", "1")
    assert process.stdout is not None
    for line in process.stdout:
        if ": created" in line:
            break
    assert len(of_session(process.pid)) > 1  # its service, and the Flink of that
    process.send_signal(sent)
    process.communicate(timeout=SECONDS)
    assert process.returncode == 128 + sent
    assert nothing_left(process.pid, tmp_path)
