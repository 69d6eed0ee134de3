"""What stands where the cursor is, as shells ask for it; in `acceptance/test_shells.py` real ones do."""

import socket
from collections.abc import Callable, Iterator

import pytest
from tests.support.services.named import HOSTILE, knowing_names

from sluiceway.cli import completing
from sluiceway.cli.language import Language
from sluiceway.cli.main import app, run

Ask = Callable[..., set[str]]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with knowing_names() as address:
        monkeypatch.setenv("SLUICEWAY_SERVER", address)
        yield


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """The values that may stand in the place of the last word; nothing may be said beside them."""
    monkeypatch.setattr("sluiceway.cli.language._spoken", Language.ENGLISH)  # and so it is again afterwards

    def values(*words: str) -> set[str]:
        monkeypatch.setenv(completing.WORDS, "".join(word + completing.SEPARATOR for word in words))
        assert run([completing.COMMAND]) == 0
        said = capsys.readouterr()
        assert said.err == ""
        _, begun, told = said.out.partition(f"{completing.SEPARATOR}begin\n")
        assert begun
        return {line.partition("\t")[0] for line in told.splitlines()}

    return values


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["sto"], {"stop", "stops"}),
        (["stop", "--on-failure", "ca"], {"cancel", "cancel_keeping_checkpoint"}),
        (["stop", "--st"], {"--status", "--stop-timeout"}),
        (["jobs", "list", "--status", "st"], {"starting", "stopped", "stop_failed"}),
        (["jobs", "list", "--health=r"], {"\x1fprefix", "running", "restarting"}),
        (["jobs", "create", "new", "--sql", ""], {"\x1ffiles"}),
        (["database", "backup", ""], {"\x1ffiles"}),
        (["completion", ""], {"bash", "fish", "zsh"}),
        (["jobs", "show", "--l"], {"--language"}),
        (["--language", ""], {"en", "zh"}),
        (["--language", "zh", "completion", ""], {"bash", "fish", "zsh"}),
        (["jobs", "create", "new", "--", "--l"], set()),
        (["jobs", "create", "o"], set()),
        (["nonsense", "o"], set()),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_commands_options_and_choices_need_no_service(ask: Ask, words: list[str], found: set[str]) -> None:
    assert ask(*words) == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["jobs", "show", "or"], {"orders-eu", "orders-us"}),
        (["jobs", "run", "orders-eu", "orders-u"], {"orders-us"}),
        (["stop", "stop", "orders-e"], {"orders-eu"}),  # where a job is called like a command
        (["jobs", "show", "1"], {"12", "13"}),
        (["jobs", "list", "--name", "orders-e"], {"orders-eu"}),
        (["savepoints", "list", "--job", "orders-e"], {"orders-eu"}),
        (["stop", "--cluster", "p"], {"prod"}),
        (["stop", "--cluster=p"], {"\x1fprefix", "prod"}),
        (["move", "orders-eu", "--to", ""], {"prod", "edge"}),
        (["clusters", "show", ""], {"prod", "edge"}),
        (["clusters", "add", ""], set()),
        (["stop", "--tag", "team=p"], {"team=payments"}),
        (["jobs", "list", "-l", "tier=sink,team=l"], {"tier=sink,team=logistics"}),
        (["stop", "--wave", "tag:ti"], {"tag:tier=sink"}),
        (["stop", "--wave", "queue="], {"queue=prod", "queue=edge"}),
        (["stops", "show", ""], {"7"}),
        (["resume", ""], {"7"}),
        (["savepoints", "verify", ""], {"55"}),
        (["variables", "delete", ""], {"host"}),
        (["wait", "--for=settled", ""], {"stop/7"}),
        (["wait", "--for", "answering", "cluster/e"], {"cluster/edge"}),
        (["wait", "--for=running", "orders-e"], {"orders-eu"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_lives_in_the_service_is_asked_of_it(ask: Ask, server: None, words: list[str], found: set[str]) -> None:
    assert ask(*words) == found


def test_what_stands_beside_is_in_chinese_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sluiceway.cli.language._spoken", Language.ENGLISH)
    monkeypatch.setenv("SLUICEWAY_LANGUAGE", "zh")
    for word, shown in (("jobs", "创建、启动、列出、显示和删除作业。"), ("stop\x1f--w", "一起停止的一批作业：")):
        monkeypatch.setenv(completing.WORDS, word + completing.SEPARATOR)
        assert run([completing.COMMAND]) == 0
        assert f"\t{shown}" in capsys.readouterr().out


def test_a_name_that_a_terminal_would_obey_is_left_out(ask: Ask, server: None) -> None:
    assert ask("jobs", "show", "") == {"orders-eu", "orders-us", "stop", HOSTILE}


def test_every_argument_of_the_table_is_one_of_a_command() -> None:
    named = {field.partition(" ")[0] for field in completing._FINDS if field.endswith(" name")}
    assert named <= set(app)


def test_a_service_that_does_not_answer_is_not_waited_for(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completing, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("SLUICEWAY_SERVER", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert ask("jobs", "show", "") == set()
        assert ask("jobs", "show", "--se") == {"--server"}


def test_without_a_service_nothing_is_said(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICEWAY_SERVER", "http://127.0.0.1:9")
    assert ask("stop", "o") == set()


def test_a_server_that_is_typed_goes_before(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICEWAY_SERVER", "http://127.0.0.1:9")
    with knowing_names() as address:
        assert ask("jobs", "show", "--server", address, "orders-e") == {"orders-eu"}
