"""What others have written reaches the terminal of whoever runs a command as letters, never as orders."""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console

from sluiceway.cli import output, tables
from sluiceway.cli.main import run
from sluiceway.cli.output import NO_SERVICE, one_line, visible
from sluiceway.cli.progress import Board, Line

# A colour, a title, the clipboard, another direction, the beginning of the line, one byte for ESC [, markup, a line.
EVIL = "\x1b[31m \x1b]0;t\x07 \x1b]52;c;ZQ==\x07 \u202e \r \x9b2J [red]x[/red] \u2028 \x7f \ud800 a\nsluiceway: gone"
ORDERS = ("\x1b", "\x07", "\u202e", "\r", "\x9b", "\u2028", "\x7f", "\ud800")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("orders-1", "orders-1"),
        ("作业　订单", "作业　订单"),
        ("a\tb\nc", "a\tb\nc"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\x9bb", "a\\x9bb"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200bb", "a\\u200bb"),
        ("a\r\nb", "a\\r\nb"),
        ("a\ud800b", "a\\ud800b"),
        ("\U000e0041", "\\U000e0041"),
        ("[red]x[/red]", "[red]x[/red]"),
    ],
)
def test_what_is_not_to_be_seen_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_one_line_is_one_line() -> None:
    assert one_line(EVIL).splitlines() == [one_line(EVIL)]
    assert not set(ORDERS) & set(one_line(EVIL))


