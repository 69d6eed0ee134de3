"""How the pages of `--help` look: as Cyclopts draws them, with paragraphs that fill the lines and code that stands out.

Docstrings use no more of Markdown than this, and a reader of all of Markdown takes longer to load than the rest.
"""

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from cyclopts.help import HelpPanel
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
