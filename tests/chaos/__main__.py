"""`python -m tests.chaos --rounds 10 --seed 1`: rounds of stops among kills; ends with 1 when anything was untrue."""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.round import Round, copies, play
from tests.chaos.stage import Stage
from tests.chaos.truth import lost_and_doubled


def main() -> int:
    """Play, tell, and clean up; after a fault the directory is kept."""
    options = _options()
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    directory = Path(tempfile.mkdtemp(prefix="sluiceway-chaos-"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    faults = ["it broke"]
    try:
        faults = chaos(directory, options.rounds, seed, options.jobs)
    except AssertionError as error:
        faults = [f"it did not get to its end: {error}"]
        _say(f"UNTRUE: {faults[0]}")
    except KeyboardInterrupt:
        faults = []
        _say("Broken off.")
        return 130
    finally:
        if faults:
            _say(f"Logs, savepoints and output are kept in {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)
    return 1 if faults else 0


def chaos(directory: Path, rounds: int, seed: int, jobs: int) -> list[str]:
    """So many rounds, each of the next seed; tells of each, and returns all that was found untrue."""
    began = time.monotonic()
    with Stage(directory, jobs, rounds) as stage:
        _say(f"{jobs} jobs run and write after {time.monotonic() - began:.1f} s. The first seed is {seed}.")
        played = []
        for number in range(rounds):
            played.append(play(stage, seed + number))
            _say(f"round {number + 1}/{rounds}, {played[-1]}")
            for fault in played[-1].faults:
                _say(f"  UNTRUE: {fault}")
        untrue = [fault for each in played for fault in each.faults] + copies(stage) + _stop_quietly(stage)
        rows, wrong = _count(stage)
    _say(_summary(played, untrue, wrong, stage, rows, time.monotonic() - began))
    return untrue + wrong


def _stop_quietly(stage: Stage) -> list[str]:
    entries = stage.settled(stage.stop())
    return [f"job {e['job_id']} is {e['phase']}: {e['reason']}" for e in entries if e["phase"] != "stopped"]


def _count(stage: Stage) -> tuple[int, list[str]]:
    rows, wrong = 0, []
    for job in stage.jobs.values():
        lost, doubled = lost_and_doubled(job)
        rows += len(job.numbers())
        if lost or doubled:
            wrong.append(f"{job.name}: {lost} rows lost, {doubled} doubled")
            _say(f"  WRONG: {wrong[-1]}")
    return rows, wrong


def _summary(
    played: Sequence[Round], untrue: Sequence[str], wrong: Sequence[str], stage: Stage, rows: int, seconds: float
) -> str:
    phases = sum((each.phases for each in played), Counter[str]())
    victims = Counter(kill.victim.partition("-")[0] for each in played for kill in each.killed)
    return "\n".join(
        (
            f"{len(played)} rounds in {seconds:.0f} s: {sum(phases.values())} stops"
            f" ({', '.join(f'{count} {phase}' for phase, count in sorted(phases.items()))})",
            f"kills: {', '.join(f'{count} {victim}' for victim, count in sorted(victims.items())) or 'none'}",
            f"retries: {sum(each.retries for each in played)}, lost: {phases['lost']}",
            f"results that Flink left unfinished, and no JobManager started over: {len(stage.flink.mended)}",
            f"untrue answers: {len(untrue)}",
            f"jobs with lost or doubled rows: {len(wrong)} of {len(stage.jobs)}, among {rows} rows",
        )
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, help="of the first round; each next round has the next one")
    parser.add_argument("--jobs", type=int, default=20)
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - it is what people run it for


if __name__ == "__main__":
    sys.exit(main())
