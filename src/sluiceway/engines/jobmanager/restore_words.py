"""Rewords Flink's refusal of a state that holds more than the job takes: with our option, and the operator's name."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

# Of the operators in the state there (a URI), by their ids of 32 hex digits.
OperatorNames = Callable[[str], Awaitable[Mapping[str, str]]]

_CANNOT_MAP: Final = re.compile(
    r"Failed to rollback to checkpoint/savepoint \S{1,1000}\. Cannot map checkpoint/savepoint state for operator "
    r"([0-9a-f]{32}) to the new program, because the operator is not available in the new program\."
    r"(?: If you want to allow to skip this, you can set the --allowNonRestoredState option on the CLI\.)?"
)
_NUMBER: Final = re.compile(r"\[[0-9]{1,9}\]")  # of an operator in its plan
_SAYS: Final = re.compile(r"The state of operator ([0-9a-f]{32}) would be left behind")
_OURS: Final = (
    r"The state of operator \1 would be left behind: the job has no such operator. Change the job back, or resume it "
    r"with --allow-non-restored-state to leave that state behind."
)


def in_our_words(text: str) -> str:
    """Replace what to do in Flink's own client by what to do here."""
    return _CANNOT_MAP.sub(_OURS, text)


def bare(name: str) -> str:
    """An operator's name without its number in the plan, which the next plan counts anew."""
    return _NUMBER.sub("", name)


async def named(text: str, restore: str | None, names: OperatorNames) -> str:
    """Replace an operator's id by its name, where the state at `restore` knows it."""
    found = _SAYS.search(text)
    if found is None or restore is None:
        return text
    name = (await names(restore)).get(found[1])
    return text.replace(f"operator {found[1]}", bare(name), 1) if name else text


async def nobody_knows(_: str) -> Mapping[str, str]:
    """Know no names: for tests, and where no state can be read."""
    return {}
