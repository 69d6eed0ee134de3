"""SQL as Flink reads it: statements and texts are those of its own parser, whatever stands between and within them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from tests.hostile import growth
from tests.support.doubles import scripts
from tests.support.flink.real import RealFlink
from tests.support.flink.sql_grammar import Author, Written
from tests.support.flink.sql_shapes import SHAPES, bound

from sluiceway.engines.planning.sql import Found, SqlRefused
from sluiceway.engines.planning.sql_jvm import SqlJvm

pytestmark = pytest.mark.real

SCRIPTS: Final = 2100
SEED: Final = 20261127

# What Flink itself makes of whole scripts and of single statements, asked without anything of ours.
DIRECT = """
import java.util.ArrayList;
import java.util.List;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;
import org.apache.flink.sql.parser.dml.SqlExecute;
import org.apache.flink.sql.parser.dml.SqlStatementSet;
import org.apache.flink.table.planner.parse.CalciteParser;

public class Direct {
    public static List ask(Object calcite, List texts) {
        List answers = new ArrayList();
        for (Object text : texts) {
            List nodes = new ArrayList();
            try {
                SqlNodeList list = ((CalciteParser) calcite).parseSqlList((String) text);
                for (int at = 0; at < list.size(); at++) {
                    add(nodes, list.get(at));
                }
                answers.add(nodes);
            } catch (Throwable why) {
                answers.add(String.valueOf(why.getMessage()));
            }
        }
        return answers;
    }

    private static void add(List nodes, SqlNode node) {
        if (node instanceof SqlExecute && ((SqlExecute) node).getStatement() instanceof SqlStatementSet) {
            List inserts = ((SqlStatementSet) ((SqlExecute) node).getStatement()).getInserts();
            for (Object insert : inserts) {
                add(nodes, (SqlNode) insert);
            }
            return;
        }
        List told = new ArrayList();
        told.add(node.getClass().getSimpleName());
        told.add(Integer.valueOf(node.getParserPosition().getLineNum()));
        told.add(Integer.valueOf(node.getParserPosition().getColumnNum()));
        told.add(node.toString());
        nodes.add(told);
    }
}
"""


class Flink:
    """Flink's parser, through our reader and without it."""

    def __init__(self, flink: RealFlink) -> None:
        self._flink = flink
        self._direct: Any = None

    def found(self, bodies: Sequence[str]) -> list[list[Found]]:
        """What our reader finds in each."""
        jvm = self._flink.jvm

        def read() -> list[str]:
            return [jvm._read(body) for body in bodies]

        answers = self._flink.run(jvm._call(read))
        assert isinstance(answers, list), answers
        return [msgspec.json.decode(answer, type=list[Found]) for answer in answers]

    def direct(self, texts: Sequence[str]) -> list[Any]:
        """For each what Flink makes of it: kinds, places and trees of its statements, or why it refuses."""
        jvm = self._flink.jvm

        def ask() -> str:
            _, parser = jvm._made_reader()
            classes = parser.getClass().getClassLoader()
            kind = jvm._flink.table.runtime.generated.CompileUtils.compile(classes, "Direct", DIRECT)
            direct = kind.newInstance()
            return str(jvm._json(direct.ask(parser, list(texts))))

        answer = self._flink.run(jvm._call(ask))
        assert isinstance(answer, str), answer
        answers: list[Any] = json.loads(answer)
        return answers


@pytest.fixture(scope="module")
def flink(real_flink: RealFlink) -> Flink:
    return Flink(real_flink)


@pytest.fixture(scope="module")
def written() -> list[Written]:
    author = Author(SEED)
    return [author.script() for _ in range(SCRIPTS)]


@pytest.fixture(scope="module")
def read(flink: Flink, written: list[Written]) -> list[list[Found]]:
    return flink.found([script.body for script in written])


# --- against Flink itself -------------------------------------------------------------------------------------------

_NO_TEXT = {"SqlSet", "SqlReset", "SqlBeginStatementSet", "SqlEndStatementSet"}


