"""How attackers speak: plain sockets, many at once, from an address of their own; nothing waits for ever."""

import contextlib
import json
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from tests.support.doubles.fleet import PROJECT

ATTACKER = "127.0.0.2"


class Wire:
    """Connections to one service. It counts what is sent."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.address = (parts.hostname or "", parts.port or 80)
        self.host = parts.netloc
        self.requests = 0
        self.bytes = 0
        self.statuses: Counter[int] = Counter()
        self._lock = threading.Lock()

    # The paths of a project. --------------------------------------------------------------------------------------

    def dli(self, path: str) -> str:
        """A path of DLI's API."""
        return f"/v1.0/{PROJECT}/streaming{path}"

    def own(self, path: str) -> str:
        """A path of our own API."""
        return f"/api/v1/projects/{PROJECT}{path}"

    def graph(self, job: int, sql: str, patience: float = 30.0) -> tuple[int, bytes]:
        """Have the graph of some SQL drawn."""
        return self.ask("POST", f"/v3/{PROJECT}/streaming/jobs/{job}/gen-graph", {"sql_body": sql}, patience=patience)

    # One request. -------------------------------------------------------------------------------------------------

    def head(self, method: str, path: str, size: int = 0, **headers: str) -> bytes:
        """The head of a request with a body of so many bytes."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", "Content-Type: application/json"]
        lines += [f"Content-Length: {size}"] if size or method in {"POST", "PUT"} else []
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def connect(self, source: str = ATTACKER, *, room: int | None = None) -> socket.socket:
        """A connection; `room` is the bytes that its receiving end takes at most."""
        made = socket.socket()
        if room is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        made.settimeout(10)
        made.bind((source, 0))
        made.connect(self.address)
        return made

    def send(self, connection: socket.socket, content: bytes) -> None:
        """Send it, and count it."""
        self.count(1, len(content))
        connection.sendall(content)

    def count(self, requests: int, size: int) -> None:
        """So many requests, of so many bytes in all, were sent."""
        with self._lock:
            self.requests += requests
            self.bytes += size

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        patience: float = 20.0,
        source: str = ATTACKER,
        **headers: str,
    ) -> tuple[int, bytes]:
        """The status and the body of an answer; 0 when none came."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        headers.setdefault("Connection", "close")
        answer = b""
        try:
            with contextlib.closing(self.connect(source)) as connection:
                connection.settimeout(patience)
                with contextlib.suppress(ConnectionError):  # it may have answered before it had all of the body
                    self.send(connection, self.head(method, path, len(content), **headers) + content)
                while piece := connection.recv(1 << 16):
                    answer += piece
        except OSError:
            pass
        status = int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0
        with self._lock:
            self.statuses[status] += 1
        return status, answer.partition(b"\r\n\r\n")[2]

    # Many. --------------------------------------------------------------------------------------------------------

    def open(self, count: int, content: bytes, *, room: int | None = None) -> list[socket.socket]:
        """So many connections that have asked, and have read nothing. Those that are not let in are left out."""
        found = []
        for _ in range(count):
            try:
                connection = self.connect(room=room)
                found.append(connection)
                self.send(connection, content)
            except OSError:
                continue
        return found

    def hang_up(self, count: int, requests: Sequence[bytes]) -> None:
        """Ask over so many connections at once, and hang up on the answers."""
        for number, connection in enumerate(connections := self.open(count, b"")):
            with contextlib.suppress(OSError):
                self.send(connection, requests[number % len(requests)])
        close(connections)


def close(connections: Iterable[socket.socket]) -> None:
    """Hang up."""
    for connection in connections:
        with contextlib.suppress(OSError):
            connection.close()


def at_once(count: int, work: Callable[[int], object], patience: float = 60.0) -> None:
    """Do `work(number)` in so many threads, and wait for them so long at most."""
    threads = [threading.Thread(target=work, args=[number], daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + patience
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


def drain(connections: Sequence[socket.socket], seconds: float, over: threading.Event) -> None:
    """Read whatever comes, from all of them."""
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ)
        until = time.monotonic() + seconds
        while time.monotonic() < until and not over.is_set() and selector.get_map():
            for key, _ in selector.select(0.2):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                with contextlib.suppress(BlockingIOError):
                    try:
                        if not sock.recv(1 << 16):
                            selector.unregister(sock)
                    except OSError:
                        selector.unregister(sock)
