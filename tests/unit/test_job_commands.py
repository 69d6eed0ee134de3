"""`sluiceway jobs create` of a jar, `create --check`, `jobs update` and `jobs show` of Jar jobs, against the stub."""

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.test_cli import SQL, Answered, Stub, shown

from sluiceway.cli.main import run

JAR = b"PK a jar"
DIGEST = hashlib.sha256(JAR).hexdigest()
MADE: Answered = (200, {"job": {"job_id": 3, "status_name": "job_init", "status_desc": ""}})
OF_JAR = {"job_type": "flink_jar_job", "sql_body": "", "main_class": "com.shop.Orders", "entrypoint_args": "--topic a"}


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    made = Stub()
    monkeypatch.setenv("SLUICEWAY_SERVER", made.url)
    made.on("GET /resources", (200, {"resources": []}))
    made.on("POST /flink-jobs", MADE)
    yield made
    made.close()


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    (tmp_path / "orders.jar").write_bytes(JAR)
    return tmp_path / "orders.jar"


def resources(**known: str) -> Answered:
    found = [{"name": f"{name}.jar", "group": "", "sha256": digest} for name, digest in known.items()]
    return 200, {"resources": [*found, {"name": "orders.jar", "group": "others", "sha256": "x"}]}


# --- create of a jar ------------------------------------------------------------------------------------------------


