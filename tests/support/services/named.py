"""A service that knows a few names: what completion asks of our own API, answered over real HTTP."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

Job = Mapping[str, Any]
HOSTILE: Final = "$(touch owned)"  # the name of a job of others, which the shell must not carry out
WHEN: Final = "2026-11-28T08:00:00+00:00"


def job(number: int, name: str, **tags: str) -> Job:
    """One of a list."""
    about = {"job_id": number, "name": name, "queue": "prod", "status": "running", "why": "", "tags": tags}
    return {**about, "deleted_at": None, "health": None}


JOBS: Final = (
    job(12, "orders-eu", team="payments", tier="sink"),
    job(13, "orders-us", team="payments"),
    job(27, "stop", team="logistics"),  # as a command is called
    job(31, HOSTILE),
    job(32, "in\x1b[31m\nvisible"),
)
STOP: Final = {"id": 7, "state": "running", "reason": "kernel upgrade", "created_at": WHEN, "settled": False}
CLUSTERS: Final = ({"name": "prod", "health": None}, {"name": "edge", "health": {"answers": False}})


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self._tell(_answer(parts.path.rpartition("/")[2], parse_qs(parts.query)))

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _tell(self, data: object) -> None:
        content = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _answer(what: str, query: Mapping[str, Sequence[str]]) -> object:
    if what == "jobs":
        found = [job for job in JOBS if fnmatchcase(job["name"], query.get("name", ["*"])[0])]
        return {"jobs": found, "next": None, "total": len(found), "unjudged": 0}
    return {
        "clusters": {"clusters": CLUSTERS},
        "stops": {"stops": [STOP]},
        "savepoints": {"savepoints": [{"id": 55, "job_id": 12, "created_at": WHEN}]},
        "variables": {"count": 1, "global_vars": [{"var_name": "host"}]},
    }.get(what, {what: []})


@contextmanager
def knowing_names() -> Iterator[str]:
    """Its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
