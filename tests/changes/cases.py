"""The jobs that are changed, and the changes.

The jobs before a change see values of 1 to 100, those after it of 101 to 200, and keys of 0 to 9: so what a changed job
prints tells whether it goes on from the state of the one before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Row = tuple[str, tuple[str, ...]]  # the kind of change (+I, -U, +U, -D), and the values

SOURCE = """
CREATE TABLE {name} (id BIGINT, v BIGINT, w BIGINT, t AS PROCTIME()) WITH ('connector' = 'datagen',
  'rows-per-second' = '{rate}', 'fields.id.min' = '0', 'fields.id.max' = '9',
  'fields.v.min' = '{low}', 'fields.v.max' = '{high}', 'fields.w.min' = '1', 'fields.w.max' = '5');
"""
TABLES = SOURCE.replace("{name}", "s") + SOURCE.replace("{name}", "r")
UPSERT = "CREATE TABLE {name} ({columns}, PRIMARY KEY ({key}) NOT ENFORCED) WITH {sink};\n"
APPEND = "CREATE TABLE {name} ({columns}) WITH {sink};\n"
SINK = "('connector' = 'print', 'print-identifier' = '{job}')"
RATES = {"before": ("20", "1", "100"), "after": ("20", "101", "200")}


def upsert(columns: str, name: str = "b", key: str = "id") -> str:
    """A sink by key."""
    return UPSERT.format(name=name, columns=columns, key=key, sink=SINK)


def append(columns: str, name: str = "b") -> str:
    """A sink without a key."""
    return APPEND.format(name=name, columns=columns, sink=SINK)


# Whether what is printed first shows that the state was taken. -------------------------------------------------------


def updates(rows: Sequence[Row]) -> bool:
    """The first row of some key takes back, or replaces, one from before."""
    first: dict[str, str] = {}
    for kind, values in rows:
        first.setdefault(values[0], kind)
    return any(kind != "+I" for kind in first.values())


def old_values(rows: Sequence[Row]) -> bool:
    """The last column has values that only the job before has seen."""
    return any(int(values[-1]) <= 100 for _, values in rows if values[-1] != "null")


def silent(rows: Sequence[Row]) -> bool:
    """What was first, or best, before still is."""
    return not rows


def counts_on(rows: Sequence[Row]) -> bool:
    """The first count of some key is more than one."""
    first: dict[str, int] = {}
    for _, values in rows:
        first.setdefault(values[0], int(values[-1]))
    return any(count > 1 for count in first.values())


@dataclass(frozen=True, slots=True)
class Base:
    """A job before its change."""

    name: str
    what: str  # for the table
    sql: str
    kept: Callable[[Sequence[Row]], bool]
    options: Mapping[str, str] = field(default_factory=dict)
    ttl_hours: int = 1
    native: bool = False  # its savepoint is


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a job."""

    base: str
    what: str  # for the table
    edits: tuple[tuple[str, str], ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)  # beside those of the job before
    parallelism: int = 1
    ttl_hours: int | None = None  # None: as before
    kept: Callable[[Sequence[Row]], bool] | None = None  # where the base's own does not do


