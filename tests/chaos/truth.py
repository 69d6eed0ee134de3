"""Whether what the service said of a stop is so: beside each answer stands what cluster and disk show."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from sluiceway.cli.demo_job import DemoJob

MAGIC = bytes.fromhex("4960672d")  # how every `_metadata` of Flink's begins
ENDED = {None, "FINISHED", "CANCELED", "FAILED"}  # None: the cluster knows no such job


def untruths(entry: dict[str, Any], state: str | None, made: Collection[Path]) -> Sequence[str]:
    """What is untrue about the answer to one job, whose state is now `state` and of which `made` lies on storage.

    `made` holds the savepoints that have come since the batch was asked for.
    """
    said, reason = entry["phase"], entry["reason"]
    savepoint = Path(entry["savepoint"].removeprefix("file://")) if entry["savepoint"] else None
    claims = {
        "stopped": {
            f"the cluster has it {state}": state in ENDED,
            f"its savepoint {savepoint} is none that this stop made": savepoint in made,
            f"its savepoint {savepoint} is not whole": savepoint is not None and whole(savepoint),
            "it was not verified": entry["verified"],
            f"the job is shown as {entry['job_status']}": entry["job_status"] == "stopped",
        },
        "failed": {
            f"the cluster has it {state}": state not in ENDED,
            f"the job is shown as {entry['job_status']}": entry["job_status"] == "stop_failed",
            "it names a savepoint": savepoint is None,
        },
        "ended": {
            f"the cluster has it {state}": state in ENDED,
            f"a savepoint of it is there: {made}": not made,
        },
        "lost": {
            f"the cluster has it {state}": state in ENDED,
            f"a savepoint of it is there, and not told: {made}": all(str(path) in reason for path in made),
            "it names no directory to look in": "/jobs/savepoint/" in reason,
        },
    }
    about = f"job {entry['job_id']} is said to be {said} ({reason or 'no reason'}), but"
    return [f"{about} {fault}" for fault, holds in claims[said].items() if not holds]


def whole(savepoint: Path) -> bool:
    """Whether a savepoint has what Flink writes last."""
    metadata = savepoint / "_metadata"
    return metadata.is_file() and metadata.read_bytes()[:4] == MAGIC


def lost_and_doubled(job: DemoJob) -> tuple[int, int]:
    """How many rows are missing from what a job has written, and how many are there more than once."""
    numbers = job.numbers()
    once = set(numbers)
    wanted = max(once, default=job.first - 1) - job.first + 1
    return wanted - len(once), len(numbers) - len(once)
