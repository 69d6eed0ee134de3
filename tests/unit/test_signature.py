"""Signed requests: those of the vendor's SDK and of a signer of our own are let in, and nothing else is."""

import contextlib
import dataclasses
import hashlib
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import (
    DerivationAKSKSigner,
    P256SHA256Signer,
    Signer,
    SM2SM3Signer,
    SM3Signer,
)
from huaweicloudsdkdli.v1 import (
    BatchStopFlinkJobsRequest,
    CreateFlinkSqlJobRequest,
    CreateFlinkSqlJobRequestBody,
    DeleteFlinkJobRequest,
    DliClient,
    ListFlinkJobsRequest,
    StopFlinkJobsRequestBody,
    UpdateFlinkSqlJobRequest,
    UpdateFlinkSqlJobRequestBody,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.people.signer import Call, signed

from sluiceway.api.auth.signature import WINDOW, BadSignature, RawRequest, ReplayGuard, read, verify
from sluiceway.cli.signing import Credential

ACCESS, SECRET = "AKOFTHETEST0123456789", "a secret of the test, äöü"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PATH = ("v1.0", "proj0123", "streaming", "jobs", "stop")
BODY = b'{"trigger_savepoint": false, "job_ids": [128, 137]}'


def raw(call: Call, headers: Sequence[tuple[str, str]]) -> RawRequest:
    """A call as it arrives."""
    encoded = [(name.encode(), value.encode()) for name, value in headers]
    return RawRequest(call.method, call.path.encode(), call.query_string.encode(), encoded, call.body)


def ours(call: Call, unsigned: Sequence[tuple[str, str]] = ()) -> RawRequest:
    return raw(call, signed(call, ACCESS, SECRET, NOW, unsigned))


def refusal(request: RawRequest, now: datetime = NOW) -> str | None:
    """Why a request is not let in, as a service with one access key says."""
    try:
        [authorization] = [value for name, value in request.headers if name.lower() == b"authorization"]
        found = read(authorization.decode("latin-1"))
        verify(found, SECRET if found.access == ACCESS else "no such key", request, now)
    except BadSignature as bad:
        return bad.en if bad.zh else "it says nothing in Chinese"
    return None


def replaced(request: RawRequest, **headers: bytes) -> RawRequest:
    """The request with other values in some headers."""
    new = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    return dataclasses.replace(request, headers=[(name, new.get(name.lower(), old)) for name, old in request.headers])


# The vendor's SDK. ---------------------------------------------------------------------------------------------------


class Recorder(HTTPServer):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Recording)
        self.seen: list[RawRequest] = []


