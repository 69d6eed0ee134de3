"""What a dry run found, as a table."""

from collections.abc import Sequence
from typing import Any

from sluiceway.cli import tables
from sluiceway.cli.answers import Answer, Answers, Finding
from sluiceway.cli.options import Common


def show(answers: Answers, data: Any, common: Common) -> int:
    """Show what a stop would come to."""
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
    fine = all(answer.accepted and not (answer.finding and answer.finding.problems) for answer in answers.jobs)
    return 0 if fine else 1


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
        " ".join([*found.problems, *([] if answer.accepted else [answer.message])]),
    )
