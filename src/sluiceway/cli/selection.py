"""Stops or moves a selection of jobs from a terminal: the command first lists them, then names them in the request.

What was counted is what is stopped. A job that begins to match meanwhile is not in it, and one that begins to ail holds
up no other, as it would hold up a plan: nobody has asked for exactly what was shown.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sluiceway.cli.answers import Answer, Answers, read
from sluiceway.cli.asking import confirm
from sluiceway.cli.choice import OPTIONS, tell_unjudged
from sluiceway.cli.connection import Reply
from sluiceway.cli.output import Failed
from sluiceway.settings import MAX_JOB_IDS

EMPTY: Final[Mapping[str, Any]] = {"id": None, "accepted": 0, "refused": 0, "jobs": []}
_CHOOSES: Final = frozenset({"all", "select", "queue", "name", "tags"})
_SAID: Final = ("job_id", "accepted", "code", "message", "wave")

Body = Mapping[str, object]
Ask = Callable[[Body, str], Reply]  # sends a request under a key


def confirmed(ask: Ask, body: Body, what: str) -> tuple[Body | None, list[Any]]:
    """The request, once somebody has typed its number of jobs. Raises `Failed`.

    `what` happens to them. Where it does not name its jobs, it does afterwards; None where it would happen to none.
    Beside it, what was said of those that it would not happen to, for `whole`.
    """
    named = body.get("job_ids")
    if isinstance(named, list):
        confirm(len(set(named)), what)
        return body, []
    data = ask({**body, "dry_run": True}, uuid.uuid4().hex).data
    answers = read(data, Answers)
    seen = answers.jobs
    tell_unjudged(answers.unjudged)
    wanted = list(dict.fromkeys(answer.job_id for answer in seen if _would_stop(answer)))
    if len(wanted) > MAX_JOB_IDS:
        raise Failed(
            f"Nothing was done: {len(wanted)} jobs would be {what}, and a request names {MAX_JOB_IDS} at most. Choose "
            f"fewer ({OPTIONS}), or give --yes, which takes whatever matches when it arrives.",
        )
    confirm(len(wanted), what)
    rest = [_said(item) for item, answer in zip(data["jobs"], seen, strict=True) if not _would_stop(answer)]
    manner = {name: value for name, value in body.items() if name not in _CHOOSES}
    return ({"job_ids": wanted, **manner} if wanted else None), rest


def whole(data: Mapping[str, Any], rest: Sequence[Any]) -> dict[str, Any]:
    """An answer, completed by the verdicts on jobs that were only looked at: none is dropped. Raises `Failed`."""
    said, accepted = read(data, Answers), sum(bool(item["accepted"]) for item in rest)
    counts = {"accepted": said.accepted + accepted, "refused": said.refused + len(rest) - accepted}
    return {**data, **counts, "jobs": [*data["jobs"], *rest]}


def _would_stop(answer: Answer) -> bool:
    """Whether the stop would take it: not a job that is refused, or stopped already."""
    return answer.accepted and not answer.code


def _said(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in _SAID if name in item}
