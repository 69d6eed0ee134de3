"""SQL that repeats something, or nests it, as often as fits: what a parser may take more than linear time for."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from sluiceway.engines.planning import sql_jvm

Shape = Callable[[int], str]  # a body of about so many characters

INSERT: Final = "INSERT INTO t SELECT "
_FROM: Final = f"{INSERT}1 FROM s WHERE "
_MATCH: Final = f"{INSERT}1 FROM s MATCH_RECOGNIZE (ORDER BY a "
_BEHIND: Final = f"; {INSERT}1"
_BOUNDS: Final = next(source for source in sql_jvm.READER if source.stem == "SqlBounds")


def bound(name: str) -> int:
    """A constant of `SqlBounds.java`."""
    found = re.search(rf"\b{name} = (\d+);", _BOUNDS.read_text())
    assert found, name
    return int(found[1])


def repeated(begin: str, unit: str, end: str = "") -> Shape:
    """The unit over and over."""
    return lambda size: begin + unit * max((size - len(begin) - len(end)) // len(unit), 1) + end


def nested(begin: str, opens: str, middle: str, closes: str, end: str = "") -> Shape:
    """One within the other."""

    def make(size: int) -> str:
        times = max((size - len(begin + middle + end)) // len(opens + closes), 1)
        return begin + opens * times + middle + closes * times + end

    return make


# What is repeated, by what it stands between.
_IN_QUERY: Final = {
    "+": ("1", "+1"),
    "AND": ("1 FROM s WHERE a", " AND a"),
    "OR": ("1 FROM s WHERE a", " OR a = 1"),
    "||": ("a", "||a"),
    "operators": ("a", "+a*a-a/a"),
    "comparisons": ("a", " OR a AND a = a || a"),
    "=": ("1 FROM s WHERE a", "=a"),
    "- between": ("x", "-x"),
    "$ in names": ("x", "$x"),
    ": between": ("x", ":x"),
    "- before it": ("", "- ", "1"),
    "NOT": ("1 FROM s WHERE ", "NOT ", "a"),
    "BETWEEN": ("1 FROM s WHERE a", " BETWEEN a AND a"),
    "words for names": ("1", "+name.data"),
    "CONTAINS": ("1 FROM s WHERE a", " CONTAINS a"),
    "MEMBER OF": ("1 FROM s WHERE a", " MEMBER OF a"),
    "SOME": ("1 FROM s WHERE a", " = SOME (1)"),
    "FORMAT JSON": ("1 FROM s WHERE a", " FORMAT JSON"),
    "IS JSON": ("1 FROM s WHERE a", " IS JSON VALUE"),
    "IS NULL": ("1 FROM s WHERE a", " IS NULL"),
    "IS DISTINCT FROM": ("1 FROM s WHERE a", " IS DISTINCT FROM a"),
    "LIKE": ("1 FROM s WHERE a", " LIKE a"),
    "OR of LIKE": ("1 FROM s WHERE a", " LIKE 'b' OR a"),
    "IN": ("1 FROM s WHERE a IN (1", ",1", ")"),
    "IN of rows": ("1 FROM s WHERE a IN ((1,1)", ",(1,1)", ")"),
    "many IN": ("1 FROM s WHERE a", " IN (1)"),
    "intervals": ("1", "+INTERVAL '1' DAY"),
    "queries in a sum": ("1", "+(SELECT 1)"),
    "columns": ("1", ",a AS b"),
    "brackets": ("1", ",(1)"),
    "UNION": ("1", " UNION ALL SELECT 1"),
    "UNION of columns": ("1, 1", " UNION ALL SELECT 1, 1"),
    "INTERSECT": ("1", " INTERSECT SELECT 1 EXCEPT SELECT 2"),
    "MULTISET UNION": ("1 FROM s WHERE a", " MULTISET UNION a"),
    "JOIN": ("1 FROM a", " JOIN b ON x"),
    "tables": ("1 FROM a", ",a"),
    "LATERAL": ("1 FROM a", ", LATERAL TABLE(f(x))"),
    "CASE": ("CASE", " WHEN a THEN b", " END"),
    "CASE of one": ("CASE a", " WHEN 1 THEN b", " ELSE 1 END"),
    "values of a WHEN": ("CASE a WHEN 1", ",1", " THEN b END"),
    "CASEs in a sum": ("1", "+CASE WHEN a THEN b END"),
    "arguments": ("f(1", ",a", ")"),
    "names of arguments": ("1 FROM TABLE(f(a=>1", ",a=>1", "))"),
    "maps": ("MAP[1,1", ",1,1", "]"),
    "JSON_OBJECT": ("JSON_OBJECT('a' VALUE 1", ",'a' VALUE 1", ")"),
    "OVER": ("1", ",SUM(a) OVER (PARTITION BY b ORDER BY c)"),
    "WITHIN GROUP": ("LISTAGG(a) WITHIN GROUP (ORDER BY a", ",a", ")"),
    "parts of a name": ("a", ".a"),
    "parts of a table": ("1 FROM a", ".a"),
    "elements": ("a", "[1]"),
    "elements and fields": ("a", "[1].b"),
    "a literal": ("'", "a", "'"),
    "quotes": ("'", "''", "'"),
    "literals on lines": ("'a'", "\n'a'"),
    "unicode": ("U&'", "\\0061", "'"),
    "hexadecimal": ("X'", "00", "'"),
    "escapes": ("E'", "\\'", "'"),
    "an identifier": ("", "a"),
    "a quoted identifier": ("`", "``", "`"),
    "digits": ("", "1"),
    "decimals": ("0.", "1"),
    "comments": ("1", " /* a */"),
    "comments of a line": ("1", " -- a\n"),
    "comments of slashes": ("1", " // a\n"),
    "stars": ("1 /*", "*", " */"),
    "blanks": ("", " ", "1"),
    "lines": ("", "\r\n", "1"),
    "options of a hint": ("1 FROM s /*+ OPTIONS('a'='b'", ",'a'='b'", ") */"),
    "hints": ("/*+ A", ", A", " */ 1"),
    "GROUP BY": ("1 FROM s GROUP BY a", ",a"),
    "GROUPING SETS": ("1 FROM s GROUP BY GROUPING SETS ((a)", ",(a,b)", ")"),
    "ORDER BY": ("1 FROM s ORDER BY a", ",a DESC"),
    "WINDOW": ("1 FROM s WINDOW w AS (ORDER BY a)", ",w AS (ORDER BY a)"),
    "words": ("", "a "),
    "open": ("", "("),
    "open queries": ("", "(SELECT "),
    "open functions": ("", "f("),
    "closed": ("", ")"),
}
_WHOLE: Final = {
    "VALUES": ("INSERT INTO t VALUES (1)", ",(1)"),
    "UNION of VALUES": ("INSERT INTO t VALUES (1)", " UNION VALUES (1)"),
    "WITH": ("INSERT INTO t WITH a AS (SELECT 1)", ", b AS (SELECT 1)", " SELECT 1"),
    "parts of a sink": ("INSERT INTO a", ".a", " SELECT 1"),
    "columns of a sink": ("INSERT INTO t (a", ",a", ") SELECT 1"),
    "PARTITION": ("INSERT INTO t PARTITION (a=1", ",a=1", ") SELECT 1"),
    "PATTERN": (f"{_MATCH}PATTERN (A", " A", ") DEFINE A AS a)"),
    "PATTERN of choices": (f"{_MATCH}PATTERN (A", "|A", ") DEFINE A AS a)"),
    "PERMUTE": (f"{_MATCH}PATTERN (PERMUTE(A", ",A", ")) DEFINE A AS a)"),
    "MEASURES": (f"{_MATCH}MEASURES a AS a", ",a AS a", " PATTERN (A) DEFINE A AS a)"),
    "DEFINE": (f"{_MATCH}PATTERN (A) DEFINE A AS a", ",B AS b", ")"),
    "columns of a table": ("CREATE TABLE t (a INT", ",a INT", f"){_BEHIND}"),
    "columns that are computed": ("CREATE TABLE t (a INT", ",a AS b+1", f"){_BEHIND}"),
    "options of a table": ("CREATE TABLE t (a INT) WITH ('a'='b'", ",'a'='b'", f"){_BEHIND}"),
    "a row type": ("CREATE TABLE t (a ROW<a INT", ",a INT", f">){_BEHIND}"),
    "ARRAY": ("CREATE TABLE t (a INT", " ARRAY", f"){_BEHIND}"),
    "PARTITIONED BY": ("CREATE TABLE t (a INT) PARTITIONED BY (a", ",a", f"){_BEHIND}"),
    "PRIMARY KEY": ("CREATE TABLE t (a INT, PRIMARY KEY (a", ",a", f") NOT ENFORCED){_BEHIND}"),
    "UNIQUE": ("CREATE TABLE t (a INT", ", UNIQUE (a) NOT ENFORCED", f"){_BEHIND}"),
    "COMMENT": ("CREATE TABLE t (a INT", ", a INT COMMENT 'b'", f"){_BEHIND}"),
    "INCLUDING": ("CREATE TABLE t (a INT) LIKE s (", "INCLUDING ALL ", f"){_BEHIND}"),
    "columns of a view": ("CREATE VIEW v (a", ",a", f") AS SELECT 1{_BEHIND}"),
    "jars of a function": ("CREATE FUNCTION f AS 'a' USING JAR 'b'", ", JAR 'b'", _BEHIND),
    "ALTER, drop": ("ALTER TABLE t DROP (a", ",a", f"){_BEHIND}"),
    "EXPLAIN": ("", "EXPLAIN ", f"{INSERT}1"),
    "PIVOT": (f"{INSERT}1 FROM s PIVOT (SUM(a) FOR b IN (1", ",1", "))"),
    "UNPIVOT": (f"{INSERT}1 FROM s UNPIVOT (a FOR b IN (c", ",c", "))"),
    "ALTER": ("ALTER TABLE t ADD (a INT", ",a INT", f"){_BEHIND}"),
    "semicolons": (f"{INSERT}1", ";"),
    "statements": ("", "USE a;", f"{INSERT}1"),
    "a set of statements": ("EXECUTE STATEMENT SET BEGIN ", f"{INSERT}1;", "END;"),
    "SET": ("", "SET a=b;", f"{INSERT}1"),
    "SET with quotes": ("SET 'a' = '", "a", f"'{_BEHIND}"),
    "SET with a comment": ("", f"SET a = b//{'c' * 2000};\n", f"{INSERT}1"),
    "SET with many signs": ("", f"SET a={'a=' * 6000} b;", f"{INSERT}1"),
    "SET with semicolons": ("", f"SET a={'a=' * 6000}'';''", f"{INSERT}1"),
    "SET with blanks": ("", f"SET a{' ' * 16_000}b=c;", f"{INSERT}1"),
    "RESET with blanks": ("", f"RESET a{' ' * 16_000}b;", f"{INSERT}1"),
    "SET of many names": ("", f"SET a{'.a' * 4000}=b;", f"{INSERT}1"),
    "SET of a name": ("SET a", ".a", f" = 'b' c{_BEHIND}"),
}
_NESTED: Final = {
    "brackets": (INSERT, "(", "1", ")"),
    "queries": (INSERT, "(SELECT ", "1", ")"),
    "queries of tables": (f"{INSERT}1 FROM ", "(SELECT 1 FROM ", "t", ")"),
    "joins": (f"{INSERT}1 FROM ", "(a JOIN ", "b", " ON x)"),
    "functions": (INSERT, "f(", "1", ")"),
    "casts": (INSERT, "CAST(", "1", " AS INT)"),
    "arrays": (INSERT, "ARRAY[", "1", "]"),
    "rows": (INSERT, "ROW(", "1", ")"),
    "CASE": (INSERT, "CASE WHEN a THEN ", "1", " END"),
    "CASE, else": (INSERT, "CASE WHEN a THEN b ELSE ", "1", " END"),
    "CASE, when": (INSERT, "CASE WHEN ", "1", " THEN a END"),
    "EXISTS": (_FROM, "EXISTS (SELECT 1 FROM s WHERE ", "a", ")"),
    "LIKE and brackets": (_FROM, "a LIKE a LIKE (", "a", ")"),
    "WITH": ("INSERT INTO t ", "WITH a AS (", "SELECT 1", ") SELECT 1"),
    "types": ("CREATE TABLE t (a ", "ARRAY<", "INT", ">", f"){_BEHIND}"),
    "row types": ("CREATE TABLE t (a ", "ROW<a ", "INT", ">", f"){_BEHIND}"),
    "map types": ("CREATE TABLE t (a ", "MAP<INT,", "INT", ">", f"){_BEHIND}"),
    "patterns": (f"{_MATCH}PATTERN (", "(", "A", ")", ") DEFINE A AS a)"),
}


# Of what makes Flink's parser look for an operator's place, as much as a list may well have, many lists side by side: a
# single one takes it less than 0.1 s, bounded or not.
_LISTS: Final = {
    "elements in a sum": "+a[1]" * 200,
    "elements and fields in a sum": "+a[1].b" * 150,
    "fields of brackets in a sum": "+(a).b" * 200,
    "fields of calls in a sum": "+f(a).b" * 200,
    "fields of literals in a sum": "+'a'.b" * 200,
    "fields of NULL in a sum": "+NULL.b" * 200,
    "fields of an interval in a sum": "+INTERVAL '1' WEEK.b" * 200,
    "fields of a CASE in a sum": "+CASE WHEN a THEN b END.b" * 200,
    "elements in comparisons": " OR a[1] = 1" * 100,
    "BETWEEN and OR": " OR x BETWEEN a AND b" * 200,
    "NOT BETWEEN": " AND x NOT BETWEEN a AND b" * 150,
    "BETWEEN within BETWEEN": " BETWEEN x" * 100 + " AND x" * 100,
    "BETWEEN without AND": " BETWEEN x" * 150,
    "BETWEEN of comparisons": " OR x BETWEEN a = b = c = d AND e" * 100,
    "NOT LIKE": " AND x NOT LIKE 'a'" * 80,
    "LIKE of NOT": " LIKE NOT x OR x" * 70,
    "LIKE and ESCAPE": " OR x LIKE y ESCAPE 'z'" * 80,
    "SIMILAR": " OR x NOT SIMILAR TO y" * 70,
    "BETWEEN and LIKE": " OR x BETWEEN a AND b OR x LIKE y" * 60,
}


def _full() -> dict[str, Shape]:
    """As much of everything as the bounds allow, many times over."""
    operators, deep = bound("MOST_OPERATORS") - 10, bound("DEEPEST") - 1
    few, inner = "+x" * (operators // 20), "+x" * (operators // deep - 2)
    fills = {
        "operators": f"1{'+1' * operators}",
        "operators of all kinds": f"x{' OR x AND x=x||x' * (operators // 4)}",
        "LIKE": f"x{' LIKE x' * (operators // bound('WEIGHT_OF_LIKE'))}",
        "LIKE and OR": f"x{' LIKE y OR x' * (operators // (bound('WEIGHT_OF_LIKE') + 1))}",
        "BETWEEN": f"x{' BETWEEN x AND x' * (operators // 2)}",
        "elements": f"x{'[1].y' * (operators // 2)}",
        "names": f"a{'.a' * (bound('MOST_PARTS') - 1)}",
        "digits": "9" * bound("MOST_DIGITS"),
        "CASE": f"CASE{' WHEN a THEN b' * bound('MOST_WHENS')} END",
        "CASE of operators": f"CASE{f' WHEN x{few} THEN y' * bound('MOST_WHENS')} END",
        "depth": f"{'(' * deep}1{')' * deep}",
        "depth of calls": f"{'f(CAST(' * (deep // 2)}1{' AS INT))' * (deep // 2)}",
        "depth of queries": f"{'(SELECT ' * (deep - 1)}1{')' * (deep - 1)}",
        "depth of operators": f"{f'(x{inner}+' * deep}1{')' * deep}",
        "queries": f"(SELECT 1{' UNION ALL SELECT 1, 2' * (bound('MOST_QUERIES') - 1)})",
    }
    fills |= {name: f"x{unit}" for name, unit in _LISTS.items()}
    ends = {"": "", ", broken": " LIKE LIKE x"}
    return {
        f"full of {name}{broken}": repeated(f"{INSERT}1", f",\n{unit}", end)
        for name, unit in fills.items()
        for broken, end in ends.items()
        if not broken or "LIKE" in name
    }


SHAPES: Final[Mapping[str, Shape]] = {
    **{name: repeated(INSERT + parts[0], *parts[1:]) for name, parts in _IN_QUERY.items()},
    **{name: repeated(*parts) for name, parts in _WHOLE.items()},
    **{f"nested {name}": nested(*parts) for name, parts in _NESTED.items()},
    **_full(),
}
