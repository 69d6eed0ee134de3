"""Progress while a command waits: live on a terminal, a line for each change without one."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVar

from sluiceway.cli.connection import Unreachable
from sluiceway.cli.language import t
from sluiceway.cli.output import one_line
from sluiceway.cli.tables import took
from sluiceway.cli.unbroken import unbroken

if TYPE_CHECKING:  # it is loaded with the first board, and not for commands that wait for nothing
    from rich.console import Console, RenderableType

FIRST_PAUSE: Final = 0.25  # seconds between two looks
LAST_PAUSE: Final = 2.0
LOOKING_SHARE: Final = 4  # a look that takes long is followed by a pause that many times as long
REMIND: Final = 60.0  # seconds without a line, through a pipe, after which it is said what is waited for
PATIENCE: Final = 60.0  # seconds that a service which does not answer is waited for

T = TypeVar("T")
_WORD: Final = re.compile(r"[\w.:]+")  # also 2.5, 12:00:05 and 10.0.0.1:8081


@dataclass(frozen=True, slots=True)
class Line:
    """The state of one job, or of something else that has no number but its name."""

    job_id: int | None
    name: str
    state: str
    note: str = ""
    done: bool = False

    def __post_init__(self) -> None:
        """All of it in one line, and nothing that a terminal would obey."""
        for field in ("name", "state", "note"):
            object.__setattr__(self, field, one_line(getattr(self, field)))


class _Told:
    """What was printed of a job: its state, and each cause once while it lasts."""

    def __init__(self) -> None:
        self.state = ""
        self.causes = {""}

    def news(self, line: Line) -> bool:
        """Whether there is news. A number in a cause that counts on is none."""
        cause = _WORD.sub(lambda word: "#" if any(map(str.isdigit, word[0])) else word[0], line.note)
        if line.state == self.state and cause in self.causes:
            return False
        self.causes = {"", cause} | (self.causes if line.state == self.state else set())
        self.state = line.state
        return True


class Board:
    """Shows how many jobs are done, and each that is not. A context manager."""

    def __init__(self, title: str, console: "Console | None" = None, *, keep_done: bool = False) -> None:
        """`keep_done` also shows the jobs that are done, as far as the terminal has lines for them."""
        from rich.console import Console
        from rich.live import Live

        self.title = title
        self._console = console or Console(stderr=True)
        self._keep_done = keep_done
        self._began = time.monotonic()
        self._told: dict[tuple[int | None, str], _Told] = {}
        self._said_at = self._began
        self._lines: Sequence[Line] = ()
        self._live: Live | None = None
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(get_renderable=self._picture, console=self._console, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        """Begin to show."""
        try:
            if self._live is not None:
                with unbroken():
                    self._live.start()
        except BaseException:  # Ctrl-C, too: nobody leaves what nobody has entered
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was; a table shows the result."""
        if self._live is not None:
            with unbroken():
                self._live.stop()

    @property
    def seconds(self) -> float:
        """How long this stage has lasted."""
        return time.monotonic() - self._began

    def begin(self, title: str) -> None:
        """Another stage of the same jobs: its title, and its clock."""
        self.title, self._began = title, time.monotonic()

    def say(self, text: str) -> None:
        """A line above the board."""
        self._said_at = time.monotonic()
        with unbroken():
            self._console.print(text, soft_wrap=True, markup=False, highlight=False, emoji=False)
            self._console.file.flush()

    def show(self, lines: Sequence[Line]) -> None:
        """The state of all jobs now. Without a terminal: the news of each, and once in a while what it waits for."""
        self._lines = lines
        if self._live is not None:
            with unbroken():
                self._live.refresh()
            return
        for line in lines:
            if self._told.setdefault((line.job_id, line.name), _Told()).news(line):
                number = "" if line.job_id is None else f"{line.job_id} "
                self.say(f"{number}{line.name}: {line.state}{_in_brackets(line.note)}")
        if time.monotonic() - self._said_at >= REMIND:
            self._remind()

    def _remind(self) -> None:
        waited = [line for line in self._lines if not line.done]
        causes = {line.state: line.note for line in reversed(waited)}  # of each state, that of its first job
        counts = Counter(line.state for line in waited)
        told = ", ".join(f"{count} {state}{_in_brackets(causes[state])}" for state, count in counts.items())
        count = len(self._lines) - len(waited)
        done = t("{count} of {all} done after {length}", count=count, all=len(self._lines), length=took(self.seconds))
        self.say(
            t("{title}: {done}; {told}", title=self.title, done=done, told=told)
            if told
            else t("{title}: {done}", title=self.title, done=done)
        )

    def _picture(self) -> "RenderableType":
        from sluiceway.cli import picture

        size, seconds = self._console.size, took(self.seconds)
        return picture.drawn(self.title, seconds, self._lines, size, keep_done=self._keep_done)


def _in_brackets(note: str) -> str:
    return t(" ({note})", note=note) if note else ""


class Silence:
    """A service that does not answer for a while: it may be on its way up again, and what it has accepted goes on."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """`tell` is for people: when the silence begins, and when it is over."""
        self._tell = tell
        self._since: float | None = None

    @property
    def lasts(self) -> bool:
        """Whether there was no answer lately."""
        return self._since is not None

    def goes_on(self, error: Unreachable) -> None:
        """There was no answer. Raises the error when there has been none for too long."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
            self._tell(t("The service does not answer; reconnecting for up to {seconds:.0f} s …", seconds=PATIENCE))
        if now - self._since >= PATIENCE:
            raise error

    def over(self) -> None:
        """There was an answer."""
        if self._since is not None:
            self._tell(t("The service answers again."))
        self._since = None


def looks(
    look: Callable[[], T], timeout: float | None, tell: Callable[[str], None], pause: float = FIRST_PAUSE
) -> Iterator[T]:
    """Look again and again until the time is up; the last look is at the end of it.

    A service that does not answer for a while is waited for, and `tell` is told. Raises `Unreachable` when it stays
    away.
    """
    end = None if timeout is None else time.monotonic() + timeout
    silence = Silence(tell)
    while True:
        began = time.monotonic()
        try:
            found = look()
        except Unreachable as error:
            silence.goes_on(error)
        else:
            silence.over()
            yield found
        now = time.monotonic()
        if end is not None and now >= end:
            return
        pause = max(pause, min((now - began) * LOOKING_SHARE, LAST_PAUSE))
        time.sleep(pause if end is None else max(0.0, min(pause, end - now)))
