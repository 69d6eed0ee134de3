"""Every function of the service that reads what outsiders have written, and how much of it it is ever given.

Each is called with all shapes of `growth`. What it says to them is for other tests; here only the cost counts.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from sluiceway.api import origin
from sluiceway.api.auth import signature
from sluiceway.api.auth.signature import RawRequest
from sluiceway.api.auth.token_request import TokenRequest
from sluiceway.api.caller import address_of
from sluiceway.api.dli import (
    boundary,
    jar_rules,
    requests,
    resource_rules,
    rules,
    runtime_config,
    tag_rules,
    templates,
    transfer,
)
from sluiceway.api.dli.errors import Code, DliError
from sluiceway.api.dli.fields import SQL_LIMIT, TEXT_LIMIT
from sluiceway.api.dli.jar_wire import CreateJarJob
from sluiceway.api.dli.language import Language
from sluiceway.api.dli.requests import ListQuery
from sluiceway.api.dli.wire import CreateSqlJob, Tag
from sluiceway.api.native import stops, wire
from sluiceway.cli import log_lines, output
from sluiceway.control import resources
from sluiceway.engines import flink_answers, flink_failures, options, sql, submit_errors, traffic
from sluiceway.engines.flink_answers import Answer
from sluiceway.engines.submit_errors import Cause
from sluiceway.settings import MAX_BODY
from sluiceway.storage import archive, errors, files, paths

HEAD: Final = 60_000  # characters of a header, a path or a query
NAME: Final = 128
EACH: Final = 1 << 14  # characters of the larger text, unless the reader says otherwise
FAST: Final = 1 << 18  # for those that take it in milliseconds


@dataclass(frozen=True)
class Reader:
    """`most` is what callers let through, in characters; `size` what is tried, in `make hostile` up to `most`."""

    act: Callable[[str], object]
    most: int = 8 << 20
    size: int = EACH


def _json(field: str, kind: type[Any], text: str) -> object:
    return boundary.decode(json.dumps({"name": "x", field: text}).encode(), kind)


def _job(field: str) -> Callable[[str], object]:
    return lambda text: rules.create(msgspec.convert({"name": "x", field: text}, CreateSqlJob))


def _jar(field: str) -> Callable[[str], object]:
    given = {"name": "x", "entrypoint": "obs://bucket/a.jar", "main_class": "A"}
    return lambda text: jar_rules.create(msgspec.convert(given | {field: text}, CreateJarJob))


def _answered(text: str) -> Answer:
    return Answer(400, json.dumps({"errors": [text]}).encode())


def _explained(text: str) -> str:
    causes = submit_errors.causes_of(text)
    tests = (
        submit_errors.stillborn,
        submit_errors.jar_lost,
        submit_errors.out_of_time,
        submit_errors.already_submitted,
        submit_errors.may_have_arrived,
    )
    return submit_errors.explain(causes) + str([test(causes) for test in tests])


def _one_cause(text: str) -> str:
    causes = [Cause("java.lang.Exception", text)]
    submit_errors.jar_lost(causes), submit_errors.already_submitted(causes), submit_errors.may_have_arrived(causes)
    return submit_errors.explain(causes)


def _signed(path: str = "/", query: str = "", header: str = "a") -> None:
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    headers = [(b"host", b"h"), (b"x-sdk-date", now.strftime("%Y%m%dT%H%M%SZ").encode())]
    headers += [(b"x-many", part.encode("latin-1", "replace")) for part in header.split(",")]
    request = RawRequest("GET", path.encode("utf-8", "replace"), query.encode("utf-8", "replace"), headers, b"")
    signature.verify(signature.Signed("A", ("host", "x-sdk-date"), "0" * 64), "secret", request, now)


def _own(text: str) -> object:
    raw = text.encode("latin-1", "replace")
    return origin.is_own({b"host": raw, b"origin": b"http://" + raw})


def _address(text: str) -> str:
    scope: Any = {"client": (text, 1)}
    return address_of(scope)


def _refused(act: Callable[[str], object]) -> Callable[[str], object]:
    def suppressed(text: str) -> None:
        with suppress(sql.SqlRefused):
            act(text)

    return suppressed


def _statements(text: str) -> object:
    """Statements that change a name and use it again, as Flink's parser would tell them."""
    words = tuple(text.split() or "a")
    write, change = ("RichSqlInsert", ("INSERT", "INTO", *words)), ("SqlDropTable", ("DROP", "TABLE", *words))
    return sql.script_of([sql.Found(kind, 1, 1, text, each) for kind, each in (write, change, write)])


