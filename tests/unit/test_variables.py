"""Variables in SQL: which texts name one, what stands in its place, and what is told of a sensitive one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluiceway.control.graphs import masked
from sluiceway.domain.variables import (
    MOST_CHARACTERS,
    Filled,
    Unfilled,
    Variable,
    changed,
    fill,
    fits,
    names_in,
    undefined,
)

TOPIC = Variable("orders")
SECRET = Variable("it's hush", sensitive=True)
KNOWN = {"topic": TOPIC, "pw": SECRET, "a_1": Variable("{{topic}}")}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("SELECT 1", "SELECT 1"),
        ("INSERT INTO {{topic}} SELECT '{{topic}}' -- {{topic}}", "INSERT INTO orders SELECT 'orders' -- orders"),
        ("{{a_1}}", "{{topic}}"),
        ("{{{topic}}}", "{orders}"),
        ("{{ topic }} {{}} {{_a}} {{12}} {{a-b}} { {topic}}", "{{ topic }} {{}} {{_a}} {{12}} {{a-b}} { {topic}}"),
        ('\'{"a": {"b": {{topic}}}}\'', '\'{"a": {"b": orders}}\''),
    ],
)
def test_a_value_stands_in_the_place_of_its_name(text: str, filled: str) -> None:
    assert fill(text, KNOWN).text == filled


@pytest.mark.parametrize(("name", "ok"), [("a", True), ("1a", True), ("A_b_1", True), ("a" * 128, True)])
def test_names_that_fit(name: str, ok: bool) -> None:
    assert fits(name) is ok
    assert names_in(f"{{{{{name}}}}}") == [name]


@pytest.mark.parametrize("name", ["", "_a", "12", "a-b", "a b", "ä", "a" * 129, "a\n", "１a"])
def test_names_that_do_not(name: str) -> None:
    assert not fits(name)
    assert names_in(f"{{{{{name}}}}}") == []


def test_a_name_that_is_not_defined_is_told() -> None:
    with pytest.raises(Unfilled, match=r"uses \{\{topik\}\}, which is no variable of the project. Create it"):
        fill("SELECT {{topik}} {{topic}}", KNOWN)
    with pytest.raises(Unfilled, match=r"\{\{a\}\}, \{\{b\}\}, which are no variables"):
        fill("{{a}} {{b}} {{a}}", {})


def test_what_was_probably_meant_is_told() -> None:
    defined = {"sink_table", "Topic", "x", "pass_word"}
    found = undefined("{{sink_tabel}} {{topic}} {{zzz}} {{x}}", defined)
    assert found is not None
    assert found.told == "{{sink_tabel}} (did you mean {{sink_table}}?), {{topic}} (did you mean {{Topic}}?), {{zzz}}"
    assert undefined("{{x}} {{ y }} {{12}}", defined) is None
    with pytest.raises(Unfilled, match=r"\{\{pasword\}\} \(did you mean \{\{pass_word\}\}\?\), which is no variable"):
        fill("{{pasword}}", {}, defined)
    many = undefined(" ".join(f"{{{{n{at}}}}}" for at in range(9)), ())
    assert many is not None
    assert many.told == "{{n0}}, {{n1}}, {{n2}}, {{n3}}, {{n4}}…"


@pytest.mark.parametrize(
    ("settled", "names"), [({"a": 4, "b": 0}, []), ({"a": 5, "b": 0}, ["a"]), ({"b": 9}, ["b", "a"]), ({}, ["b", "a"])]
)
def test_what_a_run_may_not_have_had_is_changed(settled: dict[str, int], names: list[str]) -> None:
    assert changed("{{b}} {{a}} {{b}} {{ c }}", settled, 5) == names


def test_what_it_becomes_is_bounded_before_it_is_made() -> None:
    with pytest.raises(Unfilled, match="With its variables the SQL has some"):
        fill("{{x}}" * 1000, {"x": Variable("x" * 10_000)})
    assert len(fill("{{x}}" * 100, {"x": Variable("x" * 10_000)}).text) < MOST_CHARACTERS


def test_nothing_that_is_told_has_the_value_of_a_sensitive_variable() -> None:
    filled = fill("SELECT '{{pw}}' FROM {{topic}}", KNOWN)
    assert filled.masked("Unexpected it's hush in orders") == "Unexpected {{pw}} in orders"
    graph = json.dumps({"nodes": [{"id": 1, "contents": 'WHERE "it\'s hush" = orders'}]})
    assert json.loads(masked(graph, filled)) == {"nodes": [{"id": 1, "contents": 'WHERE "{{pw}}" = orders'}]}
    assert masked("no JSON", fill("{{topic}}", KNOWN)) == "no JSON"


def test_the_longest_value_is_masked_first() -> None:
    filled = Filled("", {"ab": "short", "abc": "long"})
    assert filled.masked("abc ab") == "{{long}} {{short}}"


@given(st.text(alphabet="{}a1_ ", max_size=40))
def test_whatever_names_no_variable_stays_as_it_is(text: str) -> None:
    known = {name: Variable("X") for name in names_in(text)}
    assert fill(text, known).text.count("X") >= len(known)
    if not known:
        assert fill(text, {}).text == text


@pytest.mark.parametrize(
    ("value", "said", "told"),
    [
        ("it''s s3cret", "near 'it's s3cret'", "near '{{pw}}'"),
        ("it's", "near 'it''s'", "near '{{pw}}'"),
        ("two\n  lines", "near two lines", "near {{pw}}"),
        ("größe", "=(n, u&'gr\\00f6\\00dfe')", "=(n, u&'{{pw}}')"),
        ("very-long-secret", "Unexpected very-long-s…", "Unexpected {{pw}}…"),
        ("very-long-secret", "Unexpected very-lo\n…\nsecret at 1", "Unexpected {{pw}}…{{pw}} at 1"),
        ("open größe", 'Encountered "gr\\u00f6\\u00dfe" at line 1', 'Encountered "{{pw}}" at line 1'),
        ("open sesame", "No 'sesame', nor 'o', nor 'other'", "No '{{pw}}', nor 'o', nor 'other'"),
        ("very-long-secret", "Unexpected ve…", "Unexpected ve…"),
        ("abc", "…", "…"),
    ],
)
def test_a_sensitive_value_is_masked_however_flink_writes_it_and_wherever_it_is_cut(
    value: str, said: str, told: str
) -> None:
    assert fill("'{{pw}}'", {"pw": Variable(value, sensitive=True)}).masked(said) == told
