"""How commands speak: results on standard output, everything else on standard error."""

import sys

from rich.console import Console

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)


class Failed(Exception):  # noqa: N818 - what was asked for did not happen
    """Ends a command with a message and an exit code: 1 for what did not happen, 2 for a wrong call."""

    def __init__(self, message: str, code: int = 1) -> None:
        """`message` says what is wrong and what to do about it."""
        super().__init__(message)
        self.code = code


def say(text: str) -> None:
    """A line for people, at once also through a pipe."""
    out.print(text, highlight=False, markup=False, emoji=False)
    sys.stdout.flush()


def complain(text: str) -> None:
    """A line about what is wrong."""
    err.print(f"sluiceway: {text}", highlight=False, markup=False, emoji=False)
