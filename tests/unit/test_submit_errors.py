"""What the causes of a Java exception mean for a submission. The chains are those of Flink 2.3.0, as seen."""

import time

import pytest

from sluiceway.engines.jobmanager.restore_words import named
from sluiceway.engines.jobmanager.submit_errors import (
    LONGEST,
    Cause,
    already_submitted,
    causes_of,
    explain,
    jar_lost,
    may_have_arrived,
    out_of_time,
    stillborn,
)

SQL = Cause("org.apache.flink.table.api.TableException", "Failed to execute sql")
JOB = Cause("org.apache.flink.util.FlinkException", "Failed to execute job 'j'.")
SENT = Cause("org.apache.flink.runtime.client.JobSubmissionException", "Failed to submit ExecutionPlan.")
INITIAL = Cause("org.apache.flink.runtime.client.JobInitializationException", "Could not start the JobMaster.")


def answer(text: str) -> Cause:
    return Cause("org.apache.flink.runtime.rest.util.RestClientException", text)


def server(exception: str) -> Cause:
    return answer(f"[Internal server error., <Exception on server side:\n{exception}\n\tat org.x.Y(Z.java:1)\n>]")


DUPLICATE = server("org.apache.flink.runtime.client.DuplicateApplicationSubmissionException: Already submitted.")
OLD_DUPLICATE = server("org.apache.flink.runtime.client.DuplicateJobSubmissionException: Job has already …")
REFUSED = Cause("java.net.ConnectException", "Connection refused")
VALIDATION = Cause("org.apache.flink.table.api.ValidationException", "Object 'foo' not found")


@pytest.mark.parametrize("chain", [[SQL, JOB, SENT, DUPLICATE], [SQL, JOB, SENT, OLD_DUPLICATE]])
def test_a_job_of_the_same_id_is_ours(chain: list[Cause]) -> None:
    assert already_submitted(chain)


@pytest.mark.parametrize(
    ("chain", "arrived"),
    [
        ([VALIDATION], False),
        ([VALIDATION, REFUSED], False),  # a catalog that is down: nothing was sent
        ([SQL, JOB, SENT, REFUSED], True),
        ([SQL, JOB, SENT, Cause("java.util.concurrent.TimeoutException", "")], True),
        ([SQL, JOB, INITIAL, Cause("java.io.FileNotFoundException", "Cannot find savepoint")], False),
        ([SQL, JOB, SENT, server("java.lang.IllegalArgumentException: no")], False),
        ([SQL, JOB, SENT, server("java.util.concurrent.TimeoutException: Invocation timed out")], True),
        ([SQL, JOB, SENT, answer("[Service temporarily unavailable due to an ongoing leader election.]")], True),
        ([SQL, JOB, SENT, answer("Response was neither of the expected type nor an error.")], True),
        ([SQL, JOB, server("org.x.FlinkJobNotFoundException: gone")], True),  # taken, then lost sight of
    ],
)
def test_tells_a_clear_no_from_no_clear_answer(chain: list[Cause], arrived: bool) -> None:
    assert not already_submitted(chain)
    assert may_have_arrived(chain) is arrived


@pytest.mark.parametrize(
    ("chain", "text"),
    [
        (
            [
                Cause(
                    "org.apache.flink.table.api.ValidationException",
                    "SQL validation failed. SQL validation failed. From line 3, column 1: Object 'foo' not found",
                ),
                VALIDATION,
            ],
            "SQL validation failed. From line 3, column 1: Object 'foo' not found.",
        ),
        (
            [
                Cause("a.B", "Unable to create a sink for 't'.\n\nTable options are:\n\n'password'='secret'"),
                Cause("a.B", "Could not find any factory for 'kafka'.\n\nAvailable:\n\nblackhole\nprint"),
            ],
            "Unable to create a sink for 't'. Could not find any factory for 'kafka'. Available: blackhole print.",
        ),
        (
            [Cause("a.B", "Cannot make f."), Cause("java.lang.ClassNotFoundException", "c.F")],
            "Cannot make f. ClassNotFoundException: c.F.",
        ),
        (
            [
                SQL,
                JOB,
                Cause("java.lang.RuntimeException", "org.x.JobInitializationException: Could not start the JobMaster."),
                INITIAL,
                Cause(
                    "java.util.concurrent.CompletionException", "java.lang.IllegalArgumentException: abc is unknown."
                ),
                Cause("java.lang.IllegalArgumentException", "abc is unknown."),
            ],
            "abc is unknown.",
        ),
        ([SQL, JOB, SENT, server("a.b.SomeException: no room\nCaused by: c.d.E: disk full")], "disk full."),
        (
            [
                Cause(
                    "java.lang.IllegalStateException",
                    "Failed to rollback to checkpoint/savepoint file:/sp/savepoint-1. Cannot map checkpoint/savepoint "
                    f"state for operator {'ab' * 16} to the new program, because the operator is not available in the "
                    "new program. If you want to allow to skip this, you can set the --allowNonRestoredState option "
                    "on the CLI.",
                )
            ],
            f"The state of operator {'ab' * 16} would be left behind: the job has no such operator. Change the job "
            "back, or resume it with --allow-non-restored-state to leave that state behind.",
        ),
        ([Cause("a.b.Silent", "")], "a.b.Silent."),
        ([], "No reason was given."),
    ],
)
def test_explains_in_plain_words(chain: list[Cause], text: str) -> None:
    assert explain(chain).rstrip(".") == text.rstrip(".")


