"""A name that means one thing in one INSERT and another in the next is refused; what does no harm is not."""

import pytest
from tests.support.doubles.scripts import script

from sluiceway.engines.planning.sql import SqlRefused

SOURCE = "CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen');"
SINKS = "CREATE TABLE o (n BIGINT) WITH ('path' = 'a'); CREATE TABLE p (n BIGINT) WITH ('path' = 'p');"
FIRST = f"{SOURCE}{SINKS}\nINSERT INTO o SELECT f(n) FROM s;\n"
SECOND = "\nINSERT INTO o SELECT f(n) + 1 FROM s;"
ELSEWHERE = "\nINSERT INTO p SELECT n FROM t;"


@pytest.mark.parametrize(
    ("between", "name"),
    [
        ("DROP TABLE o; CREATE TABLE o (n BIGINT) WITH ('path' = 'b');", "o"),
        ("drop table if exists `o`; CREATE TABLE o (n BIGINT) WITH ('path' = 'b');", "o"),
        ("DROP TEMPORARY TABLE default_catalog.default_database.o;", "o"),
        ("ALTER TABLE o SET ('path' = 'b');", "o"),
        ("ALTER TABLE /* it's; */ o SET ('path' = 'b');", "o"),
        ("CREATE TEMPORARY TABLE s (n BIGINT) WITH ('connector' = 'other');", "s"),
        ("ALTER TABLE s RENAME TO r; CREATE TABLE s (n BIGINT) WITH ('connector' = 'other');", "s"),
        ("DROP FUNCTION F; CREATE FUNCTION F AS 'other.Class';", "f"),
        ("CREATE TEMPORARY SYSTEM FUNCTION IF NOT EXISTS f AS 'other.Class';", "f"),
    ],
)
def test_a_name_that_changes_between_two_inserts_is_refused(between: str, name: str) -> None:
    with pytest.raises(SqlRefused, match=rf"^{name} is one thing in the INSERT of line 2 and another in that of line"):
        script(FIRST + between + SECOND)


@pytest.mark.parametrize(
    ("between", "after"),
    [
        ("", SECOND),
        ("DROP TABLE o;", ELSEWHERE),
        ("CREATE TABLE t (n BIGINT) WITH ('connector' = 'datagen');", ELSEWHERE),
        ("DROP TABLE unused;", SECOND),
        ("DROP TABLE O;", SECOND),
        ("CREATE VIEW v AS SELECT n FROM s; DROP VIEW v; CREATE VIEW v AS SELECT n + 1 AS n FROM s;", SECOND),
        ("USE other; CREATE TABLE o (n BIGINT) WITH ('path' = 'b');", SECOND),
        ("CREATE TABLE n (x BIGINT) WITH ('path' = 'DROP TABLE o');", SECOND),
    ],
    ids=["nothing", "unused after", "new", "never used", "another case", "a view", "another place", "a column's name"],
)
def test_what_changes_no_insert_is_let_be(between: str, after: str) -> None:
    assert len(script(FIRST + between + after).inserts) == 2


def test_what_changes_before_the_first_insert_or_after_the_last_changes_nothing() -> None:
    again = "DROP TABLE o; CREATE TABLE o (n BIGINT) WITH ('path' = 'b');"
    assert len(script(f"{SOURCE}{SINKS}{again} INSERT INTO o SELECT n FROM s; {again}").inserts) == 1
