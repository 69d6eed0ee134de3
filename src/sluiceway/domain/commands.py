"""Commands to a cluster. Each is safe to repeat: its identity was chosen and stored before it is sent."""

from dataclasses import dataclass

from sluiceway.domain.policy import SavepointFormat


@dataclass(frozen=True, slots=True)
class StopWithSavepoint:
    """Stop the job with a savepoint under `target`. The same trigger id twice makes one savepoint (FLINK-24208)."""

    trigger: str  # 32 hex digits
    target: str  # a URI that the cluster can write to; this attempt's own
    drain: bool = False
    format: SavepointFormat = SavepointFormat.NATIVE  # the one that does no job any harm


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel the job, keeping nothing but its retained checkpoints."""


StopCommand = StopWithSavepoint | Cancel


@dataclass(frozen=True, slots=True)
class TakeSavepoint:
    """Write a savepoint under `target` while the job runs on. The same trigger id twice makes one savepoint."""

    trigger: str  # 32 hex digits
    target: str  # a URI that the cluster can write to; this savepoint's own
    format: SavepointFormat = SavepointFormat.NATIVE


JobCommand = StopCommand | TakeSavepoint


@dataclass(frozen=True, slots=True)
class Submit:
    """Submit the run under its own Flink job id; a cluster that has seen the id refuses it, so it starts once."""
