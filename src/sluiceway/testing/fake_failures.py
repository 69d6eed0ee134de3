"""How Flink 2.3 words its failures, as seen on the real one, with stack traces as long as the real ones."""

from dataclasses import dataclass
from functools import cache

_FRAME = "\tat org.apache.flink.runtime.rpc.pekko.PekkoRpcActor.handleRpcInvocation(PekkoRpcActor.java:{line})"
_CHECKPOINT = "org.apache.flink.runtime.checkpoint.CheckpointException"
_NOT_FOUND = "org.apache.flink.runtime.messages.FlinkJobNotFoundException"
_STOPPING = "org.apache.flink.runtime.scheduler.stopwithsavepoint.StopWithSavepointStoppingException"


@dataclass(frozen=True, slots=True)
class Failure:
    """A chain of causes, the outermost first, each `class: message`; `{}` stands for `about`."""

    chain: tuple[str, ...]
    about: str = ""

    @property
    def words(self) -> str:
        """What the outermost cause says."""
        return self.chain[0].replace("{}", self.about)

    def trace(self) -> str:
        """Java's stack trace of it, some 30 KB."""
        links = [link.replace("{}", self.about) for link in self.chain]
        outer = f"java.util.concurrent.CompletionException: {links[0]}\n{_frames(90)}"
        return outer + "".join(f"Caused by: {link}\n{_frames(90)}" for link in links)

    def cause(self) -> dict[str, str]:
        """The `failure-cause` of an operation that failed."""
        return {
            "class": "java.util.concurrent.CompletionException",
            "stack-trace": self.trace(),
            "serialized-throwable": "rO0ABXNy" * 1500,
        }


FAILURES = {
    "suspending": Failure((f"{_CHECKPOINT}: Checkpoint Coordinator is suspending.",)),
    "expired": Failure((f"{_CHECKPOINT}: Checkpoint expired before completing.",)),
    "declined": Failure(
        (
            f"{_CHECKPOINT}: Checkpoint was declined (tasks not ready)",
            f"{_CHECKPOINT}: {_CHECKPOINT}: Task name with subtask : Source: s[83] (1/1)#0 Failure reason: Checkpoint"
            " was declined (tasks not ready)",
        )
    ),
    "stopping": Failure((f"{_STOPPING}: A savepoint has been created at: {{}}",)),
    "batch": Failure((f"{_CHECKPOINT}: Blocking output edge exists in running tasks.",)),
    "not_ready": Failure(
        (
            f"{_CHECKPOINT}: Checkpoint triggering task Source: s[45] (2/2) of job is not being executed at the moment."
            " Aborting checkpoint. Failure reason: Not all required tasks are currently running.",
        )
    ),
    "finished": Failure(
        (
            f"{_CHECKPOINT}: Some tasks of the job have already finished and checkpointing with finished tasks is not "
            "enabled. Failure reason: Not all required tasks are currently running.",
        )
    ),
    "storage": Failure(
        (
            f"{_CHECKPOINT}: An Exception occurred while triggering the checkpoint. IO-problem detected.",
            "java.io.IOException: Failed to create savepoint directory at file:{}",
        )
    ),
    "scheme": Failure(
        (
            f"{_CHECKPOINT}: An Exception occurred while triggering the checkpoint. IO-problem detected.",
            "org.apache.flink.core.fs.UnsupportedFileSystemSchemeException: Could not find a file system implementation"
            " for scheme '{}'. The scheme is not directly supported by Flink and no Hadoop file system to support this"
            " scheme could be loaded.",
        )
    ),
    "no_path": Failure(
        (
            f"{_CHECKPOINT}: Trigger checkpoint failure.",
            "java.lang.IllegalArgumentException: Can not create a Path from an empty string",
        )
    ),
}

UNSUPPORTED_SAVE = (
    "java.lang.UnsupportedOperationException: Snapshot is not supported for the asynchronous state in this format."
)
TOO_LARGE = (
    "java.io.IOException: Size of the state is larger than the maximum permitted memory-backed state. Size={size}, "
    "maxSize=5242880. Consider using a different checkpoint storage, like the FileSystemCheckpointStorage."
)
REFUSALS = frozenset({"batch", "not_ready", "storage", "scheme", "no_path"})  # before the job is touched


def no_such_job(jid: str) -> Failure:
    """The failure of an attempt on a job that is not there, or no longer."""
    return Failure((f"{_NOT_FOUND}: Could not find Flink job ({{}})",), jid)


def stopping_failed(location: str, jid: str) -> Failure:
    """The savepoint is complete, but the job failed while it finished (contract, rule 8)."""
    words = (
        f"A savepoint has been created at: {location}, but the corresponding job {jid} failed during stopping. The"
        " savepoint is consistent, but might have uncommitted transactions. If you want to commit the transaction"
        " please restart a job from this savepoint."
    )
    return Failure((f"{_STOPPING}: {words}",))


@cache
def _frames(count: int) -> str:
    return "".join(_FRAME.format(line=line) + "\n" for line in range(count))


def error(cls: str, message: str) -> str:
    """One entry of an answer's `errors`."""
    return f"org.apache.flink.{cls}: {message}\n{_frames(40)}"
