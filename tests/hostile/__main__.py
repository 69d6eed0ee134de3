"""`make hostile`: attacks on the service, one after the other, and what another caller noticed of each.

Each is tried twice: once to its end, and once with SIGTERM at a random moment. Ends with 1 when a limit is missed.
"""

import argparse
import json
import random
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.hostile.long import bodies, files, floods, peers
from tests.hostile.long.attack import ATTACKS, MOST_GROWTH, MOST_P99, Attack
from tests.hostile.long.stage import END_WITHIN, Memory, NotHere, OtherCaller, Stage, end, staged

__all__ = ["bodies", "files", "floods", "peers"]

CALM = 1.0  # seconds before an attack, and
AFTER = 1.5  # after it, in which the other caller goes on
LONGEST = 90.0  # seconds for one attack


@dataclass
class Told:
    """What came of one attack. Seconds and MB."""

    name: str
    row: str
    large: bool
    requests: int = 0
    bytes: int = 0
    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    asked: int = 0
    unanswered: int = 0
    p50: float = 0.0
    p99: float = 0.0
    longest: float = 0.0
    growth: float = 0.0
    planner_growth: float = 0.0
    end_after: float = 0.0
    end_amid: float = 0.0
    moment: float = 0.0
    missed: list[str] = field(default_factory=list)
    skipped: str = ""


def main() -> int:
    """1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="attacks with this in their name, or several, by commas")
    parser.add_argument("--row", help="attacks of this row of the threat model")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--json", action="store_true", help="one JSON document for each attack, on a line of its own")
    parser.add_argument("--list", action="store_true", help="only their names")
    asked = parser.parse_args()
    chosen = [each for each in ATTACKS.values() if _wanted(each, asked.only, asked.row)]
    if asked.list or not chosen:
        say("\n".join(f"{each.name} (row {each.row})" for each in chosen) or "no attack is called so")
        return 0 if chosen else 2
    if not asked.json:
        say(f"seed {asked.seed}\n{HEAD}")
    found = []
    for each in chosen:
        found.append(tried(each, f"{asked.seed}/{each.name}"))
        say(json.dumps(asdict(found[-1])) if asked.json else line(found[-1]))
    missed = [each for each in found if each.missed]
    if not asked.json:
        for told in missed:
            say(f"\n{told.name}:\n  " + "\n  ".join(told.missed))
        skipped = sum(bool(each.skipped) for each in found)
        say(f"\n{len(found) - len(missed) - skipped} held, {len(missed)} missed, {skipped} left out; seed {asked.seed}")
    return 1 if missed else 0


def _wanted(each: Attack, only: str | None, row: str | None) -> bool:
    return (row is None or each.row == row) and (only is None or any(part in each.name for part in only.split(",")))


def tried(attack: Attack, seed: str) -> Told:
    """Both runs of an attack."""
    told = Told(attack.name, attack.row, attack.large)
    moments = random.Random(seed)
    try:
        attack.scene.before()
        to_its_end(attack, told, moments.getrandbits(32))
        told.moment = moments.uniform(0.1, max(0.2, min(told.seconds, 20.0)))
        ended_amid(attack, told, moments.getrandbits(32))
    except NotHere as lacking:
        told.skipped = str(lacking)
    except Exception:  # one attack that cannot be tried must not hide what came of the others
        told.missed.append(f"it could not be tried: {traceback.format_exc()}")
    else:
        told.missed += judged(attack, told)
    return told


def to_its_end(attack: Attack, told: Told, seed: int) -> None:
    """The whole attack; another caller asks from before it until after it."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as place, staged(attack.scene, Path(place), seed) as at:
        memory, other = Memory(at.service.process.pid), OtherCaller(at.service.url)
        time.sleep(CALM)
        began = time.monotonic()
        _attack(attack, at, LONGEST)
        told.seconds = time.monotonic() - began
        time.sleep(AFTER)
        answers = other.end()
        told.growth, told.planner_growth = memory.end()
        if (ended := at.service.process.poll()) is not None:
            at.wrong(f"the service has ended with {ended}: {''.join(at.service.log)[-300:]}")
        told.end_after = end(at.service)
    told.requests, told.bytes, told.statuses = at.wire.requests, at.wire.bytes, dict(at.wire.statuses)
    told.asked = len(answers)
    told.unanswered = sum(each == float("inf") for each in answers)
    told.p50, told.p99, told.longest = (answers[int((len(answers) - 1) * share)] for share in (0.5, 0.99, 1.0))
    told.missed += at.problems


def ended_amid(attack: Attack, told: Told, seed: int) -> None:
    """The attack anew, and SIGTERM in the middle of it."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as place, staged(attack.scene, Path(place), seed) as at:
        thread = threading.Thread(target=_attack, args=[attack, at, LONGEST], daemon=True)
        thread.start()
        time.sleep(told.moment)
        at.over.set()
        told.end_amid = end(at.service)
        thread.join(60)


def _attack(attack: Attack, at: Stage, longest: float) -> None:
    stop = threading.Timer(longest, at.over.set)
    stop.start()
    try:
        attack.act(at)
    except Exception:
        at.wrong(f"the attack itself broke: {traceback.format_exc()}")
    finally:
        stop.cancel()


def judged(attack: Attack, told: Told) -> list[str]:
    """The limits that were missed, in words."""
    missed = []
    if attack.judged and told.p99 >= MOST_P99:
        missed.append(f"another caller waited {told.p99:.3f} s for /healthz (p99), {told.longest:.3f} s at most")
    if attack.judged and not attack.large and told.growth > MOST_GROWTH:
        missed.append(f"memory grew by {told.growth:.0f} MB")
    if told.end_after > END_WITHIN:
        missed.append(f"after the attack it ended {told.end_after:.1f} s after SIGTERM")
    if told.end_amid > END_WITHIN:
        missed.append(f"it ended {told.end_amid:.1f} s after SIGTERM, which came {told.moment:.2f} s into the attack")
    return missed


HEAD = (
    f"{'attack':34} {'row':>9} {'requests':>8} {'MB sent':>8} {'p50 ms':>7} {'p99 ms':>8} {'max ms':>8} {'lost':>5}"
    f" {'MB grown':>9} {'planner':>8} {'end s':>6} {'amid s':>6}  verdict"
)


def line(told: Told) -> str:
    """The row of the table."""
    if told.skipped:
        return f"{told.name:34} {told.row:>9}  left out: {told.skipped}"
    times = f"{1000 * told.p50:7.1f} {1000 * told.p99:8.1f} {1000 * told.longest:8.1f} {told.unanswered:5}"
    memory = f"{told.growth:9.1f} {told.planner_growth:8.1f}"
    verdict = "MISSED" if told.missed else "held"
    return (
        f"{told.name:34} {told.row:>9} {told.requests:8} {told.bytes / 2**20:8.1f} {times} {memory}"
        f" {told.end_after:6.1f} {told.end_amid:6.1f}  {verdict}{' (large)' if told.large else ''}"
    )


def say(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
