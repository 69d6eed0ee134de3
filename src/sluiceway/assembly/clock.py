"""The clock that the service goes by."""

from datetime import UTC, datetime


def clock() -> datetime:
    """Now, in UTC and in whole milliseconds, which is what the store keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