_DB: Final = sqlite3.connect(":memory:", check_same_thread=False)


def _glob(text: str) -> object:
    """How the database looks for a name: a pattern, over a name that fits it almost."""
    return [_DB.execute("SELECT ? GLOB ?", [name, text]).fetchone() for name in ("a" * 57, "作" * 19, text[:57])]


READERS: Final[Mapping[str, Reader]] = {
    # SQL and options
    "sql.check_length": Reader(_refused(sql.check_length), SQL_LIMIT, FAST),
    "sql.script_of": Reader(_refused(_statements), SQL_LIMIT),
    "sql.script_of, what Flink refuses": Reader(
        _refused(lambda text: sql.script_of([sql.Found("refused", 1, 1, text)])), SQL_LIMIT
    ),
    "options.check_options": Reader(lambda text: options.check_options({text: "x", "a": text}), TEXT_LIMIT),
    "runtime_config.parse": Reader(runtime_config.parse, TEXT_LIMIT),
    "runtime_config.parse, as JSON": Reader(lambda text: runtime_config.parse(json.dumps({text: text})), TEXT_LIMIT),
    # What JobManagers and programs say
    "flink_failures.classify": Reader(lambda text: flink_failures.classify("", text)),
    "flink_failures.classify, the class": Reader(lambda text: flink_failures.classify(text, "")),
    "flink_failures.plain_words": Reader(flink_failures.plain_words),
    "flink_failures.clip": Reader(flink_failures.clip, size=FAST),
    "flink_answers.denial": Reader(lambda text: flink_answers.denial(_answered(text))),
    "flink_answers.excerpt": Reader(lambda text: flink_answers.excerpt(_answered(text))),
    "flink_answers.errors_of": Reader(
        lambda text: flink_answers.errors_of(Answer(400, text.encode("utf-8", "replace")))
    ),
    "submit_errors.causes_of": Reader(_explained),
    "submit_errors.explain": Reader(_one_cause),
    "traffic._parts": Reader(
        lambda text: traffic._parts([text, f"{text}.numRecordsOut", f"Source__{text}.numRecordsIn"])
    ),
    # Bodies
    "boundary.decode": Reader(
        lambda text: boundary.decode(text.encode("utf-8", "replace"), CreateSqlJob), MAX_BODY, FAST
    ),
    "boundary.decode, a name": Reader(lambda text: _json("name", CreateSqlJob, text), MAX_BODY, FAST),
    "boundary.decode, a number": Reader(lambda text: _json("cu_number", CreateSqlJob, text), MAX_BODY, FAST),
    "boundary.decode, a token": Reader(lambda text: _json("auth", TokenRequest, text), MAX_BODY, FAST),
    "wire.StopRequest": Reader(lambda text: msgspec.json.decode(text, type=wire.StopRequest), MAX_BODY, FAST),
    "rules.create, name": Reader(_job("name"), MAX_BODY, FAST),
    "rules.create, desc": Reader(_job("desc"), MAX_BODY, FAST),
    "rules.create, sql_body": Reader(_job("sql_body"), MAX_BODY, FAST),
    "rules.create, obs_bucket": Reader(_job("obs_bucket"), MAX_BODY, FAST),
    "rules.create, dirty_data_strategy": Reader(_job("dirty_data_strategy"), MAX_BODY, FAST),
    "rules.create, runtime_config": Reader(_job("runtime_config"), MAX_BODY),
    "rules.create, flink_version": Reader(_job("flink_version"), MAX_BODY, FAST),
    "jar_rules.create, entrypoint": Reader(_jar("entrypoint"), MAX_BODY, FAST),
    "jar_rules.create, entrypoint_args": Reader(_jar("entrypoint_args"), MAX_BODY, FAST),
    "jar_rules.create, main_class": Reader(_jar("main_class"), MAX_BODY, FAST),
    "tag_rules.checked": Reader(lambda text: tag_rules.checked([Tag(text, text)]), MAX_BODY, FAST),
    "templates._name": Reader(templates._name, MAX_BODY, FAST),
    "transfer.imported": Reader(lambda text: transfer.imported("a", text.encode("utf-8", "replace"))),
    "transfer.imported, sql_body": Reader(
        lambda text: transfer.imported("a", json.dumps({"job_type": rules.DEFAULT_TYPE, "sql_body": text}).encode())
    ),
    "stops._target": Reader(stops._target, 2000),
    # Paths and queries
    "requests.listing": Reader(lambda text: requests.listing(ListQuery(name=text, tags=text)), HEAD),
    "requests.listing, numbers": Reader(lambda text: (requests.number(text), requests.offset(text)), HEAD),
    "requests.job_ids": Reader(lambda text: requests.job_ids([text]), MAX_BODY, FAST),
    "tag_rules.filtered": Reader(tag_rules.filtered, HEAD),
    "tag_rules.filtered, pairs": Reader(lambda text: tag_rules.filtered(text.replace("a", "a=b,")), HEAD),
    "resource_rules._path": Reader(resource_rules._path, 1200, 1200),
    "resource_rules._bucket": Reader(resource_rules._bucket),
    "resource_rules.paths": Reader(lambda text: resource_rules.paths([text]), MAX_BODY, FAST),
    "resource_rules.owner": Reader(resource_rules.owner, MAX_BODY, FAST),
    "resource_rules.kind": Reader(resource_rules.kind, MAX_BODY, FAST),
    "resources.name_of": Reader(resources.name_of, MAX_BODY, FAST),
    "files.key_of": Reader(files.key_of, MAX_BODY, FAST),
    "files.key_of, in a bucket": Reader(lambda text: files.key_of(f"obs://bucket/{text}"), MAX_BODY, FAST),
    "files.is_bucket": Reader(files.is_bucket, MAX_BODY, FAST),
    "paths.local_path": Reader(paths.local_path, MAX_BODY, FAST),
    "paths.scheme_of": Reader(paths.scheme_of, MAX_BODY, FAST),
    "GLOB": Reader(_glob, NAME, NAME),
    # Heads
    "signature.read": Reader(lambda text: signature.read(f"SDK-HMAC-SHA256 {text}"), HEAD),
    "signature.read, headers": Reader(
        lambda text: signature.read(f"SDK-HMAC-SHA256 Access=A, SignedHeaders={text}"), HEAD
    ),
    "signature.verify, path": Reader(lambda text: _signed(path=f"/{text}"), HEAD),
    "signature.verify, query": Reader(lambda text: _signed(query=text), HEAD),
    "signature.verify, headers": Reader(lambda text: _signed(header=text), HEAD),
    "origin.is_own": Reader(_own, HEAD),
    "caller.address_of": Reader(_address, HEAD),
    "Language.of": Reader(Language.of, HEAD),
    # Storage
    "errors.reason_of": Reader(lambda text: errors.reason_of(ValueError(text))),
    "errors.reason_of, of the system": Reader(lambda text: errors.reason_of(ValueError(f"{text} (os error 2)"))),
    "archive.shown": Reader(archive.shown, size=FAST),
    # What is shown
    "output.visible": Reader(output.visible),
    "output.one_line": Reader(output.one_line),
    "log_lines.clipped": Reader(lambda text: log_lines.clipped(text, log_lines.WORDS), size=FAST),
    "DliError.body": Reader(lambda text: DliError(Code.SQL_SYNTAX, why=text).body(Language.ENGLISH)),
}