def test_a_jar_is_uploaded_and_made_a_job(stub: Stub, jar: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("PUT /resources/orders.jar", (200, {}))
    how = ["--parallelism", "8", "--checkpoint-interval", "10", "--option", "a=b", "--tag", "team=shop"]
    program = ["--jar", str(jar), "--class", "com.shop.Orders"]
    assert run(["jobs", "create", "orders", *program, *how, "--", "--topic", "a b"]) == 0
    assert stub.sent("PUT /resources/orders.jar") == JAR
    assert stub.sent("POST /flink-jobs") == {
        "name": "orders",
        "desc": "",
        "parallel_number": 8,
        "cu_number": 3,
        "checkpoint_enabled": True,
        "checkpoint_interval": 10,
        "runtime_config": '[{"key": "a", "value": "b"}]',
        "tags": [{"key": "team", "value": "shop"}],
        "entrypoint": "orders.jar",
        "main_class": "com.shop.Orders",
        "entrypoint_args": "--topic 'a b'",
    }
    assert "Job 3 (orders) is created." in capsys.readouterr().out


def test_a_jar_that_is_there_already_is_not_sent_again(stub: Stub, jar: Path) -> None:
    stub.on("GET /resources", resources(orders=DIGEST))
    assert run(["jobs", "create", "orders", "--jar", str(jar)]) == 0
    assert stub.sent("POST /flink-jobs")["entrypoint"] == "orders.jar"


def test_a_jar_of_other_jobs_is_never_replaced(stub: Stub, jar: Path) -> None:
    own = f"orders-{DIGEST[:12]}.jar"
    stub.on("GET /resources", resources(orders="another"))
    stub.on(f"PUT /resources/{own}", (200, {}))
    assert run(["jobs", "create", "orders", "--jar", str(jar)]) == 0
    assert stub.sent("POST /flink-jobs")["entrypoint"] == own


def test_a_jar_elsewhere_is_named_as_it_is(stub: Stub) -> None:
    assert run(["jobs", "create", "orders", "--jar", "s3://jars/orders.jar"]) == 0
    assert [call for call, _ in stub.asked] == ["POST /flink-jobs"]
    assert stub.sent("POST /flink-jobs")["entrypoint"] == "s3://jars/orders.jar"


def test_what_a_signature_cannot_cover_is_refused_with_a_way(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLUICEWAY_ACCESS_KEY", "a")
    monkeypatch.setenv("SLUICEWAY_SECRET_KEY", "b")
    with (tmp_path / "fat.jar").open("wb") as fat:
        fat.truncate(12 * 1024 * 1024 + 1)
    assert run(["jobs", "create", "orders", "--jar", str(tmp_path / "fat.jar")]) == 2
    assert "sign in with a token" in capsys.readouterr().err
    assert [call for call, _ in stub.asked] == ["GET /resources"]


@pytest.mark.parametrize(
    "words",
    [
        "jobs create a",
        "jobs create a --sql x.sql --jar x.jar",
        "jobs create a --sql x.sql --class C",
        "jobs create a --sql x.sql -- --topic a",
        "jobs create a --jar missing.jar",
        "jobs create a --jar .",
        "jobs create a --jar s3://b/x.jar --retention 2h",
        "jobs create a --sql missing.sql",
        "jobs update 1",
        "jobs update 1 --sql x.sql --jar x.jar",
    ],
)
def test_a_wrong_call_sends_nothing(stub: Stub, words: str) -> None:
    assert run(words.split()) == 2
    assert stub.asked == []


# --- create --check -------------------------------------------------------------------------------------------------


def found(ok: bool | None, *faults: tuple[str, str], notes: tuple[str, ...] = (), unchecked: str = "") -> Answered:
    said = [{"about": about, "text": text} for about, text in faults]
    return 200, {"ok": ok, "faults": said, "notes": list(notes), "unchecked": unchecked}


def test_a_check_creates_nothing_and_says_what_is_wrong(
    stub: Stub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(SQL))
    stub.on("POST /fares/check", found(True, notes=("The option 'x' has no effect here.",)))
    how = ["--queue", "prod", "--parallelism", "2", "--checkpoint-interval", "5", "--option", "a=b=c"]
    assert run(["jobs", "create", "a", "--sql", "-", "--check", "--run", *how]) == 0
    assert [call for call, _ in stub.asked] == ["POST /fares/check"]
    assert stub.sent("POST /fares/check") == {
        "sql": SQL,
        "queue": "prod",
        "parallelism": 2,
        "checkpoint_interval_seconds": 5,
        "options": {"a": "b=c"},
    }
    out, err = capsys.readouterr()
    assert out == "Nothing is wrong with it. Nothing was created.\n"
    assert "has no effect" in err
    monkeypatch.setattr("sys.stdin", io.StringIO(SQL))
    stub.on("POST /fares/check", found(False, ("options", "no such option"), ("syntax", "at line 1")))
    assert run(["jobs", "create", "a", "--sql", "-", "--check"]) == 1
    err = capsys.readouterr().err
    assert "options: no such option" in err
    assert "syntax: at line 1" in err


def test_what_could_not_be_checked_is_no_success(stub: Stub, jar: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /fares/check", found(None, unchecked="It has no SQL."))
    assert run(["jobs", "create", "a", "--jar", str(jar), "--check", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is None
    assert [call for call, _ in stub.asked] == ["POST /fares/check"], "no jar is uploaded"


# --- update and show ------------------------------------------------------------------------------------------------


def config(**fields: Any) -> dict[str, Any]:
    return {"job_config": {"parallel_number": 1, "cu_number": 2, **fields}}


def test_an_update_changes_what_it_names_and_nothing_else(stub: Stub, tmp_path: Path) -> None:
    (tmp_path / "new.sql").write_text(SQL)
    options = json.dumps([{"key": "a", "value": "1"}, {"key": "b", "value": "2"}, {"key": "c", "value": "3"}])
    stub.on("GET /jobs/5", shown(5, "job_cancel_success", **config(runtime_config=options)))
    stub.on("PUT /sql-jobs/5", (200, {}))
    how = [
        "--name",
        "new",
        "--parallelism",
        "6",
        "--no-checkpoints",
        "--restart",
        "--retention",
        "1d",
        "--option",
        "a=9",
        "--unset",
        "b",
        "--desc",
    ]
    assert run(["jobs", "update", "5", "--sql", str(tmp_path / "new.sql"), *how, ""]) == 0
    body = stub.sent("PUT /sql-jobs/5")
    assert json.loads(body.pop("runtime_config")) == [{"key": "a", "value": "9"}, {"key": "c", "value": "3"}]
    assert body == {
        "name": "new",
        "desc": "",
        "restart_when_exception": True,
        "parallel_number": 6,
        "cu_number": 3,
        "checkpoint_enabled": False,
        "idle_state_retention": 86_400,
        "idle_state_retention_unit": "seconds",
        "sql_body": SQL,
    }


def test_room_that_a_job_has_is_not_taken_from_it(stub: Stub) -> None:
    stub.on("GET /jobs/5", shown(5, "job_init", **config(cu_number=10)))
    stub.on("PUT /sql-jobs/5", (200, {}))
    assert run(["jobs", "update", "5", "--parallelism", "8"]) == 0
    assert stub.sent("PUT /sql-jobs/5") == {"parallel_number": 8}


def test_a_jar_job_gets_another_jar(stub: Stub, jar: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("GET /jobs/5", shown(5, "job_cancel_success", **OF_JAR, savepoint_path="file:///s"))
    stub.on("PUT /resources/orders.jar", (200, {}))
    stub.on("PUT /flink-jobs/5", (200, {}))
    assert run(["jobs", "update", "5", "--jar", str(jar), "--", "--topic", "b"]) == 0
    assert stub.sent("PUT /flink-jobs/5") == {"entrypoint": "orders.jar", "entrypoint_args": "--topic b"}
    assert "sluiceway resume --job 5 --dry-run" in capsys.readouterr().out


def test_a_job_of_another_kind_is_not_changed(stub: Stub, jar: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("GET /jobs/5", shown(5, "job_init", **OF_JAR))
    stub.on("GET /jobs/6", shown(6, "job_init"))
    for words, said in (
        (["5", "--sql", "x.sql"], "Job 5 is a Jar job, and has no SQL"),
        (["5", "--retention", "2h"], "--retention is of SQL"),
        (["6", "--jar", str(jar)], "Job 6 is a SQL job, and has no jar"),
        (["6", "--unset", "x"], "the job has no such option"),
    ):
        assert run(["jobs", "update", *words]) == 2
        assert said in capsys.readouterr().err
    assert {call for call, _ in stub.asked} == {"GET /jobs/5", "GET /jobs/6"}


def test_what_is_refused_while_it_runs_names_the_way(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("GET /jobs/5", shown(5, "job_running"))
    stub.on("PUT /sql-jobs/5", (400, {"error_code": "DLI.12003", "error_msg": "It runs."}))
    assert run(["jobs", "update", "5", "--parallelism", "2"]) == 1
    err = capsys.readouterr().err
    assert "Nothing was changed. Stop it first: sluiceway stop 5 --wait, and after the update: " in err
    assert "sluiceway resume --job 5" in err


def test_a_jar_job_is_shown_by_its_program(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    of = config(entrypoint="orders.jar", dependency_jars=["udf.jar"], idle_state_retention=3600)
    stub.on("GET /jobs/5", shown(5, "job_running", **OF_JAR, **of))
    assert run(["jobs", "show", "5"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["jar"] == "orders.jar"
    assert lines["class"] == "com.shop.Orders"
    assert lines["arguments"] == "--topic a"
    assert lines["dependencies"] == "udf.jar"
    assert "idle" not in lines
    assert "SQL" not in "".join(lines.values())
