"""What anybody may have put into storage, made worse at random: savepoints, zip files and jars.

Whatever a reader may raise about its input is handled here; anything else is a fault.
"""

import io
import random
import struct
import tempfile
import zipfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from tests.fuzz_readers.targets import Target, register
from tests.support.flink import handles
from tests.support.flink.handles import every_handle, incremental, inline, master_state, subtask
from tests.support.people.archives import pack

from sluiceway import zips
from sluiceway.domain.engine import Unusable
from sluiceway.engines.jars import packages
from sluiceway.storage.archive import Allowance, BrokenArchive, unpack
from sluiceway.storage.metadata import BrokenMetadata, TooMuchMetadata, parse
from sluiceway.testing.fake_metadata import metadata, operator

DATA: Final = Path(__file__).parents[1] / "data" / "metadata"
LARGEST: Final = 1 << 20  # bytes of a case
_ODD: Final = (0, 1, -1, 127, 128, 255, 2**15, 2**16 - 1, 2**31 - 1, -(2**31), 2**32 - 1, 2**62)


def savepoint(content: bytes) -> None:
    """A `_metadata`, whole or not. What is wrong with it is told with its place, in few words."""
    try:
        parse(content)
    except BrokenMetadata as error:
        broken = error
    except TooMuchMetadata:
        return
    else:
        return
    assert 0 <= broken.at <= len(content)
    assert len(str(broken)) < 400


def archive(content: bytes) -> None:
    """An export. Whatever comes out of it stays within the allowance."""
    try:
        documents = unpack(content, Allowance(1000, 1 << 20, 4 << 20))
    except BrokenArchive:
        return
    assert sum(map(len, documents.values())) <= 4 << 20
    assert len(documents) <= 1000


def jar(content: bytes) -> None:
    """A jar, to which a file is added or none. No more is listed than was counted."""
    try:
        counted = zips.count(io.BytesIO(content), packages.MOST_ENTRIES)
    except zips.BadZip:
        counted = -1
    try:
        listed = len(zipfile.ZipFile(io.BytesIO(content)).filelist)
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError):
        listed = -1
    assert listed <= counted, (listed, counted)
    with tempfile.TemporaryDirectory() as there:
        own, more = Path(there) / "app.jar", Path(there) / "rules.csv"
        own.write_bytes(content)
        more.write_bytes(b"a,b")
        with suppress(Unusable):
            packages.pack(own, [], [more] if len(content) % 2 else [])


def _a_savepoint(rng: random.Random, _: int) -> bytes:
    """Flink's own, or of every kind of handle, or of very many elements, with some of it changed."""
    return _changed(rng, rng.choice(_savepoints()), rng.choice(_savepoints()))


def _a_zip(rng: random.Random, _: int) -> bytes:
    return _changed(rng, _archive(rng), _archive(rng))


register(Target("savepoint", _a_savepoint, savepoint, LARGEST, 3.0))
register(Target("zip", _a_zip, archive, LARGEST, 3.0))
register(Target("jar", _a_zip, jar, LARGEST, 3.0))


@cache
def _savepoints() -> tuple[bytes, ...]:
    """Small ones many times, so that most cases are quick."""
    real = [path.read_bytes() for path in sorted(DATA.iterdir())]
    built = [metadata(version, every_handle(version), master_states=[master_state()]) for version in range(3, 7)]
    handle = incremental(inline(), [handles.file(f"{n:x}") for n in range(50_000)])
    large = [
        metadata(operators=[operator(parallelism=40_000, most=40_000, subtasks=[subtask(n) for n in range(40_000)])]),
        metadata(operators=[operator(subtasks=[subtask(keyed=handles.changelog([b"\0"] * 900_000))])]),
        metadata(operators=[operator(subtasks=[subtask(keyed=handle)])]),
        metadata(operators=[operator(name="")] * 15_000),
    ]
    return (*(real + built) * 20, *large)


def _archive(rng: random.Random) -> bytes:
    size = rng.choice((10, 100, 10_000))
    documents = {f"jobs/{number}.json": rng.randbytes(8) * (size // 8) for number in range(rng.choice((1, 3, 30)))}
    if rng.random() < 0.8:
        return pack(documents)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in documents.items():
            with archive.open(name, "w", force_zip64=True) as entry:
                entry.write(content)
        archive.comment = rng.randbytes(rng.choice((0, 5, 65_535)))
    return made.getvalue()


def _changed(rng: random.Random, content: bytes, other: bytes) -> bytes:
    """Some bytes, numbers or parts changed, most often few of them."""
    made = bytearray(content)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 10, 100))):
        at = rng.randrange(len(made) + 1)
        match rng.randrange(7):
            case 0 if at < len(made):
                made[at] = rng.randrange(256)
            case 1:
                size = rng.choice((1, 2, 4, 8))
                form = rng.choice("<>")
                number = rng.choice(_ODD) & (256**size - 1)
                made[at : at + size] = struct.pack(form + {1: "B", 2: "H", 4: "I", 8: "Q"}[size], number)
            case 2:
                del made[at : at + rng.choice((1, 4, 20, 1000))]
            case 3:
                begin = rng.randrange(len(other))
                made[at:at] = other[begin : begin + rng.choice((1, 10, 100, 10_000))]
            case 4:
                made[at:at] = made[at : at + rng.choice((1, 22, 50))] * rng.choice((1, 10, 1000))
            case 5:
                del made[at:]
                made += other[rng.randrange(len(other)) :]
            case _:
                made[at:at] = rng.randbytes(rng.choice((1, 4, 16)))
        if not made:
            break
    return bytes(made[:LARGEST])
