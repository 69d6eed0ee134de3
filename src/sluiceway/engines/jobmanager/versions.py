"""What differs between the versions of Flink that JobManagers run: the table of `docs/reference/flink-versions.md`.

Answers need no version to be read: what an older Flink leaves out has a default. What is sent to it does.
"""

from typing import Final

from sluiceway.domain.flink_version import Minor, minor

NEWEST: Final = (2, 3)

CLAIM_MODE: Final = (1, 20)  # `claimMode` of `/jars/:id/run`, which is refused before
NO_RESTORE_MODE: Final = (2, 0)  # its old name is no longer read
TELLS_SECOND: Final = (2, 1)  # that a program under one job id starts a second job; before, that one never starts
STATE_V2: Final = (2, 0)  # state that is read and written asynchronously, and ForSt


def since(version: str, first: Minor) -> bool:
    """Whether this version, as a cluster tells it, is not older than that. One that nobody can read counts as new."""
    known = minor(version)
    return known is None or known >= first


def claim(version: str) -> dict[str, str]:
    """What a request to run a jar says so that Flink takes over the state that it is resumed from."""
    known = {"claimMode": since(version, CLAIM_MODE), "restoreMode": not since(version, NO_RESTORE_MODE)}
    return {name: "CLAIM" for name, is_known in known.items() if is_known}
