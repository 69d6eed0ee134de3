"""The SQL of a job, read."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluiceway.engines.sql import (
    MOST_CHARACTERS,
    MOST_PADDING,
    MOST_STATEMENTS,
    SqlRefused,
    SqlSyntax,
    read_script,
    split,
)

INSERT = "INSERT INTO b SELECT n FROM s"


def texts(body: str) -> list[str]:
    return [statement.text for statement in read_script(body).statements]


@pytest.mark.parametrize(
    ("body", "statements"),
    [
        ("", []),
        (" ;; \n ; -- nothing\n /* nor here; */", []),
        ("a;b", ["a", "b"]),
        ("a;\n  b ;", ["a", "b"]),
        ("a 'x;y' ; b", ["a 'x;y'", "b"]),
        ("a 'it''s; fine'; b", ["a 'it''s; fine'", "b"]),
        ("a '' ; b ''';'", ["a ''", "b ''';'"]),
        ("a `x;``y` ; b", ["a `x;``y`", "b"]),
        ('a "x;y" ; b', ['a "x;y"', "b"]),
        ("a -- it's; not\n b; c", ["a -- it's; not\n b", "c"]),
        ("a /* don't; */ b; c", ["a /* don't; */ b", "c"]),
        ("-- first\na -- last\n; b", ["a", "b"]),
        ("a /*+ OPTIONS('k;'='v') */; b", ["a /*+ OPTIONS('k;'='v') */", "b"]),
        ("a '--' ; b '/*' ; c '*/'", ["a '--'", "b '/*'", "c '*/'"]),
        ("größe 'ü;' ; b", ["größe 'ü;'", "b"]),
    ],
)
def test_splits_where_a_semicolon_ends_a_statement(body: str, statements: list[str]) -> None:
    assert split(body) == statements


@pytest.mark.parametrize(
    ("body", "where"),
    [("a 'x", "' opens at line 1, column 3"), ("a;\n\n `x", "` opens at line 3, column 2"), ("/* a", "/* opens at")],
)
def test_says_where_something_is_left_open(body: str, where: str) -> None:
    with pytest.raises(SqlRefused, match="is never closed") as refused:
        split(body)
    assert where in str(refused.value)


_words = st.sampled_from(
    ["SELECT", "a", "1", "*", "(", ")", "/*+ H(';') */", "-- c;'\n", "/* ;' */", "'it''s;'", "`;`"]
)
_statements = st.lists(_words, min_size=1, max_size=8).map(" ".join)


@given(st.lists(_statements, max_size=6), st.sampled_from([";", " ; ", ";\n\n", "-- x;\n;", ";/* ; */"]))
def test_joining_and_splitting_again_changes_nothing(statements: list[str], between: str) -> None:
    once = split(between.join(statements))
    assert split(between.join(once)) == once
    assert len(once) <= len(statements)


@given(st.lists(st.tuples(st.sampled_from("'`\""), st.text(max_size=20)), min_size=1, max_size=5))
def test_whatever_is_quoted_stays_whole(quoted: list[tuple[str, str]]) -> None:
    statements = [f"a {mark}{text.replace(mark, mark * 2)}{mark}" for mark, text in quoted]
    assert split(";".join(statements)) == statements


@given(st.text(alphabet="ab;'`\"-/*+ \n", max_size=40))
def test_never_loses_a_character_that_counts(body: str) -> None:
    try:
        statements = split(body)
    except SqlRefused:
        return
    position = 0
    for statement in statements:
        position = body.index(statement, position) + len(statement)


def test_keeps_order_and_marks_what_writes() -> None:
    script = read_script(f"CREATE TABLE s (n INT); {INSERT}; USE CATALOG c; INSERT INTO c SELECT 1;")
    assert [(s.text.split()[0], s.sink) for s in script.statements] == [
        ("CREATE", False),
        ("INSERT", True),
        ("USE", False),
        ("INSERT", True),
    ]
    assert script.inserts == (INSERT, "INSERT INTO c SELECT 1")


def test_a_statement_keeps_its_place_in_the_body() -> None:
    statement = read_script(f"-- a job\n\nCREATE TABLE s (n INT);  {INSERT}").statements[1]
    assert (statement.line, statement.column) == (3, 26)
    assert statement.in_place == "\n\n" + " " * 25 + INSERT


@pytest.mark.parametrize(
    ("sets", "settings"),
    [
        ("SET 'a.b' = 'c';", {"a.b": "c"}),
        ("set 'a.b'='it''s; so';", {"a.b": "it's; so"}),
        ("SET'a'='b';", {"a": "b"}),
        ("SET a.b-c = 10 s;", {"a.b-c": "10 s"}),
        ("SET a=b;", {"a": "b"}),
        ("SET a = 'b';", {"a": "b"}),
        ("SET 'a' = '';", {"a": ""}),
        ("SET 'a' = '1'; SET 'a' = '2';", {"a": "2"}),
        ("SET 'a' = '1'; SET 'b' = '2'; RESET 'a';", {"b": "2"}),
        ("SET 'a' = '1'; RESET a;", {}),
        ("SET 'a' = '1'; RESET;", {}),
    ],
)
def test_reads_settings(sets: str, settings: dict[str, str]) -> None:
    script = read_script(sets + INSERT)
    assert script.settings == settings
    assert [s.text for s in script.statements] == [INSERT]


@pytest.mark.parametrize(
    "body",
    [
        f"BEGIN STATEMENT SET; {INSERT}; {INSERT}; END;",
        f"begin statement set;\n{INSERT};\n{INSERT};\nend",
        f"EXECUTE STATEMENT SET BEGIN {INSERT}; {INSERT}; END;",
        f"EXECUTE STATEMENT SET\nBEGIN -- both\n{INSERT}; {INSERT}; END",
        f"EXECUTE {INSERT}; {INSERT}",
    ],
)
def test_unframes_a_statement_set(body: str) -> None:
    assert texts(body) == [INSERT, INSERT]


@pytest.mark.parametrize(
    "create",
    [
        "CREATE TABLE t WITH ('connector' = 'blackhole') AS SELECT n FROM s",
        "create temporary table t as select 1",
        "CREATE TABLE IF NOT EXISTS t (p AS PROCTIME()) AS SELECT 1",
    ],
)
def test_a_table_created_from_a_query_is_written_to(create: str) -> None:
    assert read_script(create).inserts == (create,)


@pytest.mark.parametrize(
    "setup",
    [
        "CREATE TABLE t (n INT, p AS PROCTIME()) WITH ('as' = 'AS')",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TEMPORARY VIEW v AS SELECT * FROM TABLE(f())",
        "CREATE FUNCTION f AS 'com.example.F'",
        "CREATE TABLE `AS` (n INT)",
        "USE c.d",
        "DROP TABLE IF EXISTS t",
        "LOAD MODULE hive",
    ],
)
def test_what_prepares_a_job_writes_nothing(setup: str) -> None:
    assert read_script(f"{setup}; {INSERT}").inserts == (INSERT,)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "at least one INSERT"),
        ("-- soon", "at least one INSERT"),
        ("CREATE TABLE s (n INT)", "at least one INSERT"),
        ("SELECT 1", "nowhere to write"),
        ("WITH q AS (SELECT 1) SELECT * FROM q", "nowhere to write"),
        ("(SELECT 1)", "nowhere to write"),
        (f"EXPLAIN {INSERT}", "EXPLAIN only shows"),
        ("SHOW TABLES", "SHOW only shows"),
        ("DELETE FROM t", "DELETE cannot be part of a job"),
        ("EXECUTE PLAN 'x'", "EXECUTE cannot be part of a job"),
        ("ADD JAR 'x.jar'", "cannot load jars"),
        ("CREATE FUNCTION f AS 'x' USING JAR 'http://x/y.jar'", "cannot load jars"),
        ("CREATE MATERIALIZED TABLE t AS SELECT 1", "Materialized tables"),
        ("CREATE OR REPLACE TABLE t AS SELECT 1", "would empty the table"),
        ("SET", "not of the form SET"),
        ("SET 'a' 'b'", "not of the form SET"),
        (f"BEGIN STATEMENT SET; {INSERT};", "never closed"),
        (f"{INSERT}; END", "END cannot be part"),
    ],
)
def test_refuses_what_cannot_be_a_job(body: str, says: str) -> None:
    with pytest.raises(SqlRefused, match=says):
        read_script(body)


# How much is read -----------------------------------------------------------------------------------------------------

LONG = 48 * 1024
REPEATED = [
    *(
        "a",
        "a.",
        "a b ",
        "- ",
        "/ ",
        "(",
        ")",
        "\n",
        " ",
        "'",
        "''",
        "'a'",
        "'a",
        "`",
        "`a`",
        '"',
        "--",
        "-- a\n",
        "/*",
    ),
    *("/**/", "/* a", "/*+ a */", "/*+", "é", "\u2028", "SET ", "SET a=b ", "INSERT ", "CREATE TABLE (", "AS ", "'\n"),
]


def cpu(body: str) -> float:
    begun = time.process_time()
    with suppress(SqlRefused):
        read_script(body)
    return time.process_time() - begun


@pytest.mark.parametrize(
    "start", ["", "INSERT INTO b SELECT ", "CREATE TABLE t (", "CREATE FUNCTION f AS ", "SET 'a' = ", "RESET "]
)
def test_reading_takes_time_that_grows_with_the_text_and_no_faster(start: str) -> None:
    """A text takes less than 16 times as long as one of an eighth: twice what it would be in proportion."""
    short = sum(cpu(start + unit * (LONG // 8 // len(unit))) for unit in REPEATED)
    long = sum(cpu(start + unit * (LONG // len(unit))) for unit in REPEATED)
    assert long < 16 * short + 0.2


def test_only_so_many_statements_are_read() -> None:
    drops = "DROP VIEW IF EXISTS a;"
    assert len(read_script(drops * (MOST_STATEMENTS - 1) + INSERT).statements) == MOST_STATEMENTS
    for many in (MOST_STATEMENTS, 45_000):
        with pytest.raises(SqlRefused, match=f"more than {MOST_STATEMENTS} statements. Split it into several jobs"):
            read_script(drops * many + INSERT)
    with pytest.raises(SqlRefused, match="more than"):
        read_script("SET 'a' = 'b';" * MOST_STATEMENTS + INSERT)
    assert texts(";" * 10_000 + INSERT) == [INSERT]


def test_only_so_many_characters_are_read() -> None:
    assert texts(" " * (MOST_CHARACTERS - len(INSERT)) + INSERT) == [INSERT]
    with pytest.raises(SqlRefused, match="at most 1048576 are read"):
        read_script(" " * MOST_CHARACTERS + INSERT)


def test_what_puts_statements_at_their_places_is_bounded() -> None:
    far = "\n" * (MOST_PADDING // 20)
    script = read_script(far + f"{INSERT};" * 30)
    assert sum(len(statement.in_place) for statement in script.statements) < MOST_PADDING + 30 * len(INSERT)
    assert script.statements[0].in_place == far + INSERT
    assert script.statements[-1].in_place == INSERT
    assert script.statements[-1].line == len(far) + 1


@given(st.lists(st.sampled_from(["\n", "  ", "-- x\n", "DROP VIEW a;", f"{INSERT};", "USE c;\n"]), max_size=30))
def test_each_statement_knows_its_line_and_column(parts: list[str]) -> None:
    body = "".join([*parts, INSERT])
    lines = body.split("\n")
    for statement in read_script(body).statements:
        assert lines[statement.line - 1][statement.column - 1 :].startswith(statement.text)


@pytest.mark.parametrize("body", ["/*+ OPTIONS('a'='b') */", f"/*+ a */; {INSERT}"])
def test_a_hint_alone_is_no_statement(body: str) -> None:
    with pytest.raises(SqlRefused, match="hint alone"):
        read_script(body)


def test_says_where_the_first_quote_is_that_stays_open() -> None:
    with pytest.raises(SqlSyntax, match="line 2, column 14"):
        read_script("USE c;\n  USE a WITH 'it is open")
