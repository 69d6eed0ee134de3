"""How a run keeps its state, as its cluster and its own specification tell it."""

from dataclasses import dataclass

ASYNC_STATE = "table.exec.async-state.enabled"


@dataclass(frozen=True, slots=True)
class Traits:
    """How a run keeps its state and takes checkpoints. None: nobody tells."""

    backend: str | None = None  # hashmap, rocksdb, forst, or another's name; empty: Flink was asked and does not tell
    asynchronous: bool | None = None  # state is read and written asynchronously (State V2)
    changelog: bool | None = None
    in_memory: bool | None = None  # it has no directory for checkpoints: they are kept in the JobManager's memory
    after_finish: bool | None = None  # checkpoints are taken although some tasks have finished
    application: bool | None = None  # its cluster is an application cluster, which goes with its jobs


UNKNOWN = Traits()