COUNT = "`SELECT id, COUNT(*) … GROUP BY id`"
JOIN = "`s JOIN r ON s.id = r.id AND s.w = r.w`"
JOINED = "INSERT INTO b SELECT s.v, r.v FROM s JOIN r ON s.id = r.id AND s.w = r.w;"
ROCKS = {"state.backend.type": "rocksdb"}
AGG = "INSERT INTO b SELECT id, COUNT(*) FROM s GROUP BY id;"
BASES = (
    Base("count", COUNT, TABLES + upsert("id BIGINT, c BIGINT") + AGG, updates),
    Base(
        "join",
        JOIN,
        TABLES + append("a BIGINT, o BIGINT") + JOINED,
        old_values,
    ),
    Base(
        "window",
        "a window of 5 s, by processing time",
        TABLES
        + append("id BIGINT, n BIGINT, m BIGINT")
        + "INSERT INTO b SELECT id, COUNT(*), MIN(v) FROM TABLE(TUMBLE(TABLE s, DESCRIPTOR(t), INTERVAL '5' SECOND)) "
        "GROUP BY id, window_start, window_end;",
        old_values,
    ),
    Base(
        "last",
        "the last row of each key",
        TABLES
        + upsert("id BIGINT, v BIGINT")
        + "INSERT INTO b SELECT id, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY t DESC) AS n FROM s) "
        "WHERE n = 1;",
        updates,
    ),
    Base(
        "top",
        "the 3 least values of each key",
        TABLES
        + append("id BIGINT, v BIGINT")
        + "INSERT INTO b SELECT id, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY v ASC) AS n FROM s) "
        "WHERE n <= 3;",
        silent,
    ),
    Base(
        "over",
        "`COUNT(*) OVER (PARTITION BY id ORDER BY t ROWS …)`",
        TABLES
        + append("id BIGINT, c BIGINT")
        + "INSERT INTO b SELECT id, COUNT(*) OVER (PARTITION BY id ORDER BY t ROWS BETWEEN 5 PRECEDING AND CURRENT ROW) "
        "FROM s;",
        counts_on,
    ),
    Base(
        "two",
        "two INSERTs",
        TABLES
        + upsert("id BIGINT, c BIGINT")
        + upsert("id BIGINT, m BIGINT", "d")
        + AGG
        + "INSERT INTO d SELECT id, MIN(v) FROM r GROUP BY id;",
        updates,
    ),
    Base(
        "keyed",
        "a sink whose key is not that of the query",
        TABLES
        + upsert("m BIGINT, c BIGINT", key="m")
        + "INSERT INTO b SELECT MIN(v), COUNT(*) FROM s GROUP BY id ON CONFLICT DO DEDUPLICATE;",
        updates,
    ),
    Base(
        "match",
        "`MATCH_RECOGNIZE`",
        TABLES
        + append("id BIGINT, a BIGINT, o BIGINT")
        + "INSERT INTO b SELECT id, a, o FROM s MATCH_RECOGNIZE (PARTITION BY id ORDER BY t MEASURES B.v AS a, A.v AS o "
        "ONE ROW PER MATCH AFTER MATCH SKIP TO NEXT ROW PATTERN (A B) DEFINE A AS A.v > 0, B AS B.v > 0);",
        old_values,
    ),
    Base(
        "files",
        "a sink of files",
        TABLES + "CREATE TABLE b (id BIGINT, v BIGINT) WITH ('connector' = 'filesystem', 'format' = 'csv', "
        "'path' = '{root}/files');\n" + "INSERT INTO b SELECT id, v FROM s;",
        lambda rows: True,
    ),
    Base("forever", f"{COUNT} without a retention", TABLES + upsert("id BIGINT, c BIGINT") + AGG, updates, ttl_hours=0),
    Base("rocks", f"{COUNT} on RocksDB", TABLES + upsert("id BIGINT, c BIGINT") + AGG, updates, ROCKS),
    Base(
        "native",
        f"{COUNT} on RocksDB, and a native savepoint",
        TABLES + upsert("id BIGINT, c BIGINT") + AGG,
        updates,
        ROCKS,
        native=True,
    ),
    Base("rockjoin", f"{JOIN} on RocksDB", TABLES + append("a BIGINT, o BIGINT") + JOINED, old_values, ROCKS),
    Base(
        "sequence",
        "a source that counts",
        "CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '{rate}', 'fields.n.kind' = "
        "'sequence', 'fields.n.start' = '1', 'fields.n.end' = '100000');\n"
        + append("n BIGINT")
        + "INSERT INTO b SELECT n FROM s;",
        lambda rows: bool(rows) and int(rows[0][1][0]) > 1,
    ),
    Base(
        "interval",
        "a join within an hour",
        TABLES
        + append("a BIGINT, o BIGINT")
        + "INSERT INTO b SELECT s.v, r.v FROM s JOIN r ON s.id = r.id AND s.t BETWEEN r.t - INTERVAL '1' HOUR AND r.t + "
        "INTERVAL '1' HOUR;",
        old_values,
    ),
)

