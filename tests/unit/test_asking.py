"""What commands ask before they do what nobody can undo: at a terminal, and where there is none."""

import json
import os
import pty
import signal
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support import processes
from tests.unit.test_cli import Answered, Stub, a_stop, accepted, kept, outcomes, stopping

from sluiceway.cli.main import run

WITHOUT = "A cancel without a savepoint loses all that it has done since its checkpoint of 03:1{}."


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    made = Stub()
    monkeypatch.setenv("SLUICEWAY_SERVER", made.url)
    yield made
    made.close()


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Somebody sits at the terminal and types this; what they were asked is added."""
    answers: list[str] = []

    def ask(question: str) -> str:
        answer = answers.pop(0)
        answers.append(question)
        return answer

    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr("sluiceway.cli.asking.sys", SimpleNamespace(stdin=terminal, stderr=terminal))
    monkeypatch.setattr("sluiceway.cli.asking.ask", ask)
    monkeypatch.setenv("SLUICEWAY_ASK_ABOVE", "2")
    return answers


def looked(*jobs: dict[str, Any], **fields: Any) -> Answered:
    count = sum(job["accepted"] for job in jobs)
    head = {"id": None, "accepted": count, "refused": len(jobs) - count, "dry_run": True, "plan": 9}
    return 202, {**head, "jobs": list(jobs), **fields}


def answered(job_id: int, *, takes: bool = True, **fields: Any) -> dict[str, Any]:
    return {"job_id": job_id, "accepted": takes, **fields}


def sent(stub: Stub, call: str = "POST /stops") -> list[Any]:
    """The requests that were no dry runs."""
    return [body for name, body in stub.asked if name == call and not (body or {}).get("dry_run")]


def fares(*statuses: str) -> Answered:
    known = {"queue": "c0", "why": "", "deleted_at": None, "health": None}
    jobs = [{"job_id": i, "name": f"job-{i}", "status": status, **known} for i, status in enumerate(statuses, 1)]
    jobs = [{**job, "savepoint": "file:///s" if job["status"] == "stopped" else None} for job in jobs]
    return 200, {"jobs": jobs, "next": None}


# --- without a terminal ---------------------------------------------------------------------------------------------

DUE = [
    "stop --all",
    "stop 1 --no-savepoint",
    "stop -l a=b --no-savepoint",
    "move 1 --to other",
    "move --from old --to other",
    "clusters drain old --to other",
    "jobs delete 1",
    "savepoints delete 4",
    "savepoints delete 4 --force",
]


@pytest.mark.parametrize("command", DUE)
def test_where_nobody_can_be_asked_yes_has_to_be_there_and_nothing_is_sent(
    stub: Stub, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run(command.split()) == 2
    err = capsys.readouterr().err
    assert "asks first, and there is no terminal to ask at. Nothing was done. Give --yes" in err
    assert stub.asked == []


def test_above_a_size_yes_has_to_be_there_too(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    many = [str(job) for job in range(1, 22)]
    stub.on("GET /stops/7", a_stop(*(stopping(job) for job in range(1, 22))))
    for command in (["stop", *many], ["jobs", "run", *many], ["resume", "--job", *many], ["resume", "7"]):
        assert run(command) == 2
        assert "21 jobs would be " in capsys.readouterr().err, command
    assert not any(call.startswith("POST") for call, _ in stub.asked)
    stub.on("POST /stops", looked(*(answered(int(job)) for job in many)))
    assert run(["stop", "--tag", "a=b"]) == 2
    assert "21 jobs would be stopped, and there is no terminal" in capsys.readouterr().err
    assert sent(stub) == []


def test_up_to_that_a_stop_with_savepoints_needs_nothing(stub: Stub) -> None:
    some = list(range(1, 21))
    stub.on("POST /stops", accepted(*some))
    assert run(["stop", *map(str, some)]) == 0
    assert sent(stub)[0]["job_ids"] == some
    assert run(["stop", "--tag", "a=b"]) == 0
    assert sent(stub)[1] == {"job_ids": some, "savepoint": True, "reason": ""}, "what was counted is what is stopped"


def test_a_request_whose_key_is_given_is_sent_as_it_is(stub: Stub) -> None:
    stub.on("POST /stops", looked(answered(1)), accepted(1), looked(answered(1, takes=False)), accepted(1))
    for _ in range(2):
        assert run(["stop", "--tag", "a=b", "--idempotency-key", "tonight"]) == 0
    first, again = sent(stub)
    assert first == again, "its repeat gets the first answer, though the job has stopped"
    assert [key for key in stub.keys if key == "tonight"] == ["tonight"] * 2


def test_a_plan_needs_nothing(stub: Stub) -> None:
    stub.on("POST /stops", accepted(*range(1, 31)))
    assert run(["stop", "--plan", "5"]) == 0


def test_yes_asks_nothing_and_looks_at_nothing_first(stub: Stub) -> None:
    stub.on("POST /stops", accepted(1))
    stub.on("POST /moves", accepted(1))
    stub.on("POST /jobs/delete", (200, outcomes(None)))
    for command in ("stop --all", "stop 1 --no-savepoint", "move 1 --to other", "jobs delete 1"):
        assert run([*command.split(), "--yes"]) == 0
    calls = [call for call, _ in stub.asked if call != "GET /stops"]
    assert calls == ["POST /stops", "POST /stops", "POST /moves", "POST /jobs/delete"]


# --- at a terminal --------------------------------------------------------------------------------------------------


def test_the_number_of_many_jobs_is_typed(stub: Stub, typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /stops", accepted(1, 2, 3))
    typed.append("2")
    assert run(["stop", "1", "2", "3"]) == 1
    assert typed == ["Type the number, 3, to go on: "]
    err = capsys.readouterr().err
    assert "3 jobs would be stopped." in err
    assert "Nothing was done: 3 was not typed." in err
    assert sent(stub) == []
    typed[:] = ["3"]
    assert run(["stop", "1", "2", "3"]) == 0
    typed.clear()
    assert run(["stop", "1", "2", "3", "--yes"]) == 0
    assert run(["stop", "1", "2"]) == 0
    assert len(sent(stub)) == 3


def test_what_would_be_lost_is_said_before_anything_is(
    stub: Stub, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    def lossy(job: int) -> dict[str, Any]:
        loss = {"about": "no_savepoint", "weight": "loss", "text": WITHOUT.format(job)}
        return answered(job, finding={"way_back": [loss], "if_savepoint_fails": "runs_on"})

    ends = answered(8, finding={"if_savepoint_fails": "ends", "problems": ["2 of its 3 tasks run."]})
    refused = answered(9, takes=False, code="wrong_state", message="It is a draft.")
    stub.on("POST /stops", looked(*(lossy(job) for job in range(1, 8)), ends, refused), accepted(1))
    typed.append("yes")
    assert run(["stop", "--all", "--no-savepoint"]) == 1
    assert typed == ["Type the number, 8, to go on: "]
    lines = capsys.readouterr().err.splitlines()
    assert lines[:5] == [
        "sluiceway: 8 jobs would be canceled without a savepoint:",
        f"  jobs 1, 2, 3, 4, 5 and 2 more: {WITHOUT.format(1)} (and the like)",
        "  job 8: ends if its savepoint fails",
        "  job 8: 2 of its 3 tasks run.",
        "  1 job beside them: refused",
    ]
    assert sent(stub) == []


def test_one_job_without_a_savepoint_is_agreed_to_with_a_word(stub: Stub, typed: list[str]) -> None:
    stub.on("POST /stops", looked(answered(1)), accepted(1))
    typed.append("Yes ")
    assert run(["stop", "1", "--no-savepoint"]) == 0
    assert typed == ["Type yes to go on: "]
    assert sent(stub) == [{"job_ids": [1], "savepoint": False, "reason": ""}]


def test_a_move_says_what_its_cluster_lacks(stub: Stub, typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /moves", looked(answered(1), slots_free=1, slots_wanted=4), accepted(1))
    typed.append("no")
    assert run(["move", "--from", "old", "--to", "new"]) == 1
    err = capsys.readouterr().err
    assert "1 job would be stopped, and started on new:" in err
    assert "has 1 free slots, and they need 4 or more" in err
    typed[:] = ["yes"]
    assert run(["move", "--from", "old", "--to", "new"]) == 0
    assert sent(stub, "POST /moves") == [{"job_ids": [1], "to": "new"}]


def test_a_cluster_is_closed_only_once_somebody_has_agreed(stub: Stub, typed: list[str]) -> None:
    closed = (200, {"name": "old"})
    stub.on("POST /moves", looked(answered(1)))
    stub.on("PATCH /clusters/old", closed)
    typed.append("no")
    assert run(["clusters", "drain", "old", "--to", "new"]) == 1
    assert [call for call, _ in stub.asked] == ["POST /moves"]
    stub.on("POST /moves", looked(answered(1)), accepted(1))
    typed[:] = ["yes"]
    assert run(["clusters", "drain", "old", "--to", "new"]) == 0
    assert [call for call, _ in stub.asked][1:] == ["POST /moves", "PATCH /clusters/old", "POST /moves"]


def test_a_deletion_says_what_runs_and_what_is_stopped_with_state(
    stub: Stub, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    stub.on("GET /fares", fares("running", "stopped"))
    stub.on("POST /jobs/delete", (200, outcomes(None, None)))
    typed.append("y")
    assert run(["jobs", "delete", "1", "2"]) == 1, "it is a word that is typed"
    err = capsys.readouterr().err
    assert "2 jobs would be deleted:" in err
    assert "1 job (job-1): may be running, and would lose their progress" in err
    assert "1 job (job-2): stopped with state" in err
    assert sent(stub, "POST /jobs/delete") == []
    typed[:] = ["yes"]
    assert run(["jobs", "delete", "1", "2"]) == 0
    assert sent(stub, "POST /jobs/delete") == [{"job_ids": [1, 2]}]


def test_a_savepoint_is_shown_before_it_is_removed(
    stub: Stub, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    stub.on("GET /savepoints/4", (200, kept(4, needed=True, needed_by="Job 1 was stopped with it.")))
    stub.on("DELETE /savepoints/4", (200, kept(4)))
    typed.append("")
    assert run(["savepoints", "delete", "4", "--force"]) == 1
    err = capsys.readouterr().err
    assert "savepoint 4 would be removed for good" in err
    assert "Job 1 was stopped with it." in err
    typed[:] = ["yes"]
    assert run(["savepoints", "delete", "4"]) == 0


def test_what_was_counted_is_what_is_stopped_in_the_same_manner(
    stub: Stub, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    odd = answered(4, takes=False, code="wrong_state", message="It is being submitted.", wave=1)
    resting = answered(5, code="already_stopped", message="It is stopped already.")
    found = [answered(1), answered(2), answered(3, finding={"problems": ["It lacks slots."]})]
    stub.on("POST /stops", looked(*found, {**odd, "finding": {}}, resting), accepted(1, 2, 3))
    typed.append("3")
    how = ["--reason", "tonight", "--wave", "tag:tier=sink", "--max-parallel", "2", "--attempts", "5"]
    assert run(["stop", "--tag", "team=pay", "--status", "running", *how, "--json"]) == 1, "one is refused"
    manner = {
        "savepoint": True,
        "reason": "tonight",
        "waves": [{"tags": {"tier": "sink"}}],
        "max_parallel": 2,
        "on_savepoint_failure": {"attempts": 5},
    }
    first, second = [body for call, body in stub.asked if call == "POST /stops"]
    assert first == {"select": {"tags": {"team": "pay"}, "status": ["running"]}, **manner, "dry_run": True}
    assert second == {"job_ids": [1, 2, 3], **manner}, "no plan, which one job's new finding would outdate"
    said = json.loads(capsys.readouterr().out)
    assert (said["id"], said["accepted"], said["refused"]) == (7, 4, 1)
    assert said["jobs"][3:] == [odd, resting], "who is not stopped gets an answer, too"


def test_a_selection_of_which_none_can_be_stopped_asks_for_no_stop(
    stub: Stub, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    stub.on("POST /stops", looked())
    assert run(["stop", "--all"]) == 3
    assert "There is no job in project default that can be stopped now" in capsys.readouterr().err
    stub.on("POST /stops", looked(answered(4, takes=False, code="wrong_state", message="It is being submitted.")))
    assert run(["stop", "--all", "--wait"]) == 1
    assert "job 4 is refused: It is being submitted." in capsys.readouterr().err
    assert all(body["dry_run"] for call, body in stub.asked if call == "POST /stops")
    assert not typed


def test_a_selection_of_more_than_a_request_may_name_is_refused_with_a_way(
    stub: Stub, typed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sluiceway.cli.selection.MAX_JOB_IDS", 2)
    stub.on("POST /stops", looked(answered(1), answered(2), answered(3)))
    assert run(["stop", "--all"]) == 1
    err = capsys.readouterr().err
    assert "Nothing was done: 3 jobs would be stopped, and a request names 2 at most" in err
    assert "--yes" in err
    assert len(stub.asked) == 1
    assert not typed


def test_the_number_of_a_resume_is_typed_too(stub: Stub, typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("GET /stops/7", a_stop(stopping(1), stopping(2), stopping(3), stopping(4, "failed")))
    stub.on("POST /stops/7/resume", accepted(1, 2, 3))
    typed.append("3")
    assert run(["resume", "7"]) == 0
    assert "3 jobs would be resumed" in capsys.readouterr().err
    typed[:] = ["no"]
    assert run(["resume", "--job", "1", "2", "3"]) == 1
    assert run(["resume", "7", "--yes"]) == 0


def test_delete_tells_what_went_and_only_forces_when_told_to(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    refusal = {"error_code": "savepoint_needed", "error_msg": "Savepoint 4 is still needed: job 1 was stopped with it."}
    gone = kept(4, removed_at="2026-01-02T00:00:00Z")
    stub.on("DELETE /savepoints/4", (409, refusal), (200, gone))
    assert run(["savepoints", "delete", "4", "--yes"]) == 1
    assert "job 1 was stopped with it. (savepoint_needed)" in capsys.readouterr().err
    assert run(["savepoints", "delete", "4", "--force", "--yes"]) == 0
    assert capsys.readouterr().out == "Removed: file:///savepoints/4\n"
    assert run(["savepoints", "delete", "4", "--json", "--yes"]) == 0
    assert json.loads(capsys.readouterr().out) == gone
    assert stub.queries == ["", "force=true", ""]


# --- a terminal that is one ------------------------------------------------------------------------------------------


class Terminal:
    """A command at a terminal of its own."""

    def __init__(self, *words: str) -> None:
        self._ours, theirs = pty.openpty()
        self.said = ""
        command = ["env", "--default-signal=INT", sys.executable, "-m", "sluiceway", *words]
        self.process = processes.start(command, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)

    def until(self, text: str) -> None:
        while text not in self.said:
            self.said += os.read(self._ours, 4096).decode()

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def end(self) -> int:
        """The exit code."""
        try:
            while more := os.read(self._ours, 4096):
                self.said += more.decode()
        except OSError:  # nobody has the terminal open any more
            pass
        os.close(self._ours)
        return self.process.wait()


ENDINGS: list[tuple[Callable[[Terminal], None], int, int]] = [
    (lambda terminal: terminal.type("yes\n"), 0, 1),
    (lambda terminal: terminal.type("no\n"), 1, 0),
    (lambda terminal: terminal.type("\x04"), 1, 0),  # the end of the input
    (lambda terminal: terminal.process.send_signal(signal.SIGINT), 130, 0),
]


@pytest.mark.parametrize(("answer", "code", "stops"), ENDINGS, ids=["yes", "no", "end", "ctrl-c"])
def test_the_question_at_a_real_terminal(stub: Stub, answer: Callable[[Terminal], None], code: int, stops: int) -> None:
    stub.on("POST /stops", looked(answered(1)), accepted(1))
    terminal = Terminal("stop", "1", "--no-savepoint")
    terminal.until("Type yes to go on: ")
    answer(terminal)
    assert terminal.end() == code
    assert len(sent(stub)) == stops
    assert ("Nothing was done" in terminal.said) == (not stops)
    assert "Traceback" not in terminal.said
