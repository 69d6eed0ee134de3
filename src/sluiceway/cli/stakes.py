"""What a command puts at stake, in the few lines that a question has room for."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sluiceway.cli import tables
from sluiceway.cli.answers import Finding
from sluiceway.cli.dry_run import SERIOUS, no_room
from sluiceway.cli.job_answers import Fare
from sluiceway.cli.language import t
from sluiceway.cli.order_answers import MoveAnswers

MOST: Final = 12  # lines
NAMED: Final = 5  # jobs in a line
_MAY_RUN: Final = frozenset({"submitting", "running", "savepointing", "canceling", "stop_failed"})


def at_stake(answers: MoveAnswers) -> list[str]:
    """Of a dry run: a line for each kind of trouble, with its jobs. What is lost comes before what may be."""
    found: dict[tuple[int, str], dict[int, str]] = {}
    for answer in answers.jobs:
        if answer.accepted and not answer.code:
            for kind, text in _troubles(answer.finding or Finding()):
                found.setdefault(kind, {})[answer.job_id] = text
    lines = [_line(found[kind]) for kind in sorted(found, key=lambda kind: kind[0])]
    if len(lines) > MOST:
        lines = [*lines[:MOST], t("and more: --dry-run shows all of it")]
    lines += [full] if (full := no_room(answers)) else []
    refused = len({answer.job_id for answer in answers.jobs if not answer.accepted})
    return [*lines, *([t("{jobs} beside them: refused", jobs=tables.jobs(refused))] if refused else [])]


def by_deletion(found: Sequence[Fare]) -> list[str]:
    """Which jobs may run, and which are stopped with state that nothing could be resumed from any more."""
    live = [fare for fare in found if fare.status in _MAY_RUN or fare.health is not None]
    kept = [fare for fare in found if fare.savepoint and fare not in live]
    lines = list[str]()
    if live:
        lines.append(
            t(
                "{jobs}: may be running, and would lose their progress; sluiceway stop ID --wait keeps that first",
                jobs=_named(live),
            )
        )
    if kept:
        lines.append(t("{jobs}: stopped with state, which nothing could be resumed from", jobs=_named(kept)))
    return lines


def _failing(found: str) -> str:
    """What becomes of a job whose savepoint fails; of one that runs on, which loses nothing, there is nothing."""
    told = {
        "restarts_from_checkpoint": t("starts again from its last checkpoint if its savepoint fails"),
        "restarts_from_nothing": t("starts again from nothing if its savepoint fails"),
        "ends": t("ends if its savepoint fails"),
        "unknown": t("may end or start again if its savepoint fails"),
    }
    return told.get(found, "")


def _named(found: Sequence[Fare]) -> str:
    names = ", ".join([*(fare.name for fare in found[:NAMED]), *(["…"] if len(found) > NAMED else [])])
    return t("{jobs} ({names})", jobs=tables.jobs(len(found)), names=names)


def _troubles(found: Finding) -> Iterator[tuple[tuple[int, str], str]]:
    """What is wrong with one job: its kind, by which jobs are counted together, and the words."""
    for concern in found.way_back:
        if concern.weight in SERIOUS:
            yield (0, concern.about), concern.text
    if told := _failing(found.if_savepoint_fails):
        yield (1, told), told
    for problem in found.problems:
        yield (2, problem), problem


def _line(jobs: Mapping[int, str]) -> str:
    """One kind of trouble. Of texts that differ, in a time or a path, the first stands for all."""
    named = tables.some_jobs([str(job) for job in list(jobs)[:NAMED]], len(jobs))
    first = next(iter(jobs.values()))
    if len(set(jobs.values())) == 1:
        return t("{jobs}: {what}", jobs=named, what=first)
    return t("{jobs}: {what} (and the like)", jobs=named, what=first)
