"""How the pages of `--help` look: as Cyclopts draws them, with paragraphs that fill the lines and code that stands out.

Docstrings use no more of Markdown than this, and a reader of all of Markdown takes longer to load than the rest.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sluiceway.cli.command import described, page_of
from sluiceway.cli.language import Language, spoken

if TYPE_CHECKING:
    from cyclopts import App
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions

FORMAT: Final = "plaintext"  # how Cyclopts hands docstrings over: as they are
CODE: Final = re.compile(r"`([^`]++)`")
_BLANK_LINE: Final = re.compile(r"\n[ \t]*+\n")


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a docstring, each in one line."""
    return [" ".join(part.split()) for part in _BLANK_LINE.split(text.strip()) if part.strip()]


def said(text: str) -> list[str]:
    """The paragraphs of a docstring in the language of this call."""
    return [phrase(paragraph) for paragraph in paragraphs(text)]


def phrase(text: str) -> str:
    """A paragraph, or words that every page has, in the language of this call."""
    if spoken() is not Language.CHINESE:
        return text
    from sluiceway.cli.chinese import help as chinese

    return chinese.said(text)


class Pages:
    """A formatter of Cyclopts. It loads Cyclopts' own, and rich, when a page is shown."""

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
        """Show a panel of commands or options."""
        from cyclopts.help.formatters import DefaultFormatter

        panel.title = phrase(str(panel.title))
        panel.entries = [entry.copy(description=_flowing(entry.description)) for entry in panel.entries]
        DefaultFormatter()(console, options, panel)

    def render_usage(self, console: "Console", options: "ConsoleOptions", usage: Any) -> None:
        """Show how the command is called."""
        from cyclopts.help.formatters import DefaultFormatter

        if spoken() is Language.CHINESE:
            from sluiceway.cli.chinese.help import page

            page.render_usage(console, usage)
        else:
            DefaultFormatter().render_usage(console, options, usage)

    def render_description(self, console: "Console", _: "ConsoleOptions", description: Any) -> None:
        """Show what the command does."""
        if (text := described()) is not None:
            from cyclopts.help import InlineText

            description = InlineText.from_format(text, FORMAT)
        console.print(_flowing(description))
        console.print()


def _flowing(description: Any) -> Any:
    """The same, in paragraphs that fill the lines, where it is text."""
    from cyclopts.help import InlineText
    from rich.text import Text

    if not isinstance(description, InlineText) or not isinstance(description.primary_renderable, Text):
        return description
    text, inline = Text(end=""), InlineText
    if spoken() is Language.CHINESE:
        from sluiceway.cli.chinese.help import page

        text, inline = page.Flowing(end=""), page.Described
    for at, part in enumerate(CODE.split("\n\n".join(said(description.primary_renderable.plain)))):
        text.append(part, style="bold cyan" if at % 2 else "")  # every other part was between backticks
    return inline(text)


@dataclass(frozen=True, slots=True)
class Option:
    """An argument or option, as a page of help shows it."""

    names: tuple[str, ...]
    meaning: str


@dataclass(slots=True)
class Collected:
    """What a page of help says. It is a formatter of Cyclopts, too, which shows nothing."""

    words: tuple[str, ...]  # how the command is called
    usage: str = ""
    paragraphs: list[str] = field(default_factory=list)
    commands: dict[str, str] = field(default_factory=dict)  # below it, with what they do
    options: list[Option] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """What it does, in half a sentence."""
        first = (self.paragraphs or [""])[0]
        if spoken() is Language.CHINESE:
            return first.partition("。")[0]
        first = first.partition(". ")[0].rstrip(".")
        return first[:1].lower() + first[1:]

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:  # noqa: ARG002 - Cyclopts names them
        """Collect a panel of commands or options."""
        for entry in panel.entries:
            text = _run_on(said(_plain(entry.description)))
            if panel.format == "command":
                self.commands |= {name: text for name in entry.names[:1] if not name.startswith("-")}
            else:
                self.options.append(Option(entry.display_labels_with_metavar, _run_on([text, *_values(entry)])))

    def render_usage(self, _: "Console", __: "ConsoleOptions", usage: Any) -> None:
        """Collect how the command is called."""
        self.usage = str(usage).strip()

    def render_description(self, _: "Console", __: "ConsoleOptions", ___: Any) -> None:
        """Collect what the command does."""
        self.paragraphs = said(described() or "")


def collected(app: "App", words: Sequence[str]) -> Collected:
    """What the page of help of a command says."""
    found = Collected(("sluiceway", *words))
    shown, app.help_formatter = app.help_formatter, found
    try:
        command = app
        for word in words:
            command = command[word]
        show(app, command, words)
    finally:
        app.help_formatter = shown
    return found


def show(app: "App", command: "App", words: Sequence[str]) -> None:
    """Show the page of help of a command, which these words name."""
    with page_of(command):
        app.help_print(list(words))


def _plain(description: Any) -> str:
    primary = getattr(description, "primary_renderable", description)
    return str(getattr(primary, "plain", primary or ""))


def _values(entry: "HelpEntry") -> list[str]:
    given = {"One of": entry.choices, "Default:": entry.default and [entry.default], "Environment:": entry.env_var}
    if spoken() is Language.CHINESE:
        return [f"{phrase(name)}{'、'.join(values)}。" for name, values in given.items() if values]
    return [f"{name} {', '.join(values)}." for name, values in given.items() if values]


def _run_on(sentences: Sequence[str]) -> str:
    return ("" if spoken() is Language.CHINESE else " ").join(filter(None, sentences))
