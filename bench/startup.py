"""Start-up: how long a command takes to say anything, beyond Python's own start, and beside another build.

`python -m bench startup --beside SRC`: SRC is the `src` directory of another checkout. Shown are milliseconds to the
first byte beyond those of Python alone: the best, the median, and the least CPU, which a busy machine changes less.
`--all` goes through the help of every command as well. Words behind the options are one command to measure alone.
"""

import argparse
import os
import pty
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.services.process import ServiceProcess

from bench.stops import met, say
from sluiceway.cli.main import app

HERE = Path(__file__).resolve().parent.parent / "src"
REPEATS = 15
THIS, OTHER, ALONE = "this build", "the other", "Python"
PYTHON = (sys.executable, "-c", "print(1)")
NOBODY = "http://127.0.0.1:9"  # where no service answers

# The target, beyond Python's own start.
MILLISECONDS = 150.0

TERMINAL = ", on a terminal"
COMMANDS: Sequence[tuple[str, Sequence[str]]] = (
    ("--version", ("--version",)),
    ("--help", ("--help",)),
    ("jobs --help", ("jobs", "--help")),
    ("stop --help", ("stop", "--help")),
    ("access --help", ("access", "--help")),
    ("move --help", ("move", "--help")),
    ("jobs create --help", ("jobs", "create", "--help")),
    ("serve --help", ("serve", "--help")),
    ("stops list, no service", ("stops", "list", "--server", NOBODY)),
    ("jobs list", ("jobs", "list")),
    (f"jobs list{TERMINAL}", ("jobs", "list")),
    ("clusters list", ("clusters", "list")),
    ("contexts list", ("contexts", "list")),
    ("access users list", ("access", "users", "list")),
    ("database backup", ("database", "backup", "/dev/null")),  # refused, as there is such a file: what it loads counts
)


class Taken(NamedTuple):
    """What one start took."""

    seconds: float
    cpu: float  # seconds, up to little after the first byte


def main(arguments: Sequence[str] = ()) -> bool:
    """Measure and print; whether the target is met."""
    parser = argparse.ArgumentParser(prog="python -m bench startup", description=__doc__)
    parser.add_argument("--beside", type=Path, metavar="SRC", help="the source tree of another build")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="(default: %(default)s)")
    parser.add_argument("--all", action="store_true", help="also the help of every command")
    parser.add_argument("words", nargs="*", metavar="WORD", help="only this command; write -- before its options")
    given = parser.parse_args(arguments)
    chosen = [(" ".join(given.words), given.words)] if given.words else [*COMMANDS, *(_pages() if given.all else ())]
    trees = {THIS: HERE} | ({OTHER: given.beside.resolve()} if given.beside else {})
    with tempfile.TemporaryDirectory() as directory:
        service = ServiceProcess(Path(directory), "--cluster=c0=http://127.0.0.1:9")
        try:
            variables = {"SLUICEWAY_SERVER": service.url, "SLUICEWAY_DATA": str(service.data)}
            kept = {name: _case(name, words, trees, variables, given.repeats) for name, words in chosen}
            missed = [name for name, good in kept.items() if not good]
            say(f"  above {MILLISECONDS:.0f} ms: {', '.join(missed) or 'none'}")
            return not missed
        finally:
            service.end()


def _pages() -> Iterator[tuple[str, Sequence[str]]]:
    """The help of every command that there is."""
    left = [(words, app[words]) for words in app if not words.startswith("-")]
    while left:
        words, command = left.pop(0)
        yield f"{words} --help", (*words.split(), "--help")
        left += [(f"{words} {name}", command[name]) for name in command if not name.startswith("-")]


def _case(name: str, words: Sequence[str], trees: Mapping[str, Path], given: Mapping[str, str], repeats: int) -> bool:
    """One command in every tree and Python alone, in turns: what else the machine does then falls on all of them."""
    taken: dict[str, list[Taken]] = {tree: [] for tree in (ALONE, *trees)}
    for _ in range(repeats + 1):
        taken[ALONE].append(_first_byte(PYTHON, {}))
        for tree, source in trees.items():
            variables = {**given, "PYTHONPATH": str(source)}
            command = (sys.executable, "-m", "sluiceway", *words)
            taken[tree].append(_first_byte(command, variables, terminal=name.endswith(TERMINAL)))
    kept = {tree: found[1:] for tree, found in taken.items()}  # the first warms the disk
    best, middle, cpu = _beyond(kept, min), _beyond(kept, statistics.median), _beyond(kept, min, "cpu")
    told = [f"{tree} {best[tree]:.0f}, {middle[tree]:.0f}, {cpu[tree]:.0f}" for tree in trees]
    if len(trees) > 1:
        told.append(", ".join(f"{each[THIS] / each[OTHER]:.2f}" for each in (best, middle, cpu)) + " of it")
    say(f"  {name}: {'; '.join(told)}")
    return met(f"{name}, best (ms)", best[THIS], MILLISECONDS)


def _beyond(
    taken: Mapping[str, Sequence[Taken]], of: Callable[[Iterable[float]], float], what: str = "seconds"
) -> dict[str, float]:
    """The milliseconds of each tree beyond those of Python alone."""
    found = {tree: of([getattr(each, what) * 1000 for each in all_]) for tree, all_ in taken.items()}
    return {tree: value - found[ALONE] for tree, value in found.items()}


def _first_byte(command: Sequence[str], variables: Mapping[str, str], *, terminal: bool = False) -> Taken:
    """From the start of a process to its first byte on standard output or error."""
    environment = {**os.environ, **variables}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # nobody who waits for a command has set it
    reading, writing = pty.openpty() if terminal else os.pipe()
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=writing, stderr=writing, env=environment)
    os.close(writing)
    os.read(reading, 1)
    seconds = time.perf_counter() - begun
    os.kill(process.pid, signal.SIGKILL)  # the rest is nobody's; `process.kill` would take away what `wait4` tells
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    os.close(reading)
    return Taken(seconds, used.ru_utime + used.ru_stime)
