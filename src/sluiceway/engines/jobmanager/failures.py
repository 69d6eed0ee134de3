"""Explains Java's failure causes in plain words, and classifies them for a stop (Flink contract, rules 2 and 5 to 8).

Flink reports a failed attempt as a stack trace of 30 to 55 KB. Nobody should have to read one to learn that a directory
cannot be written, and no decision may depend on more than the table below.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sluiceway.domain.facts import Refusal
from sluiceway.domain.failure_words import CLIP, clip
from sluiceway.domain.observed import AttemptFailed, NoSuchJob
from sluiceway.engines.jobmanager.restore_words import in_our_words

# Characters of a failure's text that are looked at. Traces of Flink's have 30 to 71 KB; what stands first says which
# kind of failure it was, and what stands last why.
_HEAD, _TAIL = 49_152, 16_384


@dataclass(frozen=True, slots=True)
class _Link:
    """One exception of a chain of causes."""

    cls: str
    message: str

    @property
    def words(self) -> str:
        """The message, named after its class where the class says more than "something failed"."""
        name = self.cls.rpartition(".")[2].rpartition("$")[2]
        if not self.message:
            return name
        return self.message if self.cls.startswith(_NAMELESS) or not name else f"{name}: {self.message}"


_CLASSES = re.compile(r"\s*((?:[A-Za-z_$][\w$]*\.)++[A-Za-z_$][\w$]*)(?::\s|\s*$)")  # "java.io.IOException: " or alone
_NAMELESS = (
    "org.apache.flink.",
    "java.io.IOException",
    "java.lang.RuntimeException",
    "java.util.concurrent.Completion",
)
_EMPTY_WORDS = (  # true of every failure of their kind, so the next cause down says what happened
    "An Exception occurred while triggering the checkpoint. IO-problem detected.",
    "Trigger checkpoint failure.",
    "Recovery is suppressed by",
    "Could not start the JobMaster.",
    "Stop-with-savepoint failed.",
)
_NO_SUCH_JOB = re.compile(r"FlinkJobNotFoundException|JobNotFoundException|Could not find Flink job")
_SAVED_AT, _BUT = "A savepoint has been created at: ", ", but the corresponding job"
_LONGEST_PATH = 4000

# The first row that matches any link of the chain decides, so the harmless refusals, whose words are exact, come first.
_MEANINGS: tuple[tuple[Refusal, re.Pattern[str]], ...] = (
    (
        Refusal.NOT_READY,
        re.compile(
            r"Not all required tasks are currently running|is not being executed at the moment"
            r"|maximum number of queued checkpoint requests|minimum time between checkpoints"
        ),
    ),
    (Refusal.UNSUPPORTED, re.compile(r"Blocking output edge|is not a streaming job")),
    (
        Refusal.STORAGE,
        re.compile(
            r"IO-problem detected|Failed to create (?:savepoint|checkpoint|directory)|savepoints?[.-]dir\] is not set"
            r"|No savepoint directory configured|(?i:mkdirs failed)"
            r"|(?i:(?:could not|cannot|can not) create (?:a )?(?:\S+ )?(?:path|director))"
            r"|file system implementation for scheme|UnsupportedFileSystemScheme|URISyntaxException"
        ),
    ),
    (Refusal.ABORTED, re.compile(r"Task has failed")),  # by whatever the job itself met, a missing file included
    (
        Refusal.STORAGE,
        re.compile(
            r"Permission denied|AccessDenied|No such file|NoSuchFileException|No space left|Disk quota exceeded"
            r"|Read-only file system|NoSuchBucket|Could not flush and close the file system output stream"
        ),
    ),
    (
        Refusal.ABORTED,
        re.compile(
            r"expired before completing|(?i:checkpoint ?coordinator (?:is )?(?:suspend|shut ?down))"
            r"|(?i:checkpoint was (?:declined|aborted|canceled))|Checkpoint has been subsumed|has been discarded"
            r"|scheduler is shut down|Asynchronous task checkpoint failed|Task local checkpoint failure"
            r"|Failure to finalize checkpoint|Trigger checkpoint failure|Unknown task for the checkpoint"
            r"|FailoverRegion is restarting|received cancellation|A savepoint has been created at"
            r"|Stop.with.savepoint (?:operation could not be completed|failed)|Inconsistent execution state"
            r"|did not reach the FINISHED state|The job was cancelled|InterruptedException"
            r"|(?:Task ?Manager|TaskExecutor)\b.{0,200}?(?:lost|timed out|no longer reachable|disconnect|clos)"
            r"|Connection unexpectedly closed by remote|Lost connection to task manager"
        ),
    ),
)


def classify(class_name: str, stack_trace: str) -> AttemptFailed | NoSuchJob:
    """Classify a failed attempt's `failure-cause`. Never raises; an unknown one is `Refusal.OTHER`."""
    chain = _chain(stack_trace) or [_Link(class_name.strip(), "")]
    said = "\n".join(f"{link.cls}: {link.message}" for link in chain)
    text = _words(chain)
    if _NO_SUCH_JOB.search(said):
        return NoSuchJob(text)
    refusal = next((refusal for refusal, words in _MEANINGS if words.search(said)), Refusal.OTHER)
    return AttemptFailed(refusal, text, _saved_at(said))


def plain_words(stack_trace: str) -> str:
    """The first real cause of a stack trace and the last one, in at most `CLIP` characters. Empty for none."""
    return _words(_chain(stack_trace))


def ends(text: str) -> str:
    """A failure's text as far as it is looked at: all of it, or its head and its tail, cut between lines."""
    if len(text) <= _HEAD + _TAIL:
        return text
    tail = text[-_TAIL:]
    return f"{text[:_HEAD]}\n{tail[tail.find(chr(10)) + 1 :]}"


def _saved_at(said: str) -> str | None:
    """Where a savepoint lies that is complete although its job failed (rule 8)."""
    _, found, rest = said.partition(_SAVED_AT)
    path, closed, _ = rest[: _LONGEST_PATH + len(_BUT)].partition(_BUT)
    return path if found and closed and path and "\n" not in path else None


def _words(chain: list[_Link]) -> str:
    telling = [link for link in chain if not link.message.startswith(_EMPTY_WORDS) and (link.message or link.cls)]
    if not telling:
        return clip(chain[-1].words) if chain else ""
    first, last = telling[0].words, telling[-1].words
    return clip(first) if last in first else clip(f"{clip(first, CLIP // 2).rstrip('.')}. {last}")


def _chain(stack_trace: str) -> list[_Link]:
    """The exceptions from the outermost to the root, without the wrappers that only repeat the next one."""
    links: list[_Link] = []
    for entry in _entries(ends(stack_trace)):
        link = _link(entry)
        if (link.cls or link.message) and (not links or links[-1] != link):
            links.append(link)
    return links


def _entries(stack_trace: str) -> Iterator[str]:
    """Each cause's whole message; frames and what was suppressed are indented, a message's further lines are not."""
    entry: list[str] = []
    for line in stack_trace.splitlines():
        if line.startswith("Caused by: "):
            yield " ".join(entry)
            entry = [line.removeprefix("Caused by: ")]
        elif not line.startswith("\t") and line:
            entry.append(line)
    yield " ".join(entry)


def _link(entry: str) -> _Link:
    # A wrapper's message is its cause's class and message, so "A: B: what happened" is B's "what happened".
    cls, end = "", 0
    while found := _CLASSES.match(entry, end):
        cls, end = found.group(1), found.end()
    return _Link(cls, in_our_words(entry[end:].strip()))
