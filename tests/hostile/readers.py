"""Every function of the service that reads what outsiders have written, and how much of it it is ever given.

Each is called with all shapes of `growth`. What it says to them is for other tests; here only the cost counts.
"""

import io
import json
import random
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from tests.hostile.growth import LARGE
from tests.hostile.test_archives import listing
from tests.hostile.test_savepoint_reader import SHAPES
from tests.support.people.archives import pack

from sluiceway import zips
from sluiceway.api import origin
from sluiceway.api.auth import signature
from sluiceway.api.auth.signature import RawRequest
from sluiceway.api.auth.token_request import TokenRequest
from sluiceway.api.caller import address_of
from sluiceway.api.connections import MAX_HEAD
from sluiceway.api.dli import parameters
from sluiceway.api.dli.decoding import decode
from sluiceway.api.dli.fields import FILE_LIMIT, TEXT_LIMIT
from sluiceway.api.dli.jars import rules as jar_rules
from sluiceway.api.dli.jars.wire import CreateJarJob
from sluiceway.api.dli.jobs import listing as job_listing
from sluiceway.api.dli.jobs import rules, runtime_config
from sluiceway.api.dli.jobs.listing import ListQuery
from sluiceway.api.dli.jobs.wire import CreateSqlJob
from sluiceway.api.dli.resources import rules as resource_rules
from sluiceway.api.dli.tags import rules as tag_rules
from sluiceway.api.dli.tags.wire import Tag
from sluiceway.api.dli.templates import rules as template_rules
from sluiceway.api.dli.transfer.rules import imported
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError
from sluiceway.api.errors.language import Language
from sluiceway.api.native import stop_orders, wire
from sluiceway.cli import log_lines, output
from sluiceway.control import resources
from sluiceway.control.transfer import LARGEST_FILE, LARGEST_IMPORT, LARGEST_JOB, MOST_JOBS
from sluiceway.domain import failure_words
from sluiceway.engines.jars.packages import MOST_ENTRIES
from sluiceway.engines.jobmanager import answers, failures, shapes, submit_errors
from sluiceway.engines.jobmanager.answers import Answer
from sluiceway.engines.jobmanager.submit_errors import Cause
from sluiceway.engines.planning import options, sql
from sluiceway.engines.session import traffic
from sluiceway.settings import MAX_BODY
from sluiceway.storage import archive, errors, files, metadata, paths
from sluiceway.storage.archive import Allowance


def _longest(of: type[msgspec.Struct], field: str) -> int:
    """The most characters that a field takes."""
    [found] = (each.type for each in msgspec.inspect.type_info(of).fields if each.name == field)  # type: ignore[attr-defined]
    kinds = found.types if isinstance(found, msgspec.inspect.UnionType) else [found]
    [most] = (kind.max_length for kind in kinds if isinstance(kind, msgspec.inspect.StrType))
    assert most is not None
    return most


SHOWN: Final = 1 << 20  # nothing bounds what a command shows; this takes a second, of its own process
# What callers let through.
NAME: Final = _longest(wire.StopRequest, "name")
TARGET: Final = _longest(wire.StopRequest, "target")


@dataclass(frozen=True)
class Reader:
    """`most` is what callers let through, in characters; by default nobody keeps anything out below 8 MB."""

    act: Callable[[str], object]
    most: int = LARGE


