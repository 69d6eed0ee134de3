"""`sluiceway access`: what administrators type, and what is refused."""

import io
import json
import os
import pwd
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sluiceway.cli.main import run

Access = Callable[..., Any]


@pytest.fixture
def access(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Access:
    """Runs a command on a data directory of its own; what it printed, as JSON if that was asked for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLUICEWAY_DATA", str(tmp_path / "data"))

    def call(*arguments: str, code: int = 0) -> Any:
        assert run(["access", *arguments]) == code
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        if code:
            return told.err
        return json.loads(told.out) if "--json" in arguments else told.out

    return call


def test_from_nothing_to_a_key(access: Access, tmp_path: Path) -> None:
    assert "sluiceway access grant ann" in access("users", "add", "ann")
    assert access("grant", "ann", "operator", "--project", "default", "--queue", "prod") == (
        "ann is operator of project default, queue prod.\n"
    )
    access("grant", "ann", "viewer", "-p", "*")
    made = access("keys", "add", "ann", "--json")
    assert (len(made["access"]), made["security_token"], made["expires_at"]) == (20, None, None)
    temporary = access("keys", "add", "ann", "--expires", "12h")
    assert "Security token:" in temporary
    assert "not shown again" in temporary
    [user] = access("users", "list", "--json")
    assert [(grant["role"], grant["project"], grant["queue"]) for grant in user["grants"]] == [
        ("viewer", "*", None),
        ("operator", "default", "prod"),
    ]
    keys = access("keys", "list", "--json")
    assert {key["user"] for key in keys} == {"ann"}
    assert [key["temporary"] for key in keys] == [False, True]
    assert made["secret"] not in access("keys", "list")
    assert made["secret"].encode() not in (tmp_path / "data/sluiceway.db").read_bytes()


def test_what_is_done_is_in_the_audit_with_who_did_it_on_the_machine(
    access: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    monkeypatch.setenv("USER", "somebody-else")
    access("users", "add", "ann", "--password", "--may-change-password")
    access("users", "own-password", "ann", "--deny")
    access("users", "own-password", "ann")
    [user] = access("users", "list", "--json")
    assert user["may_change_password"] is True
    access("grant", "ann", "viewer", "-p", "p")
    access("users", "disable", "ann")
    database = sqlite3.connect(tmp_path / "data/sluiceway.db")
    told = database.execute("SELECT kind, detail, who FROM events ORDER BY id").fetchall()
    database.close()
    who = f"{pwd.getpwuid(os.getuid()).pw_name}@console"
    assert told == [
        ("user_added", "ann, with a password, who may change it", who),
        ("password_change_denied", "ann", who),
        ("password_change_allowed", "ann", who),
        ("access_granted", "ann: viewer of project p", who),
        ("user_disabled", "ann", who),
    ]


def test_the_data_directory_and_what_lies_in_it_is_its_owners_alone(access: Access, tmp_path: Path) -> None:
    access("users", "add", "ann")
    access("keys", "add", "ann")
    modes = {path.name: path.stat().st_mode & 0o777 for path in [tmp_path / "data", *(tmp_path / "data").iterdir()]}
    assert modes == {"data": 0o700, "sluiceway.db": 0o600, "secret.key": 0o600}


def test_a_role_takes_the_place_of_the_one_before_and_is_taken_back(access: Access) -> None:
    access("users", "add", "ann")
    access("grant", "ann", "viewer", "--project", "p")
    access("grant", "ann", "owner", "--project", "p")
    assert "owner of project p" in access("users", "list")
    assert "no longer owner" in access("revoke", "ann", "--project", "p")
    assert "no such grant" in access("revoke", "ann", "--project", "p", code=1)


def test_tables_for_people_and_pipes(access: Access) -> None:
    access("users", "add", "ann", "--subject", "0815")
    access("grant", "ann", "viewer", "--project", "p")
    access("users", "disable", "ann")
    header, row = access("users", "list").splitlines()
    assert header.split() == ["USER", "GRANTS", "PASSWORD", "SUBJECT", "DISABLED"]
    assert row.split()[:5] == ["ann", "viewer", "of", "project", "p"]
    access("users", "enable", "ann")
    assert access("users", "list", "--json")[0]["disabled_at"] is None


def test_a_password_comes_through_a_pipe_and_is_never_shown(
    access: Access, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\nmore\n"))
    assert "correct" not in access("users", "add", "ann", "--password")
    assert access("users", "list", "--json")[0]["has_password"] is True
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert "8 to 1024 characters" in access("users", "password", "ann", code=2)
    assert b"correct horse" not in (tmp_path / "data/sluiceway.db").read_bytes()


def test_where_the_data_is_may_stand_in_the_file_of_settings(
    access: Access, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SLUICEWAY_DATA")
    access("users", "add", "ann")
    assert (tmp_path / "sluiceway-data/sluiceway.db").exists(), "as the service would have it without any setting"
    (tmp_path / "sluiceway.toml").write_text('data = "elsewhere"\nsecret_key_file = "keys/it"\nport = 1\n')
    (tmp_path / "keys").mkdir()
    access("users", "add", "ann")
    access("keys", "add", "ann")
    assert (tmp_path / "elsewhere/sluiceway.db").exists()
    assert (tmp_path / "keys/it").stat().st_mode & 0o777 == 0o600
    (tmp_path / "sluiceway.toml").write_text("port = [")
    assert "sluiceway.toml cannot be read" in access("users", "list", code=2)


def test_only_the_first_user_makes_a_data_directory_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    calls = ("users list", "users disable ann", "users password ann", "keys add ann", "keys list", "keys revoke K")
    for call in (*calls, "grant ann viewer -p p", "revoke ann -p p", "tokens revoke ann"):
        monkeypatch.setattr("sys.stdin", io.StringIO("long enough\n"))
        assert run(["access", *call.split(), "--data", "typo"]) == 2
        told = capsys.readouterr()
        assert (told.out, "typo holds no data of a service" in told.err) == ("", True)
        assert not (tmp_path / "typo").exists()
    assert run(["access", "users", "add", "ann", "--data", "new", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == {"name": "ann"}
    assert "new held no data of a service; it does now" in told.err
    assert run(["access", "users", "add", "bob", "--data", "new"]) == 0
    assert capsys.readouterr().err == ""


REFUSED = {
    "users add a/b": (2, "1 to 64 letters"),
    "users add local": (2, "choose another name"),
    "users add ann": (2, "There is a user ann already"),
    "users password nobody": (1, "no user nobody"),
    "users disable nobody": (1, "no user nobody"),
    "grant nobody viewer --project p": (1, "no user nobody"),
    "grant ann boss --project p": (2, "boss"),
    "grant ann viewer": (2, "--project"),
    "grant ann viewer --project a-b": (2, "1 to 64 letters and digits"),
    "keys add nobody": (1, "no user nobody"),
    "keys add ann --expires 0s": (2, "above 0"),
    "keys add ann --expires 400d": (2, "up to 365d"),
    "keys add ann --expires soon": (2, "soon"),
    "keys revoke NONE": (1, "no access key NONE"),
    "tokens revoke nobody": (1, "no user nobody"),
}


@pytest.mark.parametrize("call", REFUSED)
def test_what_is_refused(call: str, access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    access("users", "add", "ann")
    monkeypatch.setattr("sys.stdin", io.StringIO("long enough\n"))
    code, words = REFUSED[call]
    assert words in access(*call.split(" "), code=code)


@pytest.mark.parametrize("content", ["", "no hex", "ab" * 31, "ab" * 33])
def test_a_key_file_that_holds_no_key(content: str, access: Access, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(content)
    access("users", "add", "ann")
    told = access("keys", "add", "ann", "--secret-key-file", str(tmp_path / "key"), code=2)
    assert "does not hold a key" in told
    assert "Is a directory" in access("keys", "add", "ann", "--secret-key-file", str(tmp_path), code=2)