class Recording(BaseHTTPRequestHandler):
    """Answers everything with an empty object."""

    server: Recorder

    def handle_one_request(self) -> None:
        """Any method."""
        self.raw_requestline = self.rfile.readline(65537)
        if self.raw_requestline and self.parse_request():
            self._keep()
        else:
            self.close_connection = True

    def _keep(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.encode("latin-1").partition(b"?")
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        self.server.seen.append(RawRequest(self.command, path, query, headers, body))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextlib.contextmanager
def recorder() -> Iterator[Recorder]:
    with Recorder() as made:
        threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
        yield made
        made.shutdown()


@pytest.mark.parametrize("security_token", [None, "a temporary token"])
def test_what_the_sdk_sends_is_let_in(security_token: str | None) -> None:
    credentials = BasicCredentials(ACCESS, SECRET, "proj0123")
    if security_token:
        credentials = credentials.with_security_token(security_token)
    with recorder() as server:
        endpoint = f"http://127.0.0.1:{server.server_port}"
        client = DliClient.new_builder().with_credentials(credentials).with_endpoint(endpoint).build()
        client.batch_stop_flink_jobs(
            BatchStopFlinkJobsRequest(StopFlinkJobsRequestBody(trigger_savepoint=True, job_ids=[1, 2]))
        )
        client.list_flink_jobs(
            ListFlinkJobsRequest(name="名 +&=/%~*'", tags="k=v,k2=v2", limit=100, offset=0, show_detail=True)
        )
        client.create_flink_sql_job(
            CreateFlinkSqlJobRequest(CreateFlinkSqlJobRequestBody(name="任务", sql_body="SELECT '语'"))
        )
        client.update_flink_sql_job(UpdateFlinkSqlJobRequest(job_id=7, body=UpdateFlinkSqlJobRequestBody(desc="x")))
        client.delete_flink_job(DeleteFlinkJobRequest(job_id="a/b c?d"))
        now = datetime.now(UTC)
    assert [request.method for request in server.seen] == ["POST", "GET", "POST", "PUT", "DELETE"]
    assert [refusal(request, now) for request in server.seen] == [None] * 5
    names = {name.lower() for name, _ in server.seen[0].headers}
    assert (b"x-security-token" in names) == (security_token is not None)


def by_sdk(call: Call, signer: type[Signer] = Signer) -> RawRequest:
    """The call as the SDK's own signer signs it."""
    request = SdkRequest(
        method=call.method,
        schema="http",
        host=call.host,
        resource_path=call.path,
        query_params=list(call.query),
        header_params={"X-Sdk-Date": NOW.strftime("%Y%m%dT%H%M%SZ"), **(call.headers or {})},
        body=call.body,
    )
    more = ("dli", "region-1") if signer is DerivationAKSKSigner else ()
    signer(BasicCredentials(ACCESS, SECRET, "proj0123")).sign(request, *more)
    path, _, query = request.uri.partition("?")
    headers = [(name.encode(), value.encode("latin-1")) for name, value in request.header_params.items()]
    return RawRequest(call.method, path.encode(), query.encode(), headers, call.body)


@pytest.mark.parametrize("signer", [SM3Signer, P256SHA256Signer, SM2SM3Signer, DerivationAKSKSigner])
def test_other_algorithms_are_named_in_the_refusal(signer: type[Signer]) -> None:
    said = refusal(by_sdk(Call("POST", PATH, body=BODY), signer))
    assert said == f"the algorithm {signer._ALGORITHM} is not supported; sign with SDK-HMAC-SHA256"


# A signer of our own. ------------------------------------------------------------------------------------------------


def test_a_header_that_was_added_after_the_signature_is_no_hindrance() -> None:
    request = ours(Call("POST", PATH, body=BODY), unsigned=[("X-Project-Id", "proj0123"), ("X-Domain-Id", "d")])
    assert request.headers[-2:] == [(b"X-Project-Id", b"proj0123"), (b"X-Domain-Id", b"d")]
    assert refusal(request) is None
    assert refusal(replaced(request, x_project_id=b"another")) is None, "it is not signed, so it says nothing"


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TOKEN = st.from_regex(r"x-[a-z0-9-]{1,12}", fullmatch=True).filter(lambda name: not name.startswith("x-sdk-"))
VALUE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x2FF, exclude_characters="\x7f\x85\xa0"), max_size=20)
CALLS = st.builds(
    Call,
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]),
    segments=st.lists(TEXT, min_size=1, max_size=6),
    query=st.lists(st.tuples(TEXT, TEXT), max_size=4),
    headers=st.dictionaries(TOKEN, VALUE, max_size=4),
    body=st.binary(max_size=60),
    host=st.sampled_from(["127.0.0.1:8640", "dli.example.com", "[::1]"]),
)


@given(CALLS)
@settings(max_examples=150, deadline=None)
def test_whatever_is_signed_is_let_in(call: Call) -> None:
    assert refusal(ours(call)) is None
    assert refusal(by_sdk(call)) is None


# Tampering. ----------------------------------------------------------------------------------------------------------


def flipped(text: bytes, bit: int) -> bytes:
    changed = bytearray(text)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def tampered(request: RawRequest) -> Iterator[tuple[str, RawRequest]]:
    """Every request that differs from this one in one bit of what is signed.

    But for the case of a header's name, which has no meaning in HTTP.
    """
    listed = read(dict(request.headers)[b"Authorization"].decode()).headers
    for bit in range(len(request.method) * 8):
        changed = flipped(request.method.encode(), bit).decode("latin-1")
        yield f"method {changed}", dataclasses.replace(request, method=changed)
    for part in ("path", "query", "body"):
        before: bytes = getattr(request, part)
        for bit in range(len(before) * 8):
            after = flipped(before, bit)
            yield f"{part} {after!r}", dataclasses.replace(request, **{part: after})  # type: ignore[arg-type]
    for at, (name, value) in enumerate(request.headers):
        if name.lower().decode() not in {*listed, "authorization"}:
            continue
        others = [[(name, flipped(value, bit))] for bit in range(len(value) * 8)]
        names = (flipped(name, bit) for bit in range(len(name) * 8))
        others += [[(other, value)] for other in names if other.lower() != name.lower()]
        for other in others:
            yield (
                f"header {other}",
                dataclasses.replace(request, headers=[*request.headers[:at], *other, *request.headers[at + 1 :]]),
            )


FIXED = Call(
    "POST",
    ("v1.0", "proj0123", "streaming", "jo bs", "/ÿ"),
    (("name", "a+b c%"), ("limit", "10"), ("empty", "")),
    {"Content-Type": "application/json", "User-Agent": "sdk/3 (x)", "X-Project-Id": "proj0123"},
    BODY,
)


