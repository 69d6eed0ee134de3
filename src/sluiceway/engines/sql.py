"""Reads the SQL of a job: its statements, its settings, and which of them write somewhere. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sluiceway.engines.sql_order import two_meanings

_TOKEN = re.compile(
    r"""
      (?P<comment>--[^\n]*|/\*(?!\+).*?\*/)
    | (?P<hint>/\*\+.*?\*/)
    | (?P<quoted>'[^']*(?:''[^']*)*' | `[^`]*(?:``[^`]*)*` | "[^"]*(?:""[^"]*)*")
    | (?P<open>/\*|['`"])
    | (?P<space>\s+)
    | (?P<word>\w+)
    | (?P<mark>.)
    """,
    re.DOTALL | re.VERBOSE,
)
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

    @property
    def in_place(self) -> str:
        """The statement at its own line and column, so that positions in Flink's messages are those of the body."""
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


class _Token(NamedTuple):
    kind: str
    text: str
    start: int  # its offset in the body


_Piece = Sequence[_Token]  # what stands between two semicolons: never empty, never begins or ends with a blank


def read_script(body: str) -> Script:
    """Read a job's SQL. Raises `SqlRefused` for what cannot be part of a job, and when nothing is written anywhere."""
    statements: list[Statement] = []
    settings: dict[str, str] = {}
    for piece in _unframed(_pieces(_tokens(body))):
        match _heads(piece, 1):
            case ["SET"]:
                _set(_text(body, piece), settings)
            case ["RESET"]:
                _reset(_text(body, piece), settings)
            case _:
                statements.append(_statement(body, piece))
    if not any(statement.sink for statement in statements):
        raise SqlRefused("The SQL writes nowhere: a job needs at least one INSERT INTO … SELECT ….")
    if why := two_meanings(statements):
        raise SqlRefused(why)
    return Script(tuple(statements), settings)


def split(body: str) -> list[str]:
    """The statements of a body, as written, without semicolons and surrounding comments. Raises `SqlRefused`."""
    return [_text(body, piece) for piece in _pieces(_tokens(body))]


def _tokens(body: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(body):
        token = _Token(found.lastgroup or "", found[0], found.start())
        if token.kind == "open":
            line, column = _position(body, token.start)
            raise SqlSyntax(f"What {token.text} opens at line {line}, column {column} is never closed.")
        yield token


def _pieces(tokens: Iterator[_Token]) -> Iterator[_Piece]:
    piece: list[_Token] = []
    for token in tokens:
        if token.text != ";":
            piece.append(token)
            continue
        if meant := _trimmed(piece):
            yield meant
        piece = []
    if meant := _trimmed(piece):
        yield meant


def _trimmed(piece: _Piece) -> _Piece:
    meant = [index for index, token in enumerate(piece) if token.kind not in {"comment", "space"}]
    return piece[meant[0] : meant[-1] + 1] if meant else ()


def _unframed(pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    """The same without BEGIN STATEMENT SET … END: everything that a job writes is one set anyway."""
    framed = False
    for piece in pieces:
        heads = _heads(piece, 4)
        opening = 4 if heads == ["EXECUTE", "STATEMENT", "SET", "BEGIN"] else 3
        if opening == 4 or heads[:3] == ["BEGIN", "STATEMENT", "SET"]:
            framed = True
            rest = _after(piece, opening)
        elif framed and heads == ["END"]:
            framed = False
            continue
        else:
            rest = _after(piece, 1) if heads[:2] == ["EXECUTE", "INSERT"] else piece
        if rest:
            yield rest
    if framed:
        raise SqlSyntax("The statement set is never closed: END; is missing.")


def _statement(body: str, piece: _Piece) -> Statement:
    _refuse_unfit(piece)
    line, column = _position(body, piece[0].start)
    sink = _heads(piece, 1) == ["INSERT"] or _creates_from_query(piece)
    return Statement(_text(body, piece), line, column, sink)


def _refuse_unfit(piece: _Piece) -> None:
    words = _heads(piece, len(piece))
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
    if "FUNCTION" in words[:5] and "JAR" in words:
        return _NO_CODE
    if "MATERIALIZED" in words[:2]:
        return "Materialized tables start jobs of their own, which Sluiceway could not stop. Use INSERT INTO."
    if words[:3] == ["CREATE", "OR", "REPLACE"] and _creates_from_query(piece):
        return "CREATE OR REPLACE TABLE … AS would empty the table whenever the job is started again. Use INSERT INTO."
    return None


def _creates_from_query(piece: _Piece) -> bool:
    words = _heads(piece, 5)
    if words[:1] != ["CREATE"] or "TABLE" not in words:
        return False
    depth = 0
    for token in piece:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.kind == "word" and token.text.upper() == "AS":
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


def _heads(piece: _Piece, count: int) -> list[str]:
    """The first words and marks, in upper case; comments and hints do not count."""
    meant = (token.text.upper() for token in piece if token.kind in {"word", "mark", "quoted"})
    return [word for word, _ in zip(meant, range(count), strict=False)]


def _after(piece: _Piece, count: int) -> _Piece:
    words = [index for index, token in enumerate(piece) if token.kind in {"word", "mark", "quoted"}]
    return _trimmed(piece[words[count - 1] + 1 :])


def _text(body: str, piece: _Piece) -> str:
    return body[piece[0].start : piece[-1].start + len(piece[-1].text)]


def _position(body: str, offset: int) -> tuple[int, int]:
    return body.count("\n", 0, offset) + 1, offset - body.rfind("\n", 0, offset)
