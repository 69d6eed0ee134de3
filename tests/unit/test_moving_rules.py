"""What has become of a job on its move, case by case, and how it counts in the stop that the move is made of."""

import pytest

from sluiceway.domain.batch import FAILURES
from sluiceway.domain.coming_back import BackPhase
from sluiceway.domain.moving import UNDER_WAY, Marks, MovePhase, Second, counts_as, phase_of
from sluiceway.domain.operations.stop import SETTLED, StopPhase

STOPPED = StopPhase.STOPPED


def second(phase: BackPhase, **marks: bool) -> Marks:
    return Marks(STOPPED, second=Second(phase, **marks))


CASES: list[tuple[str, Marks, MovePhase, StopPhase]] = [
    ("its turn has not come", Marks(StopPhase.WAITING, held=True), MovePhase.WAITING, StopPhase.WAITING),
    ("a stop that nothing was sent for", Marks(StopPhase.WAITING), MovePhase.STOPPING, StopPhase.WAITING),
    ("a savepoint that is taken", Marks(StopPhase.SENT), MovePhase.STOPPING, StopPhase.SENT),
    ("a stop that is overdue is no proof of anything", Marks(StopPhase.OVERDUE), MovePhase.STOPPING, StopPhase.OVERDUE),
    ("it did not stop", Marks(StopPhase.FAILED), MovePhase.STAYED, StopPhase.FAILED),
    ("its stop was withdrawn", Marks(StopPhase.WITHDRAWN), MovePhase.STAYED, StopPhase.WITHDRAWN),
    ("it finished by itself", Marks(StopPhase.ENDED), MovePhase.ENDED, StopPhase.ENDED),
    ("it is gone", Marks(StopPhase.LOST), MovePhase.ENDED, StopPhase.LOST),
    ("it is down, and has yet to be started", Marks(STOPPED), MovePhase.STOPPED, StopPhase.ENDING),
    ("it was refused there", Marks(STOPPED, refused=True), MovePhase.NOT_STARTED, StopPhase.FAILED),
    ("it stopped after an abort", Marks(STOPPED, aborted=True), MovePhase.NOT_STARTED, StopPhase.FAILED),
    ("others have started it", Marks(STOPPED, latest=False), MovePhase.OVERTAKEN, STOPPED),
    ("it waits for its minute", second(BackPhase.HELD), MovePhase.STARTING, StopPhase.ENDING),
    ("it is on its way", second(BackPhase.RESTORING), MovePhase.STARTING, StopPhase.ENDING),
    ("it runs, unproven", second(BackPhase.RUNNING), MovePhase.STARTING, StopPhase.ENDING),
    ("it does not get up", second(BackPhase.RESTARTING, unwell=True), MovePhase.STARTING, StopPhase.OVERDUE),
    ("it is proven there", second(BackPhase.PROVEN), MovePhase.MOVED, STOPPED),
    ("it has read all there was", second(BackPhase.FINISHED), MovePhase.MOVED, STOPPED),
    ("others have stopped it since", second(BackPhase.PROVEN, latest=False), MovePhase.MOVED, STOPPED),
    ("it failed there", second(BackPhase.FAILED), MovePhase.NOT_STARTED, StopPhase.FAILED),
    ("it was parked there", second(BackPhase.PARKED), MovePhase.NOT_STARTED, StopPhase.FAILED),
    ("its start was withdrawn", second(BackPhase.WITHDRAWN), MovePhase.NOT_STARTED, StopPhase.FAILED),
    ("others have started what failed", second(BackPhase.FAILED, latest=False), MovePhase.OVERTAKEN, STOPPED),
    ("somebody has stopped it there", second(BackPhase.STOPPED), MovePhase.OVERTAKEN, STOPPED),
    ("it goes back", second(BackPhase.SUBMITTED, there=False), MovePhase.RETURNING, StopPhase.ENDING),
    ("it is back", second(BackPhase.PROVEN, there=False), MovePhase.RETURNED, STOPPED),
    ("it failed where it was", second(BackPhase.FAILED, there=False), MovePhase.NOT_STARTED, StopPhase.FAILED),
]


@pytest.mark.parametrize(("marks", "phase", "counted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_has_become_of_a_job(marks: Marks, phase: MovePhase, counted: StopPhase) -> None:
    assert (phase_of(marks), counts_as(marks)) == (phase, counted)


@pytest.mark.parametrize("aborted", [False, True])
@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize("stop", StopPhase)
def test_nothing_is_about_to_be_started_unless_its_stop_is_proven(
    stop: StopPhase, refused: bool, aborted: bool
) -> None:
    phase = phase_of(Marks(stop, refused=refused, aborted=aborted))
    assert (phase is MovePhase.STOPPED) == (stop is STOPPED and not refused and not aborted)


@pytest.mark.parametrize("marks", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_a_job_holds_its_place_exactly_as_long_as_it_is_under_way(marks: Marks) -> None:
    counted, phase = counts_as(marks), phase_of(marks)
    assert (counted not in SETTLED) == (phase in UNDER_WAY)
    if phase in {MovePhase.STAYED, MovePhase.NOT_STARTED} and marks.stop is not StopPhase.WITHDRAWN:
        assert counted in FAILURES, "what did not arrive counts against the limit of the order"