def test_what_is_found_is_what_was_written(written: list[Written], read: list[list[Found]]) -> None:
    for script, found in zip(written, read, strict=True):
        texts = tuple(each.text for each in found if each.kind not in _NO_TEXT)
        assert texts == script.texts, (script.body, found)


def test_what_is_found_is_what_flink_finds(flink: Flink, written: list[Written], read: list[list[Found]]) -> None:
    """The same statements at the same places, and each by itself is to Flink what it is within the whole."""
    mine = [(script.body, found) for script, found in zip(written, read, strict=True) if script.listed]
    assert len(mine) >= 1500
    pairs = [(*each, nodes) for each, nodes in zip(mine, flink.direct([body for body, _ in mine]), strict=True)]
    alone: list[str] = []
    whole: list[str] = []
    for body, found, nodes in pairs:
        assert isinstance(nodes, list), (body, nodes)
        ours = [each for each in found if (each.kind, each.text) != ("SqlBeginStatementSet", "EXECUTE")]
        ours = _without_ends_of_sets(found, ours)
        assert [each.kind for each in ours] == [node[0] for node in nodes], body
        for each, (_, line, column, _) in zip(ours, nodes, strict=True):
            # Flink puts an INSERT where its INTO is.
            assert (each.line, each.column) <= (line, column) <= _end(each), (body, each)
        for each, node in zip(ours, nodes, strict=True):
            if each.text:
                alone.append(each.text)
                whole.append(node[3])
    assert [nodes[0][3] if len(nodes) == 1 else nodes for nodes in flink.direct(alone)] == whole


def _end(found: Found) -> tuple[int, int]:
    """The last line of a statement, and a column behind it."""
    lines = found.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return found.line + len(lines) - 1, found.column + len(found.text)


def _without_ends_of_sets(found: list[Found], ours: list[Found]) -> list[Found]:
    """Flink's list has no END of an EXECUTE STATEMENT SET."""
    inner = False
    left = []
    for each in found:
        if each.kind == "SqlBeginStatementSet":
            inner = each.text == "EXECUTE"
        if each in ours and not (inner and each.kind == "SqlEndStatementSet"):
            left.append(each)
        inner = inner and each.kind != "SqlEndStatementSet"
    return left


def test_what_flink_refuses_is_refused_in_its_words_with_its_place(flink: Flink, written: list[Written]) -> None:
    broken = [f"{script.body}\n; {wrong}" for script in written[:400] if script.listed for wrong in ("CREATE TABL x",)]
    broken += [f"{script.body[: len(script.body) // 2]}" for script in written[:400] if script.listed]
    refused = 0
    for body, found, direct in zip(broken, flink.found(broken), flink.direct(broken), strict=True):
        if not found:
            continue  # blanks, which Flink's list may not be
        said = found[-1].text if found[-1].kind == "refused" else None
        assert (said is None) == isinstance(direct, list), (body, found, direct)
        if said is not None:
            refused += 1
            assert said.partition("Was expecting")[0] in direct, (body, said, direct)
    assert refused > 200


def test_the_double_reads_as_flink_does(flink: Flink) -> None:
    """That tests of what comes after are about what Flink finds."""
    insert = "INSERT INTO b SELECT n FROM s"
    bodies = [
        f"-- x\nCREATE TABLE t (n INT, p AS PROCTIME()) WITH ('as' = 'AS'); {insert} /* y; */ ;",
        f"BEGIN STATEMENT SET; {insert}; {insert}; END; CREATE TABLE IF NOT EXISTS t (p AS PROCTIME()) AS SELECT 1;",
        f"EXECUTE {insert}; SET 'a' = 'it''s'; SET a.b = c; RESET; RESET 'a'; USE CATALOG `c;`; DROP VIEW v",
        f"CREATE OR REPLACE TABLE t AS SELECT 1; ADD JAR 'x'; SHOW TABLES; SELECT 1; {insert} // z;\r\n",
    ]
    for body, real in zip(bodies, flink.found(bodies), strict=True):
        double = scripts.found(body)
        assert [(e.text, e.line, e.column, e.key, e.value) for e in double] == [
            (e.text, e.line, e.column, e.key, e.value) for e in real
        ]
        assert [[w for w in e.words if w[0].isalpha()] for e in double] == [
            [w for w in e.words if w[0].isalpha()] for e in real
        ]
        plain = {"SqlSomething"}
        assert all(mine.kind in {*plain, its.kind} for mine, its in zip(double, real, strict=True))


