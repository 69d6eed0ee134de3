"""Logs to standard error: one line for each event, of a bounded length, that nobody else can forge.

Others have written the parts of a request in it (its path, somebody's words, the statement that failed).
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from sluiceway.cli.output import visible

WORDS: Final = 4_000  # characters of one value
TRACE: Final = 16_000  # and of a trace, whose end says what has happened


def log_to_stderr() -> None:
    """Send this process's log, and its libraries' warnings, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            bounded,
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.LogfmtRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def bounded(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor: each text of the event is cut short, and no letter of it is one that a terminal obeys."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = clipped(value, TRACE if name == "exception" else WORDS)
    return event


def clipped(text: str, most: int) -> str:
    """At most so many characters: the beginning, the number of those left out, and the end."""
    if len(text) > most:
        tail = most * 3 // 4
        text = f"{text[: most - tail]} … {len(text) - most} characters … {text[-tail:]}"
    return visible(text)


class _Formatter(logging.Formatter):
    """One bounded line for each record of a library; only a trace has more of them."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        return clipped(super().formatMessage(record), WORDS).replace("\n", "\\n")

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the library's name
        return clipped(super().formatException(ei), TRACE)