def without_shape(request: RawRequest) -> str | None:
    """As `refusal`; a header that is no longer called Authorization is none."""
    if not any(name.lower() == b"authorization" for name, _ in request.headers):
        return "no Authorization"
    return refusal(request)


@pytest.mark.parametrize("sign", [ours, by_sdk])
def test_every_single_bit_counts(sign: Any) -> None:
    request = sign(FIXED)
    assert refusal(request) is None
    let_in = [what for what, changed in tampered(request) if without_shape(changed) is None]
    assert let_in == []
    bits = sum(1 for _ in tampered(request))
    assert bits > 8 * (len(request.body) + len(request.path) + len(request.query) + 200)


@given(CALLS, st.data())
@settings(max_examples=25, deadline=None)
def test_no_bit_of_any_request_is_free(call: Call, data: st.DataObject) -> None:
    every = list(tampered(ours(call)))
    for what, changed in data.draw(st.lists(st.sampled_from(every), min_size=5, max_size=20)):
        assert without_shape(changed) is not None, what


@pytest.mark.parametrize(
    "changed",
    [
        {"path": b"/v1.0/proj0123/streaming/jobs/run"},
        {"path": b"/v1.0/proj0123/streaming/jobs//stop"},
        {"query": b"job_type=x"},
        {"query": b"&job_type"},
        {"query": b"=x"},
        {"method": "PUT"},
        {"method": "post"},
        {"body": b""},
        {"body": BODY + b" "},
        {"body": BODY * 1000},
    ],
)
def test_larger_changes_count_too(changed: dict[str, Any]) -> None:
    assert refusal(dataclasses.replace(ours(Call("POST", PATH, body=BODY)), **changed)) is not None


@pytest.mark.parametrize(
    "changed",
    [
        {"path": b"/v1.0/proj0123/streaming/jobs/stop/"},
        {"path": b"/v1.0/proj%30123/streaming/jobs/stop"},
        {"query": b"&b=2&&a=+%2B&"},
        {"query": b"a=%20%2B&b=%32"},
    ],
)
def test_another_way_of_writing_the_same_is_the_same(changed: dict[str, Any]) -> None:
    call = Call("POST", PATH, (("b", "2"), ("a", " +")), body=BODY)
    assert refusal(dataclasses.replace(ours(call), **changed)) is None


# What must be signed, and when. --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "let_in"),
    [(0, True), (14.9, True), (15, True), (-15, True), (15.1, False), (-15.1, False), (24 * 60, False)],
)
def test_the_clock_may_be_off_by_fifteen_minutes(minutes: float, let_in: bool) -> None:
    said = refusal(ours(Call("GET", PATH)), NOW + timedelta(minutes=minutes))
    assert (said is None) == let_in
    assert let_in or "X-Sdk-Date is more than 15 minutes from the service's clock" in str(said)


@pytest.mark.parametrize(
    "date",
    [
        "",
        "20260102T030405",
        "20260102t030405z",
        "2026-01-02T03:04:05Z",
        "20261302T030405Z",
        "20260102T030465Z",
        "00000101T000000Z",
        "٢٠٢٦٠١٠٢T٠٣٠٤٠٥Z",
        "1767323045",
        "20260102T030405Z" * 1000,
    ],
)
def test_a_date_that_is_none(date: str) -> None:
    call = Call("GET", PATH, headers={"x-sdk-date": date})
    assert refusal(ours(call)) == "X-Sdk-Date is not a time like 20260102T030405Z"


def test_the_date_must_be_signed() -> None:
    request = ours(Call("GET", PATH))
    line = dict(request.headers)[b"Authorization"].replace(b";x-sdk-date", b"")
    assert refusal(replaced(request, authorization=line)) == "x-sdk-date must be signed"


def test_the_host_counts_where_it_is_signed_and_need_not_be() -> None:
    """Go keeps it outside of its headers, so none of its clients signs it."""
    with_host = ours(Call("POST", PATH, body=BODY))
    assert refusal(replaced(with_host, host=b"elsewhere")) is not None
    without = raw(Call("POST", PATH, body=BODY), signed(Call("POST", PATH, body=BODY), ACCESS, SECRET, NOW, host=False))
    assert b"SignedHeaders=x-sdk-date," in dict(without.headers)[b"Authorization"]
    assert refusal(without) is None
    assert refusal(replaced(without, host=b"elsewhere")) is None
    let_in = [what for what, changed in tampered(without) if without_shape(changed) is None]
    assert let_in == [], "all that is listed counts, bit by bit, and so do method, path, query and body"


