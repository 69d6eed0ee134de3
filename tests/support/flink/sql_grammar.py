"""Scripts from a grammar of our own, by a seed: what people write, and what makes cutting it hard.

Each knows the statements that it is made of, with their exact texts; what stands between them is blanks and comments.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

_NAMES = ("t", "orders", "`a;b`", "`it``s`", "`-- x`", "`日本`", "c.d.e", "`INSERT`", "Größe", "cat.`db;`.t")
_LITERALS = (
    *("1", "-1.5E3", "'x'", "''", "'it''s; done'", "'--'", "'/* ; */'", "'//;'", "'\n;\r\n'", "'😀;'", "'`'", "NULL"),
    *("E'it\\'s; done'", "E'\\\\'", "e'\\n;'", "U&'\\00e9;'", "_UTF16'é;'", "X'0f'", "DATE '2024-01-01'", "TRUE"),
    *("INTERVAL '1;' DAY", "ARRAY[1, 2]", "MAP['k;', 1]", "ROW(1, ';')", "TIMESTAMP '2024-01-01 00:00:00'"),
)
_COMMENTS = (
    *("-- large ones only; INSERT INTO u SELECT 1", "-- it's", "--", "// don't; DROP TABLE t", "//", "// 'x"),
    *("--- `", '-- "', "-- /* not open", "// */ /*"),
)
_BLOCKS = (
    "/* a; b */",
    "/**/",
    "/* it's */",
    "/* -- */",
    "/* // ` */",
    "/*\n;\n*/",
    "/* /* */",
    "/** ; */",
    "/* \r ; */",
)
_ENDS = ("\n", "\r", "\r\n")
_OPTIONS = "('k;' = 'it''s */; --')"
_HINTS = (f"/*+ OPTIONS{_OPTIONS} */", "/*+OPTIONS('a'='b')*/", "/*+ OPTIONS('a' = '//') -- x;\n*/")


@dataclass(frozen=True)
class Written:
    """A script and the texts of its statements; the parts of an EXECUTE STATEMENT SET count each."""

    body: str
    texts: tuple[str, ...]
    listed: (
        bool  # whether Flink's own list of statements can be had of it: not with SET key = value, nor with RESET alone
    )


class Author:
    """Writes scripts, each its own by the seed."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)

    def script(self) -> Written:
        """Some statements with blanks and comments around each."""
        parts = [self._statement() for _ in range(self._draw.randint(1, 4))]
        body, texts, listed = [self._gap()], [], True
        for text, whole, plain in parts:
            body += [whole, self._gap(), ";" * self._draw.choice((1, 1, 1, 2)), self._gap()]
            texts += text
            listed &= plain
        if self._draw.random() < 0.5:
            last = len(body) - 1 - next(at for at, part in enumerate(reversed(body)) if set(part) == {";"})
            body[last] = " "
        return Written("".join(body), tuple(texts), listed)

    def _statement(self) -> tuple[list[str], str, bool]:
        """The texts that are to be found, what is written, and whether Flink's grammar knows it."""
        kind = self._draw.choice(("insert",) * 6 + ("table", "table", "ctas", "view", "set", "set", "frame", "other"))
        if kind == "frame":
            inserts = [self._insert() for _ in range(self._draw.randint(1, 3))]
            each = "".join(f"{insert}{self._gap()};{self._gap()}" for insert in inserts)
            if self._draw.random() < 0.5:
                return [*inserts], self._join("EXECUTE", "STATEMENT", "SET", "BEGIN", each + "END"), True
            return [*inserts], self._join("BEGIN", "STATEMENT", "SET") + f";{self._gap()}{each}END", True
        if kind == "set":
            return self._setting()
        makers: dict[str, Callable[[], str]] = {
            "insert": self._insert,
            "table": self._table,
            "ctas": lambda: self._join("CREATE", "TABLE", self._name(), "WITH", _OPTIONS, "AS", self._query()),
            "view": lambda: self._join("CREATE", "TEMPORARY", "VIEW", self._name(), "AS", self._query()),
            "other": self._other,
        }
        text = makers[kind]()
        return [text], text, True

    def _setting(self) -> tuple[list[str], str, bool]:
        key, value = (
            self._draw.choice(("a.b", "execution.x-y", "k")),
            self._draw.choice(("1", "10s", "s3://b/c", "'a;b'")),
        )
        form = self._draw.choice(("quoted", "bare", "reset", "reset all", "reset bare"))
        quoted = self._join("SET", f"'{key}'", "=", "'it''s; 10 s'")
        written = {
            "quoted": quoted,
            # Two slashes after which no line ends are a comment to Flink's lexer, and none to its clients.
            "bare": f"SET {key} = {value}" + ";" * ("//" in value),
            "reset": self._join("RESET", f"'{key}'"),
            "reset all": "RESET",
            "reset bare": f"RESET {key}",
        }[form]
        return [], written, form in {"quoted", "reset"}

    def _insert(self) -> str:
        into = self._draw.choice((("INSERT", "INTO"), ("insert", "overwrite"), ("Insert", "Into")))
        return self._join(*into, self._name(), self._query())

    def _table(self) -> str:
        columns = f"({self._join('a', 'BIGINT', ',', '`b;`', 'STRING', 'COMMENT', chr(39) + '; --' + chr(39))})"
        return self._join("CREATE", "TABLE", self._name(), columns, "WITH", _OPTIONS)

    def _other(self) -> str:
        name = self._name()
        return self._draw.choice(
            (
                self._join("USE", "CATALOG", "c"),
                self._join("DROP", "TABLE", "IF", "EXISTS", name),
                self._join("ALTER", "TABLE", name, "SET", _OPTIONS),
                self._join("CREATE", "FUNCTION", "f", "AS", "'com.example.F'"),
                self._join("SHOW", "TABLES"),
                self._join("EXPLAIN", self._insert()),
            )
        )

    def _query(self, depth: int = 0) -> str:
        source = self._name() if depth > 2 or self._draw.random() < 0.6 else f"({self._query(depth + 1)})"
        if source[0] != "(" and self._draw.random() < 0.3:
            source = self._join(source, self._draw.choice(_HINTS))
        columns = self._join(*(part for _ in range(self._draw.randint(1, 3)) for part in (self._literal(), ",")), "a")
        tail = ["WHERE", "a", ">", self._literal()] if self._draw.random() < 0.4 else []
        if self._draw.random() < 0.15:
            tail += ["UNION", "ALL", f"({self._query(depth + 1)})" if depth < 2 else "SELECT 1"]
        elif self._draw.random() < 0.15 and not depth:
            tail += ["ORDER", "BY", "a", "LIMIT", "3"]
        return self._join("SELECT", columns, "FROM", source, *tail)

    def _name(self) -> str:
        return self._draw.choice(_NAMES)

    def _literal(self) -> str:
        return self._draw.choice(_LITERALS)

    def _join(self, *tokens: str) -> str:
        """Tokens with at least a blank or a comment between any two."""
        text = tokens[0]
        for token in tokens[1:]:
            text += self._between() + token
        return text

    def _between(self) -> str:
        if self._draw.random() < 0.9:
            return self._draw.choice((" ", " ", "  ", "\n", "\t", "\r\n", "\r"))
        return f" {self._comment()} "

    def _comment(self) -> str:
        if self._draw.random() < 0.5:
            return self._draw.choice(_BLOCKS)
        return self._draw.choice(_COMMENTS) + self._draw.choice(_ENDS)

    def _gap(self) -> str:
        return "".join(
            self._draw.choice(("", " ", *_ENDS)) if self._draw.random() < 0.7 else f" {self._comment()}"
            for _ in range(self._draw.randint(0, 3))
        )
