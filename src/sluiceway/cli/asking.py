"""Asks before a command touches many jobs: typing their number proves that it was read."""

import os
import sys
from typing import Final

from rich.console import Console

from sluiceway.cli.output import Failed

ABOVE: Final = 20  # jobs
VARIABLE: Final = "SLUICEWAY_ASK_ABOVE"


def asks(*, yes: bool) -> bool:
    """Whether to ask at all: on a terminal, without --yes. Scripts are never asked."""
    return not yes and sys.stdin.isatty() and sys.stderr.isatty()


def confirm(count: int, what: str) -> None:
    """Have the number of jobs typed where it is above the limit. Raises `Failed` for anything else."""
    if count <= _limit():
        return
    question = f"{count} jobs would be {what}. Type the number to go on: "
    answer = Console(stderr=True).input(question, markup=False)
    if answer.strip() != str(count):
        raise Failed(f"Nothing was done: {count} was not typed. --yes asks nothing.")


def _limit() -> int:
    given = os.environ.get(VARIABLE, "")
    if not given:
        return ABOVE
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        raise Failed(f"{VARIABLE} is a number of jobs, and not {given!r}.", code=2)
    return int(given)
