"""Pages of the docs as a reader takes them: fenced blocks, the commands in them, and what the page shows of each."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[3]
PLAYED = {"console", "sh", "python", "text"}  # what a reader does something with; other blocks are files, or only read
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_NAMED = re.compile(r"[Ww]rite this to\s+`([^`]+)`")
_NAME_IN_IT = re.compile(r"^(?:#|--|//) (\S+\.\w+)$")


@dataclass(frozen=True)
class Block:
    """A fenced block; `line` is that of its first line of text."""

    page: Path
    line: int
    language: str
    text: str
    file: str = ""  # the name under which the reader writes it down


@dataclass(frozen=True)
class Command:
    """A command that the page has its readers type."""

    page: Path
    line: int
    text: str
    shown: Sequence[str] = field(default_factory=tuple)  # the lines below it; none: the page does not show them

    def __str__(self) -> str:
        return f"{where(self.page, self.line)}: $ {self.text}"


def where(page: Path, line: int) -> str:
    """A place in the docs, as editors open it."""
    return f"{page.relative_to(ROOT) if page.is_relative_to(ROOT) else page}:{line}"


def blocks(page: Path, section: str = "") -> list[Block]:
    """The fenced blocks of a page, or of what stands under one of its headings."""
    text = page.read_text()
    begin, end = _under(text, section) if section else (0, len(text))
    return [_block(page, text, found) for found in _FENCE.finditer(text, begin, end)]


def _under(text: str, section: str) -> tuple[int, int]:
    """From a heading to the next, of whatever level."""
    prose = _FENCE.sub(lambda fence: " " * len(fence[0]), text)
    heading = re.search(rf"^#+ {re.escape(section)}$", prose, re.MULTILINE)
    assert heading, f"there is no heading {section!r}"
    after = re.compile(r"^#+ ", re.MULTILINE).search(prose, heading.end())
    return heading.end(), after.start() if after else len(text)


def _block(page: Path, text: str, found: re.Match[str]) -> Block:
    before = text[: found.start()].rstrip().rsplit("\n\n", 1)[-1]
    first, _, rest = found[2].partition("\n")
    in_it, in_prose = _NAME_IN_IT.match(first), _NAMED.findall(" ".join(before.split()))
    name = in_it[1] if in_it else in_prose[-1] if in_prose else ""
    content = rest if in_it and name.endswith(".json") else found[2]
    return Block(page, text.count("\n", 0, found.start(2)) + 1, found[1], content, name)


def commands(block: Block) -> Iterator[Command]:
    """What is typed of a block: after each `$ ` of a `console`, every command of a `sh`."""
    lines = block.text.splitlines()
    at = 0
    while at < len(lines):
        begin, prompt = at, block.language == "console"
        if not lines[at].strip() or (not prompt and lines[at].startswith("#")):
            at += 1
            continue
        assert not prompt or lines[at].startswith("$ "), f"{where(block.page, block.line + at)}: no command before it"
        text = lines[at].removeprefix("$ ") if prompt else lines[at]
        at += 1
        while not _whole(text):
            assert at < len(lines), f"{where(block.page, block.line + begin)}: the command does not end"
            text += "\n" + lines[at]
            at += 1
        first = at
        while prompt and at < len(lines) and not lines[at].startswith("$ "):
            at += 1
        yield Command(block.page, block.line + begin, text, tuple(lines[first:at]))


def _whole(text: str) -> bool:
    if text.endswith("\\"):
        return False
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return False
    return True
