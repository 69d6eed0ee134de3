"""The end of the process: in order at the first signal, whatever hangs within a while, at once at the second one."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.support import processes

HANGS = """
import asyncio, sys, threading, time
from sluiceway.cli import shutdown

async def main():
    end = shutdown.Shutdown(float(sys.argv[1]))
    end.watch()
    {body}

def stuck():
    time.sleep(60)

try:
    asyncio.run(main())
except asyncio.CancelledError:
    print("in order", flush=True)
"""
IN_ORDER = 'print("ready", flush=True); await asyncio.sleep(60)'
STUCK_THREAD = """
    asyncio.get_running_loop().run_in_executor(None, stuck)
    print("ready", flush=True)
    await asyncio.sleep(60)
"""
TOLD = """
    end.by(lambda: print("told", flush=True))
    print("ready", flush=True)
    await asyncio.sleep(60)
"""
STUCK_LOOP = 'print("ready", flush=True); stuck()'


@contextmanager
def process(body: str, within: float) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", HANGS.format(body=body), str(within)]
    with processes.start(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        yield running
        running.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_ends_it_in_order(number: int) -> None:
    with process(IN_ORDER, 30) as running:
        running.send_signal(number)
        said, _ = running.communicate(timeout=30)
    assert (running.returncode, said) == (0, "in order\n")


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (STUCK_THREAD, "thread asyncio_0 in __main__.stuck"),
        (STUCK_LOOP, "thread MainThread in __main__.stuck"),
    ],
    ids=["thread", "loop"],
)
def test_what_hangs_is_named_and_not_waited_for(body: str, what: str) -> None:
    with process(body, 0.2) as running:
        running.send_signal(signal.SIGTERM)
        said, _ = running.communicate(timeout=30)
    assert running.returncode == 1
    assert "not ended within 0.2 s" in said
    assert what in said


def test_the_second_signal_ends_it_at_once() -> None:
    with process(TOLD, 30) as running:
        running.send_signal(signal.SIGTERM)
        assert running.stdout is not None
        assert running.stdout.readline() == "told\n"
        running.send_signal(signal.SIGTERM)
        said, _ = running.communicate(timeout=30)
    assert running.returncode == 128 + signal.SIGTERM
    assert "told to end twice, by SIGTERM" in said