class Evil:
    """A service whose every answer is the same."""

    def __init__(self) -> None:
        self.status, self.body, self.headers = 200, b"", {"X-Sluiceway-Stop": "\x1b[31m"}
        evil = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(evil.status)
                for name, value in {**evil.headers, "Content-Length": str(len(evil.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(evil.body)

            do_GET = do_POST = do_DELETE = do_PUT = answer  # noqa: N815 - the library's names

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def says(self, data: Any, status: int = 200) -> None:
        """From now on this, bytes as they are."""
        self.status, self.body = status, data if isinstance(data, bytes) else json.dumps(data).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def evil() -> Iterator[Evil]:
    stub = Evil()
    yield stub
    stub.close()


JOB = {
    "job_id": 1,
    "name": EVIL,
    "desc": EVIL,
    "status": EVIL,
    "status_desc": EVIL,
    "create_time": 10**30,
    "start_time": -(10**18),
    "duration": 5,
    "has_savepoint": True,
    "queue_name": EVIL,
    "sql_body": EVIL,
    "savepoint_path": EVIL,
    "job_config": {"runtime_config": EVIL, "parallel_number": EVIL, "checkpoint_enabled": True},
}
STOP = {
    "id": 1,
    "savepoint": True,
    "reason": EVIL,
    "created_at": EVIL,
    "settled": True,
    "phases": {EVIL: 1},
    "state_reason": EVIL,
    "jobs": [
        {
            "job_id": 1,
            "name": EVIL,
            "queue": EVIL,
            "phase": EVIL,
            "savepoint": EVIL,
            "size": -1,
            "verified": False,
            "reason": EVIL,
            "accepted_at": "2026-01-01T00:00:00",
            "settled_at": "9999-12-31T23:59:59-23:00",
        }
    ],
}
EVENT = {"id": 1, "at": EVIL, "kind": EVIL, "job_id": 1, "stop_id": None, "who": EVIL, "detail": EVIL}
MOVE = {
    "id": 1,
    "to": EVIL,
    "stop_id": 1,
    "resume_id": 2,
    "created_at": EVIL,
    "state": "paused",
    "state_reason": EVIL,
    "jobs_total": 1,
    "phases": {EVIL: 1},
    "settled": True,
    "reason": EVIL,
    "jobs": [
        {
            "job_id": 1,
            "name": EVIL,
            "from_queue": EVIL,
            "queue": EVIL,
            "phase": "not_started",
            "why": EVIL,
            "wave": 0,
            "savepoint": EVIL,
            "stopped_at": "2026-01-01T00:00:00",
            "proven_at": "9999-12-31T23:59:59-23:00",
        }
    ],
}
REFUSED = {"accepted": 0, "refused": 1, "jobs": [{"job_id": 1, "accepted": False, "code": EVIL, "message": EVIL}]}
SAVEPOINT = {
    "id": 1,
    "job_id": 1,
    "stop_id": 1,
    "path": EVIL,
    "bytes": 10**40,
    "created_at": EVIL,
    "verified_at": EVIL,
    "fault": EVIL,
    "removed_at": None,
    "needed": False,
    "needed_by": EVIL,
}
SHOWN = [
    (["jobs", "list"], {"job_list": {"total_count": 1, "jobs": [JOB]}}),
    (["jobs", "show", "1"], {"job_detail": JOB}),
    (["jobs", "run", "1"], [{"is_success": "false", "error_code": EVIL, "message": EVIL}]),
    (["stops", "list"], {"stops": [STOP]}),
    (["stops", "show", "1"], STOP),
    (["stops", "show", "1", "--wait"], {**STOP, "state": "paused"}),
    (["events"], {"events": [EVENT], "next": 1}),
    (["stop", "1"], REFUSED),
    (["stop", "1", "--dry-run"], REFUSED),
    (["resume", "1"], REFUSED),
    (["moves", "list"], {"moves": [MOVE]}),
    (["moves", "show", "1"], MOVE),
    (["moves", "show", "1", "--wait"], MOVE),
    (["move", "1", "--to", "other", "--yes"], REFUSED),
    (["savepoints", "list"], {"savepoints": [SAVEPOINT]}),
]


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(("command", "said"), SHOWN)
def test_a_command_shows_foreign_words_as_letters(
    evil: Evil, capsys: pytest.CaptureFixture[str], command: list[str], said: Any, as_json: bool
) -> None:
    evil.says(said)
    assert run([*command, "--server", evil.url, *(["--json"] if as_json else [])]) in {0, 1, 2}
    out, err = capsys.readouterr()
    assert not set(ORDERS) & set(out + err)
    assert not any(line.startswith("sluiceway: gone") for line in err.splitlines())
    if as_json and out:
        json.loads(out)


COMMANDS = [
    ["jobs", "list"],
    ["jobs", "show", "1"],
    ["jobs", "show", "orders"],
    ["jobs", "run", "1"],
    ["jobs", "delete", "1", "--yes"],
    ["stop", "1"],
    ["stop", "--all", "--dry-run"],
    ["stops", "list"],
    ["stops", "show", "1"],
    ["stops", "abort", "1"],
    ["stops", "proceed", "1"],
    ["stops", "retry", "1"],
    ["resume", "1"],
    ["resumes", "list"],
    ["resumes", "show", "1"],
    ["resumes", "abort", "1"],
    ["resumes", "proceed", "1"],
    ["move", "1", "--to", "other", "--yes"],
    ["moves", "list"],
    ["moves", "show", "1"],
    ["moves", "abort", "1"],
    ["moves", "proceed", "1"],
    ["moves", "back", "1"],
    ["events"],
    ["savepoints", "list"],
    ["savepoints", "verify", "1"],
    ["savepoints", "take", "1"],
]
ODD = [
    b"",
    b"\xff\xfe",
    b"[" * 20_000,
    b"null",
    b"7",
    b'"text"',
    b"[]",
    b"{}",
    b"[null]",
    b'{"jobs": 5, "accepted": "x", "events": {}, "stops": [1], "job_detail": [], "job_list": "x", "id": []}',
    b"9" * 5_000,
]


@pytest.mark.parametrize("said", ODD, ids=range(len(ODD)))
def test_an_answer_that_is_none_ends_a_command_with_words(
    evil: Evil, capsys: pytest.CaptureFixture[str], said: bytes
) -> None:
    for status, commands in ((200, COMMANDS), (400, COMMANDS[:5])):
        evil.says(said, status)
        for command in commands:
            assert run([*command, "--server", evil.url]) in {0, 1, 2, NO_SERVICE}, command
    assert "Traceback" not in "".join(capsys.readouterr())


def test_an_error_of_the_service_is_shown_as_letters(evil: Evil, capsys: pytest.CaptureFixture[str]) -> None:
    evil.says({"error_code": EVIL, "error_msg": EVIL}, 400)
    assert run(["jobs", "list", "--server", evil.url]) == 2
    assert not set(ORDERS) & set("".join(capsys.readouterr()))


def test_the_events_of_a_stop_are_shown_as_letters(evil: Evil, capsys: pytest.CaptureFixture[str]) -> None:
    from sluiceway.cli.events import told

    assert not set(ORDERS) & set(told(EVENT))


def test_a_terminal_is_told_nothing_by_a_table_or_a_board(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "terminal", lambda: Console(force_terminal=True, width=200, color_system=None))
    tables.table(("id", "name"), [("1", EVIL)])
    board = Board("Stop 1", Console(force_terminal=True, width=200, color_system=None))
    board.show([Line(1, EVIL, EVIL, EVIL)])
    board._console.print(board._picture())
    output.say(EVIL)
    shown = capsys.readouterr().out
    assert "[red]x[/red]" in shown
    assert not (set(ORDERS) - {"\x1b"}) & set(shown)
    assert "\x1b[31m" not in shown
    assert "\x1b]" not in shown