async def test_an_operator_is_called_by_its_name_where_that_is_known() -> None:
    text = f"The state of operator {'ab' * 16} would be left behind: the job has no such operator."

    async def names(path: str) -> dict[str, str]:
        return {"ab" * 16: "GroupAggregate[3]"} if path == "s3://b/sp" else {}

    assert await named(text, "s3://b/sp", names) == (
        "The state of GroupAggregate would be left behind: the job has no such operator."
    )
    assert await named(text, "s3://b/other", names) == text
    assert await named(text, None, names) == text
    assert await named("The disk is full.", "s3://b/sp", names) == "The disk is full."


def test_an_explanation_is_bounded() -> None:
    assert len(explain([Cause("a.B", "x" * 5000)])) == LONGEST


# --- traces of programs that ran in a cluster -----------------------------------------------------------------------

RAN = (
    "org.apache.flink.runtime.rest.handler.RestHandlerException: Could not execute application.\n"
    "\tat org.apache.flink.runtime.webmonitor.handlers.JarRunHandler.lambda$handleRequest$1(JarRunHandler.java:114)\n"
    "Caused by: org.apache.flink.util.FlinkRuntimeException: Could not execute application.\n\t... 1 more\n"
    "Caused by: org.apache.flink.client.program.ProgramInvocationException: The main method caused an error: {said}\n"
    "\tat org.apache.flink.client.program.PackagedProgram.callMainMethod(PackagedProgram.java:378)\n"
    "Caused by: {cause}\n\tat demo.Main.main(Main.java:7)\n"
)


def ran(said: str, cause: str) -> list[Cause]:
    return causes_of(RAN.format(said=said, cause=cause))


def test_a_trace_is_read_without_its_frames() -> None:
    assert [cause.kind.rpartition(".")[2] for cause in ran("no", "java.lang.IllegalStateException: no")] == [
        "RestHandlerException",
        "FlinkRuntimeException",
        "ProgramInvocationException",
        "IllegalStateException",
    ]
    assert causes_of("java.lang.Error") == [Cause("java.lang.Error", "")]
    assert causes_of("") == []


@pytest.mark.parametrize(
    ("said", "cause", "unsure"),
    [
        ("no", "java.lang.IllegalStateException: no", False),
        ("Timed out at the broker", "org.apache.kafka.common.errors.TimeoutException: Timed out at the broker", False),
        ("Failed to execute job 'x'.", "java.util.concurrent.TimeoutException: Ask timed out", True),
        ("Failed to execute job 'x'.", "org.apache.flink.runtime.client.JobSubmissionException: Job is empty.", False),
    ],
)
def test_a_program_is_out_of_time_only_while_it_submits(said: str, cause: str, unsure: bool) -> None:
    assert out_of_time(ran(said, cause)) is unsure


def test_a_program_is_explained_without_what_is_around_it() -> None:
    causes = ran("Failed to execute job 'x'.", "java.io.FileNotFoundException: Cannot find the savepoint")
    assert explain(causes) == "FileNotFoundException: Cannot find the savepoint."
    assert explain(ran("it is broken", "java.lang.IllegalStateException: it is broken")) == (
        "The main method caused an error: it is broken."
    )
    assert jar_lost([Cause("RestHandlerException", "Jar file /tmp/a.jar does not exist")])
    assert not jar_lost(ran("Jar file", "java.io.IOException: it does not exist"))
    assert stillborn([Cause("org.apache.flink.runtime.client.JobInitializationException", "")])


# --- what others say may be long --------------------------------------------------------------------------------------

REPEATED = [
    "a.",
    "a",
    "a b",
    " ",
    "\n",
    "a.B: ",
    "a.b.C:",
    "Caused by: ",
    "\nCaused by: a.B: c",
    "Jar file a ",
    "'k'='v'\n",
]


def test_what_flink_has_no_stack_to_plan_is_told_in_words_and_without_the_whole_of_it() -> None:
    converting = Cause("java.lang.RuntimeException", f"while converting {' OR '.join(['`s`.`a` = 1'] * 500)}")
    for chain in ([Cause("java.lang.StackOverflowError", "")], [converting, Cause("java.lang.StackOverflowError", "")]):
        assert explain(chain).startswith(
            "Flink cannot plan it: too much is nested, or stands side by side. Write IN (…)"
        )
        assert "`s`" not in explain(chain)


def cpu(text: str) -> float:
    begun = time.process_time()
    for causes in (
        causes_of(text),
        [Cause("a.B", text)],
        [Cause("java.lang.X", f"<Exception on server side:\n{text}")],
    ):
        explain(causes)
        jar_lost(causes)
        out_of_time(causes)
        stillborn(causes)
        already_submitted(causes)
        may_have_arrived(causes)
    return time.process_time() - begun


def test_explaining_takes_time_that_grows_with_the_text_and_no_faster() -> None:
    short = sum(cpu(unit * (30_000 // len(unit))) for unit in REPEATED)
    long = sum(cpu(unit * (240_000 // len(unit))) for unit in REPEATED)
    assert long < 16 * short + 0.2


def test_the_innermost_cause_of_a_long_trace_is_read() -> None:
    trace = "a.Outer: no\n" + "\tat a.b.C.d(E.java:1)\n" * 20_000 + "Caused by: a.b.Inner: the disk is full\n\tat a.B.c"
    assert [cause.kind for cause in causes_of(trace)] == ["a.Outer", "a.b.Inner"]
    assert "the disk is full" in explain(causes_of(trace))


def test_class_names_are_left_out_wherever_they_stand_and_words_with_dots_are_not() -> None:
    said = "org.x.Wrong: see (a.b.C: v1.2.Name) and x.y.z for e.g. This: one"
    assert explain([Cause("a.B", said)]) == "see (v1.2.Name) and x.y.z for e.g. This: one."
