"""How the pages of `--help` look: as Cyclopts draws them, with paragraphs that fill the lines and code that stands out.

Docstrings use no more of Markdown than this, and a reader of all of Markdown takes longer to load than the rest.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from cyclopts import App
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions
    from rich.text import Text

FORMAT: Final = "plaintext"  # how Cyclopts hands docstrings over: as they are
CODE: Final = re.compile(r"`([^`]++)`")
_BLANK_LINE: Final = re.compile(r"\n[ \t]*+\n")


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a docstring, each in one line."""
    return [" ".join(part.split()) for part in _BLANK_LINE.split(text.strip()) if part.strip()]


class Pages:
    """A formatter of Cyclopts. It loads Cyclopts' own, and rich, when a page is shown."""

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
        """Show a panel of commands or options."""
        from cyclopts.help.formatters import DefaultFormatter

        for entry in panel.entries:
            _flow(entry.description)
        DefaultFormatter()(console, options, panel)

    def render_usage(self, console: "Console", options: "ConsoleOptions", usage: Any) -> None:
        """Show how the command is called."""
        from cyclopts.help.formatters import DefaultFormatter

        DefaultFormatter().render_usage(console, options, usage)

    def render_description(self, console: "Console", _: "ConsoleOptions", description: Any) -> None:
        """Show what the command does."""
        _flow(description)
        console.print(description)
        console.print()


def _flow(description: Any) -> None:
    from cyclopts.help import InlineText
    from rich.text import Text

    if isinstance(description, InlineText) and isinstance(description.primary_renderable, Text):
        description.primary_renderable = _flowing(description.primary_renderable.plain)


def _flowing(text: str) -> "Text":
    from rich.text import Text

    shown = Text(end="")
    for at, part in enumerate(CODE.split("\n\n".join(paragraphs(text)))):
        shown.append(part, style="bold cyan" if at % 2 else "")  # every other part was between backticks
    return shown


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
        first = (self.paragraphs or [""])[0].partition(". ")[0].rstrip(".")
        return first[:1].lower() + first[1:]

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:  # noqa: ARG002 - Cyclopts names them
        """Collect a panel of commands or options."""
        for entry in panel.entries:
            text = " ".join(paragraphs(_plain(entry.description)))
            if panel.format == "command":
                self.commands |= {name: text for name in entry.names[:1] if not name.startswith("-")}
            else:
                self.options.append(Option(entry.display_labels_with_metavar, f"{text} {_values(entry)}".strip()))

    def render_usage(self, _: "Console", __: "ConsoleOptions", usage: Any) -> None:
        """Collect how the command is called."""
        self.usage = str(usage).strip()

    def render_description(self, _: "Console", __: "ConsoleOptions", description: Any) -> None:
        """Collect what the command does."""
        self.paragraphs = paragraphs(_plain(description))


def collected(app: "App", words: Sequence[str]) -> Collected:
    """What the page of help of a command says."""
    found = Collected(("sluiceway", *words))
    shown, app.help_formatter = app.help_formatter, found
    try:
        app.help_print(list(words))
    finally:
        app.help_formatter = shown
    return found


def _plain(description: Any) -> str:
    primary = getattr(description, "primary_renderable", description)
    return str(getattr(primary, "plain", primary or ""))


def _values(entry: "HelpEntry") -> str:
    given = {"One of": entry.choices, "Default:": entry.default and [entry.default], "Environment:": entry.env_var}
    return " ".join(f"{name} {', '.join(values)}." for name, values in given.items() if values)
