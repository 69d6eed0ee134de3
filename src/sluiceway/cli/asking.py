"""Asks before a command does what nobody can undo, or touches many jobs. Nothing is sent before the answer.

Where nobody can be asked, as in a script, `--yes` has to be there: a call without it is a wrong call.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sluiceway.cli import tables
from sluiceway.cli.language import t
from sluiceway.cli.output import Failed, ask, complain, one_line

ABOVE: Final = 20  # jobs
VARIABLE: Final = "SLUICEWAY_ASK_ABOVE"
INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True)
class Deed:
    """What a command is about to do to jobs, and whether somebody has to agree."""

    done: str  # what becomes of them: "stopped", in the language of the call
    yes: bool = False  # the caller has agreed already
    why: str = ""  # what makes it ask however few they are: "--all"

    def asks(self, count: int) -> bool:
        """Whether somebody has to agree, where it is about so many. Raises `Failed`."""
        return not self.yes and count > 0 and (bool(self.why) or count > _limit())

    def check(self) -> None:
        """Refuse what asks in any case, where nobody can be asked. Raises `Failed`."""
        if self.why and not self.yes and not on_terminal():
            told = t(
                "{why} asks first, and there is no terminal to ask at. Nothing was done. "
                "Give --yes to do it without a question.",
                why=self.why,
            )
            raise Failed(told, code=2)

    def confirm(self, count: int, lost: Sequence[str] = ()) -> None:
        """Have somebody agree where it is due; `lost` are lines on what that would cost. Raises `Failed`."""
        if not self.asks(count):
            return
        jobs, done = tables.jobs(count), self.done
        if not on_terminal():
            told = t(
                "{jobs} would be {done}, and there is no terminal to ask at. Nothing was done. "
                "Give --yes to do it without a question.",
                jobs=jobs,
                done=done,
            )
            raise Failed(told, code=2)
        what = (
            t("{jobs} would be {done}", jobs=jobs, done=done)
            if lost
            else t("{jobs} would be {done}.", jobs=jobs, done=done)
        )
        agree([what, *lost], str(count) if count > _limit() else "yes")


def on_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def agree(told: Sequence[str], word: str) -> None:
    """Say what would happen, line by line, and have a word typed. Raises `Failed` for anything else."""
    head, *rest = map(one_line, told)
    complain("\n  ".join([t("{head}:", head=head) if rest else head, *rest]))
    try:
        answer = ask(t("Type yes to go on: ") if word == "yes" else t("Type the number, {word}, to go on: ", word=word))
    except EOFError:
        print(file=sys.stderr)
        answer = ""
    except KeyboardInterrupt:
        print(file=sys.stderr)
        raise Failed(t("Nothing was done."), code=INTERRUPTED) from None
    if answer.strip().lower() != word:
        raise Failed(t("Nothing was done: {word} was not typed. --yes asks nothing.", word=word))


def _limit() -> int:
    given = os.environ.get(VARIABLE, "")
    if not given:
        return ABOVE
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        raise Failed(t("{variable} is a number of jobs, and not {given!r}.", variable=VARIABLE, given=given), code=2)
    return int(given)
