"""State handles as Flink writes them, to build `_metadata` files of any version by hand."""

from collections.abc import Sequence

from sluiceway.testing.fake_metadata import integer, long, operator, several, text

KEYED = b"\0"  # the handle of no keyed state


def inline(data: bytes = b"state", name: str = "a") -> bytes:
    return b"\1" + text(name) + integer(len(data)) + data


def file(path: str = "file:/flink/shared/a", size: int = 10) -> bytes:
    return b"\2" + long(size) + text(path)


def relative(path: str = "b", size: int = 20) -> bytes:
    return b"\6" + text(path) + long(size)


def segment(path: str = "file:/flink/shared/c", start: int = 5, size: int = 30) -> bytes:
    return b"\x0f" + long(start) + long(size) + integer(1) + text(path) + text("segment")


EMPTY_SEGMENT = b"\x10"


def groups(first: int = 0, count: int = 2) -> bytes:
    return integer(first) + integer(count)


def key_groups(stream: bytes, kind: int = 3, count: int = 2) -> bytes:
    handle_id = text("id") if kind == 12 else b""
    return bytes([kind]) + groups(0, count) + b"".join(map(long, range(count))) + stream + handle_id


def incremental(own: bytes, shared: Sequence[bytes] = (), private: Sequence[bytes] = (), kind: int = 11) -> bytes:
    second = kind == 11
    head = bytes([kind]) + long(3) + text("a-backend") + groups() + (long(1) if second else b"")
    lists = [several([text("x.sst") + stream for stream in streams]) for streams in (shared, private)]
    return head + own + b"".join(lists) + (text("id") if second else b"")


def changelog(states: Sequence[bytes] = (), changes: Sequence[bytes] = (), kind: int = 14) -> bytes:
    head = bytes([kind]) + groups() + long(1) + several(states) + several(changes) + long(1)
    return head + (long(7) if kind == 14 else b"") + text("id")


def change_bytes(*changes: bytes) -> bytes:
    made = [integer(0) + integer(len(change)) + change for change in changes]
    return b"\x09" + groups() + long(0) + long(1) + several(made) + text("id")


def change_files(*streams: bytes, kind: int = 13) -> bytes:
    head = bytes([kind]) + groups() + several([long(0) + stream for stream in streams])
    return head + long(1) + long(1) + text("id") + (text("filesystem") if kind == 13 else b"")


def operator_state(stream: bytes, kind: int = 4, names: Sequence[str] = ("a", "b")) -> bytes:
    made = [text(name) + bytes([mode % 3]) + several([long(0), long(8)]) for mode, name in enumerate(names)]
    directories = text("file:/flink/taskowned") + text("file:/flink/shared") + b"\0" if kind == 17 else b""
    return bytes([kind]) + several(made) + directories + stream


def channel(stream: bytes, version: int, *, output: bool = False, size: int = 40) -> bytes:
    kind = (b"\2" if output else b"\1") if version >= 6 else b""
    return kind + integer(0) * 3 + several([long(0), long(8)]) + long(size) + stream


def merged_channel(stream: bytes, *, output: bool = False, size: int = 50) -> bytes:
    return (b"\4" if output else b"\3") + integer(0) + long(size) + stream + integer(3) + b"abc"


def subtask(
    index: int = 0,
    *,
    managed: bytes = b"",
    raw: bytes = b"",
    keyed: bytes = KEYED,
    raw_keyed: bytes = KEYED,
    inputs: Sequence[bytes] = (),
    outputs: Sequence[bytes] = (),
) -> bytes:
    states = b"".join(integer(1) + state if state else integer(0) for state in (managed, raw))
    return integer(index) + states + keyed + raw_keyed + several(inputs) + several(outputs)


def finished_subtask(index: int) -> bytes:
    return integer(-1 - index)


def master_state(data: bytes = b"hook") -> bytes:
    inner = integer(0) + text("a hook") + integer(len(data)) + data
    return bytes.fromhex("c96b1696") + integer(len(inner)) + inner


def every_handle(version: int) -> list[bytes]:
    """Operators that have all kinds of handles of this version between them."""
    streams = [inline(), file(), relative(), segment(), EMPTY_SEGMENT, key_groups(file("file:/flink/old", 11))]
    keyed = [
        *(key_groups(stream, kind) for stream in streams for kind in (3, 7, 12)),
        incremental(inline(), [file("file:/flink/shared/d", 12), inline()], [relative("e", 13)], kind=5),
        incremental(file(), [segment()], [relative()]),
        change_bytes(b"one", b"two"),
        changelog([incremental(inline(), [file()])], [change_bytes(b"three"), change_files(file("file:/flink/f", 14))]),
        changelog([key_groups(relative(), 12)], [change_files(file("file:/flink/f", 14), kind=10)], kind=8),
    ]
    channels = [channel(relative("g", 90), version), channel(inline(), version)]
    outputs = [channel(relative("g", 90), version, output=True)]
    if version >= 6:
        channels.append(merged_channel(relative("g", 90)))
        outputs.append(merged_channel(relative("g", 90), output=True))
    subtasks = [
        *(subtask(index, keyed=handle) for index, handle in enumerate(keyed)),
        subtask(
            len(keyed), managed=operator_state(relative()), raw=operator_state(file(), names=["ü", "数据", "🦦\0"])
        ),
        subtask(len(keyed) + 1, managed=operator_state(segment(), kind=17), raw_keyed=key_groups(inline(), 12)),
        subtask(len(keyed) + 2, inputs=channels, outputs=outputs),
        finished_subtask(len(keyed) + 3),
    ]
    return [
        operator(version, subtasks=subtasks, parallelism=len(subtasks), name="Ünïcode 🦦\0", uid="a-uid"),
        operator(version, coordinator=inline(b"splits"), id_=bytes(16)),
        operator(version, finished=True, id_=bytes([1] * 16), parallelism=3, name="done"),
    ]
