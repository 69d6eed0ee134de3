"""The SQL of a job, read."""

import pytest
from tests.support.doubles.scripts import script

from sluiceway.engines.planning.sql import (
    MOST_CHARACTERS,
    MOST_PADDING,
    MOST_STATEMENTS,
    Found,
    SqlRefused,
    SqlSyntax,
    check_length,
    script_of,
)

INSERT = "INSERT INTO b SELECT n FROM s"


def texts(body: str) -> list[str]:
    return [statement.text for statement in script(body).statements]


def test_keeps_order_and_marks_what_writes() -> None:
    read = script(f"CREATE TABLE s (n INT); {INSERT}; USE CATALOG c; INSERT INTO c SELECT 1;")
    assert [(s.text.split()[0], s.sink) for s in read.statements] == [
        ("CREATE", False),
        ("INSERT", True),
        ("USE", False),
        ("INSERT", True),
    ]
    assert read.inserts == (INSERT, "INSERT INTO c SELECT 1")


def test_a_statement_keeps_its_place_in_the_body() -> None:
    statement = script(f"-- a job\n\nCREATE TABLE s (n INT);  {INSERT}").statements[1]
    assert (statement.line, statement.column) == (3, 26)
    assert statement.in_place == "\n\n" + " " * 25 + INSERT


@pytest.mark.parametrize(
    ("sets", "settings"),
    [
        ("SET 'a.b' = 'c';", {"a.b": "c"}),
        ("set 'a.b'='it''s; so';", {"a.b": "it's; so"}),
        ("SET'a'='b';", {"a": "b"}),
        ("SET a=b;", {"a": "b"}),
        ("SET a = 'b';", {"a": "b"}),
        ("SET 'a' = '';", {"a": ""}),
        ("SET 'a' = '1'; SET 'a' = '2';", {"a": "2"}),
        ("SET 'a' = '1'; SET 'b' = '2'; RESET 'a';", {"b": "2"}),
        ("SET 'a' = '1'; RESET;", {}),
    ],
)
def test_reads_settings(sets: str, settings: dict[str, str]) -> None:
    read = script(sets + INSERT)
    assert read.settings == settings
    assert [s.text for s in read.statements] == [INSERT]


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
    assert script(create).inserts == (create,)


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
    assert script(f"{setup}; {INSERT}").inserts == (INSERT,)


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
        ("SET", "only shows options"),
        (f"BEGIN STATEMENT SET; {INSERT};", "never closed"),
        (f"{INSERT}; END", "END closes nothing"),
    ],
)
def test_refuses_what_cannot_be_a_job(body: str, says: str) -> None:
    with pytest.raises(SqlRefused, match=says):
        script(body)


# How much is read -----------------------------------------------------------------------------------------------------


def test_only_so_many_statements_are_read() -> None:
    many = [Found("SqlDropView", n, 1, "DROP VIEW a", ("DROP", "VIEW", "a")) for n in range(MOST_STATEMENTS)]
    with pytest.raises(SqlRefused, match=f"more than {MOST_STATEMENTS} statements. Split it into several jobs"):
        script_of([*many, Found("more")])


def test_only_so_many_characters_are_read() -> None:
    check_length(" " * MOST_CHARACTERS)
    with pytest.raises(SqlRefused, match="at most 1048576 are read"):
        check_length(" " * MOST_CHARACTERS + ";")


def test_half_a_character_is_refused_before_anything_reads_it() -> None:
    with pytest.raises(SqlSyntax, match="half a character at position 3"):
        check_length("a \ud800")
    check_length("a \U0001f600")


def test_what_puts_statements_at_their_places_is_bounded() -> None:
    far = "\n" * (MOST_PADDING // 20)
    read = script(far + f"{INSERT};" * 30)
    assert sum(len(statement.in_place) for statement in read.statements) < MOST_PADDING + 30 * len(INSERT)
    assert read.statements[0].in_place == far + INSERT
    assert read.statements[-1].in_place == INSERT
    assert read.statements[-1].line == len(far) + 1


# What the order means -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "settings"),
    [
        (f"SET 'a' = '1'; {INSERT}; RESET;", {"a": "1"}),
        (f"SET 'a' = '1'; {INSERT}; RESET 'a';", {"a": "1"}),
        (f"{INSERT}; SET 'a' = '1';", {}),
        (f"SET 'a' = '1'; {INSERT}; SET 'a' = '2'; SET 'a' = '1'; {INSERT}", {"a": "1"}),
        (f"SET 'a' = '1'; {INSERT}; RESET; SET 'a' = '1'; {INSERT}; SET 'a' = '3'", {"a": "1"}),
    ],
)
def test_the_options_of_a_job_are_those_that_were_set_when_it_was_to_begin(body: str, settings: dict[str, str]) -> None:
    assert script(body).settings == settings


