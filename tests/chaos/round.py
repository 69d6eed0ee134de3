"""One round: all jobs stopped in one batch, something killed meanwhile, the answers checked, the jobs brought back."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.plan import Kill, kills
from tests.chaos.stage import Stage
from tests.chaos.truth import untruths


@dataclass
class Round:
    """What came of a round."""

    seed: int
    killed: Sequence[Kill]
    phases: Counter[str] = field(default_factory=Counter)
    retries: int = 0  # attempts beyond the first
    orphans: int = 0  # complete savepoints that no answer names
    settled: float = 0.0  # seconds
    back: float = 0.0  # seconds, from there until all wrote again
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        killed = ", ".join(map(str, self.killed)) or "nothing"
        phases = ", ".join(f"{count} {phase}" for phase, count in sorted(self.phases.items()))
        more = f", {self.retries} retries" if self.retries else ""
        more += f", {self.orphans} savepoints unused" if self.orphans else ""
        return (
            f"seed {self.seed}: killed {killed}; {phases}{more}; "
            f"settled after {self.settled:.1f} s, all wrote again {self.back:.1f} s later"
        )


def play(stage: Stage, seed: int) -> Round:
    """Play a round to its end, and leave every job running."""
    result = Round(seed, kills(seed, stage.victims))
    before = stage.savepoints()
    asked = time.monotonic()
    batch = stage.stop()
    _kill(stage, result.killed)
    entries = stage.settled(batch)
    result.settled = time.monotonic() - asked
    stage.flink.until_complete()
    _check(stage, result, entries, stage.savepoints() - before)
    _bring_back(stage, result, batch, entries)
    result.back = time.monotonic() - asked - result.settled
    result.faults += copies(stage)
    return result


def copies(stage: Stage) -> list[str]:
    """Jobs of which more than the latest run lives on the cluster."""
    known = set(stage.flink_ids().values())
    return [f"{name} runs once more, as {jid}" for jid, name in stage.live() if jid not in known]


def _kill(stage: Stage, planned: Sequence[Kill]) -> None:
    events = [(kill.at, stage.kill, kill.victim) for kill in planned]
    events += [(kill.at + kill.down, stage.revive, kill.victim) for kill in planned]
    began = time.monotonic()
    for at, act, victim in sorted(events, key=lambda event: event[0]):
        time.sleep(max(0.0, began + at - time.monotonic()))
        act(victim)


def _check(stage: Stage, result: Round, entries: Sequence[dict[str, Any]], made: set[Path]) -> None:
    flink_ids = stage.flink_ids()
    named = {entry["savepoint"] for entry in entries}
    for entry in entries:
        of_job = {path for path in made if path.is_relative_to(_savepoints_of(stage, entry["job_id"]))}
        state = stage.flink.state(flink_ids[entry["job_id"]])
        result.faults += untruths(entry, state, of_job)
        result.orphans += sum(path.as_uri() not in named for path in of_job)
    result.phases = Counter(entry["phase"] for entry in entries)
    result.retries = sum(entry["attempt"] - 1 for entry in entries)


def _bring_back(stage: Stage, result: Round, batch: int, entries: Sequence[dict[str, Any]]) -> None:
    answers = stage.resume(batch)
    for entry in entries:
        answer = answers[entry["job_id"]]
        if answer["accepted"] != (entry["phase"] == "stopped"):
            result.faults.append(f"job {entry['job_id']} is {entry['phase']}, and the resume says {answer}")
    gone = [entry["job_id"] for entry in entries if entry["phase"] in {"lost", "ended"}]
    if gone:
        stage.run(gone, resume=True)
    stage.until_writing()


def _savepoints_of(stage: Stage, job: int) -> Path:
    return stage.storage / "jobs" / "savepoint" / str(job)
