"""The fake Flink for load answers as the one does that the contract's tests hold against real Flink."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bench.lean_flink import LeanFlink, job_id
from bench.lean_http import Connection

from sluiceway.domain.facts import JobState
from sluiceway.testing.fake_flink import FakeFlink
from sluiceway.testing.fake_jobs import FakeCheckpoint

JID, FAILED, UNKNOWN = job_id(0, 0), job_id(0, 1), "f" * 32
TRIGGER = "a" * 32
SECONDS = 0.05  # of a savepoint
VOLATILE = {"jid", "name", "external_path", "location", "now", "id", "version"}  # what differs, and may
TIMES = ("time", "timestamp", "duration", "modification", "RUNNING")

QUESTIONS = ["/overview", "/config", "/jobs/overview"]
OF_JOB = ["", "/status", "/exceptions?maxExceptions=1", "/checkpoints", "/checkpoints/config", "/config"]
OF_JOB.append(f"/savepoints/{TRIGGER}")


class Both:
    """The two fakes, each with a job that runs and one that has failed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.counts = Counter[str]()
        self.lean = LeanFlink([JID, FAILED], SECONDS, self.counts)
        self.lean.end(FAILED, "FAILED")
        self.full = FakeFlink(cache_seconds=0.0)
        for jid in (JID, FAILED):
            made = FakeCheckpoint(f"file:/checkpoints/{jid}/chk-1")
            self.full.add_job(jid, checkpoint=made, interval=60.0, stop_seconds=SECONDS)
        self.full.fail(FAILED)

    def ask(self, path: str, method: str = "GET", body: object = None) -> list[Any]:
        """The status and the shape of each answer, the lean one's first."""
        raw = b"" if body is None else msgspec.json.encode(body)
        answers = self.lean.answer(method.encode(), path.encode(), raw), self.full.answer(method, path, body)
        return [(status, shape(json.loads(answer))) for status, answer in answers]

    def stop(self) -> list[Any]:
        """Stop the job that runs."""
        body = {"targetDirectory": f"file://{self.root}/lean", "drain": False, "triggerId": TRIGGER}
        return self.ask(f"/jobs/{JID}/stop", "POST", body)

    async def until_stopped(self) -> None:
        """Wait for the ends of both."""
        while self.lean.state(JID) == "RUNNING" or self.full.jobs[JID].state is JobState.RUNNING:
            await asyncio.sleep(SECONDS / 5)


def shape(value: Any, key: str = "") -> Any:
    """The value with a type's name in place of what differs from moment to moment, and of an error its first line."""
    if isinstance(value, dict):
        return {name: shape(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(one, key) for one in value]
    if isinstance(value, str) and key in {"errors", "stacktrace"}:
        return value.splitlines()[0]
    return type(value).__name__ if key in VOLATILE or key.endswith(TIMES) else value


def written(root: Path) -> list[bytes]:
    """Each `_metadata` below a directory."""
    return [file.read_bytes() for file in root.rglob("_metadata")]


@pytest.fixture
def both(tmp_path: Path) -> Callable[[], Both]:
    """Makes them, in the test's own loop."""
    return lambda: Both(tmp_path)


async def test_the_lean_fake_answers_as_the_full_one_does(both: Callable[[], Both]) -> None:
    fakes = both()
    for stage in ("running", "being stopped", "stopped"):
        if stage == "being stopped":
            lean, full = fakes.stop()
            assert lean == full == (202, {"request-id": TRIGGER})
        if stage == "stopped":
            while fakes.lean.state(JID) == "RUNNING" or fakes.full.jobs[JID].state is JobState.RUNNING:
                await asyncio.sleep(SECONDS / 5)
        for path in [*QUESTIONS, *(f"/jobs/{jid}{what}" for jid in (JID, FAILED, UNKNOWN) for what in OF_JOB)]:
            lean, full = fakes.ask(path)
            assert lean == full, f"{stage}: {path}"
    assert not fakes.counts["other"]


async def test_the_lean_fake_writes_the_same_savepoint(both: Callable[[], Both], tmp_path: Path) -> None:
    fakes = both()
    fakes.stop()
    await fakes.until_stopped()
    ours, theirs = written(tmp_path)
    assert ours == theirs


async def test_the_lean_fake_counts_what_no_build_may_ask(both: Callable[[], Both]) -> None:
    fakes = both()
    fakes.stop()
    second = {"targetDirectory": f"file://{fakes.root}/second", "triggerId": "b" * 32}
    fakes.lean.answer(b"POST", f"/jobs/{JID}/stop".encode(), msgspec.json.encode(second))
    fakes.lean.answer(b"PATCH", f"/jobs/{JID}?mode=cancel".encode(), b"")
    assert (fakes.counts["rival"], fakes.counts["other"]) == (1, 1)


class Sent:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.written += data


def test_requests_that_come_in_pieces_or_together_are_answered_one_by_one() -> None:
    asked: list[tuple[bytes, bytes, bytes]] = []

    def answer(method: bytes, path: bytes, body: bytes) -> tuple[int, bytes]:
        asked.append((method, path, body))
        return 200, b"{}"

    connection, sent = Connection(answer), Sent()
    connection.connection_made(sent)  # type: ignore[arg-type]
    stream = b"POST /a HTTP/1.1\r\nHost: x\r\ncontent-length: 4\r\n\r\nbodyGET /b HTTP/1.1\r\nHost: x\r\n\r\n"
    for at in range(len(stream)):
        connection.data_received(stream[at : at + 1])
    connection.data_received(stream)
    assert asked == [(b"POST", b"/a", b"body"), (b"GET", b"/b", b"")] * 2
    assert sent.written.count(b"HTTP/1.1 200 OK\r\n") == 4