# --- inputs that were once taken otherwise --------------------------------------------------------------------------

TABLES = """
CREATE TABLE s (a BIGINT) WITH ('connector' = 'datagen');
CREATE TABLE t (a BIGINT) WITH ('connector' = 'blackhole');
CREATE TABLE u (a BIGINT) WITH ('connector' = 'blackhole');
"""


def test_a_comment_that_flink_does_not_close_goes_on(real_flink: RealFlink) -> None:
    """Three stars begin a comment whose end they are not."""
    read = real_flink.read("INSERT INTO t SELECT 1 /***/; INSERT INTO u SELECT 2; /* x */")
    assert read.inserts == ("INSERT INTO t SELECT 1",)


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (
            "INSERT INTO t SELECT a FROM s // large ones only; INSERT INTO u SELECT a FROM s\nWHERE a > 50;",
            ["INSERT INTO t SELECT a FROM s // large ones only; INSERT INTO u SELECT a FROM s\nWHERE a > 50"],
        ),
        (
            "-- one\rINSERT INTO t SELECT 1;\r-- two\rINSERT INTO u SELECT 2",
            ["INSERT INTO t SELECT 1", "INSERT INTO u SELECT 2"],
        ),
        (
            r"INSERT INTO t SELECT E'it\'s; done'; INSERT INTO u SELECT 2",
            [r"INSERT INTO t SELECT E'it\'s; done'", "INSERT INTO u SELECT 2"],
        ),
        ("INSERT INTO t SELECT 1 // don't\n;", ["INSERT INTO t SELECT 1"]),
        (
            "INSERT INTO t SELECT a FROM s /*+ OPTIONS('k' = '*/;') */;",
            ["INSERT INTO t SELECT a FROM s /*+ OPTIONS('k' = '*/;') */"],
        ),
        ("-- 😀\n  INSERT INTO t SELECT '😀;' ;", ["INSERT INTO t SELECT '😀;'"]),
        ("; ;\n;INSERT INTO t SELECT 1;;;", ["INSERT INTO t SELECT 1"]),
        (
            "INSERT INTO t SELECT 1 /* -- */ -- /*\n; INSERT INTO u SELECT 2 /* // */",
            ["INSERT INTO t SELECT 1", "INSERT INTO u SELECT 2"],
        ),
    ],
)
def test_a_comment_or_a_literal_ends_no_statement(real_flink: RealFlink, body: str, texts: list[str]) -> None:
    assert list(real_flink.read(body).inserts) == texts


@pytest.mark.parametrize(
    ("sets", "settings"),
    [
        ("SET /* a; */ 'k' -- why;\n = 'v';", {"k": "v"}),
        ("SET 'k' = 'it''s; so';", {"k": "it's; so"}),
        ("SET k = v;", {"k": "v"}),
        ("SET k=v ;", {"k": "v"}),
        ("-- why\nSET k = v -- because\n;", {"k": "v"}),
        ("SET k = s3://bucket/x;", {"k": "s3://bucket/x"}),
        (
            "SET k = s3://bucket/x;\nSET l = 'a;b'; SET m = file:///x;",
            {"k": "s3://bucket/x", "l": "a;b", "m": "file:///x"},
        ),
        ('SET "k" = v;', {'"k"': "v"}),
        ("SET 'k' = ''; RESET l; RESET 'm';", {"k": ""}),
        ("SET 'k' = 'v'; RESET k;", {}),
        ("SET 'k' = 'v'; RESET;", {}),
    ],
)
def test_settings_are_read_as_flinks_client_reads_them(
    real_flink: RealFlink, sets: str, settings: dict[str, str]
) -> None:
    read = real_flink.read(f"{sets} INSERT INTO t SELECT 1")
    assert read.settings == settings
    assert read.inserts == ("INSERT INTO t SELECT 1",)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("SET k = 10 s; INSERT INTO t SELECT 1", "line 1, column 5"),
        ("\n\r\n  INSERT INTO t SELEC 1", "line 3, column 17"),
        ("INSERT INTO t SELECT 1 INSERT INTO u SELECT 2", "line 1, column 24"),
        ("SET k = a//b;\n  CREATE TABL b (n BIGINT);", "line 2, column 10"),
        ("INSERT INTO t SELECT 'open", "line 1, column 22"),
        ("INSERT INTO t SELECT 1; /* open", "line 1, column 32"),
        ("INSERT INTO t SELECT `open", "line 1, column 2"),
        ("INSERT INTO t SELECT 1;\nQUIT;", "line 2, column 1"),
        ("INSERT INTO t SELECT 1\0", "line 1, column 24"),
        ("/*+ OPTIONS('a'='b') */; INSERT INTO t SELECT 1", "line 1, column 1"),
        ("BEGIN STATEMENT SET; INSERT INTO t SELECT 1;\nCREATE VIEW v AS SELECT 1; END", "Line 2"),
    ],
)
def test_what_is_refused_is_refused_with_its_place(real_flink: RealFlink, body: str, place: str) -> None:
    with pytest.raises(SqlRefused) as refused:
        real_flink.read(body)
    assert place in str(refused.value)


