"""The findings of a dry run, as a table."""

from collections.abc import Sequence
from typing import Any, Final

from sluiceway.cli import tables
from sluiceway.cli.answers import Answer, Answers, Finding, MoveAnswers, WayBack
from sluiceway.cli.options import Common
from sluiceway.cli.output import say

SERIOUS: Final = frozenset({"refused", "loss", "unknown"})


def show(answers: Answers, data: Any, common: Common) -> int:
    """Show the dry run of a stop."""
    if common.json:
        tables.document(data)
    else:
        headers = (
            "id",
            "would stop",
            "wave",
            "tasks",
            "checkpoint",
            "took",
            "size",
            "estimate",
            "format",
            "if it fails",
            "problems",
        )
        tables.table(headers, [_row(answer) for answer in answers.jobs])
    _tell_plan(answers, "stop", common)
    return int(not all(answer.accepted and not _problems(answer) for answer in answers.jobs))


def show_move(answers: MoveAnswers, data: Any, common: Common) -> int:
    """Show the dry run of a move."""
    tight = no_room(answers)
    if common.json:
        tables.document(data)
    else:
        headers = ("id", "would move", "wave", "tasks", "checkpoint", "size", "estimate", "format", "problems")
        tables.table(headers, [_move_row(answer) for answer in answers.jobs])
        if tight:
            say(tight)
    good = all(answer.accepted and not answer.message and not _problems(answer) for answer in answers.jobs)
    return int(not good or bool(tight))


def no_room(answers: MoveAnswers) -> str:
    """What the cluster lacks that the jobs of a move go to; empty where nothing is known to be lacking."""
    free, wanted = answers.slots_free, answers.slots_wanted
    if free is None or wanted is None or wanted <= free:
        return ""
    return (
        f"The cluster that they go to has {free} free slots, and they need {wanted} or more. Give it more "
        "TaskManagers, or move fewer at once: --max-parallel."
    )


def show_way_back(answers: Answers, data: Any, common: Common) -> int:
    """Show the dry run of a resume."""
    if common.json:
        tables.document(data)
    else:
        headers = ("id", "would start", "from", "kind", "kept", "age", "whole", "fits", "source", "problems")
        tables.table(headers, [_back_row(answer) for answer in answers.jobs], path="from")
    _tell_plan(answers, "resume", common)
    return int(not all(answer.accepted and not losses(answer) for answer in answers.jobs))


def losses(answer: Answer) -> list[str]:
    """The losses, repeated work and unknowns of an accepted resume."""
    concerns = answer.way_back.concerns if answer.way_back else []
    return [concern.text for concern in concerns if concern.weight in SERIOUS and answer.accepted]


def _tell_plan(answers: Answers, command: str, common: Common) -> None:
    if answers.plan is not None and not common.json:
        say(f"Carry out exactly this within 12 hours with: sluiceway {command} --plan {answers.plan}")


def _move_row(answer: Answer) -> Sequence[str]:
    identity, stops, wave, tasks, at, _, size, estimate, format_, _, problems = _row(answer)
    said = answer.message if answer.accepted else ""
    return identity, stops, wave, tasks, at, size, estimate, format_, f"{problems} {said}".strip()


def _problems(answer: Answer) -> list[str]:
    found = answer.finding or Finding()
    return [*found.problems, *(concern.text for concern in found.way_back if concern.weight in SERIOUS)]


def _back_row(answer: Answer) -> Sequence[str]:
    back = answer.way_back or WayBack()
    told = [concern.text for concern in back.concerns] if answer.accepted else []
    if not told and (not answer.accepted or answer.way_back is None):
        told = [answer.message]
    return (
        str(answer.job_id),
        _would_start(answer),
        back.path,
        back.kind,
        tables.moment(back.kept_at) if back.kept_at else "",
        "" if back.age_seconds is None else tables.lasting(round(back.age_seconds * 1000)) or "0s",
        _whole(back),
        back.fit.kind.replace("_", " ") if back.fit else "",
        back.source.replace("_", " "),
        " ".join(told),
    )


def _would_start(answer: Answer) -> str:
    as_it_is = answer.accepted and answer.way_back is None and bool(answer.message)
    return "stays as it is" if as_it_is else tables.yes(answer.accepted)


def _whole(back: WayBack) -> str:
    if not back.path:
        return ""
    return "unknown" if back.whole is None else tables.yes(back.whole)


def _notes(found: Finding) -> list[str]:
    return [concern.text for concern in found.way_back if concern.weight not in SERIOUS]


def _row(answer: Answer) -> Sequence[str]:
    found = answer.finding or Finding()
    last = found.last_checkpoint
    return (
        str(answer.job_id),
        "already stopped" if answer.code and answer.accepted else tables.yes(answer.accepted),
        str(answer.wave + 1),
        f"{found.running_tasks}/{found.tasks}" if found.tasks else "",
        tables.moment(last.at) if last else "",
        f"{last.duration_seconds:.1f} s" if last else "",
        tables.size(last.size) if last else "",
        "" if found.estimate_seconds is None else f"{found.estimate_seconds:.1f} s",
        found.format,
        found.if_savepoint_fails.replace("_", " "),
        " ".join([*_problems(answer), *_notes(found), *([] if answer.accepted else [answer.message])]),
    )
