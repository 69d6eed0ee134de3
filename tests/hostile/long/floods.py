"""Many connections, many requests, slow ones: what somebody can do who has no credential."""

import contextlib
import json
import socket
import time
from collections.abc import Callable

from tests.hostile.long.attack import attack
from tests.hostile.long.stage import Scene, Stage, stop_all
from tests.hostile.long.wire import at_once, close, drain
from tests.support.doubles.fleet import PROJECT

ASSET = "/assets/swagger-ui-bundle.js"
PAGES = ("/docs", ASSET, "/docs/errors", "/docs/errors.json", "/nowhere", "/healthz")


def _hang_up(count: int, *paths: str) -> Callable[[Stage], None]:
    def act(at: Stage) -> None:
        requests = [at.wire.head("GET", path) for path in paths]
        at.wire.hang_up(count, requests)
        at.wait(4)

    return act


attack("hang-up-60-openapi", "2")(_hang_up(60, "/openapi.json"))
attack("hang-up-520-openapi", "2")(_hang_up(520, "/openapi.json"))
attack("hang-up-520-pages", "2")(_hang_up(520, *PAGES))


@attack("hang-up-wave-after-wave", "2")
def waves(at: Stage) -> None:
    """Connections that ask for the dearest page and are gone, again and again."""
    until = time.monotonic() + 5
    while time.monotonic() < until and not at.over.is_set():
        at.wire.hang_up(60, [at.wire.head("GET", path) for path in ("/openapi.json", "/docs/errors")])


@attack("no-readers-510", "5")
def no_readers(at: Stage) -> None:
    """They ask for a big file and take none of it; somebody else has to get in all the same."""
    _hold(at, at.wire.open(510, at.wire.head("GET", ASSET), room=4096), 8)


@attack("idle-connections-510", "5")
def idle(at: Stage) -> None:
    """They say nothing."""
    _hold(at, at.wire.open(510, b""), 8)


@attack("slow-heads-400", "5")
def slow_heads(at: Stage) -> None:
    """A letter of a head at a time."""
    connections = at.wire.open(400, b"GET /healthz HTTP/1.1\r\nX-")
    until = time.monotonic() + 6
    while time.monotonic() < until and not at.over.is_set():
        for connection in connections:
            with contextlib.suppress(OSError):
                at.wire.send(connection, b"a")
        at.wait(0.5)
    close(connections)


@attack("slow-bodies-400", "5")
def slow_bodies(at: Stage) -> None:
    """Bodies of a megabyte that come a byte at a time."""
    head = at.wire.head("POST", at.wire.dli("/sql-jobs"), 1 << 20)
    connections = at.wire.open(400, head + b"{" + b" " * 1000)
    _hold(at, connections, 6)


@attack("unread-answers-of-lists", "5", Scene(jobs=100))
def unread_lists(at: Stage) -> None:
    """Many requests over each connection, one after the other, whose answers nobody reads."""
    request = at.wire.head("GET", f"{at.wire.dli('/jobs')}?limit=100&show_detail=true")
    connections = at.wire.open(100, request * 50, room=4096)
    _hold(at, connections, 6)


@attack("event-streams-480", "8", Scene(jobs=50, stop_seconds=60.0))
def streams(at: Stage) -> None:
    """Everybody follows one stop that takes its time."""
    stop = stop_all(at, at.jobs)
    connections = at.wire.open(480, at.wire.head("GET", at.wire.own(f"/stops/{stop}/events")))
    drain(connections, 6, at.over)
    close(connections)


@attack("forwarded-for", "10", Scene(options=("--rate-limit=50",)))
def forwarded_for(at: Stage) -> None:
    """Each request says that it is for somebody else, so that nobody's rate is ever used up."""
    began, count = time.monotonic(), 600
    connection = at.wire.connect("127.0.0.1")  # from where a proxy might be expected
    for number in range(count):
        if at.over.is_set():
            return
        claims = f"10.{number >> 8}.{number & 255}.1"
        head = at.wire.head("GET", at.wire.dli("/jobs/1"), X_Forwarded_For=claims, Forwarded=f"for={claims}")
        try:
            at.wire.send(connection, head)
            at.wire.statuses[_status(connection)] += 1
        except OSError:
            break
    connection.close()
    allowed = 2 * 50 + 50 * (time.monotonic() - began) + 25
    if (served := at.wire.statuses[200]) > allowed:
        at.wrong(f"{served} of {count} requests were served, although the rate allows {allowed:.0f}")


@attack("password-guesses", "passwords", Scene(users=True))
def guesses(at: Stage) -> None:
    """Somebody guesses at many names at once; somebody else has to get a token meanwhile."""
    at_once(40, lambda number: [_token(at, f"name{number}-{turn}", "wrong") for turn in range(8)], 12)


@attack("password-guesses-beside-a-user", "passwords", Scene(users=True))
def guesses_beside(at: Stage) -> None:
    """The same, while a user asks for a token from an address of their own."""
    asked: list[tuple[int, float]] = []

    def either(number: int) -> None:
        if number == 0:
            at.wait(1)
            began = time.monotonic()
            status = _token(at, "good", "a quite good password", source="127.0.0.4")
            asked.append((status, time.monotonic() - began))
        else:
            for turn in range(10):
                _token(at, f"name{number}-{turn}", "wrong")

    at_once(40, either, 30)
    if asked and (asked[0][0] != 201 or asked[0][1] > 5):
        at.wrong(f"a user's own token: {asked[0][0]} after {asked[0][1]:.1f} s")


@attack("unsigned-bodies", "2", Scene(users=True))
def unsigned(at: Stage) -> None:
    """Bodies of a megabyte with a signature that is none, from many at once."""
    from datetime import UTC, datetime

    when = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    signature = f"SDK-HMAC-SHA256 Access=NOBODY, SignedHeaders=host;x-sdk-date, Signature={'0' * 64}"
    body = b'{"job_ids":[' + b"1," * (1 << 19)

    def one(_: int) -> None:
        for _ in range(5):
            if not at.over.is_set():
                at.wire.ask(
                    "POST", at.wire.dli("/jobs/stop"), body[: (1 << 20)], Authorization=signature, X_Sdk_Date=when
                )

    at_once(20, one, 20)


def _token(at: Stage, name: str, password: str, source: str = "127.0.0.2") -> int:
    if at.over.is_set():
        return 0
    user = {"name": name, "password": password, "domain": {"name": "d"}}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"project": {"id": PROJECT}}}
    body = json.dumps({"auth": auth}).encode()
    return at.wire.ask("POST", "/v3/auth/tokens", body, patience=30, source=source)[0]


def _hold(at: Stage, connections: list[socket.socket], seconds: float) -> None:
    at.wait(seconds)
    close(connections)


def _status(connection: socket.socket) -> int:
    """The status of the next answer, which is read to its end."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        if not (piece := connection.recv(1 << 16)):
            raise ConnectionResetError
        answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    left = int(lines.get(b"content-length", b"0")) - len(body)
    while left > 0:
        left -= len(connection.recv(left))
    return int(head[9:12])


@attack("nothing", "-")
def nothing(at: Stage) -> None:
    """What the machine itself does to the figures."""
    at.wait(5)
