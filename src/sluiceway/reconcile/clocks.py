"""The wall clock, which deadlines go by, beside the steady one, which nobody sets."""

import time
import uuid
from datetime import datetime
from pathlib import Path

from sluiceway.store.deadlines import Clocks

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def _boot() -> str:
    """When the steady clock began. Where nobody tells, no other process may compare its own with ours."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return uuid.uuid4().hex


BOOT = _boot()


def compare(now: datetime) -> Clocks:
    """Both clocks, when the wall clock shows `now`."""
    return Clocks(round(now.timestamp() * 1000 - time.monotonic() * 1000), BOOT)