INSERT = "INSERT INTO t SELECT 1"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("DROP VIEW IF EXISTS a;" * 45_000 + INSERT, "more than 1000 statements"),
        ("use catalog default_catalog;" * 3_000 + INSERT, "more than 1000 statements"),
        ("use catalog " * 7_000, "line 1, column 13"),
        ("SET a = b;" * 1_000 + INSERT, "more than 1000 statements"),
        ("/*" * 500_000, "line 1"),
        ("INSERT INTO t SELECT " + "(" * 300, "line 1, column 122: It is nested more than 100 deep"),
        ("BEGIN STATEMENT SET;" + f"{INSERT};" * 1_000 + "END", "more than 1000 statements"),
        ("EXECUTE STATEMENT SET BEGIN " + f"{INSERT};" * 40_000 + "END", "more than 1000 statements"),
    ],
    ids=lambda value: value[:30],
)
def test_what_is_too_much_is_refused(real_flink: RealFlink, body: str, says: str) -> None:
    with pytest.raises(SqlRefused, match=says):
        real_flink.read(body)


@pytest.mark.parametrize(
    ("name", "begin", "counted", "unit", "place", "closes"),
    [
        ("MOST_OPERATORS", "1", 0, "+1", 0, ""),
        ("MOST_OPERATORS", "1 FROM s WHERE x", 2, " OR y", 1, ""),
        ("MOST_OPERATORS", "x", 0, "[1]", 0, ""),
        ("MOST_OPERATORS", "x", 0, " LIKE 'y'", 1, ""),
        ("MOST_PARTS", "x", 1, ".y", 0, ""),
        ("MOST_WHENS", "1 + CASE", 0, " WHEN x THEN y + 1", 1, ""),
        ("MOST_QUERIES", "1, 2", 1, " UNION ALL SELECT 1, 2", 1, ""),
        ("DEEPEST", "", 0, "(", 0, ")"),
        ("DEEPEST", "x, ", 0, "ARRAY[", 5, "]"),
        ("DEEPEST", "", 0, "CASE WHEN x THEN ", 0, " END"),
    ],
)
def test_as_much_as_the_bound_is_taken_and_one_more_refused_with_its_place(
    real_flink: RealFlink, name: str, begin: str, counted: int, unit: str, place: int, closes: str
) -> None:
    """`counted` of what is bounded stand in what begins it; `place` is where in a unit the next one of them does."""
    begin = f" INSERT INTO t SELECT {begin}"
    end = " END" if unit.startswith(" WHEN") else "1" if closes else ""
    most = (bound(name) - counted) // (bound("WEIGHT_OF_LIKE") if "LIKE" in unit else 1)

    def body(units: int) -> str:
        return f"SET a = b; -- c\n{begin}{unit * units}{end}{closes * units}; {INSERT}"

    assert len(real_flink.read(body(most)).inserts) == 2
    for more in (1, 1000):
        with pytest.raises(SqlRefused) as refused:
            real_flink.read(body(most + more))
        column = len(begin + unit * most) + place + 1
        assert str(refused.value).startswith(f"At line 2, column {column}: ")


