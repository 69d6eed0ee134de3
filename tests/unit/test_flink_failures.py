"""What Flink's failure causes mean, and what they are in plain words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluiceway.domain.facts import Refusal
from sluiceway.domain.failure_words import CLIP, both, clip
from sluiceway.domain.observed import AttemptFailed, NoSuchJob
from sluiceway.engines.jobmanager.failures import classify, plain_words

JOB = "0af1" * 8
CHECKPOINT = "org.apache.flink.runtime.checkpoint.CheckpointException: "
WRAPPER = "java.util.concurrent.CompletionException"
IO_PROBLEM = f"{CHECKPOINT}An Exception occurred while triggering the checkpoint. IO-problem detected."
SCHEME = "org.apache.flink.core.fs.UnsupportedFileSystemSchemeException: "


def trace(*chain: str) -> str:
    """A stack trace as Flink sends it: every link with frames, and a wrapper around the first."""
    frames = "".join(f"\tat org.apache.flink.runtime.Frame.call(Frame.java:{n})\n" for n in range(50))
    text = f"{WRAPPER}: {chain[0]}\n{frames}"
    return text + "".join(f"Caused by: {link}\n{frames}\t... 5 more\n" for link in chain)


# What failures mean. --------------------------------------------------------------------------------------------------

SEEN = [  # word for word from Flink 2.3, the outermost cause first
    (
        [
            f"{CHECKPOINT}Checkpoint triggering task Source: s[45] (9/9) of job 0df3 is not being executed at the"
            " moment. Aborting checkpoint. Failure reason: Not all required tasks are currently running."
        ],
        Refusal.NOT_READY,
        "Checkpoint triggering task Source: s[45] (9/9) of job 0df3 is not being executed at the moment. Aborting"
        " checkpoint. Failure reason: Not all required tasks are currently running.",
    ),
    (
        [f"{CHECKPOINT}Blocking output edge exists in running tasks."],
        Refusal.UNSUPPORTED,
        "Blocking output edge exists in running tasks.",
    ),
    (
        [IO_PROBLEM, "java.io.IOException: Failed to create savepoint directory at file:/proc/nope"],
        Refusal.STORAGE,
        "Failed to create savepoint directory at file:/proc/nope",
    ),
    (
        [
            IO_PROBLEM,
            "java.io.IOException: Failed to create savepoint directory at file:/data/file/x",
            "java.nio.file.FileAlreadyExistsException: /data/file",
        ],
        Refusal.STORAGE,
        "Failed to create savepoint directory at file:/data/file/x. FileAlreadyExistsException: /data/file",
    ),
    (
        [
            IO_PROBLEM,
            f"{SCHEME}Could not find a file system implementation for scheme 'hdfs'. It is not supported.",
            f"{SCHEME}Hadoop is not in the classpath/dependencies.",
        ],
        Refusal.STORAGE,
        "Could not find a file system implementation for scheme 'hdfs'. It is not supported. Hadoop is not in the"
        " classpath/dependencies.",
    ),
    (
        [
            f"{CHECKPOINT}Trigger checkpoint failure.",
            "java.lang.IllegalArgumentException: Can not create a Path from an empty string",
        ],
        Refusal.STORAGE,
        "IllegalArgumentException: Can not create a Path from an empty string",
    ),
    (
        [
            f"{CHECKPOINT}Trigger checkpoint failure.",
            "java.lang.IllegalArgumentException: java.net.URISyntaxException: Relative path in absolute URI: ::",
        ],
        Refusal.STORAGE,
        "URISyntaxException: Relative path in absolute URI: ::",
    ),
    (
        [f"{CHECKPOINT}Checkpoint Coordinator is suspending."],
        Refusal.ABORTED,
        "Checkpoint Coordinator is suspending.",
    ),
    (
        [f"{CHECKPOINT}Checkpoint expired before completing."],
        Refusal.ABORTED,
        "Checkpoint expired before completing.",
    ),
    (
        [
            f"{CHECKPOINT}Checkpoint was declined (tasks not ready)",
            f"{CHECKPOINT}{CHECKPOINT}Task name with subtask : Source: s (1/1)#0 Failure reason: Checkpoint was"
            " declined (tasks not ready)",
        ],
        Refusal.ABORTED,
        "Checkpoint was declined (tasks not ready). Task name with subtask : Source: s (1/1)#0 Failure reason:"
        " Checkpoint was declined (tasks not ready)",
    ),
]

READ_IN_SOURCES = [  # not provoked: Flink's own words, from its sources
    (f"{CHECKPOINT}The maximum number of queued checkpoint requests exceeded", Refusal.NOT_READY),
    (f"{CHECKPOINT}CheckpointCoordinator shutdown.", Refusal.ABORTED),
    (f"{CHECKPOINT}Asynchronous task checkpoint failed.", Refusal.ABORTED),
    (f"{CHECKPOINT}Checkpoint was declined because one input stream is finished", Refusal.ABORTED),
    (f"{CHECKPOINT}Checkpoint was declined (task is closing)", Refusal.ABORTED),
    (f"{CHECKPOINT}FailoverRegion is restarting.", Refusal.ABORTED),
    (f"{CHECKPOINT}Task has failed.", Refusal.ABORTED),
    (f"{CHECKPOINT}Failure to finalize checkpoint.", Refusal.ABORTED),
    ("org.apache.flink.util.FlinkException: Stop with savepoint operation could not be completed.", Refusal.ABORTED),
    ("java.util.concurrent.TimeoutException: Heartbeat of TaskManager with id 10.0.0.1:1 timed out.", Refusal.ABORTED),
    ("org.apache.flink.util.FlinkException: TaskExecutor tm-1 has been lost", Refusal.ABORTED),
    ("java.lang.IllegalStateException: Job 0af1 is not a streaming job.", Refusal.UNSUPPORTED),
    ("java.io.IOException: Failed to create checkpoint storage at checkpoint coordinator side.", Refusal.STORAGE),
    ("java.io.IOException: Mkdirs failed to create file:/x", Refusal.STORAGE),
    ("java.nio.file.AccessDeniedException: /x", Refusal.STORAGE),
    ("java.lang.ArithmeticException: / by zero", Refusal.OTHER),
    ("org.apache.flink.runtime.rpc.exceptions.RecipientUnreachableException: Could not send message", Refusal.OTHER),
]


@pytest.mark.parametrize(("chain", "refusal", "text"), SEEN)
def test_seen_failures(chain: list[str], refusal: Refusal, text: str) -> None:
    assert classify(WRAPPER, trace(*chain)) == AttemptFailed(refusal, text)


@pytest.mark.parametrize(("cause", "refusal"), READ_IN_SOURCES)
def test_failures_read_in_the_sources(cause: str, refusal: Refusal) -> None:
    failed = classify(WRAPPER, trace(cause))
    assert isinstance(failed, AttemptFailed)
    assert failed.refusal is refusal


def test_full_disk_of_a_task_is_a_matter_of_storage() -> None:
    chain = (f"{CHECKPOINT}Asynchronous task checkpoint failed.", "java.io.IOException: No space left on device")
    failed = classify(WRAPPER, trace(*chain))
    assert failed == AttemptFailed(Refusal.STORAGE, "Asynchronous task checkpoint failed. No space left on device")


def test_file_that_the_job_itself_misses_is_not_a_matter_of_storage() -> None:
    chain = (f"{CHECKPOINT}Task has failed.", "java.nio.file.NoSuchFileException: /input.csv")
    failed = classify(WRAPPER, trace(*chain))
    assert isinstance(failed, AttemptFailed)
    assert failed.refusal is Refusal.ABORTED


def test_savepoint_of_a_job_that_failed_while_finishing_keeps_its_path() -> None:
    path = "s3://bucket/a b, c/savepoint-0af1-77"
    cause = (
        "org.apache.flink.runtime.scheduler.stopwithsavepoint.StopWithSavepointStoppingException: A savepoint has been"
        f" created at: {path}, but the corresponding job {JOB} failed during stopping. The savepoint is consistent."
    )
    failed = classify(WRAPPER, trace(cause))
    assert isinstance(failed, AttemptFailed)
    assert (failed.refusal, failed.location) == (Refusal.ABORTED, path)


def test_unknown_job_is_told_apart() -> None:
    cause = f"org.apache.flink.runtime.messages.FlinkJobNotFoundException: Could not find Flink job ({JOB})"
    assert classify(WRAPPER, trace(cause)) == NoSuchJob(f"Could not find Flink job ({JOB})")


def test_failure_without_a_trace_is_named_by_its_class() -> None:
    assert classify("com.example.OddException", "") == AttemptFailed(Refusal.OTHER, "OddException")


@given(st.text(max_size=2000), st.text(max_size=2000))
def test_any_failure_is_classified_in_one_short_line(class_name: str, stack_trace: str) -> None:
    failed = classify(class_name, stack_trace)
    assert len(failed.text) <= CLIP
    assert "\n" not in failed.text


@given(
    st.sampled_from(SEEN),
    st.lists(st.sampled_from(["java.lang.RuntimeException", WRAPPER, "org.apache.flink.util.SerializedThrowable"])),
)
def test_wrappers_change_neither_meaning_nor_words(case: tuple[list[str], Refusal, str], wrappers: list[str]) -> None:
    chain, refusal, text = case
    wrapped = "".join(f"{wrapper}: " for wrapper in wrappers) + chain[0]
    assert classify(WRAPPER, trace(wrapped, *chain)) == AttemptFailed(refusal, text)


@given(st.text(), st.integers(min_value=1, max_value=600))
def test_clip_keeps_to_its_limit(text: str, limit: int) -> None:
    assert len(clip(text, limit)) <= limit
    assert clip(text, limit).splitlines() in ([], [clip(text, limit)])


def test_endless_stack_traces_are_read_quickly() -> None:
    for hostile in ("a.b: " * 2_000_000, "Caused by: " * 1_000_000, "x\n" * 5_000_000, "could not create " * 500_000):
        assert len(classify("", hostile).text) <= CLIP


def test_root_cause_of_a_failed_job() -> None:
    suppressed = "org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy"
    said = plain_words(trace(suppressed, "java.lang.NumberFormatException: For input string: 'x'.\nSecond line."))
    assert said == "NumberFormatException: For input string: 'x'. Second line."


@pytest.mark.parametrize(
    ("text", "cause", "told"),
    [
        (
            "Checkpoint Coordinator is suspending.",
            "UnsupportedOperationException: no",
            "UnsupportedOperationException: no",
        ),
        ("FailoverRegion is restarting.", "", "FailoverRegion is restarting."),
        ("Task has failed.", "Stop-with-savepoint failed.", "Stop-with-savepoint failed."),
        (
            "Checkpoint expired before completing.",
            "Stop-with-savepoint failed.",
            "Checkpoint expired before completing.",
        ),
        ("Checkpoint expired.", "The disk is full.", "Checkpoint expired. The disk is full."),
        ("The disk is full.", "Writing failed. The disk is full.", "Writing failed. The disk is full."),
        ("Writing failed. The disk is full.", "The disk is full.", "Writing failed. The disk is full."),
    ],
)
def test_of_two_explanations_the_one_that_says_something_is_told(text: str, cause: str, told: str) -> None:
    assert both(text, cause) == told
