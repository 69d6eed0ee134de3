"""Bad input to the service as it runs: each gets the contract's error, and nothing is stopped by any of it."""

import gzip
import http.client
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.support.doubles.fleet import PROJECT, FakeCluster, Fleet
from tests.support.services.process import ServiceProcess, wait_for

pytestmark = pytest.mark.process

DLI = f"/v1.0/{PROJECT}/streaming"
STOP = f"{DLI}/jobs/stop"
OURS = f"/api/v1/projects/{PROJECT}"
STOPS = f"{OURS}/stops"
LIMIT = 12 * 1024 * 1024
FIRST = 1  # the id of the job that runs all the while


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Target:
    """A service with one running job, and one of another project."""

    address: str
    service: ServiceProcess
    fleet: Fleet
    job: int
    theirs: int

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            return self.ask_on(connection, method, path, body, **headers)
        finally:
            connection.close()

    def ask_on(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: Any = None, **headers: str
    ) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {"Content-Type": "application/json", **named})
        got = connection.getresponse()
        return Answer(got.status, got.headers, got.read().decode())

    @contextmanager
    def socket(self) -> Iterator[socket.socket]:
        host, _, port = self.address.partition(":")
        with socket.create_connection((host, int(port)), timeout=30) as opened:
            yield opened


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    data = tmp_path_factory.mktemp("data")
    with FakeCluster() as cluster:
        fleet = Fleet(data, cluster)
        [job], [theirs] = fleet.run(), fleet.run(project="other0")
        assert job == FIRST
        process = ServiceProcess(data, "--no-embedded", cluster.option)
        yield Target(urlsplit(process.url).netloc, process, fleet, job, theirs)
        assert process.end() == 0
        assert "Traceback" not in "".join(process.log), "none of it was a surprise"


@pytest.fixture(autouse=True)
def at(service: Target) -> Iterator[Target]:
    """The service, which is as it was when the test is over."""
    yield service
    fake = service.fleet.cluster.fake
    assert (fake.count("stop"), fake.count("cancel")) == (0, 0)
    assert service.fleet.rows("SELECT (SELECT count(*) FROM stops), (SELECT count(*) FROM batches)") == [(0, 0)]
    assert service.fleet.rows("SELECT DISTINCT status FROM jobs") == [("running",)]
    assert service.ask("GET", "/healthz").status == 200


