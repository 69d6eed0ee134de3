"""Finds the time zone of this machine, by a name that Flink takes."""

import os
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

_LINK: Final = Path("/etc/localtime")
_NAME: Final = Path("/etc/timezone")


def local_zone() -> str:
    """Its name in the zone database, from TZ or from where the system keeps it; else its offset, as GMT+08:00."""
    return next(filter(_known, (os.environ.get("TZ", "").lstrip(":"), _linked(), _named())), "") or _offset()


def _known(name: str) -> bool:
    try:
        return bool(name) and not name.startswith("/") and bool(ZoneInfo(name))
    except (OSError, ValueError):
        return False


def _linked() -> str:
    try:
        return _LINK.readlink().as_posix().partition("/zoneinfo/")[2]
    except OSError:
        return ""


def _named() -> str:
    try:
        return _NAME.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _offset() -> str:
    offset = datetime.now().astimezone().strftime("%z")
    return "UTC" if offset == "+0000" else f"GMT{offset[:3]}:{offset[3:5]}"
