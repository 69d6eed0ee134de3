"""Everything that commands say to people goes through `t`, and has its Chinese: a rule over their source."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Final

from sluiceway.cli import chinese, language
from sluiceway.cli.chinese import MESSAGES

CLI: Final = Path(language.__file__).parent
# What these say goes to the log of the service, which is in English.
OF_THE_SERVICE: Final = ("shutdown", "log_lines")
# Pages of help have a catalogue of their own.
OF_HELP: Final = ("help_pages", "man", "troff")
# Functions whose text, in the first argument or in the named one, somebody reads.
SAY: Final = {
    **dict.fromkeys(("complain", "say", "Failed", "ask", "agree", "Unreachable", "Silent", "ValueError"), 0),
    **dict.fromkeys(("CycloptsError", "Board", "begin", "ask_password", "_note", "_tell", "refuse", "Deed"), 0),
    "nothing": 2,
    "picked": 3,
    "told": 1,  # `Output.told`: the first one is for programs
}
HELP: Final = frozenset({"App", "Command", "commands", "Parameter"})  # what is given to these is help
EXCUSES: Final = {
    "language._without_option": "it says so before there is a language",
    "language._named": "it says so before there is a language",
    "main.SUMMARIES": "help",
    "client._answer": "it may become part of a document, which is in English",
    "target._of_context": "a value, which documents have, too",
    "cluster_answers.lines": "the title of a line",
    "contexts.show": "the title of a line",
    "login.whoami": "the title of a line",
    "dry_run._FAILING": "the title of a column",
    "dry_run._would_start": "a value in a table, as `yes` is",
    "distributions._state": "a value in a table, as `yes` is",
    "completing._subject": "a name of its own",
    "completing._clusters": "a shell shows it, and completes in English",
    "demo._stop_again": "the reason of a stop, which is stored",
}
WORD: Final = re.compile(r"[A-Za-z]{2}")
COMMAND: Final = re.compile(r"[ …]*sluiceway ")  # is typed, and not read
SENTENCE: Final = re.compile(r"[A-Za-z]+[,;:]? [a-z]+ [a-z]+")


@cache
def modules() -> dict[str, ast.Module]:
    return {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(CLI.glob("*.py"))}


def name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def calls_of_t() -> Iterator[tuple[str, ast.Call]]:
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name_of(node) == "t" and module != "language":
                yield f"{module}:{node.lineno}", node


def text_of(call: ast.Call) -> str:
    first = call.args[0] if len(call.args) == 1 else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def places_in(text: str) -> set[tuple[str, str | None, str | None]]:
    """Each with its format."""
    return {(name, form, kind) for _, name, form, kind in Formatter().parse(text) if name is not None}


def test_every_text_stands_in_the_code_as_it_is_and_has_its_chinese() -> None:
    assert [where for where, call in calls_of_t() if not text_of(call)] == []
    assert [where for where, call in calls_of_t() if text_of(call) not in MESSAGES] == []


def test_every_chinese_text_is_said_somewhere_and_stands_in_one_place() -> None:
    assert MESSAGES.keys() - {text_of(call) for _, call in calls_of_t()} == set()
    themes = [getattr(chinese, name) for name in dir(chinese) if hasattr(getattr(chinese, name), "MESSAGES")]
    assert len(themes) > 5
    assert sum(len(theme.MESSAGES) for theme in themes) == len(MESSAGES)


def test_both_languages_have_the_places_that_are_filled() -> None:
    for where, call in calls_of_t():
        filled = {keyword.arg for keyword in call.keywords}
        if filled:  # without any, braces are braces
            text = text_of(call)
            assert {name for name, *_ in places_in(text)} == filled, where
            assert places_in(MESSAGES[text]) == places_in(text), where


def early(node: ast.AST) -> Iterator[ast.Call]:
    """Calls of `t` that are made when a module is loaded, and nobody knows the language."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(each, ast.Call) and name_of(each) == "t":
            yield each
        yield from early(each)


def test_the_language_is_asked_for_when_something_is_said() -> None:
    assert [(module, text_of(call)) for module, tree in modules().items() for call in early(tree)] == []


def test_the_chinese_is_simplified_with_its_own_punctuation() -> None:
    for text in MESSAGES.values():
        letters = [letter for letter in text if "\u4e00" <= letter <= "\u9fff"]
        "".join(letters).encode("gb2312")  # which has no traditional characters
        assert not re.search(r"[\u4e00-\u9fff][,;:!?()]", text), text
        # Nothing but places and signs may be the same in both.
        assert letters or not WORD.search(re.sub(r"{.*?}", "", text)), text


# What does not go through it. -----------------------------------------------------------------------------------------


class Untold(ast.NodeVisitor):
    """English for people that does not go through `t`: each with the function that it stands in."""

    def __init__(self, module: str) -> None:
        self.found: list[tuple[str, str]] = []
        self._module = module
        self._where = [module]
        self._said = 0  # how many calls that say something it stands in

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self._where.append(node.name)
        for each in node.body:
            self.visit(each)
        self._where.pop()

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef  # noqa: N815 - the library's names

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # which is a docstring
            self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Annotations say nothing."""
        self._assigned(node.target, node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._assigned(node.targets[0], node.value)

    def _assigned(self, target: ast.expr, value: ast.expr | None) -> None:
        """A constant of the module has its name for a place."""
        place = target.id if isinstance(target, ast.Name) and target.id.isupper() else self._where[-1]
        self._where.append(place if len(self._where) == 1 else self._where[-1])
        if value is not None:
            self.visit(value)
        self._where.pop()

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.visit(node.value)  # and no key, nor what is annotated

    def visit_Call(self, node: ast.Call) -> None:
        name = name_of(node)
        if name == "t" or name in HELP:
            return
        asked = name == "ask" and isinstance(node.func, ast.Attribute)  # a service, and nobody
        said = [node.args[SAY[name]]] if name in SAY and not asked and len(node.args) > SAY[name] else []
        said += [keyword.value for keyword in node.keywords if name in SAY and keyword.arg == "msg"]
        for each in ast.iter_child_nodes(node):
            self._said += each in said
            self.visit(each)
            self._said -= each in said

    def visit_Lambda(self, node: ast.Lambda) -> None:
        said, self._said = self._said, 0
        self.visit(node.body)
        self._said = said

    def visit_Compare(self, node: ast.Compare) -> None:
        """Nothing: what something is compared with is not said."""

    def visit_Dict(self, node: ast.Dict) -> None:
        """Keys are said where they are a text of their own, as the faults of the demo are."""
        for each in [*(key for key in node.keys if not isinstance(key, ast.Constant)), *node.values]:
            if each is not None:
                self.visit(each)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self._judge("".join(str(one.value) if isinstance(one, ast.Constant) else "…" for one in node.values))
        for one in node.values:
            if isinstance(one, ast.FormattedValue):
                self.visit(one.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._judge(node.value)

    def _judge(self, text: str) -> None:
        if not COMMAND.match(text) and (SENTENCE.search(text) or (self._said and WORD.search(text))):
            self.found.append((f"{self._module}.{self._where[-1]}", text))


def untold() -> Iterator[tuple[str, str]]:
    for module, tree in modules().items():
        if module not in {*OF_THE_SERVICE, *OF_HELP}:
            visitor = Untold(module)
            visitor.visit(tree)
            yield from visitor.found


def test_nothing_is_said_in_english_alone_but_for_a_reason() -> None:
    found = list(untold())
    assert [(where, text) for where, text in found if where not in EXCUSES] == []
    assert EXCUSES.keys() - {where for where, _ in found} == set(), "this excuse is needed no longer"
