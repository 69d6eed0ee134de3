"""The whole control plane in bad weather: 700 seeds hold every promise, and planted bugs are noticed."""

from collections.abc import Sequence

import pytest
import tests.simulation.planted_back
import tests.simulation.planted_others  # noqa: F401 - likewise
from tests.simulation.plans import play_plans
from tests.simulation.planted import PLANTED
from tests.simulation.play import play

from sluiceway.control import start_jobs
from sluiceway.domain import judging

SHARE = 50  # seeds of one test, so that they spread over processes
SEEDED = [name for name, (_, seed) in PLANTED.items() if seed is not None]  # the others have scenes: `test_scenes.py`


@pytest.mark.process
@pytest.mark.parametrize("first", range(0, 700, SHARE))
def test_every_promise_is_kept_in_any_weather(first: int) -> None:
    found = {seed: why for seed in range(first, first + SHARE) if (why := play(seed).violations)}
    assert not found, "replay one with: make simulate SEED=n"


@pytest.mark.process
def test_a_plan_never_runs_on_what_it_did_not_show() -> None:
    played = [play_plans(seed) for seed in range(40)]
    assert [one.world.violations for one in played if one.world.violations] == []
    assert sum(one.done for one in played) > 30, "plans are carried out"
    assert sum(one.outdated for one in played) > 5, "and some no longer hold"


def test_a_plan_that_is_run_as_it_stands_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "_shown_otherwise", lambda *_: False)
    monkeypatch.setattr(start_jobs, "hold", lambda *_: None)
    assert any(play_plans(seed).world.violations for seed in range(60))


def test_a_seed_replays_exactly() -> None:
    for seed in range(10):
        once, again = play(seed, tracing=True), play(seed, tracing=True)
        assert once.trace == again.trace
        assert once.violations == []
        assert len(once.trace) > 5


@pytest.mark.process
@pytest.mark.parametrize("bug", SEEDED)
def test_a_planted_bug_is_noticed(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, seed = PLANTED[bug]
    assert seed is not None
    plant(monkeypatch.setattr)
    search = f"note a seed that `python -m tests.simulation --plant {bug}` finds"
    assert noticed([seed, *range(FURTHER)]), f"seed {seed} notices it no longer: {search}"


@pytest.mark.planted
@pytest.mark.parametrize("bug", SEEDED)
def test_a_planted_bug_is_noticed_sooner_or_later(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, seed = PLANTED[bug]
    plant(monkeypatch.setattr)
    assert seed is not None
    assert noticed([seed, *range(BOUND)]), f"{BOUND} seeds did not notice it"


def noticed(seeds: Sequence[int]) -> bool:
    return any(play(seed).violations for seed in seeds)


FURTHER = 30  # seeds that are tried after one that notices nothing any more
BOUND = 20_000
