"""A reader of the docs, who types what a page says, in the order in which it says it, and looks what comes.

* A `console` block has commands after `$ ` and what they print below; a `sh` block only commands. Both run in bash, in
  a directory of the reader's own, with the environment as the commands before have left it (`export`). Each has to
  exit with 0, unless the page says otherwise: `; echo "exit code $?"`.
* What the page shows is compared by its shape, see `shapes`. A command that only looks (`LOOKS`) is typed again until
  it prints that, as a person would who was too quick.
* `sluiceway serve` runs on, as in a terminal of its own, until the page starts it anew or ends; then Ctrl-C ends it,
  and it has to exit with 0. It listens on a free port, and where no page says otherwise, commands talk to it.
* A `text` block shows what was printed before: each of its lines has to be among that.
* A `python` block is a program, run by the Python of the tests. Any other block is a file where the page names it:
  "Write this to `hello.sql`", or a first line `# name.toml`; else it is only read.

Nothing is substituted in secret. What a page cannot know stands in the table of the test: `own` are texts of the page
that are the reader's own in truth (`http://jobmanager:8081`), `meanwhile` is what happens in the world just before a
command that contains a text. An entry that the page has no use for fails, and so does a page without a command.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from tests.support import processes
from tests.support.patience import PATIENCE
from tests.support.people.pages import Block, Command, blocks, commands, where
from tests.support.people.shapes import difference, fits

LOOKS = re.compile(
    r"^(cat|ls|curl (?!.*( -d| -T| -X| --data))|(\S*/)?sluiceway (events|\w+ (list|show|health|diff|jars)\b))"
)
SERVES = re.compile(r"^(\S*/)?sluiceway serve\b")
DEFAULT = "http://127.0.0.1:8640"  # where a service is unless it is told otherwise
READY = re.compile(r"ready at (\S+)")
SLOW = 3 * PATIENCE  # seconds for one command: a planner may start in it


@dataclass(frozen=True)
class Own:
    """What a page cannot know of its reader."""

    own: Mapping[str, str | Callable[[], str]] = field(default_factory=dict)
    meanwhile: Mapping[str, Callable[[], object]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    typed: str = ""  # what is typed where a command asks for something, such as a password
    server: str = ""  # of a service that runs already


class Wrong(AssertionError):
    """A page is wrong: where, and how."""


class Reader:
    """Plays pages in `home`. A context manager: what it has started ends with it."""

    def __init__(self, home: Path, own: Own | None = None) -> None:
        self.home = home
        self.printed: list[str] = []  # all lines so far
        self.outputs: dict[str, str] = {}  # the last standard output of each command
        self._own = own or Own()
        self._used: set[str] = set()
        self._service: _Served | None = None
        home.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLUICEWAY_", "AWS_"))}
        here = {"HOME": str(home), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "LANG": "C.UTF-8"}
        self._environment = {**kept, **here, **self._own.environment}
        if self._own.server:
            self._environment["SLUICEWAY_SERVER"] = self._own.server

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        service, self._service = self._service, None
        if service is not None:
            service.end(check=error is None)
        unused = {*self._own.own, *self._own.meanwhile} - self._used
        if unused and error is None:
            raise Wrong(f"the test prepares what no page says: {', '.join(sorted(unused))}")

    @property
    def service(self) -> str:
        """The address of the service that commands talk to."""
        return self._service.url if self._service else self._environment.get("SLUICEWAY_SERVER", "")

    def play(self, page: Path, section: str = "") -> None:
        """Do what a page says, or one section of it. Raises `Wrong`."""
        count = sum(self._play(block) for block in blocks(page, section))
        if not count:
            raise Wrong(f"{where(page, 1)}: there is nothing to play")

    def _play(self, block: Block) -> int:
        if block.language in {"console", "sh"}:
            typed = list(commands(block))
            for command in typed:
                self._type(command)
            return len(typed)
        if block.language == "python":
            self._run_program(block)
            return 1
        if block.language == "text":
            self._find_shown(block)
        elif block.file:
            file = self.home / self._mine(block.file)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self._mine(block.text))
        return 0

    def _mine(self, text: str) -> str:
        """A text of the page as this reader has it."""
        for theirs, ours in self._own.own.items():
            if theirs in text:
                self._used.add(theirs)
                text = text.replace(theirs, ours if isinstance(ours, str) else ours())
        return text.replace(DEFAULT, self.service) if self.service else text

    def _type(self, command: Command) -> None:
        for part, happens in self._own.meanwhile.items():
            if part in command.text and part not in self._used:
                self._used.add(part)
                happens()
        text = self._mine(command.text)
        if SERVES.match(text):
            self._serve(command, text)
            return
        shown = [self._mine(line) for line in command.shown]
        self.outputs[command.text] = self.types(text, shown, str(command))

    def types(self, text: str, shown: Sequence[str] = (), at: str = "the test") -> str:
        """Type something, and again while it only looks and there is not yet what is shown; its standard output."""
        end = time.monotonic() + PATIENCE
        while True:
            code, out, err = self._run(["bash", "-c", text + _KEEP if text.startswith("export ") else text])
            wrong = f"exits with {code}" if code else difference(shown, out, err) if shown else ""
            if not wrong or not LOOKS.match(text) or time.monotonic() > end:
                break
            time.sleep(0.2)
        if wrong:
            said = "\n".join(f"    {line}" for line in [*out, *err])
            raise Wrong(f"{at}\n  {wrong}\n  it was run as: {text}\n  all that it printed:\n{said}")
        self.printed += [*out, *err]
        return "\n".join(out)

    def _run(self, command: Sequence[str]) -> tuple[int, list[str], list[str]]:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = processes.start(command, cwd=self.home, env=self._environment, **pipes)
        try:
            out, err = process.communicate(self._own.typed, timeout=SLOW)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            err += f"\nit did not end within {SLOW:.0f} s"
        if _MARK in out:
            out, _, left = out.partition(_MARK)
            self._environment = dict(line.split("=", 1) for line in left.split("\0") if "=" in line)
        return process.returncode, out.splitlines(), err.splitlines()

    def _run_program(self, block: Block) -> None:
        code, out, err = self._run([sys.executable, "-c", self._mine(block.text)])
        if code:
            raise Wrong(f"{where(block.page, block.line)}: the program exits with {code}:\n" + "\n".join(out + err))
        self.printed += [*out, *err]

    def _find_shown(self, block: Block) -> None:
        for number, line in enumerate(self._mine(block.text).splitlines()):
            if line.strip() not in {"", "…"} and not any(fits(line, printed) for printed in self.printed):
                at = where(block.page, block.line + number)
                raise Wrong(f"{at}: nothing has printed {line!r}, but:\n" + "\n".join(self.printed))

    def _serve(self, command: Command, text: str) -> None:
        if self._service is not None:
            self._service.end()
        self._service = _Served(command, text, self.home, {"SLUICEWAY_PORT": "0", **self._environment})
        self._environment["SLUICEWAY_SERVER"] = self._service.url
        self._service.shows([self._mine(line) for line in command.shown])
        self.printed += self._service.out


_MARK = "\0the environment\0"
_KEEP = " && printf '\\0the environment\\0' && env -0"


class _Served:
    """`sluiceway serve` in a terminal of its own."""

    def __init__(self, command: Command, text: str, home: Path, environment: Mapping[str, str]) -> None:
        self.out: list[str] = []
        self._err: list[str] = []
        self._command = command
        self._process = processes.start(
            ["bash", "-c", f"exec {text}"],
            dying=signal.SIGTERM,
            cwd=home,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        streams = ((self._process.stdout, self.out), (self._process.stderr, self._err))
        self._listeners = [threading.Thread(target=_listen, args=each, daemon=True) for each in streams]
        for listener in self._listeners:
            listener.start()
        self._await(lambda: any(map(READY.search, self.out)), "it does not get ready")
        self.url = next(found[1] for line in self.out if (found := READY.search(line)))

    def shows(self, shown: Sequence[str]) -> None:
        """Wait until it has printed what the page shows."""
        self._await(lambda: len(self.out) >= len(shown), "prints less than the page shows")
        if shown and (wrong := difference(shown, self.out, self._err)):
            raise Wrong(f"{self._command}\n  {wrong}\n{self._said()}")

    def end(self, *, check: bool = True) -> None:
        """End it as its reader does. Raises `Wrong` where it does not end in order."""
        self._process.send_signal(signal.SIGINT)
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if check and code:
            raise Wrong(f"{self._command}\n  exits with {code} at Ctrl-C\n{self._said()}")

    def _await(self, happened: Callable[[], bool], why: str) -> None:
        end = time.monotonic() + SLOW
        while not happened():
            if self._process.poll() is not None or time.monotonic() > end:
                self._process.kill()
                for listener in self._listeners:
                    listener.join(1)
                raise Wrong(f"{self._command}\n  {why}\n{self._said()}")
            time.sleep(0.05)

    def _said(self) -> str:
        return "\n".join(f"    {line}" for line in [*self.out, *self._err][-40:])


def _listen(stream: IO[str] | None, lines: list[str]) -> None:
    assert stream is not None
    for line in stream:
        lines += [line.rstrip("\n")]
