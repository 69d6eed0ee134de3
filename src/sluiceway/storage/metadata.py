"""Flink's `_metadata`: what a savepoint or checkpoint consists of, from the file's bytes alone.

The layout is that of Flink's classes MetadataV3Serializer to MetadataV6Serializer:

    magic, version, checkpoint id, master states, operators [, from version 4 on: properties]

    operator: [from version 5 on: name, uid,] id, parallelism, maximum parallelism, coordinator's state, subtasks
    subtask: managed and raw operator state, managed and raw keyed state, input and output channel state
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from sluiceway.storage.java_objects import Properties, read_properties
from sluiceway.storage.metadata_reader import BrokenMetadata, Source, TooMuchMetadata
from sluiceway.storage.state_handles import Files, HandleReader

MAGIC: Final = 0x4960672D  # the first four bytes (Flink contract, "JobManager lost")
VERSIONS: Final = range(3, 7)  # Flink 1.11 to 2.3
_MASTER_MAGIC: Final = 0xC96B1696 - (1 << 32)
_LEAST_OPERATOR: Final = 29  # bytes
_LEAST_SUBTASK: Final = 4
_NO_STATE: Final = 18  # bytes that are 0 in a subtask without any state
MOST_OPERATORS: Final = 20_000


class Kind(StrEnum):
    """What was taken."""

    SAVEPOINT = "savepoint"
    CHECKPOINT = "checkpoint"


class Format(StrEnum):
    """Flink's two formats of savepoints."""

    CANONICAL = "canonical"
    NATIVE = "native"


class Reference(NamedTuple):
    """A file that holds state."""

    path: str  # as Flink wrote it: a URI, or relative to the directory of `_metadata`
    size: int | None  # bytes; None where it is not told
    relative: bool
    exact: bool  # the file has exactly `size` bytes; else at least so many: others may use it as well


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator, and how much state it has."""

    id: str  # 32 hex digits, made from the uid where there is one
    name: str | None  # None: not told, as before version 5
    uid: str | None
    parallelism: int
    max_parallelism: int
    bytes: int  # inline and in files
    finished: bool  # all of its subtasks had ended
    stateful: bool = True  # there is state, perhaps of 0 bytes
    in_flight: bool = False  # some of it are records that were on their way, as in an unaligned checkpoint


@dataclass(frozen=True, slots=True)
class Metadata:
    """All that a `_metadata` says. `kind` and `format` are None where it does not tell."""

    version: int
    checkpoint_id: int
    kind: Kind | None
    format: Format | None
    operators: tuple[Operator, ...]
    references: tuple[Reference, ...]
    drained: bool = False  # it was taken by a stop that sent the last watermark first
    of_stop: bool = False  # it was taken to end the job


def parse(source: bytes | Source, pause: Callable[[], object] = int) -> Metadata:
    """Read a `_metadata` to its end; inline state is passed over. It costs at most 0.5 µs a byte.

    `pause` is called again and again, and may raise to end it. Raises `BrokenMetadata`, and `TooMuchMetadata` before
    memory is taken for more operators, files or handles than are read.
    """
    reader = HandleReader(_Bytes(source) if isinstance(source, bytes) else source, pause)
    version = _head(reader)
    checkpoint_id = reader.size("the checkpoint id")
    for _ in range(reader.count("master states", 18)):
        _master_state(reader)
    operators = tuple(_operator(reader, version) for _ in range(_operators(reader)))
    properties = read_properties(reader) if version >= 4 else Properties(None, None)
    if reader.left:
        reader.broken(f"{reader.left} bytes follow after the end of the metadata")
    kind, form = _kind(properties, canonical=reader.canonical)
    drained = properties.after == "TERMINATE"
    of_stop = drained or properties.after == "SUSPEND"
    return Metadata(version, checkpoint_id, kind, form, operators, _references(reader.files), drained, of_stop)


class _Bytes:
    """See `Source`. Of bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, at: int, size: int) -> bytes:
        return self._data[at : at + size]


def _operators(reader: HandleReader) -> int:
    number = reader.count("operators", _LEAST_OPERATOR)
    if number > MOST_OPERATORS:
        raise TooMuchMetadata(f"it has more than {MOST_OPERATORS} operators")
    return number


