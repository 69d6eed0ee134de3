"""Processes that tests start: each ends with the process that has started it, however that ends.

The kernel sees to it (`PR_SET_PDEATHSIG` of prctl(2), on Linux): what a killed run has started is killed with it, a
process that hangs or is stopped, too. What such a process starts in turn is its own affair: Java under the service ends
with its standard input.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

# The kernel takes the end of the thread that has started a process for the end of its parent. This one ends last.
_STARTER: Final = ThreadPoolExecutor(1, "starter")
# Runs as the process to start, before that: between a fork and an exec of many threads no Python is safe. It undoes
# what Python does to two signals, and what a shell does to SIGINT in the background, and looks whether the parent has
# ended meanwhile.
_TIED: Final = """
import _signal, os, sys
number, parent, *command = sys.argv[1:]
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, int(number), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit(1)
for each in (_signal.SIGPIPE, _signal.SIGXFSZ, _signal.SIGINT):
    _signal.signal(each, _signal.SIG_DFL)
os.execvp(command[0], command)
"""


@dataclass(frozen=True)
class Started:
    """A process, and the test that has started it."""

    process: "subprocess.Popen[str]"
    command: Sequence[str]
    test: str

    def __str__(self) -> str:
        return f"{self.process.pid} ({' '.join(self.command)[:200]}), started by {self.test}"


_STARTED: Final[list[Started]] = []


def start(command: Sequence[str], *, dying: signal.Signals = signal.SIGKILL, **options: Any) -> "subprocess.Popen[str]":
    """Start a process that gets the signal `dying` when this one ends; `options` are those of `Popen`."""
    tied = [sys.executable, "-I", "-S", "-c", _TIED, str(int(dying)), str(os.getpid()), *command]

    def begin() -> "subprocess.Popen[str]":
        return subprocess.Popen(tied, text=True, **options)

    process = _STARTER.submit(begin).result()
    _STARTED.append(Started(process, command, os.environ.get("PYTEST_CURRENT_TEST", "no test")))
    return process


def started() -> int:
    """How many processes were started so far."""
    return len(_STARTED)


def end_since(count: int) -> list[str]:
    """Kill what was started after the first so many and has not ended; what that was."""
    alive = [each for each in _STARTED[count:] if each.process.poll() is None]
    for each in alive:
        each.process.kill()
        each.process.wait()
    return list(map(str, alive))


def descendants() -> Iterator[int]:
    """The processes below this one that have not ended. None where there is no `/proc`."""
    below = {os.getpid()}
    for pid, parent, state in sorted(_processes()):
        if parent in below and state != "Z":
            below.add(pid)
            yield pid


def name_of(pid: int) -> str:
    """A process as people tell it."""
    try:
        return f"{pid} ({Path(f'/proc/{pid}/cmdline').read_text(errors='replace').replace(chr(0), ' ')[:200]})"
    except OSError:
        return str(pid)


def _processes() -> Iterator[tuple[int, int, str]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text(errors="replace").rpartition(")")[2].split()[:2]
        except OSError:
            continue
        yield int(stat.parent.name), int(parent), state
