"""Somebody at a terminal: a command in a pseudo-terminal of its own, and the screen that its output makes.

The screen knows what `rich` writes: letters, line ends, colours, moves of the cursor, lines that are erased. As on an
xterm nothing is wrapped anew when the size changes.
"""

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from tests.support import processes
from tests.support.patience import PATIENCE

# A process gets a terminal as its own, with Ctrl-C and changes of size, where it leads a session that has none.
_OWNED = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
_TOKEN = re.compile(r"\x1b\[(?P<given>[?\d;]*)(?P<what>[@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|(?P<one>[^\x1b])")
_OPEN = re.compile(r"\x1b(?:\[[?\d;]*|\][^\x07\x1b]*)?\Z")  # a sequence whose rest is yet to come


class Screen:
    """What a terminal shows."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.cursor_shown = True
        self._lines: list[list[str]] = [[]]
        self._row = self._column = 0
        self._rest = ""

    @property
    def lines(self) -> list[str]:
        """Its lines, without blanks at their ends."""
        return ["".join(line).rstrip() for line in self._lines]

    def resize(self, columns: int, rows: int) -> None:
        """It gets another size: what no longer fits is gone, at the right and at the top."""
        self.columns, self.rows = columns, rows
        self._lines = [line[:columns] for line in self._lines]
        self._column = min(self._column, columns - 1)
        self._scroll()

    def write(self, text: str) -> None:
        """Show what a program writes."""
        text = self._rest + text
        if unfinished := _OPEN.search(text):
            text, self._rest = text[: unfinished.start()], unfinished[0]
        else:
            self._rest = ""
        for token in _TOKEN.finditer(text):
            if token["one"]:
                self._letter(token["one"])
            elif token["what"]:
                self._obey(token["what"], token["given"])

    def _letter(self, letter: str) -> None:
        if letter == "\n":
            self._row += 1
        elif letter == "\r":
            self._column = 0
        elif letter >= " ":
            if self._column >= self.columns:
                self._row, self._column = self._row + 1, 0
            self._scroll()
            line = self._lines[self._row]
            line += " " * (self._column + 1 - len(line))
            line[self._column] = letter
            self._column += 1
        self._scroll()

    def _obey(self, what: str, given: str) -> None:
        if what == "A":
            self._row = max(self._row - int(given or 1), 0)
        elif what == "K":
            self._lines[self._row] = self._lines[self._row][: self._column] if given in {"", "0"} else []
        elif given == "?25":
            self.cursor_shown = what == "h"
        else:
            assert what == "m", f"what is CSI {given}{what}?"

    def _scroll(self) -> None:
        self._lines += [[] for _ in range(self._row + 1 - len(self._lines))]
        gone = max(len(self._lines) - self.rows, 0)
        del self._lines[:gone]
        self._row = max(self._row - gone, 0)


class Terminal:
    """A command at a terminal. A context manager: the command has ended when the context has."""

    def __init__(
        self, command: Sequence[str], columns: int = 100, rows: int = 30, environment: Mapping[str, str] | None = None
    ) -> None:
        self.screen = Screen(columns, rows)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._ours, theirs = pty.openpty()
        self._set_size()
        self._before = termios.tcgetattr(self._ours)
        kept = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
        self._process = processes.start(
            [sys.executable, "-c", _OWNED, *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**kept, "TERM": "xterm", "LANG": "C.UTF-8", **(environment or {})},
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._ours)

    def resize(self, columns: int, rows: int) -> None:
        """Change its size; the kernel tells the command."""
        self._read(0.0)
        self.screen.resize(columns, rows)
        self._set_size()

    def press(self, keys: str) -> None:
        """Type, for example Ctrl-C: `\\x03`."""
        os.write(self._ours, keys.encode())

    def until(self, shows: Callable[[list[str]], object]) -> list[str]:
        """Wait until it shows that; the lines of the screen."""
        end = time.monotonic() + PATIENCE
        while not shows(self.screen.lines):
            assert time.monotonic() < end, "it does not show that, but:\n" + "\n".join(self.screen.lines)
            self._read(0.1)
        return self.screen.lines

    def end(self) -> int:
        """Wait for the end of the command; its exit code."""
        end = time.monotonic() + PATIENCE
        while self._read(0.1) or self._process.poll() is None:
            assert time.monotonic() < end, "it does not end, but shows:\n" + "\n".join(self.screen.lines)
        return self._process.wait()

    @property
    def is_as_before(self) -> bool:
        """Whether the command has left it as it has found it: the cursor seen, keys echoed."""
        return self.screen.cursor_shown and termios.tcgetattr(self._ours) == self._before

    def _set_size(self) -> None:
        size = struct.pack("HHHH", self.screen.rows, self.screen.columns, 0, 0)
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, size)

    def _read(self, seconds: float) -> bool:
        """Show what was written meanwhile; whether it was anything."""
        readable, _, _ = select.select([self._ours], [], [], seconds)
        if not readable:
            return False
        try:
            written = os.read(self._ours, 65536)
        except OSError:  # nobody has it open any more
            time.sleep(0.02)
            return False
        self.screen.write(self._decoder.decode(written))
        return bool(written)
