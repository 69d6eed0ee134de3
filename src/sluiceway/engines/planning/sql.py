"""Tells what the SQL of a job does, statement by statement, once Flink's own parser has found the statements. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from sluiceway.engines.jobmanager.submit_errors import Cause, explain
from sluiceway.engines.planning.sql_order import two_meanings

MOST_STATEMENTS = 1000
MOST_CHARACTERS = 1024 * 1024
MOST_PADDING = 16 * 1024 * 1024  # characters before all statements of a body that put them at their places

_SETUP = frozenset({"CREATE", "DROP", "ALTER", "USE", "LOAD", "UNLOAD"})
_QUERY = frozenset({"SELECT", "WITH", "VALUES", "TABLE", "("})
_SHOWS = frozenset({"EXPLAIN", "SHOW", "DESCRIBE", "DESC"})
_NO_CODE = (
    "A job's SQL cannot load jars. Put the jar on the cluster's class path and on Sluiceway's, "
    "then use CREATE FUNCTION … AS 'its class'."
)
_TABLE_OF_QUERY = "SqlCreateTableAs"
_NO_STATEMENT = frozenset({"refused", "excess", "more"})
_SINKS = frozenset({"RichSqlInsert", _TABLE_OF_QUERY})


class SqlRefused(Exception):
    """This SQL cannot run as a job. Its text tells the author why."""


class SqlSyntax(SqlRefused):
    """This is not SQL: it cannot even be read."""


class Found(msgspec.Struct, frozen=True):
    """What Flink's parser found; `SqlReader.java` writes it."""

    kind: str  # the class of the root of Flink's tree; or "more" (than are read), "refused", or "excess"
    line: int = 0  # where it starts in the body, from 1, as Flink counts
    column: int = 0
    text: str = ""  # as it was written, without the semicolon; of what is refused Flink's words, of an excess our own
    words: tuple[str, ...] = ()  # its names, keywords and marks
    key: str | None = None  # of SET and RESET; None for all
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as it was written, without the semicolon."""

    text: str
    line: int = 1  # where it starts in the body, from 1
    column: int = 1
    sink: bool = False  # an INSERT, or a CREATE TABLE … AS: a part of the job rather than of its preparation
    placed: bool = True  # where that would not make the whole too long
    settings: Mapping[str, str] = field(default_factory=dict)  # what SET had left in force

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
    settings: Mapping[str, str]  # what SET had left in force for the sinks; the same for all of them
    asked: tuple[tuple[str, str], ...] = ()  # every option that SET or RESET names, with its value or none
    late: tuple[str, ...] = ()  # those of them that SET names behind everything that it could change

    @property
    def inserts(self) -> tuple[str, ...]:
        """The texts of the statements that write somewhere; at least one."""
        return tuple(statement.text for statement in self.statements if statement.sink)

    @property
    def creates_from_query(self) -> bool:
        """Whether one of them makes the table that it writes to."""
        return any(text[:6].upper() == "CREATE" for text in self.inserts)

    def over(self, options: Mapping[str, str]) -> "Script":
        """The same, where the settings stand among a job's own options and win over them."""
        merged: dict[int, dict[str, str]] = {}
        statements = tuple(
            replace(each, settings=merged.setdefault(id(each.settings), {**options, **each.settings}))
            for each in self.statements
        )
        return replace(self, statements=statements, settings={**options, **self.settings})

    def changes(self) -> list[dict[str, str | None]]:
        """For each statement the options to change before it, from the job's own on; None takes one away."""
        present, changes = self.settings, []
        for each in self.statements:
            names = () if each.settings is present else {**present, **each.settings}
            wanted = {name: each.settings.get(name) for name in names}
            changes.append({name: value for name, value in wanted.items() if value != present.get(name)})
            present = each.settings
        return changes


def check_length(body: str) -> None:
    """Refuse what is too long for a parser, and what is not even text. Raises `SqlRefused`."""
    if len(body) > MOST_CHARACTERS:
        raise SqlRefused(f"The SQL has {len(body)} characters; at most {MOST_CHARACTERS} are read. Split the job.")
    try:
        body.encode()
    except UnicodeEncodeError as error:
        raise SqlSyntax(f"The SQL has half a character at position {error.start + 1}. Write it anew.") from None


def script_of(found: Sequence[Found]) -> Script:
    """Tell what a job's statements do together, in their order.

    Raises `SqlSyntax` for what Flink's parser refuses, and `SqlRefused` for what cannot be part of a job, when nothing
    is written anywhere, and when the statements that write want different things of the one job.
    """
    reading = _Reading()
    for each in found:
        reading.take(each)
    return reading.script()


