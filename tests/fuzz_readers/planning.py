"""SQL, options and what Flink says of both."""

import random
from contextlib import suppress

from tests.fuzz_readers import making
from tests.fuzz_readers.targets import Target, register

from sluiceway.api.dli.jobs import runtime_config
from sluiceway.api.errors.dli_error import DliError
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
from sluiceway.engines.planning.options import JOB_OPTIONS, OF_FLINK_1, check_options
from sluiceway.engines.planning.sql import MOST_CHARACTERS, Found, SqlRefused, script_of

SQL = [
    *("CREATE ", "TABLE ", "VIEW ", "FUNCTION ", "CATALOG ", "TEMPORARY ", "IF NOT EXISTS ", "AS ", "LIKE ", "JAR "),
    *("INSERT INTO t ", "SELECT ", "SET ", "RESET ", "USE ", "DROP ", "BEGIN STATEMENT SET;", "END;", "EXECUTE "),
    *(
        ";",
        "'",
        "''",
        "'a;b'",
        '"',
        '"x"',
        "`",
        "`a.b`",
        "--",
        "-- c\n",
        "/*",
        "*/",
        "/* c; */",
        "/*+",
        "/*+ O('k'='v') */",
    ),
    *("(", ")", ",", "=", ".", "*", "-", "/", "+", " ", "\n", "a", "a.", "1", "'k' = 'v'", "k=v", "é", "\0", "\u2028"),
]
_KINDS = {
    "INSERT": "RichSqlInsert",
    "SET": "SqlSet",
    "RESET": "SqlReset",
    "BEGIN": "SqlBeginStatementSet",
    "END": "SqlEndStatementSet",
    "AS": "SqlCreateTableAs",
    "JAR": "refused",
}
_OPTION = [
    *JOB_OPTIONS.read_text().split()[:80],
    "rest.port",
    "=",
    "\n",
    " ",
    "a",
    ".",
    "a.",
    "-",
    "'",
    '"',
    "{",
    "}",
    "[",
    "]",
]
_OPTION += [":", ",", "\\", '{"key":"', '","value":"', '"}', "null", "1e9", "é", "\0"]
_SAID = [
    *(
        "a.",
        "a",
        "A: ",
        "org.apache.flink.",
        "Exception: ",
        "java.lang.",
        "RuntimeException: ",
        "\n",
        " ",
        "\t",
        "\r\n",
    ),
    *("Caused by: ", "\nCaused by: ", "<Exception on server side:\n", "\tat a.b.C(D.java:1)\n", "Table options are:"),
    *(
        "'k'='v'\n",
        "Jar file ",
        " does not exist",
        "Failed to execute sql",
        "Failed to execute job '",
        "'",
        ".",
        "$",
        "_",
    ),
    *(
        "JobInitializationException",
        "DuplicateJobSubmissionException",
        "Timeout",
        "[",
        "]",
        ">",
        ":",
        "é",
        "\0",
        "x.y$Z",
    ),
]


def _script(draw: random.Random, size: int) -> str:
    return making.text(draw, size, SQL)


def _read_script(body: str) -> None:
    statements = body.split(";")
    with suppress(SqlRefused):
        script = script_of([_found(each, at) for at, each in enumerate(statements, 1)])
        assert script.inserts
        assert len(script.statements) == len(script.changes()) <= len(statements)
        for name, value in script.asked:
            check_options({name: value})


def _found(text: str, line: int) -> Found:
    """As Flink's parser could have told it."""
    words = tuple(text.split()) or ("",)
    kind = _KINDS.get(words[0].upper(), "SqlSomething")
    key, _, value = text.partition("=")
    return Found(kind, line, 1, text, words, key, value or None)


def _options(draw: random.Random, size: int) -> str:
    return making.text(draw, size, _OPTION)


def _read_options(text: str) -> None:
    with suppress(DliError):
        options = runtime_config.parse(text)
        assert runtime_config.parse(runtime_config.render(options)) == options
        why = check_options(options)
        assert why is None or len(why) < 600
    check_options({text: text})


def _said(draw: random.Random, size: int) -> str:
    return making.text(draw, size, _SAID)


def _explain(text: str) -> None:
    for causes in (
        causes_of(text),
        [Cause("a.B", text)],
        [Cause("java.lang.Error", part) for part in text.split("\n", 9)],
    ):
        assert len(explain(causes)) <= LONGEST
        for finding in (already_submitted, jar_lost, may_have_arrived, out_of_time, stillborn):
            assert finding(causes) in {True, False}


assert OF_FLINK_1
register(Target("script", _script, _read_script, MOST_CHARACTERS, seconds_a_megabyte=15))
register(Target("options", _options, _read_options, MOST_CHARACTERS, seconds_a_megabyte=15))
register(Target("explain", _said, _explain, 4 * MOST_CHARACTERS, seconds_a_megabyte=5))
