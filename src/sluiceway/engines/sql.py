"""Reads the SQL of a job: its statements, its settings, and which of them write somewhere. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from sluiceway.engines.sql_order import two_meanings

MOST_STATEMENTS = 1000
MOST_CHARACTERS = 1024 * 1024
MOST_PADDING = 16 * 1024 * 1024  # characters before all statements of a body that put them at their places

_SKIPPED = r"""
      (?P<comment>--[^\n]*|/\*(?!\+).*?\*/)
    | (?P<hint>/\*\+.*?\*/)
    | (?P<quoted>'[^']*+(?:''[^']*+)*+' | `[^`]*+(?:``[^`]*+)*+` | "[^"]*+(?:""[^"]*+)*+")
    | (?P<open>/\*|['`"])
    | (?P<space>\s+)
"""
# Both read a text from left to right and take what they find, so their time grows with its length. What is repeated is
# never given back (`*+`): Python remembers each round of a group that it could give back, some 200 bytes.
_PART = re.compile(rf"{_SKIPPED} | (?P<end>;) | (?P<run>[^\s;'`\"/\-]+) | (?P<mark>.)", re.DOTALL | re.VERBOSE)
_TOKEN = re.compile(rf"{_SKIPPED} | (?P<word>\w+) | (?P<mark>.)", re.DOTALL | re.VERBOSE)
_SETTING = re.compile(
    r"SET\s*(?:'(?P<key>[^']*)'|(?P<bare_key>[^\s=']+))\s*=\s*(?P<value>.*)", re.DOTALL | re.IGNORECASE
)
_RESET = re.compile(r"RESET(?:\s*'(?P<key>[^']*)'|\s+(?P<bare_key>\S+))?", re.DOTALL | re.IGNORECASE)

_SETUP = frozenset({"CREATE", "DROP", "ALTER", "USE", "LOAD", "UNLOAD"})
_QUERY = frozenset({"SELECT", "WITH", "VALUES", "TABLE", "("})
_SHOWS = frozenset({"EXPLAIN", "SHOW", "DESCRIBE", "DESC", "HELP", "LIST"})
_NO_CODE = (
    "A job's SQL cannot load jars. Put the jar on the cluster's class path and on Sluiceway's, "
    "then use CREATE FUNCTION … AS 'its class'."
)


class SqlRefused(Exception):  # noqa: N818 - it is an answer, not a fault of ours
    """This SQL cannot run as a job. Its text says why, in words for the author of the SQL."""


class SqlSyntax(SqlRefused):
    """This is not SQL: it cannot even be read."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as it was written, without the semicolon."""

    text: str
    line: int = 1  # where it starts in the body, from 1
    column: int = 1
    sink: bool = False  # an INSERT, or a CREATE TABLE … AS: a part of the job rather than of its preparation
    placed: bool = True  # where that would not make the whole too long

    @property
    def in_place(self) -> str:
        """The statement at its own line and column, so that positions in Flink's messages are those of the body."""
        if not self.placed:
            return self.text
        return "\n" * (self.line - 1) + " " * (self.column - 1) + self.text


@dataclass(frozen=True, slots=True)
class Script:
    """A body of SQL, read. The sinks together become one Flink job."""

    statements: tuple[Statement, ...]  # in their order, without SET, RESET and the frame of a statement set
    settings: dict[str, str]  # what SET left in force at the end

    @property
    def inserts(self) -> tuple[str, ...]:
        """The texts of the statements that write somewhere; at least one."""
        return tuple(statement.text for statement in self.statements if statement.sink)

    @property
    def creates_from_query(self) -> bool:
        """Whether one of them makes the table that it writes to."""
        return any(text[:6].upper() == "CREATE" for text in self.inserts)


@dataclass(frozen=True, slots=True)
class _Piece:
    """What stands between two semicolons: never empty, never begins or ends with a blank or a comment."""

    body: str
    start: int  # offsets in the body
    end: int

    @property
    def text(self) -> str:
        return self.body[self.start : self.end]

    def tokens(self) -> Iterator[re.Match[str]]:
        return _TOKEN.finditer(self.body, self.start, self.end)

    def words(self) -> Iterator[re.Match[str]]:
        """Words, marks and what is quoted; comments and hints do not count."""
        return (found for found in self.tokens() if found.lastgroup in {"word", "mark", "quoted"})

    def heads(self, count: int | None = None) -> list[str]:
        """The first of the words, in upper case; without a number all of them."""
        return [found[0].upper() for found in islice(self.words(), count)]


def read_script(body: str) -> Script:
    """Read a job's SQL. Raises `SqlRefused` for what cannot be part of a job, and when nothing is written anywhere.

    It takes time that grows with the body: some tenths of a second for the longest.
    """
    statements: list[Statement] = []
    settings: dict[str, str] = {}
    place = _Place(body)
    for piece in _unframed(_pieces(body)):
        match piece.heads(1):
            case ["SET"]:
                _set(piece.text, settings)
            case ["RESET"]:
                _reset(piece.text, settings)
            case _:
                statements.append(_statement(piece, place))
    if not any(statement.sink for statement in statements):
        raise SqlRefused("The SQL writes nowhere: a job needs at least one INSERT INTO … SELECT ….")
    if why := two_meanings(statements):
        raise SqlRefused(why)
    return Script(tuple(statements), settings)


def split(body: str) -> list[str]:
    """The statements of a body, as written, without semicolons and surrounding comments. Raises `SqlRefused`."""
    return [piece.text for piece in _pieces(body)]


def _pieces(body: str) -> Iterator[_Piece]:
    if len(body) > MOST_CHARACTERS:
        raise SqlRefused(f"The SQL has {len(body)} characters; at most {MOST_CHARACTERS} are read. Split the job.")
    return _counted(body)


def _counted(body: str) -> Iterator[_Piece]:
    count, start, end = 0, -1, 0
    for found in chain(_PART.finditer(body), [None]):
        kind = found.lastgroup if found else "end"
        if found and kind == "open":
            line, column = _Place(body).of(found.start())
            raise SqlSyntax(f"What {found[0]} opens at line {line}, column {column} is never closed.")
        if found and kind not in {"end", "comment", "space"}:
            start, end = found.start() if start < 0 else start, found.end()
        elif kind == "end" and start >= 0:
            count += 1
            if count > MOST_STATEMENTS:
                raise SqlRefused(f"The SQL has more than {MOST_STATEMENTS} statements. Split it into several jobs.")
            yield _Piece(body, start, end)
            start = -1


def _unframed(pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    """The same without BEGIN STATEMENT SET … END: everything that a job writes is one set anyway."""
    framed = False
    for piece in pieces:
        heads = piece.heads(4)
        rest: _Piece | None = piece
        if heads == ["EXECUTE", "STATEMENT", "SET", "BEGIN"] or heads[:3] == ["BEGIN", "STATEMENT", "SET"]:
            framed = True
            rest = _after(piece, 4 if heads[0] == "EXECUTE" else 3)
        elif framed and heads == ["END"]:
            framed, rest = False, None
        elif heads[:2] == ["EXECUTE", "INSERT"]:
            rest = _after(piece, 1)
        if rest is not None:
            yield rest
    if framed:
        raise SqlSyntax("The statement set is never closed: END; is missing.")


def _statement(piece: _Piece, place: "_Place") -> Statement:
    _refuse_unfit(piece)
    line, column = place.of(piece.start)
    sink = piece.heads(1) == ["INSERT"] or _creates_from_query(piece)
    return Statement(piece.text, line, column, sink, placed=place.room_for(line + column))


def _refuse_unfit(piece: _Piece) -> None:
    words = piece.heads(5)
    if not words:
        raise SqlRefused(f"A hint alone is no statement: {piece.text[:100]}")
    first = words[0]
    if first == "INSERT" or (first in _SETUP and (why := _unfit_setup(words, piece)) is None):
        return
    if first in _SETUP:
        raise SqlRefused(why)
    if first in _QUERY:
        raise SqlRefused("A query alone has nowhere to write to. Put INSERT INTO and a table before it.")
    if first in _SHOWS:
        raise SqlRefused(f"{first} only shows something, and a job has no screen. Leave it out.")
    if words[1:2] == ["JAR"]:
        raise SqlRefused(_NO_CODE)
    raise SqlRefused(f"{first[:40]} cannot be part of a job: it may create and use tables, SET options, and INSERT.")


def _unfit_setup(words: Sequence[str], piece: _Piece) -> str | None:
    if "FUNCTION" in words and "JAR" in piece.heads():
        return _NO_CODE
    if "MATERIALIZED" in words[:2]:
        return "Materialized tables start jobs of their own, which Sluiceway could not stop. Use INSERT INTO."
    if words[:3] == ["CREATE", "OR", "REPLACE"] and _creates_from_query(piece):
        return "CREATE OR REPLACE TABLE … AS would empty the table whenever the job is started again. Use INSERT INTO."
    return None


def _creates_from_query(piece: _Piece) -> bool:
    words = piece.heads(5)
    if words[:1] != ["CREATE"] or "TABLE" not in words:
        return False
    depth = 0
    for token in piece.tokens():
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0 and token.lastgroup == "word" and token[0].upper() == "AS":
            return True
    return False


def _set(text: str, settings: dict[str, str]) -> None:
    found = _SETTING.fullmatch(text)
    if found is None:
        raise SqlSyntax(f"This is not of the form SET 'key' = 'value': {text[:100]}")
    value = found["value"].strip()
    if len(value) >= 2 and value[0] == value[-1] == "'":
        value = value[1:-1].replace("''", "'")
    settings[found["key"] or found["bare_key"]] = value


def _reset(text: str, settings: dict[str, str]) -> None:
    found = _RESET.fullmatch(text)
    if found is None:
        raise SqlSyntax(f"This is not of the form RESET 'key': {text[:100]}")
    key = found["key"] or found["bare_key"]
    if key is None:
        settings.clear()
    else:
        settings.pop(key, None)


def _after(piece: _Piece, count: int) -> _Piece | None:
    """What comes after the first words, which is nothing or begins with the next token that counts."""
    behind = next(islice(piece.words(), count - 1, None)).end()
    rest = _TOKEN.finditer(piece.body, behind, piece.end)
    start = next((found.start() for found in rest if found.lastgroup not in {"comment", "space"}), None)
    return None if start is None else _Piece(piece.body, start, piece.end)


class _Place:
    """Lines and columns in a body, asked for from its beginning to its end."""

    def __init__(self, body: str) -> None:
        self._body = body
        self._line = 1
        self._line_start = 0
        self._offset = 0
        self._room = MOST_PADDING

    def of(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, from 1."""
        self._line += self._body.count("\n", self._offset, offset)
        self._line_start = self._body.rfind("\n", self._offset, offset) + 1 or self._line_start
        self._offset = offset
        return self._line, offset - self._line_start + 1

    def room_for(self, characters: int) -> bool:
        """Whether so much may still be put before statements."""
        self._room -= characters
        return self._room >= 0
