"""Output of commands: results on standard output, everything else on standard error."""

import sys
from typing import Final
from unicodedata import category

# What a terminal obeys (escape sequences), what turns the direction of a line or hides in it, and what ends a line.
_OBEYED: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def visible(text: str) -> str:
    """The same text, fit for a terminal: invisible characters stand there as escapes. Lines and tabs stay.

    Others write names, descriptions and messages, which must not control the reader's terminal.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(letter) for letter in text)


def one_line(text: str) -> str:
    """The same, in one line: somebody else's words must not look like further lines of ours."""
    return visible(" ".join(text.split()))


def _shown(letter: str) -> str:
    seen = letter in "\n\t" or category(letter) not in _OBEYED
    return letter if seen else letter.encode("unicode_escape", "backslashreplace").decode()


NOTHING: Final = 3  # exit codes, beside 1 for a failure and 2 for a wrong call: nothing matched
NOT_ALLOWED: Final = 4  # not signed in, or no right to it
NO_SERVICE: Final = 5  # none answers that can be trusted
TIME_UP: Final = 6  # what was waited for goes on


class Failed(Exception):
    """Ends a command with a message and an exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        """`message` says what is wrong and what to do about it."""
        super().__init__(message)
        self.code = code


def say(text: str) -> None:
    """A line for people, at once also through a pipe."""
    print(visible(text), flush=True)


def complain(text: str) -> None:
    """A line about what is wrong."""
    print(visible(f"sluiceway: {text}"), file=sys.stderr, flush=True)


def ask(question: str) -> str:
    """The line that somebody types for an answer."""
    print(visible(question), end="", file=sys.stderr, flush=True)
    return input()
