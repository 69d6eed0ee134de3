"""What a savepoint that cannot be, or that has failed, means for its job, in words."""

from sluiceway.domain.facts import Restart, Running

_OPTION = "execution.checkpointing.checkpoints-after-tasks-finish.enabled"
AFTER_FINISH = (
    f"{{finished}} of its tasks have finished, and {_OPTION} is false: Flink takes no savepoint of the job any more. "
    "Stop it without a savepoint, or start it anew without that option."
)


def never_saved(fact: Running) -> str:
    """Why Flink would refuse every savepoint of a job that runs; empty when it would not."""
    if fact.finished and fact.traits.after_finish is False:
        return AFTER_FINISH.format(finished=fact.finished)
    return ""


def restarted(when: str, restart: Restart) -> str:
    """What the job did since an attempt was sent; `when` says which."""
    at = restart.at.strftime("%Y-%m-%d %H:%M:%SZ")
    if restart.restored is None:
        return f"{when} Flink restarted the job at {at} from nothing: the state that it had is lost."
    taken = f", taken at {restart.as_of:%Y-%m-%d %H:%M:%SZ}" if restart.as_of else ""
    return f"{when} Flink restarted the job at {at} from {restart.restored}{taken}; it does anew what it did since."
