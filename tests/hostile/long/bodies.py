"""Bodies, queries and SQL of at most a megabyte each, merely large or odd, from callers who may send them."""

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle
from typing import TypeVar

from tests.hostile.long.attack import SMALL, attack
from tests.hostile.long.stage import Scene, Stage
from tests.hostile.long.wire import at_once
from tests.support.doubles.fleet import CLUSTER, PROJECT, _insert_job

T = TypeVar("T")
AT_ONCE = 6
TURNS = 6
PLANNED = Scene(planner=True)


def _deep(count: int) -> bytes:
    return b'{"name":"x","sql_body":"-","x":' + b"[" * count + b"]" * count + b"}"


def _wide(count: int) -> bytes:
    return b"{" + b",".join(b'"k%d":1' % number for number in range(count)) + b',"name":"x","sql_body":"-"}'


ODD = {
    "deep": _deep(SMALL // 2 - 40),
    "deep-objects": b'{"name":' * 120_000,
    "wide": _wide(90_000),
    "long-number": b'{"name":"x","parallel_number":' + b"9" * (SMALL - 100) + b"}",
    "long-exponent": b'{"name":"x","cu_number":1e' + b"9" * (SMALL - 100) + b"}",
    "many-ids": b'{"job_ids":[' + b"1," * (SMALL // 2 - 20) + b"1]}",
    "ids-as-texts": b'{"job_ids":[' + b'"1",' * (SMALL // 4 - 20) + b'"1"]}',
    "many-tags": b'{"name":"x","tags":[' + b'{"key":"k"},' * (SMALL // 12 - 20) + b'{"key":"k"}]}',
    "escapes": b'{"name":"' + b"\\u0041" * (SMALL // 6 - 20) + b'"}',
    "options": json.dumps({"name": "x", "runtime_config": "\n".join(f"k{n}=v" for n in range(7_000))}).encode(),
    "statuses": json.dumps({"status": ["running"] * 90_000, "dry_run": True}).encode(),
    "waves": json.dumps(
        {"all": True, "dry_run": True, "waves": [{"tags": {f"k{n}": "v" for n in range(20)}}] * 100}
    ).encode(),
}
POSTS = ("/sql-jobs", "/flink-jobs", "/jobs/stop", "/jobs/run", "/jobs/metrics", "/jobs/export", "/job-templates")


def _odd(name: str) -> Callable[[Stage], None]:
    def act(at: Stage) -> None:
        paths = [at.wire.own("/stops"), *map(at.wire.dli, POSTS), "/v3/auth/tokens"]
        _post(at, [(path, ODD[name]) for path in paths], TURNS)

    return act


for _name in ODD:
    attack(f"body-{_name}", "bodies")(_odd(_name))


def _long_names(at: Stage) -> None:
    """Many jobs whose names are as long as names may be, and almost what a pattern asks for."""
    with sqlite3.connect(at.fleet.path, timeout=20) as db:
        for number in range(3000):
            job = _insert_job(db, PROJECT, f"{'a' * 50}{number:06}")
            db.execute("UPDATE jobs SET status = 'stopped', cluster = ? WHERE id = ?", [CLUSTER, job])
    db.close()


@attack("wildcards", "3")
def wildcards(at: Stage) -> None:
    """Patterns of names with as many stars as fit."""
    _long_names(at)
    patterns = ["*a" * 63 + "*b", "*" * 128, "?" * 56 + "*" * 72, "*aaaaaaaa" * 14, "[" * 128]
    bodies = [json.dumps({"name": pattern, "dry_run": True}).encode() for pattern in patterns]
    _post(at, [(at.wire.own("/stops"), body) for body in bodies], TURNS)


@attack("queries-of-60-kb", "bodies", Scene(jobs=50))
def queries(at: Stage) -> None:
    """Filters of lists as long as a head may be."""
    filters = (
        "name=" + "a" * 60_000,
        "tags=" + ",".join(f"k{n}=v" for n in range(8_000)),
        "&".join(["a=b"] * 15_000),
        "&" * 60_000,
        "name=" + "%25" * 20_000,
        "offset=" + "9" * 60_000,
    )
    paths = [f"{at.wire.dli(path)}?{query}" for path in ("/jobs", "/job-templates") for query in filters]

    def one(number: int) -> None:
        for path in _some(paths, number, 40):
            if not at.over.is_set():
                at.wire.ask("GET", path)

    at_once(AT_ONCE, one, 20)


@attack("templates-of-a-megabyte", "bodies")
def templates(at: Stage) -> None:
    """As much SQL as fits, listed again and again: a page of a list is 60 MB then."""
    for number in range(60):
        if not at.over.is_set():
            body = {"name": f"t{number}", "sql_body": "x" * (SMALL - 1000)}
            at.wire.ask("POST", at.wire.dli("/job-templates"), body)
    for _ in range(4):
        if not at.over.is_set():
            at.wire.ask("GET", f"{at.wire.dli('/job-templates')}?limit=100", patience=60)


@attack("jobs-of-a-megabyte", "bodies")
def jobs_listed(at: Stage) -> None:
    """The same of jobs, with their details."""
    for _ in range(60):
        if not at.over.is_set():
            body = {"name": f"j{uuid.uuid4().hex[:12]}", "sql_body": "x" * (SMALL - 1000)}
            at.wire.ask("POST", at.wire.dli("/sql-jobs"), body)
    for _ in range(4):
        if not at.over.is_set():
            at.wire.ask("GET", f"{at.wire.dli('/jobs')}?limit=100&show_detail=true", patience=60)


# SQL. -----------------------------------------------------------------------------------------------------------------

SQL = {
    "dotted-16-kb": ("3", "INSERT INTO `x` SELECT * FROM " + ".".join(["a"] * 8_000)),
    "dotted-quoted-16-kb": ("3", "INSERT INTO x SELECT * FROM `" + "a." * 8_000 + "a`"),
    "use-catalog-84-kb": ("13", "use catalog default_catalog;" * 3_000 + "INSERT INTO b SELECT 1"),
    "drop-view-966-kb": ("13", "DROP VIEW IF EXISTS v;" * 43_000 + "INSERT INTO b SELECT 1"),
    "set-1-mb": ("13", "SET 'a'='b';" * 85_000 + "INSERT INTO b SELECT 1"),
    "comments-1-mb": ("3", "/* * /" * 170_000),
    "quotes-1-mb": ("3", "'" * (SMALL - 100)),
    "commas-1-mb": ("3", "INSERT INTO b VALUES " + "," * (SMALL - 200)),
    "semicolons-1-mb": ("3", ";" * (SMALL - 100)),
    "blanks-1-mb": ("3", "INSERT INTO b" + " " * (SMALL - 100) + "SELECT 1"),
    "union-1000": ("13", "INSERT INTO b " + " UNION ALL ".join(["SELECT 1"] * 1000)),
    "columns-20000": (
        "13",
        "CREATE TABLE t (" + ",".join(f"c{n} INT" for n in range(20_000)) + ");INSERT INTO t SELECT 1",
    ),
}


def _sql(name: str) -> Callable[[Stage], None]:
    def act(at: Stage) -> None:
        _, sql = SQL[name]

        def one(_: int) -> None:
            for _ in range(2):
                if not at.over.is_set():
                    at.wire.graph(at.jobs[0], sql, patience=12)

        at_once(4, one, 26)

    return act


for _name, (_row, _) in SQL.items():
    attack(f"graph-{_name}", _row, PLANNED)(_sql(_name))


def _post(at: Stage, requests: Sequence[tuple[str, bytes]], turns: int) -> None:
    """Send them all, from several callers at once, each so many times."""

    def one(number: int) -> None:
        for path, body in _some(requests, number, len(requests) * turns // AT_ONCE + 1):
            if not at.over.is_set():
                at.wire.ask("POST", path, body)

    at_once(AT_ONCE, one, 25)


def _some(items: Sequence[T], first: int, count: int) -> Iterable[T]:
    for _, item in zip(range(count), cycle([*items[first % len(items) :], *items[: first % len(items)]]), strict=False):
        yield item