def refused(answer: Answer, status: int, code: str) -> str:
    """Check the envelope; the message."""
    assert (answer.status, answer.json["error_code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/json"
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
    message = answer.json["error_msg"]
    assert message
    assert "Traceback" not in message
    return str(message)


# Bodies. -------------------------------------------------------------------------------------------------------------

JOB = str(FIRST).encode()
BODIES = {
    "none": (None, "DLI.0001", "it is missing; send a JSON object"),
    "empty": (b"", "DLI.0001", "it is missing"),
    "blank": (b"  \n", "DLI.10004", "not valid JSON"),
    "text": (b"stop it", "DLI.10004", "not valid JSON"),
    "form": (b"job_ids=" + JOB, "DLI.10004", "not valid JSON"),
    "cut short": (b'{"job_ids":[' + JOB, "DLI.10004", "truncated"),
    "something after it": (b'{"job_ids":[' + JOB + b"]} x", "DLI.10004", "trailing characters"),
    "two bodies": (b'{"job_ids":[' + JOB + b']}{"job_ids":[]}', "DLI.10004", "trailing characters"),
    "a comment": (b'{"job_ids":[' + JOB + b"] /* all */}", "DLI.10004", "malformed"),
    "NaN": (b'{"job_ids":[NaN]}', "DLI.10004", "malformed"),
    "Infinity": (b'{"job_ids":[' + JOB + b",Infinity]}", "DLI.10004", "malformed"),
    "a byte order mark": (b'\xef\xbb\xbf{"job_ids":[' + JOB + b"]}", "DLI.10004", "malformed"),
    "UTF-16": (f'{{"job_ids":[{FIRST}]}}'.encode("utf-16"), "DLI.10004", "malformed"),
    "no UTF-8": (b'{"job_ids":[' + JOB + b',"\xff\xfe"]}', "DLI.10004", "utf-8"),
    "half a surrogate": (b'{"job_ids":["\\ud800"]}', "DLI.10004", "not valid JSON"),
    "gzip": (gzip.compress(b'{"job_ids":[' + JOB + b"]}"), "DLI.10004", "malformed"),
    "deep": (b'{"job_ids":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "DLI.10004", "recursion"),
    "deep beside it": (b'{"x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, "DLI.10004", "recursion"),
    "null": (b"null", "DLI.0001", "object is expected"),
    "a list": (b"[" + JOB + b"]", "DLI.0001", "object is expected, not array"),
    "a number": (JOB, "DLI.0001", "object is expected"),
    "no ids": (b'{"trigger_savepoint":true}', "DLI.0001", "job_ids is not valid: it is missing"),
    "another name": (b'{"jobIds":[' + JOB + b"]}", "DLI.0001", "job_ids is not valid: it is missing"),
    "null ids": (b'{"job_ids":null}', "DLI.0001", "array is expected"),
    "one id": (b'{"job_ids":' + JOB + b"}", "DLI.0001", "array is expected, not int"),
    "ids as text": (b'{"job_ids":"' + JOB + b'"}', "DLI.0001", "array is expected, not str"),
    "empty ids": (b'{"job_ids":[]}', "DLI.0001", "it is empty"),
    "the last of two keys is empty": (b'{"job_ids":[' + JOB + b'],"job_ids":[]}', "DLI.0001", "it is empty"),
    "a null id": (b'{"job_ids":[' + JOB + b",null]}", "DLI.0001", "job_ids"),
    "true": (b'{"job_ids":[true]}', "DLI.0001", "not bool"),
    "a fraction": (b'{"job_ids":[1.5]}', "DLI.0001", "not float"),
    "a round fraction": (b'{"job_ids":[1.0]}', "DLI.0001", "not float"),
    "a power of ten": (b'{"job_ids":[1e0]}', "DLI.0001", "not float"),
    "out of every range": (b'{"job_ids":[1e400]}', "DLI.0001", "out of range"),
    "a nested list": (b'{"job_ids":[[' + JOB + b"]]}", "DLI.0001", "not array"),
    "no number": (b'{"job_ids":[' + JOB + b',"x"]}', "DLI.0001", "'x' is not a 64-bit number"),
    "an empty text": (b'{"job_ids":[""]}', "DLI.0001", "'' is not a 64-bit number"),
    "a fraction as text": (b'{"job_ids":["1.0"]}', "DLI.0001", "'1.0' is not a 64-bit number"),
    "hexadecimal": (b'{"job_ids":["0x1"]}', "DLI.0001", "'0x1' is not a 64-bit number"),
    "digits of another script": ('{"job_ids":["\u0661"]}'.encode(), "DLI.0001", "is not a 64-bit number"),
    "beyond 64 bits": (b'{"job_ids":[' + JOB + b",9223372036854775808]}", "DLI.0001", "is beyond 64 bits"),
    "far beyond": (b'{"job_ids":[' + JOB + b"," + b"9" * 4000 + b"]}", "DLI.0001", ""),
    "beyond, as text": (b'{"job_ids":["9223372036854775808"]}', "DLI.0001", "is beyond 64 bits"),
    "zero": (b'{"job_ids":[' + JOB + b",0]}", "DLI.12001", "Job id 0 is not valid"),
    "negative": (b'{"job_ids":[-1]}', "DLI.12001", "Job id -1 is not valid"),
    "negative, as text": (b'{"job_ids":["-1"]}', "DLI.12001", "Job id -1 is not valid"),
    "the flag as text": (b'{"job_ids":[' + JOB + b'],"trigger_savepoint":"true"}', "DLI.0001", "not str"),
    "the flag as number": (b'{"job_ids":[' + JOB + b'],"trigger_savepoint":1}', "DLI.0001", "not int"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_stops_nothing(at: Target, name: str) -> None:
    body, code, words = BODIES[name]
    assert words in refused(at.ask("POST", STOP, body), 400, code)
    if not name.startswith("the flag"):
        refused(at.ask("POST", f"{DLI}/jobs/run", body), 400, code)
        refused(at.ask("POST", f"{DLI}/jobs/delete", body), 400, code)


def test_every_field_is_refused_in_chinese_too(at: Target) -> None:
    for name in ("none", "text", "empty ids", "beyond 64 bits", "zero", "the flag as text"):
        body, code, _ = BODIES[name]
        message = refused(at.ask("POST", STOP, body, X_Language="zh-cn"), 400, code)
        assert re.search("[\u4e00-\u9fff]", message), message
    gone = at.ask("GET", "/v1.0/nowhere", X_Language="zh-cn")
    assert "没有" in refused(gone, 404, "APIGW.0101")
    assert refused(at.ask("POST", STOP, b"x", X_Language="tlh"), 400, "DLI.10004").isascii()


def test_a_compressed_body_is_not_taken_for_another(at: Target) -> None:
    body = gzip.compress(json.dumps({"job_ids": [at.job]}).encode())
    refused(at.ask("POST", STOP, body, Content_Encoding="gzip"), 400, "DLI.10004")


def test_a_million_ids(at: Target) -> None:
    for ids in ([at.job] * 1_000_000, [*range(2, 1_000_002)], [at.job] * 100_001):
        body = json.dumps({"job_ids": ids, "trigger_savepoint": True}, separators=(",", ":"))
        message = refused(at.ask("POST", STOP, body), 400, "DLI.0009")
        assert f"names {len(ids)} jobs; one may name at most 100000. Nothing was done." in message
        ours = json.dumps({"job_ids": ids}, separators=(",", ":"))
        assert "job_ids holds more than 100000 items" in refused(at.ask("POST", STOPS, ours), 400, "bad_request")


def test_a_million_long_ids_are_over_the_limit_of_a_body(at: Target) -> None:
    body = json.dumps({"job_ids": [2**62] * 1_000_000})
    message = refused(at.ask("POST", STOP, body), 413, "APIGW.0201")
    assert message == "The request body is larger than 12 MB. Send less in one request."


def test_a_body_just_within_the_limit_is_read(at: Target) -> None:
    frame = b'{"job_ids":[],"x":""}'
    body = frame.replace(b'""', b'"' + b"y" * (LIMIT - len(frame)) + b'"')
    assert len(body) == LIMIT
    assert "it is empty" in refused(at.ask("POST", STOP, body), 400, "DLI.0001")
    assert refused(at.ask("POST", STOP, body + b" "), 413, "APIGW.0201")


def test_a_body_over_the_limit_that_does_not_say_its_length(at: Target) -> None:
    body = f'{{"job_ids":[{at.job}],"x":"'.encode() + b"y" * LIMIT + b'"}'
    for path, code, words in ((STOP, "APIGW.0201", "larger than 12 MB"), (STOPS, "too_large", f"than {LIMIT} bytes")):
        connection = http.client.HTTPConnection(at.address, timeout=30)
        pieces = (body[start : start + 65536] for start in range(0, len(body), 65536))
        connection.request("POST", path, pieces, {"Transfer-Encoding": "chunked"}, encode_chunked=True)
        got = connection.getresponse()
        assert words in refused(Answer(got.status, got.headers, got.read().decode()), 413, code)
        connection.close()


def test_only_the_length_is_over_the_limit(at: Target) -> None:
    with at.socket() as opened:
        head = f"POST {STOP} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {LIMIT + 1}\r\n\r\n"
        opened.sendall(head.encode())
        assert opened.recv(4096).startswith(b"HTTP/1.1 413 "), "answered without waiting for the body"


# Ids, projects, paths and verbs. -------------------------------------------------------------------------------------


def test_jobs_that_are_not_there_or_not_ours(at: Target) -> None:
    answer = at.ask("POST", STOP, json.dumps({"job_ids": [99, at.theirs, 2**63 - 1]}))
    assert answer.status == 400
    assert [each["error_code"] for each in answer.json] == ["DLI.15001"] * 3
    ours = at.ask("POST", STOPS, json.dumps({"job_ids": [99, at.theirs, 2**63 - 1]}))
    assert (ours.json["id"], ours.json["accepted"]) == (None, 0)
    assert [each["code"] for each in ours.json["jobs"]] == ["unknown"] * 3
    refused(at.ask("GET", f"{DLI}/jobs/{at.theirs}"), 400, "DLI.16001")
    refused(at.ask("DELETE", f"{DLI}/jobs/{at.theirs}"), 400, "DLI.17001")


@pytest.mark.parametrize("project", ["%7Bproject_id%7D", "a" * 65, "a-b", "..", "%00", "%E9%A1%B9", PROJECT + "."])
def test_a_project_that_cannot_be(at: Target, project: str) -> None:
    body = json.dumps({"job_ids": [at.job]})
    refused(at.ask("POST", f"/v1.0/{project}/streaming/jobs/stop", body), 400, "DLI.10010")
    refused(at.ask("POST", f"/api/v1/projects/{project}/stops", body), 400, "bad_request")


def test_another_project_has_other_jobs(at: Target) -> None:
    body = json.dumps({"job_ids": [at.job]})
    assert at.ask("POST", "/v1.0/nobody/streaming/jobs/stop", body).json[0]["error_code"] == "DLI.15001"
    everything = at.ask("POST", "/api/v1/projects/nobody/stops", '{"all":true}')
    assert everything.json == {"id": None, "accepted": 0, "refused": 0, "jobs": []}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", STOP),
        ("PUT", STOP),
        ("DELETE", STOP.replace("/jobs/stop", "/jobs")),
        ("OPTIONS", STOP),
        ("POST", f"{STOP}/now"),
        ("POST", f"/prefix{STOP}"),
        ("POST", STOP.replace("/v1.0/", "/v2.0/")),
        ("POST", STOP.replace(PROJECT, "..%2F..")),
        ("POST", STOP.upper()),
        ("POST", f"{DLI}/jobs/{FIRST}"),
        ("GET", f"{DLI}/jobs/{FIRST}/savepoint"),
        ("GET", f"{DLI}/flink-jobs"),
        ("DELETE", STOPS),
        ("PUT", STOPS),
        ("POST", f"{STOPS}/all"),
        ("GET", f"{STOPS}/1/resume"),
        ("POST", "/"),
        ("GET", "/v1.0"),
        ("PATCH", "/v1.0"),
    ],
)
def test_a_path_or_verb_that_is_none(at: Target, method: str, path: str) -> None:
    answer = at.ask(method, path, json.dumps({"job_ids": [at.job]}))
    refused(answer, 404, "APIGW.0101")
    assert answer.json["request_id"] == answer.headers["x-request-id"]


# What our own API refuses. -------------------------------------------------------------------------------------------

OURS_REFUSES = {
    "none": (None, "body: it is missing"),
    "no json": (b"{", "truncated"),
    "null": (b"null", "Expected `object`, got `null`"),
    "deep": (b'{"job_ids":' + b"[" * 100_000, "Expected `int`, got `array`"),
    "deep beside it": (b'{"queue":"c0","reason":' + b"[" * 100_000, "Expected `str`, got `array`"),
    "nothing chosen": (b"{}", "Say which jobs to stop"),
    "all, but not": (b'{"all":false}', "Say which jobs to stop"),
    "both": (b'{"job_ids":[1],"all":true}', "not both"),
    "both, by queue": (b'{"job_ids":[1],"queue":"c0"}', "not both"),
    "all as text": (b'{"all":"true"}', "Expected `bool`, got `str` - at `$.all`"),
    "all as number": (b'{"all":1}', "Expected `bool`, got `int`"),
    "the savepoint as text": (b'{"all":true,"savepoint":"false"}', "Expected `bool`, got `str`"),
    "the savepoint as null": (b'{"all":true,"savepoint":null}', "Expected `bool`, got `null`"),
    "an unknown field": (b'{"all":true,"trigger_savepoint":true}', "unknown field `trigger_savepoint`"),
    "an id as text": (b'{"job_ids":["1"]}', "Expected `int`, got `str`"),
    "an id as fraction": (b'{"job_ids":[1.0]}', "Expected `int`, got `float`"),
    "no ids": (b'{"job_ids":[]}', "of length >= 1"),
    "zero": (b'{"job_ids":[1,0]}', "Expected `int` >= 1 - at `$.job_ids[1]`"),
    "beyond 64 bits": (b'{"job_ids":[1,9223372036854775808]}', "Expected `int` <= 9223372036854775807"),
    "ids as text": (b'{"job_ids":"all"}', "Expected `array | null`, got `str`"),
    "a queue that is no text": (b'{"queue":1}', "Expected `str | null`, got `int`"),
    "a reason without end": (b'{"all":true,"reason":"' + b"y" * 501 + b'"}', "of length <= 500"),
}


@pytest.mark.parametrize("name", OURS_REFUSES)
def test_our_own_api_is_as_strict(at: Target, name: str) -> None:
    body, words = OURS_REFUSES[name]
    assert words in refused(at.ask("POST", STOPS, body), 400, "bad_request")


def test_a_queue_that_does_not_exist_is_not_one_with_nothing_to_stop(at: Target) -> None:
    message = refused(at.ask("POST", STOPS, '{"queue":"c-zero"}'), 404, "unknown_queue")
    assert "c-zero" in message


@pytest.mark.parametrize("way", ["", "/resume"])
def test_a_stop_that_is_none(at: Target, way: str) -> None:
    method = "POST" if way else "GET"
    assert "no stop 99" in refused(at.ask(method, f"{STOPS}/99{way}"), 404, "unknown_stop")
    for number in ("0", "-1", "9223372036854775808"):
        assert "stop_id" in refused(at.ask(method, f"{STOPS}/{number}{way}"), 400, "bad_request")
    refused(at.ask(method, f"{STOPS}/last{way}"), 404, "APIGW.0101")


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "9" * 30, "1.5"])
def test_a_limit_that_is_none(at: Target, limit: str) -> None:
    assert "limit" in refused(at.ask("GET", f"{STOPS}?limit={limit}"), 400, "bad_request")


# Connections. --------------------------------------------------------------------------------------------------------


def complete(at: Target) -> bytes:
    """A request that would stop the job, if all of it arrived."""
    body = json.dumps({"job_ids": [at.job]}).encode()
    return f"POST {STOP} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body) + 1}\r\n\r\n".encode() + body + b" "


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_hangs_up_in_the_middle(at: Target, reset: bool) -> None:
    request = complete(at)
    for end in (10, request.index(b"\r\n\r\n"), len(request) - 20, len(request) - 1):
        with at.socket() as opened:
            opened.sendall(request[:end])
            time.sleep(0.05)
            if reset:
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    chunked = f"POST {STOP} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    with at.socket() as opened:
        body = json.dumps({"job_ids": [at.job]}).encode()
        opened.sendall(chunked + f"{len(body):x}\r\n".encode() + body + b"\r\n")  # and no last chunk
        time.sleep(0.05)
    time.sleep(0.1)


def test_slow_clients_hold_up_nobody(at: Target) -> None:
    request = complete(at)
    with ExitStack() as stack:
        for number in range(50):
            stack.enter_context(at.socket()).sendall(request[: 20 if number % 2 else -1])
        for _ in range(5):
            assert at.ask("GET", f"{DLI}/jobs").status == 200


def test_what_is_no_http_is_refused_and_the_connection_closed(at: Target) -> None:
    for garbage in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100,
        b"stop everything\r\n\r\n",
        b"BREW /coffee HTTP/1.1\r\n\r\n",
    ):
        with at.socket() as opened:
            opened.sendall(garbage)
            answer = opened.recv(4096)
            assert answer.startswith(b"HTTP/1.1 400 "), answer
            assert opened.recv(4096) == b""


def test_two_lengths_are_one_too_many(at: Target) -> None:
    """What a proxy and the service read differently can smuggle a request past the proxy."""
    smuggled = f"POST {STOP} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 17\r\n\r\n" + json.dumps(
        {"job_ids": [at.job]}
    )
    for heads in ("Content-Length: 0\r\nContent-Length: 5", "Content-Length: 0\r\nTransfer-Encoding: chunked"):
        with at.socket() as opened:
            opened.sendall(
                f"POST {STOP} HTTP/1.1\r\nHost: localhost\r\n{heads}\r\n\r\n0\r\n\r\n{smuggled}".encode()[:-1]
            )
            assert b"HTTP/1.1 40" in opened.recv(4096)
    time.sleep(0.1)


def test_a_connection_is_good_for_more_after_an_error(at: Target) -> None:
    connection = http.client.HTTPConnection(at.address, timeout=30)
    connection.connect()
    port = connection.sock.getsockname()[1]
    refused(at.ask_on(connection, "POST", STOP, b"{"), 400, "DLI.10004")
    refused(at.ask_on(connection, "GET", "/nowhere"), 404, "APIGW.0101")
    refused(at.ask_on(connection, "POST", STOP, b"x" * (LIMIT + 1)), 413, "APIGW.0201")
    assert at.ask_on(connection, "GET", f"{DLI}/jobs/{at.job}").status == 200
    assert connection.sock.getsockname()[1] == port, "all on one connection"
    connection.close()


def test_requests_sent_in_one_go_are_answered_in_order(at: Target) -> None:
    wrong = f"POST {STOP} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{{}}"
    right = f"GET {DLI}/jobs/{at.job} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    gone = "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with at.socket() as opened:
        opened.sendall((wrong + right + wrong + gone).encode())
        answers = b"".join(iter(lambda: opened.recv(65536), b""))
    statuses = re.findall(rb"HTTP/1\.1 (\d+) ", answers)
    assert statuses == [b"400", b"200", b"400", b"404"]


def test_and_the_job_can_be_stopped_all_the_same(service: Target) -> None:
    """The last test here. It proves that the others would have seen a stop."""
    fleet = service.fleet
    [job] = fleet.run()
    assert service.ask("POST", STOP, json.dumps({"job_ids": [str(job)], "trigger_savepoint": True})).status == 200
    fleet.until([job], "stopped")
    wait_for(lambda: fleet.cluster.fake.count("stop") == 1)
    # Away with its traces, so that what every test checks holds here as well.
    fleet.forget(job)
