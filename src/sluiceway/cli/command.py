"""A command, as Cyclopts has it. It reads the docstrings of its options itself, for a page of help and completion.

Cyclopts has a parser of every style of docstring for it, and takes each class apart several times: longer than all the
rest of a page takes.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from inspect import cleandoc
from itertools import pairwise
from typing import Any, Final

from cyclopts import App, Parameter
from cyclopts.argument import Argument, ArgumentCollection

_PARAMETERS: Final = re.compile(r"^[ \t]*+Parameters\n[ \t]*+-{3,}+\n", re.MULTILINE)


@dataclass(slots=True)
class _Page:
    """A page of help that is being made."""

    of: App
    about: str  # what it does
    arguments: ArgumentCollection | None = None


_page: Final[ContextVar[_Page | None]] = ContextVar("page", default=None)


class Command(App):
    """A command, or several below one name."""

    def assemble_argument_collection(
        self, *, default_parameter: Parameter | None = None, parse_docstring: bool = False
    ) -> ArgumentCollection:
        """All of its arguments; with what they mean if `parse_docstring`."""
        page = _page.get()
        found = page.arguments if page is not None and page.of is self else None
        if found is None:
            found = super().assemble_argument_collection(default_parameter=default_parameter)
        if page is not None and page.of is self:
            page.arguments = found
        if parse_docstring and self.default_command is not None:
            _describe(found, self.default_command)
        return found

    @property
    def help(self) -> str:
        """What it does. On its own page of help nothing: `described` has that, and no parser is needed."""
        page = _page.get()
        return "" if page is not None and page.of is self else super().help

    @help.setter  # noqa: A003 - Cyclopts names it
    def help(self, text: str) -> None:
        self._help = text


@contextmanager
def page_of(command: App) -> Iterator[None]:
    """Within, a command collects its arguments once. Cyclopts does so for each part of a page of help."""
    before = _page.set(_Page(command, _PARAMETERS.split(cleandoc(command.help))[0]))
    try:
        yield
    finally:
        _page.reset(before)


def described() -> str | None:
    """What the command does whose page of help is being made; None outside of `page_of`."""
    page = _page.get()
    return None if page is None else page.about


def _describe(arguments: ArgumentCollection, function: Callable[..., Any]) -> None:
    """Add what docstrings say of them: that of the function, and those below the fields of classes of options."""
    of_function = of_parameters(function.__doc__ or "")
    for argument in arguments:
        if not argument.keys:
            _explain(argument, of_function.get(argument.field_info.name))
        if argument.children:
            of_class = of_fields(argument.resolved_hint)
            for option in argument.children:
                _explain(option, of_class.get(option.keys[-1]))


def _explain(argument: Argument, text: str | None) -> None:
    if text is not None and not argument.parameter.help:
        argument.parameter = Parameter.combine(argument.parameter, Parameter(help=text))


def of_parameters(docstring: str) -> Mapping[str, str]:
    """What the section `Parameters` of a docstring says of each, as numpy writes it."""
    found = _PARAMETERS.search(docstring)
    texts = dict[str, str]()
    margin, name = -1, ""
    for line in docstring[found.end() :].splitlines() if found else ():
        words, indent = line.strip(), len(line) - len(line.lstrip())
        if words and margin < 0:
            margin = indent
        if words and indent == margin:
            name = words
            texts[name] = ""
        elif name:
            texts[name] += f"{words}\n"
    return {name: text.strip() for name, text in texts.items()}


def of_fields(class_: type) -> Mapping[str, str]:
    """What stands below each field of a class, and of those that it is made of."""
    texts = dict[str, str]()
    for part in reversed(class_.__mro__):
        texts |= _texts(part.__module__).get(part.__qualname__, {})
    return texts


@cache
def _texts(module: str) -> Mapping[str, Mapping[str, str]]:
    """The texts below the fields of every class of a module; none where its source is not there."""
    loader = getattr(getattr(sys.modules.get(module), "__spec__", None), "loader", None)
    get_source: Callable[[str], str | None] | None = getattr(loader, "get_source", None)
    source = get_source(module) if get_source else None
    classes = [part for part in ast.parse(source or "").body if isinstance(part, ast.ClassDef)]
    return {part.name: dict(_below_fields(part.body)) for part in classes}


def _below_fields(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for field, text in pairwise(body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as said)):
                yield name, "\n".join(line.strip() for line in said.strip().splitlines())
            case _:
                pass
