"""The service, killed with SIGKILL at a named point: `python -m sluiceway.testing.crashes POINT serve …`.

The points lie between the steps of a turn (look, plan, record, send), and around what is stored between the halves of a
move. Nothing of this is in the service itself: the steps are wrapped from outside, so what is tested is what runs.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sluiceway.domain.facts import Saved, Stopping
from sluiceway.domain.watched import Change
from sluiceway.engines.session.engine import SessionEngine
from sluiceway.store import landings, work

Step = Callable[..., Awaitable[Any]]


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(_: Step) -> Step:
    async def killed(*_: object, **__: object) -> None:
        _die()

    return killed


def _after(step: Step) -> Step:
    async def killed(*args: Any, **kwargs: Any) -> None:
        await step(*args, **kwargs)
        _die()

    return killed


def _when_heard(observe: Step) -> Step:
    """Die when a look has brought the result of a stop, before anybody hears of it."""

    async def killed(*args: Any, **kwargs: Any) -> Any:
        sighting = await observe(*args, **kwargs)
        if any(isinstance(fact, Saved | Stopping) and fact.path for fact in sighting.stops.values()):
            _die()
        return sighting

    return killed


def _when_recording(phase: str, *, stored: bool) -> Callable[[Step], Step]:
    """Die around the transaction that is to store a stop in this phase."""

    def wrap(record: Step) -> Step:
        async def killed(records: Any, lease: Any, changes: Sequence[Change], now: Any) -> Any:
            told = any(c.after.stop and c.after.stop.phase == phase and c.moved for c in changes)
            if told and not stored:
                _die()
            result = await record(records, lease, changes, now)
            if told:
                _die()
            return result

        return killed

    return wrap


# Where to die: what is wrapped, and how.
POINTS: dict[str, tuple[Any, str, Callable[[Step], Step]]] = {
    "before_intent_is_sent": (SessionEngine, "send", _before),  # stored, not sent
    "after_first_is_sent": (SessionEngine, "send", _after),  # sent, not recorded
    "before_sending_is_stored": (work.Records, "__call__", _when_recording("sent", stored=False)),
    "after_sending_is_recorded": (work.Records, "__call__", _when_recording("sent", stored=True)),
    "after_result_is_heard": (SessionEngine, "observe", _when_heard),
    "before_ending_is_stored": (work.Records, "__call__", _when_recording("ending", stored=False)),
    "after_ending_is_stored": (work.Records, "__call__", _when_recording("ending", stored=True)),
    "before_result_is_stored": (work.Records, "__call__", _when_recording("stopped", stored=False)),
    "after_result_is_stored": (work.Records, "__call__", _when_recording("stopped", stored=True)),
    "before_landing_is_stored": (landings, "land", _before),  # jobs of a move are down, and no start is stored
    "after_landing_is_stored": (landings, "land", _after),
    "before_submission": (SessionEngine, "submit", _before),
    "after_submission": (SessionEngine, "submit", _after),
}


def main() -> None:
    """Arm the point, and run the command that follows."""
    point, *arguments = sys.argv[1:]
    owner, name, wrap = POINTS[point]
    setattr(owner, name, wrap(getattr(owner, name)))
    from sluiceway.cli.main import run

    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
