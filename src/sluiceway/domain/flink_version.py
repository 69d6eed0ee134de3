"""Versions of Flink, as clusters tell them: "1.20.5", "2.3-SNAPSHOT"."""

import re
from typing import Final

Minor = tuple[int, int]

_VERSION: Final = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})(?:[.\-].{0,100})?", re.DOTALL)


def minor(version: str) -> Minor | None:
    """The first two numbers of a version, for example (1, 20); None where it has none."""
    found = _VERSION.fullmatch(version)
    return (int(found[1]), int(found[2])) if found else None
