"""What a text costs grows with its size and no faster, whatever it is made of: patterns, and all that reads texts.

A new regular expression is found by itself. One that is made of parts where it is used, or that never sees what
outsiders have written, has to be told here.
"""

import re

import pytest
from tests.hostile import growth
from tests.hostile.growth import ENDS, UNITS, Pattern, Superlinear, example, judge, patterns, shaped
from tests.hostile.readers import READERS, Reader

PATTERNS = patterns()
SIZE = 1 << 13  # characters of the larger text for a pattern

# What these look at nobody outside has written, or the reader that uses them, which is tried below, bounds it.
LEFT_OUT = {
    "api.security_headers._SCRIPT": "pages of our own",
    "cli.demo_service.": "lines of our own service",
    "storage.errors._LOCAL": "one line, which errors.reason_of takes out of the text before",
}
TRIED = [each for each in PATTERNS if not each.place.startswith(tuple(LEFT_OUT))]


@pytest.mark.parametrize("pattern", TRIED, ids=lambda each: each.place)
def test_a_pattern_is_linear(pattern: Pattern) -> None:
    for method, act in pattern.acts():
        for unit in (*UNITS.values(), *pattern.units()):
            for end in ENDS:
                judge(f"{pattern.place}.{method} of {unit!r}, {end!r} behind", act, shaped(unit, end), SIZE)


@pytest.mark.parametrize("name", READERS)
def test_reading_is_linear(name: str) -> None:
    reader: Reader = READERS[name]
    for kind, unit in UNITS.items():
        judge(f"{name} of {kind}", reader.act, shaped(unit), min(reader.size, reader.most))


def test_what_is_left_out_is_there() -> None:
    for prefix in LEFT_OUT:
        assert any(each.place.startswith(prefix) for each in PATTERNS), prefix


def test_every_pattern_is_found() -> None:
    """By another way: each call of `re` in the source is one of them."""
    calls = re.compile(r"\bre\.(?:compile|match|fullmatch|search|sub|findall|finditer|split)\(")
    written = sum(
        len(calls.findall(path.read_text(encoding="utf-8")))
        for path in growth.SOURCE.rglob("*.py")
        if not {"testing", "migrations"} & set(path.parts)
    )
    assert len(PATTERNS) == written


@pytest.mark.parametrize(
    ("quadratic", "unit"), [(r"(?:\w+\.)+X", "a"), (r"\s*end", " "), (r"/\*.*?\*/", "/* "), (r"(\w+) \(os", "a")]
)
def test_the_measure_notices_what_is_not_linear(quadratic: str, unit: str) -> None:
    pattern = Pattern("of a test", re.compile(quadratic, re.DOTALL), frozenset({"search"}))
    [(_, act)] = pattern.acts()
    with pytest.raises(Superlinear):
        judge("of a test", act, shaped(unit), SIZE)


def test_and_a_loop_that_begins_again() -> None:
    with pytest.raises(Superlinear):
        judge("of a test", lambda text: [text[at:].count("aa") for at in range(len(text))], shaped("a"), SIZE)


def test_but_not_one_that_is_slow_and_linear() -> None:
    judge("of a test", lambda text: [hash(letter) for _ in range(20) for letter in text], shaped("a"), SIZE)


@pytest.mark.parametrize("pattern", [r"a(?:bc)+d", r"[^x]\d{2,5}(?P<n>\s+)?", r"(?i:one|two) \(three\)", r"\w+[.:]x"])
def test_an_example_matches(pattern: str) -> None:
    assert re.match(pattern, example(pattern), re.IGNORECASE)
