"""Another caller: asks `/healthz` twenty times a second until its input ends, and tells how long each answer took.

A question counts from the moment that it was due, so that an answer that keeps the next ones waiting counts as often as
somebody would have waited for it. Every other question comes over a new connection.
"""

import contextlib
import json
import os
import queue
import socket
import sys
import threading
import time
from typing import Any
from urllib.parse import urlsplit

EVERY = 0.05  # seconds
PATIENCE = 30.0  # seconds for one answer
AT_ONCE = 12  # questions under way, each over a new connection

Due = queue.Queue["float | None"]


class Prober:
    """What was answered: seconds for each question, None where no answer came."""

    def __init__(self, url: str, source: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 80)
        self._source = (source, 0)
        self._head = f"GET /healthz HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        self.answers: list[tuple[float, float | None]] = []

    def run(self, ended: threading.Event) -> None:
        """Ask until told to end."""
        new, kept = Due(), Due()
        workers = [threading.Thread(target=self._ask_new, args=[new], daemon=True) for _ in range(AT_ONCE)]
        workers.append(threading.Thread(target=self._ask_kept, args=[kept], daemon=True))
        for worker in workers:
            worker.start()
        due, turn = time.monotonic(), 0
        while not ended.wait(max(0.0, due - time.monotonic())):
            (new, kept)[turn % 2].put(due)
            due, turn = due + EVERY, turn + 1
        for worker in workers:
            (kept if worker is workers[-1] else new).put(None)
        until = time.monotonic() + PATIENCE
        for worker in workers:
            worker.join(max(0.0, until - time.monotonic()))
        self.answers += [(due, None)] * (turn - len(self.answers))  # those that nobody answers

    def _ask_new(self, due: Due) -> None:
        while (at := due.get()) is not None:
            with contextlib.ExitStack() as stack:
                self._ask(at, lambda stack=stack: stack.enter_context(self._connect()))

    def _ask_kept(self, due: Due) -> None:
        there: list[socket.socket] = []

        def connection() -> socket.socket:
            if not there:
                there.append(self._connect())
            return there[0]

        while (at := due.get()) is not None:
            if not self._ask(at, connection, kept=True):
                there.clear()

    def _ask(self, at: float, connection: Any, *, kept: bool = False) -> bool:
        try:
            with_ = "keep-alive" if kept else "close"
            open_ = connection()
            open_.sendall(f"{self._head}Connection: {with_}\r\n\r\n".encode())
            good = _answer(open_).startswith(b"HTTP/1.1 200")
        except (OSError, ValueError):
            good = False
        self.answers.append((at, time.monotonic() - at if good else None))
        return good

    def _connect(self) -> socket.socket:
        return socket.create_connection(self._address, PATIENCE, self._source)


def _answer(connection: socket.socket) -> bytes:
    """The next answer, whole. Raises `OSError`, `ValueError`."""
    answer = b""
    while b"\r\n\r\n" not in answer or len(answer) < _length(answer):
        if not (piece := connection.recv(4096)):
            raise ConnectionResetError
        answer += piece
    return answer


def _length(answer: bytes) -> int:
    head, _, _ = answer.lower().partition(b"\r\n\r\n")
    return len(head) + 4 + int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])


def main() -> None:
    """`prober URL SOURCE`: the answers as JSON on standard output, when standard input ends."""
    prober, ended = Prober(sys.argv[1], sys.argv[2]), threading.Event()
    asking = threading.Thread(target=prober.run, args=[ended])
    asking.start()
    sys.stdin.read()
    ended.set()
    asking.join()
    sys.stdout.write(json.dumps(prober.answers))
    sys.stdout.flush()
    os._exit(0)  # what still waits for an answer need not be waited for


if __name__ == "__main__":
    main()
