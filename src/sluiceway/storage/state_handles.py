"""State handles: where `_metadata` says that the state of one subtask lies, in its own bytes or in files.

Each handle begins with the number of its kind. Which kinds there are is told in Flink by MetadataV2V3SerializerBase and
ChannelStateHandleSerializerV1 and V2; the numbers mean the same in all versions of the format.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from functools import partial
from typing import ClassVar, Final, NoReturn

from sluiceway.storage.metadata_reader import Reader, Source, TooMuchMetadata

_Read = Callable[["HandleReader", int], None]

DEEPEST: Final = 8  # handles in handles; Flink itself goes three deep
MOST_FILES: Final = 500_000  # that one `_metadata` names


class Kind(IntEnum):
    """What a state handle is."""

    NONE = 0
    BYTES = 1
    FILE = 2
    KEY_GROUPS = 3
    PARTITIONED = 4  # operator state
    INCREMENTAL = 5
    RELATIVE_FILE = 6
    SAVEPOINT_KEY_GROUPS = 7
    CHANGELOG = 8
    CHANGELOG_BYTES = 9
    CHANGELOG_FILES = 10
    INCREMENTAL_2 = 11  # with its size and an id
    KEY_GROUPS_2 = 12  # with an id
    CHANGELOG_FILES_2 = 13  # with the name of its storage
    CHANGELOG_2 = 14  # with a checkpoint id
    SEGMENT = 15  # a part of a file that holds the state of many
    EMPTY_SEGMENT = 16
    SEGMENT_PARTITIONED = 17  # operator state in segments


_KINDS: Final = frozenset(map(int, Kind))
_NOTHING: Final = frozenset({int(Kind.NONE), int(Kind.EMPTY_SEGMENT)})


class Channel(IntEnum):
    """What the handle of a channel's state is, from version 6 on."""

    INPUT = 1
    OUTPUT = 2
    MERGED_INPUT = 3
    MERGED_OUTPUT = 4


class Files:
    """The files that handles name, each once, and how many bytes each is said to have."""

    def __init__(self) -> None:
        """None at first."""
        self.absolute: dict[str, int | None] = {}
        self.relative: dict[str, int | None] = {}
        self.parts: dict[str, int] = {}  # files in segments, and where the last of these ends

    def __len__(self) -> int:
        """How many there are."""
        return len(self.absolute) + len(self.relative) + len(self.parts)

    def segment(self, path: str, end: int) -> None:
        """A part of a file that ends at `end`."""
        self.parts[path] = max(end, self.parts.get(path, 0))


