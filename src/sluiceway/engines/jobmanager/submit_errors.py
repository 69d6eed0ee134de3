"""Explains the causes of a Java exception in plain words, and what they mean for a submission. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from sluiceway.engines.jobmanager.restore_words import in_our_words

LONGEST = 1000  # characters of an explanation
LONGEST_MESSAGE = 16_000  # characters of one cause that are read: its beginning and its end
LONGEST_TRACE = 256_000  # of a stack trace, likewise
MOST_CAUSES = 50

# Frames around the cause that say nothing to the author of the SQL.
_WRAPPER = re.compile(
    r"(?:The main method caused an error: )?Failed to execute (?:sql|job '.*')|Could not execute application"
    r"|Failed to submit (?:ExecutionPlan|JobGraph|job)|Could not start the JobMaster"
    r"|Could not complete the operation\. Number of retries has been exhausted",
    re.DOTALL,
)
# It begins where a name does: tried within one, too, its time would grow with the square of the name's length.
_CLASS_PREFIX = re.compile(r"(?<![\w$.])(?:[a-z_$][\w$]*\.)++[A-Z][\w$]*: ")
_SERVER_SIDE = re.compile(r"<Exception on server side:\s*(?P<first>[^\n]*)")
_SERVER_CAUSE = re.compile(r"\nCaused by: (?P<cause>[^\n]*)")
_TABLE_OPTIONS = "Table options are:"  # they may hold secrets
_NOT_NOW = re.compile(r"Timeout|timed out|leader election|unavailable", re.IGNORECASE)
_JAR_LOST = re.compile(r"\bJar file \S+ does not exist")
_OF_JOB = re.compile(r"Failed to execute job '([^']{1,200})'")
_DUPLICATE = re.compile(r"Duplicate(?:Application|Job)SubmissionException")
_CAUSE = re.compile(r"^(?:Caused by: )?(?P<kind>(?:[\w$]+\.)++[\w$]+)(?:: (?P<message>[^\n]*))?$", re.MULTILINE)
_TOO_DEEP = (
    "Flink cannot plan it: too much is nested, or stands side by side. Write IN (…) for many comparisons, join a table "
    "instead of a long CASE, and put parts of it into views."
)
_SPEAKS_FOR_ITSELF = ("RuntimeException", "IllegalArgumentException", "IllegalStateException", "CompletionException")


@dataclass(frozen=True, slots=True)
class Cause:
    """One link in the chain of a Java exception, the outermost first."""

    kind: str  # its class, with the package
    message: str  # empty when it has none


def causes_of(trace: str) -> list[Cause]:
    """The chain in a stack trace as Flink's REST API writes it, the outermost first."""
    found = islice(_CAUSE.finditer(clipped(trace, LONGEST_TRACE)), MOST_CAUSES)
    return [Cause(cause["kind"], cause["message"] or "") for cause in found]


def clipped(text: str, most: int) -> str:
    """The text, or its beginning and its end where it is longer: the innermost cause stands last."""
    return text if len(text) <= most else f"{text[: most // 2]}\n…\n{text[-(most // 2) :]}"


def stillborn(causes: Sequence[Cause]) -> bool:
    """Whether the cluster took the job and could not start it."""
    return any(cause.kind.endswith("JobInitializationException") for cause in causes)


def jar_lost(causes: Sequence[Cause]) -> bool:
    """Whether the cluster has lost a jar that it had."""
    return any(_JAR_LOST.search(cause.message) for cause in causes)


def out_of_time(causes: Sequence[Cause]) -> bool:
    """Whether a program got no answer when it submitted its job, which may have arrived."""
    submitting = any("Failed to execute job" in cause.message for cause in causes)
    return submitting and any(_NOT_NOW.search(f"{cause.kind} {cause.message}") for cause in causes)


def not_now(causes: Sequence[Cause]) -> bool:
    """Whether the cluster gave no clear answer: it may be another one later, and the job may have arrived."""
    return any(_NOT_NOW.search(f"{cause.kind} {cause.message}") for cause in causes) and not stillborn(causes)


def already_submitted(causes: Sequence[Cause]) -> bool:
    """Whether the cluster refused because it has, or had, a job of this very id."""
    return any(_DUPLICATE.search(cause.kind) or _DUPLICATE.search(cause.message) for cause in causes)


def jobs_of(causes: Sequence[Cause]) -> list[str]:
    """The names of the jobs that could not be started."""
    return list(dict.fromkeys(name for cause in causes for name in _OF_JOB.findall(cause.message)))


def may_have_arrived(causes: Sequence[Cause]) -> bool:
    """Whether the cluster may have the job in spite of the failure.

    True for whatever happened after the client began to send and is not the cluster's own clear "no".
    """
    if not any(cause.message.startswith("Failed to execute job") for cause in causes):
        return False
    if stillborn(causes):
        return False
    refused_to_take = any(cause.kind.endswith("JobSubmissionException") for cause in causes)
    return not (refused_to_take and any(_clear_no(cause) for cause in causes))


def explain(causes: Sequence[Cause]) -> str:
    """The causes as a few sentences on one line, without wrappers, class names, stack traces and table options."""
    if any(cause.kind == "java.lang.StackOverflowError" for cause in causes):
        return _TOO_DEEP  # what it was doing is longer than anybody reads
    sentences: list[str] = []
    for cause in causes[:MOST_CAUSES]:
        sentence = _sentence(cause)
        if sentence and not any(sentence.rstrip(".") in said for said in sentences):
            sentences.append(sentence)
    text = " ".join(s if s.endswith((".", "!", "?")) else f"{s}." for s in sentences)
    text = text or (causes[-1].kind if causes else "No reason was given.")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _clear_no(cause: Cause) -> bool:
    # Flink's own errors arrive as a list in brackets; anything else came from a proxy or a broken connection.
    return (
        cause.kind.endswith("RestClientException")
        and cause.message.startswith("[")
        and not _NOT_NOW.search(cause.message)
    )


def _sentence(cause: Cause) -> str:
    message = _of_server(clipped(cause.message, LONGEST_MESSAGE))
    message = message.partition(_TABLE_OPTIONS)[0]
    message = _CLASS_PREFIX.sub("", message)
    message = message.replace("SQL validation failed. SQL validation failed.", "SQL validation failed.")
    message = in_our_words(" ".join(message.split()))
    if _WRAPPER.fullmatch(message.rstrip(".")):
        return ""
    kind = cause.kind.rpartition(".")[2].rpartition("$")[2]
    if cause.kind.startswith("java.") and kind not in _SPEAKS_FOR_ITSELF:
        # "com.example.Thing" alone tells nobody that a class was not found.
        return f"{kind}: {message}" if message else kind
    return message


def _of_server(message: str) -> str:
    found = _SERVER_SIDE.search(message)
    if found is None:
        return message
    causes = _SERVER_CAUSE.findall(message)
    return causes[-1] if causes else found["first"]
