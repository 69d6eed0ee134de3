"""A log line is one line of a bounded length, whatever somebody has put into a request."""

import io
import logging
import sys
from typing import Any

import pytest
import structlog

from sluiceway.cli.log_lines import TRACE, WORDS, bounded, clipped, log_to_stderr

FORGED = 'x\n2026-01-01 level=info event="user root is made" \x1b[2J\r\x9b1A\u2028y'


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What is logged, as it would stand in a file."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    before = structlog.get_config()
    handlers = logging.getLogger().handlers[:]
    logging.getLogger().handlers[:] = []
    log_to_stderr()
    yield written
    structlog.configure(**before)
    logging.getLogger().handlers[:] = handlers


def test_an_event_with_foreign_words_is_one_line(log: io.StringIO) -> None:
    structlog.get_logger("a").error("request failed", path=FORGED, method=FORGED)
    (line,) = log.getvalue().splitlines()
    assert "level=error" in line
    assert not set("\x1b\r\x9b\u2028") & set(line)


def test_so_is_a_warning_of_a_library(log: io.StringIO) -> None:
    logging.getLogger("a.library").warning("Invalid request %s", FORGED)
    (line,) = log.getvalue().splitlines()
    assert line.startswith("WARNING a.library: ")


def test_a_trace_has_a_beginning_and_an_end_and_a_bound(log: io.StringIO) -> None:
    try:
        raise ValueError(f"first {'x' * 100_000} last\x1b[0m")
    except ValueError:
        structlog.get_logger("a").exception("request failed")
        logging.getLogger("b").exception("failed")
    written, size = log.getvalue(), len(log.getvalue())
    assert size < 3 * TRACE
    found = written.count("ValueError: first"), written.count("last\\x1b[0m"), "\x1b" in written
    assert found == (2, 2, False)


def test_nothing_is_lost_of_what_is_short() -> None:
    event = bounded(None, "", {"event": "a", "count": 5, "why": "x" * WORDS, "exception": "a\n  b"})
    assert event == {"event": "a", "count": 5, "why": "x" * WORDS, "exception": "a\n  b"}
    assert clipped("x" * (WORDS + 1), WORDS).count("x") == WORDS
