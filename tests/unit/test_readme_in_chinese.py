"""README.zh-CN.md says what README.md says: the same sections, commands, figures and links. Its prose is free."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGLISH = (ROOT / "README.md").read_text()
CHINESE = (ROOT / "README.zh-CN.md").read_text()

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
FIGURE = re.compile(r"(\d[\d,]*(?:\.\d+)*)( 万)?")
TRANSLATED = (
    re.compile(r"\s*#.*$"),  # comments
    re.compile(r'(?<=--reason )".*"'),
)


@dataclass(frozen=True)
class Section:
    """What a section has in every language, in the order in which it has it."""

    level: int
    blocks: Sequence[tuple[str, Sequence[str]]]  # the language of each, and its lines
    code: frozenset[str]  # in its prose
    figures: Sequence[str]
    links: Sequence[str]


def sections(text: str) -> list[Section]:
    """All sections of a page; a `#` in fenced code begins none."""
    hidden = FENCE.sub(lambda fence: re.sub(r"^#", "\0", fence[0], flags=re.MULTILINE), text)
    return [section(part.replace("\0", "#")) for part in re.split(r"^(?=#+ )", hidden, flags=re.MULTILINE) if part]


def section(text: str) -> Section:
    """One section as it is compared."""
    head, _, body = text.partition("\n")
    prose = FENCE.sub("", body)
    links = [link.replace("README.zh-CN.md", "README.md") for link in LINK.findall(prose)]
    bare = CODE.sub("", LINK.sub("", prose))
    blocks = [(language, [said(line) for line in code.splitlines()]) for language, code in FENCE.findall(body)]
    figures = sorted(figure(*found) for found in FIGURE.findall(bare))
    return Section(len(head) - len(head.lstrip("#")), blocks, frozenset(CODE.findall(prose)), figures, sorted(links))


def said(line: str) -> str:
    """A line of code without what is written for people."""
    for pattern in TRANSLATED:
        line = pattern.sub("", line)
    return line


def figure(digits: str, myriads: str) -> str:
    """A number as English writes it: `1 万` is 10,000."""
    number = digits.rstrip(",")
    return f"{int(float(number) * 10_000):,}" if myriads else number


def test_there_is_much_to_compare() -> None:
    found = sections(ENGLISH)
    assert len(found) >= 8
    assert sum(len(lines) for each in found for _, lines in each.blocks) > 40
    assert sum(len(each.figures) for each in found) > 25
    assert sum(len(each.links) for each in found) > 40
    assert sum(len(each.code) for each in found) > 20


def test_both_have_the_same_sections() -> None:
    assert [each.level for each in sections(CHINESE)] == [each.level for each in sections(ENGLISH)]


@pytest.mark.parametrize("number", range(len(sections(ENGLISH))))
@pytest.mark.parametrize("part", ["blocks", "code", "figures", "links"])
def test_a_section_has_what_it_has_in_english(number: int, part: str) -> None:
    assert getattr(sections(CHINESE)[number], part) == getattr(sections(ENGLISH)[number], part)


CHANGES: dict[str, Callable[[str], str]] = {
    "a section less": lambda text: text.replace("## ", "", 1),
    "a section of another level": lambda text: text.replace("\n## ", "\n### ", 1),
    "another command": lambda text: text.replace("resume 1 --wait", "resume 2 --wait", 1),
    "a command less": lambda text: re.sub(r"^make test .*\n", "", text, flags=re.MULTILINE),
    "another option in a sentence": lambda text: text.replace("`--dry-run`", "`--dry`"),
    "another figure in a table": lambda text: text.replace("1.13 s", "1.14 s"),
    "another figure in a sentence": lambda text: text.replace("10 万", "11 万"),
    "another link": lambda text: text.replace("(docs/tutorial.md)", "(docs/known-weaknesses.md)"),
    "a link less": lambda text: text.replace("[SECURITY.md]", "").replace("(SECURITY.md)", ""),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_difference_is_seen(change: Callable[[str], str]) -> None:
    changed = change(CHINESE)
    assert changed != CHINESE
    assert sections(changed) != sections(ENGLISH)
    assert sections(changed) != sections(CHINESE)
