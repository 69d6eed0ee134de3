"""Whom a batch lets begin and when it pauses, case by case, and what must hold whatever happens to its stops."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluiceway.domain.batch import FAILURES, Limits, Tally, pauses
from sluiceway.domain.operations.stop import SETTLED, StopPhase
from sluiceway.domain.places import Release, release_stops

WAITING, SENT, OVERDUE = StopPhase.WAITING, StopPhase.SENT, StopPhase.OVERDUE
STOPPED, FAILED = StopPhase.STOPPED, StopPhase.FAILED


def held(count: int, wave: int = 0) -> Tally:
    return Tally(wave, WAITING, True, count)


def now(phase: StopPhase, count: int, wave: int = 0) -> Tally:
    return Tally(wave, phase, False, count)


PAUSING: list[tuple[str, Limits, list[Tally], bool]] = [
    ("no limit", Limits(), [now(FAILED, 5)], False),
    ("below the number", Limits(abort_failures=3), [now(FAILED, 2), held(5)], False),
    ("at the number", Limits(abort_failures=3), [now(FAILED, 3), held(5)], True),
    ("all kinds together", Limits(abort_failures=4), [now(phase, 1) for phase in sorted(FAILURES)], True),
    ("below the share", Limits(abort_share=0.5), [now(FAILED, 1), held(2)], False),
    ("at the share", Limits(abort_share=0.5), [now(FAILED, 1), now(STOPPED, 1)], True),
    ("a share without a failure", Limits(abort_share=0.001), [now(STOPPED, 9)], False),
    ("what was withdrawn has not failed", Limits(abort_failures=1), [now(StopPhase.WITHDRAWN, 4)], False),
]


@pytest.mark.parametrize(("limits", "tally", "paused"), [row[1:] for row in PAUSING], ids=[row[0] for row in PAUSING])
def test_when_a_batch_pauses(limits: Limits, tally: list[Tally], paused: bool) -> None:
    assert (pauses(limits, tally) is not None) == paused


def test_the_reason_of_a_pause_has_its_figures() -> None:
    tally = [now(FAILED, 3), held(7)]
    assert pauses(Limits(abort_failures=2), tally) == "3 of 10 jobs did not stop; the limit is 2."
    assert pauses(Limits(abort_share=0.25), tally) == "3 of 10 jobs did not stop; the limit is 25%."


RELEASING: list[tuple[str, int | None, list[Tally], Release | None]] = [
    ("nothing is held", None, [now(SENT, 3)], None),
    ("the first wave", None, [held(3), held(2, wave=1)], Release(0, None)),
    ("the first wave is under way", None, [now(SENT, 1), held(2, wave=1)], None),
    ("the first wave waits for a retry", None, [now(WAITING, 1), held(2, wave=1)], None),
    ("the first wave has an overdue stop", None, [now(OVERDUE, 1), held(2, wave=1)], None),
    ("the first wave has settled", None, [now(FAILED, 1), now(STOPPED, 1), held(2, wave=1)], Release(1, None)),
    ("an empty wave is passed over", None, [now(STOPPED, 1), held(2, wave=3)], Release(3, None)),
    ("all places are free", 2, [held(5)], Release(0, 2)),
    ("one place is free", 2, [now(SENT, 1), held(5)], Release(0, 1)),
    ("no place is free", 2, [now(SENT, 1), now(StopPhase.ENDING, 1), held(5)], None),
    ("an overdue one has no place", 2, [now(OVERDUE, 4), held(5)], Release(0, 2)),
    ("the last wave's places are free again", 1, [now(STOPPED, 1), held(2, wave=1)], Release(1, 1)),
]


@pytest.mark.parametrize(("most", "tally", "next_"), [row[1:] for row in RELEASING], ids=[r[0] for r in RELEASING])
def test_whom_a_batch_lets_begin(most: int | None, tally: list[Tally], next_: Release | None) -> None:
    assert release_stops(Limits(max_parallel=most), tally) == next_


Life = tuple[int, StopPhase, bool]  # wave, phase, held
begun_phases = st.sampled_from([phase for phase in StopPhase if phase is not StopPhase.WITHDRAWN])


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=12),
    st.one_of(st.none(), st.integers(1, 4)),
    st.lists(st.tuples(st.integers(0, 11), begun_phases), max_size=60),
)
def test_never_more_than_allowed_and_no_wave_before_the_one_before_it_has_settled(
    waves: list[int], most: int | None, happens: list[tuple[int, StopPhase]]
) -> None:
    lives: list[Life] = [(wave, WAITING, True) for wave in waves]
    for which, phase in happens:
        let_begin(lives, most)
        wave, before, is_held = lives[which % len(lives)]
        if not is_held and before not in SETTLED:
            lives[which % len(lives)] = (wave, phase, False)
    for _ in range(len(lives) + 1):
        lives = [(w, p if h or p in SETTLED else STOPPED, h) for w, p, h in lives]
        let_begin(lives, most)
    assert all(phase in SETTLED for _, phase, _ in lives), "once each that began has settled, all have begun"


def let_begin(lives: list[Life], most: int | None) -> None:
    """What the store does with the rule's answer, and what must hold of it."""
    next_ = release_stops(Limits(max_parallel=most), [Tally(*life, 1) for life in lives])
    if next_ is None:
        return
    assert all(phase in SETTLED for wave, phase, _ in lives if wave < next_.wave)
    mine = [i for i, (wave, _, is_held) in enumerate(lives) if is_held and wave == next_.wave]
    assert mine, "it is somebody"
    for i in mine[: next_.places]:
        lives[i] = (next_.wave, lives[i][1], False)
    begun = sum(not is_held and phase not in SETTLED and phase is not OVERDUE for _, phase, is_held in lives)
    assert most is None or begun <= most
