"""The client commands against a stub of the service: exit codes, what is sent, and what is printed where."""

import io
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from rich.console import Console
from tests.support import processes

from sluiceway.cli import events as cli_events
from sluiceway.cli import progress
from sluiceway.cli.demo_job import DemoJob, judge
from sluiceway.cli.job_details import _retention
from sluiceway.cli.main import run
from sluiceway.cli.output_options import Output
from sluiceway.cli.progress import Board, Line

Answered = tuple[int, Any] | tuple[int, Any, dict[str, str]]
LOST: Answered = (0, None)  # it was heard, and the answer is lost
SQL = "INSERT INTO b SELECT n FROM s"


class Stub:
    """Answers what a test puts in; several answers to one call are given in turn, the last one for ever."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answered]] = {"GET /fares": [(200, {"jobs": [], "next": None})]}
        self.asked: list[tuple[str, Any]] = []
        self.keys: list[str | None] = []
        self.languages: list[str | None] = []
        self.queries: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def on(self, call: str, *answers: Answered) -> None:
        """`call` is the method and the path after the project, without the query."""
        self.answers[call] = list(answers)

    def sent(self, call: str) -> Any:
        """The body of the one call of this kind."""
        (body,) = [body for name, body in self.asked if name == call]
        return body

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(stub) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the handler's
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length)
                file = self.headers.get("Content-Type") == "application/octet-stream"
                body = raw if file else json.loads(raw) if length else None
                path, _, query = self.path.partition("?")
                stub.queries.append(query)
                path = (
                    path.replace("/v1.0/default/streaming", "")
                    .replace("/v1.0/default/variables", "/variables")
                    .replace("/api/v1/projects/default/jobs", "/fares")
                )
                call = f"{self.command} {path.replace('/api/v1/projects/default', '')}"
                stub.asked.append((call, body))
                stub.keys.append(self.headers.get("Idempotency-Key"))
                stub.languages.append(self.headers.get("X-Language"))
                answers = stub.answers.get(call, [(404, {"error_code": "APIGW.0101", "error_msg": f"no {call}"})])
                status, content, *headers = answers.pop(0) if len(answers) > 1 else answers[0]
                if status == LOST[0]:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                raw = json.dumps(content).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(raw)), **(headers[0] if headers else {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - the library wants these names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        return Handler


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    made = Stub()
    monkeypatch.setenv("SLUICEWAY_SERVER", made.url)
    for stop in (6, 7):  # which a resume counts first
        made.on(f"GET /stops/{stop}", a_stop(stopping(1)))
    yield made
    made.close()


Said = Callable[[], str]


def job(job_id: int, status: str, **fields: Any) -> dict[str, Any]:
    known = {
        "job_id": job_id,
        "name": f"job-{job_id}",
        "desc": "",
        "status": status,
        "status_desc": "",
        "create_time": 1_700_000_000_000,
        "start_time": None,
        "duration": 0,
        "has_savepoint": False,
        "queue_name": None,
        "sql_body": SQL,
        "savepoint_path": None,
        "job_config": {"parallel_number": 1},
    }
    return {**known, **fields}


def shown(job_id: int, status: str, **fields: Any) -> Answered:
    return 200, {"is_success": "true", "job_detail": job(job_id, status, **fields)}


def listed(*jobs: dict[str, Any], total: int | None = None) -> Answered:
    return 200, {"job_list": {"total_count": len(jobs) if total is None else total, "jobs": list(jobs)}}


def stopping(job_id: int, phase: str = "stopped", **fields: Any) -> dict[str, Any]:
    known = {
        "job_id": job_id,
        "name": f"job-{job_id}",
        "queue": "embedded",
        "phase": phase,
        "savepoint": f"file:///{'long/' * 30}{job_id}" if phase == "stopped" else None,
        "size": 4000 if phase == "stopped" else None,
        "verified": phase == "stopped",
        "reason": "",
        "accepted_at": "2026-01-01T00:00:00.000000Z",
        "settled_at": "2026-01-01T00:00:01.500000Z" if phase == "stopped" else None,
    }
    return {**known, **fields}


def a_stop(*jobs: dict[str, Any], savepoint: bool = True) -> Answered:
    settled = all(each["phase"] in {"stopped", "failed", "ended", "lost"} for each in jobs)
    head = {"id": 7, "savepoint": savepoint, "reason": "", "created_at": "2026-01-01T00:00:00Z"}
    return 200, {**head, "settled": settled, "phases": {}, "jobs": list(jobs)}


def accepted(*job_ids: int, refused: int = 0) -> Answered:
    jobs: list[dict[str, Any]] = [{"job_id": each, "accepted": True} for each in job_ids]
    jobs += [
        {"job_id": 900 + i, "accepted": False, "code": "unknown", "message": "There is no such job."}
        for i in range(refused)
    ]
    return 202, {"id": 7 if job_ids else None, "accepted": len(job_ids), "refused": refused, "jobs": jobs}


def outcomes(*codes: str | None) -> list[dict[str, str]]:
    good = {"is_success": "true", "message": "ok"}
    return [
        good if code is None else {"is_success": "false", "message": f"{code} no", "error_code": code} for code in codes
    ]


def fared_as(status: str, condition: str | None = None, *, up: bool = False, proof: str = "given") -> dict[str, Any]:
    """A page with one job, 5."""
    known = {"job_id": 5, "name": "job-5", "queue": "c0", "status": status, "why": "", "deleted_at": None}
    of = {"since": None, "tasks": 2, "running_tasks": 2, "restarts": 0, "cause": "", "slots_wanted": None}
    of |= {"slots_free": None, "unwell": False, "proof": proof, "up_at": "2026-01-01T00:00:00Z" if up else None}
    health = None if condition is None else {"condition": condition, **of}
    return {"jobs": [known | {"health": health}], "next": None, "total": 1}


# --- calls that are wrong -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["stop"],
        ["stop", "1", "--all"],
        ["stop", "--all", "--queue", "q"],
        ["stop", "--all", "--timeout", "5"],
        ["stop", "--all", "--wait", "--timeout", "0"],
        ["stop", "--everything"],
        ["stop", "--tag", "novalue"],
        ["stop", "--all", "--wave", ","],
        ["stop", "--all", "--abort-when", "120%"],
        ["stop", "--all", "--abort-when", "0"],
        ["stop", "--all", "--format", "odd"],
        ["stop", "--all", "--drain", "--no-savepoint"],
        ["stop", "--all", "--backoff", "5", "--no-savepoint"],
        ["stop", "--all", "--max-checkpoint-age", "60"],
        ["stop", "--all", "--on-failure", "cancel_keeping_checkpoint"],
        ["resume"],
        ["resume", "7", "--job", "1"],
        ["resume", "x"],
        ["resume", "--job", "1", "--failed"],
        ["resume", "7", "--pace", "0"],
        ["resume", "7", "--no-park", "--park-after", "60"],
        ["resume", "7", "--abort-when", "many"],
        ["resume", "7", "--plan", "5"],
        ["resume", "--plan", "5", "--drained"],
        ["stop", "--plan", "5", "--all"],
        ["stop", "1", "--plan", "5"],
        ["stop", "--plan", "5", "--dry-run"],
        ["stop", "1", "--window", "2h"],
        ["stop", "1", "--dry-run", "--window", "soon"],
        ["jobs", "run", "1", "--dry-run"],
        ["stops", "show"],
        ["stops", "nonsense"],
        ["jobs", "run"],
        ["jobs", "run", "1", "--timeout", "5"],
        ["jobs", "delete"],
        ["jobs", "create", "a"],
        ["jobs", "create", "a", "--sql", "no-such-file.sql"],
        ["jobs", "list", "--limit", "0"],
        ["jobs", "list", "--offset", "-1"],
        ["jobs", "list", "--project", "a-b"],
        ["jobs", "list", "--server", "somewhere"],
        ["demo", "--jobs", "0"],
        ["nonsense"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_exits_with_2_and_asks_for_nothing(
    stub: Stub, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert not stub.asked
    said = capsys.readouterr()
    assert said.err.startswith("sluiceway: ")
    assert not said.out


def test_an_option_that_is_no_pair_is_a_wrong_call(stub: Stub, tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text(SQL)
    assert run(["jobs", "create", "a", "--sql", str(tmp_path / "a.sql"), "--option", "lonely"]) == 2
    assert not stub.asked


@pytest.mark.parametrize(
    "command",
    [
        "",
        "database backup",
        "database restore",
        "serve",
        "demo",
        "jobs",
        "jobs create",
        "jobs run",
        "jobs list",
        "jobs show",
        "jobs delete",
        "stop",
        "stops",
        "stops list",
        "stops show",
        "stops watch",
        "stops abort",
        "stops proceed",
        "stops retry",
        "events",
        "resume",
        "resumes",
        "resumes list",
        "resumes show",
        "resumes watch",
        "resumes abort",
        "resumes proceed",
        "savepoints",
        "savepoints list",
        "savepoints take",
        "savepoints register",
        "savepoints choose",
        "savepoints verify",
        "savepoints delete",
        "savepoints inspect",
        "variables",
        "variables list",
        "variables set",
        "variables delete",
        "wait",
    ],
)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command.split(), "--help"]) == 0
    said = capsys.readouterr().out
    assert "Usage: sluiceway" in said
    if command not in {"", "serve", "jobs", "stops", "resumes", "savepoints", "variables"}:
        assert "Example: sluiceway" in said


def test_the_environment_sets_no_option_but_the_named_ones(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICEWAY_ALL", "true")
    monkeypatch.setenv("SLUICEWAY_WAIT", "true")
    assert run(["stop"]) == 2
    assert not stub.asked


def test_the_services_settings_file_is_not_for_clients(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sluiceway.toml").write_text('port = 9000\nqueue = "x"\n')
    monkeypatch.chdir(tmp_path)
    assert run(["jobs", "list"]) == 0


# --- a service that is not there, or says no ------------------------------------------------------------------------


def test_a_service_that_is_not_there_exits_with_5_and_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["jobs", "list", "--server", "http://127.0.0.1:9"]) == 5
    said = capsys.readouterr().err
    assert "no service answers at http://127.0.0.1:9" in said
    assert "sluiceway serve" in said
    assert "--server" in said


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (400, "DLI.0001", 2),
        (400, "DLI.12001", 2),
        (400, "unusable_path", 2),
        (400, "DLI.16001", 1),
        (400, "no_whole_savepoint", 1),
        (400, "savepoint_too_large", 1),
        (500, "DLI.0999", 1),
        (404, "APIGW.0101", 1),
        (401, "APIGW.0301", 4),
        (403, "DLI.0003", 4),
    ],
)
def test_a_refusal_is_told_in_the_services_words(
    stub: Stub, capsys: pytest.CaptureFixture[str], status: int, code: str, exit_code: int
) -> None:
    stub.on("GET /jobs/5", (status, {"error_code": code, "error_msg": "Because."}))
    assert run(["jobs", "show", "5"]) == exit_code
    assert f"Because. ({code})" in capsys.readouterr().err


def test_another_server_is_recognised(capsys: pytest.CaptureFixture[str], stub: Stub) -> None:
    stub.on("GET /fares", (200, {"hello": "world"}))
    assert run(["jobs", "list"]) == 1
    assert "not understood" in capsys.readouterr().err


# --- without a command ------------------------------------------------------------------------------------------------


def test_without_a_command_the_fleet_is_shown_in_a_few_lines(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    head = {"id": 7, "savepoint": True, "reason": "", "created_at": "2026-01-01T00:00:00Z", "jobs_total": 40}
    stub.on("GET /clusters", (200, {"clusters": [], "files": []}))
    stub.on("GET /fares", (200, fared_as("running", "restarting")))
    under_way = {**head, "state": "paused", "jobs_settled": 12, "settled": False}
    stub.on("GET /stops", (200, {"stops": [under_way, {**head, "id": 6}]}))
    stub.on("GET /resumes", (200, {"resumes": []}))
    stub.on("GET /moves", (200, {"moves": []}))
    assert run([]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 6
    assert said[1] == "  clusters     0 registered."
    assert said[3] == "  under way    stop 7 (paused, 12 of 40)"
    assert "job 5 job-5 (restarting)" in said[4]


def test_without_a_command_and_a_service_there_is_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLUICEWAY_SERVER", "http://127.0.0.1:9")
    assert run([]) == 0
    assert "Usage: sluiceway COMMAND" in capsys.readouterr().out


# --- wait -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "looks", "code"),
    [
        ("running", [fared_as("running", "starting"), fared_as("running", "running", up=True)], 0),
        ("running", [fared_as("running", "running", up=True, proof="awaited")], 0),
        ("proven", [fared_as("running", "running", up=True, proof="awaited")], 6),
        ("proven", [fared_as("running", "running", up=True, proof="none")], 0),
        ("stopped", [fared_as("savepointing", "running"), fared_as("stopped")], 0),
        ("stopped", [fared_as("failed")], 1),
        ("running", [fared_as("failed")], 1),
        ("running", [{"jobs": [], "next": None}], 6),
    ],
)
def test_waiting_for_a_job(stub: Stub, wanted: str, looks: list[Any], code: int) -> None:
    stub.on("GET /fares", *((200, each) for each in looks))
    assert run(["wait", "5", f"--for={wanted}", "--timeout", "1"]) == code


@pytest.mark.parametrize(
    ("state", "settled", "code"), [("settled", True, 0), ("aborted", True, 0), ("paused", False, 1), ("open", False, 6)]
)
def test_waiting_for_a_stop(
    stub: Stub, capsys: pytest.CaptureFixture[str], state: str, settled: bool, code: int
) -> None:
    _, body, *_ = a_stop(stopping(1))
    stub.on("GET /stops/7", (200, {**body, "state": state, "settled": settled, "state_reason": "The limit is 1."}))
    assert run(["wait", "stop/7", "--for=settled", "--timeout", "0.1", "--json"]) == code
    [waited] = json.loads(capsys.readouterr().out)["waited"]
    assert (waited["what"], waited["met"]) == ("stop 7", settled)


@pytest.mark.parametrize(
    "words",
    [
        ["5", "--for=settled"],
        ["stop/7", "--for=running"],
        ["stop/x", "--for=settled"],
        ["queue/7", "--for=settled"],
        ["--for=running"],
        ["5", "stop/7", "--for=running"],
        ["5", "-l", "a=b", "--for=running"],
        ["--for=answering"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_waited_for_is_a_wrong_call(stub: Stub, words: list[str]) -> None:
    assert run(["wait", *words]) == 2
    assert not stub.asked


# --- jobs -----------------------------------------------------------------------------------------------------------


def test_create_sends_dlis_fields(stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.sql").write_text(SQL)
    stub.on("POST /sql-jobs", (200, {"job": {"job_id": 3, "status_name": "job_init", "status_desc": ""}}))
    stub.on("POST /jobs/run", (200, outcomes(None)))
    options = [
        "--queue",
        "q",
        "--parallelism",
        "9",
        "--checkpoint-interval",
        "30",
        "--restart",
        "--retention",
        "2h",
        "--option",
        "a.b=c=d",
        "--option",
        "e=f",
        "--run",
    ]
    assert run(["jobs", "create", "a", "--sql", str(tmp_path / "a.sql"), "--json", *options]) == 0
    assert stub.sent("POST /sql-jobs") == {
        "name": "a",
        "sql_body": SQL,
        "desc": "",
        "queue_name": "q",
        "parallel_number": 9,
        "cu_number": 4,
        "checkpoint_enabled": True,
        "checkpoint_interval": 30,
        "restart_when_exception": True,
        "idle_state_retention": 7200,
        "idle_state_retention_unit": "seconds",
        "runtime_config": '[{"key": "a.b", "value": "c=d"}, {"key": "e", "value": "f"}]',
    }
    assert stub.sent("POST /jobs/run") == {"job_ids": [3], "resume_savepoint": False}
    said = json.loads(capsys.readouterr().out)
    assert said["job"]["job_id"] == 3
    assert said["run"]["accepted"] == 1


def test_create_reads_sql_from_standard_input(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(SQL))
    stub.on("POST /sql-jobs", (200, {"job": {"job_id": 3, "status_name": "job_init", "status_desc": ""}}))
    assert run(["jobs", "create", "a", "--sql", "-"]) == 0
    assert stub.sent("POST /sql-jobs")["sql_body"] == SQL


@pytest.mark.parametrize("refusal", [(503, {"error_code": "DLI.0999", "error_msg": "Full."}), (400, {}), LOST])
def test_a_job_whose_start_is_refused_whole_is_told_with_its_id(
    stub: Stub, refusal: Answered, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {"job_id": 12, "status_name": "job_init", "status_desc": ""}
    stub.on("POST /sql-jobs", (200, {"is_success": "true", "job": made}))
    stub.on("POST /jobs/run", refusal)
    for json_too in ([], ["--json"]):
        monkeypatch.setattr("sys.stdin", io.StringIO(SQL))
        assert run(["jobs", "create", "orders", "--sql", "-", "--run", *json_too]) == 1
        out, err = capsys.readouterr()
        assert "Job 12 (orders) is created, and its start has failed" in err
        assert "sluiceway jobs run 12" in err
        assert json.loads(out) == {"job": made, "run": None} if json_too else "Job 12 (orders) is created." in out


def test_run_tells_each_refusal_and_exits_with_1(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /jobs/run", (200, outcomes(None, "DLI.13007")))
    assert run(["jobs", "run", "1", "2"]) == 1
    assert stub.sent("POST /jobs/run") == {"job_ids": [1, 2], "resume_savepoint": False}
    assert "job 2 is refused: no" in capsys.readouterr().err


def test_run_of_which_all_is_refused_exits_with_1(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /jobs/run", (400, [{"error_code": "DLI.13007", "error_msg": "no"}]))
    assert run(["jobs", "run", "1", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said == {
        "accepted": 0,
        "refused": 1,
        "jobs": [{"job_id": 1, "accepted": False, "code": "DLI.13007", "message": "no"}],
    }


def fare(job_id: int, condition: str | None, **fields: Any) -> dict[str, Any]:
    known = {
        "condition": condition,
        "since": "2026-11-27T12:00:00Z",
        "tasks": 2,
        "running_tasks": 2,
        "restarts": 0,
        "cause": "",
        "slots_wanted": None,
        "slots_free": None,
        "unwell": False,
        "proof": "none",
        "up_at": None,
    }
    about = {"job_id": job_id, "name": f"job-{job_id}", "queue": "c", "status": "running", "why": ""}
    return {**about, "deleted_at": None, "health": {**known, **fields} if condition else None}


def fares(*found: dict[str, Any]) -> Answered:
    return 200, {"jobs": list(found), "next": None}


UP = {"up_at": "2026-11-27T12:00:05Z"}


@pytest.mark.parametrize(
    ("end", "health", "state", "exit_code"),
    [
        ("job_running", fare(1, "running", **UP), "running", 0),
        ("job_finish", fare(1, None), "finished", 0),
        ("job_submit_fail", fare(1, None), "submit_failed", 1),
        ("job_running", fare(1, "restarting", restarts=3), "restarting", 1),
        ("job_running", fare(1, "no_slots", unwell=True), "no_slots 2/2", 1),
        ("job_running_exception", fare(1, "restarting", unwell=True), "failed, restarting", 1),
        ("job_running_exception", fare(1, None), "failed", 1),
    ],
)
def test_run_waits_until_it_runs_or_never_will(
    stub: Stub, end: str, health: dict[str, Any], state: str, exit_code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.on("POST /jobs/run", (200, outcomes(None)))
    stub.on("GET /jobs/1", shown(1, "job_submitting"), shown(1, end, status_desc="so it is"))
    stub.on("GET /fares", fares(fare(1, "unknown")), fares(health))
    assert run(["jobs", "run", "1", "--wait"]) == exit_code
    said = capsys.readouterr()
    assert said.err.splitlines()[:2] == ["1 job-1: submitting", f"1 job-1: {state} (so it is)"]
    assert "so it is" in said.out


def test_run_waits_for_all_tasks_and_the_first_checkpoint(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /jobs/run", (200, outcomes(None)))
    stub.on("GET /jobs/1", shown(1, "job_running"))
    first, second = fare(1, "starting", running_tasks=0), fare(1, "running", proof="awaited")
    stub.on("GET /fares", fares(first), fares(second), fares(fare(1, "running", proof="given", **UP)))
    assert run(["jobs", "run", "1", "--wait", "--json"]) == 0
    [state] = json.loads(capsys.readouterr().out)["statuses"]
    assert (state["runs"], state["health"]["proof"]) == (True, "given")
    assert (state["status"], state["dli_status"]) == ("running", "job_running")


def test_health_shows_what_ails_jobs_and_exits_with_1(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("GET /fares", fares(fare(1, "running", **UP), fare(2, "restarting", restarts=7)))
    assert run(["jobs", "health"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[1].split()[:5] == ["1", "job-1", "running", "2/2", "-"]
    assert out[2].split()[:5] == ["2", "job-2", "restarting", "2/2", "7"]
    assert run(["jobs", "health", "1", "--ailing"]) == 2


def test_run_gives_up_waiting_in_time(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /jobs/run", (200, outcomes(None)))
    stub.on("GET /jobs/1", shown(1, "job_submitting"))
    assert run(["jobs", "run", "1", "--wait", "--timeout", "0.1"]) == 6
    assert "The time is up" in capsys.readouterr().err


def test_names_stand_for_ids_when_they_are_exact(stub: Stub) -> None:
    stub.on("GET /jobs", listed(job(5, "job_init", name="orders-old"), job(4, "job_init", name="orders")))
    stub.on("POST /jobs/run", (200, outcomes(None)))
    assert run(["jobs", "run", "orders"]) == 0
    assert stub.sent("POST /jobs/run")["job_ids"] == [4]
    assert run(["jobs", "run", "order"]) == 3


def fared(job_id: int, status: str = "running", **fields: Any) -> dict[str, Any]:
    known = {"name": f"job-{job_id}", "queue": "prod", "why": "", "deleted_at": None, "health": None, "adopted": None}
    return {"job_id": job_id, "status": status, **known, **fields}


def page_of(*jobs: dict[str, Any], more: int | None = None, total: int | None = None) -> Answered:
    return 200, {"jobs": list(jobs), "next": more, "total": len(jobs) if total is None else total}


def test_list_takes_all_pages(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = [fared(i) for i in range(1101, 101, -1)], [fared(101)]
    stub.on("GET /fares", page_of(*first, more=102, total=1001), (200, {"jobs": second, "next": None, "total": None}))
    assert run(["jobs", "list", "--all", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["total_count"] == 1001
    assert [each["job_id"] for each in said["jobs"]] == [*range(1101, 100, -1)]
    assert stub.queries[:2] == ["limit=1000", "limit=1000&before=102"]


def test_a_piped_list_has_one_whole_line_for_each_job(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    why = "a reason that is\nlonger than any terminal is wide :warning: [bold] " + "x" * 200
    times = {"started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:01:05Z"}
    second = fared(1, "failed", why=why, savepoint="file:///a", **times)
    stub.on("GET /fares", page_of(fared(2), second, more=1, total=9))
    assert run(["jobs", "list", "--limit", "2"]) == 0
    said = capsys.readouterr()
    head, one, other = said.out.splitlines()
    assert head.split() == ["ID", "NAME", "CLUSTER", "STATUS", "STARTED", "LASTING", "SAVEPOINT", "WHY"]
    assert one.split() == ["2", "job-2", "prod", "running", "-", "-", "-", "-"]
    assert other.split()[3:8] == ["failed", "2026-01-01", "00:00:00Z", "1m5s", "yes"]
    assert other.endswith("is longer than any terminal is wide :warning: [bold] " + "x" * 200)
    assert "2 of 9 jobs" in said.err


CHOSEN = (
    *("--cluster", "a", "--queue", "b", "--cluster-label", "env=prod", "--name", "in-*", "-l", "tier in (x,y)"),
    *("--tag", "team=pay", "--status", "job_running", "--health", "restarting"),
    *("--match", "raw", "--reads", "a*", "--writes", "orders"),
)


def test_a_list_is_asked_for_by_the_same_selection_as_a_stop(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("GET /fares", page_of(fared(1)))
    assert run(["jobs", "list", *CHOSEN]) == 0
    assert sorted(parse_qsl(stub.queries[0])) == sorted(
        [
            *(("cluster", "a"), ("cluster", "b"), ("cluster_selector", "env=prod"), ("name", "in-*")),
            *(("selector", 'tier in (x,y),"team"="pay"'), ("status", "running"), ("health", "restarting")),
            *(("match", "raw"), ("reads", "a*"), ("writes", "orders"), ("limit", "20")),
        ]
    )
    stub.on("POST /stops", accepted(1))
    assert run(["stop", *CHOSEN, "--yes"]) == 0
    assert stub.sent("POST /stops")["select"] == {
        "clusters": ["a", "b"],
        "cluster_selector": "env=prod",
        "name": "in-*",
        "selector": "tier in (x,y)",
        "tags": {"team": "pay"},
        "status": ["running"],
        "health": ["restarting"],
        "match": "raw",
        "reads": "a*",
        "writes": "orders",
    }


def test_jobs_of_which_nobody_can_tell_are_never_left_out_in_silence(
    stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "3 jobs are left out: what they read and write is not all known yet."
    stub.on("GET /fares", (200, {"jobs": [fared(1)], "next": None, "total": 1, "unjudged": 3}))
    stub.on("POST /stops", (202, {**accepted(1)[1], "unjudged": 3}))
    stub.on("POST /resumes", (202, {**accepted(1)[1], "unjudged": 3}))
    stub.on("POST /savepoints", (202, {**accepted(1)[1], "unjudged": 3}))
    choice = ["--writes", "orders"]
    commands = (["jobs", "list"], ["stop"], ["stop", "--dry-run"], ["resume"], ["savepoints", "take"])
    for command in commands:
        run([*command, *choice])
        assert told in capsys.readouterr().err, command


def test_the_same_choice_in_every_command(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /resumes", accepted(1))
    stub.on("POST /savepoints", accepted(1))
    stub.on("GET /fares", page_of(fared(2, "stopped"), fared(1, "draft")))
    stub.on("POST /jobs/run", (200, outcomes(None, None)))
    assert run(["resume", "-l", "a=b", "--pace", "5", "--drained", "--yes"]) == 0
    body = {"select": {"selector": "a=b"}, "pace": 5, "allow": ["drained"]}
    assert stub.sent("POST /resumes") == body
    assert run(["savepoints", "take", "-l", "a=b", "--format", "native"]) == 0
    assert stub.sent("POST /savepoints") == {"select": {"selector": "a=b"}, "format": "native"}
    assert run(["jobs", "run", "-l", "a=b"]) == 0
    assert stub.sent("POST /jobs/run")["job_ids"] == [1, 2]
    asked = parse_qsl(stub.queries[-2])
    assert [value for name, value in asked if name == "status"] == ["draft", "submit_failed", "failed", "stopped"]
    assert run(["jobs", "run", "-l", "a=b", "--resume"]) == 0
    assert [body for call, body in stub.asked if call == "POST /resumes"][1] == {"job_ids": [1, 2]}
    capsys.readouterr()
    for command in (["resume"], ["savepoints", "take"], ["jobs", "run"]):
        assert run(command) == 2, "nothing is chosen"
        assert "in one way" in capsys.readouterr().err
    assert run(["savepoints", "take", "1", "-l", "a=b"]) == 2
    assert run(["resume", "7", "-l", "a=b"]) == 2
    stub.on("GET /fares", page_of())
    for call in ("POST /resumes", "POST /savepoints"):
        stub.on(call, accepted())
    for command in (["resume"], ["savepoints", "take"], ["jobs", "run"]):
        assert run([*command, "-l", "a=b"]) == 3
        assert "No job in project default matches -l 'a=b'; nothing was done." in capsys.readouterr().err


def test_tags_are_set_and_taken_away_of_each_job(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("GET /fares", page_of(fared(2), fared(1, "draft")))
    for job_id in (1, 2, 3):
        stub.on(f"POST /v3/default/dli_flink_job/{job_id}/tags/create", (204, None))
        stub.on(f"POST /v3/default/dli_flink_job/{job_id}/tags/delete", (204, None))
    assert run(["jobs", "tag", "--name", "in-*", "--set", "tier=source", "--remove", "draft"]) == 0
    assert capsys.readouterr().out == "Changed the tags of 2 jobs.\n"
    assert stub.sent("POST /v3/default/dli_flink_job/2/tags/create") == {"tags": [{"key": "tier", "value": "source"}]}
    assert stub.sent("POST /v3/default/dli_flink_job/1/tags/delete") == {"tags": [{"key": "draft"}]}
    assert run(["jobs", "tag", "3", "--set", "a=b", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"tagged": [3], "failed": []}
    stub.on("POST /v3/default/dli_flink_job/2/tags/create", (400, {"error_code": "DLI.16001", "error_msg": "Gone."}))
    assert run(["jobs", "tag", "2", "3", "--set", "a=b"]) == 1
    said = capsys.readouterr()
    assert "job 2: Gone." in said.err
    assert said.out == "Changed the tags of 1 job.\n"
    for wrong in (["1"], ["--set", "a=b"], ["1", "--set", "a!=b"], ["1", "--name", "x", "--set", "a=b"]):
        assert run(["jobs", "tag", *wrong]) == 2


def test_where_nothing_matches_it_is_said_with_an_exit_code_of_its_own(
    stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.on("GET /fares", page_of())
    stub.on("POST /stops", accepted())
    assert run(["jobs", "list"]) == 0, "a project without jobs is no failed selection"
    assert run(["jobs", "list", "--name", "m0"]) == 3
    assert "No job in project default matches --name 'm0'." in capsys.readouterr().err
    assert run(["stop", "--name", "m0", "--tag", "a=b"]) == 3
    assert "matches --name 'm0' --tag 'a=b'; nothing was done." in capsys.readouterr().err
    assert run(["stop", "--name", "m0", "--dry-run"]) == 3
    capsys.readouterr()
    assert run(["stop", "--all", "--yes"]) == 3
    assert "There is no job in project default that can be stopped now" in capsys.readouterr().err
    assert run(["stop", "--name", "m0", "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["jobs"] == []
    stub.on("GET /fares", page_of(fared(1, "stopped"), fared(2, "stopped"), fared(3, "draft")))
    assert run(["stop", "--name", "m*"]) == 3
    said = "None of the jobs that match --name 'm*' can be stopped now (3 jobs: 1 draft, 2 stopped); nothing was done."
    assert said in capsys.readouterr().err
    gone = {"error_code": "unknown_queue", "error_msg": "No cluster nope is registered."}
    stub.on("GET /fares", (404, gone))
    stub.on("POST /stops", (404, gone))
    for command in (["jobs", "list", "--cluster", "nope"], ["stop", "--queue", "nope"]):
        assert run(command) == 3
        assert "No cluster nope" in capsys.readouterr().err


@pytest.mark.parametrize("tag", ["tier!=x", "tier=source,sink", "tier==x", "tier=(x)", "novalue"])
def test_a_tag_that_means_more_than_one_value_is_refused(
    stub: Stub, capsys: pytest.CaptureFixture[str], tag: str
) -> None:
    for command in ("stop", "jobs list"):
        assert run([*command.split(), "--tag", tag]) == 2
        assert ("-l 'KEY in (A,B)'" in capsys.readouterr().err) == (tag != "novalue")
    assert stub.asked == []


@pytest.mark.parametrize(
    ("option", "text"), [("-l", "tier in x"), ("--cluster-label", "env=prod,"), ("--selector", "")]
)
def test_a_selector_is_read_before_anything_is_asked(
    stub: Stub, capsys: pytest.CaptureFixture[str], option: str, text: str
) -> None:
    for command in (["stop"], ["jobs", "list"]):
        assert run([*command, option, text]) == 2
        assert "is no selector: at" in capsys.readouterr().err
    assert stub.asked == []


def test_a_job_that_is_named_twice_is_one_job(stub: Stub) -> None:
    stub.on("POST /stops", accepted(1))
    stub.on("POST /jobs/run", (200, outcomes(None)))
    assert run(["stop", "1", "1"]) == 0
    assert stub.sent("POST /stops")["job_ids"] == [1]
    assert run(["jobs", "run", "1", "1"]) == 0
    assert stub.sent("POST /jobs/run")["job_ids"] == [1]


def test_show_shows_the_sql(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("GET /jobs/1", shown(1, "job_running"))
    assert run(["jobs", "show", "1"]) == 0
    said = capsys.readouterr().out
    assert ["status", "running"] in [line.split() for line in said.splitlines()]
    assert SQL in said


def test_show_leads_to_flinks_page_and_tells_tags_and_both_names_of_a_status(
    stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    flink = "0123456789abcdef0123456789abcdef"
    stub.on("GET /jobs/1", shown(1, "job_running"))
    found = fare(1, "starting", running_tasks=1) | {"flink_job_id": flink, "tags": {"tier": "sink", "a": "b"}}
    stub.on("GET /fares", fares(found))
    guards = {"headers": [], "user": "", "ca": False, "certificate": False}
    cluster: dict[str, Any] = {
        "name": "c",
        "addresses": ["http://jm:8081/"],
        "kind": "session",
        "labels": {},
        "projects": [],
    }
    cluster |= {"max_savepoints": None, "draining": False, "guards": guards, "source": "", "origin": ""}
    cluster |= {"default": True, "runs": 1, "trouble": "", "health": None}
    stub.on("GET /clusters/c", (200, cluster))
    page = f"http://jm:8081/#/job/running/{flink}/overview"
    assert run(["jobs", "show", "1"]) == 0
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line]
    assert ["status", "starting 1/2"] in lines
    assert ["tags", "a=b,tier=sink"] in lines
    assert ["flink", page] in [[line[0], line[-1].split()[-1]] for line in lines]
    assert run(["jobs", "show", "1", "-o", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["dli_status"]) == ("running", "job_running")
    assert (told["flink_page"], told["flink_job_id"], told["tags"]) == (page, flink, found["tags"])
    stub.on("GET /clusters/c", (403, {"error_code": "DLI.0003", "error_msg": "No."}))
    assert run(["jobs", "show", "1", "--columns", "flink_page,flink job"]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()[1:]] == [
        ["flink", "page", "-"],
        ["flink", "job", flink],
    ], "whoever may not see the cluster gets no link to it"


# --- stop, stops and resume -----------------------------------------------------------------------------------------


def test_stop_sends_the_selection_and_keeps_savepoints_by_default(stub: Stub) -> None:
    stub.on("POST /stops", accepted(1, 2))
    assert run(["stop", "1", "2", "--reason", "tonight"]) == 0
    assert stub.sent("POST /stops") == {"job_ids": [1, 2], "savepoint": True, "reason": "tonight"}
    stub.asked.clear()
    assert run(["stop", "--queue", "q", "--no-savepoint", "--yes"]) == 0
    assert stub.sent("POST /stops") == {"select": {"clusters": ["q"]}, "savepoint": False, "reason": ""}
    stub.asked.clear()
    assert run(["stop", "--all", "--savepoint", "--yes"]) == 0
    assert stub.sent("POST /stops") == {"all": True, "savepoint": True, "reason": ""}


def test_what_a_stop_is_told_is_what_it_asks_for(stub: Stub) -> None:
    stub.on("POST /stops", accepted(1))
    told = "--tag team=payments --status running --drain --format native --on-failure cancel --attempts 5 --backoff 3"
    more = "--wave tag:tier=sink --wave queue=prod --wave 3,4 --abort-when 10% --max-parallel 20 --stop-timeout 60"
    assert run(["stop", *told.split(), *more.split(), "--target", "/mnt/tonight", "--yes"]) == 0
    assert stub.sent("POST /stops") == {
        "select": {"tags": {"team": "payments"}, "status": ["running"]},
        "drain": True,
        "format": "native",
        "target": "/mnt/tonight",
        "on_savepoint_failure": {"action": "cancel", "attempts": 5, "backoff_seconds": 3.0},
        "waves": [{"tags": {"tier": "sink"}}, {"queue": "prod"}, {"job_ids": [3, 4]}],
        "abort_when": {"share": 0.1},
        "max_parallel": 20,
        "timeout_seconds": 60.0,
        "savepoint": True,
        "reason": "",
    }


def test_create_sends_tags_as_dli_takes_them(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    stub.on("POST /sql-jobs", (200, {"job": {"job_id": 3, "status_name": "job_init", "status_desc": ""}}))
    monkeypatch.setattr("sys.stdin", io.StringIO(SQL))
    assert run(["jobs", "create", "a", "--sql", "-", "--tag", "team=payments", "--tag", "tier=sink"]) == 0
    tags = stub.sent("POST /sql-jobs")["tags"]
    assert tags == [{"key": "team", "value": "payments"}, {"key": "tier", "value": "sink"}]
    assert run(["jobs", "create", "a", "--sql", "-", "--tag", "novalue"]) == 2


def test_a_dry_run_shows_what_stands_in_the_way(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    last = {"at": "2026-01-01T00:00:00Z", "duration_seconds": 1.5, "size": 4000}
    fine = {"state": "RUNNING", "tasks": 4, "running_tasks": 4, "last_checkpoint": last, "estimate_seconds": 2.0}
    fine["if_savepoint_fails"] = "restarts_from_nothing"
    bad = {"tasks": 4, "running_tasks": 1, "problems": ["1 of its 4 tasks run."]}
    answers = [{"job_id": n, "accepted": True, "finding": each} for n, each in enumerate((fine, bad), 1)]
    stub.on("POST /stops", (202, {"id": None, "accepted": 2, "refused": 0, "jobs": answers, "dry_run": True}))
    assert run(["stop", "1", "2", "--dry-run"]) == 1
    assert stub.sent("POST /stops")["dry_run"] is True
    first, second = capsys.readouterr().out.splitlines()[1:]
    assert "4/4" in first
    assert "1.5s" in first, "how long the last checkpoint took"
    assert "restarts from nothing" in first
    assert "1 of its 4 tasks run." in second
    stub.on("POST /stops", (202, {"id": None, "accepted": 1, "refused": 0, "jobs": answers[:1], "dry_run": True}))
    assert run(["stop", "1", "--dry-run"]) == 0


def test_what_is_worth_knowing_of_accepted_jobs_is_said_once(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    status, body, *_ = accepted(*range(1, 8))
    jobs = [{**each, "message": "It may not survive."} for each in body["jobs"]]
    jobs[6] |= {"code": "already_stopped", "message": "It is stopped already."}
    stub.on("POST /stops", (status, {**body, "jobs": jobs}))
    assert run(["stop", *map(str, range(1, 8)), "--format", "canonical"]) == 0
    said = capsys.readouterr().err
    assert said == "sluiceway: jobs 1, 2, 3, 4, 5 and 1 more: It may not survive.\n"


def test_a_lost_answer_is_asked_for_again_under_the_same_key(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /stops", LOST, accepted(1))
    assert run(["stop", "1"]) == 0
    assert len(stub.keys) == 2
    assert stub.keys[0] == stub.keys[1]
    assert stub.keys[0]
    assert "answer was lost" in capsys.readouterr().err


def test_a_key_of_ones_own_is_sent(stub: Stub) -> None:
    stub.on("POST /stops", accepted(1))
    assert run(["stop", "1", "--idempotency-key", "tonight"]) == 0
    assert stub.keys == ["tonight"]


def test_waiting_for_a_paused_stop_says_what_to_do(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    status, body, *_ = a_stop(stopping(1, "failed"), stopping(2, "waiting", held=True))
    paused = {**body, "state": "paused", "state_reason": "1 of 2 jobs did not stop; the limit is 1."}
    stub.on("POST /stops", accepted(1, 2))
    stub.on("GET /stops/7", (status, paused))
    assert run(["stop", "1", "2", "--wait"]) == 1
    said = capsys.readouterr().err
    assert "the limit is 1" in said
    assert "sluiceway stops proceed 7" in said
    assert "sluiceway stops abort 7" in said


def test_a_stop_is_aborted_or_let_go_on(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /stops/7/abort", (202, {"withdrawn": [2, 3]}))
    assert run(["stops", "abort", "7"]) == 0
    assert "2 jobs" in capsys.readouterr().out
    stub.on("POST /stops/7/proceed", (202, {"was": "paused"}), (202, {"was": "open"}))
    assert run(["stops", "proceed", "7"]) == 0
    assert run(["stops", "proceed", "7"]) == 1


def test_events_are_listed(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    at = "2026-01-01T00:00:00Z"
    event = {"id": 5, "at": at, "kind": "stop_sent", "job_id": 1, "stop_id": 7, "who": "", "detail": "why"}
    stub.on("GET /events", (200, {"events": [event], "next": 5}))
    assert run(["events"]) == 0
    assert "stop_sent" in capsys.readouterr().out
    assert stub.queries[-1] == "after=0&limit=100&newest=true"
    stub.on("GET /jobs", listed(job(1, "job_running", name="orders")))
    assert run(["events", "--job", "orders", "--who", "ann", "--since", "1h30m", "--limit", "1"]) == 0
    asked = dict(parse_qsl(stub.queries[-1]))
    ago = (datetime.now(UTC) - datetime.fromisoformat(asked.pop("since"))).total_seconds()
    assert 5400 <= ago < 5400 + 300
    assert asked == {"after": "0", "limit": "1", "newest": "true", "job_id": "1", "who": "ann"}
    assert "These are the newest 1 events" in capsys.readouterr().err, "and there may be older ones"
    assert run(["events", "--after", "3", "--since", "2026-11-28T14:00:00+01:00"]) == 0
    asked = dict(parse_qsl(stub.queries[-1]))
    assert asked == {"after": "3", "limit": "100", "since": "2026-11-28T13:00:00+00:00"}
    assert run(["events", "--since", "yesterday"]) == 2


def test_events_are_followed_past_a_service_that_goes_away(
    stub: Stub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(*numbers: int) -> Answered:
        of = {"at": "2026-01-01T00:00:00Z", "kind": "stop_sent", "job_id": 1, "job_name": "orders", "stop_id": 7}
        return 200, {"events": [{"id": n, **of, "who": "ann", "detail": ""} for n in numbers], "next": numbers[-1]}

    pauses = iter([None, None, KeyboardInterrupt])

    def pause(_: float) -> None:
        if stop := next(pauses):
            raise stop

    monkeypatch.setattr(cli_events, "time", SimpleNamespace(sleep=pause))
    stub.on("GET /events", page(5), LOST, LOST, page(6, 7))
    assert run(["events", "--follow", "--who", "ann"]) == 130
    said = capsys.readouterr()
    assert said.out.splitlines() == ["2026-01-01 00:00:00Z stop_sent job 1 orders by ann"] * 3
    assert "reconnecting" in said.err
    assert "answers again" in said.err
    assert [dict(parse_qsl(query))["after"] for query in stub.queries] == ["0", "5", "5", "5"]


def test_a_watched_list_goes_on_past_a_silent_service_and_ends_with_ctrl_c(
    stub: Stub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = iter([None, None, KeyboardInterrupt])

    def pause(_: float) -> None:
        if stop := next(pauses):
            raise stop

    monkeypatch.setattr(progress, "time", SimpleNamespace(sleep=pause, monotonic=time.monotonic))
    stub.on("GET /fares", page_of(fared(2)), LOST, LOST, page_of(fared(2, "stopped")))
    assert run(["jobs", "list", "--watch", "--columns", "name,status"]) == 130
    said = capsys.readouterr()
    assert [line.split() for line in said.out.splitlines()] == [
        ["NAME", "STATUS"],
        ["job-2", "running"],
        ["job-2", "stopped"],
    ]
    assert "reconnecting" in said.err
    assert said.err.endswith("sluiceway: interrupted\n")


def test_a_stop_of_nothing_has_happened(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /stops", accepted())
    assert run(["stop", "--all", "--wait", "--yes"]) == 3
    assert "There is no job in project default that can be stopped now" in capsys.readouterr().err


def test_a_job_that_is_stopped_already_is_said_to_be(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    told = [
        {"job_id": i, "accepted": True, "code": "already_stopped", "message": "It is stopped already."}
        for i in range(1, 13)
    ]
    stub.on("POST /stops", (202, {"id": None, "accepted": 12, "refused": 0, "jobs": told}))
    assert run(["stop", *map(str, range(1, 13))]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Job 1: It is stopped already."
    assert said[-1] == "So are 2 more."


def test_a_stop_that_is_refused_for_some_exits_with_1(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /stops", accepted(1, refused=1))
    assert run(["stop", "1", "900"]) == 1
    said = capsys.readouterr()
    assert "Stop 7 is accepted for 1 job." in said.out
    assert "job 900 is refused: There is no such job." in said.err
    stub.on("GET /fares", page_of(fared(900)))
    assert run(["stop", "1", "900"]) == 1
    assert "job 900 (job-900) is refused: There is no such job." in capsys.readouterr().err


def test_waiting_ends_when_all_have_stopped_and_says_each_change_once(
    stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.on("POST /stops", accepted(1, 2))
    looks = [
        a_stop(stopping(1, "waiting"), stopping(2, "waiting")),
        a_stop(stopping(1, "sent"), stopping(2, "waiting")),
        a_stop(stopping(1), stopping(2, "ending")),
        a_stop(stopping(1), stopping(2)),
    ]
    stub.on("GET /stops/7", *looks)
    assert run(["stop", "1", "2", "--wait"]) == 0
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        "1 job-1: waiting",
        "2 job-2: waiting",
        "1 job-1: sent",
        "1 job-1: stopped",
        "2 job-2: ending",
        "2 job-2: stopped",
    ]
    assert f"file:///{'long/' * 30}2" in said.out


def test_a_pipe_is_told_each_cause_once_and_reminded_of_what_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("sluiceway.cli.progress.time.monotonic", lambda: clock[0])
    said = io.StringIO()
    board = Board("Starting", Console(file=said))

    def told(*lines: Line, after: float = 1) -> list[str]:
        clock[0] += after
        before = len(said.getvalue())
        board.show(lines)
        return said.getvalue()[before:].splitlines()

    waits, silent = Line(1, "a", "waiting"), Line(1, "a", "waiting", "cluster q does not answer: timeout after 2.5 s")
    assert told(waits) == ["1 a: waiting"]
    assert told(silent) == ["1 a: waiting (cluster q does not answer: timeout after 2.5 s)"]
    assert told(Line(1, "a", "waiting", "cluster q does not answer: timeout after 30 s")) == [], "it only counts on"
    assert told(waits) == []
    assert told(silent) == [], "it comes and goes"
    assert told(Line(1, "a", "sent")) == ["1 a: sent"]
    assert told(silent) == ["1 a: waiting (cluster q does not answer: timeout after 2.5 s)"], "it is in that anew"
    done = Line(2, "b", "stopped", done=True)
    assert told(silent, done) == ["2 b: stopped"]
    assert told(silent, done, after=59) == []
    [reminder] = told(silent, done)
    assert "Starting: 1 of 2 done after" in reminder
    assert reminder.endswith("; 1 waiting (cluster q does not answer: timeout after 2.5 s)")
    assert told(silent, done) == []


def test_a_service_that_goes_away_while_it_is_waited_for_leaves_a_way_to_look_again(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sluiceway.cli.progress.PATIENCE", 0.0)
    stub.on("POST /stops", accepted(1))
    stub.on("GET /stops/7", LOST)
    assert run(["stop", "1", "--wait", "--json"]) == 5
    said = capsys.readouterr().err
    assert "The service does not answer; reconnecting" in said
    assert "The stop goes on. Look again with: sluiceway stops show 7 --wait" in said


@pytest.mark.parametrize("orders", ["stops", "resumes"])
def test_who_watches_is_told_of_silence_and_then_what_to_do(
    orders: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sluiceway.cli.progress.PATIENCE", 0.1)
    monkeypatch.setattr("sluiceway.cli.events.LAST_PAUSE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as taken:  # and nobody accepts there once it is closed
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
    assert run([orders, "watch", "1", "--server", address]) == 5
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("sluiceway: The service does not answer; reconnecting")
    assert said[1].startswith(f"sluiceway: no service answers at {address}")
    assert len(said) == 2, "each is said once"


def test_silence_that_is_over_is_said(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /stops", accepted(1))
    stub.on("GET /stops/7", LOST, LOST, a_stop(stopping(1)))  # a read is repeated once before anybody hears of it
    assert run(["stop", "1", "--wait"]) == 0
    assert "The service answers again." in capsys.readouterr().err


@pytest.mark.parametrize(
    "odd",
    [
        stopping(2, "failed", reason="Disk full."),
        stopping(2, "lost"),
        stopping(2, "ended"),
        stopping(2, savepoint=None),
    ],
    ids=["failed", "lost", "ended", "without savepoint"],
)
def test_waiting_exits_with_1_when_one_job_did_not_stop_as_asked(stub: Stub, odd: dict[str, Any]) -> None:
    stub.on("POST /stops", accepted(1, 2))
    stub.on("GET /stops/7", a_stop(stopping(1), odd))
    assert run(["stop", "1", "2", "--wait"]) == 1


def test_a_cancel_needs_no_savepoint(stub: Stub) -> None:
    stub.on("POST /stops", accepted(1))
    stub.on("GET /stops/7", a_stop(stopping(1, savepoint=None), savepoint=False))
    assert run(["stop", "1", "--no-savepoint", "--wait", "--yes"]) == 0


def test_jobs_that_went_over_to_another_stop_are_no_success(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /stops", accepted(1, 2))
    stub.on("GET /stops/7", a_stop(stopping(1)))
    assert run(["stop", "1", "2", "--wait"]) == 1
    assert "1 job went over to a later stop" in capsys.readouterr().err


def test_a_savepoint_that_was_not_verified_is_told_of(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /stops", accepted(1))
    stub.on("GET /stops/7", a_stop(stopping(1, verified=False)))
    assert run(["stop", "1", "--wait"]) == 0
    assert "could not read and verify" in capsys.readouterr().err


def test_waiting_gives_up_in_time_and_says_how_to_look_again(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /stops", accepted(1))
    stub.on("GET /stops/7", a_stop(stopping(1, "sent")))
    assert run(["stop", "1", "--wait", "--timeout", "0.1"]) == 6
    assert "the stop goes on. Look again with: sluiceway stops show 7 --wait" in capsys.readouterr().err


def test_json_is_all_that_stop_prints(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /stops", accepted(1, refused=1))
    stub.on("GET /stops/7", a_stop(stopping(1, reason="Grüße :warning:")))
    assert run(["stop", "1", "900", "--wait", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["id"], said["accepted"], said["refused"]) == (7, 1, 1)
    assert said["stop"]["jobs"][0]["reason"] == "Grüße :warning:"


def test_ctrl_c_while_waiting_leaves_the_stop_going_on(stub: Stub) -> None:
    stub.on("POST /stops", accepted(1))
    stub.on("GET /stops/7", a_stop(stopping(1, "sent")))
    # What runs in the background of a shell is told to ignore Ctrl-C; here it is to be heard.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "sluiceway", "stop", "1", "--wait", "--json"]
    with processes.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "1 job-1: sent\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert not out
    assert "The stop goes on. Look again with: sluiceway stops show 7" in err


def test_a_reader_that_has_seen_enough_is_no_error_to_complain_about(stub: Stub) -> None:
    stub.on("GET /fares", page_of(*(fared(i, why="x" * 4000) for i in range(100))))
    command = f"set -o pipefail; {sys.executable} -m sluiceway jobs list --all | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30)
    assert done.stdout.startswith("ID ")
    assert done.returncode == 0
    assert not done.stderr


def test_stops_are_listed_and_shown(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    head = {"savepoint": True, "reason": "tonight", "created_at": "2026-01-01T00:00:00Z", "jobs_total": 2}
    story = {"orders": [5, 6], "jobs_total": 2, "phases": {"stopped": 2}}
    heads = [{**head, "id": 7, "phases": {"stopped": 1, "failed": 1}}, {**head, "id": 5, "phases": {}, "story": story}]
    stub.on("GET /stops", (200, {"stops": heads}))
    assert run(["stops", "list", "--columns", "stop,accepted,tries,outcome"]) == 0
    assert [line.split(maxsplit=3)[3] for line in capsys.readouterr().out.splitlines()[1:]] == [
        "-      1 failed, 1 stopped",
        "5, 6   2 stopped",
    ]
    assert run(["stops", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"stops": heads}
    stub.on("GET /stops/7", a_stop(stopping(1, "failed")))
    assert run(["stops", "show", "7"]) == 0  # it could be shown
    assert "Plan" not in capsys.readouterr().out, "there was none"
    assert run(["stops", "show", "7", "--wait"]) == 1  # not all have stopped
    stub.on("GET /stops/8", (404, {"error_code": "unknown_stop", "error_msg": "no"}))
    assert run(["stops", "show", "8"]) == 1


def coming(job_id: int, phase: str = "proven", **fields: Any) -> dict[str, Any]:
    known = {
        "job_id": job_id,
        "name": f"job-{job_id}",
        "queue": "embedded",
        "phase": phase,
        "why": "",
        "wave": 0,
        "restored_from": "file:///s",
        "restarts": 0,
        "accepted_at": "2026-01-01T00:00:00.000000Z",
        "released_at": None,
        "proven_at": "2026-01-01T00:00:01.500000Z" if phase == "proven" else None,
        "unwell": False,
    }
    return {**known, **fields}


def a_resume(*jobs: dict[str, Any], **fields: Any) -> Answered:
    over = {"proven", "finished", "parked", "failed", "stopped", "withdrawn"}
    head = {
        "id": 7,
        "stop_id": 6,
        "created_at": "2026-01-01T00:00:00Z",
        "state": "open",
        "state_reason": "",
        "phases": {each["phase"]: 1 for each in jobs},
        "retried_by": None,
        "story": None,
        "settled": all(each["phase"] in over for each in jobs),
        "park_after_seconds": 180.0,
        "park_restarts": None,
    }
    return 200, {**head, "jobs": list(jobs), **fields}


def test_resume_waits_until_every_job_of_a_stop_is_proven(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /stops/6/resume", accepted(1, 2))
    stub.on("GET /resumes/7", a_resume(coming(1, "restoring"), coming(2)), a_resume(coming(1), coming(2)))
    assert run(["resume", "6", "--wait", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [each["phase"] for each in said["resume"]["jobs"]] == ["proven"] * 2
    assert (said["id"], said["statuses"]) == (7, [])
    assert stub.sent("POST /stops/6/resume") is None, "what is not said is the service's to say"


def test_what_came_back_under_an_earlier_resume_is_waited_for_too(stub: Stub) -> None:
    stub.on("POST /stops/6/resume", accepted(1, 2))
    stub.on("GET /resumes/7", a_resume(coming(1)))
    stub.on("GET /jobs/2", shown(2, "job_running"))
    stub.on("GET /fares", fares(fare(2, "restarting", restarts=3)))
    assert run(["resume", "6", "--wait"]) == 1
    stub.on("GET /fares", fares(fare(2, "running", **UP)))
    assert run(["resume", "6", "--wait"]) == 0


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (coming(2, "parked", why="Parked: / by zero"), "resume 7 --failed --wait"),
        (coming(2, "failed"), "1 job did not come back"),
        (coming(2, "restoring", unwell=True), "resumes show 7 --wait"),
        (coming(2, "withdrawn"), ""),
    ],
    ids=["parked", "failed", "without slots", "withdrawn"],
)
def test_what_does_not_come_back_ends_the_waiting_with_1(
    stub: Stub, bad: dict[str, Any], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.on("POST /stops/6/resume", accepted(1, 2))
    stub.on("GET /resumes/7", a_resume(coming(1), bad))
    assert run(["resume", "6", "--wait"]) == 1
    out, err = capsys.readouterr()
    assert says in err
    assert bad["why"] in out


def test_what_a_resume_is_told_is_what_it_asks_for(stub: Stub) -> None:
    stub.on("POST /stops/6/resume", accepted(1))
    told = "--max-parallel 20 --pace 30 --abort-when 10% --park-after 60 --park-restarts 5"
    assert run(["resume", "6", *told.split()]) == 0
    assert stub.sent("POST /stops/6/resume") == {
        "max_parallel": 20,
        "pace": 30,
        "abort_when": {"share": 0.1},
        "park_after_seconds": 60.0,
        "park_restarts": 5,
    }
    stub.asked.clear()
    assert run(["resume", "6", "--no-park"]) == 0
    assert stub.sent("POST /stops/6/resume") == {"park": False}


def test_resume_failed_takes_the_id_of_a_resume_or_of_a_stop(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /resumes/7/retry", (202, {"id": None, "accepted": 0, "refused": 0, "jobs": []}))
    assert run(["resume", "7", "--failed"]) == 0
    assert "no job to bring back" in capsys.readouterr().out
    stub.on("POST /resumes/6/retry", (404, {"error_code": "unknown_resume", "error_msg": "no"}))
    stub.on("POST /stops/6/resume", accepted(1))
    assert run(["resume", "6", "--failed", "--park-after", "600"]) == 0
    assert stub.sent("POST /stops/6/resume") == {"park_after_seconds": 600.0, "failed": True}
    stub.on("POST /stops/6/resume", (409, {"error_code": "not_resumed", "error_msg": "not yet"}))
    assert run(["resume", "6", "--failed"]) == 1


def test_ctrl_c_while_waiting_leaves_the_resume_going_on(stub: Stub) -> None:
    stub.on("POST /stops/6/resume", accepted(1))
    stub.on("GET /resumes/7", a_resume(coming(1, "running")))
    command = ["env", "--default-signal=INT", sys.executable, "-m", "sluiceway", "resume", "6", "--wait", "--json"]
    with processes.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "1 job-1: running\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert "The resume goes on. Look again with: sluiceway resumes show 7 --wait" in err


def test_resumes_are_listed_as_stories_and_steered(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    story = {"orders": [5, 7], "jobs_total": 3, "phases": {"proven": 2, "parked": 1}}
    first = a_resume(coming(1, "parked"), id=5, retried_by=7, story=story)[1]
    last = a_resume(story=story)[1]
    stub.on("GET /resumes", (200, {"resumes": [last, first]}))
    assert run(["resumes", "list"]) == 0
    [_, row] = capsys.readouterr().out.splitlines()
    assert "1 parked, 2 proven  5, 7" in row
    stub.on("GET /resumes/7", a_resume(coming(1, "held"), state="paused", state_reason="1 of 2 jobs did not."))
    assert run(["resumes", "show", "7"]) == 0
    assert run(["resumes", "show", "7", "--wait"]) == 1
    assert "resumes proceed 7" in capsys.readouterr().err
    stub.on("POST /resumes/7/abort", (202, {"withdrawn": [1]}))
    assert run(["resumes", "abort", "7"]) == 0
    assert "Withdrawn: 1 job." in capsys.readouterr().out
    stub.on("POST /resumes/7/proceed", (202, {"was": "paused"}), (202, {"was": "open"}))
    assert (run(["resumes", "proceed", "7"]), run(["resumes", "proceed", "7"])) == (0, 1)


def test_a_stop_is_tried_again_and_a_lost_answer_under_the_same_key(
    stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.on("POST /stops/6/retry", LOST, accepted(1))
    stub.on("GET /stops/7", a_stop(stopping(1)))
    assert run(["stops", "retry", "6", "--wait"]) == 0
    assert len({key for key in stub.keys if key}) == 1
    stub.on("POST /stops/6/retry", (202, {"id": None, "accepted": 0, "refused": 0, "jobs": []}))
    capsys.readouterr()
    assert run(["stops", "retry", "6"]) == 0
    assert "no job has failed" in capsys.readouterr().out


def test_resume_of_which_some_is_refused_exits_with_1(stub: Stub) -> None:
    stub.on("POST /stops/6/resume", accepted(1, refused=1))
    assert run(["resume", "6"]) == 1


def test_resume_takes_single_jobs(stub: Stub) -> None:
    stub.on("POST /resumes", accepted(1, 2))
    assert run(["resume", "--job", "1", "2"]) == 0
    assert stub.sent("POST /resumes") == {"job_ids": [1, 2]}


BACK = {
    "path": "s3://b/savepoint-1",
    "kind": "savepoint",
    "source": "stopped_with",
    "kept_at": "2026-11-27T10:00:00Z",
    "age_seconds": 5400.0,
    "whole": True,
}
LOST_STATE = {"about": "retention", "weight": "loss", "text": "All state is past its retention."}
NOTED = {"about": "claimed", "weight": "note", "text": "Flink owns it."}


def looked_at(*backs: dict[str, Any], plan: int | None = 5, **fields: Any) -> Answered:
    jobs = [{"job_id": n, "accepted": True, "way_back": back, **fields} for n, back in enumerate(backs, 1)]
    return 202, {"accepted": len(jobs), "refused": 0, "jobs": jobs, "dry_run": True, "plan": plan}


def test_a_dry_run_of_a_resume_shows_each_state_its_age_and_what_is_lost(
    stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.on("POST /stops/7/resume", looked_at({**BACK, "concerns": [NOTED]}, {**BACK, "concerns": [LOST_STATE]}))
    assert run(["resume", "7", "--dry-run"]) == 1
    assert stub.sent("POST /stops/7/resume") == {"dry_run": True}
    out = capsys.readouterr().out
    first, second = out.splitlines()[1:3]
    for word in ("s3://b/savepoint-1", "savepoint", "1h30m", "stopped with", "Flink owns it."):
        assert word in first
    assert "All state is past its retention." in second
    assert "sluiceway resume --plan 5" in out
    stub.on("POST /resumes", looked_at(BACK))
    assert run(["resume", "--job", "1", "--dry-run"]) == 0
    assert run(["jobs", "run", "1", "--resume", "--dry-run"]) == 0
    stub.on("POST /resumes", (202, {"accepted": 0, "refused": 1, "jobs": [{"job_id": 1, "accepted": False}]}))
    assert run(["resume", "--job", "1", "--dry-run"]) == 1


def test_a_resume_tells_what_it_loses_and_takes_what_is_named(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /stops/7/resume", looked_at({**BACK, "concerns": [LOST_STATE, NOTED]}))
    assert run(["resume", "7", "--drained", "--finished"]) == 0
    assert stub.sent("POST /stops/7/resume") == {"allow": ["drained", "finished"]}
    said = capsys.readouterr().err
    assert "job 1: All state is past its retention." in said
    assert "Flink owns it" not in said
    stub.on("POST /resumes", looked_at(BACK))
    assert run(["resume", "--job", "1", "--allow-non-restored-state", "--other-meaning"]) == 0
    assert stub.sent("POST /resumes") == {"job_ids": [1], "allow": ["non_restored_state", "other_meaning"]}


def test_plans_are_carried_out_by_their_ids(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /resumes", looked_at(BACK))
    assert run(["resume", "--plan", "5"]) == 0
    assert stub.sent("POST /resumes") == {"plan": 5}
    stub.on("POST /stops", accepted(1))
    assert run(["stop", "--plan", "6", "--reason", "tonight"]) == 0
    assert stub.sent("POST /stops") == {"plan": 6, "reason": "tonight"}
    differs = {"error_code": "plan_outdated", "error_msg": "Plan 6 no longer holds: job 1 was accepted."}
    stub.on("POST /stops", (409, differs))
    assert run(["stop", "--plan", "6"]) == 1
    assert "job 1 was accepted" in capsys.readouterr().err


def test_on_a_terminal_a_stop_has_a_header_with_whose_it_is_and_how_far_it_has_come(
    stub: Stub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Output, "head", property(lambda form: form.words))
    code, stop, *_ = a_stop(stopping(1), stopping(2), stopping(3, "sent"))
    paused = {"who": "bob", "reason": "tonight", "state": "paused", "state_reason": "The limit is 1."}
    stub.on("GET /stops/7", (code, {**stop, **paused}))
    assert run(["stops", "show", "7"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "Stop 7 of 2026-01-01 00:00:00Z by bob: tonight",
        "3 jobs, paused (The limit is 1): 1 sent, 2 stopped",
    ]
    assert run(["stops", "show", "7", "-o", "name"]) == 0
    assert capsys.readouterr().out.split() == ["job-1", "job-2", "job-3"]


def test_what_was_planned_says_by_whom(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    planned = {"plan": 5, "planned_by": "anna", "who": "bob"}
    code, stop, *_ = a_stop(stopping(1))
    stub.on("GET /stops/7", (code, {**stop, **planned}))
    stub.on("GET /resumes/7", a_resume(coming(1), **planned))
    for orders in ("stops", "resumes"):
        assert run([orders, "show", "7"]) == 0
        assert capsys.readouterr().out.splitlines()[2] == "Plan 5, made by anna; carried out by bob."
        assert run([orders, "show", "7", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["planned_by"] == "anna"


def test_a_dry_run_of_a_stop_tells_of_the_way_back(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    jobs = [{"job_id": 1, "accepted": True, "finding": {"way_back": [LOST_STATE]}}]
    stub.on("POST /stops", (202, {"id": None, "accepted": 1, "refused": 0, "jobs": jobs, "plan": 8}))
    assert run(["stop", "1", "--dry-run", "--window", "2h"]) == 1
    assert stub.sent("POST /stops")["window_seconds"] == 7200
    out = capsys.readouterr().out
    assert "All state is past its retention." in out
    assert "sluiceway stop --plan 8" in out


def test_a_drained_stop_offers_no_way_back(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /stops", accepted(1))
    assert run(["stop", "1"]) == 0
    assert "sluiceway resume 7" in capsys.readouterr().out
    assert run(["stop", "1", "--drain"]) == 0
    assert "sluiceway resume" not in capsys.readouterr().out
    assert run(["stop", "1", "--no-savepoint", "--yes"]) == 0
    assert "sluiceway resume" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kept", "drained", "offered"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_a_plan_and_a_retry_offer_the_way_back_that_there_is(
    stub: Stub, capsys: pytest.CaptureFixture[str], kept: bool, drained: bool, offered: bool
) -> None:
    head = {"id": 7, "savepoint": kept, "drain": drained, "reason": "", "created_at": "2026-01-01T00:00:00Z"}
    stub.on("GET /stops", (200, {"stops": [{**head, "id": 8}, head]}))
    stub.on("POST /stops", accepted(1))
    stub.on("POST /stops/6/retry", accepted(1))
    for command in (["stop", "--plan", "5"], ["stops", "retry", "6"]):
        assert run(command) == 0
        assert ("undo it with: sluiceway resume 7" in capsys.readouterr().out) == offered, command


# --- savepoints -----------------------------------------------------------------------------------------------------


def kept(savepoint: int, **fields: Any) -> dict[str, Any]:
    known = {
        "id": savepoint,
        "job_id": 1,
        "run_id": 1,
        "stop_id": 7,
        "path": f"file:///savepoints/{savepoint}",
        "bytes": 4000,
        "format": "canonical",
        "drained": False,
        "flink_version": "2.3.0",
        "reason": "kernel update",
        "created_at": "2026-01-01T00:00:00.000000Z",
        "verified_at": "2026-01-01T00:00:01.500000Z",
        "job_name": "orders",
        "fault": "",
        "removed_at": None,
        "needed": False,
        "needed_by": "",
    }
    return {**known, **fields}


def seen(**fields: Any) -> Answered:
    return 200, {"savepoint": kept(4), "whole": True, "wrong": [], "more_wrong": 0, "unchecked": 0, **fields}


def test_savepoints_are_listed_one_a_line(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    broken = kept(3, fault="_metadata vanished", removed_at="2026-01-02T00:00:00Z", stop_id=None)
    stub.on("GET /savepoints", (200, {"savepoints": [kept(4, needed=True), broken]}))
    assert run(["savepoints", "list", "--job", "12", "--stop", "7", "--removed", "--limit", "2"]) == 0
    assert stub.queries == ["limit=2&removed=true&job_id=12&stop_id=7"]
    titles, first, second = capsys.readouterr().out.splitlines()
    assert titles.split()[:7] == ["SAVEPOINT", "JOB", "NAME", "STOP", "KEPT", "PATH", "SIZE"]
    assert titles.split()[7:] == ["FORMAT", "VERIFIED", "NEEDED", "REMOVED", "FAULT", "UNPROVEN"]
    assert first.split() == [
        *("4", "1", "orders", "7", "2026-01-01", "00:00:00Z", "file:///savepoints/4", "4.0", "KB", "canonical"),
        *("2026-01-01", "00:00:01Z", "yes", "-", "-", "-"),
    ]
    assert second.split()[:4] == ["3", "1", "orders", "-"]
    assert second.endswith("-       2026-01-02 00:00:00Z  _metadata vanished  -")


REGISTERED: dict[str, Any] = {
    "id": 9,
    "job_id": 12,
    "path": "file:///archive/savepoint-1",
    "kind": "savepoint",
    "format": "canonical",
    "bytes": 4000,
    "drained": False,
    "kept_at": "2026-01-01T00:00:00Z",
    "run_id": None,
    "fresh": True,
    "protected": True,
    "protected_until": "2026-02-01T00:00:00Z",
    "whole": True,
    "unchecked": 0,
    "contents": {"version": 6, "checkpoint_id": 1, "files": 1, "operators": [{"id": "a", "name": "count", "bytes": 3}]},
    "chosen": True,
    "message": "The next resume of the job begins from it. It is 2 h older than the newest state of the job.",
    "behind_seconds": 7200.0,
    "newer": [{"path": "file:///savepoints/4", "kind": "savepoint", "kept_at": "2026-01-01T02:00:00Z"}],
    "dry_run": False,
}


def test_register_says_what_it_is_and_what_it_goes_back_behind(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = (200, {**REGISTERED, "unchecked": 2, "fresh": False, "chosen": False})
    stub.on("POST /savepoints/register", (200, REGISTERED), elsewhere)
    path = REGISTERED["path"]
    assert run(["savepoints", "register", path, "--job", "12", "--choose", "--keep-for", "31d"]) == 0
    out, err = capsys.readouterr()
    assert f"Savepoint 9 is registered for job 12: {path}" in out
    assert "canonical savepoint" in out
    assert "count" in out
    assert "until 2026-02-01" in out
    assert "2 h older" in out
    assert "leaves out 1 newer state of the job" in err
    body = {"path": path, "job_id": 12, "protect": True, "choose": True, "keep_seconds": 31 * 86_400, "dry_run": False}
    assert stub.asked[-1] == ("POST /savepoints/register", body)
    assert run(["savepoints", "register", path, "--job", "12", "--json"]) == 1, "not all of it can be seen from there"
    out, err = capsys.readouterr()
    assert json.loads(out)["fresh"] is False
    assert "2 of its files" in err
    assert run(["savepoints", "register", path, "--job", "12", "--no-protect", "--keep-for", "1d"]) == 2


def test_register_says_where_nothing_is_ever_removed(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    kept = {**REGISTERED, "protected": False, "protected_until": None}
    stub.on("POST /savepoints/register", (200, {**kept, "only_read": True}), (200, kept))
    for told, not_told in (("what lies there is only read", "retention"), ("retention may remove it", "only read")):
        assert run(["savepoints", "register", "/old/savepoint-1", "--job", "12", "--no-protect"]) == 0
        out = capsys.readouterr().out
        assert told in out
        assert not_told not in out


def test_a_state_of_another_job_is_chosen_and_not_registered(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /jobs/12/import-savepoint", (200, {"message": "It is whole.", "is_success": "true"}))
    assert run(["savepoints", "choose", "archive/savepoint-1", "--job", "12"]) == 0
    assert stub.sent("POST /jobs/12/import-savepoint") == {"savepoint_path": "archive/savepoint-1"}
    out = capsys.readouterr().out
    assert "It is whole." in out
    assert "sluiceway resume --job 12 --dry-run" in out
    assert run(["savepoints", "choose", "archive/savepoint-1", "--job", "12", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["is_success"] == "true"


def test_variables_are_set_and_deleted_as_one_document(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    known = {"var_name": "topic", "var_value": "a", "is_sensitive": False, "update_time": 0, "user_name": ""}
    stub.on("GET /variables", (200, {"count": 1, "global_vars": [known]}))
    stub.on("POST /variables", (200, {}))
    stub.on("PUT /variables/topic", (200, {}))
    stub.on("DELETE /variables/topic", (200, {}))

    def told(*arguments: str) -> Any:
        assert run(["variables", *arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    assert told("set", "topic", "b") == {"var_name": "topic", "created": False}
    assert told("set", "other", "b") == {"var_name": "other", "created": True}
    assert told("delete", "topic") == {"var_name": "topic", "deleted": True}


def test_savepoints_of_a_job_by_its_name_as_one_document(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("GET /jobs", listed(job(5, "job_finish", name="orders")))
    stub.on("GET /savepoints", (200, {"savepoints": [kept(4)]}))
    assert run(["savepoints", "list", "--job", "orders", "--json"]) == 0
    assert stub.queries[-1] == "limit=100&removed=false&job_id=5"
    assert json.loads(capsys.readouterr().out) == {"savepoints": [kept(4)]}


def bodies(stub: Stub, call: str) -> list[Any]:
    return [body for name, body in stub.asked if name == call]


def test_take_asks_for_savepoints_and_says_who_is_refused(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("GET /jobs", listed(job(5, "job_running", name="orders")))
    no = {"job_id": 6, "accepted": False, "code": "wrong_state", "message": "Its status (draft) does not allow it."}
    jobs = [{"job_id": 5, "accepted": True}, no]
    answer = {"accepted": 1, "refused": 1, "jobs": jobs}
    good = {**answer, "refused": 0, "jobs": jobs[:1]}
    stub.on("POST /savepoints", (202, answer), (202, answer), (202, good))
    assert run(["savepoints", "take", "orders", "6", "--target", "bucket/dir"]) == 1
    assert bodies(stub, "POST /savepoints")[-1] == {"job_ids": [5, 6], "target": "bucket/dir"}
    out, err = capsys.readouterr()
    assert out == "1 savepoint accepted.\n"
    assert "job 6 is refused: Its status" in err
    assert run(["savepoints", "take", "5", "6", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == answer
    assert run(["savepoints", "take", "5"]) == 0
    assert bodies(stub, "POST /savepoints")[-1] == {"job_ids": [5]}
    assert run(["savepoints", "take"]) == 2


def test_verify_exits_with_0_only_for_a_whole_one(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    broken = seen(whole=False, wrong=["state is missing"], more_wrong=3)
    stub.on("POST /savepoints/4/verify", seen(), broken, seen(whole=False, unchecked=2))
    assert run(["savepoints", "verify", "4"]) == 0
    assert capsys.readouterr().out == "Savepoint 4 is whole: file:///savepoints/4\n"
    assert run(["savepoints", "verify", "4"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "file:///savepoints/4: state is missing" in err
    assert "3 more of its files" in err
    assert run(["savepoints", "verify", "4", "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["unchecked"] == 2
    assert "2 of its files are on another storage" in err


# --- with -o name -----------------------------------------------------------------------------------------------------

NAMED = [
    (["stop", "1", "2"], "POST /stops", accepted(1, 2), "7"),
    (["resume", "7"], "POST /stops/7/resume", accepted(1, 2), "7"),
    (["jobs", "run", "1", "2"], "POST /jobs/run", (200, outcomes(None, None)), "1\n2"),
    (["jobs", "delete", "1", "2", "--yes"], "POST /jobs/delete", (200, outcomes(None, None)), "1\n2"),
    (["savepoints", "take", "1"], "POST /savepoints", accepted(1), "1"),
    (["stops", "abort", "7"], "POST /stops/7/abort", (202, {"withdrawn": [1]}), "7"),
    (["stops", "proceed", "7"], "POST /stops/7/proceed", (202, {"id": 7, "was": "paused"}), "7"),
    (["variables", "set", "zone", "eu"], "GET /variables", (200, {"global_vars": [], "count": 0}), "zone"),
]


@pytest.mark.parametrize(("words", "call", "answer", "names"), NAMED, ids=[" ".join(row[0][:2]) for row in NAMED])
def test_what_was_made_or_changed_is_told_by_its_name_alone(
    stub: Stub, capsys: pytest.CaptureFixture[str], words: list[str], call: str, answer: Answered, names: str
) -> None:
    stub.on("POST /variables", (201, {}))
    stub.on(call, answer)
    assert run([*words, "-o", "name"]) == 0
    assert capsys.readouterr().out == f"{names}\n"


def test_what_a_resume_may_lose_is_told_beside_its_name(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /stops/7/resume", accepted(1, refused=1))
    assert run(["resume", "7", "-o", "name"]) == 1
    out, err = capsys.readouterr()
    assert out == "7\n"
    assert "There is no such job." in err


# --- what a terminal shows, and what the demo checks ----------------------------------------------------------------


def test_a_board_never_has_more_lines_than_the_terminal() -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80, height=12, _environ={"TERM": "xterm"})
    lines = [Line(i, f"job-{i}", "stopped" if i < 40 else "sent", "a note\n" * 50, done=i < 40) for i in range(100)]
    board = Board("Stop 7", terminal)
    board._lines = lines
    with terminal.capture() as picture:
        terminal.print(board._picture())
    shown_lines = picture.get().splitlines()
    assert len(shown_lines) <= 12
    assert "40/100" in shown_lines[0]
    assert "and 53 more" in shown_lines[-1]
    assert "job-40" in shown_lines[1]  # the first that still goes on


class Interrupting(io.StringIO):
    """A terminal at which Ctrl-C is pressed as soon as the board is written."""

    presses = True

    def write(self, text: str) -> int:
        written = super().write(text)
        if self.presses and "Stop 7" in text:
            self.presses = False
            signal.raise_signal(signal.SIGINT)
        return written


def test_ctrl_c_while_a_board_is_drawn_has_nothing_drawn_twice() -> None:
    shown = Interrupting()
    terminal = Console(file=shown, force_terminal=True, width=80, height=12, _environ={"TERM": "xterm"})
    board = Board("Stop 7", terminal)
    lines = [Line(1, "job-1", "sent")]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what is started in the background ignores it
    try:
        with pytest.raises(KeyboardInterrupt), board:
            board.show(lines)
    finally:
        signal.signal(signal.SIGINT, before)
    drawn = shown.getvalue().split("Stop 7")
    assert len(drawn) > 2, "the last drawing is to be erased"
    assert all("\x1b[2K" in between for between in drawn[1:-1]), "each is drawn in the place of the one before"


@pytest.mark.parametrize(
    ("numbers", "fault"),
    [
        ([], ""),
        ([11, 12, 13], ""),
        ([12, 13], "12 where 11 belongs"),
        ([11, 12, 12, 13], "12 where 13 belongs"),
        ([11, 13], "13 where 12 belongs"),
    ],
    ids=["nothing", "good", "not from the start", "repeated", "lost"],
)
def test_the_demo_sees_rows_that_are_lost_or_repeated(numbers: list[int], fault: str) -> None:
    assert judge(numbers, 11).fault == fault


def test_the_demo_reads_only_what_was_written_for_good(tmp_path: Path) -> None:
    demo_job = DemoJob(2, tmp_path)
    directory = tmp_path / demo_job.name
    directory.mkdir()
    (directory / "part-a-0").write_text("2000001\n2000002\n")
    (directory / "part-b-0").write_text("2000003\n")
    (directory / ".part-b-1.inprogress.1").write_text("2000004\n")
    assert demo_job.output().rows == 3
    assert not demo_job.output().fault


@pytest.mark.parametrize(
    ("config", "shown"),
    [
        ({"idle_state_retention": 1, "idle_state_retention_unit": "hours"}, "kept for 1 hour"),
        ({"idle_state_retention": 3600, "idle_state_retention_unit": "seconds"}, "kept for 3600 seconds"),
        ({"idle_state_retention": 60}, "kept for 60 seconds"),
        ({"idle_state_retention": 0, "idle_state_retention_unit": "seconds"}, "kept for ever"),
        ({}, ""),
    ],
)
def test_how_long_state_is_kept_is_shown_with_its_unit(config: dict[str, Any], shown: str) -> None:
    assert _retention(config) == shown


@pytest.mark.parametrize(
    ("fields", "code", "says"),
    [
        ({"same": True, "sql_now": "a\nb"}, 0, ["Nothing has changed"]),
        ({}, 1, ["--- SQL of run 8, s3://b/sp", "+++ SQL now", "-b", "+c", "option x", "1", "2"]),
        ({"same": None, "sql_before": None, "changes": []}, 2, ["nobody knows what job 3 was"]),
        ({"same": None, "sql_before": None, "path": None, "run_id": None}, 2, ["has no state"]),
    ],
)
def test_what_has_changed_is_told_as_diff_tells_it(
    stub: Stub, capfd: pytest.CaptureFixture[str], fields: dict[str, Any], code: int, says: list[str]
) -> None:
    known = {"job_id": 3, "path": "s3://b/sp", "run_id": 8, "same": False, "sql_before": "a\nb", "sql_now": "a\nc"}
    changes = [{"name": "option x", "before": "1", "now": "2"}] if not fields else []
    stub.on("GET /fares/3/diff", (200, known | {"changes": changes} | fields))
    assert run(["jobs", "diff", "3"]) == code
    told = capfd.readouterr()
    assert all(word in told.out + told.err for word in says)