def _head(reader: HandleReader) -> int:
    if reader.integer("the magic number") != MAGIC:
        reader.broken("it does not begin like a _metadata of Flink's", 0)
    version = reader.integer("the format version")
    if version not in VERSIONS:
        reader.broken(f"the format version {version} is unknown; {VERSIONS[0]} to {VERSIONS[-1]} are known", 4)
    return version


def _master_state(reader: HandleReader) -> None:
    if reader.integer("the magic number of a master state") != _MASTER_MAGIC:
        reader.broken("a master state does not begin like one", reader.at - 4)
    size = reader.length("bytes of a master state")
    end = reader.at + size
    reader.integer("the version of a master state")
    reader.skip_text("the name of a master state")
    reader.skip(reader.length("bytes of a master state"), "a master state")
    if reader.at != end:
        reader.broken(f"a master state of {size} bytes ends elsewhere")


def _operator(reader: HandleReader, version: int) -> Operator:
    reader.begin()
    name = reader.text("the name of an operator") if version >= 5 else ""
    uid = reader.text("the uid of an operator") if version >= 5 else ""
    operator_id = reader.hexadecimal(16, "the id of an operator")
    parallelism, most = _parallelism(reader)
    coordinated = reader.inline("the coordinator's state")
    subtasks = reader.integer("the number of subtasks")
    finished = subtasks < 0
    if finished and coordinated:
        reader.broken("an operator that has finished has no coordinator's state", reader.at - 4)
    if subtasks * _LEAST_SUBTASK > reader.left:
        reader.broken(f"{subtasks} subtasks cannot follow in the {reader.left} bytes that are left", reader.at - 4)
    reader.expect(max(0, subtasks))
    for _ in range(subtasks):
        _subtask(reader, version, parallelism)
    stateful = coordinated or reader.stateful
    named = (operator_id, name or None, uid or None)
    return Operator(*named, parallelism, most, reader.state, finished, stateful, reader.in_flight)


def _parallelism(reader: HandleReader) -> tuple[int, int]:
    start = reader.at
    parallelism, most = reader.integer("the parallelism"), reader.integer("the maximum parallelism")
    if not 0 <= parallelism <= most:
        reader.broken(f"the parallelism {parallelism} does not fit a maximum parallelism of {most}", start)
    return parallelism, most


def _subtask(reader: HandleReader, version: int, parallelism: int) -> None:
    index = reader.integer("the index of a subtask")
    finished = index < 0  # Flink writes -1 - index for these, and nothing more
    if not (-1 - index if finished else index) < parallelism:
        reader.broken(f"there is a subtask {index}, and the parallelism is {parallelism}", reader.at - 4)
    if finished or reader.zeros(_NO_STATE):
        return
    for what in ("whether there is managed operator state", "whether there is raw operator state"):
        if reader.integer(what):
            reader.operator_state()
    reader.keyed_state()
    reader.keyed_state()
    reader.channel_states(version, output=False)
    reader.channel_states(version, output=True)


def _kind(properties: Properties, *, canonical: bool) -> tuple[Kind | None, Format | None]:
    """The properties tell; before them (version 3) only keyed state of a canonical savepoint does."""
    if properties.type is None:
        return (Kind.SAVEPOINT, Format.CANONICAL) if canonical else (None, None)
    if not properties.type.endswith(".SavepointType"):
        return (Kind.CHECKPOINT if properties.type.endswith(".CheckpointType") else None), None
    known = {"CANONICAL": Format.CANONICAL, "NATIVE": Format.NATIVE}
    return Kind.SAVEPOINT, known.get(properties.format or "")


def _references(files: Files) -> tuple[Reference, ...]:
    return (
        *(Reference(path, size, relative=False, exact=True) for path, size in files.absolute.items()),
        *(Reference(path, size, relative=True, exact=True) for path, size in files.relative.items()),
        *(Reference(path, size, relative=False, exact=False) for path, size in files.parts.items()),
    )


__all__ = ["BrokenMetadata", "Format", "Kind", "Metadata", "Operator", "Reference", "TooMuchMetadata", "parse"]
