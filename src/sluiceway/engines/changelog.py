"""Whether a job keeps a changelog of its state. Such a job can be resumed in claim mode alone (contract, "Formats")."""

import asyncio

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.job import JobSpec
from sluiceway.engines.flink_rest import FlinkRest
from sluiceway.engines.sql import SqlRefused, read_script

NAMES = ("state.changelog.enabled", "state.backend.changelog.enabled")  # the second is the old one


async def keeps_changelog(rest: FlinkRest, spec: JobSpec) -> bool:
    """By its own options, else by those of its cluster. A cluster that does not tell has none, as is the rule."""
    options = dict(spec.options)
    if "changelog.enabled" in spec.sql:
        options |= await asyncio.to_thread(_settings, spec.sql)
    for name in NAMES:
        if name in options:
            return options[name].strip().lower() == "true"
    try:
        theirs = await rest.cluster_options()
    except Unreachable:
        return False
    return any(theirs.get(name, "").strip().lower() == "true" for name in NAMES)


def _settings(sql: str) -> dict[str, str]:
    try:
        return read_script(sql).settings
    except SqlRefused:
        return {}  # it is refused for that in a moment
