"""Zip files that mean no good are refused, and never take more memory than they may."""

import contextlib
import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.people.archives import pack

from sluiceway.storage.archive import Allowance, BrokenArchive, unpack

GOOD = {"a.json": b"{}", "jobs/1.json": b"x" * 1000}


def allowance(entries: int = 10, each: int = 10_000, total: int = 20_000) -> Allowance:
    return Allowance(entries, each, total)


def zipped(write: Callable[[zipfile.ZipFile], None]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        write(archive)
    return data.getvalue()


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z/]{1,20}\.json", fullmatch=True), st.binary(max_size=300), max_size=10))
def test_what_is_packed_comes_out_as_it_was(documents: dict[str, bytes]) -> None:
    assert unpack(pack(documents), allowance()) == documents


@settings(deadline=None)
@given(st.binary(max_size=400), st.integers(0, 300), st.binary(min_size=1, max_size=20))
def test_anything_else_is_refused_and_nothing_worse(noise: bytes, place: int, patch: bytes) -> None:
    packed = pack(GOOD)
    place %= len(packed)
    for data in (noise, packed[:place], packed[:place] + patch + packed[place + len(patch) :]):
        with contextlib.suppress(BrokenArchive):
            unpack(data, allowance())


def named(*names: str) -> bytes:
    def write(archive: zipfile.ZipFile) -> None:
        for name in names:
            archive.writestr(name, b"x")

    return zipped(write)


def peak_of(data: bytes, match: str) -> int:
    """The most memory that a refusal takes."""
    tracemalloc.start()
    with pytest.raises(BrokenArchive, match=match):
        unpack(data, allowance())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_a_bomb_does_not_go_off() -> None:
    bomb = zipped(lambda archive: archive.writestr("bomb", bytes(50 << 20)))
    assert len(bomb) < 1 << 20
    assert peak_of(bomb, "more than 10000 bytes") < 4 << 20


def test_a_bomb_that_lies_about_its_size_does_not_go_off() -> None:
    bomb = zipped(lambda archive: archive.writestr("bomb", bytes(20 << 20)))
    lie = bomb.replace(struct.pack("<L", 20 << 20), struct.pack("<L", 100))
    assert lie != bomb
    assert peak_of(lie, "no zip file|longer than") < 4 << 20


def many(archive: zipfile.ZipFile) -> None:
    for number in range(4):
        archive.writestr(f"{number}", bytes(5_000))


def test_many_small_ones_are_bounded_together() -> None:
    with pytest.raises(BrokenArchive, match="too much"):
        unpack(zipped(many), allowance(total=19_999))
    with pytest.raises(BrokenArchive, match="too many"):
        unpack(zipped(many), allowance(entries=3))
    shared = allowance(entries=7, total=60_000)
    assert len(unpack(zipped(many), shared)) == 4
    with pytest.raises(BrokenArchive, match="too many"):
        unpack(zipped(many), shared)


def test_names_are_only_names() -> None:
    names = ["../../etc/passwd", "/etc/passwd", "C:\\x", "a/../b"]
    documents = unpack(named(*names), allowance())
    assert set(documents.values()) == {b"x"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(BrokenArchive, match="two entries"):
        unpack(named("a", "a"), allowance())


def test_what_is_encrypted_or_packed_in_another_way_is_refused() -> None:
    strange = io.BytesIO()
    with zipfile.ZipFile(strange, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a", b"x" * 100)
    with pytest.raises(BrokenArchive, match="not taken"):
        unpack(strange.getvalue(), allowance())
    secret = bytearray(pack({"a": b"x"}))
    secret[secret.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(BrokenArchive, match="encrypted"):
        unpack(bytes(secret), allowance())
