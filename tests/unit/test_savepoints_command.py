"""`sluiceway savepoints inspect`: what it shows, what it says is wrong, and what it exits with."""

import json
from pathlib import Path

import pytest
from tests.support.doubles.object_store import ObjectStore
from tests.support.doubles.places import S3Place
from tests.support.flink.handles import file, key_groups, relative, subtask

from sluiceway.cli.main import run
from sluiceway.testing.fake_metadata import metadata, operator

OPERATORS = [
    operator(subtasks=[subtask(keyed=key_groups(relative("state", 3), 12))], name="count\x1b[31m", uid="a-uid"),
    operator(finished=True, name="done", parallelism=2),
]


@pytest.fixture
def savepoint(tmp_path: Path) -> Path:
    (tmp_path / "_metadata").write_bytes(metadata(operators=OPERATORS, checkpoint_id=7))
    (tmp_path / "state").write_bytes(b"abc")
    return tmp_path


def inspect(*arguments: object) -> int:
    return run(["savepoints", "inspect", *map(str, arguments)])


def test_a_whole_one_is_shown(savepoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (savepoint, savepoint / "_metadata", f"file:{savepoint}"):
        assert inspect(path) == 0
        out, err = capsys.readouterr()
        head, titles, first, second = out.splitlines()
        size = 3 + (savepoint / "_metadata").stat().st_size
        assert f"canonical savepoint 7, format version 6, {size} B ({size} bytes), 1 file of state" in head
        assert titles.split()[:3] == ["OPERATOR", "UID", "ID"]
        assert first.split() == ["count\\x1b[31m", "a-uid", bytes(range(16)).hex(), "1", "128", "3", "-"]
        assert second.split()[-4:] == ["2", "128", "0", "yes"]
        assert err == ""


def test_it_is_one_document_for_programs(savepoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect(savepoint, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["whole"], said["wrong"], said["version"], said["checkpoint_id"]) == (True, [], 6, 7)
    assert (said["kind"], said["format"], said["files"]) == ("savepoint", "canonical", 1)
    assert said["operators"][0] == {
        "id": bytes(range(16)).hex(),
        "name": "count\x1b[31m",
        "uid": "a-uid",
        "parallelism": 1,
        "max_parallelism": 128,
        "bytes": 3,
        "finished": False,
    }


def test_what_is_wrong_is_told_with_its_place(savepoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (savepoint / "state").unlink()
    assert inspect(savepoint) == 1
    assert f"{savepoint}: state is missing" in capsys.readouterr().err
    (savepoint / "_metadata").write_bytes(metadata(operators=OPERATORS)[:-5])
    assert inspect(savepoint, "--json") == 1
    out, err = capsys.readouterr()
    assert f"{savepoint}: _metadata cannot be read to its end: at byte" in err
    assert (json.loads(out)["whole"], json.loads(out)["operators"]) == (False, [])
    assert inspect(savepoint / "nowhere") == 1
    assert f"{savepoint}/nowhere: there is no _metadata" in capsys.readouterr().err


def test_what_cannot_be_looked_for_from_here_is_not_called_whole(
    savepoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    far = operator(subtasks=[subtask(keyed=key_groups(file("s3://bucket/a"), 12))])
    (savepoint / "_metadata").write_bytes(metadata(operators=[far]))
    assert inspect(savepoint) == 1
    assert "1 of its files are on another storage" in capsys.readouterr().err


def test_a_path_of_another_kind_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    for path in ("hdfs://host/savepoint-1", "file://host/savepoint-1", "s3:savepoint-1"):
        assert inspect(path) == 2
        assert "is neither on a file system of this machine nor in S3" in capsys.readouterr().err


def test_one_in_an_object_store_is_shown_as_one_on_a_disk(
    object_store: ObjectStore, keys_at_hand: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", object_store.endpoint)
    place = S3Place(object_store)
    place.put("savepoint/_metadata", metadata(operators=OPERATORS, checkpoint_id=7))
    uri = place.flink("savepoint")
    assert inspect(uri) == 1
    assert f"{uri}: state is missing" in capsys.readouterr().err
    place.put("savepoint/state", b"abc")
    assert inspect(f"{uri}/_metadata") == 0
    assert "canonical savepoint 7, format version 6" in capsys.readouterr().out
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert inspect(uri) == 1
    assert "http://127.0.0.1:1 does not answer" in capsys.readouterr().err


def test_an_object_store_needs_keys(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    assert inspect("s3://bucket/savepoint-1") == 2
    assert "needs AWS_ACCESS_KEY_ID" in capsys.readouterr().err
