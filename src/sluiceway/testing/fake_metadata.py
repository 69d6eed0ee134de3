"""Writes `_metadata` as Flink does, so that what the fake leaves behind stands any inspection."""

import struct
from collections.abc import Sequence
from typing import Final

MAGIC: Final = 0x4960672D
NOTHING: Final = b"\0"  # the handle of no state
_FLAGS: Final = (
    "discardCancelled",
    "discardFailed",
    "discardFinished",
    "discardSubsumed",
    "discardSuspended",
    "forced",
    "unclaimed",
)
_RUNTIME: Final = "org.apache.flink.runtime.checkpoint."
_FORMAT: Final = "org.apache.flink.core.execution.SavepointFormatType"


def integer(value: int) -> bytes:
    """A Java int."""
    return struct.pack(">i", value)


def long(value: int) -> bytes:
    """A Java long."""
    return struct.pack(">q", value)


def text(value: str) -> bytes:
    """A text as Java writes it."""
    units = value.encode("utf-16-be", "surrogatepass")
    raw = b"".join(
        chr(unit).encode("utf-8", "surrogatepass") if unit else b"\xc0\x80"
        for (unit,) in struct.iter_unpack(">H", units)
    )
    return struct.pack(">H", len(raw)) + raw


def several(items: Sequence[bytes]) -> bytes:
    """How many there are, and then they."""
    return integer(len(items)) + b"".join(items)


def operator(
    version: int = 6,
    *,
    subtasks: Sequence[bytes] = (),
    finished: bool = False,
    parallelism: int = 1,
    most: int = 128,
    coordinator: bytes = NOTHING,
    name: str = "Source: s[1]",
    uid: str = "",
    id_: bytes = bytes(range(16)),
) -> bytes:
    """One operator; each of its subtasks begins with its index."""
    names = text(name) + text(uid) if version >= 5 else b""
    head = names + id_ + integer(parallelism) + integer(most) + coordinator
    return head + (integer(-1) if finished else several(subtasks))


def metadata(
    version: int = 6,
    operators: Sequence[bytes] | None = None,
    *,
    properties: bytes | None = None,
    master_states: Sequence[bytes] = (),
    checkpoint_id: int = 1,
) -> bytes:
    """A whole `_metadata`; by default a canonical savepoint of one operator without state."""
    made = [operator(version)] if operators is None else operators
    head = struct.pack(">Ii", MAGIC, version) + long(checkpoint_id) + several(master_states) + several(made)
    return head + ((savepoint() if properties is None else properties) if version >= 4 else b"")


def written(number: int, *, of_stop: bool) -> bytes:
    """A savepoint as the fake Flink writes it: the job's checkpoint of that number."""
    return metadata(checkpoint_id=number, properties=savepoint(after="SUSPEND" if of_stop else "NONE"))


# Java serialization of Flink's checkpoint properties. -----------------------------------------------------------------


def savepoint(form: str = "CANONICAL", after: str = "NONE") -> bytes:
    """The properties of a savepoint in that format, and of what the job did after it."""
    enum = _class("java.lang.Enum", 0, 0x12, [])
    fields = [_field("formatType", _FORMAT), _field("name", "java.lang.String")]
    fields.append(_field("postCheckpointAction", f"{_RUNTIME}SavepointType$PostCheckpointAction"))
    kind = b"s" + _class(f"{_RUNTIME}SavepointType", 0xA087D308A45814B8, 2, fields)
    kind += b"~" + _class(_FORMAT, 0, 0x12, [], enum) + b"t" + text(form) + b"t" + text("Savepoint")
    action = _class(f"{_RUNTIME}SavepointType$PostCheckpointAction", 0, 0x12, [], b"q" + integer(0x7E0009))
    return _properties(kind + b"~" + action + b"t" + text(after))


def _properties(kind: bytes) -> bytes:
    fields = [b"Z" + text(name) for name in _FLAGS] + [_field("checkpointType", f"{_RUNTIME}SnapshotType")]
    head = b"\xac\xed\0\5s" + _class(f"{_RUNTIME}CheckpointProperties", 2, 2, fields)
    return head + bytes([0, 0, 0, 0, 0, 1, 0]) + kind


def _class(name: str, version: int, flags: int, fields: Sequence[bytes], above: bytes = b"p") -> bytes:
    head = b"r" + text(name) + struct.pack(">QBH", version, flags, len(fields))
    return head + b"".join(fields) + b"x" + above


def _field(name: str, of: str) -> bytes:
    return b"L" + text(name) + b"t" + text(f"L{of.replace('.', '/')};")
