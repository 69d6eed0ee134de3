"""The findings of a dry run, as a table."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from sluiceway.cli import tables
from sluiceway.cli.answers import Answer, Answers, Finding, Fit, LastCheckpoint, WayBack
from sluiceway.cli.columns import Column, Kind
from sluiceway.cli.job_columns import name
from sluiceway.cli.language import t
from sluiceway.cli.options import Common
from sluiceway.cli.order_answers import MoveAnswers
from sluiceway.cli.output import Failed, say

SERIOUS: Final = frozenset({"refused", "loss", "unknown"})


def show(answers: Answers, data: Any, common: Common) -> int:
    """Show the dry run of a stop."""
    common.show(_named(_STOP, answers, common), data["jobs"], data)
    _tell_plan(answers, "stop", common)
    return int(not all(answer.accepted and not _problems(answer) for answer in answers.jobs))


def show_move(answers: MoveAnswers, data: Any, common: Common) -> int:
    """Show the dry run of a move."""
    tight = no_room(answers)
    common.show(_named(_MOVE, answers, common), data["jobs"], data)
    if tight and common.words:
        say(tight)
    good = all(answer.accepted and not answer.message and not _problems(answer) for answer in answers.jobs)
    return int(not good or bool(tight))


def no_room(answers: MoveAnswers) -> str:
    """What the cluster lacks that the jobs of a move go to; empty where nothing is known to be lacking."""
    free, wanted = answers.slots_free, answers.slots_wanted
    if free is None or wanted is None or wanted <= free:
        return ""
    return t(
        "The cluster that they go to has {free} free slots, and they need {wanted} or more. Give "
        "it more TaskManagers, or move fewer at once: --max-parallel.",
        free=free,
        wanted=wanted,
    )


def show_way_back(answers: Answers, data: Any, common: Common) -> int:
    """Show the dry run of a resume."""
    common.show(_named(_WAY_BACK, answers, common), data["jobs"], data)
    _tell_plan(answers, "resume", common)
    return int(not all(answer.accepted and not losses(answer) for answer in answers.jobs))


def _named(kind: Kind[Answer], answers: Answers, common: Common) -> Kind[Answer]:
    """With the names of the jobs beside their ids, where somebody reads it."""
    if common.json:
        return kind
    try:
        names = common.client().names([answer.job_id for answer in answers.jobs])
    except Failed:
        names = {}  # they only stand beside
    first, *others = kind.columns
    beside: Column[Answer] = Column("name", lambda answer: names.get(answer.job_id, ""))
    called = partial(_called, names)
    return Kind(Answer, (first, beside, *others) if names else kind.columns, called)


def _called(names: Mapping[int, str], answer: Answer) -> str:
    return name(answer.job_id, names.get(answer.job_id, ""))


def losses(answer: Answer) -> list[str]:
    """The losses, repeated work and unknowns of an accepted resume."""
    concerns = answer.way_back.concerns if answer.way_back else []
    return [concern.text for concern in concerns if concern.weight in SERIOUS and answer.accepted]


def _tell_plan(answers: Answers, command: str, common: Common) -> None:
    if answers.plan is not None and common.words:
        say(
            t(
                "Carry out exactly this within 12 hours with: sluiceway {command} --plan {plan}",
                command=command,
                plan=answers.plan,
            )
        )


def _problems(answer: Answer) -> list[str]:
    found = answer.finding or Finding()
    return [*found.problems, *(concern.text for concern in found.way_back if concern.weight in SERIOUS)]


def _would_start(answer: Answer) -> str:
    as_it_is = answer.accepted and answer.way_back is None and bool(answer.message)
    return "stays as it is" if as_it_is else tables.yes(answer.accepted)


def _whole(answer: Answer) -> str:
    back = _back(answer)
    if not back.path:
        return ""
    return "unknown" if back.whole is None else tables.yes(back.whole)


def _back_problems(answer: Answer) -> str:
    told = [concern.text for concern in _back(answer).concerns] if answer.accepted else []
    if not told and (not answer.accepted or answer.way_back is None):
        told = [answer.message]
    return " ".join(told)


def _notes(found: Finding) -> list[str]:
    return [concern.text for concern in found.way_back if concern.weight not in SERIOUS]


def _all_problems(answer: Answer) -> str:
    refused = [] if answer.accepted else [answer.message]
    return " ".join([*_problems(answer), *_notes(_found(answer)), *refused])


def _move_problems(answer: Answer) -> str:
    return f"{_all_problems(answer)} {answer.message if answer.accepted else ''}".strip()


def _found(answer: Answer) -> Finding:
    return answer.finding or Finding()


def _back(answer: Answer) -> WayBack:
    return answer.way_back or WayBack()


def _would(answer: Answer) -> str:
    return "already stopped" if answer.code and answer.accepted else tables.yes(answer.accepted)


def _tasks(answer: Answer) -> str:
    found = _found(answer)
    return f"{found.running_tasks}/{found.tasks}" if found.tasks else ""


def _checkpoint(answer: Answer, tell: Callable[[LastCheckpoint], str]) -> str:
    last = _found(answer).last_checkpoint
    return tell(last) if last else ""


_ID: Final[Column[Answer]] = Column("id", lambda answer: str(answer.job_id))
_WAVE: Final[Column[Answer]] = Column("wave", lambda answer: str(answer.wave + 1), spare=True)
_TASKS: Final[Column[Answer]] = Column("tasks", _tasks, spare=True)
_AT: Final[Column[Answer]] = Column(
    "checkpoint", lambda answer: _checkpoint(answer, lambda last: tables.moment(last.at)), spare=True
)
_TOOK: Final[Column[Answer]] = Column(
    "took", lambda answer: _checkpoint(answer, lambda last: tables.took(last.duration_seconds)), spare=True
)
_SIZE: Final[Column[Answer]] = Column(
    "size", lambda answer: _checkpoint(answer, lambda last: tables.size(last.size)), spare=True
)
_ESTIMATE: Final[Column[Answer]] = Column(
    "estimate", lambda answer: tables.took(_found(answer).estimate_seconds), spare=True
)
_FORMAT: Final[Column[Answer]] = Column("format", lambda answer: _found(answer).format, spare=True)
_FAILING: Final[Column[Answer]] = Column(
    "if it fails", lambda answer: _found(answer).if_savepoint_fails.replace("_", " "), spare=True
)


def _kind(*columns: Column[Answer]) -> Kind[Answer]:
    return Kind(Answer, columns, partial(_called, {}))


_STOP: Final = _kind(
    *(_ID, Column("would stop", _would), _WAVE, _TASKS, _AT, _TOOK, _SIZE, _ESTIMATE, _FORMAT, _FAILING),
    Column("problems", _all_problems),
)
_MOVE: Final = _kind(
    *(_ID, Column("would move", _would), _WAVE, _TASKS, _AT, _SIZE, _ESTIMATE, _FORMAT),
    Column("problems", _move_problems),
)
_WAY_BACK: Final = _kind(
    _ID,
    Column("would start", _would_start),
    Column("from", lambda answer: _back(answer).path, path=True),
    Column("kind", lambda answer: _back(answer).kind, spare=True),
    Column("kept", lambda answer: tables.moment(_back(answer).kept_at), spare=True),
    Column("age", lambda answer: tables.took(_back(answer).age_seconds), spare=True),
    Column("whole", _whole, spare=True),
    Column("fits", lambda answer: (_back(answer).fit or Fit("")).kind.replace("_", " "), spare=True),
    Column("source", lambda answer: _back(answer).source.replace("_", " "), spare=True),
    Column("problems", _back_problems),
)