@pytest.mark.parametrize("name", [b"host", b"X-Sdk-Date", b"content-type", b"authorization"])
def test_a_header_that_counts_may_be_there_once(name: bytes) -> None:
    request = ours(Call("POST", PATH, headers={"Content-Type": "application/json"}, body=BODY))
    twice = dataclasses.replace(request, headers=[(name, b"x"), *request.headers])
    with pytest.raises(BadSignature, match=f"{name.decode().lower()} is there more than once"):
        verify(read(dict(request.headers)[b"Authorization"].decode()), SECRET, twice, NOW)


def test_a_signed_header_that_is_missing() -> None:
    request = ours(Call("GET", PATH, headers={"user-agent": "x"}))
    less = dataclasses.replace(request, headers=[pair for pair in request.headers if pair[0] != b"user-agent"])
    assert refusal(less) == "the header user-agent is signed and missing"


# The hash of the body. -----------------------------------------------------------------------------------------------

REAL = hashlib.sha256(BODY).hexdigest()


@pytest.mark.parametrize("signs_it", [True, False])
@pytest.mark.parametrize(
    ("told", "body", "said"),
    [
        (REAL, BODY, None),
        ("0" * 64, BODY, "X-Sdk-Content-Sha256 is not the hash of the body"),
        (REAL.upper(), BODY, "X-Sdk-Content-Sha256 is not the hash of the body"),
        ("", BODY, "X-Sdk-Content-Sha256 is not the hash of the body"),
        ("ü", BODY, "X-Sdk-Content-Sha256 is not the hash of the body"),
        ("UNSIGNED-PAYLOAD", BODY, "the body is not signed (X-Sdk-Content-Sha256 is UNSIGNED-PAYLOAD); send JSON"),
        ("UNSIGNED-PAYLOAD", b"", None),
        ("0" * 64, b"", None),
    ],
)
def test_a_hash_in_a_header_is_checked(told: str, body: bytes, said: str | None, signs_it: bool) -> None:
    header = ("X-Sdk-Content-Sha256", told)
    call = Call("POST", PATH, headers=dict([header]) if signs_it else {}, body=body)
    answer = refusal(ours(call, unsigned=[] if signs_it else [header]))
    assert answer is None if said is None else str(answer).startswith(said)


def test_a_body_that_the_sdk_leaves_unsigned_is_refused() -> None:
    request = by_sdk(Call("POST", PATH, headers={"Content-Type": "application/octet-stream"}, body=b"a jar"))
    assert str(refusal(request)).startswith("the body is not signed")
    assert refusal(by_sdk(Call("GET", PATH, headers={"Content-Type": "text/plain"}))) is None


# The Authorization header. -------------------------------------------------------------------------------------------

GOOD = f"SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-sdk-date, Signature={'0' * 64}"


@pytest.mark.parametrize(
    "line", [GOOD, GOOD.replace(", ", ","), GOOD.replace(", ", ",   "), f"  {GOOD} ", GOOD.replace("AK", "a.b/c=d-e")]
)
def test_a_header_that_is_read(line: str) -> None:
    found = read(line)
    assert found.headers == ("host", "x-sdk-date")
    assert found.access in {"AK", "a.b/c=d-e"}


@pytest.mark.parametrize(
    "line",
    [
        "SDK-HMAC-SHA256",
        "SDK-HMAC-SHA256 ",
        GOOD.replace("Access=AK, ", ""),
        GOOD.replace("AK", ""),
        GOOD.replace("AK", "A K"),
        GOOD.replace("AK", "Ä"),
        GOOD.replace("AK", "A" * 300),
        GOOD.replace("host", "Host"),
        GOOD.replace("host", ""),
        GOOD.replace("host", "host;host"),
        GOOD.replace("host;", "host,"),
        GOOD.replace("host", "ho st"),
        GOOD.replace("host", "host\n"),
        GOOD.replace("host", ";".join(f"h{n}" for n in range(200))),
        GOOD.replace("host", "h" * 9000),
        GOOD[:-1],
        GOOD + "0",
        GOOD[:-1] + "G",
        GOOD.replace("0", "A"),
        GOOD + ", X=1",
        GOOD + "\n",
        GOOD + GOOD,
        GOOD.replace("Signature", "signature"),
        GOOD * 10_000,
        "SDK-HMAC-SHA256 " + "," * 8000,
        "SDK-HMAC-SHA256 Access=" + "a," * 4000,
    ],
    ids=range(26),
)
def test_a_malformed_header(line: str) -> None:
    with pytest.raises(BadSignature, match="the Authorization header is malformed; it reads SDK-HMAC-SHA256 Access=…"):
        read(line)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("V11-HMAC-SHA256 Credential=AK/20260102/r/dli, SignedHeaders=host, Signature=00", "V11-HMAC-SHA256"),
        ("sdk-hmac-sha256 Access=AK", "sdk-hmac-sha256"),
        ("Bearer abc", "Bearer"),
        ("Basic abc", "Basic"),
        ("", ""),
        ("\x00\x1b[31m 雨", "\\x00\\x1b[31m"),
        ("x" * 100_000, "x" * 40),
    ],
)
def test_another_algorithm(line: str, named: str) -> None:
    with pytest.raises(BadSignature) as refused:
        read(line)
    assert refused.value.en == f"the algorithm {named} is not supported; sign with SDK-HMAC-SHA256"