def test_a_number_of_more_digits_than_any_type_has_is_refused_where_it_begins(real_flink: RealFlink) -> None:
    most = bound("MOST_DIGITS")
    assert real_flink.read(f"{INSERT}, {'9' * most}").inserts
    for number in ("9" * (most + 1), f"0.{'9' * most}"):
        with pytest.raises(SqlRefused, match=f"^At line 2, column 2: A number has more than {most} digits"):
            real_flink.read(f"{INSERT},\n {number}")


LONG: Final = {
    "comparisons": " OR ".join(f"name = 'n{n}' AND data.id <> {n}" for n in range(200)),
    "LIKE": " OR ".join(f"name LIKE '%{n}%'" for n in range(90)),
    "BETWEEN": " OR ".join(f"x BETWEEN {n} AND {n + 1}" for n in range(200)),
    "elements": "+".join(f"a[{n}].b" for n in range(150)) + " > 1",
    "joins": "a > 1" + "".join(f" UNION SELECT 1 FROM s JOIN t ON s.a[{n}].b = t.a[{n}].b" for n in range(200)),
}


@pytest.mark.parametrize("name", LONG)
def test_long_conditions_are_taken(real_flink: RealFlink, name: str) -> None:
    assert real_flink.read(f"{INSERT} FROM s WHERE {LONG[name]}").inserts


def test_wide_selects_are_taken(real_flink: RealFlink) -> None:
    whens = " ".join(f"WHEN x BETWEEN {n} AND {n + 1} OR y LIKE 'a%' THEN z[{n}].k + z[1].k" for n in range(15))
    assert real_flink.read(INSERT + f",\nCASE {whens} END" * 500).inserts


@pytest.mark.parametrize("between", [",\n", f"; {INSERT},\n", f"; SET a = b//c;\n{INSERT}, "])
def test_lists_that_are_too_long_all_together_are_refused_with_the_place(real_flink: RealFlink, between: str) -> None:
    """Each alone is taken. In one statement or in many, and also where the parser begins anew."""
    long = "x" + "+a[1]" * 200
    apart = "x" + ("+(0" + "+a[1]" * 20 + ")") * 10
    first = f"SET a = b//c;\n{INSERT}"
    assert real_flink.read(f"{first}{between}{long}").inserts
    assert real_flink.read(f"{first}{f'{between}{apart}' * 20}").inserts
    with pytest.raises(SqlRefused, match="Put parts of each into brackets") as refused:
        real_flink.read(f"{first}{f'{between}{long}' * 20}")
    line = int(str(refused.value).removeprefix("At line ").partition(",")[0])
    assert 3 < line < 10


def test_to_say_why_takes_little_more_than_to_read(real_flink: RealFlink) -> None:
    """Flink's parser compares what it expected with all that it expected, for each of the LIKEs that end there."""
    jvm = real_flink.jvm
    threads = jvm._java.java.lang.management.ManagementFactory.getThreadMXBean()
    chain = f"{INSERT} FROM s WHERE x{' LIKE x' * 95}"
    costs = [
        min(growth.cost(jvm._read, body, lambda: threads.getCurrentThreadCpuTime() / 1e9) for _ in range(3))
        for body in (chain, f"{chain} LIKE LIKE x")
    ]
    assert costs[1] < costs[0] * 25, costs


