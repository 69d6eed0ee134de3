"""What Java serialization makes of Flink's checkpoint properties, which end every `_metadata` from version 4 on.

Only what occurs there is read: objects of plain fields, texts, enum constants and null. Nothing is ever instantiated.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from sluiceway.storage.metadata_reader import Reader, TooMuchMetadata

_PROPERTIES: Final = "org.apache.flink.runtime.checkpoint.CheckpointProperties"
_HEAD: Final = 0xACED0005 - (1 << 32)  # Java's own magic number and version
_FIRST_HANDLE: Final = 0x7E0000
_DEEPEST: Final = 16  # objects in objects, and classes on classes; Flink's are three deep
_MOST: Final = 1000  # objects and classes; Flink's are fewer than 20
_PRIMITIVES: Final = {"B": 1, "C": 2, "D": 8, "F": 4, "I": 4, "J": 8, "S": 2, "Z": 1}
_SHORT: Final = 2048  # bytes; Flink's are some 600
_MOST_KNOWN: Final = 64
_PLAIN: Final = 0x02  # flags of a class whose fields are written one after the other, and nothing else


class _Type(IntEnum):
    NULL = 0x70
    REFERENCE = 0x71
    CLASS = 0x72
    OBJECT = 0x73
    TEXT = 0x74
    END = 0x78
    ENUM = 0x7E


@dataclass(frozen=True, slots=True)
class Properties:
    """Of the checkpoint properties, what tells of a savepoint. None where it is not told."""

    type: str | None  # the class of its type
    format: str | None
    after: str | None = None  # what the job did once it was complete: NONE, SUSPEND, or TERMINATE after a drain


@dataclass(slots=True)
class _Class:
    name: str
    flags: int
    fields: list[tuple[str, str]]  # type code and name
    above: "_Class | None" = None


@dataclass(slots=True)
class _Object:
    of: _Class
    values: "dict[str, _Value]" = field(default_factory=dict)


_Value = _Class | _Object | str | None


# What the last bytes of a `_metadata` were read as: the very same bytes end all savepoints of one kind.
_known: dict[bytes, Properties] = {}


def read_properties(reader: Reader) -> Properties:
    """Read the properties. Raises `BrokenMetadata`."""
    rest = reader.rest()
    if rest is not None and (known := _known.get(rest)) is not None:
        reader.skip(len(rest), "the properties")
        return known
    found = _read_properties(reader)
    if rest is not None and len(rest) <= _SHORT and not reader.left and len(_known) < _MOST_KNOWN:
        _known[rest] = found
    return found


def _read_properties(reader: Reader) -> Properties:
    start = reader.at
    if reader.integer("the head of the properties") != _HEAD:
        reader.broken("the properties do not begin like a Java object", start)
    properties = _Objects(reader).value(0)
    if properties is None:  # written by Flink's State Processor API
        return Properties(None, None)
    if not isinstance(properties, _Object) or properties.of.name != _PROPERTIES:
        reader.broken(f"the properties are no {_PROPERTIES}", start)
    kind = properties.values.get("checkpointType")
    if not isinstance(kind, _Object):
        reader.broken("the properties have no checkpoint type", start)
    form, after = kind.values.get("formatType"), kind.values.get("postCheckpointAction")
    return Properties(kind.of.name, form if isinstance(form, str) else None, after if isinstance(after, str) else None)


class _Objects:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._handles: list[_Value] = []

    def value(self, depth: int) -> _Value:
        reader = self._reader
        if depth > _DEEPEST:
            reader.broken(f"Java objects are more than {_DEEPEST} deep in one another")
        match reader.byte("the type of a Java object"):
            case _Type.NULL:
                return None
            case _Type.REFERENCE:
                return self._known()
            case _Type.CLASS:
                return self._class(depth)
            case _Type.OBJECT:
                return self._object(depth)
            case _Type.TEXT:
                text = reader.text("a text")
                self._keep(text)
                return text
            case _Type.ENUM:
                return self._enum(depth)
            case kind:
                return reader.broken(f"a Java object of type {kind} was not expected", reader.at - 1)

    def _keep(self, value: _Value) -> None:
        if len(self._handles) >= _MOST:
            raise TooMuchMetadata(f"its properties have more than {_MOST} Java objects")
        self._handles.append(value)

    def _known(self) -> _Value:
        number = self._reader.integer("the number of a Java object") - _FIRST_HANDLE
        if not 0 <= number < len(self._handles):
            self._reader.broken("there is no Java object of that number", self._reader.at - 4)
        return self._handles[number]

    def _class(self, depth: int) -> _Class:
        reader = self._reader
        name = reader.text("the name of a class")
        reader.long("the version of a class")
        made = _Class(name, 0, [])
        self._keep(made)
        made.flags = reader.byte("the flags of a class")
        for _ in range(reader.short("the number of fields")):
            made.fields.append(self._field(depth))
        if reader.byte("the end of a class") != _Type.END:
            reader.broken("a class has annotations", reader.at - 1)
        above = self.value(depth + 1)
        if not isinstance(above, _Class | None):
            reader.broken("a class is above a class")
        made.above = above
        return made

    def _field(self, depth: int) -> tuple[str, str]:
        reader = self._reader
        code = chr(reader.byte("the type of a field"))
        name = reader.text("the name of a field")
        if code == "L":
            if not isinstance(self.value(depth + 1), str):
                reader.broken(f"the field {name} has no type")
        elif code not in _PRIMITIVES:
            reader.broken(f"the field {name} is of the unknown type {code!r}")
        return code, name

    def _object(self, depth: int) -> _Object:
        of = self._class_of(depth)
        made = _Object(of)
        self._keep(made)
        for part in self._lineage(of):
            if part.flags != _PLAIN:
                self._reader.broken(f"the class {part.name} is written in a way that is not known")
            for code, name in part.fields:
                if code == "L":
                    made.values[name] = self.value(depth + 1)
                else:
                    self._reader.skip(_PRIMITIVES[code], "a field")
        return made

    def _enum(self, depth: int) -> str:
        self._class_of(depth)
        at = len(self._handles)
        self._keep(None)
        name = self.value(depth + 1)
        if not isinstance(name, str):
            self._reader.broken("an enum constant has no name")
        self._handles[at] = name
        return name

    def _class_of(self, depth: int) -> _Class:
        of = self.value(depth + 1)
        return of if isinstance(of, _Class) else self._reader.broken("a Java object has no class")

    def _lineage(self, of: _Class) -> list[_Class]:
        """The class and those above it, the topmost first."""
        line = [of]
        while line[-1].above is not None:
            line.append(line[-1].above)
            if len(line) > _DEEPEST:
                self._reader.broken(f"more than {_DEEPEST} classes are above one another")
        return line[::-1]