@given(st.text(), st.lists(st.tuples(st.binary(), st.binary())), st.binary(), st.binary(), st.text(), st.binary())
@settings(deadline=None)
def test_whatever_arrives_ends_in_a_refusal(
    line: str, headers: list[tuple[bytes, bytes]], path: bytes, query: bytes, method: str, body: bytes
) -> None:
    with pytest.raises(BadSignature):
        read(line)
    date = (b"x-sdk-date", NOW.strftime("%Y%m%dT%H%M%SZ").encode())
    request = RawRequest(method, path, query, [(b"host", b"h"), date, *headers], body)
    with pytest.raises(BadSignature):
        verify(read(GOOD), SECRET, request, NOW)


@pytest.mark.parametrize("path", [b"/%2f", b"/%", b"/%zz", b"/%4", b"/%c3%bc"])
def test_an_escape_that_is_none_or_in_lower_case(path: bytes) -> None:
    request = dataclasses.replace(ours(Call("GET", PATH)), path=path)
    assert str(refusal(request)).startswith("an escape in the path or query is not %")
    request = dataclasses.replace(ours(Call("GET", PATH)), query=path)
    assert str(refusal(request)).startswith("an escape in the path or query is not %")


# Replays. ------------------------------------------------------------------------------------------------------------


def test_a_replay_is_refused_for_as_long_as_it_would_be_good() -> None:
    guard = ReplayGuard()
    request = ours(Call("POST", PATH, body=BODY))
    found = read(dict(request.headers)[b"Authorization"].decode())
    guard.admit(found, request, NOW)
    for later in (timedelta(0), timedelta(minutes=5), WINDOW):
        with pytest.raises(BadSignature, match="was sent before"):
            guard.admit(found, request, NOW + later)
    other = ours(Call("POST", PATH, body=BODY + b" "))
    guard.admit(read(dict(other.headers)[b"Authorization"].decode()), other, NOW)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_only_a_write_is_a_replay(method: str) -> None:
    """Terraform asks the same twice within a second, and so with the same signature."""
    guard, request = ReplayGuard(most=1), ours(Call(method, PATH))
    found = read(dict(request.headers)[b"Authorization"].decode())
    guard.admit(found, request, NOW)
    if method in {"GET", "HEAD"}:
        guard.admit(found, request, NOW)
        assert len(guard._seen) == 0, "reads take no room"
    else:
        with pytest.raises(BadSignature, match="was sent before"):
            guard.admit(found, request, NOW)


def test_the_memory_of_the_guard_is_bounded_and_freed() -> None:
    guard = ReplayGuard(most=3)

    def admit(number: int, now: datetime) -> None:
        call = Call("POST", (str(number),))
        request = raw(call, signed(call, ACCESS, SECRET, now))
        guard.admit(read(dict(request.headers)[b"Authorization"].decode()), request, now)

    for number in range(3):
        admit(number, NOW)
    with pytest.raises(BadSignature, match="too many signed requests"):
        admit(3, NOW)
    for number in range(3):
        admit(number, NOW + WINDOW + timedelta(seconds=1))
    assert len(guard._seen) == len(guard._ends) == 3


def test_a_command_that_asks_the_same_again_at_once_is_not_taken_for_a_replay() -> None:
    guard, credential = ReplayGuard(), Credential(ACCESS, SECRET)
    for _ in range(3):
        headers = credential.headers("POST", "/api/v1/projects/p/stops/1?limit=2", "h", None)
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        request = RawRequest("POST", b"/api/v1/projects/p/stops/1", b"limit=2", encoded, b"")
        found = read(headers["Authorization"])
        verify(found, SECRET, request, datetime.now(UTC))
        guard.admit(found, request, datetime.now(UTC))
