"""The options of `sluiceway jobs create`, and the fields that they become."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cyclopts import Parameter

from sluiceway.cli.language import t
from sluiceway.cli.options import Flag, Names, PositiveInt, WholeSeconds, Words, seconds_of
from sluiceway.cli.output import Failed

CUS: Final = 400  # at most (DLI contract)
PARALLEL_PER_CU: Final = 4


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class JobFields:
    """A new job, beside its name and SQL."""

    queue: str | None = None
    """The cluster that is to run it. Default: the service's first one."""

    parallelism: PositiveInt = 1
    """Parallel instances of each operator."""

    checkpoint_interval: WholeSeconds = None
    """The time between two checkpoints, such as 10s. Without it there are none."""

    restart: Flag = False
    """Start the job again by itself when it fails."""

    retention: str | None = None
    """How long unused state is kept, by the wall clock, also while the job is stopped: 90s, 45m, 2h, 1d, or 0 for ever.
    A number alone counts seconds. Default: an hour."""

    option: Names = ()
    """An option of Flink as KEY=VALUE; may be repeated."""

    tag: Names = ()
    """A tag as KEY=VALUE; may be repeated."""

    desc: Words = ""
    """A description."""

    def check_jar(self) -> None:
        """Refuse what only SQL has. Raises `Failed`."""
        if self.retention is not None:
            raise Failed(t("--retention is of SQL: a program says itself how long its state is kept."), code=2)

    def body(self) -> dict[str, object]:
        """DLI's fields for them. Raises `Failed`."""
        body: dict[str, object] = {"desc": self.desc, "parallel_number": self.parallelism}
        body |= cus_for(self.parallelism)
        if self.queue:
            body["queue_name"] = self.queue
        if self.checkpoint_interval is not None:
            body |= {"checkpoint_enabled": True, "checkpoint_interval": self.checkpoint_interval}
        if self.restart:
            body["restart_when_exception"] = True
        if self.retention is not None:
            kept = seconds_of("--retention", self.retention)
            body |= {"idle_state_retention": kept, "idle_state_retention_unit": "seconds"}
        if self.option:
            body["runtime_config"] = json.dumps(pairs("--option", self.option))
        if self.tag:
            body["tags"] = pairs("--tag", self.tag)
        return body


def cus_for(parallelism: int) -> dict[str, int]:
    """The field of DLI's that leaves room for so many parallel instances, where it is needed.

    DLI gives a job 2 CUs by default; one is the JobManager's, each other carries 4 parallel instances.
    """
    return {"cu_number": min(1 - -parallelism // PARALLEL_PER_CU, CUS)} if parallelism > PARALLEL_PER_CU else {}


def pairs(option: str, given: Sequence[str]) -> list[dict[str, str]]:
    """KEY=VALUE as DLI's lists have it. Raises `Failed`."""
    found = [text.partition("=") for text in given]
    for key, equals, value in found:
        if not equals or not key:
            raise Failed(
                t("{option} {key}{equals}{value} is not KEY=VALUE", option=option, key=key, equals=equals, value=value),
                code=2,
            )
    return [{"key": key, "value": value} for key, _, value in found]
