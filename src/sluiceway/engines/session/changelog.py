"""Whether a job keeps a changelog of its state. Such a job can be resumed in claim mode alone (contract, "Formats")."""

from collections.abc import Mapping

from sluiceway.domain.engine import Unreachable
from sluiceway.engines.jobmanager.rest import FlinkRest

WORDS = ("changelog.enabled", "{{")  # one of them is in the SQL of a job that says so there, or in a variable
NAMES = ("state.changelog.enabled", "state.backend.changelog.enabled")  # the second is the old one


async def keeps_changelog(rest: FlinkRest, options: Mapping[str, str]) -> bool:
    """By a job's options, else by those of its cluster. A cluster that does not tell has none, as is the rule."""
    for name in NAMES:
        if name in options:
            return options[name].strip().lower() == "true"
    try:
        theirs = await rest.cluster_options()
    except Unreachable:
        return False
    return any(theirs.get(name, "").strip().lower() == "true" for name in NAMES)
