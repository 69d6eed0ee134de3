"""The catalogue of savepoints is made anew by a migration, and keeps what was in it."""

import sqlite3
from pathlib import Path

import pytest
from alembic import command

from sluiceway.store.migrating import migrate

KEPT = [(1, 7, "file:///s/1"), (2, 8, "file:///s/2")]
INSERT = (
    "INSERT INTO savepoints (id, project, job_id, run_id, stop_id, path, format, drained, flink_version, reason,"
    " created_at) VALUES (?, 'p', 1, 1, ?, ?, 'canonical', 0, '', '', 5)"
)


def test_savepoints_of_an_earlier_release_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, upgrade = tmp_path / "test.db", command.upgrade
    with monkeypatch.context() as patched:
        patched.setattr(command, "upgrade", lambda config, _: upgrade(config, "0002"))
        migrate(path)
    with sqlite3.connect(path) as db:
        db.executemany(INSERT, KEPT)
    db.close()
    migrate(path)
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT id, stop_id, path FROM savepoints ORDER BY id").fetchall() == KEPT
        kept = db.execute("SELECT kind, registered_at, protected, protected_until FROM savepoints").fetchall()
        assert kept == [("savepoint", None, 0, None)] * len(KEPT)
        db.execute(INSERT, (None, None, "file:///s/3"))
        db.execute("DELETE FROM savepoints WHERE id = 3")
        db.execute(INSERT, (None, None, "file:///s/4"))
        assert db.execute("SELECT max(id) FROM savepoints").fetchone() == (4,), "no id is given twice"
    db.close()


STOP = (
    "INSERT INTO stops (id, job_id, run_id, cluster, flink_job_id, savepoint, root, token, policy, phase, deadline,"
    " sent_at, settled_at, created_at) VALUES (?, 1, 1, 'c', ?, 1, '', '', ?, ?, 0, ?, ?, 0)"
)
OLD_STOPS = [
    (1, "a", '{"drain":false,"format":"canonical"}', "waiting", None, None),
    (2, "b", '{"drain":false,"format":"canonical"}', "sent", 5, None),
    (3, "c", '{"format":"native"}', "sent", 5, None),
    (4, "d", '{"format":"canonical"}', "stopped", 5, 6),
]


def test_what_nobody_had_asked_for_is_no_wish_after_an_upgrade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, upgrade = tmp_path / "test.db", command.upgrade
    with monkeypatch.context() as patched:
        patched.setattr(command, "upgrade", lambda config, _: upgrade(config, "0009"))
        migrate(path)
    with sqlite3.connect(path) as db:
        db.executemany(STOP, OLD_STOPS)
    db.close()
    migrate(path)
    with sqlite3.connect(path) as db:
        shown = db.execute("SELECT json_extract(policy, '$.format'), format FROM stops ORDER BY id").fetchall()
    db.close()
    assert shown == [(None, None), (None, "canonical"), ("native", "native"), ("canonical", "canonical")]
