"""What a text costs grows with its size and no faster, whatever it is made of: patterns, and all that reads texts.

A new regular expression is found by itself. One that is made of parts where it is used, or that never sees what
outsiders have written, has to be told here.
"""

import re
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.hostile import growth
from tests.hostile.growth import ENDS, LARGE, UNITS, Pattern, Superlinear, cost, example, judge, patterns, shaped, sizes
from tests.hostile.readers import FILES, READERS

from sluiceway.api.dli.decoding import decode
from sluiceway.api.dli.jobs.wire import CreateSqlJob
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError

PATTERNS = patterns()
SHORT = 1 << 13  # characters; what is not linear shows with them
MIDDLING = 1 << 16

# What these look at nobody outside has written, or the reader that uses them, which is tried below, bounds it.
LEFT_OUT = {
    "api.security_headers._SCRIPT": "pages of our own",
    "cli.demo_service.": "lines of our own service",
    "storage.errors._LOCAL": "one line, which errors.reason_of takes out of the text before",
}
TRIED = [each for each in PATTERNS if not each.place.startswith(tuple(LEFT_OUT))]


@pytest.mark.parametrize("pattern", TRIED, ids=lambda each: each.place)
def test_a_pattern_is_linear(pattern: Pattern) -> None:
    for what, act, make in _tries(pattern):
        judge(what, act, make, sizes(SHORT, SHORT))


@pytest.mark.process
@pytest.mark.parametrize("pattern", TRIED, ids=lambda each: each.place)
def test_a_pattern_is_linear_up_to_8_mb(pattern: Pattern) -> None:
    """With what it takes longest for."""
    _, worst = max(enumerate(_tries(pattern)), key=lambda each: (cost(each[1][1], each[1][2](SHORT)), each[0]))
    judge(*worst, sizes(LARGE, LARGE))


def _tries(pattern: Pattern) -> Iterator[tuple[str, Callable[[Any], object], Callable[[int], str]]]:
    for method, act in pattern.acts():
        for unit in (*UNITS.values(), *pattern.units()):
            for end in ENDS:
                yield f"{pattern.place}.{method} of {unit!r}, {end!r} behind", act, shaped(unit, end)


@pytest.mark.parametrize("name", READERS)
def test_reading_is_linear(name: str) -> None:
    reader = READERS[name]
    for kind, unit in UNITS.items():
        judge(f"{name} of {kind}", reader.act, shaped(unit), sizes(reader.most, MIDDLING))


@pytest.mark.process
@pytest.mark.parametrize("name", READERS)
def test_reading_is_linear_up_to_8_mb_or_the_limit(name: str) -> None:
    """Of what it takes longest for."""
    reader = READERS[name]
    kind = max(UNITS, key=lambda each: cost(reader.act, shaped(UNITS[each])(min(reader.most, MIDDLING))))
    judge(f"{name} of {kind}", reader.act, shaped(UNITS[kind]), sizes(reader.most, LARGE))


@pytest.mark.parametrize("name", FILES)
def test_reading_a_file_is_linear(name: str) -> None:
    make, act, most = FILES[name]
    judge(name, act, make, sizes(most, MIDDLING))


@pytest.mark.process
@pytest.mark.parametrize("name", FILES)
def test_reading_a_file_is_linear_up_to_8_mb(name: str) -> None:
    make, act, most = FILES[name]
    judge(name, act, make, sizes(most, LARGE))


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda each: each.place)
def test_a_pattern_takes_no_memory_that_grows_with_the_text(pattern: Pattern) -> None:
    assert not growth.remembers_rounds(pattern.parsed), "write `*+` or `++` behind the group that is repeated"


def test_which_patterns_do() -> None:
    for remembers in (r"'(?:[^']|'')*'", r"(?:a.)+?b", r"x(?=(?:ab)*)y|((c|dd)+)"):
        assert growth.remembers_rounds(Pattern("of a test", re.compile(remembers), frozenset()).parsed), remembers
    for does_not in (r"'(?:[^']|'')*+'", r"[^a]*b.*?c", r"(?:ab){1,20}"):
        assert not growth.remembers_rounds(Pattern("of a test", re.compile(does_not), frozenset()).parsed), does_not


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
        judge("of a test", act, shaped(unit), [512, 4096])


def test_and_a_loop_that_begins_again() -> None:
    with pytest.raises(Superlinear):
        judge("of a test", lambda text: [text[at:].count("aa") for at in range(len(text))], shaped("a"), [2048, 16384])


def test_but_not_one_that_is_slow_and_linear() -> None:
    judge("of a test", lambda text: [hash(letter) for _ in range(20) for letter in text], shaped("a"), [512, 4096])


@pytest.mark.parametrize("pattern", [r"a(?:bc)+d", r"[^x]\d{2,5}(?P<n>\s+)?", r"(?i:one|two) \(three\)", r"\w+[.:]x"])
def test_an_example_matches(pattern: str) -> None:
    assert re.match(pattern, example(pattern), re.IGNORECASE)


def test_a_body_that_is_refused_is_not_made_into_objects_to_see_what_is_wrong_with_it() -> None:
    body = b'{"name":7,"tags":[' + b'{"key":"k"},' * 80_000 + b'{"key":"k"}]}'
    tracemalloc.start()
    try:
        with pytest.raises(DliError, match="tags"):
            decode(body, CreateSqlJob)
        assert tracemalloc.get_traced_memory()[1] < 3 * len(body)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "broken", [b'{"name":7,"x":[}', b'{"name":7,"x":"\xff"}', b'{"name":7,"x":"\\q"}', b'{"name":7']
)
def test_and_a_broken_one_is_told_as_broken_also_behind_a_wrong_type(broken: bytes) -> None:
    with pytest.raises(DliError) as refused:
        decode(broken, CreateSqlJob)
    assert refused.value.code is Code.NOT_JSON