def _json(field: str, kind: type[Any], text: str) -> object:
    return decode(msgspec.json.encode({"name": "x", field: text}), kind)


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
    "sql.check_length": Reader(_refused(sql.check_length), MAX_BODY),
    "sql.script_of": Reader(_refused(_statements), sql.MOST_CHARACTERS),
    "sql.script_of, what Flink refuses": Reader(
        _refused(lambda text: sql.script_of([sql.Found("refused", 1, 1, text)])), sql.MOST_CHARACTERS
    ),
    "options.check_options": Reader(lambda text: options.check_options({text: "x", "a": text}), sql.MOST_CHARACTERS),
    "runtime_config.parse": Reader(runtime_config.parse, TEXT_LIMIT),
    "runtime_config.parse, as JSON": Reader(lambda text: runtime_config.parse(json.dumps({text: text})), TEXT_LIMIT),
    # What JobManagers and programs say
    "failures.classify": Reader(lambda text: failures.classify("", text)),
    "failures.classify, the class": Reader(lambda text: failures.classify(text, "")),
    "failures.plain_words": Reader(failures.plain_words),
    "failure_words.clip": Reader(failure_words.clip),
    "failure_words.both": Reader(lambda text: failure_words.both(text, text)),
    "answers.denial": Reader(lambda text: answers.denial(_answered(text))),
    "answers.excerpt": Reader(lambda text: answers.excerpt(_answered(text))),
    "answers.errors_of": Reader(lambda text: answers.errors_of(Answer(400, text.encode("utf-8", "replace")))),
    "submit_errors.causes_of": Reader(_explained),
    "submit_errors.explain": Reader(_one_cause),
    "traffic._parts": Reader(
        lambda text: traffic._parts([text, f"{text}.numRecordsOut", f"Source__{text}.numRecordsIn"])
    ),
    # Bodies
    "decoding.decode": Reader(lambda text: decode(text.encode("utf-8", "replace"), CreateSqlJob), MAX_BODY),
    "decoding.decode, a name": Reader(lambda text: _json("name", CreateSqlJob, text), MAX_BODY),
    "decoding.decode, a number": Reader(lambda text: _json("cu_number", CreateSqlJob, text), MAX_BODY),
    "decoding.decode, a token": Reader(lambda text: _json("auth", TokenRequest, text), MAX_BODY),
    "wire.StopRequest": Reader(lambda text: msgspec.json.decode(text, type=wire.StopRequest), MAX_BODY),
    "rules.create, name": Reader(_job("name"), MAX_BODY),
    "rules.create, desc": Reader(_job("desc"), MAX_BODY),
    "rules.create, sql_body": Reader(_job("sql_body"), MAX_BODY),
    "rules.create, obs_bucket": Reader(_job("obs_bucket"), MAX_BODY),
    "rules.create, dirty_data_strategy": Reader(_job("dirty_data_strategy"), MAX_BODY),
    "rules.create, runtime_config": Reader(_job("runtime_config"), MAX_BODY),
    "rules.create, flink_version": Reader(_job("flink_version"), MAX_BODY),
    "jar_rules.create, entrypoint": Reader(_jar("entrypoint"), MAX_BODY),
    "jar_rules.create, entrypoint_args": Reader(_jar("entrypoint_args"), MAX_BODY),
    "jar_rules.create, main_class": Reader(_jar("main_class"), MAX_BODY),
    "tag_rules.checked": Reader(lambda text: tag_rules.checked([Tag(text, text)]), MAX_BODY),
    "template_rules._name": Reader(template_rules._name, MAX_BODY),
    "transfer.imported": Reader(lambda text: imported("a", text.encode("utf-8", "replace"))),
    "transfer.imported, sql_body": Reader(
        lambda text: imported("a", json.dumps({"job_type": rules.DEFAULT_TYPE, "sql_body": text}).encode())
    ),
    "stop_orders._target": Reader(stop_orders._target, TARGET),
    # Paths and queries
    "listing.listing": Reader(lambda text: job_listing.listing(ListQuery(name=text, tags=text)), MAX_HEAD),
    "parameters.number": Reader(lambda text: (parameters.number(text), parameters.offset(text)), MAX_HEAD),
    "parameters.job_ids": Reader(lambda text: parameters.job_ids([text]), MAX_BODY),
    "tag_rules.filtered": Reader(tag_rules.filtered, MAX_HEAD),
    "tag_rules.filtered, pairs": Reader(lambda text: tag_rules.filtered(text.replace("a", "a=b,")), MAX_HEAD),
    "resource_rules._path": Reader(resource_rules._path, FILE_LIMIT),
    "resource_rules._bucket": Reader(resource_rules._bucket),
    "resource_rules.paths": Reader(lambda text: resource_rules.paths([text]), MAX_BODY),
    "resource_rules.owner": Reader(resource_rules.owner, MAX_BODY),
    "resource_rules.kind": Reader(resource_rules.kind, MAX_BODY),
    "resources.name_of": Reader(resources.name_of, MAX_BODY),
    "files.key_of": Reader(files.key_of, MAX_BODY),
    "files.key_of, in a bucket": Reader(lambda text: files.key_of(f"obs://bucket/{text}"), MAX_BODY),
    "files.is_bucket": Reader(files.is_bucket, MAX_BODY),
    "paths.local_path": Reader(paths.local_path, MAX_BODY),
    "paths.scheme_of": Reader(paths.scheme_of, MAX_BODY),
    "GLOB": Reader(_glob, NAME),
    # Heads
    "signature.read": Reader(lambda text: signature.read(f"SDK-HMAC-SHA256 {text}"), MAX_HEAD),
    "signature.read, headers": Reader(
        lambda text: signature.read(f"SDK-HMAC-SHA256 Access=A, SignedHeaders={text}"), MAX_HEAD
    ),
    "signature.verify, path": Reader(lambda text: _signed(path=f"/{text}"), MAX_HEAD),
    "signature.verify, query": Reader(lambda text: _signed(query=text), MAX_HEAD),
    "signature.verify, headers": Reader(lambda text: _signed(header=text), MAX_HEAD),
    "origin.is_own": Reader(_own, MAX_HEAD),
    "caller.address_of": Reader(_address, MAX_HEAD),
    "Language.of": Reader(Language.of, MAX_HEAD),
    # Storage
    "errors.reason_of": Reader(lambda text: errors.reason_of(ValueError(text))),
    "errors.reason_of, of the system": Reader(lambda text: errors.reason_of(ValueError(f"{text} (os error 2)"))),
    "archive.shown": Reader(archive.shown),
    # What is shown
    "output.visible": Reader(output.visible, SHOWN),
    "output.one_line": Reader(output.one_line, SHOWN),
    "log_lines.clipped": Reader(lambda text: log_lines.clipped(text, log_lines.WORDS)),
    "DliError.body": Reader(lambda text: DliError(Code.SQL_SYNTAX, why=text).body(Language.ENGLISH)),
}


