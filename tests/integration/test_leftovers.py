"""A run of tests leaves no process behind, however it ends. What Java does when its service dies, `test_jvm.py` has."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support import processes
from tests.support.services.process import wait_for

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
RUN = """
import signal, subprocess, time
from pathlib import Path
from tests.support import leftovers, processes
from tests.support.leftovers import ended_with_its_module, ended_with_the_run
from tests.support.services.process import ServiceProcess

leftovers.PATIENCE = 0.1

def hanging():
    java = processes.start(["sleep", "600"], process_group=0)  # as Java is started
    java.send_signal(signal.SIGSTOP)
    return java

def test_that_leaves_processes(tmp_path):
    service = {first}
    Path("pids").write_text(f"{{service.pid}} {{hanging().pid}}.")
    {then}
"""
SERVICE = 'ServiceProcess(tmp_path, "--no-embedded", "--cluster=c0=http://127.0.0.1:9").process'


def run(directory: Path, then: str, first: str = "hanging()") -> "subprocess.Popen[str]":
    """A run of pytest of its own, in a directory of its own."""
    (directory / "test_run.py").write_text(RUN.format(first=first, then=then))
    plain = ["-c", "/dev/null", "-p", "no:cacheprovider", "--import-mode=importlib"]
    environment = [f"PYTHONPATH={ROOT}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1"]
    command = ["env", "--default-signal=INT", *environment, sys.executable, "-m", "pytest", *plain, "test_run.py"]
    return processes.start(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def pids(directory: Path) -> list[int]:
    """The two processes that a run has started; none yet."""
    told = directory / "pids"
    text = told.read_text() if told.exists() else ""
    return list(map(int, text.removesuffix(".").split())) if text.endswith(".") else []


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=str)
def test_a_run_that_is_ended_takes_its_processes_with_it(tmp_path: Path, end: signal.Signals) -> None:
    running = run(tmp_path, "time.sleep(600)", SERVICE)
    wait_for(lambda: running.poll() is not None or bool(pids(tmp_path)))
    service, hanging = pids(tmp_path)
    assert lives(service)
    assert lives(hanging)
    running.send_signal(end)
    running.communicate(timeout=60)
    wait_for(lambda: not lives(service) and not lives(hanging))


def test_a_run_that_leaves_processes_fails_and_names_them(tmp_path: Path) -> None:
    running = run(tmp_path, 'subprocess.Popen(["sleep", "601"])  # past `processes`')
    said, _ = running.communicate(timeout=120)
    assert running.returncode == 1
    for pid in pids(tmp_path):
        assert re.search(rf"{pid} \(sleep 600\), started by \S*test_that_leaves_processes \(call\)", said)
        assert not lives(pid)
    [past] = re.findall(r"processes were left: (\d+) \(sleep 601 ?\)", said)
    assert not lives(int(past))


def test_a_red_run_ends_what_it_leaves_and_tells_only_what_is_red(tmp_path: Path) -> None:
    said, _ = run(tmp_path, "assert False").communicate(timeout=120)
    assert "1 failed" in said
    assert "processes were left" not in said
    assert not any(map(lives, pids(tmp_path)))