async def test_what_overflows_the_parser_is_refused_with_the_place_that_it_had_come_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All bounds together: brackets behind a chain of LIKEs, each of which takes a part of a stack that is small."""
    monkeypatch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -Xss280k")
    jvm = await SqlJvm.launch(tmp_path, 512)
    try:
        deep = f"{INSERT}\nFROM s WHERE x{' LIKE x' * 80} LIKE {'f(' * 99}a{')' * 99}"
        with pytest.raises(SqlRefused, match=r"^At line 2, column \d+: It is nested too deeply for Flink's parser"):
            await jvm.read_sql(deep)
        assert (await jvm.read_sql(INSERT)).inserts == (INSERT,)
    finally:
        await jvm.close()


@pytest.mark.parametrize("fits", [True, False])
def test_what_flinks_clients_would_search_for_long_is_not_searched(real_flink: RealFlink, fits: bool) -> None:
    """Its patterns are tried on what they can match, and on nothing else."""
    setting = "SET {0}={1}" if fits else "SET {0}= {1} c"
    body = setting.format("a=" * 400, "b") + f"; RESET a{' ' * 8000};" + f"RESET a{' ' * 8000}b;" * (not fits) + INSERT
    if fits:
        assert real_flink.read(body).asked[0] == ("a=" * 400, "b")
    else:
        with pytest.raises(SqlRefused, match="line 1, column 5"):
            real_flink.read(body)


SMALL: Final = 1 << 13  # characters
LARGE: Final = 1 << 16


@pytest.mark.parametrize("name", SHAPES)
def test_reading_is_linear(real_flink: RealFlink, name: str) -> None:
    """Up to the bounds and beyond; `python -m tests.fuzz_readers sql` goes up to a megabyte."""
    jvm = real_flink.jvm
    threads = jvm._java.java.lang.management.ManagementFactory.getThreadMXBean()
    growth.judge(name, jvm._read, SHAPES[name], [SMALL, LARGE], lambda: threads.getCurrentThreadCpuTime() / 1e9)


def test_and_the_measure_notices_what_is_not(real_flink: RealFlink) -> None:
    """What is bounded, without a bound: Java's own reading of a number."""
    jvm = real_flink.jvm
    threads = jvm._java.java.lang.management.ManagementFactory.getThreadMXBean()
    make = growth.shaped("9")
    number = jvm._java.java.math.BigInteger
    with pytest.raises(growth.Superlinear):
        growth.judge("digits", number, make, [1 << 14, 1 << 17], lambda: threads.getCurrentThreadCpuTime() / 1e9)


def test_commands_whose_comments_hide_the_next_are_read_one_by_one(real_flink: RealFlink) -> None:
    """Whatever Flink's lexer would have to skip for each of them, it is skipped once."""
    for each in ("SET a = " + "a//" * 300 + ";\n", "SET a=" + "a=" * 450 + " //b;", "RESET a //b;\n;"):
        read = real_flink.read(each * 990 + INSERT)
        assert len(read.asked) == 990
        assert read.inserts == (INSERT,)


def test_the_filter_in_a_comment_and_the_insert_behind_it_run_as_flink_reads_them(real_flink: RealFlink) -> None:
    body = "INSERT INTO t SELECT a FROM s // large ones only; INSERT INTO u SELECT a FROM s\nWHERE a > 50;"
    plan = real_flink.run(real_flink.jvm.plan_sql(real_flink.read(TABLES + body), {}, chained=False))
    kinds = [node["type"].partition("[")[0] for node in json.loads(plan)["nodes"]]
    assert kinds == ["Source: s", "Calc", "t"]


def test_what_a_client_would_do_with_an_option_is_done(real_flink: RealFlink) -> None:
    """An option holds from its SET on: a table hint is refused before it, and one that was RESET does not hold."""
    hinted = "/*+ OPTIONS('rows-per-second' = '2') */"
    off, on = (f"SET 'table.dynamic-table-options.enabled' = '{value}';" for value in ("false", "true"))
    view = f"CREATE VIEW v AS SELECT a FROM s {hinted};"
    insert = "INSERT INTO t SELECT a FROM v"

    def plan(body: str) -> str:
        script = real_flink.read(TABLES + body)
        return real_flink.run(real_flink.jvm.plan_sql(script, dict(script.settings), chained=False))

    assert "Source: s" in plan(f"{on} {view} {insert}")
    assert "Source: s" in plan(f"{view} {off} {on} {insert}; RESET;")
    with pytest.raises(SqlRefused, match="dynamic-table-options"):
        plan(f"{off} {view} {insert}; {on}")
    with pytest.raises(SqlRefused, match="dynamic-table-options"):
        plan(f"{off} {insert.replace('v', 's')} {hinted}; {on}")
