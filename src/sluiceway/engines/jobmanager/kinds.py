"""What kind of cluster a JobManager leads."""

from collections.abc import Mapping
from typing import Final

_OWN: Final = "embedded"  # where the program of an application cluster runs its jobs: in the JobManager that runs it


def is_application(options: Mapping[str, str]) -> bool:
    """Whether the cluster runs the jobs of one program and goes with them, by its JobManager's options.

    Flink sets `execution.target` itself before such a JobManager begins; a session's has what clients submit with, if
    anything.
    """
    return options.get("execution.target", "") == _OWN
