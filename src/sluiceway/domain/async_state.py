"""Whether a job's state is read and written asynchronously, as far as its specification tells."""

import re

from sluiceway.domain.job import JobSpec
from sluiceway.domain.traits import ASYNC_STATE

_SET = re.compile(r"async-state\.enabled['\"`]?[ \t]{0,100}=[ \t]{0,100}['\"`]?(\w{1,10})", re.IGNORECASE)


def asynchronous(spec: JobSpec, flink_version: str) -> bool | None:
    """Whether a job's state is asynchronous; None where its specification cannot tell.

    There is no such state in Flink 1.x, which ignores the option. Since 2.0 a program may use State V2 without anybody
    seeing it. SQL has to ask for it, and what only looks as if it did (in a comment) counts: a native savepoint does no
    harm.
    """
    if _major(flink_version) == 1:
        return False
    option = spec.options.get(ASYNC_STATE)
    if option is not None and option.strip().lower() == "true":
        return True
    if spec.program is not None:
        return None
    if "async-state" not in spec.sql.lower():
        return False
    values = [found.lower() for found in _SET.findall(spec.sql)]
    if not values:
        return None
    return "true" in values


def _major(version: str) -> int | None:
    first = version.split(".", 1)[0]
    return int(first) if first.isascii() and first.isdigit() else None
