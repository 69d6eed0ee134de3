"""The rate of a caller: what a bucket lets through, and for how long it makes one wait."""

from hypothesis import given
from hypothesis import strategies as st

from sluiceway.api.auth.limits import Buckets
from sluiceway.api.caller import address_of


def test_a_burst_is_let_through_and_then_the_rate() -> None:
    buckets = Buckets(rate=10, burst=5)
    assert [buckets.take("a", 100.0) for _ in range(5)] == [0.0] * 5
    assert 0 < buckets.take("a", 100.0) <= 0.1
    assert buckets.take("a", 100.05) > 0
    assert buckets.take("a", 100.1) == 0.0
    assert buckets.take("a", 100.1) > 0
    assert [buckets.take("a", 101.0) for _ in range(5)] == [0.0] * 5, "half a second later it is full again"


def test_callers_do_not_use_up_each_others_rate() -> None:
    buckets = Buckets(rate=1, burst=1)
    assert buckets.take("a", 0) == 0.0
    assert buckets.take("a", 0) > 0
    assert buckets.take("b", 0) == 0.0


@given(
    st.floats(0.1, 1000),
    st.floats(1, 100),
    st.lists(st.floats(0, 3), min_size=1, max_size=80),
)
def test_no_more_than_the_burst_and_the_rate(rate: float, burst: float, pauses: list[float]) -> None:
    buckets, now, let_in = Buckets(rate, burst), 1000.0, list[float]()
    for pause in pauses:
        now += pause
        wait = buckets.take("a", now)
        assert 0 <= wait <= 1 / rate + 1e-6
        if not wait:
            let_in.append(now)
    for first, start in enumerate(let_in):
        for count, end in enumerate(let_in[first:], start=1):
            assert count <= burst + rate * (end - start) + 1 + 1e-6


@given(st.floats(0.1, 1000), st.floats(1, 100), st.integers(0, 300))
def test_who_waits_as_told_is_let_in(rate: float, burst: float, before: int) -> None:
    buckets = Buckets(rate, burst)
    for _ in range(before):
        buckets.take("a", 50.0)
    wait = buckets.take("a", 50.0)
    assert wait == 0.0 or buckets.take("a", 50.0 + wait) == 0.0


def test_the_memory_is_bounded_whoever_asks() -> None:
    buckets = Buckets(rate=1, burst=1, most=100)
    for number in range(10_000):
        buckets.take(str(number), 0)
        assert (buckets.take("regular", 0) > 0) == (number > 0), "who keeps asking is not forgotten"
    assert len(buckets) == 100


def test_an_address_is_a_machine_or_a_network_of_one_owner() -> None:
    def of(*client: object) -> str:
        return address_of({"client": client or None})  # type: ignore[arg-type]

    assert of("192.0.2.1", 5) == of("192.0.2.1", 6) != of("192.0.2.2", 5)
    assert of("2001:db8::1", 5) == of("2001:db8::ffff:1", 5) != of("2001:db8:0:1::1", 5)
    assert of("::ffff:192.0.2.1", 5) != of("::ffff:192.0.2.2", 5)
    assert of() == of("", 0) == "address "
