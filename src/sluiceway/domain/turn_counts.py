"""The counts of one cluster's worker since the service began, for monitoring."""

from dataclasses import dataclass


@dataclass(slots=True)
class TurnCounts:
    """The worker of one cluster at work."""

    cluster: str
    owned: bool = False  # whether it holds the cluster's lease; all else is as it was when it last did
    answered: bool = True  # whether the cluster did, in the last turn
    turns: int = 0
    broken: int = 0  # turns that ended with an error
    seconds: float = 0.0  # that all turns took
    restarts: int = 0  # of jobs, that were seen