class HandleReader(Reader):
    """Reads state handles, and keeps what they come to."""

    def __init__(self, source: Source, pause: Callable[[], object]) -> None:
        """Begin at the first byte, with no files."""
        super().__init__(source, pause)
        self.files = Files()
        self.state = 0  # bytes of the state that was read since `begin`
        self.stateful = False  # a handle was seen since `begin`
        self.in_flight = False  # and one of records that were on their way
        self.canonical = False  # a handle was seen that only canonical savepoints have
        self._counted: set[str] = set()

    def begin(self) -> None:
        """Count the bytes of state anew: a file counts once for each operator."""
        self.state = 0
        self.stateful = self.in_flight = False
        if self._counted:
            self._counted = set()

    # --- operator state -----------------------------------------------------------------------------------------------

    def operator_state(self) -> None:
        """State that is redistributed name by name: partitions of a stream."""
        kind = self.byte("the kind of an operator state handle")
        if kind == Kind.NONE:
            return
        if kind not in {Kind.PARTITIONED, Kind.SEGMENT_PARTITIONED}:
            self._refuse(kind, "operator state")
        self.stateful = True
        for _ in range(self.count("operator states", 7)):
            self.skip_text("the name of an operator state")
            if self.byte("a distribution mode") > 2:
                self.broken("a distribution mode is 0, 1 or 2", self.at - 1)
            self.skip_longs("offsets")
        if kind == Kind.SEGMENT_PARTITIONED:
            self.skip_text("the directory of the task")
            self.skip_text("the shared directory")
            self.byte("whether there is state")
        self._stream(0)

    # --- keyed state --------------------------------------------------------------------------------------------------

    def keyed_state(self, depth: int = 0) -> None:
        """State by key, of any backend."""
        if depth > DEEPEST:
            self._too_deep()
        kind = self.byte("the kind of a keyed state handle")
        if kind == 0:
            return
        read = self._KEYED.get(kind)
        if read is None:
            self._refuse(kind, "keyed state")
        self.stateful = True
        read(self, depth)

    def _key_groups(self, depth: int) -> None:
        if self.integer("the first key group") < 0:
            self.broken("the first key group is negative", self.at - 4)
        self.skip_longs("key groups")
        self._stream(depth + 1)

    def _savepoint_key_groups(self, depth: int) -> None:
        self.canonical = True
        self._key_groups(depth)

    def _key_groups_2(self, depth: int) -> None:
        self._key_groups(depth)
        self.skip_text("a state handle id")

    def _incremental(self, depth: int, *, second: bool = False) -> None:
        self.long("a checkpoint id")
        self.skip_text("the id of a state backend")
        self._range()
        if second:
            self.long("the size of a checkpoint")
        self._stream(depth + 1)
        for what in ("shared files", "private files"):
            for _ in range(self.count(what, 3)):
                self.skip_text("the name of a file")
                self._stream(depth + 1)
        if second:
            self.skip_text("a state handle id")

    def _changelog(self, depth: int, *, second: bool = False) -> None:
        self._range()
        self.long("the size of a checkpoint")
        for what in ("materialized states", "changes"):
            for _ in range(self.count(what)):
                self.keyed_state(depth + 1)
        self.long("a materialization id")
        if second:
            self.long("a checkpoint id")
        self.skip_text("a state handle id")

    def _changelog_bytes(self, _: int) -> None:
        self._range()
        self.long("the first change")
        self.long("the last change")
        for _ in range(self.count("changes", 8)):
            self.integer("a key group")
            size = self.length("bytes of a change")
            self.skip(size, "a change")
            self.state += size
        self.skip_text("a state handle id")

    def _changelog_files(self, depth: int, *, second: bool = False) -> None:
        self._range()
        for _ in range(self.count("files of changes", 9)):
            self.long("an offset")
            self._stream(depth + 1, sized=False)
        self.long("the size of the changes")
        self.long("the size of a checkpoint")
        self.skip_text("a state handle id")
        if second:
            self.skip_text("the name of a storage")

    def _range(self) -> None:
        first, groups = self.integer("the first key group"), self.integer("the number of key groups")
        if first < 0 or groups < 0:
            self.broken("a range of key groups is negative", self.at - 8)

    # --- channel state ------------------------------------------------------------------------------------------------

    def channel_states(self, version: int, *, output: bool) -> None:
        """What was under way between subtasks, for an unaligned checkpoint."""
        for _ in range(self.count("channel states", 17)):
            self.stateful = self.in_flight = True
            if version < 6:
                self._channel()
                continue
            kind = self.byte("the kind of a channel state")
            if kind == (Channel.OUTPUT if output else Channel.INPUT):
                self._channel()
            elif kind == (Channel.MERGED_OUTPUT if output else Channel.MERGED_INPUT):
                self._merged_channel()
            else:
                side = "output" if output else "input"
                self.broken(f"{kind} is no kind of {side} channel state", self.at - 1)

    def _channel(self) -> None:
        self.skip(12, "a channel")  # its subtask, and two numbers that name it
        self.skip_longs("offsets")
        self._part(self.size("the size of a channel's state"))

    def _merged_channel(self) -> None:
        self.integer("a subtask")
        self._part(self.size("the size of a channel's state"))
        self.skip(self.length("bytes of offsets"), "offsets")

    def _part(self, size: int) -> None:
        """A stream that is shared with other handles: `size` bytes of it belong here."""
        before = self.state
        self._stream(0)
        self.state = before + size

    # --- streams ------------------------------------------------------------------------------------------------------

    def inline(self, what: str) -> bool:
        """State in the metadata itself, or none; whether there is some. No other handle will do."""
        kind = self.byte(what)
        if kind == Kind.BYTES:
            self._bytes(0)
        elif kind != Kind.NONE:
            self.broken(f"{what} is in the metadata itself, not in a handle of kind {kind}", self.at - 1)
        return kind == Kind.BYTES

    def _stream(self, depth: int, *, sized: bool = True) -> None:
        """A handle of bytes, wherever they are.

        Not `sized`: it tells how many bytes the state has, and not the file, which holds them behind a head and perhaps
        compressed.
        """
        if depth > DEEPEST:
            self._too_deep()
        kind = self.byte("the kind of a stream state handle")
        if kind in _NOTHING:
            return
        if kind == Kind.FILE:
            size = self._file_size()
            self._file(self._path(), size, self.files.absolute, sized=sized)
        elif kind == Kind.RELATIVE_FILE:
            path = self._path()
            self._file(path, self._file_size(), self.files.relative, sized=sized)
        elif read := self._STREAMS.get(kind):
            read(self, depth)
        else:
            self._refuse(kind, "a stream")

    def _bytes(self, _: int) -> None:
        self.skip_text("the name of a state")
        size = self.length("bytes of state")
        self.skip(size, "state")
        self.state += size

    def _file(self, path: str, size: int | None, files: dict[str, int | None], *, sized: bool) -> None:
        known = size if sized else None
        if files.setdefault(path, known) is None:
            files[path] = known
            self._bound_files()
        if path not in self._counted:
            self._counted.add(path)
            self.state += size or 0
            self._bound_files()

    def _bound_files(self) -> None:
        if len(self.files) > MOST_FILES:
            raise TooMuchMetadata(f"it names more than {MOST_FILES} files")

    def _segment(self, _: int) -> None:
        first, size = self.size("the start of a segment"), self.size("the size of a segment")
        if self.integer("the scope of a segment") not in {0, 1}:
            self.broken("the scope of a segment is 0 or 1", self.at - 4)
        self.files.segment(self._path(), first + size)
        self._bound_files()
        self.skip_text("the name of a segment")
        self.state += size

    def _path(self) -> str:
        return self.text("the path of a file") or self.broken("the path of a file is empty", self.at - 2)

    def _file_size(self) -> int | None:
        """-1 is Flink's word for a size that it did not learn."""
        size = self.long("the size of a file")
        if size < -1:
            self.broken(f"the size of a file is {size}", self.at - 8)
        return None if size == -1 else size

    # --- what is refused ----------------------------------------------------------------------------------------------

    def _refuse(self, kind: int, what: str) -> NoReturn:
        known = f"a handle of kind {kind} cannot hold {what}"
        unknown = f"{what} was expected, and {kind} is no kind of handle"
        self.broken(known if kind in _KINDS else unknown, self.at - 1)

    def _too_deep(self) -> NoReturn:
        self.broken(f"handles are more than {DEEPEST} deep in one another")

    _KEYED: ClassVar[Mapping[int, _Read]] = {
        Kind.KEY_GROUPS: _key_groups,
        Kind.SAVEPOINT_KEY_GROUPS: _savepoint_key_groups,
        Kind.KEY_GROUPS_2: _key_groups_2,
        Kind.INCREMENTAL: _incremental,
        Kind.INCREMENTAL_2: partial(_incremental, second=True),
        Kind.CHANGELOG: _changelog,
        Kind.CHANGELOG_2: partial(_changelog, second=True),
        Kind.CHANGELOG_BYTES: _changelog_bytes,
        Kind.CHANGELOG_FILES: _changelog_files,
        Kind.CHANGELOG_FILES_2: partial(_changelog_files, second=True),
    }
    _STREAMS: ClassVar[Mapping[int, _Read]] = {
        Kind.BYTES: _bytes,
        Kind.SEGMENT: _segment,
        Kind.KEY_GROUPS: _key_groups,
    }
