"""What a walk over a disk brings back of the savepoints that it finds."""

from pathlib import Path

import pytest

from sluiceway.storage.disk import Disk
from sluiceway.storage.root import Heads
from sluiceway.storage.threads import Pulse

HEAD = "a/savepoint-1/_metadata"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a" / "savepoint-1").mkdir(parents=True)
    (tmp_path / HEAD).write_bytes(b"content")
    return tmp_path


def heads(root: Path, small: int) -> Heads:
    return Disk(str(root)).heads("a", Pulse(), small=small)


def test_a_small_head_is_read_where_it_is_found(root: Path) -> None:
    assert heads(root, small=7).read == {HEAD: b"content"}
    assert heads(root, small=6).read == heads(root, small=0).read == {}, "what is larger is read by who opens it"
    assert [found.key for found in heads(root, small=0).metadata] == [HEAD]


def test_only_the_first_is_read(root: Path) -> None:
    (root / "a" / "savepoint-2").mkdir()
    (root / "a" / "savepoint-2" / "_metadata").write_bytes(b"other")
    found = heads(root, small=7)
    assert len(found.metadata) == 2
    assert [*found.read] == [found.metadata[0].key]


def test_what_has_changed_since_it_was_seen_is_left_to_who_opens_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = Disk._walk

    def slow(*about: object) -> object:
        for step in walk(*about):  # type: ignore[arg-type]
            if step[2] is not None:
                (root / HEAD).write_bytes(b"it has become longer")
            yield step

    monkeypatch.setattr(Disk, "_walk", slow)
    assert heads(root, small=7).read == {}


def test_no_link_is_followed_that_was_put_in_its_place(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walk = Disk._walk
    (root / "elsewhere").write_bytes(b"secrets")  # of the same size

    def slow(*about: object) -> object:
        for step in walk(*about):  # type: ignore[arg-type]
            if step[2] is not None:
                (root / HEAD).unlink()
                (root / HEAD).symlink_to(root / "elsewhere")
            yield step

    monkeypatch.setattr(Disk, "_walk", slow)
    assert heads(root, small=7).read == {}
