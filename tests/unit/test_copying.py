"""Backups of the database: whole while a service writes, nobody else's to read, and no id that means two things."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.services import databases

from sluiceway.cli.main import run

FILE = "sluiceway.db"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A service's data directory as it is after three jobs."""
    made = tmp_path / "data"
    made.mkdir()
    databases.make(made / FILE)
    with closing(sqlite3.connect(made / FILE)) as service:
        service.execute("PRAGMA journal_mode = WAL")  # as the service has it
    issue(made / FILE, 3)
    return made


def issue(path: Path, upto: int) -> None:
    """As if jobs had been made and deleted until this id."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM sqlite_sequence WHERE name IN ('jobs', 'batches')")
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('jobs', ?), ('batches', ?)", (upto, upto))


def issued(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())


def database(*words: str | Path) -> int:
    return run(["database", *map(str, words)])


def test_a_copy_is_whole_while_others_write_and_nobody_elses_to_read(data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(data / FILE)) as service:
        service.execute("INSERT INTO changes (cluster, number) VALUES ('of the service', 7)")
        service.commit()  # into the WAL
        service.execute("INSERT INTO changes (cluster, number) VALUES ('not committed', 1)")
        assert database("backup", copy, "--data", data) == 0
    assert copy.stat().st_mode & 0o777 == 0o600
    assert not Path(f"{copy}-wal").exists(), "all of it is in one file"
    with closing(sqlite3.connect(copy)) as found:
        assert found.execute("SELECT cluster, number FROM changes").fetchall() == [("of the service", 7)]


def test_what_is_there_is_not_written_over(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "copy.db").write_text("mine")
    assert database("backup", tmp_path / "copy.db", "--data", data) == 2
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "copy.db").read_text() == "mine"


def test_ids_go_on_after_the_highest_that_was_issued(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.db"
    assert database("backup", copy, "--data", data) == 0
    issue(data / FILE, 10)
    capsys.readouterr()
    assert database("restore", copy, "--data", data, "--json") == 0
    kept = Path(json.loads(capsys.readouterr().out)["kept"])
    assert (issued(data / FILE)["jobs"], issued(data / FILE)["batches"]) == (10, 10)
    assert issued(kept)["jobs"] == 10, "the one before it is kept"
    assert sorted(data.iterdir()) == sorted([data / FILE, kept])


def test_where_nobody_knows_what_was_issued_ids_jump(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, elsewhere = tmp_path / "copy.db", tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert database("backup", copy, "--data", data) == 0
    assert database("restore", copy, "--data", elsewhere) == 0
    assert issued(elsewhere / FILE)["jobs"] == 1_000_000
    assert "those of jobs begin after 1000000" in capsys.readouterr().err
    assert (elsewhere / FILE).stat().st_mode & 0o777 == 0o600


def test_a_database_that_a_service_works_on_is_not_replaced(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.db"
    assert database("backup", copy, "--data", data) == 0
    with closing(sqlite3.connect(data / FILE)) as service:
        service.execute("SELECT * FROM jobs").fetchall()
        assert database("restore", copy, "--data", data) == 1
    assert "Stop it first" in capsys.readouterr().err
    assert [each.name for each in data.iterdir() if "restoring" in each.name or "before" in each.name] == []


@pytest.mark.parametrize("content", [b"", b"text", b"SQLite format 3\0" + b"\0" * 4096, None], ids=repr)
def test_what_is_no_copy_replaces_nothing(
    content: bytes | None, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.db"
    if content is not None:
        copy.write_bytes(content)
    assert database("restore", copy, "--data", data) == 1
    assert "Nothing was done." in capsys.readouterr().err
    assert issued(data / FILE)["jobs"] == 3
    assert "restoring" not in "".join(each.name for each in data.iterdir())
