"""Which language commands speak, and that nothing is left out of the other one."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import Struct
from rich.cells import cell_len
from tests.unit.test_cli import Stub, a_stop, accepted, fared, page_of, shown, stopping

from sluiceway.cli import (
    answers,
    cluster_answers,
    job_answers,
    language,
    order_answers,
    reasons,
    savepoint_answers,
    tables,
)
from sluiceway.cli.heads import Head
from sluiceway.cli.language import Language, chosen
from sluiceway.cli.main import run
from sluiceway.cli.output import Failed

EN, ZH = Language.ENGLISH, Language.CHINESE
ANSWERS = (answers, cluster_answers, job_answers, order_answers, savepoint_answers)
CHOICES = [
    ([], {}, EN),
    ([], {"LANG": "zh_CN.UTF-8"}, ZH),
    ([], {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, EN),
    ([], {"LANG": "de_DE.UTF-8", "LC_MESSAGES": "zh_CN"}, ZH),
    ([], {"LANG": "zha_CN"}, EN),
    ([], {"LANG": "zh_CN.UTF-8", "SLUICEWAY_LANGUAGE": "en"}, EN),
    (["--language", "zh"], {"SLUICEWAY_LANGUAGE": "en"}, ZH),
    (["--language=zh-cn"], {}, ZH),
    (["--language", "en_US.UTF-8"], {"LANG": "zh_CN.UTF-8"}, EN),
]


@pytest.mark.parametrize(("option", "environment", "language"), CHOICES)
def test_the_option_counts_then_the_variable_then_the_locale(
    option: list[str], environment: dict[str, str], language: Language
) -> None:
    assert chosen(["jobs", *option, "list", "--json"], environment) == (language, ["jobs", "list", "--json"])


def test_what_stands_behind_two_dashes_is_no_choice() -> None:
    assert chosen(["jobs", "--", "--language", "zh"], {}) == (EN, ["jobs", "--", "--language", "zh"])


@pytest.mark.parametrize("words", [["--language", "tlh"], ["--language"], ["--language="]])
def test_another_language_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Failed, match="en or zh"):
        chosen(words, {})
    assert run(words) == 2
    assert "en or zh" in capsys.readouterr().err


# What is said in Chinese. ---------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    """One process is one call, but for tests."""
    yield
    language.speak(EN)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    made = Stub()
    monkeypatch.setenv("SLUICEWAY_SERVER", made.url)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    yield made
    made.close()


def test_where_no_service_answers_it_is_said_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["jobs", "list", "--server", "http://127.0.0.1:9", "--language", "zh"]) == 5
    err = capsys.readouterr().err
    assert err.startswith("sluiceway: http://127.0.0.1:9 上没有服务响应（")
    assert "请用 `sluiceway serve` 启动服务" in err


def test_that_nothing_was_meant_is_said(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST /stops", accepted())
    assert run(["stop", "--tag", "a=b", "--yes"]) == 3
    assert capsys.readouterr().err == "sluiceway: 项目 default 中没有匹配 --tag 'a=b' 的作业，未执行任何操作。\n"
    stub.on("GET /fares", page_of(fared(1, "finished"), fared(2, "finished")))
    assert run(["stop", "--tag", "a=b", "--yes"]) == 3
    told = "匹配 --tag 'a=b' 的作业中没有当前可以停止的（2 个作业：2 finished），未执行任何操作。"
    assert told in capsys.readouterr().err, "statuses are the same words in both languages"


def test_an_accepted_stop_says_how_to_look_at_it_and_how_to_undo_it(
    stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.on("POST /stops", accepted(1, 2, refused=1))
    assert run(["stop", "1", "2", "900"]) == 1
    said = capsys.readouterr()
    assert said.out == "停止操作 7 已受理，包含 2 个作业。查看：sluiceway stops show 7；撤销：sluiceway resume 7\n"
    assert said.err == "sluiceway: 作业 900 被拒绝：There is no such job.\n", "a stub's words are as they came"


def test_a_question_is_asked_in_chinese_and_answered_as_ever(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    answers = ["yes", "3"]

    def answer(question: str) -> str:
        asked.append(question)
        return answers.pop(0)

    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr("sluiceway.cli.asking.sys", SimpleNamespace(stdin=terminal, stderr=terminal))
    monkeypatch.setattr("sluiceway.cli.asking.ask", answer)
    monkeypatch.setenv("SLUICEWAY_ASK_ABOVE", "2")
    stub.on("POST /stops", accepted(1, 2, 3))
    assert run(["stop", "1", "2", "3"]) == 1
    err = capsys.readouterr().err
    assert "sluiceway: 3 个作业将被停止。\n" in err
    assert "未执行任何操作：没有输入 3。" in err
    assert run(["stop", "1", "2", "3"]) == 0
    assert asked == ["输入作业数量 3 继续："] * 2


WRONG_CALLS = [
    ("jobs list --stat x", "未知选项：--stat。是否应为 --status？"),
    ("jobs list --limit x", "--limit 的值“x”无效，应为整数。"),
    ("events --limit 0", "--limit 的值“0”无效。应 > 0。"),
    ("stop 1 --format cano", '--format 的值“cano”无效，可选值："auto", "canonical", "native"。是否应为 "canonical"？'),
    ("stop 1 --wait --wait", "参数 --wait 重复指定。"),
    ("jobs creat", '未知命令“creat”。是否应为 "create"？可用命令：create, '),
    ("move 1", "命令 move 缺少参数 --to 的值。"),
    ("jobs list --watch extra", "多余的参数：'extra'。"),
    ("jobs list --server foo", "--server 的值“foo”无效。应为 URL，例如 http://127.0.0.1:8640。"),
    ("stop 1 --wait --timeout abc", "--timeout 的值无效：应为时长，例如 45s、30m、1h30m 或 2d。"),
    ("serve --savepoint-timeout nan", "--savepoint-timeout 的值无效：应为时长，例如 45s、30m、1h30m 或 2d。"),
    ("stop 1 --timeout 5s", "--timeout 是最长等待时间，需要与 --wait 一起使用。"),
]


@pytest.mark.parametrize(("words", "told"), WRONG_CALLS)
def test_a_wrong_call_is_explained(stub: Stub, capsys: pytest.CaptureFixture[str], words: str, told: str) -> None:
    assert run(words.split()) == 2
    assert capsys.readouterr().err.startswith(f"sluiceway: {told}")
    assert stub.asked == []


OPEN = {"headers": [], "user": "", "ca": False, "certificate": False}
CLUSTER: dict[str, Any] = {
    **dict.fromkeys(("origin", "trouble"), ""),
    **dict.fromkeys(("max_savepoints", "health")),
    "name": "c0",
    "kind": "session",
    "labels": {},
    "addresses": [],
    "projects": [],
    "draining": False,
    "guards": OPEN,
    "source": "api",
    "default": True,
    "runs": 0,
}
FOR_PROGRAMS = [
    ["jobs", "list", "--json"],
    ["jobs", "list"],
    ["jobs", "show", "1", "--json"],
    ["stop", "1", "--json"],
    ["stop", "1", "-o", "yaml"],
    ["stops", "show", "7", "-o", "name"],
    ["stops", "show", "7"],
    ["wait", "--for=answering", "cluster/c0", "--timeout", "0.1s", "--json"],
    ["contexts", "show", "--json"],
]


@pytest.mark.parametrize("words", FOR_PROGRAMS, ids=" ".join)
def test_programs_read_the_same_in_both_languages(
    stub: Stub, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    stub.on("GET /fares", page_of(fared(1, "running"), fared(2, "stopped")))
    stub.on("GET /jobs/1", shown(1, "job_running"))
    stub.on("GET /stops/7", a_stop(stopping(1), stopping(2, "failed", reason="Flink said no.")))
    stub.on("POST /stops", accepted(1, refused=1))
    stub.on("GET /clusters", (200, {"clusters": [], "files": []}))
    stub.on("GET /clusters/c0", (200, CLUSTER))
    english, chinese = (
        (run([*words, "--language", spoken]), capsys.readouterr().out) for spoken in (EN.value, ZH.value)
    )
    assert english == chinese
    assert english[1]


@pytest.mark.parametrize("form", ["--json", "-o=yaml", "-o=jsonl"])
def test_the_service_answers_people_in_their_language_and_programs_in_english(stub: Stub, form: str) -> None:
    stub.on("POST /stops", accepted(1))
    assert run(["stop", "1", "--no-savepoint", "--yes"]) == 0
    assert set(stub.languages) == {"zh-cn"}
    stub.languages.clear()
    assert run(["stop", "1", "--no-savepoint", "--yes", form]) == 0
    assert set(stub.languages) == {"en-us"}


# What the service says in English. ------------------------------------------------------------------------------------

FAILED = stopping(2, "failed", reason="Its tasks were not all running in time. java.io.IOException: No space left.")


def test_a_reason_is_told_in_chinese_with_flinks_words_as_they_are(
    stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.on("GET /stops/7", a_stop(stopping(1), FAILED))
    run(["stops", "show", "7"])
    assert "其 task 未能及时全部运行。java.io.IOException: No space left." in capsys.readouterr().out


@pytest.mark.parametrize("words", [["stops", "show", "7"], ["jobs", "list"], ["events"]], ids=" ".join)
@pytest.mark.parametrize("form", ["--json", "-o=jsonl"])
def test_no_document_has_a_reason_in_chinese(
    stub: Stub, capsys: pytest.CaptureFixture[str], words: list[str], form: str
) -> None:
    cause = "It does not run steadily: at least 3 restarts in 10 minutes."
    event = {"id": 1, "at": "2026-01-01T00:00:00Z", "kind": "job_lost", "job_id": 1, "stop_id": None, "who": ""}
    stub.on("GET /stops/7", a_stop(FAILED))
    stub.on("GET /fares", page_of(fared(1, "failed", why=cause)))
    stub.on("GET /events", (200, {"events": [event | {"detail": cause}], "next": 1}))
    run([*words, form])
    assert not any("\u4e00" <= letter <= "\u9fff" for letter in capsys.readouterr().out)
    run(words)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in capsys.readouterr().out)


def test_a_refusal_is_told_in_chinese(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("GET /stops/7", (404, {"error_code": "unknown_stop", "error_msg": "There is no stop 7 in this project."}))
    assert run(["stops", "show", "7"]) == 1
    assert capsys.readouterr().err == "sluiceway: 该项目中没有停止操作 7。 (unknown_stop)\n"
    assert run(["stops", "show", "7", "--json"]) == 1
    assert "There is no stop 7 in this project. (unknown_stop)" in capsys.readouterr().err


def test_every_reason_is_a_field_that_is_told() -> None:
    """By the names that the API has for them, but for what people write themselves: why they stop jobs."""
    names = {"why", "reason", "message", "state_reason", "status_desc", "cause", "fault", "trouble", "storage_reason"}
    typed = {("Stop", "reason"), ("StopHead", "reason"), ("MoveHead", "reason"), ("Done", "message")}
    kinds = [kind for module in ANSWERS for kind in vars(module).values() if isinstance(kind, type)]
    for kind in kinds:
        if issubclass(kind, Struct):
            found = {name for name in kind.__annotations__ if name in names and (kind.__name__, name) not in typed}
            assert found <= reasons._reasons(kind), kind


# Without a service. ---------------------------------------------------------------------------------------------------


def test_what_is_wrong_with_a_data_directory_is_told_in_chinese(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(tmp_path)]
    assert run(["access", "users", "add", "a b", *data]) == 2
    assert "用户名为 1 到 64 个字母" in capsys.readouterr().err
    assert run(["access", "keys", "add", "anna", *data]) == 1
    assert capsys.readouterr().err == "sluiceway: 没有用户 anna。\n"
    (tmp_path / "copy.db").write_text("no database")
    assert run(["database", "restore", str(tmp_path / "copy.db"), *data]) == 1
    told = f"sluiceway: 无法使用数据库 {tmp_path / 'copy.db'}：file is not a database。 未执行任何操作。\n"
    assert capsys.readouterr().err == told


def test_a_service_that_cannot_start_says_why_in_chinese(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve = [sys.executable, "-m", "sluiceway", "serve", "--data", str(tmp_path), "--port", "0"]
    done = subprocess.run([*serve, "--cluster", "x"], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("sluiceway: --cluster x 不是 NAME=URL 形式；请填写例如 prod=http://jobmanager:8081（")


# Names may be Chinese, too. -------------------------------------------------------------------------------------------

JOBS = [
    ["1", "订单汇总", "running", "集群北京"],
    ["12", "orders", "stopped", "prod"],
    ["3", "支付-payments", "failed", "x"],
]
HEADS = [Head(text) for text in ("id", "name", "status", "cluster")]


def starts(line: str, cells: list[str]) -> list[int]:
    """Where each of these begins in a line, in cells of a terminal."""
    places, at = [], 0
    for cell in cells:
        at = line.index(cell, at)
        places.append(cell_len(line[:at]))
    return places


@pytest.mark.parametrize("width", [None, 80, 40])
def test_chinese_names_keep_the_columns_of_a_terminal_in_line(width: int | None) -> None:
    head, _, *lines = [line.plain for line in tables.drawn(HEADS, JOBS, width).lines]
    assert all(cell_len(line) <= (width or 80) for line in lines)
    assert {tuple(starts(line, row)) for line, row in zip(lines, JOBS, strict=True)} == {
        tuple(starts(head, ["id", "name", "status", "cluster"]))
    }


def test_they_do_so_through_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    tables.table(HEADS, JOBS)
    head, *lines = capsys.readouterr().out.splitlines()
    assert {tuple(starts(line, row)) for line, row in zip(lines, JOBS, strict=True)} == {
        tuple(starts(head, ["ID", "NAME", "STATUS", "CLUSTER"]))
    }
