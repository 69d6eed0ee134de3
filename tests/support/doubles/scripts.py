"""SQL read without Java, for tests of what comes after: a double of Flink's parser, for plain scripts.

`tests/integration/test_sql_reading.py` holds it to the real one.
"""

import re
from itertools import groupby

from sluiceway.engines.planning.sql import Found, Script, check_length, script_of

_TOKEN = re.compile(
    r"(?P<skip>\s+|(?:--|//)[^\n\r]*|/\*(?!\+).*?\*/)|(?P<literal>'(?:[^']|'')*')"
    r"|`(?P<name>(?:[^`]|``)*)`|(?P<word>\w+|/\*\+|[^\w\s])",
    re.DOTALL,
)
_FRAMES = {
    ("EXECUTE", "STATEMENT", "SET", "BEGIN"): 4,
    ("BEGIN", "STATEMENT", "SET"): 3,
    ("EXECUTE", "INSERT"): 1,
}


def script(body: str) -> Script:
    """A body of SQL, read. Raises what `read_sql` raises."""
    check_length(body)
    return script_of(found(body))


def found(body: str) -> list[Found]:
    """The statements of a body that Flink takes."""
    tokens = [token for token in _TOKEN.finditer(body) if token["skip"] is None]
    if any(token[0] in {"'", "`"} for token in tokens):
        return [Found("refused", text="Lexical error at the end of the text.")]
    each = [list(part) for ends, part in groupby(tokens, lambda token: token[0] == ";") if not ends]
    return [statement for part in each for statement in _unframed(body, part)]


def _unframed(body: str, tokens: list[re.Match[str]]) -> list[Found]:
    heads = tuple(token[0].upper() for token in tokens[:4])
    for frame, length in _FRAMES.items():
        if heads[: len(frame)] == frame:
            begin = [] if length == 1 else [_place(body, tokens[:length], "SqlBeginStatementSet")]
            return [*begin, *(_unframed(body, tokens[length:]) if tokens[length:] else [])]
    if heads == ("END",):
        return [_place(body, tokens, "SqlEndStatementSet")]
    if heads[0] in {"SET", "RESET"}:
        return [_setting(body, tokens)]
    return [_place(body, tokens, _kind(tokens))]


def _kind(tokens: list[re.Match[str]]) -> str:
    heads = [token[0].upper() for token in tokens[:5]]
    if heads[0] == "INSERT":
        return "RichSqlInsert"
    if "MATERIALIZED" in heads:
        return "SqlCreateMaterializedTable"
    depth = 0
    for token in tokens if heads[0] == "CREATE" and "TABLE" in heads else []:
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0 and token[0].upper() == "AS":
            return "SqlReplaceTableAs" if "REPLACE" in heads else "SqlCreateTableAs"
    return "SqlSomething"


def _setting(body: str, tokens: list[re.Match[str]]) -> Found:
    kind = "SqlSet" if tokens[0][0].upper() == "SET" else "SqlReset"
    rest = body[tokens[0].end() : tokens[-1].end()]
    key, _, value = rest.partition("=")
    return _place(body, tokens, kind, key=_bare(key) or None, value=_bare(value) if "=" in rest else None)


def _bare(text: str) -> str:
    text = text.strip()
    return text[1:-1].replace("''", "'") if text.startswith("'") else text


def _place(
    body: str, tokens: list[re.Match[str]], kind: str, key: str | None = None, value: str | None = None
) -> Found:
    start, end = tokens[0].start(), tokens[-1].end()
    before = body[:start].split("\n")
    words = () if kind in {"SqlSet", "SqlReset"} else tuple(word for token in tokens if (word := _word(token)))
    text = "" if kind in {"SqlSet", "SqlReset"} else body[start:end]
    return Found(kind, len(before), len(before[-1]) + 1, text, words, key, value)


def _word(token: re.Match[str]) -> str:
    word = token["name"].replace("``", "`") if token["name"] is not None else token["word"] or ""
    return "" if word[:1].isdigit() else word