@pytest.mark.parametrize(
    ("between", "says"),
    [
        ("SET 'a' = '2';", "'a' is '1' for the one and '2' for the other"),
        ("RESET;", "'a' is '1' for the one and not set for the other"),
        ("RESET 'a';", "'a' is '1' for the one and not set for the other"),
        ("SET 'b' = '2';", "'b' is not set for the one and '2' for the other"),
    ],
)
def test_one_job_cannot_have_two_sets_of_options(between: str, says: str) -> None:
    with pytest.raises(SqlRefused, match="INSERTs of line 2 and of line 4 are to run under different options") as no:
        script(f"SET 'a' = '1';\n{INSERT};\n{between}\n{INSERT}")
    assert says in str(no.value)


def test_what_prepares_a_job_has_the_options_that_it_would_have_in_a_client() -> None:
    body = f"USE a; SET 'x' = '1'; SET 'y' = '1'; USE b; RESET 'x'; SET 'y' = '2'; USE c; {INSERT}; RESET; USE d"
    read = script(body)
    assert [dict(statement.settings) for statement in read.statements] == [
        {},
        {"x": "1", "y": "1"},
        {"y": "2"},
        {"y": "2"},
        {},
    ]
    assert read.changes() == [{"y": None}, {"x": "1", "y": "1"}, {"x": None, "y": "2"}, {}, {"y": None}]


def test_what_was_reset_is_again_what_the_job_says() -> None:
    read = script(f"SET 'x' = '1'; USE a; RESET; {INSERT};").over({"x": "0", "z": "9"})
    assert read.settings == {"x": "0", "z": "9"}
    assert read.changes() == [{"x": "1"}, {"x": "0"}]
    assert script(f"USE a; {INSERT}").over({"z": "9"}).changes() == [{}, {}]


def test_every_option_that_is_named_is_told() -> None:
    read = script(f"SET 'a' = '1'; RESET 'a'; RESET 'b'; {INSERT}; SET 'c' = '2'; RESET;")
    assert read.asked == (("a", "1"), ("a", ""), ("b", ""), ("c", "2"))
    assert read.late == ("c",), "behind the last statement it changes nothing"
    assert script(f"SET 'a' = '1'; {INSERT}; RESET;").late == ()


@pytest.mark.parametrize("other", ["SET 'a' = '1'", "CREATE VIEW v AS SELECT 1", "RESET", "BEGIN STATEMENT SET"])
def test_in_a_statement_set_only_inserts_may_stand(other: str) -> None:
    with pytest.raises(SqlRefused, match="Line 2: between BEGIN STATEMENT SET and END only INSERTs"):
        script(f"BEGIN STATEMENT SET;\n{other}; {INSERT}; END;")
    assert len(script(f"BEGIN STATEMENT SET; {INSERT}; CREATE TABLE t AS SELECT 1; END;").inserts) == 2


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Found("refused", 3, 9, 'Encountered "TABL" at line 3, column 9.\nWas'), 'Encountered "TABL" at line 3, col'),
        (Found("refused", 2, 1, "Non-query expression"), "At line 2, column 1: SQL parse failed. Non-query"),
        (Found("refused", text="It is no SQL."), "SQL parse failed. It is no SQL."),
    ],
)
def test_what_flink_refuses_is_refused_with_its_place(found: Found, says: str) -> None:
    with pytest.raises(SqlSyntax) as refused:
        script_of([found])
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("before", [(), (Found("SqlBeginStatementSet", 1, 1),)])
def test_what_is_too_much_for_flinks_parser_is_no_fault_of_the_syntax(before: tuple[Found, ...]) -> None:
    with pytest.raises(SqlRefused) as refused:
        script_of([*before, Found("excess", 3, 9, text="A number has more than 1000 digits.")])
    assert not isinstance(refused.value, SqlSyntax)
    assert str(refused.value) == "At line 3, column 9: A number has more than 1000 digits."
