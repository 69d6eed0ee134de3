"""What a JobManager says of failures: read in time that grows at most with its length, to the innermost cause."""

import time
from collections.abc import Callable

import pytest

from sluiceway.domain.facts import Refusal
from sluiceway.domain.failure_words import CLIP
from sluiceway.domain.observed import AttemptFailed, NoSuchJob
from sluiceway.engines.jobmanager.failures import classify, plain_words

TEXTS: dict[str, Callable[[int], str]] = {
    "dots": lambda n: "a." * (n // 2) + "!",
    "classes": lambda n: "a.b: " * (n // 5),
    "causes": lambda n: "Caused by: a.b.C: Trigger checkpoint failure.\n" * (n // 45),
    "bare causes": lambda n: "Caused by: " * (n // 11),
    "directories": lambda n: "cannot create a " * (n // 16),
    "one directory": lambda n: "cannot create " + "a" * n,
    "savepoints": lambda n: "A savepoint has been created at: " * (n // 33),
    "task managers": lambda n: "TaskManager " * (n // 12),
    "spaces": lambda n: "a.b" + " " * n + "x",
    "lines": lambda n: "\n" * n,
    "one word": lambda n: "x" * n,
}


@pytest.mark.parametrize("kind", TEXTS)
def test_the_time_for_a_failures_text_grows_at_most_with_its_length(kind: str) -> None:
    def cost(megabytes: int) -> float:
        text = TEXTS[kind](megabytes << 20)
        begun = time.process_time()
        assert len(classify("", text).text) <= CLIP
        assert len(plain_words(text)) <= CLIP
        return time.process_time() - begun

    first = min(cost(1) for _ in range(2))
    for megabytes in (2, 4, 8):
        assert min(cost(megabytes) for _ in range(2)) < 4 * megabytes * first + 0.05


@pytest.mark.parametrize("frames", [10, 100_000])
def test_the_first_and_the_innermost_cause_of_a_long_trace_are_told(frames: int) -> None:
    frame = "\tat org.apache.flink.runtime.Thing.run(Thing.java:1)\n"
    trace = (
        "org.apache.flink.util.FlinkException: The job broke.\n"
        + frame * frames
        + "Caused by: java.io.IOException: No space left on device\n"
        + frame * 5
    )
    assert plain_words(trace) == "The job broke. No space left on device"
    failed = classify("", trace)
    assert isinstance(failed, AttemptFailed)
    assert failed.refusal is Refusal.STORAGE


def test_where_a_savepoint_lies_is_read_within_bounds() -> None:
    def said(path: str) -> AttemptFailed | NoSuchJob:
        text = f"A savepoint has been created at: {path}, but the corresponding job 1 failed."
        return classify("", f"a.b.StopWithSavepointStoppingException: {text}")

    assert [getattr(said(path), "location", "") for path in ("file:/s", "", "x" * 4001)] == ["file:/s", None, None]