CHANGES = (
    Change("count", "nothing"),
    Change(
        "count",
        "a comment, and other spaces",
        ((AGG, "/* why */ INSERT INTO b  SELECT id, COUNT(*) FROM s GROUP BY id;"),),
    ),
    Change(
        "count",
        "a column more: `COUNT(*), SUM(v)`",
        (("c BIGINT,", "c BIGINT, x BIGINT,"), ("COUNT(*)", "COUNT(*), SUM(v)")),
    ),
    Change("count", "a constant column more", (("c BIGINT,", "c BIGINT, x BIGINT,"), ("COUNT(*)", "COUNT(*), 7"))),
    Change("count", "another aggregate with a like state: `MAX(w)`", (("COUNT(*)", "MAX(w)"),)),
    Change("count", "another aggregate: `AVG(v)`", (("COUNT(*)", "AVG(v)"),)),
    Change("count", "`COUNT(*) FILTER (WHERE v > 0)`", (("COUNT(*)", "COUNT(*) FILTER (WHERE v > 0)"),)),
    Change("count", "`COUNT(DISTINCT v)`", (("COUNT(*)", "COUNT(DISTINCT v)"),)),
    Change(
        "count",
        "grouped by another column",
        (("SELECT id, COUNT(*) FROM s GROUP BY id", "SELECT w, COUNT(*) FROM s GROUP BY w"),),
    ),
    Change("count", "grouped by a column more", (("GROUP BY id", "GROUP BY id, w ON CONFLICT DO DEDUPLICATE"),)),
    Change(
        "count",
        "a key of another type",
        (
            (
                "SELECT id, COUNT(*) FROM s GROUP BY id",
                "SELECT CAST(k AS BIGINT), COUNT(*) FROM (SELECT CAST(id AS STRING) AS k FROM s) GROUP BY k ON CONFLICT DO DEDUPLICATE",
            ),
        ),
    ),
    Change("count", "`WHERE v > 0`", (("FROM s GROUP", "FROM s WHERE v > 0 GROUP"),)),
    Change("count", "`HAVING COUNT(*) > 0`", (("GROUP BY id", "GROUP BY id HAVING COUNT(*) > 0"),)),
    Change(
        "count",
        "a view in between",
        (
            (
                "INSERT INTO b SELECT id, COUNT(*) FROM s",
                "CREATE VIEW x AS SELECT * FROM s; INSERT INTO b SELECT id, COUNT(*) FROM x",
            ),
        ),
    ),
    Change("count", "the source renamed", (("CREATE TABLE s ", "CREATE TABLE z "), ("FROM s", "FROM z"))),
    Change("count", "the sink renamed", (("CREATE TABLE b ", "CREATE TABLE z "), ("INSERT INTO b", "INSERT INTO z"))),
    Change(
        "count",
        "the source made anew, with a column more",
        (
            (
                "v BIGINT, w BIGINT, t AS PROCTIME()) WITH ('connector' = 'datagen',",
                "v BIGINT, y STRING, w BIGINT, t AS PROCTIME()) WITH ('connector' = 'datagen',",
            ),
        ),
    ),
    Change("count", "the sink's key left out", ((", PRIMARY KEY (id) NOT ENFORCED", ""),)),
    Change(
        "count",
        "another connector as the sink",
        (("('connector' = 'print', 'print-identifier' = '{job}')", "('connector' = 'blackhole')"),),
        kept=lambda rows: True,
    ),
    Change(
        "count",
        "an INSERT more, from the same source",
        ((AGG, upsert("id BIGINT, m BIGINT", "d") + AGG + "INSERT INTO d SELECT id, MAX(v) FROM s GROUP BY id;"),),
    ),
    Change(
        "count",
        "an INSERT more, from another source",
        ((AGG, upsert("id BIGINT, m BIGINT", "d") + AGG + "INSERT INTO d SELECT id, MAX(v) FROM r GROUP BY id;"),),
    ),
    Change("count", "a join added before the count", (("FROM s GROUP BY id", "FROM s JOIN r USING (id) GROUP BY id"),)),
    Change(
        "count",
        "`UNION ALL` of another source",
        (("FROM s GROUP", "FROM (SELECT id FROM s UNION ALL SELECT id FROM r) GROUP"),),
    ),
    Change(
        "count",
        "mini-batch on",
        (),
        {
            "table.exec.mini-batch.enabled": "true",
            "table.exec.mini-batch.allow-latency": "1 s",
            "table.exec.mini-batch.size": "100",
        },
    ),
    Change("count", "parallelism 2", parallelism=2),
    Change(
        "count",
        "parallelism 2 of the sink alone",
        (("'print-identifier'", "'sink.parallelism' = '2', 'print-identifier'"),),
    ),
    Change("count", "parallelism 129, above the maximum of 128", parallelism=129),
    Change("count", "`pipeline.max-parallelism` 256", (), {"pipeline.max-parallelism": "256"}),
    Change("count", "`pipeline.max-parallelism` 128, as it was derived", (), {"pipeline.max-parallelism": "128"}),
    Change("count", "a retention of 2 hours", ttl_hours=2),
    Change("count", "no retention", ttl_hours=0),
    Change("count", "a hint: `STATE_TTL('s' = '1d')`", (("SELECT id", "SELECT /*+ STATE_TTL('s' = '1d') */ id"),)),
    Change(
        "count",
        "a hint: another rate of the source",
        (("FROM s GROUP", "FROM s /*+ OPTIONS('rows-per-second' = '10') */ GROUP"),),
    ),
    Change(
        "count",
        "batch mode",
        (("'rows-per-second' = '{rate}',", "'number-of-rows' = '50',"),),
        {"execution.runtime-mode": "batch"},
    ),
    Change("count", "operators unchained", (), {"pipeline.operator-chaining.enabled": "false"}),
    Change("count", "asynchronous state", (), {"table.exec.async-state.enabled": "true"}),
    Change("count", "RocksDB instead of the heap", (), {"state.backend.type": "rocksdb"}),
    Change(
        "count",
        "upsert-materialize forced",
        (),
        {"table.exec.sink.upsert-materialize": "FORCE"},
        kept=lambda rows: counts_on(rows[:10]),
    ),
    Change("join", "nothing"),
    Change(
        "join", "a column more of one side", (("a BIGINT", "a BIGINT, x BIGINT"), ("SELECT s.v,", "SELECT s.v, s.w,"))
    ),
    Change(
        "join", "the key as a column more", (("a BIGINT", "a BIGINT, x BIGINT"), ("SELECT s.v,", "SELECT s.v, s.id,"))
    ),
    Change("join", "another key", (("s.id = r.id AND s.w = r.w", "s.id = r.id"),)),
    Change("join", "a condition more", (("AND s.w = r.w", "AND s.w = r.w AND s.v > r.v"),)),
    Change("join", "`LEFT JOIN`", (("s JOIN", "s LEFT JOIN"),)),
    Change(
        "join",
        "a column of another type",
        (("a BIGINT", "a INT"), ("CREATE TABLE s (id BIGINT, v BIGINT", "CREATE TABLE s (id BIGINT, v INT")),
    ),
    Change("join", "the sides swapped", (("s.v, r.v FROM s JOIN r", "s.v, r.v FROM r JOIN s"),)),
    Change("join", "no retention", ttl_hours=0),
    Change("forever", "a retention of an hour", ttl_hours=1),
    Change("rocks", "no retention", ttl_hours=0),
    Change(
        "rocks",
        "a column more: `COUNT(*), SUM(v)`",
        (("c BIGINT,", "c BIGINT, x BIGINT,"), ("COUNT(*)", "COUNT(*), SUM(v)")),
    ),
    Change("rocks", "the heap instead of RocksDB", (), {"state.backend.type": "hashmap"}),
    Change("native", "nothing"),
    Change("native", "parallelism 2", parallelism=2),
    Change("native", "the heap instead of RocksDB", (), {"state.backend.type": "hashmap"}),
    Change("rockjoin", "no retention", ttl_hours=0),
    Change("rockjoin", "`LEFT JOIN`", (("s JOIN", "s LEFT JOIN"),)),
    Change("window", "nothing"),
    Change("window", "windows of 7 s", (("'5' SECOND", "'7' SECOND"),)),
    Change("window", "an aggregate more", (("n BIGINT", "n BIGINT, x BIGINT"), ("COUNT(*)", "COUNT(*), MAX(v)"))),
    Change(
        "window",
        "hopping windows",
        (
            (
                "TUMBLE(TABLE s, DESCRIPTOR(t), INTERVAL '5' SECOND)",
                "HOP(TABLE s, DESCRIPTOR(t), INTERVAL '5' SECOND, INTERVAL '10' SECOND)",
            ),
        ),
    ),
    Change("match", "nothing"),
    Change("match", "another condition", (("B.v > 0", "B.v > 1"),)),
    Change(
        "match",
        "another pattern",
        (("PATTERN (A B)", "PATTERN (A C B)"), ("B AS B.v > 0", "B AS B.v > 0, C AS C.v > 0")),
    ),
    Change("files", "nothing"),
    Change(
        "files",
        "a column more",
        (
            ("v BIGINT) WITH ('connector' = 'filesystem'", "v BIGINT, w BIGINT) WITH ('connector' = 'filesystem'"),
            ("id, v FROM s", "id, v, w FROM s"),
        ),
    ),
    Change("files", "another path", (("{root}/files", "{root}/others"),)),
    Change("files", "another format", (("'csv'", "'json'"),)),
    Change("last", "nothing"),
    Change("last", "the first row instead", (("t DESC", "t ASC"),), kept=silent),
    Change(
        "last",
        "of another column's values",
        (("PARTITION BY id", "PARTITION BY w"), ("WHERE n = 1", "WHERE n = 1 ON CONFLICT DO DEDUPLICATE")),
        kept=lambda rows: True,
    ),
    Change(
        "last",
        "a column more",
        (("b (id BIGINT, v BIGINT", "b (id BIGINT, x BIGINT, v BIGINT"), ("SELECT id, v FROM", "SELECT id, w, v FROM")),
    ),
    Change("top", "nothing"),
    Change("top", "the 5 least", (("n <= 3", "n <= 5"),), kept=lambda rows: True),
    Change(
        "top",
        "the greatest",
        (("v ASC", "v DESC"),),
        kept=lambda rows: any(kind == "-D" and int(row[1]) <= 100 for kind, row in rows),
    ),
    Change("over", "nothing"),
    Change("over", "6 rows more", (("5 PRECEDING", "11 PRECEDING"),)),
    Change("over", "`SUM(v)` instead", (("COUNT(*) OVER", "SUM(w) OVER"),)),
    Change("two", "the order of the INSERTs", ((AGG, ""), ("FROM r GROUP BY id;", "FROM r GROUP BY id; " + AGG))),
    Change("two", "the second INSERT left out", (("INSERT INTO d SELECT id, MIN(v) FROM r GROUP BY id;", ""),)),
    Change("two", "the second with another aggregate", (("MIN(v)", "MAX(w)"),)),
    Change("keyed", "nothing"),
    Change("keyed", "upsert-materialize off", (), {"table.exec.sink.upsert-materialize": "NONE"}),
    Change("keyed", "a column more", (("c BIGINT,", "c BIGINT, x BIGINT,"), ("COUNT(*)", "COUNT(*), 7"))),
    Change("sequence", "nothing"),
    Change(
        "sequence",
        "its column renamed, whose name its state has",
        (("s (n BIGINT)", "s (q BIGINT)"), ("fields.n.", "fields.q."), ("SELECT n", "SELECT q")),
    ),
    Change(
        "sequence",
        "random instead",
        (("'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '100000'", "'fields.n.min' = '5'"),),
        kept=lambda rows: False,
    ),
    Change("interval", "nothing"),
    Change("interval", "within two hours", (("'1' HOUR AND", "'2' HOUR AND"),)),
    Change("interval", "a column more", (("a BIGINT", "a BIGINT, x BIGINT"), ("SELECT s.v,", "SELECT s.v, s.w,"))),
)


def sql_of(base: Base, job: str, change: Change | None = None, root: str = "") -> str:
    """The SQL of a job, before or after a change; files go under `root`. Fails where an edit changes nothing."""
    rate, low, high = RATES["after" if change else "before"]
    sql = base.sql
    for old, new in change.edits if change else ():
        assert old in sql, (change, old)
        sql = sql.replace(old, new)
    values = {"{rate}": rate, "{low}": low, "{high}": high, "{job}": job, "{root}": root}
    for name, value in values.items():
        sql = sql.replace(name, value)
    return sql
