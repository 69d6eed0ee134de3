"""Selectors of labels: what is understood, what each means, and how a refusal points at the place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluiceway.domain.selector import (
    LONGEST,
    MOST,
    MOST_VALUES,
    BadSelector,
    Operator,
    Requirement,
    holds,
    parse,
    printed,
)

IN, NOT_IN = Operator.IN, Operator.NOT_IN


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("tier=sink", [Requirement("tier", IN, ("sink",))]),
        ("tier == sink", [Requirement("tier", IN, ("sink",))]),
        ("tier!=sink", [Requirement("tier", NOT_IN, ("sink",))]),
        ("tier=", [Requirement("tier", IN, ("",))]),
        ("tier in (source, sink)", [Requirement("tier", IN, ("source", "sink"))]),
        ("tier in(source,source)", [Requirement("tier", IN, ("source",))]),
        ("tier notin (source)", [Requirement("tier", NOT_IN, ("source",))]),
        ("tier", [Requirement("tier", Operator.EXISTS)]),
        (" ! tier ", [Requirement("tier", Operator.MISSING)]),
        ("a=b,!c", [Requirement("a", IN, ("b",)), Requirement("c", Operator.MISSING)]),
        ("in in (notin)", [Requirement("in", IN, ("notin",))]),
        ('"a b"="c,\\"d"', [Requirement("a b", IN, ('c,"d',))]),
        ('"a"', [Requirement("a", Operator.EXISTS)]),
        ("a.b/c-d:e@f=1.2+3", [Requirement("a.b/c-d:e@f", IN, ("1.2+3",))]),
        ("团队=支付", [Requirement("团队", IN, ("支付",))]),
    ],
)
def test_it_means_what_it_means_to_kubectl(text: str, meant: list[Requirement]) -> None:
    assert list(parse(text)) == meant


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "at its end: a key goes here"),
        ("a=b,", "at its end: a key goes here"),
        (",a", "at character 1, ',a': a key goes here"),
        ("a in b", "at character 6, 'b': ( goes before the values"),
        ("a in (b", "at its end: a comma or ) goes after a value"),
        ("a in ()", "at character 7, ')': a value goes here"),
        ("a b", "at character 3, 'b': =, !=, in (…), notin (…) or a comma goes after a key"),
        ("a=b c=d", "at character 5, 'c=d': a comma goes between two requirements"),
        ("!a=b", "at character 3, '=b': a comma goes between"),
        ("a=b=c", "at character 4, '=c': a comma goes between"),
        ("a>3", "at character 2, '>3': < and > stand in double quotes"),
        ('a="b', "at character 3, '\"b': the quotes have no end"),
        ('a="b\\', "the quotes have no end"),
        ("a" * (LONGEST + 1), f"at most {LONGEST} characters"),
        (",".join("a" for _ in range(MOST + 1)), f"more than {MOST} requirements"),
        (f"a in ({','.join('b' for _ in range(MOST_VALUES + 1))})", f"more than {MOST_VALUES} values"),
    ],
)
def test_a_refusal_points_at_the_place(text: str, where: str) -> None:
    with pytest.raises(BadSelector) as refused:
        parse(text)
    assert where in str(refused.value)


def test_the_most_there_may_be() -> None:
    assert len(parse(",".join("a" for _ in range(MOST)))) == MOST
    [one] = parse(f"a in ({','.join(map(str, range(MOST_VALUES)))})")
    assert len(one.values) == MOST_VALUES


@pytest.mark.parametrize(
    ("text", "true_of", "false_of"),
    [
        ("a=b", [{"a": "b"}], [{"a": "c"}, {}]),
        ("a!=b", [{"a": "c"}, {}], [{"a": "b"}]),
        ("a in (b,c)", [{"a": "b"}, {"a": "c"}], [{"a": "d"}, {}]),
        ("a notin (b,c)", [{"a": "d"}, {}], [{"a": "b"}]),
        ("a", [{"a": ""}], [{}]),
        ("!a", [{"b": "a"}], [{"a": ""}]),
        ("a,b=c", [{"a": "x", "b": "c"}], [{"b": "c"}, {"a": "x"}]),
    ],
)
def test_what_it_is_true_of(text: str, true_of: list[dict[str, str]], false_of: list[dict[str, str]]) -> None:
    assert all(holds(parse(text), labels) for labels in true_of)
    assert not any(holds(parse(text), labels) for labels in false_of)


KEYS = st.text(st.characters(codec="utf-8"), min_size=0, max_size=8) | st.sampled_from(["in", "notin", "a"])
REQUIREMENTS = st.one_of(
    st.builds(Requirement, KEYS, st.sampled_from([Operator.EXISTS, Operator.MISSING])),
    st.builds(
        Requirement,
        KEYS,
        st.sampled_from([IN, NOT_IN]),
        st.lists(KEYS, min_size=1, max_size=4, unique=True).map(tuple),
    ),
)


@given(st.lists(REQUIREMENTS, min_size=1, max_size=5))
def test_what_is_printed_is_read_as_the_same(selector: list[Requirement]) -> None:
    assert list(parse(printed(selector))) == selector


@given(st.text(st.sampled_from('ab=!(),"\\ <in notin'), max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = parse(text)
    except BadSelector:
        return
    assert parse(printed(read)) == read