def _of_elements(make: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """As many elements as fit, from a function that is told how many."""
    few, more = (len(make(count)) for count in (100, 200))
    return lambda size: make(size * 100 // (more - few))


def _jobs_listed(count: int) -> bytes:
    job = {"jid": "a" * 32, "name": "x", "state": "RUNNING", "start-time": 1, "duration": 1, "last-modification": 1}
    return json.dumps({"jobs": [job] * count}).encode()


def _zip_of_jobs(count: int) -> bytes:
    return pack({f"jobs/{number}.json": b"{}" for number in range(count)})


def _unpacked(data: bytes) -> object:
    return archive.unpack(data, Allowance(MOST_JOBS, LARGEST_JOB, LARGEST_IMPORT))


# What is read of files and long answers: what makes one of a size in bytes, and what reads it.
FILES: Final[Mapping[str, tuple[Callable[[int], bytes], Callable[[bytes], object], int]]] = {
    "zips.count": (_of_elements(listing), lambda data: zips.count(io.BytesIO(data), MOST_ENTRIES), LARGE),
    "archive.unpack, many": (_of_elements(_zip_of_jobs), _unpacked, LARGEST_FILE),
    "archive.unpack, large": (lambda size: pack({"a": random.Random(1).randbytes(size)}), _unpacked, LARGEST_JOB),
    "transfer.imported, deep": (lambda size: b"[" * size, lambda data: imported("a", data), LARGEST_JOB),
    "answers.decode": (
        _of_elements(_jobs_listed),
        lambda data: answers.decode(Answer(200, data), shapes.Jobs),
        LARGE,
    ),
} | {f"metadata.parse, {shape}": (_of_elements(make), metadata.parse, LARGE) for shape, make in SHAPES.items()}