class _Reading:
    """What has been read, statement by statement, as a SQL client would take them."""

    def __init__(self) -> None:
        self._statements: list[tuple[Found, Statement]] = []
        self._settings: dict[str, str] = {}  # replaced rather than changed: statements keep theirs
        self._asked: list[tuple[str, str]] = []
        self._late: list[str] = []  # set since the last statement
        self._frame: Found | None = None  # the BEGIN STATEMENT SET that is open
        self._room = MOST_PADDING

    def take(self, found: Found) -> None:
        if self._frame is not None and found.kind not in {*_SINKS, "SqlEndStatementSet", *_NO_STATEMENT}:
            raise SqlRefused(
                f"Line {found.line}: between BEGIN STATEMENT SET and END only INSERTs may stand, as in Flink's own "
                "client. Put the rest before it."
            )
        match found.kind:
            case "refused":
                raise SqlSyntax(_refusal(found))
            case "excess":
                raise SqlRefused(f"At line {found.line}, column {found.column}: {found.text}")
            case "more":
                raise SqlRefused(f"The SQL has more than {MOST_STATEMENTS} statements. Split it into several jobs.")
            case "SqlSet" | "SqlReset":
                self._set(found)
            case "SqlBeginStatementSet":
                self._frame = found
            case "SqlEndStatementSet":
                if self._frame is None:
                    raise SqlSyntax(f"Line {found.line}: END closes nothing, as no BEGIN STATEMENT SET is open.")
                self._frame = None
            case _:
                self._statement(found)

    def script(self) -> Script:
        if self._frame is not None:
            raise SqlSyntax(f"The statement set of line {self._frame.line} is never closed: END; is missing.")
        sinks = [each for _, each in self._statements if each.sink]
        if not sinks:
            raise SqlRefused("The SQL writes nowhere: a job needs at least one INSERT INTO … SELECT ….")
        if why := _two_settings(sinks) or two_meanings([_Named(found, each.sink) for found, each in self._statements]):
            raise SqlRefused(why)
        statements = tuple(each for _, each in self._statements)
        return Script(statements, sinks[0].settings, tuple(self._asked), tuple(self._late))

    def _set(self, found: Found) -> None:
        setting = found.kind == "SqlSet"
        if setting and found.key is None:
            raise SqlRefused(f"Line {found.line}: SET alone only shows options, and a job has no screen. Leave it out.")
        if found.key is None:
            self._settings = {}
            return
        self._asked.append((found.key, found.value or ""))
        self._late += [found.key] if setting else []
        others = {name: value for name, value in self._settings.items() if name != found.key}
        self._settings = {**others, found.key: found.value or ""} if setting else others

    def _statement(self, found: Found) -> None:
        _refuse_unfit(found)
        self._late = []
        self._room -= found.line + found.column
        placed, sink = self._room >= 0, found.kind in _SINKS
        made = Statement(found.text, found.line, found.column, sink, placed, self._settings)
        self._statements.append((found, made))


@dataclass(frozen=True, slots=True)
class _Named:
    """A statement by its words."""

    found: Found
    sink: bool

    @property
    def words(self) -> tuple[str, ...]:
        return self.found.words

    @property
    def line(self) -> int:
        return self.found.line


def _refusal(found: Found) -> str:
    said = explain([Cause("", f"SQL parse failed. {found.text}")])
    return said if "line" in said or not found.line else f"At line {found.line}, column {found.column}: {said}"


def _refuse_unfit(found: Found) -> None:
    words = [word.upper() for word in found.words[:5]]
    first = words[0] if words else ""
    if found.kind in _SINKS:
        return
    if first in _SETUP:
        if why := _unfit_setup(words, found):
            raise SqlRefused(why)
        return
    if first in _QUERY:
        raise SqlRefused("A query alone has nowhere to write to. Put INSERT INTO and a table before it.")
    if first in _SHOWS:
        raise SqlRefused(f"{first} only shows something, and a job has no screen. Leave it out.")
    if words[1:2] == ["JAR"]:
        raise SqlRefused(_NO_CODE)
    shown = found.words[0][:40] if first else ""
    raise SqlRefused(f"{shown} cannot be part of a job: it may create and use tables, SET options, and INSERT.")


def _unfit_setup(words: Sequence[str], found: Found) -> str | None:
    if "FUNCTION" in words and {"JAR", "ARTIFACT"} & {word.upper() for word in found.words}:
        return _NO_CODE
    if "MaterializedTable" in found.kind:
        return "Materialized tables start jobs of their own, which Sluiceway could not stop. Use INSERT INTO."
    if found.kind == "SqlReplaceTableAs":
        return "CREATE OR REPLACE TABLE … AS would empty the table whenever the job is started again. Use INSERT INTO."
    return None


def _two_settings(sinks: Sequence[Statement]) -> str | None:
    """Why one job cannot have the options that each of these would have in a client; None when they are the same."""
    first = sinks[0]
    for other in sinks[1:]:
        if other.settings is first.settings or other.settings == first.settings:
            continue
        names = sorted({**first.settings, **other.settings})
        name = next(name for name in names if first.settings.get(name) != other.settings.get(name))
        return (
            f"The INSERTs of line {first.line} and of line {other.line} are to run under different options: {name!r} "
            f"is {_shown(first, name)} for the one and {_shown(other, name)} for the other. All INSERTs are one job, "
            "which has one set of options. SET them before the first INSERT, or make two jobs."
        )
    return None


def _shown(statement: Statement, name: str) -> str:
    return repr(statement.settings[name][:100]) if name in statement.settings else "not set"
