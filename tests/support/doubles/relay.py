"""A relay in front of a real JobManager that misbehaves in the ways that networks and JobManagers do."""

import contextlib
import socket
import socketserver
import struct
import threading
import time
from collections import Counter
from enum import Enum
from types import TracebackType
from typing import Any, Self

from tests.support.flink.ha import HOST

_CHUNK = 1 << 16
_RESET = struct.pack("ii", 1, 0)  # lingering for no time at all


class Mood(Enum):
    """What it does when something is asked."""

    HONEST = "honest"
    SLOW = "slow"
    HANGING = "hanging"
    RESETTING = "resetting"
    GARBAGE = "garbage"
    BUSY = "busy"
    ELSEWHERE = "elsewhere"


_SLOW = 1.0  # seconds
_SAID = {
    Mood.GARBAGE: b"no HTTP at all\r\n\r\n",
    Mood.BUSY: b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy",
    Mood.ELSEWHERE: b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
}


class Relay:
    """Relays connections to a port of this machine. A context manager."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.mood = Mood.HONEST
        self.asked: Counter[Mood] = Counter()  # how often something was asked in each mood
        self.losing = 0  # so many of the next answers to stops get lost on their way back
        self._server = _Server((HOST, 0), _Connection)
        self._server.relay = self
        self.url = f"http://{HOST}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    relay: Relay


class _Connection(socketserver.BaseRequestHandler):
    request: socket.socket
    server: Any

    def handle(self) -> None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.server.relay.port)) as flink:
            self._lost = False
            threading.Thread(target=self._answers, args=(flink,), daemon=True).start()
            while asked := self.request.recv(_CHUNK):
                if not self._hear(asked, flink):
                    return

    def _hear(self, asked: bytes, flink: socket.socket) -> bool:
        """Do with a request as the mood is; tells whether the connection lives on."""
        relay: Relay = self.server.relay
        mood = relay.mood
        relay.asked[mood] += 1
        if mood is Mood.HANGING:
            while relay.mood is mood:
                time.sleep(0.05)
            return False
        if mood is Mood.RESETTING:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.request.close()
            return False
        if mood in _SAID:
            self.request.sendall(_SAID[mood])
            return False
        if mood is Mood.SLOW:
            time.sleep(_SLOW)
        if relay.losing and asked.startswith(b"POST ") and b"/stop " in asked.partition(b"\r\n")[0]:
            relay.losing -= 1
            self._lost = True
        flink.sendall(asked)
        return True

    def _answers(self, flink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while said := flink.recv(_CHUNK):
                if self._lost:
                    break
                self.request.sendall(said)
        with contextlib.suppress(OSError):
            self.request.shutdown(socket.SHUT_RDWR)
