"""One word for a job's state, in every table: the service's own, and while it lives how it fares."""

from collections.abc import Mapping, Sequence
from typing import Final

from sluiceway.cli import tables
from sluiceway.cli.job_answers import Fare, Health

# DLI's names for a status, by which whoever knows them may choose, too. Documents have them as `dli_status`.
OF_DLI: Final[Mapping[str, str]] = {
    "job_init": "draft",
    "job_submitting": "submitting",
    "job_submit_fail": "submit_failed",
    "job_running": "running",
    "job_running_exception": "failed",
    "job_savepointing": "savepointing",
    "job_canceling": "canceling",
    "job_cancel_success": "stopped",
    "job_cancel_fail": "stop_failed",
    "job_finish": "finished",
}
AILING: Final = frozenset({"restarting", "no_slots"})
_COUNTED: Final = frozenset({"starting", "no_slots"})  # of which it is told how many tasks run


def statuses(given: Sequence[str]) -> list[str]:
    """Words for a status, also where DLI's names were given."""
    return list(dict.fromkeys(OF_DLI.get(word, word.removeprefix("job_")) for word in given))


def state(status: str, health: Health | None) -> str:
    """A status, or of a job that should run how it does: running, starting 3/61, restarting, no_slots 0/4, unknown."""
    if health is None or health.condition == "running":
        return status
    some = f" {health.running_tasks}/{health.tasks}" if health.tasks and health.condition in _COUNTED else ""
    if status == "running":
        return f"{health.condition}{some}"
    return f"{status}, {health.condition}{some}" if health.condition in AILING else status


def state_of(fare: Fare) -> str:
    """The state of a job, and that it was deleted."""
    told = state(fare.status, fare.health)
    return f"{told}, deleted" if fare.deleted_at else told


def why(fare: Fare) -> str:
    """Why a job is as it is, and that its cluster does not answer."""
    return f"{silence(fare)} {fare.why}".strip()


def silence(fare: Fare) -> str:
    """What is to be said of a job whose cluster does not answer."""
    if fare.silence is None:
        return ""
    return tables.silent(fare.queue or "", fare.silence.since, fare.silence.reason)
