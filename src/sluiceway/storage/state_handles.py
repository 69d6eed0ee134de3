"""State handles: where `_metadata` says that the state of one subtask lies, in its own bytes or in files.

Each handle begins with the number of its kind. Which kinds there are is told in Flink by MetadataV2V3SerializerBase and
ChannelStateHandleSerializerV1 and V2; the numbers mean the same in all versions of the format.
"""

from enum import IntEnum
from typing import Final

from sluiceway.storage.metadata_reader import Reader

DEEPEST: Final = 8  # handles in handles; Flink itself goes three deep


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
        self.whole: dict[tuple[str, bool], int | None] = {}  # by path and whether that is relative
        self.parts: dict[str, int] = {}  # files in segments, and where the last of these ends

    def segment(self, path: str, end: int) -> None:
        """A part of a file that ends at `end`."""
        self.parts[path] = max(end, self.parts.get(path, 0))


class HandleReader(Reader):
    """Reads state handles, and keeps what they come to."""

    def __init__(self, data: memoryview) -> None:
        """Begin at the first byte, with no files."""
        super().__init__(data)
        self.files = Files()
        self.state = 0  # bytes of the state that was read since `begin`
        self.canonical = False  # a handle was seen that only canonical savepoints have
        self._counted: set[str] = set()

    def begin(self) -> None:
        """Count the bytes of state anew: a file counts once for each operator."""
        self.state = 0
        self._counted.clear()

    # --- operator state -----------------------------------------------------------------------------------------------

    def operator_state(self) -> None:
        """State that is redistributed name by name: partitions of a stream."""
        kind = self._kind("an operator state handle")
        if kind is Kind.NONE:
            return
        if kind not in {Kind.PARTITIONED, Kind.SEGMENT_PARTITIONED}:
            self._unexpected(kind, "operator state")
        for _ in range(self.count("operator states", 7)):
            self.skip_text("the name of an operator state")
            if self.byte("a distribution mode") > 2:
                self.broken("a distribution mode is 0, 1 or 2", self.at - 1)
            self.skip_longs("offsets")
        if kind is Kind.SEGMENT_PARTITIONED:
            self.skip_text("the directory of the task")
            self.skip_text("the shared directory")
            self.byte("whether there is state")
        self._stream(0)

    # --- keyed state --------------------------------------------------------------------------------------------------

    def keyed_state(self, depth: int = 0) -> None:
        """State by key, of any backend."""
        start = self._deeper(depth)
        match self._kind("a keyed state handle"):
            case Kind.NONE:
                pass
            case Kind.KEY_GROUPS:
                self._key_groups(depth)
            case Kind.SAVEPOINT_KEY_GROUPS:
                self.canonical = True
                self._key_groups(depth)
            case Kind.KEY_GROUPS_2:
                self._key_groups(depth)
                self.skip_text("a state handle id")
            case Kind.INCREMENTAL | Kind.INCREMENTAL_2 as kind:
                self._incremental(kind is Kind.INCREMENTAL_2, depth)
            case Kind.CHANGELOG | Kind.CHANGELOG_2 as kind:
                self._changelog(kind is Kind.CHANGELOG_2, depth)
            case Kind.CHANGELOG_BYTES:
                self._changelog_bytes()
            case Kind.CHANGELOG_FILES | Kind.CHANGELOG_FILES_2 as kind:
                self._changelog_files(kind is Kind.CHANGELOG_FILES_2, depth)
            case kind:
                self.broken(f"a handle of kind {kind.value} cannot hold keyed state", start)

    def _key_groups(self, depth: int) -> None:
        if self.integer("the first key group") < 0:
            self.broken("the first key group is negative", self.at - 4)
        self.skip_longs("key groups")
        self._stream(depth + 1)

    def _incremental(self, second: bool, depth: int) -> None:
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

    def _changelog(self, second: bool, depth: int) -> None:
        self._range()
        self.long("the size of a checkpoint")
        for what in ("materialized states", "changes"):
            for _ in range(self.count(what)):
                self.keyed_state(depth + 1)
        self.long("a materialization id")
        if second:
            self.long("a checkpoint id")
        self.skip_text("a state handle id")

    def _changelog_bytes(self) -> None:
        self._range()
        self.long("the first change")
        self.long("the last change")
        for _ in range(self.count("changes", 8)):
            self.integer("a key group")
            size = self.count("bytes of a change")
            self.skip(size, "a change")
            self.state += size
        self.skip_text("a state handle id")

    def _changelog_files(self, second: bool, depth: int) -> None:
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
        self.skip(self.count("bytes of offsets"), "offsets")

    def _part(self, size: int) -> None:
        """A stream that is shared with other handles: `size` bytes of it belong here."""
        before = self.state
        self._stream(0)
        self.state = before + size

    # --- streams ------------------------------------------------------------------------------------------------------

    def inline(self, what: str) -> bool:
        """State in the metadata itself, or none; whether there is some. No other handle will do."""
        start = self.at
        kind = self._kind(what)
        if kind not in {Kind.NONE, Kind.BYTES}:
            self.broken(f"{what} is in the metadata itself, not in a handle of kind {kind.value}", start)
        if kind is Kind.BYTES:
            self._bytes()
        return kind is Kind.BYTES

    def _stream(self, depth: int, *, sized: bool = True) -> None:
        """A handle of bytes, wherever they are.

        Not `sized`: it tells how many bytes the state has, and not the file, which holds them behind a head and perhaps
        compressed.
        """
        start = self._deeper(depth)
        match self._kind("a stream state handle"):
            case Kind.NONE | Kind.EMPTY_SEGMENT:
                pass
            case Kind.BYTES:
                self._bytes()
            case Kind.FILE:
                size = self._file_size()
                self._file(self._path(), size, relative=False, sized=sized)
            case Kind.RELATIVE_FILE:
                path = self._path()
                self._file(path, self._file_size(), relative=True, sized=sized)
            case Kind.SEGMENT:
                self._segment()
            case Kind.KEY_GROUPS:
                self._key_groups(depth)
            case kind:
                self.broken(f"a handle of kind {kind.value} cannot hold a stream", start)

    def _bytes(self) -> None:
        self.skip_text("the name of a state")
        size = self.count("bytes of state")
        self.skip(size, "state")
        self.state += size

    def _file(self, path: str, size: int | None, *, relative: bool, sized: bool) -> None:
        known = size if sized else None
        if self.files.whole.setdefault((path, relative), known) is None:
            self.files.whole[path, relative] = known
        if path not in self._counted:
            self._counted.add(path)
            self.state += size or 0

    def _segment(self) -> None:
        first, size = self.size("the start of a segment"), self.size("the size of a segment")
        if self.integer("the scope of a segment") not in {0, 1}:
            self.broken("the scope of a segment is 0 or 1", self.at - 4)
        self.files.segment(self._path(), first + size)
        self.skip_text("the name of a segment")
        self.state += size

    def _path(self) -> str:
        start = self.at
        return self.text("the path of a file") or self.broken("the path of a file is empty", start)

    def _file_size(self) -> int | None:
        """-1 is Flink's word for a size that it did not learn."""
        size = self.long("the size of a file")
        if size < -1:
            self.broken(f"the size of a file is {size}", self.at - 8)
        return None if size == -1 else size

    # --- kinds --------------------------------------------------------------------------------------------------------

    def _kind(self, what: str) -> Kind:
        value = self.byte(f"the kind of {what}")
        try:
            return Kind(value)
        except ValueError:
            self.broken(f"{what} was expected, and {value} is no kind of handle", self.at - 1)

    def _unexpected(self, kind: Kind, what: str) -> None:
        self.broken(f"a handle of kind {kind.value} cannot hold {what}", self.at - 1)

    def _deeper(self, depth: int) -> int:
        if depth > DEEPEST:
            self.broken(f"handles are more than {DEEPEST} deep in one another")
        return self.at
