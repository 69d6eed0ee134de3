"""Bodies with more in them than their lists may have: refused before anything is made of them."""

import json
import tracemalloc
from typing import Any, NoReturn, cast

import msgspec
import pytest
from litestar.exceptions import ClientException
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.utils.sync import AsyncCallable
from tests.support.services.native_api import api_of_nothing

from sluiceway.api import body_bounds
from sluiceway.api.body_bounds import LARGE, Bound, TooManyValues, bounds_of, check, most_values
from sluiceway.api.dli.decoding import decode
from sluiceway.api.dli.fields import SQL_LIMIT, TAGS_LIMIT
from sluiceway.api.dli.jobs.wire import CreateSqlJob, StopRequest
from sluiceway.api.dli.transfer.wire import ExportedSqlJob
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError
from sluiceway.api.native import body as native
from sluiceway.api.native import wire
from sluiceway.settings import MAX_JOB_IDS

MEGABYTE = 1 << 20


async def _nothing(*_: object) -> NoReturn:
    raise AssertionError("nothing is called")


@pytest.fixture(scope="module")
def handlers(tmp_path_factory: pytest.TempPathFactory) -> list[HTTPRouteHandler]:
    """Those of both APIs, and of everything beside them."""
    app = api_of_nothing(tmp_path_factory.mktemp("none"))
    return [each for route in app.routes if isinstance(route, HTTPRoute) for each in route.route_handlers]


@pytest.fixture(scope="module")
def bodies(handlers: list[HTTPRouteHandler]) -> set[Any]:
    """The types of all JSON bodies of both APIs, and of what an import reads."""
    fields = [each.parsed_data_field for each in handlers if each.parsed_data_field is not None]
    found = {field.annotation for field in fields if isinstance(field.annotation, type)}
    return {ExportedSqlJob, *(each for each in found if issubclass(each, msgspec.Struct))}


def within(bound: Bound, written: bytes) -> bytes:
    """A body with nothing but that in this field."""
    for name in reversed(bound.path):
        written = b'{"%b":%b}' % (name.encode(), written)
    return written


def test_no_request_takes_a_thread_before_it_is_handled(handlers: list[HTTPRouteHandler]) -> None:
    """Litestar calls a hook in a thread when it is no coroutine function: a third of what a small request costs."""
    hooks = [each.resolve_before_request() for each in handlers]
    assert any(hooks)
    assert not [hook for hook in hooks if isinstance(hook, AsyncCallable)]


def test_every_list_of_every_body_has_a_bound(bodies: set[Any]) -> None:
    """`bounds_of` raises for one without."""
    found = {(each.__name__, *bound.path): bound.most for each in bodies for bound in bounds_of(each)}
    assert len(bodies) > 20
    assert found["CreateSqlJob", "tags"] == TAGS_LIMIT
    assert found["TokenRequest", "auth", "identity", "methods"] == 16
    assert found["StopRequest", "job_ids"] == MAX_JOB_IDS
    assert {"waves", "status", "tags", "paths", "obs_buckets", "dependency_jars"} <= {path[-1] for path in found}


def test_more_than_a_list_may_have_is_refused_by_its_name(bodies: set[Any]) -> None:
    for each in bodies:
        for bound in bounds_of(each):
            body = within(bound, b"[" + b"1," * most_values(each) + b"1]")
            body = body if len(body) > LARGE else body + b" " * LARGE
            with pytest.raises(TooManyValues) as refused:
                check(body, each)
            assert (refused.value.field, refused.value.most) == (".".join(bound.path), bound.most), each


def test_nor_is_it_where_the_name_stands_twice_or_is_none() -> None:
    many = b'[{"key":"k"}' + b',{"key":"k"}' * 80_000 + b"]"
    for body in (b'{"name":"x","tags":%b,"tags":[]}' % many, b'{"name":"x","tgas":%b}' % many):
        with pytest.raises(DliError) as refused:
            decode(body, CreateSqlJob)
        assert (refused.value.code, refused.value.params["field"]) == (Code.BAD_PARAMETER, "body")


def test_what_may_be_there_is_let_in() -> None:
    """Texts of commas, quotes and brackets are one value each."""
    tags = [{"key": f"k{n}", "value": "v"} for n in range(TAGS_LIMIT)]
    odd = ',"\\",[{' * (SQL_LIMIT // 16)
    made = decode(json.dumps({"name": "x", "sql_body": odd, "tags": tags}).encode(), CreateSqlJob)
    assert (made.sql_body, len(made.tags or ())) == (odd, TAGS_LIMIT)
    ids = [2**63 - 1 - n for n in range(MAX_JOB_IDS)]
    assert len(decode(json.dumps({"job_ids": ids}).encode(), StopRequest).job_ids) == MAX_JOB_IDS
    waves = [{"job_ids": ids[n::100], "queue": "q", "tags": {f"k{n}": "v," for n in range(20)}} for n in range(100)]
    given = json.dumps({"waves": waves, "job_ids": ids}).encode()
    check(given, wire.StopRequest)
    assert len(msgspec.json.decode(given, type=wire.StopRequest).waves or ()) == 100


def test_it_is_refused_as_ever() -> None:
    """A body that is no JSON is told so first; too many jobs have a code of their own, with how many there were."""
    many = b'{"job_ids":[' + b"1," * 400_000 + b"1]}"
    with pytest.raises(DliError) as refused:
        decode(many, StopRequest)
    assert refused.value.code is Code.TOO_MANY
    assert refused.value.params == {"count": 400_001, "limit": MAX_JOB_IDS}
    with pytest.raises(DliError) as refused:
        decode(many[:-1], StopRequest)
    assert refused.value.code is Code.NOT_JSON


@pytest.mark.parametrize("item", [b'{"key":"k"}', b'"1"', b"{}", b'{"a":{}}', b'","', b"[]"])
def test_a_megabyte_of_items_makes_little(item: bytes) -> None:
    listed = b"[" + (item + b",") * (MEGABYTE // (len(item) + 1)) + item + b"]"
    wanted = [(CreateSqlJob, b"tags"), (StopRequest, b"job_ids"), (wire.StopRequest, b"waves")]
    for kind, field in wanted:
        body = b'{"%b":%b}' % (field, listed)
        tracemalloc.start()
        with pytest.raises((TooManyValues, msgspec.ValidationError)):
            _read(body, kind)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 8 * MEGABYTE, (kind, most / MEGABYTE)


def _read(body: bytes, kind: Any) -> None:
    check(body, kind)
    msgspec.json.decode(body, type=kind)


def test_values_are_counted_outside_of_texts_alone() -> None:
    long: list[Any] = [",", 1, {"a": ",,", "b": [2]}, '"'] * 20_000
    for given in (long, [], [1, 2], {"a": [1, 2], "b": ",,"}, ['\\",', ",\\\\", '"', 'a","b'], [[",\\"], [","]]):
        written = json.dumps(given, separators=(",", ":")).encode()
        assert body_bounds._values(written) == _commas(given) + 1, written


def _commas(given: Any) -> int:
    inside = list(given.values()) if isinstance(given, dict) else given
    if not isinstance(inside, list):
        return 0
    return max(0, len(inside) - 1) + sum(map(_commas, inside))


def test_our_own_api_names_the_list_too() -> None:
    body = b'{"status":[' + b'"running",' * 300_000 + b'"running"]}'
    decoder = cast("Any", native.Json[wire.StopRequest])
    decoder.model_type = wire.StopRequest
    with pytest.raises(ClientException, match="status holds more than 20 items"):
        decoder.decode_bytes(decoder, body)
